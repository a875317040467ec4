"""Equilibrium programs with HiGHS: the whole matrix at once, or column generation.

Column generation keeps a few profiles in a restricted program with one penalised relaxation of all rows, prices
every profile in one pass over the tensor, and stops on the Lagrangian bound: with multipliers y >= 0 no equilibrium
has more than max_a (w(a) - (G'y)(a)), because probabilities sum to one.
"""

from __future__ import annotations

import math
import time

import numpy as np

from games.simplices import Float, Int
from solvers.incentives import Incentives
from solvers.linear import LinearError, LinearProgram, LinearSolution
from solvers.simplex import INFEASIBLE, OPTIMAL, RUNNING, SINGULAR, Vertex
from solvers.solution import Progress, Status

_BATCH = 200  # profiles added per round
_PRICED = 1e-10  # reduced costs below this count as zero, on a cost scale of about one
_FAILED, _PENALTIES = SINGULAR, (10.0, 1e3, 1e5)

Side = tuple[Float, Float, Float]


def whole(
    system: Incentives, cost: Float, side: Side | None = None, *, deadline: float | None = None
) -> Vertex:
    """Solve with every column in the program (see `simplex.maximise` for the program and the arguments)."""
    program = _program(system, side)
    cells = np.arange(system.cells)
    _add(program, system, side, cells, cost)
    if side is not None and side[1].any():
        free = np.array([math.inf])
        program.add_columns(np.ones(1), -free, free, _free_column(system, side))
    return _finish(system, cells, _solve(program, deadline))


def generated(
    system: Incentives,
    cost: Float,
    *,
    deadline: float | None = None,
    iterations: int | None = None,
    progress: Progress | None = None,
) -> Vertex:
    """Solve by column generation; `iterations` limits the rounds."""
    count = int(system.live.sum())
    chosen = np.zeros(system.cells, dtype=bool)
    chosen[np.argsort(cost)[-_BATCH:]] = True
    cells = np.flatnonzero(chosen)
    for penalty in _PENALTIES:
        program = _program(system, None)
        relaxation = (np.array([0, count]), np.arange(count), np.full(count, -1.0))
        program.add_columns(np.array([-penalty]), np.zeros(1), np.array([math.inf]), _int32(relaxation))
        _add(program, system, None, cells, cost)
        rounds = 0
        while True:
            answer = _solve(program, deadline)
            rounds += 1
            if not isinstance(answer, LinearSolution):
                return _nothing(system, answer)
            reduced = cost - system.transposed(_multipliers(system, answer)) - answer.duals[count]
            spent = answer.status is Status.BUDGET or rounds == iterations
            reduced[chosen] = 0.0
            best = (
                np.argpartition(reduced, -_BATCH)[-_BATCH:]
                if reduced.size > _BATCH
                else np.arange(reduced.size)
            )
            best = np.sort(best[reduced[best] > _PRICED])
            if progress is not None:
                progress(math.nan, f"column generation: round {rounds}, {cells.size} profiles")
            if spent or best.size == 0:
                break
            chosen[best] = True
            cells = np.concatenate([cells, best])
            _add(program, system, None, best, cost)
        relaxed = float(answer.x[0])
        if spent or relaxed <= 1e-10:
            break
    vertex = _finish(system, cells, answer, skip=1)
    state = RUNNING if spent else OPTIMAL if relaxed <= 1e-10 else INFEASIBLE
    return Vertex(vertex.cells, vertex.probs, vertex.multipliers, state, rounds)


def _program(system: Incentives, side: Side | None) -> LinearProgram:
    count = int(system.live.sum())
    bound = np.zeros(0) if side is None else side[2]
    low = np.concatenate([np.full(count, -math.inf), [1.0], np.full(bound.size, -math.inf)])
    return LinearProgram(low, np.concatenate([np.zeros(count), [1.0], bound]))


def _add(program: LinearProgram, system: Incentives, side: Side | None, cells: Int, cost: Float) -> None:
    """Add these profiles as columns: G above, then the mass row, then the side rows."""
    count = int(system.live.sum())
    start, index, value = system.columns(cells)
    tail = (
        np.ones((cells.size, 1))
        if side is None
        else np.column_stack([np.ones(cells.size), side[0][:, cells].T])
    )
    width = tail.shape[1]
    lengths = np.diff(start)
    begin = start.astype(np.int64) + width * np.arange(cells.size + 1)
    where = np.repeat(begin[:-1] - start[:-1], lengths) + np.arange(index.size)
    rows, values = np.empty(begin[-1], dtype=np.int32), np.empty(begin[-1])
    rows[where], values[where] = index, value
    where = (begin[1:, None] - width + np.arange(width)).ravel()
    rows[where], values[where] = np.tile(count + np.arange(width), cells.size), tail.ravel()
    program.add_columns(
        cost[cells],
        np.zeros(cells.size),
        np.full(cells.size, math.inf),
        (begin.astype(np.int32), rows, values),
    )


def _free_column(system: Incentives, side: Side) -> tuple[Int, Int, Float]:
    rows = int(system.live.sum()) + 1 + np.flatnonzero(side[1])
    return _int32((np.array([0, rows.size]), rows, side[1][side[1] != 0]))


def _int32(columns: tuple[Int, Int, Float]) -> tuple[Int, Int, Float]:
    return columns[0].astype(np.int32), columns[1].astype(np.int32), columns[2]


def _solve(program: LinearProgram, deadline: float | None) -> LinearSolution | int:
    left = None if deadline is None else max(deadline - time.perf_counter(), 0.0)
    try:
        return program.solve(seconds=left)
    except LinearError:
        return _FAILED


def _multipliers(system: Incentives, answer: LinearSolution) -> Float:
    weights = np.zeros(system.rows)
    weights[system.live] = np.maximum(answer.duals[: int(system.live.sum())], 0.0)
    return weights


def _finish(system: Incentives, cells: Int, answer: LinearSolution | int, skip: int = 0) -> Vertex:
    if not isinstance(answer, LinearSolution):
        return _nothing(system, answer)
    x = answer.x[skip : skip + cells.size]
    used = np.flatnonzero(x > 1e-12)
    weights = np.concatenate([_multipliers(system, answer), answer.duals[int(system.live.sum()) :]])
    state = RUNNING if answer.status is Status.BUDGET else OPTIMAL
    return Vertex(cells[used], x[used], weights, state, answer.iterations)


def _nothing(system: Incentives, state: int) -> Vertex:
    return Vertex(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(system.rows + 1), state, 0)
