"""The equilibria of an empirical game, each with what it is worth on the true game."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from games.empirical import EmpiricalGame
from games.errors import InputError

MOST_NASH = 250_000
"""Profiles of the largest empirical game whose Nash equilibria are sought."""
_TOLERANCE = 1e-8
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Answer:
    """One equilibrium, or why there is none.

    Parameters
    ----------
    name : str
        What is answered: ``nash``, ``ce``, ``cce``, ``qre``, ``alpharank``.
    about : str
        In words.
    solution : Solution or None
        With its certificate.
    reason : str
        Why there is none.
    """

    name: str
    about: str
    solution: Any = None
    reason: str = ""


def focus_solution(game: EmpiricalGame) -> Any:
    """The equilibrium that adaptive tournaments narrow down: the CCE of largest Gini impurity, which is unique."""
    from solvers.correlated import cce

    return cce(game, "gini")


def answers(
    game: EmpiricalGame, seed: int, symmetric: bool, progress: Progress | None = None
) -> list[Answer]:
    """All equilibria that a report shows.

    Parameters
    ----------
    game : EmpiricalGame
        Of the tournament.
    seed : int
        For methods that draw.
    symmetric : bool
        Whether roles are interchangeable; the Nash equilibrium is then the symmetric one at the end of the principal
        logit branch, where that can be followed.
    progress : callable, optional
        ``progress(fraction, text)``.
    """
    from solvers.correlated import cce, ce

    precision = qre_precision(game)
    wanted: list[tuple[str, str, Callable[[], Any]]] = [
        ("nash", "Nash equilibrium", lambda: _nash(game, seed, symmetric)),
        ("cce", "coarse correlated equilibrium of largest Gini impurity", lambda: cce(game, "gini")),
        ("cce-welfare", "coarse correlated equilibrium of largest welfare", lambda: cce(game, "welfare")),
        ("ce", "correlated equilibrium of largest welfare", lambda: ce(game, "welfare")),
        (
            "qre",
            f"logit quantal response equilibrium at lambda {precision:.4g}",
            lambda: _qre(game, precision),
        ),
        (
            "alpharank",
            "alpha-rank of profiles, a population for each role, at infinite alpha",
            lambda: _alpharank(game),
        ),
    ]
    if symmetric:  # the ranking has that of a single population, which is what a symmetric tournament is
        wanted = [item for item in wanted if item[0] != "alpharank"]
    out = []
    for k, (name, about, solve) in enumerate(wanted):
        if progress is not None:
            progress(k / len(wanted), f"solving for the {about}")
        out.append(_answered(name, about, solve))
    return out


def qre_precision(game: EmpiricalGame) -> float:
    """The lambda that is reported: ten over the span of payoffs, where errors of a tenth of it matter little."""
    return 10.0 / game.span if game.span > 0 else 1.0


def _answered(name: str, about: str, solve: Callable[[], Any]) -> Answer:
    try:
        solution = solve()
        if solution is None:
            return Answer(name, about, reason="none was found")
        _ = solution.certificate
        return Answer(name, about, solution)
    except (InputError, MemoryError) as error:
        return Answer(name, about, reason=" ".join(str(error).split()) or "it does not fit in memory")


def _nash(game: EmpiricalGame, seed: int, symmetric: bool) -> Any:
    from solvers.nash import nash

    if game.profiles > MOST_NASH:
        raise InputError(
            f"the empirical game has {game.profiles:,} profiles; Nash equilibria are sought up to {MOST_NASH:,}"
        )
    budget: dict[str, Any] = {"tolerance": _TOLERANCE, "seconds": 30.0}
    if symmetric:
        found = nash(game, "qre", rng=np.random.default_rng(seed), **budget)
        if found.certificate.holds(_TOLERANCE):
            return found
    return nash(game, rng=np.random.default_rng(seed), **budget)


def _qre(game: EmpiricalGame, precision: float) -> Any:
    from solvers.qre import qre

    return qre(game, precision, seconds=30.0)


def _alpharank(game: EmpiricalGame) -> Any:
    from solvers.alpharank import alpharank

    return alpharank(game)


def document_of(answer: Answer) -> dict[str, Any]:
    """An answer as plain data, in the form of `staghunt solve --json`."""
    from experiments.output import solution_document

    if answer.solution is None:
        return {"name": answer.name, "about": answer.about, "reason": answer.reason}
    certificate = answer.solution.certificate
    found = solution_document(answer.solution, _TOLERANCE)
    found["stats"] = {k: v for k, v in dict(found["stats"]).items() if k != "seconds"}
    return {"name": answer.name, "about": answer.about, **found, "epsilon": certificate.epsilon}
