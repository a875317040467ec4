"""The best tax schedule of a grid, by enumeration of all of them.

The economy and the letters are those of `solvers.taxation`. A bracket's rate changes only what is best within it and shifts what
lies above, so that the best choices within the first brackets serve all schedules that begin alike: a schedule costs a few
operations for each worker who can reach the last bracket that varies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from games.errors import InputError
from games.sims.economy_one_step_model import OneStepEconomy, rate_grid
from solvers import taxation_enumeration_kernels as kernels
from solvers.taxation import AIMS, prepared, welfare

Array = npt.NDArray[Any]
Progress = Callable[[float, str], None]
MOST_SCHEDULES = 200_000_000
_TIE = 1e-12
_PART = 400_000
"""So many schedules at most between two reports of progress."""


@dataclass(frozen=True, eq=False)
class TaxOptimum:
    """The best schedule of a grid.

    Parameters
    ----------
    rates : float64[K]
        The first best one in the order of enumeration.
    welfare : float
        Its welfare.
    schedules : int
        How many were enumerated.
    idle : tuple of int
        Brackets whose rate nobody's income or utility depends on, in any schedule: it was not enumerated and is 0.
    fixed : mapping
        Rates that the caller fixed, by bracket.
    loose : tuple of int
        Brackets whose rate makes no difference to the welfare of this schedule.
    """

    rates: Array
    welfare: float
    schedules: int
    idle: tuple[int, ...]
    fixed: Mapping[int, float]
    loose: tuple[int, ...]


def idle_brackets(economy: OneStepEconomy) -> tuple[int, ...]:
    """Brackets that nobody can reach at all: whatever their rates, nothing changes."""
    made = prepared(economy)
    return tuple(
        int(b)
        for b in np.flatnonzero(made.firsts == economy.size)
        if not (made.firsts[b:] < economy.size).any()
    )


def landscape(
    economy: OneStepEconomy,
    grid: Any = None,
    fixed: Mapping[int, float] | None = None,
    progress: Progress | None = None,
) -> Array:
    """Welfare of every schedule of a grid, float64[R, ..., R], an axis per bracket (of length 1 for one that is fixed or idle)."""
    _, counts, _ = _choices(economy, grid, fixed)
    return np.concatenate(list(_enumerated(economy, grid, fixed, progress))).reshape(counts)


def optimum(
    economy: OneStepEconomy,
    grid: Any = None,
    fixed: Mapping[int, float] | None = None,
    progress: Progress | None = None,
) -> TaxOptimum:
    """The best of all schedules of a grid, by enumeration.

    Parameters
    ----------
    economy : OneStepEconomy
        The economy.
    grid : float64[R], optional
        Rates; those a planner can choose by default.
    fixed : mapping, optional
        Brackets (from 0) whose rate is given.
    progress : callable, optional
        Told the fraction done.

    Raises
    ------
    InputError
        If rates are not from 0 to 1, or there are more than 200 million schedules.
    """
    rates, counts, choices = _choices(economy, grid, fixed)
    best, found, start = -np.inf, 0, 0
    for part in _enumerated(economy, grid, fixed, progress):
        high = float(part.max())
        tie = _TIE * max(
            1.0, abs(high)
        )  # schedules that differ in a rate of no consequence differ by rounding
        if high > best + tie:
            best, found = high, start + int(np.argmax(part >= high - tie))
        start += len(part)
    digits = np.unravel_index(found, counts)
    schedule = np.array([rates[choices[b, d]] for b, d in enumerate(digits)])
    return TaxOptimum(
        schedule,
        best,
        start,
        idle_brackets(economy),
        dict(fixed or {}),
        _loose(economy, schedule, rates),
    )


def _loose(economy: OneStepEconomy, schedule: Array, grid: Array) -> tuple[int, ...]:
    loose = []
    for b in range(len(schedule)):
        others = np.repeat(schedule[None], len(grid), axis=0)
        others[:, b] = grid
        values = welfare(economy, others)
        if float(np.ptp(values)) <= 1e-9 * max(1.0, abs(float(values[0]))):
            loose.append(b)
    return tuple(loose)


def _choices(
    economy: OneStepEconomy, grid: Any, fixed: Mapping[int, float] | None
) -> tuple[Array, tuple[int, ...], Array]:
    """All rates float64[R'], how many each bracket can have, and which, int64[K, R']."""
    free = np.asarray(rate_grid() if grid is None else grid, dtype=np.float64)
    given, count = dict(fixed or {}), economy.brackets.count
    if free.ndim != 1 or not free.size or not ((free >= 0) & (free <= 1)).all():
        raise InputError("a grid of rates is a list of numbers from 0 to 1")
    for b, rate in given.items():
        if not (0 <= b < count and 0 <= rate <= 1):
            raise InputError(
                f"bracket {b} of {count} cannot be fixed at {rate:g}: brackets count from 0, rates are from 0 to 1"
            )
    idle = idle_brackets(economy)
    rates = np.concatenate([free, [0.0], list(given.values())])
    choices = np.zeros((count, len(free)), dtype=np.int64)
    counts = []
    for b in range(count):
        if b in given:
            choices[b, 0] = len(free) + 1 + list(given).index(b)
        elif b in idle:
            choices[b, 0] = len(free)
        else:
            choices[b] = np.arange(len(free))
        counts.append(1 if b in given or b in idle else len(free))
    total = int(np.prod(np.array(counts, dtype=object)))
    if total > MOST_SCHEDULES:
        raise InputError(
            f"there are {total:,} schedules of {len(free)} rates in {count} brackets; at most {MOST_SCHEDULES:,} can be "
            "enumerated: fix rates of some brackets or take a coarser grid"
        )
    return rates, tuple(counts), choices


def _enumerated(
    economy: OneStepEconomy, grid: Any, fixed: Mapping[int, float] | None, progress: Progress | None
) -> Iterator[Array]:
    """Welfare in parts, the rates of the first brackets fixed in each."""
    rates, counts, choices = _choices(economy, grid, fixed)
    made, n = prepared(economy), economy.size
    count = economy.brackets.count - len(idle_brackets(economy))
    table = np.empty((5, count, len(rates), n))
    reach, tie = (made.lows, made.highs), made.tie
    kernels.tabulate(
        rates, made.wages, made.hours, made.costs, made.cutoffs[:count], *reach, made.keep, tie, table
    )
    sizes = np.append(np.diff(made.cutoffs), 0.0)[:count]
    outer = 0  # so many brackets are looped over here, where progress can be told and Ctrl-C be heard
    while outer < count - 1 and int(np.prod(counts[outer:])) > _PART:
        outer += 1
    room = np.empty((count + 1, 5, n)), np.empty((2, count), dtype=np.int64), np.empty(n), np.empty(n)
    parts = int(np.prod(counts[:outer]))
    for k, head in enumerate(np.ndindex(*counts[:outer])):
        narrowed, some = choices[:count].copy(), np.array(counts[:count], dtype=np.int64)
        for b, digit in enumerate(head):
            narrowed[b, 0], some[b] = choices[b, digit], 1
        out, aim = np.empty(int(np.prod(some))), AIMS[economy.welfare]
        kernels.enumerate_schedules(
            table, rates, sizes, narrowed, some, made.firsts, made.keep, tie, aim, *room, out
        )
        if progress is not None:
            progress((k + 1) / parts, f"{k + 1} of {parts} parts of the schedules enumerated")
        yield out
