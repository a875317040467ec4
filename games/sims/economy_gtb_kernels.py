"""A step of gather-trade-build inside numba: building, moving, gathering, growth, rewards; markets and taxes are elsewhere.

Arrays are those of `games.sims.economy_state`. Layers of tiles are 0 stone, 1 wood, 2 owner of the house + 2, 3 agent + 2,
with a margin around the map; nothing to be found there.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from games.sims.economy_auction_kernels import auction
from games.sims.economy_tax_kernels import (
    equality_times_productivity,
    inverse_income_weighted,
    isoelastic,
    labour_weight,
)
from games.sims.economy_year_kernels import tax_day
from games.stream_kernels import BARE

_LAND, _WATER, _BEYOND = 0, 1, 255


@njit(**BARE)
def play_day(
    world: Any,
    constants: Any,
    chance: Any,
    workers: Any,
    planner: Any,
    live: Any,
    worker_rewards: Any,
    planner_rewards: Any,
    ended: Any,
) -> Any:
    """One step of actions int32[B, n] and int32[B, 1, K] where `live` bool[B]; rewards and ends as in `pay`."""
    build(world, constants, workers, live)
    auction(world, constants, workers, live)
    move_and_gather(world, constants, chance, workers, live)
    tax_day(world, constants, planner, chance.rates, live)
    grow(world, constants, chance.growth, live)
    return pay(world, constants, live, worker_rewards, planner_rewards, ended)


@njit(**BARE)
def build(world: Any, constants: Any, actions: Any, live: Any) -> None:
    """Houses of actions int32[B, n]. In which order makes no difference, as everybody builds where it stands.

    The clock of steps goes on here.
    """
    margin = constants.margin
    for b in range(live.shape[0]):
        if not live[b]:
            continue
        world.clock[b, 0] += 1
        tiles, inventory = world.tiles[b], world.inventory[b]
        for i in range(actions.shape[1]):
            if actions[b, i] == 1:
                row, col = world.place[b, i, 0] + margin, world.place[b, i, 1] + margin
                if can_build(tiles, constants.ground, inventory[i], row, col):
                    inventory[i, 1] -= 1.0
                    inventory[i, 2] -= 1.0
                    inventory[i, 0] += world.skill[b, i, 0]
                    tiles[2, row, col] = i + 2
                    world.labour[b, i] += constants.build_labour
                    world.houses[b, i] += 1


@njit(**BARE)
def can_build(tiles: Any, ground: Any, inventory: Any, row: Any, col: Any) -> Any:
    """Whether there is what a house takes, and nothing on the tile, which is counted with the margin."""
    enough = inventory[1] >= 1.0 and inventory[2] >= 1.0
    return enough and ground[row, col] == _LAND and tiles[2, row, col] == 0


@njit(**BARE)
def can_enter(tiles: Any, ground: Any, i: Any, row: Any, col: Any) -> Any:
    """Whether agent i may go to a tile, counted with the margin: land, nobody there, no house of another."""
    code, owner = ground[row, col], tiles[2, row, col]
    return code != _WATER and code != _BEYOND and tiles[3, row, col] == 0 and (owner == 0 or owner == i + 2)


@njit(**BARE)
def move_and_gather(world: Any, constants: Any, chance: Any, actions: Any, live: Any) -> None:
    """In a random order, everybody moves if it wants to, then takes what lies where it stands."""
    first, margin = 2 + 4 * world.history.shape[2], constants.margin
    for b in range(live.shape[0]):
        if not live[b]:
            continue
        tiles, place, gathered = world.tiles[b], world.place[b], 0
        for rank in range(actions.shape[1]):
            i = chance.order[b, rank]
            row, col, way = place[i, 0] + margin, place[i, 1] + margin, actions[b, i] - first
            if way >= 0:
                down, right = (way == 3) - (way == 2), (way == 1) - (way == 0)
                beyond = row + down < 0 or col + right < 0  # without a margin
                beyond = beyond or row + down >= tiles.shape[1] or col + right >= tiles.shape[2]
                if not beyond and can_enter(tiles, constants.ground, i, row + down, col + right):
                    tiles[3, row, col] = 0
                    row, col = row + down, col + right
                    tiles[3, row, col] = i + 2
                    place[i, 0], place[i, 1] = row - margin, col - margin
                    world.labour[b, i] += constants.move_labour
            for resource in range(2):
                if tiles[resource, row, col] > 0:
                    lucky = chance.bonus[b, gathered] < world.skill[b, i, 2]
                    world.inventory[b, i, 1 + resource] += 2.0 if lucky else 1.0
                    tiles[resource, row, col] -= 1
                    world.labour[b, i] += constants.collect_labour
                    gathered += 1


@njit(**BARE)
def grow(world: Any, constants: Any, growth: Any, live: Any) -> None:
    """Sources chosen by bool[B, S] hold a unit again."""
    for b in range(live.shape[0]):
        if live[b]:
            for k in range(growth.shape[1]):
                if growth[b, k]:
                    kind, row, col = constants.sources[k]
                    world.tiles[b, kind, row + constants.margin, col + constants.margin] = 1


@njit(**BARE)
def assess(world: Any, constants: Any, b: Any) -> None:
    """The present utility of every worker, and the planner's welfare."""
    n, cost = world.labour.shape[1], constants.labour_cost
    if constants.warmup > 0.0:
        progress = world.counts[b, 0] if constants.by_episodes else world.counts[b, 1]
        cost *= labour_weight(progress, constants.warmup)
    coin, utility = constants.room, world.utility[b]
    for i in range(n):
        coin[i] = max(world.inventory[b, i, 0] + world.escrow[b, i, 0], 0.0)
        utility[i] = isoelastic(coin[i], world.labour[b, i], constants.eta, cost)
    if constants.inverse_income:
        utility[n] = inverse_income_weighted(utility[:n], coin)
    else:
        utility[n] = equality_times_productivity(coin, constants.order, constants.equality_weight)


@njit(**BARE)
def pay(world: Any, constants: Any, live: Any, workers: Any, planner: Any, ended: Any) -> Any:
    """Rewards float64[B, n] and float64[B, 1], what utility and welfare changed by; which episodes ended, and whether any."""
    n, some = workers.shape[1], False
    for b in range(live.shape[0]):
        ended[b] = False
        for i in range(n):
            workers[b, i] = 0.0
        planner[b, 0] = 0.0
        if not live[b]:
            continue
        utility, total = world.utility[b], 0.0
        for i in range(n):
            workers[b, i] = utility[i]
        planner[b, 0] = utility[n]
        assess(world, constants, b)
        for i in range(n):
            workers[b, i] = utility[i] - workers[b, i]
            total += workers[b, i]
        planner[b, 0] = utility[n] - planner[b, 0]
        if total / n > 0.0:
            world.counts[b, 1] += 1.0
        if world.clock[b, 0] >= constants.horizon:
            ended[b], some = True, True
            world.counts[b, 0] += 1.0
    return some
