"""Nash equilibria of a two-player game by enumerating equal-sized supports, small ones first.

For supports I, J of size k the row player's strategy makes the column player indifferent over J and the other way
round; pairs in which an action is conditionally dominated are skipped (Porter, Nudelman and Shoham 2008). Complete for
nondegenerate games. In a degenerate game the linear systems may be singular and what is found is not all there is:
`solvers.vertices` lists the extreme equilibria of those.
"""

from __future__ import annotations

import math
from time import perf_counter
from typing import NamedTuple

import numpy as np
from numba import njit

from games.errors import InputError
from games.normal import NormalFormGame
from games.simplices import Float, Int
from solvers.solution import Progress
from solvers.tableau import scaled_table

_ZERO = 1e-10  # probabilities and payoff differences below this are zero (payoffs are scaled to [1, 2])
_SINGULAR = 1e-12
_CHUNK = 100_000  # support pairs between returns to Python
_LIMIT = 62  # actions of a player, which a bit mask must hold


class SupportEquilibria(NamedTuple):
    """profiles : float64[K, m + n] in order of support size; whether the game showed itself degenerate; whether
    every support pair was tried; how many were."""

    profiles: Float
    degenerate: bool
    complete: bool
    pairs: int


def support_equilibria(
    game: NormalFormGame,
    *,
    first: bool = False,
    seconds: float | None = None,
    iterations: int | None = None,
    progress: Progress | None = None,
) -> SupportEquilibria:
    """Equilibria of a two-player game found by support enumeration.

    Parameters
    ----------
    game : NormalFormGame
        Two players with at most 62 actions each.
    first : bool
        Stop at the first support size that has an equilibrium.
    seconds, iterations : float, int, optional
        Stop after about this time, or this many support pairs (``complete=False``).
    progress : Progress, optional
        Called now and then.

    Notes
    -----
    There are binomial(m + n, m) - 1 pairs of equal size (for m <= n); each costs O(k^3) when nothing is dominated.
    """
    if game.payoffs.shape[0] != 2:
        raise InputError(f"support enumeration needs two players, this game has {game.payoffs.shape[0]}")
    m, n = game.shape
    if max(m, n) > _LIMIT:
        raise InputError(f"support enumeration takes at most {_LIMIT} actions a player, this game is {m}x{n}")
    stop = perf_counter() + (math.inf if seconds is None else seconds)
    budget = math.inf if iterations is None else iterations
    row = np.ascontiguousarray(scaled_table(game.payoffs[0], False, False)[:, :n])
    column = np.ascontiguousarray(scaled_table(game.payoffs[1], False, False)[:, :n])
    found: list[Float] = []
    out = np.empty((256, m + n))
    state = np.zeros(4, dtype=np.int64)  # row support, found in `out`, pairs tried, degenerate
    total = math.comb(m + n, m) - 1
    complete = True
    for size in range(1, min(m, n) + 1):
        state[0] = (1 << size) - 1
        while state[0]:
            if state[2] >= budget or perf_counter() > stop:
                complete = False
                break
            state[1] = 0
            _search(row, column, size, state, out, int(min(_CHUNK, budget - state[2])))
            found.extend(out[: state[1]].copy())
            if state[1] == out.shape[0]:
                out = np.empty((2 * out.shape[0], m + n))
            if progress is not None:
                progress(min(float(state[2]) / total, 1.0), f"supports of size {size}")
        if not complete or (first and found):
            break
    return SupportEquilibria(_distinct(found, m + n), bool(state[3]), complete, int(state[2]))


def _distinct(found: list[Float], width: int) -> Float:
    """Drop repetitions: a degenerate equilibrium is found from several supports."""
    kept: list[Float] = []
    stack = np.empty((len(found), width))
    for profile in found:
        if not kept or np.abs(stack[: len(kept)] - profile).max(axis=1).min() > 1e-8:
            stack[len(kept)] = profile
            kept.append(profile)
    return stack[: len(kept)]


@njit(cache=True)
def _search(row: Float, column: Float, size: int, state: Int, out: Float, budget: int) -> None:
    """Try row supports of `size` from mask `state[0]` on, each with all column supports, until the budget is spent.

    `state[0]` is the next mask to try, 0 when there is none. When `out` fills up, what was found before the current
    row support is handed over and that support is tried again; a support that fills `out` alone needs a larger one.
    """
    m, n = row.shape
    tried = 0
    support, played = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
    candidates, choice = np.empty(n, dtype=np.int64), np.empty(size + 1, dtype=np.int64)
    system = np.empty((size, size + 1))
    x, y = np.empty(size), np.empty(size)
    end = np.int64(1) << m
    while state[0] < end and tried < budget:
        _members(state[0], support)
        mark, before = state[1], state[2]
        count = _undominated(column, support, candidates)
        for t in range(size):
            choice[t] = t
        more = count >= size and not _dominated(row, support, candidates[:count])
        while more:
            for t in range(size):
                played[t] = candidates[choice[t]]
            state[2] += 1
            if not _dominated(row, support, played):
                if state[1] == out.shape[0]:
                    if mark:
                        state[1] = mark
                    state[2] = before
                    return
                _try(row, column, support, played, system, x, y, state, out)
            more = _next_choice(choice, size, count)
        tried += max(state[2] - before, 1)
        state[0] = _next_mask(state[0])
    if state[0] >= end:
        state[0] = 0


@njit(cache=True)
def _members(mask: int, support: Int) -> None:
    count = 0
    action = 0
    while mask:
        if mask & 1:
            support[count] = action
            count += 1
        mask >>= 1
        action += 1


@njit(cache=True)
def _next_mask(mask: int) -> int:
    """The next larger integer with as many ones (Gosper)."""
    lowest = mask & -mask
    ripple = mask + lowest
    return ripple | (((mask ^ ripple) >> 2) // lowest)


@njit(cache=True)
def _next_choice(choice: Int, size: int, count: int) -> bool:
    """Advance an increasing choice of `size` out of `count`; False after the last."""
    t = size - 1
    while t >= 0 and choice[t] == count - size + t:
        t -= 1
    if t < 0:
        return False
    choice[t] += 1
    for s in range(t + 1, size):
        choice[s] = choice[s - 1] + 1
    return True


@njit(cache=True)
def _undominated(column: Float, support: Int, candidates: Int) -> int:
    """Columns that no other column beats on every row of `support`."""
    n = column.shape[1]
    count = 0
    for j in range(n):
        kept = True
        for other in range(n):
            worse = other != j
            for i in support:
                if not worse:
                    break
                worse = column[i, j] + _ZERO < column[i, other]
            if worse:
                kept = False
                break
        if kept:
            candidates[count] = j
            count += 1
    return count


@njit(cache=True)
def _dominated(row: Float, support: Int, played: Int) -> bool:
    """Whether some row of `support` is beaten by another row on every column of `played`."""
    for i in support:
        for other in range(row.shape[0]):
            worse = other != i
            for j in played:
                if not worse:
                    break
                worse = row[i, j] + _ZERO < row[other, j]
            if worse:
                return True
    return False


@njit(cache=True)
def _try(
    row: Float,
    column: Float,
    support: Int,
    played: Int,
    system: Float,
    x: Float,
    y: Float,
    state: Int,
    out: Float,
) -> None:
    """Write the equilibrium with these supports, if there is one, to the end of `out`."""
    if not _equalise(column.T, played, support, system, x, state):
        return
    if not _equalise(row, support, played, system, y, state):
        return
    m = row.shape[0]
    profile = out[state[1]]
    profile[:] = 0.0
    for s in range(support.size):
        profile[support[s]] = max(x[s], 0.0)
        profile[m + played[s]] = max(y[s], 0.0)
    profile[:m] /= profile[:m].sum()
    profile[m:] /= profile[m:].sum()
    state[1] += 1


@njit(cache=True)
def _equalise(payoffs: Float, mine: Int, theirs: Int, system: Float, weights: Float, state: Int) -> bool:
    """Weights >= 0 on the actions `theirs` that make the actions `mine` pay exactly 1 and all others at most 1.

    More best responses than actions played with positive weight: the game is degenerate, and `state[3]` says so.
    """
    size = mine.size
    for s in range(size):
        for t in range(size):
            system[s, t] = payoffs[mine[s], theirs[t]]
        system[s, size] = 1.0
    if not _solve(system, weights):
        return False
    excess = -size
    for s in range(size):
        if weights[s] < -_ZERO:
            return False
        excess += weights[s] <= _ZERO
    for a in range(payoffs.shape[0]):
        payoff = 0.0
        for s in range(size):
            payoff += weights[s] * payoffs[a, theirs[s]]
        if payoff > 1.0 + _ZERO:
            return False
        excess += payoff >= 1.0 - _ZERO
    if excess > 0:
        state[3] = 1
    return True


@njit(cache=True)
def _solve(system: Float, solution: Float) -> bool:
    """Gaussian elimination with partial pivoting on [matrix | right-hand side], in place; False when singular."""
    size = solution.size
    for k in range(size):
        pivot = k
        for i in range(k + 1, size):
            if abs(system[i, k]) > abs(system[pivot, k]):
                pivot = i
        if abs(system[pivot, k]) < _SINGULAR:
            return False
        if pivot != k:
            for j in range(k, size + 1):
                system[k, j], system[pivot, j] = system[pivot, j], system[k, j]
        for i in range(k + 1, size):
            factor = system[i, k] / system[k, k]
            for j in range(k + 1, size + 1):
                system[i, j] -= factor * system[k, j]
    for k in range(size - 1, -1, -1):
        value = system[k, size]
        for j in range(k + 1, size):
            value -= system[k, j] * solution[j]
        solution[k] = value / system[k, k]
    return True
