"""Folders as `staghunt train` leaves them, with made-up evaluations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml


def write_run(
    folder: Path,
    returns: Mapping[int, Sequence[float | None]],
    *,
    learner: str = "mappo",
    env: str = "foraging:8x8-2p-3f",
    every: int = 1000,
    steps: int | None = None,
    fields: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    seeds: int | None = None,
) -> Path:
    """A run whose seeds were evaluated every so many steps with these returns, the first before any training."""
    longest = max((len(values) for values in returns.values()), default=1)
    planned = (longest - 1) * every if steps is None else steps
    spec = {
        "format": "staghunt-run",
        "version": 1,
        "env": env,
        "learner": {"name": learner, "learning_rate": 0.0005, "hidden": [64, 64], **(fields or {})},
        "training": {
            "steps": planned,
            "batch": 16,
            "evaluate_every": every,
            "episodes": 100,
            "greedy": False,
            "max_steps": None,
            **(training or {}),
        },
        "seed": min(returns, default=0),
        "seeds": len(returns) if seeds is None else seeds,
        "provenance": {"staghunt": "0"},
    }
    folder.mkdir(parents=True)
    (folder / "spec.yaml").write_text(yaml.safe_dump(spec))
    for seed, values in returns.items():
        home = folder / f"seed-{seed}"
        home.mkdir()
        with (home / "metrics.jsonl").open("w") as file:
            for k, value in enumerate(values):
                print(
                    json.dumps({"kind": "update", "steps": k * every + 1, "updates": k, "loss": 0.5}),
                    file=file,
                )
                print(json.dumps(evaluation(k * every, value)), file=file)
    return folder


def evaluation(steps: int, value: float | None) -> dict[str, Any]:
    """One line of metrics."""
    half = None if value is None else value / 2
    return {
        "kind": "evaluation",
        "steps": steps,
        "episodes": 100,
        "return": value,
        "returns": [half, half],
        "standard_error": 0.01,
        "length": 20.0,
        "ended": 1.0,
    }
