"""What scripted particles do, inside numba: where each wants to go, and the push that takes it there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from games.stream_kernels import BARE

_DT, _KEPT = 0.1, 0.75
_GLIDE = 0.4
"""How far a particle of velocity 1 still gets without a push: 0.1 (1 + 0.75 + 0.75^2 + ...)."""
_WALL = 0.7
"""Prey turns back from here, before being outside costs it anything."""


@njit(**BARE)
def own_posts(seen: Any, cost: Any, work: Any, row_of: Any, came_from: Any, wish: Any) -> None:
    """To the post that is one's own when posts are shared out with the least sum of distances: wish float64[B, n, 2].

    seen float32[B, n, 6 N] are observations of simple spread. Scratch: cost float64[N, N], work float64[3, N + 1],
    row_of and came_from int64[N + 1].
    """
    count = cost.shape[0]
    for b in range(seen.shape[0]):
        for i in range(seen.shape[1]):
            for j in range(count):
                px = seen[b, i, 4 + 2 * j]
                py = seen[b, i, 5 + 2 * j]
                cost[0, j] = math.sqrt(px * px + py * py)
                for k in range(1, count):
                    dx = px - seen[b, i, 2 + 2 * count + 2 * k]
                    dy = py - seen[b, i, 3 + 2 * count + 2 * k]
                    cost[k, j] = math.sqrt(dx * dx + dy * dy)
            own = _assign(cost, work, row_of, came_from)
            wish[b, i, 0] = seen[b, i, 4 + 2 * own]
            wish[b, i, 1] = seen[b, i, 5 + 2 * own]


@njit(**BARE)
def _assign(cost: Any, work: Any, row_of: Any, came_from: Any) -> Any:
    """The column of row 0 in an assignment of least cost (Kuhn 1955, by shortest augmenting paths).

    The rows of work are the prices of rows and of columns and the slack of columns; column `count` is a dummy in which
    each search begins. Columns in the tree of the search have slack -1.
    """
    count = cost.shape[0]
    for j in range(count + 1):
        work[0, j] = 0.0
        work[1, j] = 0.0
        row_of[j] = -1
    for row in range(count):
        row_of[count] = row
        here = count
        for j in range(count):
            work[2, j] = np.inf
        while row_of[here] >= 0:
            work[2, here] = -1.0
            i = row_of[here]
            step, to = np.inf, count
            for j in range(count):
                if work[2, j] >= 0.0:
                    slack = max(cost[i, j] - work[0, i] - work[1, j], 0.0)
                    if slack < work[2, j]:
                        work[2, j] = slack
                        came_from[j] = here
                    if work[2, j] < step:
                        step = work[2, j]
                        to = j
            for j in range(count + 1):
                if work[2, j] >= 0.0:
                    work[2, j] -= step
                else:
                    work[0, row_of[j]] += step
                    work[1, j] -= step
            here = to
        while here != count:
            row_of[here] = row_of[came_from[here]]
            here = came_from[here]
    own = 0
    for j in range(count):
        if row_of[j] == 0:
            own = j
    return own


@njit(**BARE)
def chase(seen: Any, obstacles: Any, hunters: Any, wish: Any) -> None:
    """To where the nearest prey would glide: wish float64[B, n, 2] of adversaries of simple tag."""
    start = 4 + 2 * obstacles + 2 * (hunters - 1)
    prey = (seen.shape[2] - start) // 4
    for b in range(seen.shape[0]):
        for i in range(seen.shape[1]):
            nearest, own = np.inf, 0
            for j in range(prey):
                x = seen[b, i, start + 2 * j]
                y = seen[b, i, start + 2 * j + 1]
                if x * x + y * y < nearest:
                    nearest = x * x + y * y
                    own = j
            for k in range(2):
                speed = seen[b, i, start + 2 * prey + 2 * own + k]
                wish[b, i, k] = seen[b, i, start + 2 * own + k] + _GLIDE * speed


@njit(**BARE)
def flee(seen: Any, obstacles: Any, hunters: Any, wish: Any) -> None:
    """Away from adversaries, the nearer the more, and not out of the field: wish float64[B, n, 2] of prey."""
    start = 4 + 2 * obstacles
    for b in range(seen.shape[0]):
        for i in range(seen.shape[1]):
            wish[b, i, 0] = 0.0
            wish[b, i, 1] = 0.0
            for j in range(hunters):
                x = seen[b, i, start + 2 * j]
                y = seen[b, i, start + 2 * j + 1]
                square = x * x + y * y + 1e-3
                wish[b, i, 0] -= x / square
                wish[b, i, 1] -= y / square
            for k in range(2):
                place = seen[b, i, 2 + k]
                if abs(place) > _WALL:
                    wish[b, i, k] -= 30.0 * (place - math.copysign(_WALL, place))


@njit(**BARE)
def told_posts(seen: Any, wish: Any) -> None:
    """To the post that was named most clearly, nowhere before: wish float64[B, n, 2] of listeners."""
    for b in range(seen.shape[0]):
        for i in range(seen.shape[1]):
            loudest, own = 0.0, -1
            for k in range(3):
                if seen[b, i, 8 + k] > loudest:
                    loudest = seen[b, i, 8 + k]
                    own = k
            for k in range(2):
                wish[b, i, k] = seen[b, i, 2 + 2 * own + k] if own >= 0 else 0.0


@njit(**BARE)
def missing(wish: Any, velocity: Any, b: Any, i: Any, k: Any) -> Any:
    """How much faster along axis k a particle should be to glide to where it wants."""
    v = velocity[b, i, k]
    return (wish[b, i, k] - _DT * v) / _GLIDE - _KEPT * v


@njit(**BARE)
def steer_choices(wish: Any, velocity: Any, strength: Any, out: Any) -> None:
    """The choice int32[B, n] after which the velocity is nearest to the one wanted."""
    push = strength * _DT
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            x = missing(wish, velocity, b, i, 0)
            y = missing(wish, velocity, b, i, 1)
            out[b, i] = 0
            if max(abs(x), abs(y)) > 0.5 * push:
                if abs(x) >= abs(y):
                    out[b, i] = 2 if x > 0.0 else 1
                else:
                    out[b, i] = 4 if y > 0.0 else 3


@njit(**BARE)
def steer_numbers(wish: Any, velocity: Any, strength: Any, out: Any) -> None:
    """The pushes float32[B, n, 5] after which the velocity is nearest to the one wanted."""
    push = strength * _DT
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            out[b, i, 0] = 0.0
            for k in range(2):
                share = min(max(missing(wish, velocity, b, i, k) / push, -1.0), 1.0)
                out[b, i, 1 + 2 * k] = max(-share, 0.0)
                out[b, i, 2 + 2 * k] = max(share, 0.0)
