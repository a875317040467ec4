"""Swarms: many like agents, each seeing little, with one common reward that depends on the crowd as a whole.

``swarm:aggregation``, ``swarm:kuramoto`` and ``swarm:vicsek``, for 1 to 100,000 agents and more.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import Env, EnvSpec
from games.errors import InputError
from games.sims.constants import read_constants
from games.sims.simulation import Running, Simulation
from games.sims.swarm_aggregation import Aggregation, AggregationRules
from games.sims.swarm_vicsek import Kuramoto, Vicsek, VicsekRules
from games.uri import split_query

Array = npt.NDArray[Any]

SWARMS: dict[str, type[Aggregation] | type[Vicsek]] = {
    "aggregation": Aggregation,
    "kuramoto": Kuramoto,
    "vicsek": Vicsek,
}
"""The swarms by name, with the constants they take."""

EXAMPLES = (
    "swarm:aggregation?agents=100",
    "swarm:kuramoto?agents=100&kappa=0.5",
    "swarm:vicsek?agents=100",
)


def make(name: str, parameters: Mapping[str, Any]) -> Env:
    """The swarm of this name.

    Parameters
    ----------
    name : str
        ``aggregation``, ``kuramoto`` or ``vicsek``.
    parameters : mapping
        Constants as in `Aggregation` and `Vicsek`, as text or Python values.

    Raises
    ------
    InputError
        If there is no such swarm, or a constant is unknown or out of range.
    """
    return simulate_swarm(read_swarm(name, parameters))


def read_swarm(name: str, parameters: Mapping[str, Any]) -> Aggregation | Vicsek:
    """The constants of a swarm from its name and parameters."""
    key = name.strip().lower()
    if key not in SWARMS:
        near = get_close_matches(key, SWARMS, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(SWARMS)}"
        raise InputError(f"unknown swarm {name!r:.40}; {hint}")
    swarm: Aggregation | Vicsek = read_constants(SWARMS[key], f"swarm:{key}", parameters)
    return swarm


def parameters_of(spec: EnvSpec) -> Aggregation | Vicsek:
    """The constants of a swarm from its spec, whose name is its full URI; `InputError` if it is not a swarm's."""
    scheme, _, rest = spec.name.partition(":")
    if scheme != "swarm":
        raise InputError(f"{spec.name} is not a swarm; expected swarm:{', swarm:'.join(SWARMS)}")
    name, _, query = rest.partition("?")
    return read_swarm(name, split_query(query, f"swarm:{name}"))


def simulate_swarm(parameters: Aggregation | Vicsek) -> Simulation:
    """The environment of a swarm with these constants."""
    if isinstance(parameters, Aggregation):
        return Simulation(AggregationRules(parameters))
    return Simulation(VicsekRules(parameters))


def features(env: Simulation, world: Running) -> Array:
    """Mean-field features float32[B, M] of the worlds of a swarm: the numbers of `Step.state`, without a clock's.

    ``env.rules.grid`` maps any agents float64[B, d, N] to features, so that a learner can also use other swarms or a
    sample of a limit.
    """
    rules = env.rules
    if not isinstance(rules, AggregationRules | VicsekRules):
        raise InputError(f"{env.spec.name} is not a swarm")
    found: Array = rules.features(world.state)
    return found


def places(env: Simulation, world: Running) -> Array:
    """Where everybody is, a copy: float64[B, N, 2] in Aggregation, float64[B, N, 3] with headings in Vicsek."""
    if not isinstance(env.rules, AggregationRules | VicsekRules):
        raise InputError(f"{env.spec.name} is not a swarm")
    return np.ascontiguousarray(np.moveaxis(world.state["places"], 1, 2))
