"""Pages that are run: their console blocks, command by command, and their Python blocks, with what they say comes out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple


class Outcome(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


Runner = Callable[[list[str], Path], Outcome]


@dataclass
class Step:
    """A command of a page, and the lines that the page shows after it."""

    command: str
    shown: list[str] = field(default_factory=list)


def squeeze(text: str) -> str:
    """Text with every run of white space as one space."""
    return re.sub(r"\s+", " ", text).strip()


def console_steps(text: str) -> list[Step]:
    """The commands of all ```console blocks, in order."""
    steps: list[Step] = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.S | re.M):
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append(Step(line[2:]))
            elif line.strip():
                steps[-1].shown.append(line)
    return steps


def run_console(text: str, folder: Path, run: Runner) -> int:
    """Run the console blocks of a page in a folder, and compare.

    ``$ cat FILE`` writes the lines shown to the file. Of what a ``staghunt`` command prints, the lines shown must be part;
    it must succeed, unless the page shows its error or, by ``$ echo $?``, another exit status. A line of three dots stands
    for whatever is left out.

    Parameters
    ----------
    text : str
        Markdown.
    folder : Path
        Where commands run.
    run : callable
        ``run(words, folder)`` is the `Outcome` of ``staghunt words``.

    Returns
    -------
    int
        How many commands ran.
    """
    steps = console_steps(text)
    ran = 0
    for number, step in enumerate(steps):
        after = steps[number + 1] if number + 1 < len(steps) else Step("")
        if step.command == "echo $?":
            continue
        words = shlex.split(step.command)
        if words[0] == "cat" and len(words) == 2:
            (folder / words[1]).write_text("\n".join(step.shown) + "\n", encoding="utf-8")
            continue
        assert words[0] == "staghunt", f"cannot run {step.command!r}"
        outcome = run(words[1:], folder)
        ran += 1
        failed = any(line.startswith("staghunt: error:") for line in step.shown)
        wanted = int(after.shown[0]) if after.command == "echo $?" else 2 if failed else 0
        assert outcome.code == wanted, f"{step.command!r} ended with {outcome.code}: {outcome.err}"
        printed = squeeze(outcome.err if failed else outcome.out)
        for line in step.shown:
            if line.strip() != "...":
                assert squeeze(line) in printed, (
                    f"{step.command!r} did not print {line!r}:\n{outcome.out}{outcome.err}"
                )
    return ran


def python_blocks(text: str) -> list[str]:
    """The code of all ```python blocks."""
    return re.findall(r"^```python\n(.*?)^```", text, re.S | re.M)


def run_python(block: str, source: Path, capsys: Any) -> None:
    """Run a block in a namespace of its own; what it prints is what stands behind its calls of print."""
    capsys.readouterr()
    exec(compile(block, str(source), "exec"), {})
    printed = [line.strip() for line in capsys.readouterr().out.split("\n") if line.strip()]
    promised = re.findall(r"^print\(.*\)\s+# (.*)$", block, re.M)
    assert printed == promised, f"printed {printed}, and the page says {promised}"
