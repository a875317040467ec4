"""The rankings of a tournament: what the measures are given, and what of them is kept in `answers.json`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from experiments.tournament.ranking import Ranking
from experiments.tournament.rankings import MEASURES, Rankings, rank
from experiments.tournament.results import Results
from experiments.tournament.samples import Samples
from experiments.tournament.spec import Spec
from games.empirical import PayoffTable
from games.play import Array
from games.simplices import Float

_RANKINGS = 0x72616E6B
"""Label of the stream that rankings draw from."""
ABOUT = {
    "mean score": "mean payoff against opponents drawn uniformly",
    "Elo": "Bradley-Terry strength on the Elo scale",
    "OpenSkill": "Plackett-Luce rating",
    "alpha-rank": "share of time in the evolutionary process of alpha-rank",
    "Nash averaging": "payoff against the maximum-entropy equilibrium",
    "CCE": "probability in the coarse correlated equilibrium of largest Gini impurity",
    "QRE": "probability in a logit quantal response equilibrium",
}

Progress = Callable[[float, str], None]


def samples_of(results: Results, table: PayoffTable) -> Samples:
    """The samples of those cells whose agents are all in `table`, as rankings want them."""
    whole = results.table
    names = [
        tuple(population[a] for population, a in zip(whole.populations, cell))
        for cell in whole.cells.tolist()
    ]
    number = {cell: c for c, cell in enumerate(names)}
    rows = [
        number[tuple(population[a] for population, a in zip(table.populations, cell))]
        for cell in table.cells.tolist()
    ]
    payoffs = [results.samples[c] for c in rows]
    exact = np.where(table.exact[:, None], table.mean, math.nan)
    two = len(table.roles) == 2
    return Samples.of(
        table.populations,
        table.cells,
        payoffs,
        outcomes=outcomes(results, rows) if two else None,
        seeds=[np.arange(len(values)) for values in payoffs],
        exact=exact,
        symmetric=table.symmetric,
    )


def outcomes(results: Results, cells: list[int]) -> list[Float]:
    """Of cells of two roles, for every sample, matches that the first agent won, tied and lost, float64[S_c, 3]."""
    played, whole = results.by_match, results.table.cells
    first = np.take(whole[:, 0], played.cell)
    lead = played.payoffs[:, 0] - played.payoffs[:, 1]
    if results.table.symmetric:
        lead = np.where(played.places[:, 0] == first, lead, -lead)
    result = np.stack([lead > 0, lead == 0, lead < 0], axis=1).astype(np.float64)
    starts: Array = np.searchsorted(played.cell, np.arange(len(whole) + 1))
    out = []
    for c in cells:
        count = len(results.samples[c])
        own = result[starts[c] : starts[c + 1]] if count else result[:0]
        out.append(own.reshape(count, -1, 3).sum(axis=1) if count else own)
    return out


def rankings_of(
    spec: Spec, results: Results, small: PayoffTable | None, left_out: list[str], progress: Progress
) -> Rankings:
    """All rankings: scores of everybody over the cells that were played, games of those who have met everybody."""
    rng = np.random.default_rng([_RANKINGS, spec.seed])
    options: dict[str, Any] = {"level": 1 - spec.delta, "include_self": spec.self_play, "progress": progress}
    everybody = samples_of(results, results.table)
    if not left_out and small is not None:
        return rank(everybody, rng, **options)
    if not everybody.known.any():
        return Rankings((), dict.fromkeys(MEASURES, "no cell could be played"), 1 - spec.delta)
    first, second = rng.spawn(2)
    scores = rank(everybody, first, names=MEASURES[:3], **options)
    if small is None:
        absent = dict.fromkeys(MEASURES[3:], "too many cells failed")
        return Rankings(scores.rankings, scores.absent | absent, scores.level)
    rest = rank(samples_of(results, small), second, names=MEASURES[3:], **options)
    return Rankings(scores.rankings + rest.rankings, scores.absent | rest.absent, scores.level)


def ranking_document(ranking: Ranking, results: Results) -> dict[str, Any]:
    """A ranking as plain data."""
    table = results.table
    if ranking.name in ("Elo", "OpenSkill"):
        ranking = _of_those_rated(ranking, results)
    return {
        "name": ranking.name,
        "about": ABOUT[ranking.name],
        "role": None if table.symmetric else table.roles[ranking.role],
        "agents": ranking.agents,
        "values": ranking.values,
        "low": ranking.low,
        "high": ranking.high,
        "level": ranking.level,
        "mass": ranking.mass,
        "first": ranking.first,
        "note": ranking.note,
    }


def _of_those_rated(ranking: Ranking, results: Results) -> Ranking:
    """Without ratings of agents who have played no match against others: what a model puts there is no result."""
    table, met = results.table, np.zeros(len(ranking.agents), dtype=bool)
    for cell, samples in zip(table.cells.tolist(), results.samples):
        agents = set(cell) if table.symmetric else {cell[ranking.role]}
        if len(samples) and (len(agents) > 1 or not table.symmetric):
            met[list(agents)] = True

    def rated(values: Any) -> Any:
        return None if values is None else np.where(met, values, math.nan)

    return replace(ranking, values=rated(ranking.values), low=rated(ranking.low), high=rated(ranking.high))


def undecided(rankings: Rankings, delta: float) -> list[list[str]]:
    """Pairs of agents, the higher first, whose order by mean score is open."""
    return [
        [ranking.agents[pair.above], ranking.agents[pair.below]]
        for ranking in rankings.rankings
        if ranking.name == "mean score"
        for pair in ranking.undecided(delta)
    ]
