"""The loop that all iterative tree solvers share: advance, measure, report, save, stop.

Measurements happen at fixed iteration counts (geometrically spaced), never at times, so that the same seed stops at
the same iteration on every machine unless `seconds` cuts in; how the work between two measurements is cut into
pieces changes nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from games.errors import InputError
from games.simplices import Float
from games.tree import TreeGame
from solvers.solution import Concept, Progress, Solution, Status

SPACING = 1.15
"""Factor between the iteration counts at which the distance from equilibrium is measured."""
_PIECE = 0.1  # seconds of work between two looks at the clock and the keyboard
_SAVE_EVERY = 5.0  # seconds between checkpoints
_MARGIN = 1.0 - 1e-9
"""The certificate adds the same regrets in another order; a run stops this much inside its tolerance."""

State = dict[str, Any]
"""Everything an engine needs to continue: names to numpy arrays."""


class Engine(Protocol):
    """An iterative method in the middle of its work."""

    iterations: int
    """Iterations done so far."""

    def advance(self, iterations: int) -> None:
        """Do this many more; n then m must leave the same state as n + m."""

    def answer(self) -> Any:
        """The strategy to be judged now: float64[slots] or a `BehaviorMixture`."""

    def state(self) -> State:
        """Copies of all arrays that `restore` needs, under stable names; "iterations" is one of them."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state."""


class Gap(NamedTuple):
    """How far the present answer is from equilibrium."""

    regrets: Float
    """float64[P]: what each player could gain, in payoff units."""
    residual: float | None = None
    """For QRE, the fixed-point residual."""


class Point(NamedTuple):
    """One measurement."""

    iterations: int
    seconds: float
    nash_conv: float
    max_regret: float


def next_check(iterations: int) -> int:
    """The iteration count at which the distance is measured next after `iterations`."""
    return max(iterations + 1, math.ceil(iterations * SPACING))


def play(
    game: TreeGame,
    engine: Engine,
    measure: Callable[[Any], Gap],
    *,
    concept: Concept,
    method: str,
    tolerance: float,
    seconds: float | None = None,
    iterations: int | None = None,
    parameters: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    resume: Mapping[str, Any] | None = None,
    save: Callable[[State], None] | None = None,
) -> Solution:
    """Run an engine until its answer is good enough or a budget is spent.

    Parameters
    ----------
    game, engine, measure
        The game, the method, and how its answers are judged.
    concept, method, parameters
        What the resulting `Solution` says of itself.
    tolerance : float
        Stop when the largest regret is at most this times the payoff span (and the residual, if any, at most this).
    seconds, iterations : optional
        Budgets; iterations count from the very beginning, also after `resume`.
    progress : callable, optional
        Called about ten times a second with the fraction of the budget spent and the distance reached: exploitability
        for Nash equilibria of two-player constant-sum games, else NashConv.
    resume : mapping, optional
        A state that `save` was given; the run continues as if it had never stopped.
    save : callable, optional
        Called with the complete state every few seconds, at the end, and when interrupted between iterations (as by
        a `progress` that raises KeyboardInterrupt).

    Returns
    -------
    Solution
        With ``stats["trace"]``, a list of `Point`, and ``stats["iterations"]``, ``stats["seconds"]``.
    """
    _check_budget(tolerance, seconds, iterations)
    trace: list[Point] = []
    before = 0.0
    if resume is not None:
        engine.restore(resume)
        trace = [Point(int(t), float(s), float(c), float(r)) for t, s, c, r in np.asarray(resume["trace"])]
        before = float(resume["seconds"])
    clock = _Clock(before, seconds)
    span = game.span or 1.0
    keeper = _Keeper(save, engine, trace, clock)
    opposed = concept == "nash" and len(game.players) == 2 and game.constant_sum() is not None
    report = _Report(progress, clock, iterations, trace, opposed)
    status = Status.BUDGET
    try:
        while True:
            due = next_check(trace[-1].iterations if trace else 0)
            _advance(engine, min(due, iterations or due), clock, report, keeper)
            gap = measure(engine.answer())
            worst = float(gap.regrets.max())
            trace.append(Point(engine.iterations, clock.spent(), float(gap.regrets.sum()), worst))
            if worst <= tolerance * _MARGIN * span and (gap.residual is None or gap.residual <= tolerance):
                status = Status.CONVERGED
                break
            if clock.over() or (iterations is not None and engine.iterations >= iterations):
                break
    except KeyboardInterrupt:
        if keeper.steady:  # inside an iteration the arrays may not fit each other
            keeper.save()
        raise
    keeper.save()
    stats = {"iterations": engine.iterations, "seconds": clock.spent(), "trace": trace}
    asked = {"tolerance": tolerance, **(parameters or {})}
    return Solution(game, concept, engine.answer(), status, method, asked, stats)


def _advance(
    engine: Engine,
    until: int,
    clock: _Clock,
    report: _Report,
    keeper: _Keeper,
) -> None:
    """Advance to an iteration count in pieces of about `_PIECE` seconds, or until time is up."""
    piece = 1
    while engine.iterations < until:
        start = time.perf_counter()
        keeper.steady = False
        engine.advance(min(piece, until - engine.iterations))
        keeper.steady = True
        took = time.perf_counter() - start
        if took < 0.5 * _PIECE:
            piece = min(2 * piece if took > 0.05 * _PIECE else 8 * piece, 10_000_000)
        elif took > 2 * _PIECE:
            piece = max(1, piece // 2)
        report(engine.iterations)
        keeper.now_and_then()
        if clock.over():
            return


class _Report(NamedTuple):
    """What `progress` is told."""

    progress: Progress | None
    clock: _Clock
    limit: int | None
    trace: list[Point]
    opposed: bool
    """Whether half of NashConv is the exploitability."""

    def __call__(self, iterations: int) -> None:
        if self.progress is None:
            return
        parts = [self.clock.fraction(), iterations / self.limit if self.limit else math.nan]
        known = [part for part in parts if not math.isnan(part)]
        told = f"{iterations:,} iterations"
        if self.trace and self.opposed:
            told += f", exploitability {self.trace[-1].nash_conv / 2:.3g}"
        if self.trace:
            told += f", NashConv {self.trace[-1].nash_conv:.3g}"
        self.progress(max(known, default=math.nan), told)


class _Keeper:
    """Hands the state to `save`, if there is one, now and then: also between measurements, which grow rare."""

    def __init__(
        self, save: Callable[[State], None] | None, engine: Engine, trace: list[Point], clock: _Clock
    ) -> None:
        self._save, self._engine, self.trace, self._clock = save, engine, trace, clock
        self.steady = True
        self._due = time.perf_counter() + _SAVE_EVERY

    def now_and_then(self) -> None:
        """Save when the last time is long enough ago, so that saving takes a small part of the time."""
        start = time.perf_counter()
        if start >= self._due:
            self.save()
            end = time.perf_counter()
            self._due = end + max(_SAVE_EVERY, 20.0 * (end - start))

    def save(self) -> None:
        """Save now."""
        if self._save is not None:
            rows = np.array([list(point) for point in self.trace], dtype=np.float64).reshape(-1, 4)
            seconds = np.float64(self._clock.spent())
            self._save({**self._engine.state(), "trace": rows, "seconds": seconds})


class _Clock:
    """Seconds spent, also those before a resumed run was stopped."""

    def __init__(self, before: float, limit: float | None) -> None:
        self.start, self.before, self.limit = time.perf_counter(), before, limit

    def spent(self) -> float:
        return self.before + time.perf_counter() - self.start

    def over(self) -> bool:
        return self.limit is not None and time.perf_counter() - self.start >= self.limit

    def fraction(self) -> float:
        if self.limit is None:
            return math.nan
        return min(1.0, (time.perf_counter() - self.start) / self.limit)


def _check_budget(tolerance: float, seconds: float | None, iterations: int | None) -> None:
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise InputError(f"tolerance is a finite number of at least 0, got {tolerance}")
    if tolerance == 0 and seconds is None and iterations is None:
        raise InputError("with tolerance 0 the run needs seconds or iterations to end")
    if seconds is not None and not seconds > 0:
        raise InputError(f"seconds is a positive number, got {seconds}")
    if iterations is not None and iterations < 1:
        raise InputError(f"iterations is at least 1, got {iterations}")
