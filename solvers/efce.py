"""Optimal extensive-form correlated equilibria (EFCE) and coarse ones (EFCCE) of two-player trees.

A mediator draws a pair of strategies and recommends a move at each information set when a player arrives there. In an
EFCE nobody gains by disobeying a recommendation, after which the mediator falls silent; in an EFCCE nobody gains by
walking away on arrival, before hearing it. On the strategic form's ladder, CE < EFCE < EFCCE < CCE: each set contains
the ones before it. For triangle-free games (see `solvers.correlation_plans`) both are linear programs of polynomial
size over correlation plans.

References: von Stengel and Forges (2008); Farina, Bianchi and Sandholm (2020); Farina and Sandholm (2020).
"""

from __future__ import annotations

import math
from time import perf_counter
from typing import Any, Literal

import numpy as np

from games.errors import InputError
from games.simplices import Float
from games.tree import TreeGame
from games.tree_strategies import CorrelationPlan
from solvers.correlation_plans import plan_of, relevant_pairs
from solvers.efce_program import Program, build
from solvers.goals import Goal, goal_of
from solvers.solution import Progress, Solution, Status

MOST_PAIRS = 100_000
"""Programs over more pairs of sequences are refused: 11,000 already take a quarter of a minute."""
_SLACK = 1e-9  # of the smallest payoff that may be given up for welfare, payoffs scaled to a span of 1


def efce(
    game: TreeGame,
    objective: str = "welfare",
    *,
    tolerance: float = 1e-8,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> Solution:
    """An extensive-form correlated equilibrium that is best for an objective.

    Parameters
    ----------
    game : TreeGame
        Two players, perfect recall, triangle-free: for example without chance, or with public chance moves only.
    objective : str
        "welfare", "min-welfare" (sum of payoffs), "player:K", "min-player:K" (K counts from 0), "egalitarian" (the
        smallest payoff as large as possible, then welfare), or "any".
    tolerance : float
        Largest regret, relative to the payoff span, and largest violation of a plan's equations at which the answer
        counts as converged.
    seconds : float, optional
        Budget of the linear program; when it runs out the status is BUDGET and the plan may not be one.
    progress : Progress, optional
        Told the size of the program before it is solved.

    Returns
    -------
    Solution
        Concept "efce" with a `CorrelationPlan`; `stats` has "seconds", "iterations", "objective_value", "dual_bound"
        (which no equilibrium surpasses, from the multipliers alone), "pairs", "rows" and "columns".

    Raises
    ------
    InputError
        If the game is not of this kind, saying which concept is within reach, or for an objective that is not linear.

    Examples
    --------
    >>> from games import load
    >>> game = load("openspiel:turn_based_simultaneous_game(game=goofspiel(imp_info=True,num_cards=2,points_order=descending))")
    >>> efce(game).certificate.holds(1e-9)
    True
    """
    return _optimal(game, "efce", objective, tolerance, seconds, progress)


def efcce(
    game: TreeGame,
    objective: str = "welfare",
    *,
    tolerance: float = 1e-8,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> Solution:
    """An extensive-form coarse correlated equilibrium that is best for an objective; as `efce`.

    The program is smaller than that of an EFCE: triggers are information sets, not sequences.
    """
    return _optimal(game, "efcce", objective, tolerance, seconds, progress)


def _optimal(
    game: TreeGame,
    concept: Literal["efce", "efcce"],
    objective: str,
    tolerance: float,
    seconds: float | None,
    progress: Progress | None,
) -> Solution:
    started = perf_counter()
    goal = goal_of(objective, len(game.players))
    if goal.kind in ("entropy", "gini"):
        raise InputError(f"objective {objective!r} is not linear in the payoffs; {concept} takes linear ones")
    if not (math.isfinite(tolerance) and tolerance > 0):
        raise InputError(f"tolerance must be a positive number, got {tolerance}")
    if seconds is not None and not seconds > 0:
        raise InputError(f"seconds is a positive number, got {seconds}")
    pairs = relevant_pairs(game)
    if pairs.keys.size > MOST_PAIRS:
        raise InputError(
            f"{concept} needs a linear program over {pairs.keys.size:,} pairs of sequences, more than the "
            f"{MOST_PAIRS:,} that are solved in reasonable time; a cce by self-play is not out of reach"
        )
    program = build(game, pairs, concept == "efcce")
    if progress is not None:
        progress(math.nan, f"{concept} program of {program.rows:,} rows, {program.columns:,} columns")
    stats: dict[str, Any] = {"pairs": pairs.keys.size, "rows": program.rows, "columns": program.columns}
    x, bound, iterations, status = _solve(program, goal, seconds)
    if x is None:
        plan = plan_of(game, game.uniform())
    else:
        plan = CorrelationPlan(pairs.first, pairs.second, np.maximum(x[: pairs.keys.size], 0.0))
    certificate = Solution(game, concept, plan, status, "sequence-pair program").certificate
    if status is Status.CONVERGED and not certificate.holds(tolerance):
        status = Status.NUMERICAL
    stats |= {
        "iterations": iterations,
        "objective_value": goal.value(certificate.values),
        "dual_bound": bound,
        "seconds": perf_counter() - started,
    }
    asked = {"objective": goal.name, "tolerance": tolerance}
    return Solution(game, concept, plan, status, "sequence-pair program", asked, stats)


def _solve(
    program: Program, goal: Goal, seconds: float | None
) -> tuple[Float | None, float | None, int, Status]:
    """The best point or None, the bound on the objective, iterations, and how it ended."""
    from solvers.linear import LinearError

    stop = None if seconds is None else perf_counter() + seconds
    if goal.kind == "egalitarian":
        floor = _add_floor(program)
    best: Float | None = None
    bound, iterations, least = None, 0, -np.inf
    status = Status.CONVERGED
    for stage in ("floor", "goal") if goal.kind == "egalitarian" else ("goal",):
        cost = np.zeros(program.columns)
        lower, unit = np.full(program.columns, -np.inf), 1.0
        lower[: program.pairs.keys.size] = 0.0
        if stage == "floor":
            cost[floor] = 1.0
            unit = float(program.spans.max())
        elif goal.kind != "any":
            cost, unit = _costs(program, goal)
        if least > -np.inf:
            lower[floor] = least
        left = None if stop is None else max(stop - perf_counter(), 1e-3)
        try:
            found, limit = _maximise(program, cost, lower, left)
        except LinearError:
            return best, bound, iterations, Status.NUMERICAL
        iterations += found.iterations
        if found.x.size:
            best = found.x
        status = found.status
        if stage == "floor" or goal.kind == "linear":
            bound = _in_payoff_units(program, goal, limit * unit)
        if status is Status.BUDGET or best is None:
            return best, bound, iterations, Status.BUDGET
        if stage == "floor":
            least = float(best[floor]) - _SLACK
    return best, bound, iterations, status


def _costs(program: Program, goal: Goal) -> tuple[Float, float]:
    """The objective on the payoff columns, at most 1 in magnitude, and the factor that was divided out."""
    cost = np.zeros(program.columns)
    weights = goal.weights(2) * program.spans
    unit = float(np.abs(weights).max())
    cost[_totals(program)] = weights / unit
    return cost, unit


def _in_payoff_units(program: Program, goal: Goal, limit: float) -> float:
    """A bound on the program's objective as one on the goal (an upper one, or a lower one where it is minimised)."""
    if goal.kind == "egalitarian":
        return limit + float(program.shifts.min())
    weights = goal.weights(2)
    return goal.sign * (limit + float(weights @ program.shifts))


def _totals(program: Program) -> slice:
    """The columns of the players' payoffs: w of their empty sequences, after those of all slots."""
    end = program.pairs.keys.size + program.pairs.width - 1
    return slice(end, end + 2)


def _add_floor(program: Program) -> int:
    """A column below both players' payoffs, in units of the larger span above the smaller shift; its number."""
    unit = float(program.spans.max())
    column = program.new_columns(1)
    for player in range(2):
        above = float(program.shifts[player] - program.shifts.min()) / unit
        row = program.new_rows(1, False, above)
        program.put(row, column, 1.0)
        program.put(row, _totals(program).start + player, -program.spans[player] / unit)
    return column


def _maximise(program: Program, cost: Float, lower: Float, seconds: float | None) -> tuple[Any, float]:
    """Solve; with the solution, an upper bound on the optimum that the multipliers prove."""
    from solvers.linear import LinearProgram

    low, high = program.bounds()
    start, row, value = program.matrix()
    linear = LinearProgram(low, high)
    upper = np.full(cost.size, np.inf)
    linear.add_columns(cost, lower, upper, (start, row, value))
    found = linear.solve(seconds=seconds)
    if not found.duals.size:
        return found, math.inf
    duals = np.where(np.isinf(low), np.maximum(found.duals, 0.0), found.duals)
    column = np.repeat(np.arange(cost.size), np.diff(start))
    reduced = cost - np.bincount(column, weights=duals[row] * value, minlength=cost.size)
    # a plan's entries are between 0 and 1, the other columns are payoffs within a span of 1 around 0
    free = np.arange(cost.size) >= program.pairs.keys.size
    gap = np.where(free, np.abs(reduced), np.maximum(reduced, 0.0)).sum()
    return found, float(duals @ high) + float(gap)
