"""In which order to eliminate the unknowns of a tree's logit system, and what fills in.

Two information sets share an equation when one comes before the other in some play. In games where much is public, the
sets of different public histories never do. Eliminated from the deepest up, a set then only ties together those on
the way to it, and the factors stay sparse: in Leduc poker 936 sets cost a hundredth of a dense factorisation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from games.simplices import Int
from games.tree import TreeGame

_SMALL = 48  # unknowns below which a dense factorisation is as fast
_GAIN = 4.0  # how many times fewer operations a sparse factorisation must take


class Pattern(NamedTuple):
    """The last fields of a `TreeSystem`, and about how many operations a factorisation takes."""

    arrays: tuple[Int, Int, Int, Int, Int]  # near_start, near, base, later_start, later
    effort: float


def pattern_of(game: TreeGame) -> Pattern:
    """Which information sets meet, and the sparse elimination where it pays. O(N depth + I^2)."""
    sets = len(game.owner)
    first, second = _meetings(game)
    start = np.searchsorted(first, np.arange(sets + 1))
    unknowns = np.diff(game.offsets) - 1
    free = int(unknowns.sum())
    none = np.empty(0, dtype=np.int64)
    effort = free**3 / 3 + 400.0 * game.nodes + 50.0 * free * free
    if free < _SMALL:
        return Pattern((start, second, none, none, none), effort)
    order = np.argsort(-_depths(game), kind="stable")
    later = _fill(order, first, second, unknowns, free**3 / 3 / _GAIN)
    if later is None:
        return Pattern((start, second, none, none, none), effort)
    base = np.empty(sets, dtype=np.int64)
    base[order] = np.cumsum(unknowns[order]) - unknowns[order]
    rows = [
        np.append(_unknowns(base, unknowns, later[k], int(base[h]) + j + 1, int(base[h] + unknowns[h])), free)
        for k, h in enumerate(order.tolist())
        for j in range(unknowns[h])
    ]
    lengths = np.array([len(row) for row in rows] + [0])
    later_start = np.concatenate([[0], np.cumsum(lengths)])
    effort = 4.0 * float((lengths.astype(float) ** 2).sum()) + 400.0 * game.nodes + 50.0 * len(second)
    return Pattern((start, second, base, later_start, np.concatenate(rows)), effort)


def _unknowns(base: Int, sizes: Int, sets: Int, start: int, stop: int) -> Int:
    """Positions start to stop - 1, then those of the unknowns of `sets`, ascending."""
    parts = [np.arange(start, stop), *(np.arange(base[h], base[h] + sizes[h]) for h in sets.tolist())]
    return np.sort(np.concatenate(parts))


def _meetings(game: TreeGame) -> tuple[Int, Int]:
    """All ordered pairs of different information sets one of which comes before the other in some play, sorted."""
    sets = len(game.owner)
    node = np.flatnonzero(game.infoset >= 0)
    above = game.parent[node]
    codes = [np.empty(0, dtype=np.int64)]
    while node.size:
        inside = above >= 0
        node, above = node[inside], above[inside]
        met = game.infoset[above] >= 0
        here, there = game.infoset[node[met]].astype(np.int64), game.infoset[above[met]].astype(np.int64)
        codes.append(np.unique(np.concatenate([here * sets + there, there * sets + here])))
        above = game.parent[above]
    code = np.unique(np.concatenate(codes))
    return code // max(sets, 1), code % max(sets, 1)


def _depths(game: TreeGame) -> Int:
    """int64[I]: depth of the deepest node of each information set."""
    depth = np.zeros(len(game.owner), dtype=np.int64)
    for k, level in enumerate(game.levels):
        own = game.infoset[level]
        depth[own[own >= 0]] = k
    return depth


def _fill(order: Int, first: Int, second: Int, unknowns: Int, limit: float) -> list[Int] | None:
    """Later sets that share an equation with each set when its turn comes; None when that takes `limit` operations."""
    sets, cost = len(order), 0.0
    later: list[Int] = []
    meets = np.zeros((sets, sets), dtype=bool)
    meets[first, second] = True
    left = unknowns > 0
    for h in order.tolist():
        left[h] = False
        row = np.flatnonzero(meets[h] & left)
        later.append(row)
        if unknowns[h]:
            meets[np.ix_(row, row)] = True
            cost += float(unknowns[h]) * float(unknowns[row].sum() + unknowns[h]) ** 2
        if cost > limit:
            return None
    return later
