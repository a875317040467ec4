"""Level-based foraging inside numba: one step, and what is seen.

players int32[B, P, 3] holds row, column, level; foods int32[B, F, 4] holds row, column, level and whether it is still
there, in row-major order of the cells; foods that found no place stand at (-1, -1) with level 0. No cell is next to
two foods, since they keep two cells apart along rows and columns and do not touch at corners.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from games.stream_kernels import BARE

_INSIDE: dict[str, Any] = {**BARE, "inline": "always"}
"""Of functions so short that handing them their arrays would cost as much as what they do."""

_N = np.uintp
"""Positions that cannot be negative spare numba a test at every write."""


@njit(**BARE)
def move_and_load(
    players: Any,
    foods: Any,
    time: Any,
    actions: Any,
    live: Any,
    cols: Any,
    penalty: Any,
    normalize: Any,
    team: Any,
    target: Any,
    reward: Any,
    ended: Any,
) -> Any:
    """One step where live bool[B]: reward float64[B, P], and which games ended bool[B]; whether any did.

    Actions int32[B, P] are legal ones. Who would arrive where another arrives or stays does not move; one may follow
    into a cell that another leaves, also where that one fails to leave. target int64[P] is scratch.
    """
    some = False
    for b in range(actions.shape[0]):
        ended[b] = False
        for i in range(actions.shape[1]):
            reward[b, i] = 0.0
        if live[b]:
            time[b] += 1
            loading = _move(players[b], actions[b], cols, target)
            if loading:
                _load(players[b], foods[b], actions[b], penalty, normalize, reward[b])
                if team:
                    _share(reward[b])
            left = 0
            for j in range(foods.shape[1]):
                left += foods[b, j, 3]
            ended[b] = left == 0
            some = some or left == 0
    return some


@njit(**_INSIDE)
def _move(players: Any, actions: Any, cols: Any, target: Any) -> Any:
    """Move everybody who is alone in wanting to be where it wants to be; whether somebody loads."""
    loading = False
    for i in range(actions.shape[0]):
        action = actions[i]
        row = players[i, 0] + (action == 2) - (action == 1)
        col = players[i, 1] + (action == 4) - (action == 3)
        target[i] = row * cols + col
        loading = loading or action == 5
    for i in range(actions.shape[0]):
        alone = True
        for k in range(actions.shape[0]):
            alone = alone and (k == i or target[k] != target[i])
        if alone:
            players[i, 0], players[i, 1] = target[i] // cols, target[i] % cols
    return loading


@njit(**BARE)
def _load(players: Any, foods: Any, actions: Any, penalty: Any, normalize: Any, reward: Any) -> None:
    """Everybody who loads lifts the food beside it together with the others there."""
    spawned = 0
    for j in range(foods.shape[0]):
        spawned += foods[j, 2]
    for j in range(foods.shape[0]):
        if foods[j, 3] == 0:
            continue
        strength = 0
        for i in range(actions.shape[0]):
            if actions[i] == 5 and _beside(players, i, foods, j):
                strength += players[i, 2]
        if strength == 0:
            continue
        enough = strength >= foods[j, 2]
        for i in range(actions.shape[0]):
            if actions[i] == 5 and _beside(players, i, foods, j):
                if not enough:
                    reward[i] -= penalty
                elif normalize:
                    reward[i] = float(players[i, 2] * foods[j, 2]) / float(strength * spawned)
                else:
                    reward[i] = float(players[i, 2] * foods[j, 2])
        if enough:
            foods[j, 3] = 0


@njit(**BARE)
def _beside(players: Any, i: Any, foods: Any, j: Any) -> Any:
    return abs(players[i, 0] - foods[j, 0]) + abs(players[i, 1] - foods[j, 1]) == 1


@njit(**BARE)
def _share(reward: Any) -> None:
    total = 0.0
    for i in range(reward.shape[0]):
        total += reward[i]
    for i in range(reward.shape[0]):
        reward[i] = total


@njit(**BARE)
def look(
    players: Any,
    foods: Any,
    time: Any,
    rows: Any,
    cols: Any,
    sight: Any,
    grid: Any,
    levels: Any,
    horizon: Any,
    seen: Any,
    mask: Any,
    state: Any,
) -> None:
    """All that is seen: observations float32[B, P, d], masks bool[B, P, 6], the global state float32[B, 3 P + 4 F + 1]."""
    for b in range(seen.shape[0]):
        for i in range(seen.shape[1]):
            _legal(players[b], foods[b], i, rows, cols, mask[b, i])
            if grid:
                _see_grid(players[b], foods[b], i, rows, cols, sight, levels, seen[b, i])
            else:
                _see_list(players[b], foods[b], i, sight, levels, seen[b, i])
        _see_all(players[b], foods[b], (horizon - time[b]) / horizon, state[b])


@njit(**_INSIDE)
def _legal(players: Any, foods: Any, i: Any, rows: Any, cols: Any, mask: Any) -> None:
    """Onto the field and not onto food; loading beside food."""
    row, col = players[i, 0], players[i, 1]
    north, south, west, east, load = row > 0, row < rows - 1, col > 0, col < cols - 1, False
    for j in range(foods.shape[0]):
        down, right = foods[j, 0] - row, foods[j, 1] - col
        if foods[j, 3] and abs(down) + abs(right) == 1:
            load = True
            north, south = north and down != -1, south and down != 1
            west, east = west and right != -1, east and right != 1
    mask[0], mask[1], mask[2], mask[3], mask[4], mask[5] = True, north, south, west, east, load


@njit(**_INSIDE)
def _see_list(players: Any, foods: Any, i: Any, sight: Any, levels: Any, seen: Any) -> None:
    """Foods in row-major order, oneself, the others; float32[3 F + 3 P], or 2 P without levels.

    Rows and columns count from the corner of what is in sight. Foods are seen up to `sight` cells away, players up to
    2 `sight` cells from that corner, which is further near the upper and left border. The rest is (-1, -1, 0).
    """
    row, col = players[i, 0], players[i, 1]
    top, left = max(row - sight, 0), max(col - sight, 0)
    width = _N(3) if levels else _N(2)
    at = _N(0)
    for j in range(foods.shape[0]):
        if foods[j, 3] and abs(foods[j, 0] - row) <= sight and abs(foods[j, 1] - col) <= sight:
            _write(seen, at, foods[j, 0] - top, foods[j, 1] - left, foods[j, 2], True)
            at += _N(3)
    while at < _N(3 * foods.shape[0]):
        _write(seen, at, -1, -1, 0, True)
        at += _N(3)
    _write(seen, at, row - top, col - left, players[i, 2], levels)
    at += width
    for k in range(players.shape[0]):
        down, right = players[k, 0] - top, players[k, 1] - left
        if k != i and down >= 0 and right >= 0 and down <= 2 * sight and right <= 2 * sight:
            _write(seen, at, down, right, players[k, 2], levels)
            at += width
    while at < _N(seen.shape[0]):
        _write(seen, at, -1, -1, 0, levels)
        at += width


@njit(**_INSIDE)
def _write(seen: Any, at: Any, row: Any, col: Any, level: Any, levels: Any) -> None:
    seen[at], seen[at + _N(1)] = row, col
    if levels:
        seen[at + _N(2)] = level


@njit(**BARE)
def _see_grid(
    players: Any, foods: Any, i: Any, rows: Any, cols: Any, sight: Any, levels: Any, seen: Any
) -> None:
    """Three layers of the cells around oneself: players, foods, free (1) or not (0); float32[3 (2 S + 1)^2]."""
    side = 2 * sight + 1
    layer = side * side
    top, left = players[i, 0] - sight, players[i, 1] - sight
    for y in range(side):
        for x in range(side):
            inside = 0 <= top + y < rows and 0 <= left + x < cols
            cell = y * side + x
            seen[cell], seen[layer + cell], seen[2 * layer + cell] = 0.0, 0.0, 1.0 if inside else 0.0
    for k in range(players.shape[0]):
        y, x = players[k, 0] - top, players[k, 1] - left
        if 0 <= y < side and 0 <= x < side:
            cell = y * side + x
            seen[cell], seen[2 * layer + cell] = players[k, 2] if levels else 1, 0.0
    for j in range(foods.shape[0]):
        y, x = foods[j, 0] - top, foods[j, 1] - left
        if foods[j, 3] and 0 <= y < side and 0 <= x < side:
            cell = y * side + x
            seen[layer + cell], seen[2 * layer + cell] = foods[j, 2], 0.0


@njit(**_INSIDE)
def _see_all(players: Any, foods: Any, left: Any, state: Any) -> None:
    """Players, foods, and the share of the horizon that is left."""
    at = _N(0)
    for i in range(players.shape[0]):
        for k in range(3):
            state[at] = players[i, k]
            at += _N(1)
    for j in range(foods.shape[0]):
        for k in range(4):
            state[at] = foods[j, k]
            at += _N(1)
    state[at] = left
