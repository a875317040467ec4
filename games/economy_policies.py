"""Scripted workers of economies: the exact best response to a tax schedule, where there is one.

Source: the one-step economy of Zheng et al. (2022), "The AI Economist", Science Advances 8(18). Of what a worker pays a share
1 / n comes back to it as lump sum, so its private marginal rate is (1 - 1 / n) times the schedule's; utility being linear in
coin, what others do does not matter, and the best response is dominant.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from games import economy_policy_kernels as kernels
from games.env import EnvSpec, View
from games.errors import InputError
from games.policy import Memoryless
from games.sims.economy_one_step_model import RATE_STEP
from games.sims.economy_one_step_parameters import OneStep, read_parameters
from games.streams import Streams
from games.uri import split_query

Array = npt.NDArray[Any]
ONE_STEP, WORKERS = "one-step", "workers"
TIE = 1e-13
"""Levels of labour are equally good if they differ by less than this share of the largest income."""


class Announced(Memoryless):
    """A planner that sets a given schedule in every sub-environment.

    Parameters
    ----------
    schedules : float64[B, K]
        Rates of the planner's grid.
    """

    def __init__(self, schedules: Array) -> None:
        self.choices = (1 + np.rint(np.asarray(schedules) / RATE_STEP)).astype(np.int32)

    def sample(self, view: View, memory: None, streams: Streams) -> tuple[Array, None]:
        """The schedules; where rates cannot be set, to keep them."""
        return np.where(view.acting[..., None], self.choices[:, None], 0).astype(np.int32), None


class BestResponse(Memoryless):
    """A worker of ``economy:one-step`` that chooses the level of labour that is best for it, the least one of several.

    Given to everybody, it is for workers alone: the planner then leaves rates as they are. A worker goes by its own skill and the rates that it sees, as its observation tells them; numbers that are known beforehand
    (rates of the planner's grid, of fixed schedules, the skills there are) are taken at full precision.

    Parameters
    ----------
    spec : EnvSpec
        Of an ``economy:one-step`` with utility=linear.

    Raises
    ------
    InputError
        If it is another environment, or what others do matters to a worker (utility=isoelastic).

    Examples
    --------
    >>> from games import make_env
    >>> BestResponse(make_env("economy:one-step?agents=4").spec)
    BestResponse()
    """

    def __init__(self, spec: EnvSpec) -> None:
        given = one_step_of(spec)
        if given.utility != "linear":
            raise InputError(
                f"workers of economy:one-step have a dominant best response with utility=linear, not {given.utility}"
            )
        self._given, economy = given, given.economy
        self._wages = np.unique(economy.wages)
        self._seen = (self._wages / 3.0).astype(np.float32)
        self._count = economy.brackets.count
        self._planner = spec.groups[1]
        self._skill = self._count if given.observe == "brief" else self._count + economy.size + 4
        self._constants = economy.hours, economy.costs, economy.brackets.array, 1.0 - economy.own_share
        self._tie = TIE * max(1.0, float(self._wages[-1] * economy.hours[-1]))

    def __repr__(self) -> str:
        return "BestResponse()"

    def sample(self, view: View, memory: None, streams: Streams) -> tuple[Array, None]:
        """Levels of labour, 0 where labour is not allowed; nothing is drawn. A planner keeps rates, which is its choice 0."""
        if view.mask.shape[-1] == self._planner.width and view.observation.shape[-1] == self._planner.depth:
            return np.zeros((*view.acting.shape, self._count), dtype=np.int32), None
        out = np.zeros(view.acting.shape, dtype=np.int32)
        if view.mask[..., -1].any():
            mask = np.ascontiguousarray(view.mask)
            kernels.respond(self._rates(view), self._own_wages(view), *self._constants, self._tie, mask, out)
        return out, None

    def _rates(self, view: View) -> Array:
        """The schedules that workers see, float64[B, n, K]."""
        seen = view.observation[..., : self._count].astype(np.float64)
        if self._given.tax == "planner":
            return RATE_STEP * np.rint(seen / RATE_STEP)
        return seen if self._given.tax == "saez" else np.zeros_like(seen) + self._given.fixed_rates

    def _own_wages(self, view: View) -> Array:
        """The skills that are nearest to what workers see of theirs, float64[B, n]."""
        told = view.observation[..., self._skill]
        above = np.searchsorted(self._seen, told).clip(1, max(1, len(self._seen) - 1))
        if len(self._seen) == 1:
            return np.full(told.shape, self._wages[0])
        nearer = (told - self._seen[above - 1]) < (self._seen[above] - told)
        return self._wages[above - nearer]


def one_step_of(spec: EnvSpec) -> OneStep:
    """The constants of a one-step economy; `InputError` if it is another environment."""
    scheme, _, rest = spec.name.partition(":")
    name, _, query = rest.partition("?")
    if scheme.lower() == "economy" and name == ONE_STEP and spec.groups[0].name == WORKERS:
        return read_parameters(split_query(query, spec.name))
    raise InputError(f"best-response is for workers of economy:one-step, not for {spec.name}")


@lru_cache(maxsize=16)
def _workers(spec: EnvSpec) -> BestResponse:
    """One policy for all workers, who are then played together."""
    return BestResponse(spec)


def best_response(spec: EnvSpec, agent: str | None = None) -> BestResponse:
    """Workers that answer best; see `BestResponse`.

    Parameters
    ----------
    spec : EnvSpec
        The economy.
    agent : str, optional
        For whom; `InputError` if that is the planner.
    """
    made = _workers(spec)
    if agent is not None and agent not in spec.groups[0].agents:
        raise InputError(f"best-response is for workers, as in workers=best-response, not for the {agent}")
    return made


POLICIES: dict[str, Callable[..., BestResponse]] = {"best-response": best_response}
"""Scripted policies of economies by name."""
