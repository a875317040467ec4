"""A tournament that is over can be read anew, with another delta or range, and a file of it that is damaged written again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command_line import Staghunt

from experiments.tournament.agents import seated
from experiments.tournament.telling import SHORT, profile_label
from games.empirical_files import load_table
from games.env_uris import make_env
from games.errors import InputError

SPEC = """\
env: repeated:prisoners-dilemma?rounds=4&noise=0.1
agents: [tit-for-tat, random, defector]
matches: 12
exact: false
"""
FACTORIES = """\
def broken(spec):
    raise RuntimeError("no such thing")

def plain(spec):
    return 3

number = 3
"""


@pytest.fixture
def run(staghunt: Staghunt, tmp_path: Path) -> Path:
    (tmp_path / "spec.yaml").write_text(SPEC)
    words = ("tournament", tmp_path / "spec.yaml", "--out", tmp_path / "run", "--workers", 1, "--quiet")
    assert staghunt(*words).code == 0
    return tmp_path / "run"


@pytest.mark.parametrize("name", ["table.json", "answers.json"])
def test_a_damaged_file_is_written_again(staghunt: Staghunt, run: Path, name: str) -> None:
    whole = (run / name).read_bytes()
    (run / name).write_bytes(whole[:100])
    assert staghunt("tournament", "--resume", run, "--quiet").code == 0
    assert (run / name).read_bytes() == whole


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("delta: 0.05", "delta: 0.25"),
        ("self_play: false", "self_play: true"),
        ("payoff_range: null", "payoff_range: [0, 40]"),
    ],
)
def test_a_spec_edited_by_hand_is_answered(staghunt: Staghunt, run: Path, before: str, after: str) -> None:
    text = (run / "tournament.yaml").read_text()
    assert before in text
    (run / "tournament.yaml").write_text(text.replace(before, after))
    fresh = run.parent / "fresh"
    words = ("tournament", run / "tournament.yaml", "--out", fresh, "--workers", 1, "--quiet")
    assert staghunt(*words).code == 0
    assert staghunt("tournament", "--resume", run, "--quiet").code == 0
    for name in ("answers.json", "table.json"):
        assert (run / name).read_bytes() == (fresh / name).read_bytes(), name


def test_a_wrong_range_costs_no_matches(staghunt: Staghunt, tmp_path: Path) -> None:
    spec, run = tmp_path / "spec.yaml", tmp_path / "run"
    spec.write_text(SPEC)
    words = ("tournament", spec, "--out", run, "--workers", 1, "--set", "payoff_range=[0, 2]")
    assert "outside the payoff range from 0 to 2" in staghunt(*words).complaint
    told = staghunt("tournament", spec, "--resume", run, "--set", "payoff_range=[0, 30]", "--json")
    assert told.code == 0 and told.json["payoff_range"] == [0, 30]
    table = load_table(run / "table.json")
    assert table.high is not None and table.high.tolist() == [30.0, 30.0]
    assert "nothing was left to play" in staghunt("tournament", "--resume", run).out


def test_computed_payoffs_do_not_depend_on_the_range_that_is_stated(
    staghunt: Staghunt, tmp_path: Path
) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC.replace("exact: false", "exact: true"))
    means = []
    for name, change in (("a", "payoff_range="), ("b", "payoff_range=[-1e9, 1e9]")):
        words = ("tournament", tmp_path / "spec.yaml", "--set", change, "--out", tmp_path / name, "--quiet")
        assert staghunt(*words).code == 0
        table = load_table(tmp_path / name / "table.json")
        means.append(table.mean[table.exact].tolist())
    assert means[0] == means[1] and len(means[0]) > 0


def test_a_report_wants_answers_of_its_spec(staghunt: Staghunt, run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "copy")
    path = tmp_path / "copy" / "tournament.yaml"
    path.write_text(path.read_text().replace("samples: 12", "samples: 13"))
    assert "another tournament" in staghunt("report", tmp_path / "copy").complaint
    assert json.loads((run / "answers.json").read_text())["spec"]
    assert staghunt("report", run, "--quiet").code == 0


@pytest.mark.parametrize(
    ("policy", "part"),
    [
        ("factories_of_a_test:broken", "made no policy: RuntimeError: no such thing"),
        ("factories_of_a_test:plain(x=1)", "made no policy: TypeError"),
        ("factories_of_a_test:plain", "returned int, which is no policy"),
        ("factories_of_a_test:number", "made no policy: TypeError"),
        ("factories_of_a_test:nothing", "has no function 'nothing'"),
        ("misspelled_of_a_test:make", "cannot import misspelled_of_a_test: SyntaxError"),
        ("absent_of_a_test:make", "cannot import absent_of_a_test: ModuleNotFoundError"),
        ("unlucky_of_a_test:make", "cannot import unlucky_of_a_test: AttributeError"),
    ],
)
def test_functions_that_make_no_policy_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str, part: str
) -> None:
    (tmp_path / "factories_of_a_test.py").write_text(FACTORIES)
    (tmp_path / "misspelled_of_a_test.py").write_text("def make(:\n")
    (tmp_path / "unlucky_of_a_test.py").write_text("import math\nmath.nothing\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    package = policy.partition(":")[0]
    with pytest.raises(InputError, match="agent 'q': ") as raised:
        seated(make_env("zoo:chicken"), "q", f"import:{policy}", (0,), (package,))
    assert part in str(raised.value)


def test_a_long_profile_shows_every_agent() -> None:
    assert profile_label(["a", "b"]) == "a - b"
    for names in (
        ["x" * 60, "hunter"],
        ["x" * 60, "y" * 60],
        ["aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"],
    ):
        told = profile_label(names)
        assert len(told) <= SHORT and [part[0] for part in told.split(" - ")] == [name[0] for name in names]
