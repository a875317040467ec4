"""How far a game is from one in which "better" means the same against everybody.

* `split_margins`: margins of a symmetric two-player table as differences of ratings plus a cyclic part (the
  combinatorial Hodge decomposition; Jiang, Lim, Yao and Ye 2011; Balduzzi et al. 2018, 2019).
* `cyclic_triples`: the rock-paper-scissors among the agents.
* `decompose`: any normal-form game as a potential, a harmonic and a nonstrategic part (Candogan et al. 2011).

The graphs of better replies are in `response_graph`.

References: Jiang, Lim, Yao, Ye (2011), Mathematical Programming 127; Balduzzi, Tuyls, Perolat, Graepel (2018),
"Re-evaluating evaluation", section 3; Balduzzi et al. (2019), "Open-ended learning in symmetric zero-sum games",
section 2; Candogan, Menache, Ozdaglar, Parrilo (2011), Mathematics of Operations Research 36.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from games.errors import InputError
from games.normal import NormalFormGame
from games.simplices import Float

_ROUNDING = 1e-13  # a part this small beside the range of payoffs is rounding
_EPSILON = 16 * float(np.finfo(float).eps)  # and so is one this small beside the payoffs
_TRIPLES_OF = 400


@dataclass(frozen=True, eq=False)
class MarginSplit:
    """Margins A = (M - M^T) / 2 as ratings_i - ratings_j plus a cyclic part.

    Parameters
    ----------
    ratings : float64[K]
        Least-squares ratings, of mean zero: mean margins where every pair met.
    transitive : float64[K, K]
        Differences of ratings; NaN where a pair did not meet.
    cyclic : float64[K, K]
        The rest, orthogonal to all differences of ratings.
    share : float
        Squared norm of the cyclic part over that of the margins, in [0, 1]; 0 where all margins are zero.
    norm : float
        Root mean square of the margins over pairs that met, in units of payoff.
    """

    ratings: Float
    transitive: Float
    cyclic: Float
    share: float
    norm: float


class Triple(NamedTuple):
    """Three agents of which each beats the next and the last the first."""

    agents: tuple[int, int, int]
    """The first has the smallest index."""
    smallest: float
    """The least of the three margins: none of the three pairs is closer."""
    curl: float
    """The sum of the three margins."""


@dataclass(frozen=True, eq=False)
class GameSplit:
    """A game as the sum of three, in the manner of Candogan et al. (2011).

    Parameters
    ----------
    potential : float64[A1, ..., AP]
        The potential whose differences are nearest, in least squares, to the gains of unilateral deviations; mean 0.
    potential_part, harmonic_part, nonstrategic_part : float64[P, A1, ..., AP]
        Payoffs of the three games; they add up to the game's.
    harmonic_share : float
        Squared norm of the harmonic flow over that of all gains from deviations, in [0, 1]: 0 exactly for potential
        games, 1 exactly for harmonic ones, 0 where no deviation matters.
    norm : float
        Root mean square of the gains from unilateral deviations, in units of payoff.
    """

    potential: Float
    potential_part: Float
    harmonic_part: Float
    nonstrategic_part: Float
    harmonic_share: float
    norm: float

    @property
    def potential_share(self) -> float:
        """The rest of the squared norm."""
        return 1.0 - self.harmonic_share


def split_margins(payoffs: Any) -> MarginSplit:
    """Split the margins of a symmetric two-player table into a transitive and a cyclic part.

    Parameters
    ----------
    payoffs : float64[K, K]
        Payoff of the row agent against the column agent; NaN where the two did not meet. The diagonal does not matter.

    Returns
    -------
    MarginSplit
        Ratings, both parts, and the share of the squared norm that is cyclic. Where pairs are missing, ratings solve
        the least-squares problem on those that met, and "cyclic" is all that they do not explain.

    Raises
    ------
    InputError
        If the table is not square or has an infinite entry.

    Examples
    --------
    >>> split_margins([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]).share
    1.0
    """
    margins, scale = _margins(payoffs)
    met = ~np.isnan(margins)
    known = np.where(met, margins, 0.0)
    size = len(margins)
    degrees = met.sum(axis=1)
    if met.all():
        ratings = known.mean(axis=1)
    else:
        laplacian = np.diag(degrees).astype(float) - met
        ratings = np.linalg.lstsq(laplacian, known.sum(axis=1), rcond=1e-12)[0]
    transitive = np.where(met, ratings[:, None] - ratings[None, :], np.nan)
    cyclic = margins - transitive
    total = float((known**2).sum())
    rest = np.where(met, cyclic, 0.0)
    rest[np.abs(rest) <= _ROUNDING * size] = 0.0
    share = min(float((rest**2).sum()) / total, 1.0) if total > 0 else 0.0
    pairs = int(met.sum()) - size
    norm = float(np.sqrt(total / pairs)) if pairs else 0.0
    return MarginSplit(scale * ratings, scale * transitive, scale * cyclic, share, scale * norm)


def cyclic_triples(payoffs: Any, count: int = 10) -> tuple[Triple, ...]:
    """The clearest cycles of three agents, each beating the next, by the least of their three margins.

    Parameters
    ----------
    payoffs : float64[K, K]
        As in `split_margins`; at most 400 agents.
    count : int
        How many at most.

    Returns
    -------
    tuple of Triple
        Largest first; ties in the order of indices. Margins are halves of payoff differences, as in `split_margins`.

    Raises
    ------
    InputError
        As in `split_margins`, or with more than 400 agents.
    """
    margins, scale = _margins(payoffs)
    size = len(margins)
    if size > _TRIPLES_OF:
        raise InputError(f"cycles of three are listed among at most {_TRIPLES_OF} agents, not {size}")
    np.fill_diagonal(margins, -np.inf)
    margins = np.where(np.isnan(margins), -np.inf, margins)
    found: list[tuple[float, int, int, int]] = []
    for i in range(size - 2):  # i beats j beats k beats i, with i the least index
        least = np.minimum(
            np.minimum(margins[i, i + 1 :, None], margins[i + 1 :, i + 1 :]), margins[None, i + 1 :, i]
        )
        flat = least.ravel()
        kept = np.flatnonzero(flat > _ROUNDING)
        if kept.size > count:
            limit = np.partition(flat[kept], kept.size - count)[kept.size - count]
            kept = kept[flat[kept] >= limit]
        width = size - i - 1
        found += [(-float(flat[at]), i, int(at) // width + i + 1, int(at) % width + i + 1) for at in kept]
    found = sorted(found)[: max(count, 0)]
    return tuple(
        Triple((i, j, k), -scale * low, scale * float(margins[i, j] + margins[j, k] + margins[k, i]))
        for low, i, j, k in found
    )


def decompose(game: NormalFormGame) -> GameSplit:
    """Split a game of any number of players into potential, harmonic and nonstrategic parts.

    Parameters
    ----------
    game : NormalFormGame
        Any number of players.

    Returns
    -------
    GameSplit
        The three parts and the share of the flow that is harmonic.

    Notes
    -----
    All comparable profiles weigh the same. The graph of profiles is a product of complete graphs, so that its Laplacian
    is diagonal in products of cosines: the least-squares potential costs O(P S log S) over S profiles, without a
    linear system. (A cosine of positive frequency sums to zero along its axis, as does any deviation from the mean; player
    i's part of the Laplacian multiplies it by A_i.)

    Examples
    --------
    >>> decompose(NormalFormGame.zero_sum([[1, -1], [-1, 1]])).harmonic_share
    1.0
    """
    from scipy.fft import dctn, idctn

    players, shape = len(game.shape), game.shape
    middle = 0.5 * game.flat.max(axis=1) + 0.5 * game.flat.min(axis=1)
    centred = game.payoffs - middle.reshape(-1, *(1 for _ in shape))
    scale = float(np.abs(centred).max()) or 1.0
    payoffs = centred / scale
    noise = max(10 * _ROUNDING, _EPSILON * float(np.abs(game.payoffs).max()) / scale)
    strategic = np.stack([u - u.mean(axis=i, keepdims=True) for i, u in enumerate(payoffs)])
    eigenvalue, divergence = np.zeros(shape), np.zeros(shape)
    for i, size in enumerate(shape):
        moving = np.arange(size).reshape([-1 if k == i else 1 for k in range(players)]) > 0
        eigenvalue += size * moving
        divergence += size * strategic[i]
    spectrum = dctn(divergence, norm="ortho")
    np.divide(spectrum, eigenvalue, out=spectrum, where=eigenvalue > 0)
    spectrum[(0,) * players] = 0.0
    potential = idctn(spectrum, norm="ortho")
    gradient = np.stack([potential - potential.mean(axis=i, keepdims=True) for i in range(players)])
    harmonic = strategic - gradient
    harmonic[np.abs(harmonic) <= noise] = 0.0
    strategic[np.abs(strategic) <= noise] = 0.0
    weights = np.asarray(shape, dtype=np.float64)
    total = float(weights @ (strategic**2).reshape(players, -1).sum(axis=1))
    rest = float(weights @ (harmonic**2).reshape(players, -1).sum(axis=1))
    edges = 0.5 * game.profiles * float((weights - 1).sum())
    return GameSplit(
        potential=scale * potential,
        potential_part=scale * gradient,
        harmonic_part=scale * harmonic,
        nonstrategic_part=game.payoffs - scale * strategic,
        harmonic_share=min(rest / total, 1.0) if total > 0 else 0.0,
        norm=scale * float(np.sqrt(total / edges)) if edges else 0.0,
    )


def _margins(payoffs: Any) -> tuple[Float, float]:
    """Half differences A_ij = (M_ij - M_ji) / 2 divided by the largest, with zeros on the diagonal, and that largest."""
    table = np.array(payoffs, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or not table.size:
        raise InputError(f"margins need a square table of payoffs, got shape {table.shape}")
    if np.isinf(table).any():
        raise InputError("margins need payoffs that are finite, or NaN where a pair did not meet")
    np.fill_diagonal(table, 0.0)
    margins = 0.5 * table - 0.5 * table.T
    scale = float(np.nanmax(np.abs(margins)))
    size = float(np.nanmax(np.abs(table)))
    if scale <= _EPSILON * size:
        return np.where(np.isnan(margins), np.nan, 0.0), 1.0
    return margins / scale, scale
