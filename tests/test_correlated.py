"""Exact correlated and coarse correlated equilibria: closed forms, oracles, laws, bounds, bad input."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games.errors import InputError
from games.normal import NormalFormGame
from games.tree import TreeGame
from solvers.certificate import certify
from solvers.correlated import cce, ce
from solvers.solution import Status

ORACLES = Path(__file__).parents[2] / "shared" / "oracles"
BOTH = pytest.mark.parametrize("solve", [cce, ce], ids=["cce", "ce"])
METHODS = pytest.mark.parametrize("method", ["simplex", "columns", "lp"])


def jordan() -> NormalFormGame:
    """Player i wants to match player i + 1, the last one wants to differ from the first."""
    a, b, c = np.indices((2, 2, 2))
    return NormalFormGame(np.stack([a == b, b == c, c != a]).astype(float))


def minority() -> NormalFormGame:
    """Three players choose a side; whoever is alone on one wins 1."""
    sides = np.indices((2, 2, 2))
    alone = [np.all([sides[i] != sides[j] for j in range(3) if j != i], axis=0) for i in range(3)]
    return NormalFormGame(np.stack(alone).astype(float))


CHICKEN = NormalFormGame.symmetric([[6, 2], [7, 0]])
SHAPLEY = NormalFormGame.bimatrix(np.eye(3), np.roll(np.eye(3), 1, axis=1))
RPS = NormalFormGame.zero_sum([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
SEXES = NormalFormGame.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]])
DILEMMA = NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]])
MOULIN_VIAL = NormalFormGame.bimatrix([[3, 1, 4], [1, 5, 0], [1, 0, 2]], [[3, 1, 1], [4, 2, 0], [1, 0, 5]])
JORDAN, MINORITY = jordan(), minority()

WELFARE = [  # game, largest CE and CCE welfare, smallest CE and CCE welfare
    (CHICKEN, 10.5, 10.5, 7.2, 7.2),
    (SHAPLEY, 1, 1, 2 / 3, 2 / 3),
    (RPS, 0, 0, 0, 0),
    (SEXES, 3, 3, 4 / 3, 4 / 3),
    (DILEMMA, 2, 2, 2, 2),
    (JORDAN, 2, 2, 1.5, 1.5),
    (MINORITY, 1, 1, 0.75, 0.75),
    (MOULIN_VIAL, 6, 7, 6, 4.75),
]


def random_game(shape: tuple[int, ...], seed: int = 2) -> NormalFormGame:
    rng = np.random.default_rng(seed)
    return NormalFormGame(np.stack([rng.integers(0, 1001, shape) / 1000 for _ in shape]))


def check(solution, tolerance: float = 1e-9) -> None:
    """A converged solution is an equilibrium, and no better than its bound."""
    assert solution.status is Status.CONVERGED
    assert solution.certificate.holds(tolerance)
    value, bound = solution.stats["objective_value"], solution.stats.get("dual_bound")
    if bound is not None:
        scale = max(float(np.abs(solution.game.payoffs).max()) * len(solution.game.shape), 1e-300)
        if solution.parameters["objective"] in ("entropy", "gini"):
            scale = 1.0
        sign = -1 if solution.parameters["objective"].startswith("min") else 1
        assert -1e-12 * scale <= sign * (bound - value)
        if not solution.parameters["sparse"]:
            assert sign * (bound - value) <= 1e-8 * scale


# --- closed forms -----------------------------------------------------------------------------------------


@METHODS
@pytest.mark.parametrize("case", WELFARE, ids=range(len(WELFARE)))
def test_welfare_closed_forms(case, method):
    game, ce_most, cce_most, ce_least, cce_least = case
    for solve, most, least in ((ce, ce_most, ce_least), (cce, cce_most, cce_least)):
        best, worst = solve(game, method=method), solve(game, "min-welfare", method=method)
        check(best)
        check(worst)
        assert best.values.sum() == pytest.approx(most, abs=1e-9)
        assert worst.values.sum() == pytest.approx(least, abs=1e-9)


@pytest.mark.parametrize(
    "solve, game, low, high",
    [
        (ce, SHAPLEY, 1 / 3, 1 / 2),
        (cce, SHAPLEY, 1 / 3, 2 / 3),
        (ce, JORDAN, 1 / 2, 1),
        (cce, MOULIN_VIAL, 2.375, 4),
    ],
)
def test_player_ranges(solve, game, low, high):
    for player in range(len(game.shape)):
        most, least = solve(game, f"player:{player}"), solve(game, f"min-player:{player}")
        check(most)
        check(least)
        assert most.values[player] == pytest.approx(high, abs=1e-9)
        assert least.values[player] == pytest.approx(low, abs=1e-9)


def test_unique_correlated_equilibria():
    dense = ce(RPS).joint.dense()
    assert np.abs(dense - 1 / 9).max() < 1e-12
    assert np.abs(ce(CHICKEN).joint.dense() - [[0.5, 0.25], [0.25, 0]]).max() < 1e-12
    assert ce(MOULIN_VIAL).joint.cells.tolist() == [[0, 0]]


@BOTH
def test_selection_closed_forms(solve):
    check_gini(solve(CHICKEN, "gini"), np.array([[9, 10], [10, 5]]) / 34)
    check_gini(solve(SEXES, "gini"), np.array([[10, 9], [5, 10]]) / 34)
    for game, cells in ((SHAPLEY, 9), (RPS, 9), (JORDAN, 8), (MINORITY, 8)):
        check_gini(solve(game, "gini"), np.full(game.shape, 1 / cells))
        entropy = solve(game, "entropy")
        check(entropy)
        assert entropy.stats["objective_value"] == pytest.approx(math.log(cells), abs=1e-9)
    chicken, sexes = solve(CHICKEN, "entropy"), solve(SEXES, "entropy")
    check(chicken)
    check(sexes)
    assert chicken.joint.dense().ravel() == pytest.approx([0.258281, 0.296687, 0.296687, 0.148344], abs=1e-6)
    assert chicken.stats["objective_value"] == pytest.approx(1.3537055, abs=1e-7)
    assert sexes.stats["objective_value"] == pytest.approx(1.3537055, abs=1e-7)
    assert sexes.values == pytest.approx([0.890062] * 2, abs=1e-6)
    for objective in ("entropy", "gini"):
        point = solve(DILEMMA, objective)
        check(point)
        assert point.stats["objective_value"] == pytest.approx(0, abs=1e-8)
    assert ce(MOULIN_VIAL, "entropy").joint.support_size == 1


def check_gini(solution, dense):
    check(solution)
    assert np.abs(solution.joint.dense() - dense).max() < 1e-9
    assert solution.stats["objective_value"] == pytest.approx(1 - (dense**2).sum(), abs=1e-9)


@BOTH
def test_chicken_entropy_is_the_closed_form(solve):
    # with multiplier y on both "dare -> swerve" rows x is proportional to 1, e^y, e^y, e^-4y, and the rows are tight
    # where the last is half the second: e^y = 2^(1/5)
    weights = np.array([[1, 2**0.2], [2**0.2, 2**-0.8]])
    assert np.abs(solve(CHICKEN, "entropy").joint.dense() - weights / weights.sum()).max() < 1e-11


def test_egalitarian():
    for solve in (ce, cce):
        fair = solve(SEXES, "egalitarian")
        check(fair)
        assert fair.values == pytest.approx([1.5, 1.5], abs=1e-9)
    fair = cce(MOULIN_VIAL, "egalitarian")
    assert fair.values.min() == pytest.approx(3.5, abs=1e-9)
    # the poorest player cannot get more than 1, and then welfare breaks the tie
    game = NormalFormGame.bimatrix([[1, 1], [0, 0]], [[1, 5], [0, 5]])
    for method in ("simplex", "lp"):
        tie = ce(game, "egalitarian", method=method)
        check(tie)
        assert tie.values == pytest.approx([1, 5], abs=1e-8)


# --- oracles ----------------------------------------------------------------------------------------------

ANCHORS = [
    ((10, 10), 1.874038, 1.707750),
    ((50, 50), 1.992777, 1.992736),
    ((100, 100), 1.981976, 1.980293),
    ((5, 5, 5), 2.485497, 2.452775),
    ((20, 20, 20), 2.932482, 2.926587),
    ((8, 8, 8, 8), 3.702541, 3.693101),
    ((3, 3, 3, 3, 3), 4.193094, 4.112702),
    ((5, 5, 5, 5, 5), 4.282, 4.282),
]


@pytest.mark.parametrize("shape, coarse, correlated", ANCHORS, ids=str)
def test_random_games_match_the_linear_program(shape, coarse, correlated):
    game = random_game(shape)
    for solve, value in ((cce, coarse), (ce, correlated)):
        solution = solve(game)
        check(solution)
        assert solution.values.sum() == pytest.approx(value, abs=6e-7)


def oracle_cases():
    path = ORACLES / "solver_cases.json"
    if not path.exists():
        return []
    return [case for case in json.loads(path.read_text())["cases"] if case.get("concept") in ("cce", "ce")]


@pytest.mark.skipif(
    not ORACLES.exists(), reason="the folder of independent answers is not beside the repository"
)
@pytest.mark.parametrize("case", oracle_cases(), ids=lambda case: case["id"])
def test_oracle_values(case):
    if case["source"] == "gambit":
        from games.load import load

        game = load(str(ORACLES / "games" / case["game"]))
        game = game.to_normal() if isinstance(game, TreeGame) else game
    else:
        game = random_game(tuple(case["shape"]), 20260)
    objective = {"max_welfare": "welfare", "min_welfare": "min-welfare", "max_player1": "player:0"}[
        case["objective"]
    ]
    solution = (cce if case["concept"] == "cce" else ce)(game, objective)
    check(solution)
    assert solution.stats["objective_value"] == pytest.approx(case["value"], abs=case["tol"])


@METHODS
@BOTH
def test_methods_agree(solve, method):
    rng = np.random.default_rng(7)
    for shape in ((4, 5), (3, 2, 3), (2, 2, 2, 2)):
        game = NormalFormGame(rng.integers(-3, 4, (len(shape), *shape)))
        for objective in ("min-welfare", "player:1", "egalitarian"):
            one, other = solve(game, objective), solve(game, objective, method=method)
            check(one)
            check(other)
            assert one.stats["objective_value"] == pytest.approx(other.stats["objective_value"], abs=1e-7)


# --- laws -------------------------------------------------------------------------------------------------

shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)


@st.composite
def games(draw, shape=None):
    shape = draw(shapes) if shape is None else shape
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    top = draw(st.integers(0, 9))
    return NormalFormGame(rng.integers(0, top + 1, (len(shape), *shape)))


@settings(max_examples=40, deadline=None)
@given(games(), st.randoms(use_true_random=False))
def test_relabelling_and_affine_changes(game, random):
    players = len(game.shape)
    order = list(range(players))
    random.shuffle(order)
    payoffs = np.transpose(game.payoffs, [0] + [1 + k for k in order])[order]
    for axis in range(players):
        perm = list(range(payoffs.shape[axis + 1]))
        random.shuffle(perm)
        payoffs = np.take(payoffs, perm, axis=axis + 1)
    scale, shift = 10.0 ** random.randint(-9, 9), random.randint(-5, 5)
    relabelled = NormalFormGame(scale * (payoffs + shift))
    for solve in (cce, ce):
        for objective in ("welfare", "min-welfare", "egalitarian"):
            one, other = solve(game, objective), solve(relabelled, objective)
            check(one)
            check(other)
            moved = scale * (
                one.stats["objective_value"] + shift * (1 if objective == "egalitarian" else players)
            )
            assert other.stats["objective_value"] == pytest.approx(moved, abs=1e-7 * scale)
        for objective in ("entropy", "gini"):
            one, other = solve(game, objective), solve(relabelled, objective)
            assert one.stats["objective_value"] == pytest.approx(other.stats["objective_value"], abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(games())
def test_every_ce_is_a_cce_and_welfare_is_ordered(game):
    inner, outer = ce(game), cce(game)
    assert certify(game, inner.joint, "cce").max_regret <= 1e-9 * max(game.span, 1)
    assert inner.values.sum() <= outer.values.sum() + 1e-8
    least, most = ce(game, "min-welfare").values.sum(), inner.values.sum()
    for objective in ("any", "entropy", "gini", "egalitarian", "player:0"):
        solution = ce(game, objective)
        check(solution)
        assert least - 1e-7 <= solution.values.sum() <= most + 1e-7
    for point in np.argwhere(_pure_nash(game)):
        assert least - 1e-9 <= game.payoffs[(slice(None), *point)].sum() <= most + 1e-9


def _pure_nash(game):
    return np.all([u == u.max(axis=i, keepdims=True) for i, u in enumerate(game.payoffs)], axis=0)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4).flatmap(lambda n: games((2,) * n)))
def test_two_actions_make_ce_and_cce_one(game):
    for objective in ("welfare", "min-welfare", "entropy", "gini"):
        assert ce(game, objective).stats["objective_value"] == pytest.approx(
            cce(game, objective).stats["objective_value"], abs=1e-6
        )


@settings(max_examples=30, deadline=None)
@given(games())
def test_sparse_support(game):
    players = len(game.shape)
    for solve, rows in ((cce, sum(game.shape)), (ce, sum(n * (n - 1) for n in game.shape))):
        for objective in ("welfare", "min-welfare", "player:0"):
            solution = solve(game, objective, sparse=True)
            check(solution)
            assert solution.joint.support_size <= 1 + rows
        for objective in ("entropy", "gini"):
            full, few = solve(game, objective), solve(game, objective, sparse=True)
            check(few)
            assert few.joint.support_size <= 1 + players + rows
            assert few.values == pytest.approx(full.values, abs=1e-8 * max(game.span, 1))


@BOTH
def test_clones_do_not_change_the_selection(solve):
    twice = NormalFormGame(np.take(CHICKEN.payoffs, [0, 1, 1], axis=2))
    for objective in ("entropy", "gini"):
        dense, plain = solve(twice, objective).joint.dense(), solve(CHICKEN, objective).joint.dense()
        assert dense[:, 1] == pytest.approx(dense[:, 2])
        assert np.abs(np.stack([dense[:, 0], dense[:, 1] + dense[:, 2]], axis=1) - plain).max() < 1e-9
        check(solve(twice, objective))


# --- unusual and large games ------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    "objective", ["welfare", "min-welfare", "player:0", "egalitarian", "entropy", "gini", "any"]
)
@pytest.mark.parametrize(
    "game",
    [
        NormalFormGame([[3.0, 1.0, 2.0]]),
        NormalFormGame([[7.0]]),
        NormalFormGame(np.full((2, 3, 2), -4.0)),
        NormalFormGame(np.stack([np.full((3, 2), 5.0), np.arange(6.0).reshape(3, 2)])),
        NormalFormGame(CHICKEN.payoffs * 1e9 - 3e9),
        NormalFormGame(CHICKEN.payoffs * 1e-9),
        NormalFormGame(np.stack([CHICKEN.payoffs[0] * 1e9, CHICKEN.payoffs[1] * 1e-9])),
        NormalFormGame(CHICKEN.payoffs * 1e306),
    ],
    ids=["one player", "one profile", "constant", "one constant", "1e9", "1e-9", "mixed", "1e306"],
)
def test_unusual_games(solve, objective, game):
    solution = solve(game, objective)
    check(solution)
    assert np.isfinite(solution.values).all()


@BOTH
def test_ten_by_ten_by_ten_in_time(solve):
    game = random_game((10, 10, 10))
    begun = time.process_time()
    for objective in ("welfare", "player:2", "egalitarian", "gini", "entropy"):
        check(solve(game, objective))
    assert time.process_time() - begun < 100


def test_budget_is_a_status():
    game = NormalFormGame.zero_sum(np.random.default_rng(0).normal(size=(30, 30)))
    solution = ce(game, "player:0", iterations=3)
    assert solution.status is Status.BUDGET
    assert not solution.certificate.holds(1e-9)
    assert ce(game, "entropy", seconds=1e-9).status is Status.BUDGET


def test_progress_may_interrupt():
    def stop(fraction, text):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cce(RPS, progress=stop)


# --- bad input --------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"objective": "wellfare"}, "known are welfare"),
        ({"objective": "player:2"}, "0 to 1"),
        ({"objective": "player:-1"}, "0 to 1"),
        ({"objective": "player:"}, "0 to 1"),
        ({"objective": "min-player:x"}, "0 to 1"),
        ({"objective": None}, "unknown objective"),
        ({"method": "magic"}, "known are auto"),
        ({"objective": "entropy", "method": "lp"}, "not linear"),
        ({"tolerance": 0}, "positive"),
        ({"tolerance": math.nan}, "positive"),
        ({"seconds": -1}, "positive"),
        ({"iterations": 0}, "positive"),
    ],
)
def test_bad_input(solve, arguments, words):
    with pytest.raises(InputError, match=words):
        solve(CHICKEN, **arguments)


def test_play_cannot_optimise():
    with pytest.raises(InputError, match="cannot optimise"):
        cce(CHICKEN, "player:0", method="hedge")
    with pytest.raises(InputError, match="cannot optimise"):
        ce(CHICKEN, "min-welfare", method="internal-regret-matching")


def test_a_matrix_that_is_too_large_is_refused():
    with pytest.raises(InputError, match="entries"):
        cce(NormalFormGame(np.random.default_rng(0).random((2, 300, 300))), method="lp")
