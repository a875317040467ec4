"""Random streams for batches: every sub-environment, and every agent in it, has its own.

A whole match is a function of one seed, uint64: the environment draws from `Streams.from_seeds(seeds, ENV)`, the agents
from `Streams.from_seeds(seeds, ACT, agents=n)`. Nothing depends on what else is in the batch. Seeds themselves come
from a `numpy.random.Generator` (`draw_seeds`).
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np
import numpy.typing as npt

from games import stream_kernels as kernels
from games.errors import InputError

Array = npt.NDArray[Any]

ENV, ACT = 0, 1
"""Labels that keep an environment's streams apart from those of the agents in it, under the same seed."""


def draw_seeds(rng: np.random.Generator, count: int) -> Array:
    """`count` seeds uint64 below 2**63, so that a database holds them; the first k do not depend on `count`."""
    return rng.integers(0, 2**63, size=count, dtype=np.uint64)


def check_seeds(seeds: Any) -> Array:
    """Seeds as uint64[B]; `InputError` unless they are a list of at least one whole number from 0 to 2**64 - 1."""
    try:
        array = np.asarray(seeds)
        if array.dtype.kind == "f" and isinstance(seeds, list | tuple):
            # numpy makes floats of lists with numbers on both sides of 2**63
            array = np.array([index(seed) for seed in seeds], dtype=np.uint64)
        if (
            array.ndim != 1
            or not array.size
            or array.dtype.kind not in "iu"
            or (array.dtype.kind == "i" and array.min() < 0)
        ):
            raise ValueError
    except (ValueError, OverflowError, TypeError) as error:
        raise InputError(
            f"expected at least one seed, a list of whole numbers from 0 to 2**64 - 1, not {seeds!r:.80}"
        ) from error
    return array.astype(np.uint64)


class Streams:
    """A table of random streams, drawn from in place.

    Parameters
    ----------
    state : uint64[B, n, 4]
        The streams of n agents in B sub-environments (`from_seeds` makes them).

    Examples
    --------
    >>> one = Streams.from_seeds(np.array([5, 6], dtype=np.uint64), ACT, agents=3)
    >>> alone = Streams.from_seeds(np.array([6], dtype=np.uint64), ACT, agents=3)
    >>> bool((one.uniform()[1] == alone.uniform()[0]).all())
    True
    """

    def __init__(self, state: Array) -> None:
        self.state = state

    @classmethod
    def from_seeds(cls, seeds: Array, label: int, agents: int = 1) -> Streams:
        """Streams for `agents` agents in len(seeds) sub-environments; different labels give unrelated streams."""
        state = np.empty((len(seeds), agents, 4), dtype=np.uint64)
        kernels.seed_streams(np.asarray(seeds, dtype=np.uint64), label, state)
        return cls(state)

    @property
    def shape(self) -> tuple[int, int]:
        """Sub-environments and agents."""
        return self.state.shape[0], self.state.shape[1]

    def agents(self, which: slice) -> Streams:
        """The streams of some agents; drawing from them advances these."""
        return Streams(self.state[:, which])

    def rows(self, which: slice) -> Streams:
        """The streams of some sub-environments; drawing from them advances these."""
        return Streams(self.state[which])

    def bits(self) -> Array:
        """64 random bits of every stream, uint64[B, n]."""
        return self._fill(kernels.fill_bits, 1, np.uint64)[..., 0]

    def uniform(self, count: int | None = None) -> Array:
        """Numbers in [0, 1), float64[B, n], or float64[B, n, count]."""
        return self._filled(kernels.fill_uniform, count)

    def normal(self, count: int | None = None) -> Array:
        """Standard normal numbers, float64[B, n], or float64[B, n, count]."""
        return self._filled(kernels.fill_normal, count)

    def legal(self, mask: Array) -> Array:
        """One uniformly random legal action each, int32[B, n], from bool[B, n, A]; one draw per stream."""
        out = np.empty(mask.shape[:2], dtype=np.int32)
        kernels.pick_legal(self.state, mask, out)
        return out

    def choose(self, probs: Array) -> Array:
        """One action each from probabilities float64[B, n, A], int32[B, n]; one draw per stream.

        Sums need not be exactly 1; an action of probability 0 is never drawn.
        """
        out = np.empty(probs.shape[:2], dtype=np.int32)
        kernels.pick_likely(self.state, np.ascontiguousarray(probs, dtype=np.float64), out)
        return out

    def choose_soft(self, logits: Array, mask: Array) -> Array:
        """One legal action each by the soft-max of logits float64[B, n, A], int32[B, n]; one draw per stream."""
        out = np.empty(logits.shape[:2], dtype=np.int32)
        kernels.pick_soft(self.state, np.ascontiguousarray(logits, dtype=np.float64), mask, out)
        return out

    def seeds(self, which: Sequence[int] | Array) -> list[int]:
        """A fresh seed below 2**31 from the first stream of each chosen sub-environment, for libraries that want one."""
        rows = Streams(self.state[np.asarray(which), :1])
        drawn = rows.bits()[:, 0]
        self.state[np.asarray(which), :1] = rows.state
        return [int(word >> np.uint64(33)) for word in drawn]

    def _filled(self, kernel: Any, count: int | None) -> Array:
        drawn = self._fill(kernel, 1 if count is None else count, np.float64)
        return drawn[..., 0] if count is None else drawn

    def _fill(self, kernel: Any, count: int, dtype: Any) -> Array:
        out = np.empty((*self.shape, count), dtype=dtype)
        kernel(self.state, out)
        return out
