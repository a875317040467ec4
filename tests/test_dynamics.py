"""No-regret play: fixed trajectories, regret bounds, rates, and certificates on games of every kind."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games.errors import InputError
from games.normal import NormalFormGame
from solvers.certificate import certify
from solvers.dynamics import RULES, no_regret, no_swap_regret
from solvers.solution import Status

SHAPLEY = NormalFormGame.bimatrix(np.eye(3), np.roll(np.eye(3), 1, axis=1))
BIASED = NormalFormGame.zero_sum([[0, -1, 2], [1, 0, -1], [-2, 1, 0]])
START = [[0.5, 0.3, 0.2], [0.2, 0.5, 0.3]]


def _fixed(game, rule, rounds=1000):
    rate = 0.1 if "hedge" in rule else None
    return no_regret(
        game, rule, tolerance=0, iterations=rounds, start=START, learning_rate=rate, averaging="uniform"
    )


@pytest.mark.parametrize(
    "rule, gap, swap, nash",
    [
        ("hedge", 0.01791589, 0.10212874, 0.28989886),
        ("optimistic-hedge", 0.01431538, None, None),
        ("regret-matching", 0.00469975, 0.09551820, None),
        ("regret-matching+", -0.1448806, 0.00767365, None),
    ],
)
def test_shapley_trajectory(rule, gap, swap, nash):
    solution = _fixed(SHAPLEY, rule)
    assert solution.stats["iterations"] == 1000
    assert solution.stats["gap"] == pytest.approx(gap, abs=1e-7)
    assert solution.certificate.gain.max() == pytest.approx(gap, abs=1e-7)
    if swap is not None:
        assert certify(SHAPLEY, solution, "ce").gain.max() == pytest.approx(swap, abs=1e-7)
    if nash is not None:
        marginals = solution.joint.marginals()
        assert certify(SHAPLEY, marginals, "nash").nash_conv == pytest.approx(nash, abs=1e-7)


def test_shapley_hedge_regrets_at_both_horizons():
    regrets = 1000 * _fixed(SHAPLEY, "hedge").certificate.gain
    assert regrets == pytest.approx([17.91588656, 13.59360845], abs=1e-6)
    assert _fixed(SHAPLEY, "hedge", 10_000).certificate.max_regret == pytest.approx(0.00194162, abs=1e-7)


@pytest.mark.parametrize(
    "rule, nash",
    [
        ("hedge", 0.05349817),
        ("optimistic-hedge", 0.00542254),
        ("regret-matching", 0.07229289),
        ("regret-matching+", 0.03481438),
    ],
)
def test_biased_rock_paper_scissors_averages(rule, nash):
    solution = _fixed(BIASED, rule)
    conv = certify(BIASED, solution.joint.marginals(), "nash").nash_conv
    assert conv == pytest.approx(nash, abs=1e-7)
    assert conv == pytest.approx(solution.certificate.gain.sum(), abs=1e-12)  # zero-sum: (R1 + R2) / T


@given(st.integers(0, 10**6), st.sampled_from([(2, 2), (3, 5), (2, 3, 2)]), st.floats(0.01, 1.0))
@settings(max_examples=25, deadline=None)
def test_hedge_regret_bound(seed, shape, rate):
    rng = np.random.default_rng(seed)
    game = NormalFormGame(rng.random((len(shape), *shape)))
    rounds = 200
    solution = no_regret(
        game, "hedge", tolerance=0, iterations=rounds, learning_rate=rate, averaging="uniform"
    )
    for regret, actions in zip(solution.certificate.gain, shape):
        assert regret * rounds <= math.log(actions) / rate + rate * rounds / 8 + 1e-9


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_optimistic_hedge_total_regret_is_bounded(seed):
    game = NormalFormGame(np.random.default_rng(seed).random((2, 4, 4)))
    solution = no_regret(
        game, "optimistic-hedge", tolerance=0, iterations=500, learning_rate=0.5, averaging="uniform"
    )
    assert 500 * solution.certificate.gain.sum() <= 2 * math.log(4) / 0.5 + 1e-9


def test_regret_matching_rate():
    rounds = np.array([100, 400, 1600, 6400])
    slopes = []
    for seed in range(6):
        game = NormalFormGame.zero_sum(np.random.default_rng(seed).random((8, 8)))
        gaps = [
            no_regret(game, "regret-matching", tolerance=0, iterations=int(n)).certificate.max_regret
            for n in rounds
        ]
        slopes.append(np.polyfit(np.log(rounds), np.log(gaps), 1)[0])
    assert np.median(slopes) < -0.45


@pytest.mark.parametrize("rule", list(RULES))
@pytest.mark.parametrize("averaging", ["uniform", "linear", "window"])
def test_gap_is_the_certificate(rule, averaging):
    for shape in ((6, 6), (3, 4, 2), (2, 2, 2, 2)):
        game = NormalFormGame(np.random.default_rng(3).normal(size=(len(shape), *shape)))
        solution = no_regret(game, rule, tolerance=0, iterations=777, averaging=averaging)
        assert solution.status == Status.BUDGET
        assert solution.certificate.gain.max() == pytest.approx(solution.stats["gap"], abs=1e-12)


@pytest.mark.parametrize("rule", list(RULES))
def test_converged_holds(rule):
    game = NormalFormGame(np.random.default_rng(5).random((3, 4, 4, 4)))
    solution = no_regret(game, rule, tolerance=5e-3)
    assert solution.status == Status.CONVERGED
    assert solution.certificate.holds(5e-3)


EDGE_GAMES = {
    "one player": NormalFormGame(np.array([[3.0, 7.0, -1.0]])),
    "one action each": NormalFormGame(np.array([[[2.0]], [[5.0]]])),
    "one action": NormalFormGame.bimatrix([[1, 2, 0]], [[0, 5, 3]]),
    "constant": NormalFormGame(np.full((3, 2, 3, 2), 4.0)),
    "huge": NormalFormGame(1e9 + np.random.default_rng(0).random((2, 4, 4))),
    "large": NormalFormGame(1e9 * np.random.default_rng(0).normal(size=(2, 4, 4))),
    "tiny": NormalFormGame(1e-9 * np.random.default_rng(0).random((2, 4, 4))),
    "dominance": NormalFormGame.symmetric([[3, 0], [5, 1]]),
    "pennies": NormalFormGame.zero_sum([[1, -1], [-1, 1]]),
}


@pytest.mark.parametrize("name", list(EDGE_GAMES))
def test_edge_games(name):
    game = EDGE_GAMES[name]
    for rule in RULES:
        solution = no_regret(game, rule, tolerance=1e-2, iterations=200_000)
        assert solution.status == Status.CONVERGED, rule
        assert solution.certificate.holds(1.001e-2)
    solution = no_swap_regret(game, tolerance=1e-2)
    assert solution.status == Status.CONVERGED
    assert solution.certificate.holds(1.001e-2)


@pytest.mark.parametrize("rule", ["regret-matching", "regret-matching+", "predictive-regret-matching+"])
def test_swap_regret(rule):
    rng = np.random.default_rng(11)
    games = [SHAPLEY, BIASED, NormalFormGame(rng.random((2, 6, 6))), NormalFormGame(rng.random((3, 3, 3, 3)))]
    for game in games:
        solution = no_swap_regret(game, rule, tolerance=5e-3, rng=rng)
        assert solution.status == Status.CONVERGED
        assert solution.concept == "ce"
        assert solution.certificate.holds(5e-3)
        assert solution.certificate.max_regret == pytest.approx(max(solution.stats["gap"], 0), abs=1e-12)


def test_swap_regret_with_many_actions():
    game = NormalFormGame(np.random.default_rng(2).random((2, 60, 60)))
    solution = no_swap_regret(game, tolerance=1e-2)
    assert solution.certificate.holds(1e-2)


def test_sparse_and_dense_play_agree(monkeypatch):
    import solvers.dynamics_loop as loop

    game = NormalFormGame(np.random.default_rng(8).random((4, 3, 4, 2, 3)))
    sparse = no_regret(game, tolerance=0, iterations=100)
    monkeypatch.setattr(loop, "available_bytes", lambda: 0)
    dense = no_regret(game, tolerance=0, iterations=100)
    assert np.allclose(sparse.joint.dense(), dense.joint.dense(), atol=1e-9)


@pytest.mark.parametrize("averaging", ["uniform", "linear", "window"])
@pytest.mark.parametrize("rounds", [1, 16, 17, 32, 33, 70, 128, 129, 255])
def test_kept_rounds_are_the_average(averaging, rounds, monkeypatch):
    import solvers.dynamics_loop as loop

    game = NormalFormGame(np.random.default_rng(8).random((3, 3, 4, 2)))
    joint = no_regret(game, tolerance=0, iterations=rounds, averaging=averaging)
    monkeypatch.setattr(loop, "_KEPT_PROFILES", 0)
    mixture = no_regret(game, tolerance=0, iterations=rounds, averaging=averaging)
    assert mixture.strategy.profiles.shape[0] <= rounds
    assert np.allclose(joint.joint.dense(), mixture.joint.dense(), atol=1e-12)
    assert mixture.certificate.gain.max() == pytest.approx(mixture.stats["gap"], abs=1e-12)


def test_scaling_and_shifting_payoffs_changes_nothing():
    payoffs = np.random.default_rng(4).integers(0, 8, (2, 5, 5)).astype(float)
    first = no_regret(NormalFormGame(payoffs), tolerance=0, iterations=60).joint.dense()
    second = no_regret(NormalFormGame(4 * payoffs - 16), tolerance=0, iterations=60).joint.dense()
    assert np.allclose(first, second, atol=1e-9)


def test_many_profiles_within_seconds():
    game = NormalFormGame(np.random.default_rng(1).random((3, 60, 60, 60)))
    solution = no_regret(game, tolerance=1e-3, seconds=60)
    assert solution.status == Status.CONVERGED
    assert solution.certificate.holds(1e-3)


def test_budgets_progress_and_interrupt():
    game = NormalFormGame.zero_sum(np.random.default_rng(1).random((30, 30)))
    seen = []
    solution = no_regret(game, tolerance=0, seconds=0.3, progress=lambda f, text: seen.append((f, text)))
    assert solution.status == Status.BUDGET
    assert solution.stats["seconds"] < 5
    assert all(0 <= f <= 1 and "gap" in text for f, text in seen)

    def stop(fraction, text):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        no_regret(game, tolerance=0, seconds=20, progress=stop)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"rule": "luck"}, "unknown rule"),
        ({"averaging": "median"}, "unknown averaging"),
        ({"tolerance": -1}, "tolerance"),
        ({"tolerance": math.nan}, "tolerance"),
        ({"iterations": 0}, "iterations"),
        ({"seconds": 0}, "seconds"),
        ({"learning_rate": -0.1}, "learning rate"),
        ({"start": [0.5, 0.5]}, "start"),
        ({"start": [[0.5, 0.5], [1.0]]}, "start"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(InputError, match=message):
        no_regret(SHAPLEY, **arguments)
