"""Vicsek and Kuramoto: agents on the unit torus turn their headings; Kuramoto's oscillators do not move (v = 0).

An agent sees only the local order z_i = (1/N) sum_j exp(i (phi_j - phi_i)) 1[distance <= D], itself included, in its own
frame. Cui, Hauck, Fabian and Koeppl (ICLR 2024) name the tasks; the constants are this project's own.
"""

from __future__ import annotations

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
from games.sims.swarm_neighbours import Neighbourhood
from games.sims.swarm_parameters import check_swarm, swarm_spec
from games.sims.swarm_scene import heading_scene

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Vicsek:
    """Constants of Vicsek (and of Kuramoto, `v` = 0).

    Parameters
    ----------
    agents, horizon : int
        How many agents, and steps per episode.
    v : float
        Distance an agent goes in a step, along its heading.
    omega : float
        Angle it can turn in a step, radians.
    radius : float
        D, how far it sees, in sides of the torus.
    sigma_phi, sigma_y : float
        Standard deviations of the noise of a turn (radians) and of the Cartesian observation.
    c_d, c_a : float
        Weight of disorder 1 - R, R = |mean of exp(i phi)|, and of the mean size of actions.
    kappa : float
        Concentration of the von Mises law of first headings; 0 is uniform, and then no swarm of any size behaves like
        the limit on a fixed horizon, for that is perfectly symmetric. First positions are uniform.
    reward : {"align", "misalign"}
        Whether 1 - R costs, or R.
    observe : {"cartesian", "polar"}
        (Re z, Im z) / (pi D^2), or (|z|, arg z).
    features : {"histogram", "kernel"}
        What the global state shows of the mean field; see `games.sims.swarm_features.FeatureGrid`.
    cells, heading_cells : int
        Cells of the global state per position coordinate, and for headings.
    scale : float
        What the mean field in the global state sums to.
    clock : bool
        Whether each agent also sees t/T, t steps of T done, as a last number, and the global state too.
    """

    agents: int = 100
    horizon: int = 100
    v: float = 0.07
    omega: float = 0.2
    radius: float = 0.25
    sigma_phi: float = 0.02
    sigma_y: float = 0.0
    c_d: float = 1.0
    c_a: float = 0.1
    kappa: float = 0.0
    reward: Literal["align", "misalign"] = "align"
    observe: Literal["cartesian", "polar"] = "cartesian"
    features: Literal["histogram", "kernel"] = "histogram"
    cells: int = 3
    heading_cells: int = 6
    scale: float = 10.0
    clock: bool = False

    def __post_init__(self) -> None:
        positive = ("radius", "cells", "heading_cells", "scale")
        check_swarm(self.uri, self, positive, signed=("v",), size=self.cells**2 * self.heading_cells)

    @property
    def uri(self) -> str:
        """Scheme and name."""
        return "swarm:vicsek"

    @property
    def grid(self) -> FeatureGrid:
        """The mean-field features over (x, y, heading)."""
        cells = (self.cells, self.cells, self.heading_cells)
        high = (1.0, 1.0, kernels.TURN)
        return FeatureGrid(self.features, cells, (0.0, 0.0, 0.0), high, (True, True, True), self.scale)


@dataclass(frozen=True)
class Kuramoto(Vicsek):
    """Constants of Kuramoto: those of `Vicsek` with agents that stay where they are."""

    v: float = 0.0

    @property
    def uri(self) -> str:
        """Scheme and name."""
        return "swarm:kuramoto"


class VicsekRules:
    """A step of Vicsek or Kuramoto.

    The common reward is -c_d (1 - R) - c_a mean_i |u_i| for the headings before the turn and the actions of the turn.
    Then agents move along their old headings, and turn by omega u plus noise.

    Parameters
    ----------
    parameters : Vicsek
        The constants.
    """

    def __init__(self, parameters: Vicsek) -> None:
        self.parameters = parameters
        self.grid = parameters.grid
        self.clock = Clock(parameters.clock, parameters.horizon)
        self.spec: EnvSpec = swarm_spec(parameters.uri, parameters, 1, self.grid.size + self.clock.width)

    def allocate(self, batch: int) -> dict[str, Any]:
        """Positions and headings, unit vectors along the headings, their sums over neighbours, and what is constant."""
        p = self.parameters
        return {
            "places": np.zeros((batch, 3, p.agents)),
            "vectors": np.zeros((batch, 2, p.agents)),
            "sums": np.zeros((batch, 2, p.agents)),
            "seen": np.zeros((batch, p.agents, 2 + self.clock.width), dtype=np.float32),
            "time": np.zeros(batch, dtype=np.int64),
            "neighbourhood": Neighbourhood(p.agents, p.radius),
            "mask": constant(True, (batch, p.agents, 0)),
            "all": constant(True, (batch, p.agents)),
        }

    def begin(self, state: dict[str, Any], streams: Array, where: Array) -> None:
        """Draw positions and headings."""
        kernels.begin_vicsek(state["places"], state["vectors"], streams, where, self.parameters.kappa)
        self._see(state, streams, where)
        self.clock.begin(state, where)

    def advance(
        self, state: dict[str, Any], streams: Array, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], None]:
        """Pay for the headings and the turn, then move and turn."""
        p, reward = self.parameters, np.empty(actions[0].shape[:2])
        misalign = p.reward == "misalign"
        kernels.pay_vicsek(state["vectors"], actions[0], live, p.c_d, p.c_a, misalign, reward)
        kernels.move_vicsek(
            state["places"], state["vectors"], streams, actions[0], live, p.v, p.omega, p.sigma_phi
        )
        self._see(state, streams, live)
        self.clock.advance(state, live)
        return (reward,), None

    def _see(self, state: dict[str, Any], streams: Array, where: Array) -> None:
        p = self.parameters
        state["neighbourhood"].sum(state["places"], state["vectors"], where, state["sums"])
        state["seen"] = renewed(state["seen"], where)
        kernels.see_order(
            state["vectors"],
            state["sums"],
            streams,
            where,
            p.radius,
            p.sigma_y,
            p.observe == "polar",
            state["seen"],
        )

    def look(self, state: dict[str, Any], rewards: tuple[Array, ...]) -> tuple[tuple[View, ...], Array]:
        """Local orders; the mean field for central training."""
        view = View(state["seen"], state["mask"], rewards[0], state["all"], state["all"])
        return (view,), self.clock.beside(self.features(state), state)

    def features(self, state: dict[str, Any]) -> Array:
        """Mean-field features float32[B, M] of a state, without the time."""
        return self.grid(state["places"])

    def scene(self, state: dict[str, Any], which: int) -> Scene:
        """Everybody as a short arrow, or as part of a raster."""
        return heading_scene(state["places"][which], state["vectors"][which])
