"""The state of the matrix-free dual simplex and its parts: inverse, row activity, pricing, ratio test."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from games.simplices import Float, Int
from solvers.incentives import System, add_rows, entry, row_gains

RUNNING, OPTIMAL, INFEASIBLE, SINGULAR, FULL, STALLED = 0, 1, 2, 3, 4, 5
"""How a run ended: RUNNING when its iterations are used up, FULL when the basis outgrew its room, STALLED when it
made far more pivots than such programs need."""

_FREE = -1  # stands for t where cells are listed
_PRIMAL, _DUAL, _PIVOT = 1e-12, 1e-12, 1e-8


PERTURBATION = 5e-10
"""Costs are lowered by this much times `irregular_into`, against stalling."""


class Side(NamedTuple):
    """Side rows E x + level t <= bound, and the number of rows of G that come before them (and the mass row)."""

    rows: int
    matrix: Float
    level: Float
    bound: Float


class Basis(NamedTuple):
    """The state of the method: `tally` holds [k, pivots, refactorisations, degenerate pivots]."""

    tally: Int
    cells: Int  # int64[room], the cells in the basis
    tight: Int  # int64[room], the rows whose slack is not
    inverse: Float  # float64[room, room], [position of cell, position of row]
    probs: Float  # float64[room], values of the basic cells
    duals: Float  # float64[room], multipliers of the tight rows
    cost: Float  # float64[cells], w, possibly perturbed
    reduced: Float  # float64[cells]
    basic: NDArray[np.bool_]  # [cells]
    gains: Float  # float64[rows + 1 + side rows], row activity less its bound; zero on tight rows
    cell_norm: Float  # float64[room], squared norm of each basic cell's row of the inverse (steepest edge)
    row_norm: Float  # float64[rows + 1 + side rows], the same for rows whose slack is basic


@njit(cache=True)
def irregular_into(out: Float) -> None:
    """Fixed numbers in [1/2, 3/2] without linear structure (the SplitMix64 hash of 0, 1, ...)."""
    z = np.uint64(0)
    for k in range(out.size):
        z += np.uint64(0x9E3779B97F4A7C15)
        x = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        out[k] = 0.5 + float((x ^ (x >> np.uint64(31))) >> np.uint64(11)) / 2.0**53


@njit(cache=True)
def coefficient(g: System, side: Side, row: int, cell: int) -> float:
    """Entry of the whole constraint matrix: after the rows of G come the mass row and the side rows."""
    rows = side.rows
    if cell < 0:
        return side.level[row - rows - 1] if row > rows else 0.0
    if row < rows:
        return entry(g, row, cell)
    if row == rows:
        return 1.0
    return side.matrix[row - rows - 1, cell]


@njit(cache=True, fastmath={"contract", "reassoc"})
def times(matrix: Float, vector: Float, k: int, out: Float) -> None:
    """Leading k x k block of `matrix` times `vector`."""
    for p in range(k):
        row = matrix[p, :k]
        total = 0.0
        for c in range(k):
            total += row[c] * vector[c]
        out[p] = total


@njit(cache=True, fastmath={"contract"})
def subtract(target: Float, f: float, source: Float) -> None:
    """target -= f * source."""
    for c in range(target.size):
        target[c] -= f * source[c]


@njit(cache=True)
def invert(matrix: Float, k: int, out: Float) -> bool:
    """Gauss-Jordan with row pivoting of the leading k x k block; destroys `matrix`; False when singular."""
    for p in range(k):
        out[p, :k] = 0.0
        out[p, p] = 1.0
    for p in range(k):
        best, at = 0.0, p
        for q in range(p, k):
            if abs(matrix[q, p]) > best:
                best, at = abs(matrix[q, p]), q
        if best < 1e-13:
            return False
        if at != p:
            for c in range(k):
                matrix[p, c], matrix[at, c] = matrix[at, c], matrix[p, c]
                out[p, c], out[at, c] = out[at, c], out[p, c]
        scale = 1.0 / matrix[p, p]
        for c in range(k):
            matrix[p, c] *= scale
            out[p, c] *= scale
        for q in range(k):
            f = matrix[q, p]
            if q != p and f != 0.0:
                subtract(matrix[q, p:k], f, matrix[p, p:k])
                subtract(out[q, :k], f, out[p, :k])
    return True


@njit(cache=True)
def combine(g: System, side: Side, rows: Int, weights: Float, count: int, out: Float) -> None:
    """Weighted sum of constraint rows over all cells."""
    level = 0.0
    for k in range(count):
        if rows[k] == side.rows:
            level += weights[k]
    out[:] = level
    for k in range(count):
        if rows[k] > side.rows and weights[k] != 0.0:
            out += weights[k] * side.matrix[rows[k] - side.rows - 1]
    add_rows(g, rows, weights, count, out)


@njit(cache=True)
def refactor(g: System, side: Side, b: Basis, work: Float, row: Float) -> bool:
    """Inverse, primal values, multipliers and reduced costs of the current basis from scratch."""
    k = b.tally[0]
    for r in range(k):
        for c in range(k):
            work[r, c] = coefficient(g, side, b.tight[r], b.cells[c])
    if not invert(work, k, b.inverse):
        return False
    for r in range(k):
        total = 0.0
        for c in range(k):
            total += (b.cost[b.cells[c]] if b.cells[c] >= 0 else 1.0) * b.inverse[c, r]
        b.duals[r] = total
    combine(g, side, b.tight, b.duals, k, row)
    for j in range(b.cost.size):
        b.reduced[j] = 0.0 if b.basic[j] else b.cost[j] - row[j]
    measure(g, side, b)
    b.tally[2] += 1
    return True


@njit(cache=True)
def primal(side: Side, b: Basis) -> None:
    """Values of the basic cells: only the mass row and the side rows have a right-hand side."""
    k = b.tally[0]
    b.probs[:k] = 0.0
    for r in range(k):
        if b.tight[r] >= side.rows:
            bound = 1.0 if b.tight[r] == side.rows else side.bound[b.tight[r] - side.rows - 1]
            for p in range(k):
                b.probs[p] += bound * b.inverse[p, r]


@njit(cache=True)
def activity(g: System, side: Side, b: Basis, cells: Int, amounts: Float, count: int, out: Float) -> None:
    """Sum over `count` cells of amount times the cell's column, for every row; zero on tight rows and the mass row."""
    row_gains(g, cells, amounts, count, out[: side.rows])
    out[side.rows] = 0.0
    for q in range(side.bound.size):
        total = 0.0
        for p in range(count):
            if amounts[p] != 0.0:
                total += amounts[p] * coefficient(g, side, side.rows + 1 + q, cells[p])
        out[side.rows + 1 + q] = total
    for r in range(b.tally[0]):
        out[b.tight[r]] = 0.0


@njit(cache=True)
def measure(g: System, side: Side, b: Basis) -> None:
    """Primal values and row gains of the current basis."""
    primal(side, b)
    k = b.tally[0]
    activity(g, side, b, b.cells, b.probs, k, b.gains)
    for q in range(side.bound.size):
        b.gains[side.rows + 1 + q] -= side.bound[q]
    for r in range(k):
        b.gains[b.tight[r]] = 0.0


@njit(cache=True)
def leaving(b: Basis, live: NDArray[np.bool_]) -> tuple[int, int]:
    """Dual steepest edge (Forrest and Goldfarb 1992): (position of a negative cell or -1, violated row or -1)."""
    worst, cell, row = 0.0, -1, -1
    for p in range(b.tally[0]):
        if b.cells[p] >= 0 and b.probs[p] < -_PRIMAL and b.probs[p] * b.probs[p] > worst * b.cell_norm[p]:
            worst, cell = b.probs[p] * b.probs[p] / b.cell_norm[p], p
    for r in range(b.gains.size):
        gain = b.gains[r]
        if gain > _PRIMAL and gain * gain > worst * b.row_norm[r] and (r >= live.size or live[r]):
            worst, cell, row = gain * gain / b.row_norm[r], -1, r
    return cell, row


@njit(cache=True)
def reweigh(
    b: Basis, along: Float, rows_along: Float, turn: Float, rows_turn: Float, pivot: float, norm: float
) -> None:
    """Steepest-edge norms after a pivot: `along` is the entering column, `turn` the inverse times the leaving row."""
    for p in range(b.tally[0]):
        f = along[p] / pivot
        if f != 0.0:
            b.cell_norm[p] = max(b.cell_norm[p] + f * (f * norm - 2.0 * turn[p]), 1e-4)
    for r in range(b.row_norm.size):
        f = rows_along[r] / pivot
        if f != 0.0:
            b.row_norm[r] = max(b.row_norm[r] + f * (f * norm - 2.0 * rows_turn[r]), 1.0)


@njit(cache=True)
def ratio_test(side: Side, b: Basis, rows: Int, weights: Float, alpha: Float) -> tuple[int, int, float]:
    """Entering variable by Harris's two passes: (cell or -1, position of tight row or -1, dual step)."""
    k = b.tally[0]
    limit = np.inf
    for j in range(alpha.size):
        if alpha[j] < -_PIVOT and not b.basic[j]:
            limit = min(limit, (_DUAL - b.reduced[j]) / -alpha[j])
    for r in range(k):
        if weights[r] < -_PIVOT and rows[r] != side.rows:
            limit = min(limit, (_DUAL + b.duals[r]) / -weights[r])
    cell, tight, largest, step = -1, -1, 0.0, 0.0
    if limit == np.inf:
        return cell, tight, step
    for j in range(alpha.size):
        if (
            alpha[j] < -_PIVOT
            and not b.basic[j]
            and -alpha[j] > largest
            and -b.reduced[j] <= -alpha[j] * limit
        ):
            cell, largest, step = j, -alpha[j], b.reduced[j] / alpha[j]
    for r in range(k):
        if (
            weights[r] < -_PIVOT
            and rows[r] != side.rows
            and -weights[r] > largest
            and b.duals[r] <= -weights[r] * limit
        ):
            cell, tight, largest, step = -1, r, -weights[r], b.duals[r] / -weights[r]
    return cell, tight, max(step, 0.0)
