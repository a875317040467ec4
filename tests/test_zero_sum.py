import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games.errors import InputError
from games.normal import NormalFormGame
from solvers.certificate import certify
from solvers.nash import nash
from solvers.solution import Status
from solvers.zero_sum import _by_highs, minimax, nash_averaging

ORACLES = Path(__file__).parents[2] / "shared" / "oracles"
RPS = np.array([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]])


def check(matrix, result, tolerance=1e-12):
    game = NormalFormGame.zero_sum(matrix)
    certificate = certify(game, [result.row, result.column], "nash")
    assert certificate.holds(tolerance)
    assert abs(certificate.values[0] - result.value) <= tolerance * (np.abs(matrix).max() + 1e-300)


@pytest.mark.parametrize(
    ("matrix", "value", "row", "column"),
    [
        ([[2, -1], [-1, 1]], 0.2, [0.4, 0.6], [0.4, 0.6]),
        ([[1, -1], [-1, 1]], 0, [0.5, 0.5], [0.5, 0.5]),
        (RPS, 0, [1 / 3] * 3, [1 / 3] * 3),
        ([[0, -1, 2], [1, 0, -1], [-2, 1, 0]], 0, [0.25, 0.5, 0.25], [0.25, 0.5, 0.25]),
        ([[3, 1], [0, -5]], 1, [1, 0], [0, 1]),
        ([[7]], 7, [1], [1]),
        ([[1e19, 1e19, 1], [1e19, 2e19, 0.5], [-1, -0.5, 0]], 1, [1, 0, 0], [0, 0, 1]),
    ],
)
def test_closed_forms(matrix, value, row, column):
    result = minimax(np.array(matrix, dtype=float))
    assert abs(result.value - value) < 1e-14
    assert np.allclose(result.row, row, atol=1e-14)
    assert np.allclose(result.column, column, atol=1e-14)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 2**31), st.integers(0, 3))
def test_certificate_and_highs_on_degenerate_games(m, n, seed, largest):
    matrix = np.random.default_rng(seed).integers(-largest, largest + 1, (m, n)).astype(float)
    result = minimax(matrix)
    check(matrix, result)
    assert abs(result.value - _by_highs(matrix).value) < 1e-9
    assert abs(minimax(-matrix.T).value + result.value) < 1e-13


@pytest.mark.parametrize("shape", [(50, 50), (100, 100), (20, 150), (150, 20), (1, 40), (40, 1)])
def test_random_games(shape):
    rng = np.random.default_rng(sum(shape))
    for matrix in (rng.normal(size=shape), rng.integers(-1, 2, shape).astype(float)):
        check(matrix, minimax(matrix))


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1e9, 1e300])
def test_units(scale):
    matrix = np.random.default_rng(0).normal(size=(5, 6))
    base, scaled = minimax(matrix), minimax(scale * matrix - scale)
    assert abs(scaled.value / scale + 1 - base.value) < 1e-12
    assert np.allclose(scaled.row, base.row, atol=1e-11)


def test_structured_hard_cases():
    n = 40
    distance = -np.abs(np.subtract.outer(np.arange(n), np.arange(n))).astype(float)
    hilbert = 1.0 / (1 + np.add.outer(np.arange(12.0), np.arange(12.0)))
    for matrix in (distance, np.eye(n), np.triu(np.ones((n, n))), hilbert, np.diag(10.0 ** np.arange(-6, 6))):
        check(matrix, minimax(matrix), 1e-10)


def test_chunks_give_the_same_answer(monkeypatch):
    import solvers.zero_sum as module

    matrix = np.random.default_rng(2).normal(size=(30, 30))
    whole = minimax(matrix)
    monkeypatch.setattr(module, "_CHUNK", 16 * 900 * 2)
    calls = []
    pieces = minimax(matrix, progress=lambda fraction, text: calls.append(text))
    assert calls
    assert pieces.value == whole.value
    assert pieces.pivots == whole.pivots


def test_bad_input():
    with pytest.raises(InputError, match="two players"):
        minimax(NormalFormGame(np.zeros((3, 2, 2, 2))))
    with pytest.raises(InputError, match="array of shape"):
        minimax(np.zeros(3))
    with pytest.raises(InputError, match="array of shape"):
        minimax(np.zeros((0, 3)))
    with pytest.raises(InputError, match="finite"):
        minimax(np.array([[np.nan]]))


@pytest.mark.skipif(not ORACLES.is_dir(), reason="the oracle files are not here")
def test_oracle_values():
    from games.from_files import load_file

    cases = json.loads((ORACLES / "solver_cases.json").read_text())["cases"]
    tried = 0
    for case in cases:
        if case["concept"] != "zero_sum_value" or case["source"] != "gambit":
            continue
        if case["game"].endswith("ttt.efg"):
            continue  # 16,529 x 668,360 reduced strategies
        game = load_file(
            ORACLES / "games" / case["game"], form="reduced" if case["game"].endswith(".efg") else None
        )
        solution = nash(game)
        assert solution.certificate.holds(1e-10), case["id"]
        assert np.allclose(solution.values, case["value"], atol=case["tol"]), case["id"]
        tried += 1
    assert tried >= 8


# --- Nash averaging ---------------------------------------------------------------------------------------


def clone(matrix, k):
    index = [*range(len(matrix)), k]
    return matrix[np.ix_(index, index)]


def test_averaging_spreads_mass_over_clones_and_leaves_ratings():
    rng = np.random.default_rng(4)
    matrix = rng.normal(size=(6, 6))
    matrix = matrix - matrix.T
    base = nash_averaging(NormalFormGame.zero_sum(matrix))
    doubled = nash_averaging(NormalFormGame.zero_sum(clone(matrix, 2)))
    assert base.status is doubled.status is Status.CONVERGED
    assert np.allclose(base.profile[:6], base.profile[6:], atol=1e-10)
    assert np.allclose(doubled.stats["ratings"][:6], base.stats["ratings"][:6], atol=1e-10)
    played = int(np.argmax(base.profile[:6]))
    split = nash_averaging(NormalFormGame.zero_sum(clone(matrix, played))).profile[:7]
    assert abs(split[played] - split[6]) < 1e-10
    assert abs(split[played] + split[6] - base.profile[played]) < 1e-10


@pytest.mark.parametrize(
    ("matrix", "row", "column"),
    [
        (RPS, [1 / 3] * 3, [1 / 3] * 3),
        (clone(RPS, 1), [1 / 3, 1 / 6, 1 / 3, 1 / 6], [1 / 3, 1 / 6, 1 / 3, 1 / 6]),
        (np.zeros((3, 4)), [1 / 3] * 3, [1 / 4] * 4),
        ([[0, 0], [0, 1]], [0.5, 0.5], [1, 0]),
        ([[1, 1, 0], [1, 0, 1]], [0.5, 0.5], [0, 0.5, 0.5]),
        ([[-1, -1, 0], [1, 1, -1], [1, 0, -1]], [2 / 3, 1 / 3, 0], [1 / 6, 1 / 6, 2 / 3]),
    ],
)
def test_averaging_closed_forms(matrix, row, column):
    solution = nash_averaging(NormalFormGame.zero_sum(matrix))
    assert solution.status is Status.CONVERGED
    assert np.allclose(solution.profile, [*row, *column], atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**31))
def test_averaging_has_maximal_entropy(m, n, seed):
    """No small move within the optimal polytope, towards any of its vertices, has more entropy."""
    from solvers.vertices import extreme_equilibria

    matrix = np.random.default_rng(seed).integers(-1, 2, (m, n)).astype(float)
    game = NormalFormGame.zero_sum(matrix)
    solution = nash_averaging(game)
    assert solution.status is Status.CONVERGED
    assert solution.certificate.holds(1e-9)
    corners = extreme_equilibria(game).profiles
    for side, part in ((slice(0, m), "row"), (slice(m, m + n), "column")):
        p = solution.profile[side]
        assert set(np.flatnonzero(p > 1e-7)) == set(np.flatnonzero(corners[:, side].max(axis=0) > 1e-9)), part
        gradient = -np.log(np.maximum(p, 1e-12))
        for corner in corners[:, side]:
            assert gradient @ (corner - p) <= 1e-5


def test_averaging_transitive_and_large():
    order = np.subtract.outer(np.arange(30.0), np.arange(30.0))
    assert nash_averaging(NormalFormGame.zero_sum(order)).profile[29] == pytest.approx(1, abs=1e-9)
    noise = np.random.default_rng(0).normal(size=(80, 80))
    solution = nash_averaging(NormalFormGame.zero_sum(noise - noise.T))
    assert solution.status is Status.CONVERGED
    assert abs(solution.stats["value"]) < 1e-10


def test_averaging_refuses_other_games():
    with pytest.raises(InputError, match="constant-sum"):
        nash_averaging(NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]]))
