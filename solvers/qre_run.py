"""Tracing a logit branch from start to end, whatever the form of the game: checks, retries, the exact last point."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar, get_args

import numpy as np

from games.errors import InputError
from games.normal import NormalFormGame
from games.tree import TreeGame
from solvers.qre_branch import Branch, check_lambda
from solvers.qre_follow import Attempt, Follower, OnBifurcation, ScaledGame
from solvers.qre_interface import regret_at
from solvers.solution import Progress, Solution, Solutions, Status

_CAUTIONS = (1.0, 4.0, 16.0)  # a stalled trace is tried again with shorter steps
_WATCHFUL = 10.0

AnyBranch = TypeVar("AnyBranch", bound=Branch)


def run_trace(
    game: NormalFormGame | TreeGame,
    scale: Callable[[Any], ScaledGame],
    kind: type[AnyBranch],
    *,
    lambda_max: float | None,
    max_regret: float,
    on_bifurcation: OnBifurcation,
    rng: np.random.Generator | None,
    seconds: float | None,
    max_points: int,
    caution: float,
    progress: Progress | None,
) -> AnyBranch:
    """Trace the branch of `scale(game)` from lambda = 0 and return it as a `kind`; see `solvers.qre.trace_qre`."""
    if on_bifurcation not in get_args(OnBifurcation):
        raise InputError(
            f"on_bifurcation is {on_bifurcation!r}; known are {', '.join(get_args(OnBifurcation))}"
        )
    if on_bifurcation == "perturb" and rng is None:
        raise InputError("on_bifurcation='perturb' chooses an arm at random and needs an rng")
    if not max_regret > 0:
        raise InputError(f"max_regret must be positive, got {max_regret}")
    end = math.inf if lambda_max is None else check_lambda(lambda_max)
    scaled = scale(game)
    if lambda_max is not None and math.isinf(end * scaled.scale):
        raise InputError(f"lambda {lambda_max:g} times the payoff span is too large for a float")
    run = Follower(
        scaled, end * scaled.scale, max_regret if lambda_max is None else -1.0, on_bifurcation, rng
    )
    run.deadline = math.inf if seconds is None else time.perf_counter() + seconds
    run.max_points = max_points
    # short steps if no bifurcation may be stepped over unseen
    caution *= _WATCHFUL if on_bifurcation == "perturb" else 1.0 / scaled.boldness
    started = time.perf_counter()
    best: Attempt | None = None
    try:
        for level in _CAUTIONS:
            run.follow(level * caution, progress)
            if run.status is not Status.NUMERICAL:
                break
            here = run.attempt()
            best = here if best is None or here.merit > best.merit else best
        if run.status is not Status.CONVERGED and best is not None and best.merit > run.attempt().merit:
            run.restore(best)  # a retry with shorter steps need not come further
    except KeyboardInterrupt:
        if best is not None:
            run.restore(best)
        elif not run.points:
            raise
        run.status, run.interrupted = Status.BUDGET, True
    branch = run.branch(game, kind, time.perf_counter() - started)
    if lambda_max is not None and branch.status is Status.CONVERGED and branch.lambdas[-1] > lambda_max:
        return _end_at(branch, lambda_max)
    return branch


def _end_at(branch: AnyBranch, lam: float) -> AnyBranch:
    """Replace the last point by the one at exactly `lam`."""
    logs, lambdas, regrets = branch.log_profiles.copy(), branch.lambdas.copy(), branch.regrets.copy()
    z = np.append(branch.logs_at(lam), lam * branch._scaled.scale)
    regrets[-1] = regret_at(branch._scaled.system, z, np.empty(len(z) - 1)) * branch._scaled.scale
    logs[-1], lambdas[-1] = z[:-1], lam
    return replace(branch, lambdas=lambdas, log_profiles=logs, regrets=regrets)


def solve_at(
    game: NormalFormGame | TreeGame, lams: Sequence[float], trace: Callable[..., Branch], options: Any
) -> Solutions:
    """The equilibria at several precisions from one trace, in the order asked; see `solvers.qre.qre_at`."""
    wanted = [check_lambda(lam) for lam in lams]
    if not wanted:
        raise InputError("no lambda was asked for")
    if game.span == 0:  # every response is uniform at every lambda
        branch = trace(game, **options)
        return Solutions(branch._solution(lam, branch.log_profiles[0], {}) for lam in wanted)
    branch = trace(game, lambda_max=max(wanted), **options)
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
    return Solutions(answers)
