"""Claims on the AI Economist that are learned by a planner alone, whose workers answer best: A, C and D of the specification.

A schedule is judged by its welfare when workers answer best, exactly; never by what it was worth in training. The planner plays
greedily wherever it is judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.papers import economist_arms as arms
from experiments.papers import economist_play as play
from experiments.papers.arms import part_of
from experiments.papers.claims import Claim, Criterion, Found, Order, Progress
from experiments.papers.economist_tabular import economies
from solvers.taxation import best_flat, welfare

if TYPE_CHECKING:
    from experiments.learning_curves import Curve

BANDS = {0: (0.0, 0.05), 1: (0.35, 0.6), 2: (0.15, 0.3)}
"""Where the rates of three brackets are expected."""
NEAR, SEVEN = 0.995, 0.98
"""Least welfare of learned schedules as a share of the optimum's: A and C."""
FLAT = (0.2, 0.3)
"""Where the learned flat rate is expected."""
Row = dict[str, Any]
"""Of a seed: "rates", "welfare" under best responses, "episodes"."""


def best_responders(claim: Claim, order: Order, progress: Progress) -> Found:
    """A: three brackets, workers who answer best."""
    rows, curves = planners(arms.URIS["OSE-100/3br"], claim.budget(order.quick), order.seed, progress)
    known = play.systems(economies()["OSE-100/3br"])
    measured = {"systems": play.told_systems(known), "seeds": rows}
    from experiments.papers.economist_figures import curves_figure, write

    picture = write(order, f"{claim.key}-welfare", curves_figure({"planner alone": curves}, known))
    return Found(measured, judge_alone(rows, known["optimum"].welfare), (picture,))


def seven_brackets(claim: Claim, order: Order, progress: Progress) -> Found:
    """C: the brackets of the United States."""
    rows, curves = planners(arms.URIS["OSE-100/7br"], claim.budget(order.quick), order.seed, progress)
    economy = economies()["OSE-100/7br"]
    known = play.systems(economy)
    measured = {
        "systems": play.told_systems(known),
        "seeds": rows,
        "rates of brackets 2 to 6": [row["rates"][1:6] for row in rows],
    }
    from experiments.papers.economist_figures import curves_figure, schedules_figure, write

    schedules = schedules_figure(economy, [row["rates"] for row in rows], known)
    pictures = (
        write(order, f"{claim.key}-schedules", schedules),
        write(order, f"{claim.key}-welfare", curves_figure({"planner alone": curves}, known)),
    )
    others = {name: known[name].welfare for name in ("Saez", "US federal", "best flat")}
    return Found(measured, judge_seven(rows, known["optimum"].welfare, others), pictures)


def learned_flat_rate(claim: Claim, order: Order, progress: Progress) -> Found:
    """D: a planner that sets a single rate."""
    rows, _ = planners(arms.URIS["OSE-100/flat"], claim.budget(order.quick), order.seed, progress)
    best = float(best_flat(economies()["OSE-100/3br"]).rates[0])
    return Found({"best of the grid": best, "seeds": rows}, judge_flat(rows))


def planners(
    uri: str, effort: Mapping[str, Any], seed: int, progress: Progress
) -> tuple[list[Row], list[Curve]]:
    """What planners learned whose workers answer best, one per seed, and the welfare of their schedules on the way."""
    rows, curves = [], []
    for k in range(effort["seeds"]):
        told = part_of(progress, k, effort["seeds"])
        row, curve = _planner(uri, effort["updates"], seed + k, told)
        rows.append(row)
        curves.append(curve)
    return rows, curves


def _planner(uri: str, updates: int, seed: int, progress: Progress) -> tuple[Row, Curve]:
    from experiments.learning_curves import Curve
    from games.against import Against
    from games.economy_policies import BestResponse
    from games.env_uris import make_env
    from games.policy import Independent, Random
    from marl.train import Plan, Trainer, Updated

    env: Any = make_env(uri)
    economy, workers = play.economy_of(env), BestResponse(env.spec)
    team = Independent(env.spec, {"workers": workers, "planner": Random(env.spec.groups[1].actions)})
    plan = Plan(steps=updates * arms.UPDATE, batch=arms.BATCH, seed=seed, episodes=2)
    trainer = Trainer(arms.planner_alone(), Against(env, team, "planner"), plan, "cpu", None)
    steps, values = [], []

    def look() -> Any:
        policy: Any = trainer.learner.policy(trainer.state, greedy=True)
        rates = play.played(env, workers, policy.seats[0][2], 1, seed)["rates"]
        steps.append(trainer.steps)
        values.append(float(welfare(economy, rates)[0]))
        return rates[0]

    rates = look()
    every = max(1, updates // arms.SHOWN)
    while trainer.steps < plan.steps:
        event: Updated = trainer.advance()
        if trainer.updates % every == 0 or trainer.steps >= plan.steps:
            rates = look()
            progress(trainer.steps / plan.steps, f"seed {seed}, {event.steps // arms.EPISODE:,} episodes")
    trainer.close()
    row = {"rates": rates.tolist(), "welfare": values[-1], "episodes": trainer.steps // arms.EPISODE}
    return row, Curve(np.array(steps) // arms.EPISODE, np.array(values))


def judge_alone(rows: Sequence[Row], best: float) -> tuple[Criterion, ...]:
    """A: welfare and rates on every seed, and the budget of episodes."""
    least, worst = NEAR * best, min(row["welfare"] for row in rows)
    inside = sum(play.between(BANDS, np.array(row["rates"])) for row in rows)
    episodes = max(row["episodes"] for row in rows)
    count = len(rows)
    return (
        Criterion(
            f"welfare of every seed at least {least:.3f}, 99.5 % of the optimum", worst, worst >= least
        ),
        Criterion(
            f"bottom rate at most 0.05, middle from 0.35 to 0.60, top from 0.15 to 0.30, on {count} of {count} seeds",
            inside,
            inside == count,
        ),
        Criterion("episodes of a seed at most 20,000", episodes, episodes <= 20_000),
    )


def judge_seven(rows: Sequence[Row], best: float, others: Mapping[str, float]) -> tuple[Criterion, ...]:
    """C: welfare on every seed, beside the optimum and beside other systems."""
    least, worst = SEVEN * best, min(row["welfare"] for row in rows)
    out = [
        Criterion(f"welfare of every seed at least {least:.3f}, 98 % of the optimum", worst, worst >= least)
    ]
    for name, value in others.items():
        out.append(
            Criterion(f"welfare of every seed above that of {name}, {value:.3f}", worst, worst > value)
        )
    return tuple(out)


def judge_flat(rows: Sequence[Row]) -> tuple[Criterion, ...]:
    """D: the rate of every seed."""
    rates = [row["rates"][0] for row in rows]
    met = all(play.between({0: FLAT}, np.array([rate])) for rate in rates)
    return (Criterion("learned flat rate from 0.20 to 0.30 on every seed", rates, met),)
