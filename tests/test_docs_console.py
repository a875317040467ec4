"""Commands on the pages of docs/ run, in order, in a folder of their own, and print what the pages show."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Staghunt
from prose import Outcome, console_steps, run_console

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [path for path in sorted(DOCS.rglob("*.md")) if console_steps(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_console_blocks(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, staghunt: Staghunt
) -> None:
    monkeypatch.chdir(tmp_path)

    def run(words: list[str], folder: Path) -> Outcome:
        assert Path.cwd() == folder
        ran = staghunt(*words)
        return Outcome(ran.code, ran.out, ran.err)

    assert run_console(page.read_text(encoding="utf-8"), tmp_path, run) > 0


def shell(told: dict[str, Outcome]):
    return lambda words, folder: told[" ".join(words)]


def test_pages_that_are_not_true_are_found(tmp_path: Path) -> None:
    page = "```console\n$ staghunt solve x\nvalue  1\n...\nvalue 2\n```\n"
    assert run_console(page, tmp_path, shell({"solve x": Outcome(0, "value 1\nvalue   2", "")})) == 1
    with pytest.raises(AssertionError, match="did not print 'value 2'"):
        run_console(page, tmp_path, shell({"solve x": Outcome(0, "value 1", "")}))
    with pytest.raises(AssertionError, match="ended with 1"):
        run_console(page, tmp_path, shell({"solve x": Outcome(1, "value 1 value 2", "")}))


def test_pages_may_show_errors_files_and_exit_statuses(tmp_path: Path) -> None:
    page = "```console\n$ cat a.csv\na,b\n$ staghunt fit a.csv\nstaghunt: error: no\n$ staghunt certify a.csv\n$ echo $?\n1\n```\n"
    told = {"fit a.csv": Outcome(2, "", "staghunt: error: no counts"), "certify a.csv": Outcome(1, "", "")}
    assert run_console(page, tmp_path, shell(told)) == 2
    assert (tmp_path / "a.csv").read_text() == "a,b\n"
    told["certify a.csv"] = Outcome(0, "", "")
    with pytest.raises(AssertionError, match="ended with 0"):
        run_console(page, tmp_path, shell(told))
    with pytest.raises(AssertionError, match="cannot run 'rm"):
        run_console("```console\n$ rm -r .\n```\n", tmp_path, shell(told))
