"""The command `solve` on normal-form games as a user meets it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from command_line import CHICKEN, OCHS, Staghunt


@pytest.mark.parametrize(
    "words, value",
    [
        (["cce", "--objective", "welfare"], 10.5),
        (["ce", "--objective", "egalitarian"], 10.5),
        (["cce", "--objective", "player:1"], 9.0),
        (["cce", "--sparse"], 10.5),
        (["cce", "--method", "lp"], 10.5),
    ],
)
def test_correlated_answers_carry_certificates(
    staghunt: Staghunt, chicken: str, words: list[str], value: float
) -> None:
    ran = staghunt("solve", chicken, "--concept", *words, "--json")
    assert ran.code == 0 and not ran.err
    document = ran.json
    assert set(document) >= {"game", "concept", "method", "solutions", "stats"}
    assert set(document["game"]) == {"title", "players", "actions", "digest"}
    (solution,) = document["solutions"]
    assert solution["profile"] is None and solution["status"] == "converged"
    assert sum(solution["values"]) == pytest.approx(value, abs=1e-6)
    assert sum(cell["prob"] for cell in solution["joint"]) == pytest.approx(1.0)
    assert all(len(cell["actions"]) == 2 for cell in solution["joint"])
    certificate = solution["certificate"]
    assert set(certificate) >= {"regret", "max_regret", "span", "bound", "slack"}
    assert certificate["holds"] and certificate["max_regret"] <= 1e-9 * certificate["span"]
    assert set(document["stats"]) >= {"seconds", "iterations"}


def test_all_nash_and_one(staghunt: Staghunt, chicken: str) -> None:
    every = staghunt("solve", chicken, "--concept", "nash", "--all", "--json")
    assert every.code == 0
    profiles = sorted(s["profile"][0][0] for s in every.json["solutions"])
    assert profiles == pytest.approx([0.0, 2 / 3, 1.0])
    one = staghunt("solve", chicken, "--concept", "nash")
    assert one.code == 0 and "Certificate: no player can gain" in one.out and "Ann" in one.out


def test_qre_at_a_precision(staghunt: Staghunt) -> None:
    ran = staghunt("solve", OCHS, "--concept", "qre", "--lambda", 2, "--json")
    assert ran.code == 0
    (solution,) = ran.json["solutions"]
    assert solution["profile"][0][0] == pytest.approx(0.61752195, abs=1e-7)
    assert solution["profile"][1][0] == pytest.approx(0.37198166, abs=1e-7)
    assert solution["certificate"]["residual"] < 1e-9


def test_alpharank(staghunt: Staghunt) -> None:
    ran = staghunt("solve", "zoo:prisoners-dilemma", "--concept", "alpharank", "--json")
    assert ran.code == 0
    assert ran.json["solutions"][0]["joint"][0]["actions"] == [1, 1]


def test_missing_the_tolerance_is_status_1(staghunt: Staghunt) -> None:
    words = ["solve", "zoo:random?shape=6x6&seed=3", "-c", "cce", "-o", "any", "-m", "hedge"]
    ran = staghunt(*words, "--iterations", 2, "--tol", 1e-12, "--json")
    assert ran.code == 1 and "tolerance" in ran.err
    assert not ran.json["solutions"][0]["certificate"]["holds"]
    assert staghunt(*words, "--iterations", 2, "--tol", 1e-12, "--quiet").err == ""


def test_out_and_plot_are_written(staghunt: Staghunt, chicken: str, tmp_path: Path) -> None:
    out, table, plot = tmp_path / "a.json", tmp_path / "a.csv", tmp_path / "a.svg"
    assert staghunt("solve", chicken, "-c", "ce", "--out", out, "--plot", plot, "--quiet").out == ""
    assert json.loads(out.read_text())["concept"] == "ce"
    assert plot.read_text().startswith("<?xml")
    staghunt("solve", chicken, "-c", "nash", "--out", table, "--quiet")
    rows = list(csv.reader(table.open()))
    assert rows[0] == ["solution", "player", "action", "probability"] and len(rows) == 5
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "a.json", "a.svg", "chicken.nfg"]


@pytest.mark.parametrize(
    "words, told",
    [
        (["--concept", "cee"], "unknown concept 'cee'; known are cce, ce, nash, qre, alpharank"),
        (["--objective", "wealth"], "wealth"),
        (["--objective", "player:7"], "player"),
        (["--method", "magic"], "magic"),
        (["--concept", "nash", "--method", "magic"], "magic"),
        (["--concept", "qre"], "--lambda"),
        (["--concept", "qre", "--lambda", "-1"], "at least 0"),
        (["--concept", "qre", "--lambda", "nan"], "finite"),
        (["--concept", "qre", "--lambda", "much"], "--lambda"),
        (["--lambda", "1"], "--concept qre"),
        (["--all"], "--all"),
        (["--tol", "0"], "--tol"),
        (["--tol", "nan"], "--tol"),
        (["--seconds", "-1"], "--seconds"),
        (["--iterations", "0"], "--iterations"),
        (["--seed", "-1"], "--seed"),
        (["--concept", "alpharank", "--population", "1"], "--population"),
        (["--out", "/no/such/folder/a.json"], "does not exist"),
        (["--out", "answer.yaml"], "unsupported suffix"),
        (["--plot", "picture.bmp"], "unsupported suffix"),
        (["--no-such-option"], "No such option"),
    ],
)
def test_bad_options_get_one_sentence(staghunt: Staghunt, chicken: str, words: list[str], told: str) -> None:
    assert told in staghunt("solve", chicken, *words).complaint


def test_bad_games_get_one_sentence(staghunt: Staghunt, tmp_path: Path) -> None:
    binary = tmp_path / "noise.nfg"
    binary.write_bytes(bytes(range(256)) * 4)
    short = tmp_path / "short.nfg"
    short.write_text(CHICKEN.replace("0 0\n", ""))
    infinite = tmp_path / "inf.nfg"
    infinite.write_text(CHICKEN.replace("7 2", "inf 2"))
    for game in (binary, short, infinite, tmp_path / "absent.nfg", tmp_path, "zoo:chickn", "nowhere:x"):
        staghunt("solve", game).complaint  # noqa: B018
    assert "GiB" in staghunt("solve", "zoo:random?shape=1000x1000x1000x1000&seed=0").complaint
    assert "Missing argument" in staghunt("solve").complaint
    assert "solve" in staghunt("solv").complaint


def test_output_is_refused_before_the_work(staghunt: Staghunt, tmp_path: Path) -> None:
    ran = staghunt("solve", tmp_path / "absent.nfg", "--out", tmp_path / "nowhere" / "a.json")
    assert "does not exist" in ran.complaint and "nowhere" in ran.complaint


def test_names_with_markup_are_shown_as_they_are(staghunt: Staghunt, tmp_path: Path) -> None:
    path = tmp_path / "markup.nfg"
    path.write_text(
        CHICKEN.replace("Ann", "[red]A[/red]").replace("Yield", "[/]$x$").replace("Chicken", "[b]T")
    )
    for words in (["solve", path, "-c", "nash"], ["info", path], ["solve", path], ["qre", path]):
        ran = staghunt(*words)
        assert ran.code == 0 and "[red]A[/red]" in ran.out and "[b]T" in ran.out
    assert staghunt("solve", path, "--plot", tmp_path / "a.png", "-q").code == 0


def test_extreme_games_are_ordinary(staghunt: Staghunt, tmp_path: Path) -> None:
    one = tmp_path / "one.nfg"
    one.write_text('NFG 1 R "alone" { "A" } { 1 }\n5\n')
    flat = tmp_path / "flat.nfg"
    flat.write_text('NFG 1 R "" { "A" "B" } { 2 1 }\n-1e9 3 -1e9 3\n')
    for game in (one, flat):
        for words in (
            ["info"],
            ["solve", "-c", "cce"],
            ["solve", "-c", "ce"],
            ["solve", "-c", "nash"],
            ["qre"],
        ):
            ran = staghunt(words[0], game, *words[1:], "--json")
            assert ran.code == 0 and ran.json, (words, ran.err)
            assert staghunt(words[0], game, *words[1:]).code == 0
        assert staghunt("solve", game, "--plot", tmp_path / "a.png", "-q").code == 0
        assert staghunt("qre", game, "--plot", tmp_path / "a.png", "-q").code == 0
