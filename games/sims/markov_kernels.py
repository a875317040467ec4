"""Playing Markov games in batches: rewards, next states, one-hot views."""

from __future__ import annotations

from typing import Any

from numba import njit

from games.stream_kernels import BARE, uniform


@njit(**BARE)
def draw(s: Any, cdf: Any, row: Any) -> Any:
    """A state from row `row` of cumulative probabilities float64[rows, S] whose last reachable entry is 1; one draw."""
    u = uniform(s)
    low, high = 0, cdf.shape[1] - 1
    while low < high:
        middle = (low + high) // 2
        if u < cdf[row, middle]:
            high = middle
        else:
            low = middle + 1
    return low


@njit(**BARE)
def begin(streams: Any, where: Any, initial: Any, state: Any, time: Any) -> None:
    """Draw first states from initial float64[1, S], cumulative."""
    for b in range(where.shape[0]):
        if where[b]:
            state[b] = draw(streams[b], initial, 0)
            time[b] = 0


@njit(**BARE)
def advance(
    streams: Any,
    actions: Any,
    live: Any,
    strides: Any,
    rewards: Any,
    cdf: Any,
    state: Any,
    time: Any,
    cell: Any,
    reward: Any,
) -> None:
    """Pay joint actions int32[B, P] where live bool[B], and draw the next state.

    rewards float64[P, S * J] and cdf float64[S * J, S] have a row per state and joint action; that row goes to
    cell int64[B].
    """
    batch, players = actions.shape
    joint = cdf.shape[0] // cdf.shape[1]
    for b in range(batch):
        if live[b]:
            row = state[b] * joint
            for i in range(players):
                row += actions[b, i] * strides[i]
            for i in range(players):
                reward[b, i] = rewards[i, row]
            cell[b] = row
            state[b] = draw(streams[b], cdf, row)
            time[b] += 1
        else:
            for i in range(players):
                reward[b, i] = 0.0


@njit(**BARE)
def look(state: Any, time: Any, horizon: Any, size: Any, observation: Any, features: Any, rows: Any) -> None:
    """One-hot states in zeroed observation float32[B, P, d] and features float32[B, d].

    With a horizon above 0 the last of the d numbers is the share of it that is over, and rows int32[B, P] count
    states stage by stage.
    """
    batch, players = rows.shape
    for b in range(batch):
        place = state[b]
        row = place
        features[b, place] = 1.0
        if horizon > 0:
            row += min(time[b], horizon - 1) * size
            features[b, size] = time[b] / horizon
        for i in range(players):
            rows[b, i] = row
            observation[b, i, place] = 1.0
            if horizon > 0:
                observation[b, i, size] = time[b] / horizon
