"""The one-step economy in batches: setting rates, working and paying, and what is seen.

Letters: B sub-environments, n workers, K brackets, L levels of labour. Time is 0 before rates are set, 1 while workers choose,
2 when all is done. Nothing is allocated.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from games.sims.economy_saez_kernels import remember, saez_schedule
from games.sims.economy_tax_kernels import (
    equality_times_productivity,
    gini,
    inverse_income_weighted,
    isoelastic,
    marginal_rate,
    tax_due,
)
from games.stream_kernels import BARE, uniform

BEGUN, TAXED, DONE = 0, 1, 2
LINEAR, ISOELASTIC = 0, 1
INVERSE_INCOME, EQUALITY = 0, 1
FULL, BRIEF = 0, 1


@njit(**BARE)
def settle(
    actions: Any,
    wages: Any,
    hours: Any,
    costs: Any,
    cutoffs: Any,
    rates: Any,
    income: Any,
    paid: Any,
    coin: Any,
    utility: Any,
    kind: Any,
    eta: Any,
) -> None:
    """Everybody works, pays, gets an equal share, and is as happy as it then is.

    actions int32[n] are levels of labour, costs float64[L] what these cost; income, paid, coin and utility float64[n] are filled.
    """
    n = wages.shape[0]
    total = 0.0
    for i in range(n):
        income[i] = wages[i] * hours[actions[i]]
        paid[i] = tax_due(income[i], rates, cutoffs)
        total += paid[i]
    share = total / n
    for i in range(n):
        coin[i] = income[i] - paid[i] + share
        if kind == ISOELASTIC:
            utility[i] = isoelastic(coin[i], 0.0, eta, 0.0) - costs[actions[i]]
        else:
            utility[i] = coin[i] - costs[actions[i]]


@njit(**BARE)
def welfare_of(
    income: Any, coin: Any, utility: Any, sorted_coin: Any, room: Any, aim: Any, weight: Any
) -> Any:
    """What the planner is paid for; with `EQUALITY` sorted_coin float64[n] is sorted in `room` float64[n]."""
    if aim == EQUALITY:
        return equality_times_productivity(sorted_coin, room, weight)
    return inverse_income_weighted(utility, income)


@njit(**BARE)
def order_by_income(income: Any, coin: Any, last_incomes: Any, sorted_coin: Any) -> None:
    """Incomes and coin in rising order of income; no tax being above 1, that is an order of coin too, up to rounding."""
    for i in range(income.shape[0]):
        value, other, j = income[i], coin[i], i
        while j > 0 and last_incomes[j - 1] > value:
            last_incomes[j] = last_incomes[j - 1]
            sorted_coin[j] = sorted_coin[j - 1]
            j -= 1
        last_incomes[j] = value
        sorted_coin[j] = other


@njit(**BARE)
def set_rates(actions: Any, live: Any, time: Any, step: Any, rates: Any) -> None:
    """A planner's choices int32[B, K], 0 to leave a rate as it is, into rates float64[B, K] where they can be set."""
    for b in range(live.shape[0]):
        if live[b] and time[b] == BEGUN:
            for k in range(rates.shape[1]):
                if actions[b, k] > 0:
                    rates[b, k] = step * (actions[b, k] - 1)


@njit(**BARE)
def fix_rates(live: Any, time: Any, fixed: Any, rates: Any) -> None:
    """Rates that are always the same, float64[K]."""
    for b in range(live.shape[0]):
        if live[b] and time[b] == BEGUN:
            for k in range(rates.shape[1]):
                rates[b, k] = fixed[k]


@njit(**BARE)
def saez_rates(
    streams: Any,
    live: Any,
    time: Any,
    cutoffs: Any,
    fixed: Any,
    weights: Any,
    buffer: Any,
    count: Any,
    elasticity: Any,
    work: Any,
    rates: Any,
) -> None:
    """The formula's rates from buffer float64[B, M, 2]; random ones until it has been filled once."""
    for b in range(live.shape[0]):
        if live[b] and time[b] == BEGUN:
            if count[b] < buffer.shape[1]:
                for k in range(rates.shape[1]):
                    rates[b, k] = uniform(streams[b])
            else:
                elasticity[b] = saez_schedule(
                    buffer[b],
                    buffer.shape[1],
                    elasticity[b],
                    fixed,
                    weights,
                    cutoffs,
                    0.0,
                    1.0,
                    work,
                    rates[b],
                )


@njit(**BARE)
def remember_all(
    live: Any, time: Any, income: Any, rates: Any, cutoffs: Any, buffer: Any, count: Any
) -> None:
    """This year's incomes and marginal rates into the buffers of those who have just been taxed."""
    for b in range(live.shape[0]):
        if live[b] and time[b] == DONE:
            for i in range(income.shape[1]):
                rate = marginal_rate(income[b, i], rates[b], cutoffs)
                count[b] = remember(buffer[b], count[b], income[b, i], rate)


@njit(**BARE)
def advance(
    actions: Any,
    live: Any,
    time: Any,
    wages: Any,
    hours: Any,
    costs: Any,
    cutoffs: Any,
    rates: Any,
    results: Any,
    social: Any,
    constants: Any,
    room: Any,
    reward: Any,
    planner_reward: Any,
    ended: Any,
) -> None:
    """One step of everybody, after rates were set.

    actions int32[B, n]; results float64[6, B, n] holds income, paid, coin, utility, sorted incomes and sorted coin; social
    float64[B, 3] welfare, equality and productivity per head in thousands; constants float64[7] kind of utility, eta, the
    planner's aim, its weight, what utility and welfare were before. Rewards float64[B, n] and float64[B, 1] are filled.
    """
    batch, n = actions.shape
    for b in range(batch):
        ended[b] = False
        planner_reward[b, 0] = 0.0
        if not live[b] or time[b] != TAXED:
            for i in range(n):
                reward[b, i] = 0.0
            if live[b]:
                time[b] = TAXED
            continue
        income, paid, coin, utility = results[0, b], results[1, b], results[2, b], results[3, b]
        settle(
            actions[b],
            wages,
            hours,
            costs,
            cutoffs,
            rates[b],
            income,
            paid,
            coin,
            utility,
            constants[0],
            constants[1],
        )
        order_by_income(income, coin, results[4, b], results[5, b])
        total = 0.0
        for i in range(n):
            reward[b, i] = utility[i] - constants[4]
            total += coin[i]
        social[b, 0] = welfare_of(income, coin, utility, results[5, b], room, constants[2], constants[3])
        social[b, 1] = 1.0 - gini(results[5, b], room)
        social[b, 2] = total / n / 1000.0
        planner_reward[b, 0] = social[b, 0] - constants[5]
        time[b] = DONE
        ended[b] = True


@njit(**BARE)
def look(
    time: Any,
    rates: Any,
    results: Any,
    social: Any,
    wages: Any,
    cutoffs: Any,
    detail: Any,
    workers: Any,
    planner: Any,
    state: Any,
) -> None:
    """Observations of workers float32[B, n, d] and planner float32[B, 1, p], and the global state float32[B, K + 3]."""
    batch, n = workers.shape[:2]
    count = rates.shape[1]
    for b in range(batch):
        clock = 0.5 * time[b]
        for k in range(count):
            state[b, k] = rates[b, k]
        state[b, count] = clock
        state[b, count + 1] = social[b, 1]
        state[b, count + 2] = social[b, 2]
        if detail == BRIEF:
            for k in range(count + 3):
                planner[b, 0, k] = state[b, k]
            for i in range(n):
                for k in range(count):
                    workers[b, i, k] = rates[b, k]
                workers[b, i, count] = wages[i] / 3.0
                workers[b, i, count + 1] = clock
        else:
            look_fully(time[b], rates[b], results, b, social[b], wages, cutoffs, workers[b], planner[b, 0])


@njit(**BARE)
def look_fully(
    time: Any,
    rates: Any,
    results: Any,
    b: Any,
    social: Any,
    wages: Any,
    cutoffs: Any,
    workers: Any,
    planner: Any,
) -> None:
    """What the reference shows of one sub-environment, in its order."""
    n, count, done = wages.shape[0], rates.shape[0], time == DONE
    tax_day, half = time == TAXED, count + 2
    for k in range(count):
        planner[k] = rates[k]
    planner[count] = np.float32(not tax_day)
    planner[count + 1] = np.float32(tax_day)
    for i in range(n):
        planner[half + i] = 0.5 * results[4, b, i] if done else 0.0
    planner[half + n] = 1.0 if tax_day else 0.5
    planner[half + n + 1] = 0.5 * time
    planner[half + n + 2] = social[1]
    planner[half + n + 3] = social[2]
    for i in range(n):
        place = half + n + 4 + 3 * i
        planner[place] = rates[0]
        planner[place + 1] = 0.5 * results[0, b, i] if done else 0.0
        planner[place + 2] = marginal_rate(results[0, b, i], rates, cutoffs) if done else 0.0
    for i in range(n):
        for k in range(half + n):
            workers[i, k] = planner[k]
        workers[i, half + n] = rates[0]
        workers[i, half + n + 1] = planner[half + n]
        workers[i, half + n + 2] = wages[i] / 3.0
        workers[i, half + n + 3] = 0.5 * time


@njit(**BARE)
def fill_masks(time: Any, may_tax: Any, workers: Any, planner: Any) -> None:
    """What is legal: labour once rates are set, rates before, else only action 0; bool[B, n, L] and bool[B, 1, 22 K]."""
    for b in range(time.shape[0]):
        working, taxing = time[b] == TAXED, may_tax and time[b] == BEGUN
        for i in range(workers.shape[1]):
            for a in range(workers.shape[2]):
                workers[b, i, a] = working or a == 0
        for a in range(planner.shape[2]):
            planner[b, 0, a] = taxing or a % 22 == 0
