"""What `staghunt compare` is asked: which score of a run, on which scale, how sure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from experiments.aggregates import Float
from experiments.comparison.groups import Grouped
from games.errors import InputError

FEWEST_RESAMPLES, MOST_RESAMPLES = 100, 100_000


class Scale(NamedTuple):
    """What becomes 0 and what becomes 1."""

    low: float
    high: float

    def __call__(self, values: Float) -> Float:
        """Scores on this scale."""
        return (values - self.low) / (self.high - self.low)


class Request(NamedTuple):
    """A checked request."""

    metric: str
    at: str
    """last, best, auc or steps."""
    steps: int
    """For `at` steps: where."""
    normalise: tuple[str, ...]
    threshold: float | None
    relative: bool
    """Whether `threshold` is a share of the way from untrained to the best final score."""
    confidence: float
    resamples: int
    seed: int

    @property
    def score(self) -> str:
        """Which number stands for a run, in words."""
        return {
            "last": f"{self.metric} at the last evaluation",
            "best": f"{self.metric} at the best evaluation",
            "auc": f"mean {self.metric} over training (area under the curve)",
            "steps": f"{self.metric} at {self.steps:,} steps",
        }[self.at]


def request(
    metric: str,
    at: str,
    normalise: Sequence[str],
    threshold: str | None,
    confidence: float,
    resamples: int,
    seed: int,
) -> Request:
    """Check what was asked.

    Raises
    ------
    InputError
        If a value is out of range or cannot be read.
    """
    if not 0.0 < confidence < 1.0:
        raise InputError(f"--confidence is a probability between 0 and 1, not {confidence:g}")
    if not FEWEST_RESAMPLES <= resamples <= MOST_RESAMPLES:
        raise InputError(
            f"--bootstrap is a number of resamples from {FEWEST_RESAMPLES} to {MOST_RESAMPLES:,}, not {resamples:,}"
        )
    kind, _, number = at.partition("=")
    where = _at(at, kind, number)
    share, relative = _threshold(threshold)
    return Request(metric, kind, where, tuple(normalise), share, relative, confidence, resamples, seed)


def _at(at: str, kind: str, number: str) -> int:
    if kind == "steps":
        value = _finite(number)
        if value is None or value < 0 or value != int(value):
            raise InputError(f"--at steps=N takes a whole number of environment steps, not {number!r:.40}")
        return int(value)
    if kind not in ("last", "best", "auc") or number or "=" in at:
        raise InputError(f"--at is last, best, auc or steps=N, not {at!r:.40}")
    return 0


def _threshold(text: str | None) -> tuple[float | None, bool]:
    if text is None:
        return None, False
    relative = text.endswith("%")
    value = _finite(text.removesuffix("%"))
    if value is None or (relative and not 0 < value <= 100):
        raise InputError(
            f"--threshold is a score such as 0.8, or a share such as 90% (above 0%, at most 100%), not {text!r:.40}"
        )
    return (value / 100.0, True) if relative else (value, False)


def scales_of(grouped: Grouped, normalise: Sequence[str]) -> dict[str, Scale] | None:
    """The scale of every task; None if scores stay as they are.

    Parameters
    ----------
    grouped : Grouped
        The runs.
    normalise : sequence of str
        `none`; `runs`: the lowest and the highest evaluation of all runs on a task; `MIN,MAX` for all tasks or
        `ENV=MIN,MAX` for one, the latter before the former.

    Raises
    ------
    InputError
        If a scale cannot be read, is empty, is of no task, or is missing for one.
    """
    if not normalise or list(normalise) == ["none"]:
        return None
    if "none" in normalise:
        raise InputError("--normalise none goes with no other --normalise")
    general: list[str] = []
    special: dict[str, Scale] = {}
    for text in normalise:
        env, equals, bounds = text.rpartition("=")
        if not equals:
            general.append(text)
        elif env not in grouped.tasks:
            raise InputError(
                f"--normalise {text}: no run is on {env!r:.80}; the environments are {', '.join(grouped.tasks)}"
            )
        elif env in special:
            raise InputError(f"--normalise gives {env} two scales")
        else:
            special[env] = _scale(bounds, text)
    if len(general) > 1:
        raise InputError(f"--normalise gives two scales for all environments: {general[0]} and {general[1]}")
    scales = {}
    for task in grouped.tasks:
        if task in special:
            scales[task] = special[task]
        elif not general:
            raise InputError(
                f"--normalise has no scale for {task}; add --normalise '{task}=MIN,MAX', or --normalise runs for all others"
            )
        elif general[0] == "runs":
            scales[task] = _from_runs(grouped, task)
        else:
            scales[task] = _scale(general[0], general[0])
    return scales


def _from_runs(grouped: Grouped, task: str) -> Scale:
    values = [v for group in grouped.groups if group.task == task for c in group.curves for v in c.values]
    low, high = float(min(values)), float(max(values))
    if low == high:
        raise InputError(
            f"--normalise runs: all evaluations on {task} are {low:g}, which makes no scale; use --normalise '{task}=MIN,MAX'"
        )
    return _checked(Scale(low, high), "runs")


def _scale(bounds: str, text: str) -> Scale:
    numbers = [_finite(part) for part in bounds.split(",")]
    if len(numbers) != 2 or numbers[0] is None or numbers[1] is None or not numbers[0] < numbers[1]:
        raise InputError(
            f"--normalise is none, runs, MIN,MAX or ENV=MIN,MAX with MIN below MAX, not {text!r:.80}"
        )
    return _checked(Scale(numbers[0], numbers[1]), text)


def _checked(scale: Scale, text: str) -> Scale:
    if not math.isfinite(scale.high - scale.low):
        raise InputError(f"--normalise {text:.80}: the scale is too wide for floating-point numbers")
    return scale


def _finite(text: str) -> float | None:
    try:
        value = float(text.replace("_", "") if text.isascii() else "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
