"""Numba kernels of no-regret play: learning rules, and the running average of joint play.

Regret matching drops most actions soon, so both the payoffs of deviations and the joint average are computed over the
actions in play only (`sparse_play`).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from games.simplices import Float, Int
from solvers.kernel_options import BARE
from solvers.sparse_play import add_joint, find_support, payoffs_against

REGRET_MATCHING, REGRET_MATCHING_PLUS, PREDICTIVE_PLUS, HEDGE, OPTIMISTIC_HEDGE = range(5)
UNIFORM, LINEAR, WINDOW = range(3)
CLOCK, ACTIVE, BOUNDARY, NEXT_CHECK, VERDICT = range(5)  # slots of the integer state
RUNNING, WHOLE_WINDOW, RECENT_WINDOW = range(3)  # verdicts: which average has reached the tolerance
FIRST_BOUNDARY = 16
NEGLIGIBLE = (
    -60.0
)  # actions less likely than exp(-60) are out of play: far below rounding, and play becomes sparse


@njit(**BARE, fastmath={"contract", "reassoc", "nsz"})
def _match(scores: Float, hint: Float, mine: Float, a0: int, a1: int) -> None:
    """Play a0..a1-1 in proportion to the positive part of scores + hint, else of scores, else uniformly."""
    total = 0.0
    for a in range(a0, a1):
        value = scores[a] + hint[a]
        mine[a] = value if value > 0.0 else 0.0
        total += mine[a]
    if total <= 0.0:
        for a in range(a0, a1):
            mine[a] = scores[a] if scores[a] > 0.0 else 0.0
            total += mine[a]
    if total <= 0.0:
        for a in range(a0, a1):
            mine[a] = 1.0
        total = float(a1 - a0)
    scale = 1.0 / total
    if scale < np.inf:
        for a in range(a0, a1):
            mine[a] *= scale
    else:  # a total so small that its reciprocal overflows
        for a in range(a0, a1):
            mine[a] /= total


@njit(**BARE)
def _exponentiate(
    scores: Float, hint: Float, prior: Float, rate: float, mine: Float, a0: int, a1: int
) -> None:
    """Play a0..a1-1 in proportion to prior * exp(rate * (scores + hint)); `prior` holds logarithms."""
    top = -np.inf
    for a in range(a0, a1):
        mine[a] = prior[a] + rate * (scores[a] + hint[a])
        top = max(top, mine[a])
    total = 0.0
    for a in range(a0, a1):
        mine[a] = np.exp(mine[a] - top) if mine[a] - top > NEGLIGIBLE else 0.0
        total += mine[a]
    for a in range(a0, a1):
        mine[a] /= total


@njit(**BARE)
def _respond(
    rule: int,
    player: int,
    offsets: Int,
    rates: Float,
    clock: int,
    scores: Float,
    regret: Float,
    prior: Float,
    mine: Float,
) -> None:
    """Update one player's scores by the latest regret and write the next mixed strategy into `mine`.

    All arrays are float64[sum(A)]; `regret` becomes what the rule expects of the next round.
    """
    a0, a1 = offsets[player], offsets[player + 1]
    plus = rule in (REGRET_MATCHING_PLUS, PREDICTIVE_PLUS)
    optimistic = rule in (PREDICTIVE_PLUS, OPTIMISTIC_HEDGE)
    for a in range(a0, a1):
        scores[a] += regret[a]
        if plus:
            scores[a] = scores[a] if scores[a] > 0.0 else 0.0
        if not optimistic:
            regret[a] = 0.0
    if plus or rule == REGRET_MATCHING:
        _match(scores, regret, mine, a0, a1)
    else:
        rate = rates[player] if rates[player] > 0.0 else -rates[player] / np.sqrt(clock)
        _exponentiate(scores, regret, prior, rate, mine, a0, a1)


@njit(**BARE)
def largest_regret(sums: Float, more: Float, both: bool, offsets: Int) -> float:
    """The largest entry of `sums` (plus `more` when `both`): T times the CCE gap of the average."""
    top = -np.inf
    for a in range(offsets[-1]):
        value = sums[a] + more[a] if both else sums[a]
        top = max(top, value)
    return top


@njit(**BARE)
def advance(state: Int, averaging: int, regrets: Float, masses: Float, joints: Float) -> float:
    """Open a new segment of the average when its boundary is reached; returns the mass of the coming iterate."""
    if averaging == WINDOW and state[CLOCK] == state[BOUNDARY]:
        state[ACTIVE] = 1 - state[ACTIVE]
        state[BOUNDARY] *= 2
        for a in range(regrets.shape[1]):
            regrets[state[ACTIVE], a] = 0.0
        for c in range(joints.shape[1]):
            joints[state[ACTIVE], c] = 0.0
        masses[state[ACTIVE]] = 0.0
    state[CLOCK] += 1
    mass = float(state[CLOCK]) if averaging == LINEAR else 1.0
    masses[state[ACTIVE]] += mass
    return mass


@njit(cache=True)
def play_external(
    steps: int,
    rule: int,
    averaging: int,
    target: float,
    rates: Float,
    flat: Float,
    own_last: Float,
    strides: Int,
    offsets: Int,
    profile: Float,
    prior: Float,
    scores: Float,
    regrets: Float,
    masses: Float,
    joints: Float,
    state: Int,
    lead: Float,
    tail: Float,
) -> None:
    """Play `steps` rounds of simultaneous self-play in expectation, or fewer when `target` is reached.

    The joint play of the rounds is summed in two segments `joints` float64[2, prod(A)] with `regrets` float64[2, sum(A)]
    and `masses` float64[2]; the largest summed regret over the mass is exactly the CCE gap of the average.
    A negative rate means rate / sqrt(t); a negative `target` never stops.
    """
    players = offsets.size - 1
    payoff = np.empty(offsets[-1])
    support = np.empty(offsets[-1], dtype=np.int64)
    counts = np.empty(players, dtype=np.int64)
    place, base = np.empty(players + 1, dtype=np.int64), np.empty(players + 1, dtype=np.int64)
    weight = np.empty(players + 1)
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
            origin = payoff[a0]  # differences keep their digits when payoffs are large and the span is small
            value = 0.0
            for j in range(counts[i]):
                a = support[a0 + j]
                value += profile[a] * (payoff[a] - origin)
            for a in range(a0, a1):
                payoff[a] = (payoff[a] - origin) - value
                regrets[active, a] += mass * payoff[a]
            _respond(rule, i, offsets, rates, state[CLOCK] + 1, scores, payoff, prior, profile)
        find_support(profile, offsets, support, counts)
        if state[CLOCK] >= state[NEXT_CHECK] and target >= 0.0:
            state[NEXT_CHECK] = state[CLOCK] + max(1, state[CLOCK] // 64)
            other = 1 - active
            if largest_regret(regrets[active], regrets[other], True, offsets) <= target * masses.sum():
                state[VERDICT] = WHOLE_WINDOW
                return
            if (
                averaging == WINDOW
                and largest_regret(regrets[active], regrets[active], False, offsets)
                <= target * masses[active]
            ):
                state[VERDICT] = RECENT_WINDOW
                return
