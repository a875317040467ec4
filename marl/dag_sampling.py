"""Differentiable sampling of directed acyclic graphs: an order of the agents and edges that respect it.

Source: Charpentier, Kibler and Guennemann (2022), Differentiable DAG Sampling, ICLR. With P a permutation matrix
(``P[k, i]``: agent i stands at position k), U binary edge indicators and M strictly upper triangular ones,

    G = U * (P^T M P),    G[j, i] = 1: j is a parent of i,

so that G is acyclic by construction. Both factors are drawn with Gumbel noise; in the forward pass they are hard, in the
backward pass gradients go through their relaxations (straight-through estimators).

Letters: R rows (recorded steps), n agents.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from marl.dag_kernels import assign


def straight_through(hard: Tensor, soft: Tensor) -> Tensor:
    """The value of `hard`, exactly, with the gradient of `soft`."""
    return hard + (soft - soft.detach())


def sinkhorn(scores: Tensor, sweeps: int) -> Tensor:
    """Doubly stochastic matrices float[R, n, n] near the soft-max of scores: rows, then columns are scaled, `sweeps` times.

    In logarithms, so that scores far apart do no harm. Source: Mena et al. (2018), Learning Latent Permutations with
    Gumbel-Sinkhorn Networks, ICLR.
    """
    for _ in range(sweeps):
        scores = scores - torch.logsumexp(scores, dim=-1, keepdim=True)
        scores = scores - torch.logsumexp(scores, dim=-2, keepdim=True)
    return torch.exp(scores)


def order_scores(logits: Tensor) -> Tensor:
    """Scores float[R, n, n] (position, agent) without noise, from the logits of a network."""
    return functional.logsigmoid(logits)


def permutation(scores: Tensor, temperature: float, sweeps: int) -> Tensor:
    """Permutation matrices float[R, n, n] (position, agent) that maximise the sum of noisy scores, with gradients."""
    agent_at = torch.empty(scores.shape[:-1], dtype=torch.int32)
    assign(scores.detach().cpu().numpy(), agent_at.numpy())
    hard = functional.one_hot(agent_at.long(), scores.shape[-1]).to(scores)
    return straight_through(hard, sinkhorn(scores / temperature, sweeps))


def gumbel(uniform: Tensor) -> Tensor:
    """Standard Gumbel numbers from uniform ones."""
    return -torch.log(-torch.log(uniform))


def edges(scores: Tensor, uniform: Tensor, temperature: float) -> Tensor:
    """Edge indicators float[R, n, n], 1 with the probability whose log-odds are `scores`, by uniform numbers.

    Gradients are those of a Gumbel-softmax over two classes (Jang et al. 2017; Maddison et al. 2017): the difference of
    two Gumbel numbers is logistic, the log-odds of a uniform number.
    """
    soft = torch.sigmoid((scores - torch.logit(uniform)) / temperature)
    return straight_through((uniform < torch.sigmoid(scores)).to(scores), soft)


def earlier(order: Tensor) -> Tensor:
    """P^T M P, float[R, n, n]: 1 where the first agent (row) stands before the second (column)."""
    agents = order.shape[-1]
    before = torch.ones(agents, agents, dtype=order.dtype, device=order.device).triu(1)
    return order.transpose(-1, -2) @ before @ order
