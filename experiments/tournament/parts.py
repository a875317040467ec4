"""Results of parts of a job, and putting them together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from experiments.tournament.database import Played
from experiments.tournament.plan import Drawn


def not_played(failures: dict[int, str]) -> Played:
    """The results of cells that could not be played at all, with the reason of each."""
    none, seeds = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint64)
    drawn = Drawn(none, none, none, np.zeros((0, 0), dtype=np.int32), seeds, seeds)
    return Played(
        drawn, np.zeros((0, 0)), np.zeros(0, dtype=np.int32), np.zeros(0, dtype=bool), failures, 0.0
    )


def joined(parts: Sequence[Played]) -> Played:
    """The results of the cells of a job, put together."""
    if len(parts) == 1:
        return parts[0]
    failures = {cell: reason for part in parts for cell, reason in part.failures.items()}
    seconds = sum(part.seconds for part in parts)
    found = [part for part in parts if len(part.drawn.match)]
    if not found:
        return replace(parts[0], failures=failures, seconds=seconds)
    drawn = Drawn(*_columns([part.drawn for part in found], Drawn.__dataclass_fields__))
    returns, steps, ended = _columns(found, ("returns", "steps", "ended"))
    return Played(drawn, returns, steps, ended, failures, seconds)


def _columns(records: Sequence[object], names: Iterable[str]) -> list[np.ndarray]:
    return [np.concatenate([getattr(record, name) for record in records]) for name in names]
