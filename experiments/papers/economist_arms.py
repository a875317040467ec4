"""What is trained for the claims on the AI Economist in the one-step economy: a planner alone, and both levels.

All is in the economies of `experiments.papers.economist_tabular` with 100 workers, who see what matters to a choice alone: rates and
their own skill. Hyperparameters were chosen in pilots with seeds from 100 on, and then fixed. For the planner alone a constant entropy
weight of 0.02, 0.1 and 0.3 reached the optimum of three brackets in all seeds tried; of seven, 0.1 came closest. Of both levels,
seed 100, with the workers' regret on random schedules at the end:

* workers with 4 passes of a single minibatch and a rate of 1e-3: 13 %, a planner at 34.03; 8 minibatches are far better
* 1 pass of 8 minibatches, rate 3e-3: 1.3 % after the first phase, but 27 % in the end, and a planner at 33.51 that lives on wrong answers:
  workers forget schedules that the planner no longer tries
* the same with a rate that falls to 0 over all updates: 7.3 %, a planner at 34.39; planner's first entropy weight 0.6 in place of 0.3 too: 4 %
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from experiments.papers.arms import Arm

if TYPE_CHECKING:
    from marl.ppo import PPO

URIS = {
    "OSE-100/3br": "economy:one-step?observe=brief",
    "OSE-100/7br": "economy:one-step?brackets=federal&observe=brief",
    "OSE-100/flat": "economy:one-step?cutoffs=0&observe=brief",
}
"""By the names of `experiments.papers.economist_tabular.economies`; of the last the planner sets a single rate."""
BATCH, EPISODE = 32, 2
UPDATE = BATCH * EPISODE
"""Joint steps of an update: 32 episodes of two steps."""
LEVEL: Mapping[str, Any] = {
    "rollout": EPISODE,
    "gamma": 1.0,
    "trace": 1.0,
    "clip": 0.2,
    "hidden": (64, 64),
    "sharing": "shared",
}
"""Of both levels: whole episodes, undiscounted, by Monte Carlo returns."""
OF_WORKERS: Mapping[str, Any] = {
    **LEVEL,
    "epochs": 1,
    "minibatches": 8,
    "learning_rate": 3e-3,
    "anneal": True,
}
OF_PLANNER: Mapping[str, Any] = {**LEVEL, "epochs": 4, "minibatches": 1, "learning_rate": 3e-3}
ENTROPY_ALONE = 0.1
"""Weight of the entropy bonus of a planner whose workers do not learn."""
WORKER_ENTROPY, PLANNER_ENTROPY = (0.5, 0.02), (0.6, 0.0)
FALLS = {"workers": 0.8, "planner": 0.95}
"""Over which share of all updates the workers' entropy weight and learning rate fall, the latter to 0, and over which share of those with
a planner its entropy weight."""
SHOWN = 30
"""Evaluations of a run."""


def planner_alone() -> PPO:
    """Who learns to set rates for workers who answer best."""
    from marl.ppo import PPO

    return PPO(critic="observation", entropy=ENTROPY_ALONE, **OF_PLANNER)


def two_level(effort: Mapping[str, Any], *, first_phase: bool = True) -> Arm:
    """Both levels: workers alone under random schedules, then with the planner; or from the start, as many updates.

    Parameters
    ----------
    effort : mapping
        ``seeds``, ``alone`` and ``together``: updates of either phase; ``without_seeds`` of the arm without the first.
    first_phase : bool
        Whether there is one.
    """
    updates = effort["alone"] + effort["together"]
    alone = effort["alone"] if first_phase else 0
    falling = max(1, round(FALLS["workers"] * updates)) * UPDATE
    settings: dict[str, Any] = {
        f"learner.{level}.{key}": list(value) if isinstance(value, tuple) else value
        for level, fields in (("workers", OF_WORKERS), ("planner", OF_PLANNER))
        for key, value in fields.items()
    }
    settings |= {
        "learner.alone": alone * UPDATE,
        "learner.meanwhile": "random",
        "learner.worker_entropy": list(WORKER_ENTROPY),
        "learner.worker_entropy_steps": falling,
        "learner.workers.anneal_steps": falling,
        "learner.planner_entropy": list(PLANNER_ENTROPY),
        "learner.planner_entropy_steps": max(1, round(FALLS["planner"] * (updates - alone))) * UPDATE,
        "training.batch": BATCH,
        "training.greedy": True,
        "training.episodes": BATCH,
        "training.evaluate_every": max(1, updates // SHOWN) * UPDATE,
    }
    name = "two-level" if first_phase else "two-level-without-first-phase"
    seeds = effort["seeds" if first_phase else "without_seeds"]
    return Arm(name, URIS["OSE-100/3br"], "economist", settings, updates * UPDATE, seeds)
