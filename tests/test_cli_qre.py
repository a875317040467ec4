"""The commands `qre` and `fit` as a user meets them."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import pytest
from command_line import OCHS, TRAVELERS, Staghunt

from experiments.choices import read_counts
from games.errors import InputError
from games.normal import NormalFormGame

# --- qre -------------------------------------------------------------------------------------------------


def test_branch_in_order_with_certificates(staghunt: Staghunt, tmp_path: Path) -> None:
    table = tmp_path / "branch.csv"
    ran = staghunt("qre", TRAVELERS, "--json", "--csv", table)
    assert ran.code == 0
    document = ran.json
    lams = [point["lambda"] for point in document["branch"]]
    assert lams[0] == 0.0 and document["turning_points"]
    assert any(b < a for a, b in itertools.pairwise(lams)), "the branch folds"
    assert document["limit"][0][0] == pytest.approx(1.0)
    assert all(point["certificate"]["residual"] < 1e-7 for point in document["branch"])
    rows = list(csv.reader(table.open()))
    assert rows[0][0] == "lambda" and len(rows) == len(lams) + 1
    assert float(rows[5][0]) == lams[4]


def test_points_asked_for(staghunt: Staghunt) -> None:
    ran = staghunt("qre", OCHS, "--at", "3,1", "--json")
    assert ran.code == 0
    points = ran.json["branch"]
    assert [p["lambda"] for p in points] == pytest.approx([1.0, 3.0])
    assert points[0]["profile"][0][0] == pytest.approx(0.58678404, abs=1e-7)
    assert points[1]["profile"][1][0] == pytest.approx(0.31401636, abs=1e-7)
    span = 1.1141
    scaled = staghunt("qre", OCHS, "--at", str(3 * span), "--scaled", "--json").json["branch"]
    assert scaled[0]["lambda"] == pytest.approx(3 * span)
    assert scaled[0]["profile"][0] == pytest.approx(points[1]["profile"][0], abs=1e-9)
    assert "Bifurcations" in staghunt("qre", OCHS, "--at", "1").out


@pytest.mark.parametrize(
    "words, told",
    [
        (["--at", "1,x"], "'x'"),
        (["--at", "-1"], "at least 0"),
        (["--at", ""], "numbers separated by commas"),
        (["--at", "1", "--lambda-max", "2"], "not both"),
        (["--lambda-max", "0"], "positive"),
        (["--on-bifurcation", "panic"], "known are split, continue, perturb, error"),
        (["--csv", "a.txt"], "unsupported suffix"),
    ],
)
def test_bad_qre_options(staghunt: Staghunt, words: list[str], told: str) -> None:
    assert told in staghunt("qre", OCHS, *words).complaint


# --- fit -------------------------------------------------------------------------------------------------


def test_fit_reproduces_the_published_estimate(staghunt: Staghunt, tmp_path: Path) -> None:
    data, plot = OCHS.with_suffix(".csv"), tmp_path / "fit.png"
    ran = staghunt("fit", OCHS, data, "--json", "--plot", plot)
    assert ran.code == 0 and plot.stat().st_size > 1000
    found = ran.json
    assert found["lambda"] == pytest.approx(1.84560987, abs=1e-6)
    assert found["log_likelihood"] == pytest.approx(-174.764531911, abs=1e-7)
    assert found["log_likelihood_uniform"] == pytest.approx(-177.445678, abs=1e-6)
    assert found["log_likelihood_saturated"] > found["log_likelihood"]
    assert found["interval"][0] < found["lambda"] < found["interval"][1]
    assert found["observations"] == pytest.approx(256.0)
    text = staghunt("fit", OCHS, data).out
    assert "lambda = 1.84561" in text and "Observed" in text


@pytest.mark.parametrize(
    "text, told",
    [
        ("player,action,count\nRow,A3,1\n", "line 2: unknown action of Row, 'A3'; known are A1, A2"),
        ("player,action,count\nRov,A1,1\n", "line 2: unknown player, 'Rov'; known are Row, Column"),
        ("player,action,count\nRow,A1,-1\n", "line 2: the count -1"),
        ("player,action,count\nRow,A1,many\n", "'many' is not a number"),
        ("player,action,count\nRow,A1,nan\n", "the count nan"),
        ("player,action,count\nRow,A1\n", "line 2: 2 cells"),
        ("player,action,count\nRow,A1,0\n", "no observation"),
        ("player,count\nRow,1\n", "expected player, action, count, or one column per player (Row, Column)"),
        ("", "empty"),
        ("Row,Column\nA1,B1\nA1,B9\n", "line 3: unknown action of Column, 'B9'"),
        ("Row,Column\n,\n", "no observation"),
    ],
)
def test_bad_data_gets_one_sentence(staghunt: Staghunt, tmp_path: Path, text: str, told: str) -> None:
    data = tmp_path / "data.csv"
    data.write_text(text)
    assert told in staghunt("fit", OCHS, data).complaint


def test_binary_absent_and_level(staghunt: Staghunt, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_bytes(b"\x89PNG\r\n\x00\xff")
    assert "not a text file" in staghunt("fit", OCHS, data).complaint
    assert "No such file" in staghunt("fit", OCHS, tmp_path / "none.csv").complaint
    assert "--level" in staghunt("fit", OCHS, data, "--level", "95").complaint


def test_data_layouts_agree(tmp_path: Path) -> None:
    game = NormalFormGame.bimatrix([[1, 0], [0, 1]], [[1, 0], [0, 1]], players=("X", "Y"))
    data = tmp_path / "data.csv"

    def counts(text: str) -> list[float]:
        data.write_text(text, encoding="utf-8-sig")
        return read_counts(data, game).tolist()

    assert counts("player,action,count\nX,1,2\nX,2,1\nY,1,3\n") == [2, 1, 3, 0]  # "1" is the name of action 0
    assert counts("player,action,count\nX,0,2\nX,1,1\nY,0,3\n") == [2, 1, 3, 0]  # 0 is no name: indices
    assert counts("Count;Player;Action\n2;0;1\n1;0;2\n3;1;1\n") == [2, 1, 3, 0]
    assert counts("round\tX\tY\n1\t1\t1\n2\t1\t1\n3\t2\t1\n") == [2, 1, 3, 0]
    assert counts("x,y\n0,0\n0,\n\n1,0\n0,0\n") == [3, 1, 3, 0]
    with pytest.raises(InputError, match="unknown action"):
        counts("player,action,count\nX,0,2\nX,2,1\n")  # 0 is an index, 2 only a name
