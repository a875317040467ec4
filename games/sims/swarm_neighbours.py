"""Sums over everybody within a radius on the unit torus, exactly, for few agents and for very many.

Each agent i has a position and a unit vector (c_i, s_i); wanted is the sum of (c_j, s_j) over all j, i included, at
distance at most D. Few agents: all pairs, each visited once, or those of near strips (`games.sims.swarm_pairs`). Many: agents are sorted into m x m cells; seen from one
cell, another lies wholly inside the disc (its sum is added at once: cells of a row are neighbours in the sorted order,
so a run of them is a difference of two prefix sums), wholly outside, or on the rim, where pairs are looked at. With m
about sqrt(N) that is O(N^1.5) instead of O(N^2) work, for the very same set of pairs.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from games.sims.swarm_pairs import SLACK, SUMS, sum_all_pairs, sum_by_strips
from games.stream_kernels import BARE

Array = npt.NDArray[Any]


class Neighbourhood:
    """Work space and tables for the sums of one swarm.

    Parameters
    ----------
    agents : int
        N, how many there are.
    radius : float
        D, in units of the torus' side.
    cells : int, optional
        m, cells per side. By default whatever way is fastest.
    strips : int, optional
        Strips instead of cells, if there are no cells; with neither, all pairs are looked at.
    """

    def __init__(
        self, agents: int, radius: float, cells: int | None = None, strips: int | None = None
    ) -> None:
        self.radius = radius
        self.cells = _cells_for(agents, radius) if cells is None else cells
        self.strips = 0 if self.cells else _strips_for(agents, radius) if strips is None else strips
        if self.strips and 2 * (radius + 1 / self.strips) >= 0.999:
            raise ValueError(f"{self.strips} strips are too few for a radius of {radius}")
        m = max(self.cells, 1)
        self.outer, self.inner = _reaches(m, radius)
        count = agents if self.cells or self.strips else 0
        self.start = np.zeros(max(m * m, 2 * self.strips) + 1, dtype=np.int64)
        self.order = np.zeros(count, dtype=np.int64)
        self.sorted = np.zeros((4, 2 * count if self.strips else count))
        self.rim = np.zeros((4, count if self.cells else 0))
        self.prefix = np.zeros((2, count + 1 if self.cells else 2 * count))

    def sum(self, places: Array, vectors: Array, where: Array, out: Array) -> None:
        """Fill ``out`` float64[B, 2, N] from ``places`` float64[B, >= 2, N] in [0, 1) and ``vectors`` float64[B, 2, N].

        Only sub-environments chosen by ``where`` bool[B] are filled.
        """
        given, work = (places, vectors, where, self.radius), (self.start, self.order, self.sorted)
        if self.cells:
            sum_by_cells(*given, self.cells, self.outer, self.inner, *work, self.rim, self.prefix, out)
        elif self.strips:
            sum_by_strips(*given, self.strips, *work, self.prefix, out)
        else:
            sum_all_pairs(*given, out)


def _cells_for(agents: int, radius: float) -> int:
    """Cells per side that were fastest in measurements on one core; 0 if pairs are faster."""
    if agents < (3000 if radius > 0.1 else 1500):
        return 0
    return int(0.3 * math.sqrt(agents))


def _strips_for(agents: int, radius: float) -> int:
    """Strips that were fastest in measurements on one core; 0 if all pairs are to be looked at."""
    if radius > 0.35 or agents < (300 if radius > 0.1 else 100):
        return 0
    return 64


def _reaches(m: int, radius: float) -> tuple[Array, Array]:
    """For each offset of rows, the largest offset of columns whose cells touch the disc, and of those inside it.

    Offsets run from -(m - 1) // 2 to m // 2, so that each row is met once; -1 where there is no such column.
    """
    offsets = np.abs(np.arange(-((m - 1) // 2), m // 2 + 1))
    near = np.minimum(np.maximum(offsets - 1, 0), np.maximum(m - offsets - 1, 0)) / m
    far = np.minimum((offsets + 1) / m, 0.5)
    columns = np.arange(m // 2 + 1)
    near_x = np.minimum(np.maximum(columns - 1, 0), np.maximum(m - columns - 1, 0)) / m
    far_x = np.minimum((columns + 1) / m, 0.5)
    touched = np.hypot(near[:, None], near_x) <= radius + SLACK
    inside = np.hypot(far[:, None], far_x) <= radius - SLACK
    return touched.sum(axis=1) - 1, inside.sum(axis=1) - 1


@njit(**BARE)
def cell_of(place: Any, m: Any) -> Any:
    """Which of m cells a coordinate in [0, 1) lies in."""
    return min(np.int64(place * m), m - 1)


@njit(**BARE)
def sort_by_cells(places: Any, vectors: Any, m: Any, start: Any, order: Any, rows: Any, prefix: Any) -> None:
    """Counting sort by cell, row after row: ``start`` of each cell in ``order``, coordinates and prefix sums in order."""
    x, y, c, s = places[0], places[1], vectors[0], vectors[1]
    n = x.shape[0]
    for k in range(m * m + 1):
        start[k] = 0
    for i in range(n):
        start[cell_of(y[i], m) * m + cell_of(x[i], m) + 1] += 1
    for k in range(m * m):
        start[k + 1] += start[k]
    for i in range(n):
        cell = cell_of(y[i], m) * m + cell_of(x[i], m)
        order[start[cell]] = i
        start[cell] += 1
    for k in range(m * m, 0, -1):
        start[k] = start[k - 1]
    start[0] = 0
    prefix[0, 0] = prefix[1, 0] = 0.0
    for k in range(n):
        i = order[k]
        rows[0, k], rows[1, k], rows[2, k], rows[3, k] = x[i], y[i], c[i], s[i]
        prefix[0, k + 1] = prefix[0, k] + c[i]
        prefix[1, k + 1] = prefix[1, k] + s[i]


@njit(**BARE)
def _gather(start: Any, base: Any, m: Any, first: Any, last: Any, rows: Any, rim: Any, count: Any) -> Any:
    """Append the agents of columns first..last (may wrap) of the row of cells at ``base`` to ``rim``; the new count."""
    for part in range(2):
        if part == 0:
            low, high = max(first, 0), min(last, m - 1)
        elif first < 0:
            low, high = first + m, min(last, -1) + m
        else:
            low, high = max(first, m) - m, last - m
        if low > high:
            continue
        begin, length = start[base + low], start[base + high + 1] - start[base + low]
        for d in range(4):
            source, target = rows[d, begin : begin + length], rim[d, count : count + length]
            for k in range(length):
                target[k] = source[k]
        count += length
    return count


@njit(**BARE)
def _whole(start: Any, base: Any, m: Any, first: Any, last: Any, prefix: Any) -> Any:
    """Sum over columns first..last (may wrap) of the row of cells at ``base``."""
    low, high = start[base + max(first, 0)], start[base + min(last, m - 1) + 1]
    c, s = prefix[0, high] - prefix[0, low], prefix[1, high] - prefix[1, low]
    if first < 0:
        low, high = start[base + first + m], start[base + m]
    elif last >= m:
        low, high = start[base], start[base + last - m + 1]
    else:
        return c, s
    return c + prefix[0, high] - prefix[0, low], s + prefix[1, high] - prefix[1, low]


@njit(**SUMS)
def _pair_sum(rim: Any, count: Any, x: Any, y: Any, radius: Any) -> Any:
    """Sum over those of the gathered agents that are within the radius of (x, y)."""
    xs, ys, c, s = rim[0], rim[1], rim[2], rim[3]
    total_c, total_s = 0.0, 0.0
    for k in range(count):
        dx = abs(xs[k] - x)
        dx = min(dx, 1.0 - dx)
        dy = abs(ys[k] - y)
        dy = min(dy, 1.0 - dy)
        near = 1.0 if dx * dx + dy * dy <= radius * radius else 0.0
        total_c += near * c[k]
        total_s += near * s[k]
    return total_c, total_s


@njit(**BARE)
def sum_by_cells(
    places: Any,
    vectors: Any,
    where: Any,
    radius: Any,
    m: Any,
    outer: Any,
    inner: Any,
    start: Any,
    order: Any,
    rows: Any,
    rim: Any,
    prefix: Any,
    out: Any,
) -> None:
    """The sums by cells; see `Neighbourhood`."""
    back, ahead = (m - 1) // 2, m // 2
    for b in range(places.shape[0]):
        if not where[b]:
            continue
        sort_by_cells(places[b], vectors[b], m, start, order, rows, prefix)
        for cell in range(m * m):
            if start[cell] == start[cell + 1]:
                continue
            row, column = cell // m, cell % m
            count, inside_c, inside_s = 0, 0.0, 0.0
            for o in range(-back, ahead + 1):
                reach, safe = outer[o + back], inner[o + back]
                if reach < 0:
                    continue
                base = (row + o + m) % m * m
                left, right = column - min(reach, back), column + min(reach, ahead)
                if safe < 0:
                    count = _gather(start, base, m, left, right, rows, rim, count)
                    continue
                low, high = column - min(safe, back), column + min(safe, ahead)
                c, s = _whole(start, base, m, low, high, prefix)
                inside_c += c
                inside_s += s
                if left < low:
                    count = _gather(start, base, m, left, low - 1, rows, rim, count)
                if right > high:
                    count = _gather(start, base, m, high + 1, right, rows, rim, count)
            for k in range(start[cell], start[cell + 1]):
                c, s = _pair_sum(rim, count, rows[0, k], rows[1, k], radius)
                out[b, 0, order[k]] = inside_c + c
                out[b, 1, order[k]] = inside_s + s
