"""Kernels of counterfactual regret minimisation on the sequence form.

One update of a player is three sweeps over flat arrays: the gradient of its sequences against the others' plans, a
backward sweep over its information sets that turns it into counterfactual values, updates regrets and matches them,
and a forward sweep that makes the new plan. Nothing is per node, and chance is folded into the entries.
"""

from __future__ import annotations

from typing import Any

import numba as nb

from solvers.kernel_options import BARE
from solvers.sequence_kernels import best_up, gradient, plan

_TINY = 1e-300
"""Sums of regrets below this may have no finite reciprocal."""


@nb.njit(**BARE)
def learn(
    first: Any,
    size: Any,
    before: Any,
    g: Any,
    strategy: Any,
    regret: Any,
    start: int,
    stop: int,
    keep_positive: float,
    keep_negative: float,
) -> None:
    """Add instantaneous regrets, scale them by their sign and match what is positive.

    Factors (1, 1) are CFR (Zinkevich et al. 2007), (1, 0) CFR+ (Tammelin 2014), others discounted CFR (Brown and
    Sandholm 2019).
    """
    for k in range(stop - 1, start - 1, -1):
        low, high = first[k], first[k] + size[k]
        value = 0.0
        for s in range(low, high):
            value += strategy[s] * g[s]
        g[before[k]] += value
        total = 0.0
        for s in range(low, high):
            r = regret[s] + (g[s] - value)
            r *= keep_positive if r > 0.0 else keep_negative
            regret[s] = r
            total += max(r, 0.0)
        if total > _TINY:
            scale = 1.0 / total
            for s in range(low, high):
                strategy[s] = max(regret[s], 0.0) * scale
        elif total > 0.0:
            for s in range(low, high):
                strategy[s] = max(regret[s], 0.0) / total
        else:
            for s in range(low, high):
                strategy[s] = 1.0 / size[k]


@nb.njit(**BARE)
def learn_predictive(
    first: Any, size: Any, before: Any, g: Any, strategy: Any, regret: Any, start: int, stop: int
) -> None:
    """CFR+ that matches regrets plus a forecast of the next ones: the last ones (Farina, Kroer, Sandholm 2021)."""
    for k in range(stop - 1, start - 1, -1):
        low, high = first[k], first[k] + size[k]
        value = 0.0
        for s in range(low, high):
            value += strategy[s] * g[s]
        g[before[k]] += value
        total = 0.0
        for s in range(low, high):
            r = max(regret[s] + (g[s] - value), 0.0)
            regret[s] = r
            r = max(r + (g[s] - value), 0.0)
            strategy[s] = r
            total += r
        if total > _TINY:
            scale = 1.0 / total
            for s in range(low, high):
                strategy[s] *= scale
        elif total > 0.0:
            for s in range(low, high):
                strategy[s] /= total
        else:
            for s in range(low, high):
                strategy[s] = 1.0 / size[k]


@nb.njit(**BARE)
def iterate(
    done: int,
    count: int,
    players: int,
    starts: Any,
    ranks: Any,
    first: Any,
    size: Any,
    before: Any,
    rows: Any,
    others: Any,
    weight: Any,
    x: Any,
    g: Any,
    strategy: Any,
    regret: Any,
    average: Any,
    predictive: bool,
    alternating: bool,
    alpha: float,
    beta: float,
    gamma: float,
) -> float:
    """Iterations `done + 1` to `done + count`; returns the weight given to them in `average`.

    Iteration t adds t**gamma times the plans played in it; discounting factors are t**alpha / (t**alpha + 1) for
    positive and t**beta / (t**beta + 1) for negative regrets, where alpha = inf stands for 1 and beta = -inf for 0.
    """
    added = 0.0
    for t in range(done + 1, done + count + 1):
        play = float(t) ** gamma
        added += play
        keep_positive, keep_negative = _discount(t, alpha), _discount(t, beta)
        for i in range(players):
            if alternating or i == 0:
                last = starts[i + 1] if alternating else starts[players]
                for s in range(starts[i], last):
                    average[s] += play * x[s]
            gradient(i, players, starts, rows, others, weight, x, g)
            if predictive:
                learn_predictive(first, size, before, g, strategy, regret, ranks[i], ranks[i + 1])
            else:
                learn(
                    first,
                    size,
                    before,
                    g,
                    strategy,
                    regret,
                    ranks[i],
                    ranks[i + 1],
                    keep_positive,
                    keep_negative,
                )
            if alternating:
                plan(strategy, first, size, before, x, ranks[i], ranks[i + 1])
        if not alternating:
            plan(strategy, first, size, before, x, 0, ranks[players])
    return added


@nb.njit(**BARE)
def _discount(t: int, power: float) -> float:
    if power > 700.0:
        return 1.0
    if power < -700.0:
        return 0.0
    grown = float(t) ** power
    return grown / (grown + 1.0)


@nb.njit(**BARE)
def witness(
    weight_of_play: float,
    players: int,
    starts: Any,
    ranks: Any,
    first: Any,
    size: Any,
    before: Any,
    rows: Any,
    others: Any,
    weight: Any,
    x: Any,
    g: Any,
    gradients: Any,
    values: Any,
) -> None:
    """Add one joint play to the sums from which the gap of a coarse correlated equilibrium is read."""
    for i in range(players):
        gradient(i, players, starts, rows, others, weight, x, g)
        value = 0.0
        for s in range(starts[i], starts[i + 1]):
            value += x[s] * g[s]
            gradients[s] += weight_of_play * g[s]
        values[i] += weight_of_play * value


@nb.njit(**BARE)
def coarse_gains(
    total: float,
    players: int,
    starts: Any,
    ranks: Any,
    first: Any,
    size: Any,
    before: Any,
    gradients: Any,
    values: Any,
    g: Any,
    choice: Any,
    gain: Any,
) -> None:
    """What each player gains by the best fixed strategy against the average of the joint plays witnessed."""
    for i in range(players):
        for s in range(starts[i], starts[i + 1]):
            g[s] = gradients[s]
        best_up(first, size, before, g, choice, ranks[i], ranks[i + 1])
        gain[i] = (g[starts[i]] - values[i]) / total
