"""A tree in the form the agent logit kernels want: payoff range one, one row of payoffs per node."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from games.errors import InputError
from games.simplices import Float, Int
from games.tree import TreeGame
from solvers import tree_qre_jacobian  # noqa: F401 (registers its kernels)
from solvers.tree_qre_order import pattern_of
from solvers.tree_qre_system import TreeSystem

_CAUTIOUS = 25.0  # memory-bound work, and the points of one kernel call should take a fraction of a second
_LARGEST = 6000  # slots; the Jacobian is dense


@dataclass(frozen=True, eq=False)
class TreeScaled:
    """A `TreeSystem` with the factor that turns a lambda of the game into one of the system.

    Parameters
    ----------
    system : TreeSystem
        Payoffs shifted and divided by `scale`.
    scale : float
        The game's span (1 for a constant game): lambda of the system = lambda of the game times scale.
    effort : float
        About how many operations a point of the branch takes.
    first_player : int64[K]
        The moves of the first player who has any.
    """

    system: TreeSystem
    scale: float
    effort: float
    first_player: Int

    @classmethod
    def of(cls, game: TreeGame) -> TreeScaled:
        """Rescale a game with perfect recall."""
        game.require_perfect_recall("agent quantal response")
        if game.slots > _LARGEST:
            raise InputError(
                f"{game.slots:,} moves are too many for agent logit continuation, which factors a dense Jacobian of "
                f"at most {_LARGEST:,}; magnetic mirror descent (mmd) has no such limit"
            )
        scale = game.span or 1.0
        payoff = np.zeros((game.nodes, len(game.players)))
        payoff[game.terminals] = ((game.payoff - game.payoff.min(axis=1)[:, None]) / scale).T
        with np.errstate(divide="ignore"):
            log_chance = np.log(game.chance)
        own = np.flatnonzero(game.infoset >= 0)
        pattern = pattern_of(game)
        system = TreeSystem(
            _ints(game.offsets),
            _ints(game.parent),
            _ints(game.slot),
            _ints(np.maximum(game.player, -1)),
            _ints(game.infoset),
            game.chance.copy(),
            log_chance,
            payoff.ravel(),
            _ints(game.owner),
            _ints(game.entry),
            _ints(_impossible(game)),
            _ints(np.bincount(game.infoset[own], minlength=len(game.owner)) > 1),
            _ints(game.terminals),
            _ints(game.last_slots[:, game.terminals].T.ravel()),
            *(_ints(array) for array in pattern.arrays),
        )
        choosing = np.diff(game.offsets)[game.infoset_of_slot] > 1
        owners = game.owner[game.infoset_of_slot]
        chief = owners[choosing].min(initial=len(game.players))
        return cls(system, scale, _CAUTIOUS * pattern.effort, np.flatnonzero(choosing & (owners == chief)))

    @property
    def size(self) -> int:
        """Number of moves of all information sets."""
        return int(self.system.offsets[-1])

    @property
    def boldness(self) -> float:
        """Lengths are root sums of squares over information sets, so that many of them make every step long."""
        choosing = int((np.diff(self.system.offsets) > 1).sum())
        return max(1.0, 0.5 * math.sqrt(choosing))

    def origin(self) -> Float:
        """A state for `solvers.qre_trace.trace` at lambda = 0."""
        state = np.zeros(3 * (self.size + 1) + 4)
        sizes = np.diff(self.system.offsets)
        state[: self.size] = -np.log(np.repeat(sizes, sizes))
        return state


def _ints(array: Any) -> Int:
    return np.ascontiguousarray(array, dtype=np.int32).copy()


def _impossible(game: TreeGame) -> Int:
    """int32[I]: 1 where chance leads to no node of an information set."""
    possible = np.ones(game.nodes, dtype=bool)
    for level in game.levels[1:]:
        possible[level] = possible[game.parent[level]] & (game.chance[level] > 0)
    own = np.flatnonzero(game.infoset >= 0)
    return (np.bincount(game.infoset[own], weights=possible[own], minlength=len(game.owner)) == 0).astype(
        np.int32
    )
