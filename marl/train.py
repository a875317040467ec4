"""The one training loop: play, learn, and now and then be judged and written down.

`train` yields what happens; writing files, drawing and printing is up to the caller. All chance comes from one seed
through four streams: `init` (weights), `play` (seeds of the worlds), `update` (what the learner draws) and `evaluate`.

After every checkpoint all sub-environments begin anew from fresh seeds. Worlds of other people's environments cannot
be written down; this way a run that was killed and goes on from its checkpoint does exactly what it would have done.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from games.carrying import carry, carrying
from games.env import Env, EnvSpec, Step
from games.errors import InputError
from games.play import Episodes, Play, begin, play_episodes, rollout
from games.policy import JointPolicy
from games.streams import draw_seeds
from marl.checkpoint import Tree, whole_number
from marl.learner import Batch, Diverged, Learner, Metrics, State

Array = npt.NDArray[Any]
_AT_ONCE = 256


@dataclass(frozen=True)
class Plan:
    """How long to train and when to look.

    Parameters
    ----------
    steps : int
        Joint environment steps, at least; an update is never cut short.
    batch : int
        Sub-environments, B.
    evaluate_every, save_every : int
        Joint steps between evaluations and between checkpoints.
    episodes : int
        Of one evaluation.
    max_steps : int or None
        Cut evaluation episodes off here, where the environment has no horizon.
    greedy : bool
        Whether evaluations play the likeliest actions instead of drawing.
    seed : int
        Of everything random.
    """

    steps: int
    batch: int = 16
    evaluate_every: int = 50_000
    save_every: int = 50_000
    episodes: int = 100
    max_steps: int | None = None
    greedy: bool = False
    seed: int = 0


class Updated(NamedTuple):
    """The learner has learned once."""

    steps: int  # joint environment steps so far
    metrics: Metrics
    returns: Array  # float64[E, agents] of training episodes that stopped since the last update
    lengths: Array  # int32[E]: their steps
    play_seconds: float
    learn_seconds: float
    part_seconds: Mapping[str, float] = MappingProxyType({})  # of learning, where it has parts


class Evaluated(NamedTuple):
    """Frozen policies were judged; `tree` holds them, valid until the next event."""

    steps: int
    episodes: Episodes
    tree: Tree
    beside: Mapping[str, Episodes] = MappingProxyType({})  # of `Learner.beside`, from the same seeds


class Saved(NamedTuple):
    """All that is needed to go on from here, valid until the next event."""

    steps: int
    tree: Tree


Event = Updated | Evaluated | Saved


def train(
    learner: Learner,
    env: Env,
    plan: Plan,
    *,
    device: str = "cpu",
    resume: Tree | None = None,
    start: Tree | None = None,
) -> Iterator[Event]:
    """Train a learner.

    Parameters
    ----------
    learner : Learner
        Its hyperparameters.
    env : Env
        Where it plays.
    plan : Plan
        How long, how often.
    device : str
        Where networks live.
    resume : dict, optional
        The tree of a `Saved` event of the same learner, environment and plan: training goes on from there, bit for bit
        as if it had never stopped. Only `Plan.steps` may be larger; a run that ended off the cadence of `save_every` has
        one checkpoint more, so going on from its end is not the same as having planned the longer run.
    start : dict, optional
        The tree of a `Saved` or `Evaluated` event of another run, perhaps elsewhere: what was learned there is what this
        one begins with (`Learner.start`). Everything else is new.

    Yields
    ------
    Updated, Evaluated or Saved
        The first is an evaluation before anything is learned, the last a `Saved`.

    Raises
    ------
    InputError
        If learner and environment, or plan and checkpoint, do not fit.
    Diverged
        If a loss is infinite or no number.
    """
    trainer = Trainer(learner, env, plan, device, resume, start)
    try:
        yield from trainer.events()
    finally:
        trainer.close()


class Trainer:
    """Training in progress; see `train`."""

    def __init__(
        self,
        learner: Learner,
        env: Env,
        plan: Plan,
        device: str,
        resume: Tree | None,
        start: Tree | None = None,
    ) -> None:
        check_plan(env.spec, plan)
        learner = learner.filled(plan.steps)
        learner.check(env.spec, plan.steps, plan.batch)
        self.learner, self.env, self.plan, self.device = learner, env, plan, device
        init, play, update, self._evaluate = np.random.SeedSequence(plan.seed).spawn(4)
        self._play_rng, self._update_rng = np.random.default_rng(play), np.random.default_rng(update)
        self.steps = self.updates = 0
        self.state: State = None
        self._kept: Array | None = None  # by the sub-environments that were given back
        if resume is None and start is not None:
            self.state = learner.start(env.spec, _learned(start), np.random.default_rng(init), device)
        elif resume is None:
            self.state = learner.init(env.spec, np.random.default_rng(init), device)
        else:
            self._restore(resume)
        self._fresh = resume is None
        self._play: Play | None = None
        self._running: tuple[Array, Array] | None = None

    def events(self) -> Iterator[Event]:
        """Until the plan's steps are done."""
        if self._fresh:
            yield self.evaluated()
        while self.steps < self.plan.steps:
            before = self.steps
            yield self.advance()
            over = self.steps >= self.plan.steps
            if over or self._due(before, self.plan.evaluate_every):
                yield self.evaluated()
            if over or self._due(before, self.plan.save_every):
                yield Saved(self.steps, self.tree())
                self.close()

    def advance(self) -> Updated:
        """Play and learn once."""
        start = time.perf_counter()
        explorer = self.learner.explore(self.state)
        begun = self._play is None
        play = self._begun(explorer)
        memory = play.memory
        seen = rollout(self.env, explorer, play, self.learner.rollout)
        played = time.perf_counter()
        self.state, metrics = self.learner.update(self.state, Batch(seen, memory, begun), self._update_rng)
        self.updates += 1
        self.steps += self.learner.rollout * self.plan.batch
        self._check_finite(metrics)
        returns, lengths = self._finished(seen.after)
        learned = time.perf_counter()
        parts = dict(getattr(self.state, "seconds", {}))
        return Updated(self.steps, metrics, returns, lengths, played - start, learned - played, parts)

    def evaluated(self) -> Evaluated:
        """Judge the policies as they are; nothing of the training notices."""
        plan = self.plan
        seeds = draw_seeds(
            np.random.default_rng([self.steps, *self._evaluate.generate_state(4)]), plan.episodes
        )
        limit = plan.max_steps if self.env.spec.horizon is None else None
        batch = min(plan.episodes, _AT_ONCE)
        policies = {"": self.learner.policy(self.state, plan.greedy)}
        policies |= self.learner.beside(self.state, plan.greedy)
        env = carrying(self.env, self._carried())
        played = {
            name: play_episodes(env, policy, seeds, batch=batch, max_steps=limit)
            for name, policy in policies.items()
        }
        return Evaluated(self.steps, played.pop(""), self._tree(whole=False), played)

    def tree(self) -> Tree:
        """Everything that going on from here needs, if the sub-environments begin anew."""
        return self._tree(whole=True)

    def close(self) -> None:
        """Give back the sub-environments; new ones begin if training goes on, with what these have kept."""
        if self._play is not None:
            self._kept = self._carried()
            self.env.close(self._play.world)
        self._play = self._running = None

    def _begun(self, explorer: JointPolicy) -> Play:
        if self._play is None:
            seeds = draw_seeds(self._play_rng, self.plan.batch)
            self._play = begin(self.env, explorer, seeds, carried=self._kept)
            agents = len(self.env.spec.agents)
            self._running = np.zeros((self.plan.batch, agents)), np.zeros(self.plan.batch, dtype=np.int32)
        return self._play

    def _carried(self) -> Array | None:
        """What the sub-environments keep from episode to episode by now."""
        return self._kept if self._play is None else carry(self.env, self._play.world)

    def _finished(self, after: Step) -> tuple[Array, Array]:
        """Returns and lengths of the episodes that stopped."""
        assert self._running is not None
        total, length = self._running
        returns, lengths = [np.zeros((0, total.shape[1]))], [np.zeros(0, dtype=np.int32)]
        for reward, last in zip(after.rewards, after.last):
            total += reward
            length += 1
            if last.any():
                returns.append(total[last])
                lengths.append(length[last])
                total[last], length[last] = 0.0, 0
        return np.concatenate(returns), np.concatenate(lengths)

    def _due(self, before: int, every: int) -> bool:
        return self.steps // every > before // every

    def _check_finite(self, metrics: Metrics) -> None:
        for name, value in metrics.items():
            if not math.isfinite(value):
                raise Diverged(
                    f"{name} is {value} in update {self.updates} (step {self.steps:,}); "
                    "try a smaller learning rate, or a smaller max_grad_norm"
                )

    def _tree(self, whole: bool) -> Tree:
        about: Tree = {
            "env": self.env.spec.name,
            "plan": asdict(self.plan),
            "steps": self.steps,
            "updates": self.updates,
            "torch": torch.__version__,
        }
        if (kept := self._carried()) is not None:
            about["carried"] = kept
        if whole:
            about["play_rng"] = self._play_rng.bit_generator.state
            about["update_rng"] = self._update_rng.bit_generator.state
        return {"trainer": about, "learner": self.learner.save(self.state, whole)}

    def _restore(self, tree: Tree) -> None:
        about = tree.get("trainer")
        if (
            not isinstance(about, dict)
            or "play_rng" not in about
            or not isinstance(tree.get("learner"), dict)
        ):
            raise InputError(
                "this checkpoint holds policies only; training goes on from the last one, not from the best"
            )
        self._check_same(about)
        self.state = self.learner.load(self.env.spec, tree["learner"], self.device)
        self.steps, self.updates = whole_number(about, "steps"), whole_number(about, "updates")
        self._kept = carried_in(tree)
        try:
            self._play_rng.bit_generator.state = about["play_rng"]
            self._update_rng.bit_generator.state = about["update_rng"]
        except (KeyError, ValueError, TypeError, OverflowError):
            raise InputError("the checkpoint is damaged: its random generators have no state") from None

    def _check_same(self, about: Tree) -> None:
        if about.get("env") != self.env.spec.name:
            raise InputError(f"the checkpoint is of {about.get('env')}, not of {self.env.spec.name}")
        kept, now = about.get("plan"), asdict(self.plan)
        if not isinstance(kept, dict):
            raise InputError("the checkpoint is damaged: it has no plan")
        for key, value in now.items():
            if key != "steps" and kept.get(key) != value:
                raise InputError(f"the checkpoint was trained with {key} {kept.get(key)}, not {value}")


def _learned(tree: Tree) -> Tree:
    learned = tree.get("learner")
    if not isinstance(learned, dict):
        raise InputError("the checkpoint to start from is damaged: it holds nothing learned")
    return learned


def carried_in(tree: Tree) -> Array | None:
    """What the sub-environments had kept when a checkpoint was written, float64[B, C]; `InputError` if it is damaged."""
    about = tree.get("trainer")
    kept = about.get("carried") if isinstance(about, dict) else None
    if kept is None:
        return None
    array = np.asarray(kept)
    if array.ndim != 2 or array.dtype.kind != "f" or not len(array):
        raise InputError(
            "the checkpoint is damaged: what the environment's episodes left behind is no table of numbers"
        )
    return array.astype(np.float64)


def check_plan(spec: EnvSpec, plan: Plan) -> None:
    """`InputError` unless a plan can be followed in this environment."""
    for name in ("steps", "batch", "evaluate_every", "save_every", "episodes"):
        if getattr(plan, name) < 1:
            raise InputError(f"{name} must be at least 1, not {getattr(plan, name)}")
    if spec.horizon is None and plan.max_steps is None:
        raise InputError(f"{spec.name} has no horizon, so evaluation episodes need a limit: set max_steps")
