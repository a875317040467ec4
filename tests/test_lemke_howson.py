import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games.errors import InputError
from games.normal import NormalFormGame
from solvers.certificate import certify
from solvers.lemke_howson import lemke_howson


def regret(game, result):
    return certify(game, [result.row, result.column], "nash").max_regret


def test_prisoners_dilemma_from_every_label():
    game = NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]])
    for label in range(4):
        result = lemke_howson(game, label)
        assert result.converged
        assert result.row.tolist() == result.column.tolist() == [0.0, 1.0]


def test_asymmetric_matching_pennies():
    game = NormalFormGame.bimatrix([[9, 0], [0, 1]], [[0, 1], [1, 0]])
    for label in range(4):
        result = lemke_howson(game, label)
        assert np.allclose(result.row, [0.5, 0.5], atol=1e-15)
        assert np.allclose(result.column, [0.1, 0.9], atol=1e-15)


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**31), st.integers(1, 4))
def test_degenerate_games_end_in_an_equilibrium_from_every_label(m, n, seed, largest):
    rng = np.random.default_rng(seed)
    game = NormalFormGame.bimatrix(*rng.integers(0, largest + 1, (2, m, n)))
    for label in range(m + n):
        result = lemke_howson(game, label)
        assert result.converged
        assert result.pivots < 200
        assert regret(game, result) <= 1e-13 * largest


@pytest.mark.parametrize("size", [10, 50, 100])
@pytest.mark.parametrize("kind", ["general", "zero-sum", "common", "few values"])
def test_random_games(size, kind):
    rng = np.random.default_rng(size)
    row = rng.integers(0, 1001, (size, size)) / 1000
    column = {
        "general": rng.integers(0, 1001, (size, size)) / 1000,
        "zero-sum": -row,
        "common": row,
        "few values": rng.integers(0, 2, (size, size)).astype(float),
    }[kind]
    if kind == "few values":
        row = rng.integers(0, 2, (size, size)).astype(float)
    game = NormalFormGame.bimatrix(row, column)
    for label in (0, size, 2 * size - 1):
        result = lemke_howson(game, label)
        assert result.converged
        assert regret(game, result) < 1e-12


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1.0, 1e9, 1e300])
@pytest.mark.parametrize("shift", [0.0, -1.0])
def test_payoff_units_do_not_matter(scale, shift):
    rng = np.random.default_rng(0)
    row, column = rng.normal(size=(2, 6, 4))
    base = lemke_howson(NormalFormGame.bimatrix(row, column))
    scaled = lemke_howson(NormalFormGame.bimatrix(scale * (row + shift), scale * (column + shift)))
    assert np.allclose(scaled.row, base.row, atol=1e-12)
    assert np.allclose(scaled.column, base.column, atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1)])
def test_one_action(shape):
    rng = np.random.default_rng(1)
    game = NormalFormGame.bimatrix(rng.random(shape), rng.random(shape))
    for label in range(sum(shape)):
        result = lemke_howson(game, label)
        assert result.converged
        assert regret(game, result) == 0


def test_constant_payoffs():
    game = NormalFormGame.bimatrix(np.full((3, 4), -2.0), np.full((3, 4), 1e9))
    for label in range(7):
        assert lemke_howson(game, label).converged


def test_pivot_budget_is_kept_and_interruptible():
    rng = np.random.default_rng(3)
    game = NormalFormGame.bimatrix(rng.random((30, 30)), rng.random((30, 30)))
    whole = lemke_howson(game)
    assert whole.converged
    cut = lemke_howson(game, max_pivots=whole.pivots - 1)
    assert not cut.converged
    assert cut.pivots == whole.pivots - 1
    assert abs(cut.row.sum() - 1) < 1e-12
    assert not lemke_howson(game, max_pivots=0).converged


def test_long_paths_resume_where_they_stopped(monkeypatch):
    import solvers.lemke_howson as module

    rng = np.random.default_rng(3)
    game = NormalFormGame.bimatrix(rng.random((30, 30)), rng.random((30, 30)))
    whole = lemke_howson(game)
    calls = []
    monkeypatch.setattr(module, "_CHUNK", 16 * 900 * 3)
    pieces = lemke_howson(game, progress=lambda fraction, text: calls.append(text))
    assert calls
    assert pieces.pivots == whole.pivots
    assert pieces.row.tolist() == whole.row.tolist()


def test_bad_input():
    game = NormalFormGame.bimatrix([[1, 0], [0, 1]], [[1, 0], [0, 1]])
    with pytest.raises(InputError, match="label 4 does not exist; labels run from 0 to 3"):
        lemke_howson(game, 4)
    with pytest.raises(InputError, match="needs two players"):
        lemke_howson(NormalFormGame(np.zeros((1, 3))))
