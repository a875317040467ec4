"""Vertices of a best-response polytope, by breadth-first search over its lexicographically feasible bases.

The polytope is {z >= 0 : M z <= 1} with M in [1, 2] (see `solvers.tableau`). A vertex is recorded as the set of its
tight constraints, a bit mask over variable ids in two 64-bit words. Breadth first, because then a tableau is only as
many pivots from the start as the graph's diameter, and rounding has no time to grow. Each basis costs one ratio test
per column, O(R C), and only a basis not seen before costs a pivot.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from games.simplices import Float, Int
from solvers.solution import Progress
from solvers.tableau import leaving_row

MAX_LABELS = 128
_CHUNK = 50_000_000  # tableau entries read between returns to Python
_ONE = np.uint64(1)
_LEVEL_DONE, _GROW_LEVEL, _GROW_FOUND, _GROW_TABLE, _PAUSED = 0, 1, 2, 3, 4

Word = NDArray[np.uint64]


class Vertices(NamedTuple):
    """Masks uint64[V, 2] of tight constraints, points float64[V, C], and whether the search reached its end."""

    masks: Word
    points: Float
    bases: int
    complete: bool


def enumerate_vertices(
    table: Float,
    *,
    max_bytes: int,
    zero: float = 1e-12,
    stop: float = np.inf,
    progress: Progress | None = None,
) -> Vertices:
    """All vertices reachable from the starting tableau (all there are, as a polytope's graph is connected).

    Parameters
    ----------
    table : float64[R, C + 1]
        Starting tableau of `solvers.tableau.scaled_table`; R + C <= 128.
    max_bytes : int
        Give up (``complete=False``) before the search holds about this much memory.
    zero : float
        Ratios relatively closer than this are ties, and a basic variable below it is zero: its constraint is tight.
    stop : float
        Give up at this `perf_counter` time.
    progress : Progress, optional
        Called between chunks of work.
    """
    rows, width = table.shape
    size = rows + width - 1
    level = _Level(16 * width, rows, width)
    after = _Level(16 * width, rows, width)
    found, points = np.empty((256, 2), dtype=np.uint64), np.empty((256, width - 1))
    seen = np.zeros((1024, 2), dtype=np.uint64)
    state = np.zeros(4, dtype=np.int64)  # next node of this level, nodes of the next level, found, bases seen
    _start(table, level.tables, level.ids, found, points, seen, state, zero)
    count, complete = 1, True
    chunk = max(_CHUNK // (rows * width), 1)
    while count:
        code = _expand(
            level.tables, level.ids, count, after.tables, after.ids, found, points, seen, state, chunk, zero
        )
        if code == _LEVEL_DONE:
            level, after = after, level
            count, state[0], state[1] = int(state[1]), 0, 0
        elif code == _GROW_LEVEL:
            after.grow()
        elif code == _GROW_FOUND:
            found, points = _doubled(found), _doubled(points)
        elif code == _GROW_TABLE:
            seen = _rehash(seen)
        held = level.bytes + after.bytes + found.nbytes + points.nbytes + seen.nbytes
        if held > max_bytes or perf_counter() > stop:
            complete = False
            break
        if progress is not None and code == _PAUSED:
            progress(
                np.nan, f"vertex enumeration: {int(state[3]):,} bases of a {rows}+{size - rows} polytope"
            )
    total = int(state[2])
    return Vertices(found[:total], points[:total], int(state[3]), complete)


class _Level:
    """The tableaux of one breadth-first level."""

    def __init__(self, capacity: int, rows: int, width: int) -> None:
        self.tables = np.empty((capacity, rows, width))
        self.ids = np.empty((capacity, rows + width - 1), dtype=np.int16)

    def grow(self) -> None:
        self.tables, self.ids = _doubled(self.tables), _doubled(self.ids)

    @property
    def bytes(self) -> int:
        return self.tables.nbytes + self.ids.nbytes


def _doubled(array: NDArray) -> NDArray:
    larger = np.empty((2 * array.shape[0], *array.shape[1:]), dtype=array.dtype)
    larger[: array.shape[0]] = array
    return larger


@njit(cache=True)
def _start(
    table: Float, tables: Float, ids: Int, found: Word, points: Float, seen: Word, state: Int, zero: float
) -> None:
    """Put the vertex 0, where every structural variable is nonbasic, at the start of the search."""
    rows, width = table.shape
    tables[0] = table
    for k in range(rows):
        ids[0, k] = width - 1 + k
    for k in range(width - 1):
        ids[0, rows + k] = k
    low: Any = np.uint64(0)
    high: Any = np.uint64(0)
    for k in range(width - 1):
        low, high = _flip(low, high, k)
    insert(seen, low, high)
    state[3] = 1
    _record(tables[0], ids[0], low, high, found, points, state, zero)


@njit(cache=True, inline="always")
def _flip(low: Any, high: Any, bit: int) -> tuple[Any, Any]:
    if bit < 64:
        return low ^ (_ONE << np.uint64(bit)), high
    return low, high ^ (_ONE << np.uint64(bit - 64))


@njit(cache=True, inline="always")
def slot_of(low: Any, high: Any, last: int) -> Any:
    """Where the search for a key starts in a table of last + 1 slots, a power of two."""
    mixed = (low ^ (high * np.uint64(0xC2B2AE3D27D4EB4F))) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64((mixed ^ (mixed >> np.uint64(32))) & np.uint64(last))


@njit(cache=True)
def insert(seen: Word, low: Any, high: Any) -> bool:
    """Add a key to the open-addressing set; False when it was there. The key 0, 0 never occurs and marks a free slot."""
    last = seen.shape[0] - 1
    slot = slot_of(low, high, last)
    while seen[slot, 0] != 0 or seen[slot, 1] != 0:
        if seen[slot, 0] == low and seen[slot, 1] == high:
            return False
        slot = (slot + 1) & last
    seen[slot, 0] = low
    seen[slot, 1] = high
    return True


@njit(cache=True)
def _rehash(seen: Word) -> Word:
    larger = np.zeros((4 * seen.shape[0], 2), dtype=np.uint64)
    for k in range(seen.shape[0]):
        if seen[k, 0] != 0 or seen[k, 1] != 0:
            insert(larger, seen[k, 0], seen[k, 1])
    return larger


@njit(cache=True)
def _record(
    table: Float, ids: Int, low: Any, high: Any, found: Word, points: Float, state: Int, zero: float
) -> None:
    """Write the vertex of a basis: its point, and its nonbasic set plus the basic variables that are zero."""
    rows, width = table.shape
    point = points[state[2]]
    point[:] = 0.0
    for r in range(rows):
        value, k = table[r, width - 1], ids[r]
        if value <= zero:
            low, high = _flip(low, high, k)
        elif k < width - 1:
            point[k] = value
    found[state[2], 0] = low
    found[state[2], 1] = high
    state[2] += 1


@njit(cache=True)
def _expand(
    tables: Float,
    ids: Int,
    count: int,
    next_tables: Float,
    next_ids: Int,
    found: Word,
    points: Float,
    seen: Word,
    state: Int,
    budget: int,
    zero: float,
) -> int:
    """Visit the neighbours of this level's bases from `state[0]` on; returns what has to be done before going on."""
    _, rows, width = tables.shape
    columns = width - 1
    best, second, source = np.empty(columns), np.empty(columns), np.empty(width)
    leave = np.empty(columns, dtype=np.int64)
    place, tied = np.empty(rows + columns, dtype=np.int64), np.empty(rows, dtype=np.int64)
    stop = min(count, state[0] + budget)
    while state[0] < stop:
        if next_tables.shape[0] - state[1] < columns:
            return _GROW_LEVEL
        if found.shape[0] - state[2] < columns:
            return _GROW_FOUND
        if 2 * (state[3] + columns) > seen.shape[0]:
            return _GROW_TABLE
        table, names = tables[state[0]], ids[state[0]]
        _leaving_rows(table, names, best, second, leave, place, tied, zero)
        low, high = np.uint64(0), np.uint64(0)
        for j in range(columns):
            low, high = _flip(low, high, names[rows + j])
        for j in range(columns):
            if leave[j] < 0:
                continue
            new_low, new_high = _flip(low, high, names[rows + j])
            new_low, new_high = _flip(new_low, new_high, names[leave[j]])
            if not insert(seen, new_low, new_high):
                continue
            target, target_names = next_tables[state[1]], next_ids[state[1]]
            _pivot_into(table, names, leave[j], j, source, target, target_names)
            _record(target, target_names, new_low, new_high, found, points, state, zero)
            state[1] += 1
            state[3] += 1
        state[0] += 1
    return _LEVEL_DONE if state[0] >= count else _PAUSED


@njit(cache=True)
def _leaving_rows(
    table: Float, names: Int, best: Float, second: Float, leave: Int, place: Int, tied: Int, zero: float
) -> None:
    """The lexicographic minimum ratio row of every column: in one sweep, and one by one only where there are ties."""
    rows, width = table.shape
    columns = width - 1
    degenerate = False
    best[:] = 0.0
    second[:] = 0.0
    leave[:] = -1
    for r in range(rows):
        value = table[r, columns]
        if value <= zero:
            degenerate = True
            break
        inverse = 1.0 / value
        for j in range(columns):
            steepness = table[r, j] * inverse  # the largest is the smallest ratio
            leave[j] = r if steepness > best[j] else leave[j]  # without branches, so that it vectorises
            second[j] = max(second[j], min(best[j], steepness))
            best[j] = max(best[j], steepness)
    known = False
    for j in range(columns):
        if degenerate or second[j] >= best[j] * (1.0 - zero):
            if not known:
                known = True
                for r in range(rows):
                    place[names[r]] = ~r
                for c in range(columns):
                    place[names[rows + c]] = c
            leave[j] = leaving_row(table, rows, j, place, tied)


@njit(cache=True, fastmath={"contract"})
def _pivot_into(
    table: Float, names: Int, row: int, column: int, source: Float, target: Float, target_names: Int
) -> None:
    """Write to `target` the tableau after exchanging `row` and `column` of `table`."""
    rows, width = table.shape
    inverse = 1.0 / table[row, column]
    for j in range(width):
        source[j] = table[row, j] * inverse
    source[column] = inverse
    for i in range(rows):
        factor = table[i, column]
        for j in range(width):
            target[i, j] = table[i, j] - factor * source[j]
        target[i, column] = -factor * inverse
    for j in range(width):
        target[row, j] = source[j]
    for k in range(rows + width - 1):
        target_names[k] = names[k]
    target_names[row], target_names[rows + column] = names[rows + column], names[row]
