"""alpha-rank rows against OpenSpiel: the same chain at finite alpha, each one's own limit at infinite alpha."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.bench import families
from experiments.bench.harness import Duel, Finding, Row, Setting, contender, run_duel
from experiments.bench.timing import Side
from solvers import certify

_SEED = 5
_POPULATION = 50
_CAP_S = 60.0
_AGREE = 1e-8


def rows() -> list[Row]:
    """Both limits of both sizes; the peer does not finish the larger one."""
    return [
        Row(
            f"alpharank {size}x{size} alpha={alpha:g}",
            "OpenSpiel alpharank",
            _measure(size, alpha),
            target=100.0 if size == 50 else "ours under 10 s",
            needs=("open_spiel",),
            quick=size == 50,
        )
        for size in (50, 100)
        for alpha in (1.0, np.inf)
    ]


def _measure(size: int, alpha: float) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from dataclasses import replace

        from solvers.alpharank import alpharank

        actual = 10 if setting.quick else size
        payoffs = families.milli(_SEED, (actual, actual))
        game = families.game(payoffs)

        def check(ours: Any, theirs: Any) -> tuple[bool, str]:
            certificate = certify(game, ours.strategy, "alpharank", alpha=alpha, population=_POPULATION)
            note = f"{actual**2} states, residual of ours {certificate.residual:.1e}"
            right = certificate.residual is not None and certificate.residual <= _AGREE
            if theirs is not None:
                apart = float(np.abs(ours.strategy.dense().ravel() - theirs).sum())
                note += f", L1 distance to the peer's ranking {apart:.1e}"
                if np.isinf(alpha):
                    apart = _apart_in_the_limit()
                    right = right and apart <= 1e-5
                    note += (
                        f" (a chain perturbed by 0.01; perturbed by 1e-8 on 8x8 it is {apart:.0e} from ours)"
                    )
                else:
                    right = right and apart <= 1e-6
            return right, note

        peer_side = contender(setting, lambda: _peer(payoffs, alpha))
        finding = run_duel(
            Duel(
                Side(lambda: alpharank(game, alpha=alpha, population=_POPULATION)),
                peer_side,
                check,
                cap_s=_CAP_S,
                repeats=2,
                budget_s=20,
            )
        )
        if size == 100:
            finding = replace(finding, met=finding.ours is not None and finding.ours.wall < 10)
        return finding

    return measure


def _apart_in_the_limit() -> float:
    """L1 distance between our infinite-alpha ranking of a small game and the peer's, all but unperturbed."""
    from open_spiel.python.egt import alpharank as theirs

    from solvers.alpharank import alpharank

    payoffs = families.milli(_SEED, (8, 8))
    ours = alpharank(families.game(payoffs), alpha=np.inf, population=_POPULATION).joint
    assert ours is not None
    ranking = theirs.compute(list(payoffs), use_inf_alpha=True, inf_alpha_eps=1e-8)[2]
    return float(np.abs(ours.dense().ravel() - ranking).sum())


def _peer(payoffs: Any, alpha: float) -> Side:
    from open_spiel.python.egt import alpharank as theirs

    options = {"use_inf_alpha": True} if np.isinf(alpha) else {"m": _POPULATION, "alpha": alpha}
    tables = list(payoffs)
    small = list(families.milli(_SEED, (3, 3)))
    return Side(
        lambda: theirs.compute(tables, **options),
        lambda answer: np.asarray(answer[2]),
        warm=lambda: theirs.compute(small, **options),
    )
