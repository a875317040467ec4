"""Openings, cycles, tricks and finite automata, one agent and one round at a time; conventions: `reciprocity_kernels`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from games.stream_kernels import BARE

MIRROR = 2
"""In a prober's parameters: it plays tit for tat."""

_OPENING_4 = np.uint64(sum(1 << i for i, move in enumerate("CCDCDDDCCDCDCCDCDDCD") if move == "D"))


def _capri() -> np.uint64:
    """The histories of three rounds after which CAPRI cooperates, as bits: oldest round first, own move first."""
    kind = (
        "CC CC CC",
        *("CC CC DC", "CC DC CD", "DC CD CC", "CD CC CC"),
        *("CC CD DC", "CD DC CC", "DC CC CC"),
        *("DD DD DC", "DD DC CC", "DD DD CD", "DD CD CC", "DD DD CC", "DD CC CC"),
    )
    codes = [int("".join("01"[move == "D"] for move in history if move != " "), 2) for history in kind]
    return np.uint64(sum(1 << code for code in codes))


_CAPRI = _capri()


@njit(**BARE)
def prober(other: Any, time: Any, k: Any, p: Any) -> Any:
    """Remembers whether anything unexpected was seen.

    p: the number of opening moves and of expected ones, what to do if all were seen and if not (a move or `MIRROR`),
    the opening moves, and pairs of a round and the move expected in it.
    """
    opening, expected = np.int64(p[0]), np.int64(p[1])
    for e in range(expected):
        place = 4 + opening + 2 * e
        if time == p[place] + 1 and other != p[place + 1]:
            k[0] = 1
    if time < opening:
        return np.int64(p[4 + time])
    late = np.int64(p[3] if k[0] == 1 else p[2])
    return other if late == MIRROR else late


@njit(**BARE)
def prober_4(own: Any, other: Any, time: Any, k: Any) -> Any:
    """Remembers defections in answer to its own less those in answer to cooperation, while it opens."""
    if time < 20:
        k[0] += other * (2 * own - 1)
        return np.int64((_OPENING_4 >> np.uint64(time)) & np.uint64(1))
    if abs(k[0]) <= 2:
        return 1
    return 0 if time < 25 else other


@njit(**BARE)
def cycler(time: Any, p: Any) -> Any:
    """p: the length of the cycle, and its moves."""
    return np.int64(p[1 + time % np.int64(p[0])])


@njit(**BARE)
def machine(other: Any, time: Any, k: Any, p: Any) -> Any:
    """Remembers its state.

    p: the first state and move; for each state the next state and the move after a cooperation, and those after a
    defection.
    """
    if time == 0:
        k[0] = np.int64(p[0])
        return np.int64(p[1])
    place = 2 + 4 * k[0] + 2 * other
    k[0] = np.int64(p[place])
    return np.int64(p[place + 1])


@njit(**BARE)
def tricky_cooperator(other: Any, time: Any, k: Any) -> Any:
    """Remembers for how many rounds the opponent has cooperated in a row."""
    k[0] = 0 if other == 1 else k[0] + (time > 0)
    return time >= 3 and k[0] >= min(time, 10)


@njit(**BARE)
def tricky_defector(other: Any, time: Any, k: Any) -> Any:
    """Remembers for how many rounds the opponent has defected in a row, and whether it has ever cooperated."""
    k[0] = k[0] + 1 if other == 1 else 0
    k[1] |= time > 0 and other == 0
    return not (k[1] == 1 and k[0] >= 3)


@njit(**BARE)
def capri(own: Any, other: Any, k: Any) -> Any:
    """Remembers three rounds as bits; before the first there was mutual cooperation."""
    k[0] = (4 * k[0] + 2 * own + other) & 63
    return 1 - np.int64((_CAPRI >> np.uint64(k[0])) & np.uint64(1))


@njit(**BARE)
def doubler(other: Any, time: Any, k: Any) -> Any:
    """Remembers defections."""
    k[0] += other
    return other == 1 and time - k[0] <= 2 * k[0]
