"""The logit system in log-probabilities, evaluated and linearised on the actions that matter.

Unknowns are x = log p (flat, N entries) and lambda. The equations are G(x, lambda) = x - log softmax(lambda u(p)) = 0
(McKelvey and Palfrey 1995; the log-probability form is Turocy 2005). With K = lambda C M P, where M holds the payoffs
u_i(a | j plays b), P = diag(p) and C_i subtracts the mean under player i's response, the derivative of G is
I - K in x and -(u - mean u) in lambda. The column of an action with lambda p ~ 0 vanishes, so the linear system is solved
on the live columns alone and the dead log-probabilities follow by substitution: O(m^3 + N m) for m live actions.

"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from games.simplices import Float, Int
from solvers import qre_interface
from solvers.kernel_options import BARE
from solvers.linear_kernels import lu_factor, lu_solve
from solvers.qre_interface import implements

LIVE = 1e-4  # an action is a column of the Jacobian when lambda * probability exceeds this (payoff span one)
ROUNDING = 2e-15  # noise of the corrector per unit of lambda
NEGLIGIBLE = 1e-19  # an action with less probability is left out of expected payoffs: below rounding


class System(NamedTuple):
    """One game, scaled so that its largest payoff range is one."""

    arena: Float  # [P * prod(A) + 4 * half], each player's payoffs, the player's own axis last; then scratch space
    half: int  # size of the largest contraction of one axis
    strides: Int  # [P, P], stride of player k's action in player i's tensor
    offsets: Int  # [P + 1]


class Work(NamedTuple):
    """What `evaluate` leaves behind, and workspaces."""

    u: Float  # [N] expected payoff of each action
    response: Float  # [N] its logit response
    residual: Float  # [N] G
    slope: Float  # [N] u minus its mean under the response
    lists: Int  # [N] in each player's block, the actions taken into account
    counts: Int  # [P] how many of them
    small: Float  # [N + 1]
    regret: Float  # [1] the largest Nash regret


class Jacobian(NamedTuple):
    """The bordered derivative of G at one point, factored on the live actions."""

    coupling: Float  # [N, N] row per live action: K transposed
    matrix: Float  # [N + 1, N + 1] factors
    pivots: Int  # [N + 1]
    places: Int  # [N] flat index of each live action
    slope: Float  # [N] the lambda column
    live: Int  # [1] how many actions are live


# Kernels index their arrays directly: a view costs numba a reference count, which at these sizes costs more than the work.


@implements(qre_interface.new_work, System)
@njit(cache=True, error_model="numpy")
def new_work(system: System) -> Work:
    """Allocate the workspaces for a system."""
    size, players = system.offsets[-1], system.offsets.size - 1
    u, response, residual, slope = np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    lists, counts = np.empty(size, np.int64), np.empty(players, np.int64)
    return Work(u, response, residual, slope, lists, counts, np.empty(size + 1), np.zeros(1))


@implements(qre_interface.new_jacobian, System)
@njit(cache=True, error_model="numpy")
def new_jacobian(system: System) -> Jacobian:
    """Allocate a Jacobian for a system."""
    size = system.offsets[-1]
    return Jacobian(
        np.empty((size, size)),
        np.empty((size + 1, size + 1)),
        np.empty(size + 1, np.int64),
        np.empty(size, np.int64),
        np.empty(size),
        np.zeros(1, np.int64),
    )


@njit(**BARE)
def select(weights: Float, threshold: float, offsets: Int, lists: Int, counts: Int) -> int:
    """List the actions with weight above `threshold`, each player's heaviest always; returns how many."""
    total = 0
    for i in range(offsets.size - 1):
        start = offsets[i]
        size = offsets[i + 1] - start
        count, heaviest = 0, 0
        for a in range(1, size):
            if weights[start + a] > weights[start + heaviest]:
                heaviest = a
        for a in range(size):
            if weights[start + a] > threshold or a == heaviest:
                lists[start + count] = a
                count += 1
        counts[i] = count
        total += count
    return total


@njit(**BARE, fastmath={"contract"})
def contract_axis(
    arena: Float, where: int, extent: int, p: Float, lists: Int, start: int, count: int, to: int
) -> None:
    """Contract the leading axis of the tensor at arena[where:] with the listed actions into arena[to:to + extent]."""
    for q in range(count):
        b = lists[start + q]
        w, row = p[start + b], where + b * extent
        if q == 0:
            for a in range(extent):
                arena[to + a] = w * arena[row + a]
        else:
            for a in range(extent):
                arena[to + a] += w * arena[row + a]


@njit(**BARE, fastmath={"contract"})
def contract_rest(
    arena: Float, where: int, scratch: int, half: int, strides: Int, i: int, after: int, offsets: Int, p: Float,
    lists: Int, counts: Int,
) -> int:  # fmt: skip
    """Contract the tensor at arena[where:] over all players later than `after` but i, axis by axis from the front.

    Results alternate between arena[scratch:] and arena[scratch + half:]; returns where the last one starts.
    """
    to = scratch
    for k in range(after + 1, counts.size):
        if k == i:
            continue
        contract_axis(arena, where, strides[i, k], p, lists, offsets[k], counts[k], to)
        where = to
        to = 2 * scratch + half - to
    return where


@njit(**BARE)
def expected_payoffs(
    arena: Float, half: int, strides: Int, offsets: Int, p: Float, lists: Int, counts: Int, u: Float
) -> None:
    """u[i, a] = u_i(a, p_-i) over the listed actions of the others; one pass over each tensor."""
    players = offsets.size - 1
    scratch = arena.size - 4 * half
    cells = scratch // players
    for i in range(players):
        start, stop = offsets[i], offsets[i + 1]
        where = (
            contract_rest(arena, i * cells, scratch, half, strides, i, -1, offsets, p, lists, counts) - start
        )
        for a in range(start, stop):
            u[a] = arena[where + a]


@njit(**BARE, fastmath={"contract"})
def assemble(
    arena: Float,
    half: int,
    strides: Int,
    offsets: Int,
    p: Float,
    lam: float,
    lists: Int,
    counts: Int,
    coupling: Float,
) -> None:
    """Coupling K before centring, transposed: row (j, b) of the live columns, entry (i, a) = lam M[ia, jb] p[jb].

    For each player the tensor is contracted from the front over the players before j (the head), and from each of j's
    live slices over the players after j: about twice the work of one pass over the tensor.
    """
    players = offsets.size - 1
    scratch = arena.size - 4 * half
    prefix, cells = scratch + 2 * half, scratch // players
    for i in range(players):
        start, stop = offsets[i], offsets[i + 1]
        final = players - 2 if i == players - 1 else players - 1
        head, to, column = i * cells, prefix, 0
        for j in range(players):
            if j == i:
                for r in range(column, column + counts[j]):
                    for a in range(start, stop):
                        coupling[r, a] = 0.0
                column += counts[j]
                continue
            extent, first = strides[i, j], offsets[j]
            for q in range(counts[j]):
                b = lists[first + q]
                where = head + b * extent
                if j < final:
                    where = contract_rest(
                        arena, where, scratch, half, strides, i, j, offsets, p, lists, counts
                    )
                w = lam * p[first + b]
                for a in range(start, stop):
                    coupling[column + q, a] = w * arena[where + a - start]
            column += counts[j]
            if j < final:
                contract_axis(arena, head, extent, p, lists, first, counts[j], to)
                head = to
                to = 2 * prefix + half - to


@njit(**BARE, fastmath={"contract"})
def centre(coupling: Float, live: int, offsets: Int, response: Float) -> None:
    """Subtract from each block of each live column its mean under that player's logit response."""
    for r in range(live):
        for i in range(offsets.size - 1):
            mean = 0.0
            for a in range(offsets[i], offsets[i + 1]):
                mean += response[a] * coupling[r, a]
            for a in range(offsets[i], offsets[i + 1]):
                coupling[r, a] -= mean


@njit(**BARE)
def respond(
    u: Float, lam: float, offsets: Int, x: Float, p: Float, response: Float, residual: Float, slope: Float
) -> float:
    """Logit response, residual G = x - log response and slope u - mean u; returns the largest regret of a block.

    The residual's mean under the response is second order in the residual, but carries a rounding error of order
    lambda in the one direction that payoffs do not stiffen; it is removed. `x` may be longer than N.
    """
    worst = 0.0
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        top = u[start]
        for a in range(start + 1, stop):
            top = max(top, u[a])
        total = 0.0
        for a in range(start, stop):
            response[a] = np.exp(lam * (u[a] - top))
            total += response[a]
        shift, inverse = np.log(total), 1.0 / total
        mean, regret, drift = 0.0, 0.0, 0.0
        for a in range(start, stop):
            response[a] *= inverse
            mean += response[a] * u[a]
            regret += p[a] * (top - u[a])
            residual[a] = x[a] - lam * (u[a] - top) + shift
            drift += response[a] * residual[a]
        for a in range(start, stop):
            slope[a] = u[a] - mean
            residual[a] -= drift
        worst = max(worst, regret)
    return worst


@njit(**BARE)
def normalise_log(x: Float, offsets: Int, p: Float) -> None:
    """Shift each block of log-probabilities to sum to one, and write the probabilities to `p`."""
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        top = x[start]
        for a in range(start + 1, stop):
            top = max(top, x[a])
        total = 0.0
        for a in range(start, stop):
            p[a] = np.exp(x[a] - top)
            total += p[a]
        shift, inverse = top + np.log(total), 1.0 / total
        for a in range(start, stop):
            x[a] -= shift
            p[a] *= inverse


@implements(qre_interface.evaluate, System)
@njit(**BARE)
def evaluate(system: System, work: Work, z: Float, p: Float) -> None:
    """Everything at z = (x, lambda): normalises x, writes probabilities to `p`; leaves the largest regret in `work`."""
    arena, half, strides, offsets = system
    normalise_log(z, offsets, p)
    select(p, NEGLIGIBLE, offsets, work.lists, work.counts)
    expected_payoffs(arena, half, strides, offsets, p, work.lists, work.counts, work.u)
    work.regret[0] = respond(work.u, z[p.size], offsets, z, p, work.response, work.residual, work.slope)


@implements(qre_interface.nash_regret, System)
@njit(**BARE)
def nash_regret(system: System, work: Work, p: Float) -> float:
    """The largest Nash regret at the evaluated point."""
    return work.regret[0]


@implements(qre_interface.rounding, System)
@njit(**BARE)
def rounding(system: System, work: Work, lam: float) -> float:
    """How far rounding alone moves the corrector."""
    return ROUNDING * lam


@implements(qre_interface.linearise, System)
@njit(**BARE)
def linearise(system: System, work: Work, jacobian: Jacobian, p: Float, lam: float, normal: Float) -> float:
    """Factor the derivative at the evaluated point, bordered by `normal`; returns the determinant's sign."""
    arena, half, strides, offsets = system
    coupling, matrix, places, slope = jacobian.coupling, jacobian.matrix, jacobian.places, jacobian.slope
    lists, counts = work.lists, work.counts
    live = select(p, LIVE / max(lam, 1.0), offsets, lists, counts)
    r = 0
    for i in range(offsets.size - 1):
        for q in range(counts[i]):
            places[r] = offsets[i] + lists[offsets[i] + q]
            r += 1
    assemble(arena, half, strides, offsets, p, lam, lists, counts, coupling)
    centre(coupling, live, offsets, work.response)
    for a in range(p.size):
        slope[a] = work.slope[a]
    for c in range(live):
        place = places[c]
        for r in range(live):
            matrix[r, c] = -coupling[c, places[r]]
        matrix[c, c] += 1.0
        matrix[c, live] = -slope[place]
        matrix[live, c] = normal[place]
    matrix[live, live] = normal[p.size]
    jacobian.live[0] = live
    return lu_factor(matrix, live + 1, jacobian.pivots)


@njit(**BARE, fastmath={"contract"})
def bordered_solve(
    matrix: Float, pivots: Int, coupling: Float, places: Int, slope: Float, live: int, residual: Float, border: float,
    small: Float, step: Float,
) -> None:  # fmt: skip
    """Solve derivative @ step = -residual with the border equal to `border`; step is (dx, dlambda) for all actions."""
    size = residual.size
    for r in range(live):
        small[r] = -residual[places[r]]
    small[live] = border
    lu_solve(matrix, live + 1, pivots, small)
    dlam = small[live]
    for a in range(size):
        step[a] = slope[a] * dlam - residual[a]
    for r in range(live):
        w = small[r]
        if w != 0.0:
            for a in range(size):
                step[a] += w * coupling[r, a]
    step[size] = dlam


@implements(qre_interface.solve_bordered, Jacobian)
@njit(**BARE)
def solve_bordered(jacobian: Jacobian, residual: Float, border: float, small: Float, step: Float) -> None:
    """`bordered_solve` with a factored Jacobian."""
    coupling, matrix, pivots, places, slope, live = jacobian
    bordered_solve(matrix, pivots, coupling, places, slope, live[0], residual, border, small, step)


@implements(qre_interface.subtract_coupling, Jacobian)
@njit(**BARE)
def subtract_coupling(jacobian: Jacobian, dense: Float) -> None:
    """Subtract K from dense[:N, :N]."""
    for r in range(jacobian.live[0]):
        b = jacobian.places[r]
        for a in range(jacobian.slope.size):
            dense[a, b] -= jacobian.coupling[r, a]
