import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from exact_nash import extreme_equilibria as exact_equilibria
from hypothesis import given, settings
from hypothesis import strategies as st

from games.errors import InputError
from games.normal import NormalFormGame
from solvers.nash import all_nash
from solvers.solution import Status
from solvers.vertices import extreme_equilibria, undominated

ORACLES = Path(__file__).parents[2] / "shared" / "oracles"
needs_oracles = pytest.mark.skipif(not ORACLES.is_dir(), reason="the oracle files are not here")


@st.composite
def small_games(draw, largest=4, payoff=3):
    m, n = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    cells = st.lists(st.integers(0, payoff), min_size=m * n, max_size=m * n)
    return tuple(np.array(draw(cells)).reshape(m, n) for _ in range(2))


def assert_same(profiles, exact):
    """The floats are the rationals, in any order."""
    expected = np.array(sorted([float(v) for v in point] for point in exact))
    assert len(profiles) == len(expected)
    found = np.array(sorted(np.round(profiles, 9).tolist()))
    assert np.abs(found - np.round(expected, 9)).max() < 1e-8
    for point in expected:
        assert np.abs(profiles - point).max(axis=1).min() < 1e-13


@settings(max_examples=150, deadline=None)
@given(small_games())
def test_equals_brute_force_in_rationals_degenerate_or_not(payoffs):
    row, column = payoffs
    game = NormalFormGame.bimatrix(row, column)
    exact = exact_equilibria(row.tolist(), column.tolist())
    result = extreme_equilibria(game)
    assert result.complete
    assert_same(result.profiles, exact)
    solutions = all_nash(game)
    assert len(solutions) == len(exact)
    assert all(s.certificate.holds(1e-12) for s in solutions)
    assert {s.status for s in solutions} <= {Status.CONVERGED, Status.DEGENERATE}


@settings(max_examples=30, deadline=None)
@given(small_games(largest=3, payoff=1))
def test_equals_brute_force_when_nearly_everything_ties(payoffs):
    row, column = payoffs
    exact = exact_equilibria(row.tolist(), column.tolist())
    assert_same(extreme_equilibria(NormalFormGame.bimatrix(row, column)).profiles, exact)


def test_nondegenerate_games_have_an_odd_number_of_isolated_equilibria():
    rng = np.random.default_rng(0)
    for _ in range(300):
        m, n = rng.integers(1, 8, 2)
        game = NormalFormGame.bimatrix(rng.normal(size=(m, n)), rng.normal(size=(m, n)))
        result = extreme_equilibria(game)
        assert len(result.profiles) % 2 == 1
        assert not result.continuum.any()


@settings(max_examples=25, deadline=None)
@given(small_games(), st.randoms(use_true_random=False))
def test_relabelling_and_affine_payoffs_permute_and_leave_the_equilibria(payoffs, random):
    row, column = (p.astype(float) for p in payoffs)
    m, n = row.shape
    rows, columns = random.sample(range(m), m), random.sample(range(n), n)
    base = extreme_equilibria(NormalFormGame.bimatrix(row, column)).profiles
    moved = NormalFormGame.bimatrix(
        1e9 * row[np.ix_(rows, columns)] - 7e8, 1e-9 * column[np.ix_(rows, columns)] + 1e-8
    )
    back = extreme_equilibria(moved).profiles
    expected = np.hstack([base[:, :m][:, rows], base[:, m:][:, columns]])
    assert len(back) == len(expected)
    assert all(np.abs(back - point).max(axis=1).min() < 1e-9 for point in expected)
    swapped = extreme_equilibria(NormalFormGame.bimatrix(column.T, row.T)).profiles
    expected = np.hstack([base[:, m:], base[:, :m]])
    assert len(swapped) == len(expected)
    assert all(np.abs(swapped - point).max(axis=1).min() < 1e-9 for point in expected)


def test_constant_game_is_one_maximal_nash_subset():
    result = extreme_equilibria(NormalFormGame.bimatrix(np.full((10, 7), 3.0), np.full((10, 7), -1.0)))
    assert len(result.profiles) == 70
    assert result.continuum.all()
    assert set(result.component) == {0}
    assert set(result.subsets) == {(0,)}


def test_components_and_maximal_subsets_of_a_degenerate_game():
    # Row 1 makes the column player indifferent; row 1 is a best response while q >= 3/5 is not exceeded by row 3.
    game = NormalFormGame.bimatrix([[1, 1], [0, 2]], [[1, 1], [0, 3]])
    result = extreme_equilibria(game)
    listed = {
        tuple(p.round(12)): c for p, c in zip(result.profiles.tolist() and result.profiles, result.component)
    }
    assert listed == {(1, 0, 1, 0): 0, (1, 0, 0.5, 0.5): 0, (0, 1, 0, 1): 1}
    assert result.continuum.tolist() == [True, True, False]
    statuses = [s.status for s in all_nash(game)]
    assert statuses == [Status.DEGENERATE, Status.DEGENERATE, Status.CONVERGED]
    assert all(s.stats["complete"] for s in all_nash(game))


def test_two_overlapping_maximal_subsets_in_one_component():
    # every (x, y) with x = e1 or y = e1 is an equilibrium: two products that share (e1, e1)
    game = NormalFormGame.bimatrix([[0, 0], [0, -1]], [[0, 0], [0, -1]])
    result = extreme_equilibria(game)
    assert len(result.profiles) == 3
    assert set(result.component) == {0}
    memberships = {tuple(p): s for p, s in zip(result.profiles.tolist(), result.subsets)}
    assert len(memberships[1.0, 0.0, 1.0, 0.0]) == 2
    assert len(memberships[1.0, 0.0, 0.0, 1.0]) == len(memberships[0.0, 1.0, 1.0, 0.0]) == 1


def test_duplicate_actions_share_their_probability_in_every_way():
    row = np.array([[2.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    column = np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 2.0]])
    result = extreme_equilibria(NormalFormGame.bimatrix(row, column))
    exact = exact_equilibria(row.astype(int).tolist(), column.astype(int).tolist())
    assert_same(result.profiles, exact)


@pytest.mark.parametrize("n", [1, 5, 30, 100])
def test_one_row(n):
    rng = np.random.default_rng(n)
    column = rng.permutation(n).astype(float)
    result = extreme_equilibria(NormalFormGame.bimatrix(np.zeros((1, n)), column[None, :]))
    assert result.profiles.tolist() == [[1.0, *(np.arange(n) == column.argmax()).astype(float)]]


def test_masks_of_two_words():
    rng = np.random.default_rng(1)
    angle = np.linspace(0.1, 1.4, 90)
    row = np.vstack([np.cos(angle), np.sin(angle)])
    column = np.vstack([np.sin(angle), np.cos(angle)]) + 1e-3 * rng.random((2, 90))
    game = NormalFormGame.bimatrix(row, column)
    solutions = all_nash(game)
    assert len(solutions) % 2 == 1
    assert all(s.certificate.holds(1e-12) for s in solutions)
    swapped = all_nash(NormalFormGame.bimatrix(column.T, row.T))
    assert len(swapped) == len(solutions)
    ends = all_nash(game, "lemke-howson")
    for end in ends:
        assert min(np.abs(end.profile - s.profile).max() for s in solutions) < 1e-9


def test_strictly_dominated_actions_are_gone_before_the_search():
    row = np.array([[3.0, 0.0], [5.0, 1.0]])
    rows, columns = undominated(NormalFormGame.bimatrix(row, row.T))
    assert rows.tolist() == columns.tolist() == [1]


def test_too_many_labels_is_said_clearly():
    game = NormalFormGame.bimatrix(np.eye(70), np.eye(70))
    with pytest.raises(InputError, match=r"at most 128.*70 \+ 70"):
        all_nash(game)


def test_budget_returns_what_was_found():
    rng = np.random.default_rng(0)
    game = NormalFormGame.bimatrix(rng.random((18, 18)), rng.random((18, 18)))
    solutions = all_nash(game, seconds=0.05)
    assert solutions
    assert {s.status for s in solutions} == {Status.BUDGET}
    assert all(s.certificate.holds(1e-9) and not s.stats["complete"] for s in solutions)


def test_three_players_are_refused():
    with pytest.raises(InputError, match="two players"):
        extreme_equilibria(NormalFormGame(np.zeros((3, 2, 2, 2))))


@needs_oracles
def test_oracle_extreme_equilibria():
    from games.load import load

    cases = json.loads((ORACLES / "solver_cases.json").read_text())["cases"]
    cases = [case for case in cases if case["concept"] == "extreme_nash_equilibria"]
    assert cases
    for case in cases:
        game = load(ORACLES / "games" / case["game"])
        result = extreme_equilibria(game)
        assert len(result.profiles) == case["count"], case["id"]
        assert all(s.certificate.holds(1e-12) for s in all_nash(game))
        if case["equilibria"] is not None:
            exact = [[Fraction(v) for block in blocks for v in block] for blocks in case["equilibria"]]
            assert_same(result.profiles, exact)


@needs_oracles
def test_degenerate_real_file():
    from games.load import load

    game = load(ORACLES / "games" / "contrib" / "games" / "deg2.nfg")
    exact = exact_equilibria(game.payoffs[0].astype(int).tolist(), game.payoffs[1].astype(int).tolist())
    assert_same(extreme_equilibria(game).profiles, exact)
