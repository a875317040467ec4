"""Fewer profiles for the same payoffs: a vertex of the equilibria that pay every player the same."""

from __future__ import annotations

import numpy as np

from games.simplices import Float, Int
from solvers.incentives import Incentives


def sparsify(system: Incentives, cells: Int, probs: Float) -> tuple[Int, Float]:
    """An equilibrium on some of `cells` with the same payoffs and at most 1 + P + rows profiles.

    A null-space walk (Caratheodory): while more profiles than tight equations are in use, take a direction that
    keeps the tight rows, the total and every player's payoff, and follow it until a profile's probability
    or another row's slack reaches zero. Rows stay satisfied throughout, payoffs constant.

    Parameters
    ----------
    cells : int64[K]
        Profiles in use.
    probs : float64[K]
        Their probabilities, an equilibrium.

    Returns
    -------
    (int64[K'], float64[K'])
    """
    rows = np.flatnonzero(system.live)
    table = system.matrix(rows, cells)
    fixed = np.vstack([np.ones(cells.size), system.system.payoffs[:, cells]])
    x = probs.copy()
    scale = 1e-12
    tight = np.abs(table @ x) <= scale
    while True:
        used = np.flatnonzero(x > 0)
        equations = np.vstack([fixed[:, used], table[tight][:, used]])
        # any more columns than equations are dependent, so a walk needs no larger piece of the support
        piece = used[: equations.shape[0] + 1]
        direction = _null_vector(equations[:, : piece.size])
        if direction is None:
            if piece.size == used.size:
                break
            piece = used
            direction = _null_vector(equations)
            if direction is None:
                break
        if direction.max() < -direction.min():
            direction = -direction
        falling = direction < 0
        step = float((x[piece][falling] / -direction[falling]).min()) if falling.any() else np.inf
        rise = table[:, piece] @ direction
        slack = -(table @ x)
        climbing = ~tight & (rise > 1e-13)
        step_row = (
            float((np.maximum(slack[climbing], 0.0) / rise[climbing]).min()) if climbing.any() else np.inf
        )
        if step_row < step:
            x[piece] += step_row * direction
            tight |= climbing & (slack <= (step_row * (1 + 1e-9)) * rise + 1e-15)
        else:
            x[piece] += step * direction
            hit = falling & (x[piece] <= 1e-14)
            hit[np.flatnonzero(falling)[np.argmin(x[piece][falling])]] = True
            x[piece[hit]] = 0.0
        x = np.maximum(x, 0.0)
    used = np.flatnonzero(x > 0)
    return cells[used], x[used] / x[used].sum()


def _null_vector(matrix: Float) -> Float | None:
    """A unit vector that `matrix` sends to zero, or None when its columns are independent."""
    _, singular, right = np.linalg.svd(matrix, full_matrices=True)
    if matrix.shape[1] <= singular.size and singular[-1] > 1e-11 * max(1.0, singular[0]):
        return None
    return right[-1]
