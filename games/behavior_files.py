"""Behaviour strategies as JSON files: written whole or not at all, read back by names and checked against the game."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from games.atomic import write_atomically
from games.errors import InputError
from games.simplices import Float
from games.text_input import decode, read_bytes, shown
from games.tree import TreeGame

FORMAT = "staghunt-behavior"
VERSION = 1


def behavior_rows(game: TreeGame, behavior: Any, which: Sequence[int] | None = None) -> list[dict[str, Any]]:
    """A behaviour strategy as records: player (from 0), information set, action names, probabilities.

    Parameters
    ----------
    game : TreeGame
        The game.
    behavior : float64[slots]
        A behaviour strategy profile.
    which : sequence of int, optional
        Only these information sets.
    """
    flat = np.asarray(behavior, dtype=np.float64).tolist()
    owner, bounds = game.owner.tolist(), game.offsets.tolist()
    return [
        {
            "player": owner[h],
            "infoset": game.infosets[h],
            "actions": list(game.actions[h]),
            "probs": flat[bounds[h] : bounds[h + 1]],
        }
        for h in (range(len(owner)) if which is None else which)
    ]


def save_behavior(path: str | Path, game: TreeGame, behavior: Any, **about: Any) -> Path:
    """Write a behaviour strategy profile with the game's title and digest.

    Parameters
    ----------
    path : str or Path
        Where to, conventionally ``.json``. An existing file is replaced in one step.
    game : TreeGame
        The game it is for.
    behavior : float64[slots]
        The profile; probabilities read back exactly.
    **about
        Anything else worth keeping that JSON can hold, such as ``concept="nash"``.

    Returns
    -------
    Path
        The path written.

    Raises
    ------
    InputError
        If it is not a behaviour strategy of this game, `about` is not JSON, or the file cannot be written.
    """
    document = {
        "format": FORMAT,
        "version": VERSION,
        "game": {"title": game.title, "digest": game.digest},
        **about,
        "behavior": behavior_rows(game, _checked(game, behavior, str(path))),
    }
    try:
        text = json.dumps(document, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: what is to be kept with the strategy is not JSON ({error})") from None
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; expected the name of a file")
    try:
        content = text.encode("utf-8", errors="surrogatepass")
        write_atomically(path, lambda temporary: temporary.write_bytes(content))
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
    return path


def load_behavior(path: str | Path, game: TreeGame) -> Float:
    """The behaviour strategy profile float64[slots] of a file, for this game.

    Parameters
    ----------
    path : str or Path
        What `save_behavior` or ``staghunt solve --out`` wrote, or any JSON object with a list ``behavior`` of
        ``{"player", "infoset", "actions", "probs"}``; of several solutions the first is taken.
    game : TreeGame
        The game. Information sets and actions are found by their names, in any order.

    Raises
    ------
    InputError
        If the file is not JSON, is for another game, leaves out an information set, or names one or an action that
        the game does not have; the message says where.
    """
    path = Path(path)
    document = read_document(path)
    solutions = document.get("solutions")
    if "behavior" not in document and isinstance(solutions, list) and solutions:
        document = {**solutions[0], "game": document.get("game")} if isinstance(solutions[0], dict) else {}
    check_game(document, game, path)
    return behavior_of(document.get("behavior"), game, str(path))


def read_document(path: Path) -> dict[str, Any]:
    """The JSON object in a file; `InputError` beginning with its name if there is none."""
    try:
        document = json.loads(decode(read_bytes(path)))
    except InputError as error:
        message = str(error).replace("; expected a game file", "; expected a file")
        raise InputError(f"{path}{' ' if message.startswith('is ') else ': '}{message}") from None
    except ValueError as error:
        line = getattr(error, "lineno", None)
        place = f", line {line}: not valid JSON" if line else ": not valid JSON"
        raise InputError(f"{path}{place} ({getattr(error, 'msg', error)})") from None
    except RecursionError:
        raise InputError(f"{path}: JSON nested too deeply") from None
    if not isinstance(document, dict):
        raise InputError(f"{path}: expected a JSON object, not a {_kind(document)}")
    return document


def check_game(document: Mapping[str, Any], game: Any, where: str | Path) -> None:
    """Raise `InputError` if the document says that it is about another game; one that does not say is believed."""
    about = document.get("game")
    digest = about.get("digest") if isinstance(about, dict) else None
    if digest is not None and digest != game.digest:
        title = about.get("title") if isinstance(about, dict) else None
        named = shown(title) if isinstance(title, str) and title else "another game"
        raise InputError(
            f"{where} is for {named} (digest {str(digest)[:12]}), "
            f"not for {game.title!r} (digest {game.digest[:12]})"
        )


def behavior_of(rows: Any, game: TreeGame, where: str) -> Float:
    """The profile float64[slots] that a list of records describes; see `load_behavior`."""
    if not isinstance(rows, list):
        raise InputError(f"{where} has no list 'behavior' of information sets with their probabilities")
    waiting = _by_name(game)
    flat = np.full(game.slots, np.nan)
    bounds = game.offsets.tolist()
    for k, row in enumerate(rows):
        place = f"{where}, behavior[{k}]"
        if not isinstance(row, dict):
            raise InputError(f"{place} is a {_kind(row)}, expected an object")
        h = _infoset(row, game, waiting, place)
        flat[bounds[h] : bounds[h + 1]] = _probabilities(row, game.actions[h], place)
    missing = [h for same in waiting.values() for h in same]
    if missing:
        h = min(missing)
        raise InputError(
            f"{where} has {len(game.owner) - len(missing):,} of {len(game.owner):,} information sets; the first "
            f"missing is {shown(game.infosets[h])} of {game.players[game.owner[h]]}"
        )
    return _checked(game, flat, where)


def _checked(game: TreeGame, behavior: Any, where: str) -> Float:
    """The profile, untouched where it is one up to rounding, so that what is written is what is read."""
    try:
        sound = game.check_behavior(behavior)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    flat = np.asarray(behavior, dtype=np.float64).ravel()
    exact = not flat.size or (flat.min() >= 0 and np.abs(flat - sound).max() <= 1e-14)
    return flat if exact else sound


def _by_name(game: TreeGame) -> dict[tuple[int, str], list[int]]:
    """Information sets by owner and name, in order; where names repeat, records are taken in the game's order."""
    found: dict[tuple[int, str], list[int]] = {}
    for h, key in enumerate(zip(game.owner.tolist(), game.infosets)):
        found.setdefault(key, []).append(h)
    return found


def _infoset(
    row: Mapping[str, Any], game: TreeGame, waiting: dict[tuple[int, str], list[int]], place: str
) -> int:
    player, name = row.get("player"), row.get("infoset")
    if isinstance(player, str) and list(game.players).count(player) == 1:
        player = game.players.index(player)
    if type(player) is not int or not 0 <= player < len(game.players):
        raise InputError(
            f"{place}: player {player!r} is not one of 0 to {len(game.players) - 1} or of their names"
        )
    same = waiting.get((player, name)) if isinstance(name, str) else None
    if same is None:
        told = shown(name) if isinstance(name, str) else repr(name)
        raise InputError(f"{place}: {game.players[player]} has no information set {told}")
    if not same:
        raise InputError(
            f"{place}: information set {shown(str(name))} of {game.players[player]} comes more often than in the game"
        )
    return same.pop(0)


def _probabilities(row: Mapping[str, Any], names: Sequence[str], place: str) -> list[float]:
    probs, actions = row.get("probs"), row.get("actions", list(names))
    if not isinstance(probs, list) or not all(type(p) in (int, float) for p in probs):
        raise InputError(f"{place}: 'probs' is not a list of numbers")
    if not isinstance(actions, list) or len(actions) != len(probs):
        raise InputError(f"{place}: 'actions' and 'probs' are not lists of the same length")
    if len(probs) != len(names):
        raise InputError(f"{place} has {len(probs)} probabilities for {len(names)} actions")
    if actions == list(names):
        return probs
    if len(set(names)) < len(names) or set(map(str, actions)) != set(names):
        strange = next((a for a in actions if a not in names), actions[0])
        raise InputError(f"{place}: unknown action {shown(str(strange))}; known are {', '.join(names[:12])}")
    return [probs[actions.index(name)] for name in names]


def _kind(value: Any) -> str:
    names = {list: "list", dict: "object", str: "text", bool: "truth value", type(None): "null"}
    return names.get(type(value), "number")
