"""Networks of agents against plain torch layers with the same weights."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from marl.networks import Dense, Network, Norm


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network(sharing: Any = "numbered", **options: Any) -> Network:
    """Three agents, five inputs, two outputs; biases are moved away from 0."""
    made = Network(
        5, 2, 3, **({"hidden": (7, 6)} | options), sharing=sharing, generator=generator(1)
    ).double()
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "bias" in name:
                parameter.copy_(
                    torch.randn(parameter.shape, generator=generator(len(name)), dtype=torch.float64)
                )
    return made


def inputs(*shape: int, seed: int = 2) -> Tensor:
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias.flatten())
    return layer


def weights(dense: Dense, agent: int) -> tuple[Tensor, Tensor]:
    """An agent's weights as torch has them, and its bias."""
    return (dense.weight[agent].T, dense.bias[agent]) if dense.copies else (dense.weight, dense.bias)


class Plain(nn.Module):
    """One agent's network of torch's own layers; its number stands one-hot beside the inputs."""

    def __init__(self, net: Network, agent: int) -> None:
        super().__init__()
        weight, bias = weights(net.first, agent)
        self.agent, self.agents = agent, net.agents if net.number is not None else 0
        if net.number is not None:
            weight = torch.cat([weight, net.number.T], dim=1)
        self.first, self.cell = linear(weight, bias), None
        if net.memory:
            self.cell = nn.GRUCell(net.first.bias.shape[-1], net.memory, dtype=torch.float64)
            with torch.no_grad():
                for mine, theirs in (("ih", net.gates_in), ("hh", net.gates_on)):
                    part_weight, part_bias = weights(theirs, agent)
                    getattr(self.cell, f"weight_{mine}").copy_(part_weight)
                    getattr(self.cell, f"bias_{mine}").copy_(part_bias.flatten())
        self.rest = nn.ModuleList(linear(*weights(layer, agent)) for layer in [*net.rest, net.head])

    def forward(self, x: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        one_hot = torch.eye(max(self.agents, 1), dtype=torch.float64)[self.agent if self.agents else 0]
        if self.agents:
            x = torch.cat([x, one_hot.expand(len(x), -1)], dim=1)
        x = torch.relu(self.first(x))
        if self.cell is not None:
            x = memory = self.cell(x, memory)
        *hidden, head = self.rest
        for layer in hidden:
            x = torch.relu(layer(x))
        return head(x), memory


SHARINGS = pytest.mark.parametrize("sharing", ["numbered", "shared", "heads", "separate"])


@SHARINGS
@pytest.mark.parametrize("hidden", [(4,), (7, 6), (7, 6, 5)])
def test_a_perceptron_is_torch_s(sharing: str, hidden: tuple[int, ...]) -> None:
    net = network(sharing, hidden=hidden)
    x = inputs(9, 3, 5)
    out, memory = net(x)
    assert memory is None and net.start(9) is None
    for i in range(3):
        torch.testing.assert_close(out[:, i], Plain(net, i)(x[:, i])[0])


@SHARINGS
@pytest.mark.parametrize("hidden", [(4,), (7, 6), (7, 6, 5)])
def test_a_recurrent_network_is_torch_s(sharing: str, hidden: tuple[int, ...]) -> None:
    net = network(sharing, hidden=hidden, recurrent=True)
    x, before = inputs(9, 3, 5), inputs(9, 3, net.memory, seed=3)
    out, after = net(x, before)
    assert after is not None
    for i in range(3):
        wanted, memory = Plain(net, i)(x[:, i], before[:, i])
        torch.testing.assert_close(out[:, i], wanted)
        torch.testing.assert_close(after[:, i], memory)


@SHARINGS
@given(seed=st.integers(0, 10**6), steps=st.integers(1, 6), batch=st.integers(1, 4))
def test_unrolling_is_going_step_by_step(sharing: str, seed: int, steps: int, batch: int) -> None:
    """Where an episode begins everything before is forgotten; gradients are the same too."""
    net = network(sharing, recurrent=True)
    x, memory = inputs(steps, batch, 3, 5, seed=seed), inputs(batch, 3, net.memory, seed=seed + 1)
    fresh = torch.rand(steps, batch, generator=generator(seed)) < 0.3
    out, memories = net.unroll(x, memory, fresh)
    assert memories is not None
    parts, kept, now = [], [], memory
    for t in range(steps):
        now = torch.where(fresh[t][:, None, None], torch.zeros_like(now), now)
        step, told = net(x[t], now)
        assert told is not None
        now = told
        parts.append(step)
        kept.append(now)
    torch.testing.assert_close(out, torch.stack(parts))
    torch.testing.assert_close(memories, torch.stack(kept))
    ours = torch.autograd.grad(out.square().sum() + memories.sum(), list(net.parameters()))
    slow = torch.stack(parts).square().sum() + torch.stack(kept).sum()
    for mine, theirs in zip(ours, torch.autograd.grad(slow, list(net.parameters()))):
        torch.testing.assert_close(mine, theirs)


def test_unrolling_without_a_memory_takes_all_steps_for_one() -> None:
    net, x = network(), inputs(4, 2, 3, 5)
    out, memories = net.unroll(x, None)
    assert memories is None
    for t in range(4):
        torch.testing.assert_close(out[t], net(x[t])[0])


@SHARINGS
@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("which", [[0], [2], [2, 0], [1, 1]])
def test_some_agents_are_what_they_are_among_all(sharing: str, recurrent: bool, which: list[int]) -> None:
    net = network(sharing, recurrent=recurrent)
    x = inputs(4, 3, 5)
    memory = inputs(4, 3, net.memory, seed=3) if recurrent else None
    out, after = net(x, memory)
    part, told = net(x[:, which], None if memory is None else memory[:, which], torch.tensor(which))
    torch.testing.assert_close(part, out[:, which])
    if after is not None:
        torch.testing.assert_close(told, after[:, which])


@SHARINGS
def test_whose_weights_are_whose(sharing: str) -> None:
    """What one agent learns moves the others' networks if they share weights, and not if they do not."""
    net, x = network(sharing), inputs(1, 1, 5).expand(1, 3, 5)
    out, _ = net(x)
    same = bool((out[:, 0] == out[:, 1]).all())
    assert same == (sharing == "shared"), "agents that see the same do the same only without numbers"
    out[:, 0].sum().backward()
    grads = {name: parameter.grad for name, parameter in net.named_parameters()}
    for name, grad in grads.items():
        assert grad is not None
        if sharing == "separate" or name == "number" or (sharing == "heads" and "head" in name):
            assert (grad[1:] == 0).all(), name
    copies = {"separate": [3, 3, 3], "heads": [0, 0, 3]}.get(sharing, [0, 0, 0])
    assert [dense.copies for dense in [net.first, *net.rest, net.head]] == copies


@SHARINGS
def test_normalised_layers_are_torch_s(sharing: str) -> None:
    """What agents see and every rectified layer, the head's input too, has mean 0 and variance 1 before gain and offset."""
    net, x = network(sharing, norm=True), inputs(4, 3, 5)
    with torch.no_grad():
        for k, (name, parameter) in enumerate(net.named_parameters()):
            if "norms" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator(k), dtype=torch.float64))
    for agent in range(3):
        y = x[:, agent]
        for k, dense in enumerate([net.first, *net.rest]):
            y = normalised(net.norms[k], agent)(y)
            weight, bias = weights(dense, agent)
            y = y @ weight.T + bias
            if k == 0 and net.number is not None:
                y = y + net.number[agent]
            y = torch.relu(y)
        weight, bias = weights(net.head, agent)
        torch.testing.assert_close(net(x)[0][:, agent], normalised(net.norms[-1], agent)(y) @ weight.T + bias)
    part, _ = net(x[:, [2, 0]], None, torch.tensor([2, 0]))
    torch.testing.assert_close(part, net(x)[0][:, [2, 0]])
    torch.testing.assert_close(net.unroll(x.unsqueeze(0), None)[0][0], net(x)[0])


def normalised(norm: Norm, agent: int) -> nn.LayerNorm:
    gain, offset = (norm.gain, norm.offset) if norm.gain.ndim == 1 else (norm.gain[agent], norm.offset[agent])
    layer = nn.LayerNorm(len(gain), dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(gain)
        layer.bias.copy_(offset)
    return layer


def test_a_single_agent_needs_no_number() -> None:
    assert Network(3, 2, 1, hidden=(4,), sharing="numbered", generator=generator()).number is None


@pytest.mark.parametrize("copies", [0, 3])
@pytest.mark.parametrize(("rows", "columns"), [(8, 3), (3, 8), (5, 5), (1, 4), (4, 1)])
@pytest.mark.parametrize("gain", [1.0, 0.01, 2.0**0.5])
def test_fresh_weights_are_orthogonal(copies: int, rows: int, columns: int, gain: float) -> None:
    dense = Dense(columns, rows, copies, gain, generator(4))
    assert (dense.bias == 0).all()
    for i in range(max(copies, 1)):
        weight = weights(dense, i)[0].double() / gain
        small = weight @ weight.T if rows <= columns else weight.T @ weight
        torch.testing.assert_close(
            small, torch.eye(min(rows, columns), dtype=torch.float64), atol=1e-5, rtol=0
        )
    if copies:
        assert (dense.weight[0] != dense.weight[1]).any(), (
            "agents with weights of their own begin differently"
        )


def test_fresh_weights_follow_the_generator() -> None:
    first, again, other = (
        Network(4, 2, 2, hidden=(8, 8), recurrent=True, generator=generator(seed)) for seed in (5, 5, 6)
    )
    pairs = list(zip(first.state_dict().values(), again.state_dict().values(), other.state_dict().values()))
    assert all(torch.equal(a, b) for a, b, _ in pairs)
    assert any(not torch.equal(a, c) for a, _, c in pairs)


def test_orthogonal_matrices_are_drawn_evenly() -> None:
    """Signs are not fixed by the decomposition: every entry is as often positive as negative (within 5 deviations)."""
    made = torch.stack([Dense(2, 2, 0, 1.0, generator(seed)).weight.detach() for seed in range(400)])
    share = (made > 0).double().mean(0)
    assert (share - 0.5).abs().max() < 5 * 0.5 / 400**0.5


def test_widths() -> None:
    for hidden, recurrent, wanted in [
        ((7,), False, [5, 7, 2]),
        ((7, 6, 4), False, [5, 7, 6, 4, 2]),
        ((7,), True, [5, 7, 7, 2]),
        ((7, 6), True, [5, 7, 6, 2]),
        ((7, 6, 4), True, [5, 7, 6, 4, 2]),
    ]:
        net = Network(5, 2, 1, hidden=hidden, recurrent=recurrent, generator=generator())
        layers = [net.first, *([net.gates_in] if recurrent else []), *net.rest, net.head]
        shapes = [(layer.weight.shape[1], layer.weight.shape[0]) for layer in layers]
        assert shapes == [
            (a, 3 * b if recurrent and k == 1 else b) for k, (a, b) in enumerate(pairwise(wanted))
        ]
        assert net.memory == (wanted[2] if recurrent else 0)
