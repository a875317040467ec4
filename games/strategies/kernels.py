"""Reading last moves, and the moves of memory-one players, in batches."""

from __future__ import annotations

from typing import Any

from numba import njit

from games.stream_kernels import BARE, uniform


@njit(**BARE)
def last_moves(observation: Any, first: Any, own: Any, other: Any) -> None:
    """Who defected, bool[B, n], from observations float32[B, n, d] that begin with own and other's move one-hot."""
    for b in range(first.shape[0]):
        for i in range(first.shape[1]):
            own[b, i] = observation[b, i, 1] > 0.5
            other[b, i] = observation[b, i, 3] > 0.5
            first[b, i] = observation[b, i, 0] < 0.5 and observation[b, i, 1] < 0.5


@njit(**BARE)
def react(observation: Any, defect: Any, out: Any) -> None:
    """Moves int32[B, n] of pure memory-one players: defect int32[5] after the start, CC, CD, DC and DD."""
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            own, other = observation[b, i, 1] > 0.5, observation[b, i, 3] > 0.5
            started = own or observation[b, i, 0] > 0.5
            out[b, i] = defect[started * (1 + 2 * own + other)]


@njit(**BARE)
def react_by_chance(state: Any, observation: Any, cooperate: Any, out: Any) -> None:
    """Moves int32[B, n] of memory-one players: cooperate float64[5] likely after the start, CC, CD, DC and DD.

    One draw per stream uint64[B, n, 4].
    """
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            own, other = observation[b, i, 1] > 0.5, observation[b, i, 3] > 0.5
            started = own or observation[b, i, 0] > 0.5
            out[b, i] = uniform(state[b, i]) >= cooperate[started * (1 + 2 * own + other)]
