"""Rankings that come from solving the table as a game: alpha-rank, Nash averaging, CCE and quantal response.

Each is a function of a payoff tensor without gaps that returns values for the agents of each ranked role (one role in
a symmetric table). All rank within the table: they say nothing of how agents fare against strangers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.tournament.samples import Float, Samples
from games.normal import NormalFormGame

SECONDS = 1.5
"""About how long the replicates of one measure may take; how many there are is a function of sizes alone."""
FEWEST, MOST = 20, 1000
SHARPNESS = 10.0
"""lambda of the quantal response equilibrium, times the payoff span of the game."""


@dataclass(frozen=True)
class Answer:
    """Values by ranked role, probabilities that the solution plays the agents if those are something else, a remark."""

    values: list[Float]
    mass: list[Float] | None = None
    note: str = ""


@dataclass(frozen=True)
class Measure:
    """A ranking of the agents of a game.

    Parameters
    ----------
    name : str
        What it is called.
    note : str
        What it computes.
    solve : callable
        From payoffs float64[P, k1, ..., kP] to an `Answer`.
    cost : float
        Seconds that one takes, roughly.
    reason : str
        Why there is none for this table, if there is none.
    """

    name: str
    note: str
    solve: Callable[[Float], Answer]
    cost: float
    reason: str = ""

    def replicates(self, wanted: int) -> int:
        """How many replicates to solve: 0 where fewer than twenty would fit into the time."""
        fitting = min(wanted, MOST, int(SECONDS / self.cost))
        return fitting if fitting >= min(FEWEST, wanted) else 0


def measures(
    samples: Samples,
    payoffs: Float,
    *,
    alpha: float = math.inf,
    population: int = 50,
    lam: float | None = None,
) -> list[Measure]:
    """The measures of a table whose estimate is `payoffs` float64[P, k1, ..., kP], with their parameters fixed."""
    symmetric = samples.symmetric
    shape = payoffs.shape[1:]
    size, profiles, actions = max(shape), math.prod(shape), sum(shape)
    pair = symmetric and len(shape) == 2
    if pair:
        intensity = (
            8e-9 * size**3 + 4e-5 if math.isinf(alpha) else 6e-8 * size**2 * population + 8e-9 * size**3
        )
    else:
        intensity = 3e-4 + 2e-7 * profiles * actions
    span = float(max(np.ptp(payoff) for payoff in payoffs))
    precision = (SHARPNESS / span if span > 0 else 0.0) if lam is None else lam
    constant = NormalFormGame(payoffs).constant_sum(1e-9) if len(shape) == 2 else None
    return [
        Measure(
            "alpha-rank",
            f"mass under alpha-rank, alpha = {alpha:g}, "
            + ("one population" if pair else "a population a role")
            + ("" if math.isinf(alpha) else f" of {population}"),
            _alpharank(symmetric, alpha, population),
            intensity,
            "" if profiles * actions <= 5_000_000 else _too_large(profiles),
        ),
        Measure(
            "Nash averaging",
            "margin against the maximum-entropy equilibrium of the margins"
            if pair
            else "payoff against the opponent's maximum-entropy minimax strategy",
            _nash_averaging(symmetric),
            3e-3 + 1.8e-5 * size**2,
            _no_nash_averaging(symmetric, len(shape), constant),
        ),
        Measure(
            "CCE",
            "probability in the coarse correlated equilibrium of largest Gini index",
            _cce(symmetric),
            1.5e-3 + 2e-5 * profiles,
            "" if profiles <= 20_000 else _too_large(profiles),
        ),
        Measure(
            "QRE",
            f"probability in the logit quantal response equilibrium at lambda = {precision:.6g}"
            + (f" ({SHARPNESS:g} over the payoff span)" if lam is None else ""),
            _qre(symmetric, precision),
            1e-3 + (2.5e-6 if len(shape) == 2 else 1e-5) * profiles * len(shape) + 3e-9 * actions**3,
            "" if profiles <= 100_000 else _too_large(profiles),
        ),
    ]


def snapped(payoffs: Float) -> Float:
    """Payoffs on a grid of 1e-12 of their range, so that what is equal but for rounding is equal.

    At infinite alpha the smallest difference decides as much as the largest.
    """
    step = 1e-12 * float(np.ptp(payoffs))
    if step <= 1e-16 * float(np.abs(payoffs).max()):  # finer than the payoffs themselves
        return payoffs
    return np.asarray(np.round(payoffs / step) * step + 0.0)


def _too_large(profiles: int) -> str:
    return f"the table has {profiles:,} profiles, too many for this measure"


def _no_nash_averaging(symmetric: bool, roles: int, constant: float | None) -> str:
    if roles != 2:
        return f"Nash averaging is for two roles, this tournament has {roles}"
    if not symmetric and constant is None:
        return "Nash averaging needs payoffs of the two roles with a constant sum"
    return ""


def _roles(blocks: list[Float], symmetric: bool) -> list[Float]:
    """The mean over interchangeable roles, or each role's own."""
    return [np.mean(blocks, axis=0)] if symmetric else blocks


def _alpharank(symmetric: bool, alpha: float, population: int) -> Callable[[Float], Answer]:
    from solvers.alpharank import alpharank, alpharank_single
    from solvers.solution import Status

    def solve(payoffs: Float) -> Answer:
        if symmetric and len(payoffs) == 2:
            return Answer([alpharank_single(payoffs[0], alpha, population)])
        solution: Any = alpharank(NormalFormGame(payoffs), alpha, population)
        joint = solution.joint
        note = (
            ""
            if solution.status is Status.CONVERGED
            else f"the stationary law is not certain ({solution.status.value})"
        )
        return Answer(_roles(solution.game.blocks(joint.marginals()), symmetric), note=note)

    return solve


def _nash_averaging(symmetric: bool) -> Callable[[Float], Answer]:
    from solvers.solution import Status
    from solvers.zero_sum import nash_averaging

    def solve(payoffs: Float) -> Answer:
        if symmetric:
            margins = 0.5 * payoffs[0] - 0.5 * payoffs[0].T
            game = NormalFormGame.zero_sum(margins)
        else:
            game = NormalFormGame.zero_sum(
                0.5 * (payoffs[0] - payoffs[1])
            )  # the same equilibria, and exactly zero-sum
        solution = nash_averaging(game)
        profile: Any = solution.profile
        mass = [block.copy() for block in game.blocks(profile)]
        note = (
            ""
            if solution.status is Status.CONVERGED
            else f"the equilibrium is not certain ({solution.method})"
        )
        if symmetric:
            even = 0.5 * (mass[0] + mass[1])
            return Answer([_clean(margins @ even, margins)], [even], note)
        return Answer(
            [_clean(payoffs[0] @ mass[1], payoffs[0]), _clean(mass[0] @ payoffs[1], payoffs[1])], mass, note
        )

    return solve


def _clean(ratings: Float, payoffs: Float) -> Float:
    """Ratings equal up to the solver's precision made equal: agents of the support all rate the same."""
    step = 1e-9 * max(float(np.abs(payoffs).max()), np.finfo(float).tiny)
    return np.asarray(np.round(ratings / step) * step + 0.0)


def _cce(symmetric: bool) -> Callable[[Float], Answer]:
    from solvers.correlated import cce
    from solvers.solution import Status

    def solve(payoffs: Float) -> Answer:
        game = NormalFormGame(payoffs)
        solution = cce(game, "gini")
        joint: Any = solution.joint
        note = (
            ""
            if solution.status is Status.CONVERGED
            else f"not of certainly largest Gini index ({solution.status.value})"
        )
        return Answer(_roles(game.blocks(joint.marginals()), symmetric), note=note)

    return solve


def _qre(symmetric: bool, lam: float) -> Callable[[Float], Answer]:
    from solvers.qre import qre
    from solvers.solution import Status

    def solve(payoffs: Float) -> Answer:
        game = NormalFormGame(payoffs)
        # interchangeable roles stay alike where the branch forks
        solution = qre(game, lam, on_bifurcation="continue" if symmetric else "split")
        reached = float(solution.parameters["lambda"])
        note = "" if solution.status is Status.CONVERGED else f"reached lambda = {reached:.6g} only"
        profile: Any = solution.profile
        return Answer(_roles(game.blocks(profile), symmetric), note=note)

    return solve
