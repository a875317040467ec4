"""A linear equilibrium program from payoffs to checked answer in one compiled call, for games small enough for it.

Setting up the arrays of `simplex` from Python takes longer than solving the program of a small game; here the same
pieces (scaling, implied rows, dual simplex, bound) are put together inside the compiled code.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from games.normal import NormalFormGame
from games.simplices import Float, Int
from solvers.goals import Goal
from solvers.incentives import System, add_rows, assemble, row_gains
from solvers.simplex_basis import (
    FULL,
    OPTIMAL,
    PERTURBATION,
    RUNNING,
    SINGULAR,
    Basis,
    Side,
    irregular_into,
    refactor,
)
from solvers.simplex_pivots import advance

ENTRIES = 200_000
"""Payoffs beyond which the work is left to `simplex`, which returns to Python now and then."""
PIVOTS = 5_000_000
"""Times payoffs: pivots in the one call, a small fraction of a second."""
_ROOM = 64
_UNCLEAN = 1e-13  # regrets above this want the polishing that only the general path does


class Whole(NamedTuple):
    """The state of `simplex_basis`, regret and gap on scales of one, the raw bound, and the answer.

    `cells` is int32[K, P], the most probable first; `payoffs` float64[P] are the players'; `basis` int64[2, k] lists the
    basic cells and the tight rows, from where `simplex.maximise` may go on when pivots or room ran out.
    """

    state: int
    pivots: int
    regret: float
    gap: float
    bound: float
    cells: NDArray[np.int32]
    probs: Float
    payoffs: Float
    basis: Int


@njit(cache=True)
def scaled_cost(flat: Float, sign: float, player: int, cost: Float) -> tuple[float, float, float]:
    """The objective in [0, 1] into `cost`; returns its lowest value, its range and the payoff unit these are in.

    `player` -1 means the sum of payoffs. A range within rounding of zero counts as zero, and `cost` is zero then.
    """
    players, cells = flat.shape
    unit = np.finfo(np.float64).tiny
    for i in range(players):
        for j in range(cells):
            unit = max(unit, abs(flat[i, j]))
    cost[:] = 0.0
    for i in range(players):
        if player < 0 or player == i:
            for j in range(cells):
                cost[j] += sign * (flat[i, j] / unit)
    low, high = cost.min(), cost.max()
    width = high - low
    if width <= 1e-14 * max(abs(low), 1e-300):
        cost[:] = 0.0
        return low, 0.0, unit
    for j in range(cells):
        cost[j] = (cost[j] - low) / width
    return low, width, unit


@njit(cache=True)
def first_basis(cost: Float, rows: int, room: int) -> Basis:
    """All mass on the best cell, which is dual feasible."""
    b = Basis(
        np.zeros(4, np.int64),
        np.zeros(room, np.int64),
        np.zeros(room, np.int64),
        np.zeros((room, room)),
        np.zeros(room),
        np.zeros(room),
        cost,
        np.zeros(cost.size),
        np.zeros(cost.size, np.bool_),
        np.zeros(rows + 1),
        np.ones(room),
        np.ones(rows + 1),
    )
    best = int(np.argmax(cost))
    b.tally[0] = 1
    b.cells[0] = best
    b.tight[0] = rows
    b.basic[best] = True
    return b


@njit(cache=True)
def unperturbed(g: System, side: Side, b: Basis, work: Float, exact: Float) -> bool:
    """Price the final basis without the perturbation; False, and the perturbed prices back, where it is not optimal."""
    perturbed = b.cost.copy()
    row = np.empty(exact.size)
    b.cost[:] = exact
    if refactor(g, side, b, work, row):
        good = b.reduced.max() <= 1e-12
        for r in range(b.tally[0]):
            good = good and (b.tight[r] == side.rows or b.duals[r] >= -1e-12)
        if good:
            return True
    b.cost[:] = perturbed
    return refactor(g, side, b, work, row)


@njit(cache=True)
def bound_of(g: System, live: NDArray[np.bool_], b: Basis, cost: Float) -> float:
    """The Lagrangian bound: max over cells of cost - G'y, with the multipliers clipped at zero."""
    k = b.tally[0]
    rows, weights = np.empty(k, np.int64), np.empty(k)
    count = 0
    for r in range(k):
        if b.tight[r] < live.size and live[b.tight[r]] and b.duals[r] > 0.0:
            rows[count], weights[count] = b.tight[r], b.duals[r]
            count += 1
    total = np.zeros(cost.size)
    add_rows(g, rows, weights, count, total)
    top = -np.inf
    for j in range(cost.size):
        top = max(top, cost[j] - total[j])
    return top


@njit(cache=True)
def by_weight(b: Basis) -> tuple[Int, Float]:
    """The basic cells of positive probability and those probabilities summing to one, the largest first."""
    k = b.tally[0]
    cells, probs = np.empty(k, np.int64), np.empty(k)
    count, total = 0, 0.0
    for p in range(k):
        if not b.probs[p] > 1e-15:
            continue
        at = count
        while at > 0 and (
            probs[at - 1] < b.probs[p] or (probs[at - 1] == b.probs[p] and cells[at - 1] > b.cells[p])
        ):
            probs[at], cells[at] = probs[at - 1], cells[at - 1]
            at -= 1
        probs[at], cells[at] = b.probs[p], b.cells[p]
        total += b.probs[p]
        count += 1
    for p in range(count):
        probs[p] /= total
    return cells[:count], probs[:count]


@njit(cache=True)
def solve_whole(flat: Float, offsets: Int, swap: bool, sign: float, player: int, pivots: int) -> Whole:
    """Maximise sign times the player's payoff (-1: the sum of payoffs) over CE when `swap`, else CCE."""
    players, count = flat.shape
    g, live = assemble(flat, offsets, swap)
    exact, cost = np.empty(count), np.empty(count)
    low, width, unit = scaled_cost(flat, sign, player, exact)
    irregular_into(cost)
    for j in range(count):
        cost[j] = exact[j] - PERTURBATION * cost[j] if width > 0.0 else -cost[j]
    rows = live.size
    if width == 0.0:
        exact[:] = cost
    side = Side(rows, np.zeros((0, count)), np.zeros(0), np.zeros(0))
    needed = 2
    for r in range(rows):
        needed += live[r]
    b = first_basis(cost, rows, min(_ROOM, needed))
    work = np.empty(b.inverse.shape)
    state = (
        advance(g, side, live, b, work, pivots) if refactor(g, side, b, work, np.empty(count)) else SINGULAR
    )
    if state == OPTIMAL and not unperturbed(g, side, b, work, exact):
        state = SINGULAR
    cells, probs = by_weight(b)
    gains = np.empty(rows)
    row_gains(g, cells, probs, cells.size, gains)
    regret = 0.0
    for r in range(rows):
        if live[r]:
            regret = max(regret, gains[r])
    bound = bound_of(g, live, b, exact)
    gap = bound
    payoffs = np.zeros(players)
    profile = np.empty((cells.size, players), np.int32)
    for k in range(cells.size):
        gap -= exact[cells[k]] * probs[k]
        for i in range(players):
            payoffs[i] += probs[k] * flat[i, cells[k]]
            profile[k, i] = (cells[k] // g.strides[i]) % g.sizes[i]
    raw = sign * (low + width * max(bound, bound - gap)) * unit
    k = b.tally[0]
    basis = np.empty((2, k), np.int64)
    basis[0], basis[1] = b.cells[:k], b.tight[:k]
    return Whole(state, b.tally[1], regret, gap if width > 0.0 else 0.0, raw, profile, probs, payoffs, basis)


def in_one_call(
    game: NormalFormGame, swap: bool, goal: Goal, tolerance: float
) -> tuple[Whole | None, tuple[Int, Int] | None]:
    """The answer, if this way reached one within tolerance; and the basis to go on from, if it ran out of pivots."""
    flat = game.flat
    if flat.size > ENTRIES:
        return None, None
    player = -1 if goal.player is None else goal.player
    found: Whole = solve_whole(flat, game.offsets, swap, goal.sign, player, max(PIVOTS // flat.size, 20))
    if found.state == OPTIMAL and found.regret <= _UNCLEAN and found.gap <= tolerance:
        return found, None
    return None, (found.basis[0], found.basis[1]) if found.state in (RUNNING, FULL) else None
