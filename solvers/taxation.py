"""Optimal taxation of the one-step economy, exactly: best responses, welfare, the best schedule of a grid, and what it is held to.

Source: the economy of Zheng et al. (2022), "The AI Economist", Science Advances 8(18). Because utility is linear in coin and
everybody gets the same lump sum, of which a worker's own taxes are a share 1 / n, each worker has a best response that does not
depend on the others, l_i = argmax_l w_i l - (1 - 1 / n) T(w_i l) - c l^delta (the least labour where several are best). So the
planner's problem is a plain maximisation, and on a grid of rates it is solved by enumeration.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from games.errors import InputError
from games.sims.economy_metrics import Welfare
from games.sims.economy_one_step_model import OneStepEconomy, rate_grid
from games.sims.economy_saez import saez
from games.sims.economy_taxes import US_FEDERAL
from solvers import taxation_kernels as kernels

Array = npt.NDArray[Any]
MOST_CELLS = 20_000_000
AIMS: dict[Welfare, int] = {"inverse-income": kernels.INVERSE_INCOME, "eq*prod": kernels.EQUALITY}


@dataclass(frozen=True, eq=False)
class TaxOutcome:
    """What a schedule leads to when everybody answers best.

    Parameters
    ----------
    rates : float64[K]
        The schedule.
    welfare : float
        What the planner maximises.
    labour : int32[n]
        Levels of labour.
    income, paid, coin, utility : float64[n]
        Before taxes; taxes; after taxes with the lump sum; utility.
    """

    rates: Array
    welfare: float
    labour: Array
    income: Array
    paid: Array
    coin: Array
    utility: Array


@dataclass(frozen=True, eq=False)
class SaezPoint:
    """Where the Saez formula and best responses lead in turns.

    Parameters
    ----------
    rates : float64[K]
        The last schedule.
    welfare : float
        Its welfare.
    iterations : int
        How often the formula was applied.
    residual : float
        By how much the formula would still change a rate; 0 at a fixed point.
    """

    rates: Array
    welfare: float
    iterations: int
    residual: float


class Prepared:
    """The arrays that kernels want, workers in rising order of skill."""

    def __init__(self, economy: OneStepEconomy) -> None:
        if economy.size * max(economy.levels, economy.brackets.count) > MOST_CELLS:
            raise InputError(
                f"an economy of {economy.size:,} workers, {economy.levels:,} levels of labour and {economy.brackets.count:,} "
                f"brackets is too large to be solved; workers times either is at most {MOST_CELLS:,}"
            )
        self.order = np.argsort(economy.wages, kind="stable")
        self.wages = economy.wages[self.order]
        self.hours, self.costs = economy.hours, economy.costs
        self.cutoffs = economy.brackets.array
        self.keep = 1.0 - economy.own_share
        self.power = 1.0 / (economy.delta - 1.0)
        marginal = economy.cost * economy.delta * self.hours[1] ** (economy.delta - 1)
        self.bases = self.wages / marginal  # with levels as the unit of labour
        incomes = self.wages[:, None] * self.hours
        self.inverse = 1.0 / np.maximum(incomes, 1.0)
        bracket = np.searchsorted(self.cutoffs, incomes, side="right") - 1
        each = np.arange(economy.brackets.count)
        self.lows = np.stack([np.searchsorted(row, each, side="left") for row in bracket])
        self.highs = np.stack([np.searchsorted(row, each, side="right") for row in bracket]) - 1
        self.tie = kernels.TIE * max(1.0, float(self.wages[-1] * self.hours[-1]))
        reached = self.highs >= self.lows
        self.firsts = np.where(reached.any(axis=0), reached.argmax(axis=0), len(self.wages))


@lru_cache(maxsize=16)
def prepared(economy: OneStepEconomy) -> Prepared:
    """The arrays of an economy."""
    return Prepared(economy)


def _schedules(economy: OneStepEconomy, rates: Any) -> Array:
    array = np.asarray(rates, dtype=np.float64)
    count = economy.brackets.count
    if array.ndim != 2 or array.shape[1] != count or not len(array):
        raise InputError(
            f"schedules are float64[S, {count}], one rate per bracket, not of shape {array.shape}"
        )
    if not ((array >= 0) & (array <= 1)).all():
        raise InputError("rates of a schedule must be numbers from 0 to 1")
    return np.ascontiguousarray(array)


def best_responses(economy: OneStepEconomy, schedules: Any) -> Array:
    """Everybody's dominant level of labour under each schedule.

    Parameters
    ----------
    economy : OneStepEconomy
        The economy.
    schedules : float64[S, K]
        Rates.

    Returns
    -------
    int32[S, n]
        Levels of labour, 0 to L - 1.
    """
    rates, made = _schedules(economy, schedules), prepared(economy)
    levels = np.empty((len(rates), economy.size), dtype=np.int32)
    kernels.respond_all(
        rates,
        made.wages,
        made.bases,
        made.hours,
        made.costs,
        made.cutoffs,
        made.lows,
        made.highs,
        made.keep,
        made.power,
        made.tie,
        np.empty(rates.shape[1]),
        levels,
    )
    out = np.empty_like(levels)
    out[:, made.order] = levels
    return out


def welfare(economy: OneStepEconomy, schedules: Any, labour: Any = None) -> Array:
    """Welfare of each schedule float64[S, K] under best responses, or at given levels of labour int[S, n]: float64[S]."""
    rates, made = _schedules(economy, schedules), prepared(economy)
    given = np.empty((0, economy.size), dtype=np.int32)
    if labour is not None:
        given = np.ascontiguousarray(check_labour(economy, labour, len(rates))[:, made.order])
    out, n = np.empty(len(rates)), economy.size
    kernels.welfare_all(
        rates,
        made.wages,
        made.bases,
        made.hours,
        made.costs,
        made.inverse,
        made.cutoffs,
        made.lows,
        made.highs,
        made.keep,
        made.power,
        made.tie,
        AIMS[economy.welfare],
        given,
        np.empty(rates.shape[1]),
        np.empty(n),
        np.empty(n),
        out,
    )
    return out


def check_labour(economy: OneStepEconomy, labour: Any, count: int) -> Array:
    """Levels of labour as int32[S, n]; `InputError` if they are none."""
    array = np.asarray(labour)
    if array.shape != (count, economy.size) or array.dtype.kind not in "iu":
        raise InputError(
            f"levels of labour are integers [{count}, {economy.size}] (schedules, workers), "
            f"not {array.dtype} of shape {array.shape}"
        )
    if array.min() < 0 or array.max() >= economy.levels:
        raise InputError(f"levels of labour go from 0 to {economy.levels - 1}")
    return array.astype(np.int32)


def outcome(economy: OneStepEconomy, rates: Any, labour: Any = None) -> TaxOutcome:
    """What a schedule float64[K] leads to under best responses, or at given levels of labour int[n]."""
    schedule = economy.brackets.rates(rates)
    one = schedule[None]
    levels = best_responses(economy, one) if labour is None else check_labour(economy, [labour], 1)
    income = economy.wages * economy.hours[levels[0]]
    paid = economy.brackets.due(income, schedule)
    coin = income - paid + paid.mean()
    utility = coin - economy.costs[levels[0]]
    value = float(welfare(economy, one, levels)[0])
    return TaxOutcome(schedule, value, levels[0], income, paid, coin, utility)


# --- schedules to compare with ----------------------------------------------------------------------------


def free_market(economy: OneStepEconomy) -> TaxOutcome:
    """Nobody pays."""
    return outcome(economy, np.zeros(economy.brackets.count))


def us_federal(economy: OneStepEconomy) -> TaxOutcome:
    """The rates of the United States; of economies with its seven brackets."""
    return outcome(economy, US_FEDERAL)


def best_flat(economy: OneStepEconomy, grid: Any = None) -> TaxOutcome:
    """The best single rate of a grid, by default that of the planner."""
    grid = np.asarray(rate_grid() if grid is None else grid, dtype=float)
    schedules = np.repeat(grid[:, None], economy.brackets.count, axis=1)
    return outcome(economy, schedules[int(np.argmax(welfare(economy, schedules)))])


def flat_closed_form(economy: OneStepEconomy, own_share: bool = True) -> tuple[float, float]:
    """The best flat rate and its welfare if labour could be any number and costs are quadratic.

    With h and m the harmonic and arithmetic means of w^2 / (2 c) and k = 1 - 1 / n (or 1, without the own share), mean utility
    weighted by the inverse of income is (1 - k t) ((1 - t) h + t m - h (1 - k t) / 2), a parabola in t. For k = 1 its maximum
    is Saez' (1 - g) / (1 - g + e) with g = h / m and e = 1.

    Raises
    ------
    InputError
        If delta is not 2 or welfare not inverse-income.
    """
    if economy.delta != 2 or economy.welfare != "inverse-income":
        raise InputError("the closed form is for delta=2 and welfare=inverse-income")
    keep = 1.0 - economy.own_share if own_share else 1.0
    scale = economy.wages**2 / (2 * economy.cost)
    h, m = 1.0 / (1.0 / scale).mean(), scale.mean()
    slope = m - h + h * keep / 2
    rate = float(np.clip((m - h) / (2 * keep * slope), 0, 1)) if keep > 0 and m > h else 0.0
    return rate, float((1 - keep * rate) * (h / 2 + rate * slope))


def saez_fixed_point(
    economy: OneStepEconomy,
    elasticity: float = 1.0,
    *,
    start: float = 0.3,
    step: float = 0.2,
    iterations: int = 300,
    tolerance: float = 1e-12,
) -> SaezPoint:
    """The Saez formula and best responses in turns, rates moving a part of the way to the formula's each time.

    Where labour comes in whole hours best responses jump, and there need not be a fixed point: then rates keep moving within a
    small range, and `SaezPoint.residual` says how far the formula is from the last of them.

    Parameters
    ----------
    economy : OneStepEconomy
        The economy.
    elasticity : float
        Of income to 1 - rate; with flat rates and labour that could be any number it is 1 / (delta - 1).
    start, step : float
        The first rates; how much of the way.
    iterations, tolerance : int, float
        When to stop: after so many turns, or when the formula changes no rate by more.
    """
    if not 0 < step <= 1 or iterations < 1:
        raise InputError(
            f"a step is above 0 and at most 1, and there is at least one, not {step:g} and {iterations}"
        )
    rates = economy.brackets.rates(np.full(economy.brackets.count, start))
    for k in range(iterations + 1):
        income = outcome(economy, rates).income
        marginal = economy.brackets.marginal(income, rates)
        change = saez(economy.brackets, income, marginal, fixed=elasticity).rates - rates
        residual = float(np.abs(change).max())
        if residual <= tolerance or k == iterations:
            break
        rates = np.clip(rates + step * change, 0.0, 1.0)
    return SaezPoint(rates, float(welfare(economy, rates[None])[0]), k, residual)
