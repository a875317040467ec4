"""Training one seed of a run, in this process: from its last checkpoint if there is one, else from the beginning."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch

from experiments.stray_prints import prints_on_stderr
from experiments.training.folders import locked
from experiments.training.recorder import Recorder, check_identity
from experiments.training.runs import LAST, Run
from games.env import Env
from games.env_uris import make_env
from games.errors import InputError
from marl.checkpoint import Tree, read_checkpoint, whole_number
from marl.learner import Diverged
from marl.train import Trainer

OFTEN = 0.2
"""Seconds between two reports."""


class Report(NamedTuple):
    """How far a seed has come."""

    seed: int
    steps: int
    score: float | None  # mean score of the last evaluation
    rate: float  # joint steps per second of this sitting, evaluations included


Told = Callable[[Report], None]


class Stopped(Exception):
    """The training of a seed ended early, for which nobody's input is to blame; the message is one sentence."""


def train_seed(
    run: Run, seed: int, told: Told, *, env_workers: int | None = None, allow_import: tuple[str, ...] = ()
) -> None:
    """Train a seed to the end and write everything in its folder.

    Parameters
    ----------
    run : Run
        The run.
    seed : int
        Which of its seeds.
    told : callable
        Told of the progress, a few times a second.
    env_workers : int, optional
        Processes that play the sub-environments, by default as the run's spec says; they change only the speed.
    allow_import : tuple of str
        Further packages that the environment may import.

    Raises
    ------
    InputError
        If the files do not fit together, the environment refuses, or the system refuses to write.
    Stopped
        If learning diverged.
    """
    spec = run.spec
    folder = run.folder(seed)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror or error}") from None
    with locked(folder), contextlib.ExitStack() as stack:
        tree = last_checkpoint(folder)
        stack.enter_context(prints_on_stderr())
        stack.enter_context(settled(spec.training.threads, spec.training.device))
        workers = env_workers or spec.training.env_workers
        env: Any = make_env(spec.env, workers=workers, allow_import=allow_import)
        if workers > 1:
            stack.enter_context(env)
        with memory_guard():
            trainer = _begun(run, seed, env, tree)
            stack.callback(trainer.close)
            recorder = _recording(run, seed, env, tree, stack)
            tree = None  # may be large
            _follow(trainer, recorder, told)


def last_checkpoint(folder: Path) -> Tree | None:
    """The tree that a seed's training goes on from; None if there is no checkpoint yet."""
    path = folder / LAST
    return read_checkpoint(path) if path.exists() else None


def steps_done(folder: Path) -> int:
    """Joint steps that a seed's last checkpoint has behind it, 0 without one; `InputError` if it is damaged."""
    path = folder / LAST
    if not path.exists():
        return 0
    about = read_checkpoint(path, tensors=False).get("trainer")
    if not isinstance(about, dict):
        raise InputError(f"{path} is damaged: it does not say how many steps it has behind it")
    try:
        return whole_number(about, "steps")
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def start_of(given: str, seed: int) -> Tree:
    """The checkpoint that a run begins with: the last one of an earlier run, of the same seed where it has several.

    Raises
    ------
    InputError
        If there is no such run or checkpoint, or the run has several seeds and not this one.
    """
    from experiments.trained import checkpoints

    try:
        _, files = checkpoints(Path(given), "last")
    except InputError as error:
        raise InputError(f"training.start: {error}") from None
    if len(files) > 1 and seed not in files:
        raise InputError(
            f"training.start {given}: the run has the seeds {', '.join(map(str, sorted(files)))}, and not {seed}"
        )
    file = files[seed] if seed in files else next(iter(files.values()))
    return read_checkpoint(file)


@contextlib.contextmanager
def settled(threads: int, device: str = "cpu") -> Iterator[None]:
    """In the meantime torch computes the same on every call, with so many threads."""
    if device.startswith("cuda"):
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with it
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])


@contextlib.contextmanager
def memory_guard() -> Iterator[None]:
    """Running out of memory is told in one sentence, of the CPU's or the GPU's."""
    advice = "try a smaller training.batch, fewer training.episodes, or a smaller learner"
    try:
        yield
    except MemoryError:
        raise InputError(f"not enough memory for this; {advice}") from None
    except RuntimeError as error:
        if "out of memory" in str(error) or "can't allocate memory" in str(error):
            raise InputError(f"not enough memory for this; {advice}") from None
        raise


def _begun(run: Run, seed: int, env: Env, tree: Tree | None) -> Trainer:
    """The trainer, in the state that the checkpoint tells."""
    spec = run.spec
    try:
        if tree is not None:
            check_identity(tree, spec)
        start = (
            None if tree is not None or spec.training.start is None else start_of(spec.training.start, seed)
        )
        return Trainer(spec.learner, env, spec.plan(seed), spec.training.device, tree, start)
    except InputError as error:
        if tree is None:
            raise
        raise _unfit(run, seed, error) from None


def _recording(run: Run, seed: int, env: Env, tree: Tree | None, stack: contextlib.ExitStack) -> Recorder:
    try:
        return stack.enter_context(Recorder(run, seed, env.spec, tree))
    except InputError as error:
        if tree is None:
            raise
        raise _unfit(run, seed, error) from None


def _unfit(run: Run, seed: int, error: InputError) -> InputError:
    path = run.folder(seed) / LAST
    return InputError(f"{path}: {error}; delete that checkpoint to train the seed anew")


def _follow(trainer: Trainer, recorder: Recorder, told: Told) -> None:
    start, begun, next_time = time.perf_counter(), recorder.steps, 0.0
    try:
        for event in trainer.events():
            recorder.take(event)
            now = time.perf_counter()
            if now >= next_time:
                next_time = now + OFTEN
                rate = (recorder.steps - begun) / (now - start)
                told(Report(recorder.seed, recorder.steps, recorder.latest, rate))
    except Diverged as error:
        where = recorder.folder / LAST
        kept = f"{where} is from before" if recorder.saved else "no checkpoint was written before"
        raise Stopped(f"seed {recorder.seed} diverged: {error}; {kept}") from None
    told(Report(recorder.seed, recorder.steps, recorder.latest, 0.0))
