"""The claims on the AI Economist that need no learning: the rules themselves, and the one-step economy solved exactly.

Source: Zheng, Trott, Srinivasa, Parkes and Socher (2022), The AI Economist, Science Advances 8(18), and their simulation.

Every function takes `quick` (less enumeration), a seed and a progress callback, and returns `measured` (plain numbers) and `criteria`
(`text`, `value`, `passed`).

Two facts to know when reading the figures. The formula of Saez was not seen to settle in the economies with 100 workers, where
labour in whole hours jumps: rates that move a fifth of the way to the formula's, 300 times from 0.3 on, are what is told, with how far
the formula still is from them. And with seven brackets the rate of the first is a refunded poll tax only where everybody earns more than
it covers, so that it is enumerated too unless `quick`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.papers.economist_auction import auctions
from experiments.papers.economist_random import random_play
from experiments.papers.economist_rules import rules
from experiments.papers.economist_trace import trace
from experiments.papers.tabular_runs import Parts, Progress, at_most, criterion
from games.sims import economy_metrics as metrics
from games.sims.economy_metrics import Welfare
from games.sims.economy_one_step_model import OneStepEconomy
from games.sims.economy_saez import estimate_elasticity
from games.sims.economy_taxes import Brackets
from solvers.taxation import (
    best_flat,
    best_responses,
    flat_closed_form,
    free_market,
    outcome,
    saez_fixed_point,
    us_federal,
)
from solvers.taxation_certificate import certify_taxes
from solvers.taxation_optimum import optimum

AIMS: tuple[Welfare, ...] = ("inverse-income", "eq*prod")
FOUR_SKILLS = (1.133164062, 1.326711234, 1.647237295, 2.22496143)


@cache
def economies() -> dict[str, OneStepEconomy]:
    """The canonical one-step economies by name."""
    three, seven = Brackets.linear(3, 120), Brackets.federal()
    return {
        "OSE-4/3br": OneStepEconomy(FOUR_SKILLS, three, cost=0.012),
        "OSE-100/3br": OneStepEconomy.quantiles(100, three),
        "OSE-100/7br": OneStepEconomy.quantiles(100, seven),
    }


KNOWN: dict[tuple[str, Welfare], dict[str, float]] = {
    ("OSE-100/3br", "inverse-income"): {
        "free market": 29.5213,
        "best flat": 33.2835,
        "Saez": 33.1625,
        "optimum": 34.5779,
    },
    ("OSE-100/3br", "eq*prod"): {
        "free market": 54.9033,
        "best flat": 54.9033,
        "Saez": 52.1956,
        "optimum": 55.4966,
    },
    ("OSE-100/7br", "inverse-income"): {
        "free market": 29.5213,
        "best flat": 33.2835,
        "US federal": 33.6135,
        "Saez": 34.1518,
        "optimum": 35.2911,
    },
    ("OSE-100/7br", "eq*prod"): {
        "free market": 54.9033,
        "best flat": 54.9033,
        "US federal": 50.0228,
        "Saez": 50.3011,
        "optimum": 56.1814,
    },
    ("OSE-4/3br", "inverse-income"): {
        "free market": 43.3852,
        "best flat": 47.0571,
        "Saez": 45.5654,
        "optimum": 51.9312,
    },
}
"""Welfare to four digits, by another program."""


# --- the one-step economy, exactly ----------------------------------------------------------------------------


def optima(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """Welfare of every tax system and the optimum of the grid in the canonical economies, workers answering best."""
    parts = Parts(progress, len(KNOWN))
    measured: dict[str, Any] = {}
    criteria = []
    for (name, aim), known in KNOWN.items():
        told = parts(f"{name}, {aim}")
        economy = economies()[name].judged_by(aim)
        facts = _systems(economy, quick, told)
        measured[f"{name}, {aim}"] = facts
        for system, value in known.items():
            error = abs(facts[system]["welfare"] - value)
            criteria.append(at_most(f"{name}, {aim}, {system}: |welfare - {value:g}|", error, 6e-5))
    for aim in AIMS:
        facts = measured[f"OSE-100/7br, {aim}"]
        others = max(facts[system]["welfare"] for system in facts if system != "optimum")
        text = f"OSE-100/7br, {aim}: the optimum's welfare is above that of every other system by"
        criteria.append(
            criterion(text, facts["optimum"]["welfare"] - others, facts["optimum"]["welfare"] > others)
        )
    return {"measured": measured, "criteria": criteria}


def _systems(economy: OneStepEconomy, quick: bool, progress: Progress) -> dict[str, Any]:
    """Rates, welfare and regret of each system: by how much its planner falls short of the optimum."""
    seven = economy.brackets.count == 7
    best = optimum(economy, fixed={0: 0.0} if seven and quick else None, progress=progress)
    formula = saez_fixed_point(economy)
    schedules: dict[str, npt.NDArray[Any]] = {
        "free market": free_market(economy).rates,
        "best flat": best_flat(economy).rates,
        "Saez": formula.rates,
        "optimum": best.rates,
    }
    if seven:
        schedules["US federal"] = us_federal(economy).rates
    facts: dict[str, Any] = {}
    for system, rates in schedules.items():
        found = outcome(economy, rates)
        judged = certify_taxes(economy, rates, found.labour, against=best.rates[None])
        facts[system] = {
            "rates": rates.tolist(),
            "welfare": found.welfare,
            "planner's regret": judged.planner_regret,
            "largest regret of a worker": judged.max_regret,
            "coin per head": float(found.coin.mean()),
            "equality": metrics.equality(found.coin),
        }
    facts["Saez"] |= {"turns": formula.iterations, "formula is away by": formula.residual}
    facts["optimum"] |= {
        "schedules": best.schedules,
        "brackets whose rate makes no difference": list(best.loose),
    }
    return facts


def flat_rate(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """D, the exact part: the best flat rate, in closed form with and without the own share, and enumerated."""
    measured, criteria = {}, []
    for name, values in (
        ("OSE-100/3br", (0.25344, 33.27309, 0.24965)),
        ("OSE-4/3br", (0.28688, 46.99214, 0.18082)),
    ):
        economy = economies()[name]
        rate, worth = flat_closed_form(economy)
        alone, _ = flat_closed_form(economy, own_share=False)
        grid = best_flat(economy)
        fine = best_flat(economy, np.linspace(0.0, 1.0, 101))
        measured[name] = {
            "closed form": {"rate": rate, "welfare": worth, "rate without the own share": alone},
            "grid of 0.05": {"rate": float(grid.rates[0]), "welfare": grid.welfare},
            "grid of 0.01": {"rate": float(fine.rates[0]), "welfare": fine.welfare},
        }
        for text, value, wanted in zip(
            ("rate", "welfare", "rate without the own share"), (rate, worth, alone), values
        ):
            criteria.append(
                at_most(f"{name}: |{text} in closed form - {wanted:g}|", abs(value - wanted), 1e-5)
            )
    found = measured["OSE-100/3br"]["grid of 0.05"]["rate"]
    criteria.append(
        criterion("OSE-100: best flat rate of the grid in [0.20, 0.30]", found, 0.2 <= found <= 0.3)
    )
    progress(1.0, "closed forms and grids")
    return {"measured": measured, "criteria": criteria}


def elasticity(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """E: the elasticity of income that the Saez baseline estimates from random flat rates; theory says 1 / (delta - 1) = 1.

    Near a rate of 1 the own share keeps workers at work, which pulls estimates down: so it is asked of rates up to 0.9, and of
    the memory of 500 pairs that the baseline has, in the middle of many memories. The rest is told.
    """
    economy, count = economies()["OSE-100/3br"], 500 if quick else 20_000
    brackets, rng = economy.brackets.count, np.random.default_rng([seed, 5])

    def estimate(schedules: npt.NDArray[Any]) -> float:
        income = economy.wages * economy.hours[best_responses(economy, schedules)]
        rates = [economy.brackets.marginal(z, s) for z, s in zip(income, schedules)]
        return estimate_elasticity(income.ravel(), np.ravel(rates))

    def flat(rates: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.repeat(rates[:, None], brackets, axis=1)

    years = 500 // economy.size
    memories = [estimate(flat(rng.random(years))) for _ in range(count // 5)]
    middle = float(np.median(memories))
    progress(0.4, "memories of 500 pairs")
    low = estimate(flat(0.9 * rng.random(count)))
    progress(0.6, "flat rates up to 0.9")
    measured = {
        "schedules": count,
        "memories": len(memories),
        "memories of 500 pairs, flat rates from 0 to 1": {
            "median": middle,
            "quantiles 0.1 and 0.9": np.quantile(memories, [0.1, 0.9]).tolist(),
        },
        "flat rates from 0 to 0.9": low,
        "flat rates from 0 to 1": estimate(flat(rng.random(count))),
        "a rate per bracket from 0 to 0.9": estimate(0.9 * rng.random((count, brackets))),
        "a rate per bracket from 0 to 1": estimate(rng.random((count, brackets))),
    }
    progress(1.0, "rates per bracket")
    return {
        "measured": measured,
        "criteria": [
            criterion(f"{what}: elasticity in [0.90, 1.05]", value, 0.9 <= value <= 1.05)
            for what, value in (("flat rates from 0 to 0.9", low), ("median memory of 500 pairs", middle))
        ],
    }


TABULAR: dict[str, Callable[[bool, int, Progress], dict[str, Any]]] = {
    "rules": rules,
    "trace": trace,
    "auction": auctions,
    "random-play": random_play,
    "optima": optima,
    "flat-rate": flat_rate,
    "elasticity": elasticity,
}
"""The claims by their key: `f(quick, seed, progress)`."""
