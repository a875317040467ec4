"""The equilibrium of maximum entropy or of maximum Gini: reductions, the selected point, and its way back to the game."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from games.joint import Joint
from games.normal import NormalFormGame
from games.simplices import Int
from solvers.dominance import expand_index, merge_clones, spread_over_clones, undominated
from solvers.goals import Goal
from solvers.incentives import incentives
from solvers.selection import select
from solvers.solution import Progress, Status


def selected(
    game: NormalFormGame,
    swap: bool,
    goal: Goal,
    sparse: bool,
    tolerance: float,
    *,
    deadline: float | None = None,
    progress: Progress | None = None,
) -> tuple[Joint, dict[str, Any], Status]:
    """The CE (when `swap`, else CCE) that maximises entropy or Gini, what it took, and whether it converged.

    With `sparse` the point is replaced by one of the same payoffs on few profiles (see `sparsify`).
    """
    merged, classes = merge_clones(game)
    reduced, kept = undominated(merged) if swap else (merged, None)
    system = incentives(reduced, swap)
    found = select(system, goal.kind == "gini", tolerance, deadline=deadline, progress=progress)
    x = np.where(found.x > 1e-15, found.x, 0.0)
    x /= x.sum()
    value, sign = goal.of_distribution(x), goal.dual_sign
    stats: dict[str, Any] = {
        "iterations": found.steps,
        "objective_value": value,
        "dual_bound": max(sign(found.dual), value) if found.converged else sign(found.dual),
    }
    cells: Int = np.flatnonzero(x)
    if sparse:
        from solvers.sparsify import sparsify

        cells, probs = sparsify(system, cells, x[cells])
        stats["objective_value"] = goal.of_distribution(probs)
        # one clone stands for its class: a recommendation nobody else's play depends on
        first: list[Int] = [np.unique(label, return_index=True)[1] for label in classes]
        inner = expand_index(cells, reduced.shape, kept, merged.shape)
        index = expand_index(inner, merged.shape, first, game.shape)
    else:
        tensor = np.zeros(merged.profiles)
        tensor[expand_index(cells, reduced.shape, kept, merged.shape)] = x[cells]
        spread = spread_over_clones(tensor.reshape(merged.shape), classes).ravel()
        index = np.flatnonzero(spread)
        probs = spread[index]
    late = deadline is not None and time.perf_counter() >= deadline
    status = Status.CONVERGED if found.converged else Status.BUDGET if late else Status.NUMERICAL
    return Joint.from_indices(index, probs, game.shape), stats, status
