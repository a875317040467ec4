"""Two-player zero-sum games: minimax strategies by a simplex of our own, checked, with HiGHS behind it.

With payoffs mapped onto M in [1, 2], the column player's linear program is max {sum(y) : M y <= 1, y >= 0}; the game's
value in that scale is 1 / sum(y), and the row player's strategy is the dual solution (Dantzig 1951).
"""

from __future__ import annotations

from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from games.errors import InputError
from games.normal import NormalFormGame
from games.simplices import Float, Int
from solvers.kernel_options import BARE
from solvers.normal_only import check_normal_form
from solvers.solution import Progress, Solution, Status
from solvers.tableau import exchange, exchange_ids, leaving_row, scaled_table

_CHUNK = 2_000_000_000  # entry updates between returns to Python, about a fifth of a second
_ENOUGH = 1e-10  # regret, relative to the payoff span, above which the simplex answer is not kept
_PRICE = 1e-11  # an objective coefficient below this is optimal (payoffs are scaled to [1, 2])
_RUNNING, _DONE, _STUCK, _REFUSED = 0, 1, 2, 3


class Minimax(NamedTuple):
    """Optimal strategies float64[m] and float64[n], the row player's value, and how it was found."""

    row: Float
    column: Float
    value: float
    regret: float
    pivots: int
    method: str


def minimax(game: NormalFormGame | Any, *, progress: Progress | None = None) -> Minimax:
    """Minimax strategies and value of a two-player zero-sum game.

    Parameters
    ----------
    game : NormalFormGame or float64[m, n]
        A two-player constant-sum game, or the row player's payoff matrix. Of a game only the row player's payoffs
        are read: the column player is taken to minimise them.
    progress : Progress, optional
        Called now and then when the game is large.

    Returns
    -------
    Minimax
        `value` is the row player's expected payoff, in the units of the game; `regret` the larger of the two
        players' regrets at the returned strategies, recomputed from the matrix.

    Raises
    ------
    InputError
        If the game does not have two players, or the matrix is not a finite two-dimensional one.

    Notes
    -----
    A saddle point in pure strategies is looked for first. Then primal simplex with Dantzig's pricing on a condensed tableau, O(m n) a pivot; ties in the ratio test are broken
    lexicographically, so it cannot cycle. Should rounding leave a regret above 1e-10 of the payoff span, HiGHS solves
    the program again and the better answer is returned.

    Examples
    --------
    >>> result = minimax([[2.0, -1.0], [-1.0, 1.0]])
    >>> round(result.value, 12), [round(float(p), 12) for p in result.row]
    (0.2, [0.4, 0.6])
    """
    check_normal_form(game, "minimax", "nash")
    if isinstance(game, NormalFormGame):
        if game.payoffs.shape[0] != 2:
            raise InputError(f"minimax needs two players, this game has {game.payoffs.shape[0]}")
        matrix = game.payoffs[0]
    else:
        matrix = np.ascontiguousarray(game, dtype=np.float64)
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise InputError(f"minimax needs a matrix of payoffs, got an array of shape {matrix.shape}")
    m, n = matrix.shape
    chunk = max(_CHUNK // (16 * m * n), 1)
    packed = _solve(matrix, chunk)
    state, pivots, value, regret, span = packed[:5].tolist()
    if state == _REFUSED:
        raise InputError("minimax needs finite payoffs")
    if state == _RUNNING:
        packed = _solve_in_chunks(matrix, chunk, progress)
        state, pivots, value, regret, span = packed[:5].tolist()
    found = Minimax(packed[5 : 5 + m], packed[5 + m :], value, regret, int(pivots), "zero-sum simplex")
    if regret <= _ENOUGH * span:
        return found
    again = _by_highs(matrix)
    return again if again is not None and not again.regret >= found.regret else found


def nash_averaging(game: NormalFormGame, *, tolerance: float = 1e-8) -> Solution:
    """The maximum-entropy Nash equilibrium of a two-player constant-sum game, for ranking its strategies.

    Among all pairs of minimax strategies, the one whose strategies both have the largest entropy: unique, and in a
    symmetric zero-sum game the same for both players. Payoffs against it rate the strategies (Balduzzi, Tuyls, Perolat
    and Graepel 2018, "Re-evaluating evaluation", section 4). Where the equilibrium is unique, adding copies of a
    strategy does not change the ratings.

    Parameters
    ----------
    game : NormalFormGame
        A two-player constant-sum game, such as the table of a tournament.
    tolerance : float
        Largest regret, relative to the payoff span, at which the answer counts as converged.

    Returns
    -------
    Solution
        Concept "nash"; ``stats["ratings"]`` holds the payoff of every strategy of both players against it,
        float64[m + n], ``stats["entropy"]`` both entropies in nats, ``stats["value"]`` the row player's value.

    Raises
    ------
    InputError
        If the game is not a two-player constant-sum game.
    """
    check_normal_form(game, "nash_averaging", "nash")
    from solvers.averaging import max_entropy_pair

    if len(game.shape) != 2 or game.constant_sum() is None:
        raise InputError("Nash averaging needs a two-player constant-sum game, and this is not one")
    started = perf_counter()
    matrix = game.payoffs[0]
    span = float(game.spans[0]) or 1.0
    found = minimax(game)
    low = float(matrix.min())
    row, column, error = max_entropy_pair((matrix - low) / span, (found.value - low) / span)
    profile, method = np.concatenate([row, column]), "maximum-entropy minimax"
    if not error <= max(tolerance, 1e-10):
        # the face of optimal strategies could not be resolved: a minimax pair, without the claim of maximal entropy
        profile, method = np.concatenate([found.row, found.column]), "minimax, entropy not maximised"
    solution = Solution(game, "nash", profile, Status.CONVERGED, method)
    holds = method.startswith("maximum") and solution.certificate.holds(tolerance)
    played = [block[block > 0] for block in game.blocks(profile)]
    stats = {
        "seconds": perf_counter() - started,
        "iterations": found.pivots,
        "value": float(solution.values[0]),
        "entropy": tuple(-float(p @ np.log(p)) + 0.0 for p in played),
        "ratings": game.deviation_payoffs(profile),
    }
    status = Status.CONVERGED if holds else Status.NUMERICAL
    return Solution(game, "nash", profile, status, method, {"tolerance": tolerance}, stats)


@njit(cache=True)
def _begin(matrix: Float) -> tuple[Float, Int, Int]:
    """The tableau with its objective row, the books (basic, nonbasic, place) and the state [status, pivots so far]."""
    m, n = matrix.shape
    table = np.empty((m + 1, n + 1))
    table[:m] = scaled_table(matrix, False, False)
    table[m, :n] = -1.0
    table[m, n] = 0.0
    books = np.empty((3, m + n), dtype=np.int64)
    for k in range(m + n):
        if k < n:
            books[1, k] = k
            books[2, k] = k
        else:
            books[0, k - n] = k
            books[2, k] = ~(k - n)
    return table, books, np.array([_RUNNING, 0])


@njit(cache=True)
def _solve(matrix: Float, pivots: int) -> Float:
    """[status, pivots, value, regret, span, row strategy, column strategy] after up to `pivots` pivots.

    One array, because every object returned costs as much as a pivot of a small game.
    """
    m, n = matrix.shape
    packed = np.zeros(5 + m + n)
    total = 0.0
    for a in range(m):
        for b in range(n):
            total += matrix[a, b] * 0.0
    if total != 0.0:
        packed[0] = _REFUSED  # an infinity or nan times zero is not zero
        return packed
    i, j = _saddle(matrix)
    if i >= 0:
        packed[0], packed[2], packed[4] = _DONE, matrix[i, j], 1.0
        packed[5 + i], packed[5 + m + j] = 1.0, 1.0
        return packed
    table, books, state = _begin(matrix)
    _advance(table, books, state, pivots)
    return _pack(matrix, table, books, state)


@njit(cache=True)
def _saddle(matrix: Float) -> tuple[int, int]:
    """A saddle point in pure strategies, or -1, -1: exact whatever the range of payoffs."""
    m, n = matrix.shape
    most = matrix[0].copy()
    best, where = -np.inf, 0
    for i in range(m):
        least = np.inf
        for j in range(n):
            least = min(least, matrix[i, j])
            most[j] = max(most[j], matrix[i, j])
        if least > best:
            best, where = least, i
    for j in range(n):
        if most[j] == best:
            return where, j
    return -1, -1


def _solve_in_chunks(matrix: Float, pivots: int, progress: Progress | None) -> Float:
    """The same for large games, returning to Python now and then so that it can be interrupted."""
    table, books, state = _begin(matrix)
    while state[0] == _RUNNING:
        _advance(table, books, state, pivots)
        if progress is not None:
            progress(np.nan, f"minimax simplex: {int(state[1]):,} pivots")
    return _pack(matrix, table, books, state)


@njit(cache=True)
def _pack(matrix: Float, table: Float, books: Int, state: Int) -> Float:
    m, n = matrix.shape
    packed = np.zeros(5 + m + n)
    row, column = packed[5 : 5 + m], packed[5 + m :]
    _strategies(table, books, row, column)
    packed[0], packed[1] = state[0], state[1]
    packed[2], packed[3], packed[4] = _facts(matrix, row, column)
    return packed


@njit(cache=True)
def _advance(table: Float, books: Int, state: Int, pivots: int) -> None:
    """Pivot up to `pivots` times: largest objective coefficient in, lexicographic minimum ratio out."""
    m, n = table.shape[0] - 1, table.shape[1] - 1
    tied = np.empty(m, dtype=np.int64)
    source = np.empty(n + 1)
    for _ in range(pivots):
        column, least = -1, -_PRICE
        for j in range(n):
            if table[m, j] < least:
                column, least = j, table[m, j]
        if column < 0:
            state[0] = _DONE
            return
        row = leaving_row(table, m, column, books[2], tied)
        if row < 0:
            state[0] = _STUCK
            return
        exchange(table, row, column, source)
        exchange_ids(books[0], books[1], books[2], row, column)
        state[1] += 1


@njit(**BARE)
def _strategies(table: Float, books: Int, row: Float, column: Float) -> None:
    """Row strategy from the objective row (dual), column strategy from the right-hand side (primal), into zeros."""
    m, n = table.shape[0] - 1, table.shape[1] - 1
    for i in range(m):
        if books[0, i] < n:
            column[books[0, i]] = max(table[i, n], 0.0)
    for j in range(n):
        if books[1, j] >= n:
            row[books[1, j] - n] = max(table[m, j], 0.0)
    for side in (row, column):
        total = side.sum()
        for k in range(side.size):
            side[k] = side[k] / total if total > 0.0 else 1.0 / side.size


@njit(cache=True)
def _facts(matrix: Float, row: Float, column: Float) -> tuple[float, float, float]:
    """Value, larger regret and payoff span at a pair of strategies."""
    m, n = matrix.shape
    against_row = np.zeros(n)
    low, high, best, value = matrix[0, 0], matrix[0, 0], -np.inf, 0.0
    for i in range(m):
        payoffs = matrix[i]
        mine = 0.0
        for j in range(n):
            mine += payoffs[j] * column[j]
            against_row[j] += row[i] * payoffs[j]
            low = min(low, payoffs[j])
            high = max(high, payoffs[j])
        best = max(best, mine)
        value += row[i] * mine
    return value, max(best - value, value - against_row.min()), high - low


def _by_highs(matrix: Float) -> Minimax | None:
    """The same by HiGHS: max v subject to x M >= v on the simplex; None when it does not answer."""
    import highspy

    m, n = matrix.shape
    low, span = float(matrix.min()), float(np.ptp(matrix)) or 1.0
    scaled = (matrix - low) / span
    model = highspy.Highs()
    model.silent()
    for tolerance in ("primal_feasibility_tolerance", "dual_feasibility_tolerance"):
        model.setOptionValue(tolerance, 1e-10)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = m + 1, n + 1
    program.col_cost_ = np.append(np.zeros(m), -1.0)
    program.col_lower_ = np.append(np.zeros(m), -1.0)
    program.col_upper_ = np.full(m + 1, 2.0)
    program.row_lower_ = np.append(np.zeros(n), 1.0)
    program.row_upper_ = np.append(np.full(n, np.inf), 1.0)
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    rows = np.vstack([np.hstack([scaled.T, -np.ones((n, 1))]), np.append(np.ones(m), 0.0)])
    program.a_matrix_.start_ = np.arange(n + 2) * (m + 1)
    program.a_matrix_.index_ = np.tile(np.arange(m + 1), n + 1)
    program.a_matrix_.value_ = rows.ravel()
    model.passModel(program)
    model.run()
    if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    solution = model.getSolution()
    row = np.maximum(np.asarray(solution.col_value)[:m], 0.0)
    column = np.maximum(np.abs(np.asarray(solution.row_dual)[:n]), 0.0)
    if row.sum() <= 0 or column.sum() <= 0:
        return None
    row, column = row / row.sum(), column / column.sum()
    facts = _facts(matrix, row, column)
    return Minimax(row, column, float(facts[0]), float(facts[1]), 0, "zero-sum HiGHS")
