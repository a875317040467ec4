"""Laws of learners about what is written down: see `marl.learner_laws`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from games.env import EnvSpec
from games.errors import InputError
from marl.checkpoint import Tree, read_checkpoint, write_checkpoint
from marl.learner_trial import LearnerTrial, is_tensor, leaves, snapshot


def checkpoints_are_exact(trial: LearnerTrial) -> None:
    """What is saved, written, read, loaded and saved again is what it was; all but tensors is plain JSON."""
    for state in (trial.fresh(), trial.grown):
        tree = snapshot(trial.learner.save(state))
        for name, value in leaves(tree):
            if not is_tensor(value) and not _is_plain(value):
                raise trial.broken(
                    f"{name} of a checkpoint is {value!r:.60}, neither a tensor nor plain JSON"
                )
        try:
            read = _through_a_file(tree)
        except TypeError as error:
            raise trial.broken(f"a checkpoint cannot be written: {error}") from None
        trial.check_same_tree(tree, read, "a checkpoint is not what was saved")
        loaded = trial.learner.load(trial.env.spec, read, trial.device)
        again = snapshot(trial.learner.save(loaded))
        trial.check_same_tree(tree, again, "a state is not the same after it is saved and loaded")


def policies_travel_light(trial: LearnerTrial) -> None:
    """A checkpoint of the policies alone is no larger than the whole, and plays the same."""
    learner, state = trial.learner, trial.grown
    whole, light = snapshot(learner.save(state)), _through_a_file(snapshot(learner.save(state, whole=False)))
    if _size(light) > _size(whole):
        raise trial.broken("a checkpoint of the policies alone is larger than one of everything")
    loaded = learner.load(trial.env.spec, light, trial.device)
    for greedy in (True, False):
        trial.check_same_answers(
            trial.answers(learner.policy(state, greedy), trial.seen),
            trial.answers(learner.policy(loaded, greedy), trial.seen),
            "a checkpoint of the policies alone plays differently",
        )


def misfits_are_refused(trial: LearnerTrial) -> None:
    """A checkpoint that lacks something, holds another shape, or is of another learner or environment is refused."""
    tree = snapshot(trial.learner.save(trial.grown))
    for what, spoilt in _spoilt(tree):
        _check_refused(trial, trial.env.spec, spoilt, what)
    for what, spec in _other_specs(trial.env.spec):
        _check_refused(trial, spec, tree, what)


def _check_refused(trial: LearnerTrial, spec: EnvSpec, tree: Tree, what: str) -> None:
    try:
        trial.learner.load(spec, tree, trial.device)
    except InputError:
        return
    except Exception as error:
        told = f"{type(error).__name__}, not InputError"
        raise trial.broken(f"loading a checkpoint {what} raises {told}") from error
    raise trial.broken(f"a checkpoint {what} is loaded as if it fitted")


def _spoilt(tree: Tree) -> Iterator[tuple[str, Tree]]:
    """Checkpoints that do not fit."""
    yield "that is empty", {}
    yield "of another learner", {"something": {"else": np.zeros(3, dtype=np.float32)}, "steps": 0}
    yield "whose parts are texts", dict.fromkeys(tree, "text")
    for name, value in leaves(tree):
        yield f"without {name}", _changed(tree, name, None)
        if is_tensor(value):
            yield (
                f"with another shape of {name}",
                _changed(tree, name, np.zeros((*value.shape, 2), value.dtype)),
            )


def _changed(tree: Tree, name: str, value: Any) -> Tree:
    """A tree with another leaf of this name, or none; everything else it shares with the first."""
    first, _, rest = name.partition("/")
    if rest:
        return tree | {first: _changed(tree[first], rest, value)}
    return {k: v for k, v in tree.items() if k != name} if value is None else tree | {name: value}


def _other_specs(spec: EnvSpec) -> Iterator[tuple[str, EnvSpec]]:
    """Environments with other shapes."""
    first, *rest = spec.groups
    deeper = replace(first, observation=(first.depth + 1,))
    yield "of an environment where agents see less", replace(spec, groups=(deeper, *rest))
    named = tuple(f"{agent} again" for agent in first.agents)
    second = replace(first, name=f"{first.name} again", agents=named)
    yield "of an environment with fewer groups of agents", replace(spec, groups=(*spec.groups, second))


def _through_a_file(tree: Tree) -> Tree:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.safetensors"
        write_checkpoint(file, tree)
        return read_checkpoint(file)


def _is_plain(value: Any) -> bool:
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError):
        return False


def _size(tree: Tree) -> int:
    return sum(value.nbytes for _, value in leaves(tree) if is_tensor(value))
