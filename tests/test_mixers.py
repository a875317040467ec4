"""Mixers: sums, the monotonic network against its formula, its gradient, and what monotonicity is good for."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from marl.mixers import Mixed, Monotonic, Sum, make_mixer


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def monotonic(agents: int, state: int, seed: int, scale: float = 1.0) -> Monotonic:
    """A mixer of random weights, biases too."""
    mixer = Monotonic(agents, state, embed=5, hidden=7, generator=generator(seed))
    with torch.no_grad():
        for parameter in mixer.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator(seed + 1)))
    return mixer


def by_formula(mixer: Monotonic, values: Any, state: Any) -> Any:
    """The mixed value of one step, float64, as the paper has it: four separate perceptrons of the state."""
    p = {name: value.detach().double().numpy() for name, value in mixer.named_parameters()}
    h, e = mixer.hidden, mixer.embed

    def first(a: int, b: int) -> Any:
        return p["first.weight"][a:b] @ state + p["first.bias"][a:b]

    def relu(x: Any) -> Any:
        return np.maximum(x, 0.0)

    w1 = np.abs(p["first_weights.weight"] @ relu(first(0, h)) + p["first_weights.bias"])
    w2 = np.abs(p["last_weights.weight"] @ relu(first(h, 2 * h)) + p["last_weights.bias"])
    v = p["value.weight"] @ relu(first(2 * h, 2 * h + e)) + p["value.bias"]
    mixed = values @ w1.reshape(len(values), e) + first(2 * h + e, 2 * h + 2 * e)
    return np.where(mixed > 0, mixed, np.expm1(np.minimum(mixed, 0))) @ w2 + v[0]


@given(st.integers(1, 4), st.integers(1, 6), st.integers(0, 10_000))
def test_the_network_is_the_formula(agents: int, state: int, seed: int) -> None:
    mixer, rng = monotonic(agents, state, seed), np.random.default_rng(seed)
    values, states = rng.normal(size=(3, 2, agents)), rng.normal(size=(3, 2, state))
    told = mixer(torch.tensor(values).float(), torch.tensor(states).float())
    assert told.shape == (3, 2)
    wanted = [[by_formula(mixer, values[t, s], states[t, s]) for s in range(2)] for t in range(3)]
    assert np.allclose(told.detach().numpy(), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("agents", [1, 2, 3])
def test_the_written_out_gradient_is_the_gradient(agents: int) -> None:
    mixer = monotonic(agents, 4, agents).double()
    values = torch.randn(6, agents, generator=generator(5), dtype=torch.float64, requires_grad=True)
    state = torch.randn(6, 4, generator=generator(6), dtype=torch.float64)
    layers = mixer.first, mixer.first_weights, mixer.last_weights, mixer.value
    parameters = [p for layer in layers for p in (layer.weight, layer.bias)]
    assert torch.autograd.gradcheck(lambda v, *p: Mixed.apply(v, state, *p), (values, *parameters))


@given(st.integers(1, 4), st.integers(0, 10_000), st.floats(0.1, 3.0))
def test_more_for_one_is_never_less_for_the_team(agents: int, seed: int, scale: float) -> None:
    mixer = monotonic(agents, 3, seed, scale)
    values = torch.randn(20, agents, generator=generator(seed + 2), requires_grad=True)
    mixer(values, torch.randn(20, 3, generator=generator(seed + 3))).sum().backward()
    assert values.grad is not None
    assert (values.grad >= 0).all()
    assert (values.grad > 0).any()


@given(st.sampled_from(["sum", "monotonic"]), st.integers(0, 10_000))
def test_everybodys_best_is_the_teams_best(name: str, seed: int) -> None:
    agents, actions = 3, 4
    mixer = Sum() if name == "sum" else monotonic(agents, 2, seed)
    table = torch.randn(agents, actions, generator=generator(seed))
    joint = torch.tensor(list(product(range(actions), repeat=agents)))
    values = torch.stack([table[i, joint[:, i]] for i in range(agents)], dim=-1)
    state = torch.randn(2, generator=generator(seed + 1)).expand(len(joint), -1)
    with torch.no_grad():
        mixed = mixer(values, state)
        alone = mixer(table.max(dim=1).values.unsqueeze(0), state[:1])
    assert float(mixed.max()) == pytest.approx(float(alone), rel=1e-6, abs=1e-6)


def test_the_sum_is_the_sum() -> None:
    values = torch.tensor([[[1.0, 2.0, -4.0]], [[0.5, 0.0, 0.25]]])
    assert Sum()(values).tolist() == [[-1.0], [0.75]]


def test_mixers_by_name() -> None:
    sizes = 2, 3, 4, 5, generator(0)
    assert make_mixer("none", *sizes) is None
    assert isinstance(make_mixer("sum", *sizes), Sum)
    mixer = make_mixer("monotonic", *sizes)
    assert isinstance(mixer, Monotonic)
    assert (mixer.agents, mixer.embed, mixer.hidden) == (2, 4, 5)
    assert mixer.first.weight.shape[1] == 3
