"""The one door: a game from a file, the catalogue or OpenSpiel, by its URI."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from games.errors import InputError
from games.normal import NormalFormGame
from games.tree import TreeGame
from games.uri import Uri, parse

if TYPE_CHECKING:
    from games.catalogue.entry import Entry

Game = NormalFormGame | TreeGame


def load(
    uri: str | Path | Game,
    *,
    max_nodes: int | str | None = None,
    progress: Callable[[float, str], None] | None = None,
    **parameters: Any,
) -> Any:
    """Load a game.

    Parameters
    ----------
    uri : str | Path | NormalFormGame | TreeGame
        A file (``game.nfg``, ``game.efg``, ``game.efg?form=full``, ``game.json``, ``payoffs.npz``,
        ``payoffs.csv``), the folder or the ``table.json`` of a tournament (``runs/x?delta=0.01&without=AGENT``), ``zoo:NAME?key=value&key=value`` for a game of the catalogue, or
        ``openspiel:NAME(key=value)``, to which ``?form=full`` may be added. A `Path` is always a file; a game is
        returned as it is.
    max_nodes : int, optional
        Largest tree that is compiled; 5 million by default for OpenSpiel's games, no limit for files.
    progress : callable, optional
        Told how many nodes a tree has so far: ``progress(nan, "compiling leduc_poker: 123,456 nodes")``.
    **parameters
        Further parameters of the game, as text or as Python values; they win over those in the URI. Games with a
        tree take ``form``: ``tree``, or ``reduced`` or ``full`` for their strategic form. Payoff tables of tournaments
        take ``delta``, the probability that a stated bound fails (0.05), and ``without``, names of agents to leave
        out, separated by commas.

    Returns
    -------
    NormalFormGame or TreeGame
        A tree for extensive-form files and OpenSpiel games with more than one decision, unless ``form`` asks for
        the strategic form; else a normal form, of a tournament an `EmpiricalGame`.

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
    if isinstance(uri, NormalFormGame | TreeGame):
        return uri
    if isinstance(uri, Path):
        return _within(_from_file(Uri("file", str(uri)), parameters), max_nodes, str(uri))
    if not isinstance(uri, str):
        raise InputError(f"cannot load a game from {type(uri).__name__}; expected a path or a URI")
    if uri.lower().startswith("mfg:") and not Path(uri).exists():
        raise InputError(
            f"{uri[:60]} is a mean-field game: `staghunt solve`, certify, info and play take it, and in Python "
            "games.mean_field_games.load_mean_field"
        )
    parts = parse(uri)
    if parts.scheme == "zoo":
        return find(parts.name).build({**parts.parameters, **parameters})
    if parts.scheme == "openspiel":
        from games.from_openspiel import from_openspiel

        if max_nodes is not None:
            parameters["max_nodes"] = max_nodes
        return from_openspiel(parts.name, progress=progress, **{**parts.parameters, **parameters})
    return _within(_from_file(parts, parameters), max_nodes, parts.name)


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


def _from_file(parts: Uri, extra: dict[str, Any]) -> Game:
    from games.from_files import FORMS, load_file
    from games.tables import TABLE_PARAMETERS

    path = Path(parts.name)
    if path.is_dir():
        path = Path(parse(str(path)).name)
    parameters = {**parts.parameters, **extra}
    form = parameters.pop("form", None)
    kind = path.suffix.lower()
    own = {key: parameters.pop(key) for key in TABLE_PARAMETERS if kind == ".json" and key in parameters}
    if parameters:
        takes = {
            ".efg": f"only form={', form='.join(FORMS)}",
            ".json": "only delta and without, of a tournament",
        }
        raise InputError(
            f"{path} has no parameter {next(iter(parameters))!r}; such a file takes {takes.get(kind, 'none')}"
        )
    if form is not None and form not in FORMS:
        raise InputError(f"{path}: form={form} is not one of {', '.join(FORMS)}")
    return load_file(path, form=form, **own)


def _within(game: Game, max_nodes: int | str | None, name: str) -> Game:
    """A game from a file, unless its tree is larger than the limit."""
    if max_nodes is None:
        return game
    from games.from_openspiel import node_limit

    limit = node_limit(max_nodes)
    if isinstance(game, TreeGame) and game.nodes > limit:
        raise InputError(
            f"{name}: the game tree has {game.nodes:,} nodes, more than max_nodes (CLI --max-nodes) {limit:,}"
        )
    return game
