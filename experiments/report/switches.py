"""Where runs of `mansa` call their central policies: while training, and in the best checkpoint of its seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, PercentFormatter

from experiments.plots import new_figure, tidy
from experiments.report.best import Progress, best_checkpoint
from experiments.report.figures import LINES, Picture, colour, picture
from experiments.switch_facts import SwitchFacts, run_switch_facts
from experiments.switch_plots import switch_figure
from experiments.training.runs import Row, Run, read_metrics
from experiments.training.switch_summary import LEARNER, SwitchOutcome, switch_outcome
from games.errors import InputError


class SwitchRow(NamedTuple):
    """What there is to know of a seed's calls: named numbers, None where there is none."""

    seed: int
    fields: list[tuple[str, float | None]]


@dataclass(frozen=True)
class SwitchSection:
    """The section about calls.

    Parameters
    ----------
    curves : Picture or None
        Share of calls while training, and returns of evaluations with the switch and without.
    pictures : list of Picture
        Where the switch of the best seed calls.
    rows : list of SwitchRow
        Of every seed.
    notes : list of str
        What could not be looked at, and why.
    """

    curves: Picture | None
    pictures: list[Picture]
    rows: list[SwitchRow]
    notes: list[str]


def switches_of(run: Run, progress: Progress) -> SwitchSection | None:
    """Look at the calls of a run; None if its learner has no switch.

    Parameters
    ----------
    run : Run
        A run of `staghunt train`.
    progress : callable
        ``progress(fraction, text)``.
    """
    if run.spec.name != LEARNER:
        return None
    lines = {seed: read_metrics(run.folder(seed)) for seed in run.begun}
    rows = [_row(seed, found) for seed in run.begun if (found := switch_outcome(run, seed)) is not None]
    looked, notes = _look(run, progress)
    return SwitchSection(_curves(lines), [_picture(*one) for one in looked], rows, notes)


def _look(run: Run, progress: Progress) -> tuple[list[tuple[int, SwitchFacts]], list[str]]:
    """Where the switch of the seed with the best evaluation calls, and why it cannot be told."""
    from experiments.training.driver import settled

    found = best_checkpoint(run)
    if found is None:
        return [], []
    seed, file = found
    with settled(run.spec.training.threads, "cpu"):
        try:
            return [(seed, run_switch_facts(run, file, progress=progress))], []
        except InputError as error:
            return [], [str(error)]


def _picture(seed: int, facts: SwitchFacts) -> Picture:
    told = [one for one in facts.features if one.information > 0][:3]
    most = ", ".join(f"{one.feature.name} ({one.information:.2g})" for one in told) or "none"
    return picture(
        lambda: switch_figure(facts),
        f"Share of steps in which the switch of seed {seed} calls the central policies, by features of the state, over an "
        f"episode, and by two features; features that tell most: {most}",
        f"Seed {seed}, best evaluation, {facts.episodes:,} episodes. Bars are shares of calls with Wilson's 95 % intervals "
        "of steps taken as independent; the numbers above them count steps. Nats: mutual information of the feature and the "
        f"call, of {facts.entropy:.2g} that there are; features are for the eye, the switch sees the state alone.",
        mathematics=True,  # names were made safe
    )


def _row(seed: int, found: SwitchOutcome) -> SwitchRow:
    told: list[tuple[str, Any]] = [
        ("calls", found.call_fraction),
        ("calls, last tenth", found.call_fraction_last_tenth),
        ("calls, evaluation", found.call_fraction_evaluation),
        ("E2", found.return_independent),
        *((f"samples, {part}", count) for part, count in found.gradient_samples.items()),
        *((f"seconds, {part}", seconds) for part, seconds in found.learn_seconds.items()),
    ]
    return SwitchRow(seed, [(name, value if _is_number(value) else None) for name, value in told])


def _curves(lines: dict[int, list[Row]]) -> Picture | None:
    if not any(_column(rows, "update", "call_fraction")[0].size for rows in lines.values()):
        return None
    return picture(
        lambda: calls_figure(lines),
        f"Share of calls, and returns with the switch and without, against environment steps; {min(len(lines), LINES)} seeds",
        "Left: share of training steps in which the central policies were called, exploration included; points: of "
        "evaluations. Right: mean return of evaluations, solid of the switched team (E1), dashed of its independent "
        "policies alone (E2).",
    )


def calls_figure(lines: dict[int, list[Row]]) -> Figure:
    """Share of calls in training and evaluations, and returns of evaluations with the switch and without.

    Parameters
    ----------
    lines : dict of int to list of dict
        By seed, all its lines; see `experiments.training.runs.read_metrics`.
    """
    figure = new_figure(10.6, 3.8)
    calls, returns = figure.subplots(1, 2)
    shown = list(lines.items())[:LINES]
    for k, (seed, rows) in enumerate(shown):
        paint = colour(k, len(shown))
        calls.plot(
            *_column(rows, "update", "call_fraction"), color=paint, linewidth=1.4, label=f"seed {seed}"
        )
        calls.plot(*_column(rows, "evaluation", "call_fraction"), "o", color=paint, markersize=3.5)
        returns.plot(*_column(rows, "evaluation", "return"), color=paint, linewidth=1.6)
        returns.plot(*_column(rows, "evaluation", "return_independent"), "--", color=paint, linewidth=1.2)
    calls.set_ylabel("share of steps with a call")
    calls.set_ylim(-0.03, 1.05)
    calls.yaxis.set_major_formatter(PercentFormatter(1.0))
    returns.set_ylabel("return")
    for style, label in (("-", "switched (E1)"), ("--", "independent alone (E2)")):
        returns.plot([], [], style, color="0.35", label=label)
    for axes in (calls, returns):
        axes.set_xlabel("environment steps")
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        tidy(axes)
        axes.legend(fontsize=8, framealpha=0.9)
    return figure


def _column(rows: list[Row], kind: str, name: str) -> tuple[Any, Any]:
    """Steps and values of the lines of a kind that have a number of this name."""
    kept = [(r["steps"], r[name]) for r in rows if r.get("kind") == kind and _is_number(r.get(name))]
    steps, values = np.array(kept, dtype=np.float64).reshape(-1, 2).T
    return steps, values


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
