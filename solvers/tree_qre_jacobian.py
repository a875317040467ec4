"""The derivative of a tree's agent logit system, assembled by walks to the root and factored.

All derivatives are sums over pairs of a node and one of its ancestors, so that the whole matrix takes one walk to the
root from each node. A move b at J changes u(I, a) through what follows, by
belief(h) P(h a -> k) sigma(b) (V(k b) - V(k)) for k of J below h, and through beliefs, by
belief(h) (V(h a) - u(I, a)) (1[b before h] - sigma(b) 1[J before h]) where J is another player's.

The unknowns of the linear system are log-probabilities relative to each information set's heaviest move. Small systems
are factored densely with pivoting, on the moves that matter; large sparse ones in the order of `solvers.tree_qre_order`
without pivoting, which is checked on a right-hand side each time and falls back on the dense way.
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
from solvers.tree_qre_system import TreeSystem, TreeWork

LIVE = 1e-5  # a move is an unknown of the dense system when it changes some logit by more than this
ACCURATE = 1e-8  # largest relative error of a sparse solution


class TreeJacobian(NamedTuple):
    """The bordered derivative of G at one point, factored."""

    coupling: Float  # [S, S], row per move: lambda du / dx of that move, centred
    matrix: Float  # [F + 1, F + 1] factors, F = S - I
    pivots: Int  # [F + 1]
    places: Int  # [F] which moves are unknowns
    against: Int  # [F] the move of the same information set that each is measured against
    normal: Float  # [S + 1] the border
    slope: Float  # [S]
    live: Int  # [1] how many unknowns
    sparse: Int  # [1] whether the factors are sparse
    trial: Float  # [S + 1]
    offsets: Int  # these are the system's
    home: Int  # [S] information set of each move
    near_start: Int
    near: Int
    later_start: Int
    later: Int


@implements(qre_interface.new_jacobian, TreeSystem)
@njit(cache=True, error_model="numpy")
def new_jacobian(system: TreeSystem) -> TreeJacobian:
    """Allocate a Jacobian for a system."""
    slots = system.offsets[-1]
    free = slots - system.owner.size
    home = np.empty(slots, np.int64)
    for h in range(system.owner.size):
        home[system.offsets[h] : system.offsets[h + 1]] = h
    coupling, matrix = np.zeros((slots, slots)), np.empty((free + 1, free + 1))
    pivots, places, against = np.empty(free + 1, np.int64), np.empty(free, np.int64), np.empty(free, np.int64)
    normal, slope, trial = np.empty(slots + 1), np.empty(slots), np.empty(slots + 1)
    live, sparse = np.zeros(1, np.int64), np.zeros(1, np.int64)
    return TreeJacobian(
        coupling, matrix, pivots, places, against, normal, slope, live, sparse, trial, system.offsets, home,
        system.near_start, system.near, system.later_start, system.later,
    )  # fmt: skip


@njit(**BARE)
def couple_beliefs(system: TreeSystem, work: TreeWork, p: Float, lam: float, coupling: Float) -> None:
    """Write lambda times the derivatives of u that come from beliefs; row per move, O(N depth)."""
    parent, slot, mover, infoset = system.parent, system.slot, system.mover, system.infoset
    offsets, near_start, near = system.offsets, system.near_start, system.near
    players = system.payoff.size // parent.size
    for j in range(offsets.size - 1):
        for b in range(offsets[j], offsets[j + 1]):
            for e in range(near_start[j], near_start[j + 1]):
                for a in range(offsets[near[e]], offsets[near[e] + 1]):
                    coupling[b, a] = 0.0
    for n in range(1, parent.size):
        a, h = slot[n], parent[n]
        if a < 0 or system.impossible[infoset[h]] == 1 or system.several[infoset[h]] == 0:
            continue
        i = mover[h]
        part = lam * work.belief[h] * (work.value[n * players + i] - work.u[a])
        while h > 0:
            b, h = slot[h], parent[h]
            if b >= 0 and mover[h] != i:
                coupling[b, a] += part
    for j in range(offsets.size - 1):
        for e in range(near_start[j], near_start[j + 1]):
            if system.several[near[e]] == 0:
                continue
            for a in range(offsets[near[e]], offsets[near[e] + 1]):
                total = 0.0
                for b in range(offsets[j], offsets[j + 1]):
                    total += coupling[b, a]
                for b in range(offsets[j], offsets[j + 1]):
                    coupling[b, a] -= p[b] * total


@njit(**BARE)
def couple_values(system: TreeSystem, work: TreeWork, p: Float, lam: float, coupling: Float) -> None:
    """Add lambda times the derivatives of u that come from what is played later; O(N depth)."""
    parent, slot, mover = system.parent, system.slot, system.mover
    players = system.payoff.size // parent.size
    for n in range(1, parent.size):
        b, k = slot[n], parent[n]
        if b < 0:
            continue
        chain = lam * p[b]
        c = k
        while c > 0 and chain != 0.0:
            a, h = slot[c], parent[c]
            if a >= 0:
                i = mover[h]
                gain = work.value[n * players + i] - work.value[k * players + i]
                coupling[b, a] += work.belief[h] * chain * gain
            chain *= work.step[c]
            c = h


@njit(**BARE)
def centre(jacobian: TreeJacobian, response: Float, b: int) -> float:
    """Centre a row of the coupling under the response; returns its largest entry."""
    coupling, offsets, near = jacobian.coupling, jacobian.offsets, jacobian.near
    j, most = jacobian.home[b], 0.0
    for e in range(jacobian.near_start[j], jacobian.near_start[j + 1]):
        start, stop = offsets[near[e]], offsets[near[e] + 1]
        mean = 0.0
        for a in range(start, stop):
            mean += response[a] * coupling[b, a]
        for a in range(start, stop):
            coupling[b, a] -= mean
            most = max(most, abs(coupling[b, a]))
    return most


@njit(**BARE)
def choose(system: TreeSystem, jacobian: TreeJacobian, p: Float, response: Float, sparse: bool) -> int:
    """Centre the coupling and list the unknowns: all of them in order if sparse, else those that matter; how many."""
    offsets, places, against = system.offsets, jacobian.places, jacobian.against
    live = 0
    for j in range(offsets.size - 1):
        heaviest = offsets[j]
        for b in range(offsets[j] + 1, offsets[j + 1]):
            if p[b] > p[heaviest]:
                heaviest = b
        position = system.base[j] if sparse else 0
        for b in range(offsets[j], offsets[j + 1]):
            if b == heaviest:
                continue
            most = centre(jacobian, response, b)
            if sparse:
                places[position], against[position] = b, heaviest
                position += 1
                live += 1
            elif most > LIVE:
                places[live], against[live] = b, heaviest
                live += 1
    return live


@njit(**BARE)
def fill_border(jacobian: TreeJacobian) -> None:
    """The last row and column of the matrix: dx = slope dlambda - residual + coupling' w, put into the border."""
    coupling, matrix, normal, slope = jacobian.coupling, jacobian.matrix, jacobian.normal, jacobian.slope
    live, offsets, near = jacobian.live[0], jacobian.offsets, jacobian.near
    for c in range(live):
        b = jacobian.places[c]
        j, across = jacobian.home[b], 0.0
        for e in range(jacobian.near_start[j], jacobian.near_start[j + 1]):
            for a in range(offsets[near[e]], offsets[near[e] + 1]):
                across += normal[a] * coupling[b, a]
        matrix[c, live] = slope[jacobian.against[c]] - slope[b]
        matrix[live, c] = across
    corner = normal[slope.size]
    for a in range(slope.size):
        corner += normal[a] * slope[a]
    matrix[live, live] = corner


@njit(**BARE)
def factor_dense(jacobian: TreeJacobian) -> float:
    """Factor the bordered matrix with pivoting; returns the determinant's sign."""
    coupling, matrix, places, against = (
        jacobian.coupling,
        jacobian.matrix,
        jacobian.places,
        jacobian.against,
    )
    live = jacobian.live[0]
    for c in range(live):
        b = places[c]
        for r in range(live):
            matrix[r, c] = coupling[b, against[r]] - coupling[b, places[r]]
        matrix[c, c] += 1.0
    fill_border(jacobian)
    jacobian.sparse[0] = 0
    return lu_factor(matrix, live + 1, jacobian.pivots)


@njit(**BARE, fastmath={"contract"})
def factor_sparse(system: TreeSystem, jacobian: TreeJacobian) -> float:
    """Factor the bordered matrix within its pattern, unpivoted; returns the determinant's sign."""
    coupling, matrix, against = jacobian.coupling, jacobian.matrix, jacobian.against
    start, later, offsets, near, base = (
        jacobian.later_start,
        jacobian.later,
        system.offsets,
        system.near,
        system.base,
    )
    live = jacobian.live[0]
    for k in range(live):
        matrix[k, k] = 1.0
        for e in range(start[k], start[k + 1]):
            matrix[k, later[e]], matrix[later[e], k] = 0.0, 0.0
    for c in range(live):
        b = jacobian.places[c]
        j = jacobian.home[b]
        for e in range(system.near_start[j], system.near_start[j + 1]):
            i = near[e]
            for q in range(offsets[i + 1] - offsets[i] - 1):
                r = base[i] + q
                matrix[r, c] = coupling[b, against[r]] - coupling[b, jacobian.places[r]]
    fill_border(jacobian)
    jacobian.sparse[0] = 1
    sign = 1.0
    for k in range(live + 1):
        pivot = matrix[k, k]
        if pivot == 0.0 or pivot != pivot:
            return 0.0
        if pivot < 0.0:
            sign = -sign
        inverse = 1.0 / pivot
        matrix[k, k] = inverse
        for e in range(start[k], start[k + 1]):
            r = later[e]
            if matrix[r, k] != 0.0:
                factor = matrix[r, k] * inverse
                matrix[r, k] = factor
                for f in range(start[k], start[k + 1]):
                    matrix[r, later[f]] -= factor * matrix[k, later[f]]
    return sign


@njit(**BARE, fastmath={"contract"})
def solve_sparse(jacobian: TreeJacobian, right: Float) -> None:
    """Overwrite `right` with the solution for factors of `factor_sparse`."""
    matrix, start, later = jacobian.matrix, jacobian.later_start, jacobian.later
    live = jacobian.live[0]
    for k in range(live + 1):
        value = right[k]
        if value != 0.0:
            for e in range(start[k], start[k + 1]):
                right[later[e]] -= matrix[later[e], k] * value
    for k in range(live, -1, -1):
        value = right[k]
        for e in range(start[k], start[k + 1]):
            value -= matrix[k, later[e]] * right[later[e]]
        right[k] = value * matrix[k, k]


@njit(**BARE)
def accurate(jacobian: TreeJacobian, small: Float) -> bool:
    """Whether the sparse factors solve for the tangent."""
    live, size, trial = jacobian.live[0], jacobian.slope.size, jacobian.trial
    for r in range(live):
        small[r] = 0.0
    small[live] = 1.0
    solve_sparse(jacobian, small)
    spread_out(jacobian, small, trial)
    dlam, worst, largest = small[live], 0.0, 1e-300
    for a in range(size):
        trial[a] += jacobian.slope[a] * dlam
        largest = max(largest, abs(trial[a]))
    for r in range(live):
        error = abs(trial[jacobian.places[r]] - trial[jacobian.against[r]] - small[r])
        if not error < np.inf:
            return False
        worst = max(worst, error)
    return worst <= ACCURATE * largest


@njit(**BARE, fastmath={"contract"})
def spread_out(jacobian: TreeJacobian, small: Float, step: Float) -> None:
    """step = coupling' w for the first S entries."""
    coupling, offsets, near = jacobian.coupling, jacobian.offsets, jacobian.near
    for a in range(jacobian.slope.size):
        step[a] = 0.0
    for r in range(jacobian.live[0]):
        w, b = small[r], jacobian.places[r]
        if w == 0.0:
            continue
        j = jacobian.home[b]
        for e in range(jacobian.near_start[j], jacobian.near_start[j + 1]):
            for a in range(offsets[near[e]], offsets[near[e] + 1]):
                step[a] += w * coupling[b, a]


@implements(qre_interface.linearise, TreeSystem)
@njit(**BARE)
def linearise(
    system: TreeSystem, work: TreeWork, jacobian: TreeJacobian, p: Float, lam: float, normal: Float
) -> float:
    """Factor the derivative at the evaluated point, bordered by `normal`; returns the determinant's sign."""
    couple_beliefs(system, work, p, lam, jacobian.coupling)
    couple_values(system, work, p, lam, jacobian.coupling)
    for a in range(p.size):
        jacobian.slope[a], jacobian.normal[a] = work.slope[a], normal[a]
    jacobian.normal[p.size] = normal[p.size]
    sparse = system.base.size > 0
    jacobian.live[0] = choose(system, jacobian, p, work.response, sparse)
    if sparse:
        sign = factor_sparse(system, jacobian)
        if sign != 0.0 and accurate(jacobian, work.small):
            return sign
    return factor_dense(jacobian)


@implements(qre_interface.solve_bordered, TreeJacobian)
@njit(**BARE)
def solve_bordered(jacobian: TreeJacobian, residual: Float, border: float, small: Float, step: Float) -> None:
    """Solve derivative @ step = -residual with the border equal to `border`; step is (dx, dlambda)."""
    live, size = jacobian.live[0], residual.size
    last = border
    for a in range(size):
        last += jacobian.normal[a] * residual[a]
    for r in range(live):
        small[r] = residual[jacobian.against[r]] - residual[jacobian.places[r]]
    small[live] = last
    if jacobian.sparse[0] == 1:
        solve_sparse(jacobian, small)
    else:
        lu_solve(jacobian.matrix, live + 1, jacobian.pivots, small)
    spread_out(jacobian, small, step)
    dlam = small[live]
    for a in range(size):
        step[a] += jacobian.slope[a] * dlam - residual[a]
    step[size] = dlam


@implements(qre_interface.subtract_coupling, TreeJacobian)
@njit(**BARE)
def subtract_coupling(jacobian: TreeJacobian, dense: Float) -> None:
    """Subtract from dense[:S, :S] the derivative of the logit response, on vectors that keep probabilities summing to one."""
    for r in range(jacobian.live[0]):
        b, against = jacobian.places[r], jacobian.against[r]
        for a in range(jacobian.slope.size):
            dense[a, b] -= jacobian.coupling[b, a]
            dense[a, against] += jacobian.coupling[b, a]
