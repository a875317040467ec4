"""Gather-trade-build inside numba: how an episode begins, and what chance decides in a step.

Arrays are those of `games.sims.economy_state`. Layers of tiles are 0 stone, 1 wood, 2 owner of the house + 2, 3 agent + 2,
with a margin around the map.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from games.sims.economy_gtb_kernels import assess
from games.sims.economy_year_kernels import begin_years
from games.stream_kernels import BARE, below, uniform

_STONE_SOURCE = 2


@njit(**BARE)
def begin_episodes(world: Any, constants: Any, streams: Any, where: Any) -> None:
    """Draw a new episode where bool[B]; streams uint64[B, 4]."""
    for b in range(where.shape[0]):
        if not where[b]:
            continue
        tiles, place, s = world.tiles[b], world.place[b], streams[b]
        _clear(world, constants, b)
        for row in range(tiles.shape[1]):
            for col in range(tiles.shape[2]):
                code = constants.ground[row, col]
                tiles[0, row, col], tiles[1, row, col] = code == _STONE_SOURCE, code == _STONE_SOURCE + 1
                tiles[2, row, col], tiles[3, row, col] = 0, 0
        for i in range(place.shape[0]):
            draw = _lomax(uniform(s), 4.0)
            skill = min(constants.multiplier, 1.0 + (constants.multiplier - 1.0) * draw)
            world.skill[b, i, 0], world.skill[b, i, 1] = constants.payment * skill, draw
            world.skill[b, i, 2] = min(2.0, _lomax(uniform(s), 3.0)) / 2.0 if constants.bonus else 0.0
        _shuffle(constants.flags, s)
        for rank in range(place.shape[0]):
            i = constants.flags[rank]
            start = rank
            if constants.payments.shape[0] > 0:
                world.skill[b, i, 0] = constants.payments[rank]
            else:
                start = _free_start(tiles, constants.starts, constants.margin, s)
            place[i, 0], place[i, 1] = constants.starts[start, 0], constants.starts[start, 1]
            tiles[3, place[i, 0] + constants.margin, place[i, 1] + constants.margin] = i + 2
    begin_years(world, constants, where)
    for b in range(where.shape[0]):
        if where[b]:
            assess(world, constants, b)


@njit(**BARE)
def _clear(world: Any, constants: Any, b: Any) -> None:
    """Nobody has done or owns anything, save the coin at the beginning."""
    inventory, own = world.inventory[b], world.own[b]
    for i in range(inventory.shape[0]):
        for column in range(3):
            inventory[i, column], world.escrow[b, i, column] = 0.0, 0.0
        inventory[i, 0] = constants.coin
        world.labour[b, i], world.houses[b, i] = 0.0, 0
        for resource in range(2):
            world.placed[b, i, resource] = 0
            for side in range(2):
                world.trades[b, i, resource, side, 0], world.trades[b, i, resource, side, 1] = 0.0, 0.0
                world.open[b, resource, side] = 0
                for price in range(own.shape[3]):
                    own[i, resource, side, price] = 0.0
                    world.history[b, resource, price] = 0.0


@njit(**BARE)
def _lomax(u: Any, shape: Any) -> Any:
    """A draw of the Pareto-II distribution from a uniform number."""
    return (1.0 - u) ** (-1.0 / shape) - 1.0


@njit(**BARE)
def _shuffle(order: Any, s: Any) -> None:
    """A random permutation."""
    for i in range(order.shape[0]):
        order[i] = i
    for i in range(order.shape[0] - 1, 0, -1):
        k = below(s, i + 1)
        order[i], order[k] = order[k], order[i]


@njit(**BARE)
def _free_start(tiles: Any, starts: Any, margin: Any, s: Any) -> Any:
    """One of the tiles on which nobody stands yet, all equally likely."""
    while True:
        k = below(s, starts.shape[0])
        if tiles[3, starts[k, 0] + margin, starts[k, 1] + margin] == 0:
            return k


@njit(**BARE)
def draw(chance: Any, constants: Any, streams: Any, live: Any) -> None:
    """What chance decides in one step where `live` bool[B]; streams uint64[B, 4]."""
    for b in range(live.shape[0]):
        if live[b]:
            s = streams[b]
            _shuffle(chance.order[b], s)
            for i in range(chance.bonus.shape[1]):
                chance.bonus[b, i] = uniform(s)
            for k in range(chance.growth.shape[1]):
                chance.growth[b, k] = uniform(s) < constants.regeneration
            for k in range(chance.rates.shape[1]):
                chance.rates[b, k] = uniform(s)
