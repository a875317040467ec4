"""Numba kernels of no-regret play: payoffs against sparse play, learning rules, and the running average of joint play.

Regret matching drops most actions soon, so both the payoffs of deviations and the joint average are computed over the
actions in play only. For that each player's tensor is laid out with the player's own axis last (`strides[i, k]` is the
step of opponent k in player i's tensor): one opponents' profile is then one contiguous row of payoffs.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from games.contraction import player_deviation_into
from games.simplices import Float, Int

REGRET_MATCHING, REGRET_MATCHING_PLUS, PREDICTIVE_PLUS, HEDGE, OPTIMISTIC_HEDGE = range(5)
UNIFORM, LINEAR, WINDOW = range(3)
CLOCK, ACTIVE, BOUNDARY, NEXT_CHECK, VERDICT = range(5)  # slots of the integer state
RUNNING, WHOLE_WINDOW, RECENT_WINDOW = range(3)  # verdicts: which average has reached the tolerance
FIRST_BOUNDARY = 16
NEGLIGIBLE = (
    -60.0
)  # actions less likely than exp(-60) are out of play: far below rounding, and play becomes sparse


@njit(cache=True)
def find_support(profile: Float, offsets: Int, support: Int, counts: Int) -> None:
    """List each player's actions of positive probability in `support`, from the player's offset on."""
    for i in range(offsets.size - 1):
        n = 0
        for a in range(offsets[i], offsets[i + 1]):
            if profile[a] > 0.0:
                support[offsets[i] + n] = a
                n += 1
        counts[i] = n


@njit(cache=True, fastmath={"contract", "reassoc"})
def _add_rows(
    tensor: Float, base: int, step: int, first: int, weight: float, profile: Float, actions: Int, out: Float
) -> None:
    """Add to `out` the rows of one opponent's actions in play, four at a time."""
    size = out.size
    n = actions.size
    j = 0
    while j + 4 <= n:
        s0, s1, s2, s3 = actions[j], actions[j + 1], actions[j + 2], actions[j + 3]
        b0, b1 = base + (s0 - first) * step, base + (s1 - first) * step
        b2, b3 = base + (s2 - first) * step, base + (s3 - first) * step
        r0, r1, r2, r3 = (
            tensor[b0 : b0 + size],
            tensor[b1 : b1 + size],
            tensor[b2 : b2 + size],
            tensor[b3 : b3 + size],
        )
        w0, w1 = weight * profile[s0], weight * profile[s1]
        w2, w3 = weight * profile[s2], weight * profile[s3]
        for a in range(size):
            out[a] += w0 * r0[a] + w1 * r1[a] + w2 * r2[a] + w3 * r3[a]
        j += 4
    while j < n:
        s = actions[j]
        b = base + (s - first) * step
        row = tensor[b : b + size]
        w = weight * profile[s]
        for a in range(size):
            out[a] += w * row[a]
        j += 1


@njit(cache=True)
def sparse_deviation_into(
    player: int,
    tensor: Float,
    strides: Int,
    offsets: Int,
    profile: Float,
    support: Int,
    counts: Int,
    out: Float,
    place: Int,
    weight: Float,
    base: Int,
) -> None:
    """Deviation payoffs of one player, from a tensor with the own axis last and over opponents' actions in play.

    `place`, `weight` and `base` are workspaces of P + 1 entries: an odometer over the opponents but the last.
    """
    players = offsets.size - 1
    out[:] = 0.0
    if players == 1:
        out[:] = tensor
        return
    inner = players - 1 if player < players - 1 else players - 2
    first = offsets[inner]
    actions = support[first : first + counts[inner]]
    weight[0] = 1.0
    base[0] = 0
    place[:] = 0
    level = 0
    while level >= 0:
        for k in range(level, inner):
            if k == player:
                weight[k + 1], base[k + 1] = weight[k], base[k]
            else:
                s = support[offsets[k] + place[k]]
                weight[k + 1] = weight[k] * profile[s]
                base[k + 1] = base[k] + (s - offsets[k]) * strides[player, k]
        _add_rows(tensor, base[inner], strides[player, inner], first, weight[inner], profile, actions, out)
        level = inner - 1
        while level >= 0:
            if level != player:
                place[level] += 1
                if place[level] < counts[level]:
                    break
                place[level] = 0
            level -= 1


@njit(cache=True)
def add_joint(
    offsets: Int,
    profile: Float,
    support: Int,
    counts: Int,
    mass: float,
    joint: Float,
    place: Int,
    weight: Float,
    base: Int,
) -> None:
    """Add `mass` times the product distribution to the dense joint float64[prod(A)], over actions in play only."""
    players = offsets.size - 1
    inner = players - 1
    first = offsets[inner]
    size = offsets[players] - first
    weight[0] = mass
    base[0] = 0
    place[:] = 0
    level = 0
    while level >= 0:
        for k in range(level, inner):
            s = support[offsets[k] + place[k]]
            weight[k + 1] = weight[k] * profile[s]
            base[k + 1] = base[k] * (offsets[k + 1] - offsets[k]) + s - offsets[k]
        row = joint[base[inner] * size : (base[inner] + 1) * size]
        w = weight[inner]
        if counts[inner] == size:
            last = profile[first : first + size]
            for a in range(size):
                row[a] += w * last[a]
        else:
            for j in range(counts[inner]):
                s = support[first + j]
                row[s - first] += w * profile[s]
        level = inner - 1
        while level >= 0:
            place[level] += 1
            if place[level] < counts[level]:
                break
            place[level] = 0
            level -= 1


@njit(cache=True)
def payoffs_against(
    flat: Float,
    own_last: Float,
    strides: Int,
    offsets: Int,
    profile: Float,
    support: Int,
    counts: Int,
    out: Float,
    lead: Float,
    tail: Float,
    place: Int,
    weight: Float,
    base: Int,
) -> None:
    """Deviation payoffs of all players: over the actions in play where few are, else by dense contraction.

    `own_last` is float64[P - 1, prod(A)] (the last player's tensor in `flat` already has the own axis last), or has
    no columns when memory did not allow it.
    """
    players = offsets.size - 1
    for i in range(players):
        played, possible = 1.0, 1.0
        for k in range(players):
            if k != i:
                played *= counts[k]
                possible *= offsets[k + 1] - offsets[k]
        mine = out[offsets[i] : offsets[i + 1]]
        if i == players - 1 and played < possible:
            sparse_deviation_into(
                i, flat[i], strides, offsets, profile, support, counts, mine, place, weight, base
            )
        elif 2.0 * played < possible and own_last.shape[1] > 0:
            sparse_deviation_into(
                i, own_last[i], strides, offsets, profile, support, counts, mine, place, weight, base
            )
        else:
            player_deviation_into(i, flat[i], offsets, profile, lead, tail, out)


@njit(cache=True)
def _match(scores: Float, hint: Float, mine: Float) -> None:
    """Play in proportion to the positive part of scores + hint, else of scores, else uniformly."""
    total = 0.0
    for a in range(mine.size):
        mine[a] = max(scores[a] + hint[a], 0.0)
        total += mine[a]
    if total <= 0.0:
        for a in range(mine.size):
            mine[a] = max(scores[a], 0.0)
            total += mine[a]
    if total <= 0.0:
        mine[:] = 1.0 / mine.size
        return
    scale = 1.0 / total
    if np.isfinite(scale):
        for a in range(mine.size):
            mine[a] *= scale
    else:  # a total so small that its reciprocal overflows
        for a in range(mine.size):
            mine[a] /= total


@njit(cache=True)
def _exponentiate(scores: Float, hint: Float, prior: Float, rate: float, mine: Float) -> None:
    """Play in proportion to prior * exp(rate * (scores + hint)); `prior` holds logarithms."""
    top = -np.inf
    for a in range(mine.size):
        mine[a] = prior[a] + rate * (scores[a] + hint[a])
        top = max(top, mine[a])
    total = 0.0
    for a in range(mine.size):
        mine[a] = np.exp(mine[a] - top) if mine[a] - top > NEGLIGIBLE else 0.0
        total += mine[a]
    for a in range(mine.size):
        mine[a] /= total


@njit(cache=True)
def _respond(
    rule: int, player: int, rates: Float, clock: int, scores: Float, regret: Float, prior: Float, mine: Float
) -> None:
    """Update one player's scores by the latest regret and write the next mixed strategy into `mine`."""
    if rule == REGRET_MATCHING:
        for a in range(mine.size):
            scores[a] += regret[a]
        regret[:] = 0.0
        _match(scores, regret, mine)
    elif rule in (REGRET_MATCHING_PLUS, PREDICTIVE_PLUS):
        for a in range(mine.size):
            scores[a] = max(scores[a] + regret[a], 0.0)
        if rule == REGRET_MATCHING_PLUS:
            regret[:] = 0.0
        _match(scores, regret, mine)
    else:
        for a in range(mine.size):
            scores[a] += regret[a]
        if rule == HEDGE:
            regret[:] = 0.0
        rate = rates[player] if rates[player] > 0.0 else -rates[player] / np.sqrt(clock)
        _exponentiate(scores, regret, prior, rate, mine)


@njit(cache=True)
def largest_regret(sums: Float, more: Float, both: bool, offsets: Int) -> float:
    """The largest entry of `sums` (plus `more` when `both`): T times the CCE gap of the average."""
    top = -np.inf
    for a in range(offsets[-1]):
        value = sums[a] + more[a] if both else sums[a]
        top = max(top, value)
    return top


@njit(cache=True)
def advance(state: Int, averaging: int, regrets: Float, masses: Float, joints: Float) -> float:
    """Open a new segment of the average when its boundary is reached; returns the mass of the coming iterate."""
    if averaging == WINDOW and state[CLOCK] == state[BOUNDARY]:
        state[ACTIVE] = 1 - state[ACTIVE]
        state[BOUNDARY] *= 2
        regrets[state[ACTIVE]] = 0.0
        joints[state[ACTIVE]] = 0.0
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
        add_joint(offsets, profile, support, counts, mass, joints[active], place, weight, base)
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
            _respond(
                rule, i, rates, state[CLOCK] + 1, scores[a0:a1], payoff[a0:a1], prior[a0:a1], profile[a0:a1]
            )
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
