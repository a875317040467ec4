"""Team games in which coordination is everything, by name: ``coordination:aloha?agents=10``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, get_type_hints

from games.catalogue.entry import Parameter, canonical, shorten
from games.env import Env
from games.errors import InputError
from games.load import load
from games.normal import NormalFormGame
from games.sims.coordination_aloha import AlohaRules
from games.sims.coordination_bits import BitsRules
from games.sims.coordination_gather import GatherRules
from games.sims.coordination_matrix import ClimbRules, CommonPayoffRules
from games.sims.simulation import Rules, Simulation

EXAMPLES = (
    "coordination:bits?agents=3",
    "coordination:aloha?agents=10",
    "coordination:gather",
    "coordination:climbing",
    "coordination:penalty?k=-100&steps=25",
    "coordination:climb?agents=5",
    "coordination:matrix?game=zoo:pure-coordination&actions=4",
)

RESERVED = ("name", "uri", "progress", "max_nodes")
"""What cannot be handed on to a game of the catalogue."""

_CLIMB = "the game of Claus and Boutilier has 2 agents, not {}; coordination:climb?agents={} is the one for any number"


def make(name: str, parameters: Mapping[str, Any]) -> Env:
    """A coordination game.

    Parameters
    ----------
    name : str
        ``bits``: `games.sims.coordination_bits.BitsRules`. ``aloha``: `games.sims.coordination_aloha.AlohaRules`. ``gather``:
        `games.sims.coordination_gather.GatherRules`. ``climbing``, ``penalty`` (with `k`): the two-agent matrix games of
        Claus and Boutilier (1998), ``climb`` one for any number of agents, ``matrix`` any game with common payoff, such
        as game=zoo:pure-coordination (further parameters are the game's); all four played `steps` times per episode, once
        by default.
    parameters : mapping
        As text or Python values.

    Raises
    ------
    InputError
        If there is no such game or a parameter does not fit; the message says what would be right.

    Examples
    --------
    >>> make("aloha", {"graph": "ring", "agents": "6"}).spec.groups[0].size
    6
    """
    chosen = canonical(name)
    told = f"coordination:{shorten(name)}"
    if chosen not in GAMES:
        near = get_close_matches(chosen, GAMES, 1, 0.5)
        hint = f"did you mean coordination:{near[0]}?" if near else f"known are {', '.join(GAMES)}"
        raise InputError(f"there is no {told}; {hint}")
    builder = GAMES[chosen]
    values = _values(builder, parameters, told)
    given = "&".join(f"{k}={shorten(str(v), 40)}" for k, v in parameters.items())
    title = f"coordination:{chosen}" + (f"?{given}" if given else "")
    try:
        return Simulation(builder(title, **values))
    except InputError as error:
        message = str(error)
        raise InputError(message if told in message else f"{told}: {message}") from None


def _values(builder: Callable[..., Rules], given: Mapping[str, Any], told: str) -> dict[str, Any]:
    """Parameters as the builder's signature wants them."""
    hints = get_type_hints(builder.__init__ if inspect.isclass(builder) else builder)
    signature = inspect.signature(builder).parameters
    known = {
        p.name: Parameter(p.name, _plain(hints[p.name]), p.default) for p in list(signature.values())[1:]
    }
    others = any(p.kind is p.VAR_KEYWORD for p in signature.values())
    values = {}
    for key, value in given.items():
        if key in known:
            if value is None and known[key].default is None:
                continue
            try:
                values[key] = known[key].parse(value)
            except InputError as error:
                raise InputError(f"{told}: {error}") from None
        elif others and key not in RESERVED:
            values[key] = value
        else:
            near = get_close_matches(key, known, 1, 0.5)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}"
            raise InputError(f"{told} has no parameter {shorten(key)!r}; {hint}")
    return values


def _plain(kind: Any) -> Any:
    """The type of an optional parameter."""
    return {int | None: int, float | None: float}.get(kind, kind)


def _climbing(name: str, agents: int = 2, steps: int = 1) -> Rules:
    if agents != 2:
        raise InputError(_CLIMB.format(agents, max(agents, 2)))
    return CommonPayoffRules(load("zoo:climbing"), name, steps)


def _penalty(name: str, k: float = -100.0, agents: int = 2, steps: int = 1) -> Rules:
    if agents != 2:
        raise InputError(_CLIMB.format(agents, max(agents, 2)))
    return CommonPayoffRules(load("zoo:penalty", k=k), name, steps)


def _matrix(name: str, game: Any = "zoo:pure-coordination", steps: int = 1, **rest: Any) -> Rules:
    loaded = load(game, **rest)
    if not isinstance(loaded, NormalFormGame):
        raise InputError(f"{shorten(str(game))} is not a normal-form game (form=reduced makes one of a tree)")
    return CommonPayoffRules(loaded, name, steps)


GAMES: dict[str, Callable[..., Rules]] = {
    "bits": BitsRules,
    "aloha": AlohaRules,
    "gather": GatherRules,
    "climbing": _climbing,
    "penalty": _penalty,
    "climb": ClimbRules,
    "matrix": _matrix,
}
"""What builds the rules of each game, from its title and parameters."""
