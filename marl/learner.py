"""What a learner is: its hyperparameters, and functions of a state that it alone understands.

A learner is a frozen record; two learners with equal fields do the same. What changes lives in the state that `init`
makes, `update` uses up and `save` writes down. Execution is decentralised: in a team of `games.policy.Independent`
agents, as most learners return, everybody sees its own observation and memory alone; a team that plays together says
so by being another joint policy, and nobody sees the global state. `marl.learner_laws.check_learner` states all laws.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt
import torch

from games.env import EnvSpec, Step
from games.errors import InputError
from games.play import Transition
from games.policy import JointPolicy, Memory
from marl.checkpoint import Tree

Array = npt.NDArray[Any]
State = Any
Metrics = dict[str, float]


class Batch(NamedTuple):
    """T steps of B sub-environments, played by `Learner.explore`."""

    steps: Transition  # every array has T, B as its first axes
    memory: Memory  # of the exploring policy before the first of them
    begun: bool  # whether all sub-environments began anew just before


class Diverged(ArithmeticError):
    """Training met a number that is infinite or none; the message says when, and what to try."""


class Learner(Protocol):
    """Learns to play from what happened; all fields are its hyperparameters."""

    @property
    def rollout(self) -> int:
        """Steps of every sub-environment between two updates, T."""

    def check(self, spec: EnvSpec, steps: int | None = None, batch: int | None = None) -> None:
        """`InputError` in one sentence if this learner cannot play there: continuous actions with Q-learning, say.

        The joint steps and the sub-environments of the run are told where they are known: a schedule may not fit them.
        """

    def filled(self, steps: int) -> Learner:
        """The same with what was left open decided, for a run of so many joint steps."""

    def remarks(self, spec: EnvSpec, steps: int | None = None, batch: int | None = None) -> tuple[str, ...]:
        """What is allowed but was probably not meant, a sentence each; asked after `check`."""

    def init(self, spec: EnvSpec, rng: np.random.Generator, device: str = "cpu") -> State:
        """A state that has learned nothing yet."""

    def policy(self, state: State, greedy: bool = True) -> JointPolicy:
        """The team as it plays now: a copy that later updates do not change. Greedy takes the likeliest actions."""

    def beside(self, state: State, greedy: bool = True) -> dict[str, JointPolicy]:
        """Other ways to play what was learned, by name, that are judged beside `policy` whenever that is."""

    def explore(self, state: State) -> JointPolicy:
        """The team as it gathers experience; valid until the next update."""

    def update(self, state: State, batch: Batch, rng: np.random.Generator) -> tuple[State, Metrics]:
        """Learn from new experience, using the old state up. The metrics are the same for the same input.

        A state may have `seconds`, the wall time of parts of this by name.
        """

    def save(self, state: State, whole: bool = True) -> Tree:
        """The state as a tree for `marl.checkpoint`; without what only training needs if not `whole`."""

    def load(self, spec: EnvSpec, tree: Tree, device: str = "cpu") -> State:
        """The state of which `save` made the tree; `InputError` if it is of another learner or environment."""

    def start(self, spec: EnvSpec, tree: Tree, rng: np.random.Generator, device: str = "cpu") -> State:
        """A state that begins with what an earlier run, of which `save` made the tree, has learned."""


class Plain:
    """What most learners have to say beside what they do: nothing."""

    def filled(self, steps: int) -> Self:
        """See `Learner.filled`."""
        return self

    def remarks(self, spec: EnvSpec, steps: int | None = None, batch: int | None = None) -> tuple[str, ...]:
        """See `Learner.remarks`."""
        return ()

    def beside(self, state: State, greedy: bool = True) -> dict[str, JointPolicy]:
        """See `Learner.beside`."""
        return {}

    def start(self, spec: EnvSpec, tree: Tree, rng: np.random.Generator, device: str = "cpu") -> State:
        """See `Learner.start`: everything goes on from there."""
        learner: Any = self
        return learner.load(spec, tree, device)


def rewards(spec: EnvSpec, after: Step, team: bool) -> tuple[Array, ...]:
    """What the agents of every group are paid, float32[..., n]: their own rewards, or the sum of all.

    Parameters
    ----------
    spec : EnvSpec
        The environment; where its agents have a common reward, that is what a team gets, once.
    after : Step
        What came of the actions, with any leading axes.
    team : bool
        Whether everybody gets the team's.
    """
    with np.errstate(over="ignore"):  # what float32 does not hold is infinite, and so will the loss be
        if not team or spec.common_reward:
            return tuple(view.reward.astype(np.float32) for view in after.groups)
        total = after.rewards.sum(axis=-1, keepdims=True).astype(np.float32)
    return tuple(np.repeat(total, group.size, axis=-1) for group in spec.groups)


def discounts(after: Step, gamma: float, team: bool) -> tuple[Array, ...]:
    """By what the future counts for the agents of every group, float32[..., n]: 0 after the end, or once they are out.

    In a team those who are out go on sharing the reward.
    """
    goes_on = (gamma * after.discount[..., None]).astype(np.float32)
    if team:
        return tuple(np.repeat(goes_on, view.alive.shape[-1], axis=-1) for view in after.groups)
    return tuple(goes_on * view.alive for view in after.groups)


def central_inputs(spec: EnvSpec) -> int:
    """Numbers in `central`."""
    return spec.state or sum(group.size * group.depth for group in spec.groups)


def central(spec: EnvSpec, step: Step) -> Array:
    """What centralised training sees, float32[..., s]: the state, or where there is none all observations together."""
    if spec.state:
        return step.state
    return joint_observation(step)


def joint_observation(step: Step) -> Array:
    """All agents' observations together, float32[..., sum of n d]."""
    return np.concatenate(
        [view.observation.reshape(*view.observation.shape[:-2], -1) for view in step.groups], axis=-1
    )


def tensor(array: Array, device: torch.device | str) -> torch.Tensor:
    """An array as a tensor, without copying where it can be helped."""
    array = np.ascontiguousarray(array)
    return torch.from_numpy(array if array.flags.writeable else array.copy()).to(device)


def torch_generator(rng: np.random.Generator) -> torch.Generator:
    """A torch generator seeded by a numpy one."""
    generator = torch.Generator()
    generator.manual_seed(int(rng.integers(0, 2**63)))
    return generator


def check_device(device: str) -> None:
    """`InputError` unless torch can compute there."""
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        have = "cpu, cuda" if torch.cuda.is_available() else "cpu"
        raise InputError(f"there is no device {device!r} on this machine; it has {have}") from None
