"""What tournaments cost beside playing: the rows of the bench, and the tables of docs/scaling.md made from them."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from experiments.bench import tournament, tournament_scaling
from experiments.bench.harness import Setting, measure_row
from experiments.bench.tournament_scaling import tables

TEXT = (Path(__file__).parents[1] / "docs" / "scaling.md").read_text(encoding="utf-8")


def test_every_row_of_the_bench_is_there_once() -> None:
    keys = [(row.name, row.peer) for row in tournament.every_row()]
    assert len(set(keys)) == len(keys)
    assert {(row.name, row.peer) for row in tournament_scaling.rows()} <= set(keys)
    targets = {row.name: row.target for row in tournament_scaling.rows()}
    assert targets["overhead per match: 2 local workers"] == "under 50 us"
    assert targets["overhead per match: Ray, 2 workers here"] == "under 2 ms"
    assert targets["resume scan of 10,000 finished matches"] == "under 1 s"


def test_the_page_shows_the_committed_results() -> None:
    shown = re.search(r"<!-- table: [^\n]*tournament_scaling --table -->\n(.*?)\n?<!-- end -->", TEXT, re.S)
    assert shown is not None
    document = json.loads(tournament.BENCH.results.read_text(encoding="utf-8"))
    assert shown[1] == tables(document)
    mine = {row.name for row in tournament_scaling.rows()}
    found = {row["row"]: row for row in document["rows"] if row["row"] in mine}
    assert found.keys() == mine
    assert [name for name, row in found.items() if not row["met"]] == []


def test_prose_has_no_numbers_of_its_own() -> None:
    """Seconds, bytes and rates stand in the tables, where they are those of the committed results."""
    prose = re.sub(r"<!-- table:.*?<!-- end -->", "", TEXT, flags=re.S)
    assert re.findall(r"\b[\d,.]+ ?(?:us|ms|s|seconds|bytes|[kMG]i?B|matches per second)\b", prose) == []


@pytest.mark.parametrize(
    "name",
    [
        "overhead per match: this process",
        "head node, a job of 2,048 matches: take results",
        "head node, a job of 2 matches: commit",
        "resume scan of 10,000 finished matches",
    ],
)
def test_rows_measure_something(name: str) -> None:
    (row,) = (row for row in tournament_scaling.rows() if row.name == name)
    found: dict[str, Any] = measure_row(row, Setting(quick=True))
    assert found["ours_s"] > 0 and found["pairs"] and found["met"], found


def test_without_ray_rows_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "experiments.bench.harness.find_spec", lambda name: None if name == "ray" else find_spec(name)
    )
    for row in tournament_scaling.rows():
        if row.needs:
            found = measure_row(row, Setting(quick=True))
            assert found["ours_s"] is None and not found["met"] and "Ray is not installed" in found["note"]
