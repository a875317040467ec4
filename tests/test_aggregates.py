"""Aggregates against scipy, rliable, hand-computed cases and closed forms; intervals against the truth they should hold."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from experiments import aggregates, learning_curves
from experiments.learning_curves import Curve
from games.errors import InputError

SURE = {"confidence": 0.95, "count": 500}
FALSE_ALARM = 1e-6
"""Probability that a statistical test here fails although all is right."""
STATISTICS = (aggregates.iqm, aggregates.mean, aggregates.median)

matrices = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 9), st.integers(1, 5)),
    elements=st.floats(-1e3, 1e3, allow_subnormal=False),
)


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def tolerance(trials: int) -> float:
    """How far a share of independent trials may be from its probability (Hoeffding), at the declared false-alarm rate."""
    return math.sqrt(math.log(2 / FALSE_ALARM) / (2 * trials))


def curve(steps: Any, values: Any) -> Curve:
    return Curve(np.array(steps, dtype=np.int64), np.array(values, dtype=np.float64))


# --- point statistics -----------------------------------------------------------------------------------------


@given(scores=matrices)
def test_iqm_is_the_trimmed_mean_of_scipy(scores: Any) -> None:
    stats = pytest.importorskip("scipy.stats")
    expected = stats.trim_mean(scores, 0.25, axis=None)
    assert aggregates.iqm(scores) == pytest.approx(expected, rel=1e-12, abs=1e-9)


@given(scores=matrices)
def test_iqm_lies_between_the_quartiles(scores: Any) -> None:
    ordered = np.sort(scores.ravel())
    cut = ordered.size // 4
    value = float(aggregates.iqm(scores))
    assert ordered[cut] - 1e-9 <= value <= ordered[ordered.size - cut - 1] + 1e-9


@pytest.mark.parametrize("statistic", STATISTICS)
@given(scores=matrices, data=st.data())
def test_order_of_runs_and_tasks_is_irrelevant(statistic: Any, scores: Any, data: Any) -> None:
    runs = np.array(data.draw(st.permutations(range(scores.shape[0]))))
    tasks = np.array(data.draw(st.permutations(range(scores.shape[1]))))
    moved = scores[np.ix_(runs, tasks)]
    assert statistic(moved) == pytest.approx(float(statistic(scores)), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("statistic", STATISTICS)
@given(scores=matrices, scale=st.floats(0.01, 100), shift=st.floats(-100, 100))
def test_statistics_follow_positive_affine_maps(
    statistic: Any, scores: Any, scale: float, shift: float
) -> None:
    expected = scale * float(statistic(scores)) + shift
    assert statistic(scale * scores + shift) == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_small_cases_by_hand() -> None:
    scores = np.array([[0.0, 1.0], [0.2, 2.0], [1.0, 3.0]])
    assert aggregates.mean(scores) == pytest.approx((0.4 + 2.0) / 2)
    assert aggregates.median(np.array([[0.0, 1.0, 9.0], [2.0, 1.0, 9.0]])) == 1.0
    # 6 scores: one left out at either end, (0.2 + 1 + 1 + 2) / 4
    assert aggregates.iqm(scores) == pytest.approx(4.2 / 4)
    # misses 1 by 1, 0.8, 0 on the first task and by nothing on the second
    assert aggregates.optimality_gap(scores) == pytest.approx((1.8 / 3 + 0.0) / 2)
    assert aggregates.optimality_gap(scores, 2.0) == pytest.approx(((2 + 1.8 + 1) / 3 + 1 / 3) / 2)


def test_missing_runs_are_left_out() -> None:
    full = [np.array([1.0, 2.0, 3.0, 4.0, 50.0]), np.array([0.0, 10.0])]
    scores = aggregates.stacked(full)
    assert scores.shape == (5, 2) and np.isnan(scores).sum() == 3
    assert aggregates.mean(scores) == pytest.approx((12.0 + 5.0) / 2)
    assert aggregates.iqm(scores) == pytest.approx((1 + 2 + 3 + 4 + 10) / 5)
    assert aggregates.task_iqms(scores) == pytest.approx([3.0, 5.0])
    above = aggregates.performance_profile(scores, np.array([2.5]), rng(), **SURE)
    assert above.value == pytest.approx([(3 / 5 + 1 / 2) / 2])
    holes = np.array([[np.nan, 1.0], [5.0, np.nan], [7.0, 3.0]])
    assert np.array_equal(
        aggregates.check_scores(holes), [[5.0, 1.0], [7.0, 3.0], [np.nan, np.nan]], equal_nan=True
    )


@given(
    x=hnp.arrays(np.float64, st.tuples(st.integers(1, 5), st.just(2)), elements=st.integers(0, 3).map(float)),
    y=hnp.arrays(np.float64, st.tuples(st.integers(1, 5), st.just(2)), elements=st.integers(0, 3).map(float)),
)
def test_probability_of_improvement_counts_pairs(x: Any, y: Any) -> None:
    expected = 0.0
    for task in range(2):
        wins = [1.0 if a > b else 0.5 if a == b else 0.0 for a in x[:, task] for b in y[:, task]]
        expected += sum(wins) / len(wins) / 2
    assert aggregates.probability_of_improvement(x, y) == pytest.approx(expected)
    assert aggregates.probability_of_improvement(y, x) == pytest.approx(1 - expected)


@given(values=st.lists(st.integers(0, 4), min_size=1, max_size=7))
def test_ranks_share_ties_and_sum_up(values: list[int]) -> None:
    found = aggregates.ranks(np.array(values, dtype=np.float64))
    assert found.sum() == pytest.approx(len(values) * (len(values) + 1) / 2)
    for k, value in enumerate(values):
        better, equal = sum(v > value for v in values), sum(v == value for v in values)
        assert found[k] == better + (equal + 1) / 2


def test_mean_ranks_of_three_algorithms() -> None:
    base = np.array([[1.0, 100.0], [1.1, 101.0], [0.9, 99.0]])
    best, worst, mixed = base + 10.0, base - 10.0, base
    found = aggregates.mean_ranks([best, worst, mixed], rng(), **SURE)
    assert [tuple(one) for one in found] == [(1, 1, 1), (3, 3, 3), (2, 2, 2)]
    alone = aggregates.mean_ranks([best, base[:1]], rng(), **SURE)
    assert [one.value for one in alone] == [1, 2] and not any(one.has_interval for one in alone)


def test_profile_of_known_scores() -> None:
    scores = np.array([[0.0, 1.0], [0.5, 2.0]])
    found = aggregates.performance_profile(scores, np.array([-1.0, 0.0, 0.5, 1.5, 2.0]), rng(), **SURE)
    assert found.value.tolist() == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert (found.low <= found.value).all() and (found.value <= found.high).all()
    assert found.low[0] == found.high[0] == 1.0 and found.low[-1] == found.high[-1] == 0.0


# --- intervals ------------------------------------------------------------------------------------------------


def test_bootstrap_of_two_runs_has_its_exact_distribution() -> None:
    """A resample of {0, 1} has mean 0, 1/2, 1 with probability 1/4, 1/2, 1/4."""
    drawn = aggregates.bootstrap([[0.0], [1.0]], aggregates.mean, rng(), 20_000)
    for value, share in ((0.0, 0.25), (0.5, 0.5), (1.0, 0.25)):
        assert abs((drawn == value).mean() - share) < tolerance(20_000)


def test_resamples_stay_within_tasks_and_keep_curves_whole() -> None:
    runs = np.arange(4.0)
    scores = np.stack([runs[:, None] + [0, 10, 20], 100 + runs[:, None] + [0, 10, 20]])
    scores[:, 3, 1] = np.nan

    def check(drawn: Any) -> Any:
        for task in range(3):
            values = drawn[:, 0, :, task]
            allowed = scores[0, :, task][~np.isnan(scores[0, :, task])]
            assert np.isin(values[~np.isnan(values)], allowed).all()
            assert ((~np.isnan(values)).sum(axis=-1) == allowed.size).all()
        assert np.array_equal(drawn[:, 1], drawn[:, 0] + 100, equal_nan=True)
        assert not np.array_equal(drawn[:, 0, :, 0] + 20, drawn[:, 0, :, 2])  # tasks are drawn independently
        return aggregates.mean(drawn)

    assert aggregates.bootstrap(scores, check, rng(), 300).shape == (300, 2)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = rng().normal(size=(6, 3))
    whole = aggregates.estimate(scores, aggregates.iqm, rng(), **SURE)
    beats = aggregates.improvement(scores, scores[::-1] + 0.1, rng(), **SURE)
    monkeypatch.setattr(aggregates, "_AT_ONCE", 50)
    assert aggregates.estimate(scores, aggregates.iqm, rng(), **SURE) == whole
    assert aggregates.improvement(scores, scores[::-1] + 0.1, rng(), **SURE) == beats


@pytest.mark.parametrize(
    "statistic, runs, tasks, least",
    [(aggregates.iqm, 20, 1, 0.90), (aggregates.iqm, 10, 5, 0.88), (aggregates.mean, 20, 2, 0.90)],
)
def test_intervals_hold_the_truth_about_as_often_as_they_say(
    statistic: Any, runs: int, tasks: int, least: float
) -> None:
    """Normal scores around 3, whose mean and interquartile mean are 3. `least` is what percentile intervals of so few
    runs reach (they are a little narrow), less the slack of the declared false-alarm rate."""
    trials, draw = 1500, rng()
    held = 0
    for _ in range(trials):
        found = aggregates.estimate(
            3.0 + draw.normal(size=(runs, tasks)), statistic, draw, confidence=0.95, count=200
        )
        held += found.low <= 3.0 <= found.high
    assert least - tolerance(trials) < held / trials < 0.95 + tolerance(trials)


def test_interval_of_improvement_holds_the_truth() -> None:
    """X is Y + 1 for unit normals: P(X > Y) is Phi(1 / sqrt 2)."""
    truth = 0.5 * (1 + math.erf(0.5))
    trials, draw, held = 800, rng(), 0
    for _ in range(trials):
        x, y = draw.normal(size=(15, 1)) + 1.0, draw.normal(size=(15, 1))
        found = aggregates.improvement(x, y, draw, confidence=0.9, count=200)
        held += found.low <= truth <= found.high
    assert 0.84 - tolerance(trials) < held / trials < 0.93 + tolerance(trials)


def test_one_run_of_a_task_gives_no_interval() -> None:
    scores = np.array([[1.0, 2.0], [3.0, np.nan]])
    found = aggregates.estimate(scores, aggregates.mean, rng(), **SURE)
    assert found.value == 2.0 and not found.has_interval
    assert not aggregates.improvement(scores, scores, rng(), **SURE).has_interval


def test_the_same_generator_gives_the_same_interval() -> None:
    scores = rng().normal(size=(5, 2))
    one, other = (aggregates.estimate(scores, aggregates.iqm, rng(), **SURE) for _ in range(2))
    assert one == other
    different = aggregates.estimate(scores, aggregates.iqm, np.random.default_rng(8), **SURE)
    assert different.value == one.value and different != one


@pytest.mark.parametrize(
    "scores, told",
    [
        ([1.0, 2.0], "runs x tasks"),
        ([[np.nan, 1.0]], "at least one run"),
        (np.zeros((0, 3)), "at least one run"),
        (np.zeros((3, 0)), "at least one run"),
        ([[[1.0], [np.nan]], [[1.0], [2.0]]], "whole curve"),
    ],
)
def test_scores_that_are_none(scores: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        aggregates.bootstrap(scores, aggregates.mean, rng(), 10)


def test_improvement_needs_the_same_tasks() -> None:
    with pytest.raises(InputError, match="same tasks"):
        aggregates.improvement(np.ones((3, 2)), np.ones((3, 1)), rng(), **SURE)


def test_all_agrees_with_rliable() -> None:
    metrics = pytest.importorskip("rliable.metrics", reason="rliable is not installed")
    library = pytest.importorskip("rliable.library", reason="rliable does not import here")
    draw = rng()
    for runs, tasks in ((1, 1), (3, 1), (5, 4), (10, 7)):
        x, y = draw.normal(size=(runs, tasks)).round(1), draw.normal(size=(runs + 2, tasks)).round(1)
        assert aggregates.iqm(x) == pytest.approx(metrics.aggregate_iqm(x))
        assert aggregates.mean(x) == pytest.approx(metrics.aggregate_mean(x))
        assert aggregates.median(x) == pytest.approx(metrics.aggregate_median(x))
        assert aggregates.optimality_gap(x) == pytest.approx(metrics.aggregate_optimality_gap(x))
        expected = metrics.probability_of_improvement(x, y)
        assert aggregates.probability_of_improvement(x, y) == pytest.approx(expected)
    scores, taus = draw.normal(size=(10, 4)), np.linspace(-2, 2, 7)
    _, theirs = library.get_interval_estimates(
        {"a": scores}, lambda s: np.array([metrics.aggregate_iqm(s)]), reps=4000
    )
    ours = aggregates.estimate(scores, aggregates.iqm, rng(), confidence=0.95, count=20_000)
    assert ours[1:] == pytest.approx(theirs["a"][:, 0], abs=0.06)
    profile, band = library.create_performance_profile({"a": scores}, taus, reps=2000)
    own = aggregates.performance_profile(scores, taus, rng(), confidence=0.95, count=2000)
    assert own.value == pytest.approx(profile["a"])
    assert np.abs(np.stack([own.low, own.high]) - band["a"]).max() <= 0.0501  # one or two runs of 40


# --- curves ---------------------------------------------------------------------------------------------------


def test_curves_are_straight_lines_and_end() -> None:
    one = curve([0, 100, 300], [0.0, 1.0, 0.0])
    assert learning_curves.at(one, [0, 50, 100, 200, 300]).tolist() == [0.0, 0.5, 1.0, 0.5, 0.0]
    assert np.isnan(learning_curves.at(one, [-1, 301])).all()
    assert learning_curves.area(one, 0, 300) == pytest.approx((50 + 100) / 300)
    assert learning_curves.area(one, 50, 150) == pytest.approx((37.5 + 43.75) / 100)
    with pytest.raises(InputError, match="both ends"):
        learning_curves.area(one, 0, 301)
    with pytest.raises(InputError, match="both ends"):
        learning_curves.area(one, 100, 100)


def test_a_grid_holds_every_evaluation_that_all_runs_reach() -> None:
    one, other = curve([0, 10, 20, 30], [0, 0, 0, 0]), curve([5, 15, 25], [0, 0, 0])
    assert learning_curves.grid([one, other]).tolist() == [5, 10, 15, 20, 25]
    many = curve(range(10_000), np.zeros(10_000))
    thinned = learning_curves.grid([many])
    assert thinned.size == learning_curves.POINTS and thinned[0] == 0 and thinned[-1] == 9999
    with pytest.raises(InputError, match="already ended"):
        learning_curves.grid([curve([0, 1], [0, 0]), curve([5, 6], [0, 0])])


def test_first_passage() -> None:
    one = curve([10, 20, 30, 40], [0.0, 2.0, 1.0, 4.0])
    cases = {-1.0: 10.0, 0.0: 10.0, 1.0: 15.0, 2.0: 20.0, 3.0: 30 + 20 / 3, 4.0: 40.0, 4.1: math.inf}
    for threshold, steps in cases.items():
        assert learning_curves.first_reached(one, threshold) == pytest.approx(steps)


@settings(max_examples=50)
@given(data=st.data())
def test_bounds_of_censored_steps_hold_whatever_would_have_happened(data: Any) -> None:
    """Runs reach 1 at some step or not before they end; whenever they would have, the interquartile mean is inside."""
    count = data.draw(st.integers(1, 6))
    true = np.array(data.draw(st.lists(st.integers(1, 100), min_size=count, max_size=count)), dtype=float)
    ends = np.array(data.draw(st.lists(st.integers(1, 100), min_size=count, max_size=count)), dtype=float)
    runs = [
        curve([0, t, max(e, t + 1)], [0.0, 1.0, 1.0]) if t <= e else curve([0, e], [0.0, 0.0])
        for t, e in zip(true, ends)
    ]
    found = learning_curves.passage(runs, 1.0, rng(), **SURE)
    truth = float(aggregates.iqm(true[:, None]))
    assert found.lower - 1e-9 <= truth <= found.upper + 1e-9
    assert found.reached == int((true <= ends).sum()) and found.runs == count
    if found.reached == count:
        assert found.lower == found.upper == pytest.approx(truth)
    if count > 1:
        assert found.low <= found.lower + 1e-9 and found.high >= found.lower - 1e-9


def test_a_late_run_in_the_quarter_left_out_changes_nothing() -> None:
    done = [curve([0, k], [0.0, 1.0]) for k in (10, 20, 30, 40)]
    found = learning_curves.passage([*done, curve([0, 50], [0.0, 0.9])], 1.0, rng(), **SURE)
    assert (found.reached, found.lower, found.upper) == (4, 30.0, 30.0)
    assert found.high == math.inf  # a resample may hold it twice
    early = learning_curves.passage([*done, curve([0, 15], [0.0, 0.9])], 1.0, rng(), **SURE)
    assert early.lower < early.upper == 30.0
    never = learning_curves.passage([curve([0, 50], [0.0, 0.9])] * 2, 1.0, rng(), **SURE)
    assert (never.reached, never.lower, never.upper, never.low, never.high) == (0, 50, math.inf, 50, math.inf)


@pytest.mark.parametrize(
    "bad, told",
    [
        (curve([0, 0], [1, 2]), "increase"),
        (curve([5, 3], [1, 2]), "increase"),
        (curve([0, 7], [1, math.nan]), "step 7"),
        (curve([0, 7], [math.inf, 1]), "step 0"),
        (curve([], []), "at least one"),
        (curve([0], [1, 2]), "as many"),
    ],
)
def test_curves_that_are_none(bad: Curve, told: str) -> None:
    with pytest.raises(InputError, match=told):
        learning_curves.check_curve(bad)


def test_iqm_of_all_small_sizes_by_counting() -> None:
    """1, 2, ..., n: by symmetry (n + 1) / 2 whatever is left out; with one outlier, only if it is left out."""
    for n, outlier in itertools.product(range(1, 14), (False, True)):
        values = np.arange(1.0, n + 1)
        if outlier:
            values[-1] = 1e6
        found = float(aggregates.iqm(values[:, None]))
        assert (found == pytest.approx((n + 1) / 2)) == (not outlier or n >= 4)
