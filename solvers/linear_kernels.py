"""Small dense linear algebra for numba kernels: LU with partial pivoting on the leading block of a workspace."""

from __future__ import annotations

from numba import njit

from games.simplices import Float, Int
from solvers.kernel_options import BARE


@njit(**BARE, fastmath={"contract"})
def lu_factor(matrix: Float, size: int, pivots: Int) -> float:
    """Factor `matrix[:size, :size]` in place with row pivoting; returns the sign of the determinant (0: singular).

    The diagonal is left inverted, so that solving needs no division.
    Right-looking in panels of four columns, so that each pass over the trailing rows does four updates; O(size^3).
    """
    sign = 1.0
    for k in range(0, size, 4):
        stop = min(k + 4, size)
        sign *= _factor_panel(matrix, size, k, stop, pivots)
        if sign == 0.0:
            return 0.0
        for r in range(k + 1, stop):  # the panel's own rows, right of the panel
            for s in range(k, r):
                factor = matrix[r, s]
                for c in range(stop, size):
                    matrix[r, c] -= factor * matrix[s, c]
        if stop - k < 4:
            continue
        for r in range(stop, size):
            f0, f1, f2, f3 = matrix[r, k], matrix[r, k + 1], matrix[r, k + 2], matrix[r, k + 3]
            for c in range(stop, size):
                matrix[r, c] -= (
                    f0 * matrix[k, c] + f1 * matrix[k + 1, c] + f2 * matrix[k + 2, c] + f3 * matrix[k + 3, c]
                )
    return sign


@njit(**BARE, fastmath={"contract"})
def _factor_panel(matrix: Float, size: int, start: int, stop: int, pivots: Int) -> float:
    """Pivot and eliminate columns start..stop-1 within those columns; returns the sign of their determinant part."""
    sign = 1.0
    for k in range(start, stop):
        best, where = abs(matrix[k, k]), k
        for r in range(k + 1, size):
            if abs(matrix[r, k]) > best:
                best, where = abs(matrix[r, k]), r
        pivots[k] = where
        if best == 0.0 or best != best:
            return 0.0
        if where != k:
            sign = -sign
            for c in range(size):
                matrix[k, c], matrix[where, c] = matrix[where, c], matrix[k, c]
        if matrix[k, k] < 0.0:
            sign = -sign
        inverse = 1.0 / matrix[k, k]
        matrix[k, k] = inverse
        for r in range(k + 1, size):
            factor = matrix[r, k] * inverse
            matrix[r, k] = factor
            for c in range(k + 1, stop):
                matrix[r, c] -= factor * matrix[k, c]
    return sign


@njit(**BARE, fastmath={"contract", "reassoc"})
def lu_solve(matrix: Float, size: int, pivots: Int, right: Float) -> None:
    """Overwrite `right[:size]` with the solution for a matrix factored by `lu_factor`; O(size^2)."""
    for k in range(size):
        where = pivots[k]
        if where != k:
            right[k], right[where] = right[where], right[k]
    for r in range(1, size):
        total = right[r]
        for c in range(r):
            total -= matrix[r, c] * right[c]
        right[r] = total
    for r in range(size - 1, -1, -1):
        total = right[r]
        for c in range(r + 1, size):
            total -= matrix[r, c] * right[c]
        right[r] = total * matrix[r, r]
