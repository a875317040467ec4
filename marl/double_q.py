"""The gradient of double Q-learning with two actions, written out: a quarter of the operations that automatic differentiation
needs, whose cost and not that of its arithmetic is what a small network's gradient step takes.

Letters: R transitions, s numbers seen.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from marl.losses import huber
from marl.networks import Network


class Transitions(NamedTuple):
    """What a gradient step learns from."""

    seen: Tensor  # float[R, s]
    seen_next: Tensor  # float[R, s]
    switched: Tensor  # bool[R]: whether action 1 was taken
    open: Tensor  # bool[R]: whether it was available
    open_next: Tensor  # bool[R]: whether action 1 is available next
    reward: Tensor  # float[R]: scaled, with the price paid
    discount: Tensor  # float[R]


@torch.no_grad()
def double_q_gradient(
    network: Network, target: Network, given: Transitions, delta: float
) -> dict[str, Tensor]:
    """Set the gradients of the mean Huber loss of a network's values; their targets count as constants.

    Parameters
    ----------
    network, target : Network
        Feed-forward, of one agent and two actions: the one that learns and chooses, and the one that judges (van Hasselt et
        al. 2016).
    given : Transitions
        What happened.
    delta : float
        Where the loss turns from square to linear.

    Returns
    -------
    dict of str to Tensor
        The loss, and the mean value of what was done.
    """
    count = len(given.seen)
    layers = _activations(network, torch.cat([given.seen, given.seen_next]))
    now, following = layers[-1].split(count)
    best = (following[:, 1] > following[:, 0]) & given.open_next
    judged = _activations(target, given.seen_next)[-1]
    ahead = torch.where(best, judged[:, 1], judged[:, 0])
    value = torch.where(given.switched, now[:, 1], now[:, 0])
    error = value - (given.reward + given.discount * ahead)
    slope = error.clamp(-delta, delta) / count
    back = torch.stack(
        [torch.where(given.switched, 0.0, slope), torch.where(given.switched, slope, 0.0)], dim=1
    )
    dense = _dense(network)
    for k in range(len(dense) - 1, -1, -1):
        below = layers[k][:count]
        dense[k].weight.grad, dense[k].bias.grad = back.T @ below, back.sum(dim=0)
        if k:
            back = (back @ dense[k].weight).mul_(below > 0)
    return {"loss": huber(error, delta).mean(), "value": value.mean()}


def _dense(network: Network) -> list[Any]:
    return [network.first, *network.rest, network.head]


def _activations(network: Network, rows: Tensor) -> list[Tensor]:
    """What goes into every layer, float[R, width], and the outputs float[R, 2]."""
    out = [rows]
    dense = _dense(network)
    for k, layer in enumerate(dense):
        rows = torch.addmm(layer.bias, rows, layer.weight.T)
        out.append(rows.relu_() if k < len(dense) - 1 else rows)
    return out
