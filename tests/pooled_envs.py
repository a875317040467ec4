"""Environments that worker processes make for the tests of pools: one with every kind of action, and bad ones."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np

from games.env import EnvSpec, Group, Step, View
from games.errors import InputError
from games.scene import Scene
from games.spaces import Box, Discrete, MultiDiscrete

SPEC = EnvSpec(
    "drift",
    (
        Group("movers", ("a", "b"), (2,), Discrete(3), ("left", "stay", "right"), rows=5),
        Group("pickers", ("c",), (1, 3), MultiDiscrete((2, 3))),
        Group("pullers", ("d", "e", "f"), (1,), Box((-1.0, -2.0), (1.0, np.inf))),
    ),
    state=2,
    horizon=12,
)


class Drift:
    """Three groups of different shapes whose positions drift at random and by their actions, for about ten steps.

    It needs neither numba nor our random streams, so that workers start quickly, and trusts the pool to check actions.
    `trouble` is what happens at the third step if more than `at` and fewer than `below` sub-environments stand together.
    """

    def __init__(
        self, name: str = "drift", trouble: str = "", at: int = 0, below: int = 99, delay: float = 0.0
    ) -> None:
        self.spec = replace(SPEC, name=name)
        self.trouble, self.at, self.below, self.delay = trouble, at, below, delay
        if trouble == "refuse to be made":
            raise InputError(f"{name}: there is no such drift")

    def reset(self, seeds: Any) -> tuple[dict[str, Any], Step]:
        count = len(seeds)
        world = {
            "rng": [np.random.default_rng(int(seed)) for seed in seeds],
            "x": np.zeros(count, dtype=np.int64),
            "y": np.zeros(count),
            "time": np.zeros(count, dtype=np.int64),
            "gain": np.zeros(count),
            "over": np.zeros(count, dtype=bool),
        }
        return self.restart(world, np.ones(count, dtype=bool))

    def restart(self, world: dict[str, Any], where: Any) -> tuple[dict[str, Any], Step]:
        for b in np.flatnonzero(where):
            world["x"][b], world["y"][b] = world["rng"][b].integers(5), world["rng"][b].normal()
        for name in ("time", "gain", "over"):
            world[name][where] = 0
        return world, self._look(world)

    def step(self, world: dict[str, Any], actions: Any) -> tuple[dict[str, Any], Step]:
        moves, picks, pulls = actions
        live = ~world["over"] & (world["time"] < 12)
        time.sleep(self.delay * len(live))
        world["time"] += live
        if self.trouble and world["time"].max() == 3 and self.at < len(live) < self.below:
            self._misbehave()
        world["gain"][:] = 0
        for b in np.flatnonzero(live):
            noise = world["rng"][b].normal()
            world["x"][b] = (world["x"][b] + moves[b].sum() - 2 + picks[b, 0].sum()) % 5
            world["y"][b] += noise + float(np.float32(pulls[b]).sum())
            world["gain"][b], world["over"][b] = world["y"][b], noise > 1.2
        return world, self._look(world)

    def _misbehave(self) -> None:
        if self.trouble == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.trouble == "exit":
            os._exit(3)
        if self.trouble == "sys.exit":
            sys.exit(4)
        if self.trouble == "stuck":
            time.sleep(1000)
        if self.trouble == "input":
            raise InputError(f"{self.spec.name}: the wind dropped in sub-environment {self.at}")
        if self.trouble == "bug":
            raise ZeroDivisionError("no wind at all")
        if self.trouble == "own error":
            raise Unpicklable("one", "two")

    def _look(self, world: dict[str, Any]) -> Step:
        x, y, over = world["x"], world["y"], world["over"]
        views = []
        for group, share in zip(self.spec.groups, (1, -2, 0.5)):
            shape = len(x), group.size
            seen = np.zeros((*shape, group.depth), dtype=np.float32)
            seen[..., 0] = (y if group.name == "pullers" else x)[:, None]
            mask = np.ones((*shape, group.width), dtype=bool)
            if group.name == "movers":
                mask[:, :, 0] = (x > 0)[:, None]
            reward = np.repeat(world["gain"][:, None] * share, group.size, axis=1)
            acting = np.repeat(~over[:, None], group.size, axis=1)
            row = np.repeat(x[:, None], group.size, axis=1).astype(np.int32) if group.rows else None
            views.append(View(seen, mask, reward, acting, np.ones(shape, dtype=bool), row))
        features = np.stack([x, y], axis=1).astype(np.float32)
        return Step(tuple(views), features, (~over).astype(np.float32), over | (world["time"] == 12))

    def scene(self, world: dict[str, Any], which: int = 0) -> Scene:
        return Scene(text=f"x={world['x'][which]} y={world['y'][which]:.6f}")

    def close(self, world: dict[str, Any]) -> None:
        world.clear()


class Unpicklable(Exception):
    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


class WrongType(Drift):
    """Its spec promises a float32 state."""

    def reset(self, seeds: Any) -> tuple[dict[str, Any], Step]:
        world, step = super().reset(seeds)
        return world, step._replace(state=step.state.astype(np.float64))


def different_everywhere() -> Drift:
    return Drift(name=f"drift {os.getpid()}")


def no_env() -> Any:
    raise OSError("the disk is gone")


def chatty() -> Drift:
    print("hello from the environment")
    return Drift()


def with_child(file: str) -> Drift:
    """Leaves a process behind that holds the worker's files open."""
    if (child := os.fork()) == 0:
        time.sleep(20)
        os._exit(0)
    with open(file, "a") as out:
        out.write(f"{child}\n")
    return Drift(trouble="killed")
