"""Taxes, utilities and welfare of an economy as functions of single numbers and short arrays, for loops over many.

Letters: n agents, K brackets. Brackets begin at ``cutoffs`` float64[K], the first at 0; the last is open.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from games.stream_kernels import BARE

SMALL_SOCIETY = 30
"""Smaller societies have their Gini coefficient computed over all pairs."""


@njit(**BARE)
def bracket_of(income: Any, cutoffs: Any) -> Any:
    """The bracket of an income, cutoff <= income < next cutoff; -1 below 0."""
    b = -1
    for k in range(cutoffs.shape[0]):
        if income >= cutoffs[k]:
            b = k
    return b


@njit(**BARE)
def marginal_rate(income: Any, rates: Any, cutoffs: Any) -> Any:
    """The rate on the next coin; 0 below 0."""
    b = bracket_of(income, cutoffs)
    return rates[b] if b >= 0 else 0.0


@njit(**BARE)
def tax_due(income: Any, rates: Any, cutoffs: Any) -> Any:
    """T(z) = sum over brackets of rate times the income in it."""
    due, last = 0.0, cutoffs.shape[0] - 1
    for k in range(last + 1):
        inside = max(0.0, income - cutoffs[k])
        if k < last:
            inside = min(inside, cutoffs[k + 1] - cutoffs[k])
        due += rates[k] * inside
    return due


@njit(**BARE)
def isoelastic(coin: Any, labour: Any, eta: Any, cost: Any) -> Any:
    """u = (c^(1 - eta) - 1) / (1 - eta) - cost * labour."""
    return (coin ** (1.0 - eta) - 1.0) / (1.0 - eta) - cost * labour


@njit(**BARE)
def gini(coin: Any, order: Any) -> Any:
    """The Gini coefficient of coin float64[n], 1 if one agent owns all; ``order`` float64[n] is room to sort in.

    With 30 agents and more it is the reference's other formula, 1 - 2 / (n + 1) sum of the Lorenz curve, which is
    (n - 1) / (n + 1) times the former.
    """
    n = coin.shape[0]
    total = 0.0
    for i in range(n):
        total += coin[i]
    if n < SMALL_SOCIETY:
        if n < 2:
            return 0.0
        apart = 0.0
        for i in range(n):
            for j in range(n):
                apart += abs(coin[i] - coin[j])
        return apart / (2.0 * n * total + 1e-10) / ((n - 1.0) / n)
    for i in range(n):  # insertion sort: orders hardly change from step to step
        value, j = coin[i], i
        while j > 0 and order[j - 1] > value:
            order[j] = order[j - 1]
            j -= 1
        order[j] = value
    running, area = 0.0, 0.0
    for i in range(n):
        running += order[i]
        area += running / (total + 1e-10)
    return 1.0 - 2.0 / (n + 1.0) * area


@njit(**BARE)
def equality_times_productivity(coin: Any, order: Any, weight: Any) -> Any:
    """(weight * equality + 1 - weight) times the mean of coin float64[n]."""
    total = 0.0
    for i in range(coin.shape[0]):
        total += coin[i]
    equality = 1.0 - gini(coin, order)
    return (weight * equality + 1.0 - weight) * total / coin.shape[0]


@njit(**BARE)
def inverse_income_weighted(values: Any, incomes: Any) -> Any:
    """Mean of values float64[n] with weights 1 / max(income, 1) that sum to 1."""
    total, weighted = 0.0, 0.0
    for i in range(values.shape[0]):
        weight = 1.0 / max(incomes[i], 1.0)
        total += weight
        weighted += weight * values[i]
    return weighted / total


@njit(**BARE)
def cap_on_rates(episodes: Any, warmup: Any, slope: Any, final: Any) -> Any:
    """The highest rate allowed after so many completed episodes: final * clip(slope (episodes - warmup), 0, 1)."""
    return final * min(max(slope * (episodes - warmup), 0.0), 1.0)


@njit(**BARE)
def labour_weight(integrator: Any, constant: Any) -> Any:
    """How much of the cost of labour counts: 1 - exp(-k / constant), k the steps at which agents were paid on average."""
    return 1.0 - math.exp(-integrator / constant)
