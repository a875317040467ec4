"""Matches of Leduc poker between tabular policies, against a loop over OpenSpiel's states in Python."""

from __future__ import annotations

import math
import random
from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.bench.envs_play import SEED, paced, throughput
from experiments.bench.harness import Duel, Finding, Row, Setting, contender, run_duel
from experiments.bench.timing import Side

if TYPE_CHECKING:
    from games.tree import TreeGame

_GAME = "leduc_poker"
_BLOCK = 1 << 16
_ERRORS = 6.0
"""Standard errors by which two mean returns may differ."""


def rows() -> list[Row]:
    """Two different tables; both players at random."""
    kinds = {
        "tabular policies": ("a bare pyspiel loop that plays the same tables", True),
        "uniformly random tables": ("a bare pyspiel loop that picks legal actions", False),
    }
    return [
        Row(
            f"leduc_poker matches between {what}",
            peer,
            _measure(mixed),
            target=10.0,
            aim=50.0,
            needs=("pyspiel",),
            quick=True,
        )
        for what, (peer, mixed) in kinds.items()
    ]


@dataclass(frozen=True)
class Returns:
    """Mean and standard error of the first player's return in some matches."""

    mean: float
    error: float

    @classmethod
    def of(cls, sample: Any) -> Returns:
        """From the return of each match."""
        return cls(float(np.mean(sample)), float(np.std(sample) / math.sqrt(len(sample))))


def behaviors(game: TreeGame, mixed: bool) -> list[Any]:
    """Two behaviour strategies float64[slots]: drawn once and for all, or both uniform."""
    if not mixed:
        return [game.uniform(), game.uniform()]
    rng = np.random.default_rng(SEED)
    return [game.check_behavior(_normalized(game, rng.random(game.slots))) for _ in range(2)]


def _normalized(game: TreeGame, weights: Any) -> Any:
    return weights / np.repeat(np.add.reduceat(weights, game.offsets[:-1]), np.diff(game.offsets))


class OurMatches:
    """Whole matches on the compiled tree, agent 0 in the first seat."""

    def __init__(self, mixed: bool) -> None:
        from games.env_uris import make_env
        from games.policy import Tabular
        from games.sims.tree_matches import tree_matches
        from games.tree_policies import behavior_table

        env = make_env(f"openspiel:{_GAME}?compiled=true")
        game: TreeGame = env.rules.game  # type: ignore[attr-defined]
        tables = [Tabular(behavior_table(game, one)) for one in behaviors(game, mixed)]
        play = tree_matches(env, [[table, table] for table in tables])
        assert play is not None  # a tree and tables
        self._play, self._rng = play, np.random.default_rng(SEED)
        self._seating = np.tile(np.array([0, 1], dtype=np.int32), (_BLOCK, 1))

    def play(self, matches: int) -> Returns:
        """Play some matches, seeds drawn as they are needed."""
        from games.streams import draw_seeds

        parts = []
        for begun in range(0, matches, _BLOCK):
            count = min(_BLOCK, matches - begun)
            seeds = draw_seeds(self._rng, count)
            parts.append(self._play(self._seating[:count], seeds, None).returns[:, 0])
        return Returns.of(np.concatenate(parts))


class SpielTables:
    """States of the game, every action drawn from the table that the acting player's information state finds."""

    def __init__(self) -> None:
        import pyspiel

        from games.load import load

        self.game = pyspiel.load_game(_GAME)
        tree: Any = load(f"openspiel:{_GAME}")
        self._tables = [
            {name: list(accumulate(block.tolist())) for _, name, _, block in tree.rows(behavior)}
            for behavior in behaviors(tree, True)
        ]
        self._random = random.Random(SEED)

    def play(self, matches: int) -> list[float]:
        """The first player's return in each of some matches."""
        number, tables, returns = self._random.random, self._tables, []
        for _ in range(matches):
            state = self.game.new_initial_state()
            while not state.is_terminal():
                if state.is_chance_node():
                    actions, odds = zip(*state.chance_outcomes())
                    sums = list(accumulate(odds))
                else:
                    actions = state.legal_actions()
                    sums = tables[state.current_player()][state.information_state_string()]
                state.apply_action(actions[min(bisect(sums, number() * sums[-1]), len(sums) - 1)])
            returns.append(state.returns()[0])
        return returns


class SpielRandom:
    """States of the game, every legal action equally likely."""

    def __init__(self) -> None:
        import pyspiel

        self.game = pyspiel.load_game(_GAME)
        self._random = random.Random(SEED)

    def play(self, matches: int) -> list[float]:
        """The first player's return in each of some matches."""
        pick, returns = self._random.choice, []
        for _ in range(matches):
            state = self.game.new_initial_state()
            while not state.is_terminal():
                state.apply_action(
                    pick(state.legal_actions())
                )  # here chance too is uniform over what is legal
            returns.append(state.returns()[0])
        return returns


def _measure(mixed: bool) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        ours = OurMatches(mixed)

        def build() -> Side:
            library: Any = SpielTables() if mixed else SpielRandom()
            count = 5_000 if setting.quick else 50_000
            return replace(paced(library.play, setting), extract=lambda _: Returns.of(library.play(count)))

        side = replace(paced(ours.play, setting), extract=lambda _: ours.play(_BLOCK * 8))
        repeats, budget = (3, 5.0) if setting.quick else (9, 30.0)
        duel = Duel(side, contender(setting, build), _alike, repeats=repeats, budget_s=budget)
        return throughput(run_duel(duel), "matches")

    return measure


def _alike(ours: Returns, theirs: Returns | None) -> tuple[bool, str]:
    """Whether the first player earns the same on both sides, up to chance, and a note."""
    note = f"the first player's mean return {ours.mean:.3g}"
    if theirs is None:
        return True, note
    right = abs(ours.mean - theirs.mean) <= _ERRORS * math.hypot(ours.error, theirs.error)
    return right, f"{note}, the peer's {theirs.mean:.3g}"
