"""What is seen of gather-trade-build inside numba; `games.sims.economy_look` says at which place stands what."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from games.sims.economy_gtb_kernels import can_build, can_enter
from games.sims.economy_state import PLANNER
from games.sims.economy_tax_kernels import marginal_rate
from games.stream_kernels import BARE

_SCALE = 0.01
"""Of goods and of the history of prices."""
_f = np.float32
_N = np.uintp
"""Positions that cannot be negative spare numba a test at every read and write."""


@njit(**BARE)
def look_everywhere(
    world: Any,
    constants: Any,
    start: Any,
    seen: Any,
    above: Any,
    worker_mask: Any,
    planner_mask: Any,
    state: Any,
) -> None:
    """All that is seen and allowed; ``flat`` of workers begins at `start`."""
    look_around(world, constants, seen)
    look_at_all(world, constants, above)
    look_at_oneself(world, constants, above, start, seen)
    mask_workers(world, constants, worker_mask)
    mask_planner(world, constants, planner_mask)
    features(world, constants, above, state)


@njit(**BARE)
def look_around(world: Any, constants: Any, seen: Any) -> None:
    """The map around every worker, into the first 9 w^2 numbers of float32[B, n, d].

    Layers, w by w each: stone, wood, house, water, source of stone, source of wood, on the map; owner of the house, worker
    (0 nobody, 1 oneself, k + 2 worker k).
    """
    ground, w = constants.ground, _N(2 * constants.margin + 1)
    layer = w * w
    for b in range(seen.shape[0]):
        tiles = world.tiles[b]
        for i in range(seen.shape[1]):
            top, left = _N(world.place[b, i, 0]), _N(world.place[b, i, 1])
            out, me = seen[b, i], i + 2
            for y in range(w):
                row, line = top + _N(y), _N(y) * w
                for x in range(w):
                    code, at = ground[row, left + _N(x)], line + _N(x)
                    out[at + _N(3) * layer] = _f(code == 1)
                    out[at + _N(4) * layer] = _f(code == 2)
                    out[at + _N(5) * layer] = _f(code == 3)
                    out[at + _N(6) * layer] = _f(code != 255)
                for x in range(w):
                    at = line + _N(x)
                    out[at] = _f(tiles[_N(0), row, left + _N(x)])
                    out[at + layer] = _f(tiles[_N(1), row, left + _N(x)])
                for x in range(w):
                    owner, agent = tiles[_N(2), row, left + _N(x)], tiles[_N(3), row, left + _N(x)]
                    at = line + _N(x)
                    out[at + _N(2) * layer] = _f(owner > 0)
                    out[at + _N(7) * layer] = _f(1 if owner == me else owner)
                    out[at + _N(8) * layer] = _f(1 if agent == me else agent)


@njit(**BARE)
def market_rate(history: Any) -> Any:
    """Mean price of past trades, float64[P] decayed counts."""
    total, value = 0.0, 0.0
    for price in range(history.shape[0]):
        total += history[price]
        value += price * history[price]
    return value / max(0.001, total)


@njit(**BARE)
def look_at_all(world: Any, constants: Any, planner: Any) -> None:
    """What the planner sees of everybody, float32[B, 1, d]."""
    n, prices = world.labour.shape[1], world.history.shape[2]
    brackets = world.rates.shape[1]
    for b in range(planner.shape[0]):
        out, at = planner[b, 0], 0
        for k in range(4 * prices):  # asks of stone and of wood, then bids
            side, resource, price = 1 - k // (2 * prices), k // prices % 2, k % prices
            count = _f(0.0)
            for i in range(n):
                count += world.own[b, i, resource, side, price]
            out[at + k] = count
        at += 4 * prices
        for resource in range(2):
            out[at + resource] = market_rate(world.history[b, resource])
        at += 2
        for resource in range(2):
            for price in range(prices):
                out[at] = _SCALE * world.history[b, resource, price]
                at += 1
        for k in range(brackets):
            out[at + k] = world.rates[b, k]
        at += brackets
        day = world.clock[b, 1]
        out[at], out[at + 1] = _f(day == 1), _f(day >= constants.period)
        at += 2
        _sorted_incomes(world.last[b], constants.order)
        for i in range(n):
            out[at + i] = constants.order[i] / constants.period
        at += n
        out[at], out[at + 1] = day / constants.period, world.clock[b, 0] / constants.horizon
        out[at + 2], out[at + 3], out[at + 4] = _f(0.0), _f(0.0), _f(0.0)
        at += 5
        for i in range(n):
            coin = world.inventory[b, i, 0] + world.escrow[b, i, 0]
            out[at] = marginal_rate(coin - world.base[b, i], world.rates[b], constants.cutoffs)
            out[at + 1] = world.last[b, i, 0] / constants.period
            out[at + 2] = world.last[b, i, 1]
            for column in range(3):
                out[at + 3 + column] = _SCALE * world.inventory[b, i, column]
            at += 6
        out[at] = world.clock[b, 0] / constants.horizon


@njit(**BARE)
def _sorted_incomes(last: Any, order: Any) -> None:
    for i in range(last.shape[0]):
        value, j = last[i, 0], i
        while j > 0 and order[j - 1] > value:
            order[j] = order[j - 1]
            j -= 1
        order[j] = value


@njit(**BARE)
def look_at_oneself(world: Any, constants: Any, planner: Any, start: Any, seen: Any) -> None:
    """The rest of what workers see, float32[B, n, d] from `start`; the planner's view, float32[B, 1, .], is there already."""
    n, prices = world.labour.shape[1], world.history.shape[2]
    brackets, size = world.rates.shape[1], constants.ground
    rows, cols = size.shape[0] - 2 * constants.margin, size.shape[1] - 2 * constants.margin
    for b in range(seen.shape[0]):
        shared = planner[b, 0]
        for i in range(n):
            out, at = seen[b, i], start
            out[at], out[at + 1] = world.skill[b, i, 0] / constants.payment, world.skill[b, i, 1]
            at += 2
            for side in range(1, -1, -1):
                for resource in range(2):
                    own = world.own[b, i, resource, side]
                    before = ((1 - side) * 2 + resource) * prices
                    for price in range(prices):
                        out[at + before + price] = shared[before + price] - own[price]
                        out[at + 4 * prices + 2 + before + price] = own[price]
            at += 4 * prices
            out[at], out[at + 1] = shared[4 * prices], shared[4 * prices + 1]
            at += 2 + 4 * prices
            for k in range(2 * prices):
                out[at + k] = shared[4 * prices + 2 + k]
            at += 2 * prices
            out[at] = world.skill[b, i, 2]
            at += 1
            for k in range(brackets + 2 + n):  # rates, first day, tax day, incomes of the last year
                out[at + k] = shared[6 * prices + 2 + k]
            at += brackets + 2 + n
            after = 6 * prices + 4 + brackets + n
            out[at] = shared[after + 5 + 6 * i]
            out[at + 1], out[at + 2] = shared[after], shared[after + 1]
            for column in range(3):
                out[at + 3 + column] = shared[after + 5 + 6 * i + 3 + column]
            out[at + 6] = world.place[b, i, 1] / cols
            out[at + 7] = world.place[b, i, 0] / rows
            out[at + 8] = shared[after + 1]


@njit(**BARE)
def mask_workers(world: Any, constants: Any, mask: Any) -> None:
    """What workers may do, bool[B, n, 6 + 4 P]."""
    prices, margin = world.history.shape[2], constants.margin
    ground = constants.ground
    for b in range(mask.shape[0]):
        tiles = world.tiles[b]
        for i in range(mask.shape[1]):
            out, coin = mask[b, i], world.inventory[b, i, 0]
            row, col = world.place[b, i, 0] + margin, world.place[b, i, 1] + margin
            out[0] = True
            out[1] = can_build(tiles, ground, world.inventory[b, i], row, col)
            at = 2
            for resource in range(2):
                free = world.placed[b, i, resource] < constants.max_orders
                some = free and world.inventory[b, i, 1 + resource] >= 1.0
                for price in range(prices):
                    out[at + price] = free and price <= coin
                    out[at + prices + price] = some
                at += 2 * prices
            out[at] = col > 0 and can_enter(tiles, ground, i, row, col - 1)
            out[at + 1] = col + 1 < tiles.shape[2] and can_enter(tiles, ground, i, row, col + 1)
            out[at + 2] = row > 0 and can_enter(tiles, ground, i, row - 1, col)
            out[at + 3] = row + 1 < tiles.shape[1] and can_enter(tiles, ground, i, row + 1, col)


@njit(**BARE)
def mask_planner(world: Any, constants: Any, mask: Any) -> None:
    """What the planner may do, bool[B, 1, K (1 + L)]: keep a rate; on the first day of a year, any up to the cap."""
    levels = constants.levels.shape[0]
    for b in range(mask.shape[0]):
        chooses, out = constants.system == PLANNER and world.clock[b, 1] == 1, mask[b, 0]
        for k in range(world.rates.shape[1]):
            at = k * (1 + levels)
            out[at] = True
            for level in range(levels):
                out[at + 1 + level] = chooses and constants.levels[level] <= world.cap[b]


@njit(**BARE)
def features(world: Any, constants: Any, planner: Any, state: Any) -> None:
    """The global state, float32[B, s]: the planner's view, float32[B, 1, .], units on the map, then 9 numbers per worker."""
    n, depth, margin = world.labour.shape[1], planner.shape[2], constants.margin
    rows = constants.ground.shape[0] - 2 * margin
    cols = constants.ground.shape[1] - 2 * margin
    for b in range(state.shape[0]):
        out = state[b]
        for k in range(depth):
            out[k] = planner[b, 0, k]
        stone, wood = 0, 0
        for k in range(constants.sources.shape[0]):
            kind = constants.sources[k, 0]
            there = world.tiles[b, kind, constants.sources[k, 1] + margin, constants.sources[k, 2] + margin]
            stone += there * (kind == 0)
            wood += there * (kind == 1)
        out[depth], out[depth + 1] = _SCALE * stone, _SCALE * wood
        at = depth + 2
        for i in range(n):
            for column in range(3):
                out[at + column] = _SCALE * world.escrow[b, i, column]
            out[at + 3] = world.labour[b, i] / constants.horizon
            out[at + 4] = world.skill[b, i, 0] / constants.payment
            out[at + 5] = world.skill[b, i, 2]
            out[at + 6] = _SCALE * world.houses[b, i]
            out[at + 7] = world.place[b, i, 0] / rows
            out[at + 8] = world.place[b, i, 1] / cols
            at += 9
