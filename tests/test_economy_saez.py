"""The Saez formula against the reference's numbers, closed forms and an independent regression."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from games.errors import InputError
from games.sims.economy_saez import estimate_elasticity, saez
from games.sims.economy_saez_kernels import BINS, bin_of, remember
from games.sims.economy_taxes import Brackets

CASES = Path(__file__).parent / "data" / "economist_cases.json"
"""Numbers of the reference implementation."""
US = Brackets.federal()


@cache
def oracle() -> Any:
    return json.loads(CASES.read_text())["saez"]["entries"]


def near(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(
        np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float), rtol=1e-9, atol=1e-12
    )


def test_schedules_are_those_of_the_reference() -> None:
    given_incomes = {one["name"]: one for one in oracle() if "incomes" in one}
    cases = [one for one in oracle() if "incomes" not in one]
    assert len(cases) == 18 and sum("G_bins" in case for case in cases) == 3
    for case in cases:
        data = given_incomes[case["name"]]
        found = saez(
            US,
            data["incomes"],
            data["marginal_rates"],
            elasticity=case["elas_prev"],
            fixed=case["fixed_elasticity"],
            weights=case["pareto_weight_type"].replace("_", "-"),
        )
        near(found.rates, case["bracket_rates"])
        near(found.elasticity, case["elas_new"])
        if "G_bins" in case:
            near(found.weights, case["G_bins"])
            near(found.tails, case["a_bins"])


def test_an_isoelastic_population_has_its_elasticity_found() -> None:
    rng = np.random.default_rng(0)
    rate = rng.uniform(0, 0.9, 400)
    for elasticity in (0.0, 0.4, 1.0, 2.5):
        income = 80.0 * (1 - rate) ** elasticity
        assert estimate_elasticity(income, rate) == pytest.approx(elasticity, abs=1e-9)
        noisy = income * np.exp(rng.normal(0, 0.3, 400))
        slope = np.polyfit(np.log(1 - rate), np.log(noisy), 1)[0]
        assert estimate_elasticity(noisy, rate) == pytest.approx(max(slope, 0.0), abs=1e-9)
    assert estimate_elasticity(1.0 / (1 - rate), rate) == 0.0


def test_losses_and_full_rates_do_not_enter_the_estimate() -> None:
    rate = np.linspace(0.1, 0.8, 40)
    income = 50 * (1 - rate)
    with_others = np.r_[income, -3.0, 0.0, 7.0], np.r_[rate, 0.0, 0.3, 1.0]
    assert estimate_elasticity(*with_others) == pytest.approx(1.0)
    kept = saez(US, *with_others, elasticity=0.7).elasticity
    assert kept == pytest.approx(0.98 * 0.7 + 0.02)


def test_estimates_without_evidence_stay() -> None:
    for incomes, rates in (([5.0] * 9, list(np.linspace(0, 0.9, 9))), ([5.0] * 50, [0.3] * 50)):
        assert saez(US, incomes, rates, elasticity=0.7).elasticity == 0.7
        with pytest.raises(InputError, match="at least 10 positive incomes"):
            estimate_elasticity(incomes, rates)


@pytest.mark.parametrize("shape", [1.5, 2.0, 3.0])
def test_a_pareto_tail_is_taxed_by_its_parameter(shape: float) -> None:
    """Above any cutoff of a Pareto tail mean / (mean - cutoff) is its shape, and tau = (1 - G) / (1 - G + shape e)."""
    quantiles = (np.arange(200_000) + 0.5) / 200_000
    incomes = 20.0 * (1 - quantiles) ** (-1 / shape)
    found = saez(Brackets.linear(3, 40.0), incomes, np.zeros_like(incomes), fixed=0.5)
    # the largest of 200,000 quantiles falls a little short of the mean
    assert found.tails[-1] == pytest.approx(shape, rel=0.02)
    weight = (1 / incomes[incomes > 40]).mean() / (1 / incomes).mean()
    assert found.weights[-1] == pytest.approx(weight, rel=0.01)
    gain = 1 - found.weights[-1]
    assert found.rates[-1] == pytest.approx(gain / (gain + found.tails[-1] * 0.5))


def test_uniform_weights_ask_for_no_taxes_while_the_top_is_inhabited() -> None:
    incomes = np.linspace(1, 600, 300)
    found = saez(US, incomes, np.full(300, 0.2), weights="uniform")
    assert (found.rates < 1e-5).all()
    assert saez(US, incomes[:200], np.full(200, 0.2), weights="uniform").rates[-1] == pytest.approx(1.0)


incomes_of = st.lists(
    st.one_of(st.floats(-50, 800), st.sampled_from([0.0, 510.3, 5.103, 510.3000001])), min_size=1, max_size=60
)


@given(incomes_of, st.floats(0, 3), st.sampled_from(["inverse-income", "uniform"]), st.integers(1, 7))
def test_rates_are_rates(incomes: list[float], elasticity: float, weights: Any, count: int) -> None:
    brackets = Brackets.linear(count, 510.3) if count > 1 else Brackets((0.0,))
    found = saez(brackets, incomes, [0.3] * len(incomes), fixed=elasticity, weights=weights, highest=0.9)
    assert np.isfinite(found.rates).all() and (found.rates >= 0).all() and (found.rates <= 0.9).all()
    assert np.isfinite(found.marginal).all()


@given(st.lists(st.floats(0, 510.3), min_size=1, max_size=200), st.integers(0, 100))
def test_bins_are_those_of_numpy(incomes: list[float], edge: int) -> None:
    edges = np.linspace(0, 510.3, BINS + 1)
    values = np.array([*incomes, edges[edge]])
    ours = np.bincount([bin_of(v, 510.3, 510.3 / BINS) for v in values], minlength=BINS)
    assert ours.tolist() == np.histogram(values, bins=edges)[0].tolist()


@given(st.integers(1, 7), st.integers(0, 40))
def test_the_ring_holds_the_last_pairs(size: int, written: int) -> None:
    ring, count = np.full((size, 2), math.nan), 0
    for i in range(written):
        count = remember(ring, count, float(i), 0.01 * i)
    assert count == written
    kept = ring[: min(count, size)]
    assert sorted(kept[:, 0]) == list(range(max(0, written - size), written))
    near(kept[:, 1], 0.01 * kept[:, 0])


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: saez(US, [], []), "of equal length, at least 1"),
        (lambda: saez(US, [1.0], [0.1, 0.2]), "of equal length"),
        (lambda: saez(US, ["a"], [0.1]), "lists of numbers"),
        (lambda: saez(US, [math.nan], [0.1]), "finite"),
        (lambda: saez(US, [1.0], [1.5]), "from 0 to 1"),
        (
            lambda: saez(US, [1.0], [0.5], fixed=-1.0),
            "the fixed elasticity must be a number from 0 on, not -1",
        ),
        (lambda: saez(US, [1.0], [0.5], elasticity=math.inf), "the elasticity"),
        (lambda: saez(US, [1.0], [0.5], weights="flat"), "inverse-income or uniform, not 'flat'"),
        (lambda: saez(US, [1.0], [0.5], lowest=0.6, highest=0.5), "not 0.6 to 0.5"),
    ],
)
def test_bad_input_is_refused(call: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        call()
