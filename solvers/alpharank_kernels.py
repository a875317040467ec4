"""Numba kernels of alpha-rank's Markov chain over pure profiles: sweeps towards its stationary law, and its metastable classes.

States are pure profiles in C order. Only unilateral moves have positive rates, so the chain is a table
`inflow` float64[S, sum(A)]: entry [s, (i, a)] is the rate from the state that differs from s in player i playing a, into s
(zero at player i's own action in s). All rates out of a state are divided by the largest of them, so the stationary law
of the table is that of the chain with each state's mass multiplied by that largest rate.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from games.simplices import Float, Int


@njit(cache=True)
def arriving(state: int, shape: Int, inflow: Float, law: Float) -> float:
    """Total flow into one state under `law`."""
    total = 0.0
    row = inflow[state]
    column = row.size
    step = 1
    for i in range(shape.size - 1, -1, -1):
        size = shape[i]
        column -= size
        first = state - (state // step) % size * step
        for b in range(size):
            total += row[column + b] * law[first + b * step]
        step *= size
    return total


@njit(cache=True)
def settle(
    order: Int, shape: Int, inflow: Float, outflow: Float, tolerance: float, sweeps: int, law: Float
) -> int:
    """Gauss-Seidel sweeps over the states in `order`, the others' mass fixed; returns the sweeps made, -1 if too few.

    Stops when no state's mass changes by more than `tolerance` of itself, or by ten times that at the floor of rounding.
    """
    earlier = np.inf
    for k in range(sweeps):
        worst = 0.0
        for j in range(order.size):
            s = order[j]
            mass = arriving(s, shape, inflow, law) / outflow[s]
            if mass > 1e-280:
                worst = max(worst, abs(mass - law[s]) / mass)
            law[s] = mass
        if order.size == law.size:
            law /= law.sum()
        if worst <= tolerance:
            return k + 1
        if k % 20 == 19:
            if worst <= 10.0 * tolerance and worst > 0.5 * earlier:
                return k + 1
            earlier = worst
    return -1


@njit(cache=True)
def absorb(
    order: Int, shape: Int, inflow: Float, outflow: Float, tolerance: float, sweeps: int, hits: Float
) -> int:
    """Probabilities `hits` float64[S, K] of reaching each class first, from the states in `order`.

    Rows of the classes' states are given (unit vectors). Gauss-Seidel, stopping on relative change like `settle`.
    """
    classes = hits.shape[1]
    fresh = np.empty(classes)
    for k in range(sweeps):
        worst = 0.0
        for j in range(order.size):
            s = order[j]
            fresh[:] = 0.0
            column = inflow.shape[1]
            step = 1
            for i in range(shape.size - 1, -1, -1):
                size = shape[i]
                column -= size
                own = (s // step) % size
                first = s - own * step
                for b in range(size):
                    t = first + b * step
                    rate = inflow[t, column + own]
                    if rate > 0.0:
                        row = hits[t]
                        for c in range(classes):
                            fresh[c] += rate * row[c]
                step *= size
            mine = hits[s]
            scale = 1.0 / outflow[s]
            for c in range(classes):
                value = fresh[c] * scale
                if value > 1e-290:
                    worst = max(worst, abs(value - mine[c]) / value)
                mine[c] = value
        if worst <= tolerance:
            return k + 1
    return -1


@njit(cache=True)
def _next_strong(
    s: int,
    column: int,
    threshold: float,
    shape: Int,
    steps: Int,
    starts: Int,
    inflow: Float,
    index: Int,
    low: int,
    component: Int,
) -> tuple[int, int]:
    """The next move out of `s`, at table column `column` or later, that is strong and tells the search anything.

    Returns its column and target, or -1, -1. Moves to settled states, or no lower than `low`, are passed over unread.
    """
    players = shape.size
    i = 0
    while i < players - 1 and starts[i + 1] <= column:
        i += 1
    while i < players:
        own = (s // steps[i]) % shape[i]
        first = s - own * steps[i]
        for b in range(max(column - starts[i], 0), shape[i]):
            t = first + b * steps[i]
            if index[t] >= 0 and (component[t] >= 0 or index[t] >= low):
                continue
            if b != own and inflow[t, starts[i] + own] > threshold:
                return starts[i] + b, t
        i += 1
        if i < players:
            column = starts[i]
    return -1, -1


@njit(cache=True)
def strong_components(shape: Int, inflow: Float, threshold: Float, component: Int) -> int:
    """Strongly connected components of the moves with rates above `threshold` float64[S] (Tarjan 1972, iterative); their number.

    Components are numbered so that moves lead from higher to lower numbers.
    """
    states, players = component.size, shape.size
    steps, starts = np.ones(players, dtype=np.int64), np.zeros(players, dtype=np.int64)
    for i in range(players - 2, -1, -1):
        steps[i] = steps[i + 1] * shape[i + 1]
    for i in range(1, players):
        starts[i] = starts[i - 1] + shape[i - 1]
    index, low = np.full(states, -1, dtype=np.int64), np.zeros(states, dtype=np.int64)
    stack, path = np.empty(states, dtype=np.int64), np.empty(states, dtype=np.int64)
    column = np.zeros(states, dtype=np.int64)
    component[:] = -1
    stacked, clock, found = 0, 0, 0
    for root in range(states):
        if index[root] >= 0:
            continue
        path[0] = root
        depth = 1
        index[root] = low[root] = clock
        clock += 1
        stack[stacked] = root
        stacked += 1
        while depth > 0:
            s = path[depth - 1]
            move, t = _next_strong(
                s, column[s], threshold[s], shape, steps, starts, inflow, index, low[s], component
            )
            if move >= 0:
                column[s] = move + 1
                if index[t] < 0:
                    index[t] = low[t] = clock
                    clock += 1
                    stack[stacked] = t
                    stacked += 1
                    path[depth] = t
                    depth += 1
                elif component[t] < 0:
                    low[s] = min(low[s], index[t])
                continue
            if low[s] == index[s]:
                while True:
                    stacked -= 1
                    component[stack[stacked]] = found
                    if stack[stacked] == s:
                        break
                found += 1
            depth -= 1
            if depth > 0:
                low[path[depth - 1]] = min(low[path[depth - 1]], low[s])
    return found


@njit(cache=True)
def sinks(shape: Int, inflow: Float, threshold: Float, component: Int, found: int) -> Int:
    """Whether each component keeps its mass: bool as int64[found], 1 when no move above `threshold` leaves it."""
    closed = np.ones(found, dtype=np.int64)
    step = 1
    column = inflow.shape[1]
    for i in range(shape.size - 1, -1, -1):
        size = shape[i]
        column -= size
        for t in range(component.size):
            own = (t // step) % size
            for b in range(size):
                s = t + (b - own) * step
                if inflow[t, column + b] > threshold[s] and component[s] != component[t]:
                    closed[component[s]] = 0
        step *= size
    return closed


@njit(cache=True)
def class_rates(label: Int, classes: int, law: Float, shape: Int, inflow: Float, hits: Float) -> Float:
    """Logarithms of the rates between metastable classes, excursions through the other states included.

    `label` is the class of each state, -1 for none; `law` says how mass is spread within a class.
    """
    rates, masses = np.zeros((classes, classes)), np.zeros(classes)
    for s in range(label.size):
        k = label[s]
        if k < 0:
            continue
        masses[k] += law[s]
        step = 1
        column = inflow.shape[1]
        for i in range(shape.size - 1, -1, -1):
            size = shape[i]
            column -= size
            own = (s // step) % size
            for b in range(size):
                t = s + (b - own) * step
                if b != own and label[t] != k:
                    flow = inflow[t, column + own] * law[s]
                    for c in range(classes):
                        if hits[t, c] > 1e-290:  # below, digits are lost: no rate is better than a wrong one
                            rates[k, c] += flow * hits[t, c]
            step *= size
    logs = np.full((classes, classes), -np.inf)
    for k in range(classes):
        for c in range(classes):
            if rates[k, c] > 1e-290 and masses[k] > 0.0:
                logs[k, c] = math.log(rates[k, c]) - math.log(masses[k])
    return logs


@njit(cache=True)
def rescale(label: Int, masses: Float, law: Float) -> float:
    """Give each class its mass, the shares within it kept; the largest relative change of a class's share."""
    before = np.zeros(masses.size)
    for s in range(label.size):
        if label[s] >= 0:
            before[label[s]] += law[s]
    total = before.sum()
    worst = 0.0
    for k in range(masses.size):
        if masses[k] > 1e-290:
            worst = max(worst, abs(before[k] / total - masses[k]) / masses[k])
    for s in range(label.size):
        if label[s] >= 0:
            law[s] *= masses[label[s]] / before[label[s]] * total
    return worst
