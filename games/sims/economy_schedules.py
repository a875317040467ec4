"""Tax schedules of the grid that a planner of the one-step economy chooses from."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from games.sims.economy_one_step_model import RATE_STEP, OneStepEconomy
from games.sims.economy_taxes import LEVELS

Array = npt.NDArray[Any]


def random_schedules(economy: OneStepEconomy, count: int, seed: int) -> Array:
    """Schedules float64[S, K] with every rate of the planner's grid equally likely in every bracket."""
    rng = np.random.default_rng([seed, count])
    return RATE_STEP * rng.integers(0, LEVELS, (count, economy.brackets.count))


def all_schedules(economy: OneStepEconomy) -> Array:
    """All schedules of the planner's grid, float64[21^K, K]."""
    axes = [RATE_STEP * np.arange(LEVELS)] * economy.brackets.count
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, economy.brackets.count)
