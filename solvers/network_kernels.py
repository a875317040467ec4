"""Compiled evaluation and gradients of Bayesian-network policies in Markov games.

Letters: C reward tables (one if all players share it), S states, T stages, K = T * S situations (stage by stage), n agents,
J joint actions in C order, L logits. A game of finite horizon has discount 1 here; a discounted one has T = 1.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from solvers.kernel_options import BARE
from solvers.linear_kernels import lu_factor, lu_solve

SUMS: dict[str, Any] = {**BARE, "fastmath": {"contract", "reassoc"}}


@njit(**BARE)
def softmax_tables(logits: Any, bases: Any, counts: Any, tables: Any) -> None:
    """Distributions of all rows: logits, tables float64[L]; agent i's rows of counts[i] lie from bases[i] to bases[i + 1]."""
    for i in range(counts.shape[0]):
        count = counts[i]
        for row in range(bases[i], bases[i + 1], count):
            highest = logits[row]
            for a in range(row + 1, row + count):
                highest = max(highest, logits[a])
            total = 0.0
            for a in range(row, row + count):
                tables[a] = math.exp(logits[a] - highest)
                total += tables[a]
            for a in range(row, row + count):
                tables[a] /= total


@njit(**BARE)
def joint_play(tables: Any, bases: Any, widths: Any, cells: Any, joint: Any) -> None:
    """Probability of every joint action, joint float64[K, J].

    In situation k agent i's part of joint action j is at bases[i] + k * widths[i] + cells[i, j]; cells int64[n, J].
    """
    agents = widths.shape[0]
    for k in range(joint.shape[0]):
        for j in range(joint.shape[1]):
            p = 1.0
            for i in range(agents):
                p *= tables[bases[i] + k * widths[i] + cells[i, j]]
            joint[k, j] = p


@njit(**SUMS)
def dot(a: Any, b: Any) -> float:
    """Inner product of two rows of the same length."""
    total = 0.0
    for z in range(a.shape[0]):
        total += a[z] * b[z]
    return total


@njit(**BARE)
def evaluate_discounted(
    joint: Any,
    reward: Any,
    transition: Any,
    initial: Any,
    discount: float,
    system: Any,
    pivots: Any,
    choices: Any,
    values: Any,
    weights: Any,
) -> None:
    """Values and discounted visits, by one factorisation of I - discount * P_pi.

    joint float64[S, J]; reward float64[C, S, J]; transition float64[S, J, S]; workspaces system float64[S, S], pivots
    int64[S]. Written: choices float64[C, S, J] (Q), values float64[C, S] (V) and weights float64[S], the expected discounted
    number of visits d(s) / (1 - discount).
    """
    states, profiles = joint.shape
    for s in range(states):
        for z in range(states):
            system[s, z] = 0.0
        for j in range(profiles):
            p = discount * joint[s, j]
            for z in range(states):
                system[s, z] -= p * transition[s, j, z]
        system[s, s] += 1.0
        weights[s] = initial[s]
        for c in range(reward.shape[0]):
            values[c, s] = dot(joint[s], reward[c, s])
    lu_factor(system, states, pivots)
    solve_transposed(system, pivots, weights)
    for c in range(reward.shape[0]):
        lu_solve(system, states, pivots, values[c])
        for s in range(states):
            for j in range(profiles):
                choices[c, s, j] = reward[c, s, j] + discount * dot(transition[s, j], values[c])


@njit(**BARE)
def solve_transposed(factored: Any, pivots: Any, right: Any) -> None:
    """Overwrite right float64[S] with x of A' x = right, for A factored by `lu_factor`."""
    size = right.shape[0]
    for r in range(size):
        right[r] *= factored[r, r]
        for c in range(r + 1, size):
            right[c] -= factored[r, c] * right[r]
    for r in range(size - 1, 0, -1):
        for c in range(r):
            right[c] -= factored[r, c] * right[r]
    for r in range(size - 1, -1, -1):
        other = pivots[r]
        if other != r:
            right[r], right[other] = right[other], right[r]


@njit(**BARE)
def evaluate_stages(
    joint: Any, reward: Any, transition: Any, initial: Any, choices: Any, values: Any, weights: Any
) -> None:
    """The same by backward induction over T stages; weights float64[T * S] are Pr(s_t = s). Choices: float64[C, T * S, J]."""
    states, profiles, last = transition.shape[0], transition.shape[1], joint.shape[0]
    for k in range(last):
        weights[k] = initial[k] if k < states else 0.0
    for k in range(last - states):
        s, after = k % states, k - k % states + states
        for j in range(profiles):
            p = weights[k] * joint[k, j]
            for z in range(states):
                weights[after + z] += p * transition[s, j, z]
    for c in range(reward.shape[0]):
        for k in range(last - 1, -1, -1):
            s, after = k % states, k - k % states + states
            for j in range(profiles):
                worth = reward[c, s, j]
                if after < last:
                    for z in range(states):
                        worth += transition[s, j, z] * values[c, after + z]
                choices[c, k, j] = worth
            values[c, k] = dot(joint[k], choices[c, k])


@njit(**BARE)
def own_gradients(
    joint: Any,
    choices: Any,
    values: Any,
    weights: Any,
    table_of: Any,
    tables: Any,
    bases: Any,
    counts: Any,
    widths: Any,
    cells: Any,
    gradient: Any,
) -> None:
    """Equation (5) for every agent and its own value: gradient float64[L].

    With M[u, b] the sum of pi(a | s) (Q(s, a) - V(s)) over joint actions in which the parents play u and the agent b, the
    entry is weight * (M[u, b] - pi_i(b | s, u) sum_c M[u, c]): no division by pi(u | s), which may vanish. table_of
    int64[n]: the reward table of each agent.
    """
    agents = counts.shape[0]
    for x in range(gradient.shape[0]):
        gradient[x] = 0.0
    for k in range(joint.shape[0]):
        for i in range(agents):
            c, first = table_of[i], bases[i] + k * widths[i]
            for j in range(joint.shape[1]):
                advantage = choices[c, k, j] - values[c, k]
                gradient[first + cells[i, j]] += weights[k] * joint[k, j] * advantage
            for row in range(first, first + widths[i], counts[i]):
                total = 0.0
                for a in range(row, row + counts[i]):
                    total += gradient[a]
                for a in range(row, row + counts[i]):
                    gradient[a] -= tables[a] * total


@njit(**BARE)
def climb(
    logits: Any,
    step: float,
    layout: Any,
    game: Any,
    work: Any,
    first: int,
    stop: int,
    values: Any,
    steepest: Any,
    gradient: Any,
) -> None:
    """Gradient ascent: one update for each column of values from `first` up to `stop`; logits float64[B, L] in
    place.

    values float64[C, B, X]: what each run is worth before the update; steepest float64[B]: the largest Euclidean norm of a
    gradient so far. layout, game, work: as made by `solvers.network_gradient`.
    """
    bases, counts, widths, cells, table_of = layout
    reward, transition, initial, discount = game
    tables, joint, choices, worth, weights, system, pivots = work
    for b in range(logits.shape[0]):
        for x in range(first, stop):
            softmax_tables(logits[b], bases, counts, tables)
            joint_play(tables, bases, widths, cells, joint)
            if discount < 1.0:
                evaluate_discounted(
                    joint, reward, transition, initial, discount, system, pivots, choices, worth, weights
                )
            else:
                evaluate_stages(joint, reward, transition, initial, choices, worth, weights)
            own_gradients(
                joint, choices, worth, weights, table_of, tables, bases, counts, widths, cells, gradient
            )
            for c in range(worth.shape[0]):
                total = 0.0
                for s in range(initial.shape[0]):
                    total += initial[s] * worth[c, s]
                values[c, b, x] = total
            norm = 0.0
            for p in range(gradient.shape[0]):
                norm += gradient[p] * gradient[p]
                logits[b, p] += step * gradient[p]
            steepest[b] = max(steepest[b], math.sqrt(norm))
