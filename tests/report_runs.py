"""Small tournaments for tests of the report, played and written as `staghunt tournament` does, and a reader of pages."""

from __future__ import annotations

import hashlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from experiments.tournament.answers import answers_document, write_answers
from experiments.tournament.engine import Labour
from experiments.tournament.folder import ANSWERS, TABLE, new_tournament
from experiments.tournament.run import play
from experiments.tournament.spec import spec_of
from experiments.tournament.worker import Worker
from experiments.training.provenance import provenance
from games.empirical_files import save_table
from games.policy import Memoryless

MARK = "document.title='pwned'"
HOSTILE = {
    f"<script>{MARK}</script>": "tit-for-tat",
    f'"><img src=x onerror={MARK}>': "defector",
    f"javascript:{MARK}": "cooperator",
    "{{7*7}}{% raw %}": "random-half",
    r"$\undefined$": "grudger",
    "$x": "win-stay-lose-shift",
    "\u202egnirts\u202c\r\nline\ttab\u2066": "tit-for-tat",
    "_hidden": "defector",
    "'onmouseover='x": "random-half",
    "L" + "o" * 190 + "ng": "cooperator",
    "</title></style><svg/onload=x>": "random",
}
"""Names that would do something if they were not escaped, each with a policy."""


def played(folder: Path, document: dict[str, Any], allow_import: tuple[str, ...] = ()) -> Path:
    """Play a tournament in one process and write everything that the report reads."""
    spec = spec_of(document, "test")
    new_tournament(spec, folder, provenance(command=["staghunt", "tournament", f"<b>{MARK}</b>"]))
    finished = play(spec, Worker.of(spec, allow_import), folder, Labour(allow_import=allow_import))
    save_table(finished.results.table, folder / TABLE)
    write_answers(answers_document(spec, finished), folder / ANSWERS)
    return folder


class Breaks(Memoryless):
    """A policy that always fails."""

    def sample(self, view: Any, memory: Any, streams: Any) -> Any:
        raise ValueError(f"<b>{MARK}</b> broke")


def breaks(spec: Any) -> Breaks:
    """For ``import:report_runs:breaks``."""
    return Breaks()


class Page(HTMLParser):
    """Every tag of a page with its attributes, the text of scripts and headings, and all text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[str] = []
        self.title = ""
        self.text = ""
        self._open = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        self._open = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open == "script":
            self.scripts[-1] += data
        elif self._open == "title":
            self.title += data
        elif self._open != "style":
            self.text += data

    def having(self, *names: str, **values: str) -> list[dict[str, str]]:
        """Attributes of the tags that have all these ``data-`` attributes, and those with these values."""
        return [
            {key.removeprefix("data-"): value for key, value in attributes.items()}
            for _, attributes in self.tags
            if all(f"data-{name}" in attributes for name in (*names, *values))
            and all(attributes[f"data-{name}"] == value for name, value in values.items())
        ]


def digest(path: Path) -> str:
    """Of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
