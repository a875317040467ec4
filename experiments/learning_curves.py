"""Scores against environment steps: between evaluations, under the curve, and when a threshold is first reached.

A run is judged at some steps only. Between two evaluations its curve is the straight line that joins them; before the
first and after the last there is none: nothing is extrapolated. So runs that were evaluated at different steps can be
compared at any step that all of them have reached.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from experiments.aggregates import Float, iqm
from games.errors import InputError

Int = npt.NDArray[np.int64]
POINTS = 201
"""A curve is drawn through at most so many steps."""
LARGEST = 1e100
"""Values beyond are a sign of damage, and their sums would overflow."""


class Curve(NamedTuple):
    """One run's evaluations."""

    steps: Int
    """int64[E], strictly increasing, in joint environment steps."""
    values: Float
    """float64[E]."""


class Passage(NamedTuple):
    """Steps to a threshold over runs of which some may have ended before they reached it.

    The interquartile mean lies between `lower` (runs that ended would have reached it right after) and `upper` (they
    never would, inf); both are the same where the runs that did not reach it are in the quarter that is left out.
    """

    reached: int
    runs: int
    lower: float
    upper: float
    low: float
    """Lower end of the bootstrap interval, from the resamples of `lower`; NaN without an interval."""
    high: float
    """Upper end, from the resamples of `upper`; may be inf."""


def check_curve(curve: Curve) -> Curve:
    """`InputError` unless steps increase strictly and every value is a finite number of bearable size."""
    steps, values = np.asarray(curve.steps), np.asarray(curve.values, dtype=np.float64)
    if steps.ndim != 1 or steps.shape != values.shape or not steps.size:
        raise InputError("a curve has as many steps as values, and at least one")
    if (np.diff(steps) <= 0).any():
        raise InputError("the steps of a curve increase")
    usable = np.abs(values) < LARGEST  # not so for NaN
    if not usable.all():
        raise InputError(f"at step {steps[~usable][0]:,} there is no finite number below {LARGEST:g}")
    return Curve(steps, values)


def at(curve: Curve, steps: npt.ArrayLike) -> Float:
    """The curve at any steps; NaN before its first and after its last evaluation.

    >>> at(Curve(np.array([0, 100]), np.array([1.0, 2.0])), [50, 101])
    array([1.5, nan])
    """
    return np.interp(
        np.asarray(steps, dtype=np.float64), curve.steps, curve.values, left=np.nan, right=np.nan
    )


def shared(curves: Sequence[Curve]) -> tuple[int, int]:
    """The first and the last step at which all curves are there; the second is smaller if there is none."""
    return max(int(c.steps[0]) for c in curves), min(int(c.steps[-1]) for c in curves)


def grid(curves: Sequence[Curve], points: int = POINTS) -> Int:
    """All steps at which any of the curves was evaluated, as far as all are there; thinned out evenly when many.

    Raises
    ------
    InputError
        If the curves have no step in common.
    """
    first, last = shared(curves)
    if last < first:
        raise InputError(f"one run starts at step {first:,}, where another has already ended ({last:,})")
    steps = np.unique(np.concatenate([c.steps for c in curves] + [np.array([first, last])]))
    steps = steps[(steps >= first) & (steps <= last)]
    if steps.size > points:
        steps = steps[np.unique(np.linspace(0, steps.size - 1, points).round().astype(np.int64))]
    return steps


def area(curve: Curve, first: int, last: int) -> float:
    """Mean height of the curve from step `first` to `last`: the area under it over its width.

    Raises
    ------
    InputError
        If the curve does not reach that far, or the width is nothing.
    """
    if not curve.steps[0] <= first < last <= curve.steps[-1]:
        raise InputError(
            f"an area under a curve from step {first:,} to {last:,} needs evaluations at both ends, not from "
            f"{curve.steps[0]:,} to {curve.steps[-1]:,}"
        )
    inside = (curve.steps > first) & (curve.steps < last)
    x = np.concatenate([[first], curve.steps[inside], [last]]).astype(np.float64)
    y = np.concatenate([at(curve, [first]), curve.values[inside], at(curve, [last])])
    return float(np.trapezoid(y, x) / (last - first))


def first_reached(curve: Curve, threshold: float) -> float:
    """The first step at which the curve is at or above the threshold; inf if it never is.

    >>> first_reached(Curve(np.array([0, 100]), np.array([0.0, 2.0])), 0.5)
    25.0
    """
    there = np.flatnonzero(curve.values >= threshold)
    if not there.size:
        return math.inf
    k = int(there[0])
    if k == 0:
        return float(curve.steps[0])
    low, high = curve.values[k - 1 : k + 1]
    before, after = (float(step) for step in curve.steps[k - 1 : k + 1])
    return before + (after - before) * float((threshold - low) / (high - low))


def passage(
    curves: Sequence[Curve], threshold: float, rng: np.random.Generator, *, confidence: float, count: int
) -> Passage:
    """Steps until runs of one algorithm on one task reach a threshold.

    Parameters
    ----------
    curves : sequence of Curve
        One per run. A run that never reaches the threshold is censored at its last evaluation: all that is known is
        that it needs more steps than that.
    threshold : float
        In the unit of the values.
    rng : numpy.random.Generator
        Draws the runs of the resamples.
    confidence, count : float, int
        Of the interval, and how many resamples.
    """
    times = np.array([first_reached(curve, threshold) for curve in curves])
    ended = np.array([float(curve.steps[-1]) for curve in curves])
    never = np.isinf(times)
    early, late = np.where(never, ended, times), times
    bounds = float(iqm(early[:, None])), float(iqm(late[:, None]))
    reached = int((~never).sum())
    if len(curves) < 2:
        return Passage(reached, len(curves), *bounds, math.nan, math.nan)
    rows = rng.integers(0, len(curves), size=(count, len(curves)))
    low, high = np.sort(iqm(early[rows][..., None])), np.sort(iqm(late[rows][..., None]))
    tail = (1.0 - confidence) / 2.0
    # order statistics, not interpolated ones: some are infinite
    places = math.floor(tail * (count - 1)), math.ceil((1.0 - tail) * (count - 1))
    return Passage(reached, len(curves), *bounds, float(low[places[0]]), float(high[places[1]]))
