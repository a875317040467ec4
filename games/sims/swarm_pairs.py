"""Sums over neighbours on the unit torus by looking at pairs: of all agents, or of those in strips near enough."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from games.stream_kernels import BARE

# Additions may be reordered, so that the sums below run on vector units; nothing else is relaxed.
SUMS: dict[str, Any] = {**BARE, "fastmath": {"reassoc", "contract"}}

SLACK = 1e-9
"""How much nearer than the radius something must lie to count as inside: rounding then never decides about a pair."""


@njit(**SUMS)
def sum_all_pairs(places: Any, vectors: Any, where: Any, radius: Any, out: Any) -> None:
    """The sums by looking at each pair once; see `Neighbourhood.sum`."""
    n = places.shape[2]
    for b in range(places.shape[0]):
        if not where[b]:
            continue
        x, y, c, s = places[b, 0], places[b, 1], vectors[b, 0], vectors[b, 1]
        total_c, total_s = out[b, 0], out[b, 1]
        for i in range(n):
            total_c[i] = c[i]
            total_s[i] = s[i]
        for j in range(n):
            own_c, own_s = 0.0, 0.0
            xj, yj, cj, sj = x[j], y[j], c[j], s[j]
            for i in range(j):
                dx = abs(x[i] - xj)
                dx = min(dx, 1.0 - dx)
                dy = abs(y[i] - yj)
                dy = min(dy, 1.0 - dy)
                near = 1.0 if dx * dx + dy * dy <= radius * radius else 0.0
                total_c[i] += near * cj
                total_s[i] += near * sj
                own_c += near * c[i]
                own_s += near * s[i]
            total_c[j] += own_c
            total_s[j] += own_s


@njit(**BARE)
def _sort_by_strips(places: Any, vectors: Any, m: Any, start: Any, order: Any, rows: Any) -> None:
    """Counting sort by y into m strips; a second copy, one side of the torus higher, follows the first."""
    n = places.shape[1]
    y = places[1]
    for k in range(m + 1):
        start[k] = 0
    for i in range(n):
        start[min(np.int64(y[i] * m), m - 1) + 1] += 1
    for k in range(m):
        start[k + 1] += start[k]
    for i in range(n):
        strip = min(np.int64(y[i] * m), m - 1)
        order[start[strip]] = i
        start[strip] += 1
    for k in range(m, 0, -1):
        start[k] = start[k - 1]
    start[0] = 0
    for k in range(1, m + 1):
        start[m + k] = n + start[k]
    for k in range(n):
        i = order[k]
        rows[0, k] = rows[0, n + k] = places[0, i]
        rows[1, k] = y[i]
        rows[1, n + k] = y[i] + 1.0
        rows[2, k] = rows[2, n + k] = vectors[0, i]
        rows[3, k] = rows[3, n + k] = vectors[1, i]


@njit(**SUMS)
def _add_ahead(rows: Any, k: Any, end: Any, radius: Any, total: Any) -> None:
    """Add agent k to those after it, and them to it, up to `end`, where they are within the radius."""
    xs, ys, c, s = rows[0, k + 1 : end], rows[1, k + 1 : end], rows[2, k + 1 : end], rows[3, k + 1 : end]
    total_c, total_s = total[0, k + 1 : end], total[1, k + 1 : end]
    x, y, ck, sk = rows[0, k], rows[1, k], rows[2, k], rows[3, k]
    own_c, own_s = ck, sk
    for j in range(
        xs.shape[0]
    ):  # from 0 on, or numba would look for negative indices and not use vector units
        dx = abs(xs[j] - x)
        dx = min(dx, 1.0 - dx)
        dy = ys[j] - y
        near = 1.0 if dx * dx + dy * dy <= radius * radius else 0.0
        total_c[j] += near * ck
        total_s[j] += near * sk
        own_c += near * c[j]
        own_s += near * s[j]
    total[0, k] += own_c
    total[1, k] += own_s


@njit(**BARE)
def sum_by_strips(
    places: Any,
    vectors: Any,
    where: Any,
    radius: Any,
    m: Any,
    start: Any,
    order: Any,
    rows: Any,
    total: Any,
    out: Any,
) -> None:
    """The sums by m strips across the torus; see `games.sims.swarm_neighbours.Neighbourhood.sum`.

    From each agent only those up to the strip at distance D ahead are looked at, so each pair is met once. For that no
    pair may be near both ways round: 2 (D + 1 / m) < 1.
    """
    n = places.shape[2]
    for b in range(places.shape[0]):
        if not where[b]:
            continue
        _sort_by_strips(places[b], vectors[b], m, start, order, rows)
        for k in range(2 * n):
            total[0, k] = total[1, k] = 0.0
        for k in range(n):
            last = min(np.int64((rows[1, k] + radius + SLACK) * m), 2 * m - 1)
            _add_ahead(rows, k, start[last + 1], radius, total)
        for k in range(n):
            out[b, 0, order[k]] = total[0, k] + total[0, n + k]
            out[b, 1, order[k]] = total[1, k] + total[1, n + k]
