"""The program built, and installed from its wheel into an empty environment."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGES = ("games", "solvers", "marl", "experiments")


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Builds write into the checkout for a moment: another process of the tests waits."""
    handle = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def build(out: Path) -> tuple[Path, Path]:
    """The source distribution of this checkout, and the wheel that is built from it; without network."""
    words = ["-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    with one_at_a_time():
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return sdist, wheel


class Installed:
    """An environment with the wheel in it, and an empty folder to work in.

    Dependencies are those of this environment, at the end of the path: what is installed here as editable is not seen,
    as files `.pth` count in an environment's own folder alone.
    """

    def __init__(self, wheel: Path, home: Path) -> None:
        environment, self.work = home / "environment", home / "work"
        self.work.mkdir()
        _run([sys.executable, "-m", "venv", "--without-pip", str(environment)], home)
        words = [
            "--no-deps",
            "--no-index",
            "--no-compile",
            "--quiet",
            "--disable-pip-version-check",
            str(wheel),
        ]
        _run(
            [sys.executable, "-m", "pip", "--python", str(environment / "bin/python"), "install", *words],
            home,
        )
        (self.site,) = environment.glob("lib/python*/site-packages")
        (self.site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
        self.program = environment / "bin" / "staghunt"
        self.python = environment / "bin" / "python"
        self._lend_kernels()

    def _lend_kernels(self) -> None:
        """Give it the kernels compiled here, so that nothing compiles anew: numba knows sources by time and size."""
        for package in ("games", "solvers"):
            for source in (self.site / package).rglob("*.py"):
                shutil.copystat(ROOT / source.relative_to(self.site), source)
            for kernel in (ROOT / package).rglob("*.nb[ic]"):
                copy = self.site / kernel.relative_to(ROOT)
                copy.parent.mkdir(exist_ok=True)
                shutil.copy2(kernel, copy)

    def run(self, *words: Any) -> subprocess.CompletedProcess[str]:
        """A command line of the program."""
        return self._started([self.program, *words])

    def module(self, *words: Any) -> subprocess.CompletedProcess[str]:
        """Python with some words."""
        return self._started([self.python, *words])

    def _started(self, words: list[Any]) -> subprocess.CompletedProcess[str]:
        hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
        environment = {key: value for key, value in os.environ.items() if key not in hidden}
        return subprocess.run(
            [*map(str, words)],
            cwd=self.work,
            env={**environment, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=300,
        )


def _run(words: list[str], folder: Path) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
