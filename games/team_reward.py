"""Environments changed from outside: rewards shared by a team."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import Env, EnvSpec, Step, World
from games.errors import InputError
from games.scene import Scene

Array = npt.NDArray[Any]


class TeamReward:
    """The same environment in which everybody gets the sum, or the mean, of all rewards.

    Agents that are out go on being paid with the team, so they count as alive until the episode stops.

    Parameters
    ----------
    env : Env
        The environment.
    how : {"sum", "mean"}
        What the team gets.
    """

    def __init__(self, env: Env, how: str = "sum") -> None:
        if how not in ("sum", "mean"):
            raise InputError(f"{env.spec.name}: a team's reward is the 'sum' or the 'mean', not {how!r}")
        self.env, self.how = env, how
        self.spec: EnvSpec = replace(env.spec, common_reward=True)

    def reset(self, seeds: Array) -> tuple[World, Step]:
        """See `games.env.Env.reset`."""
        world, step = self.env.reset(seeds)
        return world, self._shared(step)

    def step(self, world: World, actions: Sequence[Array]) -> tuple[World, Step]:
        """See `games.env.Env.step`."""
        world, step = self.env.step(world, actions)
        return world, self._shared(step)

    def restart(self, world: World, where: Array) -> tuple[World, Step]:
        """See `games.env.Env.restart`."""
        world, step = self.env.restart(world, where)
        return world, self._shared(step)

    def scene(self, world: World, which: int = 0) -> Scene:
        """See `games.env.Env.scene`."""
        return self.env.scene(world, which)

    def close(self, world: World) -> None:
        """See `games.env.Env.close`."""
        self.env.close(world)

    def _shared(self, step: Step) -> Step:
        rewards = np.ascontiguousarray(step.rewards)  # so that sums do not depend on the batch by their order
        team = rewards.sum(axis=1) if self.how == "sum" else rewards.mean(axis=1)
        views = tuple(
            view._replace(
                reward=np.repeat(team[:, None], view.reward.shape[1], axis=1), alive=np.ones_like(view.alive)
            )
            for view in step.groups
        )
        return step._replace(groups=views)
