"""How an economy is doing: equality, productivity, and welfare.

Source: Zheng et al. (2022), "The AI Economist", and the formulas of their simulation. Coin is what agents own, in their
inventory and in escrow.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from games.errors import InputError
from games.sims import economy_tax_kernels as kernels

Array = npt.NDArray[Any]
Welfare = Literal["eq*prod", "inverse-income"]
"""What a planner is paid for: equality times mean coin, or mean utility weighted by the inverse of income."""


def _coins(coin: Any) -> Array:
    array = np.ascontiguousarray(coin, dtype=np.float64)
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise InputError(f"coin is float64[n] of at least one agent, finite, not of shape {array.shape}")
    return array


def gini(coin: Any) -> float:
    """The Gini coefficient, 0 if all own the same and 1 if one owns all.

    Below 30 agents: mean absolute difference over twice the mean, times n / (n - 1). From 30 agents on the reference uses
    1 - 2 / (n + 1) sum_i cumsum(x)_i / sum x, which is (n - 1) / (n + 1) times the former; so does this.

    >>> gini([0.0, 0.0, 0.0, 8.0])
    1.0
    """
    array = _coins(coin)
    value = kernels.gini(array, np.empty_like(array))
    return float(round(value, 12)) if abs(value - 1) < 1e-10 else float(value)


def equality(coin: Any) -> float:
    """1 - `gini`; 1 where nobody owns anything."""
    return 1.0 - gini(coin)


def productivity(coin: Any) -> float:
    """All coin together."""
    return float(_coins(coin).sum())


def equality_times_productivity(coin: Any, weight: float = 1.0) -> float:
    """(weight * equality + 1 - weight) times coin per head."""
    array = _coins(coin)
    return float(kernels.equality_times_productivity(array, np.empty_like(array), weight))


def inverse_income_weighted(values: Any, incomes: Any) -> float:
    """Mean of utilities (or coin) with weights 1 / max(income, 1)."""
    return float(kernels.inverse_income_weighted(_coins(values), _coins(incomes)))


def isoelastic_utility(coin: Any, labour: Any, eta: float = 0.23, cost: float = 0.21) -> Array:
    """u = (c^(1 - eta) - 1) / (1 - eta) - cost * labour, float64[...] of coin and cumulative labour float64[...]."""
    coin = np.asarray(coin, dtype=np.float64)
    return (coin ** (1 - eta) - 1) / (1 - eta) - cost * np.asarray(labour, dtype=np.float64)
