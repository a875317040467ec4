"""Learners that break one law each: thin wrappers around proximal policy optimisation."""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from games.env import EnvSpec, Step
from games.policy import Independent
from marl.learner import Batch, Plain
from marl.ppo import PPO

SMALL = PPO(rollout=6, hidden=(8,), epochs=2, learning_rate=0.01)
RECURRENT = replace(SMALL, recurrent=True)


@dataclass(frozen=True)
class Wrapped(Plain):
    """Does what the learner inside does."""

    inner: PPO = SMALL

    @property
    def rollout(self) -> int:
        return self.inner.rollout

    def check(self, spec: EnvSpec, steps: int | None = None, batch: int | None = None) -> None:
        self.inner.check(spec, steps, batch)

    def init(self, spec: EnvSpec, rng: np.random.Generator, device: str = "cpu") -> Any:
        return self.inner.init(spec, rng, device)

    def policy(self, state: Any, greedy: bool = True) -> Independent:
        return self.inner.policy(state, greedy)

    def explore(self, state: Any) -> Independent:
        return self.inner.explore(state)

    def update(self, state: Any, batch: Batch, rng: np.random.Generator) -> Any:
        return self.inner.update(state, batch, rng)

    def save(self, state: Any, whole: bool = True) -> Any:
        return self.inner.save(state, whole)

    def load(self, spec: EnvSpec, tree: Any, device: str = "cpu") -> Any:
        return self.inner.load(spec, tree, device)


# --- learning ---------------------------------------------------------------------------------------------


@dataclass
class Thawed:
    """A record that can be written to."""

    inner: PPO = SMALL
    rollout: int = 6
    check, init, policy, explore = Wrapped.check, Wrapped.init, Wrapped.policy, Wrapped.explore
    update, save, load = Wrapped.update, Wrapped.save, Wrapped.load


@dataclass(frozen=True)
class Counting(Wrapped):
    """Writes into a hyperparameter."""

    rates: list[float] = field(default_factory=list)

    def update(self, state: Any, batch: Batch, rng: np.random.Generator) -> Any:
        self.rates.append(0.1)
        return super().update(state, batch, rng)


@dataclass(frozen=True)
class Hoarding(Wrapped):
    """Keeps something in itself."""

    def init(self, spec: EnvSpec, rng: np.random.Generator, device: str = "cpu") -> Any:
        object.__setattr__(self, "spec", spec)
        return super().init(spec, rng, device)


@dataclass(frozen=True)
class Whimsical(Wrapped):
    """Fresh weights from the system's entropy."""

    def init(self, spec: EnvSpec, rng: np.random.Generator, device: str = "cpu") -> Any:
        return super().init(spec, np.random.default_rng(), device)


@dataclass(frozen=True)
class Moody(Wrapped):
    """Moves weights by the system's entropy."""

    def update(self, state: Any, batch: Batch, rng: np.random.Generator) -> Any:
        state, metrics = super().update(state, batch, rng)
        _scale(state, 1 + 1e-3 * np.random.default_rng().random())
        return state, metrics


@dataclass(frozen=True)
class Seedless(Wrapped):
    """The same fresh weights for every seed."""

    def init(self, spec: EnvSpec, rng: np.random.Generator, device: str = "cpu") -> Any:
        return super().init(spec, np.random.default_rng(7), device)


@dataclass(frozen=True)
class Idle(Wrapped):
    """Never learns."""

    def update(self, state: Any, batch: Batch, rng: np.random.Generator) -> Any:
        return state, {"loss": 0.0}


@dataclass(frozen=True)
class Deaf(Wrapped):
    """Does the same whatever happened."""

    def update(self, state: Any, batch: Batch, rng: np.random.Generator) -> Any:
        _scale(state, 1.01)
        return state, {"loss": 0.0}


@dataclass(frozen=True)
class Reporting(Wrapped):
    """Has metrics of its own."""

    told: Callable[[int], dict[str, Any]] = dict

    def update(self, state: Any, batch: Batch, rng: np.random.Generator) -> Any:
        state, metrics = super().update(state, batch, rng)
        return state, metrics | self.told(state.steps)


@dataclass(frozen=True)
class Scribbling(Wrapped):
    """Halves rewards in the very arrays that it was given."""

    def update(self, state: Any, batch: Batch, rng: np.random.Generator) -> Any:
        for view in batch.steps.after.groups:
            view.reward[...] *= 0.5
        return super().update(state, batch, rng)


@dataclass(frozen=True)
class Forgetting(Wrapped):
    """Sets memories of the batch to zero."""

    inner: PPO = RECURRENT

    def update(self, state: Any, batch: Batch, rng: np.random.Generator) -> Any:
        batch.memory[0][...] = 0
        return super().update(state, batch, rng)


@dataclass(frozen=True)
class Clinging(Wrapped):
    """Learns from the batch before the last, which it did not copy."""

    def update(self, state: Any, batch: Batch, rng: np.random.Generator) -> Any:
        old = getattr(state, "batch", batch)
        state, metrics = super().update(state, old, rng)
        state.batch = batch
        return state, metrics


@dataclass(frozen=True)
class Gullible(Wrapped):
    """Takes what agents do when it is not their turn for decisions."""

    def update(self, state: Any, batch: Batch, rng: np.random.Generator) -> Any:
        before = batch.steps.before
        views = tuple(v._replace(acting=np.ones_like(v.acting)) for v in before.groups)
        steps = batch.steps._replace(before=before._replace(groups=views))
        return super().update(state, batch._replace(steps=steps), rng)


@dataclass(frozen=True)
class Gambling(Wrapped):
    """Draws from a global generator."""

    which: str = "numpy"

    def update(self, state: Any, batch: Batch, rng: np.random.Generator) -> Any:
        draw = {"numpy": np.random.random, "torch": lambda: torch.rand(1), "python": random.random}
        draw[self.which]()
        return super().update(state, batch, rng)


# --- playing ----------------------------------------------------------------------------------------------


class Team(Independent):
    """A team whose steps are spoilt by a function before it sees them."""

    def __init__(self, team: Independent, spoil: Callable[[Step], Step]) -> None:
        self.spec, self.seats, self.spoil = team.spec, team.seats, spoil

    def sample(self, step: Step, memory: Any, streams: Any) -> Any:
        return super().sample(self.spoil(step), memory, streams)


def nudged(step: Step, where: Any) -> Step:
    """A step in which agents chosen by bool[B, n] can do their last legal action only."""
    view = step.groups[0]
    last = view.mask & (np.cumsum(view.mask[..., ::-1], axis=-1)[..., ::-1] == 1)
    mask = np.where(np.asarray(where)[..., None], last, view.mask)
    return step._replace(groups=(view._replace(mask=mask), *step.groups[1:]))


def lawless(step: Step) -> Step:
    view = step.groups[0]
    return step._replace(groups=(view._replace(mask=np.ones_like(view.mask)), *step.groups[1:]))


def peeking(step: Step) -> Step:
    """Depends on the global state."""
    return nudged(step, (step.state.sum(axis=1) > 3)[:, None])


def nosy(step: Step) -> Step:
    """Depends on the left neighbour's observation."""
    return nudged(step, np.roll(step.groups[0].observation.max(axis=-1) > 1.5, 1, axis=1))


def envious(step: Step) -> Step:
    """Depends on what the left neighbour may do."""
    return nudged(step, np.roll(~step.groups[0].mask[..., 1], 1, axis=1))


def gregarious(step: Step) -> Step:
    """Depends on how many sub-environments there are."""
    return nudged(step, np.full((step.batch, 1), step.batch < 5))


def ranked(step: Step) -> Step:
    """Depends on the place in the batch."""
    return nudged(step, (np.arange(step.batch) == step.batch - 1)[:, None])


@dataclass(frozen=True)
class Spoilt(Wrapped):
    """Policies and exploration see spoilt steps."""

    spoil: Callable[[Step], Step] = lawless
    explores: bool = True

    def policy(self, state: Any, greedy: bool = True) -> Independent:
        return Team(super().policy(state, greedy), self.spoil)

    def explore(self, state: Any) -> Independent:
        explorer = super().explore(state)
        return Team(explorer, self.spoil) if self.explores else explorer


@dataclass(frozen=True)
class PeekingExplorer(Wrapped):
    """Only exploration depends on the global state."""

    def explore(self, state: Any) -> Independent:
        return Team(super().explore(state), peeking)


class Tiring(Independent):
    """Plays differently from its n-th match on."""

    def __init__(self, team: Independent, after: int) -> None:
        self.spec, self.seats, self.after = team.spec, team.seats, after
        self.starts = 0

    def start(self, batch: int) -> Any:
        self.starts += 1
        return super().start(batch)

    def sample(self, step: Step, memory: Any, streams: Any) -> Any:
        tired = np.full((step.batch, 1), self.starts > self.after)
        return super().sample(nudged(step, tired), memory, streams)


@dataclass(frozen=True)
class Tired(Wrapped):
    """Policies count their matches."""

    after: int = 1

    def policy(self, state: Any, greedy: bool = True) -> Independent:
        return Tiring(super().policy(state, greedy), self.after)


@dataclass(frozen=True)
class Live(Wrapped):
    """Hands out the networks that it goes on training."""

    def policy(self, state: Any, greedy: bool = True) -> Independent:
        team = super().explore(state)
        for _, _, policy in team.seats:
            policy.greedy, policy.block = greedy, 64  # type: ignore[attr-defined]
        return team


@dataclass(frozen=True)
class Misnumbered(Wrapped):
    """Whoever plays without the others plays as the first agent."""

    def policy(self, state: Any, greedy: bool = True) -> Independent:
        team = super().policy(state, greedy)
        for _, _, policy in team.seats:
            whole = policy.alone  # type: ignore[attr-defined]
            policy.alone = lambda i, whole=whole: whole(0)  # type: ignore[attr-defined]
        return team


# --- writing down -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Noting(Wrapped):
    """Writes something down that JSON does not know."""

    note: Any = None

    def save(self, state: Any, whole: bool = True) -> Any:
        return super().save(state, whole) | {"note": self.note}


@dataclass(frozen=True)
class Rounding(Wrapped):
    """Loads weights a little wrong."""

    def load(self, spec: EnvSpec, tree: Any, device: str = "cpu") -> Any:
        state = super().load(spec, tree, device)
        _scale(state, 1 + 1e-6)
        return state


@dataclass(frozen=True)
class Heavy(Wrapped):
    """Writes more for the policies alone than for everything."""

    def save(self, state: Any, whole: bool = True) -> Any:
        tree = super().save(state, True)
        return tree if whole else tree | {"more": np.zeros(10_000)}


@dataclass(frozen=True)
class Halving(Wrapped):
    """Writes half of every weight down where only policies are wanted."""

    def save(self, state: Any, whole: bool = True) -> Any:
        tree = super().save(state, whole)
        return tree if whole else tree | {"actors": {name: w / 2 for name, w in tree["actors"].items()}}


@dataclass(frozen=True)
class Trusting(Wrapped):
    """Loads what there is and leaves the rest as it is."""

    def load(self, spec: EnvSpec, tree: Any, device: str = "cpu") -> Any:
        fresh = super().save(super().init(spec, np.random.default_rng(0), device))
        whole = fresh | {key: tree[key] for key in fresh if key in tree}
        return super().load(spec, whole, device)


@dataclass(frozen=True)
class Crashing(Wrapped):
    """Falls over a checkpoint that lacks something."""

    def load(self, spec: EnvSpec, tree: Any, device: str = "cpu") -> Any:
        assert tree["steps"] >= 0
        return super().load(spec, tree, device)


@dataclass(frozen=True)
class Absent(Wrapped):
    """Forgets how often it has learned whenever it is saved and loaded."""

    def update(self, state: Any, batch: Batch, rng: np.random.Generator) -> Any:
        state.count = getattr(state, "count", 0) + 1
        state, metrics = super().update(state, batch, rng)
        if state.count > 2:
            _scale(state, 0.99)
        return state, metrics


@dataclass(frozen=True)
class Shy(Wrapped):
    """Being watched changes it."""

    def policy(self, state: Any, greedy: bool = True) -> Independent:
        team = deepcopy(super().policy(state, greedy))
        if greedy:
            _scale(state, 1.001)
        return team


def _scale(state: Any, factor: float) -> None:
    """Multiply the actors' weights."""
    with torch.no_grad():
        for parameter in state.networks["actors"].parameters():
            parameter.mul_(factor)
