"""How fast the command line answers, and what it does not load. Times are the best of several, for busy machines."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAM = "import sys; from experiments.cli import run; code = run(sys.argv[1:])"
REPORT = "; import json; print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)"
GAME = """NFG 1 R "three" { "A" "B" } { 3 3 }
1 0  0 1  2 2  0 1  1 0  2 0  3 3  0 2  1 1
"""


@pytest.fixture
def game(tmp_path: Path) -> Path:
    path = tmp_path / "three.nfg"
    path.write_text(GAME)
    return path


def start(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM + REPORT, *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def best_time(limit: float, *words: str, tries: int = 8) -> float:
    """The smallest processor time of some tries, which is the wall time on a quiet machine; stops below the limit."""
    best = float("inf")
    for _ in range(tries):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-m", "experiments", *words],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            timeout=120,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == 0, done.stderr
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if best < limit:
            break
    return best


def loaded(done: subprocess.CompletedProcess[str]) -> tuple[int, set[str]]:
    code, modules = json.loads(done.stderr.strip().splitlines()[-1])
    return code, set(modules)


def test_help_loads_nothing_heavy() -> None:
    code, modules = loaded(start("--help"))
    assert code == 0
    assert not modules & {"numpy", "numba", "scipy", "torch", "matplotlib", "pyspiel", "highspy", "networkx"}


@pytest.mark.parametrize("concept", ["cce", "ce", "nash"])
def test_solve_loads_no_learning_and_no_plotting(game: Path, concept: str) -> None:
    code, modules = loaded(start("solve", str(game), "--concept", concept, "--json"))
    assert code == 0
    assert not modules & {
        "torch",
        "scipy.stats",
        "scipy.optimize",
        "matplotlib",
        "pyspiel",
        "networkx",
        "pettingzoo",
    }
    assert "rich" not in modules, "JSON needs no tables"


def test_help_is_quick() -> None:
    assert best_time(0.35, "--help") < 0.35


def test_solving_a_small_file_is_quick_when_warm(game: Path) -> None:
    start("solve", str(game))  # compiles the kernels, once per machine
    assert best_time(1.0, "solve", str(game)) < 1.0
