"""How extreme equilibria hang together: connected components and maximal Nash subsets of the set of all equilibria.

Two extreme equilibria (x, y) and (x', y') are interchangeable when (x, y') and (x', y) are equilibria too. Maximal sets
of interchangeable ones, the maximal bicliques of the graph that joins x and y, span the maximal Nash subsets.
"""

from __future__ import annotations

import numpy as np

from games.simplices import Int

_SUBSETS = 1_000  # maximal Nash subsets listed at most


def components(pairs: Int) -> tuple[Int, np.ndarray]:
    """Connected component of each pair (pairs sharing a vertex are connected), numbered in order of appearance."""
    parent: dict[tuple[int, int], tuple[int, int]] = {}

    def root(node: tuple[int, int]) -> tuple[int, int]:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    listed = [((0, p), (1, q)) for p, q in pairs.tolist()]
    for x, y in listed:
        parent[root(x)] = root(y)
    numbers: dict[tuple[int, int], int] = {}
    component = np.array([numbers.setdefault(root(x), len(numbers)) for x, _ in listed], dtype=np.int64)
    return component, np.bincount(component)[component] > 1 if len(listed) else np.zeros(0, dtype=bool)


def maximal_subsets(pairs: Int, component: Int, continuum: np.ndarray) -> tuple[tuple[int, ...], ...] | None:
    """For each extreme equilibrium the maximal Nash subsets (maximal bicliques) it belongs to; None if too many."""
    member: list[list[int]] = [[] for _ in range(len(pairs))]
    number = 0
    for c in range(int(component.max()) + 1 if len(pairs) else 0):
        index = np.flatnonzero(component == c)
        if not continuum[index[0]]:
            member[index[0]].append(number)
            number += 1
            continue
        neighbours: dict[int, int] = {}
        for p, q in pairs[index].tolist():
            neighbours[p] = neighbours.get(p, 0) | 1 << q
        closed: set[int] = set()
        for own in neighbours.values():
            closed |= {own} | {own & other for other in closed if own & other}
            if number + len(closed) > _SUBSETS:
                return None
        for shared in sorted(closed):
            for k in index.tolist():
                p, q = int(pairs[k, 0]), int(pairs[k, 1])
                if shared >> q & 1 and neighbours[p] & shared == shared:
                    member[k].append(number)
            number += 1
    return tuple(tuple(numbers) for numbers in member)
