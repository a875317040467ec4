"""What particle worlds can be set to, and reading it from names and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, ClassVar, get_type_hints

from games.catalogue.entry import Parameter, canonical, shorten, unknown
from games.errors import InputError

MOST = 1_000
"""Discs in one world, at most."""
_LONGEST = 2**31 - 1
_SPELLINGS = {"n": "N", "continuous_actions": "continuous"}
_THEIRS = ("curriculum", "num_agent_neighbors", "num_landmark_neighbors", "benchmark_data")
"""Parameters of mpe2's that change the world, and that ours have not."""
_OTHERS = (
    "simple_v3",
    "simple_adversary_v3",
    "simple_crypto_v3",
    "simple_push_v3",
    "simple_reference_v3",
    "simple_world_comm_v3",
    "simple_formation_v1",
    "simple_line_v1",
    "collect_treasure_v1",
)
"""Worlds of mpe2 that are not among ours."""


@dataclass(frozen=True)
class Spread:
    """Simple spread: particles shall cover as many posts without touching each other.

    Parameters
    ----------
    N : int
        Number of particles, and of posts.
    local_ratio : float
        Weight of the agent's own collisions in its reward; the rest is for the common distance to the posts.
    max_cycles : int
        Steps after which an episode is cut off.
    continuous : bool
        Whether actions are five numbers in [0, 1] instead of one of five pushes.
    terminate_on_success : bool
        Whether the game ends as soon as all posts are covered.
    """

    LIBRARY: ClassVar[str] = "simple_spread_v3"

    N: int = 3
    local_ratio: float = 0.5
    max_cycles: int = 25
    continuous: bool = False
    terminate_on_success: bool = False

    def __post_init__(self) -> None:
        _check(self, "N", 1, MOST)
        _check(self, "max_cycles", 1, _LONGEST)
        if not 0 <= self.local_ratio <= 1:
            raise InputError(f"local_ratio is a share from 0 to 1, not {self.local_ratio:g}")


@dataclass(frozen=True)
class Tag:
    """Simple tag: slow adversaries hunt faster prey among obstacles.

    Parameters
    ----------
    num_good, num_adversaries, num_obstacles : int
        Numbers of prey, of adversaries and of obstacles.
    max_cycles, continuous
        As in `Spread`.
    terminate_on_success : bool
        Whether the game ends as soon as every prey is touched at once.
    """

    LIBRARY: ClassVar[str] = "simple_tag_v3"

    num_good: int = 1
    num_adversaries: int = 3
    num_obstacles: int = 2
    max_cycles: int = 25
    continuous: bool = False
    terminate_on_success: bool = False

    def __post_init__(self) -> None:
        _check(self, "num_good", 1, MOST)
        _check(self, "num_adversaries", 1, MOST)
        _check(self, "num_obstacles", 0, MOST)
        _check(self, "max_cycles", 1, _LONGEST)
        discs = self.num_good + self.num_adversaries + self.num_obstacles
        if discs > MOST:
            raise InputError(f"prey, adversaries and obstacles are at most {MOST:,} together, not {discs:,}")


@dataclass(frozen=True)
class SpeakerListener:
    """Simple speaker-listener: one knows the goal and speaks, the other hears and moves.

    Parameters
    ----------
    max_cycles, continuous
        As in `Spread`.
    """

    LIBRARY: ClassVar[str] = "simple_speaker_listener_v4"

    max_cycles: int = 25
    continuous: bool = False

    def __post_init__(self) -> None:
        _check(self, "max_cycles", 1, _LONGEST)


Setup = Spread | Tag | SpeakerListener
SETUPS: dict[str, type[Spread] | type[Tag] | type[SpeakerListener]] = {
    "simple-spread": Spread,
    "simple-tag": Tag,
    "simple-speaker-listener": SpeakerListener,
}
"""What each world can be set to, by its name."""


def read_setup(name: str, parameters: Mapping[str, Any]) -> Setup:
    """The setup of a particle world from its name and parameters.

    Parameters
    ----------
    name : str
        ``simple-spread``, ``simple_spread`` or ``simple_spread_v3``; likewise for the others.
    parameters : mapping
        Those of the setup, as text or Python values.

    Raises
    ------
    InputError
        If there is no such world, or a parameter is unknown, given twice, or out of range.
    """
    world = _world(name)
    where, kind = f"mpe:{world}", SETUPS[world]
    hints = get_type_hints(kind)
    known = {f.name: Parameter(f.name, hints[f.name], f.default) for f in fields(kind)}
    values: dict[str, Any] = {}
    for given, value in parameters.items():
        key = given if given in known else _SPELLINGS.get(given, given)
        if key not in known:
            raise InputError(f"{where} {_unknown(given, known, kind.LIBRARY)}")
        if key in values:
            raise InputError(f"{where}: {key} is given twice, also as {given}")
        try:
            values[key] = known[key].parse(value)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    try:
        return kind(**values)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def setup_uri(setup: Setup) -> str:
    """The URI from which `read_setup` makes this setup again: what is not at its default, and how many there are."""
    world = next(name for name, kind in SETUPS.items() if type(setup) is kind)
    hints = get_type_hints(type(setup))
    told = [
        f"{f.name}={Parameter(f.name, hints[f.name], f.default).show(getattr(setup, f.name))}"
        for f in fields(setup)
        if f.name == "N" or getattr(setup, f.name) != f.default
    ]
    return f"mpe:{world}" + (f"?{'&'.join(told)}" if told else "")


def _world(name: str) -> str:
    """The world meant by a name."""
    plain = canonical(name)
    for world, kind in SETUPS.items():
        if plain in (world, canonical(kind.LIBRARY)):
            return world
    bare = plain.rpartition("-v")[0] or plain
    if bare in SETUPS:
        raise InputError(f"mpe:{shorten(name)} is not the version that is played here; take mpe:{bare}")
    for theirs in _OTHERS:
        if bare == canonical(theirs).rpartition("-v")[0]:
            raise InputError(
                f"mpe:{bare} is not among the particle worlds here, {', '.join(SETUPS)}; "
                f"mpe2's own is pettingzoo:mpe2.{theirs}"
            )
    near = get_close_matches(bare, SETUPS, 1, 0.4)
    hint = f"did you mean mpe:{near[0]}?" if near else f"known are {', '.join(SETUPS)}"
    raise InputError(f"there is no mpe:{shorten(name)}; {hint}")


def _unknown(name: str, known: Mapping[str, Parameter], library: str) -> str:
    if name in _THEIRS:
        return f"has no parameter {name!r}; mpe2's own has, as pettingzoo:mpe2.{library}?{name}=..."
    return unknown("parameter", name, known)


def _check(setup: Any, name: str, low: int, high: int) -> None:
    value = getattr(setup, name)
    if not low <= value <= high:
        raise InputError(f"{name} must be from {low} to {high:,}, not {value:,}")
