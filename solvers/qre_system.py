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
from solvers.linear_kernels import lu_factor, lu_solve

LIVE = 1e-4  # an action is a column of the Jacobian when lambda * probability exceeds this (payoff span one)
NEGLIGIBLE = 1e-19  # an action with less probability is left out of expected payoffs: below rounding


class System(NamedTuple):
    """One game, scaled so that its largest payoff range is one."""

    tensors: Float  # [P, prod(A)], player i's payoffs with i's own axis last, the other players in order
    strides: Int  # [P, P], element stride of player k's action in player i's tensor
    offsets: Int  # [P + 1]


class Work(NamedTuple):
    """What `evaluate` leaves behind, and workspaces."""

    u: Float  # [N] expected payoff of each action
    response: Float  # [N] its logit response
    residual: Float  # [N] G
    slope: Float  # [N] u minus its mean under the response
    lists: Int  # [N] in each player's block, the actions taken into account
    counts: Int  # [P] how many of them
    buffers: Float  # [2, largest contraction]
    prefix: Float  # [2, largest contraction]
    small: Float  # [N + 1]


class Jacobian(NamedTuple):
    """The bordered derivative of G at one point, factored on the live actions."""

    coupling: Float  # [N, N] row per live action: K transposed
    matrix: Float  # [N + 1, N + 1] factors
    pivots: Int  # [N + 1]
    places: Int  # [N] flat index of each live action
    slope: Float  # [N] the lambda column
    live: Int  # [1] how many actions are live


@njit(cache=True)
def new_work(system: System) -> Work:
    """Allocate the workspaces for a system."""
    size, players = system.offsets[-1], system.offsets.size - 1
    width = 1
    for i in range(players):
        for k in range(players):
            if k != i:
                width = max(width, system.strides[i, k])
    flat = np.empty((4, size))
    lists, counts = np.empty(size, np.int64), np.empty(players, np.int64)
    buffers, prefix = np.empty((2, width)), np.empty((2, width))
    return Work(flat[0], flat[1], flat[2], flat[3], lists, counts, buffers, prefix, np.empty(size + 1))


@njit(cache=True)
def new_jacobian(size: int) -> Jacobian:
    """Allocate a Jacobian of N = `size` actions."""
    return Jacobian(
        np.empty((size, size)),
        np.empty((size + 1, size + 1)),
        np.empty(size + 1, np.int64),
        np.empty(size, np.int64),
        np.empty(size),
        np.zeros(1, np.int64),
    )


@njit(cache=True)
def select(weights: Float, threshold: float, offsets: Int, lists: Int, counts: Int) -> int:
    """List the actions with weight above `threshold`, each player's heaviest always; returns how many."""
    total = 0
    for i in range(offsets.size - 1):
        start = offsets[i]
        size = offsets[i + 1] - start
        count, heaviest = 0, 0
        for a in range(size):
            if weights[start + a] > weights[start + heaviest]:
                heaviest = a
        for a in range(size):
            if weights[start + a] > threshold or a == heaviest:
                lists[start + count] = a
                count += 1
        counts[i] = count
        total += count
    return total


@njit(cache=True, fastmath={"contract"})
def contract_rest(
    source: Float,
    strides: Int,
    skip: int,
    after: int,
    offsets: Int,
    p: Float,
    lists: Int,
    counts: Int,
    buffers: Float,
) -> int:
    """Contract `source` over the listed actions of every player later than `after` except `skip`.

    Axes go one by one from the front, each as updates of long contiguous rows. The result is the head of
    `buffers[k]` for the returned k, or `source` itself when nothing was to contract (-1).
    """
    current = -1
    for k in range(after + 1, counts.size):
        if k == skip:
            continue
        extent = strides[k]
        target = 0 if current != 0 else 1
        origin = source if current < 0 else buffers[current]
        out = buffers[target, :extent]
        start = offsets[k]
        for q in range(counts[k]):
            b = lists[start + q]
            w = p[start + b]
            row = origin[b * extent : (b + 1) * extent]
            if q == 0:
                for a in range(extent):
                    out[a] = w * row[a]
            else:
                for a in range(extent):
                    out[a] += w * row[a]
        current = target
    return current


@njit(cache=True)
def expected_payoffs(system: System, work: Work, p: Float) -> None:
    """u[i, a] = u_i(a, p_-i) over the listed actions of the others; one pass over each tensor."""
    tensors, strides, offsets = system
    u, lists, counts, buffers = work.u, work.lists, work.counts, work.buffers
    for i in range(offsets.size - 1):
        start, size = offsets[i], offsets[i + 1] - offsets[i]
        where = contract_rest(tensors[i], strides[i], i, -1, offsets, p, lists, counts, buffers)
        result = tensors[i] if where < 0 else buffers[where]
        for a in range(size):
            u[start + a] = result[a]


@njit(cache=True, fastmath={"contract"})
def assemble(system: System, work: Work, p: Float, lam: float, coupling: Float) -> None:
    """Coupling K before centring, transposed: row (j, b) of the live columns, entry (i, a) = lam M[ia, jb] p[jb].

    For each player the tensor is contracted from the front over the players before j, kept in `prefix`, and from each
    of j's live slices over the players after j: about twice the work of one pass over the tensor.
    """
    tensors, strides, offsets = system
    lists, counts, buffers, prefix = work.lists, work.counts, work.buffers, work.prefix
    players = offsets.size - 1
    coupling[: counts.sum()] = 0.0
    for i in range(players):
        start, size = offsets[i], offsets[i + 1] - offsets[i]
        head, column = -1, 0
        for j in range(players):
            if j == i:
                column += counts[j]
                continue
            extent, first = strides[i, j], offsets[j]
            current = tensors[i] if head < 0 else prefix[head]
            for q in range(counts[j]):
                b = lists[first + q]
                w = lam * p[first + b]
                piece = current[b * extent : (b + 1) * extent]
                where = contract_rest(piece, strides[i], i, j, offsets, p, lists, counts, buffers)
                result = piece if where < 0 else buffers[where]
                out = coupling[column + q, start : start + size]
                for a in range(size):
                    out[a] = w * result[a]
            column += counts[j]
            if j < players - 1 and not (j == players - 2 and i == players - 1):
                target = 0 if head != 0 else 1
                out = prefix[target, :extent]
                for q in range(counts[j]):
                    b = lists[first + q]
                    w = p[first + b]
                    piece = current[b * extent : (b + 1) * extent]
                    if q == 0:
                        for a in range(extent):
                            out[a] = w * piece[a]
                    else:
                        for a in range(extent):
                            out[a] += w * piece[a]
                head = target


@njit(cache=True, fastmath={"contract"})
def centre(coupling: Float, live: int, offsets: Int, response: Float) -> None:
    """Subtract from each block of each live column its mean under that player's logit response."""
    for r in range(live):
        column = coupling[r]
        for i in range(offsets.size - 1):
            mean = 0.0
            for a in range(offsets[i], offsets[i + 1]):
                mean += response[a] * column[a]
            for a in range(offsets[i], offsets[i + 1]):
                column[a] -= mean


@njit(cache=True)
def respond(system: System, work: Work, x: Float, lam: float) -> float:
    """Logit response, residual G = x - log response and slope u - mean u; returns the largest Nash regret of exp(x).

    The residual's mean under the response is second order in the residual, but carries a rounding error of order
    lambda in the one direction that payoffs do not stiffen; it is removed.
    """
    offsets = system.offsets
    u, response, residual, slope = work.u, work.response, work.residual, work.slope
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
        shift = np.log(total)
        mean, regret, drift = 0.0, 0.0, 0.0
        for a in range(start, stop):
            response[a] /= total
            mean += response[a] * u[a]
            regret += np.exp(x[a]) * (top - u[a])
            residual[a] = x[a] - lam * (u[a] - top) + shift
            drift += response[a] * residual[a]
        for a in range(start, stop):
            slope[a] = u[a] - mean
            residual[a] -= drift
        worst = max(worst, regret)
    return worst


@njit(cache=True)
def normalise_log(x: Float, offsets: Int, p: Float) -> None:
    """Shift each block of log-probabilities to sum to one, and write the probabilities to `p`."""
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        top = x[start]
        for a in range(start + 1, stop):
            top = max(top, x[a])
        total = 0.0
        for a in range(start, stop):
            total += np.exp(x[a] - top)
        shift = top + np.log(total)
        for a in range(start, stop):
            x[a] -= shift
            p[a] = np.exp(x[a])


@njit(cache=True)
def evaluate(system: System, work: Work, z: Float, p: Float) -> float:
    """Everything at z = (x, lambda): normalises x, writes probabilities to `p`; returns the largest Nash regret."""
    size = p.size
    normalise_log(z[:size], system.offsets, p)
    select(p, NEGLIGIBLE, system.offsets, work.lists, work.counts)
    expected_payoffs(system, work, p)
    return respond(system, work, z[:size], z[size])


@njit(cache=True)
def linearise(system: System, work: Work, jacobian: Jacobian, p: Float, lam: float, normal: Float) -> float:
    """Factor the derivative at the evaluated point, bordered by `normal`; returns the determinant's sign."""
    coupling, matrix, places = jacobian.coupling, jacobian.matrix, jacobian.places
    offsets, lists = system.offsets, work.lists
    live = select(p, LIVE / max(lam, 1.0), offsets, lists, work.counts)
    r = 0
    for i in range(offsets.size - 1):
        for q in range(work.counts[i]):
            places[r] = offsets[i] + lists[offsets[i] + q]
            r += 1
    assemble(system, work, p, lam, coupling)
    centre(coupling, live, offsets, work.response)
    for c in range(live):
        column = coupling[c]
        for r in range(live):
            matrix[r, c] = -column[places[r]]
        matrix[c, c] += 1.0
        matrix[c, live] = -work.slope[places[c]]
        matrix[live, c] = normal[places[c]]
    matrix[live, live] = normal[p.size]
    jacobian.slope[:] = work.slope
    jacobian.live[0] = live
    return lu_factor(matrix, live + 1, jacobian.pivots)


@njit(cache=True, fastmath={"contract"})
def solve_bordered(jacobian: Jacobian, residual: Float, border: float, small: Float, step: Float) -> None:
    """Solve derivative @ step = -residual with the border equal to `border`; step is (dx, dlambda) for all actions."""
    size, live = residual.size, jacobian.live[0]
    for r in range(live):
        small[r] = -residual[jacobian.places[r]]
    small[live] = border
    lu_solve(jacobian.matrix, live + 1, jacobian.pivots, small)
    dlam = small[live]
    slope = jacobian.slope
    for a in range(size):
        step[a] = slope[a] * dlam - residual[a]
    for r in range(live):
        w = small[r]
        if w != 0.0:
            column = jacobian.coupling[r]
            for a in range(size):
                step[a] += w * column[a]
    step[size] = dlam
