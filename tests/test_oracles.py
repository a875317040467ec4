"""Independent answers on real game files: every logit, CE, CCE and limit case of the oracle folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from games import NormalFormGame
from games.from_files import load_file
from solvers import cce, ce, certify, nash, qre, trace_qre
from solvers.solution import Status

ORACLES = Path(__file__).parents[2] / "shared" / "oracles"
OBJECTIVES = {"max_welfare": "welfare", "min_welfare": "min-welfare", "max_player1": "player:0"}

pytestmark = pytest.mark.skipif(not ORACLES.exists(), reason="the oracle folder is not beside this checkout")


def cases(*concepts):
    if not ORACLES.exists():
        return []
    found = json.loads((ORACLES / "solver_cases.json").read_text())["cases"]
    return [pytest.param(c, id=c["id"][:60]) for c in found if c["concept"] in concepts]


def game_of(case):
    if case["source"] == "gambit":
        return load_file(
            ORACLES / "games" / case["game"], form="reduced" if case["game"].endswith(".efg") else None
        )
    seed, shape = 20260, tuple(case["shape"])
    rng = np.random.default_rng(seed)
    return NormalFormGame(np.stack([rng.integers(0, 1001, shape) / 1000 for _ in shape]))


def flat(profile):
    return np.concatenate([np.ravel(block) for block in profile])


@pytest.mark.parametrize("case", cases("logit_qre_nfg"))
def test_logit_points(case):
    solution = qre(game_of(case), case["lam"])
    assert solution.status is Status.CONVERGED
    assert solution.certificate.residual < 1e-10
    np.testing.assert_allclose(solution.profile, flat(case["profile"]), atol=case["tol"])
    np.testing.assert_allclose(solution.values, case["payoffs"], atol=1e-5)


@pytest.mark.parametrize("case", cases("logit_qre_nfg_any"))
def test_logit_where_the_peer_answers_for_another_lambda(case):
    game = game_of(case)
    solution = qre(game, case["lam"])
    assert solution.parameters["lambda"] == case["lam"]
    assert certify(game, solution.profile, "qre", lam=case["lam"]).residual <= case["tol"]


@pytest.mark.parametrize("case", cases("cce", "ce"))
def test_correlated_optima(case):
    game = game_of(case)
    solution = {"cce": cce, "ce": ce}[case["concept"]](game, OBJECTIVES[case["objective"]])
    assert solution.certificate.holds(1e-9)
    value = solution.values[0] if case["objective"] == "max_player1" else solution.values.sum()
    assert value == pytest.approx(case["value"], abs=case["tol"])


@pytest.mark.parametrize("case", cases("limiting_logit_equilibrium"))
def test_limits(case):
    if not case["game"].endswith(".nfg"):
        pytest.skip("a limit in behaviour strategies, which needs the tree form")
    game = game_of(case)
    branch = trace_qre(game)
    np.testing.assert_allclose(branch.limit, flat(case["profile"]), atol=case["tol"])
    assert certify(game, branch.limit, "nash").holds(1.001e-8)


@pytest.mark.parametrize("case", cases("nash_from_logit_any"))
def test_nash_where_the_peer_returns_none(case):
    game = game_of(case)
    for method in ("auto", "qre"):
        assert nash(game, method).certificate.holds(case["tol"])
