"""Best responses to a tax schedule by looking at every level of labour. Nothing is allocated."""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from games.stream_kernels import BARE


@njit(**BARE)
def best_level(rates: Any, wage: Any, hours: Any, costs: Any, cutoffs: Any, keep: Any, tie: Any) -> Any:
    """The least of the best levels of labour under a schedule float64[K]: what w l - keep T(w l) - cost is largest at."""
    best, chosen, b, below = -math.inf, 0, 0, 0.0
    for level in range(hours.shape[0]):
        income = wage * hours[level]
        while b + 1 < cutoffs.shape[0] and cutoffs[b + 1] <= income:
            below += rates[b] * (cutoffs[b + 1] - cutoffs[b])
            b += 1
        worth = income - keep * (below + rates[b] * (income - cutoffs[b])) - costs[level]
        if worth > best + tie:
            best, chosen = worth, level
    return chosen


@njit(**BARE)
def respond(
    rates: Any,
    wages: Any,
    hours: Any,
    costs: Any,
    cutoffs: Any,
    keep: Any,
    tie: Any,
    mask: Any,
    out: Any,
) -> None:
    """Levels int32[B, n] under schedules float64[B, n, K] at wages float64[B, n]; 0 where mask bool[B, n, L] forbids labour."""
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            out[b, i] = 0
            if mask[b, i, mask.shape[2] - 1]:
                out[b, i] = best_level(rates[b, i], wages[b, i], hours, costs, cutoffs, keep, tie)
