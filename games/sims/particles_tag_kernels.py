"""Simple tag inside numba: what everybody gets and sees. Adversaries come first, then the prey."""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from games.sims.particles_kernels import apart
from games.stream_kernels import BARE


@njit(**BARE)
def pay(place: Any, radius: Any, live: Any, gains: Any, losses: Any, caught: Any) -> None:
    """Rewards of adversaries float64[B, k] and prey float64[B, n - k], 0 where an episode does not live.

    caught bool[B] says whether every prey is touched by an adversary.
    """
    hunters = gains.shape[1]
    for b in range(live.shape[0]):
        touches = 0
        caught[b] = live[b]
        for j in range(losses.shape[1]):
            loss = 0.0
            if live[b]:
                prey = hunters + j
                hits = 0
                for i in range(hunters):
                    hits += apart(place[b], i, place[b], prey) < radius[i] + radius[prey]
                touches += hits
                caught[b] = caught[b] and hits > 0
                loss = -10.0 * hits - _outside(abs(place[b, prey, 0])) - _outside(abs(place[b, prey, 1]))
            losses[b, j] = loss
        for i in range(hunters):
            gains[b, i] = 10.0 * touches


@njit(**BARE)
def _outside(x: Any) -> Any:
    """What the prey loses for being x away from the middle along one axis."""
    if x < 0.9:
        return 0.0
    if x < 1.0:
        return (x - 0.9) * 10.0
    return min(math.exp(2.0 * x - 2.0), 10.0)


@njit(**BARE)
def look(place: Any, velocity: Any, posts: Any, first: Any, hunters: Any, seen: Any) -> None:
    """What the agents from `first` on see, float32[B, k, d]: those before `hunters` are adversaries."""
    agents = place.shape[1]
    for b in range(place.shape[0]):
        for i in range(seen.shape[1]):
            me = first + i
            x = place[b, me, 0]
            y = place[b, me, 1]
            seen[b, i, 0] = velocity[b, me, 0]
            seen[b, i, 1] = velocity[b, me, 1]
            seen[b, i, 2] = x
            seen[b, i, 3] = y
            k = 4
            for j in range(posts.shape[1]):
                seen[b, i, k] = posts[b, j, 0] - x
                seen[b, i, k + 1] = posts[b, j, 1] - y
                k += 2
            for j in range(agents):
                if j != me:
                    seen[b, i, k] = place[b, j, 0] - x
                    seen[b, i, k + 1] = place[b, j, 1] - y
                    k += 2
            for j in range(hunters, agents):
                if j != me:
                    seen[b, i, k] = velocity[b, j, 0]
                    seen[b, i, k + 1] = velocity[b, j, 1]
                    k += 2
