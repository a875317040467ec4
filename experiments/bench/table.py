"""`python -m experiments.bench.table [summary|solvers|trees|envs|train|mansa|...]`: committed results as a table of the docs.

Rows of one piece of work and one peer are gathered: the table shows the smallest and largest ratio of each. A row
whose target is not a ratio shows that target, and our own time where there is no peer's.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"
RESULTS = FOLDER / "solvers.json"
_COUNTED = {
    "mansa": "tasks",
    "networks": "tasks",
    "solvers": "sizes",
    "swarm": "swarms",
    "economy": "economies",
    "trees": "games",
    "envs": "environments",
    "train": "tasks",
    "learning": "tasks",
    "tournament": "tasks",
}
_NAMED = (
    *(
        "Gambit",
        "OpenSpiel",
        "LiteEFG",
        "Nashpy",
        "QuantEcon",
        "HiGHS",
        "Axelrod",
        "EPyMARL",
        "BenchMARL",
        "vmas",
    ),
    *("Shimmy", "lbforaging", "scipy", "numpy", "ai-economist"),
)
"""Peers as they are told in the summary."""
_SIZE = re.compile(r"\s*\b\d+(?:x\d+)+\b|\s*\b\d+\^\d+\b")


def work_of(row: str) -> str:
    """The name of a row without its game or size: what is gathered."""
    return re.sub(r"\s+", " ", _SIZE.sub("", row.partition(": ")[0])).strip()


def gathered(rows: list[dict[str, Any]]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """(work, peer, rows with a target that have a ratio or, on a named game, our time), in order of first appearance.

    On named games targets in words are lines of their own.
    """
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        target = row.get("target")
        named = ": " in row["row"]
        measured = row.get("ratio") is not None or (
            row.get("ours_cpu_s") is not None
            and (named or row.get("quoted_per_s") is not None or row["peer"] == "no peer")
        )
        if target is None or not measured:
            continue
        words = target if named and isinstance(target, str) else ""
        groups.setdefault((work_of(row["row"]), row["peer"], words), []).append(row)
    return [(work, peer, members) for (work, peer, _), members in groups.items()]


def markdown(document: dict[str, Any]) -> str:
    """A Markdown table of the gathered ratios with their targets."""
    what = _COUNTED[document.get("bench", "solvers")]
    lines = [f"| work | peer | {what} | peer time / ours | target | met |", "|---|---|---|---|---|---|"]
    for work, peer, rows in gathered(document["rows"]):
        met = sum(bool(row["met"]) for row in rows)
        told = " or ".join(_targets(rows))
        lines.append(f"| {work} | {peer} | {_where(rows)} | {_span(rows)} | {told} | {met} of {len(rows)} |")
    return "\n".join(lines)


def summary(documents: list[dict[str, Any]]) -> str:
    """A Markdown table with one line per benchmark: who the peers are, how many rows reach their target, and the ratios."""
    lines = [
        "| `staghunt bench` | against | rows with a target | reached | peer time / ours: least, median, most |",
        "|---|---|---|---|---|",
    ]
    for document in documents:
        rows = [row for row in document["rows"] if row.get("target") is not None]
        told = {name: None for name in _NAMED if any(name in row["peer"] for row in rows)}
        ratios = sorted(row["ratio"] for row in rows if row.get("ratio") is not None)
        spread = (
            ", ".join(number(x) for x in (ratios[0], statistics.median(ratios), ratios[-1]))
            if ratios
            else "-"
        )
        met = sum(bool(row["met"]) for row in rows)
        lines.append(f"| {document['bench']} | {', '.join(told) or '-'} | {len(rows)} | {met} | {spread} |")
    return "\n".join(lines)


def committed_results() -> list[dict[str, Any]]:
    """All committed results, by the name of their benchmark."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]


def _where(rows: list[dict[str, Any]]) -> str:
    """How many rows, or the one game."""
    game = rows[0]["row"].partition(": ")[2]
    return game if game and len(rows) == 1 else str(len(rows))


def _span(rows: list[dict[str, Any]]) -> str:
    """Smallest to largest ratio, or without any our own throughputs or process times."""
    ratios = [row["ratio"] for row in rows if row.get("ratio") is not None]
    bound = "at least " if any(row.get("lower_bound") for row in rows) else ""
    if ratios:
        return bound + _from_to(ratios)
    quoted = [row["quoted_per_s"] for row in rows if row.get("quoted_per_s") is not None]
    if quoted:
        ours = _from_to([row["per_s"] for row in rows])
        return f"ours {ours} per s; the peer's {_from_to(quoted)} per s is quoted, not measured"
    if all(row.get("per_s") is not None for row in rows):
        return f"ours {_from_to([row['per_s'] for row in rows])} per s"
    times = [row["ours_cpu_s"] or row["ours_s"] for row in rows]  # waiting takes no process time
    return f"ours {_seconds_from_to(times)}"


def _seconds_from_to(values: list[float]) -> str:
    """Times in the unit that fits the smallest."""
    low = min(values)
    unit, scale = ("us", 1e6) if low < 1e-3 else ("ms", 1e3) if low < 0.1 else ("s", 1.0)
    return f"{_from_to([value * scale for value in values])} {unit}"


def _from_to(values: list[float]) -> str:
    low, high = number(min(values)), number(max(values))
    return low if len(values) == 1 else f"{low} to {high}"


def _targets(rows: list[dict[str, Any]]) -> list[str]:
    """The ratios to reach, smallest first; words only where there are none."""
    ratios = sorted({row["target"] for row in rows if isinstance(row["target"], int | float)})
    return [number(ratio) for ratio in ratios] or sorted({row["target"] for row in rows})


def number(value: float) -> str:
    """Two significant digits, without an exponent."""
    return f"{float(f'{value:.2g}'):,.10g}"


if __name__ == "__main__":
    asked = (sys.argv[1:] or ["solvers"])[0]
    if asked == "summary":
        sys.stdout.write(summary(committed_results()) + "\n")
    else:
        chosen = FOLDER / f"{asked}.json"
        sys.stdout.write(markdown(json.loads(chosen.read_text(encoding="utf-8"))) + "\n")
