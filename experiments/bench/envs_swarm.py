"""Swarms against all pairs in numpy."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from experiments.bench.envs_play import SEED, Playing, duel, paced
from experiments.bench.harness import Finding, Row, Setting
from experiments.bench.timing import Side, sample

_AGENTS, _BATCH = 200, 64
_SWARM = f"vicsek of {_AGENTS}"


def rows() -> list[Row]:
    """The row of the table of targets."""
    return [
        Row(
            f"random swarm: {_SWARM}",
            "numpy, all pairs",
            _measure,
            target=50.0,
            needs=("numpy",),
            quick=True,
        )
    ]


class NumpyVicsek:
    """Random agents in the swarm as one would first write it; the faster of one swarm at a time and several at once."""

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self._rng = np.random.default_rng(SEED)
        self.positions = self._rng.random((batch, _AGENTS, 2))
        self.headings = self._rng.random((batch, _AGENTS)) * 2 * np.pi

    def step(self, steps: int) -> float:
        """So many steps of the batch; returns the mean reward of a step."""
        from experiments.bench.numpy_swarm import vicsek_step

        total = 0.0
        for _ in range(steps):
            actions = self._rng.uniform(-1, 1, self.headings.shape)
            self.positions, self.headings, _, reward = vicsek_step(
                self.positions, self.headings, actions, self._rng
            )
            total += float(reward.mean())
        return total / steps


def _measure(setting: Setting) -> Finding:
    from games.env_uris import make_env

    ours = Playing(make_env(f"swarm:vicsek?agents={_AGENTS}"), _BATCH)
    batch = fastest_batch()

    def peer() -> Side:
        swarm = NumpyVicsek(batch)
        side = paced(swarm.step, setting)
        return replace(side, units=side.units * batch)

    def check(answer: Any, theirs: Any) -> tuple[bool, str]:
        # both have wandered at random for hundreds of steps: the same order, up to chance
        mean, _ = answer.mean_reward()
        note = f"mean reward of a step {mean:.3g}"
        if theirs is None:
            return True, note
        return abs(mean - theirs) <= 0.1 * abs(theirs), f"{note}, the peer's {theirs:.3g} (batch {batch})"

    return duel(setting, ours.side(setting, 50), peer, check)


def fastest_batch() -> int:
    """How many swarms at once numpy is fastest with."""
    costs = {}
    for batch in (1, 4):
        swarm = NumpyVicsek(batch)
        swarm.step(1)
        side = Side(partial(swarm.step, 3), units=3 * batch)
        costs[batch] = min(sample(side)[0].cpu for _ in range(2))
    return min(costs, key=lambda batch: costs[batch])
