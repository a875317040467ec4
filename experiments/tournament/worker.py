"""What a worker does: play a job, whole, and bring back results and failures."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.tournament.casting import Casting, casting
from experiments.tournament.database import Played
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
            episodes = self._episodes(drawn)
            return _played(drawn, episodes, {}, time.perf_counter() - start)
        except _FAILURES as error:
            first = error
        failures: dict[int, str] = {}
        parts: list[tuple[Drawn, Episodes]] = []
        cells = list(dict.fromkeys(task.cell for task in job.tasks))
        for cell in cells:
            own = matches_of(self.casting.table, self.spec.seed, [t for t in job.tasks if t.cell == cell])
            try:
                if len(cells) == 1:
                    raise first
                parts.append((own, self._episodes(own)))
            except _FAILURES as error:
                failures[cell] = reason(error)
        return _joined(drawn, parts, failures, time.perf_counter() - start)

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


def _played(drawn: Drawn, episodes: Episodes, failures: dict[int, str], seconds: float) -> Played:
    return Played(drawn, episodes.returns, episodes.lengths, episodes.ended, failures, seconds)


def _joined(
    drawn: Drawn, parts: list[tuple[Drawn, Episodes]], failures: dict[int, str], seconds: float
) -> Played:
    """The cells that could be played, put together."""
    if not parts:
        nobody = np.zeros(0, dtype=np.int64)
        empty = Drawn(nobody, nobody, nobody, drawn.places[:0], drawn.seeds[:0], drawn.acts[:0])
        return Played(
            empty, np.zeros((0, 0)), np.zeros(0, dtype=np.int32), np.zeros(0, dtype=bool), failures, seconds
        )
    whole = Drawn(
        *(np.concatenate([getattr(own, name) for own, _ in parts]) for name in Drawn.__dataclass_fields__)
    )
    episodes = Episodes(*(np.concatenate(column) for column in zip(*(found for _, found in parts))))
    return _played(whole, episodes, failures, seconds)
