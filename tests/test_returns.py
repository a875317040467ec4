"""Advantages against sums over whole episodes, one at a time, and running moments against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from marl.returns import Moments, advantages

Array = npt.NDArray[Any]
NUMBERS = st.floats(-10, 10, width=32)


def reference(
    reward: Array, value: Array, value_next: Array, discount: Array, last: Array, trace: float
) -> Array:
    """Equation 16 of Schulman et al. (2016), as a double sum over what remains of the episode of every step."""
    steps, batch, agents = reward.shape
    out = np.zeros(reward.shape)
    for b in range(batch):
        for i in range(agents):
            for t in range(steps):
                total, weight = 0.0, 1.0
                for s in range(t, steps):
                    total += weight * (
                        reward[s, b, i] + discount[s, b, i] * value_next[s, b, i] - value[s, b, i]
                    )
                    weight *= trace * discount[s, b, i]
                    if last[s, b]:
                        break
                out[t, b, i] = total
    return out


@st.composite
def recorded(draw: Any) -> tuple[Any, ...]:
    """Steps with random ends (discount 0), cut-offs (discount stays) and agents that drop out (discount 0, no end)."""
    shape = draw(st.integers(1, 7)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    reward, value, value_next = (draw(arrays(np.float64, shape, elements=NUMBERS)) for _ in range(3))
    last = draw(arrays(bool, shape[:2]))
    ended = last & draw(arrays(bool, shape[:2]))
    out = draw(arrays(bool, shape))
    gamma = draw(st.sampled_from([0.0, 0.5, 0.99, 1.0]))
    discount = gamma * ~ended[..., None] * ~out
    return reward, value, value_next, discount, last


def ours(parts: tuple[Any, ...], trace: float) -> Array:
    return advantages(*map(torch.tensor, parts), trace).numpy()


@given(recorded(), st.sampled_from([0.0, 0.3, 0.95, 1.0]))
def test_advantages_are_the_double_sum(parts: tuple[Any, ...], trace: float) -> None:
    np.testing.assert_allclose(ours(parts, trace), reference(*parts, trace), rtol=1e-9, atol=1e-8)


@given(recorded())
def test_without_a_trace_they_are_one_step_errors(parts: tuple[Any, ...]) -> None:
    reward, value, value_next, discount, _ = parts
    np.testing.assert_allclose(ours(parts, 0.0), reward + discount * value_next - value)


@given(recorded())
def test_with_the_whole_trace_and_chained_values_they_are_returns(parts: tuple[Any, ...]) -> None:
    reward, value, value_next, discount, last = parts
    chained = np.concatenate([value[1:], value_next[-1:]])
    value_next = np.where(last[..., None], value_next, chained)
    returns, ahead = np.zeros_like(reward), value_next[-1]
    for t in reversed(range(len(reward))):
        ahead = reward[t] + discount[t] * np.where(last[t][:, None], value_next[t], ahead)
        returns[t] = ahead
    got = ours((reward, value, value_next, discount, last), 1.0)
    np.testing.assert_allclose(got + value, returns, rtol=1e-9, atol=1e-7)


def test_ends_and_cut_offs_by_hand() -> None:
    """Three steps; the game of the first sub-environment ends after the second, that of the other is cut off there."""
    reward = torch.tensor([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]]).unsqueeze(-1)
    value = torch.tensor([[0.5, 0.5], [0.25, 0.25], [3.0, 3.0]]).unsqueeze(-1)
    value_next = torch.tensor([[0.25, 0.25], [8.0, 8.0], [6.0, 6.0]]).unsqueeze(-1)
    discount = torch.tensor([[0.5, 0.5], [0.0, 0.5], [0.5, 0.5]]).unsqueeze(-1)
    last = torch.tensor([[False, False], [True, True], [False, False]])
    # one-step errors: 1 + .125 - .5 = .625;  2 - .25 = 1.75 or 2 + 4 - .25 = 5.75;  4 + 3 - 3 = 4
    # the first step adds 0.8 * 0.5 of the second's: .625 + .7 or .625 + 2.3; nothing passes the stop
    got = advantages(reward, value, value_next, discount, last, 0.8)[..., 0]
    torch.testing.assert_close(got, torch.tensor([[1.325, 2.925], [1.75, 5.75], [4.0, 4.0]]))


def test_what_comes_after_a_stop_counts_for_nothing() -> None:
    shape = 6, 2, 1
    rng = np.random.default_rng(0)
    parts = [torch.tensor(rng.normal(size=shape)) for _ in range(3)]
    last = torch.zeros(6, 2, dtype=torch.bool)
    last[2, 0] = True
    discount = torch.full(shape, 0.9, dtype=torch.float64)
    before = advantages(*parts, discount, last, 0.9)
    changed = [part.clone() for part in parts]
    for part in changed:
        part[3:] += 5
    after = advantages(*changed, discount, last, 0.9)
    assert torch.equal(before[:3, 0], after[:3, 0])
    assert (before[:3, 1] != after[:3, 1]).all(), "where nothing stops, what comes later counts"


@given(st.lists(st.lists(NUMBERS, max_size=6), min_size=1, max_size=6))
def test_moments_that_forget_nothing_are_those_of_all_numbers(parts: list[list[float]]) -> None:
    moments = Moments(1.0)
    for part in parts:
        moments.update(torch.tensor(part))
    everything = np.array([x for part in parts for x in part], dtype=np.float32).astype(np.float64)
    if not len(everything):
        assert (moments.mean, moments.std) == (0.0, 1.0)
        return
    assert moments.mean == pytest.approx(everything.mean(), abs=1e-9)
    assert moments.square == pytest.approx(np.square(everything).mean(), abs=1e-9)
    if everything.std() > 1e-3:
        assert moments.std == pytest.approx(everything.std(), rel=1e-5)


@given(st.lists(st.lists(NUMBERS, min_size=1, max_size=4), min_size=1, max_size=6), st.floats(0.1, 0.999))
def test_moments_that_forget_weigh_batches_exponentially(parts: list[list[float]], keep: float) -> None:
    moments = Moments(keep)
    for part in parts:
        moments.update(torch.tensor(part))
    weights = keep ** np.arange(len(parts))[::-1]
    arrays = [np.array(part, dtype=np.float32).astype(np.float64) for part in parts]
    assert moments.mean == pytest.approx(np.average([a.mean() for a in arrays], weights=weights), abs=1e-8)
    squares = [np.square(a).mean() for a in arrays]
    assert moments.square == pytest.approx(np.average(squares, weights=weights), abs=1e-7)


def test_moments_of_a_constant_divide_by_one() -> None:
    moments = Moments(0.99)
    for _ in range(5):
        moments.update(torch.full((4,), 1e6))
    assert moments.std == 1.0 and moments.mean == pytest.approx(1e6)


def test_moments_take_no_numbers_for_nothing() -> None:
    moments = Moments(0.9, 0.1, 2.0, 5.0)
    moments.update(torch.zeros(0))
    assert moments == Moments(0.9, 0.1, 2.0, 5.0)
