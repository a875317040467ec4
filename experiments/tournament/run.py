"""Playing a tournament: round after round of jobs, each made permanent as it finishes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.tournament.adaptive import Decision, first_round, next_round
from experiments.tournament.database import Database
from experiments.tournament.engine import Engine, Labour
from experiments.tournament.engines import engine_for
from experiments.tournament.exactly import exact_cells
from experiments.tournament.plan import Job, jobs_of
from experiments.tournament.results import Results, results_of
from experiments.tournament.spec import Spec
from experiments.tournament.worker import Worker

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Finished:
    """A tournament that has been played.

    Parameters
    ----------
    results : Results
        Everything.
    looks : int
        Rounds of a tournament of adaptive length; 0 of one of fixed length.
    decision : Decision or None
        The last one.
    jobs : int
        Jobs that were played now, not in an earlier sitting.
    """

    results: Results
    looks: int
    decision: Decision | None
    jobs: int


def play(
    spec: Spec, worker: Worker, folder: Path | None, labour: Labour, progress: Progress | None = None
) -> Finished:
    """Play what is left of a tournament.

    Parameters
    ----------
    spec : Spec
        The tournament.
    worker : Worker
        Environment and policies, loaded.
    folder : Path or None
        Of the run; the caller has it for itself. None keeps the matches in memory only.
    labour : Labour
        Who works.
    progress : callable, optional
        ``progress(fraction, text)``.

    Raises
    ------
    InputError
        If the results in the folder are of another tournament, or cannot be written.
    """
    with Database(folder) as database:
        table = worker.casting.table
        database.prepare(spec.digest, [table.key(c) for c in range(len(table.cells))])
        if database.exact() is None:
            database.set_exact(exact_cells(spec, worker.casting, progress))
        with engine_for(labour, spec, worker) as engine:
            return _Sitting(spec, worker, database, engine, progress or _silent).rounds()


class _Sitting:
    """One call of `play`."""

    def __init__(
        self, spec: Spec, worker: Worker, database: Database, engine: Engine, progress: Progress
    ) -> None:
        self.spec, self.worker, self.database, self.engine = spec, worker, database, engine
        self.progress = progress
        self.played = 0
        self.done = database.jobs_done()

    def rounds(self) -> Finished:
        """Play round after round until nothing is undecided."""
        cells = len(self.worker.casting.table.cells)
        exact = self.database.exact() or {}
        playable = np.array([c not in exact for c in range(cells)], dtype=bool)
        adaptive = self.spec.matches.half_width is not None
        counts = np.zeros(cells, dtype=np.int64)
        more, look, job, match = first_round(self.spec, playable), 1, 0, 0
        while True:
            wanted = [(int(c), int(counts[c]), int(more[c])) for c in np.flatnonzero(more)]
            jobs, match = jobs_of(self.worker.casting.table, wanted, look, job, match)
            self._play(jobs, look)
            counts, job = counts + more, job + len(jobs)
            decided = self.database.round(look)
            if decided is None or not decided.any():
                results = self._results(look if adaptive else 0)
                decision = next_round(self.spec, results, playable)
                if decided is None and adaptive:
                    self.database.set_round(look, decision.more.tolist())
                if not decision.more.any():
                    return Finished(results, look if adaptive else 0, decision, self.played)
                decided = decision.more
            more, look = decided, look + 1

    def _play(self, jobs: list[Job], look: int) -> None:
        """Play those of a round's jobs that are not finished yet."""
        left = [job for job in jobs if job.number not in self.done]
        total, finished = len(jobs), len(jobs) - len(left)
        for job, played in self.engine.play(left):
            self.database.finish(job, played)
            self.done.add(job.number)
            self.played += 1
            finished += 1
            adaptive = self.spec.matches.half_width is not None
            where = f"round {look}, " if adaptive else ""
            self.progress(
                math.nan if adaptive else finished / total,
                f"{where}{finished:,} of {total:,} jobs, {sum(t.count for t in job.tasks):,} samples in the last",
            )

    def _results(self, looks: int) -> Results:
        casting = self.worker.casting
        return results_of(self.database, self.spec, casting.table, casting.env, looks)


def _silent(fraction: float, text: str) -> None:
    return
