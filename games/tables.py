"""Games as plain tables: this project's own JSON, and NumPy archives.

JSON: ``{"format": "staghunt-game", "version": 1, "title": ..., "players": [...], "actions": [[...], ...],
"payoffs": ...}`` with payoffs nested as [player][action of player 1]...[action of the last player], or as one flat
list in that (C) order when ``actions`` tells the sizes. Only ``payoffs`` is required; instead of it, ``A`` and
``B`` may give the two payoff matrices of a bimatrix game. A payoff is a number or a string such as "1/3".

A payoff table of a tournament (`games.empirical_files`) is read as its empirical game.

Archive (.npz): arrays ``payoffs`` [P, A1, ..., AP], or ``A`` and ``B``; ``names`` may hold title, players and
actions as JSON text. Nothing in an archive is ever unpickled.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from itertools import chain
from typing import Any, NoReturn

import numpy as np

from games.errors import InputError
from games.limits import check_fits
from games.normal import NormalFormGame
from games.simplices import Float
from games.text_input import exact, shown

FORMAT = "staghunt-game"
VERSION = 1
TABLE_PARAMETERS = ("delta", "without")


def parse_json(text: str, **table: Any) -> NormalFormGame:
    """The game that a JSON text describes (see the module's docstring).

    Parameters
    ----------
    text : str
        The JSON.
    **table
        Only for a payoff table of a tournament: `delta`, the probability that a stated bound fails (0.05), and
        `without`, names of agents to leave out, separated by commas.

    Raises
    ------
    InputError
        If the text is not JSON, or the JSON is not a game.

    Examples
    --------
    >>> parse_json('{"payoffs": [[[3, 0], [5, 1]], [[3, 5], [0, 1]]]}').shape
    (2, 2)
    """
    try:
        content = json.loads(text, parse_constant=_not_finite)
    except json.JSONDecodeError as error:
        raise InputError(f"line {error.lineno}: not valid JSON ({error.msg})") from None
    except RecursionError:
        raise InputError("the JSON is nested too deeply to be a game") from None
    except InputError:
        raise
    except ValueError as error:  # a whole number with thousands of digits
        raise InputError(f"not valid JSON ({error})") from None
    if not isinstance(content, dict):
        raise InputError(f"expected a JSON object with 'payoffs', found {_kind(content)}")
    if content.get("format") == "staghunt-payoff-table":
        return _empirical(content, **table)
    if table:
        raise InputError(f"parameter {next(iter(table))!r} is for payoff tables of tournaments")
    if content.get("format", FORMAT) != FORMAT:
        raise InputError(f"the format is {shown(str(content['format']))}, expected {FORMAT!r}")
    if content.get("version", VERSION) != VERSION:
        raise InputError(
            f"version {shown(str(content['version']))} of the format is not known; expected {VERSION}"
        )
    names = _names(content)
    given: dict[str, Float] = {
        key: _tensor(content[key], key) for key in ("payoffs", "A", "B") if key in content
    }
    payoffs = _payoffs(given)
    if payoffs.ndim == 1:
        payoffs = _unflatten(payoffs, names["actions"])
    return NormalFormGame(payoffs, **names)


def _empirical(content: dict[str, Any], delta: Any = 0.05, without: Any = "") -> NormalFormGame:
    from games.empirical_files import table_of

    try:
        sure = float(delta)
    except (TypeError, ValueError):
        raise InputError(f"delta={delta} is not a number") from None
    try:
        table = table_of(content, "table")
    except InputError as error:
        raise InputError(str(error).removeprefix("table: ")) from None
    names = [name.strip() for name in str(without).split(",") if name.strip()]
    table = table.without(names) if names else table
    if not table.known.all():
        missing = int(np.flatnonzero(~table.known)[0])
        raise InputError(
            f"cell {shown(table.cell_name(missing))} was not played, so this is no game; leave out an agent of each such "
            "cell, as in ?without=NAME"
        )
    return table.game(sure, "Empirical game of a tournament")


def read_npz(content: bytes) -> NormalFormGame:
    """The game in a NumPy archive (see the module's docstring).

    Raises
    ------
    InputError
        If the bytes are not such an archive, or its arrays are not a game or would not fit in memory.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            held = {name.removesuffix(".npy"): name for name in archive.namelist()}
            arrays: dict[str, Float] = {
                key: _read_array(archive, held[key]) for key in ("payoffs", "A", "B") if key in held
            }
            names = json.loads(str(_read_array(archive, held["names"], text=True))) if "names" in held else {}
    except (InputError, MemoryError):
        raise
    except Exception as error:  # the archive's bytes may be anything, and its readers fail in many ways
        told = str(error)
        told = told if len(told) <= 200 else told[:197] + "..."  # some quote the whole file
        raise InputError(f"not a readable .npz archive ({type(error).__name__}: {told})") from None
    if not isinstance(names, dict):
        raise InputError("'names' in the archive is not a JSON object")
    if not arrays:
        found = ", ".join(map(shown, sorted(held)[:6])) or "nothing"
        raise InputError(f"the archive has no array 'payoffs' (or 'A' and 'B'); it holds {found}")
    return NormalFormGame(_payoffs(arrays), **_names(names))


def names_json(game: NormalFormGame) -> str:
    """Title, players and actions as JSON text: the `names` of an archive."""
    return json.dumps({"title": game.title, "players": game.players, "actions": game.actions})


# --- JSON ----------------------------------------------------------------------------------------------------


def _names(content: dict[str, Any]) -> dict[str, Any]:
    """Title, players and actions, checked to be text and lists of text."""
    title, players, actions = content.get("title", ""), content.get("players", []), content.get("actions", [])
    if not isinstance(title, str):
        raise InputError(f"'title' is {_kind(title)}, expected text")
    _check_texts(players, "'players'")
    if not isinstance(actions, list):
        raise InputError(f"'actions' is {_kind(actions)}, expected one list of names per player")
    for k, block in enumerate(actions):
        _check_texts(block, f"'actions'[{k}]")
    return {"title": title, "players": tuple(players), "actions": tuple(map(tuple, actions))}


def _check_texts(names: Any, what: str) -> None:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{what} is not a list of names")


def _tensor(nested: Any, key: str) -> Float:
    """Nested lists of numbers as an array; the lists at each depth must be equally long."""
    level: list[Any] = [nested]
    shape: list[int] = []
    while level and all(isinstance(item, list) for item in level):
        sizes = set(map(len, level))
        if len(sizes) > 1:
            raise InputError(
                f"{key!r}: lists at depth {len(shape) + 1} have different lengths, {min(sizes)} and {max(sizes)}"
            )
        shape.append(sizes.pop())
        if len(shape) > 63:
            raise InputError(f"{key!r} is nested more than 63 deep")
        level = list(chain.from_iterable(level))
    if not shape:
        raise InputError(f"{key!r} is {_kind(nested)}, expected a list")
    if set(map(type, level)) - {float, int}:
        level = [_number(item, key, k, shape) for k, item in enumerate(level)]
    try:
        return np.array(level, dtype=np.float64).reshape(shape)
    except OverflowError:
        raise InputError(f"{key!r} has a number beyond the range of float64") from None


def _number(item: Any, key: str, position: int, shape: list[int]) -> float:
    if isinstance(item, float | int) and not isinstance(item, bool):
        return item
    where = "".join(f"[{k}]" for k in np.unravel_index(position, shape))
    if isinstance(item, str):
        try:
            return float(exact(item.strip()))
        except InputError as error:
            raise InputError(f"{key}{where}: {error}") from None
    raise InputError(f"{key}{where} is {_kind(item)}, expected a number")


def _unflatten(flat: Float, actions: tuple[tuple[str, ...], ...]) -> Float:
    shape = [len(block) for block in actions]
    if not shape:
        raise InputError("a flat list of payoffs needs 'actions' to tell how many there are of each player")
    wanted = math.prod(shape) * len(shape)
    if flat.size != wanted:
        profiles = math.prod(shape)
        raise InputError(
            f"expected {wanted} payoffs ({profiles} profiles x {len(shape)} players), found {flat.size}"
        )
    return flat.reshape(len(shape), *shape)


def _payoffs(arrays: dict[str, Float]) -> Float:
    """The payoff tensor from `payoffs`, or from the matrices `A` and `B`."""
    if "payoffs" in arrays:
        return arrays["payoffs"]
    if set(arrays) != {"A", "B"}:
        raise InputError("neither 'payoffs' nor both of 'A' and 'B' are given")
    first, second = arrays["A"], arrays["B"]
    if first.ndim != 2 or first.shape != second.shape:
        raise InputError(
            f"'A' and 'B' have shapes {first.shape} and {second.shape}; expected two matrices alike"
        )
    return np.stack([first, second])


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _not_finite(constant: str) -> NoReturn:
    raise InputError(f"{constant} is not a finite number")


# --- archives ------------------------------------------------------------------------------------------------


def _read_array(archive: zipfile.ZipFile, member: str, text: bool = False) -> Any:
    """An array of numbers (or one text) from an archive; its size is judged by its header before it is read."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        header = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = header(file)
    if text:
        if dtype.kind != "U" or shape != () or dtype.itemsize > 2**30:
            raise InputError(f"{member} is not text")
    elif dtype.kind not in "iuf":
        raise InputError(f"{member} has the type {dtype}, expected numbers")
    else:
        check_fits(shape[1:] if member == "payoffs.npy" else shape, f"{member} in the archive")
    with archive.open(member) as file:
        return np.lib.format.read_array(file, allow_pickle=False)
