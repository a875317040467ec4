"""alpha-rank: published and independent answers, brute-force stationary laws, and the infinite-alpha limit."""

from __future__ import annotations

import importlib
import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games.errors import InputError
from games.normal import NormalFormGame
from solvers.alpharank import alpharank, alpharank_single, sweep
from solvers.solution import Status

module = importlib.import_module("solvers.alpharank")  # the package exports the function under the same name
ORACLES = Path(__file__).parents[2] / "shared" / "oracles" / "solver_cases.json"


def _cases():
    if not ORACLES.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="no oracle file beside the project"))]
    cases = json.loads(ORACLES.read_text())["cases"]
    return [pytest.param(c, id=c["id"]) for c in cases if c["concept"] == "alpha_rank"]


@pytest.mark.parametrize("case", _cases())
def test_oracle(case):
    tables, params = np.array(case["tables"]), case["params"]
    infinite = params.get("use_inf_alpha", False)
    alpha, population = (math.inf, 50) if infinite else (params["alpha"], params["m"])
    epsilon = params["inf_alpha_eps"] if infinite else 0.0
    if len(tables) == 1:
        law = alpharank_single(tables[0], alpha, population, epsilon=epsilon)
    else:
        solution = alpharank(NormalFormGame(tables), alpha, population, epsilon=epsilon)
        assert solution.certificate.residual < 1e-12
        law = solution.joint.dense().ravel()
    assert law == pytest.approx(case["pi"], abs=case["tol"])


def test_infinite_alpha_on_shapley():
    solution = alpharank(NormalFormGame.bimatrix(np.eye(3), np.roll(np.eye(3), 1, axis=1)))
    paying = np.eye(3) + np.roll(np.eye(3), 1, axis=1)
    assert np.allclose(solution.joint.dense(), np.where(paying > 0, 1 / 7, 1 / 21), atol=1e-10)
    assert solution.certificate.holds(1e-12)
    assert solution.stats["sinks"] == 1


@pytest.mark.parametrize(
    "game, expected",
    [
        (
            NormalFormGame.bimatrix([[3, 0], [0, 2]], [[2, 0], [0, 3]]),
            [0.49998603, 0.00002773, 0.00000021, 0.49998603],
        ),
        (NormalFormGame.symmetric([[3, 0], [5, 1]]), [0.00000041, 0.0073373, 0.0073373, 0.98532498]),
    ],
)
def test_two_by_two_fixtures(game, expected):
    solution = alpharank(game, 0.1, 50)
    assert solution.joint.dense().ravel() == pytest.approx(expected, abs=1e-8)
    assert solution.certificate.residual < 1e-14


@pytest.mark.parametrize(
    "alpha, expected",
    [
        (0.1, [0.28442728, 0.58288655, 0.13268617]),
        (1, [0.17471658, 0.71611101, 0.10917241]),
        (10, [0.28184630, 0.43801187, 0.28014183]),
        (1000, [1 / 3, 1 / 3, 1 / 3]),
    ],
)
def test_single_population(alpha, expected):
    law = alpharank_single([[0, -0.5, 1], [0.5, 0, -0.1], [-1, 0.1, 0]], alpha, 50)
    assert law == pytest.approx(expected, abs=2e-8)


def _games(seed):
    rng = np.random.default_rng(seed)
    square, cube = rng.random((7, 7)), rng.random((3, 3, 3))
    return {
        "uniform": rng.random((2, 7, 7)),
        "zero-sum": np.stack([square, -square]),
        "common": np.stack([square, square]),
        "ties": rng.integers(0, 4, (2, 7, 7)).astype(float),
        "coordination": np.stack([np.diag(1 + rng.random(6)), np.diag(1 + rng.random(6))]),
        "three players": rng.random((3, 4, 4, 4)),
        "three in common": np.stack([cube] * 3),
    }


@pytest.mark.parametrize("alpha", [0.0, 0.01, 1.0, 10.0, 100.0, math.inf])
@pytest.mark.parametrize("name", list(_games(0)))
def test_sweeps_agree_with_elimination_or_say_so(name, alpha, monkeypatch):
    for seed in range(3):
        game = NormalFormGame(_games(seed)[name])
        exact = alpharank(game, alpha)
        assert exact.status == Status.CONVERGED
        assert exact.certificate.residual < 1e-11
        with monkeypatch.context() as patch:
            patch.setattr(module, "_DIRECT_STATES", 0)
            patch.setattr(module, "_ELIMINATED_STATES", 0)
            swept = alpharank(game, alpha)
        if swept.status == Status.CONVERGED:
            assert np.allclose(swept.joint.dense(), exact.joint.dense(), atol=1e-9)
        else:
            assert name in ("common", "three in common", "ties", "coordination")
            assert swept.status == Status.NUMERICAL


@pytest.mark.parametrize("alpha", [0.1, 1.0, 30.0])
def test_common_payoffs_are_reversible(alpha):
    payoff = np.random.default_rng(1).random((5, 4, 3))
    game = NormalFormGame.common_payoff(payoff)
    weights = np.exp(49 * alpha * (payoff - payoff.max()))
    assert np.allclose(
        alpharank(game, alpha, 50).joint.dense(), weights / weights.sum(), rtol=1e-9, atol=1e-300
    )


def test_limit_by_rational_arithmetic():
    """The limit of vanishing losses against exact fractions at e = 10^-30."""
    rng = np.random.default_rng(6)
    for _ in range(5):
        payoffs = rng.integers(0, 4, (2, 3, 3))
        law = alpharank(NormalFormGame(payoffs.astype(float))).joint.dense().ravel()
        assert law == pytest.approx(_exact_law(payoffs, Fraction(1, 10**30)), abs=1e-9)


def _exact_law(payoffs, loss):
    states = [(a, b) for a in range(3) for b in range(3)]
    rates = {s: {} for s in states}
    for a, b in states:
        for player, others in enumerate(([(k, b) for k in range(3)], [(a, k) for k in range(3)])):
            for other in others:
                if other != (a, b):
                    gain = payoffs[player][other] - payoffs[player][a, b]
                    rates[a, b][other] = 1 - loss if gain > 0 else loss if gain < 0 else Fraction(1, 2)
    kept, stack = list(states), []
    while len(kept) > 1:
        last = kept.pop()
        out = sum(rates[last].get(s, 0) for s in kept)
        for s in kept:
            share = rates[s].get(last, 0) / out
            for t in kept:
                if t != s:
                    rates[s][t] = rates[s].get(t, 0) + share * rates[last].get(t, 0)
        stack.append((last, {s: rates[s].get(last, Fraction(0)) / out for s in kept}))
    law = {states[0]: Fraction(1)}
    for last, shares in reversed(stack):
        law[last] = sum(law[s] * share for s, share in shares.items())
    total = sum(law.values())
    return [float(law[s] / total) for s in states]


@given(st.integers(0, 10**6), st.sampled_from([0.3, 2.0, math.inf]))
@settings(max_examples=20, deadline=None)
def test_relabelling_and_shifting(seed, alpha):
    rng = np.random.default_rng(seed)
    payoffs = rng.integers(0, 9, (2, 4, 3)).astype(float)
    rows, columns = rng.permutation(4), rng.permutation(3)
    law = alpharank(NormalFormGame(payoffs), alpha).joint.dense()
    moved = alpharank(NormalFormGame(payoffs[:, rows][:, :, columns] + 1024), alpha).joint.dense()
    assert np.allclose(moved, law[rows][:, columns], atol=1e-9)
    players = alpharank(NormalFormGame(payoffs[::-1].transpose(0, 2, 1)), alpha).joint.dense()
    assert np.allclose(players.T, law, atol=1e-9)


@pytest.mark.parametrize("alpha", [1.0, math.inf])
def test_thousands_of_profiles(alpha):
    game = NormalFormGame(np.random.default_rng(5).integers(0, 1001, (2, 50, 50)) / 1000)
    solution = alpharank(game, alpha)
    assert solution.status == Status.CONVERGED
    assert solution.certificate.residual < 1e-9


@pytest.mark.parametrize("alpha", [0.0, 1.0, math.inf])
def test_edge_games(alpha):
    for payoffs in (
        np.array([[3.0, 7.0, -1.0]]),
        np.array([[[2.0]], [[5.0]]]),
        np.array([[[1.0, 2.0, 0.0]], [[0.0, 5.0, 3.0]]]),
        np.full((3, 2, 3, 2), 4.0),
        1e9 * np.random.default_rng(0).normal(size=(2, 4, 4)),
        1e-9 * np.random.default_rng(0).random((2, 4, 4)),
    ):
        solution = alpharank(NormalFormGame(payoffs), alpha)
        assert solution.status == Status.CONVERGED
        assert solution.certificate.holds(1e-9)


def test_sweep_and_single_strategy():
    game = NormalFormGame.symmetric([[3, 0], [5, 1]])
    ranked = sweep(game, [0.1, 1, math.inf])
    assert [s.parameters["alpha"] for s in ranked] == [0.1, 1.0, math.inf]
    assert ranked[-1].joint.probs == pytest.approx([1.0])
    assert alpharank_single([[2.0]], 1.0) == pytest.approx([1.0])


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"alpha": -1}, "alpha"),
        ({"alpha": math.nan}, "alpha"),
        ({"alpha": 1, "population": 1}, "population"),
        ({"alpha": 1, "population": 2.5}, "population"),
        ({"epsilon": 0.7}, "epsilon"),
        ({"alpha": 1, "epsilon": 0.1}, "epsilon"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(InputError, match=message):
        alpharank(NormalFormGame.symmetric([[3, 0], [5, 1]]), **arguments)
    with pytest.raises(InputError, match=message):
        alpharank_single([[3, 0], [5, 1]], **{"alpha": math.inf, **arguments})


def test_bad_matrices():
    for matrix in ([[1, 2, 3]], [[math.nan]], []):
        with pytest.raises(InputError, match="single-population"):
            alpharank_single(matrix, 1.0)
