"""Other entries of Axelrod's tournaments, one agent and one round at a time.

The conventions are those of `reciprocity_kernels`; functions named `chance_of_...` return the probability of
cooperating.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from games.stream_kernels import BARE

_NYDEGGER = np.uint64(
    sum(1 << s for s in (1, 6, 7, 17, 22, 23, 26, 29, 30, 31, 33, 38, 39, 45, 49, 54, 55, 58, 61))
)
"""The weighted sums of three rounds after which Nydegger's entry defects, as bits."""


@njit(**BARE)
def looks_random(seen: Any, time: Any, critical: Any) -> Any:
    """Whether a chi-squared test against equal numbers of both moves does not reject at this critical value."""
    excess = 2.0 * seen - time
    return excess * excess <= critical * time


@njit(**BARE)
def ends_badly(time: Any, rounds: Any) -> Any:
    """Whether this is one of the last two of so many rounds; negative where their number is not known."""
    return rounds - 2 <= time < rounds


@njit(**BARE)
def shubik(own: Any, other: Any, k: Any) -> Any:
    """Remembers how long the last punishment was, and how much of it is left."""
    if k[1] > 0:
        k[1] -= 1
        return 1
    if other == 1 and own == 0:
        k[1] = k[0]
        k[0] += 1
        return 1
    return 0


@njit(**BARE)
def nydegger(own: Any, other: Any, time: Any, k: Any) -> Any:
    """Remembers the two rounds before the last."""
    now, before, earlier = own + 2 * other, k[0], k[1]
    k[0], k[1] = now, before
    if time >= 3:
        return np.int64((_NYDEGGER >> np.uint64(16 * now + 4 * before + earlier)) & np.uint64(1))
    if time == 2:
        return other | (before >= 2)
    return other


@njit(**BARE)
def stein_and_rapoport(other: Any, time: Any, k: Any, p: Any) -> Any:
    """Remembers defections, and whether the opponent seemed random; p: the critical value, rounds or -1."""
    k[0] += other
    if time >= 14 and (time + 1) % 15 == 0:
        k[1] = looks_random(k[0], time, p[0])
    return ((k[1] | other) == 1 and time >= 4) or ends_badly(time, p[1])


@njit(**BARE)
def tideman_and_chieruzzi(own: Any, other: Any, time: Any, k: Any, x: Any, p: Any) -> Any:
    """Remembers defections since a fresh start, the last fresh start, whether it was just now, and its punishment.

    In x its lead. p: what temptation pays more than the sucker gets, rounds or -1.
    """
    k[0] += other
    x[0] += p[0] * (own - other)
    round_now = time + 1
    seen, started, fresh, left = k[0], k[1], k[2], k[4]
    late = p[1] >= 0 and p[1] - round_now < 10
    rested = started == 0 or round_now - started >= 20
    deviates = abs(seen - time / 2) >= 1.5 * math.sqrt(time)
    k[2] = 0
    if fresh == 0 and rested and x[0] >= 10 and other == 0 and deviates and not late:
        k[0], k[1], k[2], k[3], k[4] = 0, round_now, 1, 0, 0
        return ends_badly(time, p[1])
    punishing = left > 0
    provoked = other == 1 and not punishing and fresh == 0
    if provoked:
        k[4] = k[3]
        k[3] += 1
    elif punishing:
        k[4] -= 1
    return punishing or provoked or ends_badly(time, p[1])


@njit(**BARE)
def downing(own: Any, other: Any, time: Any, k: Any, p: Any) -> Any:
    """Remembers its last move but one, kind replies to both its moves, and its defections; p: payoffs R, P, S, T."""
    before, k[0] = k[0], own
    k[3] += own
    if other == 0 and time > 0:
        k[1] += 1 - before
        k[2] += before
    alpha = k[1] / (time - k[3] + 1)
    beta = k[2] / max(k[3], 2)
    cooperating = alpha * p[0] + (1 - alpha) * p[2]
    defecting = beta * p[3] + (1 - beta) * p[1]
    if time < 2:
        return 1
    return 1 - own if cooperating == defecting else np.int64(cooperating < defecting)


@njit(**BARE)
def revised_downing(own: Any, other: Any, time: Any, k: Any) -> Any:
    """Remembers its last move but one, how often it made either move, and kind replies to both."""
    before, k[0] = k[0], own
    if time >= 2:
        k[1] += 1 - before
        k[2] += before
        k[3] += (1 - before) & (1 - other)
        k[4] += before & (1 - other)
    if time == 0:
        return 0
    good = k[3] / k[1] if k[1] > 0 else 1.0
    bad = k[4] / k[2] if k[2] > 0 else 0.0
    steady = 6.0 * good - 8.0 * bad - 2
    alternate = 4.0 * good - 5.0 * bad - 1
    if steady >= 0 and steady >= alternate:
        return 0
    return 1 - own if alternate >= 0 else 1


@njit(**BARE)
def adaptive(own: Any, time: Any, pay: Any, x: Any) -> Any:
    """Remembers what either move has paid; `pay` is what the last round did."""
    x[own] += pay
    return time >= 6 if time < 11 else x[0] <= x[1]


@njit(**BARE)
def tester(own: Any, other: Any, time: Any, k: Any) -> Any:
    """Remembers whether it has become tit for tat."""
    tame = k[0]
    k[0] |= other
    if tame == 1:
        return other
    return (own == 0 and time > 2 and other == 0) or time == 0


@njit(**BARE)
def chance_of_feld(other: Any, time: Any, p: Any) -> Any:
    """p: the first and the last chance, and over how many rounds it falls."""
    if time == 0:
        return 1.0
    if other == 1:
        return 0.0
    slope = (p[1] - p[0]) / p[2]
    return max(p[0] + slope * time, p[1])


@njit(**BARE)
def chance_of_tullock(other: Any, time: Any, k: Any) -> Any:
    """Remembers the opponent's defections in its last ten moves, and these as bits."""
    k[0] += other - ((k[1] >> 9) & 1)
    k[1] = ((k[1] << 1) | other) & 1023
    if time < 11:
        return 1.0
    return max((10 - k[0]) / 10 - 0.1, 0.0)


@njit(**BARE)
def chance_of_champion(other: Any, time: Any, k: Any) -> Any:
    """Remembers defections."""
    k[0] += other
    if time < 10:
        return 1.0
    if time < 25:
        return 1.0 - other
    share = k[0] / time
    return 1.0 - share if other == 1 and share >= 0.4 else 1.0


@njit(**BARE)
def graaskamp(own: Any, other: Any, time: Any, u: Any, k: Any, p: Any) -> Any:
    """The next move, by a uniform number u. p: the critical value.

    Remembers defections, its last move but one, whether the opponent seemed random, ever failed to echo or to match
    it, and when it will defect next.
    """
    k[0] += other
    before, k[1] = k[1], own
    k[3] |= time >= 2 and other != before
    k[4] |= other != own
    late = time >= 56
    if late and looks_random(k[0], time, p[0]):
        k[2] = 1
    if not (late and k[2] == 0 and k[3] == 1 and k[4] == 1):
        return (other | k[2]) == 1 or time == 50
    strikes = k[5] == time
    if k[5] == 0 or strikes:
        k[5] = time + 5 + np.int64(u * 10)
    return strikes
