"""Networks of agents: perceptrons, with a recurrent layer if wanted, whose weights agents share or not.

Letters: n agents, d inputs, o outputs, H width of the recurrent layer, B sub-environments, T steps. All agents are
evaluated in one call. Agents that share weights may tell each other apart by a bias of their own in the first layer,
which is what a one-hot agent number beside the observation amounts to.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from marl.recurrence import GatedSequence, gated_step

Sharing = Literal["numbered", "shared", "heads", "separate"]
"""One set of weights with agents' numbers as input, one set without, one set but for a head each, or a set for each agent."""


class Dense(nn.Module):
    """A linear layer, one for all agents or one for each.

    Parameters
    ----------
    inputs, outputs : int
        Widths.
    copies : int
        0 for one layer that all agents share, else the number of agents.
    gain : float
        Weights are orthogonal times this (Saxe et al. 2014); biases are zero.
    generator : torch.Generator
        Draws the weights.
    """

    def __init__(
        self, inputs: int, outputs: int, copies: int, gain: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        drawn = [orthogonal(outputs, inputs, gain, generator) for _ in range(max(copies, 1))]
        self.copies = copies
        self.weight = nn.Parameter(torch.stack([w.T for w in drawn]).contiguous() if copies else drawn[0])
        self.bias = nn.Parameter(torch.zeros(copies, 1, outputs) if copies else torch.zeros(outputs))

    def forward(self, x: Tensor, agents: Tensor | None = None) -> Tensor:
        """float[R, n, inputs] to float[R, n, outputs]; `agents` int64[n] says whose layers, all by default."""
        if not self.copies:
            return functional.linear(x, self.weight, self.bias)
        weight, bias = (
            (self.weight, self.bias) if agents is None else (self.weight[agents], self.bias[agents])
        )
        return torch.baddbmm(bias, x.transpose(0, 1), weight).transpose(0, 1)


class Norm(nn.Module):
    """Layer normalisation (Ba et al. 2016) with gains and offsets, one set for all agents or one for each.

    Parameters
    ----------
    width, copies : int
        As of `Dense`.
    """

    def __init__(self, width: int, copies: int) -> None:
        super().__init__()
        shape = (copies, width) if copies else (width,)
        self.gain, self.offset = nn.Parameter(torch.ones(shape)), nn.Parameter(torch.zeros(shape))

    def forward(self, x: Tensor, agents: Tensor | None = None) -> Tensor:
        """float[R, n, width], or with one set for all float[..., width], of mean 0 and variance 1 each.

        A single number is only scaled and moved: normalised it would always be the same.
        """
        width = self.gain.shape[-1:]
        if self.gain.ndim == 1 and width[0] > 1:
            return functional.layer_norm(x, width, self.gain, self.offset)
        gain: Tensor = self.gain
        offset: Tensor = self.offset
        if agents is not None and gain.ndim > 1:
            gain, offset = gain[agents], offset[agents]
        return (functional.layer_norm(x, width) if width[0] > 1 else x) * gain + offset


class Network(nn.Module):
    """Rectified layers, perhaps a gated recurrent unit after the first (Cho et al. 2014), and a linear head.

    Parameters
    ----------
    inputs, outputs, agents : int
        Shapes: float[..., agents, inputs] to float[..., agents, outputs].
    hidden : sequence of int
        Widths of the hidden layers; the recurrent layer, if any, takes the place of the second.
    recurrent : bool
        Whether agents remember.
    sharing : {"numbered", "shared", "heads", "separate"}
        Whose weights are whose.
    norm : bool
        Whether inputs and every rectified layer are normalised.
    gain : float
        Of the head; a small one makes a fresh policy nearly uniform.
    generator : torch.Generator
        Draws the weights.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        agents: int,
        *,
        hidden: Sequence[int],
        recurrent: bool = False,
        sharing: Sharing = "numbered",
        norm: bool = False,
        gain: float = 1.0,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        copies = agents if sharing == "separate" else 0
        start, tail = hidden[0], hidden[1:]
        if recurrent:
            start, tail = hidden[min(1, len(hidden) - 1)], hidden[2:]
        widths = [start, *tail]
        self.agents, self.memory = agents, start if recurrent else 0
        self.first = Dense(inputs, hidden[0], copies, sqrt(2.0), generator)
        numbered = sharing == "numbered" and agents > 1
        self.number = nn.Parameter(_numbered(inputs, hidden[0], agents, generator)) if numbered else None
        if recurrent:
            self.gates_in = Dense(hidden[0], 3 * start, copies, 1.0, generator)
            self.gates_on = Dense(start, 3 * start, copies, 1.0, generator)
        self.rest = nn.ModuleList(Dense(a, b, copies, sqrt(2.0), generator) for a, b in pairwise(widths))
        norms = [inputs, hidden[0], *widths[1:]] if norm else []
        self.norms = nn.ModuleList(Norm(width, copies) for width in norms)
        self.head = Dense(widths[-1], outputs, agents if sharing == "heads" else copies, gain, generator)

    def start(self, batch: int) -> Tensor | None:
        """What agents remember at the start of an episode, float[B, n, H], or None if they remember nothing."""
        if not self.memory:
            return None
        return self.head.weight.new_zeros(batch, self.agents, self.memory)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, agents: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """One step.

        Parameters
        ----------
        x : float[R, n, d]
            Inputs.
        memory : float[R, n, H] or None
            What the agents remember.
        agents : int64[n], optional
            Which agents these are, if not all.

        Returns
        -------
        outputs : float[R, n, o]
        memory : float[R, n, H] or None
            Afterwards.
        """
        x = self._first(x, agents)
        if self.memory:
            assert memory is not None
            x = memory = gated_step(self.gates_in(x, agents), self.gates_on(memory, agents), memory)
        return self._rest(x, agents), memory

    def unroll(
        self, x: Tensor, memory: Tensor | None, fresh: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """T steps in a row.

        Parameters
        ----------
        x : float[T, B, n, d]
            Inputs.
        memory : float[B, n, H] or None
            What the agents remember before the first step.
        fresh : bool[T, B], optional
            Where a new episode begins at this step, so that everything before is forgotten.

        Returns
        -------
        outputs : float[T, B, n, o]
        memories : float[T, B, n, H] or None
            What they remember after each step.
        """
        steps, batch = x.shape[:2]
        flat = self._first(x.reshape(steps * batch, *x.shape[2:]), None)
        if not self.memory:
            return self._rest(flat, None).reshape(steps, batch, self.agents, -1), None
        assert memory is not None
        memories = self._sequence(self.gates_in(flat, None), memory, fresh, steps)
        return self._rest(memories.flatten(0, 1), None).reshape(steps, batch, self.agents, -1), memories

    def _sequence(self, gates: Tensor, memory: Tensor, fresh: Tensor | None, steps: int) -> Tensor:
        """Memories float[T, B, n, H] after each step, from the inputs' share of the gates float[T B, n, 3 H].

        Each set of weights sees its rows side by side: all agents together if they share it.
        """
        batch, agents, width = memory.shape
        on, keep = self.gates_on, None
        gates = gates.reshape(steps, batch, agents, 3 * width)
        if on.copies:
            gates, memory = gates.transpose(1, 2), memory.transpose(0, 1)
        else:
            gates, memory = gates.reshape(steps, 1, -1, 3 * width), memory.reshape(1, -1, width)
        if fresh is not None and bool(fresh.any()):
            kept = (~fresh).to(gates.dtype)[:, :, None].expand(-1, -1, agents)
            keep = (kept.transpose(1, 2) if on.copies else kept.reshape(steps, 1, -1)).unsqueeze(-1)
        weight = on.weight if on.copies else on.weight.T.unsqueeze(0)
        after = GatedSequence.apply(gates, memory, weight, on.bias.reshape(-1, 1, 3 * width), keep)
        if on.copies:
            return after.transpose(1, 2)
        return after.reshape(steps, batch, agents, width)

    def _first(self, x: Tensor, agents: Tensor | None) -> Tensor:
        if self.norms:
            x = self.norms[0](x, agents)
            y = self.first(x, agents)
            if self.number is not None:
                y = y + (self.number if agents is None else self.number[agents])
            return self.norms[1](torch.relu(y), agents)
        if self.first.copies:
            return torch.relu(self.first(x, agents))
        # rows side by side, so that they can be changed in place: a quarter of the time of a small network
        rows = self.first(x.flatten(0, -2))
        if self.number is not None:
            number = self.number if agents is None else self.number[agents]
            return (rows.view(*x.shape[:-1], -1) + number).relu_()
        return rows.relu_().view(*x.shape[:-1], -1)

    def _rest(self, x: Tensor, agents: Tensor | None) -> Tensor:
        if self.norms:
            for layer, norm in zip(self.rest, list(self.norms)[2:], strict=True):
                x = norm(torch.relu(layer(x, agents)), agents)
            return self.head(x, agents)
        if self.first.copies:
            for layer in self.rest:
                x = torch.relu(layer(x, agents))
            return self.head(x, agents)
        rows = x.flatten(0, -2)
        for layer in self.rest:
            rows = layer(rows).relu_()
        if self.head.copies:
            return self.head(rows.view(*x.shape[:-1], -1), agents)
        return self.head(rows).view(*x.shape[:-1], -1)


def orthogonal(rows: int, columns: int, gain: float, generator: torch.Generator) -> Tensor:
    """A matrix with orthogonal rows or columns, float32[rows, columns]."""
    drawn = torch.randn(max(rows, columns), min(rows, columns), generator=generator, dtype=torch.float64)
    q, r = torch.linalg.qr(drawn)
    q = q * torch.sign(torch.diagonal(r))
    return (gain * (q if rows >= columns else q.T)).to(torch.float32).contiguous()


def _numbered(inputs: int, width: int, agents: int, generator: torch.Generator) -> Tensor:
    """The columns that agents' one-hot numbers would have beside the inputs, float32[agents, width]."""
    return (
        torch.randn(agents, width, generator=generator, dtype=torch.float64)
        .mul(sqrt(2.0 / (inputs + agents)))
        .float()
    )
