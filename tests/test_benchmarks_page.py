"""The page of benchmarks and the README's summary show the committed results, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from experiments.bench.table import FOLDER, committed_results, markdown, summary

ROOT = Path(__file__).parents[1]
TABLES = dict(
    re.findall(
        r"<!-- table: python -m experiments\.bench\.table ?(\w*) -->\n(.*?)\n<!-- end -->",
        (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8"),
        re.S,
    )
)


def test_every_benchmark_with_results_is_there() -> None:
    told_in_words = {"learning"}
    assert {name or "solvers" for name in TABLES} | told_in_words == {p.stem for p in FOLDER.glob("*.json")}


@pytest.mark.parametrize("name", sorted(TABLES))
def test_tables_are_the_committed_results(name: str) -> None:
    document = json.loads((FOLDER / f"{name or 'solvers'}.json").read_text(encoding="utf-8"))
    assert TABLES[name] == markdown(document)


def test_the_readme_shows_their_summary() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(
        r"<!-- table: python -m experiments\.bench\.table summary -->\n(.*?)\n<!-- end -->", text, re.S
    )
    assert shown is not None and shown[1] == summary(committed_results())


def test_a_summary_counts_rows_with_targets() -> None:
    rows = [
        {"row": "a", "peer": "Gambit x", "target": 2, "met": True, "ratio": 4.0},
        {"row": "b", "peer": "Nashpy y", "target": 2, "met": False, "ratio": 1.0},
        {"row": "c", "peer": "none", "target": "soon", "met": True, "ratio": None},
        {"row": "d", "peer": "none", "target": None, "met": True, "ratio": 100.0},
    ]
    assert (
        summary([{"bench": "b", "rows": rows}]).splitlines()[-1]
        == "| b | Gambit, Nashpy | 3 | 2 | 1, 2.5, 4 |"
    )
    assert summary([{"bench": "b", "rows": rows[2:3]}]).splitlines()[-1] == "| b | - | 1 | 1 | - |"
