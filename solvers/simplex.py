"""A dual simplex method for equilibrium LPs that never forms the constraint matrix.

maximise w x + t  subject to  G x <= 0,  E x + (0 or 1) t <= e,  sum x = 1,  x >= 0,  t free.

Putting all mass on the best cell is dual feasible, so there is no first phase. The basis is kept as a working
basis: the k cells in it against k tight rows (all other rows have their slack basic), with an explicit k x k
inverse. Supports of optimal equilibria are small, and a tableau row is one pass over the payoff tensor.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from games.simplices import Float, Int
from solvers.incentives import Incentives
from solvers.simplex_basis import (
    FULL,
    INFEASIBLE,
    OPTIMAL,
    PERTURBATION,
    RUNNING,
    SINGULAR,
    STALLED,
    Basis,
    Side,
    irregular_into,
    refactor,
)
from solvers.simplex_pivots import advance
from solvers.solution import Progress

__all__ = [
    "FULL",
    "INFEASIBLE",
    "OPTIMAL",
    "PERTURBATION",
    "RUNNING",
    "SINGULAR",
    "STALLED",
    "Vertex",
    "irregular",
    "maximise",
]


@dataclass(frozen=True, eq=False)
class Vertex:
    """A basic solution: cells, their probabilities, the multipliers of all rows of G, and how it came about."""

    cells: Int
    probs: Float
    multipliers: Float
    state: int
    pivots: int


def maximise(
    system: Incentives,
    cost: Float,
    side: tuple[Float, Float, Float] | None = None,
    *,
    start: tuple[Sequence[int], Sequence[int]] | None = None,
    room: int = 3000,
    iterations: int | None = None,
    effort: float = math.inf,
    deadline: float | None = None,
    progress: Progress | None = None,
) -> Vertex:
    """Solve the equilibrium program from a dual feasible basis.

    Parameters
    ----------
    system : Incentives
        The rows G.
    cost : float64[cells]
        Scaled to a range of about one. Lowered by less than 1e-9 in a fixed irregular way, against stalling.
    side : (float64[q, cells], float64[q], float64[q]), optional
        Side rows E, the coefficients of t in them, and their bounds.
    start : (cells, rows), optional
        A dual feasible basis (cell -1 is t); all mass on the best cell by default.
    room : int
        Largest working basis allowed.
    iterations : int, optional
        Pivot budget.
    effort : float
        Multiplications (see `_effort`) after which to give up as stalled.
    deadline : float, optional
        `time.perf_counter()` value at which to stop.
    progress : callable, optional
        See `solution.Progress`.
    """
    exact, cost = cost, cost - PERTURBATION * irregular(cost.size)
    matrix, level, bound = side if side is not None else (np.zeros((0, cost.size)), np.zeros(0), np.zeros(0))
    sides = Side(system.rows, matrix, level, bound)
    cells, tight = start if start is not None else ([int(np.argmax(cost))], [system.rows])
    most = min(room, int(system.live.sum()) + 2 + bound.size)
    basis = _basis(cost, cells, tight, system.rows + 1 + bound.size, min(64, most))
    work = np.empty_like(basis.inverse)
    state = RUNNING if refactor(system.system, sides, basis, work, np.empty(cost.size)) else SINGULAR
    share, most_pivots, spent = 100, 20_000 + 20 * most, 0.0
    slice_s = 0.15 if effort == math.inf else 0.03
    while state == RUNNING:
        left = share if iterations is None else min(share, iterations - int(basis.tally[1]))
        begun = time.perf_counter()
        if left <= 0 or (deadline is not None and begun >= deadline):
            break
        if basis.tally[1] > most_pivots or spent > effort:
            state = STALLED
            break
        before = int(basis.tally[1])
        state = advance(system.system, sides, system.live, basis, work, left)
        spent += (int(basis.tally[1]) - before) * _effort(system, int(basis.tally[0]))
        if state == FULL and basis.cells.size < most:
            basis = _grow(basis, min(2 * basis.cells.size, most))
            work = np.empty_like(basis.inverse)
            state = RUNNING
        share = min(10_000, max(10, int(share * slice_s / max(time.perf_counter() - begun, 1e-4))))
        if progress is not None:
            progress(
                math.nan, f"dual simplex: {basis.tally[1]} pivots, {basis.tally[0]} profiles in the basis"
            )
    vertex = _vertex(basis, sides, state)
    if state != OPTIMAL:
        return vertex
    # the same basis priced without the perturbation, where it is optimal for that too
    basis.cost[:] = exact
    if refactor(system.system, sides, basis, work, np.empty(cost.size)):
        k = int(basis.tally[0])
        signed = basis.duals[:k][basis.tight[:k] != system.rows]
        if basis.reduced.max() <= 1e-12 and signed.min(initial=0.0) >= -1e-12:
            return _vertex(basis, sides, state)
    return vertex


def _effort(system: Incentives, k: int) -> float:
    """About how many multiplications a pivot takes with k cells in the basis."""
    rows = k / min(system.shape) if system.system.swap else 2.0 * len(system.shape)
    return system.cells * (3.0 + rows) + 6.0 * k * k + 2.0 * k * sum(system.shape)


def irregular(count: int) -> Float:
    """Fixed numbers in [1/2, 3/2] without linear structure."""
    out = np.empty(count)
    irregular_into(out)
    return out


def _basis(cost: Float, cells: Sequence[int], tight: Sequence[int], rows: int, room: int) -> Basis:
    room = max(room, len(cells))
    basis = Basis(
        np.zeros(4, dtype=np.int64),
        np.zeros(room, dtype=np.int64),
        np.zeros(room, dtype=np.int64),
        np.zeros((room, room)),
        np.zeros(room),
        np.zeros(room),
        cost,
        np.zeros(cost.size),
        np.zeros(cost.size, dtype=np.bool_),
        np.zeros(rows),
        np.ones(room),
        np.ones(rows),
    )
    basis.tally[0] = len(cells)
    basis.cells[: len(cells)] = cells
    basis.tight[: len(tight)] = tight
    basis.basic[[cell for cell in cells if cell >= 0]] = True
    return basis


def _grow(basis: Basis, room: int) -> Basis:
    extra = room - basis.cells.size
    return basis._replace(
        cells=np.pad(basis.cells, (0, extra)),
        tight=np.pad(basis.tight, (0, extra)),
        inverse=np.pad(basis.inverse, ((0, extra), (0, extra))),
        probs=np.pad(basis.probs, (0, extra)),
        duals=np.pad(basis.duals, (0, extra)),
        cell_norm=np.pad(basis.cell_norm, (0, extra), constant_values=1.0),
    )


def _vertex(basis: Basis, side: Side, state: int) -> Vertex:
    k = int(basis.tally[0])
    cells, probs = basis.cells[:k], basis.probs[:k]
    real = cells >= 0
    multipliers = np.zeros(side.rows + 1 + side.bound.size)
    multipliers[basis.tight[:k]] = basis.duals[:k]
    return Vertex(cells[real].copy(), probs[real].copy(), multipliers, state, int(basis.tally[1]))
