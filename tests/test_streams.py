"""Random streams: their generator against a reference, their independence, and the laws of what they draw."""

from __future__ import annotations

from math import erf, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from games.errors import InputError
from games.stream_kernels import below
from games.streams import ACT, ENV, Streams, check_seeds, draw_seeds

WORD = 2**64


def reference_words(state: list[int], count: int) -> list[int]:
    """xoshiro256++ in Python's own integers (Blackman and Vigna 2021, figure 1)."""

    def rotated(x: int, k: int) -> int:
        return ((x << k) | (x >> (64 - k))) % WORD

    drawn = []
    for _ in range(count):
        drawn.append((rotated((state[0] + state[3]) % WORD, 23) + state[0]) % WORD)
        t = (state[1] << 17) % WORD
        state[2] ^= state[0]
        state[3] ^= state[1]
        state[1] ^= state[2]
        state[0] ^= state[3]
        state[2] ^= t
        state[3] = rotated(state[3], 45)
    return drawn


@given(st.integers(0, WORD - 1))
def test_words_are_those_of_the_published_generator(seed: int) -> None:
    streams = Streams.from_seeds(np.array([seed], dtype=np.uint64), ACT, agents=2)
    expected = [reference_words([int(word) for word in streams.state[0, i]], 3) for i in range(2)]
    drawn = np.stack([streams.bits()[0] for _ in range(3)], axis=1)
    assert drawn.tolist() == expected


def test_a_stream_depends_on_its_seed_label_and_agent_alone() -> None:
    seeds = draw_seeds(np.random.default_rng(0), 50)
    whole = Streams.from_seeds(seeds, ACT, agents=4).uniform(3)
    for b in (0, 17, 49):
        assert (Streams.from_seeds(seeds[b : b + 1], ACT, agents=2).uniform(3)[0] == whole[b, :2]).all()
    words = [Streams.from_seeds(seeds, label, agents=4).bits().ravel() for label in (ENV, ACT, 7)]
    assert len(np.unique(np.concatenate(words))) == 3 * 200


def test_drawing_from_some_agents_advances_these_alone() -> None:
    seeds = draw_seeds(np.random.default_rng(1), 3)
    streams, twin = (Streams.from_seeds(seeds, ACT, agents=3) for _ in range(2))
    streams.agents(slice(1, 2)).uniform()
    assert (streams.state[:, [0, 2]] == twin.state[:, [0, 2]]).all()
    twin.uniform()
    assert (streams.state[:, 1] == twin.state[:, 1]).all()
    streams.rows(slice(0, 1)).uniform()
    assert (streams.state[1:, 1] == twin.state[1:, 1]).all()
    before = streams.state.copy()
    first = streams.seeds([2, 0])
    assert (streams.state[1] == before[1]).all()
    assert (streams.state[:, 1:] == before[:, 1:]).all()
    assert first == Streams(before).seeds([2, 0])
    assert all(0 <= seed < 2**31 for seed in first)


def largest_gap(sample: np.ndarray, distribution: np.ndarray) -> float:
    """Kolmogorov-Smirnov statistic times sqrt(n); above 1.95 with probability 0.001."""
    n = len(sample)
    return float(
        sqrt(n)
        * max(
            np.abs(distribution - np.arange(n) / n).max(),
            np.abs(distribution - np.arange(1, n + 1) / n).max(),
        )
    )


def test_uniform_and_normal_numbers_follow_their_laws() -> None:
    """Seeds are fixed; on random ones the two tests together would fail about once in 500 runs."""
    streams = Streams.from_seeds(draw_seeds(np.random.default_rng(2), 4), ENV)
    flat = np.sort(streams.uniform(100_000).ravel())
    assert largest_gap(flat, flat) < 1.95
    bell = np.sort(streams.normal(100_000).ravel())
    assert largest_gap(bell, np.array([0.5 * (1 + erf(x / sqrt(2))) for x in bell])) < 1.95
    assert abs((np.abs(bell) > 3.4426198).mean() - 5.76e-4) < 4 * sqrt(5.76e-4 / len(bell))


def test_streams_are_uncorrelated() -> None:
    seeds = np.arange(1, 65, dtype=np.uint64)  # neighbouring seeds, the worst a user would choose
    drawn = Streams.from_seeds(seeds, ACT, agents=4).normal(4_000).reshape(256, -1)
    correlation = np.corrcoef(drawn)[np.triu_indices(256, 1)]
    assert np.abs(correlation).max() < 5.5 / sqrt(4_000)
    assert abs(correlation.std() * sqrt(4_000) - 1) < 0.05


@pytest.mark.parametrize("count", [1, 2, 3, 7, 1000, 2**31 - 1])
def test_whole_numbers_below_a_bound_are_uniform(count: int) -> None:
    state = Streams.from_seeds(np.array([count], dtype=np.uint64), ENV).state[0, 0]
    drawn = np.array([below(state, count) for _ in range(20_000)])
    assert drawn.min() >= 0
    assert drawn.max() < count
    bins = np.histogram(drawn / count, bins=min(count, 10), range=(0, 1))[0]
    expected = 20_000 / len(bins)
    assert ((bins - expected) ** 2 / expected).sum() < 27.9  # chi-squared, 9 degrees of freedom, 0.001


def test_choices_follow_their_probabilities_and_never_the_impossible() -> None:
    probs = np.array([0.0, 0.2, 0.0, 0.5, 0.3, 0.0])
    streams = Streams.from_seeds(draw_seeds(np.random.default_rng(3), 40_000), ACT)
    drawn = streams.choose(np.broadcast_to(probs, (40_000, 1, 6)))
    share = np.bincount(drawn[:, 0], minlength=6) / 40_000
    assert (share[probs == 0] == 0).all()
    assert (np.abs(share - probs) < 4 * np.sqrt(probs * (1 - probs) / 40_000) + 1e-12).all()
    mask = np.broadcast_to(probs > 0, (40_000, 1, 6)).copy()
    share = np.bincount(streams.legal(mask)[:, 0], minlength=6) / 40_000
    assert (np.abs(share - (probs > 0) / 3) < 4 * sqrt(2 / 9 / 40_000)).all()
    assert (streams.legal(np.zeros((40_000, 1, 2), dtype=bool)) == 0).all()


@given(
    st.lists(st.floats(0, 1e300) | st.just(0.0), min_size=1, max_size=8).filter(lambda p: 0 < sum(p) < 1e300)
)
def test_any_weights_give_a_possible_action(weights: list[float]) -> None:
    streams = Streams.from_seeds(np.arange(20, dtype=np.uint64), ACT)
    drawn = streams.choose(np.broadcast_to(np.array(weights), (20, 1, len(weights))))
    assert all(weights[a] > 0 for a in drawn.ravel())


def test_one_draw_per_stream_whatever_is_legal() -> None:
    seeds = np.arange(3, dtype=np.uint64)
    wide, narrow = (Streams.from_seeds(seeds, ACT, agents=2) for _ in range(2))
    wide.legal(np.ones((3, 2, 9), dtype=bool))
    narrow.choose(np.zeros((3, 2, 1)))
    assert (wide.state == narrow.state).all()


def test_the_first_seeds_do_not_depend_on_how_many_are_drawn() -> None:
    few, many = (draw_seeds(np.random.default_rng(9), n) for n in (3, 100))
    assert (few == many[:3]).all()
    assert many.max() < 2**63


@pytest.mark.parametrize("bad", [[], 5, [1.5], [-1], [[1]], ["x"], [2**64], None, [2**64 - 1, -1]])
def test_what_is_not_a_list_of_seeds_is_refused(bad: object) -> None:
    with pytest.raises(InputError, match="expected at least one seed"):
        check_seeds(bad)


def test_lists_of_seeds_may_hold_small_and_large_ones() -> None:
    assert check_seeds([0, WORD - 1, 5]).tolist() == [0, WORD - 1, 5]
