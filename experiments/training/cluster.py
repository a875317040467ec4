"""Training the seeds of a run on a Ray cluster, whose machines must see the run's folder under the same path."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from shlex import quote
from typing import Any

from experiments.bench.ledger import THREAD_VARIABLES
from experiments.guard import NOT_REACHED
from experiments.training.child import attempt, order_for
from experiments.training.driver import Report
from experiments.training.progress import Together
from experiments.training.runs import Run, read_timing
from games.errors import InputError

OFTEN = 1.0
"""Seconds between two looks at what the seeds have written."""


def check_ray() -> None:
    """`InputError` unless Ray is installed."""
    try:
        import ray  # noqa: F401
    except ImportError:
        raise InputError("--engine ray needs Ray: pip install ray (or 'staghunt[ray]')") from None


def train_on_ray(
    run: Run, seeds: Sequence[int], labour: Any, together: Together
) -> dict[int, tuple[int, str]]:
    """See `experiments.training.seeds.train_seeds`."""
    check_ray()
    import ray

    threads = run.spec.training.threads
    started = not ray.is_initialized()
    if started:
        environment = dict.fromkeys(THREAD_VARIABLES, str(threads))
        ray.init(log_to_driver=False, logging_level=logging.ERROR, runtime_env={"env_vars": environment})
    try:
        gpus = 1.0 / labour.workers if run.spec.training.device.startswith("cuda") else 0.0
        options = {"num_cpus": threads * labour.env_workers, "num_gpus": gpus, "max_retries": 0}
        task = ray.remote(**options)(_train)
        return _gather(ray, task, run, list(seeds), labour, together)
    finally:
        if started:
            ray.shutdown()


def _gather(
    ray: Any, task: Any, run: Run, waiting: list[int], labour: Any, together: Together
) -> dict[int, tuple[int, str]]:
    """Keep `workers` tasks under way until all seeds are done."""
    failures: dict[int, tuple[int, str]] = {}
    running: dict[Any, int] = {}
    folder = run.path.resolve()
    try:
        while waiting or running:
            while waiting and len(running) < labour.workers:
                seed = waiting.pop(0)
                running[task.remote(order_for(folder, seed, labour.env_workers, labour.allow_import))] = seed
            done, _ = ray.wait(list(running), timeout=OFTEN)
            for reference in done:
                seed = running.pop(reference)
                failure = _result(ray, reference, run, seed)
                if failure is not None:
                    failures[seed] = failure
                together.ended(seed)
            for seed in running.values():
                _look(run, seed, together)
    finally:
        for reference in running:
            ray.cancel(reference, force=True)
    return failures


def _train(order: dict[str, Any]) -> list[Any] | None:
    """What a Ray worker does."""
    return attempt(order, lambda report: None)


def _result(ray: Any, reference: Any, run: Run, seed: int) -> tuple[int, str] | None:
    try:
        failure = ray.get(reference)
    except ray.exceptions.RayError as error:
        told = " ".join(str(error).split())[:200]
        advice = f"`staghunt train --resume {quote(str(run.path))}` goes on from its last checkpoint"
        return NOT_REACHED, f"the process that trained seed {seed} died ({told}); {advice}"
    return None if failure is None else (int(failure[0]), str(failure[1]))


def _look(run: Run, seed: int, together: Together) -> None:
    """Tell how far a seed is by what it has written."""
    try:
        rows = read_timing(run.folder(seed))
    except InputError:
        return
    if rows:
        rate = rows[-1].get("frames_per_second")
        together(Report(seed, rows[-1]["steps"], None, float(rate) if isinstance(rate, float) else 0.0))
