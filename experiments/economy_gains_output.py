"""Regrets of a one-step economy's workers and planner, as a JSON document and for people."""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.economy_gains import PlannerGain, TaxGains
from experiments.intervals import bootstrap_interval
from experiments.play_output import ROWS, number

DEVIATIONS = (
    "each worker to its best labour under the schedule, the planner to another schedule of its grid: if workers answer best to "
    "any, and if they answer as they do"
)


def tax_document(gains: TaxGains, seed: int = 0) -> dict[str, Any]:
    """What `evaluate --json` says about it; intervals are over episodes, and None where nothing is drawn."""
    bounds = bootstrap_interval(gains.regret, np.random.default_rng([seed, *b"gains"]))
    return {
        "bound": "exact",
        "behind": "one-step economy",
        "deviations": DEVIATIONS,
        "episodes": len(gains.regret),
        "drawn": gains.drawn,
        "workers": {
            "agents": gains.agents,
            "regret": gains.regret.mean(axis=0),
            "interval": bounds if gains.drawn else None,
            "relative": gains.relative,
        },
        "planner": None if gains.planner is None else _planner_document(gains.planner),
    }


def _planner_document(planner: PlannerGain) -> dict[str, Any]:
    return {
        "rates": planner.rates,
        "welfare": planner.welfare,
        "answers_best": {
            "welfare": planner.ideal,
            "best_rates": planner.best_rates,
            "best_welfare": planner.best_welfare,
            "regret": planner.regret,
            "bound": planner.bound,
        },
        "answers_as_they_do": {
            "best_rates": planner.answered_rates,
            "best_welfare": planner.answered_welfare,
            "regret": planner.answered_regret,
            "bound": planner.answered_bound,
            "schedules": planner.tried,
        },
    }


def show_tax_gains(out: Any, gains: TaxGains, of: str) -> None:
    """Print regrets: of workers in a line, of the planner in two rows."""
    drawn = f"mean of {len(gains.regret):,} episodes of drawn actions" if gains.drawn else "of what is played"
    out.print(f"[bold]Gain from deviating{of}[/]  [dim]exact, from the one-step economy, {drawn}[/]")
    means = gains.regret.mean(axis=0)
    told = ", ".join(number(one) for one in means[:ROWS]) + (", ..." if len(means) > ROWS else "")
    out.print(f"Workers, by their best labour under the schedule: {told} coin")
    out.print(
        f"[dim]the largest {number(float(means.max()))}; all together {100 * gains.relative:.3g} % of what working best gains over "
        "not working[/]"
    )
    if gains.planner is None:
        out.print("[dim]the planner: rates are not its to set, or it is paid for something else[/]")
        return
    _show_planner(out, gains.planner)


def _show_planner(out: Any, planner: PlannerGain) -> None:
    from experiments.tables import simple_table

    table = simple_table("Planner, if workers", "Welfare", "Best", "Gain", "Best rates", right=(1, 2, 3))
    rows = (
        (
            "answer best",
            planner.ideal,
            planner.best_welfare,
            planner.regret,
            planner.best_rates,
            planner.bound,
        ),
        (
            "answer as they do",
            planner.welfare,
            planner.answered_welfare,
            planner.answered_regret,
            planner.answered_rates,
            planner.answered_bound,
        ),
    )
    for name, own, best, gain, rates, bound in rows:
        least = "" if bound == "exact" else "at least "
        listed = ", ".join(f"{rate:.2f}" for rate in rates[:10]) + (", ..." if len(rates) > 10 else "")
        table.add_row(name, number(own), number(best), least + number(gain), listed)
    out.print(table)
    if planner.answered_bound == "lower":
        out.print(f"[dim]the best of {planner.tried:,} schedules that workers were asked about[/]")
