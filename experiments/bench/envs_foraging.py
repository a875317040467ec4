"""Level-based foraging against `lbforaging`, whose rules ours are."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from experiments.bench.envs_play import SEED, Playing, Tally, duel, paced
from experiments.bench.harness import Finding, Row, Setting
from experiments.bench.timing import Side

_NAMES = ("8x8-2p-3f", "8x8-3p-3f")
_BATCH = 1_024


def rows() -> list[Row]:
    """The two sizes of the table of targets."""
    return [
        Row(
            f"random foragers: {name}",
            "lbforaging",
            _measure(name),
            target=100.0,
            aim=300.0,
            needs=("lbforaging", "gymnasium"),
            quick=True,
        )
        for name in _NAMES
    ]


class LbForaging:
    """Random valid agents in the library's environment, without gymnasium's wrappers."""

    def __init__(self, name: str) -> None:
        import gymnasium
        import lbforaging  # noqa: F401  (registers the environments)

        self.env: Any = gymnasium.make(f"Foraging-{name}-v3").unwrapped
        self.env.reset(seed=SEED)
        self._pick = random.Random(SEED).choice

    def tally(self, steps: int) -> Tally:
        """Play on, restarting as needed."""
        env, pick = self.env, self._pick
        reward = square = 0.0
        stops = 0
        for _ in range(steps):
            valid = env._valid_actions
            _, rewards, done, _, _ = env.step([pick(valid[player]) for player in env.players])
            reward += rewards[0]
            square += rewards[0] ** 2
            if done:
                stops += 1
                env.reset()
        return Tally(steps, reward, square, stops)


def _measure(name: str) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from games.env_uris import make_env

        ours = Playing(make_env(f"foraging:{name}"), _BATCH)

        def peer() -> Side:
            library = LbForaging(name)
            tallied = 2_000 if setting.quick else 20_000
            return replace(paced(library.tally, setting), extract=lambda _: library.tally(tallied))

        return duel(setting, ours.side(setting, 200), peer)

    return measure
