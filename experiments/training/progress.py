"""The progress of several seeds as one line."""

from __future__ import annotations

from collections.abc import Callable

from experiments.training.driver import Report
from experiments.training.runs import Run

Progress = Callable[[float, str], None]


class Together:
    """Collects the reports of all seeds and tells how far the whole is.

    Parameters
    ----------
    run : Run
        The run.
    done : dict of int to int
        Steps that seeds had behind them when this sitting began.
    progress : callable
        Told the fraction and the line.
    """

    def __init__(self, run: Run, done: dict[int, int], progress: Progress) -> None:
        self._run, self._progress = run, progress
        self._goal = run.spec.training.steps
        self._steps = {seed: min(done.get(seed, 0), self._goal) for seed in run.seeds}
        self._scores: dict[int, float] = {}
        self._rates: dict[int, float] = {}

    def __call__(self, report: Report) -> None:
        """Take a report in, and tell."""
        self._steps[report.seed] = min(report.steps, self._goal)
        if report.score is not None:
            self._scores[report.seed] = report.score
        self._rates[report.seed] = 0.0 if report.steps >= self._goal else report.rate
        self.tell()

    def ended(self, seed: int) -> None:
        """A seed is no longer trained, whether it reached its end or not."""
        self._rates.pop(seed, None)
        self.tell()

    def tell(self) -> None:
        """The line as it is now: what it is about was said before, so that the figures fit a terminal of 80 columns."""
        total = self._goal * len(self._steps)
        steps, rate = sum(self._steps.values()), sum(self._rates.values())
        parts = [f"{steps:,}/{total:,} steps"]
        if rate > 0:
            parts.append(f"{rate:,.0f} frames/s")
        if self._scores:
            parts.append(f"return {sum(self._scores.values()) / len(self._scores):.4g}")
        if rate > 0:
            parts.append(f"ETA {duration((total - steps) / rate)}")
        if len(self._steps) > 1:
            over = sum(s >= self._goal for s in self._steps.values())
            parts.append(f"{over}/{len(self._steps)} seeds done")
        self._progress(steps / total, ", ".join(parts))


def duration(seconds: float) -> str:
    """A time in two units.

    >>> [duration(s) for s in (0.4, 59, 61, 3700, 200_000)]
    ['0 s', '59 s', '1 min 01 s', '1 h 01 min', '2 d 07 h']
    """
    whole = round(seconds)
    for size, unit, part, small in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part:02d} {small}"
    return f"{whole} s"
