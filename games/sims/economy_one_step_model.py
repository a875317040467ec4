"""The one-step economy as data: who can earn what, what labour costs, where brackets begin, what counts as welfare.

Source: Zheng et al. (2022), "The AI Economist", Science Advances 8(18), whose one-step economy this is. A planner sets a rate per
bracket; then worker i chooses hours l of labour, earns z = w_i l, pays T(z), gets an equal share of all taxes back, and has
utility u = z - T(z) + (sum_j T(z_j)) / n - c l^delta. A share 1 / n of what a worker pays comes back to it, so that its private
marginal rate is (1 - 1 / n) tau; and it does not matter to its choice what the others do.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from games.errors import InputError
from games.sims.economy_metrics import Welfare
from games.sims.economy_taxes import LEVELS, Brackets

Array = npt.NDArray[Any]

HOURS = 100.0
"""The most anybody can work."""
RATE_STEP = 0.05
"""Between rates a planner can choose."""
MOST_SKILL = 3.0
MOST_AGENTS, MOST_LEVELS, MOST_DELTA, LARGEST = 10_000, 10_001, 20.0, 1e6


@dataclass(frozen=True)
class OneStepEconomy:
    """A one-step economy with quasi-linear utility.

    Parameters
    ----------
    skills : tuple of float
        Wages per hour w, one per worker, above 0.
    brackets : Brackets
        Where brackets begin.
    cost, delta : float
        Labour of l hours costs cost * l^delta; delta is above 1.
    levels : int
        Choices of labour: equally spaced hours from 0 to 100.
    welfare : {"inverse-income", "eq*prod"}
        What the planner maximises: mean utility weighted by 1 / max(z, 1), or equality times mean coin.

    Raises
    ------
    InputError
        If a number is out of range.

    Examples
    --------
    >>> economy = OneStepEconomy.quantiles(4, Brackets.linear(3, 120), cost=0.012)
    >>> economy.size, economy.own_share, [round(w, 3) for w in economy.skills]
    (4, 0.25, [1.068, 1.249, 1.556, 2.364])
    """

    skills: tuple[float, ...]
    brackets: Brackets
    cost: float = 0.016
    delta: float = 2.0
    levels: int = 101
    welfare: Welfare = "inverse-income"

    def __post_init__(self) -> None:
        skills = tuple(float(w) for w in self.skills)
        if not 1 <= len(skills) <= MOST_AGENTS:
            raise InputError(f"an economy has 1 to {MOST_AGENTS:,} workers, not {len(skills):,}")
        for i, skill in enumerate(skills):
            if not 1e-6 <= skill <= LARGEST:
                raise InputError(
                    f"the skill of worker {i} must be from 1e-06 to {LARGEST:g} coin per hour, not {skill:g}"
                )
        if not 1e-100 <= self.cost <= LARGEST:
            raise InputError(f"the cost of labour must be from 1e-100 to {LARGEST:g}, not {self.cost:g}")
        if not 1 < self.delta <= MOST_DELTA:
            raise InputError(
                f"delta, the exponent of labour, must be above 1 and at most {MOST_DELTA:g}, not {self.delta:g}"
            )
        if not 2 <= self.levels <= MOST_LEVELS:
            raise InputError(f"there must be 2 to {MOST_LEVELS:,} levels of labour, not {self.levels}")
        if self.welfare not in get_args(Welfare):
            raise InputError(f"welfare is {' or '.join(get_args(Welfare))}, not {self.welfare!r:.40}")
        object.__setattr__(self, "skills", skills)

    @classmethod
    def quantiles(cls, agents: int, brackets: Brackets, **rest: Any) -> OneStepEconomy:
        """Workers with `quantile_skills`."""
        return cls(quantile_skills(agents), brackets, **rest)

    def judged_by(self, welfare: Welfare) -> OneStepEconomy:
        """The same workers under a planner with another aim."""
        return replace(self, welfare=welfare)

    @property
    def size(self) -> int:
        """n, how many workers."""
        return len(self.skills)

    @property
    def own_share(self) -> float:
        """Of what a worker pays, what comes back to it: 1 / n."""
        return 1.0 / self.size

    @cached_property
    def hours(self) -> Array:
        """Labour of each level, float64[L]."""
        return _read_only(np.linspace(0.0, HOURS, self.levels))

    @cached_property
    def costs(self) -> Array:
        """What labour of each level costs, float64[L]."""
        return _read_only(self.cost * self.hours**self.delta)

    @cached_property
    def wages(self) -> Array:
        """The skills, float64[n]."""
        return _read_only(np.array(self.skills))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that matters."""
        hasher = hashlib.sha256(f"one-step {self.delta} {self.cost} {self.levels} {self.welfare}".encode())
        for array in (self.wages, self.brackets.array):
            hasher.update((array + 0.0).astype("<f8").tobytes() + b"|")
        return hasher.hexdigest()


def _read_only(array: Array) -> Array:
    array.setflags(write=False)
    return array


def rate_grid() -> Array:
    """The rates a planner can choose, float64[21]."""
    return RATE_STEP * np.arange(LEVELS)


def quantile_skills(agents: int) -> tuple[float, ...]:
    """min(3, 1 + 2 X) at the quantiles (i - 1/2) / n of a Pareto-II X of shape 4: the canonical economies' skills.

    >>> round(quantile_skills(100)[0], 9)
    1.002507842
    """
    check_agents(agents)
    below = (np.arange(agents) + 0.5) / agents
    return tuple(np.minimum(MOST_SKILL, 1 + 2 * ((1 - below) ** -0.25 - 1)).tolist())


@lru_cache
def pareto_skills(agents: int, seed: int = 0, draws: int = 1000) -> tuple[float, ...]:
    """Mean order statistics of min(3, 1 + 2 X) over so many draws, X Pareto-II of shape 4, as the reference draws them.

    The reference leaves them to an unseeded generator; here `seed` alone determines them.
    """
    check_agents(agents)
    drawn = np.random.default_rng(seed).pareto(4, size=(draws, agents))
    return tuple(np.sort(np.minimum(MOST_SKILL, 1 + 2 * drawn), axis=1).mean(axis=0).tolist())


def check_agents(agents: int) -> None:
    """`InputError` unless an economy can have so many workers."""
    if not 1 <= agents <= MOST_AGENTS:
        raise InputError(f"an economy has 1 to {MOST_AGENTS:,} workers, not {agents:,}")
