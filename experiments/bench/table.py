"""`python -m experiments.bench.table [solvers|trees|envs|train|mansa|...]`: committed results as a table of the README.

Rows of one piece of work and one peer are gathered: the table shows the smallest and largest ratio of each. A row
whose target is not a ratio shows that target, and our own time where there is no peer's.
"""

from __future__ import annotations

import json
import re
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
    chosen = FOLDER / f"{(sys.argv[1:] or ['solvers'])[0]}.json"
    sys.stdout.write(markdown(json.loads(chosen.read_text(encoding="utf-8"))) + "\n")
