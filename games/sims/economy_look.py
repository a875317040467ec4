"""Where everything stands in the observations of gather-trade-build.

A worker sees ``map`` (7 layers of w by w tiles around it), ``idx_map`` (2 layers: 0 nobody, 1 oneself, k + 2 worker k),
``flat`` and ``time``; the planner ``flat``, ``per_agent`` and ``time``. All of it is one vector of float32 in this order, which
`split` takes apart. The numbers of ``flat`` come in the order of the reference: by the names of `WORKER_FLAT` and `PLANNER_FLAT`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

LAYERS = ("stone", "wood", "house", "water", "stone source", "wood source", "on the map")
OWNERS = ("house", "worker")
"""Layers of ``map`` and of ``idx_map``."""
PER_AGENT = 6
"""Numbers of each worker that the planner sees: marginal rate, last income, last marginal rate, coin, stone, wood."""
PER_WORKER = 9
"""Numbers of each worker in the global state, beyond what the planner sees: coin, stone and wood in escrow, labour, payment for a
house, probability of a bonus, houses, row, column."""

WORKER_FLAT = (
    ("build_payment", "1"),
    ("build_skill", "1"),
    ("available_asks-Stone", "P"),
    ("available_asks-Wood", "P"),
    ("available_bids-Stone", "P"),
    ("available_bids-Wood", "P"),
    ("market_rate-Stone", "1"),
    ("market_rate-Wood", "1"),
    ("my_asks-Stone", "P"),
    ("my_asks-Wood", "P"),
    ("my_bids-Stone", "P"),
    ("my_bids-Wood", "P"),
    ("price_history-Stone", "P"),
    ("price_history-Wood", "P"),
    ("bonus_gather_prob", "1"),
    ("curr_rates", "K"),
    ("is_first_day", "1"),
    ("is_tax_day", "1"),
    ("last_incomes", "n"),
    ("marginal_rate", "1"),
    ("tax_phase", "1"),
    ("time", "1"),
    ("inventory-Coin", "1"),
    ("inventory-Stone", "1"),
    ("inventory-Wood", "1"),
    ("loc-col", "1"),
    ("loc-row", "1"),
)
"""What ``flat`` of a worker consists of, and how many numbers each is: P prices, K brackets, n workers."""

PLANNER_FLAT = (
    ("full_asks-Stone", "P"),
    ("full_asks-Wood", "P"),
    ("full_bids-Stone", "P"),
    ("full_bids-Wood", "P"),
    ("market_rate-Stone", "1"),
    ("market_rate-Wood", "1"),
    ("price_history-Stone", "P"),
    ("price_history-Wood", "P"),
    ("curr_rates", "K"),
    ("is_first_day", "1"),
    ("is_tax_day", "1"),
    ("last_incomes", "n"),
    ("tax_phase", "1"),
    ("time", "1"),
    ("inventory-Coin", "1"),
    ("inventory-Stone", "1"),
    ("inventory-Wood", "1"),
)
"""What ``flat`` of the planner consists of; it owns nothing."""


class Layout:
    """Sizes and places of what is seen.

    Parameters
    ----------
    agents, prices, brackets, window : int
        n, P, K and w.

    Examples
    --------
    >>> layout = Layout(4, 11, 7, 11)
    >>> layout.worker_flat, layout.worker, layout.planner, layout.worker_places()["curr_rates"]
    (136, 1226, 111, slice(115, 122, None))
    """

    def __init__(self, agents: int, prices: int, brackets: int, window: int) -> None:
        self.agents, self.window = agents, window
        self.sizes: Mapping[str, int] = {"1": 1, "P": prices, "K": brackets, "n": agents}
        self.tiles = window * window
        self.worker_flat = sum(self.sizes[size] for _, size in WORKER_FLAT)
        self.planner_flat = sum(self.sizes[size] for _, size in PLANNER_FLAT)
        self.map_size = (len(LAYERS) + len(OWNERS)) * self.tiles
        self.worker = self.map_size + self.worker_flat + 1
        self.planner = self.planner_flat + PER_AGENT * agents + 1
        self.state = self.planner + 2 + PER_WORKER * agents

    def worker_places(self) -> dict[str, slice]:
        """Where each part of a worker's ``flat`` stands in it."""
        return self._places(WORKER_FLAT)

    def planner_places(self) -> dict[str, slice]:
        """Where each part of the planner's ``flat`` stands in it."""
        return self._places(PLANNER_FLAT)

    def _places(self, parts: tuple[tuple[str, str], ...]) -> dict[str, slice]:
        places, at = {}, 0
        for name, size in parts:
            places[name] = slice(at, at + self.sizes[size])
            at += self.sizes[size]
        return places

    def split_worker(self, seen: Array) -> dict[str, Array]:
        """A worker's observation float32[..., d] as ``map`` [..., 7, w, w], ``idx_map`` [..., 2, w, w], ``flat`` and ``time``."""
        lead, w, cut = seen.shape[:-1], self.window, len(LAYERS) * self.tiles
        return {
            "map": seen[..., :cut].reshape(*lead, len(LAYERS), w, w),
            "idx_map": seen[..., cut : self.map_size].reshape(*lead, len(OWNERS), w, w),
            "flat": seen[..., self.map_size : -1],
            "time": seen[..., -1:],
        }

    def split_planner(self, seen: Array) -> dict[str, Array]:
        """The planner's observation float32[..., d] as ``flat``, ``per_agent`` [..., n, 6] and ``time``."""
        lead = seen.shape[:-1]
        return {
            "flat": seen[..., : self.planner_flat],
            "per_agent": seen[..., self.planner_flat : -1].reshape(*lead, self.agents, PER_AGENT),
            "time": seen[..., -1:],
        }


def action_names(prices: int) -> tuple[str, ...]:
    """Names of a worker's actions, in order.

    >>> names = action_names(11)
    >>> len(names), names[2], names[13], names[49]
    (50, 'bid stone 0', 'ask stone 0', 'down')
    """
    orders = [
        f"{side} {good} {price}"
        for good in ("stone", "wood")
        for side in ("bid", "ask")
        for price in range(prices)
    ]
    return ("none", "build", *orders, "left", "right", "up", "down")


def as_counts(shown: Array) -> Array:
    """Numbers of ``idx_map`` as the whole numbers they are, int32."""
    return shown.astype(np.int32)
