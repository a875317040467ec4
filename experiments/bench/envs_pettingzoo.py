"""What our adapters cost over an environment's own loop, and what a second process gains."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from experiments.bench.envs_play import SEED, Playing, duel, paced
from experiments.bench.harness import Finding, Row, Setting, medians
from experiments.bench.timing import Sample, Side, sample

_BATCH, _POOL_BATCH = 16, 64
_WORKERS = 2


@dataclass(frozen=True)
class World:
    """An environment of another library.

    Parameters
    ----------
    name : str
        In the row.
    uri : str
        For us.
    loop : callable
        Its own loop: given a number of joint steps, takes them with random actions.
    needs : tuple of str
        Modules.
    """

    name: str
    uri: str
    loop: Callable[[], Callable[[int], Any]]
    needs: tuple[str, ...]


def spread_loop() -> Callable[[int], float]:
    """`mpe2`'s simple_spread, as its documentation runs it."""
    from mpe2 import simple_spread_v3

    env = simple_spread_v3.parallel_env()
    env.reset(seed=SEED)
    counts = {agent: env.action_space(agent).n for agent in env.possible_agents}
    pick = random.Random(SEED).randrange

    def step(steps: int) -> float:
        total = 0.0
        for _ in range(steps):
            _, rewards, ended, cut, _ = env.step({agent: pick(counts[agent]) for agent in env.agents})
            total += rewards["agent_0"]
            if all(ended.values()) or all(cut.values()):
                env.reset()
        return total / steps

    return step


def warehouse_loop() -> Callable[[int], float]:
    """`rware`'s smallest warehouse, through gymnasium as its documentation runs it."""
    import gymnasium
    import rware  # noqa: F401  (registers the environments)

    env: Any = gymnasium.make("rware-tiny-2ag-v2")
    env.reset(seed=SEED)
    counts = [space.n for space in env.action_space]
    pick = random.Random(SEED).randrange

    def step(steps: int) -> float:
        total = 0.0
        for _ in range(steps):
            _, rewards, ended, cut, _ = env.step([pick(count) for count in counts])
            total += rewards[0]
            if ended or cut:
                env.reset()
        return total / steps

    return step


WORLDS = (
    World("simple_spread", "pettingzoo:mpe2.simple_spread_v3", spread_loop, ("mpe2", "pettingzoo")),
    World("rware-tiny-2ag", "gymnasium:rware/rware-tiny-2ag-v2", warehouse_loop, ("rware", "gymnasium")),
)


def rows() -> list[Row]:
    """Overhead in this process, then the gain of two workers."""
    overhead = [
        Row(
            f"random agents through our adapter: {world.name}",
            "the environment's own loop",
            _measure_overhead(world),
            target=0.91,
            aim=1.0,
            needs=world.needs,
            quick=True,
        )
        for world in WORLDS
    ]
    workers = [
        Row(
            f"{_WORKERS} worker processes, wall time: {world.name}",
            "the same in one process",
            _measure_workers(world),
            target=1.7,
            aim=2.0,
            needs=world.needs,
            quick=True,
        )
        for world in WORLDS
    ]
    return overhead + workers


def _measure_overhead(world: World) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from games.env_uris import make_env

        if not setting.peer:
            return Finding(note="there is nothing to adapt")
        ours = Playing(make_env(world.uri), _BATCH)
        loop = world.loop()

        def check(answer: Any, _: Any) -> tuple[bool, str]:
            mean, error = answer.mean_reward()
            other = np.array([loop(100) for _ in range(3 if setting.quick else 20)])
            their_error = float(other.std(ddof=1) / np.sqrt(len(other)))
            # rewards of consecutive steps are much alike, so errors are those of stretches of 100 steps at least
            slack = 6 * np.hypot(error * 5, their_error) + 1e-9
            note = f"mean reward of a step {mean:.3g}, its own {other.mean():.3g}; batch {_BATCH}"
            return bool(abs(mean - other.mean()) <= slack), note

        try:
            return duel(setting, ours.side(setting, 25), lambda: paced(loop, setting), check)
        finally:
            ours.close()

    return measure


def _measure_workers(world: World) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from games.env_uris import make_env

        if not setting.peer:
            return Finding(note="there is nothing to adapt")
        from games.pool import Pool

        with Pool(world.uri, workers=_WORKERS) as pool:
            both = [Playing(pool, _POOL_BATCH), Playing(make_env(world.uri), _POOL_BATCH)]
            sides = [replace(paced(p.advance, setting), warm=None) for p in both]
            sides = [replace(side, units=side.units * _POOL_BATCH) for side in sides]
            finding = wall_duel(sides[0], sides[1], 3 if setting.quick else 9)
            for playing in both:
                playing.close()
        return replace(finding, note=f"{finding.note}; batch {_POOL_BATCH}")

    return measure


def wall_duel(ours: Side, peer: Side, repeats: int) -> Finding:
    """Two sides in turn, and the median over pairs of the peer's wall time over ours: for work in several processes."""
    samples: tuple[list[Sample], list[Sample]] = ([], [])
    for pair in range(repeats):
        for which in (0, 1) if pair % 2 == 0 else (1, 0):
            samples[which].append(sample((ours, peer)[which])[0])
    ratio = statistics.median(b.wall / a.wall for a, b in zip(*samples))
    walls = [statistics.median(s.wall for s in side) for side in samples]
    note = f"{1 / walls[0]:,.4g} steps per second of wall time, in one process {1 / walls[1]:,.4g}"
    return Finding(medians(samples[0]), medians(samples[1]), ratio=ratio, pairs=repeats, note=note)
