"""Logit quantal response equilibria: at one precision, and along the principal branch.

Conventions: lambda multiplies payoffs as they stand in the game; lambda = 0 is uniform play; the principal branch is
the one that starts there (McKelvey and Palfrey 1995, Theorem 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from games.normal import NormalFormGame
from solvers.normal_only import check_normal_form
from solvers.qre_branch import Branch
from solvers.qre_follow import OnBifurcation
from solvers.qre_run import run_trace, solve_at
from solvers.qre_scaled import Scaled
from solvers.solution import Progress, Solution, Solutions


def trace_qre(
    game: NormalFormGame,
    *,
    lambda_max: float | None = None,
    max_regret: float = 1e-8,
    on_bifurcation: OnBifurcation = "split",
    rng: np.random.Generator | None = None,
    seconds: float | None = None,
    max_points: int = 100_000,
    caution: float = 1.0,
    progress: Progress | None = None,
) -> Branch:
    """Trace the principal branch of the logit quantal response correspondence from lambda = 0.

    Parameters
    ----------
    game : NormalFormGame
        Any number of players; O(m^3 + prod(A)) per point, where m counts the actions that still matter.
    lambda_max : float, optional
        Stop at this precision (one over payoff). By default the trace goes on until `max_regret`.
    max_regret : float
        Without `lambda_max`: stop when no player can gain more than this share of the payoff span.
    on_bifurcation : {"split", "continue", "perturb", "error"}
        Where another branch crosses (games with symmetries): leave along the arm that the branch takes when player 1
        is infinitesimally less precise than the others, and go straight on where that does not tell arms apart
        (the default); always go straight on; leave along a seeded random arm; or refuse. Which arm is taken is a
        convention: in such a game no limit is "the" limiting logit equilibrium.
    rng : numpy.random.Generator, optional
        Chooses the arm for "perturb" (required then).
    seconds, max_points : float, int
        Budgets; the branch so far is returned with status BUDGET.
    caution : float
        Above one, shorter steps.
    progress : callable, optional
        Told the fraction done and the point reached.

    Returns
    -------
    Branch
        On Ctrl-C the part traced so far, with ``interrupted`` set.

    References
    ----------
    McKelvey and Palfrey (1995), Games and Economic Behavior 10; Turocy (2005), Games and Economic Behavior 51.
    """
    check_normal_form(game, "trace_qre", "qre")
    return run_trace(
        game,
        Scaled.of,
        Branch,
        lambda_max=lambda_max,
        max_regret=max_regret,
        on_bifurcation=on_bifurcation,
        rng=rng,
        seconds=seconds,
        max_points=max_points,
        caution=caution,
        progress=progress,
    )


def qre(
    game: NormalFormGame,
    lam: float,
    *,
    on_bifurcation: OnBifurcation = "split",
    rng: np.random.Generator | None = None,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> Solution:
    """The logit quantal response equilibrium at `lam` on the principal branch, where the branch first reaches it.

    Parameters
    ----------
    game : NormalFormGame
        The game.
    lam : float
        Precision, in units of one over payoff; 0 gives uniform play.
    on_bifurcation, rng, seconds, progress
        As in `trace_qre`.

    Returns
    -------
    Solution
        Concept "qre" with its certificate. Status NUMERICAL or BUDGET says that `lam` was not reached; the
        solution's ``parameters["lambda"]`` is then the lambda that was, never silently another.

    Raises
    ------
    InputError
        If `lam` is negative or not finite.
    """
    check_normal_form(game, "qre", "qre")
    return qre_at(game, [lam], on_bifurcation=on_bifurcation, rng=rng, seconds=seconds, progress=progress)[0]


def qre_at(game: NormalFormGame, lams: Sequence[float], **options: Any) -> Solutions:
    """`qre` at several precisions from one trace, in the order asked."""
    check_normal_form(game, "qre_at", "qre")
    return solve_at(game, lams, trace_qre, options)
