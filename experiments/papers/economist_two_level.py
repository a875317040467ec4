"""The claim on the AI Economist that planner and workers learn together in the one-step economy: B of the specification.

A schedule is judged by its welfare when workers answer best, exactly; workers by what they lose against best responses; never by
what either was worth in training. Both play greedily wherever they are judged; what workers who draw lose is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.papers import economist_arms as arms
from experiments.papers import economist_play as play
from experiments.papers.arms import share_of, trained
from experiments.papers.claims import Claim, Criterion, Found, Order, Progress
from experiments.papers.economist_tabular import economies
from experiments.papers.samples import sample
from games.sims.economy_schedules import all_schedules, random_schedules
from solvers.taxation_certificate import certify_taxes

if TYPE_CHECKING:
    from experiments.training.runs import Run
    from games.policy import Policy
    from games.sims.simulation import Simulation

TOGETHER, REGRET, ABOVE_FLAT = 0.99, 0.05, 0.02
"""Least welfare as a share of the optimum's, most regret of workers relative to what working gains, gain over the best flat rate."""
MOST = 0.8
"""On which share of seeds each must be met."""
FIRST, WITHOUT = "both phases", "without the first phase"
Row = dict[str, Any]
"""Of a seed: "rates", "welfare" under best responses, regrets."""


def two_level(claim: Claim, order: Order, progress: Progress) -> Found:
    """B: workers learn too; and what comes of it without the first phase."""
    effort = claim.budget(order.quick)
    given = {
        FIRST: arms.two_level(effort),
        WITHOUT: arms.two_level(effort, first_phase=False),
    }
    weights = {FIRST: effort["seeds"], WITHOUT: effort["without_seeds"]}
    runs: dict[str, Run] = {}
    rows: dict[str, list[Row]] = {}
    done = 0
    for name, arm in given.items():
        part = share_of(progress, done / sum(weights.values()), weights[name] / sum(weights.values()))
        runs[name] = trained(arm, order, share_of(part, 0.0, 0.9))
        rows[name] = pairs(runs[name], effort, order.seed, share_of(part, 0.9, 0.1))
        done += weights[name]
    economy = economies()["OSE-100/3br"]
    known = play.systems(economy)
    measured: dict[str, Any] = {"systems": play.told_systems(known)}
    measured |= {name: {**told(found), "seeds": found} for name, found in rows.items()}
    from experiments.papers import economist_figures as figures

    schedules = figures.schedules_figure(economy, [row["rates"] for row in rows[FIRST]], known)
    curves = {name: figures.welfare_curves(run) for name, run in runs.items()}
    begins, own = effort["alone"] * arms.BATCH, "welfare of the greedy schedule with its own workers"
    welfare = figures.curves_figure(curves, known, begins, own)
    pictures = (
        figures.write(order, f"{claim.key}-schedules", schedules),
        figures.write(order, f"{claim.key}-welfare", welfare),
    )
    criteria = judge_two_level(rows[FIRST], known["optimum"].welfare, known["best flat"].welfare)
    return Found(measured, criteria, pictures)


def pairs(run: Run, effort: Mapping[str, Any], seed: int, progress: Progress) -> list[Row]:
    """What every seed's planner and workers ended with, and how far each is from equilibrium."""
    from experiments.training.runs import LAST, team_of

    rows, env = [], None
    for k, number in enumerate(run.seeds):
        seats = {}
        for greedy in (True, False):
            _, env, _, found = team_of(run, run.folder(number) / LAST, greedy=greedy, env=env)
            team: Any = found
            seats[greedy] = [policy for _, _, policy in team.seats]
        simulation: Any = env
        rows.append(pair(simulation, seats[True][0], seats[True][1], seats[False][0], effort, seed))
        progress((k + 1) / len(run.seeds), f"seed {number} judged")
    return rows


def pair(
    env: Simulation,
    workers: Policy,
    planner: Policy,
    drawing: Policy,
    effort: Mapping[str, Any],
    seed: int,
) -> Row:
    """A planner and workers judged exactly.

    Parameters
    ----------
    env : Simulation
        A one-step economy.
    workers, planner, drawing : Policy
        Both greedy; and workers who draw.
    effort : mapping
        ``schedules``: how many random ones workers answer; ``deviations``: how many a planner is compared with that knows
        how these workers answer, all of the grid if 0.
    seed : int
        Of those schedules.
    """
    economy = play.economy_of(env)
    facts = play.played(env, workers, planner, 1, seed)
    rates, labour = facts["rates"][0], np.searchsorted(economy.hours, facts["hours"][0])
    asked = random_schedules(economy, effort["schedules"], seed)
    tried = all_schedules(economy)
    if effort["deviations"]:
        tried = tried[np.random.default_rng(seed).permutation(len(tried))[: effort["deviations"]]]
    judged = certify_taxes(economy, rates, labour, answers=(tried, play.answers(env, workers, tried)))
    return {
        "rates": rates.tolist(),
        "welfare": judged.ideal,
        "welfare with its own workers": judged.welfare,
        "regret on random schedules": play.regret_on(economy, asked, play.answers(env, workers, asked)),
        "the same, workers drawing": play.regret_on(economy, asked, play.answers(env, drawing, asked)),
        "regret under its schedule": {
            "relative": judged.relative,
            "coin per worker": float(judged.regret.mean()),
            "largest": judged.max_regret,
            "of each worker": judged.regret.tolist(),
        },
        "planner's regret": {
            "workers answering best": judged.planner_regret,
            "workers answering as they do": judged.answered_regret,
            "schedules it is compared with": len(tried),
        },
    }


def told(rows: Sequence[Row]) -> dict[str, Any]:
    """Means over seeds."""
    return {
        "welfare": sample([row["welfare"] for row in rows]),
        "relative regret on random schedules": sample(
            [row["regret on random schedules"]["relative"] for row in rows]
        ),
        "relative regret under the learned schedule": sample(
            [row["regret under its schedule"]["relative"] for row in rows]
        ),
    }


def judge_two_level(rows: Sequence[Row], best: float, flat: float) -> tuple[Criterion, ...]:
    """B: welfare, the workers' regret and the best flat rate, each on 4 of 5 seeds."""
    wanted = int(np.ceil(MOST * len(rows) - 1e-9))
    regrets = [row["regret on random schedules"]["relative"] for row in rows]
    values = [row["welfare"] for row in rows]
    least, above = TOGETHER * best, (1 + ABOVE_FLAT) * flat
    seeds = f"on at least {wanted} of {len(rows)} seeds"

    def enough(text: str, found: Sequence[float], met: Callable[[float], bool]) -> Criterion:
        return Criterion(f"{text}, {seeds}", list(found), sum(map(met, found)) >= wanted)

    return (
        enough(
            f"welfare under best responses at least {least:.3f}, 99 % of the optimum",
            values,
            lambda v: v >= least,
        ),
        enough(
            "workers' regret on random schedules at most 0.05 of what working gains",
            regrets,
            lambda v: v <= REGRET,
        ),
        enough(f"welfare at least {above:.3f}, 2 % above the best flat rate", values, lambda v: v >= above),
    )
