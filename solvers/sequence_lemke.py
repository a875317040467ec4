"""Lemke's algorithm on the sequence form: one Nash equilibrium of a two-player tree of any payoffs.

The path starts from a prior (the uniform behaviour strategies, plans x0 and y0). With u rising from 0 to 1, both play

    E x = e u,  F y = f u,  x >= 0,  y >= 0,  and x, y best replies to  y + (1 - u) y0  and  x + (1 - u) x0,

a linear complementarity problem with one free parameter, followed by complementary pivoting until u = 1. Plans are
bounded, so the path cannot run off; ties are broken lexicographically, so it cannot cycle. The equilibrium found is
normal-form perfect when the prior is completely mixed, as here.

The values of information sets are eliminated, and so are the flow equations, by starting at a pure best reply c to the
prior: with K = E_c^-1 E_r for the chosen columns c and the rest r, x_c = E_c^-1 e u - K x_r and the slacks are
w_r = K^T (w_c + g_c) - g_r, g = A (y + (1 - u) y0) being the payoffs of the sequences. What remains is a square tableau
with one row for each action of the game.

References: Koller, Megiddo and von Stengel (1996); von Stengel, van den Elzen and Talman (2002), "Computing normal form
perfect equilibria for extensive two-person games".
"""

from __future__ import annotations

from time import perf_counter
from typing import NamedTuple

import numpy as np
from numba import njit

from games.errors import InputError
from games.simplices import Float, Int
from games.tree import TreeGame
from solvers.pair_payoffs import pair_payoffs, scaled
from solvers.solution import Progress
from solvers.tableau import MIN_PIVOT, TIE, exchange, exchange_ids, leaving_row

LIMIT = 4000
"""Actions, over all information sets, beyond which the dense tableau is refused."""
_CHUNK = 1_000_000_000  # entry updates between returns to Python, about a fifth of a second
_NOISE = (
    1e-9  # entries of an entering column below this are rounding (those of the start are of the order of 1)
)
_TIE = 1e-9  # ratios closer than this are ties; payoffs of a tree repeat, so that ties are the rule
_CHECK = 20  # pivots between two looks at rounding
_DRIFT = 1e-12  # rounding above which the tableau is computed afresh
_RUNNING, _DONE, _STUCK = 0, 1, 2


class SequenceLemke(NamedTuple):
    """Raw result: a behaviour strategy profile, the number of pivots, and whether the path reached its end."""

    behavior: Float
    pivots: int
    converged: bool


def sequence_lemke(
    game: TreeGame,
    prior: Float | None = None,
    max_pivots: int = 10**7,
    *,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> SequenceLemke:
    """Follow the path from a prior to a Nash equilibrium of a two-player game.

    Parameters
    ----------
    game : TreeGame
        Two players, perfect recall, at most `LIMIT` actions over all information sets.
    prior : float64[slots], optional
        Behaviour strategies that the path starts from; uniform by default.
    max_pivots : int
        Stop after this many pivots.
    seconds : float, optional
        Stop after about this time.
    progress : Progress, optional
        Called now and then on long paths.

    Returns
    -------
    SequenceLemke
        If not `converged` the strategies are where the path was left, not an equilibrium.

    Raises
    ------
    InputError
        If the game has not two players, lacks perfect recall or is too large.

    Notes
    -----
    Payoffs are scaled to a span of 1 inside. A pivot costs O(actions^2); there are usually about as many as actions.
    """
    if len(game.players) != 2:
        raise InputError(f"Lemke's algorithm on the sequence form needs two players, not {len(game.players)}")
    game.require_perfect_recall("Lemke's algorithm on the sequence form")
    if game.slots > LIMIT:
        raise InputError(
            f"Lemke's algorithm keeps a dense tableau, for at most {LIMIT:,} actions; this game has {game.slots:,}"
        )
    prior = game.check_behavior(game.uniform() if prior is None else prior)
    if not game.slots:
        return SequenceLemke(prior, 0, True)
    start, chosen, rest = _tableau(game, prior)
    table, n = start.copy(), game.slots
    ids = np.arange(n + 1)
    basic, nonbasic = n + 1 + ids, ids.copy()
    place = np.concatenate([ids, ~ids])
    state = np.array([_RUNNING, n, 0])  # status, which variable enters, pivots so far
    chunk = min(max(_CHUNK // (n + 2) ** 2, 1), _CHECK)
    stop = perf_counter() + (np.inf if seconds is None else seconds)
    while state[0] == _RUNNING and state[2] < max_pivots and perf_counter() < stop:
        _advance(table, basic, nonbasic, place, state, min(chunk, max_pivots - int(state[2])))
        if _drift(start, table, basic, nonbasic) > _DRIFT:
            _refresh(start, table, basic, place)
        if progress is not None:
            progress(np.nan, f"Lemke on the sequence form: {int(state[2]):,} pivots")
    plan = _plan(game, table, basic, chosen, rest)
    return SequenceLemke(_behavior(game, plan), int(state[2]), bool(state[0] == _DONE))


# --- the starting tableau -------------------------------------------------------------------------------------
# Row and column k < slots belong to one action: unchosen ones first (basic w, nonbasic x), then the chosen (basic x,
# nonbasic w). The last column before the right-hand side is u, the last row 1 - u. The order of rows is that of the
# lexicographic perturbation, earlier ones being moved more, and two things depend on it. Slacks come before plans, so
# that ties among best replies to the prior are broken once and for all, and the path cannot return to u = 0. Plans of
# lower information sets come before those of higher ones, so that the perturbed flow into each set is positive, and
# values of sets that are never reached cannot run off to infinity.


class _Side(NamedTuple):
    """One player's part of the start."""

    infosets: Int
    """Information sets, each before those that lead to it."""
    chosen: Int
    """int64[I]: the slot chosen at each of them, a best reply to the prior."""
    rest: Int
    """The player's other slots."""
    inner: Float
    """K float64[I, rest]: how plans of chosen slots give way to the rest."""
    start: Float
    """float64[I]: the plan of the chosen slots per u."""


def _tableau(game: TreeGame, prior: Float) -> tuple[Float, Int, Int]:
    n = game.slots
    plan = _realized(game, prior)
    matrices = []
    for player in range(2):
        found = pair_payoffs(game, scaled(game.payoff[player])[0])
        dense = np.zeros((n + 1, n + 1))  # by slot; the last row and column are the empty sequences
        dense[found.first, found.second] = found.weight
        matrices.append(dense if player == 0 else dense.T)
    sides = [_side(game, i, matrices[i] @ plan) for i in range(2)]
    chosen = np.concatenate([side.chosen for side in sides])
    rest = np.concatenate([side.rest for side in sides])
    table = np.zeros((n + 1, n + 2))
    for i in range(2):
        own, other, payoff = sides[i], sides[1 - i], matrices[i]
        at = len(rest) + sum(len(side.chosen) for side in sides[:i])
        up = sum(len(side.rest) for side in sides[:i])
        across = sum(len(side.rest) for side in sides[: 1 - i])
        choice, others = slice(at, at + len(own.chosen)), slice(up, up + len(own.rest))
        table[choice, others] = own.inner
        table[choice, n] = -own.start
        table[others, choice] = -own.inner.T
        moved = payoff[:, other.rest] - payoff[:, other.chosen] @ other.inner
        table[others, across : across + len(other.rest)] = -_regrets(own, moved)
        prior_payoff = payoff @ plan
        sure = payoff[:, n]
        rising = payoff[:, other.chosen] @ other.start - (prior_payoff - sure)
        table[others, n] = -_regrets(own, rising[:, None])[:, 0]
        table[others, n + 1] = np.maximum(_regrets(own, prior_payoff[:, None])[:, 0], 0.0)
    table[n, n] = table[n, n + 1] = 1.0
    unit = np.empty(n)
    for i in range(2):
        _units(game, matrices[i], sides[i].infosets, unit)
    table[: len(rest)] /= unit[rest][:, None]
    table[:, len(rest) : n] *= unit[chosen]
    start = table[:, n + 1]
    start[start < TIE] = 0.0
    return table, chosen, rest


def _units(game: TreeGame, payoff: Float, infosets: Int, unit: Float) -> None:
    """The size of slacks at each slot, into `unit`: how much chance and payoffs let its information set matter."""
    total = np.abs(payoff).sum(axis=1)
    for h in infosets.tolist():
        block = slice(int(game.offsets[h]), int(game.offsets[h + 1]))
        most = float(total[block].max())
        unit[block] = most if most > 0 else 1.0
        total[game.entry[h]] += most


def _regrets(side: _Side, payoff: Float) -> Float:
    """How much worse each unchosen slot is than the chosen ones, for payoffs by slot in columns."""
    return side.inner.T @ payoff[side.chosen] - payoff[side.rest]


def _realized(game: TreeGame, behavior: Float) -> Float:
    """float64[slots + 1]: the realization plan by slot; the last entry is 1, for the empty sequences."""
    plan = np.append(behavior, 1.0)
    for h in _top_down(game):
        plan[game.offsets[h] : game.offsets[h + 1]] *= plan[game.entry[h]]
    return plan


def _top_down(game: TreeGame) -> Int:
    """Information sets by first appearance in the tree, so that each comes after the one that leads to it."""
    own = np.flatnonzero(game.player >= 0)
    _, first = np.unique(game.infoset[own], return_index=True)
    return game.infoset[own][np.sort(first)]


def _side(game: TreeGame, player: int, payoff: Float) -> _Side:
    """A best reply to payoffs float64[slots + 1] by sequence, and what it makes of the flow equations."""
    order = _top_down(game)[::-1]
    infosets = order[game.owner[order] == player].astype(np.int64)
    number = {int(h): k for k, h in enumerate(infosets)}
    worth = payoff.copy()
    chosen = np.zeros(len(infosets), dtype=np.int64)
    reached = np.zeros((game.slots + 1, len(infosets)))  # by slot: chosen slots that follow it
    for h in infosets.tolist():
        low, high = int(game.offsets[h]), int(game.offsets[h + 1])
        best = low + int(np.argmax(worth[low:high]))
        chosen[number[h]] = best
        worth[game.entry[h]] += worth[best]
        reached[game.entry[h]] += reached[best]
        reached[game.entry[h], number[h]] += 1.0
    mine = np.flatnonzero(game.owner[game.infoset_of_slot] == player)
    rest = np.setdiff1d(mine, chosen)
    of = np.array([number[int(h)] for h in game.infoset_of_slot[rest]], dtype=np.int64)
    inner = reached[chosen[of]].T - reached[rest].T
    inner[of, np.arange(rest.size)] += 1.0
    return _Side(infosets, chosen, rest, inner, reached[-1])


# --- pivoting and reading the answer --------------------------------------------------------------------------


@njit(cache=True)
def _advance(table: Float, basic: Int, nonbasic: Int, place: Int, state: Int, pivots: int) -> None:
    """Pivot up to `pivots` times: the complement of what left comes in, until 1 - u leaves."""
    last = table.shape[0] - 1
    width = table.shape[1] - 1
    tied = np.empty(last + 1, dtype=np.int64)
    source = np.empty(width + 1)
    for _ in range(pivots):
        column = place[state[1]]
        for i in range(last + 1):
            if abs(table[i, column]) < _NOISE:
                table[i, column] = 0.0
        row = leaving_row(table, last + 1, column, place, tied, _TIE)
        if row < 0:
            state[0] = _STUCK
            return
        end = ~place[width + last]  # the row of 1 - u
        if row != end and table[end, column] > MIN_PIVOT:
            ratio = table[row, width] / table[row, column]
            if table[end, width] / table[end, column] <= ratio + _TIE:
                row = end  # at a tie the path has arrived
        left = basic[row]
        exchange(table, row, column, source)
        exchange_ids(basic, nonbasic, place, row, column)
        state[2] += 1
        if left == width + last:
            state[0] = _DONE
            return
        state[1] = left - width if left >= width else left + width


def _drift(start: Float, table: Float, basic: Int, nonbasic: Int) -> float:
    """How well the tableau still solves the starting equations, at one set of values of the nonbasic variables."""
    n = len(basic)
    value = np.empty(2 * n)
    value[nonbasic] = np.cos(np.arange(n))  # neither small nor regular
    value[basic] = table[:, n] - table[:, :n] @ value[nonbasic]
    error = start[:, n] - start[:, :n] @ value[:n] - value[n:]
    return float(np.abs(error).max() / max(np.abs(value).max(), 1.0))


def _refresh(start: Float, table: Float, basic: Int, place: Int) -> None:
    """Compute the tableau of a basis from the starting one, by one block pivot: rows R out, columns C in."""
    n = len(basic)
    entered = np.sort(basic[basic < n])  # C
    left = np.flatnonzero(place[n:] >= 0)  # R
    stayed_out, stayed = np.flatnonzero(place[:n] >= 0), np.flatnonzero(place[n:] < 0)
    sides = np.hstack([start[np.ix_(left, stayed_out)], np.eye(left.size), start[left, n:]])
    inner = np.linalg.solve(start[np.ix_(left, entered)], sides)
    outer = np.hstack(
        [start[np.ix_(stayed, stayed_out)], np.zeros((stayed.size, left.size)), start[stayed, n:]]
    )
    outer -= start[np.ix_(stayed, entered)] @ inner
    columns = np.concatenate([place[stayed_out], place[n + left], [n]])
    table[np.ix_(~place[entered], columns)] = inner
    table[np.ix_(~place[n + stayed], columns)] = outer
    table[:, n] = np.where(np.abs(table[:, n]) < TIE, 0.0, table[:, n])


def _plan(game: TreeGame, table: Float, basic: Int, chosen: Int, rest: Int) -> Float:
    """The basic solution's plan by slot, up to a common factor."""
    n = game.slots
    value = np.zeros(2 * (n + 1))
    value[basic] = table[:, -1]
    k = len(rest)
    plan = np.zeros(n)
    plan[rest] = value[:k]  # initially nonbasic
    plan[chosen] = value[n + 1 + k : 2 * n + 1]  # initially basic
    return np.maximum(plan, 0.0)


def _behavior(game: TreeGame, plan: Float) -> Float:
    """The behaviour strategies of a plan by slot; uniform where it does not lead."""
    sizes = np.diff(game.offsets)
    total = np.repeat(np.add.reduceat(plan, game.offsets[:-1]), sizes)
    spread = np.repeat(1.0 / sizes, sizes)
    return np.where(total > 1e-12, plan / np.where(total > 1e-12, total, 1.0), spread)
