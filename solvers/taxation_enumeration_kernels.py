"""Welfare of all tax schedules of a grid.

Letters: n workers in rising order of skill, K brackets, R rates on the grid, S schedules. What a worker does best within a bracket
depends on that bracket's rate alone (`solvers.taxation_kernels`): so it is tabulated once, and the best of the first brackets is
carried along to all schedules that begin alike.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from games.stream_kernels import BARE
from solvers.taxation_kernels import judge

VALUE, INCOME, WEIGHT, UTILITY, TAX = range(5)
"""What is known of a worker's best choice: its private value, income, welfare weight, utility before the lump sum, and tax."""


@njit(**BARE)
def tabulate(
    grid: Any,
    wages: Any,
    hours: Any,
    costs: Any,
    cutoffs: Any,
    lows: Any,
    highs: Any,
    keep: Any,
    tie: Any,
    table: Any,
) -> None:
    """The best that each worker can do within each bracket at each rate, into table float64[5, K, R, n].

    Brackets below are left out: value, utility and tax still lack what is due there. The value is minus infinity where a
    worker cannot earn that much.
    """
    for b in range(cutoffs.shape[0]):
        for r in range(grid.shape[0]):
            for i in range(wages.shape[0]):
                best, chosen = -math.inf, 0
                for level in range(lows[i, b], highs[i, b] + 1):
                    income = wages[i] * hours[level]
                    worth = income - keep * grid[r] * (income - cutoffs[b]) - costs[level]
                    if worth > best + tie:
                        best, chosen = worth, level
                income = wages[i] * hours[chosen]
                tax = grid[r] * (income - cutoffs[b])
                table[VALUE, b, r, i] = best
                table[INCOME, b, r, i] = income
                table[WEIGHT, b, r, i] = 1.0 / max(income, 1.0)
                table[UTILITY, b, r, i] = income - tax - costs[chosen]
                table[TAX, b, r, i] = tax


@njit(**BARE)
def extend(
    table: Any, b: Any, r: Any, below: Any, keep: Any, tie: Any, first: Any, before: Any, after: Any
) -> None:
    """Best choices float64[5, n] with one more bracket, in which only workers from `first` on can be."""
    for i in range(before.shape[1]):
        if i >= first and table[VALUE, b, r, i] - keep * below > before[VALUE, i] + tie:
            after[VALUE, i] = table[VALUE, b, r, i] - keep * below
            after[INCOME, i] = table[INCOME, b, r, i]
            after[WEIGHT, i] = table[WEIGHT, b, r, i]
            after[UTILITY, i] = table[UTILITY, b, r, i] - below
            after[TAX, i] = table[TAX, b, r, i] + below
        else:
            for q in range(5):
                after[q, i] = before[q, i]


@njit(**BARE)
def last_bracket(
    table: Any,
    b: Any,
    options: Any,
    below: Any,
    keep: Any,
    tie: Any,
    first: Any,
    aim: Any,
    before: Any,
    kept: Any,
    room: Any,
    out: Any,
    place: Any,
) -> Any:
    """Welfare for every rate of the last bracket, from out[place] on; the place after."""
    n = before.shape[1]
    weights0, weighted0, taxes0, total0 = 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        kept[i] = before[INCOME, i] - before[TAX, i]
        if i < first:
            weights0 += before[WEIGHT, i]
            weighted0 += before[WEIGHT, i] * before[UTILITY, i]
            taxes0 += before[TAX, i]
            total0 += before[INCOME, i]
    for o in range(options.shape[0]):
        r = options[o]
        weights, weighted, taxes, total = weights0, weighted0, taxes0, total0
        for i in range(first, n):
            higher = table[VALUE, b, r, i] - keep * below > before[VALUE, i] + tie
            weight = table[WEIGHT, b, r, i] if higher else before[WEIGHT, i]
            utility = table[UTILITY, b, r, i] - below if higher else before[UTILITY, i]
            tax = table[TAX, b, r, i] + below if higher else before[TAX, i]
            income = table[INCOME, b, r, i] if higher else before[INCOME, i]
            weights += weight
            weighted += weight * utility
            taxes += tax
            total += income
            kept[i] = income - tax
        out[place] = judge(weights, weighted, taxes, total, aim, kept, room)
        place += 1
    return place


@njit(**BARE)
def enumerate_schedules(
    table: Any,
    grid: Any,
    sizes: Any,
    choices: Any,
    counts: Any,
    firsts: Any,
    keep: Any,
    tie: Any,
    aim: Any,
    stack: Any,
    odometer: Any,
    kept: Any,
    room: Any,
    out: Any,
) -> None:
    """Welfare of all schedules, the last bracket's rate changing fastest, into out float64[S].

    Bracket b may have the rates choices[b, :counts[b]] of the grid, and sizes[b] coin fit in it; workers from firsts[b] on can
    reach it. stack float64[K + 1, 5, n] and odometer int64[2, K] are room to work in.
    """
    last, place, depth = sizes.shape[0] - 1, 0, 0
    for i in range(stack.shape[2]):
        for q in range(5):
            stack[0, q, i] = 0.0
        stack[0, VALUE, i] = -math.inf
    for b in range(last + 1):
        odometer[0, b] = 0
    while depth >= 0:
        if depth == last:
            below = due_below(grid, sizes, choices, odometer, last)
            options = choices[last, : counts[last]]
            place = last_bracket(
                table,
                last,
                options,
                below,
                keep,
                tie,
                firsts[last],
                aim,
                stack[last],
                kept,
                room,
                out,
                place,
            )
            depth -= 1
        elif odometer[0, depth] == counts[depth]:
            odometer[0, depth] = 0
            depth -= 1
        else:
            below = due_below(grid, sizes, choices, odometer, depth)
            r = choices[depth, odometer[0, depth]]
            extend(table, depth, r, below, keep, tie, firsts[depth], stack[depth], stack[depth + 1])
            odometer[1, depth] = r
            odometer[0, depth] += 1
            depth += 1


@njit(**BARE)
def due_below(grid: Any, sizes: Any, choices: Any, odometer: Any, depth: Any) -> Any:
    """What is due on an income at the beginning of a bracket."""
    due = 0.0
    for b in range(depth):
        due += grid[odometer[1, b]] * sizes[b]
    return due
