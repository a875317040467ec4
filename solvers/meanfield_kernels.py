"""Sweeps of mean-field games: laws forward, values backward, all steps in one call.

Letters: T steps, X states, U actions, K stored probabilities. Probabilities of next states lie in rows: that of state x
and action u is ``chance[s, first[x * U + u] : first[x * U + u + 1]]`` with next states `after` in the same places; s is the
step, or 0 for all steps.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from solvers.kernel_options import BARE

TIE = 1e-14
"""Actions whose values differ by less, relative to the values, differ by rounding only: the first of them is taken."""


@njit(**BARE)
def spread_step(t: Any, policy: Any, chance: Any, first: Any, after: Any, mu: Any, nu: Any) -> None:
    """Joint law of step t, and the law of states after it, from the law before it."""
    states, actions = nu.shape[1], nu.shape[2]
    row = t % chance.shape[0]
    for z in range(states):
        mu[t + 1, z] = 0.0
    for x in range(states):
        for u in range(actions):
            mass = mu[t, x] * policy[t, x, u]
            nu[t, x, u] = mass
            if mass > 0.0:
                for k in range(first[x * actions + u], first[x * actions + u + 1]):
                    mu[t + 1, after[k]] += mass * chance[row, k]


@njit(**BARE)
def spread(policy: Any, chance: Any, first: Any, after: Any, mu: Any, nu: Any) -> None:
    """The flow from mu[0]: laws float64[T + 1, X] and joint laws float64[T, X, U] under policy float64[T, X, U]."""
    for t in range(nu.shape[0]):
        spread_step(t, policy, chance, first, after, mu, nu)


@njit(**BARE)
def _expected(row: Any, place: Any, chance: Any, first: Any, after: Any, worth: Any) -> Any:
    total = 0.0
    for k in range(first[place], first[place + 1]):
        total += chance[row, k] * worth[after[k]]
    return total


@njit(**BARE)
def best_values(
    rewards: Any, chance: Any, first: Any, after: Any, discount: Any, legal: Any, values: Any, worth: Any
) -> None:
    """Values float64[T, X, U] of actions when the best follow, and of states float64[T + 1, X]; 0 where not legal."""
    steps, states, actions = rewards.shape
    for x in range(states):
        worth[steps, x] = 0.0
    for t in range(steps - 1, -1, -1):
        row = t % chance.shape[0]
        for x in range(states):
            best = -math.inf
            for u in range(actions):
                values[t, x, u] = 0.0
                if legal[x, u]:
                    later = _expected(row, x * actions + u, chance, first, after, worth[t + 1])
                    values[t, x, u] = rewards[t, x, u] + discount * later
                    best = max(best, values[t, x, u])
            worth[t, x] = best


@njit(**BARE)
def policy_values(
    rewards: Any,
    policy: Any,
    chance: Any,
    first: Any,
    after: Any,
    discount: Any,
    legal: Any,
    values: Any,
    worth: Any,
) -> None:
    """Values float64[T, X, U] of actions when a policy follows, and of states float64[T + 1, X]; 0 where not legal."""
    steps, states, actions = rewards.shape
    for x in range(states):
        worth[steps, x] = 0.0
    for t in range(steps - 1, -1, -1):
        row = t % chance.shape[0]
        for x in range(states):
            mean = 0.0
            for u in range(actions):
                values[t, x, u] = 0.0
                if legal[x, u]:
                    later = _expected(row, x * actions + u, chance, first, after, worth[t + 1])
                    values[t, x, u] = rewards[t, x, u] + discount * later
                    mean += policy[t, x, u] * values[t, x, u]
            worth[t, x] = mean


@njit(**BARE)
def shortfall(policy: Any, mu: Any, values: Any, worth: Any, discount: Any) -> Any:
    """What a policy misses of the best return, from the laws mu that it makes itself and the best values.

    The performance difference lemma: the sum over steps and states of what its actions there are worse than the best;
    never negative, and without cancellation between two large returns.
    """
    steps, states, actions = policy.shape
    total, weight = 0.0, 1.0
    for t in range(steps):
        for x in range(states):
            if mu[t, x] > 0.0:
                missed = 0.0
                for u in range(actions):
                    if policy[t, x, u] > 0.0:
                        missed += policy[t, x, u] * (worth[t, x] - values[t, x, u])
                total += weight * mu[t, x] * missed
        weight *= discount
    return total


@njit(**BARE)
def greedy(values: Any, worth: Any, legal: Any, policy: Any) -> None:
    """The policy float64[T, X, U] that takes the first of the best actions."""
    steps, states, actions = values.shape
    for t in range(steps):
        for x in range(states):
            bar, chosen = worth[t, x] - TIE * abs(worth[t, x]), -1
            for u in range(actions):
                policy[t, x, u] = 0.0
                if chosen < 0 and legal[x, u] and values[t, x, u] >= bar:
                    chosen = u
            policy[t, x, chosen] = 1.0


@njit(**BARE)
def soften(scores: Any, rate: Any, legal: Any, policy: Any) -> None:
    """The policy proportional to exp(rate * scores) over legal actions."""
    steps, states, actions = scores.shape
    for t in range(steps):
        for x in range(states):
            top, total = -math.inf, 0.0
            for u in range(actions):
                if legal[x, u]:
                    top = max(top, scores[t, x, u])
            for u in range(actions):
                policy[t, x, u] = math.exp(rate * (scores[t, x, u] - top)) if legal[x, u] else 0.0
                total += policy[t, x, u]
            for u in range(actions):
                policy[t, x, u] /= total


@njit(**BARE)
def add(scores: Any, weight: Any, values: Any) -> None:
    """Add values float64[T, X, U] times a weight to scores."""
    for t in range(scores.shape[0]):
        for x in range(scores.shape[1]):
            for u in range(scores.shape[2]):
                scores[t, x, u] += weight * values[t, x, u]


@njit(**BARE)
def mix(weight: Any, law: Any, joint: Any, legal: Any, policy: Any) -> None:
    """Move joint laws float64[T, X, U] towards others by a weight; the policy that has them, uniform in empty states."""
    steps, states, actions = law.shape
    for t in range(steps):
        for x in range(states):
            total, count = 0.0, 0
            for u in range(actions):
                joint[t, x, u] += weight * (law[t, x, u] - joint[t, x, u])
                total += joint[t, x, u]
                count += legal[x, u]
            for u in range(actions):
                if total > 0.0:
                    policy[t, x, u] = joint[t, x, u] / total
                else:
                    policy[t, x, u] = (1.0 if legal[x, u] else 0.0) / count
