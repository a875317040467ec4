"""Reading, checking and naming the constants of swarms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from games.catalogue.entry import Parameter, unknown
from games.env import EnvSpec, Group
from games.errors import InputError
from games.spaces import Box

MAX_AGENTS = 10_000_000
MAX_FEATURES = 1_000_000
SMALLEST, LARGEST = 1e-9, 1e9
"""No constant is larger, and none that must be above 0 smaller: beyond, single precision overflows."""


def read_parameters(kind: type, uri: str, given: Mapping[str, Any]) -> Any:
    """An object of a frozen dataclass from URI text or Python values, the others at their defaults.

    Raises
    ------
    InputError
        If a parameter is unknown (with the nearest right name), ill-typed or out of range.
    """
    table = _parameters(kind)
    values = {}
    for name, value in given.items():
        if name not in table:
            raise InputError(f"{uri} {unknown('parameter', name, table)}")
        values[name] = _read(table[name], value, uri)
    return kind(**values)


def _read(parameter: Parameter, value: Any, uri: str) -> Any:
    if get_origin(parameter.kind) is Literal and value not in get_args(parameter.kind):
        choices = " or ".join(get_args(parameter.kind))
        raise InputError(f"{uri}: {parameter.name} must be {choices}, not {value!r:.40}")
    if isinstance(value, bool):
        raise InputError(f"{uri}: {parameter.name} must be a number, not {value}")
    try:
        return parameter.parse(value)
    except InputError as error:
        raise InputError(f"{uri}: {error}") from None


def _parameters(kind: type) -> dict[str, Parameter]:
    hints = get_type_hints(kind)
    return {f.name: Parameter(f.name, hints[f.name], f.default) for f in fields(kind)}


def check_swarm(
    uri: str, parameters: Any, positive: tuple[str, ...], signed: tuple[str, ...], size: int
) -> None:
    """Refuse constants out of range: `positive` must be above 0, `signed` are free, all others at least 0."""
    for name, parameter in _parameters(type(parameters)).items():
        value = getattr(parameters, name)
        if parameter.kind not in (int, float):
            continue
        if not math.isfinite(value):
            raise InputError(f"{uri}: {name} must be a finite number, not {value}")
        if parameter.kind is float and abs(value) > LARGEST:
            raise InputError(f"{uri}: {name} must be at most {LARGEST:g} in size, not {value:g}")
        if name in positive and 0 < value < SMALLEST:
            raise InputError(f"{uri}: {name} must be at least {SMALLEST:g}, not {value:g}")
        lowest = 1 if name in ("agents", "horizon") else 0
        if (name in positive and value <= 0) or (name not in signed and value < lowest):
            wanted = "above 0" if name in positive else f"at least {lowest}"
            raise InputError(f"{uri}: {name} must be {wanted}, not {value}")
    if parameters.agents > MAX_AGENTS:
        raise InputError(f"{uri}: at most {MAX_AGENTS:,} agents, not {parameters.agents:,}")
    if size > MAX_FEATURES:
        raise InputError(f"{uri}: a global state of {size:,} cells is too large; at most {MAX_FEATURES:,}")


def swarm_uri(uri: str, parameters: Any) -> str:
    """The URI with every constant that is not at its default; `games.make_env` makes the same swarm of it."""
    table = _parameters(type(parameters))
    changed = {
        name: p.show(getattr(parameters, name))
        for name, p in table.items()
        if name == "agents" or getattr(parameters, name) != p.default
    }
    return f"{uri}?" + "&".join(f"{name}={value}" for name, value in changed.items())


def swarm_spec(uri: str, parameters: Any, action_size: int, state: int) -> EnvSpec:
    """The spec of a swarm: one group of like agents that see 2 numbers and act by numbers in [-1, 1]."""
    width = len(str(parameters.agents - 1))
    names = tuple(f"agent {i:0{width}}" for i in range(parameters.agents))
    actions = Box((-1.0,) * action_size, (1.0,) * action_size)
    group = Group("agents", names, (2,), actions)
    name = swarm_uri(uri, parameters)
    return EnvSpec(name, (group,), state=state, horizon=parameters.horizon, common_reward=True)
