"""Cells that are computed, not played: tabular policies on trees, tables, Markov games and repeated games."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from experiments.exact_cells import exact_many
from experiments.exact_gains import NotExact
from experiments.tournament.casting import Casting, Table
from experiments.tournament.results import payoff_range, role_payoffs
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
    # the game's own range, so that computed payoffs do not depend on what the spec says of it
    bounds = payoff_range(replace(spec, payoff_range=None), table, casting.env)
    payoffs = role_payoffs(table, values)
    edges = np.cumsum([0, *(len(part) for part in seatings)])
    out = []
    for k, cell in enumerate(cells):
        rows = slice(edges[k], edges[k + 1])
        if np.isfinite(payoffs[rows]).all():
            found = _of_cell(table, cell, places[rows], payoffs[rows])
            out.append((cell, _without_rounding(found, bounds).tolist()))
    return out


def _without_rounding(payoffs: Float, bounds: tuple[Float, Float] | None) -> Float:
    """Payoffs to thirteen digits of their range: ties shall not be decided by the order in which sums were taken."""
    known = payoffs[np.isfinite(payoffs)]
    width = (
        float((bounds[1] - bounds[0]).max())
        if bounds is not None
        else float(np.ptp(known))
        if known.size
        else 0.0
    )
    if not 0 < width < math.inf:
        return payoffs
    digits = 13 - math.ceil(math.log10(width))
    return np.round(payoffs, digits) + 0.0 if abs(digits) < 300 else payoffs


def _of_cell(table: Table, cell: int, places: Int, payoffs: Float) -> Float:
    """A cell's payoffs by role: of a symmetric one, each agent's mean over its seats and all seatings."""
    if not table.symmetric:
        return np.asarray(payoffs[0])
    agents = table.cells[cell]
    mean = {a: float(payoffs[places == a].mean()) for a in set(agents.tolist())}
    return np.array([mean[a] for a in agents.tolist()])
