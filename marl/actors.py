"""Networks that act: a network with the outputs that a space of actions needs, as a policy and as a distribution.

For discrete actions the outputs are logits (or values: the greedy action is the same), part after part for
multi-discrete ones. For a box they are the means of independent normal distributions, in units of half the width of
bounded parts around their middle, and one learned standard deviation for each part, the same everywhere; the
environment clips what lies outside (`games.spaces.Box`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import log, pi
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from games.spaces import Actions, Box, Discrete, MultiDiscrete
from marl.networks import Network
from marl.neural import Neural

NEVER = -1e9
"""Logit of an illegal action: its probability is 0 in every precision, and nothing becomes infinite."""


def width(actions: Actions) -> int:
    """Outputs a network needs for these actions."""
    return len(actions.low) if isinstance(actions, Box) else actions.width


class Actor(nn.Module):
    """A network and the actions of one group of agents.

    Parameters
    ----------
    network : Network
        From observations to `width(actions)` outputs.
    actions : Discrete, MultiDiscrete or Box
        What the agents can do.
    """

    middle: Tensor
    reach: Tensor
    log_std: Tensor

    def __init__(self, network: Network, actions: Actions) -> None:
        super().__init__()
        self.network, self.actions = network, actions
        if isinstance(actions, Box):
            self.log_std = nn.Parameter(torch.zeros(len(actions.low)))
            middle, reach = _scale(actions)
            self.register_buffer("middle", middle, persistent=False)
            self.register_buffer("reach", reach, persistent=False)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, agents: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """One step: float[R, n, d] to outputs float[R, n, o] as `marl.neural.Neural` wants them."""
        out, memory = self.network(x, memory, agents)
        return self._shaped(out), memory

    def unroll(self, x: Tensor, memory: Tensor | None, fresh: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """T steps in a row, see `Network.unroll`."""
        out, memories = self.network.unroll(x, memory, fresh)
        return self._shaped(out), memories

    def _shaped(self, out: Tensor) -> Tensor:
        if not isinstance(self.actions, Box):
            return out
        log_std = (self.log_std + self.reach.log()).expand_as(out)
        return torch.cat([self.middle + self.reach * out, log_std], dim=-1)


@dataclass(frozen=True)
class Seat:
    """An actor as the function that `Neural` calls, for all agents or some."""

    actor: Actor
    agents: Tensor | None = None

    def __call__(self, x: Tensor, memory: Tensor | None = None) -> Any:
        """Outputs; with a memory also the memory afterwards."""
        out, after = self.actor(x, memory, self.agents)
        return out if memory is None else (out, after)

    def alone(self, agent: int) -> Seat:
        """For the agent of this number."""
        numbers = range(self.actor.network.agents) if self.agents is None else self.agents.tolist()
        return Seat(self.actor, torch.tensor([numbers[agent]], device=self.actor.network.head.bias.device))


def playing(actor: Actor, *, greedy: bool, block: int | None = 64) -> Neural:
    """The policy of an actor; it follows the actor's weights as they change."""
    device = str(actor.network.head.bias.device)
    memory = actor.network.memory
    return Neural(Seat(actor), actor.actions, greedy=greedy, device=device, block=block, memory=memory)


def log_prob_and_entropy(
    actions: Actions, outputs: Tensor, mask: Tensor, chosen: Tensor
) -> tuple[Tensor, Tensor]:
    """Logarithm of the probability (or density) of what was chosen, and the entropy, in nats.

    Parameters
    ----------
    actions : Discrete, MultiDiscrete or Box
        What could be done.
    outputs : float[..., o]
        Of an `Actor`.
    mask : bool[..., A]
        What was legal.
    chosen : int[...] or int[..., K] or float[..., k]
        What was done.

    Returns
    -------
    float[...], float[...]
        Sums over the parts of an action.
    """
    if isinstance(actions, Discrete):
        return _categorical(outputs, mask, chosen)
    if isinstance(actions, MultiDiscrete):
        edges = actions.starts
        parts = [
            _categorical(outputs[..., a:b], mask[..., a:b], chosen[..., k])
            for k, (a, b) in enumerate(pairwise(edges))
        ]
        return sum(p for p, _ in parts), sum(h for _, h in parts)  # type: ignore[return-value]
    mean, log_std = outputs.chunk(2, dim=-1)
    scaled = (chosen - mean) * torch.exp(-log_std)
    log_prob = -(0.5 * scaled.square() + log_std + 0.5 * log(2 * pi)).sum(-1)
    return log_prob, (log_std + 0.5 * (1 + log(2 * pi))).sum(-1)


def _categorical(logits: Tensor, mask: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    log_probs = torch.log_softmax(torch.where(mask, logits, NEVER), dim=-1)
    log_prob = log_probs.gather(-1, chosen.long().unsqueeze(-1)).squeeze(-1)
    return log_prob, -(log_probs.exp() * torch.where(mask, log_probs, 0.0)).sum(-1)


def _scale(box: Box) -> tuple[Tensor, Tensor]:
    """Middle and half the width of every part, float32[k]; where it is unbounded or a point, what is nearest to 0, and 1."""
    low, high = (bound.astype(np.float64) for bound in box.bounds)
    bounded = np.isfinite(low) & np.isfinite(high) & (high > low)
    span = np.subtract(high, low, out=np.full_like(low, 2.0), where=bounded)
    middle = np.add(low, high, out=2 * np.clip(0.0, low, high), where=bounded) / 2
    return torch.tensor(middle, dtype=torch.float32), torch.tensor(span / 2, dtype=torch.float32)
