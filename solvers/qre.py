"""Logit quantal response equilibria: at one precision, and along the principal branch.

Conventions: lambda multiplies payoffs as they stand in the game; lambda = 0 is uniform play; the principal branch is
the one that starts there (McKelvey and Palfrey 1995, Theorem 3).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np

from games.errors import InputError
from games.normal import NormalFormGame
from solvers.qre_branch import Branch, check_lambda
from solvers.qre_follow import Follower, OnBifurcation
from solvers.qre_scaled import Scaled
from solvers.solution import Progress, Solution, Status

_CAUTIONS = (1.0, 4.0, 16.0)  # a stalled trace is tried again with shorter steps
_WATCHFUL = 10.0


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
    if on_bifurcation not in get_args(OnBifurcation):
        raise InputError(
            f"on_bifurcation is {on_bifurcation!r}; known are {', '.join(get_args(OnBifurcation))}"
        )
    if on_bifurcation == "perturb" and rng is None:
        raise InputError("on_bifurcation='perturb' chooses an arm at random and needs an rng")
    if not max_regret > 0:
        raise InputError(f"max_regret must be positive, got {max_regret}")
    end = math.inf if lambda_max is None else check_lambda(lambda_max)
    scaled = Scaled.of(game)
    run = Follower(
        scaled, end * scaled.scale, max_regret if lambda_max is None else -1.0, on_bifurcation, rng
    )
    run.deadline = math.inf if seconds is None else time.perf_counter() + seconds
    run.max_points = max_points
    if on_bifurcation == "perturb":  # short steps, so that no bifurcation is stepped over unseen
        caution *= _WATCHFUL
    started = time.perf_counter()
    try:
        for level in _CAUTIONS:
            run.follow(level * caution, progress)
            if run.status is not Status.NUMERICAL:
                break
    except KeyboardInterrupt:
        if not run.points:
            raise
        run.status, run.interrupted = Status.BUDGET, True
    branch = run.branch(game, time.perf_counter() - started)
    if lambda_max is not None and branch.status is Status.CONVERGED and branch.lambdas[-1] > lambda_max:
        return _end_at(branch, lambda_max)
    return branch


def _end_at(branch: Branch, lam: float) -> Branch:
    """Replace the last point by the one at exactly `lam`."""
    last = branch.at([lam])[0]
    logs = branch.log_profiles.copy()
    with np.errstate(divide="ignore"):
        logs[-1] = np.log(np.asarray(last.strategy))
    lambdas, regrets = branch.lambdas.copy(), branch.regrets.copy()
    lambdas[-1] = lam
    game = branch.game
    deviations = game.deviation_payoffs(last.strategy)
    gains = [float(p @ (u.max() - u)) for p, u in zip(game.blocks(last.strategy), game.blocks(deviations))]
    regrets[-1] = max(gains)
    return replace(branch, lambdas=lambdas, log_profiles=logs, regrets=regrets)


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
    return qre_at(game, [lam], on_bifurcation=on_bifurcation, rng=rng, seconds=seconds, progress=progress)[0]


def qre_at(game: NormalFormGame, lams: Sequence[float], **options: Any) -> tuple[Solution, ...]:
    """`qre` at several precisions from one trace, in the order asked."""
    wanted = [check_lambda(lam) for lam in lams]
    if not wanted:
        raise InputError("no lambda was asked for")
    top = max(wanted)
    if game.span == 0:  # every response is uniform at every lambda
        branch = trace_qre(game, **options)
        return tuple(branch._solution(lam, branch.log_profiles[0], {}) for lam in wanted)
    branch = trace_qre(game, lambda_max=top, **options)
    reached = float(branch.lambdas.max())
    answers: list[Solution] = []
    for lam in wanted:
        if lam <= reached:
            answers.extend(branch.at([lam]))
        else:
            last = branch.solution(len(branch.lambdas) - 1)
            answers.append(
                replace(last, status=branch.status, parameters={**last.parameters, "requested": lam})
            )
    return tuple(answers)
