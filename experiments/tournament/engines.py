"""Which engine plays a tournament."""

from __future__ import annotations

from experiments.tournament.engine import ENGINES, Engine, InProcess, Labour
from experiments.tournament.engine_gradual import GradualEngine
from experiments.tournament.engine_local import LocalEngine
from experiments.tournament.spec import Spec
from experiments.tournament.worker import Worker
from games.errors import InputError


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
        return GradualEngine(labour, spec, worker)
    return LocalEngine(labour, spec, worker)
