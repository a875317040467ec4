"""Maximum-likelihood lambda: published data, recovery of the truth, oracle cases and bad input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from games import InputError, NormalFormGame
from solvers import fit_qre, qre
from solvers.qre_fit import fit_empirical_payoffs

OCHS = NormalFormGame.bimatrix([[1.1141, 0], [0, 0.2785]], [[0, 1.1141], [1.1141, 0]])
OCHS_COUNTS = [128 * 0.527, 128 * 0.473, 128 * 0.366, 128 * 0.634]
ORACLES = Path(__file__).parents[2] / "shared" / "oracles"


def test_ochs_replicates_mckelvey_and_palfrey():
    fit = fit_qre(OCHS, OCHS_COUNTS)
    # the published digits come from comparing likelihoods, which are flat to rounding within 2e-7 of the maximum
    assert fit.lam == pytest.approx(1.84560987, abs=5e-7)
    assert fit.log_likelihood == pytest.approx(-174.764531911, abs=1e-8)
    np.testing.assert_allclose(fit.profile[[0, 2]], [0.61565132, 0.38329093], atol=5e-8)
    assert fit.log_likelihood_uniform == pytest.approx(-177.445678, abs=1e-6)
    assert fit.standard_error == pytest.approx(0.7713, abs=1e-3)
    assert fit.solution.certificate.residual < 1e-10
    assert fit.log_likelihood < fit.log_likelihood_saturated


def test_interval_ends_lose_the_right_amount_of_likelihood():
    fit = fit_qre(OCHS, OCHS_COUNTS, level=0.95)
    drop = 3.841458820694124 / 2
    for lam in fit.interval:
        profile = qre(OCHS, lam).profile
        assert np.dot(OCHS_COUNTS, np.log(profile)) == pytest.approx(fit.log_likelihood - drop, abs=1e-6)
    narrow = fit_qre(OCHS, OCHS_COUNTS, level=0.5).interval
    assert fit.interval[0] < narrow[0] < fit.lam < narrow[1] < fit.interval[1]


def test_empirical_payoff_estimator_is_another_one():
    lam, likelihood = fit_empirical_payoffs(OCHS, OCHS_COUNTS)
    assert lam == pytest.approx(1.0068156, abs=3e-6)
    assert likelihood == pytest.approx(-176.525946, abs=1e-5)


@pytest.mark.parametrize("lam", [0.3, 2.0, 9.0])
def test_recovers_the_lambda_behind_exact_frequencies(lam):
    rng = np.random.default_rng(4)
    game = NormalFormGame(rng.uniform(0, 1, (3, 3, 2, 3)))
    fit = fit_qre(game, 1e6 * qre(game, lam).profile)
    assert fit.lam == pytest.approx(lam, rel=1e-6)
    assert fit.interval[0] < lam < fit.interval[1]


def test_uniform_data_estimate_zero_and_limit_data_are_unbounded():
    game = NormalFormGame.symmetric([[3, 0], [5, 1]])
    worse = fit_qre(game, [60, 40, 55, 45])
    assert worse.lam == 0
    assert worse.interval[0] == 0
    best = fit_qre(game, [0, 50, 0, 50])
    assert best.interval[1] == np.inf
    assert best.log_likelihood == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    "counts,message",
    [
        ([1, 2, 3], "3 counts for 4"),
        ([1, -1, 2, 3], "negative"),
        ([0] * 4, "zero"),
        ([np.nan, 1, 1, 1], "finite"),
    ],
)
def test_bad_counts(counts, message):
    with pytest.raises(InputError, match=message):
        fit_qre(OCHS, counts)


@pytest.mark.skipif(not ORACLES.exists(), reason="the oracle folder is not beside this checkout")
def test_oracle_estimates():
    from games import load

    cases = json.loads((ORACLES / "solver_cases.json").read_text())["cases"]
    cases = [case for case in cases if case["concept"] == "logit_mle"]
    assert cases
    for case in cases:
        game = load(ORACLES / "games" / case["game"])
        fit = fit_qre(game, np.concatenate(case["counts"]))
        assert fit.lam == pytest.approx(case["lam"], abs=case["tol"])
        assert fit.log_likelihood >= case["log_like"] - 1e-6
