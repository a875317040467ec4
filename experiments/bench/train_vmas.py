"""The spread task of VMAS (Bettini et al. 2022) as an environment of ours, so that both sides can train on it.

For the benchmark alone: VMAS draws from torch's global generator and from no stream of its own, so a sub-environment
here depends on the whole batch and not on its own seed. VMAS is under the GPL; it is imported where it is installed and
nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from games.env import EnvSpec, Group, Step, View, check_actions
from games.errors import InputError
from games.scene import Scene
from games.spaces import Discrete

Array = npt.NDArray[Any]
_AGENTS = 3


@dataclass
class VmasWorld:
    """VMAS's environment and what was seen of it last."""

    env: Any
    step: Step
    time: Array  # int32[B]


class VmasSpread:
    """Three agents that shall cover three landmarks, discrete actions, one reward for all.

    Parameters
    ----------
    horizon : int
        Steps of an episode.
    """

    def __init__(self, horizon: int) -> None:
        actions = ("none", "left", "right", "down", "up")
        names = tuple(f"agent_{i}" for i in range(_AGENTS))
        depth = 4 + 2 * _AGENTS + 2 * (_AGENTS - 1)  # own place and speed, landmarks, others
        group = Group("agents", names, (depth,), Discrete(len(actions)), actions)
        self.spec = EnvSpec("vmas:simple_spread", (group,), 0, horizon, common_reward=True)

    def reset(self, seeds: Array) -> tuple[VmasWorld, Step]:
        """Start a batch; its first seed is the seed of all."""
        import vmas

        env = vmas.make_env(
            "simple_spread",
            num_envs=len(seeds),
            continuous_actions=False,
            seed=int(seeds[0] & np.uint64(0x7FFF_FFFF)),
            clamp_actions=True,
            n_agents=_AGENTS,
        )
        batch = len(seeds)
        step = self._seen(env.reset(), np.zeros(batch), np.zeros(batch, dtype=bool))
        return VmasWorld(env, step, np.zeros(batch, dtype=np.int32)), step

    def step(self, world: VmasWorld, actions: Sequence[Array]) -> tuple[VmasWorld, Step]:
        """Advance all sub-environments, which stop together."""
        (clean,) = check_actions(self.spec, world.step, actions)
        given = torch.from_numpy(clean)
        observations, rewards, _, _ = world.env.step([given[:, i : i + 1] for i in range(_AGENTS)])
        world.time += 1
        world.step = self._seen(observations, rewards[0].numpy(), world.time >= self.spec.horizon)
        return world, world.step

    def restart(self, world: VmasWorld, where: Array) -> tuple[VmasWorld, Step]:
        """Begin new episodes in all sub-environments at once."""
        if not where.any():
            return world, world.step
        if not where.all():
            raise InputError("vmas:simple_spread restarts all of its sub-environments or none")
        world.time[:] = 0
        batch = len(where)
        world.step = self._seen(world.env.reset(), np.zeros(batch), np.zeros(batch, dtype=bool))
        return world, world.step

    def scene(self, world: VmasWorld, which: int = 0) -> Scene:
        """There is no picture."""
        raise InputError("vmas:simple_spread has no pictures here")

    def close(self, world: VmasWorld) -> None:
        """Nothing to give back."""

    @staticmethod
    def _seen(observations: list[torch.Tensor], reward: Array, last: Array) -> Step:
        batch = len(last)
        everybody = np.ones((batch, _AGENTS), dtype=bool)
        view = View(
            torch.stack(observations, dim=1).numpy(),
            np.ones((batch, _AGENTS, 5), dtype=bool),
            np.repeat(reward.astype(np.float64)[:, None], _AGENTS, axis=1),
            everybody,
            everybody,
        )
        return Step((view,), np.zeros((batch, 0), dtype=np.float32), np.ones(batch, dtype=np.float32), last)
