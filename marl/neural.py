"""A network as a policy: observations in, actions out, by each agent's own observation alone."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from games.env import View
from games.errors import InputError
from games.policy import Memoryless
from games.spaces import Actions, Box, Discrete
from games.streams import Streams

Array = npt.NDArray[Any]
Network = Callable[[torch.Tensor], torch.Tensor]


class Neural(Memoryless):
    """A feed-forward network that maps observations to a distribution over actions.

    The network sees float32[B, n, d] and nothing of the global state or of other agents. Its output is float[B, n, A]:
    logits of discrete actions (part after part for multi-discrete ones), or, with A = 2k, means and logarithms of
    standard deviations of k numbers. Distributions are formed in float64 on the CPU and drawn from the agents' own
    streams, so that the device changes an action only where it changes a logit.

    Parameters
    ----------
    network : callable
        A `torch.nn.Module` or any function of a tensor.
    actions : Discrete, MultiDiscrete or Box
        What the agents can do.
    greedy : bool
        Play the most likely legal action, or the mean, instead of drawing.
    device : str
        Where the network lives.
    block : int, optional
        The network is called on exactly so many sub-environments at a time, zeros filling up the last block: sums are
        rounded differently in batches of different sizes, and one match alone would not always be what it was among
        others. With None all are evaluated together, which is faster, and that promise is gone.

    Raises
    ------
    InputError
        When played, if the output has the wrong width or is not a number.
    """

    def __init__(
        self,
        network: Network,
        actions: Actions,
        *,
        greedy: bool = False,
        device: str = "cpu",
        block: int | None = 64,
    ) -> None:
        if block is not None and block < 1:
            raise InputError(f"a network is evaluated on at least one sub-environment at a time, not {block}")
        self.network, self.actions, self.greedy, self.device = network, actions, greedy, device
        self.block = block

    def __repr__(self) -> str:
        return f"Neural({self.actions}, greedy={self.greedy}, device={self.device!r})"

    def outputs(self, view: View) -> Array:
        """What the network says, float64[B, n, outputs]."""
        with torch.no_grad():
            out = self._evaluated(view.observation).to("cpu", torch.float64).numpy()
        wanted = 2 * len(self.actions.low) if isinstance(self.actions, Box) else self.actions.width
        if out.shape != (*view.acting.shape, wanted):
            raise InputError(
                f"the network's output has shape {out.shape}, expected {(*view.acting.shape, wanted)}"
            )
        if not (out[view.acting] < np.inf).all():
            raise InputError("the network's output is infinite or not a number")
        return out

    def _evaluated(self, observation: Array) -> torch.Tensor:
        """The network's output for float32[B, n, d]."""
        given = torch.tensor(np.ascontiguousarray(observation), device=self.device)
        if self.block is None:
            return self.network(given)
        blocks = list(given.split(self.block))
        if missing := self.block - len(blocks[-1]):
            blocks[-1] = torch.cat([blocks[-1], given.new_zeros(missing, *given.shape[1:])])
        parts = [torch.atleast_1d(self.network(part)) for part in blocks]
        return (parts[0] if len(parts) == 1 else torch.cat(parts))[: len(given)]

    def probs(self, view: View, memory: None = None) -> tuple[Array, None]:
        """Action probabilities float64[B, n, A] of discrete actions; illegal ones have none."""
        if not isinstance(self.actions, Discrete):
            raise InputError("only a policy over discrete actions has a table of probabilities")
        return masked_softmax(self.outputs(view), view.mask), None

    def sample(self, view: View, memory: None, streams: Streams) -> tuple[Array, None]:
        """One draw per stream and part of the action; none if greedy."""
        if isinstance(self.actions, Box):
            return self._numbers(self.outputs(view), streams), None
        out = self.outputs(view)
        if isinstance(self.actions, Discrete):
            return self._choose(out, view.mask, streams), None
        edges = self.actions.starts
        parts = [self._choose(out[..., a:b], view.mask[..., a:b], streams) for a, b in pairwise(edges)]
        return np.stack(parts, axis=-1), None

    def _choose(self, logits: Array, mask: Array, streams: Streams) -> Array:
        if self.greedy:
            return np.where(mask, logits, -np.inf).argmax(axis=-1).astype(np.int32)
        return streams.choose(masked_softmax(logits, mask))

    def _numbers(self, out: Array, streams: Streams) -> Array:
        mean, log_std = np.split(out, 2, axis=-1)
        if self.greedy:
            return mean.astype(np.float32)
        return (mean + np.exp(log_std) * streams.normal(mean.shape[-1])).astype(np.float32)


def masked_softmax(logits: Array, mask: Array) -> Array:
    """Soft-max over the legal actions, float64[..., A]; zero where nothing is legal."""
    legal = np.where(mask, logits, -np.inf)
    top = legal.max(axis=-1, keepdims=True)
    with np.errstate(over="ignore"):  # logits too far apart to subtract are as good as infinitely far
        weights = np.exp(legal - np.where(np.isfinite(top), top, 0.0))
    total = weights.sum(axis=-1, keepdims=True)
    return np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
