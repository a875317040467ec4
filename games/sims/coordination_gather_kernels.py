"""Gather in batches."""

from __future__ import annotations

from typing import Any

from numba import njit

from games.stream_kernels import BARE, below

GOALS = 3
ROW = 1


@njit(**BARE)
def goal_at(x: Any, y: Any) -> Any:
    """Which goal a cell is, -1 if none: they stand in row 1, columns 0, 2 and 4."""
    if y != ROW or x > 4 or x % 2 == 1:
        return -1
    return x // 2


@njit(**BARE)
def nearest(x: Any) -> Any:
    """The goal nearest to a column; ties go to the right."""
    if abs(x) < abs(x - 2):
        return 0
    return 2 if abs(x - 4) <= abs(x - 2) else 1


@njit(**BARE)
def begin(
    streams: Any, where: Any, width: Any, height: Any, place: Any, best: Any, knows: Any, time: Any
) -> None:
    """Draw places int8[B, n, 2] (row, column), the best goal int8[B], and who knows it int8[B, n]."""
    agents = knows.shape[1]
    for b in range(where.shape[0]):
        if where[b]:
            first = second = third = 0
            for i in range(agents):
                x = below(streams[b], width)
                place[b, i, 0] = below(streams[b], height)
                place[b, i, 1] = x
                own = nearest(x)
                first += own == 0
                second += own == 1
                third += own == 2
            if first >= second and first >= third:
                best[b] = 0
            elif second >= third:
                best[b] = 1
            else:
                best[b] = 2
            for i in range(agents):
                knows[b, i] = nearest(place[b, i, 1]) == best[b]
            time[b] = 0


@njit(**BARE)
def advance(
    actions: Any,
    live: Any,
    size: Any,
    pay: Any,
    place: Any,
    best: Any,
    time: Any,
    ended: Any,
    reward: Any,
) -> None:
    """Move, and pay when all have gathered or time is over.

    size int64[3] holds width, height and steps; pay float64[3] the rewards for all at the best goal, all at others, and
    some at either.
    """
    batch, agents = actions.shape
    for b in range(batch):
        paid = 0.0
        ended[b] = False
        if live[b]:
            at_best = at_other = 0
            for i in range(agents):
                a, y, x = actions[b, i], place[b, i, 0], place[b, i, 1]
                if a == 0:
                    y = min(y + 1, size[1] - 1)
                elif a == 1:
                    x = min(x + 1, size[0] - 1)
                elif a == 2:
                    y = max(y - 1, 0)
                elif a == 3:
                    x = max(x - 1, 0)
                place[b, i, 0] = y
                place[b, i, 1] = x
                goal = goal_at(x, y)
                if goal == best[b]:
                    at_best += 1
                elif goal >= 0:
                    at_other += 1
            time[b] += 1
            if at_best == agents:
                ended[b] = True
                paid = pay[0]
            elif time[b] >= size[2]:
                ended[b] = True
                if at_best + at_other == agents:
                    paid = pay[1] if at_best == 0 else pay[2]
        for i in range(agents):
            reward[b, i] = paid


@njit(**BARE)
def look(place: Any, best: Any, knows: Any, width: Any, observation: Any, features: Any, rows: Any) -> None:
    """Own place and, if known, the best goal: observation float32[B, n, 4], all of them the first 4 n features."""
    batch, agents = knows.shape
    for b in range(batch):
        for i in range(agents):
            y, x = place[b, i, 0], place[b, i, 1]
            observation[b, i, 0] = y
            observation[b, i, 1] = x
            observation[b, i, 2] = ROW if knows[b, i] else -1
            observation[b, i, 3] = 2 * best[b] if knows[b, i] else -1
            for k in range(4):
                features[b, 4 * i + k] = observation[b, i, k]
            rows[b, i] = (y * width + x) * (GOALS + 1) + (1 + best[b] if knows[b, i] else 0)
