"""The laws about actions: bad ones are refused, idle ones ignored."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import Step, View
from games.errors import InputError
from games.law_comparisons import different
from games.play import Transition, begin, restart_stopped
from games.spaces import Discrete, MultiDiscrete
from games.trial import Trial

Array = npt.NDArray[Any]


def actions_are_checked(trial: Trial) -> None:
    """An action that is masked out, out of range, or in an array of the wrong shape is refused; nothing is played."""
    spec, policy = trial.env.spec, trial.policy
    play = begin(trial.env, policy, trial.seeds)
    for _ in range(min(trial.steps, 10)):
        good, _ = policy.sample(play.step, play.memory, play.streams)
        for bad in _bad_actions(trial, play.step, good):
            try:
                trial.env.step(play.world, bad)
            except InputError as error:
                if spec.name not in str(error):
                    raise trial.broken(
                        f"the refusal of a bad action does not name the environment: {error}"
                    ) from None
            else:
                raise trial.broken("a bad action is accepted")
        play.world, play.step = trial.env.step(play.world, good)
        restart_stopped(trial.env, policy, play)
    trial.env.close(play.world)
    untouched, disturbed = trial.record(trial.seeds, 5), _record_disturbed(trial, 5)
    trial.check_equal(untouched, disturbed, "a refused action changes what comes next")


def _record_disturbed(trial: Trial, steps: int) -> list[Transition]:
    """Random play in which every step is first tried with an action of the wrong shape."""
    play, seen = begin(trial.env, trial.policy, trial.seeds), []
    for _ in range(steps):
        before = play.step
        good, play.memory = trial.policy.sample(before, play.memory, play.streams)
        for bad in [tuple(part[:, :0] for part in good), *_bad_actions(trial, before, good)[:1]]:
            try:
                trial.env.step(play.world, bad)
            except InputError:
                continue
        play.world, play.step = trial.env.step(play.world, good)
        seen.append(Transition(before, good, play.step))
        restart_stopped(trial.env, trial.policy, play)
    trial.env.close(play.world)
    return seen


def _bad_actions(trial: Trial, step: Step, good: tuple[Array, ...]) -> list[tuple[Array, ...]]:
    """Joint actions of which one part is wrong."""
    bad = []
    for g, (group, view) in enumerate(zip(trial.env.spec.groups, step.groups)):
        places = np.argwhere(view.acting & ~step.last[:, None])
        if not len(places):
            continue
        b, i = places[-1]
        values: list[Any] = []
        if isinstance(group.actions, Discrete):
            values = [-1, group.actions.count, *np.flatnonzero(~view.mask[b, i])[:1]]
        elif isinstance(group.actions, MultiDiscrete):
            values = [-1, max(group.actions.counts)]
        else:
            values = [np.nan]
        for value in values:
            wrong = good[g].copy()
            wrong[b, i] = value
            bad.append((*good[:g], wrong, *good[g + 1 :]))
    return bad


def idle_actions_are_ignored(trial: Trial) -> None:
    """The action of an agent that does not act changes nothing, whatever it is; given arrays are not written to."""
    runs: list[list[Step]] = []
    for junk in (False, True):
        play, seen = begin(trial.env, trial.policy, trial.seeds), []
        for _ in range(min(trial.steps, 30)):
            good, play.memory = trial.policy.sample(play.step, play.memory, play.streams)
            given = tuple(_junk(a, v, play.step.last) if junk else a for a, v in zip(good, play.step.groups))
            kept = [part.copy() for part in given]
            play.world, play.step = trial.env.step(play.world, given)
            if any((old != new).any() for old, new in zip(kept, given)):
                raise trial.broken("step writes into the actions it was given")
            seen.append(play.step)
            restart_stopped(trial.env, trial.policy, play)
        trial.env.close(play.world)
        runs.append(seen)
    for t, (plain, odd) in enumerate(zip(*runs)):
        if (what := different(plain, odd)) is not None:
            raise trial.broken(f"the action of an agent that does not act changes the {what} of step {t + 1}")


def _junk(actions: Array, view: View, last: Array) -> Array:
    idle = ~view.acting | last[:, None]
    out = actions.copy()
    out[idle] = -7
    return out
