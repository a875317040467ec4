"""Checking and naming the constants of swarms."""

from __future__ import annotations

import math
from typing import Any

from games.env import EnvSpec, Group
from games.errors import InputError
from games.sims.constants import changed, parameters_of
from games.spaces import Box

MAX_AGENTS = 10_000_000
MAX_FEATURES = 1_000_000
SMALLEST, LARGEST = 1e-9, 1e9
"""No constant is larger, and none that must be above 0 smaller: beyond, single precision overflows."""


def check_swarm(
    uri: str, parameters: Any, positive: tuple[str, ...], signed: tuple[str, ...], size: int
) -> None:
    """Refuse constants out of range: `positive` must be above 0, `signed` are free, all others at least 0."""
    for name, parameter in parameters_of(type(parameters)).items():
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
    return f"{uri}?" + "&".join(changed(parameters))


def swarm_spec(uri: str, parameters: Any, action_size: int, state: int) -> EnvSpec:
    """The spec of a swarm: one group of like agents that see 2 numbers (3 with the clock) and act by numbers in [-1, 1]."""
    width = len(str(parameters.agents - 1))
    names = tuple(f"agent {i:0{width}}" for i in range(parameters.agents))
    actions = Box((-1.0,) * action_size, (1.0,) * action_size)
    group = Group("agents", names, (3 if parameters.clock else 2,), actions)
    name = swarm_uri(uri, parameters)
    return EnvSpec(name, (group,), state=state, horizon=parameters.horizon, common_reward=True)
