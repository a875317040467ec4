"""Players of any repeated normal-form game who reply to what they believe of the others.

Axes: B sub-environments, n seats played, P players, A actions (of whoever has most). Ties go to the first best action,
unless said otherwise.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import View
from games.errors import InputError
from games.normal import NormalFormGame
from games.streams import Streams

Array = npt.NDArray[Any]
_TIE = 1e-12


class Seated:
    """Players of certain seats of a stage game.

    Parameters
    ----------
    game : NormalFormGame
        The stage game.
    seats : sequence of int, optional
        Which players the columns of its views are; by default all of them, in order.
    """

    def __init__(self, game: NormalFormGame, seats: Sequence[int] | None = None) -> None:
        players = len(game.shape)
        self.game = game
        self.seats = tuple(range(players)) if seats is None else tuple(seats)
        if not self.seats or not all(0 <= seat < players for seat in self.seats):
            raise InputError(
                f"seats of {game.title or 'the game'} are numbers from 0 to {players - 1}, not {seats}"
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(seats={self.seats})"

    def check_agents(self, agents: int) -> None:
        """Raise `InputError` unless it plays for as many agents as it has seats."""
        if agents != len(self.seats):
            raise InputError(
                f"{type(self).__name__} plays seats {self.seats} of the game and was given {agents} agents; "
                "say which seats they are"
            )

    def start(self, batch: int, agents: int) -> Any:
        """Nothing to remember."""
        self.check_agents(agents)


class Replier(Seated, ABC):
    """Replies best to beliefs about each opponent, held independently; parameters as for `Seated`."""

    @abstractmethod
    def believe(self, view: View, memory: Any) -> tuple[Array, Any]:
        """Beliefs float64[B, n, P - 1, A] about the others, in the order of seats, and the memory afterwards."""

    def sample(self, view: View, memory: Any, streams: Streams) -> tuple[Array, Any]:
        """A best reply each, int32[B, n]; draws nothing."""
        beliefs, memory = self.believe(view, memory)
        columns = [self._reply(seat, beliefs[:, k]) for k, seat in enumerate(self.seats)]
        return np.stack(columns, axis=1).astype(np.int32), memory

    def probs(self, view: View, memory: Any) -> tuple[Array, Any]:
        """The best replies as probabilities, float64[B, n, A]."""
        beliefs, memory = self.believe(view, memory)
        columns = [self._reply(seat, beliefs[:, k]) for k, seat in enumerate(self.seats)]
        return np.eye(view.mask.shape[-1])[np.stack(columns, axis=1)], memory

    def seen(self, view: View) -> Array:
        """The others' last actions one-hot, float64[B, n, P - 1, A]; zeros before the first round."""
        self.check_agents(view.mask.shape[1])
        players, width = len(self.game.shape), max(self.game.shape)
        if view.mask.shape[-1] != width or view.observation.shape[-1] % (players * width):
            raise InputError(
                f"{type(self).__name__} plays {self.game.title or 'its game'} repeatedly, whose observations have a "
                f"multiple of {players * width} numbers, not {view.observation.shape[-1]}"
            )
        last = view.observation[..., width : players * width]
        return last.reshape(*last.shape[:2], players - 1, width).astype(np.float64)

    def _reply(self, seat: int, beliefs: Array) -> Array:
        """The first best action of a seat, int64[B], against beliefs float64[B, P - 1, A]."""
        payoffs = np.moveaxis(self.game.payoffs[seat], seat, 0)
        values: Array = payoffs[..., None]
        for j in range(payoffs.ndim - 2, -1, -1):
            values = np.einsum("...jb,bj->...b", values, beliefs[:, j, : payoffs.shape[j + 1]])
        scale = _TIE * max(1.0, float(np.abs(payoffs).max()))
        return (values >= values.max(axis=0) - scale).argmax(axis=0)


class BestReply(Replier):
    """Replies best to what the others did in the last round (Cournot 1838), at first to uniform play."""

    def believe(self, view: View, memory: None) -> tuple[Array, None]:
        """The others do it again."""
        seen = self.seen(view)
        return _shares(seen, _uniform(self.game, self.seats)), None


class FictitiousPlay(Replier):
    """Replies best to how often each opponent has played each action (Brown 1951; Robinson 1951).

    Opponents are taken to be independent of each other.

    Parameters
    ----------
    game, seats
        See `Seated`.
    weight : float
        Rounds of uniform play imagined before the first; with 0 only the first reply is to uniform play.
    """

    def __init__(self, game: NormalFormGame, seats: Sequence[int] | None = None, weight: float = 0.0) -> None:
        super().__init__(game, seats)
        if not 0 <= weight < math.inf:
            raise InputError(f"the weight of imagined rounds is a number of at least 0, not {weight}")
        self.weight = float(weight)

    def start(self, batch: int, agents: int) -> Array:
        """Counts float64[B, n, P - 1, A] of the others' actions."""
        self.check_agents(agents)
        return np.tile(self.weight * _uniform(self.game, self.seats), (batch, 1, 1, 1))

    def believe(self, view: View, memory: Array) -> tuple[Array, Array]:
        """Empirical frequencies."""
        counts = memory + self.seen(view)
        return _shares(counts, _uniform(self.game, self.seats)), counts


class LevelK(Seated):
    """Replies best to others who think one step less; level 0 plays uniformly (Nagel 1995; Stahl and Wilson 1995).

    Every round is played alike. Between equally good replies it draws uniformly, one draw per stream and round.

    Parameters
    ----------
    game, seats
        See `Seated`.
    level : int
        Steps of thinking.
    mean : float, optional
        If given, it replies to a mix of all lower levels with Poisson weights of this mean: the cognitive hierarchy
        of Camerer, Ho and Chong (2004), who estimate about 1.5.
    """

    def __init__(
        self,
        game: NormalFormGame,
        seats: Sequence[int] | None = None,
        level: int = 1,
        mean: float | None = None,
    ) -> None:
        super().__init__(game, seats)
        if not 0 <= level <= 1000:
            raise InputError(f"a level of thinking is a whole number from 0 to 1000, not {level}")
        if mean is not None and not 0 < mean <= 100:
            raise InputError(f"the mean number of thinking steps is above 0 and at most 100, not {mean}")
        self.level = level
        self.mean = mean
        levels = think(game, level, mean)
        self.strategies = [block.copy() for block in game.blocks(levels[level])]
        self._table = np.zeros((len(self.seats), max(game.shape)))
        for k, seat in enumerate(self.seats):
            self._table[k, : game.shape[seat]] = self.strategies[seat]

    def sample(self, view: View, memory: None, streams: Streams) -> tuple[Array, None]:
        """Actions int32[B, n]."""
        probs, _ = self.probs(view)
        return streams.choose(probs), None

    def probs(self, view: View, memory: None = None) -> tuple[Array, None]:
        """The same probabilities in every round, float64[B, n, A]."""
        self.check_agents(view.mask.shape[1])
        if view.mask.shape[-1] != self._table.shape[1]:
            raise InputError(
                f"level-k play of {self.game.title or 'the game'} has {self._table.shape[1]} actions, not "
                f"{view.mask.shape[-1]}"
            )
        return np.broadcast_to(self._table, view.mask.shape), None


def think(game: NormalFormGame, level: int, mean: float | None = None) -> Array:
    """Mixed strategies of levels 0 to `level`, float64[level + 1, sum(A)], in the flat layout of `games.simplices`.

    Parameters
    ----------
    game : NormalFormGame
        The game.
    level : int
        The highest level.
    mean : float, optional
        See `LevelK`.
    """
    uniform = np.concatenate([np.full(count, 1.0 / count) for count in game.shape])
    levels = [uniform]
    weights = [1.0]
    for k in range(1, level + 1):
        belief = levels[-1]
        if mean is not None:
            belief = np.average(levels, axis=0, weights=weights)
            weights.append(weights[-1] * mean / k)
        values = game.deviation_payoffs(belief)
        scale = _TIE * max(1.0, float(np.abs(game.payoffs).max()))
        best = [(v >= v.max() - scale).astype(np.float64) for v in game.blocks(values)]
        levels.append(np.concatenate([b / b.sum() for b in best]))
    return np.array(levels)


def _uniform(game: NormalFormGame, seats: Sequence[int]) -> Array:
    """Uniform beliefs float64[n, P - 1, A] of the players at these seats about the others."""
    out = np.zeros((len(seats), len(game.shape) - 1, max(game.shape)))
    for k, seat in enumerate(seats):
        others = [count for j, count in enumerate(game.shape) if j != seat]
        for j, count in enumerate(others):
            out[k, j, :count] = 1.0 / count
    return out


def _shares(counts: Array, otherwise: Array) -> Array:
    """Counts float64[B, n, P - 1, A] as shares; `otherwise` float64[n, P - 1, A] where there are none."""
    total = counts.sum(axis=-1, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1.0), otherwise)
