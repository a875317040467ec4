"""What is trained for the claims on Dec-POMFC: swarms, arms by their names.

An arm is named after its task, its number of agents and what it does, so that claims that rest on the same arm find it
trained. Arms of a task differ in one thing alone: the family of rules, the rate of learning, or the algorithm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.papers.arms import Arm

TASKS = {"aggregation": "swarm:aggregation?cells=5", "kuramoto": "swarm:kuramoto?kappa=0.5"}
"""By name, without a number of agents."""
FAMILIES = ("interpolation", "mixture", "histogram")
NAMED = "interpolation"
"""The kernel family that is judged against histograms; named before anything was run."""
AGENTS = 100
POINTS, BANDWIDTH, WIDE = 3, 0.5, 1.0
"""Grid points along each coordinate of an observation; kernels' bandwidth in grid spacings, and the one that fails."""
RATES, RATE = (3e-4, 1e-3), 1e-3
"""Rates of learning that every algorithm is tried with against the others, and that of all other runs."""
MARL = ("mappo", "ippo")
UPPER: Mapping[str, Any] = {"training.batch": 40, "training.episodes": 20, "learner.upper.rollout": 100}
"""Of every run of Dec-POMFC; all else is the learner's own default. An update is about 4,000 steps."""
LOWER: Mapping[str, Any] = {
    "training.batch": 4,
    "training.episodes": 10,
    "training.save_every": 20_000,
    "learner.rollout": 100,
    "learner.epochs": 5,
    "learner.minibatches": 4,
    "learner.entropy": 0.0,
    "learner.max_grad_norm": 1.0,
    "learner.sharing": "shared",
}
"""Of IPPO and MAPPO: one network for all without their numbers, and an update from 4 episodes of everybody's steps. Discount, trace,
clipping, network sizes, entropy and gradient norm are those of Dec-POMFC's upper level. Episodes, passes and minibatches were
chosen for these two in a pilot with seed 100, 100 agents and a rate of 1e-3: after 84,000 (MAPPO) and 48,000 steps (IPPO)
(4, 5, 4) returned -38.5 and -42.2, (10, 5, 4) -46.0 and -53.1, (20, 10, 8), which takes twice as long, -50.9 and -75.9. For
Dec-POMFC nothing was tried."""


def swarm(task: str, agents: int, **changes: Any) -> str:
    """URI of a task with so many agents.

    >>> swarm("kuramoto", 50, kappa=1)
    'swarm:kuramoto?kappa=1&agents=50'
    """
    name, _, query = TASKS[task].partition("?")
    given = dict(part.split("=") for part in query.split("&")) | changes | {"agents": agents}
    return f"{name}?" + "&".join(f"{key}={value}" for key, value in given.items())


def learned(
    task: str,
    family: str,
    effort: Mapping[str, Any],
    *,
    seeds: int | None = None,
    agents: int = AGENTS,
    rate: float = RATE,
    bandwidth: float = BANDWIDTH,
) -> Arm:
    """An arm of Dec-POMFC; on Kuramoto with as many seeds as the comparison of families needs."""
    name = f"{task}-{agents}-{family}"
    settings = {
        **UPPER,
        "learner.family": family,
        "learner.points": POINTS,
        "learner.bandwidth": bandwidth,
        "learner.upper.learning_rate": rate,
    }
    name += "" if rate == RATE else f"-rate-{rate:g}"
    name += "" if bandwidth == BANDWIDTH else f"-bandwidth-{bandwidth:g}"
    if seeds is None:
        seeds = effort["pairs" if task == "kuramoto" else "seeds"]
    return Arm(name, swarm(task, agents), "decpomfc", settings, effort["steps"], seeds)


def baseline(name: str, effort: Mapping[str, Any], agents: int, rate: float) -> Arm:
    """An arm of IPPO or MAPPO on Aggregation, whose agents see the time beside their position.

    It is given as many steps as take as long as those of Dec-POMFC.
    """
    steps = effort[name][str(agents)]
    settings = {**LOWER, "learner.learning_rate": rate, "training.evaluate_every": max(1, steps // 10)}
    uri = swarm("aggregation", agents, clock="true")
    return Arm(f"aggregation-{agents}-{name}-rate-{rate:g}", uri, name, settings, steps, effort["seeds"])
