"""Numba kernels of alpha-rank's transition rates: fixation probabilities, and the tables and matrices made of them.

See `alpharank_kernels` for the layout of the table.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from games.simplices import Float, Int


@njit(cache=True)
def fixation(
    advantage: float, alpha: float, population: float, better: float, worse: float, tie: float
) -> float:
    """Probability that one mutant with this payoff advantage takes over; with infinite alpha one of three constants."""
    if math.isinf(alpha):
        return better if advantage > 0.0 else (worse if advantage < 0.0 else tie)
    z = alpha * advantage
    if abs(z) * population < 1e-12:
        return (1.0 + 0.5 * z * (population - 1.0)) / population
    if z > 0.0:
        return math.expm1(-z) / math.expm1(-population * z)
    # both exponents are positive: divide numerator and denominator by exp(-population z)
    return math.exp((population - 1.0) * z) * math.expm1(z) / math.expm1(population * z)


@njit(cache=True)
def log_fixation(advantage: float, alpha: float, population: float, better: float, worse: float) -> float:
    """Logarithm of `fixation` (ties 1/2), also where that is below the smallest float."""
    z = alpha * advantage
    if math.isinf(alpha) or z * population > -50.0:
        return math.log(fixation(advantage, alpha, population, better, worse, 0.5))
    return (population - 1.0) * z + math.log(-math.expm1(z))


@njit(cache=True)
def best_gains(flat: Float, shape: Int, gains: Float) -> None:
    """The largest payoff advantage among the moves out of each state."""
    gains[:] = -np.inf
    step = 1
    for i in range(shape.size - 1, -1, -1):
        size = shape[i]
        payoff = flat[i]
        for high in range(0, flat.shape[1], size * step):
            for low in range(step):
                first = high + low
                top, second = first, -1
                for a in range(1, size):
                    t = first + a * step
                    if payoff[t] > payoff[top]:
                        top, second = t, top
                    elif second < 0 or payoff[t] > payoff[second]:
                        second = t
                for a in range(size):
                    t = first + a * step
                    if t != top:
                        gains[t] = max(gains[t], payoff[top] - payoff[t])
                    elif second >= 0:
                        gains[t] = max(gains[t], payoff[second] - payoff[t])
        step *= size


@njit(cache=True)
def fill_rates(
    flat: Float,
    shape: Int,
    alpha: float,
    population: float,
    better: float,
    worse: float,
    inflow: Float,
    outflow: Float,
    scales: Float,
) -> None:
    """Fill the table of rates, each state's divided by its largest: `scales` gets the logarithms of those.

    So no state's way out underflows, however unlikely; `outflow` gets the sums of the scaled rates.
    """
    best_gains(flat, shape, scales)
    inverse = np.empty(scales.size)
    for s in range(scales.size):
        scales[s] = log_fixation(scales[s], alpha, population, better, worse)
        inverse[s] = math.exp(-scales[s]) if scales[s] > -600.0 else 0.0
    outflow[:] = 0.0
    step = 1
    column = inflow.shape[1]
    for i in range(shape.size - 1, -1, -1):
        size = shape[i]
        column -= size
        payoff = flat[i]
        for high in range(0, flat.shape[1], size * step):
            for low in range(step):
                first = high + low
                for a in range(size):
                    s = first + a * step
                    for b in range(size):
                        t = first + b * step
                        rate = 0.0
                        if a != b:
                            gain = payoff[s] - payoff[t]
                            if inverse[t] > 0.0:
                                rate = fixation(gain, alpha, population, better, worse, 0.5) * inverse[t]
                            else:
                                rate = math.exp(
                                    log_fixation(gain, alpha, population, better, worse) - scales[t]
                                )
                            outflow[t] += rate
                        inflow[s, column + b] = rate
        step *= size


@njit(cache=True)
def dense_rates(shape: Int, inflow: Float) -> Float:
    """The rates as a matrix float64[S, S], from row to column."""
    states = inflow.shape[0]
    rates = np.zeros((states, states))
    step = 1
    column = inflow.shape[1]
    for i in range(shape.size - 1, -1, -1):
        size = shape[i]
        column -= size
        for t in range(states):
            own = (t // step) % size
            for b in range(size):
                if b != own:
                    rates[t + (b - own) * step, t] = inflow[t, column + b]
        step *= size
    return rates


@njit(cache=True)
def dense_log_rates(
    flat: Float, shape: Int, alpha: float, population: float, better: float, worse: float
) -> Float:
    """Logarithms of the rates as a matrix float64[S, S], from row to column, -inf for none."""
    states = flat.shape[1]
    rates = np.full((states, states), -np.inf)
    step = 1
    for i in range(shape.size - 1, -1, -1):
        size = shape[i]
        for s in range(states):
            own = (s // step) % size
            for b in range(size):
                if b != own:
                    t = s + (b - own) * step
                    rates[s, t] = log_fixation(flat[i, t] - flat[i, s], alpha, population, better, worse)
        step *= size
    return rates


@njit(cache=True)
def single_log_rates(matrix: Float, alpha: float, population: int, loss: float, balanced: bool) -> Float:
    """Logarithms of the rates between monomorphic states of one population; those at infinite alpha when it is.

    With k mutants r among m - k residents s the payoffs are f_r(k) = ((k - 1) M_rr + (m - k) M_rs) / (m - 1) and
    f_s(k) = (k M_sr + (m - k - 1) M_ss) / (m - 1); the fixation probability of one mutant is
    1 / (1 + sum_l prod_{k <= l} exp(-alpha (f_r(k) - f_s(k)))).
    """
    size = matrix.shape[0]
    rates = np.full((size, size), -np.inf)
    m = float(population)
    for s in range(size):
        for r in range(size):
            if r == s:
                continue
            if math.isinf(alpha):
                gap = matrix[r, s] - matrix[s, r]
                gain = 1.0 - loss if balanced else 1.0
                rates[s, r] = math.log(gain if gap > 0.0 else (loss if gap < 0.0 else 0.5))
                continue
            exponent, total = 0.0, 0.0  # logarithms of the product and of the sum
            for k in range(1, population):
                mutant = (k - 1) * matrix[r, r] + (m - k) * matrix[r, s]
                resident = k * matrix[s, r] + (m - k - 1) * matrix[s, s]
                exponent -= alpha * (mutant - resident) / (m - 1.0)
                total = np.logaddexp(total, exponent)
            rates[s, r] = -total
    return rates
