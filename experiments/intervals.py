"""Confidence intervals of means and shares, from samples alone.

* `bootstrap_interval`: bias-corrected and accelerated percentiles of resampled means (Efron 1987), for many samples.
* `expanded_interval`: percentiles of resampled means, set wider by what small samples need (Hesterberg 2015, section
  4.5.3: the percentile is that at which a normal interval would be a Student interval), for a few training seeds.
* `wilson_interval`: of a share (Wilson 1927).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]

LEVEL = 0.95
RESAMPLES = 4_000
_AT_ONCE = 4_000_000  # numbers that a chunk of resamples may hold


def resampled_means(values: Float, rng: np.random.Generator, count: int = RESAMPLES) -> Float:
    """Means of `count` samples with replacement, float64[count, K], of rows float64[E, K]."""
    size = len(values)
    chunk = max(1, _AT_ONCE // size)
    parts = []
    for start in range(0, count, chunk):
        rows = min(chunk, count - start)
        drawn = rng.integers(0, size, size=(rows, size)) + size * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * size).reshape(rows, size)
        parts.append(times @ values / size)
    return np.concatenate(parts)


def bootstrap_interval(values: Float, rng: np.random.Generator, level: float = LEVEL) -> Float | None:
    """Intervals of the means of columns, bias-corrected and accelerated.

    Parameters
    ----------
    values : float64[E, K]
        A row per episode.
    rng : numpy.random.Generator
        Draws the resamples.
    level : float
        Share of samples whose interval holds the truth.

    Returns
    -------
    float64[K, 2] or None
        Lower and upper ends; nothing for a single row. Where all rows are alike, both ends are what they are.
    """
    from scipy.special import ndtr, ndtri

    values = np.asarray(values, dtype=np.float64)
    if len(values) < 2:
        return None
    mean = values.mean(axis=0)
    centred = values - mean
    means = np.sort(mean + resampled_means(centred, rng), axis=0)
    square, cube = (centred**2).sum(axis=0), (centred**3).sum(axis=0)
    spread = square > 0
    pull = np.divide(cube, 6.0 * square**1.5, out=np.zeros_like(mean), where=spread)
    out = np.stack([mean, mean], axis=1)
    tails = ndtri([(1 - level) / 2, (1 + level) / 2])
    for k in np.flatnonzero(spread):
        below = (means[:, k] < mean[k]).mean() + 0.5 * (means[:, k] == mean[k]).mean()
        bias = ndtri(min(max(below, 0.5 / len(means)), 1 - 0.5 / len(means)))
        moved = bias + tails
        out[k] = np.quantile(means[:, k], ndtr(bias + moved / np.maximum(1 - pull[k] * moved, 1e-3)))
    return out


def expanded_interval(values: Float, rng: np.random.Generator, level: float = LEVEL) -> Float | None:
    """An interval float64[2] of the mean of a few independent numbers float64[R]; nothing for a single one.

    It never reaches beyond the smallest and the largest of them, so of two or three it holds the truth less often than
    `level` says.
    """
    from scipy.special import ndtr, stdtrit

    values = np.asarray(values, dtype=np.float64)
    if len(values) < 2:
        return None
    reach = math.sqrt(len(values) / (len(values) - 1)) * stdtrit(len(values) - 1, 0.5 + level / 2)
    means = resampled_means(values[:, None], rng)[:, 0]
    return np.quantile(means, [ndtr(-reach), ndtr(reach)])


def student_interval(values: Any, level: float = LEVEL) -> tuple[Float, Float]:
    """Means of a few independent numbers float64[R, ...], and half the widths of Student's intervals of them; 0 of a single number.

    >>> mean, half = student_interval([4.0, 4.0, 4.0])
    >>> float(mean), float(half)
    (4.0, 0.0)
    """
    from scipy.special import stdtrit

    array = np.asarray(values, dtype=np.float64)
    count, mean = len(array), array.mean(axis=0)
    if count < 2:
        return mean, np.zeros_like(mean)
    reach = float(stdtrit(count - 1, 0.5 + level / 2))
    return mean, reach * array.std(axis=0, ddof=1) / math.sqrt(count)


def wilson_interval(successes: float, count: float, level: float = LEVEL) -> tuple[float, float]:
    """The interval of a share of `count` independent trials, of which so many succeeded."""
    from scipy.special import ndtri

    z = float(ndtri(0.5 + level / 2))
    share, weight = successes / count, z * z / count
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / count + weight / (4 * count))
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    return low, 1.0 if successes == count else min(1.0, middle + half)
