"""Gated recurrent units over whole sequences (Cho et al. 2014), with the gradient written out.

Unrolled step by step, small recurrent networks spend most of their time in the book-keeping of automatic
differentiation; here a sequence is one operation of it. Letters: T steps, C sets of weights, R rows, H units.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def gated_step(gates: Tensor, on: Tensor, memory: Tensor) -> Tensor:
    """One step: the inputs' share and the memory's share of the gates float[..., 3 H], and the memory float[..., H].

    The gates are reset, update and candidate; the reset gate works on the memory's share of the candidate, as in
    `torch.nn.GRUCell`.
    """
    width = memory.shape[-1]
    both = torch.sigmoid(gates[..., : 2 * width] + on[..., : 2 * width])
    reset, update = both[..., :width], both[..., width:]
    candidate = torch.tanh(torch.addcmul(gates[..., 2 * width :], reset, on[..., 2 * width :]))
    return torch.lerp(candidate, memory, update)


class GatedSequence(torch.autograd.Function):
    """T steps in a row: ``GatedSequence.apply(gates, memory, weight, bias, keep)``.

    Parameters
    ----------
    gates : float[T, C, R, 3 H]
        The inputs' share of the gates.
    memory : float[C, R, H]
        Before the first step.
    weight : float[C, H, 3 H]
    bias : float[C, 1, 3 H]
        From the memory to its share of the gates.
    keep : float[T, C, R, 1] or None
        0 where the memory is forgotten before a step, 1 elsewhere.

    Returns
    -------
    float[T, C, R, H]
        The memory after each step.
    """

    @staticmethod
    def forward(
        ctx: Any, gates: Tensor, memory: Tensor, weight: Tensor, bias: Tensor, keep: Tensor | None
    ) -> Tensor:
        """Step by step."""
        steps, width = len(gates), memory.shape[-1]
        before = gates.new_empty(steps, *memory.shape)
        after = torch.empty_like(before)
        on = torch.empty_like(gates)
        for t in range(steps):
            if keep is not None:
                memory = memory * keep[t]
            before[t] = memory
            on[t] = torch.baddbmm(bias, memory, weight)
            memory = gated_step(gates[t], on[t], memory)
            after[t] = memory
        both = torch.sigmoid(gates[..., : 2 * width] + on[..., : 2 * width])
        on_candidate = on[..., 2 * width :]
        ctx.save_for_backward(gates, weight, keep, before, both, on_candidate)
        return after

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """The steps backwards; what does not depend on later steps is worked out for all of them at once."""
        (grad,) = grads
        gates, weight, keep, before, both, on_candidate = ctx.saved_tensors
        width = before.shape[-1]
        reset, update = both[..., :width], both[..., width:]
        candidate = torch.tanh(torch.addcmul(gates[..., 2 * width :], reset, on_candidate))
        to_update = (before - candidate) * update * (1 - update)
        to_candidate = (1 - update) * (1 - candidate.square())
        to_reset = on_candidate * reset * (1 - reset)
        through_gates = torch.empty_like(gates)
        through_on = torch.empty_like(gates)
        back = weight.transpose(1, 2).contiguous()
        ahead = torch.zeros_like(before[0])
        for t in range(len(gates) - 1, -1, -1):
            ahead = ahead + grad[t]
            by_candidate = ahead * to_candidate[t]
            through_gates[t, ..., 2 * width :] = by_candidate
            torch.mul(by_candidate, to_reset[t], out=through_on[t, ..., :width])
            torch.mul(ahead, to_update[t], out=through_on[t, ..., width : 2 * width])
            torch.mul(by_candidate, reset[t], out=through_on[t, ..., 2 * width :])
            ahead = torch.baddbmm(ahead * update[t], through_on[t], back)
            if keep is not None:
                ahead = ahead * keep[t]
        through_gates[..., : 2 * width] = through_on[..., : 2 * width]
        flat = through_on.transpose(0, 1).flatten(1, 2)  # C, T R, 3 H
        by_weight = before.transpose(0, 1).flatten(1, 2).transpose(1, 2) @ flat
        return through_gates, ahead, by_weight, flat.sum(1, keepdim=True), None
