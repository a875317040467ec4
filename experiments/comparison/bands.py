"""Curves with bands: scores against steps, and the share of runs above each score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from experiments import aggregates
from experiments.aggregates import Band, Float
from experiments.comparison.groups import Group
from experiments.comparison.summary import Comparison, fresh_rng
from experiments.learning_curves import Curve, Int, at, grid


class Drawn(NamedTuple):
    """A band to draw: of one algorithm, on one task or (None) over all."""

    algorithm: str
    task: str | None
    x: Float | Int
    band: Band


def curves_of(found: Comparison) -> list[Drawn]:
    """The interquartile mean against steps: per algorithm and task, and over all tasks where they share a scale.

    A curve goes as far as all of its runs do: beyond, it would be about other runs than before.
    """
    drawn = [
        _drawn_curve(found, row.group.algorithm, row.group.task, [scaled(found, row.group)])
        for row in found.rows
    ]
    if len(found.shared_tasks) > 1 and found.totals:
        for name in found.grouped.algorithms:
            groups = [found.grouped.find(name, task) for task in found.shared_tasks]
            drawn.append(_drawn_curve(found, name, None, [scaled(found, g) for g in groups if g is not None]))
    return drawn


def scaled(found: Comparison, group: Group) -> list[Curve]:
    """A group's curves on the scale of the comparison."""
    if found.scales is None:
        return group.curves
    scale = found.scales[group.task]
    return [Curve(c.steps, scale(c.values)) for c in group.curves]


def _drawn_curve(found: Comparison, algorithm: str, task: str | None, tasks: list[list[Curve]]) -> Drawn:
    steps = grid([curve for curves in tasks for curve in curves])
    points = aggregates.stacked([np.stack([at(c, steps) for c in curves], axis=-1) for curves in tasks])
    band = aggregates.banded(
        points,
        aggregates.iqm,
        fresh_rng(found.asked),
        confidence=found.asked.confidence,
        count=found.asked.resamples,
    )
    return Drawn(algorithm, task, steps, band)


def profiles_of(found: Comparison, points: int = 401) -> list[Drawn]:
    """The share of runs above each score: over all tasks where they share a scale, otherwise per task."""
    pooled = len(found.shared_tasks) > 1 and bool(found.totals)
    panels: dict[str | None, dict[str, Float]] = {}
    if pooled:
        panels[None] = {total.algorithm: total.scores for total in found.totals}
    else:
        for row in found.rows:
            panels.setdefault(row.group.task, {})[row.group.algorithm] = row.scores[:, None]
    drawn = []
    for task, scores in panels.items():
        thresholds = _thresholds(list(scores.values()), points)
        for name, array in scores.items():
            band = aggregates.performance_profile(
                array,
                thresholds,
                fresh_rng(found.asked),
                confidence=found.asked.confidence,
                count=found.asked.resamples,
            )
            drawn.append(Drawn(name, task, thresholds, band))
    return drawn


def _thresholds(scores: Sequence[Float], points: int) -> Float:
    """Every score, where the shares jump, and a little beyond; thinned out evenly when many."""
    seen = np.unique(np.concatenate([array[~np.isnan(array)] for array in scores]))
    margin = 0.03 * float(np.ptp(seen)) or 0.03 * max(abs(float(seen[0])), 1.0)
    seen = np.concatenate([[seen[0] - margin], seen, [seen[-1] + margin]])
    if seen.size > points:
        seen = seen[np.linspace(0, seen.size - 1, points).round().astype(np.int64)]
    return seen
