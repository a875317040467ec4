"""The double auction against the reference's scenarios, and against a slow one over lists of orders."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.papers.economist_auction import Market, auction_error
from experiments.papers.economist_rules import reference_cases
from games.sims.economy_parameters import GatherTradeBuild, read_parameters


def scenarios() -> Any:
    return copy.deepcopy(reference_cases()["auction"])


def test_scenarios_are_those_of_the_reference() -> None:
    errors = [auction_error(case) for case in scenarios()]
    assert len(errors) == 10 and max(errors) == 0


def test_other_scenarios_would_be_found_out() -> None:
    last, history, first = scenarios()[-1], scenarios()[-1], scenarios()[0]
    last["steps"][-1]["agents"][0]["inv"]["Coin"] += 1e-3
    history["price_history"]["Stone"][0][3] += 1e-3
    first["steps"][0]["trades"][0]["buyer"] = 2
    assert all(auction_error(case) > 1e-6 for case in (last, history, first))


@dataclass
class Order:
    agent: int
    price: int
    age: int = 0


class Slow:
    """The rules of the auction, written over lists of orders that are sorted anew each day."""

    def __init__(self, parameters: GatherTradeBuild, inventory: Any) -> None:
        self.p = parameters
        self.inventory = np.array(inventory, dtype=float)
        self.escrow = np.zeros_like(self.inventory)
        self.books: Any = [[[], []], [[], []]]

    def day(self, orders: Any) -> None:
        for agent, side, resource, price in sorted(orders):
            mine = [o for book in self.books[resource] for o in book if o.agent == agent]
            column, amount = (0, price) if side == 0 else (1 + resource, 1)
            if len(mine) < self.p.max_orders and self.inventory[agent, column] >= amount:
                self.move(agent, column, amount)
                self.books[resource][side].append(Order(agent, price))
        for resource, (bids, asks) in enumerate(self.books):
            bids.sort(key=lambda o: (-o.price, -o.age))
            asks.sort(key=lambda o: (o.price, -o.age))
            self.match(resource, bids, asks)
            for side, book in enumerate((bids, asks)):
                for order in list(book):
                    order.age += 1
                    if order.age > self.p.order_duration:
                        book.remove(order)
                        self.move(order.agent, *((0, -order.price) if side == 0 else (1 + resource, -1)))

    def match(self, resource: int, bids: Any, asks: Any) -> None:
        finished: set[int] = set()
        while (bid := next((o for o in bids if o.agent not in finished), None)) is not None:
            ask = next((o for o in asks if o.agent != bid.agent), None)
            if ask is None or ask.price > bid.price:
                finished.add(bid.agent)
                continue
            price = ask.price if bid.age <= ask.age else bid.price
            bids.remove(bid)
            asks.remove(ask)
            self.escrow[bid.agent, 0] -= bid.price
            self.inventory[bid.agent, 0] += bid.price - price
            self.inventory[ask.agent, 0] += price
            self.escrow[ask.agent, 1 + resource] -= 1
            self.inventory[bid.agent, 1 + resource] += 1

    def move(self, agent: int, column: int, amount: float) -> None:
        self.inventory[agent, column] -= amount
        self.escrow[agent, column] += amount


DAYS = st.lists(
    st.dictionaries(
        st.integers(0, 3), st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 4)), max_size=4
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(DAYS, st.integers(1, 5), st.integers(1, 3))
def test_it_does_what_a_slow_auction_does(days: Any, duration: int, most: int) -> None:
    parameters = read_parameters({"max_price": 4, "order_duration": duration, "max_orders": most})
    inventory = [[9.0, 3, 2], [5.0, 0, 4], [0.0, 5, 5], [30.0, 0, 0]]
    market, slow = Market(parameters, inventory), Slow(parameters, inventory)
    for orders in days:
        listed = [(agent, *order) for agent, order in orders.items()]
        market.day(listed)
        slow.day(listed)
        assert (market.world.inventory[0] == slow.inventory).all()
        assert (market.world.escrow[0] == slow.escrow).all()
        for resource in range(2):
            for side in range(2):
                expected = [[o.agent, o.price, o.age] for o in slow.books[resource][side]]
                assert market.book(resource, side) == expected
                check_tallies(market, resource, side, expected)
    assert market.world.inventory[0].min(initial=0) >= 0 and market.world.escrow[0].min(initial=0) >= 0


def check_tallies(market: Market, resource: int, side: int, book: Any) -> None:
    tally = np.zeros((4, 5))
    for agent, price, _ in book:
        tally[agent, price] += 1
    assert (market.world.own[0, :, resource, side] == tally).all()


def test_orders_wait_for_fifty_days_and_come_back() -> None:
    market = Market(GatherTradeBuild(), [[20.0, 0, 0]] * 4)
    market.day([(0, 0, 0, 7)])
    for _ in range(49):
        market.day([])
    assert market.book(0, 0) == [[0, 7, 50]] and market.world.escrow[0, 0, 0] == 7
    market.day([])
    assert market.book(0, 0) == [] and market.world.inventory[0, 0].tolist() == [20, 0, 0]
    assert market.world.placed[0, 0, 0] == 0 and market.world.labour[0, 0] == 0.25
