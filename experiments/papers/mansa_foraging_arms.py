"""What is trained for the neural claims on MANSA: tasks of level-based foraging, arms by their names.

An arm is named after its task and what it does, so that claims that rest on the same arm find it trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.papers.arms import Arm
from experiments.papers.mansa_learning import settings

SMALL, LARGER = "5x5-2p-1f-coop", "8x8-2p-1f-coop"
COSTS, COST = (0.01, 0.05, 0.2), 0.05
"""Prices of a call, and the one at which most is judged."""
HORIZON = 50
BUDGETS = (5, 12, 25)
"""Calls of an episode of `HORIZON` steps: 10, 25 and 50 %, rounded down."""
BUDGET = 12
PACKAGE = "gymnasium:lbforaging/Foraging-5x5-2p-1f-coop-v3"
"""`SMALL` as the package plays it."""


def arm(
    task: str,
    name: str,
    learner: str,
    effort: Mapping[str, Any],
    *,
    on_policy: bool = False,
    **changes: Any,
) -> Arm:
    """An arm of a task of ours; changes are fields of the learner."""
    steps = effort["steps"]
    given = settings(learner, steps, on_policy=on_policy)
    given |= {f"learner.{key}": value for key, value in changes.items()}
    return Arm(f"{task}-{name}", f"foraging:{task}", learner, given, steps, effort["seeds"])


def iql(task: str, effort: Mapping[str, Any]) -> Arm:
    """Independent Q-learning alone."""
    return arm(task, "iql", "iql", effort)


def qmix(task: str, effort: Mapping[str, Any]) -> Arm:
    """QMIX alone."""
    return arm(task, "qmix", "qmix", effort)


def mansa(task: str, effort: Mapping[str, Any], cost: float = COST, *, share_data: bool = True) -> Arm:
    """MANSA at a price of calls; its independent learners learn from all steps, or from their own alone."""
    name = f"mansa-c{cost:g}" + ("" if share_data else "-separate")
    return arm(task, name, "mansa", effort, cost=cost, share_data=share_data)


def limited(task: str, effort: Mapping[str, Any], calls: int = BUDGET) -> Arm:
    """MANSA-B: at most so many calls in an episode."""
    return arm(task, f"mansa-b{calls}", "mansa", effort, budget=calls)


def random(task: str, effort: Mapping[str, Any], fraction: float, *, share_data: bool = True) -> Arm:
    """The control: calls at random, with the share that a trained MANSA made in training."""
    name = "random" + ("" if share_data else "-separate")
    return arm(
        task, name, "mansa", effort, control="random", fraction=round(fraction, 4), share_data=share_data
    )


def alone(task: str, name: str, effort: Mapping[str, Any]) -> Arm:
    """IPPO or MAPPO alone."""
    return arm(task, name, name, effort, on_policy=True)


def on_policy(task: str, effort: Mapping[str, Any], cost: float = COST) -> Arm:
    """MANSA of IPPO and MAPPO, which learn from their own steps alone."""
    return arm(task, f"mansa-ppo-c{cost:g}", "mansa", effort, on_policy=True, cost=cost)


def on_policy_random(task: str, effort: Mapping[str, Any], fraction: float) -> Arm:
    """Its control, see `random`."""
    changes: dict[str, Any] = {"control": "random", "fraction": round(fraction, 4)}
    return arm(task, "random-ppo", "mansa", effort, on_policy=True, **changes)


def in_package(effort: Mapping[str, Any]) -> Arm:
    """MANSA trained in the package itself, for a single seed."""
    steps = effort["package_steps"]
    return Arm("lbforaging-mansa", PACKAGE, "mansa", settings("mansa", steps), steps, 1)
