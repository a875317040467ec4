"""Which seeds and checkpoints of a run a report looks at: those with the best evaluations."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from experiments.training.runs import BEST, Run
from experiments.training.summary import outcome

Progress = Callable[[float, str], None]
SEEDS = 4
"""So many seeds at most are looked at."""


def best_seeds(run: Run) -> list[int]:
    """The seeds with the best evaluations, the best first."""

    def best(seed: int) -> float:
        row = outcome(run, seed).best
        return -math.inf if row is None else float(row["return"])

    return sorted(run.begun, key=lambda seed: (-best(seed), seed))[:SEEDS]


def best_checkpoint(run: Run) -> tuple[int, Path] | None:
    """The seed with the best evaluation that has a checkpoint of it, and that; None before there is one."""
    files = ((seed, run.folder(seed) / BEST) for seed in best_seeds(run))
    return next((one for one in files if one[1].is_file()), None)
