"""The tabular claims on Bayesian-network policies: they hold with reduced effort, and can fail."""

from __future__ import annotations

import json

import numpy as np
import pytest

from experiments.papers import bayes_net_dependencies, bayes_net_tabular, tabular_runs
from experiments.papers.bayes_net_tabular import TABULAR
from experiments.papers.coordination_worth import optimum
from experiments.papers.tabular_runs import welch_test


@pytest.mark.parametrize("key", list(TABULAR))
def test_a_claim_holds_and_reports_plain_numbers(key: str) -> None:
    told: list[float] = []
    found = TABULAR[key](True, 0, lambda done, text: told.append(done))
    assert json.loads(json.dumps(found)) == found
    assert found["criteria"]
    for one in found["criteria"]:
        assert set(one) == {"text", "value", "passed"} and one["passed"] is True, one
    assert told == sorted(told) and 0.9 < told[-1] <= 1.0 + 1e-12


def test_the_same_seed_measures_the_same() -> None:
    def measured(seed: int) -> dict:
        return TABULAR["a"](True, seed, lambda done, text: None)["measured"]

    assert measured(4) == measured(4)
    assert measured(4) != measured(5)


def test_wrong_numbers_are_not_reproduced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bayes_net_tabular.FIXTURES, 2, ([3, 0, 2], 47.8003, 0.6820, 0.5230))
    found = TABULAR["b"](True, 0, lambda done, text: None)
    assert [one["passed"] for one in found["criteria"]] == [True, False, True, True, True]


def test_too_large_steps_and_other_rates_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    games = {"climbing": ("zoo:climbing", {"empty": 0.5})}
    monkeypatch.setattr(bayes_net_dependencies, "MATRIX_GAMES", games)
    assert not TABULAR["f"](True, 0, lambda done, text: None)["criteria"][0]["passed"]
    real = tabular_runs.ascend
    monkeypatch.setattr(
        tabular_runs,
        "ascend",
        lambda game, dag, start, step, *rest, **more: real(game, dag, start, 30.0 * step, *rest, **more),
    )
    passed = {
        one["text"]: one["passed"] for one in TABULAR["c"](True, 0, lambda done, text: None)["criteria"]
    }
    assert not passed[
        "largest fall of J in an iteration, all graphs, n=2 and 3, steps 0.05, 0.3 and 1 <= 1e-09"
    ]


def test_authors_gap_underestimates() -> None:
    found = TABULAR["e"](True, 1, lambda done, text: None)["measured"]["authors' settings"]
    blind = "mean NEgap against deviations that do not see the parents' actions, as the authors measure"
    assert found["n=3, empty"][blind] == pytest.approx(found["n=3, empty"]["mean NEgap"], abs=1e-7)
    assert found["n=3, complete"][blind] < found["n=3, complete"]["mean NEgap"]
    assert all(
        one["largest norm of a gradient"] < 1e3 for one in found.values()
    )  # so clipping there would change nothing


def test_best_values() -> None:
    assert [optimum(n) for n in (2, 3, 5)] == pytest.approx([47.8, 43.104, 53.77816], abs=1e-9)


def test_welch_test_against_its_permutations() -> None:
    """For samples of normal numbers the test and the permutation test nearly agree; it is exact in closed form for m = 2."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(0.6, 1.0, 40), rng.normal(0.0, 1.0, 40)
    both, gap = np.concatenate([x, y]), x.mean() - y.mean()
    shuffled = np.array([rng.permutation(both) for _ in range(20_000)])
    share = (shuffled[:, :40].mean(axis=1) - shuffled[:, 40:].mean(axis=1) >= gap).mean()
    assert welch_test(x, y) == pytest.approx(share, abs=0.004)
    assert welch_test(y, x) == pytest.approx(1.0 - welch_test(x, y))
    # equal variances of two samples of two: t with 2 degrees of freedom, P(T > t) = 1/2 - t / (2 sqrt(2 + t^2))
    t = 3.0 / np.sqrt(0.5 + 0.5)
    wanted = 0.5 - t / (2 * np.sqrt(2 + t**2))
    assert welch_test(np.array([3.0, 3.0 + np.sqrt(2)]), np.array([0.0, np.sqrt(2)])) == pytest.approx(wanted)
    assert welch_test(np.ones(3), np.ones(3)) == 0.5
    assert (welch_test(np.ones(3), np.zeros(3)), welch_test(np.zeros(3), np.ones(3))) == (0.0, 1.0)
