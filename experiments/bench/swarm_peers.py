"""Rows of `bench swarm` against swarms written in numpy, and against VMAS at equal numbers of agents.

Vicsek against numpy is a row of `envs_swarm`, here too. Numpy's Kuramoto finds neighbours once per episode, as one
would, while ours finds them anew in each step. Of VMAS (Bettini et al. 2022) the task nearest to Vicsek is `flocking`:
other laws of motion with collisions, other observations, so its rows tell what a step costs and have no target; the
spread task is the same as our `mpe:simple-spread`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from experiments.bench import envs_swarm
from experiments.bench.envs_play import SEED, Playing, duel, paced
from experiments.bench.harness import Finding, Row, Setting
from experiments.bench.timing import Side, sample

AGENTS, BATCH = 200, 64
_HORIZON = 100
_DRAWN = 4_000_000
"""Actions of single agents that are drawn beforehand, about."""
_VMAS_BATCH = 32
_FLOCKS, _SPREADS = (10, 50, 100), (3, 10)


def rows() -> list[Row]:
    """Against numpy, then against VMAS."""
    return [
        *envs_swarm.rows(),
        Row(f"random swarm: aggregation of {AGENTS}", "numpy", _against(NumpyAggregation), quick=True),
        Row(
            f"random swarm: kuramoto of {AGENTS}",
            "numpy, neighbours found once per episode",
            _against(NumpyKuramoto),
            quick=True,
        ),
        *(_vmas_row(f"vicsek of {n}", f"swarm:vicsek?agents={n}", "flocking", n) for n in _FLOCKS),
        *(_vmas_row(f"spread of {n}", f"mpe:simple-spread?N={n}", "simple_spread", n) for n in _SPREADS),
    ]


# --- numpy ------------------------------------------------------------------------------------------------


class NumpySwarm(ABC):
    """Random agents in several swarms at once, which begin again together.

    Parameters
    ----------
    batch : int
        How many swarms.
    """

    name: str

    def __init__(self, batch: int) -> None:
        self.batch, self.time = batch, 0
        self.rng = np.random.default_rng(SEED)
        self.begin()

    @abstractmethod
    def begin(self) -> None:
        """Draw an episode."""

    @abstractmethod
    def move(self) -> Any:
        """One step of everybody; the rewards, float64[B]."""

    def step(self, steps: int) -> float:
        """So many steps; returns the mean reward of one."""
        total = 0.0
        for _ in range(steps):
            if self.time == _HORIZON:
                self.time = 0
                self.begin()
            total += float(self.move().mean())
            self.time += 1
        return total / steps


class NumpyAggregation(NumpySwarm):
    """Aggregation."""

    name = "aggregation"

    def begin(self) -> None:
        """Uniform positions."""
        self.positions = self.rng.uniform(-2, 2, (self.batch, AGENTS, 2))

    def move(self) -> Any:
        """See `NumpySwarm`."""
        from experiments.bench.numpy_swarm import aggregation_step

        actions = self.rng.uniform(-1, 1, self.positions.shape)
        self.positions, _, reward = aggregation_step(self.positions, actions, self.rng)
        return reward


class NumpyKuramoto(NumpySwarm):
    """Kuramoto, uniform headings."""

    name = "kuramoto"

    def begin(self) -> None:
        """Uniform positions and headings, and who is near whom."""
        from experiments.bench.numpy_swarm import neighbours

        self.near = neighbours(self.rng.random((self.batch, AGENTS, 2)), 0.25).astype(float)
        self.headings = self.rng.random((self.batch, AGENTS)) * 2 * np.pi

    def move(self) -> Any:
        """See `NumpySwarm`."""
        from experiments.bench.numpy_swarm import kuramoto_step

        actions = self.rng.uniform(-1, 1, self.headings.shape)
        self.headings, _, reward = kuramoto_step(self.near, self.headings, actions, self.rng)
        return reward


def _against(kind: type[NumpySwarm]) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from games.env_uris import make_env

        ours = Playing(make_env(f"swarm:{kind.name}?agents={AGENTS}"), BATCH)
        batch = fastest_batch(kind)

        def peer() -> Side:
            swarm = kind(batch)
            side = paced(swarm.step, setting)
            return replace(side, units=side.units * batch)

        def check(answer: Any, theirs: float | None) -> tuple[bool, str]:
            mean, _ = answer.mean_reward()
            note = f"mean reward of a step {mean:.3g}"
            if theirs is None:
                return True, note
            return abs(mean - theirs) <= 0.1 * abs(theirs), f"{note}, the peer's {theirs:.3g} (batch {batch})"

        return duel(setting, ours.side(setting, _HORIZON), peer, check)

    return measure


def fastest_batch(kind: type[NumpySwarm]) -> int:
    """How many swarms at once numpy is fastest with."""
    costs = {}
    for batch in (1, 4, 16, 64):
        swarm = kind(batch)
        swarm.step(1)
        side = Side(partial(swarm.step, 5), units=5 * batch)
        costs[batch] = min(sample(side)[0].cpu for _ in range(3))
    return min(costs, key=lambda batch: costs[batch])


# --- VMAS -------------------------------------------------------------------------------------------------


class Prepared:
    """An environment of ours in which everybody takes actions that were drawn beforehand.

    Parameters
    ----------
    env : Env
        The environment.
    batch : int
        Sub-environments.
    """

    def __init__(self, env: Any, batch: int) -> None:
        from games.play import begin
        from games.policy import random_policy
        from games.streams import draw_seeds

        self.env, self.batch = env, batch
        policy = random_policy(env.spec)
        play = begin(env, policy, draw_seeds(np.random.default_rng(SEED), batch))
        self.world, self.now, self.time = play.world, play.step, 0
        agents = batch * len(env.spec.agents)
        draws = min(max(_DRAWN // agents, 4), _HORIZON)  # an agent that always did the same would drift away
        self._actions = [policy.sample(play.step, play.memory, play.streams)[0] for _ in range(draws)]

    def step(self, steps: int) -> float:
        """So many steps; returns the mean reward of one."""
        total = 0.0
        for _ in range(steps):
            self.time += 1
            self.world, self.now = self.env.step(self.world, self._actions[self.time % len(self._actions)])
            total += float(self.now.groups[0].reward[:, 0].mean())
            if self.now.last.any():
                self.world, self.now = self.env.restart(self.world, self.now.last)
        return total / steps

    def side(self, setting: Setting) -> Side:
        """This as a contender, per step of one sub-environment."""
        side = paced(self.step, setting)
        return replace(side, units=side.units * self.batch)


class Vmas:
    """A task of VMAS on one thread, actions drawn beforehand, begun again after as many steps as ours."""

    def __init__(self, task: str, agents: int) -> None:
        import torch
        import vmas

        torch.set_num_threads(1)
        flock = task == "flocking"
        room = {"min_dist_between_entities": 0.02} if flock else {}  # by default there is none for a hundred
        self.env = vmas.make_env(
            task,
            num_envs=_VMAS_BATCH,
            device="cpu",
            continuous_actions=flock,
            seed=SEED,
            n_agents=agents,
            **room,
        )
        self.env.reset()
        self.time = 0
        self._actions = [self.env.get_random_actions() for _ in range(_HORIZON)]

    def step(self, steps: int) -> bool:
        """So many steps; whether all observations were finite."""
        finite = True
        for _ in range(steps):
            if self.time == _HORIZON:
                self.time = 0
                self.env.reset()
            observations, *_ = self.env.step(self._actions[self.time])
            self.time += 1
            finite = finite and bool(observations[0].isfinite().all())
        return finite


def _vmas_row(name: str, uri: str, task: str, agents: int) -> Row:
    def measure(setting: Setting) -> Finding:
        from games.env_uris import make_env

        def peer() -> Side:
            theirs = Vmas(task, agents)
            side = paced(theirs.step, setting)
            return replace(side, units=side.units * _VMAS_BATCH)

        def check(mean: float, finite: bool | None) -> tuple[bool, str]:
            return bool(
                np.isfinite(mean)
            ) and finite is not False, "both on one thread, actions drawn beforehand"

        return duel(setting, Prepared(make_env(uri), _VMAS_BATCH).side(setting), peer, check)

    return Row(
        f"{_VMAS_BATCH} at once: {name}",
        f"vmas, {task} of {agents}",
        measure,
        needs=("vmas",),
        quick=agents <= 10,
    )
