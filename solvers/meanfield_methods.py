"""Methods for mean-field Nash equilibria: fictitious play, fixed points, mirror descent.

All begin with a policy float64[T, X, U], measure its exploitability at every iteration and answer with the least
exploitable one; `solvers.meanfield` says what the terms mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from games.errors import InputError
from games.meanfield import MeanFieldModel
from games.simplices import Float
from solvers import meanfield_kernels as kernels
from solvers.meanfield_loop import ITERATIONS, Budget, iterate
from solvers.meanfield_tables import Crowd, Tables
from solvers.solution import Progress, Solution

_STRIDE = 16.0  # what mirror descent adds to a score at most in its first step, more or less
_PATIENCE = 50  # iterations that it keeps a step for at least


def fictitious_play(
    model: MeanFieldModel,
    *,
    tolerance: float = 1e-3,
    iterations: int | None = ITERATIONS,
    seconds: float | None = None,
    start: Any = None,
    progress: Progress | None = None,
) -> Solution:
    """Respond at each iteration to the mean of all responses so far.

    The mean is that of joint laws: the k-th response enters with weight 1 / (k + 1) by the law of one agent who plays it
    in the present flow. In an empty state all legal actions are alike.

    Parameters
    ----------
    model : MeanFieldModel
        Agents see their state. It converges where being in a crowd is never worth more than being alone (monotone games),
        with exploitability of order 1 / k in continuous time.
    tolerance : float
        Exploitability to reach, relative to `MeanFieldModel.span`.
    iterations, seconds : int, float, optional
        When to stop at the latest.
    start : float64[X, U] or float64[T, X, U], optional
        The first policy; by default all legal actions alike.
    progress : callable, optional
        Told ``(fraction, text)`` now and then.

    Returns
    -------
    Solution
        The least exploitable policy met, as ``strategy`` float64[T, X, U]; ``stats["trace"]`` has the exploitability of
        iterates as a list of `solvers.self_play.Point`.

    References
    ----------
    Perrin et al. (2020), Section 3; with a game whose transitions do not depend on the mean field the iterates are those of
    OpenSpiel's FictitiousPlay.
    """
    return _averaged(
        model,
        "fictitious-play",
        lambda k: 1.0 / (k + 1),
        0.0,
        {},
        start,
        tolerance,
        iterations,
        seconds,
        progress,
    )


def fixed_point(
    model: MeanFieldModel,
    *,
    damping: float = 1.0,
    tolerance: float = 1e-3,
    iterations: int | None = ITERATIONS,
    seconds: float | None = None,
    start: Any = None,
    progress: Progress | None = None,
) -> Solution:
    """Move at each iteration the joint law by a share `damping` in (0, 1] to that of a best response; else as `fictitious_play`.

    Undamped it is the plain fixed-point iteration, which mostly cycles between responses.
    """
    share = _positive("damping", damping, 1.0)
    asked = {"damping": share}
    return _averaged(
        model, "fixed-point", lambda k: share, 0.0, asked, start, tolerance, iterations, seconds, progress
    )


def boltzmann(
    model: MeanFieldModel,
    *,
    temperature: float | None = None,
    damping: float = 0.1,
    tolerance: float = 1e-3,
    iterations: int | None = ITERATIONS,
    seconds: float | None = None,
    start: Any = None,
    progress: Progress | None = None,
) -> Solution:
    """The same with responses softened: actions by exp(best value / temperature).

    It tends to a point where all respond softly, which is an equilibrium only up to what the softness costs, and it gets
    there also in games that are not monotone if the temperature is high enough (Cui and Koeppl, "Approximately solving mean
    field games via entropy-regularized deep reinforcement learning", AISTATS 2021).

    Parameters
    ----------
    temperature : float, optional
        In units of reward; by default `MeanFieldModel.span` / 1000.
    damping : float
        The share in (0, 1] by which the joint law moves.
    model, tolerance, iterations, seconds, start, progress
        As in `fictitious_play`.
    """
    asked = {
        "temperature": _positive(
            "temperature", 1e-3 * (model.span or 1.0) if temperature is None else temperature
        ),
        "damping": _positive("damping", damping, 1.0),
    }
    return _averaged(
        model,
        "boltzmann",
        lambda k: asked["damping"],
        asked["temperature"],
        asked,
        start,
        tolerance,
        iterations,
        seconds,
        progress,
    )


def mirror_descent(
    model: MeanFieldModel,
    *,
    rate: float | None = None,
    tolerance: float = 1e-3,
    iterations: int | None = ITERATIONS,
    seconds: float | None = None,
    start: Any = None,
    progress: Progress | None = None,
) -> Solution:
    """Online mirror descent: actions by exp(rate * sum of their values so far), each in the flow of its iterate.

    Parameters
    ----------
    rate : float, optional
        Step size, in 1/reward units, always the same: the method as published. Too large a step makes iterates swing. By
        default it begins at 16 / `MeanFieldModel.span` and is halved, from the best policy so far, whenever 50 iterations
        have brought no better one.
    model, tolerance, iterations, seconds, start, progress
        As in `fictitious_play`; a start must give every legal action some probability.

    Returns
    -------
    Solution
        As of `fictitious_play`.

    References
    ----------
    Perolat et al. (2021), Algorithm 1; the iterates are those of OpenSpiel's MirrorDescent with ``lr=rate``.
    """
    tables = Tables(model)
    step = _positive("rate", _STRIDE / (model.span or 1.0) if rate is None else rate)
    first = tables.uniform if start is None else tables.checked(start)
    if not (first[:, tables.legal] > 0).all():
        raise InputError(
            f"{model.title}: mirror descent never plays an action again that the start leaves out; give every legal action "
            "some probability"
        )
    descent = _Descent(tables, first, step, rate is None)
    budget = Budget(tolerance, iterations, seconds, progress)
    return iterate(tables, first, descent.move, "mirror-descent", {"rate": rate}, budget)


class _Descent:
    """Scores that policies are the soft-max of, float64[T, X, U]; with a step size that may shrink."""

    def __init__(self, tables: Tables, first: Float, step: float, shrinks: bool) -> None:
        self.tables, self.step, self.shrinks = tables, step, shrinks
        self.scores = np.log(np.where(first > 0, first, 1.0))
        self.kept, self.least = self.scores.copy(), np.inf
        self.tried = self.found = 0  # moves with this step, and how many when it last brought a better policy

    def move(self, k: int, gap: float, crowd: Crowd, policy: Float) -> None:
        """One iteration; back to the best scores so far, with half the step, where half of all moves have brought nothing."""
        self.tried += 1
        if gap < self.least:
            self.kept[:], self.least, self.found = self.scores, gap, self.tried
        elif self.shrinks and self.tried > max(_PATIENCE, 2 * self.found):
            self.scores[:], self.step = self.kept, 0.5 * self.step
            self.tried = self.found = 0
            kernels.soften(self.scores, 1.0, self.tables.legal, policy)
            return
        values, _ = self.tables.valued(crowd, policy)
        kernels.add(self.scores, self.step, values)
        kernels.soften(self.scores, 1.0, self.tables.legal, policy)


def _averaged(
    model: MeanFieldModel,
    method: str,
    weight: Callable[[int], float],
    temperature: float,
    asked: dict[str, Any],
    start: Any,
    *limits: Any,
) -> Solution:
    """Methods that move the joint law towards that of a response."""
    tables = Tables(model)
    first = tables.uniform if start is None else tables.checked(start)
    response = np.empty(tables.shape)

    def move(k: int, gap: float, crowd: Crowd, policy: Float) -> None:
        values, worth = tables.values, tables.worth  # the best ones: the loop has just measured with them
        if temperature > 0:
            kernels.soften(values, 1.0 / temperature, tables.legal, response)
        else:
            kernels.greedy(values, worth, tables.legal, response)
        kernels.mix(weight(k), tables.alone(crowd, response), crowd.nu, tables.legal, policy)

    return iterate(tables, first, move, method, asked, Budget(*limits))


def _positive(name: str, value: float, most: float = np.inf) -> float:
    if not (0 < value <= most and np.isfinite(value)):
        wanted = "a positive number" if np.isinf(most) else f"in (0, {most:g}]"
        raise InputError(f"{name} must be {wanted}, got {value:g}")
    return float(value)
