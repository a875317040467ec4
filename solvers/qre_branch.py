"""A traced logit branch: its points, and exact answers between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from games.errors import InputError
from games.simplices import Float
from solvers.qre_locate import Measure, at_lambda, locate, orientation, turning
from solvers.qre_scaled import Scaled
from solvers.solution import Solution, Solutions, Status


@dataclass(frozen=True, eq=False, repr=False)
class Branch:
    """Points in order along the principal branch of the logit correspondence.

    Parameters
    ----------
    game : NormalFormGame
        The game it belongs to.
    lambdas : float64[T]
        Precision at each point, in units of one over payoff; starts at 0 and need not be monotone.
    log_profiles : float64[T, sum(A)]
        Log-probabilities in flat layout (a probability may underflow; its logarithm does not).
    regrets : float64[T]
        Largest gain from a unilateral deviation at each point, in payoff units.
    status : Status
        CONVERGED when the end asked for was reached, else BUDGET or NUMERICAL.
    interrupted : bool
        True when the user stopped the trace; the points are those traced until then.
    """

    game: Any
    lambdas: Float
    log_profiles: Float
    regrets: Float
    status: Status
    interrupted: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)
    stats: Mapping[str, Any] = field(default_factory=dict)
    scaled: Any = None
    tangents: Float | None = None
    signs: Float | None = None

    @cached_property
    def profiles(self) -> Float:
        """Mixed strategy profiles float64[T, sum(A)] at the points."""
        return np.exp(self.log_profiles)

    @property
    def limit(self) -> Float:
        """The last profile, float64[sum(A)]: for a trace to small regret, close to the limiting logit equilibrium."""
        return self.profiles[-1]

    @cached_property
    def turning_points(self) -> Float:
        """Values of lambda, float64[K], at which the branch turns back, each located to about ten digits."""
        slopes = self._tangents[:, -1]
        return self._locate([k for k in range(slopes.size - 1) if slopes[k] * slopes[k + 1] < 0], turning)

    @cached_property
    def bifurcations(self) -> Float:
        """Values of lambda, float64[K], at which another branch crosses (the determinant changes sign)."""
        signs = self._signs
        found = self._locate([k for k in range(signs.size - 1) if signs[k] * signs[k + 1] < 0], orientation)
        left = np.asarray(self.stats.get("switched_at", ()), dtype=np.float64)
        return np.sort(np.concatenate([left, found]))

    @property
    def _tangents(self) -> Float:
        if self.tangents is None:
            raise ValueError("this branch was made without its tangents")
        return self.tangents

    @property
    def _signs(self) -> Float:
        if self.signs is None:
            raise ValueError("this branch was made without its determinants")
        return self.signs

    @property
    def _scaled(self) -> Any:
        return self.scaled if self.scaled is not None else Scaled.of(self.game)

    def _points(self) -> Float:
        """The points z = (x, scaled lambda), float64[T, sum(A) + 1]."""
        return np.column_stack([self.log_profiles, self.lambdas * self._scaled.scale])

    def _locate(self, segments: Sequence[int], what: Measure) -> Float:
        found = [self.segment_root(k, what)[-1] for k in segments]
        return np.asarray(found, dtype=np.float64) / self._scaled.scale

    def segment_root(self, k: int, measure: Measure) -> Float:
        """The point (log-probabilities, scaled lambda) between points k and k + 1 where `measure` changes sign."""
        return locate(self._scaled, self._points()[k : k + 2], self._tangents[k : k + 2], measure)

    def crossings(self, lam: float) -> list[int]:
        """Segments k between points k and k + 1 in which the branch passes `lam`."""
        above = self.lambdas >= lam
        return [int(k) for k in np.flatnonzero(above[1:] != above[:-1])] or ([0] if lam == 0 else [])

    def at(self, lams: Sequence[float]) -> Solutions:
        """The quantal response equilibrium at each lambda: where the branch first reaches it.

        Raises
        ------
        InputError
            If a lambda is negative, not finite, or was not reached by the trace.

        Notes
        -----
        ``stats["crossings"]`` counts how often the traced part of the branch passes the lambda; more than one means
        that there are several logit equilibria at it on this branch alone.
        """
        return Solutions(self._at(check_lambda(lam)) for lam in lams)

    def _at(self, lam: float) -> Solution:
        count = len(self.crossings(lam))
        return self._solution(lam, self.logs_at(lam), {"crossings": max(count, 1), "multiple": count > 1})

    def logs_at(self, lam: float) -> Float:
        """Log-probabilities float64[sum(A)] where the branch first reaches `lam`."""
        segments = self.crossings(lam)
        if lam == 0:
            return self.log_profiles[0]
        if not segments:
            raise InputError(
                f"lambda {lam:g} lies beyond the traced branch, which reached {self.lambdas.max():g}"
            )
        k = segments[0]
        points = self._points()[k : k + 2]
        return at_lambda(self._scaled, points, self._tangents[k : k + 2], lam * self._scaled.scale)

    def solution(self, k: int) -> Solution:
        """Point k as a `Solution` of concept "qre"."""
        return self._solution(float(self.lambdas[k]), self.log_profiles[k], {})

    def _solution(self, lam: float, x: Float, stats: Mapping[str, Any]) -> Solution:
        parameters = {**self.parameters, "lambda": lam}
        answer = Solution(
            self.game, "qre", np.exp(x), Status.CONVERGED, "logit branch", parameters, {**self.stats, **stats}
        )
        if self.reliable(answer):
            return answer
        noise = 1e-16 * lam * self.game.span
        reason = f"the logit response did not settle: at this lambda, payoff rounding alone moves it by {noise:.1g}"
        return replace(answer, status=Status.NUMERICAL, stats={**answer.stats, "reason": reason})

    @staticmethod
    def reliable(answer: Solution) -> bool:
        """Whether the fixed-point residual is as small as rounding allows at this lambda."""
        certificate = answer.certificate
        rounding = 1e-14 * answer.parameters["lambda"] * certificate.span
        return bool(certificate.residual <= max(1e-10, min(rounding, 1e-8)))

    def __repr__(self) -> str:
        return (
            f"Branch({self.lambdas.size} points, lambda 0 to {self.lambdas[-1]:.6g}, "
            f"regret {self.regrets[-1]:.3g}, {self.status.value})"
        )

    def _repr_html_(self) -> str:
        from solvers.show import solution_html

        return solution_html(self.solution(len(self.lambdas) - 1))


def check_lambda(lam: float) -> float:
    """`lam` as a float, refused unless finite and at least zero."""
    try:
        value = float(lam)
    except (TypeError, ValueError):
        raise InputError(f"lambda {lam!r} is not a number") from None
    if not (math.isfinite(value) and value >= 0):
        raise InputError(f"lambda must be a finite number of at least 0, got {value:g}")
    return value
