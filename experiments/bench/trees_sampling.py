"""Monte Carlo CFR rows: iterations of external and outcome sampling against OpenSpiel's C++."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.bench.harness import Duel, Finding, Row, Setting, contender, run_duel
from experiments.bench.timing import Side, steady
from experiments.bench.trees_games import spiel, tree

_NAMES = (
    "leduc",
    "liars_dice 1x4",
    "liars_dice 1x6",
    "goofspiel 4",
    "goofspiel 5",
    "kuhn 2 players",
    "kuhn 3 players",
    "leduc 3 players",
)
_JUDGED_NODES = 300_000
"""OpenSpiel computes no NashConv of larger games in reasonable time."""
_METHODS = {"mccfr-es": "ExternalSamplingMCCFRSolver", "mccfr-os": "OutcomeSamplingMCCFRSolver"}
_SEED = 1
_SAMPLE_S = 0.2


def rows() -> list[Row]:
    """Both kinds of sampling on every game."""
    return [
        Row(
            f"{method} iteration: {name}",
            f"OpenSpiel {solver}",
            _measure(name, method),
            target=10.0,
            needs=("pyspiel",),
            quick=name in ("leduc", "kuhn 3 players"),
        )
        for method, solver in _METHODS.items()
        for name in _NAMES
    ]


class OpenSpielMccfr:
    """OpenSpiel's C++ Monte Carlo CFR in the middle of its work."""

    def __init__(self, name: str, method: str) -> None:
        import pyspiel

        self.game = spiel(name)
        self.solver = getattr(pyspiel, _METHODS[method])(self.game, seed=_SEED)

    def step(self, iterations: int) -> None:
        """Do this many more iterations; one is a traversal or a play for each player."""
        run = self.solver.run_iteration
        for _ in range(iterations):
            run()

    def nash_conv(self) -> float:
        """NashConv of the average strategies, by OpenSpiel; these can be asked about states only."""
        import pyspiel

        return float(pyspiel.nash_conv(self.game, self.solver.average_policy(), True))


def _measure(name: str, method: str) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from solvers.mccfr import Mccfr

        game = tree(name)
        seconds = 0.1 if setting.quick else _SAMPLE_S
        rival = contender(setting, lambda: steady(OpenSpielMccfr(name, method).step, seconds))
        ours = Mccfr(game, method, np.random.default_rng(_SEED))
        pace = rival if rival is not None and rival.units > 1 else steady(ours.advance, seconds)
        count = round(pace.units)
        # both sides do equally many iterations from the start on: a play's length depends on how good it is
        ours.advance(count)

        def check(_: Any, __: Any) -> tuple[bool, str]:
            return _as_good(name, method, count if setting.quick else 4 * count, setting.peer)

        side = Side(lambda: ours.advance(count), units=count, warm=lambda: None)
        return run_duel(Duel(side, rival, check, repeats=3 if setting.quick else 9, budget_s=12))

    return measure


def _as_good(name: str, method: str, count: int, peer: bool) -> tuple[bool, str]:
    """Whether after equally many iterations our average strategies are about as close to equilibrium as the peer's."""
    from solvers.mccfr import Mccfr

    game = tree(name)
    ours = Mccfr(game, method, np.random.default_rng(_SEED))
    ours.advance(count)
    reached = float(ours.measure(ours.answer()).regrets.sum())
    note = f"NashConv after {count:,} iterations {reached:.3g}"
    if not peer or game.nodes > _JUDGED_NODES:
        at_first = float(ours.measure(game.uniform()).regrets.sum())
        return math.isfinite(reached) and reached < at_first, f"{note}, of uniform play {at_first:.3g}"
    rival = OpenSpielMccfr(name, method)
    rival.step(count)
    theirs = rival.nash_conv()
    return reached <= 1.5 * theirs + 0.01 * game.span, f"{note}, the peer's {theirs:.3g}"
