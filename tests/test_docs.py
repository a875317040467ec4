"""Pages of docs/: code runs and prints what it says, tables are the committed results."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prose import python_blocks, run_python

from experiments.papers.registry import PAPERS
from experiments.papers.table import committed, table
from games.errors import InputError

DOCS = Path(__file__).parents[1] / "docs"


PAGES = [path for path in sorted(DOCS.rglob("*.md")) if python_blocks(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_python_blocks(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for block in python_blocks(page.read_text(encoding="utf-8")):
        run_python(block, page, capsys)


@pytest.mark.parametrize("name", sorted(PAPERS))
def test_a_paper_s_page_shows_the_committed_answers(name: str) -> None:
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    shown = re.search(
        rf"<!-- table: python -m experiments\.papers\.table {name} -->\n(.*?)\n<!-- end -->", text, re.S
    )
    assert shown is not None and shown.group(1) == table(committed(name))
    claims = committed(name)["claims"]
    assert [claim["key"] for claim in claims] == [claim.key for claim in PAPERS[name].claims]
    for figure in re.findall(r"!\[.*?\]\((.*?)\)", text):
        assert (DOCS / figure).is_file(), figure


def test_papers_without_answers_say_so() -> None:
    with pytest.raises(InputError, match="no answers to 'nobody'"):
        committed("nobody")
