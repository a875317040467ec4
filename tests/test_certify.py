"""`staghunt certify`: saved strategies judged anew, and what cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Staghunt

pytest.importorskip("pyspiel")

KUHN = "openspiel:kuhn_poker"
KUHN3 = "openspiel:kuhn_poker(players=3)"
ENTRY = """EFG 2 R "entry $5" { "[b]Ann" "Bob" }
p "" 1 1 "Ann\\nfirst" { "in" "out" } 0
p "" 2 1 "Bob" { "fight" "yield" } 0
t "" 1 "" { -1 -1 }
t "" 2 "" { 2 1 }
t "" 3 "" { 0 3 }
"""


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    path = tmp_path / "entry.efg"
    path.write_text(ENTRY)
    return path


def test_certificates_of_saved_answers(staghunt: Staghunt, tmp_path: Path, chicken: str) -> None:
    out = tmp_path / "a.json"
    solved = staghunt("solve", KUHN, "-m", "cfr+", "--out", out, "--json").json["solutions"][0]
    ran = staghunt("certify", KUHN, out, "--json", "--tol", 1e-3)
    (found,) = ran.json["solutions"]
    assert ran.code == 0 and found["values"] == solved["values"]
    assert found["nash_conv"] == pytest.approx(solved["certificate"]["nash_conv"])
    assert found["exploitability"] == pytest.approx(found["nash_conv"] / 2)
    gains = np.subtract(found["best_response_values"], found["values"])
    assert gains == pytest.approx(found["certificate"]["regret"])
    text = staghunt("certify", KUHN, out)
    assert text.code == 0 and "Exploitability" in text.out and "Best reply" in text.out
    missed = staghunt("certify", KUHN, out, "--tol", 1e-12)
    assert missed.code == 1 and "is not met" in missed.err
    assert staghunt("certify", KUHN, out, "-c", "cce", "--tol", 1e-3, "-q").code == 0
    assert staghunt("certify", KUHN, out, "-c", "qre", "-l", 1, "--tol", 1e-3, "-q").code == 1
    for words in (
        ["-c", "cce"],
        ["-c", "nash"],
        ["-c", "nash", "--all"],
        ["-c", "qre", "-l", 2],
        ["-c", "ce"],
    ):
        assert staghunt("solve", chicken, *words, "--out", out, "-q").code == 0
        assert staghunt("certify", chicken, out, "--tol", 1e-7).code == 0
    for game, words in ((KUHN3, ["-m", "pcfr+"]), (KUHN, ["-c", "cce"]), (KUHN, ["-c", "qre", "-l", 3])):
        assert staghunt("solve", game, *words, "--out", out, "-q").code == 0
        assert staghunt("certify", game, out, "--tol", 1e-3).code == 0


def test_strategies_written_by_hand(staghunt: Staghunt, tmp_path: Path, entry: Path, chicken: str) -> None:
    path = tmp_path / "mine.json"
    rows: list[dict[str, Any]] = [
        {"player": 0, "infoset": "Ann\\nfirst", "actions": ["out", "in"], "probs": [0, 1]},
        {"player": "Bob", "infoset": "Bob", "probs": [0, 1]},
    ]
    path.write_text(json.dumps({"behavior": rows}))
    ran = staghunt("certify", entry, path, "--json", "--tol", 1e-9)
    assert ran.code == 0 and ran.json["solutions"][0]["values"] == [2.0, 1.0]
    path.write_text(json.dumps({"profile": [[2 / 3, 1 / 3], [2 / 3, 1 / 3]]}))
    assert staghunt("certify", chicken, path, "--tol", 1e-9).code == 0
    assert "holds no behaviour strategy" in staghunt("certify", entry, path).complaint
    path.write_text(json.dumps({"profile": [[1, 0]]}))
    assert "blocks of sizes [2], expected [2, 2]" in staghunt("certify", chicken, path).complaint


def test_what_cannot_be_certified(staghunt: Staghunt, tmp_path: Path, chicken: str) -> None:
    path = tmp_path / "a.json"
    staghunt("solve", KUHN, "-m", "cfr+", "--out", path, "-q")
    assert "is for 'kuhn_poker()'" in staghunt("certify", KUHN3, path).complaint
    assert "is for 'kuhn_poker()'" in staghunt("certify", chicken, path).complaint
    assert "unknown concept" in staghunt("certify", KUHN, path, "-c", "best").complaint
    assert "--lambda" in staghunt("certify", KUHN, path, "-c", "qre").complaint
    assert "--lambda is for" in staghunt("certify", KUHN, path, "-l", "1").complaint
    assert "--tol" in staghunt("certify", KUHN, path, "--tol", "0").complaint
    assert "no such file" in staghunt("certify", KUHN, tmp_path / "none.json").complaint
    for document, told in (
        ({"solutions": []}, "holds no solution"),
        ({"solutions": 3}, "'solutions' is not a list"),
        ({}, "holds no mixed profile"),
        ({"joint": [{"actions": [0], "prob": 1}]}, "each of 2 players"),
        ({"joint": [{"actions": [0, 7], "prob": 1}]}, "does not have"),
        ({"joint": []}, "'joint' is not"),
        ({"profile": [["a", 1], [1, 0]]}, "not a number"),
        ({"profile": [[0.5, 0.2], [1, 0]]}, "sum to"),
        ({"concept": "best", "profile": [[1, 0], [1, 0]]}, "best"),
        ({"concept": "efce", "profile": [[1, 0], [1, 0]]}, "efce"),
    ):
        path.write_text(json.dumps(document))
        assert told in staghunt("certify", chicken, path).complaint
