"""The payoff table for people: who earned how much against whom, and how sure that is."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape

from experiments.play_output import number
from experiments.tables import one_line, simple_table
from games.empirical import PayoffTable
from games.simplices import Float

AGENTS, CELLS, ROLES = 12, 24, 6
"""Larger tables are not printed."""
SHORT = 20
_NORMAL = 1.959963984540054


def show_payoffs(out: Console, table: PayoffTable, delta: float) -> None:
    """Print mean payoffs with half-widths, if there are few, and how far the true means may be."""
    halves = _NORMAL * table.standard_error
    roles = len(table.roles)
    out.print()
    if roles == 2 and max(table.shape) <= AGENTS:
        sides = (0,) if table.symmetric or table.constant_sum else (0, 1)
        for side in sides:
            whose = "the row's agent" if side == 0 else "the column's agent"
            role = "" if table.symmetric else f" ({escape(one_line(table.roles[side]))})"
            out.print(f"Mean payoff of {whose}{role}")
            out.print(_cross(table, halves, side))
            out.print()
    elif len(table.cells) <= CELLS and roles <= ROLES:
        out.print("Mean payoffs")
        out.print(_listed(table, halves))
        out.print()
    for line in _legend(table, delta):
        out.print(line)


def _cross(table: PayoffTable, halves: Float, side: int) -> Any:
    """A row per agent of the first role and a column per agent of the second: payoffs of one of them."""
    rows, columns = table.populations
    # numbers need the room, so names of columns fold where they are long
    out = simple_table("", *(one_line(name, SHORT) for name in columns))
    for column in out.columns[1:]:
        column.justify = "right"
    text = np.full(table.shape, "-", dtype=object)
    for c, (a, b) in enumerate(table.cells.tolist()):
        if not table.known[c]:
            continue
        text[a, b] = _cell(table, halves, c, side)
        if table.symmetric:
            text[b, a] = _cell(table, halves, c, 1 - side)
            if a == b:
                text[a, a] = _cell(table, halves, c, 0)
    for name, own in zip(rows, text):
        out.add_row(escape(one_line(name, SHORT)), *own)
    return out


def _listed(table: PayoffTable, halves: Float) -> Any:
    """A row per cell."""
    names = [one_line(role, SHORT) for role in table.roles]
    out = simple_table(*names, *(f"Payoff of {name}" for name in names))
    for c, cell in enumerate(table.cells.tolist()):
        who = [escape(one_line(names[a], SHORT)) for names, a in zip(table.populations, cell)]
        paid = [_cell(table, halves, c, role) if table.known[c] else "-" for role in range(len(table.roles))]
        out.add_row(*who, *paid)
    return out


def _cell(table: PayoffTable, halves: Float, cell: int, role: int) -> str:
    mean = number(table.mean[cell, role])
    if table.exact[cell]:
        return mean
    half = halves[cell, role]
    return f"{mean} ± {half:.2g}" if np.isfinite(half) else f"{mean} ± ?"


def _legend(table: PayoffTable, delta: float) -> list[str]:
    told = []
    sampled = table.known & ~table.exact
    if sampled.any():
        told.append(
            "[dim]± is half the 95% interval of each cell alone (normal law)"
            + ("; cells without are exact" if table.exact.any() else "")
            + "[/]"
        )
        radius = table.radius(delta)[sampled]
        sure = f"{100 * (1 - delta):.6g}%"
        if np.isfinite(radius).all():
            told.append(
                f"[dim]With {sure} confidence all true means at once are within {number(radius.max())}"
                + (
                    f" ({number(radius.min())} in the surest cell)[/]"
                    if radius.min() < radius.max()
                    else "[/]"
                )
            )
    elif table.known.any():
        told.append("[dim]All cells are exact[/]")
    return told
