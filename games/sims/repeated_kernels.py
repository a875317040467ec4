"""One round of a repeated game, in batches.

`played` int32[B, memory, P] holds the last joint actions, most recent first, -1 where nothing has been played yet.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from games.stream_kernels import BARE, uniform


@njit(**BARE)
def tremble(stream: Any, noise: Any, count: Any, action: Any) -> Any:
    """The action that is really played: with probability `noise` one of the `count` - 1 others. One draw."""
    u = uniform(stream)
    if u < noise and count > 1:
        other = min(np.int64(u / noise * (count - 1)), count - 2)
        return other + (other >= action)
    return np.int64(action)


@njit(**BARE)
def _row_after(played: Any, strides: Any, starts: Any) -> Any:
    """The first player's row after a history int32[memory, P] of at least one round; memory is at least 2."""
    memory, players = played.shape
    length = 1
    while length < memory and played[length, 0] >= 0:
        length += 1
    code, cells = 0, starts[2] - starts[1]
    for m in range(length):
        digit = 0
        for i in range(players):
            digit += played[m, i] * strides[i]
        code = code * cells + digit
    return starts[length] + code


@njit(**BARE)
def play_round(
    actions: Any,
    streams: Any,
    live: Any,
    payoffs: Any,
    strides: Any,
    counts: Any,
    rounds: Any,
    chances: Any,
    starts: Any,
    played: Any,
    row: Any,
    time: Any,
    totals: Any,
    reward: Any,
    ended: Any,
) -> None:
    """Play one round where live bool[B].

    Draws from row b of streams uint64[B, 4], in this order: one number per player if there is noise, one if the game
    may end after a round.

    Parameters
    ----------
    actions : int32[B, P]
        What the players intend.
    payoffs, strides, counts : float64[P, cells], int64[P], int64[P]
        Flat payoffs, the stride of each player's action in cells, numbers of actions.
    rounds : int
        The game has ended after this many; 0 if its length is random.
    chances : float64[2]
        Noise, and the probability of another round (1 where the length is fixed).
    starts : int64[memory + 1]
        The row at which histories of each length begin; empty where rows are not listed.
    played, row, time, totals : int32[B, memory, P], int64[B], int32[B], float64[B, P]
        Changed in place; `row` is the first player's.
    reward, ended : float64[B, P], bool[B]
        Filled.
    """
    batch, memory, players = played.shape
    noise, continuation = chances[0], chances[1]
    for b in range(batch):
        ended[b] = False
        if not live[b]:
            for i in range(players):
                reward[b, i] = 0.0
            continue
        for m in range(memory - 1, 0, -1):
            for i in range(players):
                played[b, m, i] = played[b, m - 1, i]
        cell = 0
        for i in range(players):
            action = np.int64(actions[b, i])
            if noise > 0.0:
                action = tremble(streams[b], noise, counts[i], action)
            played[b, 0, i] = action
            cell += action * strides[i]
        if memory == 1:
            row[b] = 1 + cell
        elif starts.shape[0] > 0:
            row[b] = _row_after(played[b], strides, starts)
        for i in range(players):
            reward[b, i] = payoffs[i, cell]
            totals[b, i] += payoffs[i, cell]
        time[b] += 1
        if rounds > 0:
            ended[b] = time[b] >= rounds
        else:
            ended[b] = uniform(streams[b]) >= continuation


@njit(**BARE)
def play_quiet_pair(
    actions: Any,
    live: Any,
    payoffs: Any,
    strides: Any,
    rounds: Any,
    played: Any,
    row: Any,
    time: Any,
    totals: Any,
    reward: Any,
    ended: Any,
) -> None:
    """`play_round` of two players with memory 1 and a fixed number of rounds, without noise: the most common case."""
    for b in range(len(live)):
        if not live[b]:
            ended[b] = False
            reward[b, 0] = reward[b, 1] = 0.0
            continue
        left, right = actions[b, 0], actions[b, 1]
        cell = left * strides[0] + right
        played[b, 0, 0], played[b, 0, 1] = left, right
        row[b] = 1 + cell
        reward[b, 0], reward[b, 1] = payoffs[0, cell], payoffs[1, cell]
        totals[b, 0] += reward[b, 0]
        totals[b, 1] += reward[b, 1]
        time[b] += 1
        ended[b] = time[b] >= rounds


@njit(**BARE)
def look_back(played: Any, counts: Any, starts: Any, observation: Any, row: Any, state: Any) -> None:
    """What every player sees.

    Parameters
    ----------
    played, counts : int32[B, memory, P], int64[P]
        The last joint actions, numbers of actions.
    starts : int64[memory + 1]
        The row at which histories of each length begin; empty where rows are not listed.
    observation, row, state : float32[B, P, d], int32[B, P], float32[B, d + 1]
        Filled, but for the last column of the state, which is 0.
    """
    batch, memory, players = played.shape
    depth = observation.shape[2]
    width = depth // (memory * players)
    listed = starts.shape[0] > 0
    cells = 1
    if listed:
        for j in range(players):
            cells *= counts[j]
    for b in range(batch):
        for i in range(players):
            for k in range(depth):
                observation[b, i, k] = 0.0
            code, length = np.int64(0), 0
            for m in range(memory):
                own = played[b, m, i]
                if own < 0:
                    break
                place = m * players * width
                observation[b, i, place + own] = 1.0
                cell = np.int64(own)
                for j in range(players):
                    if j != i:
                        place += width
                        observation[b, i, place + played[b, m, j]] = 1.0
                        cell = np.int64(cell * counts[j] + played[b, m, j])
                if listed:
                    code = code * cells + cell
                length += 1
            if listed:
                row[b, i] = starts[length] + code
        for k in range(depth):
            state[b, k] = observation[b, 0, k]
        state[b, depth] = 0.0
