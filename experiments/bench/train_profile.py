"""Where a trainer's wall-clock goes: networks, environment, and everything else, which is the trainer's own overhead.

A timer interrupts the training every millisecond; the time since the interruption before is put down to the innermost
frame of ours on the stack. What is charged to networks is what happens in the files that hold networks, distributions
and losses, and in torch's autograd, optimisers and modules wherever they are called from. Everything that a learner's
own file does itself counts as overhead, so the overhead is rather told too large than too small.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from experiments.bench.ledger import ROOT

NETWORKS, ENVIRONMENT, REST = "networks", "environment", "everything else"
_NETWORKS = tuple(f"marl/{name}.py" for name in ("networks", "actors", "losses", "recurrence", "mixers"))
_ENVIRONMENT = ("games/sims/", "games/env.py", "games/from_", "experiments/bench/train_vmas.py")
_TORCH = tuple(f"/torch/{part}/" for part in ("autograd", "nn", "optim"))
_INTERVAL_S = 1e-3


class Profile:
    """A context in which this process's main thread is watched.

    Attributes
    ----------
    seconds : dict of str to float
        Wall-clock of each part.
    """

    def __init__(self) -> None:
        self.seconds = {NETWORKS: 0.0, ENVIRONMENT: 0.0, REST: 0.0}
        self._known: dict[str, str] = {}
        self._before = 0.0

    def __enter__(self) -> Profile:
        self._old: Any = signal.signal(signal.SIGALRM, self._interrupt)
        self._before = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, _INTERVAL_S, _INTERVAL_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, self._old)

    def shares(self) -> dict[str, float]:
        """Share of each part, summing to 1."""
        total = sum(self.seconds.values())
        return {part: spent / total for part, spent in self.seconds.items()}

    def _interrupt(self, _: int, frame: FrameType | None) -> None:
        now = time.perf_counter()
        # a long call of a compiled function swallows interruptions: the time since the last one is all its own
        self.seconds[self.part_of(frame)] += now - self._before
        self._before = now

    def part_of(self, frame: FrameType | None) -> str:
        """To which part the innermost frame of ours belongs."""
        through_torch = False
        while frame is not None:
            path = frame.f_code.co_filename
            kind = self._known.get(path)
            if kind is None:
                kind = self._known[path] = kind_of(path)
            if kind in (NETWORKS, ENVIRONMENT):
                return kind
            if kind == REST:
                return NETWORKS if through_torch else REST
            through_torch = through_torch or kind == "torch"
            frame = frame.f_back
        return REST


def kind_of(path: str) -> str:
    """What a source file is: of which part, of torch (``torch``), or of somebody else (empty)."""
    if any(part in path for part in _TORCH):  # first: an environment may lie within the checkout
        return "torch"
    try:
        name = Path(path).relative_to(ROOT).as_posix()
    except ValueError:
        return ""
    if name.startswith(_NETWORKS):
        return NETWORKS
    if name.startswith(_ENVIRONMENT):
        return ENVIRONMENT
    return REST if name.split("/")[0] in ("games", "marl", "experiments") else ""
