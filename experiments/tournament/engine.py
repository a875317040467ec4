"""Engines: who plays the jobs. Results are the same whatever the engine, the number of workers and the order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from experiments.tournament.database import Played
from experiments.tournament.plan import Job
from experiments.tournament.worker import Worker

ENGINES = ("local", "ray")


@dataclass(frozen=True)
class Labour:
    """Who does the work.

    Parameters
    ----------
    engine : str
        "local" or "ray".
    workers : int
        Processes; with "local" and one worker everything happens in this process.
    address : str or None
        Of a Ray cluster; a local one is started if None.
    allow_import : tuple of str
        Further packages that may be imported.
    gradual : bool
        With "local": start in this process, and let several work only once that pays.
    """

    engine: str = "local"
    workers: int = 1
    address: str | None = None
    allow_import: tuple[str, ...] = ()
    gradual: bool = False


class Engine(Protocol):
    """Plays jobs, in whatever order they finish. A context manager: its processes end with the block."""

    def __enter__(self) -> Engine: ...

    def __exit__(self, *exception: object) -> None: ...

    def play(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Played]]:
        """Every job with its results, as they come.

        A worker that is lost is replaced, and its job played again; a job that costs several workers their lives is
        given back with all its cells failed.
        """


class InProcess:
    """Plays jobs one after another in this process."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, *exception: object) -> None:
        return

    def play(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Played]]:
        """See `Engine.play`."""
        for job in jobs:
            yield job, self._worker.play(job)
