"""Numbers of a few training seeds: means with intervals, and differences of two arms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.intervals import LEVEL, expanded_interval, wilson_interval
from games.simplices import Float


def sample(values: Sequence[float], seed: int = 0) -> dict[str, Any]:
    """Mean of independent numbers, their 95 % bootstrap interval (none for a single one), and the numbers."""
    array = np.asarray(values, dtype=np.float64)
    ends = expanded_interval(array, np.random.default_rng([seed, len(array)]))
    low, high = (None, None) if ends is None else (float(ends[0]), float(ends[1]))
    return {"mean": float(array.mean()), "low": low, "high": high, "values": array.tolist()}


def difference(one: Sequence[float], other: Sequence[float]) -> dict[str, Any]:
    """Mean of `one` minus mean of `other` with Welch's 95 % interval; without one where either has a single number.

    >>> told = difference([1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
    >>> round(told["mean"], 3), round(told["low"], 3), round(told["high"], 3)
    (1.0, -1.484, 3.484)
    """
    from scipy.special import stdtrit

    x, y = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if min(len(x), len(y)) < 2:
        return {"mean": float(x.mean() - y.mean()), "low": None, "high": None}
    gap, error, freedom = welch(x, y)
    half = float(stdtrit(freedom, 0.5 + LEVEL / 2)) * error if error > 0.0 else 0.0
    return {"mean": gap, "low": gap - half, "high": gap + half}


def welch(x: Float, y: Float) -> tuple[float, float, float]:
    """Difference of the means of two independent samples, its standard error, and the degrees of freedom (Welch 1947).

    Parameters
    ----------
    x, y : float64[m], float64[k]
        At least two numbers each; where all are equal in both, the error is 0 and the degrees of freedom infinite.

    Examples
    --------
    >>> welch(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 1.0]))
    (1.0, 0.5773502691896257, 2.0)
    """
    parts = np.array([x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)])
    total = float(parts.sum())
    least = np.array([len(x) - 1, len(y) - 1])
    freedom = total**2 / float((parts**2 / least).sum()) if total > 0.0 else math.inf
    return float(x.mean() - y.mean()), math.sqrt(total), freedom


def share(successes: Sequence[bool]) -> dict[str, Any]:
    """In which share of independent trials something happened, with its 95 % interval."""
    count = int(np.sum(successes))
    low, high = wilson_interval(count, len(successes))
    return {"mean": count / len(successes), "low": low, "high": high, "count": count, "of": len(successes)}
