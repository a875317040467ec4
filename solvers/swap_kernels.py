"""Numba kernels of no-swap-regret play: conditional regret matching in expectation, with its stationary law.

Player i's conditional regrets are a matrix with entry [c, b] = sum over rounds of p_i(c) (u_i(b) - u_i(c)): what
playing b whenever c was played would have gained.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from games.simplices import Float, Int
from solvers.dynamics_kernels import (
    ACTIVE,
    CLOCK,
    NEXT_CHECK,
    RECENT_WINDOW,
    VERDICT,
    WHOLE_WINDOW,
    WINDOW,
    advance,
)
from solvers.sparse_play import add_joint, find_support, payoffs_against
from solvers.stationary_kernels import eliminate

EXACT_STATES = 48  # more actions in reach than this get power steps instead of elimination
POWER_STEPS = 8
RESTART = 1e-9


@njit(cache=True)
def _reach(flow: Float, mine: Float, states: Int, seen: Int) -> int:
    """List the actions in play, the likeliest first, and all that regret leads to from them."""
    size = mine.size
    top = 0
    for a in range(size):
        seen[a] = 0
        if mine[a] > mine[top]:
            top = a
    states[0] = top
    seen[top] = 1
    n = 1
    for a in range(size):
        if mine[a] > 0.0 and seen[a] == 0:
            seen[a] = 1
            states[n] = a
            n += 1
    head = 0
    while head < n and n < size:
        c = states[head]
        for b in range(size):
            if seen[b] == 0 and flow[c, b] > 0.0:
                seen[b] = 1
                states[n] = b
                n += 1
        head += 1
    return n


@njit(cache=True)
def balance(flow: Float, mine: Float, states: Int, seen: Int) -> None:
    """Move `mine` to a strategy that the positive part of `flow` leaves in balance.

    Mass restarts from the present strategy at a vanishing rate, which singles out one such strategy when there are many.
    """
    n = _reach(flow, mine, states, seen)
    if n == 1:
        return
    scale = 0.0
    for j in range(n):
        out = 0.0
        for k in range(n):
            if j != k:
                out += max(flow[states[j], states[k]], 0.0)
        scale = max(scale, out)
    if scale <= 0.0:
        return
    if n <= EXACT_STATES:
        rates, law = np.empty((n, n)), np.empty(n)
        for j in range(n):
            for k in range(n):
                rates[j, k] = max(flow[states[j], states[k]], 0.0) / scale + RESTART * mine[states[k]]
        if eliminate(rates, law):
            for j in range(n):
                mine[states[j]] = law[j]
        return
    for _ in range(POWER_STEPS):
        moved = mine.copy()
        for j in range(n):
            c = states[j]
            if mine[c] > 0.0:
                for k in range(n):
                    step = mine[c] * max(flow[c, states[k]], 0.0) / scale
                    if j != k:
                        moved[states[k]] += step
                        moved[c] -= step
        total = 0.0
        for j in range(n):
            moved[states[j]] = max(moved[states[j]], 0.0)
            total += moved[states[j]]
        mine[:] = moved / total


@njit(cache=True)
def swap_gap(sums: Float, more: Float, both: bool, offsets: Int, squares: Int) -> float:
    """The largest swap regret of a player: the sum over own actions of the best replacement's gain."""
    worst = -np.inf
    for i in range(offsets.size - 1):
        size = offsets[i + 1] - offsets[i]
        total = 0.0
        for c in range(size):
            best = 0.0
            row = squares[i] + c * size
            for b in range(size):
                value = sums[row + b] + more[row + b] if both else sums[row + b]
                best = max(best, value)
            total += best
        worst = max(worst, total)
    return worst


@njit(cache=True)
def play_internal(
    steps: int,
    plus: bool,
    predictive: bool,
    averaging: int,
    target: float,
    flat: Float,
    own_last: Float,
    strides: Int,
    offsets: Int,
    squares: Int,
    profile: Float,
    flows: Float,
    expected: Float,
    regrets: Float,
    masses: Float,
    joints: Float,
    state: Int,
    lead: Float,
    tail: Float,
) -> None:
    """Play `steps` rounds, or fewer when the swap regret of the average reaches `target` (see `play_external`).

    `flows` float64[sum(A^2)] drives play (clipped at zero when `plus`), `expected` is the same plus the last round's
    gains, which play balances when `predictive`; `regrets` float64[2, sum(A^2)] are the true sums.
    """
    players = offsets.size - 1
    payoff = np.empty(offsets[-1])
    support = np.empty(offsets[-1], dtype=np.int64)
    states, seen = np.empty(offsets[-1], dtype=np.int64), np.empty(offsets[-1], dtype=np.int64)
    counts = np.empty(players, dtype=np.int64)
    place, base = np.empty(players + 1, dtype=np.int64), np.empty(players + 1, dtype=np.int64)
    weight = np.empty(players + 1)
    before = profile.copy()
    find_support(profile, offsets, support, counts)
    for _ in range(steps):
        mass = advance(state, averaging, regrets, masses, joints)
        active = state[ACTIVE]
        payoffs_against(
            flat,
            own_last,
            strides,
            offsets,
            profile,
            support,
            counts,
            payoff,
            lead,
            tail,
            place,
            weight,
            base,
        )
        add_joint(offsets, profile, support, counts, mass, joints, active, place, weight, base)
        for i in range(players):
            a0, a1 = offsets[i], offsets[i + 1]
            size = a1 - a0
            u, mine = payoff[a0:a1], profile[a0:a1]
            flow = flows[squares[i] : squares[i + 1]].reshape(size, size)
            ahead = expected[squares[i] : squares[i + 1]].reshape(size, size) if predictive else flow
            if predictive:
                for c in range(size):
                    if before[a0 + c] > 0.0 and mine[c] == 0.0:
                        ahead[c] = flow[c]
                    before[a0 + c] = mine[c]
            for j in range(counts[i]):
                c = support[a0 + j] - a0
                row, sums = flow[c], regrets[active, squares[i] + c * size : squares[i] + (c + 1) * size]
                hint = ahead[c]
                w, here = mine[c], u[c]
                for b in range(size):
                    gain = w * (u[b] - here)
                    sums[b] += mass * gain
                    value = row[b] + gain
                    if plus and value < 0.0:
                        value = 0.0
                    row[b] = value
                    if predictive:
                        hint[b] = value + gain
            balance(ahead, mine, states, seen)
        find_support(profile, offsets, support, counts)
        if state[CLOCK] >= state[NEXT_CHECK] and target >= 0.0:
            state[NEXT_CHECK] = state[CLOCK] + max(1, state[CLOCK] // 64)
            other = 1 - active
            if swap_gap(regrets[active], regrets[other], True, offsets, squares) <= target * masses.sum():
                state[VERDICT] = WHOLE_WINDOW
                return
            alone = swap_gap(regrets[active], regrets[active], False, offsets, squares)
            if averaging == WINDOW and alone <= target * masses[active]:
                state[VERDICT] = RECENT_WINDOW
                return
