"""Maximum-likelihood estimation of the logit precision from choice counts."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import Any

import numpy as np

from games import simplices
from games.errors import InputError
from games.normal import NormalFormGame
from games.simplices import Float
from solvers.normal_only import check_normal_form
from solvers.qre import trace_qre
from solvers.qre_branch import Branch
from solvers.solution import Progress, Solution, Status


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """A maximum-likelihood estimate of lambda on the principal branch.

    Parameters
    ----------
    lam : float
        The estimate, in units of one over payoff.
    log_likelihood : float
        Sum over actions of count times log-probability there (natural logarithm, without multinomial constants).
    interval : (float, float)
        Profile-likelihood confidence interval at `level`; an end the data do not bound is 0 or inf.
    standard_error : float
        From the second derivative of the log-likelihood; nan at an end of the branch.
    profile : float64[sum(A)]
        The fitted quantal response equilibrium.
    lambdas, log_likelihoods : float64[T]
        The profile of the likelihood along the branch.
    """

    game: Any
    counts: Float
    lam: float
    log_likelihood: float
    interval: tuple[float, float]
    standard_error: float
    profile: Float
    lambdas: Float
    log_likelihoods: Float
    level: float
    status: Status
    stats: Mapping[str, Any] = field(default_factory=dict)

    @property
    def log_likelihood_uniform(self) -> float:
        """Log-likelihood of uniform play, lambda = 0."""
        return float(self.log_likelihoods[0])

    @property
    def log_likelihood_saturated(self) -> float:
        """Log-likelihood of the observed frequencies themselves, which no profile can beat."""
        seen = self.counts > 0
        frequencies = simplices.normalise(self.counts, self.game.offsets)
        return float(self.counts[seen] @ np.log(frequencies[seen]))

    @property
    def solution(self) -> Solution:
        """The fitted equilibrium with its certificate."""
        return Solution(
            self.game,
            "qre",
            self.profile,
            self.status,
            "maximum likelihood",
            {"lambda": self.lam},
            self.stats,
        )

    def __repr__(self) -> str:
        low, high = self.interval
        return (
            f"Fit(lambda={self.lam:.8g}, {100 * self.level:g}% interval [{low:.5g}, {high:.5g}], "
            f"log-likelihood {self.log_likelihood:.8g}, {self.status.value})"
        )

    def _repr_html_(self) -> str:
        from solvers.show_many import fit_html

        return fit_html(self)


def fit_qre(
    game: NormalFormGame,
    counts: Any,
    *,
    lambda_max: float | None = None,
    level: float = 0.95,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> Fit:
    """Estimate lambda from how often each action was chosen.

    The whole principal branch is traced once; every local maximum of the likelihood along it is located to rounding
    by the sign of its derivative along the arc, and the best is taken, both ends included.

    Parameters
    ----------
    game : NormalFormGame
        Payoffs in the units lambda is wanted in.
    counts : float64[sum(A)]
        Number of times each action was observed, flat, player by player.
    lambda_max : float, optional
        Search no further than this.
    level : float
        Coverage of the profile-likelihood interval.

    Returns
    -------
    Fit

    Raises
    ------
    InputError
        If counts have the wrong length, are negative or not finite, or are all zero, or `level` is not in (0, 1).

    References
    ----------
    McKelvey and Palfrey (1995), section 5; Turocy (2010) for following the branch.
    """
    check_normal_form(game, "fit_qre", "qre")
    started = time.perf_counter()
    data = check_counts(game, counts)
    check_level(level)
    branch = trace_qre(game, lambda_max=lambda_max, seconds=seconds, progress=progress)
    return fit_branch(branch, data, level, started)


def fit_branch(branch: Branch, data: Float, level: float, started: float) -> Fit:
    """The maximum-likelihood estimate along a branch already traced."""
    game = branch.game
    likelihoods = _likelihood(branch.log_profiles, data)
    lam, x = _maximum(branch, data, likelihoods)
    best = float(_likelihood(x[None], data)[0])
    status = branch.status if not branch.interrupted else Status.BUDGET
    threshold = best - 0.5 * NormalDist().inv_cdf(0.5 + 0.5 * level) ** 2
    fit = Fit(
        game,
        data,
        lam,
        best,
        _interval(branch, data, likelihoods, lam, threshold),
        _standard_error(branch, data, lam),
        np.exp(x),
        branch.lambdas,
        likelihoods,
        level,
        status,
    )
    return replace(fit, stats={"seconds": time.perf_counter() - started, "iterations": len(branch.lambdas)})


def fit_empirical_payoffs(game: NormalFormGame, counts: Any) -> tuple[float, float]:
    """Logit regression on payoffs against the observed frequencies: (lambda, log-likelihood).

    A different, biased estimator that is often mistaken for `fit_qre`: responses are to what others did, not to an
    equilibrium. One-dimensional and concave; solved by bisection on the score.
    """
    check_normal_form(game, "fit_empirical_payoffs")
    data = check_counts(game, counts)
    u = game.deviation_payoffs(simplices.normalise(data, game.offsets))
    totals = np.repeat(simplices.block_sums(data, game.offsets), game.shape)

    def score(lam: float) -> float:
        return float((data - totals * simplices.softmax(lam * u, game.offsets)) @ u)

    def likelihood(lam: float) -> float:
        with np.errstate(divide="ignore"):
            logs = np.log(simplices.softmax(lam * u, game.offsets))
        return float(_likelihood(logs[None], data)[0])

    if game.span == 0 or score(0.0) <= 0:
        return 0.0, likelihood(0.0)
    low, high = 0.0, 1.0 / game.span
    while score(high) > 0:
        low, high = high, 2 * high
        if high * game.span > 1e12:
            return math.inf, likelihood(low)
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if score(middle) > 0 else (low, middle)
    return low, likelihood(low)


def check_level(level: float) -> None:
    """Refuse a coverage outside (0, 1)."""
    if not 0 < level < 1:
        raise InputError(f"level must lie strictly between 0 and 1, got {level}")


def check_counts(game: Any, counts: Any) -> Float:
    """`counts` as float64, one for each action, or `InputError`."""
    data = np.array(counts, dtype=np.float64).ravel()
    if data.size != int(game.offsets[-1]):
        raise InputError(f"{data.size} counts for {int(game.offsets[-1])} actions")
    if not np.all(np.isfinite(data)) or data.min(initial=0.0) < 0:
        raise InputError("counts must be finite and not negative")
    if not data.sum() > 0:
        raise InputError("all counts are zero: there is nothing to fit")
    return data


def _likelihood(logs: Float, data: Float) -> Float:
    """Sum of counts times log-probabilities, with 0 times -inf equal to 0; float64[T]."""
    seen = data > 0
    return np.asarray(logs[:, seen] @ data[seen])


def _maximum(branch: Branch, data: Float, likelihoods: Float) -> tuple[float, Float]:
    """The best (lambda, log-probabilities) among the ends and the local maxima along the branch."""
    assert branch.tangents is not None
    climb = branch.tangents[:, :-1] @ data
    candidates = [(float(likelihoods[k]), float(branch.lambdas[k]), branch.log_profiles[k]) for k in (0, -1)]

    def measure(z: Float, tangent: Float, sign: float) -> float:
        return float(tangent[:-1] @ data)

    for k in np.flatnonzero((climb[:-1] > 0) & (climb[1:] <= 0)):
        z = branch.segment_root(int(k), measure)
        lam = float(z[-1]) / branch._scaled.scale
        candidates.append((float(_likelihood(z[None, :-1], data)[0]), lam, z[:-1]))
    _, lam, x = max(candidates, key=lambda item: (item[0], -item[1]))
    return lam, x


def _interval(
    branch: Branch, data: Float, likelihoods: Float, lam: float, threshold: float
) -> tuple[float, float]:
    """Smallest and largest lambda on the branch whose likelihood reaches `threshold`."""
    inside = likelihoods >= threshold
    ends = [lam]

    def measure(z: Float, tangent: Float, sign: float) -> float:
        return float(_likelihood(z[None, :-1], data)[0]) - threshold

    for k in np.flatnonzero(inside[1:] != inside[:-1]):
        ends.append(float(branch.segment_root(int(k), measure)[-1]) / branch._scaled.scale)
    if not inside.any():  # the peak lies within one segment: look on either side of it
        segment = int(np.searchsorted(branch.lambdas, lam)) - 1
        ends += _split_ends(branch, max(segment, 0), lam, measure)
    ends += [float(v) for v in branch.lambdas[inside]]
    return min(ends), math.inf if inside[-1] else max(ends)


def _split_ends(branch: Branch, k: int, lam: float, measure: Any) -> list[float]:
    """Both crossings of the threshold within segment k, whose interior holds the maximum."""
    low, high = float(branch.lambdas[k]), float(branch.lambdas[k + 1])
    found = []
    for outer in (low, high):
        inner, end = lam, outer
        for _ in range(80):
            middle = 0.5 * (inner + end)
            (solution,) = branch.at([middle])
            x = np.log(np.maximum(np.asarray(solution.strategy), 1e-300))
            inside = measure(np.append(x, middle), None, 1.0) >= 0
            inner, end = (middle, end) if inside else (inner, middle)
        found.append(inner)
    return found


def _standard_error(branch: Branch, data: Float, lam: float) -> float:
    """One over the root of minus the second derivative of the log-likelihood in lambda (central differences)."""
    width = 1e-4 * max(lam, 1e-3 / max(branch.game.span, 1e-300))
    if lam <= width or lam + width >= branch.lambdas.max():
        return math.nan
    values = []
    for point in branch.at([lam - width, lam, lam + width]):
        with np.errstate(divide="ignore"):
            values.append(float(_likelihood(np.log(np.asarray(point.strategy))[None], data)[0]))
    curvature = -(values[0] - 2 * values[1] + values[2]) / width**2
    return 1.0 / math.sqrt(curvature) if curvature > 0 else math.nan
