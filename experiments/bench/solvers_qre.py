"""Logit QRE rows: tracing the principal branch against Gambit on random games."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from experiments.bench import families, solvers_silent
from experiments.bench.harness import Duel, Finding, Row, Setting, contender, run_duel
from experiments.bench.timing import Side
from games import NormalFormGame
from games.simplices import Float
from solvers import certify

_SEED = 1
_MAX_REGRET = 1e-8
_SAME_END = (
    1e-2  # largest difference of probabilities where both have followed the same branch to the same end
)
_TWO_PLAYERS = ((5, 5), (10, 10), (20, 20), (50, 50), (100, 100))
_MORE_PLAYERS = ((3, 3, 3), (5, 5, 5), (10, 10, 10), (5, 5, 5, 5), (3,) * 5, (2,) * 8)


def rows() -> list[Row]:
    """The branch on every size, then the errors on real files."""
    return [
        *(_row(shape, 30.0, 60.0) for shape in _TWO_PLAYERS),
        *(_row(shape, 20.0, 50.0) for shape in _MORE_PLAYERS),
        *solvers_silent.rows(),
    ]


def turning_points(lambdas: Sequence[float] | Float) -> int:
    """How often lambda changes direction along a branch."""
    direction = np.sign(np.diff(np.asarray(lambdas, dtype=float)))
    direction = direction[direction != 0]
    return int(np.count_nonzero(direction[1:] != direction[:-1]))


def _row(shape: tuple[int, ...], target: float, aim: float) -> Row:
    return Row(
        f"qre branch {families.size_name(shape)}",
        "Gambit logit_solve_branch",
        _measure(shape),
        target=target,
        aim=aim,
        needs=("pygambit",),
        quick=shape in ((5, 5), (3, 3, 3)),
    )


def _measure(shape: tuple[int, ...]) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from solvers.qre import trace_qre

        payoffs = families.uniform(_SEED, shape)
        game = families.game(payoffs)

        def check(ours: Any, theirs: Any) -> tuple[bool, str]:
            regret = _relative_regret(game, ours.profiles[-1])
            right = regret <= _MAX_REGRET
            note = _told("ours", ours.lambdas, len(ours.turning_points), regret)
            if theirs is not None:
                apart = float(np.abs(ours.profiles[-1] - theirs[1]).max())
                right = right and apart <= _SAME_END
                note += f"; {_told('peer', theirs[0], turning_points(theirs[0]), _relative_regret(game, theirs[1]))}; ends {apart:.0e} apart"
            return right, note

        peer_side = contender(setting, lambda: _peer(payoffs))
        slow = max(shape) >= 100
        return run_duel(
            Duel(
                Side(lambda: trace_qre(game, max_regret=_MAX_REGRET)),
                peer_side,
                check,
                repeats=3 if setting.quick or slow else 9,
                budget_s=50 if slow else 12,
            )
        )

    return measure


def _told(who: str, lambdas: Sequence[float] | Float, turns: int, regret: float) -> str:
    return (
        f"{who} {len(lambdas)} points, {turns} turning points, lambda {max(lambdas):.3g}, regret {regret:.1e}"
    )


def _relative_regret(game: NormalFormGame, profile: Float) -> float:
    return certify(game, profile, "nash").max_regret / game.span


def _peer(payoffs: Float) -> Side:
    import pygambit
    from pygambit.qre import logit_solve_branch

    theirs = pygambit.Game.from_arrays(*payoffs)

    def read(branch: Any) -> tuple[list[float], Float]:
        last = branch[-1].profile
        final = [float(last[s]) for player in theirs.players for s in player.strategies]
        return [point.lam for point in branch], np.array(final)

    def trace(on: Any) -> Any:
        return logit_solve_branch(on, maxregret=_MAX_REGRET)

    if max(payoffs.shape) < 50:
        return Side(lambda: trace(theirs), read)
    small = pygambit.Game.from_arrays(*families.uniform(_SEED, (3,) * payoffs.shape[0]))
    return Side(lambda: trace(theirs), read, warm=lambda: trace(small), calls=1)
