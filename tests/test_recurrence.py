"""Gated recurrent units over sequences, against torch's own cell and its automatic gradients."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from marl.networks import Network
from marl.recurrence import GatedSequence

T, C, R, H = 7, 2, 5, 4


def tensors(dtype: Any = torch.float64) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = (T, C, R, 3 * H), (C, R, H), (C, H, 3 * H), (C, 1, 3 * H)
    return [torch.randn(*shape, generator=generator, dtype=dtype).requires_grad_() for shape in shapes]


def keep() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return (torch.rand(T, C, R, 1, generator=generator, dtype=torch.float64) > 0.3).double()


@pytest.mark.parametrize("kept", [None, keep()])
def test_the_gradient_written_out_is_the_derivative(kept: torch.Tensor | None) -> None:
    assert torch.autograd.gradcheck(lambda *parts: GatedSequence.apply(*parts, kept), tensors())


@pytest.mark.parametrize("kept", [None, keep()])
def test_a_sequence_is_torchs_cell_step_by_step(kept: torch.Tensor | None) -> None:
    gates, memory, weight, bias = tensors()
    out = GatedSequence.apply(gates, memory, weight, bias, kept)
    for c in range(C):
        cell = torch.nn.GRUCell(3 * H, H, dtype=torch.float64)
        with torch.no_grad():
            cell.weight_ih.copy_(torch.eye(3 * H))  # so that the cell's inputs are the gates themselves
            cell.bias_ih.zero_()
            cell.weight_hh.copy_(weight[c].T)
            cell.bias_hh.copy_(bias[c, 0])
        now = memory[c]
        for t in range(T):
            now = cell(gates[t, c], now if kept is None else now * kept[t, c])
            assert torch.allclose(out[t, c], now, atol=1e-12)


@pytest.mark.parametrize("sharing", ["numbered", "shared", "separate"])
def test_a_network_unrolled_is_the_network_step_by_step(sharing: Any) -> None:
    generator = torch.Generator().manual_seed(2)
    net = Network(3, 2, 4, hidden=(8, 6, 5), recurrent=True, sharing=sharing, generator=generator)
    x = torch.randn(T, R, 4, 3, generator=generator)
    fresh = torch.rand(T, R, generator=generator) > 0.6
    memory = torch.randn(R, 4, 6, generator=generator)
    out, memories = net.unroll(x, memory, fresh)
    assert memories is not None
    for t in range(T):
        step, memory = net(x[t], torch.where(fresh[t][:, None, None], 0.0, memory))
        assert torch.allclose(step, out[t], atol=1e-6)
        assert torch.allclose(memory, memories[t], atol=1e-6)
