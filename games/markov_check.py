"""Whether tables describe a Markov game; see `games.markov.MarkovGame`."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from games.errors import InputError
from games.simplices import SUM_TOLERANCE, Float


def checked_rewards(given: Any) -> Float:
    """A copy of the rewards, float64[P, S, A1, ..., An]."""
    reward = as_numbers(given, "the table of rewards")
    if reward.ndim < 3 or reward.shape[0] != reward.ndim - 2:
        raise InputError(
            f"rewards of shape {reward.shape} are not [players, states, actions of player 1, ..., actions of player n]"
        )
    if min(reward.shape) == 0:
        raise InputError(
            f"rewards of shape {reward.shape} leave the game without states or a player without an action"
        )
    if not np.isfinite(reward).all():
        i, s, *a = np.argwhere(~np.isfinite(reward))[0].tolist()
        raise InputError(
            f"the reward of player {i} in state {s} for actions {tuple(a)} is {reward[(i, s, *a)]}, not a finite number"
        )
    return reward


def checked_rows(given: Any, start: Any, states: int, shape: tuple[int, ...]) -> tuple[Float, Float]:
    """Copies of transitions float64[S, A1, ..., An, S] and initial distribution float64[S], rows summing to one."""
    transition = as_numbers(given, "the table of transitions")
    wanted = (states, *shape, states)
    if transition.shape not in (wanted, (states, math.prod(shape), states)):
        raise InputError(
            f"transitions have shape {transition.shape}, but the rewards ask for {wanted} (state, actions, next state)"
        )
    rows = transition.reshape(-1, states)
    if (fault := _scale(rows)) is not None:
        k, why = fault
        s, *a = np.unravel_index(k, (states, *shape))
        where = tuple(int(x) for x in a)
        raise InputError(f"the transition from state {int(s)} under actions {where} {why}")
    initial = as_numbers(start, "the initial distribution")
    if initial.shape != (states,):
        raise InputError(
            f"initial probabilities have shape {initial.shape}, expected ({states},), one per state"
        )
    if (fault := _scale(initial[None])) is not None:
        raise InputError(f"the initial distribution {fault[1]}")
    return transition.reshape(wanted), initial


def checked_length(discount: Any, horizon: Any) -> tuple[float | None, int | None]:
    """Exactly one of a discount below one and a positive number of steps."""
    if (discount is None) == (horizon is None):
        given = "neither" if discount is None else "both"
        raise InputError(f"a Markov game needs either a discount or a horizon, but {given} was given")
    if horizon is not None:
        try:
            steps = operator.index(horizon)
        except TypeError:
            steps = 0
        if steps < 1 or isinstance(horizon, bool):
            raise InputError(f"the horizon must be a positive whole number of steps, not {horizon!r}")
        return None, steps
    try:
        weight = float(discount)
    except (TypeError, ValueError):
        weight = math.nan
    if not 0.0 <= weight < 1.0:
        raise InputError(f"the discount must be at least 0 and below 1, not {discount!r}")
    return weight, None


def checked_choices(given: Float, what: str, states: Sequence[str]) -> Float:
    """Distributions float64[..., S, A], scaled to sum one exactly; `InputError` naming the state of a wrong one."""
    with np.errstate(invalid="ignore", over="ignore"):
        sums = given.sum(axis=-1)
        bad = ~(given >= -1e-9).all(axis=-1) | ~(np.abs(sums - 1.0) <= SUM_TOLERANCE)
    if bad.any():
        where = tuple(int(k) for k in np.argwhere(bad)[0])
        stage = f" at stage {where[0]}" if len(where) > 1 and len(given) > 1 else ""
        row = np.array2string(given[where], threshold=20)
        raise InputError(f"{what} in state {states[where[-1]]!r}{stage} is {row}, not a distribution")
    rows = np.maximum(given, 0.0)
    return rows / rows.sum(axis=-1, keepdims=True)


def names_of(given: Sequence[str], default: tuple[str, ...], what: str) -> tuple[str, ...]:
    """Names, the default ones where none or an empty one is given."""
    if not len(given):
        return default
    if len(given) != len(default):
        raise InputError(f"{len(given)} {what} names for {len(default)} {what}s")
    return tuple(str(name) or other for name, other in zip(given, default))


def nested_names(given: Sequence[Sequence[str]], shape: tuple[int, ...]) -> tuple[tuple[str, ...], ...]:
    """Action names of each player."""
    default = tuple(tuple(str(k + 1) for k in range(size)) for size in shape)
    if not len(given):
        return default
    sizes = tuple(len(block) for block in given)
    if sizes != shape:
        raise InputError(f"action names for {list(sizes)} actions, but the rewards have {list(shape)}")
    return tuple(names_of(block, other, "action") for block, other in zip(given, default))


def as_numbers(given: Any, what: str) -> Float:
    """A copy as float64; `InputError` if it holds anything but numbers or its rows differ in length."""
    try:
        return np.array(given, dtype=np.float64, order="C")
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} is not an array of numbers: {error}") from error


def _scale(rows: Float) -> tuple[int, str] | None:
    """Scale rows to sum one, in place; which row is no distribution, and why."""
    with np.errstate(invalid="ignore", over="ignore"):
        sums = rows.sum(axis=1)
        low = rows.min(axis=1)
        good = (low >= -1e-9) & (np.abs(sums - 1.0) <= SUM_TOLERANCE)
    if not good.all():
        k = int(np.argmin(good))
        if not np.isfinite(rows[k]).all():
            return k, f"has the probability {rows[k][~np.isfinite(rows[k])][0]}, not a finite number"
        if low[k] < -1e-9:
            return k, f"has the negative probability {low[k]:g}, for state {int(rows[k].argmin())}"
        return k, f"has probabilities that sum to {sums[k]:.9g}, expected 1"
    np.maximum(rows, 0.0, out=rows)
    exact = rows.sum(axis=1, keepdims=True)
    np.divide(rows, exact, out=rows, where=exact != 1.0)
    return None
