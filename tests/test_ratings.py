"""Bradley-Terry and Davidson ratings: closed forms, published data, a general optimiser, and where they do not exist."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from games.errors import InputError
from solvers.ratings import ELO, bradley_terry, fit_ratings

# American League 1987, eastern division, wins of the row over the column (Agresti 2002, table 10.10)
BASEBALL = np.array(
    [
        [0, 7, 9, 7, 7, 9, 11],
        [6, 0, 7, 5, 11, 9, 9],
        [4, 6, 0, 7, 7, 8, 12],
        [6, 8, 6, 0, 6, 7, 10],
        [6, 2, 6, 7, 0, 7, 12],
        [4, 4, 5, 6, 6, 0, 6],
        [2, 4, 1, 3, 1, 7, 0],
    ],
    dtype=float,
)


def likelihood(parameters, wins, ties, prior=0.0):
    """Log-likelihood written out pair by pair; the last parameter is log nu if there are ties."""
    size = len(wins)
    strength, nu = parameters[:size], (math.exp(parameters[size]) if ties.any() else 0.0)
    total = 0.0
    opponents = [(i, j, wins[i, j], wins[j, i], ties[i, j]) for i in range(size) for j in range(i)]
    part = prior / (3 if ties.any() else 2)
    opponents += [(i, None, part, part, part if ties.any() else 0.0) for i in range(size)] if prior else []
    for i, j, won, lost, tied in opponents:
        a, b = math.exp(strength[i]), 1.0 if j is None else math.exp(strength[j])
        whole = a + b + nu * math.sqrt(a * b)
        total += won * math.log(a / whole) + lost * math.log(b / whole)
        total += tied * math.log(nu * math.sqrt(a * b) / whole) if tied else 0.0
    return total


def by_optimiser(wins, ties, prior=0.0):
    start = np.zeros(len(wins) + bool(ties.any()))
    found = minimize(
        lambda x: -likelihood(x, wins, ties, prior), start, method="BFGS", options={"gtol": 1e-9}
    )
    strength = found.x[: len(wins)]
    return strength - strength.mean(), math.exp(found.x[-1]) if ties.any() else 0.0


def test_baseball_as_published():
    ratings = bradley_terry(BASEBALL, anchor=6)
    strength = (ratings.elo - 1500) / ELO
    assert strength.round(2).tolist() == [1.58, 1.44, 1.29, 1.25, 1.11, 0.68, 0]
    assert (ratings.elo_error / ELO).round(2).tolist() == [0.34, 0.34, 0.34, 0.34, 0.33, 0.33, 0]
    assert ratings.exists and ratings.prior == 0 and ratings.converged and ratings.groups == 1
    assert bradley_terry(BASEBALL).elo.mean() == pytest.approx(1500)


def test_two_players_in_closed_form():
    ratings = bradley_terry([[9, 30], [10, 0]])  # the diagonal is not read
    assert ratings.elo[0] - ratings.elo[1] == pytest.approx(400 * math.log10(3))
    variance = (1 / 30 + 1 / 10) * ELO**2
    covariance = ratings.elo_covariance
    assert covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1] == pytest.approx(variance)
    assert bradley_terry([[0, 30], [10, 0]], anchor=1).elo_error == pytest.approx([math.sqrt(variance), 0])
    with_ties = bradley_terry([[0, 30], [10, 0]], [[0, 20], [20, 0]])
    assert with_ties.elo[0] - with_ties.elo[1] == pytest.approx(400 * math.log10(3))
    win, tie = with_ties.probabilities()
    assert (win[0, 1], win[1, 0], tie[0, 1]) == pytest.approx((1 / 2, 1 / 6, 1 / 3))
    assert with_ties.tie == pytest.approx(2 / math.sqrt(3))  # nu = ties / sqrt(wins * losses)
    assert with_ties.log_likelihood == pytest.approx(
        30 * math.log(1 / 2) + 10 * math.log(1 / 6) + 20 * math.log(1 / 3)
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tied", [False, True])
def test_as_a_general_optimiser(seed, tied):
    rng = np.random.default_rng(seed)
    wins = rng.integers(1, 9, size=(5, 5)).astype(float)
    ties = np.triu(rng.integers(0, 5, size=(5, 5)), 1).astype(float) * tied
    ties += ties.T
    for prior in (None, 2.0):
        ratings = bradley_terry(wins, ties, prior=prior)
        strength, nu = by_optimiser(wins * (1 - np.eye(5)), ties, prior or 0.0)
        assert ratings.strength == pytest.approx(strength, abs=1e-5)
        assert ratings.tie == pytest.approx(nu, abs=1e-5)
        assert ratings.converged


@pytest.mark.parametrize("prior", [None, 2.0])
def test_errors_are_the_inverse_curvature(prior):
    rng = np.random.default_rng(1)
    wins = rng.integers(1, 9, size=(4, 4)) * (1.0 - np.eye(4))
    ties = np.full((4, 4), 3.0) - 3 * np.eye(4)
    ratings = bradley_terry(wins, ties, prior=prior)
    shift = 0.0
    if prior:  # the prior's opponent has strength zero, which is not the mean
        shift = minimize(
            lambda s: -likelihood(np.append(ratings.strength + s, np.log(ratings.tie)), wins, ties, prior),
            0.0,
        ).x[0]
    point = np.append(ratings.strength + shift, math.log(ratings.tie))
    step, hessian = 1e-4, np.zeros((5, 5))
    for a in range(5):
        for b in range(5):
            for s, t in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                moved = point.copy()
                moved[a] += s * step
                moved[b] += t * step
                hessian[a, b] -= s * t * likelihood(moved, wins, ties, prior or 0.0) / (4 * step**2)
    inverse = np.linalg.pinv(hessian, rcond=1e-5)[:4, :4]
    centre = np.eye(4) - 0.25
    expected = np.sqrt(np.diag(centre @ inverse @ centre)) * ELO
    assert ratings.elo_error == pytest.approx(expected, rel=1e-3)


def test_score_equations_hold():
    """At the maximum, expected scores and expected ties are those observed (an exponential family)."""
    rng = np.random.default_rng(3)
    wins = rng.poisson(3.0, size=(12, 12)) * (1.0 - np.eye(12))
    ties = np.triu(rng.poisson(1.0, size=(12, 12)), 1).astype(float)
    ties += ties.T
    ratings = bradley_terry(wins, ties)
    win, tie = ratings.probabilities()
    games = wins + wins.T + ties
    assert (games * (win + 0.5 * tie)).sum(axis=1) == pytest.approx((wins + 0.5 * ties).sum(axis=1), abs=1e-9)
    assert (games * tie).sum() == pytest.approx(ties.sum(), abs=1e-9)


def test_a_player_who_never_lost():
    ratings = bradley_terry([[0, 5, 5], [0, 0, 3], [0, 2, 0]])
    assert not ratings.exists and ratings.prior == 0.5 and ratings.components == ((0,), (1, 2))
    assert "2 classes" in ratings.note and np.isfinite(ratings.elo).all()
    assert ratings.elo.argmax() == 0
    with pytest.raises(InputError, match="not finite"):
        bradley_terry([[0, 5], [0, 0]], prior=0)
    alone = bradley_terry([[0, 4], [0, 0]])  # against the prior: (4 + 0) wins, symmetric strengths s and -s
    s = alone.strength[0]
    assert 4 / (1 + math.exp(2 * s)) == pytest.approx(0.5 * (1 / (1 + math.exp(-s)) - 0.5))


def test_players_who_never_met():
    ratings = bradley_terry([[0, 3, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])
    assert ratings.groups == 2 and not ratings.exists and "2 groups" in ratings.note
    assert bradley_terry(np.zeros((3, 3))).elo.tolist() == [1500] * 3
    assert bradley_terry([[0.0]]).elo.tolist() == [1500]


def grows_for_ever(wins, ties):
    """Brute force on a grid: along some direction, no observed result ever becomes less likely."""
    size = len(wins)
    directions = np.array(np.meshgrid(*[range(-2, 3)] * size)).reshape(size, -1).T
    for eta in (-1, 0, 1) if ties.any() else (-1,):  # of twice the logarithm of nu; without ties nu is 0
        for direction in directions:
            gap = direction[:, None] - direction[None, :]
            top = np.maximum(np.abs(gap), eta)  # of three outcomes, the likeliest far out along the direction
            fits = (gap[wins > 0] >= top[wins > 0]).all() and (eta >= top[ties > 0]).all()
            if fits and (np.ptp(direction) > 0 or (eta != 0 and ties.any())):
                return True
    return False


@pytest.mark.parametrize(
    "wins, ties, exists",
    [
        ([[0, 1, 0], [0, 0, 0], [0, 0, 0]], [[0, 0, 1], [0, 0, 1], [1, 1, 0]], False),  # ties alone link the classes
        ([[0, 1, 0], [0, 0, 1], [1, 0, 0]], [[0, 1, 0], [1, 0, 0], [0, 0, 0]], True),
        ([[0, 1], [1, 0]], [[0, 1], [1, 0]], True),
        ([[0, 0], [0, 0]], [[0, 5], [5, 0]], False),  # ties only
        ([[0, 1], [0, 0]], [[0, 1], [1, 0]], False),
    ],
)  # fmt: skip
def test_existence_with_ties(wins, ties, exists):
    wins, ties = np.array(wins, dtype=float), np.array(ties, dtype=float)
    ratings = bradley_terry(wins, ties)
    assert ratings.exists is exists and ratings.converged
    assert grows_for_ever(wins, ties) is not exists
    assert np.isfinite(ratings.elo).all() and np.isfinite(ratings.elo_error).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_existence_by_brute_force_and_invariance(seed, tied):
    rng = np.random.default_rng(seed)
    wins = (rng.random((4, 4)) < 0.4) * rng.integers(1, 4, size=(4, 4)) * (1.0 - np.eye(4))
    ties = np.triu(rng.random((4, 4)) < 0.3, 1).astype(float) * tied
    ties += ties.T
    ratings = bradley_terry(wins, ties)
    assert ratings.converged
    assert ratings.exists is not grows_for_ever(wins, ties)
    order = rng.permutation(4)
    moved = bradley_terry(wins[np.ix_(order, order)], ties[np.ix_(order, order)])
    assert moved.elo == pytest.approx(ratings.elo[order], abs=1e-5)
    turned = bradley_terry(wins.T, ties)  # who won now lost
    assert turned.elo - 1500 == pytest.approx(1500 - ratings.elo, abs=1e-5)
    if ratings.exists:
        assert bradley_terry(7 * wins, 7 * ties).elo == pytest.approx(ratings.elo, abs=1e-5)


def test_many_tables_at_once_are_as_one_by_one():
    rng = np.random.default_rng(5)
    wins = rng.integers(1, 30, size=(40, 6, 6)) * (1.0 - np.eye(6))
    ties = np.triu(rng.integers(0, 6, size=(40, 6, 6)), 1).astype(float)
    ties += ties.transpose(0, 2, 1)
    fits = fit_ratings(wins, ties, prior=1.0, start=np.linspace(-3, 5, 6))
    assert fits.converged.all()
    for k in range(40):
        one = bradley_terry(wins[k], ties[k], prior=1.0)
        assert fits.strength[k] == pytest.approx(one.strength, abs=1e-8)
        assert fits.tie[k] == pytest.approx(one.tie, abs=1e-8)


def test_extreme_counts():
    ratings = bradley_terry([[0, 1e9], [1, 0]])
    assert ratings.elo[0] - ratings.elo[1] == pytest.approx(400 * 9, rel=1e-6) and ratings.converged
    chain = np.diag(np.full(29, 1e6), 1) + np.diag(np.ones(29), -1)  # 30 players, each far above the next
    spread = bradley_terry(chain)
    assert spread.converged and np.diff(spread.elo) == pytest.approx(np.full(29, -400 * 6), rel=1e-6)
    assert bradley_terry([[0, 1e-9], [1e-9, 0]]).elo == pytest.approx([1500, 1500])


@pytest.mark.parametrize(
    "wins, ties, options, message",
    [
        ([[0, 1, 2]], None, {}, "square"),
        ([[0, -1], [1, 0]], None, {}, "wins of player 0 against 1"),
        ([[0, math.nan], [1, 0]], None, {}, "wins of player 0 against 1"),
        ([[0, 1], [1, 0]], [[0, 1], [2, 0]], {}, "other way round"),
        ([[0, 1], [1, 0]], [[0, 1]], {}, "shape"),
        ([[0, 1], [1, 0]], None, {"anchor": 2}, "anchor"),
        ([[0, 1], [1, 0]], None, {"prior": -1}, "prior"),
    ],
)
def test_bad_input(wins, ties, options, message):
    with pytest.raises(InputError, match=message):
        bradley_terry(wins, ties, **options)
