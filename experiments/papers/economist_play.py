"""What planners and workers of the one-step economy do: the schedule a planner sets, what workers answer to any schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.economy_episodes import played_out
from games.economy_policies import Announced
from games.policy import Independent, Policy
from games.sims.economy_one_step_facts import one_step_facts
from games.sims.economy_one_step_model import OneStepEconomy
from games.sims.economy_taxes import US_FEDERAL
from games.sims.simulation import Simulation
from games.streams import draw_seeds
from solvers.taxation import TaxOutcome, best_flat, free_market, outcome, saez_fixed_point, us_federal
from solvers.taxation_certificate import worker_regrets
from solvers.taxation_optimum import optimum

Array = npt.NDArray[Any]
AT_ONCE = 256
"""Schedules that are answered at a time."""


def played(env: Simulation, workers: Policy, planner: Policy, episodes: int, seed: int) -> dict[str, Array]:
    """What came of episodes that are played at once; see `games.sims.economy_one_step_facts`."""
    team = Independent(env.spec, {"workers": workers, "planner": planner})
    seeds = draw_seeds(np.random.default_rng(seed), episodes)
    return played_out(env, team, seeds, one_step_facts)[1]


def answers(env: Simulation, workers: Policy, schedules: Array, seed: int = 0) -> Array:
    """Levels of labour int[S, n] that workers choose under schedules float64[S, K] of the planner's grid."""
    economy, parts = economy_of(env), []
    for start in range(0, len(schedules), AT_ONCE):
        part = schedules[start : start + AT_ONCE]
        facts = played(env, workers, Announced(part), len(part), seed + start)
        parts.append(np.searchsorted(economy.hours, facts["hours"]))
    return np.concatenate(parts)


def economy_of(env: Simulation) -> OneStepEconomy:
    """The economy that an environment simulates."""
    rules: Any = env.rules
    economy: OneStepEconomy = rules.economy
    return economy


def regret_on(economy: OneStepEconomy, schedules: Array, labour: Array) -> dict[str, float]:
    """What workers lose by not answering best to schedules, as a share of what answering best gains over not working."""
    lost, gained = worker_regrets(economy, schedules, labour)
    return {
        "relative": float(lost.sum() / gained.sum()),
        "coin per worker": float(lost.mean()),
        "largest": float(lost.max()),
    }


def systems(economy: OneStepEconomy) -> dict[str, TaxOutcome]:
    """Known schedules, workers answering best: the optimum of the grid, Saez' (as far as it settles), best flat, free market.

    With the seven brackets of the United States the federal one is among them, and the optimum is enumerated with the first rate at
    0: there it is a refunded poll tax.
    """
    seven = economy.brackets.count == len(US_FEDERAL)
    out = {
        "optimum": outcome(economy, optimum(economy, fixed={0: 0.0} if seven else None).rates),
        "Saez": outcome(economy, saez_fixed_point(economy).rates),
    }
    if seven:
        out["US federal"] = us_federal(economy)
    return out | {"best flat": best_flat(economy), "free market": free_market(economy)}


def told_systems(known: Mapping[str, TaxOutcome]) -> dict[str, Any]:
    """Schedules and their welfare as plain data."""
    return {name: {"rates": one.rates.tolist(), "welfare": one.welfare} for name, one in known.items()}


def between(rates: Mapping[int, tuple[float, float]], schedule: Array) -> bool:
    """Whether rates of some brackets lie in closed intervals, up to rounding."""
    return all(low - 1e-9 <= schedule[k] <= high + 1e-9 for k, (low, high) in rates.items())
