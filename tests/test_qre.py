"""Logit QRE: closed forms, the oracle table of the field's known values, folds, bifurcations and bad input."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games import InputError, NormalFormGame
from solvers import certify, qre, trace_qre
from solvers.qre import qre_at
from solvers.solution import Status

Game = NormalFormGame


def first_probabilities(game, lam):
    solution = qre(game, lam)
    assert solution.status is Status.CONVERGED
    assert solution.certificate.residual < 1e-12
    return [block[0] for block in game.blocks(solution.profile)]


# Values computed independently of this code (and, where noted in the literature, equal to Gambit's); T-numbers are those
# of the table they come from.
TABLE = [
    ("constant-sum 2x2", [[1, 1], [0, 1]], [[1, 1], [2, 1]], 1, (0.64297936, 0.58831902)),
    ("constant-sum 2x2", [[1, 1], [0, 1]], [[1, 1], [2, 1]], 2, (0.77267661, 0.61174348)),
    ("constant-sum 2x2", [[1, 1], [0, 1]], [[1, 1], [2, 1]], 3, (0.85953671, 0.60381579)),
    *(
        (
            "Ochs as in McKelvey and Palfrey 1995",
            [[1.1141, 0], [0, 0.2785]],
            [[0, 1.1141], [1.1141, 0]],
            lam,
            pq,
        )
        for lam, pq in [
            (0.5, (0.54965398, 0.48617365)),
            (1, (0.58678404, 0.45180703)),
            (2, (0.61752195, 0.37198166)),
            (3, (0.61689685, 0.31401636)),
            (5, (0.59587630, 0.25575357)),
            (10, (0.55768852, 0.21662978)),
            (50, (0.51240405, 0.20069835)),
        ]
    ),
    *(
        ("risk-dominance diag(2, 1)", [[2, 0], [0, 1]], [[2, 0], [0, 1]], lam, (p, p))
        for lam, p in [
            (0.5, 0.59794786),
            (1, 0.80415395),
            (1.5, 0.93834415),
            (2, 0.97973552),
            (3, 0.99747059),
        ]
    ),
    ("battle of the sexes", [[2, 0], [0, 1]], [[1, 0], [0, 2]], 1, (0.57115075, 0.42884925)),
    *(
        ("stag hunt", [[9, 0], [8, 7]], [[9, 8], [0, 7]], lam, (p, p))
        for lam, p in [(0.1, 0.40759275), (0.3, 0.14901200), (0.5, 0.03335661), (1, 0.00091776)]
    ),
    *(
        ("matching pennies, x = 320", [[320, 40], [40, 80]], [[40, 80], [80, 40]], lam, pq)
        for lam, pq in [
            (0.02, (0.82880170, 0.37143099)),
            (0.05, (0.81798786, 0.21892338)),
            (0.5, (0.54837162, 0.12621308)),
        ]
    ),
    ("matching pennies, x = 44", [[44, 40], [40, 80]], [[40, 80], [80, 40]], 0.05, (0.35617066, 0.63998922)),
]


@pytest.mark.parametrize(
    "name,row,column,lam,expected", TABLE, ids=lambda v: v if isinstance(v, str) else None
)
def test_known_points(name, row, column, lam, expected):
    np.testing.assert_allclose(first_probabilities(Game.bimatrix(row, column), lam), expected, atol=1e-8)


@pytest.mark.parametrize(
    "alpha,expected",
    [
        (0.5, (0.29813319, 0.41382045, 0.28804635)),
        (0.2, (0.22364492, 0.47798817, 0.29836691)),
        (0.1, (0.17347803, 0.48630324, 0.34021873)),
        (0.05, (0.15174470, 0.46794775, 0.38030755)),
    ],
)
def test_perturbed_rock_paper_scissors(alpha, expected):
    row = (np.array([[0, -3, 3], [3, 0, -1], [-3, 1, 0]]) + 3) / 6
    profile = qre(Game.zero_sum(row), 1 / alpha).profile
    np.testing.assert_allclose(profile, [*expected, *expected], atol=1e-8)


@pytest.mark.parametrize(
    "lam,row,column",
    [
        (0.022853, (0.33587293, 0.32828426, 0.33584281), 0.50196193),
        (1, (0.46857970, 0.17238084, 0.35903947), 0.63313694),
        (10, (0.96533633, 0.00004383, 0.03461984), 0.66640248),
    ],
)
def test_selten_1975_figure_2_reduced_form(lam, row, column):
    game = Game.bimatrix([[1, 1], [0, 0], [0, 2]], [[1, 1], [2, 3], [2, 0]])
    profile = qre(game, lam).profile
    np.testing.assert_allclose(profile[:4], [*row, column], atol=1e-8)


def test_fold_turns_back_and_is_located():
    """diag(1.01, 1, 1): on the symmetric curve lambda(e) = log((1-2e)/e) / (1.01 (1-2e) - e) the extrema are known."""
    game = Game.symmetric(np.diag([1.01, 1, 1]))
    branch = trace_qre(game)
    np.testing.assert_allclose(branch.turning_points, [2.7663241824, 2.7030710745], atol=1e-8)
    assert np.sum(np.diff(branch.lambdas) < 0) >= 1
    assert branch.limit[0] > 1 - 1e-6
    assert trace_qre(Game.symmetric(np.diag([1.05, 1, 1]))).turning_points.size == 0
    wide = trace_qre(Game.symmetric(np.diag([1.02, 1, 1]))).turning_points
    np.testing.assert_allclose(wide, [2.67784145, 2.66016390], atol=1e-8)


def test_first_crossing_among_three_is_returned_and_flagged():
    game = Game.symmetric(np.diag([1.01, 1, 1]))
    (solution,) = trace_qre(game).at([2.72])
    assert solution.profile[1] == pytest.approx(0.31819143, abs=1e-8)
    assert solution.stats["multiple"]
    assert solution.stats["crossings"] == 3


def test_pitchfork_is_reported_and_the_symmetric_branch_goes_on():
    game = Game.symmetric(np.eye(2))
    branch = trace_qre(game)
    np.testing.assert_allclose(branch.bifurcations, [2.0], atol=1e-4)
    for lam in (2.0, 2.5, 4.0):
        solution = qre(game, lam)
        assert solution.parameters["lambda"] == lam
        np.testing.assert_allclose(solution.profile, 0.5, atol=1e-12)
        assert solution.certificate.residual < 1e-12


def test_battle_of_the_sexes_bifurcates_where_theory_says():
    for game in (Game.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]]), Game.symmetric([[6, 2], [7, 0]])):
        np.testing.assert_allclose(trace_qre(game).bifurcations, [1.37218354942], atol=1e-4)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_perturb_leaves_along_an_arm(seed):
    """On the upper arm of the pitchfork, log(p / (1 - p)) = lambda (2 p - 1)."""
    branch = trace_qre(Game.symmetric(np.eye(2)), on_bifurcation="perturb", rng=np.random.default_rng(seed))
    assert branch.limit.max() > 1 - 1e-6
    np.testing.assert_allclose(branch.bifurcations[0], 2.0, atol=1e-6)
    for lam, expected in [(2.1, 0.6853528663), (2.5, 0.8552058917), (3, 0.9292798183), (6, 0.9974507642)]:
        assert branch.at([lam])[0].profile.max() == pytest.approx(expected, abs=1e-9)
    again = trace_qre(Game.symmetric(np.eye(2)), on_bifurcation="perturb", rng=np.random.default_rng(seed))
    assert np.array_equal(branch.log_profiles, again.log_profiles)


def test_perturb_finds_even_multiplicity():
    """Identity 3x3: two directions go free at lambda = 3 at once, so the determinant keeps its sign."""
    game = Game.symmetric(np.eye(3))
    for seed in range(3):
        branch = trace_qre(game, on_bifurcation="perturb", rng=np.random.default_rng(seed))
        assert branch.limit.max() > 0.49  # an arm on which one action, or two alike, survive
        assert certify(game, branch.limit, "nash").holds(1e-8)
        np.testing.assert_allclose(branch.bifurcations[0], 3.0, atol=1e-4)


def test_error_policy_refuses():
    with pytest.raises(InputError, match=r"bifurcates near lambda (1\.99|2)"):
        trace_qre(Game.symmetric(np.eye(2)), on_bifurcation="error")
    with pytest.raises(InputError, match="needs an rng"):
        trace_qre(Game.symmetric(np.eye(2)), on_bifurcation="perturb")


def random_game(seed, shape, low=0.0, high=1.0):
    rng = np.random.default_rng(seed)
    return Game(np.stack([rng.uniform(low, high, shape) for _ in shape]))


@pytest.mark.parametrize(
    "shape", [(2, 2), (5, 5), (20, 20), (3, 3, 3), (4, 2, 3), (2,) * 6, (1, 4, 3), (4,), (3, 1)]
)
def test_limit_is_an_equilibrium_and_caution_agrees(shape):
    for seed in range(6):
        game = random_game(seed, shape)
        branch = trace_qre(game)
        careful = trace_qre(game, caution=12.0)
        assert branch.status is Status.CONVERGED
        assert certify(game, branch.limit, "nash").holds(1.0001e-8)
        np.testing.assert_allclose(branch.limit, careful.limit, atol=2e-3)
        worst = max(branch.solution(k).certificate.residual for k in range(0, len(branch.lambdas), 5))
        assert worst < 1e-8


@pytest.mark.parametrize("shift,factor", [(0.0, 1e9), (-5e8, 1e9), (0.0, 1e-9), (1e3, 1.0)])
def test_affine_payoffs_rescale_lambda(shift, factor):
    game = random_game(3, (3, 4, 2))
    moved = Game(game.payoffs * factor + shift)
    lams = [0.5, 3.0, 20.0]
    for plain, other in zip(qre_at(game, lams), qre_at(moved, [lam / factor for lam in lams])):
        np.testing.assert_allclose(plain.profile, other.profile, atol=1e-7)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([(2, 3), (3, 3, 2), (4, 4)]), st.floats(0.01, 30))
def test_relabelling_permutes_and_zero_is_uniform(seed, shape, lam):
    game = random_game(seed, shape)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(shape))
    inner = [rng.permutation(n) for n in shape]
    payoffs = game.payoffs[np.ix_(range(len(shape)), *inner)]
    moved = Game(np.stack([np.transpose(payoffs[i], order) for i in order]))
    plain, other = qre(game, lam), qre(moved, lam)
    expected = [game.blocks(plain.profile)[i][inner[i]] for i in order]
    np.testing.assert_allclose(other.profile, np.concatenate(expected), atol=1e-9)
    assert plain.certificate.residual < 1e-11
    start = qre(game, 0)
    np.testing.assert_allclose(start.profile, np.concatenate([np.full(n, 1 / n) for n in shape]), atol=1e-15)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([(2, 2), (3, 3), (2, 2, 2), (4, 3)]))
def test_tied_and_degenerate_games(seed, shape):
    """Payoffs of a few integers tie everywhere: every answer is right or says that it is not."""
    rng = np.random.default_rng(seed)
    game = Game(rng.integers(0, 3, (len(shape), *shape)).astype(float))
    for lam, solution in zip((0.5, 1.0, 2.0, 5.0), qre_at(game, [0.5, 1.0, 2.0, 5.0])):
        assert solution.status is Status.CONVERGED
        assert solution.parameters["lambda"] == lam
        assert certify(game, solution.profile, "qre", lam=lam).residual < 1e-10


def test_constant_games_are_uniform_at_every_lambda():
    game = Game(np.zeros((2, 2, 3)))
    for lam in (0, 1, 1e6):
        np.testing.assert_allclose(qre(game, lam).profile, [0.5, 0.5, 1 / 3, 1 / 3, 1 / 3])


def test_branch_starts_uniform_at_zero_and_is_consistent():
    game = random_game(5, (3, 3))
    branch = trace_qre(game, lambda_max=7.5)
    assert branch.lambdas[0] == 0
    assert branch.lambdas[-1] == 7.5
    np.testing.assert_allclose(branch.profiles[0], 1 / 3)
    np.testing.assert_allclose(branch.profiles[:, :3].sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("lam", [-1, math.nan, math.inf, "two", None])
def test_bad_lambda_is_refused(lam):
    with pytest.raises(InputError, match="lambda"):
        qre(random_game(0, (2, 2)), lam)


def test_beyond_the_trace_is_refused():
    branch = trace_qre(random_game(0, (2, 2)), lambda_max=1.0)
    with pytest.raises(InputError, match="beyond the traced branch"):
        branch.at([2.0])


def test_interrupt_keeps_what_was_traced():
    game = random_game(1, (100, 100))
    calls = []

    def stop(share, text):
        calls.append(text)
        if len(calls) == 1:
            raise KeyboardInterrupt

    branch = trace_qre(game, progress=stop)
    assert branch.interrupted
    assert branch.status is Status.BUDGET
    assert len(branch.lambdas) >= 1


def test_budget_of_points():
    branch = trace_qre(random_game(1, (40, 40)), max_points=3)
    assert branch.status is Status.BUDGET


def test_one_player_with_a_tie_makes_no_warning_at_high_precision() -> None:
    game = NormalFormGame(np.array([[1.0, 3.0, 3.0]]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = qre(game, 1000.0)
    assert np.allclose(found.profile, [0.0, 0.5, 0.5], atol=1e-12) and found.certificate.holds(1e-8)
