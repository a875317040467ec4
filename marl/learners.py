"""The learners by the names under which they are known, each a class and the fields that make it what its name says."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from games.errors import InputError
from marl.bayes_net import BayesNetActorCritic
from marl.decpomfc import UPPER, DecPOMFC
from marl.economist import OF_PLANNER, OF_WORKERS, Economist
from marl.learner import Learner
from marl.mansa import WITHIN, Mansa
from marl.ppo import PPO
from marl.qlearning import QLearning

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Preset(NamedTuple):
    """What a learner's name stands for."""

    kind: type
    fixed: Mapping[str, Any] = _NOTHING  # fields that make it what its name says
    parts: Mapping[str, str] = _NOTHING  # fields that hold another learner, and which one if nobody says
    within: Mapping[str, Mapping[str, Any]] = _NOTHING  # fields of these learners that are so if nobody says

    def make(self, **fields: Any) -> Learner:
        """A learner of this name, with other fields as given."""
        learner: Learner = self.kind(**self.fixed, **fields)
        return learner


LEARNERS: dict[str, Preset] = {
    "iql": Preset(QLearning, {"mixer": "none"}),
    "vdn": Preset(QLearning, {"mixer": "sum"}),
    "qmix": Preset(QLearning, {"mixer": "monotonic"}),
    "ippo": Preset(PPO, {"critic": "observation"}),
    "mappo": Preset(PPO, {"critic": "state"}),
    "bayes-net": Preset(BayesNetActorCritic),
    "decpomfc": Preset(DecPOMFC, parts={"upper": "ippo"}, within={"upper": UPPER}),
    "economist": Preset(
        Economist,
        parts={"workers": "ippo", "planner": "ippo"},
        within={"workers": OF_WORKERS, "planner": OF_PLANNER},
    ),
    "mansa": Preset(
        Mansa,
        parts={"independent": "iql", "central": "qmix"},
        within={"independent": WITHIN, "central": WITHIN},
    ),
}
"""What is known by which name."""
PARTS: dict[str, tuple[str, ...]] = {
    "independent": ("iql", "ippo"),
    "central": ("vdn", "qmix", "mappo"),
    "upper": ("ippo",),
    "workers": ("ippo", "mappo"),
    "planner": ("ippo",),
}
"""Learners that another's part may be: those that learn alone, or together. A planner sees what it is shown, no more."""


def name_of(learner: Learner) -> str:
    """The name of a learner; `InputError` if it has none."""
    for name, preset in LEARNERS.items():
        if type(learner) is preset.kind and all(
            getattr(learner, field) == value for field, value in preset.fixed.items()
        ):
            return name
    raise InputError(f"{type(learner).__name__} is not one of {', '.join(LEARNERS)}")
