"""Maximum-entropy optimal strategies of a zero-sum matrix: the numerical work behind Nash averaging.

The row player's optimal strategies are the polytope X = {x in the simplex : x M >= v}. Its maximum-entropy point is
x_i proportional to exp(sum_j mu_j M_ij) over the rows that some optimal strategy plays, with mu_j free for columns that
some optimal column strategy plays (x M_j = v on all of X, by complementary slackness) and mu_j >= 0 for the others. A
linear program finds which rows and columns those are; projected, damped Newton steps minimise the dual, log sum exp.
"""

from __future__ import annotations

import numpy as np

from games.simplices import Float

_STEPS = 500
_PATIENCE = 60  # steps without progress before giving up
_FLAT = 1e-13  # dual gradient, in units of the payoff span, at which Newton stops
_AT_ZERO = 1e-10  # a bounded multiplier below this, that should not grow, is put at zero
_LARGEST_SCALE = 1e6  # a row whose largest optimal probability is below one over this may count as unplayed


def max_entropy_pair(matrix: Float, value: float) -> tuple[Float, Float, float]:
    """Maximum-entropy optimal strategies of both players, and the largest violation of their optimality conditions.

    Parameters
    ----------
    matrix : float64[m, n]
        The row player's payoffs, scaled to [0, 1].
    value : float
        The game's value in that scale.
    """
    rows, columns = _played(matrix, value), _played(1.0 - matrix.T, 1.0 - value)
    row, first = _max_entropy(matrix - value, rows, columns)
    column, second = _max_entropy(value - matrix.T, columns, rows)
    return row, column, max(first, second)


def _played(matrix: Float, value: float) -> np.ndarray:
    """Which rows some optimal strategy plays, as a mask.

    One linear program for all (Freund, Roundy and Todd 1985): in the cone over X, maximise sum_i min(x_i, 1); a row that
    can be played can be scaled to reach 1.
    """
    import highspy

    m, n = matrix.shape
    infinity = highspy.kHighsInf
    model = highspy.Highs()
    model.silent()
    for tolerance in ("primal_feasibility_tolerance", "dual_feasibility_tolerance"):
        model.setOptionValue(tolerance, 1e-10)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = 2 * m + 1, n + m + 1
    program.col_cost_ = np.concatenate([np.zeros(m), -np.ones(m), [0.0]])
    program.col_lower_ = np.zeros(2 * m + 1)
    program.col_upper_ = np.concatenate([np.full(m, infinity), np.ones(m), [_LARGEST_SCALE]])
    program.row_lower_ = np.zeros(n + m + 1)
    program.row_upper_ = np.append(np.full(n + m, infinity), 0.0)
    # variables x, t, scale; rows: x (M - v) >= 0 (as sum x = scale), x - t >= 0, sum x - scale = 0
    dense = np.zeros((n + m + 1, 2 * m + 1))
    dense[:n, :m] = (matrix - value).T
    dense[n : n + m, :m] = np.eye(m)
    dense[n : n + m, m : 2 * m] = -np.eye(m)
    dense[n + m, :m] = 1.0
    dense[n + m, 2 * m] = -1.0
    filled = dense != 0.0
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = np.concatenate([[0], np.cumsum(filled.sum(axis=1))])
    program.a_matrix_.index_ = np.nonzero(filled)[1]
    program.a_matrix_.value_ = dense[filled]
    model.passModel(program)
    model.run()
    if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return np.ones(m, dtype=bool)
    reached = np.asarray(model.getSolution().col_value)[m : 2 * m]
    return reached > 0.5 if reached.max() > 0.5 else np.ones(m, dtype=bool)


def _max_entropy(surplus: Float, rows: np.ndarray, columns: np.ndarray) -> tuple[Float, float]:
    """The maximum-entropy x on `rows` with x surplus = 0 on `columns` and >= 0 elsewhere, and its largest violation."""
    payoffs, free = surplus[rows], columns
    weights = np.zeros(surplus.shape[1])
    value, x = _log_partition(payoffs, weights)
    best, best_error, damping, stale = x, np.inf, 1e-3, 0
    for _ in range(_STEPS):
        gradient = x @ payoffs
        held = ~free & (weights <= _AT_ZERO) & (gradient >= 0)
        weights[held], moving = 0.0, ~held
        error = _distance(weights, gradient, free)
        stale = 0 if error < 0.9 * best_error else stale + 1
        if error < best_error:
            best, best_error = x, error
        if error <= _FLAT or stale > _PATIENCE:
            break
        centred = payoffs[:, moving] - gradient[moving]
        hessian = centred.T @ (x[:, None] * centred)
        diagonal = np.arange(hessian.shape[0])
        scale = max(float(hessian.trace()) / hessian.shape[0], 1e-300)
        while damping < 1e12:
            damped = hessian.copy()
            damped[diagonal, diagonal] += damping * scale
            trial = weights.copy()
            trial[moving] -= np.linalg.solve(damped, gradient[moving])
            trial = np.where(free, trial, np.maximum(trial, 0.0))
            trial_value, trial_x = _log_partition(payoffs, trial)
            # near the end the value no longer changes in floating point, and the gradient decides
            level = trial_value <= value + 1e-14
            if trial_value < value or (level and _distance(trial, trial_x @ payoffs, free) < 0.9 * error):
                weights, value, x = trial, trial_value, trial_x
                damping = max(0.1 * damping, 1e-15)
                break
            damping *= 10.0
        else:
            break
    full = np.zeros(surplus.shape[0])
    full[rows] = best
    against = full @ surplus
    return full, max(float(np.abs(against[free]).max(initial=0.0)), -float(against.min()), best_error)


def _distance(weights: Float, gradient: Float, free: np.ndarray) -> float:
    """Largest entry of the projected gradient: the gradient, but no more than what a bounded weight can still fall."""
    return float(np.abs(np.where(free, gradient, np.minimum(gradient, weights))).max(initial=0.0))


def _log_partition(payoffs: Float, weights: Float) -> tuple[float, Float]:
    """log sum_i exp((payoffs @ weights)_i) and its gradient in the exponents, the distribution x."""
    with np.errstate(over="ignore", invalid="ignore"):  # a step far too long has value nan, and is not taken
        exponents = payoffs @ weights
        top = float(exponents.max())
        x = np.exp(exponents - top)
        total = float(x.sum())
        return top + float(np.log(total)), x / total
