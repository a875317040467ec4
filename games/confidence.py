"""Intervals for means of bounded samples that hold for every number of samples, not only in the limit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from games.simplices import Float


def hoeffding(width: Any, count: Any, delta: float) -> Float:
    """Two-sided radius by Hoeffding (1963): c sqrt(log(2 / delta) / (2 n)); infinite without samples.

    Parameters
    ----------
    width : float or float64[...]
        Length c of the interval in which every sample lies.
    count : int or int64[...]
        Number of independent samples, n.
    delta : float
        Probability that the true mean is farther than this.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        radius = np.asarray(width) * np.sqrt(math.log(2 / delta) / (2 * np.asarray(count, dtype=np.float64)))
    return np.where(np.asarray(count) > 0, radius, math.inf)


def empirical_bernstein(width: Any, variance: Any, count: Any, delta: float) -> Float:
    """Two-sided radius by Maurer and Pontil (2009), theorem 4; infinite below two samples.

    sqrt(2 V log(4 / delta) / n) + 7 c log(4 / delta) / (3 (n - 1)), with V the sample variance.
    """
    count = np.asarray(count, dtype=np.float64)
    logarithm = math.log(4 / delta)
    with np.errstate(divide="ignore", invalid="ignore"):
        radius = np.sqrt(2 * np.asarray(variance) * logarithm / count)
        radius = radius + 7 * np.asarray(width) * logarithm / (3 * (count - 1))
    return np.where(count > 1, radius, math.inf)


def share_of_look(look: int) -> float:
    """Which part of delta belongs to the t-th look at the results, t = 1, 2, ...: 6 / (pi t)^2, which sum to 1.

    Without looks (0), all of it.
    """
    return 6.0 / (math.pi * look) ** 2 if look > 0 else 1.0
