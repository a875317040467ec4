"""The README is true: its commands run, what it shows of their output is there, and its Python ends without error."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8") if README.exists() else ""
STAGHUNT = Path(sys.executable).with_name("staghunt")


def console_steps():
    """(command, lines shown) of every console block, in order."""
    steps = []
    for block in re.findall(r"```console\n(.*?)```", TEXT, re.S):
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append((line[2:], []))
            elif line.strip():
                steps[-1][1].append(line)
    return steps


def squeeze(text):
    return re.sub(r"\s+", " ", text).strip()


def test_console_blocks(tmp_path):
    steps = console_steps()
    assert len(steps) > 4
    for command, shown in steps:
        if command.startswith("cat "):
            (tmp_path / shlex.split(command)[1]).write_text("\n".join(shown) + "\n")
            continue
        assert command.startswith("staghunt ")
        ran = subprocess.run(
            [str(STAGHUNT), *shlex.split(command)[1:]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert ran.returncode == 0, ran.stderr
        for line in shown:
            assert squeeze(line) in squeeze(ran.stdout), f"{command!r} did not print {line!r}:\n{ran.stdout}"
    assert (tmp_path / "branch.png").stat().st_size > 5000
    assert (tmp_path / "branch.csv").read_text().count("\n") > 5


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", TEXT, re.S))
def test_python_blocks(block, capsys):
    exec(compile(block, str(README), "exec"), {})
    printed = capsys.readouterr().out.split("\n")
    promised = re.findall(r"^print\(.*\)\s+# (.*)$", block, re.M)
    assert [line.strip() for line in printed if line] == promised


def test_counts_of_the_catalogue():
    from games.load import catalogue

    entries = catalogue()
    named = [entry for entry in entries if not entry.random]
    assert f"lists {len(named)} named games" in squeeze(TEXT)
    assert len(entries) - len(named) == 8


def test_the_benchmark_table_is_the_committed_results():
    import json

    from experiments.bench.table import RESULTS, markdown

    shown = re.search(r"<!-- table: python -m experiments\.bench\.table -->\n(.*?)\n<!-- end -->", TEXT, re.S)
    assert shown is not None
    assert shown.group(1) == markdown(json.loads(RESULTS.read_text(encoding="utf-8")))
