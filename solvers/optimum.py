"""Linear objectives: which method runs, what the answer is worth, and what happens when the first one fails."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from games.normal import NormalFormGame
from games.simplices import Float, Int
from solvers import simplex
from solvers.goals import Goal
from solvers.incentives import Incentives
from solvers.simplex import OPTIMAL, RUNNING, Vertex
from solvers.solution import Progress, Status

Side = tuple[Float, Float, Float]

_MODEST = (
    5_000_000  # entries of the matrix up to which HiGHS is tried on the whole of it when the simplex is slow,
)
_PATIENCE = 700.0  # which is after this many multiplications for each entry

_NAMES = {
    "simplex": "matrix-free dual simplex",
    "columns": "column generation (HiGHS)",
    "lp": "linear program (HiGHS)",
}


@dataclass(frozen=True, eq=False)
class Optimum:
    """A point, the bound in payoff units that no equilibrium surpasses, and how it was found."""

    cells: Int
    probs: Float
    bound: float | None
    status: Status
    method: str
    iterations: int


def optimise(
    game: NormalFormGame,
    system: Incentives,
    goal: Goal,
    method: str,
    *,
    tolerance: float,
    allow_lp: bool,
    start: tuple[Int, Int] | None = None,
    deadline: float | None = None,
    iterations: int | None = None,
    progress: Progress | None = None,
) -> Optimum:
    """Solve for a linear, egalitarian or "any" goal; "auto" tries the simplex, then HiGHS.

    `start` is a dual feasible basis for the simplex (cells and tight rows); of no use to an egalitarian goal.
    """
    first = start
    effort = math.inf
    order = {"auto": ["simplex", "columns", "lp"]}.get(method, [method])
    if method == "auto" and allow_lp and iterations is None and system.nonzeros <= _MODEST:
        # where many profiles stay in the basis, sparse factors win: the simplex may cost a part of what HiGHS would
        order, effort = ["simplex", "lp", "columns"], _PATIENCE * system.nonzeros + 1e7
    if goal.kind == "egalitarian":
        order = ["lp" if name == "columns" else name for name in order]
    if not allow_lp:
        order = [name for name in order if name != "lp"] or order
    best: tuple[float, Optimum] | None = None
    for name in dict.fromkeys(order):

        def run(
            cost: Float, side: Side | None = None, start: tuple | None = None, name: str = name
        ) -> Vertex:
            if name == "simplex":
                return simplex.maximise(
                    system,
                    cost,
                    side,
                    start=first if start is None else start,
                    iterations=iterations,
                    effort=effort,
                    deadline=deadline,
                    progress=progress,
                )
            from solvers import columns

            if name == "lp":
                return columns.whole(system, cost, side, deadline=deadline)
            return columns.generated(
                system, cost, deadline=deadline, iterations=iterations, progress=progress
            )

        solve = _egalitarian if goal.kind == "egalitarian" else _plain
        error, found = solve(game, system, goal, run, tolerance, _NAMES[name])
        if best is None or error < best[0]:
            best = error, found
        if found.status is not Status.NUMERICAL:
            break
    assert best is not None
    return best[1]


def _plain(
    game: NormalFormGame,
    system: Incentives,
    goal: Goal,
    run: Callable[..., Vertex],
    tolerance: float,
    method: str,
) -> tuple[float, Optimum]:
    cost, low, width = _scaled(goal.weights(len(game.shape)) @ _safe(game))
    vertex = run(cost if width > 0 else -simplex.irregular(cost.size))
    cells, probs, regret = tidy(system, vertex)
    bound = float((cost - system.transposed(_rows(system, vertex))).max())
    gap = bound - float(cost[cells] @ probs) if width > 0 else 0.0
    error = max(regret, gap)
    raw = goal.sign * (low + width * max(bound, bound - gap)) * _magnitude(game)
    status = _status(vertex, error, tolerance)
    return error, Optimum(cells, probs, raw if goal.kind == "linear" else None, status, method, vertex.pivots)


def _egalitarian(
    game: NormalFormGame,
    system: Incentives,
    goal: Goal,
    run: Callable[..., Vertex],
    tolerance: float,
    method: str,
) -> tuple[float, Optimum]:
    """Maximise t <= u_i(x) for all i; then welfare with every u_i(x) at least that t."""
    payoffs = _safe(game)
    low = float(payoffs.min())
    width = float(payoffs.max()) - low
    players = payoffs.shape[0]
    shares = (payoffs - low) / (width if width > 0 else 1.0)
    # all weight on one player's row is a dual feasible start; the poorest player at best is the likeliest to bind
    first = int(np.argmin(shares.max(axis=1)))
    best = int(np.argmax(shares[first] - simplex.PERTURBATION * simplex.irregular(system.cells)))
    start = ([-1, best], [system.rows + 1 + first, system.rows])
    vertex = run(np.zeros(system.cells), (-shares, np.ones(players), np.zeros(players)), start)
    cells, probs, regret = tidy(system, vertex)
    smallest = float((shares[:, cells] @ probs).min()) if cells.size else 0.0
    weights = np.maximum(vertex.multipliers[-players:], 0.0)
    weights = weights / weights.sum() if weights.sum() > 0 else np.full(players, 1.0 / players)
    bound = float((weights @ shares - system.transposed(_rows(system, vertex))).max())
    error, pivots = max(regret, bound - smallest), vertex.pivots
    status = _status(vertex, error, tolerance)
    if status is Status.CONVERGED:
        cost = _scaled(payoffs.sum(axis=0))[0]
        floor = np.full(players, smallest - 0.1 * min(tolerance, 1e-9))
        second = run(cost, (-shares, np.zeros(players), -floor))
        pivots += second.pivots
        where, how, late = tidy(system, second)
        if second.state == OPTIMAL and late <= 10 * tolerance:
            cells, probs = where, _lift(system, where, how, shares, smallest)
        else:
            status = Status.BUDGET if second.state == RUNNING else Status.NUMERICAL
    raw = (low + width * max(bound, smallest)) * _magnitude(game)
    return error, Optimum(cells, probs, raw, status, method, pivots)


def _lift(system: Incentives, cells: Int, probs: Float, shares: Float, floor: float) -> Float:
    """Move off the slack that the second stage was given, back to everyone getting `floor`, where that works."""
    payoffs = shares[:, cells]
    low = payoffs @ probs < floor
    if not low.any() or cells.size > 2000:
        return probs
    tight = np.flatnonzero(system.live & (system.gains(cells, probs) > -1e-9))
    equations = np.vstack([system.matrix(tight, cells), payoffs[low], np.ones(cells.size)])
    right = np.concatenate([np.zeros(tight.size), np.full(int(low.sum()), floor), [1.0]])
    again = probs + np.linalg.lstsq(equations, right - equations @ probs, rcond=None)[0]
    again = np.maximum(again, 0.0)
    again /= again.sum()
    better = float((payoffs @ again).min()) > float((payoffs @ probs).min())
    return (
        again
        if better and _worst(system, cells, again) <= max(_worst(system, cells, probs), 1e-14)
        else probs
    )


def _magnitude(game: NormalFormGame) -> float:
    return max(float(np.abs(game.flat).max()), np.finfo(float).tiny)


def _safe(game: NormalFormGame) -> Float:
    """Payoffs divided by the largest magnitude, so that sums do not overflow."""
    return game.flat / _magnitude(game)


def _scaled(values: Float) -> tuple[Float, float, float]:
    """(values in [0, 1], lowest, range); a range within rounding of zero counts as zero."""
    low = float(values.min())
    width = float(values.max()) - low
    if width <= 1e-14 * max(abs(low), 1e-300):
        return np.zeros_like(values), low, 0.0
    return (values - low) / width, low, width


def _rows(system: Incentives, vertex: Vertex) -> Float:
    return np.where(system.live, np.maximum(vertex.multipliers[: system.rows], 0.0), 0.0)


def _status(vertex: Vertex, error: float, tolerance: float) -> Status:
    if vertex.state == RUNNING:
        return Status.BUDGET
    return Status.CONVERGED if vertex.state == OPTIMAL and error <= tolerance else Status.NUMERICAL


def tidy(system: Incentives, vertex: Vertex) -> tuple[Int, Float, float]:
    """The vertex without rounding dust, re-solved on its tight rows if its gains are not clean; and its worst gain."""
    keep = vertex.probs > 1e-15
    cells, probs = vertex.cells[keep], np.maximum(vertex.probs[keep], 0.0)
    if not cells.size or not np.isfinite(probs).all():
        everywhere = np.arange(system.cells)
        probs = np.full(system.cells, 1.0 / system.cells)
        return everywhere, probs, _worst(system, everywhere, probs)
    probs = probs / probs.sum()
    regret = _worst(system, cells, probs)
    if regret > 1e-13 and cells.size <= 2000:
        gains = system.gains(cells, probs)
        tight = np.flatnonzero(system.live & (np.abs(gains) <= 10 * regret))
        equations = np.vstack([system.matrix(tight, cells), np.ones(cells.size)])
        right = np.zeros(tight.size + 1)
        right[-1] = 1.0
        step = np.linalg.lstsq(equations, right - equations @ probs, rcond=1e-10)[0]
        again = probs + step
        # a correction far larger than the error it corrects would be another point, not this one
        if again.min() >= -1e-12 and np.abs(step).sum() <= 1e4 * regret:
            again = np.maximum(again, 0.0) / np.maximum(again, 0.0).sum()
            better = _worst(system, cells, again)
            if better < regret:
                return cells[again > 0], again[again > 0], better
    return cells, probs, regret


def _worst(system: Incentives, cells: Int, probs: Float) -> float:
    return max(float(system.gains(cells, probs)[system.live].max(initial=0.0)), 0.0)
