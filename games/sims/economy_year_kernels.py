"""The tax year of gather-trade-build inside numba: who sets rates on its first day, and what is collected on its last."""

from __future__ import annotations

from typing import Any

from numba import njit

from games.sims.economy_saez_kernels import remember, saez_schedule
from games.sims.economy_state import EQUAL, FIXED, MEANS, PLANNER, SAEZ
from games.sims.economy_tax_kernels import cap_on_rates, marginal_rate, tax_due
from games.stream_kernels import BARE

_ELASTICITY, _PAIRS = 0, 1


@njit(**BARE)
def tax_day(world: Any, constants: Any, chosen: Any, uniforms: Any, live: Any) -> None:
    """A day of the tax year where `live` bool[B].

    Parameters
    ----------
    chosen : int32[B, 1, K]
        The planner's: 0 keeps a rate, k makes it the k-th level.
    uniforms : float64[B, K]
        For rates at random.
    """
    for b in range(live.shape[0]):
        if not live[b]:
            continue
        if world.clock[b, 1] == 1:
            if constants.system == PLANNER:
                for k in range(chosen.shape[2]):
                    if chosen[b, 0, k] > 0:
                        world.rates[b, k] = constants.levels[chosen[b, 0, k] - 1]
            elif constants.system == FIXED:
                _fix(world.rates[b], constants.fixed, world.cap[b])
            elif constants.system == SAEZ:
                _estimate(
                    world.rates[b], world.pairs[b], world.formula[b], world.cap[b], constants, uniforms[b]
                )
        if constants.system == EQUAL:
            _share(world.inventory[b], world.escrow[b], world.shared[b])
        if world.clock[b, 1] >= constants.period:
            _collect(world, constants, b)
            world.clock[b, 1] = 0
        world.clock[b, 1] += 1


@njit(**BARE)
def _fix(rates: Any, fixed: Any, cap: Any) -> None:
    for k in range(rates.shape[0]):
        rates[k] = min(fixed[k], cap)


@njit(**BARE)
def _estimate(rates: Any, pairs: Any, formula: Any, cap: Any, constants: Any, uniforms: Any) -> None:
    """The rates of the Saez formula; any rates until there are enough pairs."""
    if formula[_PAIRS] < pairs.shape[0]:
        for k in range(rates.shape[0]):
            rates[k] = constants.rate_min + uniforms[k] * (cap - constants.rate_min)
        return
    formula[_ELASTICITY] = saez_schedule(
        pairs,
        pairs.shape[0],
        formula[_ELASTICITY],
        constants.elasticity,
        constants.weight_type,
        constants.cutoffs,
        constants.rate_min,
        cap,
        constants.work,
        rates,
    )
    for k in range(rates.shape[0]):
        formula[MEANS + k] = 0.99 * formula[MEANS + k] + 0.01 * rates[k]


@njit(**BARE)
def _collect(world: Any, constants: Any, b: Any) -> None:
    """Collect taxes on the income of the year, no more than there is in an inventory, and give everybody an equal share."""
    inventory, escrow, rates = world.inventory[b], world.escrow[b], world.rates[b]
    n, year = inventory.shape[0], world.clock[b, 0] // constants.period - 1
    revenue = 0.0
    for i in range(n):
        income = inventory[i, 0] + escrow[i, 0] - world.base[b, i]
        paid = min(inventory[i, 0], tax_due(income, rates, constants.cutoffs))
        if constants.system == EQUAL:  # inventories may be negative there, and nothing is due
            paid = 0.0
        rate = marginal_rate(income, rates, constants.cutoffs)
        inventory[i, 0] -= paid
        revenue += paid
        world.last[b, i, 0], world.last[b, i, 1] = income, rate
        world.years[b, year, i, 0] = income + world.shared[b, i]
        world.years[b, year, i, 1] = paid + max(world.shared[b, i], 0.0)
        world.shared[b, i] = 0.0
        if constants.system == SAEZ:
            world.formula[b, _PAIRS] = remember(world.pairs[b], int(world.formula[b, _PAIRS]), income, rate)
    for i in range(n):
        inventory[i, 0] += revenue / n
        world.base[b, i] = inventory[i, 0] + escrow[i, 0]
    for k in range(rates.shape[0]):
        world.schedules[b, year, k] = rates[k]


@njit(**BARE)
def _share(inventory: Any, escrow: Any, shared: Any) -> None:
    """Everybody owns the mean of all coin, escrow included."""
    n, total = inventory.shape[0], 0.0
    for i in range(n):
        total += inventory[i, 0] + escrow[i, 0]
    for i in range(n):
        before = inventory[i, 0]
        inventory[i, 0] = total / n - escrow[i, 0]
        shared[i] += before - inventory[i, 0]


@njit(**BARE)
def begin_years(world: Any, constants: Any, where: Any) -> None:
    """The first year of an episode, where bool[B]: its cap on rates, and the rates that are seen before anybody sets them."""
    for b in range(where.shape[0]):
        if not where[b]:
            continue
        world.cap[b] = constants.rate_max
        if constants.anneal_slope > 0.0:
            world.cap[b] = max(
                cap_on_rates(
                    world.counts[b, 0], constants.anneal_warmup, constants.anneal_slope, constants.rate_max
                ),
                constants.rate_min,
            )
        world.clock[b, 0], world.clock[b, 1] = 0, 1
        for k in range(world.rates.shape[1]):
            rate = world.formula[b, MEANS + k] if constants.system == SAEZ else constants.fixed[k]
            world.rates[b, k] = min(rate, world.cap[b])
            for year in range(world.schedules.shape[1]):
                world.schedules[b, year, k] = 0.0
        for i in range(world.base.shape[1]):
            world.base[b, i] = world.inventory[b, i, 0] + world.escrow[b, i, 0]
            world.last[b, i, 0], world.last[b, i, 1], world.shared[b, i] = 0.0, 0.0, 0.0
            for year in range(world.years.shape[1]):
                world.years[b, year, i, 0], world.years[b, year, i, 1] = 0.0, 0.0
