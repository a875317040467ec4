"""`staghunt reproduce` as a user meets it, with a paper whose claims are quickly measured."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import ROOT, Staghunt

from experiments.papers import registry
from experiments.papers.claims import Answer, Claim, Criterion, Found, NotMeasured, Order, Paper, Progress
from experiments.papers.folder import read_answer, settings, write_answer
from games.errors import InputError

CLAIMS = (
    Claim("sum", "Sums are right", "One and one are two.", "abstract", "1 + 1 is 2", {"n": 9}, {"n": 3}),
    Claim("far", "Far away", "It is | far.", "section 2", "beyond 10", {"n": 9}, {"n": 3}),
    Claim("rare", "Rarely measured", "It can be measured.", "section 3", "at all"),
)


class Counting:
    """Measures the claims of a made-up paper, and counts how often."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.stop: str | None = None
        self.broken = False

    def __call__(self, claim: Claim, order: Order, progress: Progress) -> Found:
        self.ran.append(claim.key)
        progress(0.5, "half")
        if claim.key == self.stop:
            raise KeyboardInterrupt
        if self.broken:
            raise InputError("there is no such thing")
        print("a stray print")
        if claim.key == "rare":
            raise NotMeasured("it hid")
        effort = claim.budget(order.quick)["n"]
        if claim.key == "sum":
            order.figure("sum").write_bytes(b"a picture")
            value = {"mean": 2.0, "low": float("nan"), "high": float("inf")}
            return Found(
                {"effort": effort, "worst": float("nan")},
                (Criterion("is 2", value, True),),
                ("figures/sum.png",),
            )
        near, far = Criterion("is near", 1, True), Criterion("is far", 7 + order.seed, order.seed > 3)
        return Found({"effort": effort}, (near, far))


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> Counting:
    measure = Counting()
    made = Paper("made-up", "A made-up paper", "Nobody (2023)", CLAIMS, measure)
    monkeypatch.setattr(registry, "PAPERS", {"made-up": made})
    return measure


def test_claims_are_answered_written_and_not_measured_twice(
    paper: Counting, staghunt: Staghunt, tmp_path: Path
) -> None:
    out = tmp_path / "answers"
    ran = staghunt("reproduce", "made-up", "--only", "sum,far", "--out", out, "--json")
    assert ran.code == 1 and paper.ran == ["sum", "far"]
    assert ran.json == json.loads((out / "answers.json").read_text())
    assert ran.json["counts"] == {"holds": 1, "does not hold": 1, "not run": 1}
    first, second, third = ran.json["claims"]
    assert (first["verdict"], second["verdict"], third["verdict"]) == ("holds", "does not hold", "not run")
    assert (
        first["measured"] == {"effort": 9, "worst": None} and first["criteria"][0]["value"]["high"] == "inf"
    )
    assert second["criteria"][1] == {"text": "is far", "value": 7, "passed": False}
    assert first == json.loads((out / "claims" / "sum.json").read_text())
    assert first["provenance"]["versions"]["numpy"] and first["settings"]["budget"] == {"n": 9}
    assert "criteria" not in third and "sum: holds" in ran.err and "a stray print" in ran.err

    again = staghunt("reproduce", "made-up", "--only", "sum", "--out", out)
    assert again.code == 0 and paper.ran == ["sum", "far"]  # what does not hold was not asked for
    assert "answered already" in again.err and "does not hold" in again.out
    fresh = staghunt("reproduce", "made-up", "--only", "sum", "--out", out, "--fresh", "--quiet")
    assert fresh.code == 0 and paper.ran == ["sum", "far", "sum"] and not fresh.out
    assert fresh.err == "a stray print\n"
    page = (out / "answers.md").read_text()
    assert "| far | section 2 | is near | 1 | yes | does not hold |" in page and "It is | far." in page
    assert "![Sums are right](figures/sum.png)" in page
    (out / "figures" / "sum.png").unlink()
    assert staghunt("reproduce", "made-up", "--only", "sum", "--out", out).code == 0
    assert paper.ran[3:] == ["sum"]  # a lost picture is drawn again


def test_what_cannot_be_measured_stops_nothing_else(
    paper: Counting, staghunt: Staghunt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = staghunt("reproduce", "made-up", "--seed", "4", "--only", "rare", "--only", "far")
    assert ran.code == 1 and paper.ran == ["far", "rare"]
    assert "rare could not be measured: it hid" in ran.err and "far: holds" in ran.err
    assert (tmp_path / "runs" / "reproduce-made-up-seed-4" / "claims" / "far.json").is_file()
    quick = staghunt("reproduce", "made-up", "--only", "sum", "--quick", "--json")
    assert quick.code == 0 and quick.json["claims"][0]["measured"]["effort"] == 3
    assert quick.json["folder"] == "runs/reproduce-made-up-quick"
    paper.broken = True
    bad = staghunt("reproduce", "made-up", "--only", "far", "--quick", "--quiet")
    assert bad.complaint.startswith("staghunt: error: far: there is no such thing (see ")
    assert json.loads((tmp_path / quick.json["folder"] / "answers.json").read_text())["counts"]["holds"] == 1


def test_an_interrupted_reproduction_goes_on(paper: Counting, staghunt: Staghunt, tmp_path: Path) -> None:
    out = tmp_path / "some where"
    paper.stop = "far"
    ran = staghunt("reproduce", "made-up", "--quick", "--seed", "5", "--only", "far,sum", "--out", out)
    assert ran.code == 130 and not ran.out
    sentence = ran.err.strip().splitlines()[-1]
    assert "1 of 2 claims is answered" in sentence
    assert json.loads((out / "answers.json").read_text())["counts"]["holds"] == 1
    told = re.search(r"`staghunt (.*)` goes on", sentence)
    assert told is not None
    paper.stop, paper.ran = None, []
    assert staghunt(*shlex.split(told[1])).code == 0 and paper.ran == ["far"]


def test_a_folder_belongs_to_one_reproduction(paper: Counting, staghunt: Staghunt, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert staghunt("reproduce", "made-up", "--only", "sum", "--out", out).code == 0
    for words in (("--quick",), ("--seed", "3")):
        assert (
            "was begun without --quick and with --seed 0"
            in staghunt("reproduce", "made-up", *words, "--out", out).complaint
        )
    (out / "reproduction.json").write_text("{")
    assert "cannot read" in staghunt("reproduce", "made-up", "--out", out).complaint
    (out / "reproduction.json").write_text('{"format": "staghunt-run"}')
    assert "not the record of a reproduction" in staghunt("reproduce", "made-up", "--out", out).complaint
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("keep me")
    assert "is not empty and not a reproduction" in staghunt("reproduce", "made-up", "--out", full).complaint
    assert "is a file" in staghunt("reproduce", "made-up", "--out", full / "mine.txt").complaint
    assert sorted(path.name for path in full.iterdir()) == ["mine.txt"]


def test_bad_words_get_a_sentence(paper: Counting, staghunt: Staghunt) -> None:
    assert "did you mean made-up?" in staghunt("reproduce", "madeup").complaint
    assert "did you mean far?" in staghunt("reproduce", "made-up", "--only", "fat").complaint
    assert "--only names no claim" in staghunt("reproduce", "made-up", "--only", ",").complaint
    assert "which paper?" in staghunt("reproduce", "--quick").complaint
    assert staghunt("reproduce", "made-up", "--seed", "-1").code == 2
    assert not paper.ran


def test_damaged_and_outdated_answers_are_measured_anew(paper: Counting, tmp_path: Path) -> None:
    order, claim = Order(tmp_path), CLAIMS[1]
    (tmp_path / "claims").mkdir()
    found = Found({"x": 1}, (Criterion("is 1", 1, True),))
    write_answer(Answer(claim, found, 1.5, {"date": "today"}), order)
    kept = read_answer(claim, order)
    assert kept is not None and kept.found == found and kept.seconds == 1.5 and kept.verdict == "holds"
    assert read_answer(replace(claim, criteria="beyond 11"), order) is None
    assert read_answer(replace(claim, full={"n": 10}), order) is None
    assert read_answer(claim, replace(order, seed=1)) is None
    assert settings(claim, order) != settings(claim, replace(order, quick=True))
    home = tmp_path / "claims" / "far.json"
    whole = home.read_text()
    for text in (whole[:-20], "[]", whole.replace('"holds"', '"does not hold"'), whole.replace("true", "1")):
        home.write_text(text)
        assert read_answer(claim, order) is None
    with pytest.raises(ValueError, match="at least one criterion"):
        Found({}, ())


def test_papers_and_claims_are_listed(staghunt: Staghunt) -> None:
    ran = staghunt("reproduce")
    assert ran.code == 0 and "bayes-net" in ran.out and "Chen and Qi Zhang" in ran.out
    papers = staghunt("reproduce", "bayes-net", "--list", "--json").json["papers"]
    assert [one["name"] for one in papers] == ["bayes-net"]
    keys = [claim["key"] for claim in papers[0]["claims"]]
    assert len(keys) == len(set(keys)) == 11
    for one in papers[0]["claims"]:
        assert one["title"] in ran.out and one["says"].endswith(".") and one["criteria"] and one["where"]


def test_listing_loads_nothing_heavy() -> None:
    program = (
        "import sys; from experiments.cli import run; code = run(sys.argv[1:]); "
        "print(code, *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "reproduce", "--list"], cwd=ROOT, capture_output=True, text=True
    )
    code, *modules = done.stderr.split()
    assert code == "0"
    assert not set(modules) & {"torch", "numba", "networkx", "matplotlib", "scipy"}


def test_ctrl_c_stops_a_real_one_with_a_sentence(tmp_path: Path) -> None:
    words = ("reproduce", "bayes-net", "--only", "aloha", "--workers", "1", "--out", tmp_path / "out")
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments", *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
    )
    run = tmp_path / "out" / "runs" / "aloha-empty"
    deadline = time.monotonic() + 60
    while not (run / "spec.yaml").is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and not out
    assert "Traceback" not in err and "0 of 1 claims are answered" in err and "goes on" in err
