"""The Saez formula: the schedule that would be best if everybody answered to rates with one elasticity.

Source: Saez (2001), Using Elasticities to Derive Optimal Income Tax Rates, Review of Economic Studies 68, in the binned form of
Zheng et al. (2022), "The AI Economist", Science Advances 8(18), whose simulation estimates the elasticity from the last
incomes (after Gruber and Saez 2002). tau(z) = (1 - G(z)) / (1 - G(z) + a(z) e): G(z) is the mean welfare weight of those who
earn z and more, a(z) = z f(z) / (1 - F(z)) the local Pareto parameter, e the elasticity of income to 1 - tau.

Two ways of it to know: an empty open bracket gets rate 1, which also pulls up empty bins below it; and welfare weights are held
fixed although they change with incomes, so that it need not find the best schedule of an economy that is small or coarse.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from games.errors import InputError
from games.sims import economy_saez_kernels as kernels
from games.sims.economy_taxes import Brackets

Array = npt.NDArray[Any]
Weights = Literal["inverse-income", "uniform"]
"""How much a coin counts: 1 / max(income, 1), or the same for all."""
BUFFER = 500
"""Pairs that are kept, and that there must be before the formula is used."""
FIRST_ELASTICITY = 0.5
"""The estimate before anything was seen."""


class SaezSchedule(NamedTuple):
    """A schedule and what it was made of; bins are 100 equal ones up to the last cutoff and the open one."""

    rates: Array  # float64[K]: one per bracket
    elasticity: float  # the running estimate; where a fixed one was given, the rates are not from it
    weights: Array  # float64[101]: G of each bin
    tails: Array  # float64[101]: a of each bin, nan where it is empty
    marginal: Array  # float64[101]: tau of each bin


def saez(
    brackets: Brackets,
    incomes: Any,
    marginal_rates: Any,
    *,
    elasticity: float = FIRST_ELASTICITY,
    fixed: float | None = None,
    weights: Weights = "inverse-income",
    lowest: float = 0.0,
    highest: float = 1.0,
) -> SaezSchedule:
    """The schedule of the Saez formula.

    Parameters
    ----------
    brackets : Brackets
        Where brackets begin.
    incomes, marginal_rates : float64[M]
        Incomes before taxes and the rates on their next coin, of at least one year of one agent.
    elasticity : float
        The running estimate so far, of which 0.98 is kept.
    fixed : float, optional
        An elasticity to use instead.
    weights : {"inverse-income", "uniform"}
        Welfare weights.
    lowest, highest : float
        Rates are clipped to them.

    Raises
    ------
    InputError
        If there are no incomes, or numbers are not finite or out of range.

    Examples
    --------
    >>> even = saez(Brackets.linear(2, 100.0), [50.0] * 20, [0.2] * 20, fixed=1.0, weights="uniform")
    >>> [round(float(rate), 6) for rate in even.rates], even.elasticity
    ([0.247488, 1.0], 0.5)
    """
    pairs = _pairs(incomes, marginal_rates)
    if weights not in get_args(Weights):
        raise InputError(f"welfare weights are inverse-income or uniform, not {weights!r:.40}")
    for name, value in (("elasticity", elasticity), ("fixed elasticity", fixed)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise InputError(f"the {name} must be a number from 0 on, not {value:g}")
    if not 0 <= lowest <= highest <= 1:
        raise InputError(f"rates are clipped to a range within 0 to 1, not {lowest:g} to {highest:g}")
    work, rates = np.empty((4, kernels.BINS + 1)), np.empty(brackets.count)
    kind = kernels.UNIFORM if weights == "uniform" else kernels.INVERSE_INCOME
    known = math.nan if fixed is None else float(fixed)
    found = kernels.saez_schedule(
        pairs,
        len(pairs),
        float(elasticity),
        known,
        kind,
        brackets.array,
        float(lowest),
        float(highest),
        work,
        rates,
    )
    return SaezSchedule(rates, float(found), work[kernels.WEIGHT], work[kernels.TAIL], work[kernels.RATE])


def estimate_elasticity(incomes: Any, marginal_rates: Any) -> float:
    """The elasticity of income to 1 - rate of one batch of pairs by itself: the slope of ln z on ln(1 - tau), at least 0.

    `InputError` where fewer than 10 earned something at a rate below 1, or all rates are alike: then nothing can be said.
    """
    pairs = _pairs(incomes, marginal_rates)
    found = kernels.slope(pairs, len(pairs))
    if math.isnan(found):
        raise InputError("an elasticity needs at least 10 positive incomes at rates below 1 that differ")
    return max(float(found), 0.0)


def _pairs(incomes: Any, marginal_rates: Any) -> Array:
    try:
        income, rate = np.asarray(incomes, dtype=np.float64), np.asarray(marginal_rates, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("incomes and marginal rates are two lists of numbers of equal length") from None
    if income.ndim != 1 or income.shape != rate.shape or not income.size:
        raise InputError(
            f"incomes and marginal rates are two lists of equal length, at least 1, not of shapes {income.shape} and {rate.shape}"
        )
    if not np.isfinite(income).all() or not ((rate >= 0) & (rate <= 1)).all():
        raise InputError("incomes must be finite numbers and marginal rates numbers from 0 to 1")
    return np.ascontiguousarray(np.stack([income, rate], axis=1))
