"""What a worker does: play a job, whole, and bring back results and failures."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from experiments.tournament.casting import Casting, casting
from experiments.tournament.database import Played
from experiments.tournament.parts import joined, not_played
from experiments.tournament.plan import Drawn, Job, matches_of
from experiments.tournament.spec import Spec
from games.assigned import play_assigned
from games.errors import InputError, WorkerDied
from games.play import Episodes

LONGEST_REASON = 500
_FAILURES = (Exception, SystemExit)
"""What a policy may raise; one that calls `sys.exit` does not end the tournament either."""


@dataclass
class Worker:
    """Plays jobs of one tournament.

    Parameters
    ----------
    spec : Spec
        The tournament.
    casting : Casting
        Environment and policies.
    """

    spec: Spec
    casting: Casting

    @classmethod
    def of(cls, spec: Spec, allow_import: tuple[str, ...] = ()) -> Worker:
        """A worker with everything loaded."""
        return cls(spec, casting(spec, allow_import))

    def play(self, job: Job) -> Played:
        """All matches of a job; if that fails, cell by cell, so that only the failing ones are lost.

        Whatever a policy or an environment raises is a failure of its cells; only an interrupt ends the tournament.
        """
        start = time.perf_counter()
        drawn = matches_of(self.casting.table, self.spec.seed, job.tasks)
        try:
            played = self._played(drawn)
        except _FAILURES as error:
            cells = list(dict.fromkeys(task.cell for task in job.tasks))
            if len(cells) == 1:
                played = not_played({cells[0]: reason(error)})
            else:
                played = joined([self._cell(job, cell) for cell in cells])
        return replace(played, seconds=time.perf_counter() - start)

    def _cell(self, job: Job, cell: int) -> Played:
        """The matches of one cell of a job, or why they could not be played."""
        own = [task for task in job.tasks if task.cell == cell]
        drawn = matches_of(self.casting.table, self.spec.seed, own)
        try:
            return self._played(drawn)
        except _FAILURES as error:
            return not_played({cell: reason(error)})

    def _played(self, drawn: Drawn) -> Played:
        episodes = self._episodes(drawn)
        return Played(drawn, episodes.returns, episodes.lengths, episodes.ended, {}, 0.0)

    def _episodes(self, drawn: Drawn) -> Episodes:
        table = self.casting.table
        with _one_thread():
            episodes = play_assigned(
                self.casting.env,
                self.casting.cast,
                table.seated(drawn.places),
                drawn.seeds,
                drawn.acts,
                max_steps=self.spec.max_steps,
            )
        if not np.isfinite(episodes.returns).all():
            bad = int(np.argwhere(~np.isfinite(episodes.returns))[0, 0])
            raise InputError(f"match {drawn.match[bad]} returned a payoff that is not a finite number")
        return episodes


def reason(error: BaseException) -> str:
    """An error in one line: ours as they are, others with their kind."""
    text = " ".join(str(error).split())
    told = (
        text if isinstance(error, InputError | WorkerDied) else f"{type(error).__name__}: {text}".rstrip(": ")
    )
    return told[:LONGEST_REASON].encode(errors="replace").decode()


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Networks compute with one thread, as in every worker process: their last digits depend on the number."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
