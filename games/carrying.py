"""Environments whose episodes leave something behind: counters of a schedule, a record of past incomes.

Most sub-environments are the same after a restart as after a reset. Where they are not, what they keep is an array
float64[B, C] (`games.sims.simulation.Carried`), which training writes down with its checkpoints and evaluation takes over.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import Env, EnvSpec, Step, World
from games.streams import check_seeds

Array = npt.NDArray[Any]


def carry(env: Env, world: World) -> Array | None:
    """What the sub-environments of a world keep from episode to episode, float64[B, C]; None if nothing."""
    asked = getattr(env, "carry", None)
    found: Array | None = None if asked is None else asked(world)
    return found


def carrying(env: Env, carried: Array | None) -> Env:
    """The environment whose sub-environments take something over; the same where there is nothing."""
    return env if carried is None else Carrying(env, carried)


class Carrying:
    """An environment whose sub-environments begin with what others have kept.

    Parameters
    ----------
    env : Env
        The environment.
    carried : float64[B, C]
        What B others have kept. Who takes over which is a matter of the seed, so that a match is a function of its seed.
    """

    def __init__(self, env: Env, carried: Array) -> None:
        self.env, self.carried = env, np.asarray(carried, dtype=np.float64)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.env, name)

    @property
    def spec(self) -> EnvSpec:
        """Agents, shapes, horizon."""
        return self.env.spec

    def reset(self, seeds: Array) -> tuple[World, Step]:
        """Start len(seeds) sub-environments, uint64[B]."""
        seeds = check_seeds(seeds)
        env: Any = self.env
        rows = (seeds % np.uint64(len(self.carried))).astype(np.int64)
        world, step = env.reset(seeds, carried=self.carried[rows])
        return world, step

    def step(self, world: World, actions: Any) -> tuple[World, Step]:
        """See `games.env.Env`."""
        return self.env.step(world, actions)

    def restart(self, world: World, where: Array) -> tuple[World, Step]:
        """See `games.env.Env`."""
        return self.env.restart(world, where)

    def scene(self, world: World, which: int = 0) -> Any:
        """See `games.env.Env`."""
        return self.env.scene(world, which)

    def close(self, world: World) -> None:
        """See `games.env.Env`."""
        self.env.close(world)
