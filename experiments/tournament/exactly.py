"""Cells that are computed, not played: tabular policies on trees, tables, Markov games and repeated games."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from experiments.exact_cells import exact_many
from experiments.exact_gains import NotExact
from experiments.tournament.casting import Casting, Table
from experiments.tournament.results import role_payoffs
from experiments.tournament.spec import Spec
from games.simplices import Float, Int

Progress = Callable[[float, str], None]


def exact_cells(
    spec: Spec, casting: Casting, progress: Progress | None = None
) -> list[tuple[int, list[float]]]:
    """Expected payoffs by role of all cells in which they can be computed.

    A symmetric cell is computed in all its seatings, whatever their number.
    """
    if not spec.exact:
        return []
    table = casting.table
    cells = [c for c in range(len(table.cells)) if not table.shuffled(c)]
    seatings = [table.seatings(c) for c in cells]
    if not seatings:
        return []
    places = np.concatenate(seatings)
    try:
        values = exact_many(
            casting.env, casting.cast, table.seated(places), progress, max_steps=spec.max_steps
        )
    except NotExact:
        return []
    payoffs = role_payoffs(table, values)
    edges = np.cumsum([0, *(len(part) for part in seatings)])
    out = []
    for k, cell in enumerate(cells):
        rows = slice(edges[k], edges[k + 1])
        if np.isfinite(payoffs[rows]).all():
            out.append((cell, _of_cell(table, cell, places[rows], payoffs[rows]).tolist()))
    return out


def _of_cell(table: Table, cell: int, places: Int, payoffs: Float) -> Float:
    """A cell's payoffs by role: of a symmetric one, each agent's mean over its seats and all seatings."""
    if not table.symmetric:
        return np.asarray(payoffs[0])
    agents = table.cells[cell]
    mean = {a: float(payoffs[places == a].mean()) for a in set(agents.tolist())}
    return np.array([mean[a] for a in agents.tolist()])
