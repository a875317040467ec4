"""Aloha in batches."""

from __future__ import annotations

from typing import Any

from numba import njit

from games.stream_kernels import BARE, uniform

SILENT, SENT, COLLIDED = 0, 1, 2


@njit(**BARE)
def advance(
    streams: Any,
    actions: Any,
    live: Any,
    near: Any,
    starts: Any,
    cap: Any,
    rules: Any,
    backlog: Any,
    fate: Any,
    reward: Any,
) -> None:
    """Transmit, pay, then let messages arrive.

    near int64[2 E] lists the neighbours of agent i at starts[i]:starts[i + 1]; rules float64[3] holds the arrival
    probability and the rewards of a success and a collision; backlog and fate are int8[B, n].
    """
    batch, agents = actions.shape
    for b in range(batch):
        paid = 0.0
        if live[
            b
        ]:  # inside, arithmetic instead of branches: who transmits and what arrives cannot be predicted
            sent = collided = 0
            for i in range(agents):
                heard = 0
                for k in range(starts[i], starts[i + 1]):
                    heard |= actions[b, near[k]]
                tries = actions[b, i] & (backlog[b, i] > 0)
                lost = tries & heard
                fate[b, i] = tries + lost
                sent += tries - lost
                collided += lost
            for i in range(agents):
                left = backlog[b, i] - (fate[b, i] == SENT)
                arrives = uniform(streams[b]) < rules[0]
                backlog[b, i] = left + (arrives & (left < cap))
            paid = sent * rules[1] + collided * rules[2]
        for i in range(agents):
            reward[b, i] = paid


@njit(**BARE)
def look(backlog: Any, one_hot: Any, observation: Any, features: Any, rows: Any) -> None:
    """Own backlogs into observation float32[B, n, d] (zeroed where one-hot), features float32[B, n], rows int32[B, n]."""
    batch, agents = backlog.shape
    for b in range(batch):
        for i in range(agents):
            waiting = backlog[b, i]
            rows[b, i] = waiting
            features[b, i] = waiting
            if one_hot:
                observation[b, i, waiting] = 1.0
            else:
                observation[b, i, 0] = waiting
