"""From an approximate Nash equilibrium to one exact to rounding: guess the supports, then Newton on indifference.

With supports S_i the unknowns are p_i(a) for a in S_i and the values v_i; the equations are u_i(a, p_-i) = v_i for a in
S_i and sum p_i = 1. Steps are least-squares steps of least norm, so that on a continuum of equilibria the nearest one
is approached. The answer is kept only when its largest regret, over all actions, is below that of the start.
"""

from __future__ import annotations

import numpy as np

from games import simplices
from games.normal import NormalFormGame
from games.simplices import Float

_THRESHOLDS = (1e-3, 1e-5, 1e-8, 1e-11, 1e-2, 3e-2, 0.1)
_STEPS = 30
_ROUNDING = 4e-16
_LARGEST = 800  # unknowns above which the dense least-squares steps take too long
_LOST = -1e-9  # a probability that Newton takes below this leaves the support


def max_regret(game: NormalFormGame, profile: Float) -> float:
    """Largest regret of a player at a mixed profile, in units of that player's payoff range (1 where it is zero)."""
    responses = game.deviation_payoffs(profile)
    worst = 0.0
    for p, u, span in zip(game.blocks(profile), game.blocks(responses), _ranges(game)):
        worst = max(worst, float(p @ (u.max() - u)) / span)
    return worst


def polish(game: NormalFormGame, profile: Float) -> Float:
    """Improve an approximate Nash equilibrium, or return it unchanged.

    Parameters
    ----------
    game : NormalFormGame
        Any number of players.
    profile : float64[sum(A)]
        A mixed profile in flat layout near an equilibrium.

    Returns
    -------
    float64[sum(A)]
        A profile whose `max_regret` is at most that of the input; on ordinary games about 1e-16.

    Notes
    -----
    Supports are the actions above a threshold, for several thresholds, and the near-best responses. A Newton step
    costs O(P^2 prod |S_i|) to build and O((sum |S_i|)^3) to solve.
    """
    best = np.array(profile, dtype=np.float64)
    regret = max_regret(game, best)
    responses = game.deviation_payoffs(best)
    tried = set()
    for support in _supports(game, best, responses, regret):
        key = support.tobytes()
        if regret <= _ROUNDING:
            break
        if key in tried:
            continue
        tried.add(key)
        candidate = _on_support(game, best, support)
        if candidate is None:
            continue
        reached = max_regret(game, candidate)
        if reached < regret:
            best, regret = candidate, reached
    return best


def _ranges(game: NormalFormGame) -> Float:
    return np.where(game.spans > 0, game.spans, 1.0)


def _supports(game: NormalFormGame, profile: Float, responses: Float, regret: float) -> list[np.ndarray]:
    """Guesses of which actions are played, as boolean masks over the flat profile, the likeliest first."""
    sizes = np.diff(game.offsets)
    tops = np.repeat(simplices.block_maxima(profile, game.offsets), sizes)
    guesses = [profile >= np.minimum(threshold, tops) for threshold in _THRESHOLDS]
    losses = np.repeat(simplices.block_maxima(responses, game.offsets), sizes) - responses
    losses = losses / np.repeat(_ranges(game), sizes)
    for factor in (10.0, 1e3):
        close = losses <= np.maximum(factor * regret, 1e-12)
        guesses.append((profile >= tops) | (close & (profile > 0)))
        guesses.append((profile >= tops) | close)
    return guesses


def _on_support(game: NormalFormGame, profile: Float, support: np.ndarray) -> Float | None:
    """Newton on one support; actions whose probability goes negative leave it, and Newton starts again."""
    for _ in range(12):
        played = [np.flatnonzero(mask) for mask in simplices.blocks(support, game.offsets)]
        if sum(map(len, played)) + len(played) > _LARGEST:
            return None
        found = _newton(game, profile, played)
        if found is None:
            return None
        full = np.zeros_like(profile)
        full[support] = found
        if full.min() >= _LOST:
            return simplices.normalise(np.maximum(full, 0.0), game.offsets)
        support = support & (full > _LOST)
        if not np.all(np.logical_or.reduceat(support, game.offsets[:-1])):
            return None
    return None


def _newton(game: NormalFormGame, profile: Float, played: list[np.ndarray]) -> Float | None:
    """Solve the indifference equations on the supports `played` from the profile's restriction; None if it diverges."""
    players = len(played)
    offsets = simplices.offsets_of([len(actions) for actions in played])
    index = np.concatenate([actions + start for actions, start in zip(played, game.offsets[:-1])])
    point = simplices.normalise(np.maximum(profile[index], 0.0), offsets)
    ranges = _ranges(game)
    tensors = [
        game.payoffs[i][np.ix_(*played)] / ranges[i] for i in range(players)
    ]  # restricted to what is played: small even where the game is large
    tensors = [tensor - tensor.mean() for tensor in tensors]
    total = int(offsets[-1])
    membership = np.zeros((total, players))
    membership[np.arange(total), np.repeat(np.arange(players), np.diff(offsets))] = 1.0
    values = np.zeros(players)
    best, best_error = None, np.inf
    for step in range(_STEPS):
        responses, jacobian = _derivatives(tensors, point, offsets)
        if step == 0:
            values = simplices.block_sums(point * responses, offsets)
        residual = np.concatenate(
            [responses - membership @ values, simplices.block_sums(point, offsets) - 1.0]
        )
        error = float(np.abs(residual).max())
        if error < best_error:
            best, best_error, stale = point.copy(), error, 0
        else:
            stale += 1
        if error <= _ROUNDING or stale >= 3:
            break
        matrix = np.block([[jacobian, -membership], [membership.T, np.zeros((players, players))]])
        try:
            move = np.linalg.lstsq(matrix, -residual, rcond=1e-12)[0]
        except np.linalg.LinAlgError:
            break
        if not np.all(np.isfinite(move)) or np.abs(move[:total]).max() > 10.0:
            break
        point = point + move[:total]
        values = values + move[total:]
    return best if best_error <= 1e-6 else None


def _derivatives(tensors: list[Float], point: Float, offsets: np.ndarray) -> tuple[Float, Float]:
    """Payoff of every action float64[N], and its derivative float64[N, N] in every probability."""
    players = len(tensors)
    parts = simplices.blocks(point, offsets)
    responses = np.empty(point.size)
    jacobian = np.zeros((point.size, point.size))
    for i in range(players):
        rows = slice(offsets[i], offsets[i + 1])
        if players == 1:
            responses[rows] = tensors[0]
        for j in range(players):
            if j == i:
                continue
            block = tensors[i]
            for k in reversed(range(players)):
                if k not in (i, j):
                    block = np.tensordot(block, parts[k], axes=([k], [0]))
            block = block if i < j else block.T
            jacobian[rows, offsets[j] : offsets[j + 1]] = block
            responses[rows] = block @ parts[j]
    return responses, jacobian
