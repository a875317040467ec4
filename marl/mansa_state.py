"""What MANSA has learned so far."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass as record
from dataclasses import field
from typing import Any

from games.env import EnvSpec
from games.errors import InputError
from marl.checkpoint import Tree
from marl.ppo import PPO
from marl.qlearning import QLearning
from marl.returns import Moments
from marl.switch import Switching


@record
class Learning:
    """What MANSA has learned so far.

    Parameters
    ----------
    spec : EnvSpec
        Where it learns.
    independent, central : Any
        The states of the two teams' learners.
    switch : Switching
        Of the switch's.
    moments : Moments
        Of the team's rewards, over whose standard deviation the switch sees them.
    device : str
        Where networks live.
    steps, calls : int
        Joint steps learned from, and in how many of them the central team acted.
    seconds : dict of str to float
        Wall time that each of the three took to learn in the last update.
    """

    spec: EnvSpec
    independent: Any
    central: Any
    switch: Switching
    moments: Moments
    device: str
    steps: int = 0
    calls: int = 0
    seconds: dict[str, float] = field(default_factory=dict)


def title_of(learner: QLearning | PPO) -> str:
    """What a learner's method is called, by which checkpoints of two pairs are told apart."""
    if isinstance(learner, QLearning):
        return learner.title
    return "IPPO" if learner.critic == "observation" else "MAPPO"


def part_of(tree: Tree, name: str, title: str) -> Tree:
    """What a checkpoint holds of one of the learners; `InputError` if it holds none, or another."""
    part, kinds = tree.get(name), tree.get("kinds")
    found = kinds.get(name) if isinstance(kinds, dict) else None
    if not isinstance(part, dict) or found is None:
        raise InputError(f"the checkpoint does not fit: it has no {name} learner, or does not say which")
    if found != title:
        raise InputError(
            f"the checkpoint does not fit: its {name} learner is {found!s:.20}, expected {title}"
        )
    return part


@contextmanager
def told_of(name: str) -> Iterator[None]:
    """What is refused in the meantime is refused by the learner of this name, and the sentence says so."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
