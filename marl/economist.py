"""The AI Economist's two-level learner: workers that learn to live under a tax, and a planner that learns to set it.

Both levels learn by proximal policy optimisation, at the same time, each from its own rewards: the workers, who share one
network, from what their income after taxes is worth to them less their labour; the planner from what society's welfare
changed by. That the planner moves first is only implicit: nothing is differentiated through the workers' learning. What
makes it work is the order of things: first the workers alone, then the planner with much entropy at first, so that
workers meet many schedules and learn to answer those they see.

Source: Zheng, Trott, Srinivasa, Parkes and Socher, "The AI Economist", Science Advances 8(18), 2022; hyperparameters are
those of the authors' published configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass as record
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from games.env import EnvSpec, Step
from games.errors import InputError
from games.play import Transition
from games.policy import Idle, Independent, Policy, Random
from marl.checkpoint import Tree, whole_number
from marl.learner import Batch, Metrics, Plain
from marl.ppo import PPO
from marl.ppo import Learning as Level

WORKERS, PLANNER = "workers", "planner"
COMMON = {
    "rollout": 200,
    "epochs": 1,
    "minibatches": 4,
    "gamma": 0.998,
    "trace": 0.98,
    "clip": 0.3,
    "max_grad_norm": 10.0,
    "sharing": "shared",
}
OF_WORKERS, OF_PLANNER = {**COMMON, "learning_rate": 3e-4}, {**COMMON, "learning_rate": 1e-4}
"""What the levels do unless they are told otherwise."""
LEARNED = (
    "policy_loss",
    "value_loss",
    "entropy",
    "clip_fraction",
    "kl",
    "explained_variance",
    "actors_grad_norm",
    "critics_grad_norm",
)
"""What an update of a level tells; all 0 where it did not learn."""
_PPO: Any = PPO


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Economist(Plain):
    """Hyperparameters: a learner for each level, the first phase, and how entropies fall.

    In the first phase, and for good without a second one, only workers learn. The planner then does nothing (taxes stay
    as the environment has them) or sets rates at random, so that workers meet every schedule.
    """

    workers: PPO = Field(_PPO(critic="observation", **OF_WORKERS), description="who learns for the workers")
    planner: PPO = Field(_PPO(critic="observation", **OF_PLANNER), description="who learns for the planner")
    alone: int = Field(0, ge=0, description="joint steps of the first phase, in which only workers learn")
    meanwhile: Literal["nothing", "random"] = Field(
        "nothing", description="what the planner does in that phase"
    )
    worker_entropy: tuple[float, float] = Field(
        (0.025, 0.025), description="weight of the workers' entropy bonus at first and in the end"
    )
    worker_entropy_steps: int = Field(1_000_000, ge=1, description="joint steps over which it changes")
    planner_entropy: tuple[float, float] = Field(
        (2.0, 0.125),
        description="weight of the planner's entropy bonus when it begins to learn, and in the end",
    )
    planner_entropy_steps: int = Field(
        50_000_000, ge=1, description="joint steps over which it changes, after the first phase"
    )
    keep_workers: bool = Field(True, description="whether workers go on learning once the planner does")

    @property
    def rollout(self) -> int:
        """See `Learner.rollout`."""
        return self.workers.rollout

    def check(self, spec: EnvSpec, steps: int | None = None, batch: int | None = None) -> None:
        """Refuse environments without workers and a planner, and levels that learn from rollouts of different lengths."""
        names = [group.name for group in spec.groups]
        if names != [WORKERS, PLANNER]:
            raise InputError(
                f"{spec.name} has {', '.join(names)}; economist needs workers and a planner, as in "
                "economy:gather-trade-build"
            )
        if self.workers.rollout != self.planner.rollout:
            raise InputError(
                f"both levels learn from the same steps: workers.rollout is {self.workers.rollout} and planner.rollout "
                f"{self.planner.rollout}"
            )
        for name in (WORKERS, PLANNER):
            try:
                getattr(self, name).check(level_spec(spec, name), steps, batch)
            except InputError as error:
                raise InputError(f"{name}: {error}") from None
        if min(*self.worker_entropy, *self.planner_entropy) < 0:
            raise InputError("weights of entropy bonuses are not negative")

    def remarks(self, spec: EnvSpec, steps: int | None = None, batch: int | None = None) -> tuple[str, ...]:
        """A first phase that never ends."""
        if steps is not None and self.alone >= steps > 0:
            return (
                f"only workers learn: their first phase of {self.alone:,} steps is all of the run's {steps:,}",
            )
        return ()

    def init(self, spec: EnvSpec, rng: np.random.Generator, device: str = "cpu") -> Learning:
        """Two fresh levels."""
        self.check(spec)
        workers = self.workers.init(level_spec(spec, WORKERS), rng, device)
        return Learning(spec, workers, self.planner.init(level_spec(spec, PLANNER), rng, device))

    def start(self, spec: EnvSpec, tree: Tree, rng: np.random.Generator, device: str = "cpu") -> Learning:
        """Workers of an earlier run, who have learned what they have, and a fresh planner (see `Learner.start`)."""
        state = self.init(spec, rng, device)
        state.workers = self.workers.load(level_spec(spec, WORKERS), _part(tree, WORKERS), device)
        return state

    # --- playing -------------------------------------------------------------------------------------------

    def policy(self, state: Learning, greedy: bool = True) -> Independent:
        """See `Learner.policy`."""
        return self._team(
            state,
            self.workers.policy(state.workers, greedy),
            self.planner.policy(state.planner, greedy),
        )

    def explore(self, state: Learning) -> Independent:
        """See `Learner.explore`."""
        return self._team(state, self.workers.explore(state.workers), self.planner.explore(state.planner))

    def _team(self, state: Learning, workers: Independent, planner: Independent) -> Independent:
        seats: dict[str, Policy] = {WORKERS: workers.seats[0][2], PLANNER: planner.seats[0][2]}
        if not self.plans(state.steps):
            actions = state.spec.groups[1].actions
            seats[PLANNER] = Random(actions) if self.meanwhile == "random" else Idle(actions)
        return Independent(state.spec, seats)

    def plans(self, steps: int) -> bool:
        """Whether the planner acts and learns after so many joint steps."""
        return steps >= self.alone

    # --- learning ------------------------------------------------------------------------------------------

    def update(self, state: Learning, batch: Batch, rng: np.random.Generator) -> tuple[Learning, Metrics]:
        """Each level learns from its own part of what happened."""
        plans, before = self.plans(state.steps), state.steps
        metrics: Metrics = {}
        taught = ((WORKERS, not plans or self.keep_workers), (PLANNER, plans))
        for g, (name, learns) in enumerate(taught):
            learner: PPO = replace(getattr(self, name), entropy=self.entropy(name, before))
            own = level_batch(batch, g)
            if learns:
                level, told = learner.update(getattr(state, name), own, rng)
                setattr(state, name, level)
                metrics |= {f"{name}_{key}": value for key, value in told.items()}
            else:
                learner.pass_by(getattr(state, name), own)
                metrics |= dict.fromkeys((f"{name}_{key}" for key in LEARNED), 0.0)
            metrics[f"{name}_learns"] = float(learns)
            metrics[f"{name}_reward"] = float(batch.steps.after.groups[g].reward.mean())
        metrics["planner_entropy_weight"] = self.entropy(PLANNER, before) if plans else 0.0
        state.steps += batch.steps.after.last.size
        state.worker_updates += taught[0][1]
        state.planner_updates += plans
        return state, metrics

    def entropy(self, name: str, steps: int) -> float:
        """The weight of a level's entropy bonus after so many joint steps: linear, then constant."""
        first, last = self.worker_entropy if name == WORKERS else self.planner_entropy
        over = self.worker_entropy_steps if name == WORKERS else self.planner_entropy_steps
        gone = steps if name == WORKERS else max(steps - self.alone, 0)
        return first + (last - first) * min(gone / over, 1.0)

    # --- keeping -------------------------------------------------------------------------------------------

    def save(self, state: Learning, whole: bool = True) -> Tree:
        """See `Learner.save`."""
        return {
            WORKERS: self.workers.save(state.workers, whole),
            PLANNER: self.planner.save(state.planner, whole),
            "steps": state.steps,
            "worker_updates": state.worker_updates,
            "planner_updates": state.planner_updates,
        }

    def load(self, spec: EnvSpec, tree: Tree, device: str = "cpu") -> Learning:
        """See `Learner.load`."""
        self.check(spec)
        workers, planner = _part(tree, WORKERS), _part(tree, PLANNER)
        if ("adam" in workers) != ("adam" in planner):
            raise InputError("the checkpoint does not fit: it holds the optimiser of one level alone")
        return Learning(
            spec,
            self.workers.load(level_spec(spec, WORKERS), workers, device),
            self.planner.load(level_spec(spec, PLANNER), planner, device),
            whole_number(tree, "steps"),
            whole_number(tree, "worker_updates"),
            whole_number(tree, "planner_updates"),
        )


@record
class Learning:
    """The learner's state.

    Parameters
    ----------
    spec : EnvSpec
        Where it learns.
    workers, planner : marl.ppo.Learning
        The two levels.
    steps, worker_updates, planner_updates : int
        Joint environment steps seen, and how often each level has learned.
    """

    spec: EnvSpec
    workers: Level
    planner: Level
    steps: int = 0
    worker_updates: int = 0
    planner_updates: int = 0


def level_spec(spec: EnvSpec, name: str) -> EnvSpec:
    """The environment as one of its groups sees it."""
    (group,) = (group for group in spec.groups if group.name == name)
    return EnvSpec(f"{spec.name}, its {name}", (group,), spec.state, spec.horizon)


def level_batch(batch: Batch, g: int) -> Batch:
    """What happened to group g."""

    def seen(step: Step) -> Step:
        return step._replace(groups=(step.groups[g],))

    steps = batch.steps
    own = Transition(seen(steps.before), (steps.actions[g],), seen(steps.after))
    memory = None if batch.memory is None else [batch.memory[g]]
    return Batch(own, memory, batch.begun)


def _part(tree: Tree, name: str) -> Tree:
    part = tree.get(name)
    if not isinstance(part, Mapping):
        raise InputError(f"the checkpoint does not fit: it has no {name}")
    return dict(part)
