"""Newton's method for the likelihood of Davidson's model, on many tables of results at once.

The model is an exponential family: the score of each player (half of wins minus losses) and the number of ties are
sufficient, the log-likelihood is concave, and its Hessian is minus the Fisher information. Parameters are the strengths
and, if there are ties, the logarithm eta of the tie parameter as the last one.

Letters: B replicates, K players, E pairs of players that met.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from games.simplices import Float

_HALVINGS = 60


class Pairs(NamedTuple):
    """Results by pair of players; a last player K, of strength zero, stands for the virtual opponent."""

    first: Any
    """int64[E]."""
    second: Any
    """int64[E]: may be K, the virtual opponent."""
    balance: Float
    """float64[B, E]: half of wins minus losses of the first."""
    tied: Float
    """float64[B, E]."""
    games: Float
    """float64[B, E]."""
    players: int
    with_ties: bool


def paired(wins: Float, ties: Float, prior: float) -> Pairs:
    """Results float64[B, K, K] by pair, with `prior` games a player against the virtual opponent."""
    size = wins.shape[1]
    first, second = np.triu_indices(size, 1)
    won, lost, tied = wins[:, first, second], wins[:, second, first], ties[:, first, second]
    games = won + lost + tied
    met = games.any(axis=0)
    first, second = first[met], second[met]
    balance, tied, games = 0.5 * (won - lost)[:, met], tied[:, met], games[:, met]
    with_ties = bool(tied.any())
    if prior > 0:
        extra = np.ones((len(wins), size))
        first, second = (
            np.concatenate([first, np.arange(size)]),
            np.concatenate([second, np.full(size, size)]),
        )
        balance = np.concatenate([balance, 0.0 * extra], axis=1)
        tied = np.concatenate([tied, (prior / 3 if with_ties else 0.0) * extra], axis=1)
        games = np.concatenate([games, prior * extra], axis=1)
    return Pairs(first, second, balance, tied, games, size, with_ties)


def maximise(pairs: Pairs, theta: Float, steps: int, settled: float) -> tuple[Float, Float, Any, int]:
    """Strengths float64[B, K], eta float64[B], whether each settled bool[B], and the number of steps."""
    replicates = len(theta)
    theta = theta.copy()
    eta = np.zeros(replicates) if pairs.with_ties else np.full(replicates, -np.inf)
    done = np.zeros(replicates, dtype=bool)
    active = np.arange(replicates)
    for step in range(steps):
        if not active.size:
            return theta, eta, done, step
        part = _rows(pairs, active)
        change, decrement = _direction(part, theta[active], eta[active])
        new_theta, new_eta, moved = _search(part, theta[active], eta[active], change, decrement)
        theta[active], eta[active] = new_theta, new_eta
        finished = np.abs(change).max(axis=1, initial=0.0) <= settled * (
            1.0 + np.abs(new_theta).max(axis=1, initial=0.0)
        )
        done[active[finished]] = True
        active = active[~finished & moved]
    return theta, eta, done, steps


def curvature(pairs: Pairs, theta: Float, eta: Float) -> Float:
    """The Fisher information, float64[B, n, n] with n = K, or K + 1 with ties."""
    return _moments(pairs, theta, eta)[1]


def _rows(pairs: Pairs, which: Any) -> Pairs:
    if which.size == len(pairs.games):
        return pairs
    return pairs._replace(balance=pairs.balance[which], tied=pairs.tied[which], games=pairs.games[which])


def _gaps(pairs: Pairs, theta: Float) -> Float:
    padded = np.concatenate([theta, np.zeros((len(theta), 1))], axis=1)
    return padded[:, pairs.first] - padded[:, pairs.second]


def outcomes(gap: Float, eta: Any) -> tuple[Float, Float, Float, Float]:
    """Probabilities of a win, a tie and a loss by difference of strength, and the log of their common denominator."""
    half = 0.5 * gap
    top = np.maximum(np.abs(half), eta)
    with np.errstate(under="ignore"):
        win, tie, loss = np.exp(half - top), np.exp(eta - top), np.exp(-half - top)
        total = win + tie + loss
        return win / total, tie / total, loss / total, top + np.log(total)


def _moments(pairs: Pairs, theta: Float, eta: Float) -> tuple[Float, Float]:
    """The gradient of the log-likelihood, float64[B, n], and minus its Hessian, float64[B, n, n]."""
    size, replicates = pairs.players, len(theta)
    win, tie, loss, _ = outcomes(_gaps(pairs, theta), eta[:, None])
    mean = 0.5 * (win - loss)
    n = size + pairs.with_ties
    slope = pairs.balance - pairs.games * mean
    variance = pairs.games * (0.25 * (1.0 - tie) - mean**2)
    signs = np.zeros((pairs.first.size, size + 1))
    signs[np.arange(pairs.first.size), pairs.first] = 1.0
    signs[np.arange(pairs.first.size), pairs.second] = -1.0
    gradient, hessian = np.zeros((replicates, n)), np.zeros((replicates, n, n))
    gradient[:, :size] = slope @ signs[:, :size]
    inner = pairs.second < size
    hessian[:, pairs.first[inner], pairs.second[inner]] = -variance[:, inner]
    hessian[:, pairs.second[inner], pairs.first[inner]] = -variance[:, inner]
    diagonal = np.arange(size)
    hessian[:, diagonal, diagonal] = variance @ np.abs(signs[:, :size])
    if pairs.with_ties:
        gradient[:, size] = (pairs.tied - pairs.games * tie).sum(axis=1)
        cross = -(pairs.games * mean * tie) @ signs[:, :size]
        hessian[:, :size, size] = hessian[:, size, :size] = cross
        hessian[:, size, size] = (pairs.games * tie * (1.0 - tie)).sum(axis=1)
    return gradient, hessian


def _direction(pairs: Pairs, theta: Float, eta: Float) -> tuple[Float, Float]:
    """Newton's step float64[B, n], and the slope of the log-likelihood along it float64[B]."""
    gradient, hessian = _moments(pairs, theta, eta)
    size, n = pairs.players, gradient.shape[1]
    scale = np.maximum(np.einsum("bii->b", hessian) / n, 1e-290)[:, None, None]
    if not (pairs.second == size).any():
        hessian[:, :size, :size] += scale / size  # strengths count up to a constant: it stays as it is
    hessian += 1e-14 * scale * np.eye(n)
    change: Any = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
    return change, (change * gradient).sum(axis=1)


def _objective(pairs: Pairs, theta: Float, eta: Float) -> Float:
    ties = pairs.tied.sum(axis=1) * eta if pairs.with_ties else 0.0
    gaps = _gaps(pairs, theta)
    balance = (pairs.balance * gaps).sum(axis=1)
    return balance + ties - (pairs.games * outcomes(gaps, eta[:, None])[3]).sum(axis=1)


def _search(
    pairs: Pairs, theta: Float, eta: Float, change: Float, decrement: Float
) -> tuple[Float, Float, Any]:
    """The step, halved until the log-likelihood grows (or is level, up to rounding); and whether it was taken."""
    size = pairs.players
    before = _objective(pairs, theta, eta)
    slack = 1e-13 * (np.abs(before) + (pairs.games.sum(axis=1)))
    length = np.ones(len(theta))
    for _ in range(_HALVINGS):
        new_theta = theta + length[:, None] * change[:, :size]
        new_eta = eta + length * change[:, size] if pairs.with_ties else eta
        worse = ~(_objective(pairs, new_theta, new_eta) >= before + 1e-4 * length * decrement - slack)
        if not worse.any():
            break
        length[worse] *= 0.5
    length[worse] = 0.0
    new_theta = theta + length[:, None] * change[:, :size]
    new_eta = eta + length * change[:, size] if pairs.with_ties else eta
    return new_theta, new_eta, ~worse
