"""How fast the command line answers, and what it does not load. Times are compared with those of imports, for busy machines."""

from __future__ import annotations

import itertools
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


def cpu_seconds(*words: str) -> float:
    """Processor time of a Python program, which is the wall time on a quiet machine."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, timeout=120
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def quick(seconds: float, imports: float, *words: str, tries: int = 8) -> bool:
    """Whether a program takes at most so many seconds, or on a slow machine so many times what importing numpy and numba takes there.

    Both are measured in turns, and the best of some tries counts: a machine that others use is slow for both.
    """
    best, baseline = float("inf"), float("inf")
    for _ in range(tries):
        baseline = min(baseline, cpu_seconds("-c", "import numpy, numba"))
        best = min(best, cpu_seconds(*words))
        if best < max(seconds, imports * baseline):
            return True
    return False


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
    """Half of what the imports take, on machines seen; with the same imports, it would be more than they take."""
    assert quick(0.35, 1.2, "-m", "experiments", "--help")


def test_solving_a_small_file_is_quick_when_warm(game: Path) -> None:
    """Three and a half times what the imports take; with PyTorch, it would be eight times."""
    start("solve", str(game))  # compiles the kernels, once per machine
    assert quick(1.0, 5.5, "-m", "experiments", "solve", str(game))


@pytest.mark.parametrize(
    ("imports", "program", "wanted"),
    [
        ([0.3], [0.3, 0.3], True),  # within the limit
        ([3.0], [3.5, 3.5], True),  # on a machine ten times as slow
        ([3.0, 0.3], [9.0, 0.34], True),  # that is slow at times
        ([0.3], [0.5, 0.5], False),
        ([3.0], [7.0, 7.0], False),  # one import more on the slow machine
    ],
)
def test_slow_machines_are_no_excuse_for_slow_programs(
    monkeypatch: pytest.MonkeyPatch, imports: list[float], program: list[float], wanted: bool
) -> None:
    times = {"-c": itertools.cycle(imports), "-m": itertools.cycle(program)}
    monkeypatch.setattr(sys.modules[__name__], "cpu_seconds", lambda word, *_: next(times[word]))
    assert quick(0.35, 1.2, "-m", "experiments", "--help") is wanted
