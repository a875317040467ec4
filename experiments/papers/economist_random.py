"""Random play in gather-trade-build against statistics of the reference implementation.

The statistics are stored with the tests of a checkout (`tests/data/economist_cases.json`); without them the claim is not measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.economy_episodes import played_out
from experiments.papers.economist_rules import reference_cases
from experiments.papers.tabular_runs import Progress, at_most
from games.policy import random_policy
from games.sims.economy import make
from games.sims.economy_facts import EconomyFacts, economy_facts

Array = npt.NDArray[Any]
EPISODES = 100
NAMES = {
    "prod": "productivity",
    "eq": "equality",
    "eqprod": "equality times productivity",
    "builds": "houses",
    "trades": "trades",
    "labor": "labour",
    "ret_agents": "return of a worker",
    "taxes": "taxes",
    "coin_rank": "coin by skill",
    "labor_rank": "labour by skill",
    "builds_rank": "houses by skill",
}
"""What is compared: the reference's names and ours."""


def random_play(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """Means of 100 episodes of uniformly random legal actions, in standard errors from those of the reference."""
    told = reference_cases()["random_play"]
    measured, criteria = {}, []
    for tax in ("free", "federal"):
        facts, returns = random_episodes(tax, seed + np.arange(EPISODES, dtype=np.uint64))
        means = {name: value.mean(axis=0) for name, value in statistics(facts, returns).items()}
        away = {
            NAMES[name]: distance(mean, told[tax][name], told["episodes"], EPISODES)
            for name, mean in means.items()
            if np.all(told[tax][name]["sd"])  # nobody pays taxes where there are none
        }
        progress(1.0 if tax == "federal" else 0.5, f"{EPISODES} episodes, {tax}")
        measured[tax] = {
            "means": {NAMES[name]: mean.tolist() for name, mean in means.items()},
            "standard errors from the reference": away,
        }
        criteria += [
            at_most(f"{tax}, {name}: standard errors away", value, 4.0) for name, value in away.items()
        ]
    return {"measured": measured, "criteria": criteria}


def distance(mean: Any, told: Mapping[str, Any], few: int, many: int) -> float:
    """How many standard errors a mean of `many` episodes is from that of `few`, whose deviation is known."""
    error = np.array(told["sd"]) * np.sqrt(1 / few + 1 / many)
    return float((np.abs(np.array(mean) - told["mean"]) / error).max())


def random_episodes(tax: str, seeds: Array) -> tuple[EconomyFacts, Array]:
    """Whole episodes of uniformly random legal actions in the economy of standard size: what came of them, and float64[B, n] returns."""
    env = make("gather-trade-build", {"tax": tax})
    results, facts = played_out(env, random_policy(env.spec), seeds, economy_facts)
    return facts, results.returns[:, : env.spec.groups[0].size]


def statistics(facts: EconomyFacts, returns: Array) -> dict[str, Array]:
    """What is compared, by the reference's names: float64[B], or by rank of skill float64[B, n]."""
    rank = facts.payment.argsort(axis=1)
    return {
        "prod": facts.productivity,
        "eq": facts.equality,
        "eqprod": facts.eq_times_prod,
        "builds": facts.houses.sum(axis=1),
        "trades": facts.trades,
        "labor": facts.labour.mean(axis=1),
        "ret_agents": returns.mean(axis=1),
        "taxes": facts.taxes_paid.sum(axis=1),
        "coin_rank": np.take_along_axis(facts.coin, rank, axis=1),
        "labor_rank": np.take_along_axis(facts.labour, rank, axis=1),
        "builds_rank": np.take_along_axis(facts.houses, rank, axis=1),
    }
