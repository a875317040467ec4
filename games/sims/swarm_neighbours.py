"""Sums over everybody within a radius on the unit torus, exactly, for few agents and for very many.

Each agent i has a position and a unit vector (c_i, s_i); wanted is the sum of (c_j, s_j) over all j, i included, at
distance at most D. Few agents: all pairs, each visited once, or those of near strips (`games.sims.swarm_pairs`). Many:
agents are sorted into m x m cells; seen from one cell, another lies wholly inside the disc (its sum is added at once:
cells of a row are neighbours in the sorted order, so a run of them is a difference of two prefix sums), wholly outside,
or on the rim, where pairs are looked at. With m about sqrt(N) that is O(N^1.5) instead of O(N^2) work, for the very same
set of pairs; where an agent sees few others, cells as wide as D make it O(N) for any number of agents.
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
        in_cells, in_strips = agents if self.cells else 0, agents if self.strips else 0
        self.start = np.zeros(max(m * m, 2 * self.strips) + 1, dtype=np.int64)
        self.at = np.zeros(in_cells, dtype=np.int32)
        self.rows = np.zeros((in_cells, 4))
        self.rim = np.zeros((4, in_cells))
        self.prefix = np.zeros((in_cells + 1, 2))
        self.found = np.zeros((in_cells, 2))
        self.order = np.zeros(in_strips, dtype=np.int32)
        self.sorted = np.zeros((4, 2 * in_strips))
        self.total = np.zeros((2, 2 * in_strips))

    def sum(self, places: Array, vectors: Array, where: Array, out: Array) -> None:
        """Fill ``out`` float64[B, 2, N] from ``places`` float64[B, >= 2, N] in [0, 1) and ``vectors`` float64[B, 2, N].

        Only sub-environments chosen by ``where`` bool[B] are filled.
        """
        given = places, vectors, where, self.radius
        if self.cells:
            tables, work = (self.outer, self.inner), (self.start, self.at, self.rows, self.rim)
            sum_by_cells(*given, self.cells, *tables, *work, self.prefix, self.found, out)
        elif self.strips:
            sum_by_strips(*given, self.strips, self.start, self.order, self.sorted, self.total, out)
        else:
            sum_all_pairs(*given, out)


def _cells_for(agents: int, radius: float) -> int:
    """Cells per side that were fastest in measurements on one core; 0 if pairs are faster.

    Where few agents see each other, cells as wide as the radius, so that only 9 are looked at, but not with fewer than
    six agents each on average; where many do, small cells, so that the rim of the disc is thin.
    """
    dense = agents * radius**2 >= 20.0
    if agents < (2000 if dense else 1000):
        return 0
    if dense:
        return int(0.3 * math.sqrt(agents))
    return max(int(min(1.0 / radius, 0.4 * math.sqrt(agents))), 1)


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
def sort_by_cells(places: Any, vectors: Any, m: Any, start: Any, at: Any, rows: Any) -> None:
    """Counting sort by cell, row after row: where the agents of each cell ``start``, and where each agent is ``at``.

    An agent's place and vector lie together in ``rows`` float64[N, 4], so that they are moved in one go: among a million
    agents, every place in memory that is not next to the last one costs more than the arithmetic.
    """
    x, y, c, s = places[0], places[1], vectors[0], vectors[1]
    n = x.shape[0]
    for k in range(m * m + 1):
        start[k] = 0
    for i in range(n):
        cell = np.int32(cell_of(y[i], m) * m + cell_of(x[i], m))
        at[i] = cell
        start[cell + 1] += 1
    for k in range(m * m):
        start[k + 1] += start[k]
    for i in range(n):
        k = start[at[i]]
        start[at[i]] = k + 1
        at[i] = k
        rows[k, 0], rows[k, 1], rows[k, 2], rows[k, 3] = x[i], y[i], c[i], s[i]
    for k in range(m * m, 0, -1):
        start[k] = start[k - 1]
    start[0] = 0


@njit(**BARE)
def _sum_up(rows: Any, prefix: Any) -> None:
    """Prefix sums float64[N + 1, 2] of the vectors of sorted agents."""
    prefix[0, 0] = prefix[0, 1] = 0.0
    for k in range(rows.shape[0]):
        prefix[k + 1, 0] = prefix[k, 0] + rows[k, 2]
        prefix[k + 1, 1] = prefix[k, 1] + rows[k, 3]


@njit(**BARE)
def _gather(
    start: Any, base: Any, m: Any, first: Any, last: Any, up: Any, rows: Any, rim: Any, count: Any
) -> Any:
    """Append the agents of columns first..last (may wrap) of the row of cells at ``base`` to ``rim``; the new count.

    Coordinates become those of the image whose columns are first..last and whose height is changed by ``up``.
    """
    for part in range(2):
        shift = 0.0
        if part == 0:
            low, high = max(first, 0), min(last, m - 1)
        elif first < 0:
            low, high, shift = first + m, min(last, -1) + m, -1.0
        else:
            low, high, shift = max(first, m) - m, last - m, 1.0
        if low > high:
            continue
        begin, length = start[base + low], start[base + high + 1] - start[base + low]
        some = rows[begin : begin + length]
        to_x, to_y = rim[0, count : count + length], rim[1, count : count + length]
        to_c, to_s = rim[2, count : count + length], rim[3, count : count + length]
        for k in range(length):
            to_x[k] = some[k, 0] + shift
            to_y[k] = some[k, 1] + up
            to_c[k] = some[k, 2]
            to_s[k] = some[k, 3]
        count += length
    return count


@njit(**BARE)
def _whole(start: Any, base: Any, m: Any, first: Any, last: Any, prefix: Any) -> Any:
    """Sum over columns first..last (may wrap) of the row of cells at ``base``."""
    low, high = start[base + max(first, 0)], start[base + min(last, m - 1) + 1]
    c, s = prefix[high, 0] - prefix[low, 0], prefix[high, 1] - prefix[low, 1]
    if first < 0:
        low, high = start[base + first + m], start[base + m]
    elif last >= m:
        low, high = start[base], start[base + last - m + 1]
    else:
        return c, s
    return c + prefix[high, 0] - prefix[low, 0], s + prefix[high, 1] - prefix[low, 1]


@njit(**SUMS)
def _pair_sum(rim: Any, count: Any, x: Any, y: Any, square: Any) -> Any:
    """Sum over those of the gathered agents whose image is within the radius of (x, y); ``square`` is that of the radius."""
    xs, ys, c, s = rim[0], rim[1], rim[2], rim[3]
    total_c, total_s = 0.0, 0.0
    for k in range(count):
        dx = xs[k] - x
        dy = ys[k] - y
        near = 1.0 if dx * dx + dy * dy <= square else 0.0
        total_c += near * c[k]
        total_s += near * s[k]
    return total_c, total_s


@njit(**SUMS)
def _folded_pair_sum(rim: Any, count: Any, x: Any, y: Any, square: Any) -> Any:
    """The same for a radius of nearly half the torus, where another image may be the nearest."""
    xs, ys, c, s = rim[0], rim[1], rim[2], rim[3]
    total_c, total_s = 0.0, 0.0
    for k in range(count):
        dx = abs(xs[k] - x)
        dx = min(dx, 1.0 - dx)
        dy = abs(ys[k] - y)
        dy = min(dy, 1.0 - dy)
        near = 1.0 if dx * dx + dy * dy <= square else 0.0
        total_c += near * c[k]
        total_s += near * s[k]
    return total_c, total_s


@njit(**BARE)
def _look_around(
    cell: Any, m: Any, tall: Any, outer: Any, inner: Any, start: Any, rows: Any, rim: Any, prefix: Any
) -> Any:
    """What lies around a cell: how many agents are on the rim, put into ``rim``, and the sum over those inside.

    Rows of cells further away than ``tall`` do not touch the disc.
    """
    back, ahead = (m - 1) // 2, m // 2
    row, column = cell // m, cell % m
    count, inside_c, inside_s = 0, 0.0, 0.0
    first, last = -min(back, tall), min(ahead, tall)
    for o in range(first, last + 1):
        reach, safe = outer[o + back], inner[o + back]
        base, up = (row + o) * m, 0.0
        if row + o < 0:
            base, up = base + m * m, -1.0
        elif row + o >= m:
            base, up = base - m * m, 1.0
        left, right = column - min(reach, back), column + min(reach, ahead)
        if safe < 0:
            count = _gather(start, base, m, left, right, up, rows, rim, count)
            continue
        low, high = column - min(safe, back), column + min(safe, ahead)
        c, s = _whole(start, base, m, low, high, prefix)
        inside_c += c
        inside_s += s
        if left < low:
            count = _gather(start, base, m, left, low - 1, up, rows, rim, count)
        if right > high:
            count = _gather(start, base, m, high + 1, right, up, rows, rim, count)
    return count, inside_c, inside_s


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
    at: Any,
    rows: Any,
    rim: Any,
    prefix: Any,
    found: Any,
    out: Any,
) -> None:
    """The sums by cells; see `Neighbourhood`."""
    square = radius * radius
    flat = radius + 1.0 / m + SLACK < 0.5
    tall = 0
    while tall < m // 2 and outer[(m - 1) // 2 + tall + 1] >= 0:
        tall += 1
    for b in range(places.shape[0]):
        if not where[b]:
            continue
        sort_by_cells(places[b], vectors[b], m, start, at, rows)
        if inner[(m - 1) // 2] >= 0:
            _sum_up(rows, prefix)
        for cell in range(m * m):
            if start[cell] == start[cell + 1]:
                continue
            count, inside_c, inside_s = _look_around(cell, m, tall, outer, inner, start, rows, rim, prefix)
            for k in range(start[cell], start[cell + 1]):
                if flat:
                    c, s = _pair_sum(rim, count, rows[k, 0], rows[k, 1], square)
                else:
                    c, s = _folded_pair_sum(rim, count, rows[k, 0], rows[k, 1], square)
                found[k, 0], found[k, 1] = inside_c + c, inside_s + s
        for i in range(at.shape[0]):
            out[b, 0, i], out[b, 1, i] = found[at[i], 0], found[at[i], 1]
