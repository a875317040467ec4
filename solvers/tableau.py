"""Condensed simplex tableaux for best-response polytopes, shared by the pivoting solvers.

A polytope {z >= 0 : M z <= 1} with M > 0 has C structural variables (ids 0..C-1) and R slacks (ids C..C+R-1). Only the
columns of nonbasic variables are kept: `table` is float64[R, C + 1] with the right-hand side last, `basic` and
`nonbasic` say which variable each row and column belongs to, `place[id]` is the column, or ~row for a basic variable.
An exchange of row and column costs R (C + 1) multiplications, half of what a full tableau costs when R = C.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from games.simplices import Float, Int
from solvers.kernel_options import BARE

MIN_PIVOT = 1e-10
"""Column entries below this do not bound the entering variable (payoffs are scaled to [1, 2])."""

TIE = 1e-12
"""Ratios closer than this are ties, resolved lexicographically."""


@njit(cache=True, fastmath={"nnan", "ninf", "nsz", "reassoc"})
def extremes(matrix: Float) -> tuple[float, float]:
    """Smallest and largest entry of a finite matrix."""
    low, high = matrix[0, 0], matrix[0, 0]
    for i in range(matrix.shape[0]):
        row = matrix[i]
        for j in range(matrix.shape[1]):
            low = min(low, row[j])
            high = max(high, row[j])
    return low, high


@njit(cache=True)
def scaled_table(matrix: Float, negate: bool, transpose: bool) -> Float:
    """The starting tableau of {z >= 0 : M z <= 1}, M being `matrix` mapped affinely onto [1, 2]; constant becomes 1.

    With `negate` the order of payoffs is reversed; with `transpose` the rows of M are the columns of `matrix`.
    """
    low, high = extremes(matrix)
    half = 0.5 * high - 0.5 * low  # halves, so that payoffs near the largest float do not overflow
    scale = 0.5 / half if half > 0.0 else 0.0
    if not np.isfinite(scale):
        scale = 0.0  # a range below the smallest normal number cannot be told from rounding
    rows, columns = matrix.shape
    base = high if negate else low
    if negate:
        scale = -scale
    if transpose:
        table = np.empty((columns, rows + 1))
        for i in range(rows):
            row = matrix[i]
            for j in range(columns):
                table[j, i] = 1.0 + 2.0 * ((0.5 * row[j] - 0.5 * base) * scale)
        table[:, rows] = 1.0
        return table
    table = np.empty((rows, columns + 1))
    for i in range(rows):
        row = matrix[i]
        target = table[i]
        for j in range(columns):
            target[j] = 1.0 + 2.0 * ((0.5 * row[j] - 0.5 * base) * scale)
        target[columns] = 1.0
    return table


@njit(**BARE, fastmath={"contract"})
def exchange(table: Float, row: int, column: int, source: Float) -> None:
    """Exchange the basic variable of `row` with the nonbasic one of `column`, in place.

    `source` is a workspace float64[C + 1]: with the pivot row outside the table the compiler knows that nothing
    overlaps, and two rows at a time share its loads; together twice as fast as the plain loop.
    """
    rows, width = table.shape
    inverse = 1.0 / table[row, column]
    for j in range(width):
        source[j] = table[row, j] * inverse
    source[column] = inverse
    i = 0
    while i + 1 < rows:
        upper, lower = table[i, column], table[i + 1, column]
        if upper != 0.0 or lower != 0.0:
            table[i, column] = 0.0
            table[i + 1, column] = 0.0
            for j in range(width):
                table[i, j] -= upper * source[j]
                table[i + 1, j] -= lower * source[j]
        i += 2
    if i < rows:
        last = table[i, column]
        table[i, column] = 0.0
        for j in range(width):
            table[i, j] -= last * source[j]
    for j in range(width):
        table[row, j] = source[j]


@njit(**BARE)
def exchange_ids(basic: Int, nonbasic: Int, place: Int, row: int, column: int) -> None:
    """Keep the book of which variable sits where, for one exchange."""
    leaving, entering = basic[row], nonbasic[column]
    basic[row], nonbasic[column] = entering, leaving
    place[entering], place[leaving] = ~row, column


@njit(**BARE)
def leaving_row(table: Float, rows: int, column: int, place: Int, tied: Int, tie: float = TIE) -> int:
    """The lexicographic minimum ratio row when the variable of `column` enters; -1 when nothing bounds it.

    Ties are broken as if the right-hand side were 1 + (e, e^2, ..., e^R) for a vanishing e (von Stengel 2002,
    section 2.6), so that no basis is ever visited twice. `tied` is a workspace int64[R]; only the first `rows` rows
    compete (an objective row may follow). Ratios closer than `tie` count as equal.
    """
    structural = table.shape[1] - 1
    best = np.inf
    count = 0
    for i in range(rows):
        entry = table[i, column]
        if entry <= MIN_PIVOT:
            continue
        ratio = table[i, structural] / entry
        if ratio < best - tie:
            best = ratio
            tied[0] = i
            count = 1
        elif ratio <= best + tie:
            best = min(best, ratio)
            tied[count] = i
            count += 1
    if count <= 1:
        return tied[0] if count else -1
    count = _keep_close(table, column, structural, tied, count, tie)
    for k in range(rows):
        if count == 1:
            break
        where = place[structural + k]
        if where >= 0:
            count = _keep_close(table, column, where, tied, count, tie)
            continue
        row = ~where  # a basic slack has a unit column: its own row is lexicographically larger than the rest
        kept = 0
        for t in range(count):
            if tied[t] != row:
                tied[kept] = tied[t]
                kept += 1
        count = kept
    return tied[0]


@njit(**BARE)
def _keep_close(table: Float, column: int, key: int, tied: Int, count: int, tie: float) -> int:
    """Keep the tied rows whose entry in column `key`, over the pivot column, is least (within `tie`)."""
    if key == column:
        return count  # the ratio is 1 in every row
    least = np.inf
    for t in range(count):
        least = min(least, table[tied[t], key] / table[tied[t], column])
    kept = 0
    for t in range(count):
        if table[tied[t], key] / table[tied[t], column] <= least + tie:
            tied[kept] = tied[t]
            kept += 1
    return kept
