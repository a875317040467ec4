"""A batch of sub-environments split over worker processes; what is played is the same, bit for bit."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable, Sequence
from itertools import accumulate, count, pairwise
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np
import numpy.typing as npt

from games import pool_worker
from games.env import Env, EnvSpec, Step, check_actions
from games.errors import InputError
from games.pool_crew import Crew, Task
from games.pool_memory import SharedBatch, shared_file
from games.scene import Scene
from games.sims.simulation import check_where
from games.streams import check_seeds

Array = npt.NDArray[Any]


class PooledWorld:
    """Handle of a batch whose sub-environments live in worker processes; worker k has rows `bounds[k]` to `bounds[k+1]`."""

    def __init__(self, crew: Crew, key: int, bounds: tuple[int, ...]) -> None:
        self.crew, self.key, self.bounds = crew, key, bounds
        self.steps = self.tasks("step")
        self.memory: SharedBatch
        self.observed: Step
        self.lost = ""
        self.close = weakref.finalize(self, crew.discard, key)
        self.close.atexit = False

    def tasks(self, name: str, where: Array | None = None) -> list[Task | None]:
        """The same task for every worker that has a part of the world, and in it one of the chosen rows."""
        return [
            Task(name, (self.key,), rows=b - a) if b > a and (where is None or where[a:b].any()) else None
            for a, b in pairwise(self.bounds)
        ]


class Pool:
    """An environment whose sub-environments are shared out over worker processes.

    Since a sub-environment depends on its seed and actions alone, the results are those of the environment in this
    process, bit for bit, for any number of workers. It pays where one joint step of the environment takes longer than
    about 0.05 ms of Python; our own simulations are faster without. Steps travel through shared memory.

    Workers start afresh (no fork) in about a second and load only `games` and what the environment imports. A script
    needs no ``if __name__ == "__main__"``, unless the factory is defined in that script: then every worker has to
    import it, and Python demands the guard. Workers end with `shutdown`, the ``with`` block, the pool's garbage
    collection or this process, even if it is killed. Where a worker died, or a call was interrupted, all worlds are
    lost, and the next `reset` starts new workers. Linux and macOS.

    Parameters
    ----------
    origin : str or callable
        A URI for `make_env`, or a function that returns an `Env` and can be imported by its module and name.
    workers : int
        Processes.
    allow_import : tuple of str
        See `make_env`.
    **parameters
        Given to `make_env` or to the function; they must be picklable.

    Raises
    ------
    InputError
        As `make_env` does in the workers, or if a function cannot be imported there.
    WorkerDied
        Also by every other method: if a worker ends by itself. The others are stopped.

    Examples
    --------
    >>> with Pool("zoo:chicken", workers=2) as env:
    ...     world, step = env.reset(np.arange(5, dtype=np.uint64))
    ...     env.step(world, (np.ones((5, 2), dtype=int),))[1].rewards.tolist()[4]
    [0.0, 0.0]
    """

    def __init__(
        self,
        origin: str | Callable[..., Env],
        *,
        workers: int = 2,
        allow_import: tuple[str, ...] = (),
        **parameters: Any,
    ) -> None:
        if isinstance(workers, bool) or not isinstance(workers, int | np.integer) or workers < 1:
            raise InputError(f"a pool needs at least one worker, a whole number, not {workers!r}")
        if pool_worker.preparing:
            raise InputError(
                "the script starts a pool while it is imported for a function defined in it; "
                'put what it runs under: if __name__ == "__main__":'
            )
        self.origin = origin
        self.workers = int(workers)
        self._source, self._script = _packed(origin, (origin, tuple(allow_import), parameters))
        self._keys = count()
        self._shut = False
        self._crew, self.spec = self._start(None)

    def _start(self, expected: EnvSpec | None) -> tuple[Crew, EnvSpec]:
        """New workers with the environment made."""
        crew = Crew(self.workers)
        try:
            task = Task("make", (self._source, self._script))
            specs = crew.ask([task] * self.workers, f"starting {_called(self.origin)}")
            spec: EnvSpec = specs[0]
            for other in [*specs[1:], *([] if expected is None else [expected])]:
                if other != spec:
                    raise InputError(
                        f"{spec.name} is made differently by different processes: {spec} and {other}"
                    )
        except BaseException:
            crew.stop("the environment could not be made")
            raise
        return crew, spec

    def __repr__(self) -> str:
        return f"Pool({_called(self.origin)!r}, workers={self.workers})"

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *exception: object) -> None:
        self.shutdown()

    @property
    def processes(self) -> tuple[int, ...]:
        """Process numbers of the workers that run."""
        return () if self._crew.stopped else tuple(worker.process.pid for worker in self._crew.workers)

    def shutdown(self) -> None:
        """End the workers; the pool cannot be used afterwards."""
        self._shut = True
        self._crew.stop("the pool has been shut down")

    def reset(self, seeds: Array) -> tuple[PooledWorld, Step]:
        """Start len(seeds) sub-environments, uint64[B]; see `games.env.Env.reset`."""
        seeds = check_seeds(seeds)
        if self._shut:
            raise InputError(f"{self.spec.name}: the pool has been shut down")
        if self._crew.stopped:
            self._crew, self.spec = self._start(self.spec)
        each, more = divmod(len(seeds), self.workers)
        sizes = [each + (i < more) for i in range(self.workers)]
        bounds = tuple(accumulate(sizes, initial=0))
        world = PooledWorld(self._crew, next(self._keys), bounds)
        handle = shared_file(self.spec, len(seeds))
        try:
            world.memory = SharedBatch(self.spec, len(seeds), handle)
            tasks = [
                Task("reset", (world.key, len(seeds), a, seeds[a:b]), handle, b - a) if b > a else None
                for a, b in pairwise(bounds)
            ]
            self._crew.ask(tasks, f"starting episodes of {self.spec.name}")
        except BaseException:
            world.close()
            raise
        finally:
            os.close(handle)
        world.observed = world.memory.read()
        return world, world.observed

    def step(self, world: PooledWorld, actions: Sequence[Array]) -> tuple[PooledWorld, Step]:
        """Advance every sub-environment that has not stopped; see `games.env.Env.step`."""
        self._check(world)
        clean = check_actions(self.spec, world.observed, actions)
        for slot, part in zip(world.memory.actions, clean):
            slot[...] = part
        return self._advanced(world, world.steps, f"stepping {self.spec.name}")

    def restart(self, world: PooledWorld, where: Array) -> tuple[PooledWorld, Step]:
        """Begin a new episode in the sub-environments chosen by bool[B]; see `games.env.Env.restart`."""
        self._check(world)
        chosen = check_where(self.spec, where, world.bounds[-1])
        world.memory.where[...] = chosen
        return self._advanced(world, world.tasks("restart", chosen), f"restarting {self.spec.name}")

    def scene(self, world: PooledWorld, which: int = 0) -> Scene:
        """A picture of one sub-environment."""
        self._check(world)
        if not 0 <= which < world.bounds[-1]:
            raise InputError(
                f"{self.spec.name}: there is no sub-environment {which}; it has 0 to {world.bounds[-1] - 1}"
            )
        tasks = [
            Task("scene", (world.key, which - a), rows=b - a) if a <= which < b else None
            for a, b in pairwise(world.bounds)
        ]
        answers = self._crew.ask(tasks, f"drawing {self.spec.name}")
        picture: Scene = next(answer for answer, task in zip(answers, tasks) if task is not None)
        return picture

    def close(self, world: PooledWorld) -> None:
        """Give back the world's memory and close its sub-environments; the workers stay."""
        if not isinstance(world, PooledWorld) or not world.close.alive:
            return
        world.close.detach()
        world.lost = "it has been closed"
        del world.memory
        if not world.crew.stopped:
            world.crew.ask(world.tasks("close"), f"closing a world of {self.spec.name}")

    def _check(self, world: PooledWorld) -> None:
        """Refuse a world that cannot go on."""
        lost = world.lost if world.crew is self._crew else world.lost or "it belongs to other workers"
        if world.crew.stopped:
            lost = world.lost or f"its workers have been stopped: {world.crew.stopped}"
        if lost:
            raise InputError(f"{self.spec.name}: this world is lost, {lost}; reset for a new one")

    def _advanced(self, world: PooledWorld, tasks: list[Task | None], doing: str) -> tuple[PooledWorld, Step]:
        try:
            world.crew.ask(tasks, doing)
        except BaseException as error:
            world.lost = world.lost or f"{type(error).__name__} while {doing}"
            raise
        world.observed = world.memory.read()
        return world, world.observed


def _called(origin: str | Callable[..., Env]) -> str:
    return origin if isinstance(origin, str) else getattr(origin, "__qualname__", repr(origin))


def _packed(origin: str | Callable[..., Env], source: Any) -> tuple[bytes, dict[str, Any]]:
    """What a worker makes the environment from, as bytes, and the script it has to import for that, if any."""
    try:
        data = bytes(ForkingPickler.dumps(source))
    except Exception as error:
        what = "its parameters" if isinstance(origin, str) else "the function and its parameters"
        raise InputError(
            f"{_called(origin)} cannot be made in another process: {what} cannot be pickled ({error}); "
            "a function must be defined at the top level of a module"
        ) from error
    if b"__main__" not in data:
        return data, {}
    main = sys.modules["__main__"]
    name = getattr(getattr(main, "__spec__", None), "name", None)
    file = getattr(main, "__file__", None)
    if name is not None:
        return data, {"init_main_from_name": name, "sys_argv": sys.argv}
    if file is not None and os.path.exists(file):
        return data, {"init_main_from_path": os.path.abspath(file), "sys_argv": sys.argv}
    raise InputError(
        f"{_called(origin)} is defined where other processes cannot import it from (an interactive session); "
        "put it into a module"
    )
