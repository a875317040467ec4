"""The laws about worlds: what is done to one world, or to part of it, changes nothing elsewhere."""

from __future__ import annotations

import numpy as np

from games.env import Step
from games.errors import InputError
from games.law_comparisons import different
from games.play import advance, begin, restart_stopped
from games.trial import LawBroken, Trial

_LONG = 20
"""At most so many steps."""


def worlds_are_apart(trial: Trial) -> None:
    """Two worlds of one environment that are alive at once do not disturb each other, nor does closing one."""
    env, policy, count = trial.env, trial.policy, min(trial.steps, _LONG)
    alone, seen = trial.record(trial.seeds, count), []
    other, is_open = begin(env, policy, trial.seeds + np.uint64(1)), True
    try:
        for t, (_, transition) in enumerate(trial.play(steps=count)):
            seen.append(transition)
            if t < count // 2:
                advance(env, policy, other)
                restart_stopped(env, policy, other)
            elif is_open:
                is_open = False
                env.close(other.world)
    except LawBroken:
        raise
    except InputError as error:  # what was legal in the one world was tried in the other
        raise trial.broken(f"a second world of the same environment disturbs the first: {error}") from None
    finally:
        if is_open:
            env.close(other.world)
    trial.check_equal(alone, seen, "a second world of the same environment disturbs the first")


def others_play_on(trial: Trial) -> None:
    """Restarting a sub-environment changes nothing of what becomes of the others."""
    where = np.zeros(len(trial.seeds), dtype=bool)
    where[1] = True
    calm, disturbed = (_others(trial, where, restarted) for restarted in (False, True))
    for t, (a, b) in enumerate(zip(calm, disturbed)):
        if (what := different(a, b)) is not None:
            raise trial.broken(
                f"restarting one sub-environment changes the {what} of another {t} steps later"
            )


def _others(trial: Trial, where: np.ndarray, restarted: bool) -> list[Step]:
    """What is seen of all but one sub-environment, whether or not that one is restarted after the first step."""
    play, seen = begin(trial.env, trial.policy, trial.seeds), []
    for t in range(min(trial.steps, _LONG)):
        advance(trial.env, trial.policy, play)
        if restarted and t == 0:
            play.world, play.step = trial.env.restart(play.world, where)
        seen.append(play.step.where(~where))
    trial.env.close(play.world)
    return seen
