"""Simple spread inside numba: what everybody gets and sees."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from games.sims.particles_kernels import apart
from games.stream_kernels import BARE

RADIUS = 0.15
COVERED = 0.1
"""A post counts as covered when a particle's centre is nearer than this."""


@njit(**BARE)
def pay(place: Any, posts: Any, live: Any, local_ratio: Any, reward: Any, covered: Any) -> None:
    """Rewards float64[B, n], and how many posts are covered, int64[B]; 0 where an episode does not live.

    Everybody gets minus the sum over posts of the distance to the nearest particle, by the share 1 - local_ratio, and
    -1 for each particle it touches, by the share local_ratio.
    """
    agents = place.shape[1]
    for b in range(live.shape[0]):
        covered[b] = 0
        for i in range(agents):
            reward[b, i] = 0.0
        if live[b]:
            total = 0.0
            for j in range(posts.shape[1]):
                nearest = np.inf
                for i in range(agents):
                    dx = place[b, i, 0] - posts[b, j, 0]
                    dy = place[b, i, 1] - posts[b, j, 1]
                    nearest = min(nearest, dx * dx + dy * dy)
                distance = math.sqrt(nearest)
                total -= distance
                covered[b] += distance < COVERED
            for i in range(agents):
                for j in range(i + 1, agents):
                    if apart(place[b], i, place[b], j) < RADIUS + RADIUS:
                        reward[b, i] -= 1.0
                        reward[b, j] -= 1.0
            for i in range(agents):
                reward[b, i] = total * (1.0 - local_ratio) + reward[b, i] * local_ratio


@njit(**BARE)
def look(place: Any, velocity: Any, posts: Any, seen: Any) -> None:
    """What everybody sees, float32[B, n, 6 n].

    Own velocity and place; from there, the posts and the others; and what the others say: two zeros each.
    """
    agents = place.shape[1]
    for b in range(place.shape[0]):
        for i in range(agents):
            x = place[b, i, 0]
            y = place[b, i, 1]
            seen[b, i, 0] = velocity[b, i, 0]
            seen[b, i, 1] = velocity[b, i, 1]
            seen[b, i, 2] = x
            seen[b, i, 3] = y
            k = 4
            for j in range(posts.shape[1]):
                seen[b, i, k] = posts[b, j, 0] - x
                seen[b, i, k + 1] = posts[b, j, 1] - y
                k += 2
            for j in range(agents):
                if j != i:
                    seen[b, i, k] = place[b, j, 0] - x
                    seen[b, i, k + 1] = place[b, j, 1] - y
                    k += 2
            while k < seen.shape[2]:
                seen[b, i, k] = 0.0
                k += 1
