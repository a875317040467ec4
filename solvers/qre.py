"""Logit quantal response equilibria: at one precision, and along the principal branch.

Conventions: lambda multiplies payoffs as they stand in the game; lambda = 0 is uniform play; the principal branch is
the one that starts there (McKelvey and Palfrey 1995, Theorem 3).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np

from games.errors import InputError
from games.normal import NormalFormGame
from games.simplices import Float
from solvers.qre_branch import Branch, check_lambda
from solvers.qre_scaled import Scaled
from solvers.qre_switch import Arm, leave_bifurcation, next_bifurcation, pushed_arm
from solvers.qre_trace import LAMBDA, REGRET, RUNNING, SINGULAR, trace
from solvers.solution import Progress, Solution, Status

OnBifurcation = Literal["split", "continue", "perturb", "error"]

_CAUTIONS = (1.0, 4.0, 16.0)  # a stalled trace is tried again with shorter steps
_WATCHFUL = 10.0
_LAMBDA_END = 1e250  # scaled lambda beyond which payoff differences drown in rounding


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
    run = _Trace(scaled, end * scaled.scale, max_regret if lambda_max is None else -1.0, on_bifurcation, rng)
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
    return run.branch(game, lambda_max, time.perf_counter() - started)


class _Trace:
    """A trace under way: what has been found, and how to go on."""

    def __init__(
        self,
        scaled: Scaled,
        lambda_end: float,
        max_regret: float,
        policy: OnBifurcation,
        rng: np.random.Generator | None,
    ) -> None:
        self.scaled, self.lambda_end, self.max_regret, self.policy, self.rng = (
            scaled,
            lambda_end,
            max_regret,
            policy,
            rng,
        )
        self.deadline, self.max_points = math.inf, 100_000
        self.status, self.interrupted = Status.CONVERGED, False
        self.points: list[tuple[Float, Float, Float, Float]] = []
        self.switched: list[float] = []
        self.checked = 0  # points already looked at for bifurcations
        self.flip = 1.0  # makes signs continuous where an arm was taken

    def follow(self, caution: float, progress: Progress | None) -> None:
        """Trace from lambda = 0 to the end; leaves the outcome in `status`."""
        self.points, self.switched, self.status = [], [], Status.CONVERGED
        self.checked, self.flip = 0, 1.0
        state = self.scaled.origin()
        if self.lambda_end == 0:
            self.lambda_end, code = 1e-300, self._chunk(state, 1, caution)
            return
        chunk = 1 if self.policy == "perturb" else self._chunk_size()
        while True:
            left = self.max_points - sum(len(part[0]) for part in self.points)
            code = self._chunk(state, min(chunk if self.points else min(chunk, 64), max(left, 1)), caution)
            if state[-1] > 0 and self.policy == "split" and self._split(state):
                continue
            if code in (REGRET, LAMBDA):
                return
            if self.policy == "error" and code == SINGULAR:
                lam = state[self.scaled.size] / self.scaled.scale
                raise InputError(
                    f"the principal branch bifurcates near lambda {lam:.6g}; choose to continue or to perturb"
                )
            if self.policy == "perturb" and code in (RUNNING, SINGULAR) and self._switch(state):
                continue
            if code not in (RUNNING, SINGULAR):
                self.status = Status.NUMERICAL
                return
            if self._spent(progress):
                self.status = Status.BUDGET
                return

    def _chunk_size(self) -> int:
        """Points per kernel call: few enough that Ctrl-C and progress come within a fraction of a second."""
        cells = self.scaled.system.arena.size
        return max(1, min(512, int(2e9 / (self.scaled.size**3 + 20 * cells + 1000))))

    def _chunk(self, state: Float, points: int, caution: float) -> int:
        size = self.scaled.size
        z, t = np.empty((points, size + 1)), np.empty((points, size + 1))
        regret, sign = np.empty(points), np.empty(points)
        code, count = trace(
            self.scaled.system,
            self.max_regret,
            min(self.lambda_end, _LAMBDA_END),
            self.policy == "error",
            caution,
            state,
            z,
            t,
            regret,
            sign,
        )
        if count:
            self.points.append((z[:count], t[:count], regret[:count], self.flip * sign[:count]))
        if code == LAMBDA and self.lambda_end > _LAMBDA_END:
            self.status = (
                Status.NUMERICAL if math.isfinite(self.lambda_end) or self.max_regret > 0 else self.status
            )
        return int(code)

    def _switch(self, state: Float) -> bool:
        """In the perturb policy, leave the branch at a bifurcation just passed; True when that was done."""
        found = next_bifurcation(self.scaled, self.points)
        if found is None:
            return False
        position, z, directions = found
        arm = leave_bifurcation(self.scaled, z, directions, self.rng)
        if arm is None:
            return False
        self._go_on_from(state, position, z, arm)
        return True

    def _split(self, state: Float) -> bool:
        """In the split policy, leave a bifurcation among the new points along the arm a small push selects."""
        z, t, _, sign = _joined(self.points)
        for k in np.flatnonzero(sign[self.checked + 1 :] != sign[self.checked : -1]) + self.checked:
            found = pushed_arm(self.scaled, z[k : k + 2], t[k : k + 2])
            if found is not None and found[1] is not None:
                self._go_on_from(state, int(k) + 1, found[0], found[1])
                return True
        self.checked, state[-1] = len(z) - 1, 0.0
        return False

    def _go_on_from(self, state: Float, position: int, z: Float, arm: Arm) -> None:
        """Keep the first `position` points and continue on an arm of the bifurcation `z`."""
        point, tangent, sign, regret = arm
        size = self.scaled.size
        self.switched.append(float(z[size]))
        state[: size + 1], state[size + 1 : 2 * size + 2], state[2 * size + 2 : 3 * size + 3] = (
            point,
            tangent,
            tangent,
        )
        state[-4:] = 0.02, 0.0, sign, 0.0
        kept = _cut(self.points, position)
        self.flip = float(kept[0][3][-1]) / sign
        self.points = [*kept, (point[None], tangent[None], np.array([regret]), np.array([self.flip * sign]))]
        self.checked = position

    def _spent(self, progress: Progress | None) -> bool:
        z, _, regret, _ = self.points[-1]
        lam = float(z[-1, -1])
        if progress is not None:
            if math.isfinite(self.lambda_end):
                share = min(lam / self.lambda_end, 1.0)
            else:
                share = min(max(math.log(max(regret[-1], 1e-300)) / math.log(self.max_regret), 0.0), 1.0)
            progress(
                share, f"lambda {lam / self.scaled.scale:.4g}, regret {regret[-1] * self.scaled.scale:.2g}"
            )
        count = sum(len(part[0]) for part in self.points)
        return count >= self.max_points or time.perf_counter() > self.deadline

    def branch(self, game: NormalFormGame, lambda_max: float | None, seconds: float) -> Branch:
        """What was traced, in the game's own units; a trace to lambda_max ends exactly there."""
        z, t, regret, sign = _joined(self.points)
        scale = self.scaled.scale
        result = Branch(
            game,
            z[:, -1] / scale,
            z[:, :-1],
            regret * scale,
            self.status,
            self.interrupted,
            {"on_bifurcation": self.policy},
            {"seconds": seconds, "iterations": len(z), "switched_at": [lam / scale for lam in self.switched]},
            self.scaled,
            t,
            sign,
        )
        if lambda_max is not None and result.status is Status.CONVERGED and result.lambdas[-1] > lambda_max:
            result = _end_at(result, lambda_max)
        return result


def _joined(points: list[tuple[Float, Float, Float, Float]]) -> tuple[Float, Float, Float, Float]:
    """All points, tangents, regrets and signs."""
    if len(points) == 1:
        return points[0]
    z, t, regret, sign = (np.concatenate([part[k] for part in points]) for k in range(4))
    return z, t, regret, sign


def _cut(
    points: list[tuple[Float, Float, Float, Float]], position: int
) -> list[tuple[Float, Float, Float, Float]]:
    """The first `position` points."""
    z, t, regret, sign = _joined(points)
    return [(z[:position], t[:position], regret[:position], sign[:position])]


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
