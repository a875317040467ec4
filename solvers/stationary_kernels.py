"""Numba kernels for stationary laws of Markov chains given by transition rates, free of subtractions."""

from __future__ import annotations

import numpy as np
from numba import njit

from games.simplices import Float


@njit(cache=True)
def eliminate(rates: Float, law: Float) -> bool:
    """Stationary law of the chain with off-diagonal `rates` float64[n, n] (overwritten) into `law`.

    Grassmann, Taksar and Heyman (1985): censor the states from the last to the first. Without subtractions every entry
    has full relative accuracy, however small the rates. False when some state cannot reach a lower one.
    """
    n = rates.shape[0]
    for k in range(n - 1, 0, -1):
        total = 0.0
        for j in range(k):
            total += rates[k, j]
        if not total > 0.0:
            return False
        out = rates[k, :k]
        for i in range(k):
            share = rates[i, k] / total
            rates[i, k] = share
            if share > 0.0:
                row = rates[i, :k]
                for j in range(k):
                    row[j] += share * out[j]
    law[0] = 1.0
    total = 1.0
    for k in range(1, n):
        mass = 0.0
        for i in range(k):
            mass += law[i] * rates[i, k]
        law[k] = mass
        total += mass
    for k in range(n):
        law[k] /= total
    return bool(np.isfinite(total))


@njit(cache=True)
def _log_add(x: float, y: float) -> float:
    if x < y:
        x, y = y, x
    return x if y == -np.inf else x + np.log1p(np.exp(y - x))


@njit(cache=True)
def eliminate_log(rates: Float, law: Float) -> bool:
    """As `eliminate`, from logarithms of rates (-inf for none), which may lie far below the smallest float."""
    n = rates.shape[0]
    for k in range(n - 1, 0, -1):
        total = -np.inf
        for j in range(k):
            total = _log_add(total, rates[k, j])
        if total == -np.inf:
            return False
        for i in range(k):
            share = rates[i, k] - total
            rates[i, k] = share
            if share > -np.inf:
                for j in range(k):
                    if j != i and rates[k, j] > -np.inf:
                        rates[i, j] = _log_add(rates[i, j], share + rates[k, j])
    law[0] = 0.0
    top = 0.0
    for k in range(1, n):
        mass = -np.inf
        for i in range(k):
            mass = _log_add(mass, law[i] + rates[i, k])
        law[k] = mass
        top = max(top, mass)
    total = 0.0
    for k in range(n):
        law[k] = np.exp(law[k] - top)
        total += law[k]
    for k in range(n):
        law[k] /= total
    return True
