"""Expected payoffs of a two-player tree by pair of sequences, sparse: what linear programs on trees are made of."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from games.simplices import Float, Int
from games.tree import TreeGame


class PairPayoffs(NamedTuple):
    """A sparse matrix by pair of sequences, each given by the slot of its last move, -1 if it is empty."""

    first: Int
    """int64[E]: sequences of player 1, increasing."""
    second: Int
    """int64[E]: sequences of player 2, increasing among entries with the same first."""
    weight: Float
    """float64[E]: chance times payoff, summed over the plays that follow both; never 0."""


def pair_payoffs(game: TreeGame, payoff: Float) -> PairPayoffs:
    """Expected payoffs by pair of sequences, for payoffs float64[Z] at the terminal nodes. O(N + Z log Z)."""
    first, second = game.last_slots[:, game.terminals].astype(np.int64) + 1
    width = game.slots + 1
    key, where = np.unique(first * width + second, return_inverse=True)
    weight = np.bincount(
        where.ravel(), weights=payoff * game.chance_reach[game.terminals], minlength=key.size
    )
    kept = weight != 0
    return PairPayoffs(key[kept] // width - 1, key[kept] % width - 1, weight[kept])


def scaled(payoff: Float) -> tuple[Float, float, float]:
    """Payoffs as (payoff - shift) / span, the shift being the most frequent one: the most zeros in the matrix.

    Returns the scaled payoffs, the shift, and the span (1 where all payoffs are equal).
    """
    values, counts = np.unique(payoff, return_counts=True)
    shift = float(values[np.argmax(counts)])
    half = 0.5 * float(values[-1]) - 0.5 * float(values[0])  # halves, so that no difference overflows
    if not half > 0:
        return np.zeros(payoff.shape), shift, 1.0
    result = (0.5 * payoff - 0.5 * shift) / half
    return np.where(np.isfinite(result), result, 0.0), shift, 2.0 * half


def packed(columns: int, row: Int, column: Int, value: Float) -> tuple[Int, Int, Float]:
    """Entries of a matrix, no two at one place, as compressed columns (start, row, value)."""
    order = np.lexsort((row, column))
    start = np.concatenate([[0], np.cumsum(np.bincount(column, minlength=columns))])
    return start.astype(np.int32), row[order].astype(np.int32), value[order]
