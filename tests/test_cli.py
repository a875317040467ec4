"""The command line as a user meets it: answers, JSON, exit statuses, and one sentence for everything that is wrong."""

from __future__ import annotations

import csv
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments import cli
from experiments.atomic import write_atomically
from experiments.choices import read_counts
from experiments.demo import DATA, steps
from experiments.output import dumps
from games.errors import InputError
from games.normal import NormalFormGame

ROOT = Path(__file__).parents[1]
CHICKEN = """NFG 1 R "Chicken" { "Ann" "Bob" }
{ { "Yield" "Dare" } { "Yield" "Dare" } }
""
6 6 7 2 2 7 0 0
"""
OCHS = DATA / "ochs_1995_matching_pennies.nfg"
TRAVELERS = DATA / "capra_1999_travelers_dilemma.nfg"


@pytest.fixture
def chicken(tmp_path: Path) -> str:
    path = tmp_path / "chicken.nfg"
    path.write_text(CHICKEN)
    return str(path)


class Ran:
    """What a command line did."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))

    @property
    def complaint(self) -> str:
        """The single error sentence, after checking that it is one."""
        assert self.code == 2, (self.code, self.out, self.err)
        assert "Traceback" not in self.err
        lines = self.err.strip().splitlines()
        assert len(lines) == 1 and lines[0].startswith("staghunt: error: "), self.err
        assert not self.out
        return lines[0]


@pytest.fixture
def staghunt(capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    def run(*words: Any) -> Ran:
        capfd.readouterr()
        code = cli.run([str(word) for word in words])
        captured = capfd.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


Staghunt = Callable[..., Ran]


# --- help -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["games", "info", "solve", "qre", "fit", "convert", "doctor", "bench"])
def test_every_command_helps_with_an_example(staghunt: Staghunt, command: str) -> None:
    ran = staghunt(command, "--help")
    assert ran.code == 0
    assert f"staghunt {command}" in ran.out.split("Examples:")[1]


def test_version_and_bare_call(staghunt: Staghunt) -> None:
    assert staghunt("--version").out.startswith("staghunt ")
    assert staghunt().code == 2


# --- games, info, convert, doctor, bench ------------------------------------------------------------------


def test_games_lists_and_filters(staghunt: Staghunt) -> None:
    everything = staghunt("games", "--json").json["games"]
    assert len(everything) > 20
    assert all(set(g) >= {"name", "description", "source", "parameters"} for g in everything)
    some = staghunt("games", "*hunt*", "--json").json["games"]
    assert {g["name"] for g in some} >= {"zoo:stag-hunt"}
    assert "zoo:stag-hunt" in staghunt("games", "hunt").out
    nothing = staghunt("games", "no-such-game")
    assert nothing.code == 0 and not nothing.out and "no game matches" in nothing.err


def test_info_tells_the_facts(staghunt: Staghunt, chicken: str) -> None:
    facts = staghunt("info", chicken, "--json").json
    assert facts["game"]["players"] == ["Ann", "Bob"]
    assert facts["symmetric"] and facts["constant_sum"] is None and not facts["common_payoff"]
    assert facts["pure_equilibria"] == [[0, 1], [1, 0]] and facts["pure_equilibria_count"] == 2
    assert facts["strictly_dominated"] == [[], []] and facts["span"] == 7.0
    dilemma = staghunt("info", "zoo:prisoners-dilemma", "--json").json
    assert dilemma["iterated_survivors"] == [[1], [1]]
    assert dilemma["strictly_dominated"] == [[{"action": 0, "by": 1}]] * 2
    text = staghunt("info", "zoo:prisoners-dilemma").out
    assert "solves the game in 1 round" in text and "Pure equilibria: 1" in text


def test_convert_round_trips(staghunt: Staghunt, chicken: str, tmp_path: Path) -> None:
    digest = staghunt("info", chicken, "--json").json["game"]["digest"]
    for suffix in (".json", ".nfg"):
        out = tmp_path / f"again{suffix}"
        assert staghunt("convert", chicken, out).code == 0
        again = staghunt("info", out, "--json").json["game"]
        assert again["digest"] == digest and again["actions"] == [["Yield", "Dare"]] * 2
    assert "unsupported suffix" in staghunt("convert", chicken, tmp_path / "x.txt").complaint


def test_doctor_finds_everything_working(staghunt: Staghunt) -> None:
    ran = staghunt("doctor", "--json")
    assert ran.code == 0 and ran.json["ok"]
    states = {check["name"]: check["state"] for check in ran.json["checks"]}
    assert states["HiGHS (linear programs)"] == states["numba compiles"] == "ok"
    assert "Everything required works" in staghunt("doctor").out


def test_bench_names_what_it_knows(staghunt: Staghunt) -> None:
    assert "unknown bench 'nothing'; known are solvers" in staghunt("bench", "nothing").complaint


# --- solve ------------------------------------------------------------------------------------------------


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


# --- qre --------------------------------------------------------------------------------------------------


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


# --- fit --------------------------------------------------------------------------------------------------


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


# --- processes --------------------------------------------------------------------------------------------


def start(*words: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "experiments", *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_exit_statuses_of_the_real_program(chicken: str) -> None:
    for words, code in ((["solve", chicken], 0), (["solve", "zoo:chickn"], 2), (["nonsense"], 2)):
        process = start(*words)
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, err
        assert "Traceback" not in err and bool(out) == (code == 0)


def test_a_reader_that_leaves_is_no_error() -> None:
    for words in (["games"], ["games", "--json"]):
        process = start(*words)
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(120) == 141


def test_ctrl_c_in_a_trace_writes_what_there_is(tmp_path: Path) -> None:
    table = tmp_path / "branch.csv"
    cli.run(["qre", "zoo:travellers-dilemma?high=12", "--quiet"])  # kernels compiled before the clock runs
    process = start("qre", "zoo:travellers-dilemma", "--csv", table)
    time.sleep(6.0)
    assert process.poll() is None, "the trace ended before it could be interrupted"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, (process.returncode, err)
    assert "interrupted" in err and "Traceback" not in err
    rows = list(csv.reader(table.open()))
    assert len(rows) > 3 and float(rows[1][0]) == 0.0 and "Principal branch" in out
    assert [p.name for p in tmp_path.iterdir()] == ["branch.csv"]


# --- pieces -----------------------------------------------------------------------------------------------


def test_json_is_strict() -> None:
    assert json.loads(dumps({"a": float("nan"), "b": float("inf"), "c": [0.1, -float("inf")]})) == {
        "a": None,
        "b": "inf",
        "c": [0.1, "-inf"],
    }


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(temporary: Path) -> None:
        temporary.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_atomically(path, fail)
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_the_demo_shows_every_command_on_shipped_files() -> None:
    lines = [words for _, words in steps(DATA, Path("demo"))]
    assert {words[0] for words in lines} == {"info", "solve", "qre", "fit"}
    assert all(Path(words[1]).is_file() for words in lines)


def wide_tree(infosets):
    """A one-player .efg whose pure strategies number 2 to the power `infosets`."""
    lines = ['EFG 2 R "wide" { "Ann" }', '""', ""]
    chances = " ".join(f'"{k}" 1/{infosets}' for k in range(infosets))
    lines.append(f'c "" 1 "" {{ {chances} }} 0')
    for k in range(infosets):
        lines.append(f'p "" 1 {k + 1} "" {{ "l" "r" }} 0')
        lines += [f't "" {2 * k + 1} "" {{ {k} }}', f't "" {2 * k + 2} "" {{ {-k} }}']
    return "\n".join(lines) + "\n"


def test_info_tells_of_a_tree_too_large_to_tabulate(tmp_path, staghunt):
    path = tmp_path / "wide.efg"
    path.write_text(wide_tree(60))
    told = staghunt("info", path)
    assert told.code == 0
    assert "a tree of 181 nodes" in told.out
    assert "cannot be held" in told.out
    known = json.loads(staghunt("info", path, "--json").out)["tree"]
    assert known["information_sets"] == [60]
    assert known["terminal_nodes"] == 120
    refused = staghunt("solve", path)
    assert refused.code == 2
    assert "GiB" in refused.err
