"""Training the seeds of a run: one here, several in processes of their own, or on a Ray cluster.

A seed's results are a function of the run's spec and its number. Which process trains it, how many at a time, and by
which engine, changes nothing but the time it takes.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote
from typing import IO

from experiments.bench.ledger import THREAD_VARIABLES
from experiments.guard import NOT_REACHED
from experiments.training.child import attempt, order_for
from experiments.training.driver import Report
from experiments.training.progress import Together
from experiments.training.runs import Run

Failures = dict[int, tuple[int, str]]
"""By seed: exit status and sentence."""


@dataclass(frozen=True)
class Labour:
    """Who trains.

    Parameters
    ----------
    workers : int
        Seeds at a time.
    engine : str
        "local" or "ray".
    env_workers : int
        Processes that play the sub-environments of one seed.
    allow_import : tuple of str
        Further packages that environments may import.
    """

    workers: int
    engine: str
    env_workers: int
    allow_import: tuple[str, ...] = ()


def train_seeds(run: Run, seeds: Sequence[int], labour: Labour, together: Together) -> Failures:
    """Train seeds of a run; what went wrong with which. One that fails does not stop the others."""
    if labour.engine == "ray":
        from experiments.training.cluster import train_on_ray

        return train_on_ray(run, seeds, labour, together)
    if len(seeds) == 1:
        failure = attempt(order_for(run.path, seeds[0], labour.env_workers, labour.allow_import), together)
        return {} if failure is None else {seeds[0]: (failure[0], failure[1])}
    with Crew(run, labour, together) as crew:
        return crew.train(seeds)


@dataclass
class Child:
    """A process that trains a seed."""

    seed: int
    process: subprocess.Popen[bytes]
    pipe: IO[bytes]
    buffer: bytes = b""
    done: bool = False


class Crew:
    """Context manager: processes that train one seed each, so many at a time; all end with the block."""

    def __init__(self, run: Run, labour: Labour, together: Together) -> None:
        self._run, self._labour, self._together = run, labour, together
        self._running: list[Child] = []
        self._selector = selectors.DefaultSelector()
        self._failures: Failures = {}

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *exception: object) -> None:
        for child in self._running:
            child.process.kill()  # at any moment this is safe: files appear whole, and the last checkpoint stays
        for child in self._running:
            self._part(child)
        self._selector.close()

    def train(self, seeds: Sequence[int]) -> Failures:
        """Train them all."""
        waiting = list(seeds)
        while waiting or self._running:
            while waiting and len(self._running) < self._labour.workers:
                self._start(waiting.pop(0))
            for key, _ in self._selector.select():
                self._hear(key.data)
            for child in [c for c in self._running if c.pipe.closed]:
                self._running.remove(child)
                self._together.ended(child.seed)
        return self._failures

    def _start(self, seed: int) -> None:
        reading, writing = os.pipe()
        path = [entry for entry in sys.path if isinstance(entry, str)]
        program = f"import sys; sys.path[:] = {path!r}\nfrom experiments.training.child import main; main({writing})"
        threads = str(self._run.spec.training.threads)
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, threads)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=(writing,),
            start_new_session=True,
        )
        os.close(writing)
        child = Child(seed, process, os.fdopen(reading, "rb", buffering=0))
        self._running.append(child)
        self._selector.register(child.pipe, selectors.EVENT_READ, child)
        order = order_for(self._run.path, seed, self._labour.env_workers, self._labour.allow_import)
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it died at once, as its other pipe will say
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()

    def _hear(self, child: Child) -> None:
        """Take what a child says, or notice its end."""
        data = child.pipe.read(1 << 16)
        *lines, child.buffer = (child.buffer + data).split(b"\n")
        for line in lines:
            told = json.loads(line)
            if "report" in told:
                self._together(Report(*told["report"]))
            else:
                child.done = True
                if told["failure"] is not None:
                    code, sentence = told["failure"]
                    self._failures[child.seed] = int(code), str(sentence)
        if not data:
            self._part(child)
            if not child.done:
                self._failures[child.seed] = NOT_REACHED, self._obituary(child)

    def _part(self, child: Child) -> None:
        """Give back what belongs to a child that ends."""
        if not child.pipe.closed:
            self._selector.unregister(child.pipe)
            child.pipe.close()
        if child.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                child.process.stdin.close()
        child.process.wait()

    def _obituary(self, child: Child) -> str:
        code = child.process.returncode
        how = f"exit status {code}"
        if code < 0:
            with contextlib.suppress(ValueError):
                how = f"signal {-code}, {signal.Signals(-code).name}"
        return (
            f"the process that trained seed {child.seed} died ({how}); "
            f"`staghunt train --resume {quote(str(self._run.path))}` goes on from its last checkpoint"
        )


def status(failures: Failures) -> int:
    """The exit status for what went wrong: that of the gravest."""
    return max((code for code, _ in failures.values()), default=0)
