"""Scripted foragers inside numba: what each agent would do, from what it sees.

Everything seen is turned into the same form first: foods int64[F, 3] and players int64[P, 3] hold row, column and level,
foods in row-major order, the agent itself first among the players, and blocked bool[H, W] tells where nobody can walk.
These arrays and room for a search (steps int32[H, W], queue int64[H W]) are handed around as one tuple `room`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from games.stream_kernels import BARE

NEAREST, CENTRAL, GATHERING = 0, 1, 2
ANY, OWN, TEAM = 0, 1, 2
_LOAD = 5


@njit(**BARE)
def choose_lists(
    seen: Any, mask: Any, width: Any, goal: Any, reach: Any, straight: Any, room: Any, probs: Any
) -> None:
    """Action probabilities float64[B, n, 6] from observations float32[B, n, 3 F + width P]; the rest as `_choose`."""
    foods, players, blocked, _, _ = room
    for b in range(seen.shape[0]):
        for i in range(seen.shape[1]):
            _clear(blocked)
            known, at = 0, 0
            for _ in range(foods.shape[0]):
                if seen[b, i, at] >= 0:
                    for k in range(3):
                        foods[known, k] = np.int64(seen[b, i, at + k])
                    _block(blocked, foods, known)
                    known += 1
                at += 3
            others = 0
            for _ in range(players.shape[0]):
                if seen[b, i, at] >= 0:
                    for k in range(width):
                        players[others, k] = np.int64(seen[b, i, at + k])
                    _block(blocked, players, others)
                    others += 1
                at += width
            _choose(known, others, mask[b, i], goal, reach, straight, room, probs[b, i])


@njit(**BARE)
def _clear(blocked: Any) -> None:
    for y in range(blocked.shape[0]):
        for x in range(blocked.shape[1]):
            blocked[y, x] = False


@njit(**BARE)
def _block(blocked: Any, things: Any, k: Any) -> None:
    """Nobody can walk where this is; players may be seen from further away than the search goes."""
    if things[k, 0] < blocked.shape[0] and things[k, 1] < blocked.shape[1]:
        blocked[things[k, 0], things[k, 1]] = True


@njit(**BARE)
def choose_grids(seen: Any, mask: Any, goal: Any, reach: Any, straight: Any, room: Any, probs: Any) -> None:
    """Action probabilities float64[B, n, 6] from observations float32[B, n, 3, side, side]; the rest as `_choose`."""
    foods, players, blocked, _, _ = room
    side = seen.shape[3]
    for b in range(seen.shape[0]):
        for i in range(seen.shape[1]):
            centre = side // 2
            players[0, 0], players[0, 1] = centre, centre
            players[0, 2] = np.int64(seen[b, i, 0, centre, centre])
            known, others = 0, 1
            for y in range(side):
                for x in range(side):
                    blocked[y, x] = seen[b, i, 2, y, x] == 0
                    if seen[b, i, 1, y, x] > 0:
                        foods[known, 0], foods[known, 1] = y, x
                        foods[known, 2] = np.int64(seen[b, i, 1, y, x])
                        known += 1
                    elif seen[b, i, 0, y, x] > 0 and (y != centre or x != centre):
                        players[others, 0], players[others, 1] = y, x
                        players[others, 2] = np.int64(seen[b, i, 0, y, x])
                        others += 1
            _choose(known, others, mask[b, i], goal, reach, straight, room, probs[b, i])


@njit(**BARE)
def _choose(
    known: Any, others: Any, mask: Any, goal: Any, reach: Any, straight: Any, room: Any, probs: Any
) -> None:
    """Load the chosen food if it is next to us, walk towards it otherwise, and wander where there is none or no way.

    Who counts on the team and is not a `straight` walker waits beside the food until enough strength is there.
    """
    foods, players, _, _, _ = room
    for a in range(probs.shape[0]):
        probs[a] = 0.0
    chosen = _target(foods, known, players, others, goal, reach, straight)
    if chosen >= 0:
        down, right = foods[chosen, 0] - players[0, 0], foods[chosen, 1] - players[0, 1]
        if abs(down) + abs(right) == 1 and mask[_LOAD]:
            waits = (
                not straight
                and reach == TEAM
                and _strength(foods, chosen, players, others) < foods[chosen, 2]
            )
            probs[0 if waits else _LOAD] = 1.0
            return
        if straight:
            found = _walk_straight(down, right, mask, probs)
        else:
            found = _walk_around(chosen, others, mask, room, probs)
        if found:
            return
    legal = 0
    for a in range(mask.shape[0]):
        legal += mask[a]
    for a in range(mask.shape[0]):
        probs[a] = mask[a] / max(legal, 1)


@njit(**BARE)
def _strength(foods: Any, chosen: Any, players: Any, others: Any) -> Any:
    """Levels of all players that are seen beside a food, together."""
    total = 0
    for i in range(others):
        if abs(foods[chosen, 0] - players[i, 0]) + abs(foods[chosen, 1] - players[i, 1]) == 1:
            total += players[i, 2]
    return total


@njit(**BARE)
def _target(foods: Any, known: Any, players: Any, others: Any, goal: Any, reach: Any, straight: Any) -> Any:
    """Which food to go to, the first of the best; -1 if none is light enough.

    `straight` walkers measure Euclidean distances, the others steps.
    """
    strength, row, col = 0, 0.0, 0.0
    for i in range(others):
        strength += players[i, 2]
        row, col = row + players[i, 0], col + players[i, 1]
    if goal == CENTRAL:
        row, col = np.rint(row / others), np.rint(col / others)
    else:
        row, col = float(players[0, 0]), float(players[0, 1])
    chosen, least = -1, np.inf
    for j in range(known):
        if (reach == OWN and foods[j, 2] > players[0, 2]) or (reach == TEAM and foods[j, 2] > strength):
            continue
        if goal == GATHERING:
            far = 0.0
            for i in range(others):
                far += abs(foods[j, 0] - players[i, 0]) + abs(foods[j, 1] - players[i, 1])
        else:
            down, right = foods[j, 0] - row, foods[j, 1] - col
            far = down * down + right * right if straight else abs(down) + abs(right)
        if far < least:
            chosen, least = j, far
    return chosen


@njit(**BARE)
def _walk_straight(down: Any, right: Any, mask: Any, probs: Any) -> Any:
    """Along the column if that is legal, else along the row; False if neither comes closer."""
    for a in range(1, 5):
        dy, dx = (a == 2) - (a == 1), (a == 4) - (a == 3)
        if mask[a] and dy * down + dx * right > 0:
            probs[a] = 1.0
            return True
    return False


@njit(**BARE)
def _walk_around(chosen: Any, others: Any, mask: Any, room: Any, probs: Any) -> Any:
    """Share probability among the first steps of the shortest ways to a free cell beside the food; False if none.

    A step counts half, and the other half stands still, where somebody else may want to go to the same cell: two who
    always try would fail for ever.
    """
    foods, players, blocked, steps, queue = room
    height, width = blocked.shape
    for y in range(height):
        for x in range(width):
            steps[y, x] = -1
    row, col = players[0, 0], players[0, 1]
    blocked[row, col] = False
    steps[foods[chosen, 0], foods[chosen, 1]] = 0
    queue[0] = foods[chosen, 0] * width + foods[chosen, 1]
    first, end = 0, 1
    while first < end and steps[row, col] < 0:  # breadth first, from the food
        y, x = queue[first] // width, queue[first] % width
        first += 1
        for a in range(1, 5):
            v, u = y + (a == 2) - (a == 1), x + (a == 4) - (a == 3)
            if 0 <= v < height and 0 <= u < width and not blocked[v, u] and steps[v, u] < 0:
                steps[v, u] = steps[y, x] + 1
                queue[end] = v * width + u
                end += 1
    ways = 0.0
    for a in range(1, 5):
        v, u = row + (a == 2) - (a == 1), col + (a == 4) - (a == 3)
        if mask[a] and 0 <= v < height and 0 <= u < width and 0 < steps[v, u] < steps[row, col]:
            probs[a] = 0.5 if _contested(players, others, foods, chosen, v, u) else 1.0
            probs[0] += 1.0 - probs[a]
            ways += 1.0
    for a in range(5):
        probs[a] /= max(ways, 1.0)
    return ways > 0


@njit(**BARE)
def _contested(players: Any, others: Any, foods: Any, chosen: Any, row: Any, col: Any) -> Any:
    """Whether another player is one step from a cell, and not yet beside the food."""
    for i in range(1, others):
        if (
            abs(players[i, 0] - row) + abs(players[i, 1] - col) == 1
            and abs(players[i, 0] - foods[chosen, 0]) + abs(players[i, 1] - foods[chosen, 1]) > 1
        ):
            return True
    return False
