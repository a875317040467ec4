"""Claims on the AI Economist in gather-trade-build: the village of section 6.4 of the specification, small enough for two cores.

Workers learn alone until they gather, trade and build. The same workers then live on under every tax system, equally long and still
learning, and society is judged by episodes of its own, with actions drawn, at the end. No checkpoint is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.papers import economist_village_arms as arms
from experiments.papers import economist_village_play as play
from experiments.papers.arms import part_of, trained
from experiments.papers.claims import Claim, Criterion, Found, Order, Progress
from experiments.papers.samples import sample
from games.sims.economy_taxes import SOME_COIN

if TYPE_CHECKING:
    from experiments.training.runs import Run

TIMES_RANDOM, CORRELATION = 3.0, 0.5
"""How many times the houses and the coin of random play there must be, and the least rank correlation of skill and houses."""
LESS_WORK = 0.9
"""Productivity under a flat rate of 0.50 as a share of the free market's: at most."""
GAIN, BEST_FLAT, ENOUGH = 1.10, 0.97, 0.5
"""Least eq*prod of the planner relative to free market and US federal, to the best flat rate, and productivity to the free market's."""
OVERNIGHT = (0.0, 0.5, 1.0)
"""Flat rates that the planner's workers meet for the first time."""
JUDGED = 1_000_003
"""Added to the seed: episodes that judge are none of those that trained."""
Rows = list[play.Row]


def first_phase(claim: Claim, order: Order, progress: Progress) -> Found:
    """Sanity: workers who learned alone gather, build, specialise and trade."""
    effort = claim.budget(order.quick)
    run = trained(arms.first_phase(effort), order, progress)
    uri = f"{arms.URI}&tax=free"
    chance = order.seed + JUDGED
    rows = [
        play.row_of(*play.trained_facts(run, seed, effort["episodes"], chance, uri)) for seed in run.seeds
    ]
    random = play.row_of(*play.random_facts(uri, effort["episodes"], chance))
    measured = {"workers at full labour cost": told(rows), "random play": random, "seeds": rows}
    return Found(measured, judge_first_phase(rows, random))


def responses(claim: Claim, order: Order, progress: Progress) -> Found:
    """Behaviour: workers answer to taxes."""
    runs = systems(claim, order, progress, (arms.FREE, *arms.FLAT.values()))
    rows = judged(runs, claim.budget(order.quick), order.seed)
    return Found({name: told(found) for name, found in rows.items()}, judge_responses(rows))


def planner(claim: Claim, order: Order, progress: Progress) -> Found:
    """The planner beside all other systems."""
    effort = claim.budget(order.quick)
    runs = systems(claim, order, progress, tuple(arms.SYSTEMS))
    rows = judged(runs, effort, order.seed)
    measured: dict[str, Any] = {name: {**told(found), "seeds": found} for name, found in rows.items()}
    measured["eq*prod of the planner over that of"] = {
        name: sample(ratios(rows, "eq*prod", name))
        for name in rows
        if name != arms.PLANNER and min(row["eq*prod"] for row in rows[name]) > SOME_COIN
    }
    measured["productivity of the planner's workers, a flat rate from one day to the next"] = {
        f"{rate:g}": sample(overnight(runs[arms.PLANNER], rate, effort, order.seed)) for rate in OVERNIGHT
    }
    return Found(measured, judge_planner(rows), pictures(claim, order, rows))


def systems(claim: Claim, order: Order, progress: Progress, names: Sequence[str]) -> dict[str, Run]:
    """The runs of tax systems, begun by the same workers."""
    effort, parts = claim.budget(order.quick), len(names) + 1
    start = trained(arms.first_phase(effort), order, part_of(progress, 0, parts)).path
    return {
        name: trained(arms.system(name, effort, start), order, part_of(progress, k + 1, parts))
        for k, name in enumerate(names)
    }


def judged(runs: Mapping[str, Run], effort: Mapping[str, Any], seed: int) -> dict[str, Rows]:
    """What society comes to, a row per training seed; the same episodes for all."""
    count, chance = effort["episodes"], seed + JUDGED
    return {
        name: [play.row_of(*play.trained_facts(run, number, count, chance)) for number in run.seeds]
        for name, run in runs.items()
    }


def overnight(run: Run, rate: float, effort: Mapping[str, Any], seed: int) -> list[float]:
    """Productivity if the rates that workers know give way to a flat one: whether they answer to what they see."""
    uri, chance = f"{arms.URI}&tax=flat&rate={rate:g}", seed + JUDGED
    facts = [play.trained_facts(run, number, effort["episodes"], chance, uri)[0] for number in run.seeds]
    return [float(one.productivity.mean()) for one in facts]


def told(rows: Rows) -> dict[str, Any]:
    """Means over seeds with their intervals."""
    return {
        name: sample([row[name] for row in rows])
        for name, value in rows[0].items()
        if isinstance(value, float)
    }


def ratios(rows: Mapping[str, Rows], what: str, other: str) -> list[float]:
    """The planner's number over that of another system, seed by seed: both began with the same workers."""
    return [
        one[what] / max(two[what], SOME_COIN)
        for one, two in zip(rows[arms.PLANNER], rows[other], strict=True)
    ]


def judge_first_phase(rows: Rows, random: play.Row) -> tuple[Criterion, ...]:
    """The sanity gates, in the mean over seeds."""

    def mean(what: str) -> float:
        return float(np.mean([row[what] for row in rows]))

    out = [
        Criterion(
            "mean return of a worker, labour at full cost, > 0",
            value := mean("mean return of workers"),
            value > 0,
        )
    ]
    for what in ("houses", "productivity"):
        times = mean(what) / max(random[what], SOME_COIN)
        out.append(
            Criterion(f"{what} over those of random play >= {TIMES_RANDOM:g}", times, times >= TIMES_RANDOM)
        )
    value = mean("rank correlation of skill and houses")
    out.append(
        Criterion(f"rank correlation of skill and houses > {CORRELATION:g}", value, value > CORRELATION)
    )
    sold = np.array([_sold_by_the_least_skilled(row) for row in rows]).mean(axis=0)
    most = float(sold.max())
    out.append(
        Criterion(
            "units sold less units bought, of one of the two least skilled workers, > 0", most, most > 0
        )
    )
    value = mean("trades")
    out.append(Criterion("trades in an episode > 0", value, value > 0))
    return tuple(out)


def _sold_by_the_least_skilled(row: play.Row) -> list[float]:
    sales = row["by skill"]
    return [sales["net sales of stone"][k] + sales["net sales of wood"][k] for k in (0, 1)]


def judge_responses(rows: Mapping[str, Rows]) -> tuple[Criterion, ...]:
    """The behaviour gate."""
    half, free = ([row["productivity"] for row in rows[name]] for name in (arms.FLAT[0.5], arms.FREE))
    share = float(np.mean(half) / np.mean(free))
    text = f"productivity under a flat rate of 0.50 over that of the free market <= {LESS_WORK:g}"
    return (Criterion(text, share, share <= LESS_WORK),)


def judge_planner(rows: Mapping[str, Rows]) -> tuple[Criterion, ...]:
    """The planner gates."""
    out = list(judge_responses(rows))
    for other in (arms.FREE, arms.FEDERAL):
        found = sample(ratios(rows, "eq*prod", other))
        out.append(
            Criterion(f"eq*prod over that of {other} >= {GAIN:.2f}", found["mean"], found["mean"] >= GAIN)
        )
        if found["low"] is not None:
            text = f"lower end of its 95 % interval, {other}, > 1"
            out.append(Criterion(text, found["low"], found["low"] > 1.0))
    flat = max(arms.FLAT.values(), key=lambda name: np.mean([row["eq*prod"] for row in rows[name]]))
    value = float(np.mean(ratios(rows, "eq*prod", flat)))
    out.append(
        Criterion(
            f"eq*prod over that of the best flat rate ({flat}) >= {BEST_FLAT:g}", value, value >= BEST_FLAT
        )
    )
    value = float(np.mean(ratios(rows, "productivity", arms.FREE)))
    out.append(Criterion(f"productivity over that of the free market >= {ENOUGH:g}", value, value >= ENOUGH))
    caps = [(min(row["rates"]), max(row["rates"])) for row in rows[arms.PLANNER]]
    inside = all(high > 0.05 and low < 0.95 for low, high in caps)
    out.append(
        Criterion(
            "rates of a seed are not all near 0, nor all near the cap", "yes" if inside else "no", inside
        )
    )
    return tuple(out)


def pictures(claim: Claim, order: Order, rows: Mapping[str, Rows]) -> tuple[str, ...]:
    """Equality against productivity, schedules, and incomes before and after the planner's taxes."""
    from experiments.economy_plots import incomes_figure, rates_figure, systems_figure
    from experiments.papers.economist_figures import write
    from games.sims.economy_parameters import read_parameters

    points = {
        name: ([row["equality"] for row in found], [row["productivity"] for row in found])
        for name, found in rows.items()
    }
    schedules = {
        name: [row["rates"] for row in rows[name]] for name in (arms.PLANNER, arms.FEDERAL, arms.SAEZ)
    }
    cutoffs = read_parameters({"size": "small"}).tax_brackets.cutoffs
    workers = [row["by skill"] for row in rows[arms.PLANNER]]
    before, after = ([worker[name] for worker in workers] for name in ("income", "income after taxes"))
    names = [f"{payment:.3g} a house" for payment in workers[0]["payment"]]
    return (
        write(order, f"{claim.key}-systems", systems_figure(points)),
        write(order, f"{claim.key}-rates", rates_figure(schedules, cutoffs)),
        write(order, f"{claim.key}-incomes", incomes_figure(before, after, names)),
    )
