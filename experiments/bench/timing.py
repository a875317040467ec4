"""Samples of wall and process time, in this process or in a forked child with a hard wall cap."""

from __future__ import annotations

import contextlib
import gc
import math
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHORTEST = 5e-3
"""A sample lasts at least this many seconds; shorter calls are repeated inside it."""


@dataclass(frozen=True)
class Sample:
    """Wall and process seconds of one unit of work."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Side:
    """One contender.

    Parameters
    ----------
    call : callable
        The work that is timed.
    extract : callable
        Turns what `call` returned into what the check wants; outside the timing, and picklable when capped.
    units : float
        How many units of work (iterations, say) one call does; times are per unit.
    warm : callable, optional
        What to run once before timing; by default `call` itself.
    calls : int, optional
        Calls in a sample where that is known, which spares trying it out on slow work.
    prepare : callable, optional
        What the one call of a sample needs afresh, done before the clock starts.
    """

    call: Callable[[], Any]
    extract: Callable[[Any], Any] = lambda answer: answer
    units: float = 1.0
    warm: Callable[[], Any] | None = None
    calls: int | None = None
    prepare: Callable[[], Any] | None = None


# --- single samples ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def sample(side: Side, calls: int = 1) -> tuple[Sample, Any]:
    """Time `calls` calls of a side; returns seconds per unit of work and the last answer."""
    if side.prepare is not None:
        side.prepare()
    with _no_collector():
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(calls):
            answer = side.call()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    work = calls * side.units
    return Sample(wall / work, cpu / work), answer


def calls_needed(side: Side, shortest: float = SHORTEST) -> int:
    """How many calls fill a sample of `shortest` seconds, from timing 1, 2, 4, ... of them."""
    if side.calls is not None:
        return side.calls
    calls = 1
    while True:
        spent = sample(side, calls)[0].wall * calls * side.units
        if spent >= 0.5 * shortest or calls >= 1 << 16:
            return max(1, math.ceil(calls * shortest / max(spent, 1e-9)))
        calls *= 2


def steady(step: Callable[[int], Any], seconds: float) -> Side:
    """A side whose every call does as many steps as fill about `seconds`; finding out how many warms it up."""
    count = 1
    while True:
        start = time.perf_counter()
        step(count)
        spent = time.perf_counter() - start
        if spent >= 0.5 * seconds or count >= 1 << 24:
            break
        count *= 2
    count = max(1, round(count * seconds / max(spent, 1e-9)))
    return Side(lambda: step(count), units=count, warm=lambda: None, calls=1)


def warm_up(side: Side) -> None:
    """Run what must not be timed: compilation, first calls, lazy imports."""
    (side.warm or side.call)()


# --- children ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Capped:
    """What came of work in a child: an answer, or the time it had used when stopped, or its error."""

    sample: Sample
    answer: Any = None
    stopped: bool = False
    error: str = ""


def in_child(side: Side, cap_s: float) -> Capped:
    """One call of a side in a forked child, killed after `cap_s` wall seconds; timed inside the child."""
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    before, start = _children_cpu(), time.perf_counter()
    child = context.Process(target=_report, args=(send, side))
    child.start()
    send.close()
    message: Any = None
    try:
        stopped = not receive.poll(cap_s)
        if not stopped:
            with contextlib.suppress(EOFError):
                message = receive.recv()
    finally:
        if message is None:
            child.kill()
        child.join()
        receive.close()
    if message is not None:
        return message
    spent = Sample((time.perf_counter() - start) / side.units, (_children_cpu() - before) / side.units)
    return Capped(spent, stopped=stopped, error="" if stopped else f"died with exit code {child.exitcode}")


def _report(send: Any, side: Side) -> None:
    """In the child: be silent, work, send back the time and the answer."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    sys.stdout = sys.stderr = os.fdopen(quiet, "w")
    try:
        spent, answer = sample(side)
        send.send(Capped(spent, side.extract(answer)))
    except Exception as error:  # a peer may fail in any way; the row says how
        send.send(Capped(Sample(math.nan, math.nan), error=one_line(error)))


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def one_line(error: BaseException) -> str:
    """An error in one line."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]


def peak_gib() -> float:
    """Peak resident memory of this process; VmHWM where there is one, as ru_maxrss survives an exec."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024**2
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1024**3
