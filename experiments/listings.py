"""Lists for people: one line per entry, whatever the width of the terminal, and whole in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from rich.markup import escape

from experiments.tables import console

Rows = Sequence[Sequence[str]]
WIDEST = 40
"""Columns are as wide as their longest text, but no wider than this: longer texts push the rest of their line."""


def show_listing(groups: Mapping[str, Rows], after: Sequence[str] = ()) -> None:
    """Print groups of rows under their titles.

    Parameters
    ----------
    groups : mapping of str to rows
        By title; every row has as many texts, the last of which is cut where a terminal is too narrow.
    after : sequence of str
        Remarks at the end.
    """
    out = console()
    limit = out.width if sys.stdout.isatty() else None
    for k, (title, rows) in enumerate(groups.items()):
        if k:
            out.print()
        if title:
            out.print(f"[bold]{escape(title)}[/]", soft_wrap=True)
        widths = [min(max(map(len, column)), WIDEST) for column in zip(*(row[:-1] for row in rows))]
        for row in rows:
            out.print(_line(row, widths, limit), soft_wrap=True)
    if after:
        out.print()
    for remark in after:
        out.print(escape(remark), style="dim", soft_wrap=True)


def _line(row: Sequence[str], widths: Sequence[int], limit: int | None) -> str:
    """A row as markup, its first column coloured."""
    cells = [text.ljust(width) for text, width in zip(row, widths)]
    last, room = row[-1], None if limit is None else limit - sum(map(len, cells)) - 2 * len(cells)
    if room is not None and len(last) > room >= 1:
        last = last[: room - 1].rstrip() + "…"
    first, *rest = [*cells, last]
    return f"[cyan]{escape(first)}[/]" + "".join(f"  {escape(text)}" for text in rest)
