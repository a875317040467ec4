"""Taxes and social metrics against the reference implementation's numbers and closed forms."""

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
from games.sims import economy_metrics as metrics
from games.sims.economy_tax_kernels import cap_on_rates, labour_weight
from games.sims.economy_taxes import US_FEDERAL, Brackets, collect, gaming

CASES = Path(__file__).parent / "data" / "economist_cases.json"


@cache
def oracle() -> Any:
    return json.loads(CASES.read_text())


def near(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(
        np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float), rtol=1e-9, atol=1e-9
    )


def test_tax_days_are_those_of_the_reference() -> None:
    for case in oracle()["tax_cases"]:
        brackets = Brackets(tuple(case["bracket_cutoffs"]))
        found = collect(brackets, case["rates"], case["income"], case["inventory_before"])
        near(found.due, case["tax_due"])
        near(found.paid, case["tax_paid"])
        near(found.effective, case["effective_rate"])
        near(found.lump_sum, case["lump_sum"])
        near(found.inventory, case["inventory_after"])
        near(brackets.marginal(case["income"], case["rates"]), case["marginal_rate"])


def test_social_metrics_are_those_of_the_reference() -> None:
    for case in oracle()["social_metrics"]:
        coin, utilities = case["coin"], case["utilities"]
        near(metrics.gini(coin), case["gini"])
        near(metrics.equality(coin), case["equality"])
        near(metrics.productivity(coin), case["productivity"])
        for name, weight in (("w1", 1.0), ("w0", 0.0), ("w05", 0.5)):
            near(metrics.equality_times_productivity(coin, weight), case[f"eq_times_prod_{name}"])
        near(metrics.inverse_income_weighted(coin, coin), case["inv_income_weighted_coin"])
        near(metrics.inverse_income_weighted(utilities, coin), case["inv_income_weighted_utility"])


def test_utilities_and_schedules_are_those_of_the_reference() -> None:
    for case in oracle()["utilities"]["isoelastic"]:
        near(metrics.isoelastic_utility(case["coin"], case["labor"], case["eta"], case["coef"]), case["u"])
    for case in oracle()["annealing"]["limit"]:
        found = cap_on_rates(case["completions"], case["warmup"], case["slope"], case["final"])
        near(found, case["limit"])
    for case in oracle()["energy_warmup"]:
        near(labour_weight(case["integrator"], case["const"]), case["weight"])


def test_brackets_are_those_of_the_reference() -> None:
    made = {
        "us1000": Brackets.federal(),
        "us100": Brackets.federal(100),
        "linear5_100": Brackets.linear(5, 100),
        "log5_100": Brackets.log(5, 100),
        "log3_100": Brackets.log(3, 100),
        "linear3_120": Brackets.linear(3, 120),
    }
    assert set(made) == set(oracle()["bracket_cutoffs"])
    for name, brackets in made.items():
        near(brackets.cutoffs, oracle()["bracket_cutoffs"][name]["cutoffs"])


def test_the_federal_schedule_by_hand() -> None:
    due = Brackets.federal().due([5.0, 9.7, 50.0, -3.0], US_FEDERAL)
    near(due, [0.5, 0.97, 0.97 + 0.12 * (39.475 - 9.7) + 0.22 * (50 - 39.475), 0.0])


@given(
    st.lists(st.floats(0, 1), min_size=7, max_size=7),
    st.lists(st.floats(-100, 2000), min_size=2, max_size=9),
    st.data(),
)
def test_collecting_keeps_coin_and_is_monotone(rates: list[float], income: list[float], data: Any) -> None:
    inventory = data.draw(st.lists(st.floats(0, 2000), min_size=len(income), max_size=len(income)))
    brackets = Brackets.federal()
    found = collect(brackets, rates, income, inventory)
    assert found.inventory.sum() == pytest.approx(sum(inventory))
    assert (found.paid <= np.array(inventory) + 1e-12).all() and (found.paid >= 0).all()
    order = np.argsort(income)
    assert (np.diff(found.due[order]) >= -1e-9).all()


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=40), st.floats(0.1, 10))
def test_equality_does_not_depend_on_units(coin: list[float], scale: float) -> None:
    assert -1e-9 <= metrics.equality(coin) <= 1 + 1e-9
    if sum(coin) > 1:
        assert metrics.equality(np.array(coin) * scale) == pytest.approx(metrics.equality(coin), abs=1e-6)


@given(st.integers(2, 60))
def test_one_owner_is_the_end_of_equality(count: int) -> None:
    coin = np.zeros(count)
    coin[count // 2] = 10.0
    assert metrics.gini(coin) == pytest.approx(1.0 if count < 30 else (count - 1) / (count + 1))
    assert metrics.gini(np.ones(count)) == pytest.approx(0.0, abs=1e-9)


def test_alternating_incomes_pays_under_falling_rates_and_costs_under_rising_ones() -> None:
    brackets = Brackets.linear(3, 100)
    years = np.array([[0.0, 50.0], [100.0, 50.0]])
    assert gaming(brackets, [0.6, 0.1, 0.1], years)[0] > 0.1
    assert gaming(brackets, [0.1, 0.6, 0.6], years)[0] < -0.1
    assert gaming(brackets, [0.1, 0.6, 0.6], years)[1] == pytest.approx(0.0)
    assert gaming(brackets, [0.0, 0.0, 0.0], years).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("cutoffs", "told"),
    [
        ((), "there are no tax brackets"),
        ((1.0, 2.0), "tax brackets begin at 0, not at 1"),
        ((0.0, 5.0, 5.0), "tax brackets must rise: the 3. begins at 5, the one before at 5"),
        ((0.0, math.nan), "must rise"),
    ],
)
def test_brackets_out_of_order_are_refused(cutoffs: tuple[float, ...], told: str) -> None:
    with pytest.raises(InputError, match=told):
        Brackets(cutoffs)


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        ([0.1, 0.2], "has 2 rates for 3 brackets"),
        ([0.1, 0.2, 1.2], "the rate of bracket 3 is 1.2, expected a number from 0 to 1"),
        ([0.1, math.nan, 0.0], "the rate of bracket 2 is nan"),
        (["low", 0.1, 0.2], "must be 3 numbers"),
    ],
)
def test_rates_out_of_range_are_refused(rates: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        Brackets.linear(3, 120).due([1.0], rates)


def test_incomes_that_cancel_out_are_no_gaming() -> None:
    incomes = np.array([[0.1, 5.0], [0.2, 5.0], [-0.3, 5.0]])  # the first mean is 2e-17
    assert abs(incomes[:, 0].mean()) > 0
    np.testing.assert_array_equal(gaming(Brackets((0.0,)), [0.5], incomes), [0.0, 0.0])
