"""`python -m experiments.bench.table`: the committed results as the table in the README.

Rows of one piece of work and one peer are gathered: the table shows the smallest and largest ratio of each.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "solvers.json"
_SIZE = re.compile(r"\s*\b\d+(?:x\d+)+\b|\s*\b\d+\^\d+\b")


def work_of(row: str) -> str:
    """The name of a row without its size: what is gathered."""
    return re.sub(r"\s+", " ", _SIZE.sub("", row)).strip()


def gathered(rows: list[dict[str, Any]]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """(work, peer, rows that have a ratio), in the order of first appearance."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        if row.get("ratio") is not None and row.get("target") is not None:
            groups.setdefault((work_of(row["row"]), row["peer"]), []).append(row)
    return [(work, peer, members) for (work, peer), members in groups.items()]


def markdown(document: dict[str, Any]) -> str:
    """A Markdown table of the gathered ratios with their targets."""
    lines = ["| work | peer | sizes | peer time / ours | target | met |", "|---|---|---|---|---|---|"]
    for work, peer, rows in gathered(document["rows"]):
        ratios = [row["ratio"] for row in rows]
        targets = sorted({row["target"] for row in rows if isinstance(row["target"], int | float)})
        met = sum(bool(row["met"]) for row in rows)
        bound = "at least " if any(row.get("lower_bound") for row in rows) else ""
        span = number(min(ratios)) if len(rows) == 1 else f"{number(min(ratios))} to {number(max(ratios))}"
        told = " or ".join(number(target) for target in targets)
        lines.append(f"| {work} | {peer} | {len(rows)} | {bound}{span} | {told} | {met} of {len(rows)} |")
    return "\n".join(lines)


def number(value: float) -> str:
    """Two significant digits, without an exponent."""
    return f"{float(f'{value:.2g}'):,.10g}"


if __name__ == "__main__":
    sys.stdout.write(markdown(json.loads(RESULTS.read_text(encoding="utf-8"))) + "\n")
