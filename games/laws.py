"""The laws of environments, as code: `check_env` runs every one of them on a real environment.

Each law is a function of a `Trial` (an environment with seeds and random legal actions) that raises `LawBroken` in one
sentence. The tests hold a broken specimen against each law.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from games.action_laws import actions_are_checked, idle_actions_are_ignored
from games.env import Env, Step
from games.errors import InputError
from games.law_comparisons import copied, different, differs, rows
from games.play import advance, begin
from games.spaces import Box, Discrete, MultiDiscrete
from games.streams import draw_seeds
from games.trial import LawBroken as LawBroken
from games.trial import Trial
from games.world_laws import others_play_on, worlds_are_apart

Array = npt.NDArray[Any]


Law = Callable[[Trial], None]


def check_env(env: Env, *, seed: int = 0, batch: int = 4, steps: int = 60) -> tuple[str, ...]:
    """Hold an environment against every law.

    Parameters
    ----------
    env : Env
        The environment.
    seed : int
        Of the seeds and the random play.
    batch : int
        Sub-environments, at least 2.
    steps : int
        Length of random play for each law.

    Returns
    -------
    tuple of str
        Names of the laws that were checked, in order.

    Raises
    ------
    LawBroken
        At the first law that does not hold, saying which and where.

    Examples
    --------
    >>> from games import make_env
    >>> len(check_env(make_env("zoo:chicken"))) == len(LAWS)
    True
    """
    if batch < 2 or steps < 1:
        raise InputError(
            f"laws are checked on at least 2 sub-environments and 1 step, not {batch} and {steps}"
        )
    trial = Trial(env, draw_seeds(np.random.default_rng(seed), batch), steps)
    for law in LAWS:
        law(trial)
    return tuple(law.__name__ for law in LAWS)


def shapes_and_types(trial: Trial) -> None:
    """Every array has the shape and type that the spec and `games.env` promise, and holds finite numbers."""
    play = begin(trial.env, trial.policy, trial.seeds)
    _check_step(trial, play.step, "after reset")
    trial.env.close(play.world)
    for t, (_, transition) in enumerate(trial.play()):
        _check_step(trial, transition.after, f"after step {t + 1}")


def _check_step(trial: Trial, step: Step, when: str) -> None:
    spec, batch = trial.env.spec, len(trial.seeds)
    if len(step.groups) != len(spec.groups):
        raise trial.broken(f"{len(step.groups)} views {when}, but the spec has {len(spec.groups)} groups")
    for group, view in zip(spec.groups, step.groups):
        wanted: dict[str, tuple[tuple[int, ...], str]] = {
            "observation": ((batch, group.size, group.depth), "float32"),
            "mask": ((batch, group.size, group.width), "bool"),
            "reward": ((batch, group.size), "float64"),
            "acting": ((batch, group.size), "bool"),
            "alive": ((batch, group.size), "bool"),
        }
        if group.rows:
            wanted["row"] = ((batch, group.size), "int32")
        for name, (shape, dtype) in wanted.items():
            _check_array(trial, getattr(view, name), shape, dtype, f"{name} of group {group.name!r} {when}")
        rows = view.row
        if rows is not None and group.rows and (rows.min() < 0 or rows.max() >= group.rows):
            raise trial.broken(f"a row of group {group.name!r} {when} is outside 0..{group.rows - 1}")
    _check_array(trial, step.state, (batch, spec.state), "float32", f"state {when}")
    _check_array(trial, step.discount, (batch,), "float32", f"discount {when}")
    _check_array(trial, step.last, (batch,), "bool", f"last {when}")


def _check_array(trial: Trial, array: Any, shape: tuple[int, ...], dtype: str, what: str) -> None:
    if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != dtype:
        found = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise trial.broken(f"{what} is {found}, expected {dtype} {shape}")
    if dtype.startswith("float") and not np.isfinite(array).all():
        raise trial.broken(f"{what} holds {array[~np.isfinite(array)][0]}, which is not a finite number")


def same_seed_same_play(trial: Trial) -> None:
    """The same seeds and actions give the same bytes again."""
    first, second = trial.record(trial.seeds), trial.record(trial.seeds)
    trial.check_equal(first, second, "the same seeds and actions give two different plays")


def alone_as_in_a_batch(trial: Trial) -> None:
    """A sub-environment plays the same alone as among others, in whatever order they stand."""
    together = trial.record(trial.seeds)
    for b in (0, len(trial.seeds) - 1):
        alone = trial.record(trial.seeds[b : b + 1])
        part = [rows(t, slice(b, b + 1)) for t in together]
        trial.check_equal(part, alone, f"sub-environment {b} plays differently alone than in a batch")
    order = np.arange(len(trial.seeds))[::-1]
    turned = trial.record(trial.seeds[order])
    trial.check_equal(
        [rows(t, order) for t in together], turned, "the order of sub-environments changes their play"
    )


def seeds_matter(trial: Trial) -> None:
    """Different seeds do not give the very same random play."""
    others = trial.seeds + np.uint64(1)
    first = trial.record(trial.seeds, 1)[0].before
    if all(view.mask.shape[-1] > 0 and (view.mask.sum(axis=-1) <= 1).all() for view in first.groups):
        return  # nobody has a choice
    if differs(trial.record(trial.seeds, 20), trial.record(others, 20)) is None:
        raise trial.broken("different seeds give the same play")


def fresh_start(trial: Trial) -> None:
    """After reset no episode has stopped, nobody has a reward, and somebody acts."""
    play = begin(trial.env, trial.policy, trial.seeds)
    trial.env.close(play.world)
    _check_fresh(trial, play.step, np.ones(len(trial.seeds), dtype=bool), "reset")


def _check_fresh(trial: Trial, step: Step, where: Array, after: str) -> None:
    if step.last[where].any() or (step.discount[where] != 1).any():
        raise trial.broken(f"an episode has already stopped after {after}")
    if step.rewards[where].any():
        raise trial.broken(f"an agent has a reward before its first step, after {after}")
    acting = np.concatenate([view.acting for view in step.groups], axis=1)[where]
    if not acting.any(axis=1).all():
        raise trial.broken(f"nobody acts after {after}")


def somebody_can_act(trial: Trial) -> None:
    """Until an episode stops somebody acts, and whoever acts has a legal action and is alive."""
    for t, (_, transition) in enumerate(trial.play()):
        step = transition.after
        acting = np.concatenate([view.acting for view in step.groups], axis=1)
        if not acting[~step.last].any(axis=1).all():
            raise trial.broken(f"nobody acts after step {t + 1}, though the episode goes on")
        for group, view in zip(trial.env.spec.groups, step.groups):
            if (view.acting & ~view.alive).any():
                raise trial.broken(
                    f"an agent of group {group.name!r} acts after step {t + 1} though it is out"
                )
            for start, stop in _parts(group.actions):
                stuck = view.acting & ~view.mask[..., start:stop].any(axis=-1)
                if stuck.any():
                    b, i = np.argwhere(stuck)[0]
                    raise trial.broken(
                        f"{group.agents[i]} acts after step {t + 1} in sub-environment {b}, but has no legal action"
                    )
        if trial.env.spec.turn_based and (acting.sum(axis=1) > 1).any():
            raise trial.broken(f"two agents act at once after step {t + 1}, though the spec says turn-based")


def _parts(space: Any) -> list[tuple[int, int]]:
    if isinstance(space, Box):
        return []
    if isinstance(space, Discrete):
        return [(0, space.count)]
    assert isinstance(space, MultiDiscrete)
    return list(zip(space.starts, space.starts[1:]))


def ends_are_marked(trial: Trial) -> None:
    """A discount is 1, or 0 where the game has ended; then the episode stops and nobody acts."""
    for t, (_, transition) in enumerate(trial.play()):
        step = transition.after
        if not np.isin(step.discount, (0, 1)).all():
            raise trial.broken(f"a discount after step {t + 1} is {step.discount.min()}, neither 0 nor 1")
        over = step.discount == 0
        if (over & ~step.last).any():
            raise trial.broken(f"after step {t + 1} a discount is 0 though the episode has not stopped")
        if any(view.acting[over].any() for view in step.groups):
            raise trial.broken(f"somebody acts after step {t + 1} though the game has ended")


def stopped_stands_still(trial: Trial) -> None:
    """An episode that has stopped stays as it is, without rewards, until it is restarted."""
    play = begin(trial.env, trial.policy, trial.seeds)
    for _ in range(_patience(trial)):
        before = play.step
        after = advance(trial.env, trial.policy, play).after
        _check_still(trial, before, after)
        if after.last.all() and before.last.all():
            break
    trial.env.close(play.world)


def _check_still(trial: Trial, before: Step, after: Step) -> None:
    stopped = before.last
    old, new = before.where(stopped), after.where(stopped)
    if new.rewards.any():
        raise trial.broken("a stopped episode still gives rewards")
    quiet = [view._replace(reward=np.zeros_like(view.reward)) for view in old.groups]
    if (what := different(old._replace(groups=tuple(quiet)), new)) is not None:
        raise trial.broken(f"a stopped episode goes on: its {what} changes")


def _patience(trial: Trial) -> int:
    horizon = trial.env.spec.horizon
    return trial.steps if horizon is None else min(horizon + 2, max(trial.steps, 1_000))


def restart_touches_only_its_own(trial: Trial) -> None:
    """Restarting begins a new episode where asked, and leaves every other sub-environment as it was."""
    play = begin(trial.env, trial.policy, trial.seeds)
    before = advance(trial.env, trial.policy, play).after
    where = np.zeros(len(trial.seeds), dtype=bool)
    where[1] = True
    play.world, after = trial.env.restart(play.world, where)
    trial.env.close(play.world)
    _check_step(trial, after, "after restart")
    _check_fresh(trial, after, where, "restart")
    if (what := different(before.where(~where), after.where(~where))) is not None:
        raise trial.broken(f"restart changes the {what} of a sub-environment that was not restarted")


def old_steps_stay(trial: Trial) -> None:
    """What `reset`, `step` and `restart` returned is never written to afterwards."""
    kept: list[tuple[Step, Step]] = []
    for play, transition in trial.play(steps=min(trial.steps, 20)):
        for step in (transition.before, transition.after, play.step):
            kept.append((step, copied(step)))
    for step, copy in kept:
        if (what := different(step, copy)) is not None:
            raise trial.broken(f"the {what} of an earlier step is overwritten by a later one")


def rewards_are_shared(trial: Trial) -> None:
    """If the spec says so, all agents get the same reward."""
    if trial.env.spec.common_reward:
        for t, (_, transition) in enumerate(trial.play()):
            rewards = transition.after.rewards
            if (rewards != rewards[:, :1]).any():
                raise trial.broken(
                    f"agents' rewards differ after step {t + 1}, though the spec says common reward"
                )


def horizon_holds(trial: Trial) -> None:
    """No episode takes more steps than the spec's horizon."""
    horizon = trial.env.spec.horizon
    if horizon is None or horizon > 1_000:
        return
    play = begin(trial.env, trial.policy, trial.seeds)
    for _ in range(horizon):
        advance(trial.env, trial.policy, play)
    trial.env.close(play.world)
    if not play.step.last.all():
        raise trial.broken(f"an episode goes on after the horizon of {horizon} steps")


def the_dead_stay_dead(trial: Trial) -> None:
    """An agent that is out stays out until the restart, and gets nothing more."""
    for t, (_, transition) in enumerate(trial.play()):
        for group, old, new in zip(trial.env.spec.groups, transition.before.groups, transition.after.groups):
            out = ~old.alive
            if (new.alive & out).any():
                raise trial.broken(f"an agent of group {group.name!r} is back after step {t + 1}")
            if new.reward[out].any():
                raise trial.broken(
                    f"an agent of group {group.name!r} that is out gets a reward at step {t + 1}"
                )


def rows_tell_all(trial: Trial) -> None:
    """Where situations are listed, agents in the same row see the same and may do the same."""
    known: dict[tuple[int, int, int], tuple[bytes, bytes]] = {}
    for t, (_, transition) in enumerate(trial.play()):
        for g, view in enumerate(transition.after.groups):
            if view.row is None:
                continue
            for b, i in np.argwhere(view.acting):
                seen = view.observation[b, i].tobytes(), view.mask[b, i].tobytes()
                key = (g, int(i), int(view.row[b, i]))
                if known.setdefault(key, seen) != seen:
                    raise trial.broken(f"row {key[2]} stands for two different situations at step {t + 1}")


def no_global_chance(trial: Trial) -> None:
    """Nothing draws from numpy's global generator."""
    before = _global_state()
    for _ in trial.play(steps=min(trial.steps, 10)):
        pass
    if _global_state() != before:
        raise trial.broken("it draws from numpy's global random generator")


def _global_state() -> bytes:
    _, words, *rest = np.random.get_state()  # noqa: NPY002
    return np.asarray(words).tobytes() + repr(rest).encode()


LAWS: tuple[Law, ...] = (
    shapes_and_types,
    fresh_start,
    ends_are_marked,
    somebody_can_act,
    stopped_stands_still,
    restart_touches_only_its_own,
    old_steps_stay,
    rewards_are_shared,
    horizon_holds,
    the_dead_stay_dead,
    rows_tell_all,
    same_seed_same_play,
    alone_as_in_a_batch,
    worlds_are_apart,
    others_play_on,
    seeds_matter,
    actions_are_checked,
    idle_actions_are_ignored,
    no_global_chance,
)
