"""Pure Nash equilibria of games with any number of players, by marking best responses in the payoff tensor."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from games.normal import NormalFormGame
from games.simplices import Float, Int

TIE = 1e-12
"""A profile counts as an equilibrium when no player gains more than this part of the player's own payoff range."""


class PureEquilibria(NamedTuple):
    """`total` equilibria in all; the first of them, in C order, as int64[K, P] actions."""

    profiles: Int
    total: int


def pure_equilibria(game: NormalFormGame, limit: int) -> PureEquilibria:
    """Count all pure Nash equilibria of a game and list the first `limit`, in O(P prod(A)) time and one byte a profile."""
    stable = np.ones(game.profiles, dtype=np.bool_)
    for player, size in enumerate(game.shape):
        trailing = int(np.prod(game.shape[player + 1 :], dtype=np.int64))
        _mark(game.flat[player], size, trailing, TIE * float(game.spans[player]), stable)
    where = _first(stable, limit)
    profiles = np.stack(np.unravel_index(where, game.shape), axis=1).astype(np.int64)
    return PureEquilibria(profiles, int(np.count_nonzero(stable)))


@njit(cache=True)
def _mark(payoff: Float, size: int, trailing: int, tie: float, stable: np.ndarray) -> None:
    """Clear the mark of every profile from which this player, with `size` actions, gains more than `tie` by moving."""
    best = np.empty(trailing)
    for block in range(payoff.size // (size * trailing)):
        base = block * size * trailing
        if trailing == 1:
            top = payoff[base]
            for a in range(1, size):
                top = max(top, payoff[base + a])
            for a in range(size):
                stable[base + a] &= payoff[base + a] >= top - tie
            continue
        best[:] = payoff[base : base + trailing]
        for a in range(1, size):
            row = payoff[base + a * trailing : base + (a + 1) * trailing]
            for r in range(trailing):
                best[r] = max(best[r], row[r])
        for a in range(size):
            start = base + a * trailing
            for r in range(trailing):
                stable[start + r] &= payoff[start + r] >= best[r] - tie


@njit(cache=True)
def _first(stable: np.ndarray, limit: int) -> Int:
    """The first `limit` marked profiles."""
    where = np.empty(min(limit, stable.size), dtype=np.int64)
    count = 0
    for k in range(stable.size):
        if count == limit:
            break
        if stable[k]:
            where[count] = k
            count += 1
    return where[:count]
