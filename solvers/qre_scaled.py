"""A game in the form the logit kernels want: payoff range one, each player's own axis last."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from games.errors import InputError
from games.limits import check_fits
from games.normal import NormalFormGame
from games.simplices import Float
from solvers.qre_system import System


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
        shape, players = game.shape, len(game.shape)
        cells = game.profiles
        if cells > 10**6:
            check_fits(shape, "the rearranged payoff tensor", copies=1)
        if sum(shape) > 20000:
            raise InputError(
                f"{sum(shape)} actions are too many for logit continuation, which factors a dense Jacobian"
            )
        flat = game.flat
        low = flat.min(axis=1)
        scale = float((flat.max(axis=1) - low).max())
        scale = scale if scale > 0 else 1.0
        strides = np.zeros((players, players), dtype=np.int64)
        half = max([cells // n for n in shape[: 2 if players > 1 else 0]], default=1)
        arena = np.empty(players * cells + 4 * half)
        tensors = arena[: players * cells]
        axes = range(players)
        for i in axes:
            own_last = game.payoffs[i].transpose([k for k in axes if k != i] + [i])
            np.subtract(own_last, low[i], out=tensors[i * cells : (i + 1) * cells].reshape(own_last.shape))
            stride = 1
            for k in [i, *range(players - 1, i, -1), *range(i - 1, -1, -1)]:
                strides[i, k] = stride
                stride *= shape[k]
        tensors /= scale
        return cls(System(arena, half, strides, game.offsets.astype(np.int64)), scale)

    @property
    def size(self) -> int:
        """Number of actions of all players, N."""
        return int(self.system.offsets[-1])

    def origin(self) -> Float:
        """A state for `solvers.qre_trace.trace` at lambda = 0."""
        bounds = self.system.offsets.tolist()
        state = np.zeros(3 * (bounds[-1] + 1) + 3)
        for start, stop in itertools.pairwise(bounds):
            state[start:stop] = -math.log(stop - start)
        return state
