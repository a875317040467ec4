"""A small environment with everything the laws speak of, and one broken specimen for each law.

Two walkers on a line of five cells: masks at the ends, a slip drawn from the sub-environment's stream, walker B drops
out when it reaches the right end, the game ends when A does too, and a horizon.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from games.env import EnvSpec, Group, Step, View
from games.scene import Scene
from games.sims.simulation import Running, Simulation
from games.spaces import Discrete
from games.streams import Streams

CELLS = 5


class WalkerRules:
    """Actions: 0 stay, 1 left, 2 right."""

    def __init__(self, common: bool = False, horizon: int | None = 12) -> None:
        group = Group(
            "walkers", ("A", "B"), (CELLS + 1,), Discrete(3), ("stay", "left", "right"), rows=2 * CELLS
        )
        self.spec = EnvSpec("walkers", (group,), state=2, horizon=horizon, common_reward=common)

    def allocate(self, batch: int) -> dict[str, Any]:
        return {"x": np.zeros((batch, 2), dtype=np.int32), "out": np.zeros((batch, 2), dtype=bool)}

    def begin(self, state: dict[str, Any], streams: Any, where: Any) -> None:
        chosen = streams[where]  # a copy: the streams of the others stay where they are
        state["x"][where] = (Streams(chosen[:, None]).uniform() * 2).astype(np.int32)
        streams[where] = chosen
        state["out"][where] = False

    def advance(self, state: dict[str, Any], streams: Any, actions: Any, live: Any) -> Any:
        slips = Streams(streams[:, None]).uniform(2)[:, 0] < 0.2
        move = np.array([0, -1, 1])[actions[0]] * ~slips * live[:, None] * ~state["out"]
        state["x"] = (state["x"] + move).clip(0, CELLS - 1).astype(np.int32)
        arrived = (state["x"] == CELLS - 1) & ~state["out"] & live[:, None]
        reward = arrived.astype(np.float64)
        state["out"] = state["out"] | arrived
        if self.spec.common_reward:
            reward = np.repeat(reward.sum(axis=1, keepdims=True), 2, axis=1)
            state["out"][:, 1] = False  # a shared reward would reach the one that is out
        return (reward,), state["out"].all(axis=1) | (state["out"][:, 0] & self.spec.common_reward)

    def look(self, state: dict[str, Any], rewards: Any) -> Any:
        x, out = state["x"], state["out"].copy()
        sight = np.zeros((*x.shape, CELLS + 1), dtype=np.float32)
        np.put_along_axis(sight, x[..., None], 1, axis=-1)
        sight[:, 1, CELLS] = 1
        mask = np.ones((*x.shape, 3), dtype=bool)
        mask[..., 1], mask[..., 2] = x > 0, x < CELLS - 1
        row = (x + np.array([0, CELLS])).astype(np.int32)
        return (View(sight, mask, rewards[0], ~out, ~out, row),), x.astype(np.float32)

    def scene(self, state: dict[str, Any], which: int) -> Scene:
        return Scene(text=str(state["x"][which].tolist()))


def walkers(**options: Any) -> Simulation:
    return Simulation(WalkerRules(**options))


class Broken(Simulation):
    """Walkers whose steps, resets or restarts are spoilt by a function."""

    def __init__(self, spoil: Callable[[str, Running, Step], Step], rules: Any = None) -> None:
        super().__init__(rules or WalkerRules())
        self.spoil = spoil

    def reset(self, seeds: Any) -> tuple[Running, Step]:
        world, step = super().reset(seeds)
        return self._spoilt("reset", world, step)

    def step(self, world: Running, actions: Any) -> tuple[Running, Step]:
        world, step = super().step(world, actions)
        return self._spoilt("step", world, step)

    def restart(self, world: Running, where: Any) -> tuple[Running, Step]:
        world, step = super().restart(world, where)
        return self._spoilt("restart", world, step)

    def _spoilt(self, when: str, world: Running, step: Step) -> tuple[Running, Step]:
        return world, self.spoil(when, world, step)


def with_view(step: Step, **changes: Any) -> Step:
    return step._replace(groups=(step.groups[0]._replace(**changes),))
