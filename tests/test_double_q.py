"""The written-out gradient of double Q-learning against automatic differentiation of its definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from marl.double_q import Transitions, double_q_gradient
from marl.networks import Network


def network(seed: int, hidden: tuple[int, ...]) -> Network:
    generator = torch.Generator().manual_seed(seed)
    made = Network(5, 2, 1, hidden=hidden, generator=generator)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return made


def transitions(seed: int, count: int) -> Transitions:
    rng = np.random.default_rng(seed)
    seen, following = (torch.from_numpy(rng.normal(size=(count, 5)).astype(np.float32)) for _ in range(2))
    switched, is_open = (torch.from_numpy(rng.random(count) < 0.5) for _ in range(2))
    reward = torch.from_numpy(rng.normal(size=count).astype(np.float32))
    discount = torch.from_numpy(0.9 * (rng.random(count) < 0.8).astype(np.float32))
    return Transitions(seen, following, switched, torch.ones_like(switched), is_open, reward, discount)


@pytest.mark.parametrize("hidden", [(8,), (8, 6), (7, 5, 4)])
@pytest.mark.parametrize("delta", [0.5, 100.0])
def test_it_is_the_gradient_of_the_definition(hidden: tuple[int, ...], delta: float) -> None:
    one, judge, given = network(0, hidden), network(1, hidden), transitions(2, 64)
    told = double_q_gradient(one, judge, given, delta)
    found = [parameter.grad.clone() for parameter in one.parameters() if parameter.grad is not None]

    def values(net: Network, seen: torch.Tensor) -> torch.Tensor:
        return net(seen.unsqueeze(1))[0].squeeze(1)

    with torch.no_grad():
        allowed = torch.stack([torch.ones(64, dtype=torch.bool), given.open_next], dim=1)
        best = values(one, given.seen_next).masked_fill(~allowed, -torch.inf).argmax(dim=1)
        ahead = values(judge, given.seen_next)[torch.arange(64), best]
        target = given.reward + given.discount * ahead
    value = values(one, given.seen)[torch.arange(64), given.switched.long()]
    loss = functional.huber_loss(value, target, delta=delta)
    wanted = torch.autograd.grad(loss, list(one.parameters()))
    assert len(found) == len(wanted) == 2 * (len(hidden) + 1)
    for mine, theirs in zip(found, wanted, strict=True):
        assert torch.allclose(mine, theirs, rtol=1e-4, atol=1e-6) and theirs.abs().max() > 1e-4
    assert told["loss"] == pytest.approx(float(loss.detach()), rel=1e-5)
    assert told["value"] == pytest.approx(float(value.detach().mean()), rel=1e-5)
    assert all(parameter.grad is None for parameter in judge.parameters())


def test_a_call_that_is_not_available_is_not_counted_on() -> None:
    one, judge, given = network(3, (8,)), network(4, (8,)), transitions(5, 256)
    shut = given._replace(open_next=torch.zeros(256, dtype=torch.bool))
    never = judge(given.seen_next.unsqueeze(1))[0][:, 0, 0]
    value = one(given.seen.unsqueeze(1))[0].squeeze(1)[torch.arange(256), given.switched.long()]
    wanted = 0.5 * (value - given.reward - given.discount * never).square().mean()
    assert double_q_gradient(one, judge, shut, 1e6)["loss"] == pytest.approx(float(wanted.detach()), rel=1e-4)
