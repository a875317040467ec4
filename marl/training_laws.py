"""Laws of learners about learning: see `marl.learner_laws`."""

from __future__ import annotations

import math
import random
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from games.spaces import Box, Discrete
from marl.checkpoint import Tree, read_checkpoint, write_checkpoint
from marl.learner import Batch
from marl.learner_trial import LearnerTrial, snapshot, tree_difference
from marl.train import Evaluated, Event, Plan, Saved, Updated, train

Array = npt.NDArray[Any]


def hyperparameters_stand_still(trial: LearnerTrial) -> None:
    """A learner is a frozen record of its hyperparameters, and training does not change them."""
    learner: Any = trial.learner
    parameters = getattr(type(learner), "__dataclass_params__", None)
    if not getattr(parameters, "frozen", False):
        raise trial.broken("it is not a frozen dataclass, so its hyperparameters may change")
    before, about = deepcopy(learner), repr(learner)
    trial.taught()
    if repr(learner) != about or learner != before or vars(learner).keys() != vars(before).keys():
        raise trial.broken("training changes its hyperparameters")
    if {field.name for field in fields(learner)} != set(vars(learner)):
        raise trial.broken("it holds something beside its hyperparameters")


def same_seed_same_training(trial: LearnerTrial) -> None:
    """The same seeds give the same state and the same metrics, bit for bit."""
    trial.check_same_state(trial.fresh(), trial.fresh(), "the same seed gives two different fresh states")
    first, metrics = trial.taught()
    second, again = trial.taught()
    if metrics != again:
        raise trial.broken("the same seeds give two different courses of training: the metrics differ")
    trial.check_same_state(first, second, "the same seeds give two different courses of training")


def experience_matters(trial: LearnerTrial) -> None:
    """Another seed begins with other weights, and updates change the state."""
    learner, fresh = trial.learner, snapshot(trial.learner.save(trial.fresh(), False))
    if tree_difference(fresh, snapshot(learner.save(trial.fresh(trial.seed + 1), False))) is None:
        raise trial.broken("different seeds give the same fresh state")
    taught, _ = trial.taught()
    other, _ = trial.taught(trial.seed + 1)
    first, second = snapshot(learner.save(taught)), snapshot(learner.save(other))
    if tree_difference(fresh, snapshot(learner.save(taught, False))) is None:
        raise trial.broken("updates do not change the policies")
    if tree_difference(first, second) is None:
        raise trial.broken("whatever it experiences, it learns the same")


def metrics_are_finite(trial: LearnerTrial) -> None:
    """Metrics are finite numbers, under the same names at every update."""
    names: set[str] | None = None
    for update, metrics in enumerate(trial.taught()[1], start=1):
        for name, value in metrics.items():
            if type(value) is not float or not math.isfinite(value):
                raise trial.broken(f"the metric {name!r} of update {update} is {value!r}, not a finite float")
        if names is not None and names != set(metrics):
            odd = sorted(names ^ set(metrics))[0]
            raise trial.broken(f"not every update has the metric {odd!r}")
        names = set(metrics)


def batches_are_left_alone(trial: LearnerTrial) -> None:
    """An update writes into nothing that it was given."""
    for lesson in trial.lessons(trial.fresh()):
        for array, given in zip(_arrays(lesson.batch), _arrays(lesson.given), strict=True):
            if array.tobytes() != given.tobytes():
                raise trial.broken("an update writes into the batch that it was given")


def batches_are_not_kept(trial: LearnerTrial) -> None:
    """What becomes of a batch after its update changes nothing."""
    clean, metrics = trial.taught()
    state, told = trial.fresh(), []
    for lesson in trial.lessons(state):
        state = lesson.state
        told.append(lesson.metrics)
        for array in _arrays(lesson.batch):
            array[...] = 0
    why = "it goes on using the arrays of a batch after the update"
    if told != metrics:
        raise trial.broken(f"{why}: later metrics differ if they are changed")
    trial.check_same_state(clean, state, why)


def idle_actions_teach_nothing(trial: LearnerTrial) -> None:
    """What agents did when it was not their turn, or after they were out, has no influence on learning."""
    learner, why = trial.learner, "actions of agents that do not act change what is learned"
    plain, spoilt = trial.fresh(), trial.fresh()
    first, second = trial.rng(9), trial.rng(9)
    for lesson in trial.lessons(trial.fresh()):
        plain, metrics = learner.update(plain, deepcopy(lesson.given), first)
        spoilt, told = learner.update(spoilt, _idle_changed(trial, lesson.given), second)
        if metrics != told:
            raise trial.broken(f"{why}: the metrics differ")
        trial.check_same_tree(learner.save(plain, False), learner.save(spoilt, False), why)


def _idle_changed(trial: LearnerTrial, batch: Batch) -> Batch:
    """A batch in which agents that do not act did something else."""
    actions = []
    for group, view, done in zip(trial.env.spec.groups, batch.steps.before.groups, batch.steps.actions):
        space = group.actions
        if isinstance(space, Box):
            other = -done - 0.5
        else:
            counts = np.array((space.count,) if isinstance(space, Discrete) else space.counts)
            other = (done + 1) % (counts[0] if isinstance(space, Discrete) else counts)
        idle = ~view.acting.reshape(*view.acting.shape, *(1 for _ in space.shape))
        actions.append(np.where(idle, other, done).astype(done.dtype))
    copy = deepcopy(batch)
    return copy._replace(steps=copy.steps._replace(actions=tuple(actions)))


def no_global_chance(trial: LearnerTrial) -> None:
    """Nothing draws from a global generator: neither python's, nor numpy's, nor torch's."""
    before = _global_states()
    state, _ = trial.taught()
    for team in trial.teams(state).values():
        trial.answers(team, trial.seen[:3])
    for name, now in _global_states().items():
        if now != before[name]:
            raise trial.broken(f"it draws from {name}'s global random generator")


def _global_states() -> dict[str, bytes]:
    _, words, *rest = np.random.get_state()  # noqa: NPY002
    return {
        "python": repr(random.getstate()).encode(),
        "numpy": np.asarray(words).tobytes() + repr(rest).encode(),
        "torch": torch.random.get_rng_state().numpy().tobytes(),
    }


def evaluation_disturbs_nothing(trial: LearnerTrial) -> None:
    """Training with evaluations after every update is training without."""
    plan = _plan(trial)
    often = _events(trial, replace(plan, evaluate_every=1, greedy=True))
    never = _events(trial, replace(plan, evaluate_every=plan.steps))
    if _metrics(often) != _metrics(never):
        raise trial.broken("evaluation disturbs training: the metrics differ")
    trial.check_same_tree(_last(often)["learner"], _last(never)["learner"], "evaluation disturbs training")


def resumed_as_if_never_stopped(trial: LearnerTrial) -> None:
    """Half the training, a checkpoint in a file, and the other half from it are the whole, bit for bit."""
    plan = _plan(trial)
    whole = _events(trial, plan)
    halfway = next(i for i, event in enumerate(whole) if isinstance(event, Saved))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "half.safetensors"
        write_checkpoint(file, whole[halfway].tree)  # type: ignore[union-attr]
        rest = _events(trial, plan, read_checkpoint(file))
    why = "training resumed from a checkpoint is not as if it had never stopped"
    left = whole[halfway + 1 :]
    if _metrics(rest) != _metrics(left):
        raise trial.broken(f"{why}: the metrics differ")
    if any(
        (a.episodes.returns != b.episodes.returns).any()
        for a, b in zip(_evaluations(rest), _evaluations(left), strict=True)
    ):
        raise trial.broken(f"{why}: evaluations differ")
    trial.check_same_tree(_last(rest), _last(left), why)


def _plan(trial: LearnerTrial) -> Plan:
    """All updates of a trial, with a checkpoint after half of them."""
    once = trial.learner.rollout * trial.batch
    steps = once * trial.updates
    return Plan(
        steps=steps,
        batch=trial.batch,
        evaluate_every=steps // 2,
        save_every=steps // 2,
        episodes=3,
        max_steps=trial.max_steps,
        seed=trial.seed,
    )


def _events(trial: LearnerTrial, plan: Plan, resume: Tree | None = None) -> list[Event]:
    """All that happens, in copies that outlive it."""
    return list(_kept(train(trial.learner, trial.env, plan, device=trial.device, resume=resume)))


def _kept(events: Iterator[Event]) -> Iterator[Event]:
    for event in events:
        yield event if isinstance(event, Updated) else event._replace(tree=snapshot(event.tree))


def _metrics(events: list[Event]) -> list[Any]:
    return [
        (e.steps, e.metrics, e.returns.tolist(), e.lengths.tolist()) for e in events if isinstance(e, Updated)
    ]


def _evaluations(events: list[Event]) -> list[Evaluated]:
    return [event for event in events if isinstance(event, Evaluated)]


def _last(events: list[Event]) -> Tree:
    last = events[-1]
    assert isinstance(last, Saved), "training ends with a checkpoint"
    return last.tree


def _arrays(part: Any) -> Iterator[Array]:
    """All arrays in a batch."""
    if isinstance(part, np.ndarray):
        yield part
    elif isinstance(part, dict):
        for value in part.values():
            yield from _arrays(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from _arrays(value)
