"""Level-based foraging inside numba: where players and foods are at the beginning of an episode.

The arrays are those of `games.sims.foraging_kernels`.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from games.stream_kernels import BARE, below

ATTEMPTS = 1000
"""How often a cell is drawn for all foods of an episode together, before the rest are left out."""


@njit(**BARE)
def spawn(
    players: Any,
    foods: Any,
    streams: Any,
    where: Any,
    rows: Any,
    cols: Any,
    player_levels: Any,
    food_levels: Any,
    coop: Any,
    lowest: Any,
) -> None:
    """Draw players and foods anew where bool[B]; streams uint64[B, 4].

    player_levels int64[2, P] and food_levels int64[2, F] hold lowest and highest levels, which are dealt at random; a
    highest food level of 0 means the sum of the `lowest` lowest levels of players.
    """
    for b in range(where.shape[0]):
        if where[b]:
            _spawn_players(players[b], streams[b], rows, cols, player_levels)
            _spawn_foods(foods[b], players[b], streams[b], rows, cols, food_levels, coop, lowest)


@njit(**BARE)
def _deal(order: Any, column: Any, s: Any, bounds: Any) -> None:
    """Write a random permutation into a column, or the identity where it makes no difference."""
    count, alike = order.shape[0], True
    for i in range(count):
        order[i, column] = i
        alike = alike and bounds[0, i] == bounds[0, 0] and bounds[1, i] == bounds[1, 0]
    if alike:
        return
    for i in range(count - 1, 0, -1):
        k = below(s, i + 1)
        order[i, column], order[k, column] = order[k, column], order[i, column]


@njit(**BARE)
def _between(s: Any, low: Any, high: Any) -> Any:
    return low if low == high else low + below(s, high - low + 1)


@njit(**BARE)
def _spawn_players(players: Any, s: Any, rows: Any, cols: Any, levels: Any) -> None:
    """Everybody on a cell of their own, uniformly."""
    _deal(players, 2, s, levels)
    for i in range(players.shape[0]):
        taken = True
        while taken:
            cell = below(s, rows * cols)
            row, col, taken = cell // cols, cell % cols, False
            for k in range(i):
                taken = taken or (players[k, 0] == row and players[k, 1] == col)
        dealt = players[i, 2]
        players[i, 0], players[i, 1] = row, col
        players[i, 2] = _between(s, levels[0, dealt], levels[1, dealt])


@njit(**BARE)
def _spawn_foods(
    foods: Any, players: Any, s: Any, rows: Any, cols: Any, levels: Any, coop: Any, lowest: Any
) -> None:
    """Foods one after another on cells drawn uniformly off the border, kept where they may stand."""
    _deal(foods, 2, s, levels)
    total, placed, since = _lowest_levels(players, lowest), 0, 0
    for _ in range(ATTEMPTS):
        if placed == foods.shape[0]:
            break
        cell = below(s, (rows - 2) * (cols - 2))
        row, col = 1 + cell // (cols - 2), 1 + cell % (cols - 2)
        if not _may_stand(foods, placed, players, row, col):
            since += 1
            if since == 200 and not _any_place(foods, placed, players, rows, cols):
                break  # all further draws would fail as well
            continue
        since = 0
        dealt = foods[placed, 2]
        high = levels[1, dealt] if levels[1, dealt] > 0 else total
        _insert(foods, placed, row, col, _between(s, high if coop else levels[0, dealt], high))
        placed += 1
    for j in range(placed, foods.shape[0]):
        foods[j, 0], foods[j, 1], foods[j, 2], foods[j, 3] = -1, -1, 0, 0


@njit(**BARE)
def _lowest_levels(players: Any, lowest: Any) -> Any:
    """Sum of the `lowest` lowest levels, or of all where there are not so many."""
    total, taken, floor = 0, 0, 0
    while taken < lowest and taken < players.shape[0]:
        least, ties = 2**31, 0
        for i in range(players.shape[0]):
            level = players[i, 2]
            if floor < level < least:
                least, ties = level, 1
            elif level == least:
                ties += 1
        ties = min(ties, lowest - taken)
        total, taken, floor = total + ties * least, taken + ties, least
    return total


@njit(**BARE)
def _may_stand(foods: Any, placed: Any, players: Any, row: Any, col: Any) -> Any:
    """Whether no food is within one cell (corners too) or two cells along row or column, and no player is there."""
    for j in range(placed):
        down, right = abs(foods[j, 0] - row), abs(foods[j, 1] - col)
        if (down <= 1 and right <= 1) or (down == 0 and right <= 2) or (right == 0 and down <= 2):
            return False
    free = True
    for i in range(players.shape[0]):
        free = free and (players[i, 0] != row or players[i, 1] != col)
    return free


@njit(**BARE)
def _any_place(foods: Any, placed: Any, players: Any, rows: Any, cols: Any) -> Any:
    for row in range(1, rows - 1):
        for col in range(1, cols - 1):
            if _may_stand(foods, placed, players, row, col):
                return True
    return False


@njit(**BARE)
def _insert(foods: Any, placed: Any, row: Any, col: Any, level: Any) -> None:
    """Put a food in its place among the first `placed`, which are in row-major order."""
    j = placed
    while j > 0 and (foods[j - 1, 0] > row or (foods[j - 1, 0] == row and foods[j - 1, 1] > col)):
        for k in range(4):
            foods[j, k] = foods[j - 1, k]
        j -= 1
    foods[j, 0], foods[j, 1], foods[j, 2], foods[j, 3] = row, col, level, 1
