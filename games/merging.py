"""Samples of two payoff tables put together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from games.simplices import Float

if TYPE_CHECKING:
    from games.empirical import PayoffTable

Array = npt.NDArray[Any]


def together(one: PayoffTable, two: PayoffTable) -> tuple[Float, Float, Array]:
    """Mean, sum of squared deviations and count of the samples of two tables (Chan, Golub and LeVeque 1979)."""
    first, second = one.count[:, None], two.count[:, None]
    count = one.count + two.count
    total = np.maximum(count, 1)[:, None]
    gap = two.mean - one.mean
    mean = np.where(first == 0, two.mean, np.where(second == 0, one.mean, one.mean + gap * second / total))
    squares = one.squares + two.squares + np.where(first * second > 0, gap**2 * first * second / total, 0.0)
    return mean, squares, count


def looks_together(one: int, two: int) -> int:
    """Looks of two tables put together.

    Each may have stopped at any of its own, so bounds must hold for every pair of stops and shares of delta
    (`games.confidence.share_of_look`) multiply: the least number of looks with at most that share.
    """
    if not one or not two:
        return max(one, two)
    return math.ceil(one * two * math.pi / math.sqrt(6.0))
