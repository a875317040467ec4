"""A network as a policy: observations in, actions out, by each agent's own observation alone."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from games.env import EnvSpec, View
from games.errors import InputError
from games.policy import Independent, JointPolicy, Policy
from games.spaces import Actions, Box, Discrete
from games.streams import Streams

Array = npt.NDArray[Any]
Network = Callable[..., Any]


class Neural:
    """A network that maps observations to a distribution over actions.

    The network sees float32[B, n, d] and nothing of the global state or of other agents. Its output is float[B, n, A]:
    logits of discrete actions (part after part for multi-discrete ones), or, with A = 2k, means and logarithms of
    standard deviations of k numbers. Distributions are formed in float64 on the CPU and drawn from the agents' own
    streams, so that the device changes an action only where it changes a logit.

    Parameters
    ----------
    network : callable
        A `torch.nn.Module` or any function of a tensor; with `memory`, of a tensor and a memory float32[B, n, memory],
        which returns the outputs and the memory afterwards. If it has ``alone(i)``, that is what the i-th agent
        needs to play without the others.
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
    memory : int
        How many numbers an agent remembers.

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
        memory: int = 0,
    ) -> None:
        if block is not None and block < 1:
            raise InputError(f"a network is evaluated on at least one sub-environment at a time, not {block}")
        self.network, self.actions, self.greedy, self.device = network, actions, greedy, device
        self.block, self.memory = block, memory

    def __repr__(self) -> str:
        return f"Neural({self.actions}, greedy={self.greedy}, device={self.device!r})"

    def start(self, batch: int, agents: int = 0) -> Array | None:
        """Nothing remembered yet: zeros float32[B, n, memory], or None without a memory."""
        return np.zeros((batch, agents, self.memory), dtype=np.float32) if self.memory else None

    def alone(self, agent: int) -> Neural:
        """The policy of the group's agent of this number, playing without the others."""
        network = self.network.alone(agent) if hasattr(self.network, "alone") else self.network
        return Neural(
            network,
            self.actions,
            greedy=self.greedy,
            device=self.device,
            block=self.block,
            memory=self.memory,
        )

    def outputs(self, view: View, memory: Array | None = None) -> tuple[Array, Array | None]:
        """What the network says, float64[B, n, outputs], and the memory afterwards."""
        with torch.no_grad():
            told, memory = self._evaluated(view.observation, memory)
            out = told.to("cpu", torch.float64).numpy()
        wanted = 2 * len(self.actions.low) if isinstance(self.actions, Box) else self.actions.width
        if out.shape != (*view.acting.shape, wanted):
            raise InputError(
                f"the network's output has shape {out.shape}, expected {(*view.acting.shape, wanted)}"
            )
        if not (out < np.inf).all() and not (out[view.acting] < np.inf).all():
            raise InputError("the network's output is infinite or not a number")
        return out, memory

    def _evaluated(self, observation: Array, memory: Array | None) -> tuple[torch.Tensor, Array | None]:
        """The network's output for float32[B, n, d], and what is remembered."""
        given = self._tensor(observation)
        kept = None if memory is None else self._tensor(memory)
        out, kept = in_blocks(self._called, given, self.block, kept)
        return out, None if kept is None else kept.cpu().numpy()

    def _tensor(self, array: Array) -> torch.Tensor:
        array = np.ascontiguousarray(array)
        if not array.flags.writeable:
            array = array.copy()  # torch warns of memory it may not write to
        return torch.from_numpy(array).to(self.device)

    def _called(self, given: torch.Tensor, memory: torch.Tensor | None = None) -> tuple[torch.Tensor, Any]:
        if memory is None:
            return torch.atleast_1d(self.network(given)), None
        return self.network(given, memory)

    def probs(self, view: View, memory: Array | None = None) -> tuple[Array, Array | None]:
        """Action probabilities float64[B, n, A] of discrete actions; illegal ones have none."""
        if not isinstance(self.actions, Discrete):
            raise InputError("only a policy over discrete actions has a table of probabilities")
        out, memory = self.outputs(view, memory)
        if not self.greedy:
            return masked_softmax(out, view.mask), memory
        best = np.where(view.mask, out, -np.inf).argmax(axis=-1)
        return np.eye(out.shape[-1])[best] * view.mask.any(axis=-1, keepdims=True), memory

    def sample(self, view: View, memory: Array | None, streams: Streams) -> tuple[Array, Array | None]:
        """One draw per stream and part of the action; none if greedy."""
        out, memory = self.outputs(view, memory)
        if isinstance(self.actions, Box):
            return self._numbers(out, streams), memory
        if isinstance(self.actions, Discrete):
            return self._choose(out, view.mask, streams), memory
        edges = self.actions.starts
        parts = [self._choose(out[..., a:b], view.mask[..., a:b], streams) for a, b in pairwise(edges)]
        return np.stack(parts, axis=-1), memory

    def _choose(self, logits: Array, mask: Array, streams: Streams) -> Array:
        if self.greedy:
            return np.where(mask, logits, -np.inf).argmax(axis=-1).astype(np.int32)
        return streams.choose_soft(logits, mask)

    def _numbers(self, out: Array, streams: Streams) -> Array:
        mean, log_std = np.split(out, 2, axis=-1)
        if self.greedy:
            return mean.astype(np.float32)
        return (mean + np.exp(log_std) * streams.normal(mean.shape[-1])).astype(np.float32)


def in_blocks(
    network: Network, given: torch.Tensor, block: int | None, memory: torch.Tensor | None = None
) -> tuple[Any, Any]:
    """The two outputs of a network, evaluated on exactly `block` rows at a time, or on all together if None.

    Parameters
    ----------
    network : callable
        Of rows, and of a memory if one is given; it returns two tensors with as many rows, or None for one of them.
    given : float[B, ...]
        Rows; zeros fill up the last block.
    block : int or None
        Rows at a time.
    memory : float[B, ...], optional
        Its second argument.
    """
    if block is None:
        return network(given) if memory is None else network(given, memory)
    parts = []
    for start in range(0, len(given), block):
        rows = _filled(given[start : start + block], block)
        kept = () if memory is None else (_filled(memory[start : start + block], block),)
        parts.append(network(rows, *kept))
    first, second = (
        None if column[0] is None else torch.cat(column)[: len(given)] for column in zip(*parts, strict=True)
    )
    return first, second


def _filled(rows: torch.Tensor, block: int) -> torch.Tensor:
    """Rows of a block, with zeros for those that are missing."""
    missing = block - len(rows)
    return rows if missing <= 0 else torch.cat([rows, rows.new_zeros(missing, *rows.shape[1:])])


def masked_softmax(logits: Array, mask: Array) -> Array:
    """Soft-max over the legal actions, float64[..., A]; zero where nothing is legal."""
    legal = np.where(mask, logits, -np.inf)
    top = legal.max(axis=-1, keepdims=True)
    with np.errstate(over="ignore"):  # logits too far apart to subtract are as good as infinitely far
        weights = np.exp(legal - np.where(np.isfinite(top), top, 0.0))
    total = weights.sum(axis=-1, keepdims=True)
    return np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)


def apart(team: JointPolicy) -> Independent:
    """A team whose agents are told nothing of each other: itself, or what it is without its graph (``apart()``).

    Raises
    ------
    InputError
        If the agents of the team play together and cannot do otherwise.
    """
    if isinstance(team, Independent):
        return team
    alone = getattr(team, "apart", None)
    if alone is None:
        raise InputError(f"the agents of {team!r} play only together, so none can be seated alone")
    found: Independent = alone()
    return found


def seats(team: JointPolicy) -> dict[str, Policy]:
    """A policy of its own for every agent of a team, by name, so that it can be seated among strangers; see `apart`."""
    whole = apart(team)
    spec: EnvSpec = whole.spec
    out: dict[str, Policy] = {}
    for g, columns, policy in whole.seats:
        for i in range(columns.start, columns.stop):
            alone = getattr(policy, "alone", None)
            out[spec.groups[g].agents[i]] = policy if alone is None else alone(i - columns.start)
    return out
