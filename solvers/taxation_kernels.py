"""Best responses to tax schedules, and welfare under them.

Letters: n workers in rising order of skill, K brackets, L levels of labour, S schedules.

Within a bracket the private gain from labour is concave, whatever happens in others: so the best level of labour there is one of
the two next to its unconstrained optimum, or an end of the bracket. It depends on that bracket's rate alone; other brackets'
rates only shift its value. Hence a worker's best response is the best of K candidates. The less labour wins where two levels are equally good, up to `TIE` of the largest income.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from games.stream_kernels import BARE

INVERSE_INCOME, EQUALITY = 0, 1
SMALL_SOCIETY = 30
TIE = 1e-13


@njit(**BARE)
def equality_of(area: Any, total: Any, n: Any) -> Any:
    """1 - Gini coefficient from the sum of cumulative sums of sorted coin, by the formula for that many workers."""
    if n < 2:
        return 1.0
    if n >= SMALL_SOCIETY:
        return 2.0 / (n + 1.0) * (area / (total + 1e-10))
    apart = 2.0 * ((n + 1.0) * total - 2.0 * area)
    return 1.0 - apart / (2.0 * n * total + 1e-10) / ((n - 1.0) / n)


@njit(**BARE)
def area_of(values: Any, room: Any) -> Any:
    """Sum of cumulative sums of values float64[n] in rising order, in which they nearly are."""
    n, area = values.shape[0], 0.0
    for i in range(n):
        value, j = values[i], i
        while j > 0 and room[j - 1] > value:
            room[j] = room[j - 1]
            j -= 1
        room[j] = value
    for i in range(n):
        area += (n - i) * room[i]
    return area


@njit(**BARE)
def respond(
    rates: Any,
    scales: Any,
    wage: Any,
    base: Any,
    hours: Any,
    costs: Any,
    cutoffs: Any,
    lows: Any,
    highs: Any,
    keep: Any,
    power: Any,
    tie: Any,
) -> Any:
    """A worker's best level of labour, and what is due on it.

    Without brackets the best level would be (base (1 - keep rate))^power, power = 1 / (delta - 1), no whole number;
    scales float64[K] are 1 - keep rate; brackets hold the levels lows int64[K] to highs.
    """
    best, chosen, below, due = -math.inf, 0, 0.0, 0.0
    for b in range(rates.shape[0]):
        low, high = lows[b], highs[b]
        if low <= high:
            star = base * scales[b]
            star = star if power == 1.0 else star**power
            first = high if star >= high else (low if star <= low else np.int64(star))
            last = first + 1 if low < star < high else first
            for level in range(first, last + 1):
                income = wage * hours[level]
                tax = below + rates[b] * (income - cutoffs[b])
                worth = income - keep * tax - costs[level]
                if worth > best + tie:
                    best, chosen, due = worth, level, tax
        if b + 1 < rates.shape[0]:
            below += rates[b] * (cutoffs[b + 1] - cutoffs[b])
    return chosen, due


@njit(**BARE)
def tax_on(income: Any, rates: Any, cutoffs: Any) -> Any:
    """What is due on an income that is not negative."""
    due, b = 0.0, 0
    while b + 1 < cutoffs.shape[0] and cutoffs[b + 1] <= income:
        due += rates[b] * (cutoffs[b + 1] - cutoffs[b])
        b += 1
    return due + rates[b] * (income - cutoffs[b])


@njit(**BARE)
def scale_all(rates: Any, keep: Any, scales: Any) -> None:
    """1 - keep rate of a schedule float64[K]."""
    for b in range(rates.shape[0]):
        scales[b] = 1.0 - keep * rates[b]


@njit(**BARE)
def respond_all(
    rates: Any,
    wages: Any,
    bases: Any,
    hours: Any,
    costs: Any,
    cutoffs: Any,
    lows: Any,
    highs: Any,
    keep: Any,
    power: Any,
    tie: Any,
    scales: Any,
    levels: Any,
) -> None:
    """Everybody's best response to each schedule float64[S, K] into levels int32[S, n]."""
    for s in range(rates.shape[0]):
        scale_all(rates[s], keep, scales)
        for i in range(wages.shape[0]):
            levels[s, i], _ = respond(
                rates[s],
                scales,
                wages[i],
                bases[i],
                hours,
                costs,
                cutoffs,
                lows[i],
                highs[i],
                keep,
                power,
                tie,
            )


@njit(**BARE)
def judge(weights: Any, weighted: Any, taxes: Any, total: Any, aim: Any, kept: Any, room: Any) -> Any:
    """Welfare from sums over workers: of weights, of weights times utility without the lump sum, of taxes, of incomes.

    For `EQUALITY` kept float64[n] is what everybody has without the lump sum.
    """
    n = kept.shape[0]
    share = taxes / n
    if aim == INVERSE_INCOME:
        return weighted / weights + share
    area = area_of(kept, room) + share * 0.5 * n * (n + 1.0)
    return equality_of(area, total, n) * total / n


@njit(**BARE)
def welfare_all(
    rates: Any,
    wages: Any,
    bases: Any,
    hours: Any,
    costs: Any,
    inverse: Any,
    cutoffs: Any,
    lows: Any,
    highs: Any,
    keep: Any,
    power: Any,
    tie: Any,
    aim: Any,
    given: Any,
    scales: Any,
    kept: Any,
    room: Any,
    out: Any,
) -> None:
    """Welfare float64[S] of schedules float64[S, K] at the levels of labour given int32[S, n], or best responses if it is empty.

    inverse float64[n, L] are the welfare weights 1 / max(income, 1).
    """
    for s in range(rates.shape[0]):
        scale_all(rates[s], keep, scales)
        weights, weighted, taxes, total = 0.0, 0.0, 0.0, 0.0
        for i in range(wages.shape[0]):
            if given.shape[0] > 0:
                level = np.int64(given[s, i])
                due = tax_on(wages[i] * hours[level], rates[s], cutoffs)
            else:
                level, due = respond(
                    rates[s],
                    scales,
                    wages[i],
                    bases[i],
                    hours,
                    costs,
                    cutoffs,
                    lows[i],
                    highs[i],
                    keep,
                    power,
                    tie,
                )
            income = wages[i] * hours[level]
            kept[i] = income - due
            total += income
            taxes += due
            weights += inverse[i, level]
            weighted += inverse[i, level] * (kept[i] - costs[level])
        out[s] = judge(weights, weighted, taxes, total, aim, kept, room)
