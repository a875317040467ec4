"""The rules of the AI Economist, function by function, against numbers of the reference implementation.

The numbers are stored with the tests of a checkout (`tests/data/economist_cases.json`); without them the claim is not measured.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments.papers.claims import NotMeasured
from experiments.papers.tabular_runs import Parts, Progress, at_most
from games.sims import economy_metrics as metrics
from games.sims.economy_one_step_model import OneStepEconomy
from games.sims.economy_saez import saez
from games.sims.economy_tax_kernels import cap_on_rates, labour_weight
from games.sims.economy_taxes import Brackets, collect
from solvers.taxation import outcome

CASES = Path(__file__).resolve().parents[2] / "tests" / "data" / "economist_cases.json"
TOLERANCE = 1e-9


def rules(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """Taxes, metrics, utilities, annealing, the Saez formula and the one-step economy as the reference computes them."""
    cases = reference_cases()
    parts = Parts(progress, len(_BLOCKS))
    measured, criteria = {}, []
    for name, errors in _BLOCKS.items():
        parts(name)
        found = [float(error) for error in errors(cases)]
        measured[name] = {"cases": len(found), "largest error": max(found)}
        text = f"{name}, {len(found)} cases: largest relative error"
        criteria.append(at_most(text, max(found), TOLERANCE))
    return {"measured": measured, "criteria": criteria}


def reference_cases() -> Any:
    """The reference's numbers; `NotMeasured` where they are not."""
    try:
        return json.loads(CASES.read_text(encoding="utf-8"))
    except OSError:
        raise NotMeasured(
            f"the reference's numbers, {CASES.name}, are in tests/data of a checkout, which this is not"
        ) from None


def relative_error(ours: Any, theirs: Any) -> float:
    """The largest difference of two arrays, over the larger of 1 and the size of the second's element; inf if only one is a number."""
    a, b = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    if a.shape != b.shape or (np.isnan(a) != np.isnan(b)).any():
        return float("inf")
    number = ~np.isnan(b)
    return float((np.abs(a - b)[number] / np.maximum(1.0, np.abs(b[number]))).max(initial=0.0))


def _tax_errors(cases: Any) -> list[float]:
    found = []
    for case in cases["tax_cases"]:
        brackets = Brackets(tuple(case["bracket_cutoffs"]))
        taken = collect(brackets, case["rates"], case["income"], case["inventory_before"])
        pairs = (
            (taken.due, "tax_due"),
            (taken.paid, "tax_paid"),
            (taken.effective, "effective_rate"),
            (taken.lump_sum, "lump_sum"),
            (taken.inventory, "inventory_after"),
            (brackets.marginal(case["income"], case["rates"]), "marginal_rate"),
        )
        found.append(max(relative_error(ours, case[name]) for ours, name in pairs))
    return found


def _metric_errors(cases: Any) -> list[float]:
    found = []
    for case in cases["social_metrics"]:
        coin, utilities = case["coin"], case["utilities"]
        pairs = [
            (metrics.gini(coin), "gini"),
            (metrics.productivity(coin), "productivity"),
            (metrics.inverse_income_weighted(coin, coin), "inv_income_weighted_coin"),
            (metrics.inverse_income_weighted(utilities, coin), "inv_income_weighted_utility"),
        ]
        for name, weight in (("w1", 1.0), ("w0", 0.0), ("w05", 0.5)):
            pairs.append((metrics.equality_times_productivity(coin, weight), f"eq_times_prod_{name}"))
        found.append(max(relative_error(ours, case[name]) for ours, name in pairs))
    return found


def _utility_errors(cases: Any) -> list[float]:
    return [
        relative_error(
            metrics.isoelastic_utility(case["coin"], case["labor"], case["eta"], case["coef"]), case["u"]
        )
        for case in cases["utilities"]["isoelastic"]
    ]


def _schedule_errors(cases: Any) -> list[float]:
    caps = [
        relative_error(
            cap_on_rates(case["completions"], case["warmup"], case["slope"], case["final"]), case["limit"]
        )
        for case in cases["annealing"]["limit"]
    ]
    weights = [
        relative_error(labour_weight(case["integrator"], case["const"]), case["weight"])
        for case in cases["energy_warmup"]
    ]
    return caps + weights


def _saez_errors(cases: Any) -> list[float]:
    entries = cases["saez"]["entries"]
    data = {one["name"]: one for one in entries if "incomes" in one}
    found = []
    for case in entries:
        if "incomes" in case:
            continue
        seen = data[case["name"]]
        ours = saez(
            Brackets.federal(),
            seen["incomes"],
            seen["marginal_rates"],
            elasticity=case["elas_prev"],
            fixed=case["fixed_elasticity"],
            weights=case["pareto_weight_type"].replace("_", "-"),
        )
        pairs = [(ours.rates, "bracket_rates"), (ours.elasticity, "elas_new")]
        if "G_bins" in case:
            pairs += [(ours.weights, "G_bins"), (ours.tails, "a_bins")]
        found.append(max(relative_error(value, case[name]) for value, name in pairs))
    return found


def _one_step_errors(cases: Any) -> list[float]:
    found = []
    for case in cases["one_step"]["cases"]:
        brackets, reference = Brackets(tuple(case["cutoffs"])), case["reference"]
        economy = OneStepEconomy(tuple(case["skills"]), brackets, case["labor_cost"], case["labor_exponent"])
        ours = outcome(economy, case["rates"])
        other = outcome(economy.judged_by("eq*prod"), case["rates"])
        pairs = (
            (ours.coin, reference["coin"]),
            (ours.income, reference["pretax"]),
            (ours.paid, reference["tax_paid"]),
            (ours.utility, reference["utility"]),
            (ours.welfare, reference["planner_reward"]),
            (other.welfare, reference["eq_prod"]),
            (ours.labour, case["best_response_labour"]),
        )
        found.append(max(relative_error(value, wanted) for value, wanted in pairs))
    return found


_BLOCKS: Mapping[str, Callable[[Any], list[float]]] = {
    "tax days": _tax_errors,
    "social metrics": _metric_errors,
    "isoelastic utility": _utility_errors,
    "caps on rates and weights of labour": _schedule_errors,
    "Saez formula": _saez_errors,
    "one-step economy": _one_step_errors,
}
