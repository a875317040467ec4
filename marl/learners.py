"""The learners by the names under which they are known, each a class and the fields that make it what its name says."""

from __future__ import annotations

from typing import Any

from marl.bayes_net import BayesNetActorCritic
from marl.ppo import PPO
from marl.qlearning import QLearning

LEARNERS: dict[str, tuple[type, dict[str, Any]]] = {
    "iql": (QLearning, {"mixer": "none"}),
    "vdn": (QLearning, {"mixer": "sum"}),
    "qmix": (QLearning, {"mixer": "monotonic"}),
    "ippo": (PPO, {"critic": "observation"}),
    "mappo": (PPO, {"critic": "state"}),
    "bayes-net": (BayesNetActorCritic, {}),
}
"""Name to class and preset fields; ``LEARNERS[name][0](**LEARNERS[name][1], **others)`` makes one."""
