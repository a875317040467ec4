"""Mean-field games by URI: ``mfg:crowd?size=10`` and OpenSpiel's, as models and as games of N agents."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from os.path import exists
from typing import TYPE_CHECKING, Any

from games.catalogue.entry import Parameter, canonical, shorten
from games.env import Env
from games.errors import InputError
from games.meanfield import MeanFieldModel, to_env
from games.uri import parse, split_query

if TYPE_CHECKING:
    from games.catalogue.mean_field import MeanFieldEntry

SCHEME = "mfg"
EXAMPLES = ("mfg:crowd?agents=50", "mfg:sis?agents=200")
AGENTS = 100
"""Agents of the environment where nothing is said."""
_MOST = 1_000_000
_PLAY = (Parameter("agents", int, AGENTS),)
"""What only the game of N agents has."""


def catalogue() -> tuple[MeanFieldEntry, ...]:
    """Every game that ``mfg:`` knows.

    Examples
    --------
    >>> [entry.name for entry in catalogue()][:3]
    ['crowd', 'beach-bar', 'crowd-2d']
    """
    from games.catalogue.mean_field import MEAN_FIELD

    return tuple(MEAN_FIELD.values())


def is_mean_field(uri: str) -> bool:
    """Whether a URI names a mean-field game: one of ours, or one of OpenSpiel's (which is then loaded to see)."""
    scheme, colon, rest = uri.partition(":")
    if not colon or exists(uri):
        return False
    if scheme.lower() == SCHEME:
        return True
    if scheme.lower() != "openspiel":
        return False
    from games.from_openspiel_mean_field import is_mean_field_game

    return is_mean_field_game(rest)


def load_mean_field(uri: str, *, progress: Any = None, **parameters: Any) -> MeanFieldModel:
    """A mean-field game as a model.

    Parameters
    ----------
    uri : str
        ``mfg:NAME?key=value``, or ``openspiel:NAME(key=value)`` of a mean-field game with one population; ``agents``, of the
        game of N agents, is not looked at.
    progress : callable, optional
        Told ``(fraction, text)`` while OpenSpiel's states are listed.
    **parameters
        Further parameters; they win over those in the URI.

    Raises
    ------
    InputError
        If there is no such game or a parameter does not fit; the message says what would be right.

    Examples
    --------
    >>> model = load_mean_field("mfg:crowd?size=20")
    >>> model.states, model.actions, model.horizon
    (20, 3, 10)
    """
    scheme, colon, rest = uri.partition(":")
    if colon and scheme.lower() == "openspiel":
        from games.from_openspiel_mean_field import from_openspiel_mean_field

        parts = parse(uri)
        own, _ = _divided(f"openspiel:{parts.name}", {**parts.parameters, **parameters})
        if own:
            raise InputError(
                f"openspiel:{shorten(parts.name)} has no parameter {shorten(str(next(iter(own))))!r} here; write the game's "
                "own in brackets, as NAME(key=value)"
            )
        return from_openspiel_mean_field(parts.name, progress=progress)
    if not colon or scheme.lower() != SCHEME:
        raise InputError(
            f"{shorten(uri)} is no mean-field game; those are mfg:NAME and some openspiel:NAME (`staghunt games mfg:`)"
        )
    name, _, query = rest.partition("?")
    entry = find(name)
    told = f"{SCHEME}:{entry.name}"
    own, _ = _divided(told, {**split_query(query, told), **parameters})
    return _built(entry, own)


def make(name: str, parameters: Mapping[str, Any]) -> Env:
    """The game of N agents of a mean-field game, each with a reward of its own.

    Parameters
    ----------
    name : str
        As in ``mfg:NAME``.
    parameters : mapping
        The game's, and ``agents``: N, 100 by default.

    Raises
    ------
    InputError
        If there is no such game or a parameter does not fit.

    Examples
    --------
    >>> make("crowd", {"agents": "50"}).spec.name
    'mfg:crowd?agents=50'
    """
    entry = find(name)
    told = f"{SCHEME}:{entry.name}"
    own, play = _divided(told, parameters)
    model = _built(entry, own)
    agents = play["agents"]
    if not 1 <= agents <= _MOST:
        raise InputError(f"{told}: parameter agents={agents} must be between 1 and {_MOST:,}")
    table = {p.name: p for p in entry.parameters}
    query = "&".join(
        [
            f"agents={agents}",
            *(f"{key}={table[key].show(table[key].parse(value))}" for key, value in own.items()),
        ]
    )
    return to_env(model, agents, name=f"{told}?{query}")


def source_of(uri: str) -> str | None:
    """Where a game of ours was published; None for others."""
    scheme, _, rest = uri.partition(":")
    return str(find(rest.partition("?")[0]).source) if scheme.lower() == SCHEME else None


def find(name: str) -> MeanFieldEntry:
    """The entry of this name; `InputError` with the nearest name if there is none."""
    names = {entry.name: entry for entry in catalogue()}
    wanted = canonical(name)
    if wanted in names:
        return names[wanted]
    near = get_close_matches(wanted, names, 1, 0.5)
    hint = f"did you mean {SCHEME}:{near[0]}?" if near else f"there are {', '.join(names)}"
    raise InputError(f"{SCHEME} has no game {shorten(name)!r}; {hint}")


def _divided(told: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The game's own parameters, and those of its play with their defaults."""
    play = {p.name: p.default for p in _PLAY}
    own = dict(given)
    for parameter in _PLAY:
        if parameter.name in own:
            try:
                play[parameter.name] = parameter.parse(own.pop(parameter.name))
            except InputError as error:
                raise InputError(f"{told}: {error}") from None
    return own, play


def _built(entry: MeanFieldEntry, parameters: Mapping[str, Any]) -> MeanFieldModel:
    told = f"{SCHEME}:{entry.name}"
    try:
        model: Any = entry.build(parameters)
    except InputError as error:
        message = str(error)
        raise InputError(message if told in message else f"{told}: {message}") from None
    assert isinstance(model, MeanFieldModel)
    return model
