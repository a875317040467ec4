"""Kernels of magnetic mirror descent on the sequence form.

Strategies are kept as logits, one per sequence (`logits`), of which constants per information set mean nothing:

* behaviour form: the strategy is the soft-max of the logits at each information set;
* dilated form: the plan maximises <logits, x> + dilated entropy of x, a soft-max backwards in which each logit is
  raised by the log-sum-exp of the information sets that follow it.

In both, the step argmin_z eta (<F, z> + alpha B(z; magnet)) + B(z; z_t) is linear in the logits:

    y' = keep y + pull q + bend m,   keep = 1/(1 + eta alpha), pull = eta keep, bend = eta alpha keep,

with q the action payoffs (conditional on reaching the information set, or counterfactual in the dilated form) and m
the logits of the magnet, 0 for the uniform one. Optimistic play (Cen, Wei and Chi 2021, the single-call variant) is
one such step ahead of y with the same q. Letters as in `solvers.sequences`.
"""

from __future__ import annotations

import math
from typing import Any

import numba as nb

from solvers.kernel_options import BARE
from solvers.sequence_kernels import gradient

LOST = 1e-280
"""Reach probabilities below this are too coarse to divide by."""


@nb.njit(**BARE)
def settle(dilated: bool, first: Any, size: Any, before: Any, logits: Any, p: Any, x: Any, up: Any) -> None:
    """Strategy and realization plan of logits; empty sequences must hold 1 in `x`. `up` is scratch float64[S]."""
    ranks = len(first)
    if dilated:
        for s in range(len(up)):
            up[s] = 0.0
    for k in range(ranks - 1, -1, -1):
        start, stop = first[k], first[k] + size[k]
        top = -math.inf
        for s in range(start, stop):
            p[s] = logits[s] + up[s] if dilated else logits[s]
            top = max(top, p[s])
        total = 0.0
        for s in range(start, stop):
            p[s] = math.exp(p[s] - top)
            total += p[s]
        for s in range(start, stop):
            p[s] /= total
        if dilated:
            up[before[k]] += top + math.log(total)
    for k in range(ranks):
        reach = x[before[k]]
        for s in range(first[k], first[k] + size[k]):
            x[s] = reach * p[s]


@nb.njit(**BARE)
def others_reach(players: int, k: int, rows: Any, others: Any, weight: Any, x: Any) -> float:
    """Probability that chance and the others lead to rank k; see `solvers.mirror_reach`."""
    total = 0.0
    if players == 2:
        for e in range(rows[k], rows[k + 1]):
            total += weight[e] * x[others[e, 0]]
    else:
        for e in range(rows[k], rows[k + 1]):
            term = weight[e]
            for j in range(players - 1):
                term *= x[others[e, j]]
            total += term
    return total


@nb.njit(**BARE)
def conditional(form: Any, reach: Any, p: Any, x: Any, q: Any, likely: Any) -> int:
    """Payoff of each move given that its information set is reached; returns how many of those are too unlikely.

    There q is 0. `likely` gets the others' reach of every information set, float64[I].
    """
    players, starts, ranks, first, size, before, rows, others, weight = form
    reach_rows, reach_others, reach_weight = reach
    lost = 0
    for i in range(players):
        gradient(i, players, starts, rows, others, weight, x, q)
        for k in range(ranks[i + 1] - 1, ranks[i] - 1, -1):
            likely[k] = others_reach(players, k, reach_rows, reach_others, reach_weight, x)
            scale = 0.0
            if likely[k] > LOST:
                scale = 1.0 / likely[k]
            else:
                lost += 1
            total = 0.0
            for s in range(first[k], first[k] + size[k]):
                total += p[s] * q[s]
                q[s] *= scale
            q[before[k]] += total
    return lost


@nb.njit(**BARE)
def counterfactual(form: Any, x: Any, g: Any) -> None:
    """The gradients of all players."""
    players, starts, _, _, _, _, rows, others, weight = form
    for i in range(players):
        gradient(i, players, starts, rows, others, weight, x, g)


@nb.njit(**BARE)
def by_nodes(nodes: Any, p: Any, log_p: Any, value: Any, log_reach: Any, top: Any, mass: Any, q: Any) -> None:
    """What `conditional` computes, from the nodes and in logarithms: slower, but no belief underflows.

    Where chance or the others never lead at all, beliefs are uniform, as certificates have it.
    """
    parent, mover, sequence, probability, owner, rank, payoff, terminal = nodes
    players, count = value.shape
    for s in range(len(p)):
        log_p[s] = math.log(p[s]) if p[s] > 0.0 else -math.inf
        q[s] = 0.0
    for k in range(len(top)):
        top[k] = -math.inf
        mass[k] = 0.0
    for n in range(count):
        step = 0.0
        if n > 0:
            chance = math.log(probability[n]) if probability[n] > 0.0 else -math.inf
            step = log_p[sequence[n]] if sequence[n] >= 0 else chance
        for i in range(players):
            value[i, n] = payoff[i, terminal[n]] if terminal[n] >= 0 else 0.0
            if n == 0:
                log_reach[i, n] = 0.0
            else:
                log_reach[i, n] = log_reach[i, parent[n]] + (0.0 if mover[n] == i else step)
        if rank[n] >= 0:
            top[rank[n]] = max(top[rank[n]], log_reach[owner[n], n])
    for n in range(count - 1, 0, -1):
        step = p[sequence[n]] if sequence[n] >= 0 else probability[n]
        for i in range(players):
            value[i, parent[n]] += step * value[i, n]
    for n in range(count):
        k = rank[n]
        if k >= 0:
            belief = 1.0 if top[k] == -math.inf else math.exp(log_reach[owner[n], n] - top[k])
            log_reach[owner[n], n] = belief  # from here on the belief itself
            mass[k] += belief
    for n in range(1, count):
        if sequence[n] >= 0:
            i, above = owner[parent[n]], parent[n]
            q[sequence[n]] += log_reach[i, above] * value[i, n] / mass[rank[above]]


@nb.njit(**BARE)
def move(
    dilated: bool,
    ahead: bool,
    weighed: bool,
    lam: float,
    keep: float,
    pull: float,
    bend: float,
    form: Any,
    q: Any,
    p: Any,
    x: Any,
    likely: Any,
    magnet: Any,
    base: Any,
    logits: Any,
    up: Any,
) -> float:
    """One step of all players at once; returns the squared distance of the logits played from `lam` times q.

    `base` are the logits y, `logits` those that are played: one step `ahead` of y, or equal to them. The distance
    is the sum over information sets of the variance, under the strategy played, of the difference; each counts once,
    or as often as it is reached if `weighed`, and then half the distance over `lam` is about the sum of regrets.
    """
    _, _, _, first, size, before, _, _, _ = form
    distance = 0.0
    if dilated:
        for s in range(len(up)):
            up[s] = 0.0
    for k in range(len(first) - 1, -1, -1):
        mean, square = 0.0, 0.0
        for s in range(first[k], first[k] + size[k]):
            off = lam * q[s] - logits[s]
            if dilated:
                off += up[s]
            mean += p[s] * off
            square += p[s] * off * off
            push = pull * q[s] + bend * magnet[s]
            base[s] = keep * base[s] + push
            logits[s] = keep * base[s] + push if ahead else base[s]
        if dilated:
            up[before[k]] += mean
        often = 1.0
        if weighed:
            often = x[before[k]] if dilated else x[before[k]] * likely[k]
        distance += often * max(square - mean * mean, 0.0)
    return distance
