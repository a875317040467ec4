"""Agent logit quantal response equilibria of trees: at one precision, and along the principal branch.

Every information set is played by an agent of its owner who responds to the owner's expected payoff given that the
information set is reached, by a logit of precision lambda; lambda = 0 is uniform play at every information set, and the
principal branch is the one that starts there. Its limits, as lambda grows, are sequential equilibria (McKelvey and
Palfrey 1998). Not the same as the quantal response equilibria of the strategic form (`solvers.qre`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from games.errors import InputError
from games.tree import TreeGame
from solvers.qre_fit import Fit, check_counts, check_level, fit_branch
from solvers.qre_follow import OnBifurcation
from solvers.qre_run import run_trace, solve_at
from solvers.solution import Progress, Solution, Solutions
from solvers.tree_qre_branch import AgentBranch
from solvers.tree_qre_scaled import TreeScaled


def trace_agent_qre(
    game: TreeGame,
    lambda_max: float | None = None,
    *,
    tolerance: float = 1e-8,
    on_bifurcation: OnBifurcation = "split",
    rng: np.random.Generator | None = None,
    seconds: float | None = None,
    max_points: int = 100_000,
    caution: float = 1.0,
    progress: Progress | None = None,
) -> AgentBranch:
    """Trace the principal branch of the agent logit correspondence from lambda = 0.

    Parameters
    ----------
    game : TreeGame
        Any number of players, perfect recall. A point takes O(N depth) for the derivatives and a dense factorisation in
        the moves that matter.
    lambda_max : float, optional
        Stop at this precision (one over payoff). By default the trace goes on until `tolerance`.
    tolerance : float
        Without `lambda_max`: stop when no player can gain more than this share of the payoff span, neither in the whole
        tree nor at any information set, reached or not.
    on_bifurcation : {"split", "continue", "perturb", "error"}
        What to do where another branch crosses; see `solvers.qre.trace_qre`. With more than 500 moves "split" goes
        straight on.
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
    AgentBranch
        On Ctrl-C the part traced so far, with ``interrupted`` set.

    Raises
    ------
    InputError
        If the game lacks perfect recall or has too many moves for a dense Jacobian, or an option is not known.

    References
    ----------
    McKelvey and Palfrey (1998), Experimental Economics 1; Turocy (2010), Economic Theory 42.
    """
    if not isinstance(game, TreeGame):
        raise InputError("agent quantal response is defined on trees; for a strategic form use trace_qre")
    return run_trace(
        game,
        TreeScaled.of,
        AgentBranch,
        lambda_max=lambda_max,
        max_regret=tolerance,
        on_bifurcation=on_bifurcation,
        rng=rng,
        seconds=seconds,
        max_points=max_points,
        caution=caution,
        progress=progress,
    )


def agent_qre(
    game: TreeGame,
    lam: float,
    *,
    on_bifurcation: OnBifurcation = "split",
    rng: np.random.Generator | None = None,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> Solution:
    """The agent quantal response equilibrium at `lam` on the principal branch, where the branch first reaches it.

    Parameters
    ----------
    game : TreeGame
        The game, with perfect recall.
    lam : float
        Precision, in units of one over payoff; 0 gives uniform play.
    on_bifurcation, rng, seconds, progress
        As in `trace_agent_qre`.

    Returns
    -------
    Solution
        Concept "qre" with its certificate. Status NUMERICAL or BUDGET says that `lam` was not reached; the
        solution's ``parameters["lambda"]`` is then the lambda that was, never silently another.

    Raises
    ------
    InputError
        If `lam` is negative or not finite, or the game lacks perfect recall.
    """
    options = {"on_bifurcation": on_bifurcation, "rng": rng, "seconds": seconds, "progress": progress}
    return agent_qre_at(game, [lam], **options)[0]


def agent_qre_at(game: TreeGame, lams: Sequence[float], **options: Any) -> Solutions:
    """`agent_qre` at several precisions from one trace, in the order asked."""
    return solve_at(game, lams, trace_agent_qre, options)


def fit_agent_qre(
    game: TreeGame,
    counts: Any,
    *,
    lambda_max: float | None = None,
    level: float = 0.95,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> Fit:
    """Estimate lambda by maximum likelihood from how often each move was made at each information set.

    Parameters
    ----------
    game : TreeGame
        Payoffs in the units lambda is wanted in.
    counts : float64[slots]
        Number of times each move was observed, in the layout of a behaviour strategy profile.
    lambda_max, level, seconds, progress
        As in `solvers.qre_fit.fit_qre`.

    Returns
    -------
    Fit
        Its ``profile`` is a behaviour strategy profile.

    Raises
    ------
    InputError
        If counts have the wrong length, are negative or not finite, or are all zero, or `level` is not in (0, 1).

    References
    ----------
    McKelvey and Palfrey (1998), section 4.
    """
    started = time.perf_counter()
    data = check_counts(game, counts)
    check_level(level)
    branch = trace_agent_qre(game, lambda_max, seconds=seconds, progress=progress)
    return fit_branch(branch, data, level, started)
