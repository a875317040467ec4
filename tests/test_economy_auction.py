"""The double auction against the reference's scenarios, and against a slow one over lists of orders."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games.sims.economy_auction_kernels import auction
from games.sims.economy_gtb import GatherTradeBuildRules
from games.sims.economy_parameters import GatherTradeBuild, read_parameters

ORACLE = Path(__file__).resolve().parents[2] / "shared" / "oracles" / "ai_economist_oracle.json"
needs_oracle = pytest.mark.skipif(not ORACLE.exists(), reason="the shared oracles are not here")
RESOURCES, GOODS = ("Stone", "Wood"), ("Coin", "Stone", "Wood")


class Market:
    """The market of one economy, a day at a time."""

    def __init__(self, parameters: GatherTradeBuild, inventory: Any) -> None:
        self.rules = GatherTradeBuildRules(parameters)
        self.world = self.rules.allocate(1).world
        self.world.inventory[0] = inventory
        self.prices = parameters.max_price + 1

    def day(self, orders: Any) -> None:
        """Orders are agent, side (0 buys), resource, price."""
        actions = np.zeros((1, self.world.labour.shape[1]), dtype=np.int32)
        for agent, side, resource, price in orders:
            actions[0, agent] = 2 + (2 * resource + side) * self.prices + price
        self.world.clock[0, 0] += 1
        auction(self.world, self.rules.constants, actions, np.ones(1, dtype=bool))

    def book(self, resource: int, side: int) -> list[list[int]]:
        """Open orders: agent, price, age."""
        orders = self.world.orders[0, resource, side, : self.world.open[0, resource, side]]
        return [
            [agent, price, int(self.world.clock[0, 0]) - born + 1] for price, agent, born in orders.tolist()
        ]


@cache
def scenarios() -> Any:
    if not ORACLE.exists():
        return []
    return json.loads(ORACLE.read_text())["cda_scenarios"]["scenarios"]


@needs_oracle
def test_scenarios_are_those_of_the_reference() -> None:
    assert len(scenarios()) == 10
    for case in scenarios():
        check_scenario(case)


def check_scenario(case: Any) -> None:
    parameters = read_parameters(
        {
            "order_duration": case["order_duration"],
            "max_orders": case["max_num_orders"],
            "order_labour": case["order_labor"],
        }
    )
    market = Market(parameters, [[start[good] for good in GOODS] for start in case["start"]])
    told = {step["t"]: step for step in case["steps"]}
    for t in range(1, max(told) + 1):
        orders = [
            (agent, ("Buy", "Sell").index(side), RESOURCES.index(name), price)
            for agent, side, name, price in told.get(t, {"orders": []})["orders"]
        ]
        before = market.world.trades[0].copy()
        market.day(orders)
        if t in told:
            check_day(market, told[t], before, f"{case['name']}, day {t}")
    history = [np.sum(case["price_history"][name], axis=0) for name in RESOURCES]
    np.testing.assert_allclose(market.world.history[0], history, atol=1e-12)


def check_day(market: Market, told: Any, before: np.ndarray, where: str) -> None:
    world = market.world
    for i, agent in enumerate(told["agents"]):
        assert world.inventory[0, i].tolist() == [agent["inv"][good] for good in GOODS], where
        assert world.escrow[0, i].tolist() == [agent["esc"][good] for good in GOODS], where
        assert world.labour[0, i] == agent["labor"], where
    trades = np.zeros((4, 2, 2, 2))
    for trade in told["trades"]:
        for who, side in ((trade["buyer"], 0), (trade["seller"], 1)):
            trades[who, RESOURCES.index(trade["commodity"]), side] += 1, trade["price"]
    assert (world.trades[0] - before == trades).all(), where
    for resource, name in enumerate(RESOURCES):
        assert world.placed[0, :, resource].tolist() == told["n_orders"][name], where
        for side, book in enumerate(("open_bids", "open_asks")):
            assert sorted(market.book(resource, side)) == sorted(told[book][name]), where


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


@settings(max_examples=150, deadline=None)
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
