"""What scripted strategies share: reading the last moves, answering them, drawing.

Strategies play repeated games of two players with two actions each: action 0 is to cooperate, action 1 to defect. They
read the last joint action from their observation (`games.sims.repeated`: one-hot, own action first), whatever the
environment remembers beyond it. What counts is what was really played, so noise is seen but never known.

Each rule is one scalar function in `*_kernels.py`, known to `games.strategies.dispatch` by a code; here and in its
neighbours are its name, its parameters and its source. Memory is a tuple of arrays that begin as zeros: rounds so far
int64[B, n], and what the rule remembers, int64[B, n, words] and float64[B, n, reals]. It is replaced, never changed in place.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from games.env import View
from games.errors import InputError
from games.strategies.dispatch import chances_all, move_all
from games.strategies.kernels import last_moves
from games.streams import Streams

Array = npt.NDArray[Any]
Memory = tuple[Array, Array, Array]

_NOTHING = np.zeros((0, 0))


class Last(NamedTuple):
    """The last round, as every agent sees it from its own seat."""

    first: Array  # bool[B, n]: nothing has been played yet; then the other two are False
    own: Array  # bool[B, n]: whether the agent itself defected
    other: Array  # bool[B, n]: whether its opponent defected


def read(view: View) -> Last:
    """The last round from observations that begin with the last joint action of two players, one-hot."""
    if view.mask.shape[-1] != 2 or view.observation.shape[-1] % 4:
        raise InputError(
            f"scripted strategies play repeated games of two players with two actions each; here observations have "
            f"{view.observation.shape[-1]} numbers and there are {view.mask.shape[-1]} actions"
        )
    first, own, other = (np.empty(view.mask.shape[:2], dtype=np.bool_) for _ in range(3))
    last_moves(view.observation, first, own, other)
    return Last(first, own, other)


class Scripted:
    """A deterministic strategy: it draws nothing.

    Subclasses name the `code` of their rule, how many numbers it remembers (`words` whole ones, `reals` others), and its
    `settings`.
    """

    code: int
    words: int = 0
    reals: int = 0
    paid: bool = False
    """Whether the rule asks what the last round paid."""
    chancy: bool = False
    """Whether the rule draws: once per stream and round."""

    def settings(self) -> Iterable[float]:
        """The parameters of the rule, in the order that its function names."""
        return ()

    @property
    def numbers(self) -> Array:
        """The parameters of the rule, float64[:]."""
        return self._numbers

    @cached_property
    def _numbers(self) -> Array:
        return np.array([float(value) for value in self.settings()])

    def __repr__(self) -> str:
        told = ", ".join(f"{key}={value}" for key, value in vars(self).items() if not key.startswith("_"))
        return f"{type(self).__name__}({told})"

    def start(self, batch: int, agents: int) -> Memory:
        """Everything unremembered: zeros."""
        return (
            np.zeros((batch, agents), dtype=np.int64),
            np.zeros((batch, agents, self.words), dtype=np.int64),
            np.zeros((batch, agents, self.reals)),
        )

    def sample(self, view: View, memory: Memory, streams: Streams) -> tuple[Array, Memory]:
        """Actions int32[B, n]: 0 to cooperate, 1 to defect."""
        _, own, other = read(view)
        time, k, x = (part.copy() for part in memory)
        pay = np.array(view.reward) if self.paid else _NOTHING
        u = streams.uniform() if self.chancy else _NOTHING
        out = np.empty(own.shape, dtype=np.int32)
        move_all(self.code, own, other, pay, u, time, k, x, self._numbers, out)
        return out, (time, k, x)

    def probs(self, view: View, memory: Memory) -> tuple[Array, Memory]:
        """Probabilities of both actions, float64[B, n, 2]: all on one."""
        moves, memory = Scripted.sample(self, view, memory, NOBODY)
        return np.stack([moves == 0, moves == 1], axis=-1).astype(np.float64), memory


class Chancy(Scripted):
    """A strategy that cooperates with some probability; one draw per stream and round, whatever the probability."""

    chancy = True

    def probs(self, view: View, memory: Memory) -> tuple[Array, Memory]:
        """Probabilities of both actions, float64[B, n, 2]."""
        _, own, other = read(view)
        time, k, x = (part.copy() for part in memory)
        chance = np.empty(own.shape)
        chances_all(self.code, own, other, time, k, self._numbers, chance)
        return np.stack([chance, 1.0 - chance], axis=-1), (time, k, x)


NOBODY = Streams(np.zeros((0, 0, 4), dtype=np.uint64))
"""The streams of those who draw nothing."""


def check_probability(name: str, value: float) -> float:
    """The value; `InputError` unless it is a probability."""
    if not 0 <= value <= 1:
        raise InputError(f"{name} is a probability from 0 to 1, not {value}")
    return float(value)
