"""Income taxes: brackets, schedules, what is due, collected and given back.

Source: Zheng, Trott, Srinivasa, Parkes and Socher (2022), "The AI Economist", Science Advances 8(18), and the rules of
their simulation. Amounts are in coin; a schedule is one marginal rate per bracket.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import inf, isfinite
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from games.errors import InputError
from games.sims.economy_tax_kernels import bracket_of, marginal_rate, tax_due

Array = npt.NDArray[Any]

US_FEDERAL = (0.10, 0.12, 0.22, 0.24, 0.32, 0.35, 0.37)
"""Rates of the schedule of the United States, single filers, 2018."""
US_CUTOFFS = (0.0, 9_700.0, 39_475.0, 84_200.0, 160_725.0, 204_100.0, 510_300.0)
"""Where its brackets begin (the thresholds of 2019, as the reference has them), in dollars."""
LEVELS = 21
"""Rates a planner can choose from: 0, 0.05, ..., 1."""


@dataclass(frozen=True)
class Brackets:
    """Where the brackets of a schedule begin.

    Parameters
    ----------
    cutoffs : tuple of float
        Rising from 0, coin; the last bracket is open.

    Raises
    ------
    InputError
        If they do not rise from 0.

    Examples
    --------
    >>> Brackets.linear(3, 120).cutoffs
    (0.0, 60.0, 120.0)
    >>> Brackets.linear(3, 120).due([30.0, 100.0, 200.0], [0.0, 0.5, 1.0]).tolist()
    [0.0, 20.0, 110.0]
    """

    cutoffs: tuple[float, ...]

    def __post_init__(self) -> None:
        cutoffs = tuple(float(c) for c in self.cutoffs)
        if not cutoffs or cutoffs[0] != 0:
            raise InputError(
                f"tax brackets begin at 0, not at {cutoffs[0]:g}" if cutoffs else "there are no tax brackets"
            )
        for k, (low, high) in enumerate(pairwise(cutoffs)):
            if not (low < high < inf):
                raise InputError(
                    f"tax brackets must rise: the {k + 2}. begins at {high:g}, the one before at {low:g}"
                )
        object.__setattr__(self, "cutoffs", cutoffs)

    @classmethod
    def federal(cls, scale: float = 1000.0) -> Brackets:
        """The seven brackets of the United States, dollars over `scale`."""
        return cls(tuple(c / scale for c in US_CUTOFFS))

    @classmethod
    def linear(cls, count: int, top: float) -> Brackets:
        """So many brackets of equal width, the open one from `top`."""
        return cls(tuple(np.linspace(0, top, count).tolist()))

    @classmethod
    def log(cls, count: int, top: float) -> Brackets:
        """So many brackets, each twice as wide as the one before, the open one from `top`."""
        return cls((0.0, *(top / 2.0 ** (count - 1 - k) for k in range(1, count))))

    @property
    def count(self) -> int:
        """K, how many."""
        return len(self.cutoffs)

    @cached_property
    def array(self) -> Array:
        """The cutoffs, float64[K]."""
        array = np.array(self.cutoffs)
        array.setflags(write=False)
        return array

    def rates(self, given: Any, what: str = "the schedule") -> Array:
        """A schedule, float64[K]; `InputError` unless it has one rate in [0, 1] for each bracket."""
        try:
            rates = np.array(given, dtype=np.float64)
        except (TypeError, ValueError):
            raise InputError(f"{what} must be {self.count} numbers, not {given!r:.80}") from None
        if rates.shape != (self.count,):
            raise InputError(
                f"{what} has {rates.size} rates for {self.count} brackets; expected one for each"
            )
        for k, rate in enumerate(rates.tolist()):
            if not (isfinite(rate) and 0 <= rate <= 1):
                raise InputError(
                    f"{what}: the rate of bracket {k + 1} is {rate:g}, expected a number from 0 to 1"
                )
        return rates

    def due(self, income: Any, rates: Any) -> Array:
        """T(z), what is due on incomes float64[...] under rates float64[K]; nothing on losses."""
        return _each(tax_due_of, income, self.rates(rates), self.array)

    def marginal(self, income: Any, rates: Any) -> Array:
        """The rate on the next coin of incomes float64[...]."""
        return _each(marginal_of, income, self.rates(rates), self.array)

    def bracket(self, income: Any) -> Array:
        """The bracket, from 0, of incomes float64[...]; -1 for losses."""
        return _each(bracket_of_each, income, self.array, self.array).astype(np.int64)


def fixed_schedule(brackets: Brackets, tax: str, rate: float, rates: Any) -> Array:
    """The rates of a tax system that never changes them, float64[K]: ``federal``, ``flat`` or ``fixed``; 0 for others."""
    if tax == "federal":
        if brackets.count != len(US_FEDERAL):
            raise InputError(
                f"tax=federal has {len(US_FEDERAL)} rates for {brackets.count} brackets; brackets=federal has one for each"
            )
        return brackets.rates(US_FEDERAL)
    if tax == "flat":
        return np.full(brackets.count, rate)
    if tax == "fixed":
        return brackets.rates(rates, "rates of tax=fixed")
    return np.zeros(brackets.count)


class Collected(NamedTuple):
    """What happened on a tax day, of n agents."""

    due: Array  # float64[n]
    paid: Array  # float64[n]: no more than there is in the inventory
    effective: Array  # float64[n]: paid over income
    lump_sum: float  # what everybody gets back
    inventory: Array  # float64[n]: coin afterwards


def collect(brackets: Brackets, rates: Any, income: Any, inventory: Any) -> Collected:
    """Collect taxes and give everybody an equal share.

    Parameters
    ----------
    brackets : Brackets
        Where brackets begin.
    rates : float64[K]
        The schedule.
    income : float64[n]
        Of the year, before taxes; it may be negative.
    inventory : float64[n]
        Coin in the inventory; what lies in escrow cannot be collected.
    """
    income, inventory = np.asarray(income, dtype=float), np.asarray(inventory, dtype=float)
    due = brackets.due(income, rates)
    paid = np.minimum(inventory, due)
    lump_sum = float(paid.sum() / len(paid))
    return Collected(due, paid, paid / np.maximum(1e-6, income), lump_sum, inventory - paid + lump_sum)


SOME_COIN = 1e-9
"""Less is rounding."""


def gaming(brackets: Brackets, rates: Any, incomes: Any) -> Array:
    """What an agent saved by spreading its income over years as it did, float64[n] from incomes float64[P, n].

    1 - sum over years of T(z_p) / (P T(mean z)): above 0 where alternating between years paid, which takes a stretch of
    the schedule whose rates fall; 0 where nothing would have been due, or no more than rounding (`SOME_COIN`).
    """
    incomes = np.asarray(incomes, dtype=float)
    paid = brackets.due(incomes, rates).sum(axis=0)
    smooth = len(incomes) * brackets.due(incomes.mean(axis=0), rates)
    return 1.0 - np.divide(paid, smooth, out=np.ones_like(paid), where=smooth > SOME_COIN)


def _each(kernel: Any, income: Any, rates: Array, cutoffs: Array) -> Array:
    income = np.asarray(income, dtype=np.float64)
    out = np.empty(income.size)
    kernel(income.ravel(), rates, cutoffs, out)
    return out.reshape(income.shape)


@njit(cache=True)
def tax_due_of(income: Any, rates: Any, cutoffs: Any, out: Any) -> None:
    """`tax_due` of each income float64[m]."""
    for i in range(income.shape[0]):
        out[i] = tax_due(income[i], rates, cutoffs)


@njit(cache=True)
def marginal_of(income: Any, rates: Any, cutoffs: Any, out: Any) -> None:
    """`marginal_rate` of each income float64[m]."""
    for i in range(income.shape[0]):
        out[i] = marginal_rate(income[i], rates, cutoffs)


@njit(cache=True)
def bracket_of_each(income: Any, rates: Any, cutoffs: Any, out: Any) -> None:
    """`bracket_of` each income float64[m]."""
    for i in range(income.shape[0]):
        out[i] = bracket_of(income[i], cutoffs)
