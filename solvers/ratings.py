"""Bradley-Terry ratings of players from the results of their games, with ties (Davidson 1970).

With strengths theta and a tie parameter nu, player i against j wins, ties and loses with probabilities proportional to
exp(d / 2), nu and exp(-d / 2), where d = theta_i - theta_j. Without ties (nu = 0) this is the model of Bradley and Terry
(1952). Ratings are maximum likelihood estimates on the scale of Elo: 400 / ln 10 points a unit of strength, so that 400
points more means ten times as many wins as losses. The sequential updates known as Elo are not offered: their result
depends on the order of the games, which the results of a tournament do not have.

The estimate is finite if and only if the players cannot be divided so that one side never failed to win against the
other (Ford 1957) and, with ties, the tie parameter is bounded too (see `_ties_bounded`). Where it is not, or where
players are not connected by games, a weak prior is added and the result says so.

Letters: K players, B replicates, E pairs of players.

References: Bradley and Terry (1952), Biometrika 39; Davidson (1970), Journal of the American Statistical Association
65; Ford (1957), American Mathematical Monthly 64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from games.errors import InputError
from games.simplices import Float
from solvers.ratings_newton import curvature, maximise, outcomes, paired

ELO = 400.0 / math.log(10.0)
"""Elo points for one unit of strength."""
ELO_MEAN = 1500.0
PRIOR = 0.5
"""Games that each player is taken to have played against a virtual opponent, where a prior is needed."""
_STEPS = 200
_SETTLED = 1e-9  # a Newton step this small is the last: the next would be of the order of its square


@dataclass(frozen=True, eq=False)
class BradleyTerry:
    """Ratings and what they rest on.

    Parameters
    ----------
    strength : float64[K]
        Strengths theta, of mean zero.
    elo : float64[K]
        Ratings on the scale of Elo, of mean 1500, or with the anchor at 1500.
    elo_error : float64[K]
        Their standard errors, from the Fisher information (zero for an anchor).
    elo_covariance : float64[K, K]
        Their covariances; that of a difference is v_ii + v_jj - 2 v_ij, whatever the anchor.
    tie : float
        The tie parameter nu: between equals, ties are nu / (2 + nu) of the games. 0 if there were no ties.
    log_likelihood : float
        Of the observed results, without the prior and without binomial coefficients.
    exists : bool
        Whether the maximum likelihood estimate is finite and unique.
    prior : float
        Games added for every player against a virtual opponent of strength zero (before centring).
    components : tuple of tuples of int
        Classes of players linked both ways by chains of "won or tied at least once against", the better before the
        worse. More than one means that no finite ratings are likeliest; the prior then sets distances between them.
    groups : int
        Number of sets of players with no games between them; above one, comparisons across rest on the prior.
    converged : bool
        Whether Newton's method reached its tolerance.
    iterations : int
        Newton steps made.
    note : str
        What was done, in a sentence.
    """

    strength: Float
    elo: Float
    elo_error: Float
    elo_covariance: Float
    tie: float
    log_likelihood: float
    exists: bool
    prior: float
    components: tuple[tuple[int, ...], ...]
    groups: int
    converged: bool
    iterations: int
    note: str

    def probabilities(self) -> tuple[Float, Float]:
        """Probabilities of a win of the row player over the column player and of a tie, float64[K, K] each."""
        with np.errstate(divide="ignore"):
            eta = np.log(self.tie)
        win, tie, _, _ = outcomes(self.strength[:, None] - self.strength[None, :], eta)
        return win, tie


class Fits(NamedTuple):
    """Estimates for several tables of results at once."""

    strength: Float
    """float64[B, K], of mean zero."""
    tie: Float
    """float64[B]: tie parameters nu."""
    converged: Any
    """bool[B]."""
    iterations: int


def bradley_terry(
    wins: Any, ties: Any = None, *, prior: float | None = None, anchor: int | None = None
) -> BradleyTerry:
    """Maximum likelihood ratings from a table of results.

    Parameters
    ----------
    wins : float64[K, K]
        Entry [i, j] counts the games that i won against j; fractions are allowed. The diagonal is not read.
    ties : float64[K, K], optional
        Tied games of each pair; symmetric (each game is entered on both sides). Without any, nu is 0.
    prior : float, optional
        Games added for every player against a virtual opponent, in equal parts won and lost (and tied, if there are
        ties). By default none where the estimate is finite, else half a game.
    anchor : int, optional
        The player whose rating is set to 1500; by default the mean is.

    Returns
    -------
    BradleyTerry
        Ratings with standard errors, and in `note` what was done where the estimate is not finite.

    Raises
    ------
    InputError
        If tables are not square, counts are negative or not finite, `ties` is not symmetric, the anchor is not a
        player, or a prior of zero is asked for where the estimate is not finite.

    Examples
    --------
    >>> ratings = bradley_terry([[0, 3], [1, 0]])
    >>> [round(float(value), 2) for value in ratings.elo]
    [1595.42, 1404.58]
    """
    wins, ties = _check(wins, ties)
    size = len(wins)
    if anchor is not None and not 0 <= anchor < size:
        raise InputError(f"the anchor is player {anchor}, but players are 0 to {size - 1}")
    if prior is not None and not (math.isfinite(prior) and prior >= 0):
        raise InputError(f"the prior is {prior}; expected a number of games of at least 0")
    components, groups = _components(wins, ties)
    exists = len(components) == 1 and _ties_bounded(wins, ties)
    if prior == 0 and not exists:
        raise InputError(
            "the maximum likelihood ratings are not finite for these results; a prior above 0 is needed"
        )
    weight = (0.0 if exists else PRIOR) if prior is None else float(prior)
    fits = fit_ratings(wins[None], ties[None], prior=weight)
    theta, nu = fits.strength[0], float(fits.tie[0])
    covariance = _covariance(wins, ties, theta, nu, weight, anchor)
    shift = theta.mean() if anchor is None else theta[anchor]
    return BradleyTerry(
        strength=theta,
        elo=ELO_MEAN + ELO * (theta - shift),
        elo_error=np.sqrt(np.maximum(np.diag(covariance), 0.0)),
        elo_covariance=covariance,
        tie=nu,
        log_likelihood=_likelihood(wins, ties, theta, nu),
        exists=exists,
        prior=weight,
        components=components,
        groups=groups,
        converged=bool(fits.converged[0]),
        iterations=fits.iterations,
        note=_note(exists, weight, components, groups),
    )


def fit_ratings(wins: Float, ties: Float, *, prior: float = 0.0, start: Float | None = None) -> Fits:
    """Estimates for many tables of results, by Newton's method on all of them at once.

    Parameters
    ----------
    wins, ties : float64[B, K, K]
        As in `bradley_terry`, and not checked here. Each estimate must be finite, or `prior` above zero. Ties are
        fitted if there are any in any table.
    prior : float
        Games of every player against a virtual opponent.
    start : float64[K], optional
        Strengths to start from.

    Returns
    -------
    Fits
        Strengths and tie parameters.
    """
    replicates, size = len(wins), wins.shape[1]
    pairs = paired(wins, ties, prior)
    theta = np.zeros((replicates, size)) if start is None else np.tile(start - start.mean(), (replicates, 1))
    theta, eta, done, steps = maximise(pairs, theta, _STEPS, _SETTLED)
    with np.errstate(under="ignore"):
        nu = np.exp(eta)
    return Fits(theta - theta.mean(axis=1, keepdims=True), nu, done, steps)


def _likelihood(wins: Float, ties: Float, theta: Float, nu: float) -> float:
    i, j = np.triu_indices(len(wins), 1)
    gap = theta[i] - theta[j]
    eta = math.log(nu) if nu > 0 else -math.inf
    won, lost, tied = wins[i, j], wins[j, i], ties[i, j]
    drawn = float((tied * eta).sum()) if nu > 0 else 0.0
    return float((0.5 * gap * (won - lost) - (won + lost + tied) * outcomes(gap, eta)[3]).sum() + drawn)


def _covariance(wins: Float, ties: Float, theta: Float, nu: float, prior: float, anchor: int | None) -> Float:
    """Covariances of ratings in Elo points: the inverse Fisher information, with the gauge of the ratings."""
    size = len(wins)
    pairs = paired(wins[None], ties[None], prior)
    eta = np.full(1, math.log(nu) if nu > 0 else -math.inf)
    information = curvature(pairs, theta[None], eta)[0]
    inverse = np.linalg.pinv(information, rcond=1e-15, hermitian=True)[:size, :size]
    gauge = np.eye(size)
    if anchor is None:
        gauge -= 1.0 / size
    else:
        gauge[:, anchor] -= 1.0
    return ELO**2 * (gauge @ inverse @ gauge.T)


def _check(wins: Any, ties: Any) -> tuple[Float, Float]:
    """Both tables as float64[K, K] with zero diagonals."""
    won = np.array(wins, dtype=np.float64)
    if won.ndim != 2 or won.shape[0] != won.shape[1] or not won.size:
        raise InputError(f"a table of wins is square, one row and column a player; got shape {won.shape}")
    tied = np.zeros(won.shape) if ties is None else np.array(ties, dtype=np.float64)
    if tied.shape != won.shape:
        raise InputError(f"the table of ties has shape {tied.shape}, that of wins {won.shape}")
    for name, table in (("wins", won), ("ties", tied)):
        np.fill_diagonal(table, 0.0)
        if not np.isfinite(table).all() or (table < 0).any():
            i, j = (int(k) for k in np.argwhere(~(np.isfinite(table) & (table >= 0)))[0])
            raise InputError(
                f"{name} of player {i} against {j} are {table[i, j]}; expected a count of at least 0"
            )
    if not np.array_equal(tied, tied.T):
        i, j = (int(k) for k in np.argwhere(tied != tied.T)[0])
        raise InputError(
            f"ties of player {i} against {j} are {tied[i, j]}, but {tied[j, i]} the other way round"
        )
    return won, tied


def _components(wins: Float, ties: Float) -> tuple[tuple[tuple[int, ...], ...], int]:
    """Components of "i won or tied against j", winners first, and the number of sets without games between them."""
    import networkx as nx

    graph = nx.from_numpy_array((wins > 0) | (ties > 0), create_using=nx.DiGraph)
    condensed = nx.condensation(graph)
    members = {node: tuple(sorted(condensed.nodes[node]["members"])) for node in condensed}
    order = nx.lexicographical_topological_sort(condensed, key=lambda node: members[node])
    return tuple(members[node] for node in order), nx.number_weakly_connected_components(graph)


def _ties_bounded(wins: Float, ties: Float) -> bool:
    """Whether the likelihood does not grow for ever with the tie parameter.

    It does if strengths exist that differ by at least 1 for every win and at most 1 for every tie: then wins and
    ties are all likeliest in the limit. Such strengths exist if no cycle has more wins than ties: shortest paths with
    lengths -1 from a winner to a loser and 1 across a tie (Bellman 1958, Ford 1956).
    """
    if not ties.any():
        return True
    if not wins.any():
        return bool(len(wins) == 1)
    length = np.where(wins > 0, -1.0, np.where(ties > 0, 1.0, math.inf))
    distance = np.zeros(len(wins))
    for _ in range(len(wins)):
        shorter = np.minimum(distance, (distance[:, None] + length).min(axis=0))
        if np.array_equal(shorter, distance):
            return False
        distance = shorter
    return True


def _note(exists: bool, prior: float, components: tuple[tuple[int, ...], ...], groups: int) -> str:
    added = f"for every player, {prior:g} games against a virtual opponent were added"
    if exists:
        return "maximum likelihood" if prior == 0 else f"maximum likelihood with a prior: {added}"
    if groups > 1:
        why = f"{groups} groups of players have no games between them, so that only the prior compares them"
    elif len(components) > 1:
        why = f"players fall into {len(components)} classes of which the better never failed to win"
    else:
        why = "ties leave the tie parameter without a bound"
    return f"maximum likelihood is not finite ({why}): {added}"
