"""The market of gather-trade-build inside numba: a continuous double auction for stone and for wood.

Orders of one resource and side are int64[., 3], price, agent, step of the order, the best first: bids from the highest price,
asks from the lowest, older ones before younger ones of the same price. As all grow older alike, that order stays as it is, and a
new one goes behind those of its price. Side 0 buys, side 1 sells.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from games.stream_kernels import BARE

_PRICE, _AGENT, _BORN = 0, 1, 2


@njit(**BARE)
def auction(world: Any, constants: Any, actions: Any, live: Any) -> None:
    """A market day where `live` bool[B]: orders of actions int32[B, n] are placed, then matched, then grow old."""
    prices = world.history.shape[2]
    for b in range(live.shape[0]):
        if not live[b]:
            continue
        step = world.clock[b, 0]
        history, orders, count = world.history[b], world.orders[b], world.open[b]
        own, placed = world.own[b], world.placed[b]
        inventory, escrow, trades = world.inventory[b], world.escrow[b], world.trades[b]
        for resource in range(2):
            for price in range(prices):
                history[resource, price] *= constants.price_decay
        for i in range(actions.shape[1]):
            choice = actions[b, i] - 2
            if 0 <= choice < 4 * prices:
                resource, side, price = choice // (2 * prices), choice // prices % 2, choice % prices
                if placed[i, resource] < constants.max_orders and _back(
                    inventory[i], escrow[i], resource, side, price
                ):
                    _insert(orders[resource, side], count[resource, side], side, price, i, step)
                    count[resource, side] += 1
                    own[i, resource, side, price] += 1.0
                    placed[i, resource] += 1
                    world.labour[b, i] += constants.order_labour
        for resource in range(2):
            if count[resource, 0] > 0 and count[resource, 1] > 0:
                _match(
                    resource, orders, count, own, placed, inventory, escrow, history, trades, constants.flags
                )
            oldest = step - constants.order_duration
            for side in range(2):
                _expire(resource, side, oldest, orders, count, own, placed, inventory, escrow)


@njit(**BARE)
def _back(inventory: Any, escrow: Any, resource: Any, side: Any, price: Any) -> Any:
    """Put what backs an order into escrow: the price of a bid, the unit of an ask; whether there was enough."""
    column, amount = (0, float(price)) if side == 0 else (1 + resource, 1.0)
    if inventory[column] < amount:
        return False
    inventory[column] -= amount
    escrow[column] += amount
    return True


@njit(**BARE)
def _insert(orders: Any, count: Any, side: Any, price: Any, agent: Any, step: Any) -> None:
    """Put a new order behind all that are at least as good."""
    j = count
    while j > 0 and (orders[j - 1, _PRICE] < price if side == 0 else orders[j - 1, _PRICE] > price):
        for column in range(3):
            orders[j, column] = orders[j - 1, column]
        j -= 1
    orders[j, _PRICE], orders[j, _AGENT], orders[j, _BORN] = price, agent, step


@njit(**BARE)
def _remove(orders: Any, count: Any, which: Any) -> None:
    for j in range(which, count - 1):
        for column in range(3):
            orders[j, column] = orders[j + 1, column]


@njit(**BARE)
def _match(
    resource: Any,
    orders: Any,
    count: Any,
    own: Any,
    placed: Any,
    inventory: Any,
    escrow: Any,
    history: Any,
    trades: Any,
    finished: Any,
) -> None:
    """Trade while the best bid of a buyer who is not finished meets an ask of somebody else.

    A buyer whose best bid meets none is finished with this resource for the day, with all bids. The price is that of the
    older order, the ask's if they are of the same day.
    """
    bids, asks = orders[resource, 0], orders[resource, 1]
    if bids[0, _PRICE] < asks[0, _PRICE]:
        return  # no bid meets any ask
    for i in range(finished.shape[0]):
        finished[i] = 0
    while True:
        bid = 0
        while bid < count[resource, 0] and finished[bids[bid, _AGENT]]:
            bid += 1
        if bid == count[resource, 0]:
            return
        buyer, ask = bids[bid, _AGENT], 0
        while ask < count[resource, 1] and asks[ask, _AGENT] == buyer:
            ask += 1
        if ask == count[resource, 1] or asks[ask, _PRICE] > bids[bid, _PRICE]:
            finished[buyer] = 1
            continue
        seller, offered, asked = asks[ask, _AGENT], bids[bid, _PRICE], asks[ask, _PRICE]
        price = asked if bids[bid, _BORN] >= asks[ask, _BORN] else offered
        _remove(bids, count[resource, 0], bid)
        _remove(asks, count[resource, 1], ask)
        count[resource, 0] -= 1
        count[resource, 1] -= 1
        own[buyer, resource, 0, offered] -= 1.0
        own[seller, resource, 1, asked] -= 1.0
        placed[buyer, resource] -= 1
        placed[seller, resource] -= 1
        history[resource, price] += 1.0
        escrow[seller, 1 + resource] -= 1.0
        inventory[buyer, 1 + resource] += 1.0
        escrow[buyer, 0] -= offered
        inventory[buyer, 0] += offered - price
        inventory[seller, 0] += price
        trades[buyer, resource, 0, 0] += 1.0
        trades[buyer, resource, 0, 1] += price
        trades[seller, resource, 1, 0] += 1.0
        trades[seller, resource, 1, 1] += price


@njit(**BARE)
def _expire(
    resource: Any,
    side: Any,
    oldest: Any,
    orders: Any,
    count: Any,
    own: Any,
    placed: Any,
    inventory: Any,
    escrow: Any,
) -> None:
    """Take back all orders of step `oldest` and before, and what backed them."""
    book, kept = orders[resource, side], 0
    for j in range(count[resource, side]):
        price, agent, born = book[j, _PRICE], book[j, _AGENT], book[j, _BORN]
        if born <= oldest:
            own[agent, resource, side, price] -= 1.0
            placed[agent, resource] -= 1
            column, amount = (0, float(price)) if side == 0 else (1 + resource, 1.0)
            escrow[agent, column] -= amount
            inventory[agent, column] += amount
        else:
            if kept < j:
                book[kept, _PRICE], book[kept, _AGENT], book[kept, _BORN] = price, agent, born
            kept += 1
    count[resource, side] = kept
