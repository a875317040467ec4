"""Exploration by values: the best action, or now and then any."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import View
from games.errors import InputError
from games.streams import Streams
from marl.neural import Neural

Array = npt.NDArray[Any]


class EpsilonGreedy:
    """Every agent takes the legal action of the largest value or, with probability epsilon, a uniformly random one.

    Parameters
    ----------
    values : Neural
        Whose outputs are the values of discrete actions; what it remembers does not depend on what is done.
    epsilon : float
        Probability of a random action, from 0 to 1.

    Raises
    ------
    InputError
        If epsilon is no probability.
    """

    def __init__(self, values: Neural, epsilon: float) -> None:
        if not 0.0 <= epsilon <= 1.0:
            raise InputError(f"epsilon is a probability, not {epsilon:g}")
        self.values, self.epsilon = values, float(epsilon)

    def __repr__(self) -> str:
        return f"EpsilonGreedy({self.values!r}, epsilon={self.epsilon:g})"

    def start(self, batch: int, agents: int = 0) -> Array | None:
        """What the network remembers at the start of an episode."""
        return self.values.start(batch, agents)

    def alone(self, agent: int) -> EpsilonGreedy:
        """The policy of the group's agent of this number, playing without the others."""
        return EpsilonGreedy(self.values.alone(agent), self.epsilon)

    def sample(self, view: View, memory: Array | None, streams: Streams) -> tuple[Array, Array | None]:
        """Actions int32[B, n]; one draw per stream."""
        from games.greedy_kernels import pick_greedy

        values, memory = self.values.outputs(view, memory)
        out = np.empty(view.acting.shape, dtype=np.int32)
        pick_greedy(streams.state, values, view.mask, self.epsilon, out)
        return out, memory

    def probs(self, view: View, memory: Array | None = None) -> tuple[Array, Array | None]:
        """Action probabilities float64[B, n, A]; illegal ones have none."""
        values, memory = self.values.outputs(view, memory)
        legal = view.mask.astype(np.float64)
        count = legal.sum(axis=-1, keepdims=True)
        best = np.eye(values.shape[-1])[np.where(view.mask, values, -np.inf).argmax(axis=-1)]
        mixed = (1 - self.epsilon) * best + self.epsilon * legal / np.maximum(count, 1.0)
        return mixed * (count > 0), memory
