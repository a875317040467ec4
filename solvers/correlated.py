"""Coarse correlated and correlated equilibria: exact, by linear programming, with a choice among them.

A joint distribution x over profiles is a CCE when no player gains by committing to one action before seeing the
recommendation, and a CE when none gains by replacing one recommended action by another (Aumann 1974; Moulin and
Vial 1978). Both sets are polytopes; an objective picks a point. Linear objectives are solved by a dual simplex
method that never forms the matrix (`simplex`), with HiGHS behind it; entropy and Gini by their dual (`selection`).
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import numpy as np

from games.errors import InputError
from games.joint import Joint
from games.normal import NormalFormGame
from solvers.goals import Goal, goal_of
from solvers.normal_only import check_normal_form
from solvers.solution import Concept, Progress, Solution, Status

EXACT = ("auto", "simplex", "columns", "lp")
PLAY = {
    "cce": (
        "regret-matching",
        "regret-matching+",
        "predictive-regret-matching+",
        "hedge",
        "optimistic-hedge",
    ),
    "ce": ("internal-regret-matching",),
}
SIMPLEX = "matrix-free dual simplex"
LP_LIMIT = 30_000_000
"""Entries of the constraint matrix beyond which method "lp" is refused."""
PLAY_LIMIT = 3_000_000
"""Profiles beyond which "auto" finds objective "any" by no-regret play, unless there is a pure equilibrium."""
PLAY_TOLERANCE = 1e-3
"""Relative regret at which that play stops (or at a larger `tolerance`); the certificate states what was reached."""


def cce(
    game: NormalFormGame,
    objective: str = "welfare",
    *,
    method: str = "auto",
    sparse: bool = False,
    tolerance: float = 1e-9,
    seconds: float | None = None,
    iterations: int | None = None,
    rng: np.random.Generator | None = None,
    progress: Progress | None = None,
) -> Solution:
    """A coarse correlated equilibrium.

    Parameters
    ----------
    game : NormalFormGame
        Any number of players.
    objective : str
        "welfare", "min-welfare" (sum of payoffs), "player:K", "min-player:K" (K counts from 0), "egalitarian" (the
        smallest payoff as large as possible, then welfare), "entropy", "gini" (1 - sum x^2), or "any".
    method : str
        "auto"; "simplex" (matrix-free dual simplex), "columns" (column generation with HiGHS), "lp" (the whole
        program by HiGHS); or, for objective "any" and approximately, no-regret play: "regret-matching",
        "regret-matching+", "predictive-regret-matching+", "hedge", "optimistic-hedge".
    sparse : bool
        A distribution on few profiles: at most 1 + sum |A_i|, plus P for "egalitarian". Linear objectives are met at
        a vertex anyway; for "entropy" and "gini" the selected point is replaced by one with the same payoffs on at
        most 1 + P + sum |A_i| profiles, which no longer maximises the objective.
    tolerance : float
        Accepted regret and distance from the optimum, relative to payoff ranges.
    seconds, iterations : optional
        Budgets; when one runs out the status is BUDGET and the certificate says how good the point is.
    rng : numpy.random.Generator, optional
        For no-regret play only.
    progress : callable, optional
        Called between pieces of work with (fraction or nan, text).

    Returns
    -------
    Solution
        `strategy` is a `Joint`; `stats` has "seconds", "iterations", "objective_value", "dual_bound" (which no
        equilibrium surpasses) and "support".

    Raises
    ------
    InputError
        Unknown objective, player or method, or a program too large for the method asked for.

    Examples
    --------
    >>> game = NormalFormGame.symmetric([[6, 2], [7, 0]], title="chicken")
    >>> round(float(cce(game).values.sum()), 9)
    10.5
    """
    check_normal_form(game, "cce", "cce")
    return _correlated(game, "cce", objective, method, sparse, tolerance, seconds, iterations, rng, progress)


def ce(
    game: NormalFormGame,
    objective: str = "welfare",
    *,
    method: str = "auto",
    sparse: bool = False,
    tolerance: float = 1e-9,
    seconds: float | None = None,
    iterations: int | None = None,
    rng: np.random.Generator | None = None,
    progress: Progress | None = None,
) -> Solution:
    """A correlated equilibrium.

    Arguments and result are those of `cce`; the number of rows sum |A_i| (|A_i| - 1) takes the place of sum |A_i|, and
    no-regret play is method "internal-regret-matching". Strictly dominated actions are eliminated first, which is
    exact for CE (not for CCE; see `dominance`).

    Examples
    --------
    >>> game = NormalFormGame.bimatrix([[3, 1, 4], [1, 5, 0], [1, 0, 2]], [[3, 1, 1], [4, 2, 0], [1, 0, 5]])
    >>> float(ce(game).values.sum()), float(cce(game).values.sum())
    (6.0, 7.0)
    """
    check_normal_form(game, "ce", "ce")
    return _correlated(game, "ce", objective, method, sparse, tolerance, seconds, iterations, rng, progress)


def _correlated(
    game: NormalFormGame,
    concept: Concept,
    objective: str,
    method: str,
    sparse: bool,
    tolerance: float,
    seconds: float | None,
    iterations: int | None,
    rng: np.random.Generator | None,
    progress: Progress | None,
) -> Solution:
    begun = time.perf_counter()
    goal = goal_of(objective, len(game.shape))
    _check(concept, method, tolerance, seconds, iterations)
    play = PLAY[concept]
    if method in play:
        if objective not in ("any", "welfare"):
            raise InputError(
                f"method {method!r} finds some equilibrium, it cannot optimise {objective!r}; "
                f"use objective 'any', or method 'auto'"
            )
        return _by_play(game, concept, method, sparse, tolerance, seconds, iterations, rng, progress)
    if goal.kind == "any" and method == "auto":
        cell = pure_equilibrium(game)
        if cell is not None:
            joint = Joint.from_indices(np.array([cell]), np.ones(1), game.shape)
            return _solution(
                game, concept, goal, sparse, joint, "pure equilibrium", {}, Status.CONVERGED, begun
            )
        if game.profiles > PLAY_LIMIT:
            loose = max(tolerance, PLAY_TOLERANCE)
            return _by_play(game, concept, play[0], sparse, loose, seconds, iterations, rng, progress)
    budget = _Budget(None if seconds is None else begun + seconds, iterations, progress)
    if goal.kind in ("entropy", "gini"):
        from solvers.selected import selected

        if method != "auto":
            raise InputError(
                f"objective {goal.name!r} is not linear; method {method!r} does not apply, use 'auto'"
            )
        joint, stats, status = selected(
            game, concept == "ce", goal, sparse, tolerance, deadline=budget.deadline, progress=progress
        )
        found = _solution(game, concept, goal, sparse, joint, "dual projected Newton", stats, status, begun)
        if status is Status.CONVERGED and not found.certificate.holds(tolerance):
            return replace(found, status=Status.NUMERICAL)  # payoffs too coarse for the tolerance
        return found
    return _linear(game, concept, goal, method, sparse, tolerance, budget, begun)


class _Budget:
    """What is left to spend, and whom to tell."""

    def __init__(self, deadline: float | None, iterations: int | None, progress: Progress | None) -> None:
        self.deadline, self.iterations, self.progress = deadline, iterations, progress


def _check(
    concept: str, method: str, tolerance: float, seconds: float | None, iterations: int | None
) -> None:
    known = EXACT + PLAY[concept]
    if method not in known:
        raise InputError(f"unknown method {method!r} for {concept}; known are {', '.join(known)}")
    if not (isinstance(tolerance, int | float) and 0 < tolerance < math.inf):
        raise InputError(f"tolerance is {tolerance!r}, expected a positive number")
    if seconds is not None and not seconds > 0:
        raise InputError(f"seconds is {seconds!r}, expected a positive number")
    if iterations is not None and not iterations > 0:
        raise InputError(f"iterations is {iterations!r}, expected a positive whole number")


def _by_play(
    game: NormalFormGame,
    concept: str,
    rule: str,
    sparse: bool,
    tolerance: float,
    seconds: float | None,
    iterations: int | None,
    rng: np.random.Generator | None,
    progress: Progress | None,
) -> Solution:
    if sparse:
        raise InputError(
            f"method {rule!r} has no sparse solution; use method 'auto', 'simplex', 'columns' or 'lp'"
        )
    from solvers import dynamics

    common: dict[str, Any] = {
        "tolerance": tolerance,
        "iterations": iterations,
        "seconds": seconds,
        "rng": rng,
        "progress": progress,
    }
    if concept == "ce":
        return dynamics.no_swap_regret(game, **common)
    return dynamics.no_regret(game, rule=rule, **common)


def pure_equilibrium(game: NormalFormGame) -> int | None:
    """The C-order index of the pure Nash equilibrium of largest welfare, or None. O(P prod(A))."""
    stable = np.ones(game.shape, dtype=bool)
    for i, payoff in enumerate(game.payoffs):
        stable &= payoff == payoff.max(axis=i, keepdims=True)
        if not stable.any():
            return None
    cells = np.flatnonzero(stable)
    return int(
        cells[np.argmax((game.flat[:, cells] / max(float(np.abs(game.flat).max()), 1e-300)).sum(axis=0))]
    )


# --- linear objectives ------------------------------------------------------------------------------------


def _linear(
    game: NormalFormGame,
    concept: Concept,
    goal: Goal,
    method: str,
    sparse: bool,
    tolerance: float,
    budget: _Budget,
    begun: float,
) -> Solution:
    from solvers.dominance import expand, undominated

    reduced, kept = undominated(game) if concept == "ce" else (game, None)
    start = None
    if method in ("auto", "simplex") and goal.kind in ("linear", "any") and budget.iterations is None:
        from solvers.simplex_whole import in_one_call

        found, start = in_one_call(reduced, concept == "ce", goal, tolerance)
        if found is not None:
            if budget.progress is not None:
                budget.progress(1.0, f"dual simplex: {found.pivots} pivots")
            cells = found.cells if kept is None else expand(found.cells, kept)
            joint = Joint(cells, found.probs, game.shape)
            value = goal.value(found.payoffs)
            bound = found.bound if goal.kind == "linear" else None
            stats = {"iterations": found.pivots, "objective_value": value, "dual_bound": bound}
            return _solution(game, concept, goal, sparse, joint, SIMPLEX, stats, Status.CONVERGED, begun)
    from solvers.incentives import incentives
    from solvers.optimum import optimise

    system = incentives(reduced, concept == "ce")
    if method == "lp" and system.nonzeros > LP_LIMIT:
        raise InputError(
            f"the {concept.upper()} program of this game has {int(system.live.sum()):,} rows, {system.cells:,} columns "
            f"and {system.nonzeros:,} entries, beyond the {LP_LIMIT:,} that method 'lp' takes; use method 'auto'"
        )
    best = optimise(
        reduced,
        system,
        goal,
        method,
        tolerance=tolerance,
        allow_lp=system.nonzeros <= LP_LIMIT,
        start=start,
        deadline=budget.deadline,
        iterations=budget.iterations,
        progress=budget.progress,
    )
    joint = Joint.from_indices(best.cells, best.probs, reduced.shape)
    if kept is not None:
        joint = Joint(expand(joint.cells, kept), joint.probs, game.shape)
    stats = {"iterations": best.iterations, "dual_bound": best.bound}
    return _solution(game, concept, goal, sparse, joint, best.method, stats, best.status, begun)


def _solution(
    game: NormalFormGame,
    concept: Concept,
    goal: Goal,
    sparse: bool,
    joint: Joint,
    method: str,
    stats: dict[str, Any],
    status: Status,
    begun: float,
) -> Solution:
    stats = {"iterations": 0, **stats}
    if "objective_value" not in stats:
        index = np.ravel_multi_index(tuple(joint.cells.T), game.shape)
        stats["objective_value"] = goal.value(game.flat[:, index] @ joint.probs)
    stats["support"] = joint.support_size
    stats["seconds"] = time.perf_counter() - begun
    return Solution(game, concept, joint, status, method, {"objective": goal.name, "sparse": sparse}, stats)
