"""The repeated prisoner's dilemma between memory-one players, against the Axelrod library."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from experiments.bench.envs_play import SEED, Playing, duel, paced
from experiments.bench.harness import Finding, Row, Setting
from experiments.bench.timing import Side

_ROUNDS, _BATCH = 200, 4_096
_PAIRS = {
    "tit-for-tat and win-stay-lose-shift": ("TitForTat", "WinStayLoseShift"),
    "generous-tit-for-tat and joss": ("GTFT", "FirstByJoss"),
}
"""Our names, and the classes of the library."""


def rows() -> list[Row]:
    """Each pair step by step as an environment, and in one loop."""
    ways: tuple[tuple[str, Callable[[str], Callable[[Setting], Finding]]], ...] = (
        ("repeated dilemma", _measure_steps),
        ("repeated dilemma in one loop", _measure_loop),
    )
    return [
        Row(
            f"{what}, batch {_BATCH:,}: {pair}",
            "Axelrod",
            measure(pair),
            target=200.0,
            aim=1_000.0,
            needs=("axelrod",),
            quick=True,
        )
        for what, measure in ways
        for pair in _PAIRS
    ]


class AxelrodMatches:
    """Whole matches between two players of the library."""

    def __init__(self, pair: str) -> None:
        import axelrod

        players = [getattr(axelrod, name)() for name in _PAIRS[pair]]
        cache = axelrod.DeterministicCache()
        cache.mutable = False  # else a match of two deterministic players is played once and then looked up
        self._match = axelrod.Match(players, turns=_ROUNDS, seed=SEED, deterministic_cache=cache)

    def play(self, matches: int) -> None:
        """Play some matches."""
        for _ in range(matches):
            self._match.play()

    def score(self, matches: int) -> tuple[float, float]:
        """Mean score of a round of the first player over some matches, and its standard error."""
        scores = []
        for _ in range(matches):
            self._match.play()
            scores.append(self._match.final_score_per_turn()[0])
        return float(np.mean(scores)), float(np.std(scores) / math.sqrt(matches))


def _peer(pair: str, setting: Setting) -> Side:
    library = AxelrodMatches(pair)
    side = paced(library.play, setting)
    count = 20 if setting.quick else 200
    return replace(side, units=side.units * _ROUNDS, extract=lambda _: library.score(count))


def _same_score(ours: tuple[float, float], theirs: Any) -> tuple[bool, str]:
    """Whether the first player scores alike on both sides, up to chance."""
    note = f"the first player's mean score of a round {ours[0]:.4g}"
    if theirs is None:
        return True, note
    right = abs(ours[0] - theirs[0]) <= 6 * math.hypot(ours[1], theirs[1]) + 1e-9
    return right, f"{note}, the peer's {theirs[0]:.4g}"


def _measure_steps(pair: str) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from games.env_uris import make_env
        from games.play import play_episodes
        from games.policy_names import team
        from games.streams import draw_seeds

        env = make_env(f"repeated:prisoners-dilemma?rounds={_ROUNDS}")
        players = team(env, dict(zip(env.spec.agents, pair.split(" and "))))

        def score(_: Any) -> tuple[float, float]:
            seeds = draw_seeds(np.random.default_rng(SEED), 1_000)
            mean = play_episodes(env, players, seeds, batch=1_000).returns[:, 0] / _ROUNDS
            return float(mean.mean()), float(mean.std() / math.sqrt(len(mean)))

        ours = replace(Playing(env, _BATCH, players).side(setting, 1), extract=score)
        return duel(setting, ours, lambda: _peer(pair, setting), _same_score)

    return measure


def _measure_loop(pair: str) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from games.env_uris import make_env
        from games.load import load
        from games.sims.matches import play_matches
        from games.strategies import make_policy
        from games.streams import draw_seeds

        spec = make_env(f"repeated:prisoners-dilemma?rounds={_ROUNDS}").spec
        tables: list[Any] = [
            getattr(make_policy(name, spec, agent), "table")  # noqa: B009  (only memory-one players have one)
            for name, agent in zip(pair.split(" and "), spec.agents)
        ]
        game, seeds = load("zoo:prisoners-dilemma"), draw_seeds(np.random.default_rng(SEED), _BATCH)

        def play() -> Any:
            return play_matches(game, *tables, seeds=seeds, rounds=_ROUNDS)

        def score(matches: Any) -> tuple[float, float]:
            mean = matches.scores[:, 0] / _ROUNDS
            return float(mean.mean()), float(mean.std() / math.sqrt(len(mean)))

        ours = Side(play, score, units=_BATCH * _ROUNDS)
        return duel(setting, ours, lambda: _peer(pair, setting), _same_score)

    return measure
