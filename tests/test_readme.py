"""The README is true: its commands run, what it shows of their output is there, and its Python ends without error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from prose import Outcome, python_blocks, run_console, run_python, squeeze

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8") if README.exists() else ""
STAGHUNT = Path(sys.executable).with_name("staghunt")


def staghunt(words, folder):
    ran = subprocess.run(
        [str(STAGHUNT), *words], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    return Outcome(ran.returncode, ran.stdout, ran.stderr)


def test_console_blocks(tmp_path):
    assert run_console(TEXT, tmp_path, staghunt) > 4
    assert (tmp_path / "branch.png").stat().st_size > 5000
    assert (tmp_path / "branch.csv").read_text().count("\n") > 5


@pytest.mark.parametrize("block", python_blocks(TEXT))
def test_python_blocks(block, capsys):
    run_python(block, README, capsys)


def test_counts_of_the_catalogue():
    from games.load import catalogue

    entries = catalogue()
    named = [entry for entry in entries if not entry.random]
    assert f"lists {len(named)} named games" in squeeze(TEXT)
    assert len(entries) - len(named) == 8
