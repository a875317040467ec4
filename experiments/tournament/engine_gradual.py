"""Worker processes only once they pay: they take a second or two to start, in which many a tournament is over."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from experiments.tournament.database import Played
from experiments.tournament.plan import Job
from experiments.tournament.spec import Spec
from experiments.tournament.worker import Worker

if TYPE_CHECKING:
    from experiments.tournament.engine import Labour
    from experiments.tournament.engine_local import LocalEngine

STARTING = 2.0
"""Seconds that worker processes should save at least."""


class GradualEngine:
    """Plays in this process until what is left would be played sooner by several; see `experiments.tournament.engine.Engine`.

    Results do not depend on who plays, so when that happens changes nothing.

    Parameters
    ----------
    labour : Labour
        How many processes there may be, and what they may import.
    spec : Spec
        The tournament.
    worker : Worker
        One in this process.
    """

    def __init__(self, labour: Labour, spec: Spec, worker: Worker) -> None:
        self._labour, self._spec, self._worker = labour, spec, worker
        self._stack = ExitStack()
        self._crew: LocalEngine | None = None
        self._seconds, self._matches = 0.0, 0

    def __enter__(self) -> GradualEngine:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    @property
    def hired(self) -> bool:
        """Whether worker processes have been started."""
        return self._crew is not None

    def play(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Played]]:
        """See `experiments.tournament.engine.Engine.play`."""
        for k, job in enumerate(jobs):
            if self._crew is None and self._pays(jobs[k:]):
                from experiments.tournament.engine_local import LocalEngine

                self._crew = LocalEngine(self._labour, self._spec, self._worker)
                self._stack.enter_context(self._crew)
            if self._crew is not None:
                yield from self._crew.play(jobs[k:])
                return
            start = time.perf_counter()
            played = self._worker.play(job)
            self._seconds += time.perf_counter() - start
            self._matches += _samples(job)
            yield job, played

    def _pays(self, jobs: Sequence[Job]) -> bool:
        """Whether these jobs would be over so much sooner, judging by those played here."""
        if not self._matches or len(jobs) < 2:
            return False
        left = sum(map(_samples, jobs)) * self._seconds / self._matches
        return left * (1 - 1 / min(self._labour.workers, len(jobs))) > STARTING


def _samples(job: Job) -> int:
    return sum(task.count for task in job.tasks)
