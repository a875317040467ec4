"""How all arms of the neural study on MANSA learn: what they have in common stands here once.

Arms differ in who learns from what and who decides, and in nothing else: the same networks, rates, replays and exploration
for the learners alone and for both parts of MANSA.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

GAMMA = 0.95
"""Discount of all agents. The benchmark's 0.99 leaves values of going and of waiting so close together that the greedy play of
memoryless networks walks in circles, worse so the longer they train: 0.4 to 0.7 where 0.95 ends at 0.9 (a pilot with seed 100 on the
smallest task, without any switch; nothing else was chosen in it)."""
COMMON: Mapping[str, Any] = {
    "reward": "team",
    "gamma": GAMMA,
    "learning_rate": 5e-4,
    "hidden": [64, 64],
    "recurrent": False,
    "sharing": "numbered",
    "rollout": 50,
    "learn_every": 50,
    "sample": "segments",
    "batch_size": 32,
    "capacity": 250_000,
    "warmup": 2_000,
    "target_every": 200,
    "normalise_rewards": "scale",
    "epsilon_start": 1.0,
    "epsilon_end": 0.05,
}
"""Of every Q-learner: IQL and QMIX alone, and the two parts of MANSA. Everybody is paid the sum of all rewards."""
ON_POLICY: Mapping[str, Any] = {
    "reward": "team",
    "gamma": 0.99,
    "learning_rate": 5e-4,
    "hidden": [64, 64],
    "recurrent": False,
    "sharing": "numbered",
    "rollout": 50,
    "epochs": 4,
    "minibatches": 4,
}
"""Of IPPO, MAPPO and MANSA of the two, on the benchmark's tasks: the settings of our recipes for MAPPO there."""
EPSILON_SHARE = 0.25
"""Share of the run in which agents explore less and less: 50,000 of 200,000 steps."""
SWITCH: Mapping[str, Any] = {
    "method": "dqn",
    "gamma": 0.99,
    "learning_rate": 3e-4,
    "hidden": [64, 64],
    "batch_size": 128,
    "learn_every": 50,
    "target_rate": 0.005,
}
"""Of the learner of the switch."""
TRAINING: Mapping[str, Any] = {"batch": 16, "greedy": True, "episodes": 100}
"""Of every run: evaluations play greedily."""
ON_POLICY_BATCH = 32
"""Sub-environments of the on-policy runs."""


def settings(learner: str, steps: int, *, on_policy: bool = False) -> dict[str, Any]:
    """Settings by dotted key of ``iql``, ``qmix`` or ``mansa`` in a run of so many joint steps; on policy of ``ippo``, ``mappo`` or
    ``mansa`` of these two."""
    out = {f"training.{key}": value for key, value in TRAINING.items()}
    if on_policy:
        common = dict(ON_POLICY)
        out["training.batch"] = ON_POLICY_BATCH
    else:
        common = {**COMMON, "epsilon_steps": max(1, int(EPSILON_SHARE * steps))}
    if learner != "mansa":
        return out | {f"learner.{key}": value for key, value in common.items()}
    for part, name in (("independent", "ippo"), ("central", "mappo")):
        out |= {f"learner.{part}.name": name} if on_policy else {}
        out |= {f"learner.{part}.{key}": value for key, value in common.items()}
    return out | {f"learner.switch.{key}": value for key, value in SWITCH.items()}
