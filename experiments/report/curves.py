"""Learning curves: of a training run, and of the agents of a tournament that come from training runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.report.figures import LINES, Line, Picture, curves, picture
from experiments.report.text import number
from experiments.trained import SUFFIX, is_trained
from experiments.training.runs import Run, read_metrics, read_run, which_seed
from experiments.training.summary import Outcome, outcomes
from games.errors import InputError


@dataclass(frozen=True)
class Learned:
    """An agent of a tournament that was trained: its last evaluation in training, or why that is not known."""

    agent: str
    title: str
    seed: int
    steps: int
    final: float
    error: float
    reason: str = ""


@dataclass(frozen=True)
class Curves:
    """The section about learning."""

    picture: Picture | None
    agents: list[Learned]


def curves_of_agents(agents: Sequence[tuple[str, str]], files: Any = None) -> Curves | None:
    """Curves of those agents that were trained; None if none was.

    Parameters
    ----------
    agents : sequence of (str, str)
        Name and policy.
    files : mapping of str to str, optional
        The files that agents were made of, by path: so that a run is missed when it is gone.
    """
    made_of = [path for path in files if isinstance(path, str)] if isinstance(files, Mapping) else []
    lines, told = [], []
    for name, policy in agents:
        try:
            if not is_trained(policy) and not _was_trained(policy, made_of):
                continue
            run, seed = _run_of(Path(policy))
            line = _line(run, seed, name)
            if line is None:
                told.append(Learned(name, run.title, seed, 0, math.nan, math.nan, "it has no evaluations"))
                continue
            lines.append(line)
            last = int(line.steps[-1]), float(line.values[-1]), float(line.errors[-1])
            told.append(Learned(name, run.title, seed, *last))
        except (InputError, OSError) as error:
            told.append(Learned(name, policy, -1, 0, math.nan, math.nan, str(error)))
    if not told:
        return None
    return Curves(_picture(lines, "Learning curves of the agents that were trained"), told)


class SeedRow(NamedTuple):
    """What a seed of a run came to: named numbers, None where there is none."""

    seed: int
    fields: list[tuple[str, float | None]]


@dataclass(frozen=True)
class Training:
    """What there is to see of a training run."""

    run: Run
    picture: Picture | None
    rows: list[SeedRow]

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What stands at the head of the page."""
        rows = [dict(row.fields) for row in self.rows]
        finals = [row["final"] for row in rows if row["final"] is not None]
        steps = sum(int(row["steps"] or 0) for row in rows)
        out = [("steps of all seeds", f"{steps:,}")]
        if finals:
            out.append(("mean return of last evaluations", number(sum(finals) / len(finals))))
        best = [row["best"] for row in rows if row["best"] is not None]
        if best:
            out.append(("best evaluation", number(max(best))))
        return out


def training_of(run: Run) -> Training:
    """Curves and numbers of a run of `staghunt train`.

    Raises
    ------
    InputError
        If its lines are damaged, or it has not begun.
    """
    if not run.begun:
        raise InputError(f"{run.path} has nothing to report yet: no seed of the run has begun")
    lines: list[Line] = []
    for seed in run.begun:
        line = _line(run, seed, f"seed {seed}")
        if line is not None:
            lines += [line, *_while_training(run, seed, line.name)]
    return Training(run, _picture(lines, run.title), [_row(one) for one in outcomes(run, {})])


def _row(one: Outcome) -> SeedRow:
    final, best = one.final or {}, one.best or {}
    told = {
        "steps": one.steps,
        "final": final.get("return"),
        "error": final.get("standard_error"),
        "best": best.get("return"),
        "best step": best.get("steps"),
        "seconds": one.seconds,
    }
    return SeedRow(one.seed, [(name, value if _finite(value) else None) for name, value in told.items()])


def _was_trained(policy: str, files: Sequence[str]) -> bool:
    """Whether one of the files is a checkpoint in the folder that the policy names."""
    return any(path.endswith(SUFFIX) and Path(policy) in Path(path).parents for path in files)


def _run_of(path: Path) -> tuple[Run, int]:
    """The run of a policy, and which of its seeds; without asking whether the checkpoint is still there."""
    place = path.parent if path.suffix.lower() == SUFFIX else path
    run = read_run(place)
    return run, which_seed(run, place)


def _line(run: Run, seed: int, name: str) -> Line | None:
    rows = [row for row in read_metrics(run.folder(seed), "evaluation") if _finite(row.get("return"))]
    if not rows:
        return None
    errors = [row.get("standard_error") for row in rows]
    return Line(
        name,
        np.array([row["steps"] for row in rows], dtype=np.float64),
        np.array([row["return"] for row in rows], dtype=np.float64),
        np.array([e if _finite(e) else math.nan for e in errors], dtype=np.float64),
    )


def _while_training(run: Run, seed: int, name: str) -> list[Line]:
    """The return of training episodes, a faint line."""
    rows = [row for row in read_metrics(run.folder(seed), "update") if _finite(row.get("return"))]
    if len(rows) < 2:
        return []
    steps, values = (np.array([row[key] for row in rows], dtype=np.float64) for key in ("steps", "return"))
    return [Line(name, steps, values, np.full(len(rows), math.nan), faint=True)]


def _picture(lines: list[Line], title: str) -> Picture | None:
    if not lines:
        return None
    bold = sum(not line.faint for line in lines)
    some = f", the first {LINES} of {bold}" if bold > LINES else ""
    faint = " Faint: episodes while training." if any(line.faint for line in lines) else ""
    return picture(
        lambda: curves(lines, title),
        f"Learning curves: return of evaluations against environment steps, {min(bold, LINES)} lines",
        f"Mean return of evaluations{some}; the band is one standard error.{faint}",
    )


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
