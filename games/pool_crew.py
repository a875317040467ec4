"""The worker processes of a pool, seen from the parent: starting, asking, and what happens when one dies.

Workers are started afresh (`subprocess`), not forked: forking a process in which numba, OpenMP or torch run threads can
hang. Nor are they started by `multiprocessing`, which imports the parent's script again in every worker; so a script
needs no ``if __name__ == "__main__"`` and a worker does not load what the script loads. Only a factory that is defined
in the script itself makes a worker import it. Workers stand in sessions of their own, where Ctrl-C does not reach them.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler, send_handle
from multiprocessing.spawn import get_executable
from typing import Any

from games.errors import InputError, WorkerDied

PATIENCE = 0.5
"""Seconds of silence after which it is looked whether all workers are alive."""
GRACE = 2.0
"""Seconds that workers have to leave before they are killed."""


@dataclass(frozen=True)
class Worker:
    """A worker process and the connection to it."""

    process: subprocess.Popen[bytes]
    connection: Connection


@dataclass(frozen=True)
class Task:
    """What a worker is asked to do.

    Parameters
    ----------
    name : str
        A public method of `games.pool_worker.Hands`.
    arguments : tuple
        Its arguments.
    handle : int, optional
        A file descriptor that goes with it.
    rows : int
        How many sub-environments it is about.
    """

    name: str
    arguments: tuple[Any, ...]
    handle: int | None = None
    rows: int = 0

    @cached_property
    def message(self) -> bytes:
        """What is sent; a task that is given again is packed only once."""
        return bytes(ForkingPickler.dumps((self.name, *self.arguments)))


class Crew:
    """Worker processes that do what they are asked, all at the same time.

    Parameters
    ----------
    size : int
        How many.
    """

    def __init__(self, size: int) -> None:
        self.workers: list[Worker] = []
        self.stopped = ""
        self._discarded: list[int] = []
        self._places: dict[int, int] = {}  # of workers, by the file descriptors of their connections
        # made once, since `multiprocessing.connection.wait` takes its time to make one for every call
        self._poll = select.poll()
        self._lock = threading.Lock()
        self._owner = os.getpid()
        self._finalizer = weakref.finalize(self, _stop, self.workers, self._owner)
        try:
            for i in range(size):
                self.workers.append(_start_worker())
                place = self.workers[i].connection.fileno()
                self._places[place] = i
                self._poll.register(place, select.POLLIN)
        except BaseException:
            self.stop("they did not all start")
            raise

    def stop(self, why: str) -> None:
        """End all workers, at once where they idle; `why` is told to those who ask afterwards."""
        self.stopped = self.stopped or why
        self._finalizer()

    def discard(self, key: int) -> None:
        """Have a world closed before the next task. Safe at any moment, so that garbage collection may call it."""
        self._discarded.append(key)

    def ask(self, tasks: Sequence[Task | None], doing: str) -> list[Any]:
        """Give each worker a task, or None, and wait for all results.

        Raises
        ------
        WorkerDied
            If a worker ends; the others are stopped.
        InputError
            As raised in the first worker that refuses; all are ready for further tasks.
        """
        if os.getpid() != self._owner:
            raise InputError(
                "a pool of workers can only be used in the process that made it; make another here"
            )
        with self._lock:
            if self.stopped:
                raise InputError(f"the workers have been stopped: {self.stopped}")
            try:
                self._close_discarded()
                answers = self._exchange(tasks, doing)
            except WorkerDied as error:
                self.stop(str(error))
                raise
            except BaseException as error:
                # answers may still be under way, to be mistaken for those to later questions
                self.stop(f"{type(error).__name__} while {doing}")
                raise
        return [None if answer is None else self._open(i, answer) for i, answer in enumerate(answers)]

    def _exchange(self, tasks: Sequence[Task | None], doing: str) -> list[tuple[Any, ...] | None]:
        """Send tasks and wait for the answers, which come in any order."""
        waiting = {i for i, task in enumerate(tasks) if task is not None}
        for i in sorted(waiting):
            self._send(i, tasks, doing)
        answers: list[tuple[Any, ...] | None] = [None] * len(tasks)
        while waiting:
            ready = [self._places[place] for place, _ in self._poll.poll(PATIENCE * 1000)]
            for i in ready:
                try:  # who was not asked is heard of only at its end
                    answers[i] = self.workers[i].connection.recv()
                except (EOFError, OSError):
                    raise self._died(i, tasks, doing) from None
                waiting.discard(i)
            if not ready:  # an end may go unnoticed where another process holds the connection open
                for i in waiting:
                    if self.workers[i].process.poll() is not None:
                        raise self._died(i, tasks, doing)
        return answers

    def _send(self, i: int, tasks: Sequence[Task | None], doing: str) -> None:
        worker, task = self.workers[i], tasks[i]
        assert task is not None
        try:
            worker.connection.send_bytes(task.message)
            if task.handle is not None:
                send_handle(worker.connection, task.handle, worker.process.pid)
        except OSError:
            raise self._died(i, tasks, doing) from None

    def _close_discarded(self) -> None:
        while self._discarded:
            task = Task("close", (self._discarded.pop(),))
            self._exchange([task] * len(self.workers), "closing a world")  # nobody waits for errors there

    def _open(self, i: int, answer: tuple[Any, ...]) -> Any:
        """The value in an answer, or the exception."""
        kind, *rest = answer
        if kind == "done":
            return rest[0]
        if kind == "refused":
            raise InputError(rest[0])
        data, told, where = rest
        error: Exception = RuntimeError(told)
        if data is not None:
            with contextlib.suppress(Exception):
                error = ForkingPickler.loads(data)
        error.add_note(f"in worker {self._name(i)}:\n{where}")
        raise error

    def _name(self, i: int) -> str:
        return f"{i + 1} of {len(self.workers)} (process {self.workers[i].process.pid})"

    def _died(self, i: int, tasks: Sequence[Task | None], doing: str) -> WorkerDied:
        task = tasks[i]
        lost = f"; its {task.rows} sub-environments are lost" if task is not None and task.rows else ""
        if task is not None and task.rows == 1:
            lost = "; its sub-environment is lost"
        return WorkerDied(
            f"worker {self._name(i)} died ({_how(self.workers[i].process)}) while {doing}{lost}"
        )


def _start_worker() -> Worker:
    if os.name != "posix":
        raise InputError("several workers need Linux, macOS or another Unix; use workers=1 here")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours, theirs:
        path = [entry for entry in sys.path if isinstance(entry, str)]
        program = (
            f"import sys; sys.path[:] = {path!r}\n"
            f"from games.pool_worker import main; main({theirs.fileno()}, {os.getpid()})"
        )
        process = subprocess.Popen(
            [get_executable(), "-c", program],
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
        return Worker(process, Connection(ours.detach()))


def _how(process: subprocess.Popen[bytes]) -> str:
    """How a process ended, in words."""
    try:
        code = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        return "it closed its connection"
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"signal {-code}, {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def _stop(workers: list[Worker], owner: int) -> None:
    """End workers: they leave at the end of their connection, or are killed."""
    if os.getpid() != owner:  # a fork of the process that has them
        return
    for worker in workers:
        with contextlib.suppress(OSError):
            worker.connection.close()
    deadline = time.monotonic() + GRACE
    for worker in workers:
        try:
            worker.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            with contextlib.suppress(OSError):  # with what it started, which is in its session
                os.killpg(worker.process.pid, signal.SIGKILL)
            worker.process.wait()
