"""All extreme Nash equilibria of a two-player game, from the vertices of both best-response polytopes.

An extreme equilibrium is a pair of vertices that together are labelled completely: every action is unplayed or a best
response (Mangasarian 1964; Vorob'ev and Kuhn). A nondegenerate game has no others. In a degenerate game the set of all
equilibria is a finite union of maximal Nash subsets, each the product of a face of either polytope; they are the
maximal bicliques of the graph that joins x and y when (x, y) is an extreme equilibrium, and their connected unions are
the graph's components (Avis, Rosenberg, Savani and von Stengel 2010, "Enumeration of Nash equilibria for two-player
games").
"""

from __future__ import annotations

from time import perf_counter
from typing import NamedTuple

import numpy as np
from numba import njit

from games.errors import InputError
from games.limits import available_bytes
from games.normal import NormalFormGame
from games.simplices import Float, Int
from solvers.lemke_howson import LemkeHowson, lemke_howson
from solvers.nash_sets import components, maximal_subsets
from solvers.polytope import MAX_LABELS, Vertices, Word, enumerate_vertices, insert, slot_of
from solvers.solution import Progress
from solvers.tableau import scaled_table

_DOMINANCE = 1e-10  # strictly worse by less than this part of the span does not count as dominated
_ZEROS = (1e-12, 1e-10, 1e-14, 1e-8)  # what counts as zero, tried in turn where payoffs nearly tie
_PAIRS = 100_000  # equilibria listed at most


class ExtremeEquilibria(NamedTuple):
    """All extreme equilibria and how they hang together.

    profiles : float64[K, m + n], sorted; component : int64[K]; continuum : bool[K], True when the component has more
    than one extreme equilibrium; subsets : for each equilibrium the maximal Nash subsets it lies in (None when there
    are too many to list); complete : whether nothing was left out; bases : how many bases were visited; near_ties :
    whether payoffs tie so nearly that rounding may have hidden some.
    """

    profiles: Float
    component: Int
    continuum: np.ndarray
    subsets: tuple[tuple[int, ...], ...] | None
    complete: bool
    bases: int
    near_ties: bool


def extreme_equilibria(
    game: NormalFormGame, *, seconds: float | None = None, progress: Progress | None = None
) -> ExtremeEquilibria:
    """All extreme equilibria of a two-player game by vertex enumeration.

    Parameters
    ----------
    game : NormalFormGame
        Two players with m and n actions, m + n <= 128 once iteratively strictly dominated actions are gone.
    seconds : float, optional
        Stop after about this time with what was found by then (``complete=False``).
    progress : Progress, optional
        Called now and then.

    Raises
    ------
    InputError
        If the game does not have two players or has too many actions.

    Notes
    -----
    The number of vertices grows exponentially: about 10^3 for either player of a random 10x10 game, 10^5 at 15x15,
    10^7 at 20x20. The search stops, incomplete, before it needs more than a quarter of the available memory.
    """
    if game.payoffs.shape[0] != 2:
        raise InputError(f"vertex enumeration needs two players, this game has {game.payoffs.shape[0]}")
    stop = perf_counter() + (np.inf if seconds is None else seconds)
    kept = undominated(game)
    payoffs = np.ascontiguousarray(game.payoffs[:, kept[0]][:, :, kept[1]])
    m, n = payoffs.shape[1:]
    if m + n > MAX_LABELS:
        raise InputError(
            f"vertex enumeration takes at most {MAX_LABELS} undominated actions of both players together, "
            f"this game has {m} + {n}"
        )
    memory = min(available_bytes() // 8, 2 * 1024**3)
    half = perf_counter() + 0.5 * (stop - perf_counter())
    tables = scaled_table(payoffs[1], False, True), scaled_table(payoffs[0], False, False)
    path = lemke_howson(NormalFormGame(payoffs), max_pivots=1000)
    for zero in _ZEROS:
        first = enumerate_vertices(tables[0], max_bytes=memory, zero=zero, stop=half, progress=progress)
        second = enumerate_vertices(tables[1], max_bytes=memory, zero=zero, stop=stop, progress=progress)
        pairs, complete = _match(first, second, m, n, stop, progress)
        complete = complete and first.complete and second.complete
        rows, columns = _normalised(first.points[pairs[:, 0]]), _normalised(second.points[pairs[:, 1]])
        # a path's end is an extreme equilibrium: were it not listed, near-ties have misled the search
        right = _are_equilibria(payoffs, rows, columns)
        sure = bool(right.all()) and (not path.converged or _listed(rows, columns, path))
        if sure or not complete:
            break
    pairs, rows, columns = pairs[right], rows[right], columns[right]
    profiles = np.zeros((len(pairs), int(game.offsets[-1])))
    profiles[:, kept[0]] = rows
    profiles[:, game.shape[0] + kept[1]] = columns
    order = np.lexsort(-profiles.T[::-1].round(9))
    component, continuum = components(pairs[order])
    return ExtremeEquilibria(
        profiles[order],
        component,
        continuum,
        maximal_subsets(pairs[order], component, continuum),
        complete and sure,
        first.bases + second.bases,
        complete and not sure,
    )


def _are_equilibria(payoffs: Float, rows: Float, columns: Float) -> np.ndarray:
    """Which pairs of strategies have no regret above 1e-9 of the payoff range."""
    right = np.ones(len(rows), dtype=bool)
    for mine, theirs, own in ((payoffs[0], columns, rows), (payoffs[1].T, rows, columns)):
        pay = theirs @ mine.T
        regret = pay.max(axis=1) - np.einsum("ka,ka->k", pay, own)
        right &= regret <= 1e-9 * (float(np.ptp(mine)) or 1.0)
    return right


def _listed(rows: Float, columns: Float, path: LemkeHowson) -> bool:
    if not len(rows):
        return False
    distance = np.abs(rows - path.row).max(axis=1) + np.abs(columns - path.column).max(axis=1)
    return bool(distance.min() < 1e-4)


def undominated(game: NormalFormGame) -> tuple[Int, Int]:
    """Actions of both players that survive iterated elimination of strictly dominated ones (by pure actions).

    Exact for Nash equilibria: no action thrown out is played in any.
    """
    rows, columns = _undominated(game.payoffs, _DOMINANCE * game.spans)
    return np.flatnonzero(rows), np.flatnonzero(columns)


@njit(cache=True)
def _undominated(payoffs: Float, margin: Float) -> tuple[np.ndarray, np.ndarray]:
    _, m, n = payoffs.shape
    rows, columns = np.ones(m, dtype=np.bool_), np.ones(n, dtype=np.bool_)
    changed = True
    while changed:
        changed = False
        for a in range(m):
            for b in range(m):
                if a != b and rows[a] and rows[b] and _worse(payoffs[0], a, b, columns, margin[0]):
                    rows[a] = False
                    changed = True
        for a in range(n):
            for b in range(n):
                if a != b and columns[a] and columns[b] and _worse(payoffs[1].T, a, b, rows, margin[1]):
                    columns[a] = False
                    changed = True
    return rows, columns


@njit(cache=True)
def _worse(matrix: Float, a: int, b: int, against: np.ndarray, margin: float) -> bool:
    """Whether row a is below row b by more than `margin` everywhere that counts."""
    beaten = True
    for k in range(against.size):
        beaten = beaten and (not against[k] or matrix[a, k] + margin < matrix[b, k])
    return beaten


def _normalised(points: Float) -> Float:
    return points / points.sum(axis=1, keepdims=True)


# --- pairs of vertices that are labelled completely -------------------------------------------------------


def _match(
    first: Vertices, second: Vertices, m: int, n: int, stop: float, progress: Progress | None
) -> tuple[Int, bool]:
    """Pairs int64[K, 2] of vertex indices other than (0, 0) with all m + n labels, and whether all are listed."""
    labels = _as_labels(second.masks, m, n)
    rows, columns = _distinct(first.masks), _distinct(labels)
    exact, others = _by_degeneracy(first.masks, rows, m)
    table, index = _indexed(first.masks, exact)
    found: list[Int] = []
    total = start = 0
    chunk = max(20_000_000 // max(len(rows), 1), 1)
    while start < len(columns):
        if perf_counter() > stop and start:
            return _gathered(found), False
        part = columns[start : start + chunk]
        pairs = _match_chunk(first.masks, rows, others, table, index, labels, part, m, n, _PAIRS - total)
        found.append(pairs)
        total += len(pairs)
        if total >= _PAIRS:
            return _gathered(found), False
        start += chunk
        if progress is not None and start < len(columns):
            progress(start / len(columns), "matching vertices")
    return _gathered(found), True


def _gathered(found: list[Int]) -> Int:
    return np.concatenate(found) if found else np.empty((0, 2), dtype=np.int64)


@njit(cache=True)
def _as_labels(masks: Word, m: int, n: int) -> Word:
    """Masks of the column polytope's variables (n strategies, then m slacks) as masks of labels (m rows first)."""
    labels = np.zeros_like(masks)
    for v in range(masks.shape[0]):
        for k in range(m + n):
            if (masks[v, k >> 6] >> np.uint64(k & 63)) & np.uint64(1):
                label = k + m if k < n else k - n
                labels[v, label >> 6] |= np.uint64(1) << np.uint64(label & 63)
    return labels


@njit(cache=True)
def _ones(masks: Word, v: int) -> int:
    count = 0
    for w in range(2):
        word = masks[v, w]
        while word:
            word &= word - np.uint64(1)
            count += 1
    return count


@njit(cache=True)
def _distinct(masks: Word) -> Int:
    """Indices of the first occurrence of each mask: several bases of a degenerate vertex share its tight set."""
    size = 16
    while size < 2 * masks.shape[0]:
        size *= 2
    seen = np.zeros((size, 2), dtype=np.uint64)
    keep = np.empty(masks.shape[0], dtype=np.int64)
    count = 0
    for v in range(masks.shape[0]):
        if insert(seen, masks[v, 0], masks[v, 1]):
            keep[count] = v
            count += 1
    return keep[:count]


@njit(cache=True)
def _by_degeneracy(masks: Word, index: Int, dimension: int) -> tuple[Int, Int]:
    """Vertices with exactly as many tight constraints as dimensions, and those with more."""
    simple = np.array([_ones(masks, v) == dimension for v in index])
    return index[simple], index[~simple]


@njit(cache=True)
def _indexed(masks: Word, index: Int) -> tuple[Word, Int]:
    """A hash table from mask to vertex."""
    size = 16
    while size < 2 * index.size:
        size *= 2
    table, where = np.zeros((size, 2), dtype=np.uint64), np.zeros(size, dtype=np.int64)
    for v in index:
        slot = slot_of(masks[v, 0], masks[v, 1], size - 1)
        while table[slot, 0] != 0 or table[slot, 1] != 0:
            slot = (slot + 1) & (size - 1)
        table[slot] = masks[v]
        where[slot] = v
    return table, where


@njit(cache=True)
def _match_chunk(
    masks: Word,
    rows: Int,
    others: Int,
    table: Word,
    where: Int,
    labels: Word,
    part: Int,
    m: int,
    n: int,
    limit: int,
) -> Int:
    """Up to `limit` completely labelled pairs with a column vertex in `part`.

    A simple column vertex needs at least the m labels it lacks: a simple row vertex must have exactly those, which the
    hash table tells; only degenerate ones are searched.
    """
    full = np.zeros(2, dtype=np.uint64)
    for k in range(m + n):
        full[k >> 6] |= np.uint64(1) << np.uint64(k & 63)
    pairs: Int = np.empty((64, 2), dtype=np.int64)
    count = 0
    for q in part:
        low, high = full[0] & ~labels[q, 0], full[1] & ~labels[q, 1]
        simple = _ones(labels, q) == n
        if simple:
            slot = slot_of(low, high, where.size - 1)
            while table[slot, 0] != 0 or table[slot, 1] != 0:
                if table[slot, 0] == low and table[slot, 1] == high:
                    break
                slot = (slot + 1) & (where.size - 1)
            if (table[slot, 0] != 0 or table[slot, 1] != 0) and where[slot] != 0:
                count, pairs = _append(pairs, count, where[slot], q)
        for p in others if simple else rows:
            if p != 0 and masks[p, 0] & low == low and masks[p, 1] & high == high:
                count, pairs = _append(pairs, count, p, q)
        if count >= limit:
            break
    return pairs[: min(count, limit)]


@njit(cache=True)
def _append(pairs: Int, count: int, p: int, q: int) -> tuple[int, Int]:
    if count == pairs.shape[0]:
        larger = np.empty((2 * count, 2), dtype=np.int64)
        larger[:count] = pairs
        pairs = larger
    pairs[count, 0] = p
    pairs[count, 1] = q
    return count + 1, pairs
