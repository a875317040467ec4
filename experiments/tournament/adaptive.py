"""How many samples each cell gets: fixed, or more where something is undecided.

Every round looks at the results of all rounds before and at nothing else, so the numbers do not depend on how the work
was divided. After t looks intervals are stated at 6 / (pi t)^2 of delta, so that they hold together whenever
play stops. Undecided cells double their samples.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.tournament.holes import complete
from experiments.tournament.results import Results
from experiments.tournament.spec import Spec
from games.empirical import PayoffTable
from games.errors import InputError
from games.play import Array
from games.simplices import Float

_NORMAL = 1.959963984540054
"""Half-width in standard errors where no range of payoffs is known: 95 % of a normal law, an approximation."""
_SHARE = 0.9
"""Cells that make up this much of an epsilon's slack are played more."""


@dataclass(frozen=True)
class Decision:
    """What to do next.

    Parameters
    ----------
    more : int64[C]
        Samples to add to each cell; all 0 when the tournament is over.
    undecided : int
        Cells that are still too uncertain (also those that have reached the limit).
    why : str
        In words.
    """

    more: Array
    undecided: int
    why: str


def first_round(spec: Spec, playable: Array) -> Array:
    """Samples of every cell before the first look, int64[C]."""
    matches = spec.matches
    count = matches.samples if matches.samples is not None else min(matches.at_least, matches.at_most)
    return np.where(playable, count, 0).astype(np.int64)


def next_round(spec: Spec, results: Results, playable: Array) -> Decision:
    """Whether to go on, and where.

    Parameters
    ----------
    spec : Spec
        The tournament.
    results : Results
        Of all rounds so far; its table's `looks` counts this look.
    playable : bool[C]
        Cells that are sampled at all.
    """
    table, matches = results.table, spec.matches
    nobody = np.zeros(len(table.cells), dtype=np.int64)
    if matches.half_width is None:
        return Decision(nobody, 0, "the numbers of samples were fixed")
    widths = half_widths(table, spec.delta)
    if matches.focus == "all":
        wanted = widths > matches.half_width
    elif matches.focus == "ranking":
        wanted = _of_ranking(table, widths, matches.half_width, spec.self_play)
    else:
        wanted = _of_equilibrium(results, spec, matches.half_width)
    alive = np.array([c not in results.failures for c in range(len(table.cells))], dtype=bool)
    wanted = wanted & playable & alive
    open_cells = wanted & (table.count < matches.at_most)
    more = np.where(open_cells, np.minimum(table.count, matches.at_most - table.count), nobody)
    limited = int((wanted & ~open_cells).sum())
    told = f"{int(wanted.sum())} of {len(table.cells)} cells are undecided"
    return Decision(
        more, int(wanted.sum()), f"{told}, {limited} of them have reached at_most" if limited else told
    )


def half_widths(table: PayoffTable, delta: float) -> Float:
    """The widest of a cell's intervals, float64[C]: guaranteed where the range of payoffs is known, else approximate."""
    if table.low is not None:
        return np.asarray(table.radius(delta).max(axis=1))
    return np.nan_to_num(_NORMAL * table.standard_error, nan=math.inf).max(axis=1)


# --- the ranking ------------------------------------------------------------------------------------------------------


def _of_ranking(table: PayoffTable, widths: Float, target: float, self_play: bool) -> Array:
    """Cells of agents whose order by mean score is not decided, nor nearer than the target."""
    from experiments.tournament.samples import Samples
    from experiments.tournament.scores import MeanScores

    known = table.known & np.isfinite(widths)
    samples = Samples(
        table.populations,
        table.cells,
        np.zeros((0, len(table.roles))),
        np.zeros(len(table.cells) + 1),
        np.where(known[:, None], table.mean, math.nan),
        table.symmetric,
    )
    scores = MeanScores(samples, self_play)
    # scores are weighted means of cells, so the same means of half-widths bound their errors
    score, error = scores(np.stack([table.mean, np.broadcast_to(widths[:, None], table.mean.shape)]))
    wanted = np.zeros(len(table.cells), dtype=bool)
    counted = scores.counted()
    for first, last in itertools.pairwise(scores.cuts.tolist()):
        gap = np.abs(score[first:last, None] - score[None, first:last])
        room = error[first:last, None] + error[None, first:last]
        undecided = (gap < room) & (room > 2 * target)  # NaN, of who has no cell, is neither
        np.fill_diagonal(undecided, False)
        wanted |= counted[first:last][undecided.any(axis=1)].any(axis=0)
    return wanted


# --- the equilibrium --------------------------------------------------------------------------------------------------


def _of_equilibrium(results: Results, spec: Spec, target: float) -> Array:
    """Cells whose error makes the epsilon of the empirical game's equilibrium larger than the target.

    Where cells have failed, the game is that of the agents of whom none has, as in the answers.
    """
    from experiments.tournament.equilibria import focus_solution

    wanted = np.zeros(len(results.table.cells), dtype=bool)
    table, gone = complete(results.table)
    if table is None:
        return wanted
    inside = _cells_without(results.table, gone)
    try:
        game: Any = table.game(spec.delta)
    except InputError:  # too large for a game, so every cell counts
        wanted[inside] = half_widths(table, spec.delta) > target
        return wanted
    if not np.isfinite(game.radius).all():
        widths = np.nan_to_num(_NORMAL * table.standard_error, nan=math.inf)
        wanted[inside] = widths.max(axis=1) > target
        return wanted
    solution = focus_solution(game)
    if solution.certificate.epsilon <= target:
        return wanted
    weight = slack_by_cell(table, game, solution)
    # what has reached the limit is told, but what can still be narrowed is not left alone because of it
    for part in (weight, np.where(table.count < spec.matches.at_most, weight, 0.0)):
        order = np.argsort(-part, kind="stable")
        within = np.cumsum(part[order]) - part[order] < _SHARE * part.sum()
        wanted[inside[order[within & (part[order] > 0)]]] = True
    return wanted


def _cells_without(table: PayoffTable, gone: list[str]) -> Array:
    """Numbers of the cells in which none of these agents plays, int64[c], in order: those of `table.without(gone)`."""
    out = np.ones(len(table.cells), dtype=bool)
    for role, population in enumerate(table.populations):
        out &= ~np.isin(table.cells[:, role], [k for k, name in enumerate(population) if name in gone])
    return np.flatnonzero(out)


def slack_by_cell(table: PayoffTable, game: Any, solution: Any) -> Float:
    """How much every cell's error adds to the bound of the player and deviation that decide it, float64[C]."""
    joint = solution.joint
    if joint is None:
        from games.joint import Mixture

        joint = Mixture(np.ones(1), np.asarray(solution.profile)[None, :], game.shape)
    dense = joint.dense()
    best, parts = -math.inf, np.zeros(game.shape)
    for i in range(len(game.shape)):
        mass = np.moveaxis(dense, i, 0)
        radius, payoff = np.moveaxis(game.radius[i], i, 0), np.moveaxis(game.payoffs[i], i, 0)
        others = mass.sum(axis=0)
        for b in range(game.shape[i]):
            own = mass * radius
            own[b] = 0.0
            against = np.zeros_like(own)
            against[b] = (others - mass[b]) * radius[b]
            bound = float((mass * (payoff[b] - payoff)).sum() + own.sum() + against.sum())
            if bound > best:
                best, parts = bound, np.moveaxis(own + against, 0, i)
    return _collected(table, parts)


def _collected(table: PayoffTable, parts: Float) -> Float:
    """Sums over the profiles that are the same cell, float64[C]."""
    if not table.symmetric:
        return np.asarray(parts[tuple(table.cells.T)])
    profiles = np.stack(np.unravel_index(np.arange(parts.size), parts.shape), axis=1)
    number = {tuple(cell): c for c, cell in enumerate(table.cells.tolist())}
    out = np.zeros(len(table.cells))
    index = [number[tuple(row)] for row in np.sort(profiles, axis=1).tolist()]
    np.add.at(out, index, parts.ravel())
    return out
