"""What open-loop policies earn in a swarm of infinitely many agents: the flow of a density without chance.

Agents draw their actions from normal distributions; the flow sums over nodes of a quadrature instead. Effort, the mean
absolute action, has a kink at 0 that Gauss-Hermite nodes miss by far, so nodes here are chosen to be right about it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import Env
from games.errors import InputError
from games.meanfield import swarm_limit
from games.open_loop import OpenLoop
from games.sims.swarm import parameters_of
from games.sims.swarm_aggregation import Aggregation
from games.sims.swarm_limits import LowerPolicy, SwarmFlow
from games.sims.swarm_vicsek import Vicsek

Array = npt.NDArray[Any]
MOST = 3e7
"""Choices of actions in a flow that takes a few seconds; in the plane there are more, and a large swarm is sooner as close."""
_FAR, _NEAR = 0.11791168, 0.38208832
FEW = np.array([-1.88302043, -0.46301384, 0.46301384, 1.88302043]), np.array([_FAR, _NEAR, _NEAR, _FAR])
"""Nodes and weights with the second and fourth moment of a standard normal number, and its mean size; for the plane,
where noise of the move itself smooths what is left."""
_NOISE = 5
"""Nodes per coordinate for the noise of observations in the plane."""


def many() -> tuple[Array, Array]:
    """Equally spaced nodes and their weights for a standard normal number; for the circle.

    The grid is shifted so that a kink at 0 lies where the trapezoidal rule makes no error of second order: a share f of a
    step from a node with f^2 - f + 1/6 = 0.
    """
    step = 0.2
    z = (np.arange(-24, 25) + 0.5 - 0.5 / math.sqrt(3)) * step
    weight = np.exp(-0.5 * z * z)
    return z, weight / weight.sum()


def lower_policy(policy: OpenLoop, nodes: tuple[Array, Array]) -> LowerPolicy:
    """An open-loop policy as `games.sims.swarm_limits` wants it: actions and their probabilities.

    Parameters
    ----------
    policy : OpenLoop
        The rules.
    nodes : tuple of two float64[Q]
        Nodes and weights in place of a standard normal number: `FEW`, or those of `many`.
    """
    family, size = policy.family, len(policy.family.low)
    z, weight = (np.zeros(1), np.ones(1)) if policy.greedy else nodes
    # every combination of nodes, one for each part of an action
    at = np.stack([part.ravel() for part in np.meshgrid(*[z] * size, indexing="ij")], axis=-1)
    share = np.prod(np.meshgrid(*[weight] * size, indexing="ij"), axis=0).ravel()
    mixed = family.family == "mixture" and not policy.greedy

    def choose(seen: Array, time: int) -> tuple[Array, Array]:
        near = family.weights(seen)
        means, spreads = (part[time] for part in policy.rules)
        if mixed:  # any grid point may be drawn
            actions = (means[:, None] + spreads[:, None] * at).reshape(-1, size)
            probs = (near[:, :, None] * share).reshape(len(seen), -1)
            return np.broadcast_to(actions, (len(seen), *actions.shape)), probs
        middle, wide = near @ means, near @ spreads
        actions = middle[:, None] + wide[:, None] * at
        return actions, np.broadcast_to(share, actions.shape[:2])

    return choose


def open_limit(policy: OpenLoop, env: Env, most: float = MOST) -> SwarmFlow:
    """One episode of an open-loop policy with infinitely many agents.

    Parameters
    ----------
    policy : OpenLoop
        The rules; see `OpenLoop.check` for what they must fit.
    env : Env
        A swarm; its number of agents does not matter.
    most : float
        Choices of actions at most, some 100 nanoseconds each.

    Raises
    ------
    InputError
        If the rules do not fit, no limit is known of this swarm, or its flow would take too many choices.
    """
    policy.check(env.spec)
    parameters = parameters_of(env.spec)
    if isinstance(parameters, Vicsek) and parameters.kappa == 0:
        raise InputError(
            f"{env.spec.name}: headings that are uniform at first have a limit that no finite swarm comes close to"
        )
    points, cells = _sizes(parameters)
    nodes = many() if isinstance(parameters, Vicsek) else FEW
    mixed = policy.family.count if policy.family.family == "mixture" and not policy.greedy else 1
    drawn = 1 if policy.greedy else len(nodes[0]) ** len(policy.family.low)
    choices = float(cells) * mixed * drawn * parameters.horizon
    if choices > most:
        raise InputError(
            f"{env.spec.name}: its limit would take {choices:.1e} choices of actions, and at most {most:.1e} are made"
        )
    if isinstance(parameters, Vicsek):
        return swarm_limit(env, headings=points).flow(lower_policy(policy, nodes))
    return swarm_limit(env, points=points, nodes=_NOISE).flow(lower_policy(policy, nodes))


def _sizes(parameters: Aggregation | Vicsek) -> tuple[int, int]:
    """Points of the grid, as many as its noise asks for; and observations in a step."""
    if isinstance(parameters, Vicsek):
        step = parameters.sigma_phi or math.inf
        points = max(720, math.ceil(2 * math.pi / step))
        return points, points
    step = parameters.sigma_x or math.inf
    points = max(101, math.ceil(2 * parameters.box / step - 1e-9) + 1)
    return points, points**2 * _NOISE**2
