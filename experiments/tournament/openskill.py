"""OpenSkill ratings: the Bayesian approximation of the Plackett-Luce model for matches of any number of agents.

The method goes through matches one by one and its result depends on their order, which means nothing in a
tournament. Here it is averaged over a few random orders, and how far orders disagree is told.

Reference: Weng and Lin (2011), Journal of Machine Learning Research 12; Joshy (2024), "OpenSkill: a faster
asymmetric multi-team, multiplayer rating system".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.tournament.elo import unplayed
from experiments.tournament.ranking import Ranking
from experiments.tournament.samples import Float, Samples
from games.errors import InputError

MATCHES = 20_000
ORDERS = 4
NEEDS = "needs the library openskill: pip install 'staghunt[ratings]'"


@dataclass(frozen=True, eq=False)
class OpenSkill:
    """Ratings by OpenSkill's Plackett-Luce model.

    Parameters
    ----------
    mu : float64[K]
        Mean ratings, averaged over orders; 25 at the start.
    sigma : float64[K]
        The model's own standard deviations (root of their mean square over orders); 25 / 3 at the start.
    spread : float64[K]
        Standard deviation of mu between orders.
    orders, matches : int
        Orders gone through, and matches in each.
    """

    mu: Float
    sigma: Float
    spread: Float
    orders: int
    matches: int


def available() -> bool:
    """Whether the library is installed."""
    from importlib.util import find_spec

    return find_spec("openskill") is not None


def openskill_ratings(
    players: Any,
    scores: Any,
    agents: int,
    rng: np.random.Generator,
    *,
    orders: int = ORDERS,
    matches: int = MATCHES,
) -> OpenSkill | None:
    """Rate agents from matches of 2 to n of them.

    Parameters
    ----------
    players : int[M, n]
        Who played in each match; -1 where fewer than n did. Matches of an agent with itself do not count.
    scores : float64[M, n]
        What each got; the larger, the better placed, and equals tie.
    agents : int
        Number of agents, K.
    rng : numpy.random.Generator
        Draws the orders, and which matches count if there are more than `matches`.
    orders, matches : int
        Orders to average over, and the most matches to use.

    Returns
    -------
    OpenSkill or None
        Nothing if the library is not installed.

    Raises
    ------
    InputError
        If shapes do not fit, an agent is unknown, or a score is not a number.
    """
    who, got = _check(players, scores, agents)
    if orders < 1 or matches < 1:
        raise InputError(f"OpenSkill needs at least one order and one match, not {orders} and {matches}")
    if not available():
        return None
    use = np.flatnonzero(_counts(who))
    if use.size > matches:
        use = np.sort(rng.choice(use, size=matches, replace=False))
    placed = [_placed(who[m], got[m]) for m in use.tolist()]
    means, deviations = np.empty((orders, agents)), np.empty((orders, agents))
    for k in range(orders):
        means[k], deviations[k] = _rate(placed, rng.permutation(len(placed)).tolist(), agents)
    return OpenSkill(
        means.mean(axis=0),
        np.sqrt((deviations**2).mean(axis=0)),
        means.std(axis=0, ddof=1) if orders > 1 else np.zeros(agents),
        orders,
        len(placed),
    )


def ranking_of(samples: Samples, rng: np.random.Generator, level: float) -> tuple[Ranking | None, str]:
    """OpenSkill's ranking of a symmetric tournament, every sample being one match; or why there is none."""
    from scipy.special import ndtri

    if not samples.symmetric or samples.roles < 2:
        return None, "OpenSkill compares what agents get within a match: it needs interchangeable roles"
    if samples.unplayed:
        return None, unplayed(samples)
    players = samples.cells[samples.cell_of]
    total = int(_counts(players).sum())
    found = openskill_ratings(players, samples.payoffs, samples.shape[0], rng)
    if found is None:
        return None, NEEDS
    if not found.matches:
        return None, "no match of different agents was played"
    reach = float(ndtri(0.5 + level / 2)) * found.sigma
    part = f" of {total:,}" if found.matches < total else ""
    note = (
        f"Plackett-Luce, mean of {found.orders} random orders of {found.matches:,}{part} matches, between which ratings "
        f"differ by a standard deviation of up to {found.spread.max():.2g}; intervals are the model's own (mu and sigma)"
    )
    low, high = found.mu - reach, found.mu + reach
    return Ranking("OpenSkill", 0, samples.populations[0], found.mu, low, high, level, note=note), ""


def _rate(placed: list[tuple[list[int], list[float]]], order: list[int], agents: int) -> tuple[Float, Float]:
    """Means and deviations after the matches in this order."""
    from openskill.models import PlackettLuce

    model = PlackettLuce()
    ratings = [model.rating() for _ in range(agents)]
    for m in order:
        names, ranks = placed[m]
        for agent, (new,) in zip(names, model.rate([[ratings[agent]] for agent in names], ranks=ranks)):
            ratings[agent] = new
    return np.array([r.mu for r in ratings]), np.array([r.sigma for r in ratings])


def _counts(who: Any) -> Any:
    """bool[M]: matches of at least two agents, none of them twice."""
    ordered = np.sort(who, axis=1)
    twice = ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any(axis=1)
    return ((who >= 0).sum(axis=1) >= 2) & ~twice


def _placed(who: Any, got: Any) -> tuple[list[int], list[float]]:
    """Agents of a match and their places, from 1; those who got the same share a place."""
    there = who >= 0
    _, place = np.unique(-got[there], return_inverse=True)
    return who[there].tolist(), (place.ravel() + 1.0).tolist()


def _check(players: Any, scores: Any, agents: int) -> tuple[Any, Float]:
    who, got = np.asarray(players), np.asarray(scores, dtype=np.float64)
    if who.ndim != 2 or who.shape != got.shape or who.shape[1] < 2:
        raise InputError(
            f"matches are players and scores of one shape [matches, at least 2], got {who.shape} and {got.shape}"
        )
    if not np.issubdtype(who.dtype, np.integer) or (who < -1).any() or (who >= agents).any():
        raise InputError(f"players of matches are whole numbers from 0 to {agents - 1}, or -1 for nobody")
    if np.isnan(got[who >= 0]).any():
        raise InputError("a score of a match is not a number")
    return who, got
