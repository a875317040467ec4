"""Drawing states and observations of crowds from tables.

Tables have a leading axis of B sub-environments, or of 1 if they are the same for all. Sub-environment b draws from
``streams[b]`` only, once per agent and drawing.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from games.stream_kernels import BARE, uniform


@njit(**BARE)
def draw(s: Any, probs: Any) -> Any:
    """An index drawn from probs float64[A], never one of probability 0."""
    u, found = uniform(s), 0
    for a in range(probs.shape[0]):
        if probs[a] > 0.0:
            found = a
            u -= probs[a]
            if u < 0.0:
                break
    return found


@njit(**BARE)
def begin_crowd(at: Any, initial: Any, streams: Any, where: Any) -> None:
    """First states int32[B, N]."""
    for b in range(at.shape[0]):
        if where[b]:
            for i in range(at.shape[1]):
                at[b, i] = draw(streams[b], initial)


@njit(**BARE)
def count_crowd(at: Any, actions: Any, joint: Any) -> None:
    """Add to joint float64[B, X, U] the share of agents in each state with each action."""
    share = 1.0 / at.shape[1]
    for b in range(at.shape[0]):
        for i in range(at.shape[1]):
            joint[b, at[b, i], actions[b, i]] += 1.0
        for x in range(joint.shape[1]):
            for u in range(joint.shape[2]):
                joint[b, x, u] *= share


@njit(**BARE)
def pay_crowd(at: Any, actions: Any, table: Any, live: Any, common: Any, reward: Any) -> None:
    """Rewards float64[B, N] from table float64[B or 1, X, U]: each agent's own, or their mean; 0 unless live."""
    n = at.shape[1]
    for b in range(at.shape[0]):
        row, total = b % table.shape[0], 0.0
        for i in range(n):
            reward[b, i] = table[row, at[b, i], actions[b, i]] if live[b] else 0.0
            total += reward[b, i]
        if common:
            for i in range(n):
                reward[b, i] = total / n


@njit(**BARE)
def move_crowd(at: Any, actions: Any, table: Any, streams: Any, live: Any) -> None:
    """Next states from table float64[B or 1, X, U, X]."""
    for b in range(at.shape[0]):
        if live[b]:
            row = b % table.shape[0]
            for i in range(at.shape[1]):
                at[b, i] = draw(streams[b], table[row, at[b, i], actions[b, i]])


@njit(**BARE)
def see_crowd(at: Any, table: Any, streams: Any, where: Any, row: Any) -> None:
    """Observations int32[B, N] from table float64[B or 1, X, Y]."""
    for b in range(at.shape[0]):
        if where[b]:
            own = b % table.shape[0]
            for i in range(at.shape[1]):
                row[b, i] = draw(streams[b], table[own, at[b, i]])
