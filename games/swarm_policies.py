"""Scripted rules for swarms: what an agent does as a function of what it alone sees.

A `Rule` is at once a policy of the N-agent environment and, through `act`, the lower-level policy of its mean-field
limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, View
from games.errors import InputError
from games.policy import Memoryless, Policy, Random
from games.sims.swarm import parameters_of
from games.sims.swarm_vicsek import Vicsek
from games.streams import Streams

Array = npt.NDArray[Any]
Act = Callable[[Array], Array]


class Rule(Memoryless):
    """A deterministic function of the observation.

    Parameters
    ----------
    name : str
        What it is called.
    act : callable
        Observations float[..., 2] to actions float[..., k].
    """

    def __init__(self, name: str, act: Act) -> None:
        self.name, self.act = name, act

    def __repr__(self) -> str:
        return f"Rule({self.name!r})"

    def sample(self, view: View, memory: None, streams: Streams) -> tuple[Array, None]:
        """The rule applied to what each agent sees; nothing is drawn."""
        return self.act(view.observation).astype(np.float32, copy=False), None


def zero(spec: EnvSpec) -> Policy:
    """Do nothing."""
    parameters_of(spec)  # refuses other environments
    (size,) = spec.groups[0].actions.shape
    return Rule("zero", lambda seen: np.zeros((*seen.shape[:-1], size), dtype=seen.dtype))


def random(spec: EnvSpec) -> Policy:
    """Every action with the same probability."""
    return Random(spec.groups[0].actions)


def centre(spec: EnvSpec, gain: float = 3.0) -> Policy:
    """Go to the middle of the box: u = clip(-gain y) (Aggregation)."""
    if isinstance(parameters_of(spec), Vicsek):
        raise InputError(
            f"{spec.name}: the rule 'centre' is for swarm:aggregation, where agents see positions"
        )
    return Rule("centre", lambda seen: np.clip(-gain * seen[..., :2], -1, 1))


def turn(spec: EnvSpec) -> Policy:
    """Turn to the mean heading around at once, as far as one step allows: u = clip(arg z / omega) (Kuramoto, Vicsek)."""
    p, look = _order(spec, "turn")
    reach = max(p.omega, 1e-12)

    def act(seen: Array) -> Array:
        real, imaginary = look(seen)
        return np.clip(np.arctan2(imaginary, real) / reach, -1, 1)[..., None]

    return Rule("turn", act)


def bang(spec: EnvSpec) -> Policy:
    """Turn fully to the side where the others' mean heading lies: u = sign(Im z) (Kuramoto, Vicsek)."""
    _, look = _order(spec, "bang")
    return Rule("bang", lambda seen: np.sign(look(seen)[1])[..., None])


def lean(spec: EnvSpec) -> Policy:
    """Turn in proportion to the order to one side: u = clip(Im z / (pi D^2)) (Kuramoto, Vicsek); Lipschitz in z."""
    _, look = _order(spec, "lean")
    return Rule("lean", lambda seen: np.clip(look(seen)[1], -1, 1)[..., None])


def _order(spec: EnvSpec, name: str) -> tuple[Vicsek, Callable[[Array], tuple[Array, Array]]]:
    """The constants, and how to read z / (pi D^2) off an observation."""
    p = parameters_of(spec)
    if not isinstance(p, Vicsek):
        raise InputError(
            f"{spec.name}: the rule {name!r} is for swarm:kuramoto and swarm:vicsek, where agents see headings"
        )
    mass = math.pi * p.radius**2
    if p.observe == "cartesian":
        return p, lambda seen: (seen[..., 0], seen[..., 1])
    return p, lambda seen: (
        seen[..., 0] / mass * np.cos(seen[..., 1]),
        seen[..., 0] / mass * np.sin(seen[..., 1]),
    )


POLICIES: dict[str, Callable[[EnvSpec], Policy]] = {
    "zero": zero,
    "random": random,
    "centre": centre,
    "turn": turn,
    "bang": bang,
    "lean": lean,
}
"""Scripted policies of swarms by name; each takes the spec of the environment."""
