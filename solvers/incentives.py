"""The incentive constraints of coarse correlated and correlated equilibrium, without their matrix and with it.

A joint distribution x over the C-ordered cells a obeys G x <= 0 and sums to one. Rows of G, for a player i:

* CCE, row (i, b): u_i(b, a_-i) - u_i(a), on every cell;
* CE, row (i, c, b): the same, on the cells with a_i = c only.

Payoffs are shifted and divided by each player's range first, so that rows of different players are comparable.
A row is numbered `first[i] + b` (CCE) or `first[i] + c * A_i + b` (CE, with the void rows c = b counted).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from games.normal import NormalFormGame
from games.simplices import Float, Int


class System(NamedTuple):
    """What the kernels read: payoffs float64[P, cells], each player's scaled to [0, 1] (zeros where constant);
    actions, C-order stride and first row of each player, int64[P]; `swap` is True for CE, False for CCE.
    """

    payoffs: Float
    sizes: Int
    strides: Int
    first: Int
    swap: bool


@dataclass(frozen=True, eq=False)
class Incentives:
    """The constraint system of one game.

    Parameters
    ----------
    system : System
        What the kernels read.
    live : bool[rows]
        Rows that must be kept; the others are void or implied by those kept.
    shape : tuple of int
        Number of actions of each player.
    """

    system: System
    live: NDArray[np.bool_]
    shape: tuple[int, ...]

    @property
    def rows(self) -> int:
        """Number of rows, void and implied ones included."""
        return int(self.live.size)

    @property
    def cells(self) -> int:
        """Number of joint profiles."""
        return int(self.system.payoffs.shape[1])

    @property
    def nonzeros(self) -> int:
        """Number of entries of the matrix of live rows."""
        total, swap = 0, self.system.swap
        for n, start in zip(self.shape, self.system.first.tolist()):
            count = int(self.live[start : start + (n * n if swap else n)].sum())
            total += count * (self.cells // n if swap else self.cells - self.cells // n)
        return total

    def gains(self, cells: Int, probs: Float) -> Float:
        """G x for a sparse x, float64[rows], in units of each player's range."""
        out = np.empty(self.rows)
        row_gains(self.system, cells, probs, cells.size, out)
        return out

    def transposed(self, weights: Float) -> Float:
        """G' y, float64[cells]."""
        rows = np.flatnonzero(weights)
        out = np.zeros(self.cells)
        add_rows(self.system, rows, weights[rows], rows.size, out)
        return out

    def matrix(self, rows: Int, cells: Int) -> Float:
        """Dense float64[len(rows), len(cells)] part of G."""
        out = np.empty((rows.size, cells.size))
        dense_part(self.system, rows, cells, out)
        return out

    def columns(self, cells: Int) -> tuple[Int, Int, Float]:
        """Compressed columns (start int32[K + 1], row int32, value) of G for these cells; rows number live rows."""
        numbering = np.cumsum(self.live) - 1
        start = np.empty(cells.size + 1, dtype=np.int32)
        room = cells.size * sum(self.shape)
        index, value = np.empty(room, dtype=np.int32), np.empty(room)
        used = column_part(self.system, self.live, numbering, cells, start, index, value)
        return start, index[:used], value[:used]


def incentives(game: NormalFormGame, swap: bool) -> Incentives:
    """The constraint system of `game`: CE when `swap`, else CCE. O(P prod(A)) plus the dominance checks."""
    system, live = assemble(game.flat, game.offsets, swap)
    return Incentives(system, live, game.shape)


@njit(cache=True)
def assemble(flat: Float, offsets: Int, swap: bool) -> tuple[System, NDArray[np.bool_]]:
    """What the kernels read, and which rows are live."""
    players = flat.shape[0]
    sizes, strides = np.empty(players, np.int64), np.ones(players, np.int64)
    first = np.zeros(players, np.int64)
    rows = 0
    for i in range(players):
        sizes[i] = offsets[i + 1] - offsets[i]
        first[i] = rows
        rows += sizes[i] * sizes[i] if swap else sizes[i]
    for i in range(players - 2, -1, -1):
        strides[i] = strides[i + 1] * sizes[i + 1]
    payoffs, varies = unit_payoffs(flat)
    needed = np.empty(offsets[players], np.bool_)
    undominated(payoffs, sizes, strides, needed)
    live = np.zeros(rows, np.bool_)
    for i in range(players):
        n = sizes[i]
        for b in range(n):
            if not (varies[i] and needed[offsets[i] + b]):
                continue
            if not swap:
                live[first[i] + b] = True
                continue
            for c in range(n):
                live[first[i] + c * n + b] = b != c
    return System(payoffs, sizes, strides, first, swap), live


@njit(cache=True)
def unit_payoffs(flat: Float) -> tuple[Float, NDArray[np.bool_]]:
    """Each player's payoffs mapped onto [0, 1], zeros where they are constant, and whether they vary."""
    payoffs = np.zeros(flat.shape)
    varies = np.zeros(flat.shape[0], np.bool_)
    for i in range(flat.shape[0]):
        row, out = flat[i], payoffs[i]
        low, high = row[0], row[0]
        for j in range(row.size):
            low, high = min(low, row[j]), max(high, row[j])
        varies[i] = high > low
        width = high - low
        if not varies[i]:
            continue
        if np.isfinite(width):
            for j in range(row.size):
                out[j] = (row[j] - low) / width
        else:  # halves, so that payoffs near the largest float do not overflow
            for j in range(row.size):
                out[j] = (row[j] / 2 - low / 2) / (high / 2 - low / 2)
    return payoffs, varies


@njit(cache=True)
def undominated(payoffs: Float, sizes: Int, strides: Int, out: NDArray[np.bool_]) -> None:
    """Mark the actions that no other action weakly dominates; of equal actions the first is marked.

    A deviation to a weakly dominated action gains no more than one to the action that dominates it, so its rows
    are implied, for CCE and for CE alike. (Columns may not be dropped so: see `dominance`.)
    """
    cells = payoffs.shape[1]
    row = 0
    for i in range(sizes.size):
        n, stride = sizes[i], strides[i]
        for b in range(n):
            out[row + b] = True
        for b in range(n):
            for c in range(n):
                if c == b or not out[row + c]:
                    continue
                weak, equal = True, True
                for base in range(0, cells, n * stride):
                    for r in range(base, base + stride):
                        low, high = payoffs[i, r + b * stride], payoffs[i, r + c * stride]
                        if low > high:
                            weak = False
                            break
                        if low < high:
                            equal = False
                    if not weak:
                        break
                if weak and (not equal or c < b):
                    out[row + b] = False
                    break
        row += n


@njit(cache=True)
def row_player(g: System, row: int) -> int:
    """The player whose row this is."""
    i = g.first.size - 1
    while g.first[i] > row:
        i -= 1
    return i


@njit(cache=True)
def entry(g: System, row: int, cell: int) -> float:
    """One entry of G."""
    i = row_player(g, row)
    n, stride = g.sizes[i], g.strides[i]
    own = (cell // stride) % n
    b = row - g.first[i]
    if g.swap:
        if b // n != own:
            return 0.0
        b %= n
    return g.payoffs[i, cell + (b - own) * stride] - g.payoffs[i, cell]


@njit(cache=True)
def row_gains(g: System, cells: Int, probs: Float, count: int, out: Float) -> None:
    """G x for an x given by `count` cells."""
    out[:] = 0.0
    for i in range(g.sizes.size):
        n, stride = g.sizes[i], g.strides[i]
        payoff = g.payoffs[i]
        for k in range(count):
            cell = cells[k]
            if cell < 0 or probs[k] == 0.0:
                continue
            own = (cell // stride) % n
            base = cell - own * stride
            row = g.first[i] + own * n if g.swap else g.first[i]
            p, now = probs[k], payoff[cell]
            for b in range(n):
                out[row + b] += p * (payoff[base + b * stride] - now)


@njit(cache=True, fastmath={"contract", "reassoc"})
def add_rows(g: System, rows: Int, weights: Float, count: int, out: Float) -> None:
    """Add the weighted sum of `count` rows of G to `out` [cells]: one pass over the tensor per player."""
    cells = g.payoffs.shape[1]
    players = g.sizes.size
    total = g.first[players - 1] + (g.sizes[players - 1] ** 2 if g.swap else g.sizes[players - 1])
    for i in range(players):
        n, stride = g.sizes[i], g.strides[i]
        stop = g.first[i + 1] if i + 1 < players else total
        payoff = g.payoffs[i]
        if g.swap:
            for k in range(count):
                if g.first[i] <= rows[k] < stop:
                    c, b = divmod(rows[k] - g.first[i], n)
                    w = weights[k]
                    if w == 0.0 or b == c:
                        continue
                    for base in range(c * stride, cells, n * stride):
                        shift = base + (b - c) * stride
                        for r in range(stride):
                            out[base + r] += w * (payoff[shift + r] - payoff[base + r])
            continue
        weight = np.zeros(n)
        mass, any_row = 0.0, False
        for k in range(count):
            if g.first[i] <= rows[k] < stop and weights[k] != 0.0:
                weight[rows[k] - g.first[i]] += weights[k]
                mass += weights[k]
                any_row = True
        if not any_row:
            continue
        if stride == 1:
            for base in range(0, cells, n):
                block = payoff[base : base + n]
                deviation = 0.0
                for b in range(n):
                    deviation += weight[b] * block[b]
                target = out[base : base + n]
                for a in range(n):
                    target[a] += deviation - mass * block[a]
            continue
        deviations = np.empty(stride)
        for base in range(0, cells, n * stride):
            deviations[:] = 0.0
            for b in range(n):
                w = weight[b]
                if w != 0.0:
                    block = payoff[base + b * stride : base + (b + 1) * stride]
                    for r in range(stride):
                        deviations[r] += w * block[r]
            for a in range(n):
                block = payoff[base + a * stride : base + (a + 1) * stride]
                target = out[base + a * stride : base + (a + 1) * stride]
                for r in range(stride):
                    target[r] += deviations[r] - mass * block[r]


@njit(cache=True)
def dense_part(g: System, rows: Int, cells: Int, out: Float) -> None:
    """G restricted to rows and cells, dense."""
    for r in range(rows.size):
        for k in range(cells.size):
            out[r, k] = entry(g, rows[r], cells[k])


@njit(cache=True)
def column_part(
    g: System,
    live: NDArray[np.bool_],
    numbering: Int,
    cells: Int,
    start: Int,
    index: Int,
    value: Float,
) -> int:
    """Columns of the live rows of G in compressed form; returns the number of entries."""
    used = 0
    for k in range(cells.size):
        start[k] = used
        cell = cells[k]
        for i in range(g.sizes.size):
            n, stride = g.sizes[i], g.strides[i]
            own = (cell // stride) % n
            row = g.first[i] + own * n if g.swap else g.first[i]
            now = g.payoffs[i, cell]
            for b in range(n):
                if live[row + b]:
                    v = g.payoffs[i, cell + (b - own) * stride] - now
                    if v != 0.0:
                        index[used] = numbering[row + b]
                        value[used] = v
                        used += 1
    start[cells.size] = used
    return used
