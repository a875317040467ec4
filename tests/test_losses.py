"""Losses against numbers worked out by hand, and probabilities against `torch.distributions`."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import Categorical, Independent, Normal

from games.spaces import Box, Discrete, MultiDiscrete
from marl.actors import Actor, log_prob_and_entropy, width
from marl.losses import clipped_surrogate, huber, standardised, value_loss, weighted_mean
from marl.networks import Network


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "slope"),
    [
        (1.0, 2.0, -2.0, -2.0),
        (1.1, 2.0, -2.2, -2.0),
        (1.5, 2.0, -2.4, 0.0),  # gains nothing beyond 1.2
        (0.5, 2.0, -1.0, -2.0),  # but wants back
        (1.5, -2.0, 3.0, 2.0),  # what got worse is felt in full
        (0.5, -2.0, 1.6, 0.0),  # gains nothing below 0.8
        (0.9, -2.0, 1.8, 2.0),
        (3.0, 0.0, 0.0, 0.0),
    ],
)
def test_clipped_surrogate_by_hand(ratio: float, advantage: float, loss: float, slope: float) -> None:
    log_ratio = torch.tensor(log(ratio), dtype=torch.float64, requires_grad=True)
    got, told = clipped_surrogate(log_ratio, torch.tensor(advantage, dtype=torch.float64), 0.2)
    assert got.item() == pytest.approx(loss) and told.item() == pytest.approx(ratio)
    got.backward()
    assert log_ratio.grad is not None
    assert log_ratio.grad.item() == pytest.approx(slope * ratio), (
        "d loss / d log ratio = ratio d loss / d ratio"
    )


@pytest.mark.parametrize(
    ("error", "loss", "slope"),
    [(0.0, 0.0, 0.0), (1.0, 0.5, 1.0), (-2.0, 2.0, -2.0), (5.0, 8.0, 2.0), (-3.0, 4.0, -2.0)],
)
def test_huber_by_hand(error: float, loss: float, slope: float) -> None:
    """With delta 2: half the square up to 2, then 2 |e| - 2."""
    x = torch.tensor(error, dtype=torch.float64, requires_grad=True)
    got = huber(x, 2.0)
    got.backward()
    assert got.item() == pytest.approx(loss) and x.grad is not None and x.grad.item() == pytest.approx(slope)


@given(st.floats(-100, 100), st.floats(0.1, 20))
def test_huber_is_torch_s(error: float, delta: float) -> None:
    x = torch.tensor(error, dtype=torch.float64)
    wanted = torch.nn.functional.huber_loss(x, torch.zeros_like(x), delta=delta)
    torch.testing.assert_close(huber(x, delta), wanted)


@pytest.mark.parametrize(
    ("value", "target", "old", "clip", "loss"),
    [
        (3.0, 1.0, 0.0, None, 2.0),  # half of 2 squared
        (3.0, 1.0, 0.0, 0.5, 2.0),  # moved value 0.5 misses by less: the larger counts
        (1.0, 1.0, 0.0, 0.5, 0.125),  # right, but moved value 0.5 misses by a half
        (0.3, 1.0, 0.0, 0.5, 0.245),  # near enough: both the same
        (25.0, 5.0, 0.0, None, 150.0),  # linear beyond 10: 10 (20 - 5)
    ],
)
def test_value_loss_by_hand(value: float, target: float, old: float, clip: float | None, loss: float) -> None:
    numbers = (torch.tensor(x, dtype=torch.float64) for x in (value, target, old))
    assert value_loss(*numbers, clip, 10.0).item() == pytest.approx(loss)


def test_weighted_means_by_hand() -> None:
    x, w = torch.tensor([1.0, 2.0, 30.0]), torch.tensor([1.0, 1.0, 0.0])
    assert weighted_mean(x, w).item() == 1.5
    assert weighted_mean(x, torch.zeros(3)).item() == 0.0
    torch.testing.assert_close(standardised(x, w)[:2], torch.tensor([-1.0, 1.0]))
    assert standardised(torch.full((4,), 3.0), torch.ones(4)).abs().max() == 0


@given(st.integers(0, 2**32), st.integers(2, 20))
def test_standardised_numbers_have_mean_0_and_deviation_1(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    x, w = torch.tensor(rng.normal(5, 3, count)), torch.tensor(rng.integers(0, 2, count).astype(float))
    w[:2] = 1
    kept = standardised(x, w)[w > 0]
    assert abs(kept.mean().item()) < 1e-6 and kept.std(correction=0).item() == pytest.approx(1, abs=1e-3)


# --- probabilities ----------------------------------------------------------------------------------------


def masked(logits: Tensor, mask: Tensor) -> Categorical:
    return Categorical(logits=logits.masked_fill(~mask, -torch.inf))


def entropy_of(one: Categorical) -> Tensor:
    """Torch's own is not a number where a probability is 0 in some versions; this is the definition."""
    return torch.special.entr(one.probs).sum(-1)


def random_mask(generator: torch.Generator, shape: tuple[int, ...]) -> Tensor:
    mask = torch.rand(shape, generator=generator) < 0.5
    sure = torch.randint(shape[-1], shape[:-1], generator=generator)
    return mask.scatter(-1, sure.unsqueeze(-1), True)


@given(st.integers(0, 2**31), st.integers(1, 6), st.sampled_from([1.0, 30.0]))
def test_discrete_actions(seed: int, count: int, scale: float) -> None:
    g = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(5, 2, count, generator=g, dtype=torch.float64)
    mask = random_mask(g, (5, 2, count))
    one = masked(logits, mask)
    chosen = torch.multinomial(one.probs.flatten(0, 1), 1, generator=g).reshape(5, 2)
    log_prob, entropy = log_prob_and_entropy(Discrete(count), logits, mask, chosen.int())
    torch.testing.assert_close(log_prob, one.log_prob(chosen))
    torch.testing.assert_close(entropy, entropy_of(one))


@given(st.integers(0, 2**31))
def test_multi_discrete_actions(seed: int) -> None:
    g, actions = torch.Generator().manual_seed(seed), MultiDiscrete((2, 4, 1))
    logits = torch.randn(3, 2, 7, generator=g, dtype=torch.float64)
    parts = [random_mask(g, (3, 2, count)) for count in actions.counts]
    each = [masked(part, mask) for part, mask in zip(logits.split((2, 4, 1), -1), parts)]
    chosen = torch.stack(
        [torch.multinomial(one.probs.flatten(0, 1), 1, generator=g).reshape(3, 2) for one in each], dim=-1
    )
    log_prob, entropy = log_prob_and_entropy(actions, logits, torch.cat(parts, -1), chosen.int())
    torch.testing.assert_close(log_prob, sum(one.log_prob(c) for one, c in zip(each, chosen.unbind(-1))))
    torch.testing.assert_close(entropy, sum(map(entropy_of, each)))


@given(st.integers(0, 2**31))
def test_box_actions(seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    mean, log_std, chosen = (torch.randn(3, 2, 4, generator=g, dtype=torch.float64) for _ in range(3))
    normal = Independent(Normal(mean, log_std.exp()), 1)
    outputs, mask = torch.cat([mean, log_std], -1), torch.zeros(3, 2, 0, dtype=torch.bool)
    log_prob, entropy = log_prob_and_entropy(Box((-1.0,) * 4, (1.0,) * 4), outputs, mask, chosen)
    torch.testing.assert_close(log_prob, normal.log_prob(chosen))
    torch.testing.assert_close(entropy, normal.entropy())


def test_illegal_actions_get_no_gradient() -> None:
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    mask = torch.tensor([[True, True, False]] * 4)
    log_prob, entropy = log_prob_and_entropy(Discrete(3), logits, mask, torch.tensor([0, 1, 0, 1]))
    (log_prob.sum() + entropy.sum()).backward()
    assert logits.grad is not None
    assert (logits.grad[:, 2] == 0).all() and (logits.grad[:, :2] != 0).any() and logits.grad.isfinite().all()


def test_nothing_legal_is_finite_for_those_who_do_not_act() -> None:
    logits = torch.randn(2, 3, requires_grad=True, generator=torch.Generator().manual_seed(1))
    parts = log_prob_and_entropy(
        Discrete(3), logits, torch.zeros(2, 3, dtype=torch.bool), torch.tensor([0, 2])
    )
    assert all(part.isfinite().all() for part in parts)
    (weighted_mean(parts[0], torch.zeros(2)) + weighted_mean(parts[1], torch.zeros(2))).backward()
    assert logits.grad is not None and (logits.grad == 0).all()


def test_one_legal_action_is_certain() -> None:
    logits = torch.tensor([[50.0, -50.0, 0.0]], requires_grad=True)
    mask = torch.tensor([[False, True, False]])
    log_prob, entropy = log_prob_and_entropy(Discrete(3), logits, mask, torch.tensor([1]))
    assert log_prob.item() == 0 and entropy.item() == 0


@pytest.mark.parametrize(
    ("low", "high", "middle", "reach"),
    [
        (-1.0, 1.0, 0.0, 1.0),
        (2.0, 10.0, 6.0, 4.0),
        (-np.inf, 5.0, 0.0, 1.0),
        (-np.inf, np.inf, 0.0, 1.0),
        (3.0, 3.0, 3.0, 1.0),
        (7.0, np.inf, 7.0, 1.0),
        (-3e38, 3e38, 0.0, 3e38),
    ],
)
def test_boxes_are_met_in_their_middle(low: float, high: float, middle: float, reach: float) -> None:
    """Means are in units of half the box around its middle, deviations begin as half the box."""
    box = Box((low,), (high,))
    network = Network(2, width(box), 1, hidden=(4,), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        network.head.weight.zero_()
    out, _ = Actor(network, box)(torch.randn(1, 1, 2, generator=torch.Generator().manual_seed(1)))
    assert out[0, 0, 0].item() == pytest.approx(middle)
    assert out[0, 0, 1].item() == pytest.approx(log(reach), abs=1e-5)
