"""Gather: everybody must meet at a goal that only some know, a climbing game stretched over time.

Source: Wang et al. (2022), Context-Aware Sparse Deep Coordination Graphs, ICLR: the MACO benchmark. The rules are
those of its code (`TonghanWang/CASEC-MACO-benchmark`, `src/envs/gather.py` and the settings in
`src/config/envs/gather.yaml`), read, not copied. Its paper says that the low reward is paid when only some agents are
at the best goal; its code asks also that the others are at other goals, and so do we.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, Group, View
from games.errors import InputError
from games.scene import Mark, Scene
from games.sims import coordination_gather_kernels as kernels
from games.sims.simulation import constant
from games.spaces import Discrete

Array = npt.NDArray[Any]

LARGEST = 100_000
MOVES = ("up", "right", "down", "left", "stay")


@dataclass(frozen=True)
class GatherSpec(EnvSpec):
    """An `EnvSpec` that also says how large the grid is."""

    width: int = 5
    height: int = 3


class GatherRules:
    """Agents walk on a grid with three goals, in row 1 and columns 0, 2 and 4; any number may share a cell.

    Everybody starts in a cell drawn uniformly. The best goal is the one that most agents are nearest to (by Manhattan
    distance; an agent between two is counted at the right one, and a tie of goals goes to the left). The agents that are
    nearest to it know it, the others do not. Each step everybody moves by one cell or stays; walls stop. The game ends,
    with `best` for everybody, when all are at the best goal; after `steps` steps it ends in any case, with `other` if
    all are at other goals, `fail` if all are at goals but only some of them at the best, and nothing otherwise.

    Observation: own row and column, and row and column of the best goal, -1 and -1 if unknown, float32[4]. State: all
    observations, the column of the best goal and the share of steps left, float32[4 agents + 2]. `View.row`: own cell and what is known of the best goal.

    Parameters
    ----------
    name : str
        What the environment is called.
    agents, steps : int
        Number of agents, 1 at least; longest episode.
    width, height : int
        Size of the grid, at least 5 x 2 and at most 127 each way.
    best, other, fail : float
        Rewards.
    """

    def __init__(
        self,
        name: str,
        agents: int = 5,
        steps: int = 8,
        width: int = 5,
        height: int = 3,
        best: float = 10.0,
        other: float = 5.0,
        fail: float = -5.0,
    ) -> None:
        if not 1 <= agents <= LARGEST:
            raise InputError(f"{name}: from 1 to {LARGEST:,} agents can gather, not {agents:,}")
        if not (5 <= width <= 127 and 2 <= height <= 127):
            raise InputError(
                f"{name}: the grid must be from 5 x 2 to 127 x 127 cells, not {width} x {height}"
            )
        if not (math.isfinite(best) and math.isfinite(other) and math.isfinite(fail)):
            raise InputError(f"{name}: rewards must be finite, not {best:g}, {other:g} and {fail:g}")
        names = tuple(f"agent_{i}" for i in range(agents))
        rows = width * height * (kernels.GOALS + 1)
        group = Group("agents", names, (4,), Discrete(len(MOVES)), MOVES, rows=rows)
        self.spec = GatherSpec(
            name,
            (group,),
            state=4 * agents + 2,
            horizon=steps,
            common_reward=True,
            width=width,
            height=height,
        )
        self._size = np.array([width, height, steps], dtype=np.int64)
        self._pay = np.array([best, other, fail], dtype=np.float64)

    def allocate(self, batch: int) -> dict[str, Array]:
        """Places, the best goal, who knows it, clocks."""
        agents = self.spec.groups[0].size
        return {
            "place": np.zeros((batch, agents, 2), dtype=np.int8),
            "best": np.zeros(batch, dtype=np.int8),
            "knows": np.zeros((batch, agents), dtype=np.int8),
            "time": np.zeros(batch, dtype=np.int64),
            "mask": constant(True, (batch, agents, len(MOVES))),
            "all": constant(True, (batch, agents)),
        }

    def begin(self, state: dict[str, Array], streams: Array, where: Array) -> None:
        """Draw everybody's place."""
        kernels.begin(
            streams,
            where,
            self._size[0],
            self._size[1],
            state["place"],
            state["best"],
            state["knows"],
            state["time"],
        )

    def advance(
        self, state: dict[str, Array], streams: Array, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], Array | None]:
        """Walk; there is no chance in it."""
        reward = np.empty(actions[0].shape)
        ended = np.empty(len(live), dtype=bool)
        kernels.advance(
            actions[0],
            live,
            self._size,
            self._pay,
            state["place"],
            state["best"],
            state["time"],
            ended,
            reward,
        )
        return (reward,), ended

    def look(self, state: dict[str, Array], rewards: tuple[Array, ...]) -> tuple[tuple[View, ...], Array]:
        """Own place and what is known."""
        batch, agents = rewards[0].shape
        observation = np.empty((batch, agents, 4), dtype=np.float32)
        features = np.empty((batch, self.spec.state), dtype=np.float32)
        features[:, -2] = 2 * state["best"]
        features[:, -1] = 1.0 - state["time"] / self._size[2]
        rows = np.empty((batch, agents), dtype=np.int32)
        kernels.look(
            state["place"], state["best"], state["knows"], self._size[0], observation, features, rows
        )
        view = View(observation, state["mask"], rewards[0], state["all"], state["all"], rows)
        return (view,), features

    def scene(self, state: dict[str, Array], which: int) -> Scene:
        """The grid with its goals, the best one in another colour, and how many agents are in each cell."""
        width, height, _ = self._size.tolist()
        best = int(state["best"][which])
        marks = [
            Mark("square", 2 * g + 0.5, kernels.ROW + 0.5, 0.95, color=2 if g == best else 0)
            for g in range(kernels.GOALS)
        ]
        crowd: dict[tuple[int, int], list[int]] = {}
        for i, (y, x) in enumerate(state["place"][which].tolist()):
            crowd.setdefault((x, y), []).append(i)
        for (x, y), inside in sorted(crowd.items()):
            informed = any(state["knows"][which, i] for i in inside)
            text = ",".join(map(str, inside)) if len(inside) <= 3 else f"{len(inside)} agents"
            marks.append(Mark("disc", x + 0.5, y + 0.5, 0.6, color=3 if informed else -1, text=text))
        told = f"step {int(state['time'][which])}, the best goal is in column {2 * best}"
        return Scene(width, height, tuple(marks), grid=True, text=told)
