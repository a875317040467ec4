"""Maximum-entropy and maximum-Gini equilibria by a projected Newton method on the dual.

Over the simplex, minimise phi(x) subject to G x <= 0, with phi = sum x log x (entropy) or N/2 sum x^2 (Gini, N the
number of cells). Given multipliers y >= 0 the inner minimum is a soft-max of -G'y, or the Euclidean projection of
-G'y / N onto the simplex; the dual is smooth and its gradient is the vector of gains G x. Rows enter the working
set when they are violated, so that only rows that matter are ever stored.

When every equilibrium leaves some cells empty the entropy's dual has no optimum. If that stops the method, one linear
program finds those cells and the rows that are always tight, and the method runs again on that face.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from games.simplices import Float, Int, project
from solvers.incentives import Incentives
from solvers.solution import Progress

_DENSE = 4_000_000  # entries of the working rows up to which they are stored dense
_FACE_LIMIT = 2_000_000  # entries of G up to which the face program is tried
_TARGET = 1e-13  # aimed-at residual: probabilities that should vanish still count in sum x log x
_ROUNDS, _STEPS, _SWITCHES = 60, 200, 200


@dataclass(frozen=True, eq=False)
class Selected:
    """The selected distribution over all cells, the dual's value of phi, steps taken, and whether it converged."""

    x: Float
    dual: float
    steps: int
    converged: bool


def select(
    system: Incentives,
    gini: bool,
    tolerance: float,
    *,
    deadline: float | None = None,
    progress: Progress | None = None,
) -> Selected:
    """The equilibrium of least sum x log x, or of least sum x^2 if `gini`.

    `tolerance` bounds gains and complementarity relative to payoff ranges; `dual` is a lower bound on phi
    (sum x log x or sum x^2) for every equilibrium.
    """
    cells = np.arange(system.cells)
    answer = _on_face(system, cells, np.zeros(0, dtype=np.int64), gini, tolerance, deadline, progress)
    late = deadline is not None and time.perf_counter() >= deadline
    if answer.converged or late or system.nonzeros > _FACE_LIMIT:
        return answer
    face = _face(system)
    if face is None:
        return answer
    again = _on_face(system, *face, gini, tolerance, deadline, progress)
    return again if again.converged else answer


def _on_face(
    system: Incentives,
    cells: Int,
    tight: Int,
    gini: bool,
    tolerance: float,
    deadline: float | None,
    progress: Progress | None,
) -> Selected:
    """The same on some cells, with some rows held at equality; the working set grows by violated rows."""
    live = np.flatnonzero(system.live)
    few = live.size * cells.size <= _DENSE // 4
    x = np.full(cells.size, 1.0 / cells.size)
    rows = live if few else np.union1d(tight, _violated(system, cells, x, 1e-9, tight))
    y = np.zeros(rows.size)
    steps, converged = 0, False
    dual = _link(np.zeros(cells.size), gini)[1]
    for round_ in range(_ROUNDS):
        problem = _Dual(_rows_of(system, rows, cells), np.isin(rows, tight), gini)
        y, x, value, used, converged = problem.minimise(
            y, min(_TARGET, 0.1 * tolerance), 0.1 * tolerance, deadline
        )
        steps += used
        dual = value
        if progress is not None:
            progress(math.nan, f"{'Gini' if gini else 'entropy'}: round {round_ + 1}, {rows.size} rows")
        extra = np.setdiff1d(_violated(system, cells, x, 0.2 * tolerance, tight), rows)
        if extra.size == 0 or not converged:
            break
        keep = (y > 0) | np.isin(rows, tight) if round_ < _ROUNDS // 2 else np.ones(rows.size, dtype=bool)
        rows, y = np.concatenate([rows[keep], extra]), np.concatenate([y[keep], np.zeros(extra.size)])
        order = np.argsort(rows)
        rows, y = rows[order], y[order]
    else:
        converged = False
    full = np.zeros(system.cells)
    full[cells] = x
    bound = -dual * 2.0 / cells.size if gini else -dual
    return Selected(full, bound, steps, converged)


def _violated(system: Incentives, cells: Int, x: Float, tolerance: float, tight: Int) -> Int:
    gains = system.gains(cells, x)
    bad = system.live & (gains > tolerance)
    bad[tight] = np.abs(gains[tight]) > tolerance
    return np.flatnonzero(bad)


def _rows_of(system: Incentives, rows: Int, cells: Int) -> Any:
    """The working rows, dense when small, scipy CSR when G is sparse and large."""
    if not system.system.swap or rows.size * cells.size <= _DENSE:
        return system.matrix(rows, cells)
    from scipy.sparse import csr_array, vstack

    part = max(1, _DENSE // cells.size)
    return vstack(
        [csr_array(system.matrix(rows[k : k + part], cells)) for k in range(0, rows.size, part)], "csr"
    )


def _link(eta: Float, gini: bool) -> tuple[Float, float]:
    """The minimiser over the simplex of phi(x) + eta x, and minus the minimum."""
    if gini:
        x = project(-eta / eta.size)
        return x, -float(0.5 * eta.size * (x @ x) + eta @ x)
    low = float(eta.min())
    weight = np.exp(low - eta)
    total = float(weight.sum())
    return weight / total, math.log(total) - low


class _Dual:
    """min over y >= 0 (free where tight) of q(y) = -min_x [phi(x) + y G x]; gradient -G x."""

    def __init__(self, matrix: Any, tight: NDArray[np.bool_], gini: bool) -> None:
        self.matrix, self.tight, self.gini = matrix, tight, gini

    def evaluate(self, y: Float) -> tuple[Float, float, Float, float]:
        """Primal point, q, gains, and the natural residual max |min(y, -gain)|."""
        x, q = _link(self.matrix.T @ y, self.gini)
        gain = self.matrix @ x
        natural = np.where(self.tight, gain, np.minimum(y, -gain))
        return x, q, gain, float(np.abs(natural).max(initial=0.0))

    def hessian(self, x: Float) -> Float:
        """Second derivative of q."""
        matrix = self.matrix
        if self.gini:
            live = x > 0
            weight = live / x.size
            mean = matrix @ (live / live.sum())
            outer = live.sum() / x.size
        else:
            weight, mean, outer = x, matrix @ x, 1.0
        if isinstance(matrix, np.ndarray):
            some = np.flatnonzero(weight > 0)
            part = matrix[:, some] * np.sqrt(weight[some])
            second = part @ part.T
        else:
            second = (matrix.multiply(weight[None, :]).tocsr() @ matrix.T).toarray()
        return second - outer * np.outer(mean, mean)

    def minimise(
        self, y: Float, target: float, tolerance: float, deadline: float | None
    ) -> tuple[Float, Float, float, int, bool]:
        """Newton steps on the quadratic model under y >= 0, with a vanishing ridge; (y, x, q, steps, converged).

        Works towards a residual of `target`; where rounding stops it, `tolerance` decides whether it converged.
        """
        x, q, gain, residual = self.evaluate(y)
        for step in range(_STEPS):
            if residual <= target:
                return y, x, q, step, True
            if deadline is not None and time.perf_counter() >= deadline:
                return y, x, q, step, residual <= tolerance
            hessian = self.hessian(x)
            ridge = 1e-3 * min(residual, 1e-2) * max(float(np.trace(hessian)) / y.size, 1e-6)
            hessian[np.diag_indices_from(hessian)] += ridge
            direction = self._model_step(hessian, gain, y)
            moved = self._search(y, direction, q, gain, residual)
            if moved is None:
                downhill = y + gain / np.maximum(np.diagonal(hessian), 1e-12)
                downhill = np.where(self.tight, downhill, np.maximum(downhill, 0.0)) - y
                moved = self._search(y, downhill, q, gain, residual)
            if moved is None:
                return y, x, q, step, residual <= tolerance
            y, x, q, gain, residual = moved
        return y, x, q, _STEPS, residual <= tolerance

    def _model_step(self, hessian: Float, gain: Float, y: Float) -> Float:
        """The step d that minimises d H d / 2 - gain d over y + d >= 0, by switching rows between bound and free."""
        bound = ~self.tight & (y <= 0) & (gain <= 0)
        step = np.zeros_like(y)
        for round_ in range(_SWITCHES):
            free = np.flatnonzero(~bound)
            step = np.where(bound, -y, 0.0)
            right = gain[free] - hessian[free] @ step
            block = hessian[np.ix_(free, free)]
            try:
                step[free] = np.linalg.solve(block, right)
            except np.linalg.LinAlgError:
                step[free] = np.linalg.lstsq(block, right, rcond=None)[0]
            below = ~bound & ~self.tight & (y + step < 0)
            release = bound & (hessian @ step < gain)
            if not below.any() and not release.any():
                return step
            if round_ >= _SWITCHES // 10:
                # switching many rows at once went round in circles; the last alone cannot (Murty 1974)
                last = np.flatnonzero(below | release)[-1]
                bound[last] = not bound[last]
            else:
                bound = (bound & ~release) | below
        return np.where(self.tight, step, np.maximum(y + step, 0.0) - y)

    def _search(
        self, y: Float, direction: Float, q: float, gain: Float, residual: float
    ) -> tuple[Float, Float, float, Float, float] | None:
        """Backtrack along the projected path; near the optimum, where q is flat, a smaller residual also counts."""
        length = 1.0
        for _ in range(50):
            trial = y + length * direction
            trial = np.where(self.tight, trial, np.maximum(trial, 0.0))
            x, value, new_gain, new_residual = self.evaluate(trial)
            if value <= q - 1e-4 * float(gain @ (trial - y)) or (
                new_residual <= 0.7 * residual and value <= q + 1e-12 * max(1.0, abs(q))
            ):
                return trial, x, value, new_gain, new_residual
            length *= 0.5
        return None


def _face(system: Incentives) -> tuple[Int, Int] | None:
    """Cells that some equilibrium uses, and live rows at equality in every equilibrium: one linear program.

    Equilibria form a cone up to scale, so a point of it with as many cells and slacks as possible at 1 or more
    has all those that are ever positive: maximise sum v + sum s over G (v + w) + s + r = 0, 0 <= v, s <= 1, 0 <= w, r.
    """
    from solvers.linear import LinearError, LinearProgram

    live = np.flatnonzero(system.live)
    n, m = system.cells, live.size
    columns = system.columns(np.arange(n))
    slack = (np.arange(m + 1, dtype=np.int32), np.arange(m, dtype=np.int32), np.ones(m))
    program = LinearProgram(np.zeros(m), np.zeros(m))
    for cost, part in ((1.0, columns), (0.0, columns), (1.0, slack), (0.0, slack)):
        size = part[0].size - 1
        upper = np.full(size, 1.0 if cost else math.inf)
        program.add_columns(np.full(size, cost), np.zeros(size), upper, part)
    try:
        answer = program.solve(seconds=60.0)
    except LinearError:
        return None
    cells = np.flatnonzero(answer.x[:n] > 0.5)
    tight = live[answer.x[2 * n : 2 * n + m] < 0.5]
    return (cells, tight) if cells.size else None
