"""A comparison as a JSON document and as CSV."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.aggregates import Estimate
from experiments.comparison.bands import Drawn
from experiments.comparison.summary import Comparison, Row
from experiments.learning_curves import Passage


def document(
    found: Comparison, curves: Sequence[Drawn] = (), profiles: Sequence[Drawn] = ()
) -> dict[str, Any]:
    """What `compare --json` prints; intervals are null where there are too few runs for one."""
    asked = found.asked
    ranks: Sequence[Estimate | None] = found.ranks or [None] * len(found.grouped.algorithms)
    return {
        "metric": asked.metric,
        "score": asked.score,
        "confidence": asked.confidence,
        "resamples": asked.resamples,
        "seed": asked.seed,
        "algorithms": found.grouped.algorithms,
        "tasks": found.grouped.tasks,
        "scales": found.scales and {task: [s.low, s.high] for task, s in found.scales.items()},
        "groups": [_row_document(row) for row in found.rows],
        "aggregate_tasks": found.shared_tasks,
        "aggregates": [
            {
                "algorithm": total.algorithm,
                "iqm": _estimate(total.iqm),
                "median": _estimate(total.median),
                "mean": _estimate(total.mean),
                "optimality_gap": total.optimality_gap and _estimate(total.optimality_gap),
            }
            for total in found.totals
        ],
        "ranks": [
            {"algorithm": name, "rank": _estimate(rank)}
            for name, rank in zip(found.grouped.algorithms, ranks)
            if rank is not None
        ],
        "improvement": [
            {
                "better": pair.better,
                "worse": pair.worse,
                "tasks": pair.tasks,
                "probability": _estimate(pair.probability),
            }
            for pair in found.pairs
        ],
        "curves": [_drawn_document(drawn, "steps", "iqm") for drawn in curves],
        "profiles": [_drawn_document(drawn, "scores", "share_above") for drawn in profiles],
        "notes": found.notes,
    }


def _row_document(row: Row) -> dict[str, Any]:
    members = row.group.members
    return {
        "algorithm": row.group.algorithm,
        "task": row.group.task,
        "runs": list(dict.fromkeys(member.run.name for member in members)),
        "seeds": [member.seed for member in members],
        "scores": row.scores,
        "steps": [int(member.curve.steps[-1]) for member in members],
        "planned_steps": [member.run.steps for member in members],
        "iqm": _estimate(row.iqm),
        "mean": _estimate(row.mean),
        "threshold": row.threshold,
        "steps_to_threshold": row.passage and _passage(row.passage),
    }


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {
        "value": estimate.value,
        "interval": [estimate.low, estimate.high] if estimate.has_interval else None,
    }


def _passage(passage: Passage) -> dict[str, Any]:
    return {
        "reached": passage.reached,
        "runs": passage.runs,
        "iqm_at_least": passage.lower,
        "iqm_at_most": passage.upper,
        "interval": None if math.isnan(passage.low) else [passage.low, passage.high],
    }


def _drawn_document(drawn: Drawn, across: str, up: str) -> dict[str, Any]:
    banded = not math.isnan(float(drawn.band.low[0]))
    return {
        "algorithm": drawn.algorithm,
        "task": drawn.task,
        across: drawn.x,
        up: drawn.band.value,
        "low": drawn.band.low if banded else None,
        "high": drawn.band.high if banded else None,
    }


def csv_rows(found: Comparison) -> str:
    """One line per algorithm and task, then one per algorithm over all tasks (an empty task); empty where there is none."""
    from experiments.output import csv_text

    lines: list[list[Any]] = [
        [
            "algorithm",
            "task",
            "runs",
            *(f"{name}{end}" for name in ("iqm", "mean", "median") for end in ("", "_low", "_high")),
            *(f"optimality_gap{end}" for end in ("", "_low", "_high")),
            "lowest",
            "highest",
            "threshold",
            "reached",
            "steps_at_least",
            "steps_at_most",
        ]
    ]
    blanks = ("", "", "")
    for row in found.rows:
        passage = row.passage
        reached = (
            ("", "", "", "")
            if passage is None
            else (row.threshold, passage.reached, passage.lower, passage.upper)
        )
        lines.append(
            [
                row.group.algorithm,
                row.group.task,
                len(row.scores),
                *_cells(row.iqm),
                *_cells(row.mean),
                *blanks,
                *blanks,
                float(row.scores.min()),
                float(row.scores.max()),
                *reached,
            ]
        )
    for total in found.totals:
        there = total.scores[~np.isnan(total.scores)]
        gap = blanks if total.optimality_gap is None else _cells(total.optimality_gap)
        lines.append(
            [
                total.algorithm,
                "",
                there.size,
                *_cells(total.iqm),
                *_cells(total.mean),
                *_cells(total.median),
                *gap,
                float(there.min()),
                float(there.max()),
                *("", "", "", ""),
            ]
        )
    return csv_text(lines)


def _cells(estimate: Estimate) -> tuple[Any, Any, Any]:
    if not estimate.has_interval:
        return estimate.value, "", ""
    return estimate.value, estimate.low, estimate.high
