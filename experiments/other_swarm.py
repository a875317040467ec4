"""Policies that were trained in a swarm of one size and play in one of another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from games.env import EnvSpec
from games.errors import InputError
from games.sims.swarm import parameters_of


def same_swarm(trained: str, spec: EnvSpec) -> bool:
    """Whether an environment of this name and another are swarms that differ in their number of agents alone."""
    if not trained.startswith("swarm:") or not spec.name.startswith("swarm:"):
        return False
    try:
        first, second = parameters_of(replace(spec, name=trained)), parameters_of(spec)
    except InputError:  # a name from a damaged file
        return False
    return replace(first, agents=second.agents) == second


def check_carries(learner: Any, name: str) -> None:
    """`InputError` unless what a learner has learned is the same for any number of agents.

    Parameters
    ----------
    learner : Learner
        The run's.
    name : str
        What it is called.
    """
    from experiments.evaluation_rules import has_rules

    if has_rules(learner):
        return
    sharing = getattr(learner, "sharing", None)
    if name not in ("ippo", "mappo") or sharing is None:
        raise InputError(f"policies of {name} are for as many agents as they were trained with")
    if sharing != "shared":
        raise InputError(
            f"with sharing={sharing} the policies of {name} know which agent they play, so they are for as many agents as "
            "they were trained with; train with --set learner.sharing=shared for any number"
        )
