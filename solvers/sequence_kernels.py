"""Kernels on the sequence form: plans, gradients, values and best responses, one linear sweep each.

`x` is a realization plan of all players, float64[S]; `strategy` gives every sequence the probability of its last
move, float64[S], 1 at empty sequences. Letters as in `solvers.sequences`.
"""

from __future__ import annotations

from typing import Any

import numba as nb

from solvers.kernel_options import BARE


@nb.njit(**BARE)
def plan(strategy: Any, first: Any, size: Any, before: Any, x: Any, start: int, stop: int) -> None:
    """Realization probabilities of the moves at ranks `start` to `stop - 1`; empty sequences must hold 1."""
    for k in range(start, stop):
        reach = x[before[k]]
        for s in range(first[k], first[k] + size[k]):
            x[s] = reach * strategy[s]


@nb.njit(**BARE)
def gradient(
    player: int, players: int, starts: Any, rows: Any, others: Any, weight: Any, x: Any, g: Any
) -> None:
    """Payoff of each of a player's sequences at the terminals it ends at, weighted by chance and the others."""
    if players == 2:
        for s in range(starts[player], starts[player + 1]):
            total = 0.0
            for e in range(rows[s], rows[s + 1]):
                total += weight[e] * x[others[e, 0]]
            g[s] = total
    elif players == 3:
        for s in range(starts[player], starts[player + 1]):
            total = 0.0
            for e in range(rows[s], rows[s + 1]):
                total += weight[e] * x[others[e, 0]] * x[others[e, 1]]
            g[s] = total
    else:
        for s in range(starts[player], starts[player + 1]):
            total = 0.0
            for e in range(rows[s], rows[s + 1]):
                reach = weight[e]
                for k in range(players - 1):
                    reach *= x[others[e, k]]
                total += reach
            g[s] = total


@nb.njit(**BARE)
def sum_up(strategy: Any, first: Any, size: Any, before: Any, g: Any, start: int, stop: int) -> None:
    """Turn a gradient into counterfactual values of moves under `strategy`; the value ends at the empty sequence."""
    for k in range(stop - 1, start - 1, -1):
        total = 0.0
        for s in range(first[k], first[k] + size[k]):
            total += strategy[s] * g[s]
        g[before[k]] += total


@nb.njit(**BARE)
def best_up(first: Any, size: Any, before: Any, g: Any, choice: Any, start: int, stop: int) -> None:
    """The same under a best response; `choice` gets the sequence chosen at each rank (the first of equals)."""
    for k in range(stop - 1, start - 1, -1):
        best, value = first[k], g[first[k]]
        for s in range(first[k] + 1, first[k] + size[k]):
            if g[s] > value:
                best, value = s, g[s]
        choice[k] = best
        g[before[k]] += value


@nb.njit(**BARE)
def regrets(
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
    choice: Any,
    values: Any,
    regret: Any,
) -> None:
    """Expected payoffs and best-response gains of all players against a plan, in two sweeps each; O(S + E)."""
    for i in range(players):
        gradient(i, players, starts, rows, others, weight, x, g)
        value = 0.0
        for s in range(starts[i], starts[i + 1]):
            value += x[s] * g[s]
        best_up(first, size, before, g, choice, ranks[i], ranks[i + 1])
        values[i] = value
        regret[i] = g[starts[i]] - value
