"""Lower-level policies of swarms as loops over flat arrays; see `games.swarm_rules`.

Letters: B sub-environments, N agents, d coordinates of an observation that count, P grid points along each, M = P^d
points in all (the last coordinate runs fastest), k parts of an action.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from games.stream_kernels import BARE, normal, uniform

HISTOGRAM, MIXTURE, INTERPOLATION = 0, 1, 2


@njit(**BARE)
def gap_to(at: Any, point: Any, points: Any, periodic: Any) -> Any:
    """Distance in grid spacings, around the circle where periodic."""
    gap = abs(at - point)
    if periodic:
        gap -= points * math.floor(gap / points)
        gap = min(gap, points - gap)
    return gap


@njit(**BARE)
def nearest_point(at: Any, points: Any, periodic: Any) -> Any:
    """The grid point closest to a position in grid spacings."""
    near = math.floor(at + 0.5)
    if periodic:
        return np.int64(near - points * math.floor(near / points))
    return np.int64(min(max(near, 0.0), points - 1.0))


@njit(**BARE)
def weigh(at: Any, points: Any, periodic: Any, steepness: Any, weights: Any) -> None:
    """Kernel weights float64[P] of a position in grid spacings; they sum to 1.

    The smallest exponent is subtracted from all, so that the closest point's weight is never lost.
    """
    closest = gap_to(at, nearest_point(at, points, periodic), points, periodic)
    total = 0.0
    for p in range(points):
        gap = gap_to(at, p, points, periodic)
        weights[p] = math.exp((closest * closest - gap * gap) * steepness)
        total += weights[p]
    for p in range(points):
        weights[p] /= total


@njit(**BARE)
def multiply(weights: Any, out: Any) -> None:
    """Weights float64[M] of grid points from those along each coordinate, float64[d, P]."""
    out[0], size, points = 1.0, 1, weights.shape[1]
    for c in range(weights.shape[0]):
        for m in range(size - 1, -1, -1):  # from the end, so that nothing is overwritten before it is used
            head = out[m]
            for p in range(points):
                out[m * points + p] = head * weights[c, p]
        size *= points


@njit(**BARE)
def act(
    family: Any,
    means: Any,
    spreads: Any,
    seen: Any,
    streams: Any,
    low: Any,
    spacing: Any,
    periodic: Any,
    points: Any,
    steepness: Any,
    greedy: Any,
    weights: Any,
    whole_weights: Any,
    out: Any,
) -> None:
    """Everybody's action float32[B, N, k] from what each sees, float32[B, N, >= d], by its own stream uint64[B, N, 4].

    ``means`` and ``spreads`` are float64[B, 1 or N, M, k]; ``weights`` float64[d, P] and ``whole_weights`` float64[M] are
    room to work in. Greedy agents draw nothing and take the mean.
    """
    d, parts, whole = low.shape[0], out.shape[2], means.shape[2]
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            s = streams[b, i]
            own = i if means.shape[1] > 1 else 0
            mean, spread = means[b, own], spreads[b, own]
            cell = 0
            for c in range(d):
                at = (np.float64(seen[b, i, c]) - low[c]) / spacing[c] - 0.5
                if family == HISTOGRAM:
                    cell = cell * points + nearest_point(at, points, periodic[c])
                else:
                    weigh(at, points, periodic[c], steepness, weights[c])
                    if family == MIXTURE and not greedy:
                        cell = cell * points + _pick(uniform(s), weights[c])
            if family == HISTOGRAM or (family == MIXTURE and not greedy):
                for j in range(parts):
                    noise = 0.0 if greedy else spread[cell, j] * normal(s)
                    out[b, i, j] = mean[cell, j] + noise
                continue
            multiply(weights, whole_weights)
            for j in range(parts):
                middle, wide = 0.0, 0.0
                for m in range(whole):
                    middle += whole_weights[m] * mean[m, j]
                    wide += whole_weights[m] * spread[m, j]
                out[b, i, j] = middle if greedy else middle + wide * normal(s)


@njit(**BARE)
def _pick(u: Any, weights: Any) -> Any:
    """The grid point that a number in [0, 1) falls to."""
    last = weights.shape[0] - 1
    for p in range(last):
        if u < weights[p]:
            return p
        u -= weights[p]
    return last
