"""The loop of all methods for mean-field games: measure, keep the best, stop or move on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from games.errors import InputError
from games.simplices import Float
from solvers import meanfield_kernels as kernels
from solvers.meanfield_tables import Crowd, Tables
from solvers.self_play import Point, next_check
from solvers.solution import Progress, Solution, Status

ITERATIONS = 20_000
"""How long is iterated where nothing is said."""
_EVERY = 0.2  # seconds between reports

Move = Callable[[int, float, Crowd, Float], None]
"""Overwrites the policy with the next: given which iteration this is, from 1, the policy's exploitability and its crowd."""


class Budget(NamedTuple):
    """When to stop: at a tolerance relative to the model's span, or after so many iterations or seconds."""

    tolerance: float
    iterations: int | None
    seconds: float | None
    progress: Progress | None

    def check(self) -> None:
        """`InputError` for what is not a budget."""
        if not (math.isfinite(self.tolerance) and self.tolerance >= 0):
            raise InputError(f"tolerance is a finite number of at least 0, got {self.tolerance}")
        if self.iterations is None and self.seconds is None:
            raise InputError("the run needs iterations or seconds to end; both are None")
        if self.seconds is not None and not self.seconds > 0:
            raise InputError(f"seconds is a positive number, got {self.seconds}")
        if self.iterations is not None and self.iterations < 1:
            raise InputError(f"iterations is at least 1, got {self.iterations}")


def iterate(
    tables: Tables, policy: Float, move: Move, method: str, asked: dict[str, Any], budget: Budget
) -> Solution:
    """Iterate from a policy until it is an equilibrium to the tolerance or the budget is spent.

    Parameters
    ----------
    tables : Tables
        The model; its `values` and `worth` are the best ones in the crowd of the policy whenever `move` is called.
    policy : float64[T, X, U]
        Where to start; overwritten.
    move : callable
        One iteration.
    method, asked
        What is told of the method.
    budget : Budget
        When to stop.
    """
    budget.check()
    clock = _Clock(budget)
    bar = budget.tolerance * (tables.model.span or 1.0)
    best, least, best_at = policy.copy(), math.inf, 0
    trace: list[Point] = []
    k = 0
    while True:
        crowd = tables.crowd(policy)
        gap = float(kernels.shortfall(policy, crowd.mu, *tables.best(crowd), tables.discount))
        if gap < least:
            best[:], least, best_at = policy, gap, k
        over = gap <= bar or clock.over(k)
        if over or not trace or k >= next_check(trace[-1].iterations):
            trace.append(Point(k, clock.spent(), gap, gap))
        if over:
            break
        k += 1
        clock.report(k, least)
        move(k, gap, crowd, policy)
    status = Status.CONVERGED if least <= bar else Status.BUDGET
    stats = {"iterations": k, "best_iteration": best_at, "seconds": clock.spent(), "trace": trace}
    return Solution(tables.model, "nash", best, status, method, asked, stats)


class _Clock:
    """Time and iterations against a budget; reports now and then."""

    def __init__(self, budget: Budget) -> None:
        self.budget, self.start, self.told = budget, time.perf_counter(), 0.0

    def spent(self) -> float:
        return time.perf_counter() - self.start

    def over(self, k: int) -> bool:
        limit, seconds = self.budget.iterations, self.budget.seconds
        return (limit is not None and k >= limit) or (seconds is not None and self.spent() >= seconds)

    def report(self, k: int, gap: float) -> None:
        spent = self.spent()
        if self.budget.progress is None or spent - self.told < _EVERY:
            return
        self.told = spent
        shares = [
            done / limit
            for done, limit in ((k, self.budget.iterations), (spent, self.budget.seconds))
            if limit is not None
        ]
        self.budget.progress(min(max(shares), 1.0), f"iteration {k:,}, exploitability {gap:.3g}")
