"""Games as data: normal-form games, where they come from, and how strategies are laid out."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from games.env import Env as Env
    from games.env import EnvSpec as EnvSpec
    from games.env import Step as Step
    from games.env import View as View
    from games.env_uris import make_env as make_env
    from games.errors import InputError as InputError
    from games.joint import Joint as Joint
    from games.joint import Mixture as Mixture
    from games.laws import check_env as check_env
    from games.load import catalogue as catalogue
    from games.load import load as load
    from games.markov import MarkovGame as MarkovGame
    from games.normal import NormalFormGame as NormalFormGame
    from games.play import play_episodes as play_episodes
    from games.play import rollout as rollout
    from games.policy import Independent as Independent
    from games.policy import JointPolicy as JointPolicy
    from games.policy import Policy as Policy
    from games.policy import random_policy as random_policy
    from games.save import save as save
    from games.simulate import simulate as simulate
    from games.to_pettingzoo import to_aec as to_aec
    from games.to_pettingzoo import to_parallel as to_parallel
    from games.tree import TreeGame as TreeGame
    from games.tree_policies import tabular_team as tabular_team
    from games.tree_policies import tabulate as tabulate

_HOMES = {
    "Env": "games.env",
    "EnvSpec": "games.env",
    "Independent": "games.policy",
    "JointPolicy": "games.policy",
    "Policy": "games.policy",
    "Step": "games.env",
    "View": "games.env",
    "check_env": "games.laws",
    "make_env": "games.env_uris",
    "play_episodes": "games.play",
    "random_policy": "games.policy",
    "rollout": "games.play",
    "simulate": "games.simulate",
    "tabular_team": "games.tree_policies",
    "tabulate": "games.tree_policies",
    "to_aec": "games.to_pettingzoo",
    "to_parallel": "games.to_pettingzoo",
    "InputError": "games.errors",
    "Joint": "games.joint",
    "MarkovGame": "games.markov",
    "Mixture": "games.joint",
    "NormalFormGame": "games.normal",
    "TreeGame": "games.tree",
    "catalogue": "games.load",
    "load": "games.load",
    "save": "games.save",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'games' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


class _Package(ModuleType):
    """Keeps a submodule from hiding the function of the same name once something has imported it."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    return sorted(__all__)
