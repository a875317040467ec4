"""The one-step economy as an environment: ``economy:one-step?agents=100&brackets=3&top=120``.

Source: Zheng et al. (2022), "The AI Economist", Science Advances 8(18), and the rules of their simulation; the economics are in
`games.sims.economy_one_step_model`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from games.env import EnvSpec, Group, View
from games.errors import InputError
from games.scene import Mark, Scene
from games.sims import economy_one_step_kernels as kernels
from games.sims.economy_one_step_model import RATE_STEP, Array
from games.sims.economy_one_step_parameters import OneStep, read_parameters
from games.sims.economy_saez import FIRST_ELASTICITY
from games.sims.economy_saez_kernels import BINS, INVERSE_INCOME, UNIFORM
from games.sims.economy_taxes import LEVELS
from games.sims.simulation import Simulation, constant
from games.spaces import Discrete, MultiDiscrete

EXAMPLES = ("economy:one-step", "economy:one-step?agents=4&cost=0.012")
INCOME, PAID, COIN, UTILITY, SORTED_INCOME, SORTED_COIN = range(6)


@dataclass
class OneStepState:
    """The inside of a batch of one-step economies."""

    time: Array  # int64[B]: 0 before rates are set, 1 while workers choose, 2 at the end
    rates: Array  # float64[B, K]
    labour: Array  # int32[B, n]: levels
    results: Array  # float64[6, B, n]: income, paid, coin, utility, sorted incomes, coin in their order
    social: Array  # float64[B, 3]: welfare, equality, coin per head in thousands
    buffer: (
        Array  # float64[B, M, 2]: the last pairs of income and marginal rate; M = 0 without a use for them
    )
    count: Array  # int64[B]: pairs ever written
    elasticity: Array  # float64[B]: the running estimate


def make(name: str, parameters: Mapping[str, Any]) -> Simulation:
    """The environment ``economy:one-step`` from URI text or Python values; `OneStep` lists the parameters.

    Raises
    ------
    InputError
        If a parameter is unknown, ill-typed or out of range.

    Examples
    --------
    >>> make("one-step", {"agents": "4"}).spec.agents
    ('worker 0', 'worker 1', 'worker 2', 'worker 3', 'planner')
    """
    chosen = read_parameters(parameters)
    return Simulation(SaezRules(chosen) if chosen.tax == "saez" else OneStepRules(chosen))


class OneStepRules:
    """A planner sets rates, then workers choose labour, once; see `games.sims.economy_one_step_model`.

    Group ``workers`` (Discrete, levels of labour) acts in the second step; group ``planner`` (MultiDiscrete, per bracket 0 to keep
    the rate 0, k for 0.05 (k - 1)) in the first, with nothing to choose unless tax=planner. Rewards are what utility and welfare
    grew by: all at the end. The episode ends after two steps (discount 0).

    A worker sees, with observe=full and in the reference's order: rates [K], first day, tax day, last incomes / 2 rising [n], own
    marginal rate, phase of the tax year, skill / 3, time (K + n + 6 numbers); with observe=brief rates [K], skill / 3, time. The
    planner: rates [K], first day, tax day, last incomes / 2 rising [n], phase, time, equality, coin per head / 1000, and per worker
    current marginal rate, last income / 2, last marginal rate (K + 4 n + 6); briefly the global state. That is rates [K], time,
    equality, coin per head / 1000. Last incomes are 0 until the end.

    Parameters
    ----------
    parameters : OneStep
        All constants.
    """

    def __init__(self, parameters: OneStep) -> None:
        self.parameters, self.economy = parameters, parameters.economy
        economy = self.economy
        count, n = economy.brackets.count, economy.size
        brief = parameters.observe == "brief"
        self._detail = kernels.BRIEF if brief else kernels.FULL
        depths = (count + 2, count + 3) if brief else (count + n + 6, count + 4 * n + 6)
        width = len(str(n - 1))
        names = tuple(f"worker {i:0{width}}" for i in range(n))
        workers = Group("workers", names, (depths[0],), Discrete(economy.levels))
        planner = Group("planner", ("planner",), (depths[1],), MultiDiscrete((LEVELS + 1,) * count))
        self.spec = EnvSpec(parameters.uri, (workers, planner), state=count + 3, horizon=2)
        isoelastic = parameters.utility == "isoelastic"
        self._costs = parameters.cost * economy.hours if isoelastic else economy.costs
        aims = kernels.EQUALITY if parameters.welfare == "eq*prod" else kernels.INVERSE_INCOME
        start = -1 / (1 - parameters.eta) if isoelastic else 0.0
        first = 0.0 if aims == kernels.EQUALITY else start
        kind = kernels.ISOELASTIC if isoelastic else kernels.LINEAR
        self._constants = np.array([kind, parameters.eta, aims, 1 - parameters.mixing, start, first])
        self._room = np.empty(n)
        self._masks: dict[tuple[int, int], tuple[Array, Array, Array, Array]] = {}

    def allocate(self, batch: int) -> OneStepState:
        """Arrays of `batch` economies, not yet begun."""
        count, n = self.economy.brackets.count, self.economy.size
        return OneStepState(
            np.zeros(batch, dtype=np.int64),
            np.zeros((batch, count)),
            np.zeros((batch, n), dtype=np.int32),
            np.zeros((6, batch, n)),
            np.zeros((batch, 3)),
            np.zeros((batch, 0, 2)),
            np.zeros(batch, dtype=np.int64),
            np.full(batch, FIRST_ELASTICITY),
        )

    def begin(self, state: OneStepState, streams: Array, where: Array) -> None:
        """No rates, no labour, no coin."""
        state.time[where] = kernels.BEGUN
        state.rates[where] = 0.0
        state.labour[where] = 0
        state.results[:, where] = 0.0
        state.social[where] = (self._constants[5], 1.0, 0.0)

    def advance(
        self, state: OneStepState, streams: Array, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], Array | None]:
        """Set rates, or work and pay."""
        labour, choices = actions
        economy, cutoffs = self.economy, self.economy.brackets.array
        self._set_rates(state, streams, choices[:, 0], live)
        working = live & (state.time == kernels.TAXED)
        state.labour[working] = labour[working]
        rewards = np.empty(labour.shape), np.empty((len(live), 1))
        ended = np.empty(len(live), dtype=bool)
        kernels.advance(
            labour,
            live,
            state.time,
            economy.wages,
            economy.hours,
            self._costs,
            cutoffs,
            state.rates,
            state.results,
            state.social,
            self._constants,
            self._room,
            *rewards,
            ended,
        )
        return rewards, ended

    def _set_rates(self, state: OneStepState, streams: Array, choices: Array, live: Array) -> None:
        if self.parameters.tax == "planner":
            kernels.set_rates(choices, live, state.time, RATE_STEP, state.rates)
        else:
            kernels.fix_rates(live, state.time, self.parameters.fixed_rates, state.rates)

    def look(self, state: OneStepState, rewards: tuple[Array, ...]) -> tuple[tuple[View, ...], Array]:
        """What everybody sees."""
        batch = len(state.time)
        workers, planner = self.spec.groups
        seen = np.empty((batch, workers.size, workers.depth), dtype=np.float32)
        told = np.empty((batch, 1, planner.depth), dtype=np.float32)
        features = np.empty((batch, self.spec.state), dtype=np.float32)
        kernels.look(
            state.time,
            state.rates,
            state.results,
            state.social,
            self.economy.wages,
            self.economy.brackets.array,
            self._detail,
            seen,
            told,
            features,
        )
        masks = self._legal(state.time)
        alive = constant(True, (batch, workers.size)), constant(True, (batch, 1))
        views = (
            View(seen, masks[0], rewards[0], masks[2], alive[0]),
            View(told, masks[1], rewards[1], masks[3], alive[1]),
        )
        return views, features

    def _legal(self, time: Array) -> tuple[Array, Array, Array, Array]:
        """Masks of workers and planner and who acts; one and the same arrays while all economies are equally far."""
        batch, first = len(time), int(time[0])
        together = bool((time == first).all())
        if together and (first, batch) in self._masks:
            return self._masks[first, batch]
        workers, planner = self.spec.groups
        masks = (
            np.empty((batch, workers.size, workers.width), dtype=bool),
            np.empty((batch, 1, planner.width), dtype=bool),
            np.repeat((time == kernels.TAXED)[:, None], workers.size, axis=1),
            (time == kernels.BEGUN)[:, None],
        )
        kernels.fill_masks(time, self.parameters.tax == "planner", masks[0], masks[1])
        for part in masks:
            part.setflags(write=False)
        if together:
            if len(self._masks) > 8:  # batches of other sizes than now
                self._masks.clear()
            self._masks[first, batch] = masks
        return masks

    def scene(self, state: OneStepState, which: int) -> Scene:
        """Workers from left to right: income as a line, coin after taxes as a disc."""
        income, coin = state.results[INCOME, which], state.results[COIN, which]
        height = max(float(income.max()), float(coin.max()), 1.0)
        wide = 20.0 / self.economy.size
        marks = []
        for i, (z, x) in enumerate(zip(income.tolist(), coin.tolist())):
            place = (i + 0.5) * wide
            marks.append(Mark("line", place, 0.0, color=-1, dy=9.0 * z / height))
            marks.append(Mark("disc", place, 9.0 * x / height, min(0.4, wide), color=0))
        rates = ", ".join(f"{rate:.2f}" for rate in state.rates[which])
        welfare, equality, head = state.social[which].tolist()
        told = (
            f"rates {rates}; welfare {welfare:.2f}, equality {equality:.2f}, coin per head {1000 * head:.1f}"
        )
        return Scene(20.0, 10.0, tuple(marks), text=told)


class SaezRules(OneStepRules):
    """`OneStepRules` with rates by the Saez formula, from the incomes of former episodes of the same copy."""

    def __init__(self, parameters: OneStep) -> None:
        super().__init__(parameters)
        self._fixed = parameters.elasticity if parameters.elasticity >= 0 else math.nan
        self._weights = UNIFORM if parameters.saez_weights == "uniform" else INVERSE_INCOME
        self._work = np.empty((4, BINS + 1))

    def allocate(self, batch: int) -> OneStepState:
        """With empty buffers."""
        state = super().allocate(batch)
        state.buffer = np.zeros((batch, self.parameters.saez_memory, 2))
        return state

    def advance(
        self, state: OneStepState, streams: Array, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], Array | None]:
        """As always; incomes are remembered."""
        found = super().advance(state, streams, actions, live)
        cutoffs = self.economy.brackets.array
        kernels.remember_all(
            live, state.time, state.results[INCOME], state.rates, cutoffs, state.buffer, state.count
        )
        return found

    def _set_rates(self, state: OneStepState, streams: Array, choices: Array, live: Array) -> None:
        kernels.saez_rates(
            streams,
            live,
            state.time,
            self.economy.brackets.array,
            self._fixed,
            self._weights,
            state.buffer,
            state.count,
            state.elasticity,
            self._work,
            state.rates,
        )

    def carried(self, state: OneStepState) -> Array:
        """What episodes leave behind, float64[B, 2 + 2 M]: how many pairs were ever kept, the elasticity, the pairs."""
        head = np.stack([state.count.astype(np.float64), state.elasticity], axis=1)
        return np.concatenate([head, state.buffer.reshape(len(head), -1)], axis=1)

    def take_over(self, state: OneStepState, carried: Array) -> None:
        """Go on from what other episodes left."""
        wanted = (len(state.count), 2 + 2 * self.parameters.saez_memory)
        carried = np.asarray(carried, dtype=np.float64)
        if carried.shape != wanted:
            raise InputError(
                f"{self.spec.name} takes over float64{list(wanted)}, not an array of shape {carried.shape}; "
                "it is of other economies"
            )
        state.count[:] = carried[:, 0].astype(np.int64)
        state.elasticity[:] = carried[:, 1]
        state.buffer[:] = carried[:, 2:].reshape(state.buffer.shape)
