"""Grudges and majorities, one agent and one round at a time; the conventions are those of `reciprocity_kernels`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from games.stream_kernels import BARE


@njit(**BARE)
def grim(other: Any, time: Any, k: Any, p: Any) -> Any:
    """Remembers defections; p: rounds of patience, how many it forgives, rounds of defection at the start."""
    k[0] += other
    return (k[0] > p[1] and time >= p[0]) or time < p[2]


@njit(**BARE)
def relent(other: Any, time: Any, k: Any, p: Any) -> Any:
    """Remembers whether it has seen the move that makes it cooperate, p."""
    k[0] |= time > 0 and other == p[0]
    return 1 - k[0]


@njit(**BARE)
def grim_alternator(own: Any, other: Any, k: Any) -> Any:
    """Remembers whether it was ever betrayed."""
    k[0] |= other
    return k[0] & (1 - own)


@njit(**BARE)
def forgetful_grudge(other: Any, k: Any, p: Any) -> Any:
    """Remembers whether it has a grudge, and for how long; p: how long it keeps one."""
    if k[1] == p[0]:
        k[0] = k[1] = 0
    k[0] |= other
    k[1] += k[0]
    return k[0]


@njit(**BARE)
def once_bitten(other: Any, time: Any, k: Any, p: Any) -> Any:
    """Remembers the opponent's last move, whether it has a grudge, and for how long; p: how long it keeps one."""
    before, k[0] = k[0], other
    if k[2] >= p[0]:
        k[1] = k[2] = 0
    if time < 2:
        return 0
    if k[1] == 1:
        k[2] += 1
        return 1
    k[1] = before & other
    return k[1]


@njit(**BARE)
def soft_grudge(other: Any, k: Any, p: Any) -> Any:
    """Remembers the rest of a punishment; p: its defections, and the cooperations that follow them."""
    if k[0] > 0:
        k[0] -= 1
        return k[0] >= p[1]
    if other == 1:
        k[0] = np.int64(p[0] + p[1]) - 1
    return other


@njit(**BARE)
def punisher(other: Any, time: Any, k: Any, p: Any) -> Any:
    """Remembers defections, how long its grudge lasts and has lasted, and whether it has one.

    p: whether a grudge grows with the opponent's cooperations instead of its defections.
    """
    k[0] += other
    if k[2] >= k[1]:
        k[2] = k[3] = 0
    if k[3] == 1:
        k[2] += 1
        return 1
    if other == 1:
        counted = k[0] if p[0] == 0.0 else time - k[0]
        k[1] = counted * 20 // time
        if p[0] != 0.0 and k[1] == 0:
            k[1] = 1
        k[3] = 1
    return other


@njit(**BARE)
def forgiver(other: Any, time: Any, k: Any, p: Any) -> Any:
    """Remembers defections.

    p: one in how many rounds it forgives, before which round it forgives all, and whether it answers defections only.
    """
    k[0] += other
    angry = k[0] * p[0] > time and time >= p[1]
    return angry and (other == 1 or p[2] == 0.0)


@njit(**BARE)
def retaliate(own: Any, other: Any, k: Any, p: Any) -> Any:
    """Remembers how often it was the sucker and the traitor, and its retaliations in a row.

    p: how much of what it has done itself it minds being done to it, and how often it retaliates in a row.
    """
    k[0] += other & (1 - own)
    k[1] += own & (1 - other)
    if k[0] > k[1] * p[0]:
        if k[2] < p[1]:
            k[2] += 1
            return 1
        k[2] = 0
        return 0
    k[2] = 0
    return 0


@njit(**BARE)
def majority(other: Any, time: Any, k: Any, p: Any) -> Any:
    """Remembers defections in its window, and the last moves as bits; p: whether it is soft, its window or 0 for all."""
    window = np.int64(p[1])
    k[0] += other
    rounds = time
    if window > 0:
        recent = np.uint64(k[1])
        k[0] -= np.int64((recent >> np.uint64(window - 1)) & np.uint64(1))
        k[1] = np.int64((recent << np.uint64(1)) | np.uint64(other))
        rounds = min(time, window)
    excess = 2 * k[0] - rounds
    return excess > 0 if p[0] != 0.0 else excess >= 0
