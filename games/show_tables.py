"""Payoff tables of tournaments and empirical games as HTML for notebooks: means, and how far they may be from the truth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from games.show import LIMIT, cell_style

if TYPE_CHECKING:
    from games.empirical import PayoffTable

DELTA = 0.05
"""Intervals of a payoff table hold together with probability 1 - DELTA."""


def payoff_table_html(table: PayoffTable) -> str:
    """Size and range, and the means with their radii: two roles as a matrix, more as a list of cells."""
    played = int(table.count.sum())
    facts = [
        f"{' x '.join(map(str, table.shape))} agents",
        f"{int(table.known.sum())} of {len(table.cells)} cells known, {int(table.exact.sum())} of them exact",
        f"{played:,} samples",
    ]
    kind = "Symmetric payoff table" if table.symmetric else "Payoff table"
    head = f"<div><b>{kind}</b>: {', '.join(facts)}</div>"
    return (
        head + (_matrix(table) if len(table.roles) == 2 else _cells(table)) + f"<div>{_promise(table)}</div>"
    )


def _promise(table: PayoffTable) -> str:
    known = table.radius(DELTA)[table.known]
    return sure(float(known.max(initial=0.0)), DELTA) + (
        " Entries are the row's agent's payoffs against the column's."
        if table.symmetric and len(table.roles) == 2
        else ""
    )


def sure(worst: float, delta: float) -> str:
    """How far payoffs may be from the true ones, in a sentence."""
    if worst == 0.0:
        return "All payoffs are computed exactly."
    if math.isinf(worst):
        return "Payoffs are estimates from matches; their range is not known, so nothing is guaranteed of all of them."
    return (
        f"Payoffs are estimates from matches: with probability {1 - delta:g} all of them are within {worst:.3g} of the "
        "true ones."
    )


def _matrix(table: PayoffTable) -> str:
    down, across = (names[:LIMIT] for names in table.populations)
    place = {tuple(cell): c for c, cell in enumerate(table.cells.tolist())}
    radius = table.radius(DELTA)
    style = cell_style()

    def entry(a: int, b: int) -> str:
        if table.symmetric:
            cell = place.get((min(a, b), max(a, b)))
            roles: Sequence[int] = (int(a > b),)
        else:
            cell, roles = place.get((a, b)), (0, 1)
        if cell is None or not table.known[cell]:
            return "–"
        return ", ".join(_number(float(table.mean[cell, k]), float(radius[cell, k])) for k in roles)

    head = "".join(f"<th style='{style}'>{escape(name)}</th>" for name in across)
    lines = [
        f"<tr><th style='{style}'>{escape(name)}</th>"
        + "".join(f"<td style='{style}'>{entry(a, b)}</td>" for b in range(len(across)))
        + "</tr>"
        for a, name in enumerate(down)
    ]
    corner = f"<th style='{style}'>{escape(table.roles[0])} \\ {escape(table.roles[1])}</th>"
    cut = "" if max(table.shape) <= LIMIT else f"<div>(the first {len(down)} x {len(across)} of them)</div>"
    return f"<table><tr>{corner}{head}</tr>{''.join(lines)}</table>{cut}"


def _cells(table: PayoffTable) -> str:
    radius, style = table.radius(DELTA), cell_style()
    lines = []
    for c in range(min(len(table.cells), LIMIT)):
        told = [
            _number(float(mean), float(error)) if table.known[c] else "–"
            for mean, error in zip(table.mean[c], radius[c])
        ]
        cells = "".join(f"<td style='{style}'>{text}</td>" for text in (escape(table.cell_name(c)), *told))
        lines.append(f"<tr>{cells}</tr>")
    head = "".join(f"<th style='{style}'>{escape(name)}</th>" for name in ("Cell", *table.roles))
    cut = "" if len(table.cells) <= LIMIT else f"<div>(the first {LIMIT} of {len(table.cells):,} cells)</div>"
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>{cut}"


def _number(mean: float, radius: float) -> str:
    return f"{mean + 0.0:.4g}" + (f" ± {radius:.2g}" if 0 < radius < math.inf else "")
