"""Writes what happens in the training of one seed: metrics, timing, TensorBoard, the best and the last checkpoint.

Lines gather in memory and go to the system at evaluations and checkpoints, metrics always before the checkpoint that
counts on them. A checkpoint knows how long `metrics.jsonl` was, so that going on from it cuts off what came later and
writes the same bytes again.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from shlex import quote
from typing import IO, Any

from experiments.output import dumps
from experiments.training.folders import clear_temporary, cut
from experiments.training.layers import from_mapping, short
from experiments.training.rows import Window, evaluation_row, scores
from experiments.training.runs import BEST, DENSE, LAST, METRICS, TIMING, Run, read_timing
from experiments.training.settings import Spec, learner_document
from experiments.training.tensorboard import Scalars, remove_events
from games.env import EnvSpec
from games.errors import InputError
from marl.checkpoint import Tree, whole_number, write_checkpoint
from marl.train import Evaluated, Event, Saved, Updated

SHOWN = 16
"""TensorBoard shows returns agent by agent for at most so many."""


class Recorder:
    """Context manager that takes the events of `marl.train` and writes them down.

    Parameters
    ----------
    run : Run
        The run.
    seed : int
        Which of its seeds.
    env : EnvSpec
        The environment's.
    resume : dict, optional
        The tree of the last checkpoint; without it, what lies in the seed's folder is deleted.

    Raises
    ------
    InputError
        If the files do not fit the checkpoint; from all methods, if the system refuses to write.
    """

    def __init__(self, run: Run, seed: int, env: EnvSpec, resume: Tree | None) -> None:
        self.run, self.seed, self.env, self.folder = run, seed, env, run.folder(seed)
        self._stack = ExitStack()
        self.best = -math.inf
        self.window = Window()
        self.steps, self.updates, self.seconds_before = 0, 0, 0.0
        self.latest: float | None = None  # mean score of the last evaluation
        self._dense = False  # whether a graph is learned that is to become sparse, but not yet
        self._resume = resume
        self._saved = resume is not None

    def __enter__(self) -> Recorder:
        try:
            with self._stack as stack:
                clear_temporary(self.folder)
                if self._resume is None:
                    self._clear()
                else:
                    self._restore(self._resume)
                self._metrics = stack.enter_context(_appending(self.folder / METRICS))
                self._timing = stack.enter_context(_appending(self.folder / TIMING))
                self._scalars = Scalars(self.folder, self.steps + 1 if self._saved else None)
                stack.callback(self._scalars.close)
                self._stack = stack.pop_all()
        except OSError as error:
            raise self._refused(error) from None
        self._bytes = (self.folder / METRICS).stat().st_size
        self._start = self._mark = time.perf_counter()
        self._marked, self._played, self._learned = self.steps, 0.0, 0.0
        self._parts: dict[str, float] = {}
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: Any) -> None:
        try:
            self._stack.close()
        except OSError as error:
            if kind is None:
                raise self._refused(error) from None

    @property
    def seconds(self) -> float:
        """Wall time of this seed's training so far, that before an interruption included."""
        return self.seconds_before + time.perf_counter() - self._start

    @property
    def saved(self) -> bool:
        """Whether there is a last checkpoint."""
        return self._saved

    def take(self, event: Event) -> None:
        """Write down what happened."""
        try:
            if isinstance(event, Updated):
                self._update(event)
            elif isinstance(event, Evaluated):
                self._evaluation(event)
            else:
                self._save(event)
        except OSError as error:
            raise self._refused(error) from None

    def _update(self, event: Updated) -> None:
        every = self.run.spec.training.log_every
        assert every is not None
        self.window.add(event, scores(self.env, event.returns))
        before, self.steps = self.steps, event.steps
        self.updates += 1
        self._played += event.play_seconds
        self._learned += event.learn_seconds
        for part, seconds in event.part_seconds.items():
            self._parts[part] = self._parts.get(part, 0.0) + seconds
        self._dense = event.metrics.get("wanted_ratio") == 1.0
        if event.steps // every > before // every or event.steps >= self.run.spec.training.steps:
            self._update_line()

    def _update_line(self) -> None:
        row = self.window.row(self.steps, self.updates)
        self._write(row)
        numbers = {name: value for name, value in row.items() if name not in ("kind", "steps", "updates")}
        self._scalars.add(self.steps, {f"train/{k}": v for k, v in numbers.items() if v is not None})
        self._clock()
        self.window = Window()

    def _evaluation(self, event: Evaluated) -> None:
        row = evaluation_row(self.env, event.steps, event.episodes, event.beside)
        self._write(row)
        told = {k: v for k, v in row.items() if k not in ("kind", "steps", "episodes", "returns")}
        if not self.env.common_reward and 1 < len(self.env.agents) <= SHOWN:
            told |= {f"return/{agent}": r for agent, r in zip(self.env.agents, row["returns"])}
        self._scalars.add(event.steps, {f"evaluation/{name}": value for name, value in told.items()})
        self.latest = row["return"]
        self._flush()
        if row["return"] >= self.best:
            if event.steps > 0:  # see `runs.best_evaluation`
                self.best = row["return"]
            self._checkpoint(BEST, {**event.tree, "driver": self._identity()})
        if self._dense:
            self._checkpoint(DENSE, {**event.tree, "driver": self._identity()})

    def _save(self, event: Saved) -> None:
        self._flush()
        os.fsync(self._metrics.fileno())  # no checkpoint may outlive what it counts on
        driver = {
            **self._identity(),
            "metrics_bytes": self._bytes,
            "window": self.window.tree(),
            "best": self.best if math.isfinite(self.best) else None,
            "latest": self.latest if self.latest is not None and math.isfinite(self.latest) else None,
        }
        self._checkpoint(LAST, {**event.tree, "driver": driver})
        self._saved = True

    def _checkpoint(self, name: str, tree: Tree) -> None:
        try:
            write_checkpoint(self.folder / name, tree)
        except InputError as error:
            raise InputError(f"{error}; {self._advice}") from None

    def _identity(self) -> Tree:
        return identity(self.run.spec)

    def _write(self, row: Mapping[str, Any]) -> None:
        line = (dumps(row) + "\n").encode()
        self._metrics.write(line)
        self._bytes += len(line)

    def _clock(self) -> None:
        now = time.perf_counter()
        passed = max(now - self._mark, 1e-9)
        told = {
            "seconds": self.seconds,
            "frames_per_second": (self.steps - self._marked) / passed,
            "play": self._played / passed,
            "learn": self._learned / passed,
            **{f"learn_{part}": seconds / passed for part, seconds in self._parts.items()},
        }
        rounded = {name: float(f"{value:.6g}") for name, value in told.items()}
        self._timing.write((dumps({"steps": self.steps, **rounded}) + "\n").encode())
        self._scalars.add(self.steps, {f"time/{name}": value for name, value in rounded.items()})
        self._mark, self._marked, self._played, self._learned = now, self.steps, 0.0, 0.0
        self._parts = {}

    def _flush(self) -> None:
        self._metrics.flush()
        self._timing.flush()
        self._scalars.flush()

    def _clear(self) -> None:
        """Begin with an empty folder: what was written before the first checkpoint is written again."""
        for name in (METRICS, TIMING, LAST, BEST, DENSE):
            (self.folder / name).unlink(missing_ok=True)
        remove_events(self.folder)

    def _restore(self, tree: Tree) -> None:
        """Take up the checkpoint's knowledge, and cut off what it does not know."""
        driver, trainer = tree.get("driver"), tree.get("trainer")
        if not isinstance(driver, dict) or not isinstance(trainer, dict):
            raise InputError("the checkpoint is damaged: it does not say how long the metrics were")
        size = whole_number(driver, "metrics_bytes")
        self.steps, self.updates = whole_number(trainer, "steps"), whole_number(trainer, "updates")
        cut(self.folder / METRICS, size)
        self.window = Window(driver.get("window"))
        best, latest = driver.get("best"), driver.get("latest")
        self.best = float(best) if isinstance(best, int | float) else -math.inf
        self.latest = float(latest) if isinstance(latest, int | float) else None
        self._cut_timing()

    def _cut_timing(self) -> None:
        """Drop lines of after the checkpoint; a torn last line, or a file that is no longer ours, costs only times."""
        path = self.folder / TIMING
        try:
            rows = [row for row in read_timing(self.folder) if row["steps"] <= self.steps]
        except InputError:
            rows = []
        path.write_bytes("".join(dumps(row) + "\n" for row in rows).encode())
        seconds = rows[-1].get("seconds") if rows else None
        self.seconds_before = float(seconds) if isinstance(seconds, int | float) else 0.0

    def _refused(self, error: OSError) -> InputError:
        return InputError(f"cannot write to {self.folder}: {error.strerror or error}; {self._advice}")

    @property
    def _advice(self) -> str:
        kept = "the checkpoint before it is kept, and" if self._saved else "once that is mended,"
        return f"{kept} `staghunt train --resume {quote(str(self.run.path))}` goes on"


def identity(spec: Spec) -> Tree:
    """Of which learner a checkpoint is."""
    document = learner_document(spec.name, spec.learner)
    return {"name": document.pop("name"), "learner": json.dumps(document)}


def check_identity(tree: Tree, spec: Spec) -> None:
    """`InputError` unless a checkpoint is of the learner that the run's spec describes."""
    driver, wanted = tree.get("driver"), identity(spec)
    if not isinstance(driver, dict):
        raise InputError("the checkpoint is damaged: it does not say of which learner it is")
    if driver.get("name") != wanted["name"]:
        raise InputError(
            f"the checkpoint is of the learner {driver.get('name')!s:.40}, not of {wanted['name']}"
        )
    try:
        kept = json.loads(str(driver.get("learner")))
    except (ValueError, RecursionError):
        kept = None
    if not isinstance(kept, dict):
        raise InputError("the checkpoint is damaged: it does not say of which learner it is")
    found, asked = (
        from_mapping({"learner": kept}, ""),
        from_mapping({"learner": json.loads(wanted["learner"])}, ""),
    )
    for key, (value, _) in asked.items():
        had = found.get(key)
        if had is None or had.value != value:
            told = "nothing" if had is None else _said(had.value)
            raise InputError(
                f"the checkpoint was trained with {key} {told}, but the run's spec says {_said(value)}"
            )


def _said(value: Any) -> str:
    return "none" if value is None else short(value)


def _appending(path: Path) -> IO[bytes]:
    return path.open("ab", buffering=1 << 16)
