"""`staghunt bench economy`: its rows."""

from __future__ import annotations

import json

from experiments.bench import economy


def test_rows_and_targets_are_those_asked_for() -> None:
    targets = {row.name: row.target for row in economy.every_row()}
    for name, target in (
        ("gather-trade-build 25x25, 4 workers, random valid actions", "at least 30,000 steps per second"),
        ("gather-trade-build 25x25, 10 workers, random valid actions", "at least 20,000 steps per second"),
        ("one-step economy, 100 workers: rules alone", "at least 100,000 episodes per second"),
        (
            "workers and planner learn in small gather-trade-build, one thread",
            "at least 3,000 steps per second",
        ),
    ):
        assert targets[name] == target


def test_the_committed_results_have_all_rows() -> None:
    document = json.loads(economy.BENCH.results.read_text(encoding="utf-8"))
    measured = {row["row"] for row in document["rows"]}
    assert measured == {row.name for row in economy.every_row()} and not document["quick"]
