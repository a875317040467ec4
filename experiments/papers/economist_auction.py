"""The double auction of gather-trade-build against scenarios of the reference implementation.

The scenarios are stored with the tests of a checkout (`tests/data/economist_cases.json`); without them the claim is not measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.papers.economist_rules import TOLERANCE, reference_cases, relative_error
from experiments.papers.tabular_runs import Progress, at_most
from games.sims.economy_auction_kernels import auction
from games.sims.economy_gtb import GatherTradeBuildRules
from games.sims.economy_parameters import GatherTradeBuild, read_parameters

Array = npt.NDArray[Any]
RESOURCES, GOODS = ("Stone", "Wood"), ("Coin", "Stone", "Wood")


def tallied(trades: Iterable[Sequence[Any]]) -> Array:
    """Units and coin of trades by worker, resource and side, float64[4, 2, 2, 2]; a trade is resource, buyer, seller, price."""
    found = np.zeros((4, 2, 2, 2))
    for resource, buyer, seller, price in trades:
        for worker, side in ((buyer, 0), (seller, 1)):
            found[worker, resource, side] += 1.0, price
    return found


class Market:
    """The market of one economy of four workers, a day at a time.

    Parameters
    ----------
    parameters : GatherTradeBuild
        How many orders a worker may have, for how long, and what they cost.
    inventory : array_like, shape (4, 3)
        Coin, stone and wood of each worker.
    """

    def __init__(self, parameters: GatherTradeBuild, inventory: Any) -> None:
        self.rules = GatherTradeBuildRules(parameters)
        self.world = self.rules.allocate(1).world
        self.world.inventory[0] = inventory
        self.prices = parameters.max_price + 1

    def day(self, orders: Iterable[Sequence[int]]) -> None:
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


def auction_error(case: Mapping[str, Any]) -> float:
    """Play a scenario of the reference: the largest relative error of what it tells of every day."""
    limits = {
        "order_duration": case["order_duration"],
        "max_orders": case["max_num_orders"],
        "order_labour": case["order_labor"],
    }
    market = Market(read_parameters(limits), [[start[good] for good in GOODS] for start in case["start"]])
    told, worst = {step["t"]: step for step in case["steps"]}, 0.0
    for t in range(1, max(told) + 1):
        before = market.world.trades[0].copy()
        market.day(
            (agent, ("Buy", "Sell").index(side), RESOURCES.index(name), price)
            for agent, side, name, price in told.get(t, {"orders": []})["orders"]
        )
        if t in told:
            pairs = _day(market, told[t], before)
            worst = max(worst, *(relative_error(ours, theirs) for ours, theirs in pairs))
    history = [np.sum(case["price_history"][name], axis=0) for name in RESOURCES]
    return max(worst, relative_error(market.world.history[0], history))


def _day(market: Market, told: Mapping[str, Any], before: Array) -> Iterator[tuple[Any, Any]]:
    world, agents = market.world, told["agents"]
    yield world.inventory[0], [[one["inv"][good] for good in GOODS] for one in agents]
    yield world.escrow[0], [[one["esc"][good] for good in GOODS] for one in agents]
    yield world.labour[0], [one["labor"] for one in agents]
    trades = ((RESOURCES.index(t["commodity"]), t["buyer"], t["seller"], t["price"]) for t in told["trades"])
    yield world.trades[0] - before, tallied(trades)
    for resource, name in enumerate(RESOURCES):
        yield world.placed[0, :, resource], told["n_orders"][name]
        for side, book in enumerate(("open_bids", "open_asks")):
            yield sorted(market.book(resource, side)), sorted(told[book][name])


def auctions(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """Ten scenarios of the double auction."""
    errors = {case["name"]: auction_error(case) for case in reference_cases()["auction"]}
    progress(1.0, f"{len(errors)} scenarios played")
    text = f"double auction, {len(errors)} scenarios: largest relative error"
    return {
        "measured": {"largest errors": errors},
        "criteria": [at_most(text, max(errors.values()), TOLERANCE)],
    }
