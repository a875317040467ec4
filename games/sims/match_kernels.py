"""Whole matches of memory-one players in one loop: the same draws, in the same order, as play step by step.

`games.policy_kernels.pick_rows` inverts a distribution by a number of 53 random bits. Which action comes out is monotone
in that number, rounding and all, so every row of a table becomes integer thresholds, and a draw becomes integer
comparisons with exactly the same outcome.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from games.sims.repeated_kernels import tremble
from games.stream_kernels import BARE, bits, uniform

_SCALE = 9007199254740992.0  # 2**53
_U11 = np.uint64(11)


@njit(**BARE)
def _chosen(word: Any, row: Any, total: Any) -> Any:
    """The action drawn from the probabilities `row` by the 53-bit number `word`, as `pick_rows` draws it."""
    u = word * (1.0 / _SCALE) * total
    chosen = 0
    for a in range(row.shape[0]):
        p = row[a]
        if p > 0.0:
            chosen = a
            if u < p:
                break
            u -= p
    return chosen


@njit(**BARE)
def find_thresholds(table: Any, thresholds: Any) -> Any:
    """Fill thresholds int64[M, rows, A - 1]: action > a is drawn exactly by numbers of at least thresholds[..., a].

    True if some row of the tables float64[M, rows, A] is mixed.
    """
    matches, rows, width = table.shape
    mixed = False
    for m in range(matches):
        for r in range(rows):
            total = 0.0
            for a in range(width):
                total += table[m, r, a]
            reached = 0.0
            for a in range(width - 1):
                reached += table[m, r, a]
                k = np.int64(reached / total * _SCALE)
                while k > 0 and _chosen(float(k - 1), table[m, r], total) > a:
                    k -= 1
                while k < np.int64(_SCALE) and _chosen(float(k), table[m, r], total) <= a:
                    k += 1
                thresholds[m, r, a] = k
                if 0 < k < np.int64(_SCALE):
                    mixed = True
    return mixed


@njit(**BARE)
def _draw(stream: Any, limits: Any, mixed: Any) -> Any:
    """An action; a player without mixed rows draws nothing, since nothing else depends on its stream."""
    word = np.int64(bits(stream) >> _U11) if mixed else np.int64(0)
    chosen = 0
    for a in range(limits.shape[0]):
        chosen += word >= limits[a]
    return chosen


@njit(**BARE)
def play_any(
    limits: Any,
    columns: Any,
    which: Any,
    mixed: Any,
    payoffs: Any,
    counts: Any,
    rounds: Any,
    chances: Any,
    streams: Any,
    world: Any,
    scores: Any,
    first: Any,
    lengths: Any,
    ended: Any,
) -> None:
    """Matches with whatever chance there is.

    Parameters
    ----------
    limits, columns : int64[T, rows, A - 1], int64[U, rows, A - 1]
        Thresholds of row and column players.
    which : int64[M, 2]
        Which of them play each match.
    mixed : bool[2]
        Whose tables have mixed rows.
    payoffs, counts : float64[2, cells], int64[2]
        Flat payoffs; numbers of actions.
    rounds, chances : int, float64[2]
        Most rounds; noise, and the probability of another round (negative: always).
    streams, world : uint64[M, 2, 4], uint64[M, 4]
        Of the players, of the game.
    scores, first, lengths, ended : float64[M, 2], int64[M, 2], int32[M], bool[M]
        Filled: sums of payoffs, how often each played its first action, rounds played, whether chance ended the match.
    """
    noise, continuation = chances[0], chances[1]
    left_count, right_count = counts[0], counts[1]
    left_mixed, right_mixed = mixed[0], mixed[1]
    for m in range(scores.shape[0]):
        one, two = limits[which[m, 0]], columns[which[m, 1]]
        left_row, right_row, time = 0, 0, 0
        left_sum, right_sum = 0.0, 0.0
        left_first, right_first = 0, 0
        over = False
        while not over and time < rounds:
            left = _draw(streams[m, 0], one[left_row], left_mixed)
            right = _draw(streams[m, 1], two[right_row], right_mixed)
            if noise > 0.0:
                left = tremble(world[m], noise, left_count, left)
                right = tremble(world[m], noise, right_count, right)
            cell = left * right_count + right
            left_sum += payoffs[0, cell]
            right_sum += payoffs[1, cell]
            left_first += left == 0
            right_first += right == 0
            left_row, right_row = 1 + cell, 1 + right * left_count + left
            time += 1
            over = continuation >= 0.0 and uniform(world[m]) >= continuation
        scores[m, 0], scores[m, 1] = left_sum, right_sum
        first[m, 0], first[m, 1] = left_first, right_first
        lengths[m], ended[m] = time, over


@njit(**BARE)
def play_two(
    limits: Any,
    columns: Any,
    payoffs: Any,
    rounds: Any,
    streams: Any,
    scores: Any,
    first: Any,
) -> None:
    """Matches of two actions each and `rounds` rounds without noise: `play_any` for the most common case.

    limits and columns are int64[M or 1, 5], the rest as there.
    """
    for m in range(scores.shape[0]):
        one = limits[m if limits.shape[0] > 1 else 0]
        two = columns[m if columns.shape[0] > 1 else 0]
        left_row, right_row = np.int64(0), np.int64(0)
        left_sum, right_sum = 0.0, 0.0
        left_later, right_later = np.int64(0), np.int64(0)
        for _ in range(rounds):
            left = np.int64(np.int64(bits(streams[m, 0]) >> _U11) >= one[left_row])
            right = np.int64(np.int64(bits(streams[m, 1]) >> _U11) >= two[right_row])
            cell = np.int64(2 * left + right)
            left_sum += payoffs[0, cell]
            right_sum += payoffs[1, cell]
            left_later += left
            right_later += right
            left_row, right_row = 1 + cell, np.int64(1 + 2 * right + left)
        scores[m, 0], scores[m, 1] = left_sum, right_sum
        first[m, 0], first[m, 1] = rounds - left_later, rounds - right_later


@njit(**BARE)
def play_pure(follow: Any, payoffs: Any, firsts: Any, rounds: Any, scores: Any, first: Any) -> None:
    """Matches without any chance: follow int64[M or 1, cells + 1] is the cell played after each situation.

    payoffs float64[2, cells] lies flat; firsts int64[2, cells] tells in which cells each player plays its first action;
    scores float64[M, 2] and first int64[M, 2] are filled.
    """
    for m in range(scores.shape[0]):
        after = follow[m if follow.shape[0] > 1 else 0]
        cell = after[0]
        left_sum, right_sum = 0.0, 0.0
        left_first, right_first = 0, 0
        for _ in range(rounds):
            left_sum += payoffs[0, cell]
            right_sum += payoffs[1, cell]
            left_first += firsts[0, cell]
            right_first += firsts[1, cell]
            cell = after[1 + cell]
        scores[m, 0], scores[m, 1] = left_sum, right_sum
        first[m, 0], first[m, 1] = left_first, right_first
