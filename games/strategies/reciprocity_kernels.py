"""Tit for tat's relatives, one agent and one round at a time.

Moves are int64, 1 for a defection: `own` and `other` are those of the last round, both 0 before the first. `time` counts
rounds from 0, `k` and `x` hold what is remembered (int64 and float64, zeros at the start), `p` the parameters. Each
function returns the next move and changes the memory in place.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from games.stream_kernels import BARE


@njit(**BARE)
def tit_for_two_tats(other: Any, k: Any) -> Any:
    """Both of the last two. Remembers the opponent's last move."""
    defect = other & k[0]
    k[0] = other
    return defect


@njit(**BARE)
def two_tits_for_tat(other: Any, k: Any) -> Any:
    """Either of the last two. Remembers the opponent's last move."""
    defect = other | k[0]
    k[0] = other
    return defect


@njit(**BARE)
def hard_tit_for_tat(other: Any, k: Any) -> Any:
    """Any of the last three. Remembers the opponent's last two moves."""
    defect = other | k[0] | k[1]
    k[0], k[1] = other, k[0]
    return defect


@njit(**BARE)
def hard_tit_for_two_tats(other: Any, k: Any) -> Any:
    """Two neighbours of the last three. Remembers the opponent's last two moves."""
    defect = k[0] & (other | k[1])
    k[0], k[1] = other, k[0]
    return defect


@njit(**BARE)
def contrite_tit_for_tat(own: Any, other: Any, k: Any) -> Any:
    """Remembers what it intended, and whether it is contrite."""
    intended, contrite = k[0], k[1]
    sorry = contrite & (1 - own)
    slipped = (intended != own) and own == 1 and other == 0
    k[0] = other & (1 - sorry)
    k[1] = (contrite | slipped) & (1 - sorry)
    return k[0]


@njit(**BARE)
def omega_tit_for_tat(own: Any, other: Any, time: Any, k: Any, p: Any) -> Any:
    """Remembers the opponent's last move, how random it seems, and signs of deadlock; p: both thresholds."""
    before, stuck = k[0], k[2]
    k[0] = other
    if time < 2:
        return other
    if stuck >= p[0]:
        k[2] = stuck + 1 if stuck == p[0] else 0
        return 0
    k[1] += (before != other) + (own != other) - (before == 0 and other == 0)
    if k[1] >= p[1]:
        return 1
    k[2] = stuck + 1 if before != other else 0
    return other


@njit(**BARE)
def gradual(other: Any, k: Any) -> Any:
    """Remembers defections, punishments still to give, and rounds of calm still to keep."""
    k[0] += other
    if k[1] > 0:
        k[1] -= 1
        return 1
    if k[2] > 0:
        k[2] -= 1
        return 0
    if other == 1:
        k[1], k[2] = k[0] - 1, 2
    return other


@njit(**BARE)
def original_gradual(other: Any, k: Any) -> Any:
    """Remembers how many punishments it has begun, how much of one is left, and rounds of calm still to keep."""
    if k[1] > 0:
        k[1] -= 1
        return 1
    if k[2] > 0:
        k[2] -= 1
        return 0
    if other == 1:
        k[0] += 1
        k[1], k[2] = k[0] - 1, 2
    return other


@njit(**BARE)
def sneaky_tit_for_tat(own: Any, other: Any, time: Any, k: Any) -> Any:
    """Remembers defections, and its own last move but one."""
    k[0] += other
    before, k[1] = k[1], own
    if time < 2:
        return 0
    if k[0] == 0:
        return 1
    return other & (1 - before)


@njit(**BARE)
def spiteful_tit_for_tat(other: Any, k: Any) -> Any:
    """Remembers the opponent's last move, and whether it has defected twice in a row."""
    k[1] |= k[0] & other
    k[0] = other
    return other | k[1]


@njit(**BARE)
def slow_tit_for_two_tats(own: Any, other: Any, time: Any, k: Any) -> Any:
    """Remembers the opponent's last move."""
    before, k[0] = k[0], other
    if time < 2:
        return 0
    return other if before == other else own


@njit(**BARE)
def tits_for_tats(other: Any, k: Any, p: Any) -> Any:
    """Remembers the opponent's run of defections, and answers still to give; p: answers, defections that provoke them."""
    k[0] = k[0] + 1 if other == 1 else 0
    if k[0] >= p[1]:
        k[1] = p[0]
    if k[1] > 0:
        k[1] -= 1
        return 1
    return 0


@njit(**BARE)
def adaptive_tit_for_tat(other: Any, time: Any, x: Any, p: Any) -> Any:
    """Remembers its image of the world; p: the rate at which that changes, and where it begins."""
    if time == 0:
        x[0] = p[0]
        return 0
    if other == 0:
        x[0] += p[0] * (1.0 - x[0])
    else:
        x[0] -= p[0] * x[0]
    return 0 if x[0] >= 0.5 else 1
