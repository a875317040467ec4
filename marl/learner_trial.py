"""A learner under examination by `marl.learner_laws`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from games.env import Env, Step
from games.errors import InputError
from games.play import begin, rollout
from games.policy import JointPolicy
from games.spaces import Box, Discrete, MultiDiscrete
from games.streams import ACT, Streams, draw_seeds
from marl.checkpoint import Tree
from marl.learner import Batch, Learner, Metrics, State

Array = npt.NDArray[Any]
_INIT, _PLAY, _UPDATE, _LOOK = range(4)


class LearnerLawBroken(InputError):
    """A learner breaks the contract of `marl.learner.Learner`; the message names learner, environment, law and place."""


class Lesson(NamedTuple):
    """One update."""

    state: State  # after it
    batch: Batch  # what it was made from
    given: Batch  # a copy of that from before the update
    metrics: Metrics


@dataclass(frozen=True)
class LearnerTrial:
    """A learner under examination in an environment.

    Parameters
    ----------
    learner : Learner
        The learner.
    env : Env
        Where it plays.
    seed : int
        Of everything random.
    batch : int
        Sub-environments played at once.
    updates : int
        How often the learner learns, for each law; even.
    max_steps : int
        Where matches are cut off, in an environment without a horizon.
    device : str
        Where networks live.
    """

    learner: Learner
    env: Env
    seed: int
    batch: int
    updates: int
    max_steps: int
    device: str

    def rng(self, label: int, seed: int | None = None) -> np.random.Generator:
        """The generator of this label: the same every time it is asked for."""
        return np.random.default_rng([self.seed if seed is None else seed, label])

    def fresh(self, seed: int | None = None) -> State:
        """A state that has learned nothing."""
        return self.learner.init(self.env.spec, self.rng(_INIT, seed), self.device)

    def lessons(self, state: State, seed: int | None = None) -> Iterator[Lesson]:
        """Play and learn, update after update.

        Batches are copies that nothing else holds, so that a law may look at them, or spoil them, after the update.
        """
        rng, play, learner = self.rng(_UPDATE, seed), None, self.learner
        try:
            for _ in range(self.updates):
                explorer, begun = learner.explore(state), play is None
                if play is None:
                    play = begin(self.env, explorer, draw_seeds(self.rng(_PLAY, seed), self.batch))
                memory = deepcopy(play.memory)
                seen = rollout(self.env, explorer, play, learner.rollout)
                batch = Batch(deepcopy(seen), memory, begun)
                given = deepcopy(batch)
                state, metrics = learner.update(state, batch, rng)
                yield Lesson(state, batch, given, metrics)
        finally:
            if play is not None:
                self.env.close(play.world)

    def taught(self, seed: int | None = None) -> tuple[State, list[Metrics]]:
        """A state after all updates, and the metrics of each."""
        state, told = self.fresh(), []
        for lesson in self.lessons(state, seed=seed):
            state = lesson.state
            told.append(lesson.metrics)
        return state, told

    @cached_property
    def grown(self) -> State:
        """A state that has learned: to look at, never to be updated."""
        return self.taught()[0]

    @cached_property
    def seen(self) -> list[Step]:
        """What was seen, step after step, by `width` sub-environments; everybody who acts has a legal action."""
        state = self.fresh()
        batches = [lesson.given for lesson in self.lessons(state)]
        steps = [b.steps.before.where(t) for b in batches for t in range(self.learner.rollout)]
        rows = np.arange(self.width) % self.batch
        return [step.where(rows) for step in steps[:20]]

    @property
    def width(self) -> int:
        """Sub-environments of `seen`: more than are evaluated in one block."""
        return 67

    def teams(self, state: State) -> dict[str, JointPolicy]:
        """The three ways in which a state plays, by name."""
        learner = self.learner
        return {
            "the greedy policy": learner.policy(state, True),
            "the policy": learner.policy(state, False),
            "exploration": learner.explore(state),
        }

    def answers(self, team: JointPolicy, steps: list[Step], rows: Array | None = None) -> list[list[Array]]:
        """What a team does when it is shown steps one after another: actions by step and group.

        Parameters
        ----------
        team : JointPolicy
            Who is asked; its memories begin afresh.
        steps : list of Step
            What it is shown.
        rows : int64[b], optional
            Which of the sub-environments it is shown, all by default. Chance comes from the same streams either way.
        """
        seeds = draw_seeds(self.rng(_LOOK), self.width)
        if rows is not None:
            seeds, steps = seeds[rows], [step.where(rows) for step in steps]
        streams = Streams.from_seeds(seeds, ACT, agents=len(self.env.spec.agents))
        memory, out = team.start(len(seeds)), []
        for step in steps:
            actions, memory = team.sample(step, memory, streams)
            out.append([np.array(part) for part in actions])
        return out

    def broken(self, why: str) -> LearnerLawBroken:
        """The exception for this learner."""
        return LearnerLawBroken(f"{type(self.learner).__name__} in {self.env.spec.name}: {why}")

    def check_same_state(self, a: State, b: State, why: str) -> None:
        """Raise unless two states are the same, bit for bit."""
        self.check_same_tree(self.learner.save(a), self.learner.save(b), why)

    def check_same_tree(self, a: Tree, b: Tree, why: str) -> None:
        """Raise unless two trees are the same, bit for bit."""
        if (what := tree_difference(a, b)) is not None:
            raise self.broken(f"{why}: {what} differs")

    def check_same_answers(
        self, a: list[list[Array]], b: list[list[Array]], why: str, where: Callable[..., Array] | None = None
    ) -> None:
        """Raise unless actions are the same; `where(step, group)` says of which agents, bool[B, n], all who act if none."""
        for t, (x, y) in enumerate(zip(a, b, strict=True)):
            for g, group in enumerate(self.env.spec.groups):
                if x[g].shape != y[g].shape:
                    raise self.broken(f"{why}: step {t + 1} has actions of another shape")
                unequal = (x[g] != y[g]).reshape(*x[g].shape[:2], -1).any(axis=-1)
                if where is not None:
                    unequal &= where(t, g)
                if unequal.any():
                    i = int(np.argwhere(unequal)[0][1])
                    raise self.broken(f"{why}: {group.agents[i]} does something else at step {t + 1}")

    def acting(self, steps: list[Step], rows: Any = slice(None)) -> Callable[[int, int], Array]:
        """Who acts, as `check_same_answers` wants it."""
        return lambda t, g: steps[t].groups[g].acting[rows]


def random_masks(spec_actions: Any, shape: tuple[int, int], rng: np.random.Generator, one: bool) -> Array:
    """Masks bool[B, n, A] with a legal action in every part: exactly one, or any number.

    Parameters
    ----------
    spec_actions : Discrete, MultiDiscrete or Box
        What can be done; a box has nothing to mask.
    shape : tuple of int
        B, n.
    rng : numpy.random.Generator
        Draws them.
    one : bool
        Whether only one action of each part is legal.
    """
    if isinstance(spec_actions, Box):
        return np.zeros((*shape, 0), dtype=bool)
    counts = (spec_actions.count,) if isinstance(spec_actions, Discrete) else spec_actions.counts
    assert isinstance(spec_actions, Discrete | MultiDiscrete)
    parts = []
    for count in counts:
        part = np.zeros((*shape, count), dtype=bool) if one else rng.random((*shape, count)) < 0.5
        np.put_along_axis(part, rng.integers(count, size=(*shape, 1)), True, axis=-1)
        parts.append(part)
    return np.concatenate(parts, axis=-1)


def leaves(tree: Tree, path: str = "") -> Iterator[tuple[str, Any]]:
    """Everything in a tree by its path, names joined by slashes."""
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{path}{key}/")
        else:
            yield f"{path}{key}", value


def is_tensor(value: Any) -> bool:
    """Whether a leaf is kept as a tensor."""
    return isinstance(value, torch.Tensor | np.ndarray)


def tree_difference(a: Tree, b: Tree) -> str | None:
    """The first leaf by which two trees differ in type, shape or a bit, or None."""
    first, second = dict(leaves(a)), dict(leaves(b))
    for name in sorted({*first, *second}):
        if name not in first or name not in second or not _same(first[name], second[name]):
            return name
    return None


def snapshot(tree: Tree) -> Tree:
    """A tree whose tensors are arrays of its own, that later updates do not change."""
    return {
        key: snapshot(value)
        if isinstance(value, dict)
        else _array(value).copy()
        if is_tensor(value)
        else value
        for key, value in tree.items()
    }


def _same(a: Any, b: Any) -> bool:
    if is_tensor(a) != is_tensor(b):
        return False
    if not is_tensor(a):
        return type(a) is type(b) and a == b
    a, b = _array(a), _array(b)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def _array(value: Any) -> Array:
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
