"""Whole plays of a tree game between tabular players in one loop: the same draws as play step by step.

In play step by step every player draws once per step, whether it moves or not. Here a player's stream catches up with
the clock when the player has something to draw for, which is the same number; rows that are no draw need none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from games.sims.tree_env_kernels import settle
from games.stream_kernels import BARE, bits

MIXED, STUCK = -1, -2
"""What stands in the last slot of an information set whose action must be drawn, or where no action is possible;
elsewhere the action that is always taken."""

_U11 = np.uint64(11)
_TERMINAL = -2


@njit(**BARE)
def _drawn(stream: Any, skip: Any, limits: Any, begin: Any, last: Any) -> Any:
    """The action drawn by the number after the next `skip` numbers of a stream."""
    for _ in range(skip):
        bits(stream)
    word = np.int64(bits(stream) >> _U11)
    chosen = 0
    for slot in range(begin, last):
        chosen += word >= limits[slot]
    return chosen


@njit(**BARE)
def play_trees(
    player: Any,
    label: Any,
    first: Any,
    child: Any,
    cumulative: Any,
    payoff: Any,
    offsets: Any,
    limits: Any,
    books: Any,
    world: Any,
    streams: Any,
    drawn: Any,
    most: Any,
    returns: Any,
    lengths: Any,
    ended: Any,
) -> Any:
    """Play one match per row of `books`.

    Parameters
    ----------
    player, label, first, child, cumulative, payoff
        The tree, see `games.sims.tree_env_kernels`.
    offsets : int32[I + 1]
        Where each information set's slots begin.
    limits : int64[U, slots + 1]
        Each book's thresholds: action > a is drawn by 53-bit numbers of at least ``limits[u, offsets[h] + a]``; the
        last slot of h, and the one behind all for plays that chance ends unmoved, tell `MIXED`, `STUCK` or an action.
    books : int32[E, P]
        Which book each player plays by.
    world, streams : uint64[E, 4], uint64[E, P, 4]
        Of chance and of the players.
    drawn : int64[P]
        To work with.
    most : int
        A match is cut off after so many moves.
    returns, lengths, ended : float64[E, P], int32[E], bool[E]
        Filled.

    Returns
    -------
    int
        -1, or e * (I + 1) + h of a match and an information set (I: plays ended unmoved) without a possible action.
    """
    sets = len(offsets) - 1
    for e in range(len(lengths)):
        v = settle(0, player, first, child, cumulative, world[e])
        time = 0
        for i in range(len(drawn)):
            drawn[i] = 0
        if player[v] == _TERMINAL:  # chance ended it: the first player makes one forced move
            if limits[books[e, 0], limits.shape[1] - 1] == STUCK:
                return e * (sets + 1) + sets
            time = 1
        while time < most and player[v] >= 0:
            i, h = player[v], label[v]
            own = limits[books[e, i]]
            last = offsets[h + 1] - 1
            chosen = own[last]
            if chosen == MIXED:
                chosen = _drawn(streams[e, i], time - drawn[i], own, offsets[h], last)
                drawn[i] = time + 1
            elif chosen == STUCK:
                return e * (sets + 1) + h
            v = settle(child[first[v] + chosen], player, first, child, cumulative, world[e])
            time += 1
        over = player[v] == _TERMINAL
        for i in range(len(drawn)):
            returns[e, i] = 0.0 + payoff[label[v], i] if over else 0.0
        lengths[e] = time
        ended[e] = over
    return -1
