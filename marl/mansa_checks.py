"""Which two learners MANSA can be made of, and settings of it that were probably not meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from games.env import EnvSpec
from games.errors import InputError
from marl.ppo import PPO
from marl.qlearning import QLearning

if TYPE_CHECKING:
    from marl.mansa import Mansa


def check_pair(spec: EnvSpec, independent: QLearning | PPO, central: QLearning | PPO) -> None:
    """`InputError` unless one learns alone and the other together, both from the same rollouts and for the same values."""
    if is_central(independent) or not is_central(central):
        raise InputError(
            "independent must learn alone (mixer none, or critic observation) and central together (mixer sum or "
            "monotonic, or critic state)"
        )
    if independent.rollout != central.rollout:
        raise InputError(
            f"both learners learn from the same rollouts: independent.rollout is {independent.rollout}, "
            f"central.rollout {central.rollout}; set both to the same"
        )
    if not (isinstance(independent, PPO) and isinstance(central, PPO)):
        return
    for name in ("gamma", *(() if spec.common_reward else ("reward",))):
        if getattr(independent, name) != getattr(central, name):
            raise InputError(
                f"each learner goes on from the other's values where that acts next: independent.{name} is "
                f"{getattr(independent, name)}, central.{name} {getattr(central, name)}; set both to the same"
            )


def is_central(learner: QLearning | PPO) -> bool:
    """Whether a learner trains its agents together."""
    return learner.mixer != "none" if isinstance(learner, QLearning) else learner.critic == "state"


def remarks_on(learner: Mansa, whole: int | None) -> tuple[str, ...]:
    """Budgets that never bind, prices that nobody pays; `whole` is the steps that the budget is for, if known."""
    out, usual = [], type(learner)
    if learner.budget is not None:
        if whole is not None and learner.budget >= whole:
            what = "an episode" if learner.budget_scope == "episode" else "the run"
            out.append(f"a budget of {learner.budget:,} calls is never used up: {what} has {whole:,} steps")
        if learner.cost != usual.cost:
            out.append("with a budget a call costs budget_cost, so cost changes nothing")
        if learner.budget_cost == 0.0:
            out.append("with a budget_cost of 0 calls that change nothing use the budget up")
    if learner.budget is None and learner.budget_scope != usual.budget_scope:
        out.append("budget_scope says what a budget is for, and there is none")
    if learner.control == "independent" and learner.execution == "central":
        out.append("central policies are judged that never act, and so never learn")
    if learner.control != "random" and learner.fraction != usual.fraction:
        out.append(f"fraction is for control random, and changes nothing with control {learner.control}")
    if learner.execution == "independent" and learner.control == "central":
        out.append("independent policies are judged that never act")
    return tuple(out)
