"""The neural claims on MANSA, measured on level-based foraging: T3 of the study, and the paper's headline.

Teams are judged as they are at the end of training, by episodes of their own (E1 with the switch, E2 without), and by the area
under the curve of the evaluations during training. Source of the criteria: provisional values, fixed before the study was run;
the paper's figures could not be read. No figure of calls was aimed at: prices are those that were fixed beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.papers import mansa_foraging_arms as arms
from experiments.papers.arms import part_of
from experiments.papers.claims import Claim, Criterion, Found, Order, Progress
from experiments.papers.mansa_judging import (
    beside_random,
    budget_criteria,
    differences,
    headline,
    less_over_costs,
    monotone,
    no_worse,
    remark,
    share_at_most,
)
from experiments.papers.mansa_runs import Numbers
from experiments.papers.mansa_study import (
    JUDGED,
    RANDOM,
    RANDOM_SEPARATE,
    SEPARATE,
    Study,
    limit,
    price,
)

SLACK, ALONE_SLACK, FEWER = 0.05, 0.02, 0.6
"""E1 below the better component, E2 below IQL (and E1 below MAPPO where calls are saved), the largest share of calls."""
ONE_PERCENT = 0.02
"""Up to which share of calls we speak of about one percent."""


# --- T3 -------------------------------------------------------------------------------------------------------


def foraging(claim: Claim, order: Order, progress: Progress) -> Found:
    """T3: MANSA beside its two components, with a budget, at several prices, and beside random calls."""
    budget = claim.budget(order.quick)
    small = claim.key == "foraging-small"
    task = arms.SMALL if small else arms.LARGER
    study = Study(order, progress, budget["episodes"], 9 if small else 5)
    study.train("IQL", arms.iql(task, budget))
    study.train("QMIX", arms.qmix(task, budget))
    for cost in arms.COSTS if small else (arms.COST,):
        study.train(price(cost), arms.mansa(task, budget, cost))
    study.train(limit(arms.BUDGET), arms.limited(task, budget))
    study.train_random(RANDOM, JUDGED, task, budget)
    if small:
        study.train(SEPARATE, arms.mansa(task, budget, share_data=False))
        study.train_random(RANDOM_SEPARATE, SEPARATE, task, budget, share_data=False)
    criteria, measured = judge_foraging(study.rows)
    return Found({"task": task, **measured, **study.facts()}, criteria, _figures(claim, order, study))


def judge_foraging(rows: Mapping[str, Numbers]) -> tuple[tuple[Criterion, ...], dict[str, Any]]:
    """The criteria of T3 on the numbers of all arms by label; prices and separate data where they were trained."""
    pair = (SEPARATE, RANDOM_SEPARATE) if SEPARATE in rows else (JUDGED, RANDOM)
    beside = beside_random(rows[pair[0]], rows[pair[1]])
    criteria = [
        no_worse(rows, JUDGED, ("IQL", "QMIX"), SLACK),
        no_worse(rows, JUDGED, ("IQL",), ALONE_SLACK, name="return_independent"),
        share_at_most(f"{JUDGED}: share of calls in the last tenth of training", rows[JUDGED], FEWER),
    ]
    costs = [cost for cost in arms.COSTS if price(cost) in rows]
    if len(costs) > 1:
        criteria.append(less_over_costs({cost: rows[price(cost)] for cost in costs}))
    criteria += budget_criteria(limit(arms.BUDGET), rows[limit(arms.BUDGET)], arms.BUDGET)
    criteria.append(headline(beside, *pair))
    found = {
        name: beside_random(rows[one], rows[other])
        for name, one, other in (
            ("shared data", JUDGED, RANDOM),
            ("separate data", SEPARATE, RANDOM_SEPARATE),
        )
        if one in rows
    }
    measured = {
        "remark": remark(beside, pair[0]),
        "differences": differences(rows, JUDGED, ("IQL", "QMIX")),
        "minus_random": found,
    }
    return tuple(criteria), measured


def budget_sweep(claim: Claim, order: Order, progress: Progress) -> Found:
    """More calls that are allowed make no worse team, and no budget is exceeded."""
    budget = claim.budget(order.quick)
    study = Study(order, progress, budget["episodes"], len(arms.BUDGETS))
    for calls in arms.BUDGETS:
        study.train(limit(calls), arms.limited(arms.SMALL, budget, calls))
    criteria = judge_budgets(study.rows)
    return Found({"task": arms.SMALL, **study.facts()}, criteria, _figures(claim, order, study))


def judge_budgets(rows: Mapping[str, Numbers]) -> tuple[Criterion, ...]:
    """The criteria of the sweep."""
    criteria = monotone({limit(calls): rows[limit(calls)] for calls in arms.BUDGETS}, SLACK)
    for calls in arms.BUDGETS:
        criteria += budget_criteria(limit(calls), rows[limit(calls)], calls)
    return tuple(criteria)


# --- the benchmark's tasks ------------------------------------------------------------------------------------


def tasks(claim: Claim, order: Order, progress: Progress) -> Found:
    """MANSA beside its components on the tasks of the benchmark."""
    from experiments.papers.mansa_figures import tasks_figures

    budget = claim.budget(order.quick)
    count = len(budget["tasks"])
    measured: dict[str, Any] = {}
    criteria: list[Criterion] = []
    studies: dict[str, Study] = {}
    for k, task in enumerate(budget["tasks"]):
        study = studies[task] = Study(order, part_of(progress, k, count), budget["episodes"], 4)
        study.train("IPPO", arms.alone(task, "ippo", budget))
        study.train("MAPPO", arms.alone(task, "mappo", budget))
        study.train(JUDGED, arms.on_policy(task, budget))
        study.train_random(RANDOM, JUDGED, task, budget, arms.on_policy_random)
        criteria.append(no_worse(study.rows, JUDGED, ("IPPO", "MAPPO"), SLACK, where=f"{task}, "))
        measured[task] = judge_task(study.rows) | study.facts()
    runs = {task: study.runs for task, study in studies.items()}
    rows = {task: study.rows for task, study in studies.items()}
    figures = tasks_figures(order, claim.key, runs, rows)
    return Found({"tasks": measured}, tuple(criteria), figures)


def judge_task(rows: Mapping[str, Numbers]) -> dict[str, Any]:
    """What is told of a task beside its criterion."""
    beside = beside_random(rows[JUDGED], rows[RANDOM])
    central = float(np.mean(rows[JUDGED]["samples_central"]))
    return {
        "remark": remark(beside, JUDGED),
        "differences": differences(rows, JUDGED, ("IPPO", "MAPPO")),
        "minus_random": beside,
        "central_samples_over_mappo": central / max(float(np.mean(rows["MAPPO"]["samples"])), 1.0),
    }


def _each_task(
    claim: Claim, order: Order, progress: Progress, *, beside: bool
) -> tuple[dict[str, dict[str, Numbers]], dict[str, Any]]:
    """MANSA, and MAPPO if wanted, on all tasks: numbers by task and label, and which runs they are."""
    budget = claim.budget(order.quick)
    rows: dict[str, dict[str, Numbers]] = {}
    facts: dict[str, Any] = {}
    for k, task in enumerate(budget["tasks"]):
        study = Study(order, part_of(progress, k, len(budget["tasks"])), budget["episodes"], 1 + beside)
        if beside:
            study.train("MAPPO", arms.alone(task, "mappo", budget))
        study.train(JUDGED, arms.on_policy(task, budget))
        rows[task], facts[task] = study.rows, study.facts()
    return rows, {"tasks": facts}


def one_percent(claim: Claim, order: Order, progress: Progress) -> Found:
    """How often central learners are called over the tasks."""
    rows, measured = _each_task(claim, order, progress, beside=False)
    return Found(measured, judge_one_percent({task: row[JUDGED] for task, row in rows.items()}))


def judge_one_percent(rows: Mapping[str, Numbers]) -> tuple[Criterion, ...]:
    """Mean shares of calls over tasks, at the end of training and in play."""
    return tuple(
        Criterion(f"{text}, mean over tasks at most {ONE_PERCENT:g}", share, share <= ONE_PERCENT)
        for text, share in (
            (f"share of calls in {what}", float(np.mean([np.mean(row[name]) for row in rows.values()])))
            for what, name in (
                ("the last tenth of training", "calls_last_tenth"),
                ("evaluation", "calls_evaluation"),
            )
        )
    )


def forty_percent(claim: Claim, order: Order, progress: Progress) -> Found:
    """Whether two fifths of the calls are saved on every task without loss."""
    rows, measured = _each_task(claim, order, progress, beside=True)
    return Found(measured, judge_forty_percent(rows))


def judge_forty_percent(rows: Mapping[str, Mapping[str, Numbers]]) -> tuple[Criterion, ...]:
    """Calls and returns of every task."""
    criteria = []
    for task, row in rows.items():
        text = f"{task}: share of calls in training"
        criteria.append(share_at_most(text, row[JUDGED], FEWER, "calls_training"))
        criteria.append(no_worse(row, JUDGED, ("MAPPO",), ALONE_SLACK, where=f"{task}, "))
    return tuple(criteria)


def _figures(claim: Claim, order: Order, study: Study) -> tuple[str, ...]:
    from experiments.papers.mansa_figures import study_figures

    return study_figures(order, claim.key, study.runs, study.rows)


def lbforaging(claim: Claim, order: Order, progress: Progress) -> Found:
    """What was trained on ours is worth the same in the package, and MANSA trains in the package."""
    from experiments.papers.mansa_lbforaging import measured_in_package

    return measured_in_package(claim, order, progress)


FORAGING = {
    "foraging-small": foraging,
    "foraging-8x8": foraging,
    "budget-sweep": budget_sweep,
    "tasks": tasks,
    "one-percent": one_percent,
    "forty-percent": forty_percent,
    "lbforaging": lbforaging,
}
"""What measures each claim."""
