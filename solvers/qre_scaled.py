"""A game in the form the logit kernels want: payoff range one, each player's own axis last."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from games.errors import InputError
from games.limits import check_fits
from games.normal import NormalFormGame
from games.simplices import Float, Int
from solvers.qre_system import System


@njit(cache=True)
def rearrange(flat: Float, sizes: Int) -> tuple[Float, int, Int, Int, float]:
    """Shift each player's payoffs to start at zero, divide all by the largest range, and put own axes last.

    Takes payoffs float64[P, prod(A)] and the game's offsets; returns the fields of a `System`, and the range.
    """
    players, cells = flat.shape
    offsets = np.empty(players + 1, np.int64)
    offsets[0] = 0
    strides = np.zeros((players, players), np.int64)
    lows, scale, half = np.empty(players), 0.0, 1
    for i in range(players):
        offsets[i + 1] = sizes[i + 1]
        high = flat[i, 0]
        lows[i] = high
        for c in range(1, cells):
            lows[i] = min(lows[i], flat[i, c])
            high = max(high, flat[i, c])
        scale = max(scale, high - lows[i])
    for i in range(players):
        own, rest = offsets[i + 1] - offsets[i], cells
        strides[i, i] = 1
        for k in range(players):
            rest //= offsets[k + 1] - offsets[k]
            if k != i:
                strides[i, k] = rest if k < i else rest * own
                half = max(half, strides[i, k])
    if scale == 0.0:
        scale = 1.0
    arena = np.empty(players * cells + 4 * half)
    trailing = cells
    for i in range(players):
        own = offsets[i + 1] - offsets[i]
        trailing //= own
        to = i * cells
        for lead in range(cells // (own * trailing)):
            for r in range(trailing):
                for a in range(own):
                    arena[to] = (flat[i, (lead * own + a) * trailing + r] - lows[i]) / scale
                    to += 1
    return arena, half, strides, offsets, scale


@dataclass(frozen=True, eq=False)
class Scaled:
    """A `System` with the factor that turns a lambda of the game into one of the system.

    Parameters
    ----------
    system : System
        Payoffs shifted and divided by `scale`.
    scale : float
        The game's span (1 for a constant game): lambda of the system = lambda of the game times scale.
    """

    system: System
    scale: float

    @classmethod
    def of(cls, game: NormalFormGame) -> Scaled:
        """Rescale a game; costs two passes over the payoffs and one copy of them."""
        shape = game.shape
        if game.profiles > 10**6:
            check_fits(shape, "the rearranged payoff tensor", copies=1)
        if sum(shape) > 20000:
            raise InputError(
                f"{sum(shape)} actions are too many for logit continuation, which factors a dense Jacobian"
            )
        arena, half, strides, offsets, scale = rearrange(game.flat, game.offsets)
        return cls(System(arena, half, strides, offsets), scale)

    @property
    def size(self) -> int:
        """Number of actions of all players, N."""
        return int(self.system.offsets[-1])

    @property
    def first_player(self) -> slice:
        """The first player's actions: who is taken to be less precise where branches meet."""
        return slice(0, int(self.system.offsets[1]))

    @property
    def boldness(self) -> float:
        """Steps are this much longer than in a game of a few players."""
        return 1.0

    @property
    def effort(self) -> float:
        """About how many operations a point of the branch takes."""
        return float(self.size**3 + 20 * self.system.arena.size)

    def origin(self) -> Float:
        """A state for `solvers.qre_trace.trace` at lambda = 0."""
        bounds = self.system.offsets.tolist()
        state = np.zeros(3 * (bounds[-1] + 1) + 4)
        for start, stop in itertools.pairwise(bounds):
            state[start:stop] = -math.log(stop - start)
        return state
