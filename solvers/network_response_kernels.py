"""Compiled best responses to Bayesian-network policies in Markov games. Letters as in `solvers.network_kernels`."""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from solvers.kernel_options import BARE
from solvers.network_kernels import dot

ROUNDING = 32 * 2.0**-52
"""Changes of a value by less than this share of it may be rounding."""


@njit(**BARE)
def forced_cell(j: int, told: Any, i: int, strides: Any, counts: Any) -> int:
    """The number of (parents' actions, own action) of agent i in joint action j; told bool[n, n] is the graph."""
    cell = 0
    for m in range(counts.shape[0]):
        if told[m, i]:
            cell = cell * counts[m] + (j // strides[m]) % counts[m]
    return cell * counts[i] + (j // strides[i]) % counts[i]


@njit(**BARE)
def play_of_others(factors: Any, i: int, k: int, j: int) -> float:
    """w_i of (7): probability that all but agent i play their part of joint action j; factors float64[n, K, J]."""
    p = 1.0
    for m in range(factors.shape[0]):
        if m != i:
            p *= factors[m, k, j]
    return p


@njit(**BARE)
def forced_process(
    factors: Any,
    graphs: Any,
    i: int,
    strides: Any,
    counts: Any,
    reward: Any,
    transition: Any,
    gains: Any,
    moves: Any,
) -> None:
    """What agent i faces in a discounted game: gains float64[S, M] and moves float64[S, M, S] by cell (see `forced_cell`).

    Both are weighted by the probability of the parents' actions; graphs bool[S, n, n]; reward float64[S, J].
    """
    for s in range(gains.shape[0]):
        for cell in range(gains.shape[1]):
            gains[s, cell] = 0.0
            for z in range(gains.shape[0]):
                moves[s, cell, z] = 0.0
        for j in range(reward.shape[1]):
            p = play_of_others(factors, i, s, j)
            cell = forced_cell(j, graphs[s], i, strides, counts)
            gains[s, cell] += p * reward[s, j]
            for z in range(gains.shape[0]):
                moves[s, cell, z] += p * transition[s, j, z]


@njit(**BARE)
def iterate_values(
    gains: Any, moves: Any, cells: Any, count: int, discount: float, target: float, worth: Any, fresh: Any
) -> Any:
    """One chunk of sweeps of (7), as many as fresh float64[X, S] has rows; returns the error of worth, and if that will do.

    With changes between low and high in a sweep, the fixed point is between discount / (1 - discount) times low and times high
    above what the sweep gave (MacQueen 1966), hence never further than that factor times the largest change. Stops, and sets
    worth to the middle, when that leaves an error of at most `target` or what rounding allows. cells int64[S]: how many cells
    a state has, in rows of `count` actions.
    """
    ahead, error = discount / (1.0 - discount), math.inf
    for x in range(fresh.shape[0]):
        low, high, largest = math.inf, -math.inf, 0.0
        for s in range(worth.shape[0]):
            total = 0.0
            for row in range(0, cells[s], count):
                best = -math.inf
                for cell in range(row, row + count):
                    best = max(best, gains[s, cell] + discount * dot(moves[s, cell], worth))
                total += best
            fresh[x, s] = total
            low, high = min(low, total - worth[s]), max(high, total - worth[s])
            largest = max(largest, abs(total))
        error = 0.5 * ahead * (high - low)
        ends = error <= max(target, ahead * ROUNDING * largest)
        middle = 0.5 * ahead * (high + low) if ends else 0.0
        for s in range(worth.shape[0]):
            worth[s] = fresh[x, s] + middle
        if ends:
            return error, True
    return error, False


@njit(**BARE)
def best_by_stages(
    factors: Any,
    graphs: Any,
    i: int,
    strides: Any,
    counts: Any,
    reward: Any,
    transition: Any,
    worth: Any,
    cells: Any,
) -> None:
    """(7) over a finite horizon, by backward induction: worth float64[T * S]; cells float64[M] is workspace."""
    states, last = transition.shape[0], worth.shape[0]
    for k in range(last - 1, -1, -1):
        s, after, used = k % states, k - k % states + states, 0
        for cell in range(cells.shape[0]):
            cells[cell] = 0.0
        for j in range(reward.shape[1]):
            ahead = reward[s, j]
            if after < last:
                for z in range(states):
                    ahead += transition[s, j, z] * worth[after + z]
            cell = forced_cell(j, graphs[k], i, strides, counts)
            cells[cell] += play_of_others(factors, i, k, j) * ahead
            used = max(used, cell + 1)
        total = 0.0
        for row in range(0, used, counts[i]):
            best = cells[row]
            for cell in range(row + 1, row + counts[i]):
                best = max(best, cells[cell])
            total += best
        worth[k] = total
