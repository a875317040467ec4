"""Mixers: from the values of everybody's own action to one value for the team.

Both are monotonic in every agent's value, so that the best joint action consists of everybody's own best action, which
each finds alone.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from marl.networks import Dense

Mixing = Literal["none", "sum", "monotonic"]
"""Everybody learns alone, values add up, or values are mixed by a network that increases in each of them."""


class Sum(nn.Module):
    """Value decomposition: the team's value is the sum (VDN, Sunehag et al. 2018)."""

    def forward(self, values: Tensor, state: Tensor | None = None) -> Tensor:
        """float[..., N] to float[...]; the state does not matter."""
        return values.sum(-1)


class Monotonic(nn.Module):
    """A mixing network with non-negative weights, which are functions of the state (QMIX, Rashid et al. 2018, section 4).

    ``elu(values W1 + b1) w2 + V(s)`` with ``W1`` and ``w2`` the absolute values of what perceptrons of one hidden layer
    make of the state, ``b1`` linear in it and ``V`` a perceptron of width `embed`. The first layers of all four are one
    matrix, which is the same and faster.

    Parameters
    ----------
    agents : int
        Number of values, N.
    state : int
        Numbers in the global state, s.
    embed : int
        Width of the mixing network, E.
    hidden : int
        Width of the hidden layers that make its weights, H.
    generator : torch.Generator
        Draws the weights.
    """

    def __init__(
        self, agents: int, state: int, *, embed: int = 32, hidden: int = 64, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.agents, self.embed, self.hidden = agents, embed, hidden
        # relu(...) of the first H makes W1, of the next H w2, of E more V; the last E are b1
        self.first = Dense(state, 2 * hidden + 2 * embed, 0, 1.0, generator)
        self.first_weights = Dense(hidden, agents * embed, 0, 0.5, generator)
        self.last_weights = Dense(hidden, embed, 0, 0.5, generator)
        self.value = Dense(embed, 1, 0, 0.5, generator)

    def forward(self, values: Tensor, state: Tensor) -> Tensor:
        """float[..., N] and states float[..., s], in which no gradient is taken, to float[...]."""
        layers = self.first, self.first_weights, self.last_weights, self.value
        parameters = [p for layer in layers for p in (layer.weight, layer.bias)]
        flat = values.reshape(-1, self.agents), state.reshape(-1, state.shape[-1])
        return Mixed.apply(*flat, *parameters).view(values.shape[:-1])


class Mixed(torch.autograd.Function):
    """What `Monotonic` works out, with the gradient written out: half the time of automatic differentiation.

    ``Mixed.apply(values float[R, N], state float[R, s], weights and biases of the four layers)`` is float[R].
    """

    @staticmethod
    def forward(
        ctx: Any,
        values: Tensor,
        state: Tensor,
        first: Tensor,
        first_bias: Tensor,
        into: Tensor,
        into_bias: Tensor,
        out_of: Tensor,
        out_bias: Tensor,
        value: Tensor,
        value_bias: Tensor,
    ) -> Tensor:
        """Forwards."""
        (embed, hidden), agents = out_of.shape, values.shape[1]
        seen = torch.addmm(first_bias, state, first.T)
        inner = seen[:, : 2 * hidden + embed].relu_()
        signed_1 = torch.addmm(into_bias, inner[:, :hidden], into.T)
        signed_2 = torch.addmm(out_bias, inner[:, hidden : 2 * hidden], out_of.T)
        w1, w2 = signed_1.abs().view(-1, agents, embed), signed_2.abs()
        mixed = torch.addcmul(seen[:, 2 * hidden + embed :], values[:, :1], w1[:, 0])
        for i in range(1, agents):
            mixed.addcmul_(values[:, i : i + 1], w1[:, i])
        bent = functional.elu(mixed)
        ctx.save_for_backward(values, state, into, out_of, value, seen, signed_1, signed_2, w1, w2, bent)
        return (bent * w2).sum(-1).add_(value_bias).addmv_(inner[:, 2 * hidden :], value[0])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Backwards; `to_x` is the gradient in x."""
        values, state, into, out_of, value, seen, signed_1, signed_2, w1, w2, bent = ctx.saved_tensors
        (embed, hidden), grad = out_of.shape, grads[0].unsqueeze(1)
        to_seen = torch.empty_like(seen)
        # the slope of elu is 1 above 0 and elu + 1 below
        to_mixed = torch.mul(
            w2 * grad, bent.clamp(max=0.0).add_(1.0), out=to_seen[:, 2 * hidden + embed :]
        ).unsqueeze(1)
        to_values = (w1 * to_mixed).sum(-1)
        to_1 = (to_mixed * values.unsqueeze(2)).flatten(1).mul_(signed_1.sign())
        to_2 = (bent * grad).mul_(signed_2.sign())
        torch.mm(to_1, into, out=to_seen[:, :hidden])
        torch.mm(to_2, out_of, out=to_seen[:, hidden : 2 * hidden])
        torch.mul(grad, value, out=to_seen[:, 2 * hidden : 2 * hidden + embed])
        inner, to_inner = seen[:, : 2 * hidden + embed], to_seen[:, : 2 * hidden + embed]
        torch.ops.aten.threshold_backward.grad_input(to_inner, inner, 0, grad_input=to_inner)
        return (
            to_values,
            None,
            *(to_seen.T @ state, to_seen.sum(0)),
            *(to_1.T @ inner[:, :hidden], to_1.sum(0)),
            *(to_2.T @ inner[:, hidden : 2 * hidden], to_2.sum(0)),
            *(grad.T @ inner[:, 2 * hidden :], grad.sum(0)),
        )


def make_mixer(
    mixing: Mixing, agents: int, state: int, embed: int, hidden: int, generator: torch.Generator
) -> nn.Module | None:
    """The mixer of this name, or None where everybody learns alone."""
    if mixing == "none":
        return None
    if mixing == "sum":
        return Sum()
    return Monotonic(agents, state, embed=embed, hidden=hidden, generator=generator)
