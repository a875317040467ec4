"""Trainers that are timed: each learns in a process of its own and is let go for one sample at a time.

The trainer runs its own loop from beginning to end; a `Pacer` inside it, called once per iteration with the frames seen
so far, holds it until the next sample is wanted and tells how many frames it trained on and what process time that took.
So what is slow only once (imports, compilation, filling a replay buffer) falls before the first sample, and samples of
two trainers can be taken in turns. The same reports, unheld, draw a curve of learning.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from experiments.bench.timing import Sample

Told = dict[str, Any]
_PATIENCE_S = 10.0
"""How long a trainer may take to end by itself before it is killed."""


# --- inside the trainer's process -------------------------------------------------------------------------


class Pacer:
    """Lets a trainer run for one sample at a time.

    Parameters
    ----------
    orders : text file
        For each sample a line with the seconds of process time that it shall take; the end of the file ends the process.
    reports : text file
        Where to write what happened, a line of JSON each.
    warm : int
        Frames before anything is timed.
    """

    def __init__(self, orders: IO[str], reports: IO[str], warm: int = 0) -> None:
        self._orders, self._reports, self.warm = orders, reports, warm
        self._wanted = 0.0
        self._start: tuple[int, float, float] | None = None

    def tell(self, **told: Any) -> None:
        """Send a report."""
        self._reports.write(json.dumps(told) + "\n")
        self._reports.flush()

    def tick(self, frames: int) -> None:
        """To be called between two iterations of training, with all the frames so far."""
        if self._start is None:
            if frames >= self.warm:
                self.tell(ready=frames)
                self._hold(frames)
            return
        began, cpu, wall = self._start
        cpu, wall = family_cpu() - cpu, time.perf_counter() - wall
        if cpu >= self._wanted and frames > began:
            self.tell(frames=frames - began, cpu=cpu, wall=wall)
            self._hold(frames)

    def _hold(self, frames: int) -> None:
        order = self._orders.readline()
        if not order.strip():
            sys.exit(0)
        self._wanted = float(order)
        self._start = (frames, family_cpu(), time.perf_counter())


def family_cpu() -> float:
    """Process time of this process and of all its children, in seconds."""
    done = os.times()
    own = time.process_time() + done.children_user + done.children_system
    return own + sum(_cpu_of(child.pid) for child in multiprocessing.active_children() if child.pid)


def _cpu_of(pid: int) -> float:
    """Seconds of process time of a living child; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def serve(train: Callable[[Told, Pacer], None]) -> None:
    """Be the trainer's process: take the settings from stdin, train, end when nobody wants more.

    Parameters
    ----------
    train : callable
        Given the settings and a pacer, trains for as long as the pacer lets it, or as the settings say.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that its own children are ended too
    settings = json.loads(sys.stdin.readline())
    with os.fdopen(int(sys.argv[1]), "w") as reports:
        pacer = Pacer(sys.stdin, reports, int(settings.get("warm", 0)))
        train(settings, pacer)
        pacer.tell(done=True)


# --- outside ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stretch:
    """A sample of training: frames, and what they took."""

    frames: int
    cpu: float
    wall: float

    @property
    def per_frame(self) -> Sample:
        """Seconds per frame."""
        return Sample(self.wall / self.frames, self.cpu / self.frames)


class Trainer:
    """A trainer in a process of its own.

    Parameters
    ----------
    module : str
        What is run; it calls `serve`.
    settings : dict
        What to train and how, as JSON can say it; ``warm`` is the number of frames before timing.
    """

    def __init__(self, module: str, settings: Told) -> None:
        self._log = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 (lives as long as the process)
        reading, writing = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, str(writing)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
            pass_fds=(writing,),
            start_new_session=True,
            text=True,
        )
        os.close(writing)
        self._reports = os.fdopen(reading)
        self._send(json.dumps(settings))

    def __enter__(self) -> Trainer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait(self) -> None:
        """Until the first sample can be taken."""
        self._next("ready")

    def sample(self, seconds: float) -> Stretch:
        """Train for about so many seconds of process time."""
        self._send(repr(seconds))
        told = self._next("frames")
        return Stretch(told["frames"], told["cpu"], told["wall"])

    def reports(self) -> Iterator[Told]:
        """Everything that is told until the training is done, for trainers that are not held."""
        while not (told := self._read()).get("done"):
            yield told

    def close(self) -> None:
        """End the process and whatever it has started."""
        for file in (self.process.stdin, self._reports):
            with contextlib.suppress(OSError):
                assert file is not None
                file.close()
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=_PATIENCE_S)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._log.close()

    def _send(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # its end is noticed where its answer is read
            assert self.process.stdin is not None
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def _next(self, wanted: str) -> Told:
        while wanted not in (told := self._read()):
            if told.get("done"):
                raise RuntimeError("the training was over before it could be timed")
        return told

    def _read(self) -> Told:
        line = self._reports.readline()
        if not line:
            raise RuntimeError(self._last_words())
        return json.loads(line)

    def _last_words(self) -> str:
        self.process.wait()
        self._log.seek(0)
        lines = [line.strip() for line in self._log.read().splitlines() if line.strip()]
        return lines[-1] if lines else f"the trainer ended with exit code {self.process.returncode}"
