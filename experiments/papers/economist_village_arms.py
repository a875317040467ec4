"""What is trained for the claims on the AI Economist in gather-trade-build: workers alone, then under every tax system.

The economy is the small one: 200 steps, ten tax years, labour costs and brackets scaled to the shorter episode. Every system goes on
from the same workers for the same number of steps, workers learning in all of them; the highest rate rises to 1 over the first part of
that, for planners and fixed schedules alike. Networks have no memory, other than the reference's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.papers.arms import Arm

HORIZON, BATCH = 200, 32
UPDATE = HORIZON * BATCH
"""Joint steps of an update: an episode of every sub-environment."""
URI = "economy:gather-trade-build?size=small"
FIRST = "village-alone"
"""Name of the arm of the first phase."""
FREE, FEDERAL, SAEZ, PLANNER = "free market", "US federal", "Saez", "planner"
FLAT = {rate: f"flat {rate:.2f}" for rate in (0.25, 0.5, 0.75)}
SYSTEMS: Mapping[str, str] = {
    FREE: "tax=free",
    FEDERAL: "tax=federal",
    **{name: f"tax=flat&rate={rate:g}" for rate, name in FLAT.items()},
    SAEZ: "tax=saez",
    PLANNER: "tax=planner",
}
"""What follows the first phase, by name."""
WARMUP = 1000
"""Steps with a gain over which the cost of labour rises in the first phase, in each of the sub-environments."""
LOWEST_CAP, RISES = 0.1, 1 / 3
"""The highest rate at first, and over which share of a system's steps it rises to 1."""
COMMON: Mapping[str, Any] = {
    "rollout": HORIZON,
    "gamma": 0.998,
    "trace": 0.98,
    "clip": 0.3,
    "max_grad_norm": 10.0,
    "sharing": "shared",
    "hidden": (128, 128),
}
OF_WORKERS: Mapping[str, Any] = {
    **COMMON,
    "epochs": 3,
    "minibatches": 8,
    "learning_rate": 5e-4,
}
LATER: Mapping[str, Any] = {"epochs": 1, "minibatches": 32}
"""Of workers once there is a tax system: 32 gradient steps an update in place of 24, on every transition once: half the computing."""
OF_PLANNER: Mapping[str, Any] = {
    **COMMON,
    "epochs": 4,
    "minibatches": 4,
    "learning_rate": 1e-3,
}
WORKER_ENTROPY, PLANNER_ENTROPY = (0.025, 0.025), (0.1, 0.0)
PLANNER_SETTLES = 0.8
"""Over which share of its steps the weight of the planner's entropy falls."""


def first_phase(effort: Mapping[str, Any]) -> Arm:
    """Workers alone, without taxes, labour at full cost only after a while."""
    steps = _whole(effort["alone"])
    settings = _settings() | {"learner.alone": steps, "training.evaluate_every": _whole(steps / 10)}
    return Arm(FIRST, f"{URI}&tax=free&warmup={WARMUP}", "economist", settings, steps, effort["seeds"])


def system(name: str, effort: Mapping[str, Any], start: Path | None) -> Arm:
    """A tax system from the workers of the first phase on.

    Parameters
    ----------
    name : str
        One of `SYSTEMS`.
    effort : mapping
        ``together``: joint steps; ``seeds``.
    start : Path, optional
        The run of the first phase; workers are fresh without one.
    """
    steps = _whole(effort["together"])
    settings = _settings(LATER) | {
        "training.evaluate_every": _whole(steps / 10),
        "learner.alone": 0 if name == PLANNER else steps,
        "learner.planner_entropy": list(PLANNER_ENTROPY),
        "learner.planner_entropy_steps": max(1, round(PLANNER_SETTLES * steps)),
    }
    if start is not None:
        settings["training.start"] = str(start)
    return Arm(f"village-{_slug(name)}", uri_of(name, effort), "economist", settings, steps, effort["seeds"])


def uri_of(name: str, effort: Mapping[str, Any]) -> str:
    """Where a system is trained: with the cap on its rates that rises with the episodes of a sub-environment."""
    episodes = _whole(effort["together"]) / UPDATE
    slope = (1 - LOWEST_CAP) / (RISES * episodes)
    return f"{URI}&{SYSTEMS[name]}&anneal_slope={slope:.6g}&anneal_warmup={-LOWEST_CAP / slope:.6g}"


def _settings(later: Mapping[str, Any] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {
        f"learner.{level}.{key}": list(value) if isinstance(value, tuple) else value
        for level, fields in (("workers", {**OF_WORKERS, **(later or {})}), ("planner", OF_PLANNER))
        for key, value in fields.items()
    }
    return found | {
        "learner.worker_entropy": list(WORKER_ENTROPY),
        "training.batch": BATCH,
        "training.greedy": False,
        "training.episodes": BATCH,
    }


def _whole(steps: float) -> int:
    """The nearest number of joint steps that is whole updates, at least one."""
    return max(1, round(steps / UPDATE)) * UPDATE


def _slug(name: str) -> str:
    return name.lower().replace(" ", "-").replace(".", "")
