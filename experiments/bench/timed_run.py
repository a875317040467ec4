"""A whole run of `staghunt train` on one thread, timed: evaluations, checkpoints and files included."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from experiments.bench.timing import Sample


def timed_run(options: Mapping[str, Any], seed: int) -> tuple[Sample, list[dict[str, Any]]]:
    """What a run took, in a folder that is thrown away, and its evaluations.

    Parameters
    ----------
    options : mapping
        Settings by dotted key, as `staghunt train --set` takes them.
    seed : int
        Of everything random.
    """
    from experiments.training.config import spec_of
    from experiments.training.driver import train_seed
    from experiments.training.folders import write_spec
    from experiments.training.layers import from_options
    from experiments.training.provenance import provenance
    from experiments.training.runs import read_metrics

    given = {**options, "seed": seed}
    spec = spec_of(from_options({key: (value, "the bench") for key, value in given.items()}))
    with TemporaryDirectory(prefix="staghunt-bench-") as folder:
        run = write_spec(Path(folder), spec, provenance("cpu"))
        wall, cpu = time.perf_counter(), time.process_time()
        train_seed(run, seed, lambda _: None)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        return Sample(wall, cpu), read_metrics(run.folder(seed), "evaluation")
