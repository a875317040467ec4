"""From runs to numbers: one row per algorithm and task, one per algorithm over all tasks, and every pair."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from experiments import aggregates
from experiments.aggregates import Estimate, Float
from experiments.comparison.groups import Group, Grouped
from experiments.comparison.request import Request, Scale
from experiments.learning_curves import Passage, area, at, passage, shared
from games.errors import InputError

FEW = 5
"""With fewer runs than this, percentile intervals are clearly too narrow: on one task with normal or exponential scores,
intervals of 95 % for the interquartile mean held the true one in 72 % of cases with 3 runs, 85 % with 4, 89 % with 5 and
93 % with 20 (`tests/test_aggregates.py` measures some of it)."""
SHOWN = 8
"""So many rows are told where there is a line for all."""


class Row(NamedTuple):
    """One algorithm on one task."""

    group: Group
    scores: Float
    """float64[R], one per seed, on the scale of the comparison."""
    iqm: Estimate
    mean: Estimate
    threshold: float | None
    passage: Passage | None


class Total(NamedTuple):
    """One algorithm over all tasks that every algorithm has."""

    algorithm: str
    scores: Float
    """float64[R, T]; NaN where a task has fewer seeds than another."""
    iqm: Estimate
    median: Estimate
    mean: Estimate
    optimality_gap: Estimate | None
    """None on raw scores, which have no 1 to reach."""


class Pair(NamedTuple):
    """P(better > worse), over the tasks that both have."""

    better: str
    worse: str
    tasks: tuple[str, ...]
    probability: Estimate


class Comparison(NamedTuple):
    """All that `staghunt compare` tells. In a notebook it shows itself."""

    asked: Request
    grouped: Grouped
    scales: dict[str, Scale] | None
    rows: tuple[Row, ...]
    shared_tasks: tuple[str, ...]
    totals: tuple[Total, ...]
    """Empty where scores of several tasks have no common scale, or algorithms no common task."""
    ranks: tuple[Estimate, ...]
    """By algorithm; empty with a single one."""
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...]

    def row(self, algorithm: str, task: str | None = None) -> Row:
        """The row of an algorithm, on a task where there are several.

        Raises
        ------
        InputError
            If there is none, or more than one.
        """
        rows = [
            row for row in self.rows if row.group.algorithm == algorithm and task in (None, row.group.task)
        ]
        if len(rows) != 1:
            known = ", ".join(f"{row.group.algorithm} on {row.group.task}" for row in self.rows)
            what = f"{algorithm!r:.80}" if task is None else f"{algorithm!r:.80} on {task!r:.80}"
            raise InputError(f"there is not one row for {what}; there are {known}")
        return rows[0]

    def __repr__(self) -> str:
        told = "; ".join(
            f"{row.group.algorithm} on {row.group.task}: {row.iqm.value:.4g}" for row in self.rows[:SHOWN]
        )
        return f"Comparison({self.asked.score}; {told}{'; ...' if len(self.rows) > SHOWN else ''})"

    def _repr_html_(self) -> str:
        from experiments.comparison.tables import show
        from experiments.tables import as_html

        return as_html(lambda: show(self))


def compare(grouped: Grouped, asked: Request, scales: dict[str, Scale] | None) -> Comparison:
    """Compute everything but curves and profiles.

    Every estimate draws from a generator of its own with the same seed, so it does not depend on what else is
    compared.

    Parameters
    ----------
    grouped : Grouped
        What `read_runs` returned.
    asked : Request
        Which score, how sure.
    scales : dict or None
        What `scales_of` returned.

    Raises
    ------
    InputError
        If a run has not come as far as the score needs.
    """
    rows = tuple(_row(group, grouped, asked, scales) for group in grouped.groups)
    scores = {(row.group.algorithm, row.group.task): row.scores for row in rows}
    common = tuple(t for t in grouped.tasks if all((a, t) in scores for a in grouped.algorithms))
    one_scale = scales is not None or len(common) == 1
    stacked = {a: aggregates.stacked([scores[a, t] for t in common]) for a in grouped.algorithms if common}
    totals = [_total(a, array, asked, scales is not None) for a, array in stacked.items() if one_scale]
    ranks: list[Estimate] = []
    if len(stacked) > 1:
        ranks = aggregates.mean_ranks(
            list(stacked.values()), fresh_rng(asked), confidence=asked.confidence, count=asked.resamples
        )
    pairs = tuple(_pairs(grouped, scores, asked))
    notes = (*grouped.notes, *_notes(grouped, asked, scales, common, pairs))
    return Comparison(asked, grouped, scales, rows, common, tuple(totals), tuple(ranks), pairs, notes)


def fresh_rng(asked: Request) -> np.random.Generator:
    """A generator for one estimate."""
    return np.random.default_rng(asked.seed)


def _row(group: Group, grouped: Grouped, asked: Request, scales: dict[str, Scale] | None) -> Row:
    scale = None if scales is None else scales[group.task]
    rivals = [other for other in grouped.groups if other.task == group.task]
    raw = scores_of(group, rivals, asked)
    scores = raw if scale is None else scale(raw)
    level, reached = None, None
    if asked.threshold is not None:
        level = threshold_of(rivals, asked.threshold) if asked.relative else asked.threshold
        reached = passage(
            group.curves, level, fresh_rng(asked), confidence=asked.confidence, count=asked.resamples
        )
    column = scores[:, None]
    return Row(
        group,
        scores,
        _estimate(column, aggregates.iqm, asked),
        _estimate(column, aggregates.mean, asked),
        level,
        reached,
    )


def _estimate(scores: Float, statistic: aggregates.Statistic, asked: Request) -> Estimate:
    return aggregates.estimate(
        scores, statistic, fresh_rng(asked), confidence=asked.confidence, count=asked.resamples
    )


def scores_of(group: Group, rivals: Sequence[Group], asked: Request) -> Float:
    """One number per seed, float64[R], as the metric stands.

    Parameters
    ----------
    group : Group
        Whose.
    rivals : sequence of Group
        All on the same task, itself among them: areas are taken over the steps that all of their runs have.
    asked : Request
        Which number.
    """
    if asked.at == "last":
        return np.array([curve.values[-1] for curve in group.curves])
    if asked.at == "best":
        return np.array([curve.values.max() for curve in group.curves])
    if asked.at == "steps":
        for member in group.members:
            first, last = int(member.curve.steps[0]), int(member.curve.steps[-1])
            if not first <= asked.steps <= last:
                raise InputError(
                    f"{member.run.name}, seed {member.seed} was evaluated from step {first:,} to {last:,}, so nothing is "
                    f"known of it at step {asked.steps:,}"
                )
        return np.array([float(at(curve, [asked.steps])[0]) for curve in group.curves])
    first, last = shared([curve for rival in rivals for curve in rival.curves])
    if last <= first:
        raise InputError(
            f"on {group.task} all runs have only the steps from {first:,} to {last:,} in common, so there is no area under "
            "their curves"
        )
    return np.array([area(curve, first, last) for curve in group.curves])


def threshold_of(rivals: Sequence[Group], share: float) -> float:
    """The score that lies `share` of the way from the first evaluations to the best algorithm's last ones.

    The way begins at the mean of all runs' first evaluations on the task and ends at the highest interquartile mean, over
    algorithms, of last evaluations; so it makes sense for negative returns too.
    """
    start = float(np.mean([curve.values[0] for rival in rivals for curve in rival.curves]))
    ends = [float(aggregates.iqm(np.array([[c.values[-1]] for c in rival.curves]))) for rival in rivals]
    return start + share * (max(ends) - start)


def _total(algorithm: str, scores: Float, asked: Request, normalised: bool) -> Total:
    return Total(
        algorithm,
        scores,
        _estimate(scores, aggregates.iqm, asked),
        _estimate(scores, aggregates.median, asked),
        _estimate(scores, aggregates.mean, asked),
        _estimate(scores, aggregates.optimality_gap, asked) if normalised else None,
    )


def _pairs(grouped: Grouped, scores: dict[tuple[str, str], Float], asked: Request) -> list[Pair]:
    """Every two algorithms with a task in common, the likelier one first, the clearest difference on top."""
    pairs = []
    for one, other in itertools.combinations(grouped.algorithms, 2):
        tasks = tuple(t for t in grouped.tasks if (one, t) in scores and (other, t) in scores)
        if not tasks:
            continue
        x, y = (aggregates.stacked([scores[name, t] for t in tasks]) for name in (one, other))
        if float(aggregates.probability_of_improvement(x, y)) < 0.5:
            one, other, x, y = other, one, y, x
        found = aggregates.improvement(
            x, y, fresh_rng(asked), confidence=asked.confidence, count=asked.resamples
        )
        pairs.append(Pair(one, other, tasks, found))
    return sorted(pairs, key=lambda pair: -pair.probability.value)


def _notes(
    grouped: Grouped,
    asked: Request,
    scales: dict[str, Scale] | None,
    common: tuple[str, ...],
    pairs: Sequence[Pair],
) -> list[str]:
    notes = []
    if len(common) > 1 and scales is None:
        notes.append(
            f"Returns of {len(common)} environments are on different scales and are not averaged; "
            "--normalise runs, or --normalise ENV=MIN,MAX for each, makes them comparable."
        )
    if len(common) < len(grouped.tasks):
        notes.append(
            f"All algorithms have only {', '.join(common)} in common; averages and ranks are over no other environment."
            if common
            else "The algorithms have no environment in common, so nothing is averaged or ranked over environments."
        )
    notes += _about_scores(grouped, asked)
    notes += _about_seeds(grouped, len(common) > 1 and scales is not None)
    sure = [p for p in pairs if p.probability.has_interval and p.probability.low == p.probability.high]
    if sure:
        notes.append(
            f"An interval without width (as for {sure[0].better} and {sure[0].worse}) means that all pairs of their runs "
            "compare alike, so that resampling cannot change it; it is no certainty."
        )
    return notes


def _about_scores(grouped: Grouped, asked: Request) -> list[str]:
    notes = []
    if asked.at == "best":
        notes.append(
            "The best of many noisy evaluations overstates what a policy earns, more so with more of them."
        )
    for task in grouped.tasks:
        curves = [c for group in grouped.groups if group.task == task for c in group.curves]
        ends = {int(c.steps[-1]) for c in curves}
        if asked.at == "last" and len(ends) > 1:
            hint = f"; --at steps={min(ends)} compares all runs after the same training" if min(ends) else ""
            notes.append(f"On {task}, last evaluations are at {min(ends):,} to {max(ends):,} steps{hint}.")
        if asked.at == "auc":
            first, last = shared(curves)
            notes.append(f"On {task}, areas are from step {first:,} to {last:,}, which all runs have.")
    return notes


def _about_seeds(grouped: Grouped, pooled: bool) -> list[str]:
    counts = [len(group.members) for group in grouped.groups]
    notes = []
    if min(counts) == 1:
        notes.append("A single seed tells nothing about chance, so it gets no interval.")
    elif min(counts) < FEW:
        notes.append(
            f"With fewer than {FEW} seeds, bootstrap intervals are too narrow: with 3, those of 95 % hold the truth about "
            "7 times in 10."
        )
    if pooled and len(set(counts)) > 1:
        notes.append("Tasks with more seeds weigh more in the interquartile mean over all tasks.")
    return notes
