"""The Saez formula on a buffer of incomes and marginal rates, for loops over many economies.

Letters: M pairs, K brackets, k one of 100 equal bins of income up to where the open bracket begins; the 101st bin is what lies
above. Nothing is allocated: the caller gives `work` float64[4, 101], of which the rows afterwards are the shares of incomes p,
the welfare weights G, the local Pareto parameters a (nan where a bin is empty) and the marginal rates tau.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from games.stream_kernels import BARE

BINS = 100
SHARE, WEIGHT, TAIL, RATE = 0, 1, 2, 3
"""Rows of `work`."""
INVERSE_INCOME, UNIFORM = 0, 1
"""How much a coin counts: 1 / max(income, 1), or 1."""
KEPT = 0.98
"""Of the old estimate of the elasticity in the new one."""
FEWEST = 10
"""Pairs with a positive income and a rate below 1 that an estimate needs."""
_TINY = 1e-9


@njit(**BARE)
def remember(buffer: Any, count: Any, income: Any, rate: Any) -> Any:
    """Write a pair over the oldest of a ring float64[M, 2] of which `count` have ever been written; the new count."""
    place = count % buffer.shape[0]
    buffer[place, 0] = income
    buffer[place, 1] = rate
    return count + 1


@njit(**BARE)
def slope(pairs: Any, count: Any) -> Any:
    """The elasticity of income to 1 - rate, as the slope of ln z regressed on ln(1 - tau).

    Of the first `count` pairs (z, tau) float64[M, 2] those count that earned something and kept some of the next coin;
    nan where these are too few or their rates all alike.
    """
    used, mean_x, mean_y, mean_rate = 0, 0.0, 0.0, 0.0
    for i in range(count):
        if pairs[i, 0] > 0.0 and pairs[i, 1] < 1.0:
            used += 1
            mean_rate += pairs[i, 1]
            mean_x += math.log(max(1.0 - pairs[i, 1], _TINY))
            mean_y += math.log(max(pairs[i, 0], _TINY))
    if used < FEWEST:
        return np.nan
    mean_rate /= used
    mean_x /= used
    mean_y /= used
    variance, square, product = 0.0, 0.0, 0.0
    for i in range(count):
        if pairs[i, 0] > 0.0 and pairs[i, 1] < 1.0:
            x = math.log(max(1.0 - pairs[i, 1], _TINY)) - mean_x
            variance += (pairs[i, 1] - mean_rate) ** 2
            square += x * x
            product += x * (math.log(max(pairs[i, 0], _TINY)) - mean_y)
    if math.sqrt(variance / used) < 1e-6:
        return np.nan
    return product / square


@njit(**BARE)
def updated(old: Any, slope: Any) -> Any:
    """The running estimate of the elasticity after a regression; as it was if that found nothing (nan)."""
    return (1.0 - KEPT) * max(slope, 0.0) + KEPT * old if slope == slope else old


@njit(**BARE)
def worth(income: Any, weight_type: Any) -> Any:
    """The unnormalised welfare weight of an income."""
    return 1.0 if weight_type == UNIFORM else 1.0 / max(income, 1.0)


@njit(**BARE)
def bin_of(income: Any, top: Any, width: Any) -> Any:
    """Which bin [k width, (k + 1) width) an income in [0, top] is in; `top` itself is in the last."""
    if income >= top:
        return BINS - 1
    k: Any = np.int64(income / width)
    k = BINS - 1 if k >= BINS else k
    if income < k * width:  # rounding of the division
        k -= 1
    elif k < BINS - 1 and income >= (k + 1) * width:
        k += 1
    return k


@njit(**BARE)
def bin_incomes(pairs: Any, count: Any, weight_type: Any, top: Any, work: Any) -> Any:
    """Shares of incomes into work[SHARE], raw sums of welfare weights into work[WEIGHT]; returns the share of losses,
    their weight, and the mean income above `top` (0 if there is none)."""
    width = top / BINS
    for k in range(BINS + 1):
        work[SHARE, k] = work[WEIGHT, k] = 0.0
    losses, loss_weight, high_weight, high_sum, highs = 0, 0.0, 0.0, 0.0, 0
    for i in range(count):
        income = pairs[i, 0]
        if income < 0.0:
            losses += 1
            loss_weight += worth(0.0, weight_type)
        elif income > top:
            highs += 1
            high_sum += income
            high_weight += worth(income, weight_type)
        else:
            work[SHARE, bin_of(income, top, width)] += 1.0
    for k in range(BINS):
        work[WEIGHT, k] = work[SHARE, k] * worth((k + 0.5) * width, weight_type)
        work[SHARE, k] /= count
    work[WEIGHT, BINS] = high_weight
    work[SHARE, BINS] = highs / count
    return losses / count, loss_weight, high_sum / highs if highs > 0 else 0.0


@njit(**BARE)
def fill_weights(loss_weight: Any, work: Any) -> None:
    """G into work[WEIGHT]: the mean weight of those with this income and more, over everybody's; a bin's is that of its middle."""
    total = loss_weight + _TINY
    for k in range(BINS + 1):
        total += work[WEIGHT, k]
    density, above = 0.0, 0.0
    for k in range(BINS, -1, -1):
        density += work[WEIGHT, k] / total
        above += work[SHARE, k]
        work[WEIGHT, k] = density / (above + _TINY)
    for k in range(BINS):
        work[WEIGHT, k] = 0.5 * (work[WEIGHT, k] + work[WEIGHT, k + 1])


@njit(**BARE)
def fill_tails(loss_share: Any, high_mean: Any, top: Any, work: Any) -> None:
    """a = z f(z) / (1 - F(z)) into work[TAIL]; nan where a bin is empty, 0 for an empty open one."""
    width, below = top / BINS, loss_share
    for k in range(BINS):
        share = work[SHARE, k]
        below = below + share if k == 0 else min(max(below + share, 0.0), 1.0)
        if share == 0.0:
            work[TAIL, k] = np.nan
        else:
            rest = min(max(1.0 - below + 0.5 * share, 0.0), 1.0)
            work[TAIL, k] = (k + 0.5) * width * share / (rest + _TINY) / width
    work[TAIL, BINS] = high_mean / (high_mean - top + _TINY) if work[SHARE, BINS] > 0.0 else 0.0


@njit(**BARE)
def fill_rates(elasticity: Any, work: Any) -> None:
    """tau = (1 - G) / (1 - G + a e) into work[RATE]; empty bins lie on a line between their neighbours, from 0 at the left."""
    last, real = 0.0, -1
    for k in range(BINS + 1):
        gain = 1.0 - work[WEIGHT, k]
        rate = gain / (gain + work[TAIL, k] * elasticity + _TINY)
        work[RATE, k] = rate
        if rate == rate:  # a number
            step = (rate - last) / (k - real)
            for gap in range(real + 1, k):
                work[RATE, gap] = last + (gap - real) * step
            last, real = rate, k


@njit(**BARE)
def burden(income: Any, top: Any, work: Any) -> Any:
    """What is due on an income in [0, top] under the rates of the bins."""
    width, due = top / BINS, 0.0
    for k in range(BINS):
        due += work[RATE, k] * min(width, max(0.0, income - k * width))
    return max(due, 0.0)


@njit(**BARE)
def saez_schedule(
    pairs: Any,
    count: Any,
    elasticity: Any,
    fixed_elasticity: Any,
    weight_type: Any,
    cutoffs: Any,
    rate_min: Any,
    rate_max: Any,
    work: Any,
    out_rates: Any,
) -> Any:
    """A year's rates float64[K] from the first `count` >= 1 of pairs (income, marginal rate) float64[M, 2].

    Parameters
    ----------
    elasticity : float
        The running estimate so far; the new one is returned.
    fixed_elasticity : float
        Used in its place if it is a number.
    weight_type : int
        `INVERSE_INCOME` or `UNIFORM`.
    cutoffs : float64[K]
        Where brackets begin.
    rate_min, rate_max : float
        Rates are clipped to them.
    work : float64[4, 101]
        Room to work in; see the module's text.
    """
    last = cutoffs.shape[0] - 1
    top = cutoffs[last]
    estimate = updated(elasticity, slope(pairs, count))
    losses, loss_weight, high_mean = bin_incomes(pairs, count, weight_type, top, work)
    fill_weights(loss_weight, work)
    fill_tails(losses, high_mean, top, work)
    fill_rates(fixed_elasticity if fixed_elasticity == fixed_elasticity else estimate, work)
    before = 0.0
    for k in range(last):
        due = burden(cutoffs[k + 1], top, work)
        rate = (due - before) / (cutoffs[k + 1] - cutoffs[k])
        out_rates[k] = min(max(rate, rate_min), rate_max)
        before = due
    out_rates[last] = min(max(work[RATE, BINS], rate_min), rate_max)
    return estimate
