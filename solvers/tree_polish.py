"""From an approximate Nash equilibrium of a tree to one exact to rounding: Newton on the support, in sequence form.

With x the realization plans, g_i(x) the gradients of `solvers.sequences` and S the sequences in use, an equilibrium has
values v with

    v_h = g_i[s] + sum of v_k over the owner's information sets k that s leads to    (s in S, ends with a move at h)
    sum of x_s over moves s at h = x of the sequence that leads to h                 (h led to by a sequence in S)

Only these equations are solved, for guesses of S; the answer counts only if the largest gain of all strategies fell.
The strategic form's counterpart is `solvers.polish`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from games import simplices
from games.simplices import Float, Int
from games.tree import TreeGame
from solvers.best_response import gains, to_behavior, to_plan, to_strategy
from solvers.sequences import Sequences, sequences_of

_THRESHOLDS = (1e-3, 1e-5, 1e-8, 1e-11, 1e-2, 3e-2, 0.1)
_STEPS = 20
_LARGEST = 1200  # unknowns above which the dense least-squares steps take too long
_ROUNDING = 1e-15  # of the payoff span
_LOST = -1e-9  # a probability that Newton takes below this belongs to a sequence that is not in use


def polish_tree(game: TreeGame, behavior: Float) -> Float:
    """Improve an approximate Nash equilibrium, or return it unchanged.

    Parameters
    ----------
    game : TreeGame
        Any number of players, perfect recall.
    behavior : float64[slots]
        A behaviour strategy profile near an equilibrium.

    Returns
    -------
    float64[slots]
        A profile whose largest gain is at most that of the input. Where a player's own strategy never leads it is that
        of the input.

    Notes
    -----
    A Newton step costs O(E P^2) to build and O(K^3) to solve, for K sequences and information sets in use.
    """
    if not game.slots or not game.span > 0:
        return behavior
    form = sequences_of(game)
    best = game.check_behavior(behavior)
    start, regret = best, _regret(game, best)
    tried: set[bytes] = set()
    for threshold in _THRESHOLDS:
        if regret <= _ROUNDING:
            break
        tops = np.repeat(simplices.block_maxima(start, game.offsets), np.diff(game.offsets))
        played = (start >= np.minimum(threshold, tops)).astype(np.float64)
        used = to_strategy(form, played) > 0
        if used.tobytes() in tried:
            continue
        tried.add(used.tobytes())
        found = _on_support(game, form, start, used)
        if found is not None and (reached := _regret(game, found)) < regret:
            best, regret = found, reached
    return best


def _regret(game: TreeGame, behavior: Float) -> float:
    return float(gains(game, behavior).regrets.max()) / game.span


class _Support(NamedTuple):
    """Which sequences and information sets are in use, and where their unknowns are."""

    sequences: Int
    ranks: Int
    rank_of: Int
    """int64[K]: position, among `ranks`, of the information set that each of `sequences` ends at."""
    column: Int
    """int64[S]: unknown of each sequence, -1 for those not in use and empty ones."""


def _support(form: Sequences, used: Any) -> _Support | None:
    """The sequences in use that others in use lead to."""
    live = np.zeros(form.length, dtype=bool)
    live[form.starts[:-1]] = True
    ranks = []
    for k in range(len(form.first)):  # parents come first
        block = slice(form.first[k], form.first[k] + form.size[k])
        if live[form.before[k]]:
            live[block] = used[block]
            ranks.append(k)
    live[form.starts[:-1]] = False
    sequences, kept = np.flatnonzero(live), np.array(ranks, dtype=np.int64)
    if not 0 < sequences.size + kept.size <= _LARGEST:
        return None
    rank = np.repeat(np.arange(len(form.first)), form.size)
    rank_of_all = np.full(form.length, -1, dtype=np.int64)
    moves = np.repeat(form.first - np.cumsum(form.size) + form.size, form.size) + np.arange(rank.size)
    rank_of_all[moves] = rank
    column = np.full(form.length, -1, dtype=np.int64)
    column[sequences] = np.arange(sequences.size)
    return _Support(sequences, kept, np.searchsorted(kept, rank_of_all[sequences]), column)


def _on_support(game: TreeGame, form: Sequences, behavior: Float, used: Any) -> Float | None:
    """Newton from the plan of `behavior` cut down to the sequences in use; None if it leads nowhere."""
    support = _support(form, used)
    if support is None:
        return None
    cut = behavior * to_behavior(form, used.astype(np.float64))
    x = to_plan(form, simplices.normalise(cut, game.offsets))
    size = support.sequences.size
    values: Any = np.zeros(0)
    for _ in range(_STEPS):
        payoffs, slopes = _gradients(form, x, support)
        payoffs, matrix = payoffs / game.span, _equations(form, support, slopes / game.span)
        if not values.size:  # those that fit the present plan best
            values = np.linalg.lstsq(matrix[:size, size:], -payoffs, rcond=1e-12)[0]
        off = np.concatenate([payoffs + matrix[:size, size:] @ values, _flow(form, x, support)])
        step = np.linalg.lstsq(matrix, -off, rcond=1e-12)[0]
        if not np.isfinite(step).all():
            return None
        x[support.sequences] += step[:size]
        values = values + step[size:]
        if np.abs(step).max() <= 1e-15:
            break
    x[form.slot >= 0] = np.where(support.column[form.slot >= 0] >= 0, x[form.slot >= 0], 0.0)
    if x.min() < _LOST or not np.isfinite(x).all():
        return None
    weights = to_behavior(form, np.maximum(x, 0.0))
    found = simplices.normalise(weights, game.offsets)
    led_to = np.repeat(simplices.block_sums(weights, game.offsets) > 0, np.diff(game.offsets))
    return np.where(led_to, found, behavior)


def _gradients(form: Sequences, x: Float, support: _Support) -> tuple[Float, Float]:
    """The gradients of the sequences in use, float64[K], and their derivatives by those, float64[K, K]."""
    row = support.column[np.repeat(np.arange(form.length), np.diff(form.rows))]
    inside = row >= 0
    row, others, weight = row[inside], form.others[inside], form.weight[inside]
    size, width = support.sequences.size, form.players - 1
    parts = [x[others[:, k]] for k in range(width)]
    slopes = np.zeros((size, size))
    for k in range(width):
        rest = weight.copy()
        for j in range(width):
            if j != k:
                rest *= parts[j]
        column = support.column[others[:, k]]
        at = column >= 0
        np.add.at(slopes, (row[at], column[at]), rest[at])
    reached = weight.copy()
    for part in parts:
        reached *= part
    payoffs = np.zeros(size)
    np.add.at(payoffs, row, reached)
    return payoffs, slopes


def _equations(form: Sequences, support: _Support, slopes: Float) -> Float:
    """Derivatives of the equations, indifference then flow, by sequences then values."""
    size, ranks = support.sequences.size, support.ranks.size
    matrix = np.zeros((size + ranks, size + ranks))
    matrix[:size, :size] = slopes
    rows = np.arange(size)
    matrix[rows, size + support.rank_of] = -1.0
    matrix[size + support.rank_of, rows] = 1.0
    above = support.column[form.before[support.ranks]]
    inner = np.flatnonzero(above >= 0)
    matrix[above[inner], size + inner] = 1.0
    matrix[size + inner, above[inner]] = -1.0
    return matrix


def _flow(form: Sequences, x: Float, support: _Support) -> Float:
    """By how much a plan violates the flow equations in use."""
    out = np.bincount(support.rank_of, weights=x[support.sequences], minlength=support.ranks.size)
    return out - x[form.before[support.ranks]]
