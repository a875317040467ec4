"""What a tournament is asked to do, as checked records, and reading that from YAML."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from experiments.training.fields import nearest_name, options_of
from experiments.training.layers import short
from games.errors import InputError

FORMAT, VERSION = "staghunt-tournament", 1
FOCUS = ("all", "ranking", "equilibrium")
LARGEST_SEED = 2**63 - 1
READING = ("self_play", "delta", "payoff_range")
"""Keys that say how results are read; which matches are played depends on them only if their numbers are adaptive."""
_IGNORED = ("about", "format", "version", "provenance", "files")
_KEYS = (
    "env",
    "agents",
    "roles",
    "matches",
    "seed",
    "max_steps",
    "exact",
    "self_play",
    "delta",
    "payoff_range",
)


@checked(frozen=True, config=ConfigDict(extra="forbid"))
class Matches:
    """How many samples each cell gets.

    A sample is one match, or one match seed in all seatings where a symmetric tournament swaps seats.
    """

    samples: int | None = Field(None, ge=1, le=10**9, description="of every cell, fixed beforehand")
    half_width: float | None = Field(
        None, gt=0, description="go on until intervals are this narrow, in payoff units"
    )
    at_least: int = Field(32, ge=2, le=10**9, description="samples of every cell before the first look")
    at_most: int = Field(100_000, ge=2, le=10**9, description="samples of a cell")
    focus: Literal["all", "ranking", "equilibrium"] = Field(
        "all",
        description="whose intervals: of every cell, of what decides the ranking, or the equilibrium's epsilon",
    )


@dataclass(frozen=True)
class Role:
    """A player of the empirical game.

    Parameters
    ----------
    name : str
        What it is called.
    seats : tuple of str
        The agents of the environment that one agent of the tournament plays.
    agents : tuple of (str, str)
        Name and policy of each.
    """

    name: str
    seats: tuple[str, ...]
    agents: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Spec:
    """A tournament.

    Parameters
    ----------
    env : str
        The environment's URI, or a game's.
    roles : tuple of Role
        Who can play what; of a symmetric tournament one, without seats, for all.
    symmetric : bool
        Whether everybody plays every seat.
    matches : Matches
        How many.
    seed : int
        Of everything random.
    max_steps : int or None
        Where matches are cut off.
    exact : bool
        Whether cells are computed instead of played where that is possible.
    self_play : bool
        Whether agents meet themselves in the mean score.
    delta : float
        Probability that a stated bound fails.
    payoff_range : tuple of float or None
        Payoffs lie within, where that does not follow from the game.
    """

    env: str
    roles: tuple[Role, ...]
    symmetric: bool
    matches: Matches
    seed: int = 0
    max_steps: int | None = None
    exact: bool = True
    self_play: bool = False
    delta: float = 0.05
    payoff_range: tuple[float, float] | None = None

    def document(self) -> dict[str, Any]:
        """The spec as plain data, as it stands in YAML."""
        matches = {key: value for key, value in asdict(self.matches).items() if value is not None}
        if self.matches.samples is not None:
            matches = {"samples": self.matches.samples}
        who: dict[str, Any]
        if self.symmetric:
            who = {"agents": dict(self.roles[0].agents)}
        else:
            who = {"roles": {r.name: {"seats": list(r.seats), "agents": dict(r.agents)} for r in self.roles}}
        rest = {
            "seed": self.seed,
            "max_steps": self.max_steps,
            "exact": self.exact,
            "self_play": self.self_play,
            "delta": self.delta,
            "payoff_range": None if self.payoff_range is None else list(self.payoff_range),
        }
        return {"env": self.env, **who, "matches": matches, **rest}

    @property
    def digest(self) -> str:
        """SHA-256 of everything that results depend on."""
        document = self.document()
        if self.matches.half_width is None:
            for key in READING:  # only how results are read depends on these
                document.pop(key)
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def spec_of(document: Any, source: str) -> Spec:
    """The tournament that a YAML document describes.

    Parameters
    ----------
    document : mapping
        As read.
    source : str
        The file, for messages.

    Raises
    ------
    InputError
        Naming the key that is unknown (with the nearest that is not), missing, or has a value that does not fit.
    """
    if not isinstance(document, Mapping):
        raise InputError(f"{source}: expected a mapping with env, agents and matches, not {short(document)}")
    given = {("env" if key == "game" else str(key)): value for key, value in document.items()}
    if "game" in document and "env" in document:
        raise InputError(f"{source}: env and game are the same key; give one of them")
    _check_keys(given, _KEYS, source, "")
    env = _text(
        given.get("env"), source, "env", "the environment or game, such as repeated:prisoners-dilemma"
    )
    if ("agents" in given) == ("roles" in given):
        raise InputError(
            f"{source}: give either agents (everybody plays every seat) or roles (a population for each role)"
        )
    symmetric = "agents" in given
    roles = (
        (Role("agents", (), _agents(given["agents"], source, "agents")),)
        if symmetric
        else _roles(given["roles"], source)
    )
    return Spec(
        env,
        roles,
        symmetric,
        _matches(given.get("matches", 100), source),
        seed=_whole(given.get("seed", 0), source, "seed", 0),
        max_steps=None
        if given.get("max_steps") is None
        else _whole(given["max_steps"], source, "max_steps", 1),
        exact=_truth(given.get("exact", True), source, "exact"),
        self_play=_truth(given.get("self_play", False), source, "self_play"),
        delta=_probability(given.get("delta", 0.05), source, "delta"),
        payoff_range=_range(given.get("payoff_range"), source),
    )


def _check_keys(given: Mapping[str, Any], known: tuple[str, ...], source: str, where: str) -> None:
    for key in given:
        if key not in known and not (where == "" and key in _IGNORED):
            near = nearest_name(key, known)
            hint = f"did you mean {near}?" if near else f"known are {', '.join(known)}"
            raise InputError(f"{source}: unknown key {where + key!r:.80}; {hint}")


def _agents(given: Any, source: str, where: str) -> tuple[tuple[str, str], ...]:
    """Name and policy of every agent, from a list of policies or a mapping of names to policies."""
    if isinstance(given, list):
        named = [(item, item) for item in given]
    elif isinstance(given, Mapping):
        named = [(str(name), policy) for name, policy in given.items()]
    else:
        raise InputError(
            f"{source}: {where} is {short(given)}, expected a list of policies or names with policies"
        )
    if not named:
        raise InputError(f"{source}: {where} is empty; a tournament needs at least one agent there")
    seen = set()
    for name, policy in named:
        if not isinstance(policy, str) or not policy.strip():
            raise InputError(
                f"{source}: the policy of {where}.{name} is {short(policy)}, expected text, such as random"
            )
        if not name.strip():
            raise InputError(f"{source}: an agent of {where} has no name")
        _check_characters(name + policy, source, where)
        if len(name) > 200:
            raise InputError(f"{source}: the name {name[:40]!r}... of an agent is longer than 200 characters")
        if name in seen:
            raise InputError(f"{source}: two agents of {where} are called {name!r:.80}")
        seen.add(name)
    return tuple((name, policy.strip()) for name, policy in named)


def _roles(given: Any, source: str) -> tuple[Role, ...]:
    if not isinstance(given, Mapping) or not given:
        raise InputError(f"{source}: roles is {short(given)}, expected names of roles with their agents")
    roles = []
    for name, value in given.items():
        seats: Any = [name]
        agents = value
        if isinstance(value, Mapping) and "agents" in value:
            _check_keys(value, ("seats", "agents"), source, f"roles.{name}.")
            seats, agents = value.get("seats", [name]), value["agents"]
        if isinstance(seats, str):
            seats = [seats]
        if not isinstance(seats, list) or not seats or not all(isinstance(seat, str) for seat in seats):
            raise InputError(
                f"{source}: roles.{name}.seats is {short(seats)}, expected a list of the environment's agents"
            )
        _check_characters("".join([str(name), *seats]), source, "roles")
        roles.append(Role(str(name), tuple(seats), _agents(agents, source, f"roles.{name}")))
    return tuple(roles)


def _matches(given: Any, source: str) -> Matches:
    if isinstance(given, int | float) and not isinstance(given, bool):
        return _checked({"samples": _whole(given, source, "matches", 1)}, source)
    if not isinstance(given, Mapping):
        raise InputError(
            f"{source}: matches is {short(given)}, expected a number or half_width, at_least, at_most, focus"
        )
    known = tuple(option.key for option in options_of(Matches, ""))
    _check_keys(given, known, source, "matches.")
    matches = _checked(given, source)
    if (matches.samples is None) == (matches.half_width is None):
        raise InputError(
            f"{source}: matches needs either samples (a fixed number) or half_width (a precision)"
        )
    if matches.at_most < matches.at_least:
        raise InputError(
            f"{source}: matches.at_most {matches.at_most:,} is less than matches.at_least {matches.at_least:,}"
        )
    return matches


def _checked(given: Mapping[str, Any], source: str) -> Matches:
    try:
        return TypeAdapter(Matches).validate_python(dict(given))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(step) for step in first["loc"])
        raise InputError(
            f"{source}: matches.{key} is {short(first['input'])}; {first['msg'].lower()}"
        ) from None


def _text(value: Any, source: str, key: str, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        shown = "missing" if value is None else short(value)
        raise InputError(f"{source}: {key} is {shown}; expected {what}")
    _check_characters(value, source, key)
    return value.strip()


def _check_characters(text: str, source: str, key: str) -> None:
    """`InputError` if a text cannot be written into a file: halves of characters, from escapes."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{source}: {key} contains {text[error.start]!r}, which is half a character"
        ) from None


def _whole(value: Any, source: str, key: str, least: int) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= LARGEST_SEED:
        raise InputError(f"{source}: {key} is {short(value)}, expected a whole number of at least {least}")
    return value


def _truth(value: Any, source: str, key: str) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{source}: {key} is {short(value)}, expected true or false")
    return value


def _probability(value: Any, source: str, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise InputError(f"{source}: {key} is {short(value)}, expected a probability between 0 and 1")
    return float(value)


def _range(value: Any, source: str) -> tuple[float, float] | None:
    if value is None:
        return None
    fits = isinstance(value, list) and len(value) == 2
    if (
        not fits
        or not all(isinstance(v, int | float) and math.isfinite(v) for v in value)
        or value[0] > value[1]
    ):
        raise InputError(
            f"{source}: payoff_range is {short(value)}, expected [lowest, highest] payoff of an agent"
        )
    return float(value[0]), float(value[1])
