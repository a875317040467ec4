"""The one door: a game from a file, the catalogue or OpenSpiel, by its URI."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from games.errors import InputError
from games.normal import NormalFormGame
from games.uri import Uri, parse

if TYPE_CHECKING:
    from games.catalogue.entry import Entry


def load(uri: str | Path | NormalFormGame, **parameters: Any) -> NormalFormGame:
    """Load a game.

    Parameters
    ----------
    uri : str | Path | NormalFormGame
        A file (``game.nfg``, ``game.efg``, ``game.efg?form=full``, ``game.json``, ``payoffs.npz``,
        ``payoffs.csv``), ``zoo:NAME?key=value&key=value`` for a game of the catalogue, or
        ``openspiel:NAME(key=value)``, to which ``?form=full`` may be added. A `Path` is always a file; a game is returned as it is.
    **parameters
        Further parameters of the game, as text or as Python values; they win over those in the URI.

    Returns
    -------
    NormalFormGame

    Raises
    ------
    InputError
        If there is no such game, a parameter does not fit, or the game would not fit in memory; the message says
        what would be right.

    Examples
    --------
    >>> load("zoo:chicken").shape
    (2, 2)
    >>> load("zoo:random?shape=5x5x5", seed=1)
    NormalFormGame('Random game, 5x5x5, seed 1', 3 players, 5x5x5)
    """
    if isinstance(uri, NormalFormGame):
        return uri
    if isinstance(uri, Path):
        return _from_file(Uri("file", str(uri)), parameters)
    if not isinstance(uri, str):
        raise InputError(f"cannot load a game from {type(uri).__name__}; expected a path or a URI")
    parts = parse(uri)
    if parts.scheme == "zoo":
        return find(parts.name).build({**parts.parameters, **parameters})
    if parts.scheme == "openspiel":
        from games.from_openspiel import from_openspiel

        return from_openspiel(parts.name, **{**parts.parameters, **parameters})
    return _from_file(parts, parameters)


def catalogue() -> tuple[Entry, ...]:
    """Every game that ``zoo:`` knows: name, summary, source, parameters, known answers.

    Examples
    --------
    >>> [entry.name for entry in catalogue() if "penn" in entry.name]
    ['matching-pennies', 'asymmetric-matching-pennies', 'ochs-matching-pennies']
    """
    from games.catalogue import entries

    return tuple(entries().values())


def find(name: str) -> Entry:
    """The catalogue's entry of this name or alias; `InputError` with the nearest name if there is none."""
    from games.catalogue.entry import canonical, shorten

    names = {alias: entry for entry in catalogue() for alias in (entry.name, *entry.aliases)}
    wanted = canonical(name)
    if wanted in names:
        return names[wanted]
    near = get_close_matches(wanted, names, 1, 0.5)
    hint = f"did you mean zoo:{names[near[0]].name}?" if near else "`staghunt games` lists them"
    raise InputError(f"zoo has no game {shorten(name)!r}; {hint}")


def _from_file(parts: Uri, extra: dict[str, Any]) -> NormalFormGame:
    from games.from_files import load_file

    path = Path(parts.name)
    parameters = {**parts.parameters, **extra}
    form = parameters.pop("form", "reduced")
    is_tree = path.suffix.lower() == ".efg"
    if parameters:
        allowed = "only form=reduced or form=full" if is_tree else "none"
        raise InputError(f"{path} has no parameter {next(iter(parameters))!r}; such a file takes {allowed}")
    if form != "reduced" and not is_tree:
        raise InputError(f"{path}: form={form} is for extensive-form (.efg) files")
    if form not in ("reduced", "full"):
        raise InputError(f"{path}: form={form} is not one of reduced, full")
    return load_file(path, form=form)
