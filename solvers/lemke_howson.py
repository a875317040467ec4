"""The Lemke-Howson algorithm for one Nash equilibrium of a two-player game, by complementary pivoting.

References: Lemke and Howson (1964); von Stengel (2002), "Computing equilibria for two-person games", sections 2.3-2.6.
"""

from __future__ import annotations

from time import perf_counter
from typing import NamedTuple

import numpy as np
from numba import njit

from games.errors import InputError
from games.normal import NormalFormGame
from games.simplices import Float, Int
from solvers.solution import Progress
from solvers.tableau import exchange, exchange_ids, leaving_row, scaled_table

_CHUNK = 2_000_000_000  # entry updates between returns to Python, about a fifth of a second
_RUNNING, _DONE, _STUCK = 0, 1, 2


class LemkeHowson(NamedTuple):
    """Raw result: both mixed strategies, the number of pivots, and whether the path reached its end."""

    row: Float
    column: Float
    pivots: int
    converged: bool


def lemke_howson(
    game: NormalFormGame,
    label: int = 0,
    max_pivots: int = 10**6,
    *,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> LemkeHowson:
    """Follow the Lemke-Howson path that starts by dropping `label` from the artificial equilibrium.

    Parameters
    ----------
    game : NormalFormGame
        A game of two players with m and n actions.
    label : int
        0 <= label < m + n: an action of the row player, or m plus an action of the column player.
    max_pivots : int
        Stop after this many pivots.
    seconds : float, optional
        Stop after about this time.
    progress : Progress, optional
        Called now and then on long paths.

    Returns
    -------
    LemkeHowson
        Strategies float64[m] and float64[n]. If not `converged` they are where the path was left, not an equilibrium.

    Raises
    ------
    InputError
        If the game does not have two players or the label does not exist.

    Notes
    -----
    Payoffs are mapped affinely onto [1, 2] inside. The ratio test is lexicographic, so degenerate games do not cycle.
    One pivot costs O(m n); the number of pivots can be exponential but is usually of the order of m + n.
    """
    payoffs = game.payoffs
    if payoffs.shape[0] != 2:
        raise InputError(f"Lemke-Howson needs two players, this game has {payoffs.shape[0]}")
    _, m, n = payoffs.shape
    if not 0 <= label < m + n:
        raise InputError(f"Lemke-Howson label {label} does not exist; labels run from 0 to {m + n - 1}")
    chunk = max(_CHUNK // (16 * m * n), 1)
    state, books, first, second, row, column = _begin(payoffs, label, min(chunk, max_pivots))
    if state[0] != _RUNNING:
        return LemkeHowson(row, column, int(state[2]), bool(state[0] == _DONE))
    stop = perf_counter() + (np.inf if seconds is None else seconds)
    while state[0] == _RUNNING and state[2] < max_pivots and perf_counter() < stop:
        if progress is not None:
            progress(np.nan, f"Lemke-Howson: {int(state[2]):,} pivots")
        _advance(first, second, books, state, label, min(chunk, max_pivots - int(state[2])))
    row, column = _strategies(first, second, books)
    return LemkeHowson(row, column, int(state[2]), bool(state[0] == _DONE))


@njit(cache=True)
def _begin(payoffs: Float, label: int, pivots: int) -> tuple[Int, Int, Float, Float, Float, Float]:
    """Build both tableaux and pivot up to `pivots` times.

    Labels 0..m-1 are row actions, m..m+n-1 column actions. Tableau 0 is {x >= 0 : B^T x <= 1}, tableau 1 is
    {y >= 0 : A y <= 1}. `state` is [status, label about to enter, pivots so far, tableau it enters].
    """
    _, m, n = payoffs.shape
    first = scaled_table(payoffs[1], False, True)
    second = scaled_table(payoffs[0], False, False)
    books = np.empty((6, m + n), dtype=np.int64)  # basic, nonbasic and place of each tableau
    for t in range(2):
        structural = m if t == 0 else n
        for k in range(m + n):
            if k < structural:
                books[3 * t + 1, k] = k
                books[3 * t + 2, k] = k
            else:
                books[3 * t, k - structural] = k
                books[3 * t + 2, k] = ~(k - structural)
    state = np.array([_RUNNING, label, 0, 0 if label < m else 1])
    _advance(first, second, books, state, label, pivots)
    row, column = _strategies(first, second, books)
    return state, books, first, second, row, column


@njit(cache=True)
def _advance(first: Float, second: Float, books: Int, state: Int, label: int, pivots: int) -> None:
    """Pivot up to `pivots` times, alternating between the tableaux, until the dropped label is picked up again."""
    m, n = second.shape[0], first.shape[0]
    tied = np.empty(max(m, n), dtype=np.int64)
    source = np.empty(max(m, n) + 1)
    entering, side = state[1], state[3]
    for _ in range(pivots):
        # in tableau 0 label k is variable k; in tableau 1 column actions come first: label k is variable k - m mod m + n
        variable = entering if side == 0 else (entering + n if entering < m else entering - m)
        table = first if side == 0 else second
        basic, nonbasic, place = books[3 * side], books[3 * side + 1], books[3 * side + 2]
        column = place[variable]
        row = leaving_row(table, table.shape[0], column, place, tied)
        if row < 0:
            state[0] = _STUCK
            break
        left = basic[row]
        exchange(table, row, column, source[: table.shape[1]])
        exchange_ids(basic, nonbasic, place, row, column)
        entering = left if side == 0 else (left + m if left < n else left - n)
        state[2] += 1
        if entering == label:
            state[0] = _DONE
            break
        side = 1 - side
    state[1], state[3] = entering, side


@njit(cache=True)
def _strategies(first: Float, second: Float, books: Int) -> tuple[Float, Float]:
    """The basic solution of each tableau, normalised to a distribution (uniform where it is zero)."""
    return _normalised(first, books[0]), _normalised(second, books[3])


@njit(cache=True)
def _normalised(table: Float, basic: Int) -> Float:
    size = table.shape[1] - 1
    weights = np.zeros(size)
    total = 0.0
    for r in range(table.shape[0]):
        if basic[r] < size:
            weights[basic[r]] = max(table[r, size], 0.0)
            total += weights[basic[r]]
    if total > 0.0:
        return weights / total
    return np.full(size, 1.0 / size)
