"""`python -m experiments.recipes [NAME ...]`: train the recipes of `experiments/configs` and note what they reached.

Runs go to ``--out`` and are gone on with if they were stopped; ``experiments/configs/reached.json`` gets a record for
each finished recipe. With ``--table`` the committed records are printed as the table of docs/recipes.md instead.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from experiments.aggregates import estimate, iqm
from experiments.atomic import write_text
from experiments.checkout import needs_checkout
from experiments.training.config import recipes
from experiments.training.request import Wish, prepared, train_run
from experiments.training.runs import Run, read_metrics
from experiments.training.summary import Outcome, outcomes
from games.errors import InputError

REACHED = Path(__file__).parent / "configs" / "reached.json"
CONFIDENCE, RESAMPLES = 0.95, 2_000


def main(arguments: list[str]) -> int:
    """Train what was named, all by default; the exit status."""
    asked = argparse.ArgumentParser(prog="python -m experiments.recipes", description=__doc__)
    asked.add_argument("names", nargs="*", metavar="NAME")
    asked.add_argument("--out", type=Path, default=Path("runs/recipes"), help="folder of the runs")
    asked.add_argument("--workers", type=int, default=None, help="seeds at a time")
    asked.add_argument("--table", action="store_true", help="print the committed records as a table")
    given = asked.parse_args(arguments)
    if given.table:
        sys.stdout.write(table(reached()) + "\n")
        return 0
    needs_checkout("noting what recipes reached", "`staghunt train --config RECIPE` trains one")
    known = recipes()
    for name in given.names:
        if name not in known:
            raise InputError(f"there is no recipe {name!r}; there are {', '.join(known)}")
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.names or known:
        record = train_recipe(name, given.out / name, given.workers)
        write_text(REACHED, json.dumps({**reached(), name: record}, indent=1, sort_keys=True) + "\n")
        sys.stdout.write(f"{name}: {json.dumps(record['return'])}\n")
        sys.stdout.flush()
    return 0


def reached() -> dict[str, Any]:
    """The committed records by recipe."""
    found: dict[str, Any] = json.loads(REACHED.read_text(encoding="utf-8")) if REACHED.is_file() else {}
    return found


def train_recipe(name: str, out: Path, workers: int | None) -> dict[str, Any]:
    """Train a recipe, or go on with it, and sum it up."""
    going_on = (out / "spec.yaml").is_file()
    wish = Wish(
        {},
        None if going_on else name,
        (),
        None if going_on else out,
        out if going_on else None,
        workers,
        "local",
        (),
    )
    run, left = prepared(wish, quiet=True)
    failures = train_run(run, left, wish, lambda fraction, message: None) if left else {}
    if failures:
        raise InputError(next(sentence for _, sentence in failures.values()))
    return record(run, outcomes(run, {}))


def record(run: Run, results: list[Outcome]) -> dict[str, Any]:
    """What a run reached: its last evaluations' interquartile mean over the seeds, and how it was made."""
    finals = np.array([[one.final["return"]] for one in results if one.final is not None])
    rng = np.random.default_rng(0)
    found = estimate(finals, iqm, rng, confidence=CONFIDENCE, count=RESAMPLES)
    return {
        "env": run.spec.env,
        "learner": run.spec.name,
        "steps": run.spec.training.steps,
        "seeds": list(run.seeds),
        "episodes": run.spec.training.episodes,
        "return": {
            "iqm": found.value,
            "low": found.low,
            "high": found.high,
            "by_seed": finals[:, 0].tolist(),
            "before": [read_metrics(run.folder(seed), "evaluation")[0]["return"] for seed in run.seeds],
        },
        "seconds_per_seed": round(float(np.mean([one.seconds for one in results])), 1),
        "versions": run.provenance.get("versions"),
        "machine": run.provenance.get("machine"),
        "date": run.provenance.get("date"),
    }


def table(records: dict[str, Any]) -> str:
    """Records as a Markdown table."""
    lines = [
        "| recipe | steps | seeds | return before | return reached (IQM, range of seeds) |",
        "|---|---|---|---|---|",
    ]
    for name, one in sorted(records.items()):
        told, seeds = one["return"], one["return"]["by_seed"]
        lines.append(
            f"| {name} | {one['steps']:,} | {len(one['seeds'])} | {np.mean(told['before']):.2f} | "
            f"{told['iqm']:.2f} ({min(seeds):.2f} to {max(seeds):.2f}) |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except InputError as error:
        sys.exit(f"error: {error}")
