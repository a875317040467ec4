"""`staghunt bench learning`: how many frames our learners need to be as good as a peer's.

For each task both sides train from scratch on the same seeds and are judged at the same cadence, by greedy episodes. The
peer's final return is the interquartile mean over its runs of the mean of their last three evaluations. What counts is
the frames until a run is first nine tenths of the way from the peer's first return to that, in the interquartile mean
over runs. Runs that never get there are counted as ending there for the peer and as never arriving for us.

A whole run takes hours. Every finished training is kept (`train_curves`), so that an interrupted run goes on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from experiments.aggregates import iqm
from experiments.bench.harness import Finding, Row, Setting
from experiments.bench.runner import Bench
from experiments.bench.timing import Sample
from experiments.bench.train import CHECKOUTS, DISTRIBUTIONS
from experiments.bench.train_curves import FOLDER, Task, drawn, tasks
from experiments.bench.train_matches import BENCHMARL, EPYMARL
from experiments.learning_curves import Curve, Passage, passage

_QUICK_SEEDS = (1, 2)
_SHARE = 0.9
_LAST = 3
_NEEDS = {EPYMARL: ("lbforaging",), BENCHMARL: ("benchmarl", "mpe2")}


def every_row() -> list[Row]:
    """One row per task."""
    return [
        Row(task.title, task.peer, _measure(task), target=1.0, needs=_NEEDS[task.peer], quick=True)
        for task in tasks()
    ]


def _measure(task: Task) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        checkout = setting.checkouts.get("epymarl")
        sides = ["ours"]
        if setting.peer and (task.peer != EPYMARL or checkout is not None or _kept(task)):
            sides.append("peer")
        curves: dict[str, list[Curve]] = {side: [] for side in sides}
        spent: dict[str, list[float]] = {side: [] for side in sides}
        for seed in _QUICK_SEEDS if setting.quick else task.seeds:
            for side in sides:
                curve, cpu = drawn(task, side, seed, quick=setting.quick, checkout=checkout)
                curves[side].append(curve)
                spent[side].append(cpu)
        if len(sides) == 1:
            told = f"our final return {final_return(curves['ours']):.3g}; the peer was not trained"
            hint = "; give a checkout by --peer-checkout epymarl=FOLDER" if task.peer == EPYMARL else ""
            return Finding(_mean(spent["ours"]), note=told + hint)
        finding = compared(curves["ours"], curves["peer"], task.note)
        return Finding(
            _mean(spent["ours"]), _mean(spent["peer"]), finding.ratio, pairs=finding.pairs, note=finding.note
        )

    return measure


def compared(ours: Sequence[Curve], theirs: Sequence[Curve], note: str = "") -> Finding:
    """Frames of the peer over ours until nine tenths of the peer's final return."""
    final = final_return(theirs)
    start = float(iqm(np.array([[curve.values[0]] for curve in theirs])))
    threshold = start + _SHARE * (final - start)
    told = f"the peer's return goes from {start:.3g} to {final:.3g}, ours to {final_return(ours):.3g}"
    if final <= start:
        return Finding(right=False, pairs=len(ours), note=f"{told}: the peer has learned nothing; {note}")
    us, them = (
        passage(curves, threshold, np.random.default_rng(0), confidence=0.95, count=2_000)
        for curves in (ours, theirs)
    )
    told += f"; frames to {threshold:.3g}: ours {_frames(us)}, the peer {_frames(them)}"
    ratio = them.lower / us.upper if us.upper > 0 else None
    return Finding(ratio=ratio, pairs=len(ours), note="; ".join(part for part in (told, note) if part))


def final_return(curves: Sequence[Curve]) -> float:
    """Interquartile mean over runs of the mean of their last evaluations."""
    return float(iqm(np.array([[float(np.mean(curve.values[-_LAST:]))] for curve in curves])))


def _frames(told: Passage) -> str:
    if math.isinf(told.upper):
        return f"more than {told.lower:,.0f} ({told.reached} of {told.runs} runs)"
    return f"{told.upper:,.0f} ({told.reached} of {told.runs} runs)"


def _mean(seconds: list[float]) -> Sample:
    return Sample(float(np.mean(seconds)), float(np.mean(seconds)))


def _kept(task: Task, folder: Path = FOLDER) -> bool:
    """Whether the peer's runs lie there from before."""
    return len(list(folder.glob(f"{task.key}-peer-*.json"))) >= len(task.seeds)


BENCH = Bench("learning", lambda: every_row(), DISTRIBUTIONS, packages=("games", "marl"), checkouts=CHECKOUTS)
