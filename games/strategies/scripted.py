"""What scripted strategies share: reading the last moves, deciding, drawing.

Strategies play repeated games of two players with two actions each: action 0 is to cooperate, action 1 to defect. They
read the last joint action from their observation (`games.sims.repeated`: one-hot, own action first), whatever the
environment remembers beyond it. What counts is what was really played, so noise is seen but never known.

Inside, a move is a bool array [B, n], True for a defection. Memory is a tuple of arrays [B, n] that begin as zeros; it
is replaced, never changed in place.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from games.env import View
from games.errors import InputError
from games.strategies.kernels import draw_moves, last_moves
from games.streams import Streams

Array = npt.NDArray[Any]
Memory = tuple[Array, ...]


class Last(NamedTuple):
    """The last round, as every agent sees it from its own seat."""

    first: Array  # bool[B, n]: nothing has been played yet; then the other two are False
    own: Array  # bool[B, n]: whether the agent itself defected
    other: Array  # bool[B, n]: whether its opponent defected
    reward: Array  # float64[B, n]: what the round paid the agent


def read(view: View) -> Last:
    """The last round from observations that begin with the last joint action of two players, one-hot."""
    if view.mask.shape[-1] != 2 or view.observation.shape[-1] % 4:
        raise InputError(
            f"scripted strategies play repeated games of two players with two actions each; here observations have "
            f"{view.observation.shape[-1]} numbers and there are {view.mask.shape[-1]} actions"
        )
    first, own, other = (np.empty(view.mask.shape[:2], dtype=np.bool_) for _ in range(3))
    last_moves(view.observation, first, own, other)
    return Last(first, own, other, view.reward)


class Remembering:
    """A strategy with `memory`: one array per dtype, zeros at the start of a match."""

    memory: tuple[Any, ...] = ()

    def start(self, batch: int, agents: int) -> Memory:
        """Everything unremembered: zeros."""
        return tuple(np.zeros((batch, agents), dtype=kind) for kind in self.memory)

    def __repr__(self) -> str:
        settings = ", ".join(f"{key}={value}" for key, value in vars(self).items() if not key.startswith("_"))
        return f"{type(self).__name__}({settings})"


class Scripted(Remembering, ABC):
    """A deterministic strategy: it draws nothing. Subclasses say how they `decide`."""

    @abstractmethod
    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Who defects, bool[B, n], and the memory afterwards."""

    def sample(self, view: View, memory: Memory, streams: Streams) -> tuple[Array, Memory]:
        """Actions int32[B, n]: 0 to cooperate, 1 to defect."""
        defect, memory = self.decide(read(view), memory)
        return defect.astype(np.int32), memory

    def probs(self, view: View, memory: Memory) -> tuple[Array, Memory]:
        """Probabilities of both actions, float64[B, n, 2]: all on one."""
        defect, memory = self.decide(read(view), memory)
        return np.stack([~defect, defect], axis=-1).astype(np.float64), memory


class Chancy(Remembering, ABC):
    """A strategy that cooperates with some probability; one draw per stream and round, whatever the probability.

    Subclasses say how likely they are to `cooperate`.
    """

    @abstractmethod
    def cooperate(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Probability of cooperating, float64[B, n], and the memory afterwards."""

    def sample(self, view: View, memory: Memory, streams: Streams) -> tuple[Array, Memory]:
        """Actions int32[B, n]: 0 to cooperate, 1 to defect."""
        chance, memory = self.cooperate(read(view), memory)
        out = np.empty(chance.shape, dtype=np.int32)
        draw_moves(streams.state, chance, out)
        return out, memory

    def probs(self, view: View, memory: Memory) -> tuple[Array, Memory]:
        """Probabilities of both actions, float64[B, n, 2]."""
        chance, memory = self.cooperate(read(view), memory)
        return np.stack([chance, 1.0 - chance], axis=-1), memory


def check_probability(name: str, value: float) -> float:
    """The value; `InputError` unless it is a probability."""
    if not 0 <= value <= 1:
        raise InputError(f"{name} is a probability from 0 to 1, not {value}")
    return float(value)
