"""`python -m experiments.papers.table PAPER`: the committed answers to a paper's claims, as the table of its page in docs/.

The answers are `answers.json` of a full `staghunt reproduce PAPER`, kept in ``experiments/results``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from experiments.papers.telling import value_text
from games.errors import InputError

RESULTS = Path(__file__).parents[1] / "results"


def committed(name: str) -> dict[str, Any]:
    """The answers to a paper's claims that come with the program; `InputError` if there are none."""
    path = RESULTS / f"reproduce-{name}.json"
    if not path.is_file():
        raise InputError(
            f"no answers to {name!r:.40} come with the program; `staghunt reproduce {name}` finds them"
        )
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def table(document: dict[str, Any]) -> str:
    """Answers as Markdown: a row for every criterion, the verdict beside the first one of a claim."""
    lines = ["| claim | criterion | measured | met | verdict |", "|---|---|---|---|---|"]
    for answer in document["claims"]:
        for k, one in enumerate(answer.get("criteria", ())):
            title, verdict = (answer["title"], answer["verdict"]) if k == 0 else ("", "")
            met = "yes" if one["passed"] else "no"
            cells = (title, one["text"], value_text(one["value"]), met, verdict)
            lines.append(
                "| " + " | ".join(" ".join(cell.split()).replace("|", r"\|") for cell in cells) + " |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        sys.stdout.write(table(committed(sys.argv[1] if len(sys.argv) > 1 else "")) + "\n")
    except InputError as error:
        sys.exit(f"error: {error}")
