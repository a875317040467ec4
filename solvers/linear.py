"""The one door to HiGHS: linear programs in, checked primal and dual solutions out.

Programs are `maximise cost x` over columns with `lower <= x <= upper` and rows with `low <= A x <= high`; HiGHS
returns a basic solution (simplex), never an interior point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from games.simplices import Float, Int
from solvers.solution import Status


class LinearError(RuntimeError):
    """HiGHS ended without an optimum for a reason that is not a budget: infeasible, unbounded, or numerical."""


@dataclass(frozen=True, eq=False)
class LinearSolution:
    """An optimum of a linear program, or the best point when a budget ran out.

    Parameters
    ----------
    x : float64[columns]
        Primal values.
    duals : float64[rows]
        Row multipliers: the optimum's change per unit of the row's bound, >= 0 for binding upper bounds.
    objective : float
        cost x.
    iterations : int
        Simplex iterations.
    status : Status
        CONVERGED or BUDGET.
    """

    x: Float
    duals: Float
    objective: float
    iterations: int
    status: Status


class LinearProgram:
    """A maximisation problem held by HiGHS; columns can be added, and the next solve starts from the last basis.

    Parameters
    ----------
    low, high : float64[rows]
        Row bounds, infinities allowed.
    """

    def __init__(self, low: Float, high: Float) -> None:
        import highspy

        self._highs: Any = highspy.Highs()
        self._set("output_flag", False)
        # one answer for one program, whatever else the process runs
        self._set("threads", 1)
        self._set("primal_feasibility_tolerance", 1e-9)
        self._set("dual_feasibility_tolerance", 1e-9)
        self._highs.changeObjectiveSense(highspy.ObjSense.kMaximize)
        self._rows = low.size
        empty = np.zeros(0, dtype=np.int32)
        self._highs.addRows(low.size, low, high, 0, np.zeros(low.size, dtype=np.int32), empty, np.zeros(0))

    def _set(self, option: str, value: Any) -> None:
        self._highs.setOptionValue(option, value)

    def add_columns(self, cost: Float, lower: Float, upper: Float, columns: tuple[Int, Int, Float]) -> None:
        """Append columns given compressed: (start int32[n + 1], row int32[nnz], value float64[nnz])."""
        start, index, value = columns
        self._highs.addCols(
            cost.size, cost, lower, upper, value.size, start[:-1].astype(np.int32), index, value
        )

    def solve(self, *, seconds: float | None = None, primal: bool = False) -> LinearSolution:
        """Maximise; `primal` keeps to the primal simplex, which a warm start after new columns wants.

        Raises
        ------
        LinearError
            If there is no optimum, or HiGHS could not tell.
        """
        import highspy

        highs = self._highs
        self._set("simplex_strategy", 4 if primal else 1)
        self._set("time_limit", highs.getRunTime() + seconds if seconds is not None else highspy.kHighsInf)
        if highs.getNumNz() > 200_000:
            # a solve of more than a moment runs beside Python, so that Ctrl-C reaches it
            highs.HandleKeyboardInterrupt = True
        highs.solve()
        status = highs.getModelStatus()
        budget = status in (highspy.HighsModelStatus.kTimeLimit, highspy.HighsModelStatus.kIterationLimit)
        if status != highspy.HighsModelStatus.kOptimal and not budget:
            raise LinearError(f"HiGHS: {highs.modelStatusToString(status)}")
        solution, info = highs.getSolution(), highs.getInfo()
        return LinearSolution(
            np.array(solution.col_value, dtype=np.float64),
            np.array(solution.row_dual, dtype=np.float64),
            float(info.objective_function_value),
            int(info.simplex_iteration_count),
            Status.BUDGET if budget else Status.CONVERGED,
        )


def compress(matrix: Float) -> tuple[Int, Int, Float]:
    """A dense float64[rows, columns] matrix as compressed columns."""
    column, row = np.nonzero(matrix.T)
    start = np.concatenate([[0], np.cumsum(np.bincount(column, minlength=matrix.shape[1]))])
    return start.astype(np.int32), row.astype(np.int32), matrix.T[column, row]
