"""The pivots of the matrix-free dual simplex: one kernel that makes many, and the basis changes they are made of."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from games.simplices import Float, Int
from solvers.incentives import System
from solvers.simplex_basis import (
    FULL,
    INFEASIBLE,
    OPTIMAL,
    RUNNING,
    SINGULAR,
    Basis,
    Side,
    activity,
    coefficient,
    combine,
    leaving,
    primal,
    ratio_test,
    refactor,
    reweigh,
    subtract,
    times,
)


@njit(cache=True)
def swap_basis(
    b: Basis, position: int, row: int, cell: int, tight: int, column: Float, across: Float
) -> None:
    """Update the working inverse for the four kinds of pivot.

    `column` is inverse @ (entering cell's tight entries), `across` is (violated row's entries) @ inverse; each is
    used only where such a variable takes part.
    """
    k = b.tally[0]
    inverse = b.inverse
    if position >= 0 and cell >= 0:  # a cell replaces a cell
        pivot = column[position]
        for c in range(k):
            inverse[position, c] /= pivot
        for p in range(k):
            f = column[p]
            if p != position and f != 0.0:
                subtract(inverse[p, :k], f, inverse[position, :k])
        b.basic[b.cells[position]] = False
        b.cells[position] = cell
        b.basic[cell] = True
    elif position >= 0:  # a cell leaves and a row is no longer tight: the working basis shrinks
        pivot = inverse[position, tight]
        last = k - 1
        for p in range(k):
            f = inverse[p, tight] / pivot
            if p != position and f != 0.0:
                subtract(inverse[p, :k], f, inverse[position, :k])
        b.basic[b.cells[position]] = False
        inverse[position, :k] = inverse[last, :k]
        inverse[:k, tight] = inverse[:k, last]
        b.cells[position] = b.cells[last]
        b.tight[tight] = b.tight[last]
        b.duals[tight] = b.duals[last]
        b.cell_norm[position] = b.cell_norm[last]
        b.tally[0] = last
    elif cell >= 0:  # a row becomes tight and a cell enters: the working basis grows
        pivot = column[k]
        for p in range(k):
            f = column[p] / pivot
            if f != 0.0:
                subtract(inverse[p, :k], -f, across[:k])
            inverse[p, k] = -f
        for c in range(k):
            inverse[k, c] = -across[c] / pivot
        inverse[k, k] = 1.0 / pivot
        b.cells[k] = cell
        b.basic[cell] = True
        b.tight[k] = row
        b.tally[0] = k + 1
    else:  # a tight row replaces a tight row
        pivot = across[tight]
        for p in range(k):
            f = inverse[p, tight] / pivot
            if f != 0.0:
                subtract(inverse[p, :k], f, across[:k])
            inverse[p, tight] = f
        b.tight[tight] = row


@njit(cache=True)
def leaving_row(
    g: System, side: Side, b: Basis, position: int, row: int, across: Float, rows: Int, weights: Float
) -> int:
    """The leaving variable's row of the inverse as weights on constraint rows; `across` is the row times the inverse."""
    k = b.tally[0]
    rows[:k] = b.tight[:k]
    if position >= 0:
        weights[:k] = b.inverse[position, :k]
        return k
    across[:k] = 0.0
    for p in range(k):
        f = coefficient(g, side, row, b.cells[p])
        if f != 0.0:
            subtract(across[:k], -f, b.inverse[p, :k])
    weights[:k] = -across[:k]
    rows[k], weights[k] = row, 1.0
    return k + 1


@njit(cache=True)
def entering_column(
    g: System, side: Side, b: Basis, cell: int, tight: int, entries: Float, column: Float
) -> None:
    """inverse @ (tight entries of the entering cell, or of the slack of the tight row at position `tight`)."""
    k = b.tally[0]
    if cell < 0:
        column[:k] = b.inverse[:k, tight]
        return
    for r in range(k):
        entries[r] = coefficient(g, side, b.tight[r], cell)
    times(b.inverse, entries, k, column)


@njit(cache=True)
def advance(g: System, side: Side, live: NDArray[np.bool_], b: Basis, work: Float, iterations: int) -> int:
    """Up to `iterations` dual simplex pivots; returns one of the module's states."""
    room = b.cells.size
    alpha = np.empty(b.cost.size)
    rows, weights = np.empty(room + 1, np.int64), np.empty(room + 1)
    column, across, turn = np.empty(room + 1), np.empty(room + 1), np.empty(room + 1)
    picked, amounts = np.empty(room + 1, np.int64), np.empty(room + 1)
    rows_along, rows_turn = np.empty(b.gains.size), np.empty(b.gains.size)
    fresh, since, again = False, 0, False
    for _ in range(iterations):
        if again or since >= max(64, b.tally[0]):
            if not refactor(g, side, b, work, alpha):
                return SINGULAR
            since, fresh, again = 0, True, False
        k = b.tally[0]
        position, row = leaving(b, live)
        if position < 0 and row < 0:
            if fresh:
                return OPTIMAL
            again = True
            continue
        if k + 1 > room:
            return FULL
        count = leaving_row(g, side, b, position, row, across, rows, weights)
        combine(g, side, rows, weights, count, alpha)
        cell, tight, step = ratio_test(side, b, rows, weights, alpha)
        if cell < 0 and tight < 0:
            if fresh:
                return INFEASIBLE
            again = True
            continue
        entering_column(g, side, b, cell, tight, turn, column)
        # the entering column in all rows, for the pivot and the steepest-edge norms
        picked[:k] = b.cells[:k]
        amounts[:k] = -column[:k]
        if cell >= 0:
            picked[k], amounts[k] = cell, 1.0
        activity(g, side, b, picked, amounts, k + 1 if cell >= 0 else k, rows_along)
        pivot = column[position] if position >= 0 else rows_along[row]
        expected = alpha[cell] if cell >= 0 else weights[tight]
        if abs(pivot - expected) > 1e-7 * max(1.0, abs(expected)) and not fresh:
            again = True
            continue
        norm = 0.0
        for r in range(count):
            norm += weights[r] * weights[r]
        times(b.inverse, weights, k, turn)
        amounts[:k] = -turn[:k]
        activity(g, side, b, b.cells, amounts, k, rows_turn)
        if row >= 0:
            rows_turn[row] += 1.0
        reweigh(b, column, rows_along, turn, rows_turn, pivot, norm)
        amount = b.probs[position] / pivot if position >= 0 else -b.gains[row] / pivot
        for r in range(b.gains.size):
            b.gains[r] += amount * rows_along[r]
        for j in range(alpha.size):
            b.reduced[j] -= step * alpha[j]
        for r in range(k):
            b.duals[r] += step * weights[r]
        out = b.cells[position] if position >= 0 else -1
        freed = b.tight[tight] if cell < 0 else -1
        if row >= 0:
            b.duals[tight if cell < 0 else k] = step
            column[k] = pivot
            b.gains[row] = 0.0
        swap_basis(b, position, row, cell, tight, column, across)
        norm = max(norm / (pivot * pivot), 1e-4)
        if cell >= 0:
            b.cell_norm[position if position >= 0 else k] = norm
            b.reduced[cell] = 0.0
        else:
            b.gains[freed] = -amount
            b.row_norm[freed] = max(norm, 1.0)
        if out >= 0:
            b.reduced[out] = -step
        primal(side, b)
        b.tally[1] += 1
        since, fresh = since + 1, False
    return RUNNING
