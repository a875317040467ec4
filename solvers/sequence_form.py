"""Nash equilibria of two-player constant-sum trees by one linear program on the sequence form.

With E x = e, F y = f the flow equations of realization plans x (player 1) and y (player 2), and A the matrix of
expected payoffs by pair of sequences, a maximin plan x solves

    max f q   subject to   F^T q <= A^T x,  E x = e,  x >= 0,

where q are the values of player 2's information sets (in player 1's payoff). The multipliers of the inequalities are
a minimax plan y, so that one program gives both. It has as many variables and constraints as there are sequences and
information sets: linear in the tree, where the strategic form is exponential.

References: Romanovskii (1962); Koller, Megiddo and von Stengel (1994, 1996); von Stengel (1996).
"""

from __future__ import annotations

import math
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from games.errors import InputError
from games.simplices import Float, Int
from games.tree import TreeGame
from solvers.pair_payoffs import PairPayoffs, packed, pair_payoffs, scaled
from solvers.sequences import Sequences, sequences_of
from solvers.solution import Progress, Solution, Status

_GOOD = 1e-10  # regret, relative to the payoff span, above which a second solve is tried


def sequence_form(
    game: TreeGame,
    *,
    tolerance: float = 1e-8,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> Solution:
    """A Nash equilibrium of a two-player constant-sum game: a maximin and a minimax strategy.

    Parameters
    ----------
    game : TreeGame
        Two players, constant-sum, perfect recall.
    tolerance : float
        Largest regret, relative to the payoff span, at which the answer counts as converged.
    seconds : float, optional
        Budget of the linear program; when it runs out the status is BUDGET.
    progress : Progress, optional
        Told the size of the program before it is solved.

    Returns
    -------
    Solution
        Concept "nash" with the behaviour strategy profile float64[slots]. At information sets that a player's own
        moves exclude every action has the same probability. ``stats`` has "seconds", "iterations" (of the simplex
        method) and "value" (player 1's).

    Raises
    ------
    InputError
        If the game has not two players, is not constant-sum, or lacks perfect recall.

    Notes
    -----
    HiGHS's dual simplex method, so the plans are vertices. Payoffs are scaled to a span of 1 and shifted so that the
    most frequent one is 0, which thins the matrix.

    Examples
    --------
    >>> from games import load
    >>> round(float(sequence_form(load("openspiel:kuhn_poker")).values[0]), 12) == round(-1 / 18, 12)
    True
    """
    started = perf_counter()
    check_constant_sum(game)
    if not (math.isfinite(tolerance) and tolerance > 0):
        raise InputError(f"tolerance must be a positive number, got {tolerance}")
    if seconds is not None and not seconds > 0:
        raise InputError(f"seconds is a positive number, got {seconds}")
    form = sequences_of(game)
    if progress is not None:
        progress(math.nan, f"sequence-form program of {form.length:,} sequences")
    behavior, iterations, status = _solve(game, form, seconds)
    solution = Solution(game, "nash", behavior, status, "sequence-form")
    certificate = solution.certificate
    if status is not Status.BUDGET:
        status = Status.CONVERGED if certificate.holds(tolerance) else Status.NUMERICAL
    stats = {
        "seconds": perf_counter() - started,
        "iterations": iterations,
        "value": float(certificate.values[0]),
    }
    return Solution(game, "nash", behavior, status, "sequence-form", {"tolerance": tolerance}, stats)


def check_constant_sum(game: TreeGame) -> None:
    """Raise `InputError` unless the game has two players and constant-sum payoffs."""
    if len(game.players) != 2:
        raise InputError(
            f"the sequence-form program needs two players, this game has {len(game.players)}; "
            "method auto finds an equilibrium of the others"
        )
    if game.constant_sum() is None:
        raise InputError(
            "the sequence-form program needs a constant-sum game, and payoffs of this one do not add up to a constant; "
            "method auto finds an equilibrium of the others"
        )


def _solve(game: TreeGame, form: Sequences, seconds: float | None) -> tuple[Float, int, Status]:
    from solvers.best_response import from_plan, gains
    from solvers.linear import LinearError

    if not game.slots:
        return game.uniform(), 0, Status.CONVERGED
    program = _program(form, _numbered(form, pair_payoffs(game, scaled(game.payoff[0])[0])))
    best, least, iterations, status = game.uniform(), np.inf, 0, Status.NUMERICAL
    for primal in (False, True):  # a second look from the first one's basis, should rounding have spoilt it
        try:
            found = program.solve(seconds=seconds, primal=primal)
        except LinearError:
            continue
        iterations += found.iterations
        behavior = from_plan(game, form, _plans(form, found.x, found.duals))
        regret = float(gains(game, behavior).regrets.max())
        if regret < least:
            best, least, status = behavior, regret, found.status
        if least <= _GOOD * (game.span or 1.0) or found.status is Status.BUDGET:
            break
    return best, iterations, status


def _program(form: Sequences, pairs: PairPayoffs) -> Any:
    """The linear program: columns are player 1's sequences but the empty one, then player 2's information sets.

    Rows are player 1's information sets (flow), then player 2's sequences but the empty one.
    """
    from solvers.linear import LinearProgram

    own, other = _side(form, 0), _side(form, 1)
    m, n = own.sequences, other.sequences
    rows = own.ranks + n
    row, column, value = [], [], []

    def put(r: Int, c: Int, v: Any) -> None:
        row.append(r)
        column.append(c)
        value.append(np.broadcast_to(np.asarray(v, dtype=np.float64), r.shape))

    inner, later = np.flatnonzero(own.before > 0), np.flatnonzero(other.before > 0)
    put(own.rank_of, np.arange(m), 1.0)
    put(inner, own.before[inner] - 1, -1.0)
    put(own.ranks + np.arange(n), m + other.rank_of, 1.0)
    put(own.ranks + other.before[later] - 1, m + later, -1.0)
    both = (pairs.first > 0) & (pairs.second > 0)
    put(own.ranks + pairs.second[both] - 1, pairs.first[both] - 1, -pairs.weight[both])
    high = np.zeros(rows)
    high[: own.ranks] = own.before == 0
    low = np.where(np.arange(rows) < own.ranks, high, -np.inf)
    alone = (pairs.first == 0) & (pairs.second > 0)
    high[own.ranks + pairs.second[alone] - 1] = pairs.weight[alone]
    cost = np.zeros(m + other.ranks)
    alone = (pairs.second == 0) & (pairs.first > 0)
    cost[pairs.first[alone] - 1] = pairs.weight[alone]
    cost[m:] = other.before == 0
    lower = np.where(np.arange(cost.size) < m, 0.0, -np.inf)
    program = LinearProgram(low, high)
    columns = packed(cost.size, np.concatenate(row), np.concatenate(column), np.concatenate(value))
    program.add_columns(cost, lower, np.full(cost.size, np.inf), columns)
    return program


def _numbered(form: Sequences, pairs: PairPayoffs) -> PairPayoffs:
    """The same with each player's sequences numbered from the empty one, 0."""
    number = np.zeros(int((form.slot >= 0).sum()) + 1, dtype=np.int64)
    for player in range(2):
        slots = form.slot[form.starts[player] + 1 : form.starts[player + 1]]
        number[slots] = np.arange(1, slots.size + 1)
    return PairPayoffs(number[pairs.first], number[pairs.second], pairs.weight)


class _Side(NamedTuple):
    """One player's information sets: how many, their sequences, and what leads to them (0 is the empty sequence)."""

    ranks: int
    sequences: int
    before: Int
    rank_of: Int


def _side(form: Sequences, player: int) -> _Side:
    own = slice(int(form.ranks[player]), int(form.ranks[player + 1]))
    ranks = own.stop - own.start
    before = form.before[own] - form.starts[player]
    rank_of = np.repeat(np.arange(ranks), form.size[own])
    return _Side(ranks, rank_of.size, before, rank_of)


def _plans(form: Sequences, x: Float, duals: Float) -> Float:
    """Realization plans of both players, up to rounding, float64[S]."""
    own, other = _side(form, 0), _side(form, 1)
    plan = np.ones(form.length)
    if x.size:
        plan[1 : 1 + own.sequences] = x[: own.sequences]
    if duals.size:
        plan[form.starts[1] + 1 :] = duals[own.ranks : own.ranks + other.sequences]
    return plan
