"""The loops of magnetic mirror descent: towards a quantal response equilibrium, towards Nash, and how far it is.

Steps are in `solvers.mirror_kernels`, letters as in `solvers.sequences`.
"""

from __future__ import annotations

import math
from typing import Any

import numba as nb

from solvers.kernel_options import BARE
from solvers.mirror_kernels import by_nodes, conditional, counterfactual, move, settle

WEIGHT, LIMIT, TOTAL, COUNT, BEFORE, LEFT, PRECISION = 0, 1, 2, 3, 4, 5, 6
"""What the step control remembers: weight of a step eta alpha/(1 + eta alpha), its present limit, sum and number of
squared distances in this window, their mean in the one before (-1: none), iterations left in this window; and the present precision lambda."""
WINDOW = 2.0
"""Length of a window in units of 1/weight."""
ROUNDING = 2e-15
"""Errors of a logit in units of precision times payoff span."""


@nb.njit(**BARE)
def adapt(control: Any, distance: float, floor: float, growth: float, calm: float, shrink: float) -> None:
    """Judge the weight of steps by how much the distance shrinks over a window of `WINDOW`/weight iterations.

    Far inside stability it shrinks by e^2 there, at the edge not at all. Above e^1.3 the weight grows by a tenth, up
    to a limit; below e^0.5 the limit is set under the present weight, which shrinks. When annealing, precision is
    multiplied by `growth` as soon as the mean squared distance is at most `calm`, and weights divided by `shrink`.
    """
    control[TOTAL] += distance
    control[COUNT] += 1.0
    control[LEFT] -= 1.0
    if control[LEFT] > 0.0:
        return
    mean = control[TOTAL] / control[COUNT]
    if control[BEFORE] > 0.0 and mean > floor:
        gain = 0.5 * math.log(control[BEFORE] / mean)
        if gain > 1.3:
            control[WEIGHT] = min(1.1 * control[WEIGHT], control[LIMIT])
            control[LIMIT] = min(1.01 * control[LIMIT], 0.5)
        elif gain < 0.5:
            control[LIMIT] = 0.9 * control[WEIGHT]
            control[WEIGHT] *= 0.8 if gain > 0.0 else 0.5
    control[BEFORE] = mean
    if growth > 1.0 and mean <= calm:
        control[PRECISION] *= growth
        control[WEIGHT] /= shrink
        control[LIMIT] /= shrink
        control[BEFORE] = -1.0
    control[TOTAL] = 0.0
    control[COUNT] = 0.0
    control[LEFT] = math.ceil(WINDOW / control[WEIGHT])


@nb.njit(**BARE)
def to_qre(
    iterations: int,
    dilated: bool,
    ahead: bool,
    adaptive: bool,
    growth: float,
    calm: float,
    span: float,
    form: Any,
    reach: Any,
    deep: Any,
    base: Any,
    logits: Any,
    p: Any,
    x: Any,
    q: Any,
    up: Any,
    likely: Any,
    magnet: Any,
    control: Any,
) -> int:
    """Steps with the uniform magnet at alpha = 1/precision; returns how many were done.

    With `growth` above 1 precision rises. Otherwise, it stops early where `by_nodes` is needed and `deep` (its
    arguments) is empty.
    """
    _, _, _, first, size, before, _, _, _ = form
    nodes, log_p, value, log_reach, top, mass = deep
    annealed = growth > 1.0
    for done in range(iterations):
        if dilated:
            counterfactual(form, x, q)
        elif conditional(form, reach, p, x, q, likely) > 0 and not annealed:
            if value.shape[1] == 0:
                return done
            by_nodes(nodes, p, log_p, value, log_reach, top, mass, q)
        weight, lam = control[WEIGHT], control[PRECISION]
        keep, pull = 1.0 - weight, weight * lam
        distance = move(
            dilated, ahead, annealed, lam, keep, pull, 0.0, form, q, p, x, likely, magnet, base, logits, up
        )
        settle(dilated, first, size, before, logits, p, x, up)
        if adaptive:
            rounding = len(first) * (ROUNDING * max(lam * span, 1.0)) ** 2
            adapt(control, distance, rounding, growth, calm, growth if ahead else growth * growth)
    return iterations


@nb.njit(**BARE)
def to_nash(
    start: int,
    iterations: int,
    dilated: bool,
    ahead: bool,
    moving: bool,
    alpha: float,
    eta: float,
    follow: float,
    form: Any,
    reach: Any,
    base: Any,
    logits: Any,
    p: Any,
    x: Any,
    q: Any,
    up: Any,
    likely: Any,
    magnet: Any,
) -> None:
    """Iterations `start` + 1, ...: alpha and eta fall like 1/sqrt(t), or the magnet follows play at rate `follow`."""
    _, _, _, first, size, before, _, _, _ = form
    for t in range(start + 1, start + iterations + 1):
        if dilated:
            counterfactual(form, x, q)
        else:
            conditional(form, reach, p, x, q, likely)
        slow = 1.0 if moving else 1.0 / math.sqrt(t)
        keep = 1.0 / (1.0 + eta * alpha * slow * slow)
        bend = 1.0 - keep if moving else 0.0
        pull = eta * slow * keep
        move(dilated, ahead, False, 0.0, keep, pull, bend, form, q, p, x, likely, magnet, base, logits, up)
        settle(dilated, first, size, before, logits, p, x, up)
        if moving:
            for s in range(len(magnet)):
                magnet[s] += follow * (logits[s] - magnet[s])


@nb.njit(**BARE)
def measure(dilated: bool, lam: float, form: Any, q: Any, p: Any, x: Any, up: Any, regret: Any) -> float:
    """Regrets at precision `lam` given action payoffs q, and the residual, which is returned.

    Regrets are the largest KL(p_I || response_I)/lam of a player in the behaviour form, and their sum weighted by the
    player's own reach, which is the exact gain in the regularised game, in the dilated one.
    """
    players, _, ranks, first, size, before, _, _, _ = form
    residual = 0.0
    for s in range(len(up)):
        up[s] = 0.0
    for i in range(players):
        regret[i] = 0.0
        for k in range(ranks[i + 1] - 1, ranks[i] - 1, -1):
            start, stop = first[k], first[k] + size[k]
            top, total, divergence = -math.inf, 0.0, 0.0
            for s in range(start, stop):
                up[s] += lam * q[s]
                top = max(top, up[s])
            for s in range(start, stop):
                total += math.exp(up[s] - top)
            top += math.log(total)
            for s in range(start, stop):
                response = math.exp(up[s] - top)
                residual = max(residual, abs(p[s] - response))
                divergence += response - p[s]
                if p[s] > 0.0:
                    divergence += p[s] * (math.log(p[s]) - (up[s] - top))
            if dilated:
                up[before[k]] += top
                regret[i] += x[before[k]] * max(divergence, 0.0)
            else:
                regret[i] = max(regret[i], divergence)
        if lam > 0.0:
            regret[i] /= lam
        else:
            regret[i] = 0.0 if regret[i] <= 1e-15 else math.inf
    return residual
