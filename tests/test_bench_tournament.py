"""`staghunt bench tournament`: its rows, its targets."""

from __future__ import annotations

import json

from experiments.bench import tournament

TARGETS = {  # what each kind of row has to reach at least
    "round robin": 100.0,
    "matches between tabular policies": 10.0,
    "seconds to NashConv 0.1 by PSRO": 10.0,
}


def test_every_row_of_the_targets_is_there() -> None:
    rows = tournament.every_row()
    for words, target in TARGETS.items():
        found = [row for row in rows if words in row.name]
        assert found, words
        assert all(isinstance(row.target, str) or row.target >= target for row in found)


def test_the_committed_results_are_of_all_rows() -> None:
    document = json.loads(tournament.BENCH.results.read_text(encoding="utf-8"))
    kept = {(row["row"], row["peer"]) for row in document["rows"]}
    assert kept == {(row.name, row.peer) for row in tournament.every_row()}
