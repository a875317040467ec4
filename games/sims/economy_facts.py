"""How gather-trade-build economies have done: equality, productivity, welfare, who built, traded, earned and paid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from games.errors import InputError
from games.sims import economy_metrics as metrics
from games.sims.economy_gtb import GatherTradeBuildRules
from games.sims.economy_state import BUY, COIN, SELL, World
from games.sims.economy_taxes import Brackets, gaming

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class EconomyFacts:
    """What B economies of n workers have come to, over their present episode; only completed tax years count.

    Coin is what workers own, in their inventory and in escrow. K tax brackets, Y years, 2 resources: stone and wood.
    """

    equality: Array  # float64[B]: 1 - Gini coefficient
    productivity: Array  # float64[B]: all coin
    eq_times_prod: (
        Array  # float64[B]: equality times coin per head (the published figures have n times as much)
    )
    inverse_income_utility: Array  # float64[B]: mean utility with weights 1 / max(coin, 1)
    inverse_income_coin: Array  # float64[B]: mean coin with these weights
    coin: Array  # float64[B, n]
    labour: Array  # float64[B, n]
    utility: Array  # float64[B, n]
    payment: Array  # float64[B, n]: what a house brings, the skill
    houses: Array  # int64[B, n]: built
    trades: Array  # int64[B]: units that changed hands
    bought: Array  # int64[B, n, 2]: units
    sold: Array  # int64[B, n, 2]
    spent: Array  # float64[B, n, 2]: coin paid for what was bought
    earned: Array  # float64[B, n, 2]: coin got for what was sold
    years: Array  # int64[B]: completed
    incomes: Array  # float64[B, Y, n]: before taxes, without what everybody gets back
    paid: Array  # float64[B, Y, n]: collected; with redistribution, given away on balance
    schedules: Array  # float64[B, Y, K]: rates
    cutoffs: Array  # float64[K]

    @property
    def net_sales(self) -> Array:
        """Units sold less units bought, int64[B, n, 2]."""
        return self.sold - self.bought

    @property
    def taxes_paid(self) -> Array:
        """float64[B, n]."""
        total: Array = self.paid.sum(axis=1)
        return total

    @property
    def after_tax(self) -> Array:
        """Incomes less taxes, with what everybody gets back, float64[B, Y, n]."""
        return self.incomes - self.paid + self.paid.mean(axis=2, keepdims=True)

    @property
    def effective_rates(self) -> Array:
        """Taxes over income of all years, losses not counted, float64[B, n]."""
        return self.taxes_paid / np.maximum(0.001, np.maximum(self.incomes, 0).sum(axis=1))

    @property
    def effective_rate(self) -> Array:
        """Mean over years and workers of taxes over income, float64[B]; 0 without a year."""
        each = np.where(self.incomes > 0, self.paid / np.maximum(1e-6, self.incomes), 0.0)
        return each.mean(axis=2).sum(axis=1) / np.maximum(1, self.years)

    @property
    def extremes(self) -> Array:
        """Effective rates of the poorest and the richest worker in the end, float64[B, 2]."""
        rows = np.arange(len(self.coin))
        who = self.coin.argmin(axis=1), self.coin.argmax(axis=1)
        return np.stack([self.effective_rates[rows, i] for i in who], axis=1)

    @property
    def occupancy(self) -> Array:
        """Share of incomes in each bracket, float64[B, K]; losses are in the lowest."""
        total: Array = self._in_bracket.sum(axis=(1, 2))
        return total / np.maximum(1, self.years * self.coin.shape[1])[:, None]

    @property
    def bracket_rates(self) -> Array:
        """Mean rate of each bracket over the years, float64[B, K]."""
        total: Array = self.schedules.sum(axis=1)
        return total / np.maximum(1, self.years)[:, None]

    @property
    def effective_by_bracket(self) -> Array:
        """Taxes over income of those whose income is in a bracket, float64[B, K]; 0 where nobody's was."""
        income = np.einsum("byn,bynk->bk", np.maximum(self.incomes, 0), self._in_bracket)
        paid = np.einsum("byn,bynk->bk", self.paid, self._in_bracket)
        share: Array = np.divide(paid, income, out=np.zeros_like(paid), where=income > 0)
        return share

    @property
    def gaming(self) -> Array:
        """What workers saved by how they spread income over years, under the mean schedule, float64[B, n]; see
        `games.sims.economy_taxes.gaming`."""
        brackets, found = Brackets(tuple(self.cutoffs.tolist())), np.zeros(self.coin.shape)
        for b, count in enumerate(self.years.tolist()):
            if count:
                found[b] = gaming(brackets, np.clip(self.bracket_rates[b], 0, 1), self.incomes[b, :count])
        return found

    @property
    def _in_bracket(self) -> Array:
        """Whether an income is in a bracket, float64[B, Y, n, K]; nowhere in years to come."""
        bracket = np.maximum(np.searchsorted(self.cutoffs, self.incomes, side="right") - 1, 0)
        chosen = (bracket[..., None] == np.arange(len(self.cutoffs))).astype(np.float64)
        over = np.arange(self.incomes.shape[1]) < self.years[:, None]
        return chosen * over[:, :, None, None]


def economy_facts(env: Any, world: Any) -> EconomyFacts:
    """What the economies of a gather-trade-build environment have come to, best asked when their episodes have just ended.

    Parameters
    ----------
    env : Env
        As `games.make_env` makes it, or wrapped.
    world
        As it was after the last step; restarting an economy forgets what it did.

    Raises
    ------
    InputError
        If it is another environment.
    """
    rules = getattr(env, "rules", None)
    if not isinstance(rules, GatherTradeBuildRules):
        raise InputError(f"{env.spec.name} is not economy:gather-trade-build")
    w: World = world.state.world
    coin = w.inventory[:, :, COIN] + w.escrow[:, :, COIN]
    utility = w.utility[:, :-1].copy()
    equality = np.array([metrics.equality(one) for one in coin])
    weighted = metrics.inverse_income_weighted
    return EconomyFacts(
        equality=equality,
        productivity=coin.sum(axis=1),
        eq_times_prod=equality * coin.mean(axis=1),
        inverse_income_utility=np.array([weighted(u, c) for u, c in zip(utility, coin)]),
        inverse_income_coin=np.array([weighted(c, c) for c in coin]),
        coin=coin,
        labour=w.labour.copy(),
        utility=utility,
        payment=w.skill[:, :, 0].copy(),
        houses=w.houses.copy(),
        trades=w.trades[:, :, :, BUY, 0].sum(axis=(1, 2)).astype(np.int64),
        bought=w.trades[:, :, :, BUY, 0].astype(np.int64),
        sold=w.trades[:, :, :, SELL, 0].astype(np.int64),
        spent=w.trades[:, :, :, BUY, 1].copy(),
        earned=w.trades[:, :, :, SELL, 1].copy(),
        years=w.clock[:, 0] // rules.parameters.period,
        incomes=w.years[:, :, :, 0].copy(),
        paid=w.years[:, :, :, 1].copy(),
        schedules=w.schedules.copy(),
        cutoffs=rules.constants.cutoffs.copy(),
    )
