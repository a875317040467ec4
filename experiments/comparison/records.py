"""What is compared: runs as `staghunt train` leaves them, read without trusting them.

Only plain data is looked at: neither the environment nor the learner needs to be there, and runs of other versions,
whose learners had other settings, can be compared too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.learning_curves import Curve
from experiments.training.runs import FORMAT, METRICS, SPEC, VERSION, Row, is_run, read_metrics
from experiments.training.yaml_text import read
from games.errors import InputError

MOST_SEEDS = 100_000
NEUTRAL = (
    "learner.name",
    *(f"training.{key}" for key in ("save_every", "log_every", "device", "threads", "env_workers")),
)
"""Settings that do not make another experiment."""
_JUDGED = {f"training.{key}": key for key in ("episodes", "greedy", "max_steps", "evaluate_every")}


class SeedRecord(NamedTuple):
    """The evaluations of one seed."""

    seed: int
    evaluations: dict[int, dict[str, float]]
    """Step to what was measured there; empty before the first."""

    def curve(self, metric: str) -> Curve:
        """One measure against steps, in order; may be empty, and hold NaN where it was no number."""
        found = sorted((step, seen[metric]) for step, seen in self.evaluations.items() if metric in seen)
        steps, values = zip(*found) if found else ((), ())
        return Curve(np.array(steps, dtype=np.int64), np.array(values, dtype=np.float64))


class RunRecord(NamedTuple):
    """One run: a learner on an environment with several seeds."""

    folder: Path
    env: str
    learner: str
    settings: dict[str, Any]
    """Everything that makes two runs different experiments, flat: `learner.hidden`, `training.batch`."""
    judged: dict[str, Any]
    """How its evaluations were made: episodes, greedy, max_steps, evaluate_every."""
    steps: int | None
    """Planned steps of each seed."""
    planned: tuple[int, ...]
    """Seeds that were asked for."""
    seeds: tuple[SeedRecord, ...]

    @property
    def name(self) -> str:
        """The folder as it was given."""
        return str(self.folder)


def read_run(folder: Path) -> RunRecord:
    """Read a run's specification and all its evaluations.

    Raises
    ------
    InputError
        If the folder is no run, or what is in it is damaged.
    """
    spec = _spec(folder)
    learner = spec["learner"]
    name = learner if isinstance(learner, str) else learner.get("name")
    if not isinstance(name, str) or not name:
        raise InputError(f"{folder / SPEC} does not say which learner was trained (learner: name)")
    training = spec.get("training")
    training = training if isinstance(training, dict) else {}
    settings = dict(flat("", {"learner": learner if isinstance(learner, dict) else {}, "training": training}))
    steps = settings.get("training.steps")
    seeds = tuple(_seed(path, number) for number, path in _folders(folder))
    return RunRecord(
        folder,
        spec["env"],
        name,
        {key: value for key, value in settings.items() if key not in (*NEUTRAL, *_JUDGED)},
        {key: settings.get(name) for name, key in _JUDGED.items()},
        steps if isinstance(steps, int) and not isinstance(steps, bool) else None,
        _planned(spec, tuple(s.seed for s in seeds)),
        seeds,
    )


def flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Nested mappings as pairs of a dotted name and a value."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from flat(f"{prefix}.{key}" if prefix else str(key), inner)
    elif prefix:
        yield prefix, value


def _spec(folder: Path) -> dict[str, Any]:
    if not folder.exists():
        raise InputError(f"there is no folder {folder}")
    if not folder.is_dir():
        raise InputError(f"{folder} is a file, expected the folder of a run")
    if not is_run(folder):
        raise InputError(f"{folder} is no run of `staghunt train`: it has no {SPEC}{_hint(folder)}")
    spec = read(folder / SPEC)
    if not isinstance(spec, dict) or spec.get("format") != FORMAT:
        raise InputError(f"{folder / SPEC} is not the record of a run of `staghunt train`")
    if spec.get("version") != VERSION:
        raise InputError(
            f"{folder / SPEC} is of version {spec.get('version')!r:.20}; this program reads version {VERSION}"
        )
    if not isinstance(spec.get("env"), str):
        raise InputError(f"{folder / SPEC} is no specification of a run: it names no environment (env: ...)")
    if not isinstance(spec.get("learner"), str | dict):
        raise InputError(f"{folder / SPEC} does not say which learner was trained (learner: name)")
    return spec


def _hint(folder: Path) -> str:
    """Runs that are near: above a seed's folder, or inside a folder of runs."""
    if is_run(folder.resolve().parent):
        return f"; the run is the folder above it, {folder.parent}"
    inside = sorted(path.parent.name for path in folder.glob(f"*/{SPEC}"))
    if not inside:
        return ""
    listed = ", ".join(inside[:3]) + (", ..." if len(inside) > 3 else "")
    return f", but folders in it are runs ({listed}); name those, as in {folder}/*"


def _folders(folder: Path) -> list[tuple[int, Path]]:
    """Seeds and their folders, in order."""
    found = []
    for path in folder.glob("seed-*"):
        number = path.name.removeprefix("seed-")
        if path.is_dir() and number.isdecimal() and number.isascii():
            found.append((int(number), path))
    return sorted(found)


def _planned(spec: dict[str, Any], found: tuple[int, ...]) -> tuple[int, ...]:
    """The first seed and how many, as the specification says, and any others that are there."""
    first, count = spec.get("seed", 0), spec.get("seeds", 1)
    if not all(isinstance(number, int) and number >= 0 for number in (first, count)) or count > MOST_SEEDS:
        return found
    return tuple(sorted({*range(first, first + count), *found}))


def _seed(folder: Path, number: int) -> SeedRecord:
    evaluations: dict[int, dict[str, float]] = {}
    for row in read_metrics(folder, "evaluation"):
        steps, measured = _evaluation(row, folder / METRICS)
        evaluations[steps] = measured  # should a step be there twice, the later line holds
    return SeedRecord(number, evaluations)


def _evaluation(row: Row, path: Path) -> tuple[int, dict[str, float]]:
    """Step and numbers of one evaluation; `returns` becomes `return:0`, `return:1` and so on."""
    steps = row["steps"]
    if isinstance(steps, bool) or not 0 <= steps < 2**62:
        raise InputError(f"{path}: an evaluation says at how many steps it was made, not {steps!s:.40}")
    measured = {key: _number(value) for key, value in row.items() if _is_number(value) and key != "steps"}
    returns = row.get("returns")
    if isinstance(returns, list):
        measured |= {f"return:{k}": _number(value) for k, value in enumerate(returns) if _is_number(value)}
    return steps, measured


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _number(value: Any) -> float:
    try:
        return math.nan if value is None else float(value)
    except OverflowError:
        return math.inf
