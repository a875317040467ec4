import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games import simplices
from games.errors import InputError
from games.normal import NormalFormGame
from solvers.certificate import certify
from solvers.nash import all_nash, nash, pure_nash
from solvers.polish import max_regret, polish
from solvers.solution import Status
from solvers.support import support_equilibria
from solvers.vertices import extreme_equilibria

ORACLES = Path(__file__).parents[2] / "shared" / "oracles"
needs_oracles = pytest.mark.skipif(not ORACLES.is_dir(), reason="the oracle files are not here")
PENNIES = NormalFormGame.bimatrix([[1, -1], [-1, 1]], [[-1, 1], [1, -1]])
DILEMMA = NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]])
JORDAN = np.zeros(
    (3, 2, 2, 2)
)  # each matches the next one's penny, the last mismatches: (1/2, 1/2) for all three
for a, b, c in itertools.product(range(2), repeat=3):
    JORDAN[:, a, b, c] = [2 * (a == b) - 1, 2 * (b == c) - 1, 1 - 2 * (c == a)]


# --- which method, which answer ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("game", "method", "profile"),
    [
        (NormalFormGame([[3.0, 7.0, 7.0]]), "best action", [0, 1, 0]),
        (PENNIES, "zero-sum simplex", [0.5] * 4),
        (DILEMMA, "Lemke-Howson", [0, 1, 0, 1]),
        (NormalFormGame(JORDAN), "logit QRE continuation and Newton polishing", [0.5] * 6),
        (NormalFormGame(np.ones((3, 2, 1, 2))), "pure enumeration", [1, 0, 1, 1, 0]),
        (NormalFormGame(np.full((2, 1, 1), -4.0)), "zero-sum simplex", [1, 1]),
    ],
)
def test_auto(game, method, profile):
    solution = nash(game)
    assert solution.method == method
    assert solution.status is Status.CONVERGED
    assert np.allclose(solution.profile, profile, atol=1e-12)
    assert solution.certificate.holds(1e-12)


@pytest.mark.parametrize("method", ["lemke-howson", "support", "vertices", "qre"])
def test_methods_by_name_agree_where_there_is_one_equilibrium(method):
    game = NormalFormGame.bimatrix([[9, 0], [0, 1]], [[0, 1], [1, 0]])
    solution = nash(game, method)
    assert np.allclose(solution.profile, [0.5, 0.5, 0.1, 0.9], atol=1e-12)
    assert solution.status is Status.CONVERGED


def test_random_label_from_the_generator():
    game = NormalFormGame.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]])
    ends = {tuple(nash(game, rng=np.random.default_rng(k)).profile) for k in range(20)}
    assert len(ends) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nash(DILEMMA, "magic"), "unknown method 'magic'.*lemke-howson"),
        (lambda: all_nash(DILEMMA, "qre"), "unknown method 'qre'"),
        (lambda: nash(PENNIES, "pure"), "no pure Nash equilibrium"),
        (lambda: nash(DILEMMA, "zero-sum"), "constant-sum"),
        (lambda: nash(NormalFormGame(JORDAN), "lemke-howson"), "two players"),
        (lambda: all_nash(NormalFormGame(JORDAN), "vertices"), "two players"),
        (lambda: nash(DILEMMA, tolerance=0.0), "tolerance"),
        (lambda: nash(DILEMMA, tolerance=float("nan")), "tolerance"),
        (lambda: pure_nash(DILEMMA, limit=0), "limit"),
        (lambda: support_equilibria(NormalFormGame(np.zeros((2, 63, 2)))), "at most 62 actions"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_budget_status():
    rng = np.random.default_rng(0)
    game = NormalFormGame.bimatrix(rng.random((30, 30)), rng.random((30, 30)))
    assert nash(game, "lemke-howson").status is Status.CONVERGED
    assert nash(game, "lemke-howson", iterations=2).status is Status.BUDGET
    assert nash(game, "support", iterations=1).status in (Status.BUDGET, Status.CONVERGED)
    cut = all_nash(game, "support", iterations=1000)
    assert all(s.status is Status.BUDGET and s.certificate.holds(1e-10) for s in cut)


def test_almost_constant_sum_on_a_high_level_is_still_solved():
    rng = np.random.default_rng(1)
    row, column = np.round(rng.random((2, 4, 4)) * 8) / 1024
    solution = nash(NormalFormGame.bimatrix(1e9 + row, column - 1e9))
    assert solution.status is Status.CONVERGED
    assert solution.certificate.holds(1e-8)


# --- pure equilibria --------------------------------------------------------------------------------------


def brute_pure(game):
    found = []
    for profile in itertools.product(*map(range, game.shape)):
        stable = True
        for i in range(len(game.shape)):
            line = [game.payoffs[(i, *profile[:i], b, *profile[i + 1 :])] for b in range(game.shape[i])]
            stable &= line[profile[i]] >= max(line)
        if stable:
            found.append(profile)
    return found


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(0, 2**31), st.integers(0, 3))
def test_pure_equals_brute_force(shape, seed, largest):
    payoffs = np.random.default_rng(seed).integers(-largest, largest + 1, (len(shape), *shape)).astype(float)
    game = NormalFormGame(payoffs)
    expected = [simplices.pure(profile, game.offsets).tolist() for profile in brute_pure(game)]
    for scale, shift in ((1.0, 0.0), (2.0**30, -3.0), (2.0**-30, 2.0**-25)):
        found = pure_nash(NormalFormGame(payoffs * scale + shift))
        assert [s.profile.tolist() for s in found] == expected
        assert all(s.certificate.holds(1e-12) for s in found)


def test_pure_of_a_constant_game_is_capped_with_a_note():
    game = NormalFormGame(np.zeros((3, 40, 40, 40)))
    found = pure_nash(game)
    assert len(found) == 10_000
    assert found[0].stats["count"] == 64_000
    assert found[0].status is Status.DEGENERATE
    assert "first 10,000 of 64,000" in found[0].method
    assert len(pure_nash(game, limit=3)) == 3


def test_pure_of_many_profiles():
    rng = np.random.default_rng(0)
    payoffs = rng.random((6, 10, 10, 10, 10, 10, 10), dtype=np.float32).astype(float)
    payoffs[:, 3, 1, 4, 1, 5, 9] = 2.0
    found = pure_nash(NormalFormGame(payoffs))
    assert [3, 1, 4, 1, 5, 9] in [[int(b.argmax()) for b in s.game.blocks(s.profile)] for s in found]


def test_one_player_with_ties_is_a_continuum():
    found = all_nash(NormalFormGame([[1.0, 2.0, 2.0]]))
    assert [s.profile.tolist() for s in found] == [[0, 1, 0], [0, 0, 1]]
    assert {s.status for s in found} == {Status.DEGENERATE}


def test_no_pure_equilibrium_is_an_empty_tuple():
    assert pure_nash(PENNIES) == all_nash(PENNIES, "pure") == ()


# --- support enumeration against vertex enumeration -------------------------------------------------------


@settings(max_examples=120, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**31), st.sampled_from([1, 3, 1000]))
def test_supports_vertices_and_paths_agree(m, n, seed, largest):
    game = NormalFormGame.bimatrix(*np.random.default_rng(seed).integers(0, largest + 1, (2, m, n)))
    extreme = extreme_equilibria(game)
    by_support = support_equilibria(game)
    for profile in by_support.profiles:
        assert certify(game, profile, "nash").holds(1e-12)
    if not by_support.degenerate:
        assert not extreme.continuum.any()
        assert len(by_support.profiles) == len(extreme.profiles)
        for profile in by_support.profiles:
            assert np.abs(extreme.profiles - profile).max(axis=1).min() < 1e-12
    if extreme.continuum.any():
        assert by_support.degenerate
    for solution in all_nash(game, "lemke-howson"):
        assert np.abs(extreme.profiles - solution.profile).max(axis=1).min() < 1e-9


def test_support_on_degenerate_games_says_so():
    game = NormalFormGame.bimatrix([[1, 1], [0, 2]], [[1, 1], [0, 3]])
    found = all_nash(game, "support")
    assert found
    assert {s.status for s in found} == {Status.DEGENERATE}
    assert not found[0].stats["complete"]


def test_every_support_size_when_the_equilibrium_is_full():
    game = NormalFormGame.zero_sum(np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]))
    (found,) = all_nash(game, "support")
    assert np.allclose(found.profile, 1 / 3)
    assert found.status is Status.CONVERGED


# --- n players and polishing ------------------------------------------------------------------------------


def test_three_players_closed_form_and_listing():
    # Nau, Gomez Canovas and Hansen (2004): one equilibrium, irrational, with all three mixing
    row = np.array([[[3, 0], [0, 2]], [[0, 1], [1, 0]]], dtype=float)
    game = NormalFormGame(
        [
            row.transpose(0, 2, 1),
            np.array([[[0, 2], [2, 0]], [[3, 0], [0, 1]]]),
            np.array([[[0, 1], [2, 0]], [[1, 0], [0, 3]]]),
        ]
    )
    for solution in (nash(game), nash(game, "qre"), *all_nash(game)):
        assert solution.status is Status.CONVERGED
        assert solution.certificate.holds(1e-12)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=3, max_size=4), st.integers(0, 2**31), st.booleans())
def test_n_player_games(shape, seed, ties):
    rng = np.random.default_rng(seed)
    payoffs = rng.integers(0, 3, (len(shape), *shape)) if ties else rng.normal(size=(len(shape), *shape))
    game = NormalFormGame(payoffs)
    solution = nash(game, "qre")
    assert solution.certificate.holds(1e-8)
    assert solution.status is Status.CONVERGED
    listed = all_nash(game)
    assert listed
    assert all(s.certificate.holds(1e-8) for s in listed)
    assert not any(s.stats["complete"] for s in listed)


def test_polish_reaches_rounding_and_never_makes_worse():
    rng = np.random.default_rng(0)
    for _ in range(40):
        m, n = rng.integers(2, 7, 2)
        scale = 10.0 ** rng.integers(-9, 10)
        game = NormalFormGame.bimatrix(*(scale * rng.normal(size=(2, m, n))))
        for exact in extreme_equilibria(game).profiles:
            noisy = exact * (1 + 1e-4 * rng.normal(size=exact.size)) + 1e-7 * rng.random(exact.size)
            start = simplices.normalise(np.maximum(noisy, 0), game.offsets)
            end = polish(game, start)
            assert max_regret(game, end) < 1e-14
            assert np.abs(end - exact).max() < 1e-9
        anywhere = simplices.normalise(rng.random(m + n), game.offsets)
        assert max_regret(game, polish(game, anywhere)) <= max_regret(game, anywhere)


def test_polish_on_a_continuum_moves_little():
    game = NormalFormGame.bimatrix([[1, 1], [0, 2]], [[1, 1], [0, 3]])
    start = np.array([1 - 1e-6, 1e-6, 0.8, 0.2])
    end = polish(game, start)
    assert max_regret(game, end) < 1e-15
    assert np.abs(end - start).max() < 1e-5


def test_polish_of_an_exact_equilibrium_is_the_identity():
    assert polish(NormalFormGame(JORDAN), np.full(6, 0.5)).tolist() == [0.5] * 6


# --- independent answers ----------------------------------------------------------------------------------


@needs_oracles
def test_oracle_pure_equilibria():
    from games.load import load

    cases = json.loads((ORACLES / "solver_cases.json").read_text())["cases"]
    cases = [case for case in cases if case["concept"] == "pure_nash"]
    assert cases
    for case in cases:
        game = load(ORACLES / "games" / case["game"])
        found = [[int(b.argmax()) for b in game.blocks(s.profile)] for s in pure_nash(game)]
        assert sorted(found) == sorted(case["profiles"]), case["id"]


@needs_oracles
def test_real_files_have_certified_equilibria():
    from games.load import load

    for path in sorted((ORACLES / "games").rglob("*.nfg")):
        game = load(path)
        solution = nash(game)
        assert solution.status is Status.CONVERGED, path.name
        assert solution.certificate.holds(1e-12), path.name
        if len(game.shape) == 2 and sum(game.shape) < 20:
            listed = all_nash(game)
            assert listed, path.name
            assert all(s.certificate.holds(1e-12) for s in listed), path.name
            if solution.method == "Lemke-Howson":
                assert min(np.abs(s.profile - solution.profile).max() for s in listed) < 1e-9, path.name
