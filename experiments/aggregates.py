"""Aggregates over runs and tasks, with their uncertainty, in the manner of rliable.

Scores are arrays float64[..., R, T] of R runs (seeds) on T tasks; NaN marks a run that a task does not have, leading
axes are anything (points of a curve, resamples). Scores of several tasks must be on one scale to be averaged; the
probability of improvement and ranks compare within tasks and need none.

Intervals are percentile intervals of the stratified bootstrap: runs are drawn anew within each task, with replacement,
tasks are kept. They tell what other seeds on the same tasks might give, and say nothing of other tasks.

Reference: Agarwal, Schwarzer, Castro, Courville, Bellemare (2021), Deep reinforcement learning at the edge of the
statistical precipice, NeurIPS 34 (section 4 and appendices A.4 to A.6).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from games.errors import InputError

Float = npt.NDArray[np.float64]
Statistic = Callable[[Float], Float]
TRIMMED = 0.25
_AT_ONCE = 2_000_000  # numbers that a chunk of resamples may hold


class Estimate(NamedTuple):
    """A statistic and its interval; `low` and `high` are NaN where there is none."""

    value: float
    low: float
    high: float

    @property
    def has_interval(self) -> bool:
        """Whether the runs sufficed for an interval."""
        return not (math.isnan(self.low) or math.isnan(self.high))


class Band(NamedTuple):
    """A curve and its pointwise interval, float64[K] each; `low` and `high` are NaN where there is none."""

    value: Float
    low: Float
    high: Float


def check_scores(scores: npt.ArrayLike) -> Float:
    """Scores as float64[..., R, T], runs that are there before those that are not.

    Raises
    ------
    InputError
        If there are fewer than two axes, a task has no run, or it misses different runs along the leading axes.
    """
    array = np.asarray(scores, dtype=np.float64)
    if array.ndim < 2:
        raise InputError(f"scores are an array of runs x tasks, not one of {array.ndim} axes")
    missing = np.isnan(array)
    if not array.shape[-1] or missing.all(axis=-2).any() or not array.shape[-2]:
        raise InputError("every task needs at least one run with a score")
    first = missing.reshape(-1, *array.shape[-2:])[0]
    if (missing != first).any():
        raise InputError("a run is on a task with its whole curve or not at all")
    order = np.argsort(first, axis=0, kind="stable")
    return np.take_along_axis(array, np.broadcast_to(order, array.shape), axis=-2)


def stacked(tasks: Sequence[npt.ArrayLike]) -> Float:
    """Scores float64[..., R, T] from one array float64[..., runs] per task, padded with NaN."""
    columns = [np.asarray(task, dtype=np.float64) for task in tasks]
    most = max(column.shape[-1] for column in columns)
    padded = [
        np.pad(column, [(0, 0)] * (column.ndim - 1) + [(0, most - column.shape[-1])], constant_values=np.nan)
        for column in columns
    ]
    return np.stack(padded, axis=-1)


# --- statistics: float64[..., R, T] to float64[...] ----------------------------------------------------------


def task_means(scores: Float) -> Float:
    """Mean over the runs of each task, float64[..., T]."""
    there = ~np.isnan(scores)
    return np.where(there, scores, 0.0).sum(axis=-2) / there.sum(axis=-2)


def mean(scores: Float) -> Float:
    """Mean over tasks of the mean over runs: every task counts alike."""
    return task_means(scores).mean(axis=-1)


def median(scores: Float) -> Float:
    """Median over tasks of the mean over runs."""
    return np.median(task_means(scores), axis=-1)


def iqm(scores: Float) -> Float:
    """Interquartile mean: of all runs on all tasks pooled, without the lowest and the highest quarter.

    Of n scores int(n / 4) are left out at either end, so that of fewer than four none are, as in
    `scipy.stats.trim_mean(scores, 0.25, axis=None)`.

    Examples
    --------
    >>> float(iqm(np.array([[1.0], [2.0], [3.0], [4.0], [100.0]])))
    3.0
    """
    pooled = np.sort(scores.reshape(*scores.shape[:-2], -1), axis=-1)  # NaN goes to the end
    count = (~np.isnan(pooled)).sum(axis=-1, keepdims=True)
    cut = (TRIMMED * count).astype(np.int64)
    place = np.arange(pooled.shape[-1])
    kept = (place >= cut) & (place < count - cut)
    return np.where(kept, pooled, 0.0).sum(axis=-1) / kept.sum(axis=-1)


def task_iqms(scores: Float) -> Float:
    """Interquartile mean over the runs of each task, float64[..., T]."""
    return iqm(np.moveaxis(scores, -1, -2)[..., None])


def optimality_gap(scores: Float, target: float = 1.0) -> Float:
    """By how much runs miss `target` on average; what is above it counts as reaching it. Smaller is better."""
    return target - mean(np.minimum(scores, target))


def probability_of_improvement(scores_x: Float, scores_y: Float) -> Float:
    """P(X > Y): that a run of X beats a run of Y on a task drawn at random, ties counting half.

    Parameters
    ----------
    scores_x, scores_y : float64[..., R, T], float64[..., S, T]
        Of the same tasks.

    Returns
    -------
    float64[...]
        The Mann-Whitney statistic over the number of pairs, averaged over tasks.
    """
    x, y = scores_x[..., :, None, :], scores_y[..., None, :, :]
    wins = (x > y) + 0.5 * (x == y)
    pairs = (~np.isnan(scores_x)).sum(axis=-2) * (~np.isnan(scores_y)).sum(axis=-2)
    return (wins.sum(axis=(-3, -2)) / pairs).mean(axis=-1)


def ranks(values: Float) -> Float:
    """Ranks along the first axis, 1 for the largest; equals share the mean of their ranks.

    >>> ranks(np.array([3.0, 5.0, 3.0]))
    array([2.5, 1. , 2.5])
    """
    one, other = values[:, None], values[None, :]
    return 0.5 + (other > one).sum(axis=1) + 0.5 * (other == one).sum(axis=1)


# --- intervals ------------------------------------------------------------------------------------------------


def resamples_of(scores: Float, rng: np.random.Generator, count: int) -> npt.NDArray[np.int64]:
    """Rows int64[count, R, T] of a stratified bootstrap: within each task, as many runs as it has, with replacement."""
    missing = np.isnan(scores).reshape(-1, *scores.shape[-2:])[0]
    runs, tasks = missing.shape
    drawn = rng.integers(0, (~missing).sum(axis=0), size=(count, runs, tasks))
    return np.where(missing, np.arange(runs)[:, None], drawn)


def bootstrap(scores: npt.ArrayLike, statistic: Statistic, rng: np.random.Generator, count: int) -> Float:
    """The statistic of `count` stratified resamples.

    Parameters
    ----------
    scores : float64[..., R, T]
        A resample draws whole runs: the same along all leading axes.
    statistic : callable
        Maps float64[..., R, T] to float64[...] or float64[..., K].
    rng : numpy.random.Generator
        Draws the runs.
    count : int
        Of resamples.

    Returns
    -------
    float64[count, ...]
    """
    array = check_scores(scores)
    rows = resamples_of(array, rng, count)
    chunk = max(1, _AT_ONCE // array.size)
    column = np.arange(array.shape[-1])
    parts = [
        statistic(np.moveaxis(array[..., rows[k : k + chunk], column], -3, 0)) for k in range(0, count, chunk)
    ]
    return np.concatenate(parts)


def percentiles(resampled: Float, confidence: float) -> tuple[Float, Float]:
    """The percentile interval along the first axis."""
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(resampled, [tail, 1.0 - tail], axis=0)
    return low, high


def repeated(scores: npt.ArrayLike) -> bool:
    """Whether every task has at least two runs, without which there is nothing to resample."""
    there = ~np.isnan(np.asarray(scores, dtype=np.float64))
    return bool((there.sum(axis=-2) >= 2).all())


def banded(
    scores: npt.ArrayLike, statistic: Statistic, rng: np.random.Generator, *, confidence: float, count: int
) -> Band:
    """A statistic at every point of the leading axis with its pointwise interval.

    Parameters
    ----------
    scores : float64[K, R, T]
        Curves of K points.
    statistic, rng, count
        See `bootstrap`.
    confidence : float
        Of the interval at each point, between 0 and 1.
    """
    array = check_scores(scores)
    value = statistic(array)
    if not repeated(array):
        return Band(value, np.full_like(value, np.nan), np.full_like(value, np.nan))
    return Band(value, *percentiles(bootstrap(array, statistic, rng, count), confidence))


def estimate(
    scores: npt.ArrayLike, statistic: Statistic, rng: np.random.Generator, *, confidence: float, count: int
) -> Estimate:
    """A statistic of float64[R, T] with its bootstrap interval; without one if a task has a single run."""
    band = banded(
        np.asarray(scores, dtype=np.float64)[None], statistic, rng, confidence=confidence, count=count
    )
    return Estimate(*(float(side[0]) for side in band))


def improvement(
    scores_x: npt.ArrayLike,
    scores_y: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    confidence: float,
    count: int,
) -> Estimate:
    """P(X > Y) of float64[R, T] and float64[S, T] with its interval; the runs of X and Y are drawn independently."""
    x, y = check_scores(scores_x), check_scores(scores_y)
    if x.shape[-1] != y.shape[-1]:
        raise InputError(f"X has {x.shape[-1]} tasks and Y has {y.shape[-1]}; compare them on the same tasks")
    value = float(probability_of_improvement(x, y))
    if not (repeated(x) and repeated(y)):
        return Estimate(value, math.nan, math.nan)
    rows_x, rows_y = resamples_of(x, rng, count), resamples_of(y, rng, count)
    chunk = max(1, _AT_ONCE // (x.shape[0] * y.size))
    column = np.arange(x.shape[-1])
    drawn = [
        probability_of_improvement(x[rows_x[k : k + chunk], column], y[rows_y[k : k + chunk], column])
        for k in range(0, count, chunk)
    ]
    low, high = percentiles(np.concatenate(drawn), confidence)
    return Estimate(value, float(low), float(high))


def mean_ranks(
    scores: Sequence[npt.ArrayLike], rng: np.random.Generator, *, confidence: float, count: int
) -> list[Estimate]:
    """Each algorithm's rank by interquartile mean within a task, averaged over tasks; 1 is best.

    Parameters
    ----------
    scores : sequence of float64[R_a, T]
        One array per algorithm, of the same tasks; scales may differ between tasks.
    rng, confidence, count
        See `banded`; algorithms are resampled independently.
    """
    arrays = [check_scores(array) for array in scores]
    values = ranks(np.stack([task_iqms(array) for array in arrays])).mean(axis=-1)
    if not all(repeated(array) for array in arrays):
        return [Estimate(float(value), math.nan, math.nan) for value in values]
    drawn = np.stack([bootstrap(array, task_iqms, rng, count) for array in arrays])  # [A, count, T]
    low, high = percentiles(ranks(drawn).mean(axis=-1).T, confidence)
    return [Estimate(*map(float, sides)) for sides in zip(values, low, high)]


def performance_profile(
    scores: npt.ArrayLike,
    thresholds: Float,
    rng: np.random.Generator,
    *,
    confidence: float,
    count: int,
) -> Band:
    """The run-score distribution: the share of runs whose score is above each threshold, tasks counting alike.

    Parameters
    ----------
    scores : float64[R, T]
        On one scale.
    thresholds : float64[K]
        Where to look.
    rng, confidence, count
        See `banded`.
    """
    array = check_scores(scores)
    above = np.where(np.isnan(array), np.nan, array > np.asarray(thresholds)[:, None, None])
    return banded(above, mean, rng, confidence=confidence, count=count)
