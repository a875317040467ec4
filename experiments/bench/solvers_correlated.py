"""Max-welfare CE and CCE rows: against OpenSpiel's JPSRO, which builds its matrices, and HiGHS alone, which is given them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.bench import families
from experiments.bench.harness import Duel, Finding, Row, Setting, contender, run_duel
from experiments.bench.solvers_dynamics import SIZES
from experiments.bench.timing import Side
from games.simplices import Float
from solvers import certify

_SEED = 2
_RIGHT = (
    1e-7  # certificate and agreement of values, relative to the span; the LP solvers' own tolerance is 1e-7
)
_NO_SLOWER = 1 / 1.1


def rows() -> list[Row]:
    """JPSRO on the sizes of its targets, then HiGHS alone on every size, through scipy and directly."""
    made = [
        _row("ce", (50, 50), "OpenSpiel JPSRO mwce (ECOS)", target=100.0, cap_s=90.0),
        _row("cce", (100, 100), "OpenSpiel JPSRO mwcce (ECOS)", target=5.0, cap_s=90.0),
    ]
    for concept in ("cce", "ce"):
        for shape in SIZES:
            aim = 5.0 if concept == "cce" and shape in ((100, 100), (8, 8, 8, 8)) else None
            for peer in ("HiGHS alone (highspy)", "HiGHS alone (scipy)"):
                made.append(_row(concept, shape, peer, target=_NO_SLOWER, aim=aim))
    return made


def _row(
    concept: str,
    shape: tuple[int, ...],
    peer: str,
    target: float,
    aim: float | None = None,
    cap_s: float | None = None,
) -> Row:
    return Row(
        f"max-welfare {concept} {families.size_name(shape)}",
        peer,
        _measure(concept, shape, peer, cap_s),
        target=target,
        aim=aim,
        needs=("open_spiel", "cvxpy", "ecos") if "JPSRO" in peer else ("scipy", "highspy"),
        quick="JPSRO" in peer or shape in ((10, 10), (3, 3, 3, 3)),
    )


def _measure(
    concept: str, shape: tuple[int, ...], peer: str, cap_s: float | None
) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from solvers import correlated

        actual = tuple(min(n, 10) for n in shape) if setting.quick else shape
        payoffs = families.milli(_SEED, actual)
        game = families.game(payoffs)
        solve = {"cce": correlated.cce, "ce": correlated.ce}[concept]

        def check(ours: Any, theirs: Any) -> tuple[bool, str]:
            certificate = certify(game, ours.strategy, concept)
            welfare = float(certificate.values.sum())
            right = certificate.max_regret <= _RIGHT * game.span
            note = f"welfare {welfare:.9f}, max regret {certificate.max_regret:.1e}"
            if theirs is not None:
                right = right and welfare >= theirs - 10 * _RIGHT * game.span * len(shape)
                note += f"; peer {theirs:.9f}"
            return bool(right), note

        peer_side = contender(setting, lambda: _peer(peer, concept, payoffs))
        repeats = 3 if setting.quick or cap_s else 9
        budget_s = 40.0 if cap_s else 8.0
        return run_duel(Duel(Side(lambda: solve(game)), peer_side, check, cap_s, repeats, budget_s))

    return measure


def _peer(peer: str, concept: str, payoffs: Float) -> Side:
    if "JPSRO" in peer:
        return _jpsro(concept, payoffs)
    return _highs_direct(concept, payoffs) if "highspy" in peer else _highs_scipy(concept, payoffs)


# --- OpenSpiel --------------------------------------------------------------------------------------------


def _jpsro(concept: str, payoffs: Float) -> Side:
    from open_spiel.python.algorithms import jpsro

    solve = {"cce": jpsro._mwcce, "ce": jpsro._mwce}[concept]

    def on(tensor: Float) -> Any:
        return solve(tensor, [np.ones(n) for n in tensor.shape[1:]])

    return Side(
        lambda: on(payoffs),
        lambda answer: float((payoffs.sum(axis=0) * answer[0]).sum()),
        warm=lambda: on(families.milli(_SEED, (3, 3))),
    )


# --- HiGHS on ready-built matrices ------------------------------------------------------------------------


def deviation_gains(concept: str, payoffs: Float) -> Any:
    """The constraint matrix G of CE or CCE in G x <= 0 over joint distributions x, sparse by rows (scipy CSR)."""
    from scipy import sparse

    shape = payoffs.shape[1:]
    cells = np.arange(np.prod(shape)).reshape(shape)
    blocks = []
    for i, size in enumerate(shape):
        own = np.moveaxis(payoffs[i], i, 0).reshape(size, -1)
        index = np.moveaxis(cells, i, 0).reshape(size, -1)
        if concept == "cce":
            gains = (own[:, None, :] - own[None, :, :]).reshape(size, -1)
            columns = np.tile(index.ravel(), size)
            rows = np.repeat(np.arange(size), index.size)
        else:
            told, played = np.nonzero(~np.eye(size, dtype=bool))
            gains = own[played] - own[told]
            columns = index[told].ravel()
            rows = np.repeat(np.arange(told.size), index.shape[1])
        height = size if concept == "cce" else size * (size - 1)
        block = sparse.csr_matrix((gains.ravel(), (rows, columns)), shape=(height, cells.size))
        block.eliminate_zeros()
        blocks.append(block)
    return sparse.vstack(blocks, format="csr")


def _highs_scipy(concept: str, payoffs: Float) -> Side:
    from scipy import sparse
    from scipy.optimize import linprog

    gains, welfare = deviation_gains(concept, payoffs), payoffs.sum(axis=0).ravel()
    zeros, total = np.zeros(gains.shape[0]), sparse.csr_matrix(np.ones((1, welfare.size)))
    one = np.ones(1)

    def solve() -> Any:
        return linprog(
            -welfare, A_ub=gains, b_ub=zeros, A_eq=total, b_eq=one, bounds=(0, None), method="highs"
        )

    return Side(solve, lambda answer: float(-answer.fun))


def _highs_direct(concept: str, payoffs: Float) -> Side:
    import highspy
    from scipy import sparse

    gains, welfare = deviation_gains(concept, payoffs), payoffs.sum(axis=0).ravel()
    matrix = sparse.vstack([gains, np.ones((1, welfare.size))], format="csc")
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = matrix.shape
    model.sense_ = highspy.ObjSense.kMaximize
    model.col_cost_ = welfare
    model.col_lower_, model.col_upper_ = np.zeros(welfare.size), np.full(welfare.size, highspy.kHighsInf)
    model.row_lower_ = np.concatenate([np.full(gains.shape[0], -highspy.kHighsInf), [1.0]])
    model.row_upper_ = np.concatenate([np.zeros(gains.shape[0]), [1.0]])
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_ = matrix.indptr, matrix.indices
    model.a_matrix_.value_ = matrix.data

    def solve() -> float:
        solver = highspy.Highs()
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("threads", 1)
        solver.passModel(model)
        solver.run()
        return float(solver.getInfo().objective_function_value)

    return Side(solve)
