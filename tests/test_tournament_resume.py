"""A tournament killed at any moment goes on as if nothing had been: the same table, the same answers, the same matches."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SPEC = """
env: repeated:prisoners-dilemma?rounds=5
agents: [tit-for-tat, random, win-stay-lose-shift]
matches: {half_width: 0.14, at_least: 1000}
exact: false
seed: 3
"""
KILLS = 10
DRIVER = r"""
import json, os, random, signal, sys, time
from pathlib import Path
from experiments import cli
import experiments.tournament.telling, experiments.tournament.request, solvers.nash, solvers.qre, solvers.alpharank, scipy.sparse

spec, home, kills = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])

def begin(*words):
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os._exit(cli.run(["tournament", "--workers", "1", "--quiet", *map(str, words)]))
    return child

def ended(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

short = home / "short.yaml"  # compiles what is not compiled yet
short.write_text(spec.read_text().replace("0.14", "3.0"))
assert ended(begin(short, "--out", home / "short")) == 0
start = time.monotonic()
whole = home / "whole"
codes = [ended(begin(spec, "--out", whole))]
took = time.monotonic() - start
chance = random.Random(5)
landed, runs, phases = 0, [], []
while landed < kills:
    run = home / f"killed-{len(runs)}"
    runs.append(run.name)
    words = (spec, "--out", run)
    while True:
        child = begin(*words)
        time.sleep(chance.uniform(0, 0.25 * took))
        done, state = os.waitpid(child, os.WNOHANG)
        if done:
            codes.append(os.waitstatus_to_exitcode(state))
            break
        os.kill(child, signal.SIGKILL)
        assert ended(child) == -signal.SIGKILL
        landed += 1
        phases.append(sorted(p.name for p in run.iterdir()) if run.exists() else [])
        # a run killed before its spec was there has not begun: the same command begins it
        words = ("--resume", run) if (run / "tournament.yaml").exists() else (spec, "--out", run)
        if landed == kills:
            codes.append(ended(begin(*words)))
            break
print(json.dumps({"codes": codes, "runs": runs, "phases": phases}))
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    if not hasattr(sys.modules["os"], "fork"):
        pytest.skip("there is no fork here")
    home = tmp_path_factory.mktemp("killed")
    spec = home / "spec.yaml"
    spec.write_text(SPEC)
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(spec), str(home), str(KILLS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return home, json.loads(done.stdout.splitlines()[-1])


def rows(run: Path, query: str) -> list[Any]:
    link = sqlite3.connect(run / "results.db")
    try:
        return link.execute(query).fetchall()
    finally:
        link.close()


def test_every_run_ended_well_and_was_long_enough_to_be_killed(killed: tuple[Path, dict[str, Any]]) -> None:
    home, told = killed
    assert set(told["codes"]) == {0}
    assert len(told["phases"]) == KILLS
    assert rows(home / "whole", "SELECT count(*) FROM jobs")[0][0] >= 40
    assert len(rows(home / "whole", "SELECT look FROM rounds")) >= 4
    assert any("results.db" in names and "table.json" not in names for names in told["phases"])


@pytest.mark.parametrize("name", ["table.json", "answers.json"])
def test_files_are_those_of_the_uninterrupted_run(killed: tuple[Path, dict[str, Any]], name: str) -> None:
    home, told = killed
    for run in told["runs"]:
        assert (home / run / name).read_bytes() == (home / "whole" / name).read_bytes()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM matches ORDER BY match",
        "SELECT * FROM cells ORDER BY cell",
        "SELECT * FROM rounds ORDER BY look",
        "SELECT job, look FROM jobs ORDER BY job",
    ],
)
def test_rows_are_those_of_the_uninterrupted_run(killed: tuple[Path, dict[str, Any]], query: str) -> None:
    home, told = killed
    whole = rows(home / "whole", query)
    assert whole
    for run in told["runs"]:
        assert rows(home / run, query) == whole


def test_nothing_temporary_is_left(killed: tuple[Path, dict[str, Any]]) -> None:
    home, told = killed
    for run in told["runs"]:
        assert not list((home / run).glob(".staghunt-*"))
