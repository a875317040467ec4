"""What calls cost in a run of `mansa`: how often they were made, what was learned from, and how long that took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from experiments.training.runs import Row, Run, read_metrics, read_timing

LEARNER = "mansa"
PARTS = ("independent", "central", "switch")
TENTH = 0.1


@dataclass(frozen=True)
class SwitchOutcome:
    """What one seed of a run of `mansa` came to; None where its files do not say.

    Parameters
    ----------
    call_fraction : float or None
        Share of all training steps in which the central policies were called.
    call_fraction_last_tenth : float or None
        Of the last tenth of the steps so far.
    call_fraction_evaluation : float or None
        Of the last evaluation's steps.
    return_independent : float or None
        Mean score of the independent policies alone (E2) in that evaluation.
    gradient_samples : dict of str to int
        Transitions in the batches of each learner's gradient steps, each as often as it was used.
    learn_seconds : dict of str to float
        Wall time that each of them took to learn.
    """

    call_fraction: float | None
    call_fraction_last_tenth: float | None
    call_fraction_evaluation: float | None
    return_independent: float | None
    gradient_samples: dict[str, int]
    learn_seconds: dict[str, float]

    def to_document(self) -> dict[str, Any]:
        """What `train --json` says."""
        return dict(vars(self))


def switch_outcome(run: Run, seed: int) -> SwitchOutcome | None:
    """What a seed's files say; None of runs of other learners."""
    if run.spec.name != LEARNER:
        return None
    folder = run.folder(seed)
    rows = read_metrics(folder)
    updates = [row for row in rows if row.get("kind") == "update"]
    evaluations = [row for row in rows if row.get("kind") == "evaluation"]
    last = evaluations[-1] if evaluations else {}
    steps = updates[-1]["steps"] if updates else 0
    judged = _judged(str(getattr(run.spec.learner, "execution", "switched")), last)
    return SwitchOutcome(
        share_between(updates, 0.0, steps),
        share_between(updates, (1.0 - TENTH) * steps, steps),
        judged[0],
        judged[1],
        gradient_samples(updates),
        learn_seconds(read_timing(folder)),
    )


def share_between(updates: Sequence[Row], start: float, stop: float) -> float | None:
    """Share of steps with a call between two numbers of training steps; a line that is cut counts in part.

    Parameters
    ----------
    updates : sequence of dict
        Lines about updates, see `experiments.training.runs.read_metrics`: each is about the steps since the one before.
    start, stop : float
        Steps.
    """
    calls = steps = 0.0
    before = 0
    for row in updates:
        inside = max(min(row["steps"], stop) - max(before, start), 0.0)
        before = row["steps"]
        if _is_number(row.get("call_fraction")):
            calls, steps = calls + inside * row["call_fraction"], steps + inside
    return calls / steps if steps > 0 else None


def gradient_samples(updates: Sequence[Row]) -> dict[str, int]:
    """Transitions that each learner's gradient steps were taken on, by the lines about updates."""
    return {part: round(_total(updates, f"{part}_samples_per_step", "steps")) for part in PARTS}


def learn_seconds(times: Sequence[Row]) -> dict[str, float]:
    """Wall time that each learner took, by the lines about time."""
    return {part: _total(times, f"learn_{part}", "seconds") for part in PARTS}


def _total(rows: Sequence[Row], name: str, clock: str) -> float:
    """The sum over lines of a rate times what has passed on a clock since the line before."""
    total = before = 0.0
    for row in rows:
        if _is_number(row.get(clock)):
            now = float(row[clock])
            if _is_number(row.get(name)):
                total += row[name] * max(now - before, 0.0)
            before = now
    return total


def _judged(execution: str, last: Row) -> tuple[float | None, float | None]:
    """Share of calls and E2 in an evaluation, also where one of the two teams is judged alone."""
    share, alone = last.get("call_fraction"), last.get("return_independent")
    if execution != "switched" and last:
        share = 1.0 if execution == "central" else 0.0
        alone = last.get("return") if execution == "independent" else None
    return (share if _is_number(share) else None), (alone if _is_number(alone) else None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
