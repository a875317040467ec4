"""Aggregation: agents in a box that see only their own noisy position should gather anywhere, together.

Cui, Hauck, Fabian and Koeppl, "Learning Decentralized Partially Observable Mean Field Control for Artificial Collective
Behavior", ICLR 2024, name the task; the constants are this project's own (half of them from the same authors' coverage
task), so returns are not comparable with the paper's figures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, View
from games.scene import Scene
from games.sims import swarm_kernels as kernels
from games.sims.simulation import constant, renewed
from games.sims.swarm_clock import Clock
from games.sims.swarm_features import FeatureGrid
from games.sims.swarm_parameters import check_swarm, swarm_spec
from games.sims.swarm_scene import aggregation_scene

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Aggregation:
    """Constants of Aggregation; the box is [-box, box]^2 and a step takes one unit of time.

    Parameters
    ----------
    agents, horizon : int
        How many agents, and steps per episode.
    v : float
        Distance an agent can go in a step.
    sigma_x, sigma_y : float
        Standard deviations of the noise of a move and of an observation, per coordinate.
    c_d, c_a : float
        Weight of the mean L1 distance from the swarm's mean, and of the mean L1 length of actions.
    box : float
        Half the side of the box.
    init : {"uniform", "normal"}
        Law of first positions, clipped to the box: uniform on a square of half side `half` around (shift, shift), or
        normal of variance `variance` per coordinate around it.
    half, variance, shift : float
        See `init`.
    features : {"histogram", "kernel"}
        What the global state shows of the mean field; see `games.sims.swarm_features.FeatureGrid`.
    cells : int
        Cells per coordinate of the global state.
    scale : float
        What the mean field in the global state sums to.
    clock : bool
        Whether each agent also sees t/T, t steps of T done, as a last number, and the global state too.
    """

    agents: int = 100
    horizon: int = 100
    v: float = 0.1
    sigma_x: float = 0.04
    sigma_y: float = 0.04
    c_d: float = 1.0
    c_a: float = 0.1
    box: float = 2.0
    init: Literal["uniform", "normal"] = "uniform"
    half: float = 2.0
    variance: float = 0.4
    shift: float = 0.0
    features: Literal["histogram", "kernel"] = "histogram"
    cells: int = 7
    scale: float = 10.0
    clock: bool = False

    def __post_init__(self) -> None:
        positive = ("box", "cells", "scale")
        check_swarm("swarm:aggregation", self, positive, signed=("shift",), size=self.cells**2)

    @property
    def spread(self) -> float:
        """Half the side of the square of first positions, or their standard deviation."""
        return self.half if self.init == "uniform" else math.sqrt(self.variance)

    @property
    def grid(self) -> FeatureGrid:
        """The mean-field features over (x, y)."""
        side = (self.box, self.box)
        low = (-self.box, -self.box)
        return FeatureGrid(self.features, (self.cells, self.cells), low, side, (False, False), self.scale)


class AggregationRules:
    """A step of Aggregation.

    The common reward is -c_d mean_i |x_i - mean|_1 - c_a mean_i |u_i|_1 for the positions before the move and the
    actions of the move, which are first shortened to Euclidean length 1; then x <- clip(x + v u + noise), and each
    agent sees clip(x + noise) of its own.

    Parameters
    ----------
    parameters : Aggregation
        The constants.
    """

    def __init__(self, parameters: Aggregation) -> None:
        self.parameters = parameters
        self.grid = parameters.grid
        self.clock = Clock(parameters.clock, parameters.horizon)
        self.spec: EnvSpec = swarm_spec("swarm:aggregation", parameters, 2, self.grid.size + self.clock.width)

    def allocate(self, batch: int) -> dict[str, Array]:
        """Positions, and what is constant."""
        n = self.parameters.agents
        return {
            "places": np.zeros((batch, 2, n)),
            "seen": np.zeros((batch, n, 2 + self.clock.width), dtype=np.float32),
            "time": np.zeros(batch, dtype=np.int64),
            "mask": constant(True, (batch, n, 0)),
            "all": constant(True, (batch, n)),
        }

    def begin(self, state: dict[str, Array], streams: Array, where: Array) -> None:
        """Draw positions and first observations."""
        p = self.parameters
        state["seen"] = renewed(state["seen"], where)
        kernels.begin_aggregation(
            state["places"],
            state["seen"],
            streams,
            where,
            p.init == "normal",
            p.spread,
            p.shift,
            p.box,
            p.sigma_y,
        )
        self.clock.begin(state, where)

    def advance(
        self, state: dict[str, Array], streams: Array, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], None]:
        """Pay for where everybody stands and for the move, then move."""
        p, reward = self.parameters, np.empty(actions[0].shape[:2])
        kernels.pay_aggregation(state["places"], actions[0], live, p.c_d, p.c_a, reward)
        state["seen"] = renewed(state["seen"], live)
        kernels.move_aggregation(
            state["places"], state["seen"], streams, actions[0], live, p.v, p.box, p.sigma_x, p.sigma_y
        )
        self.clock.advance(state, live)
        return (reward,), None

    def look(self, state: dict[str, Array], rewards: tuple[Array, ...]) -> tuple[tuple[View, ...], Array]:
        """Own noisy positions; the mean field for central training."""
        view = View(state["seen"], state["mask"], rewards[0], state["all"], state["all"])
        return (view,), self.clock.beside(self.features(state), state)

    def features(self, state: dict[str, Array]) -> Array:
        """Mean-field features float32[B, M] of a state, without the time."""
        return self.grid(state["places"])

    def scene(self, state: dict[str, Array], which: int) -> Scene:
        """Everybody as a point, or as part of a raster."""
        return aggregation_scene(state["places"][which], self.parameters.box)
