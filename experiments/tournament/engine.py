"""Engines: who plays the jobs. Results are the same whatever the engine, the number of workers and the order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from experiments.tournament.database import Played
from experiments.tournament.plan import Job
from experiments.tournament.spec import Spec
from experiments.tournament.worker import Worker
from games.errors import InputError

ENGINES = ("local", "ray")
Loaded = Callable[[], Worker]


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


def engine_for(labour: Labour, spec: Spec, worker: Worker) -> Engine:
    """The engine that was asked for.

    Parameters
    ----------
    labour : Labour
        What was asked for.
    spec : Spec
        The tournament.
    worker : Worker
        One that is loaded already, in this process.

    Raises
    ------
    InputError
        If there is no such engine, or it is not installed.
    """
    if labour.engine == "ray":
        from experiments.tournament.engine_ray import RayEngine

        return RayEngine(labour, spec, worker)
    if labour.engine != "local":
        raise InputError(f"unknown engine {labour.engine!r:.40}; known are {', '.join(ENGINES)}")
    if labour.workers == 1:
        return InProcess(worker)
    if labour.gradual:
        from experiments.tournament.engine_gradual import GradualEngine

        return GradualEngine(labour, spec, worker)
    from experiments.tournament.engine_local import LocalEngine

    return LocalEngine(labour, spec, worker)
