"""The command line as a user meets it: help, small commands, exit statuses of the real program, and its pieces."""

from __future__ import annotations

import csv
import json
import signal
import time
from pathlib import Path

import pytest
from command_line import Staghunt, start

from experiments import cli
from experiments.atomic import write_atomically
from experiments.output import dumps

# --- help ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", ["games", "info", "solve", "qre", "fit", "certify", "convert", "play", "doctor", "bench"]
)
def test_every_command_helps_with_an_example(staghunt: Staghunt, command: str) -> None:
    ran = staghunt(command, "--help")
    assert ran.code == 0
    assert f"staghunt {command}" in ran.out.split("Examples:")[1]


def test_version_and_bare_call(staghunt: Staghunt) -> None:
    assert staghunt("--version").out.startswith("staghunt ")
    assert staghunt().code == 2


# --- games, info, convert, doctor, bench -----------------------------------------------------------------


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
    assert (
        "unknown bench 'nothing'; known are economy, envs, learning, mansa, networks, solvers, swarm, tournament, train, trees"
        in staghunt("bench", "nothing").complaint
    )


# --- processes -------------------------------------------------------------------------------------------


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


# --- pieces ----------------------------------------------------------------------------------------------


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
    assert "GiB" in staghunt("solve", path, "-c", "ce").complaint
    assert staghunt("solve", path, "--json").json["solutions"][0]["certificate"]["holds"]
