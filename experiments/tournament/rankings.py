"""Who is best, by several measures, and how sure that is.

Uncertainty is that of the matches, not of the choice of agents: intervals are percentiles over tables that other
matches might have given (`resampling`). They describe; they certify nothing (for that see `games.empirical`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from experiments.tournament import openskill
from experiments.tournament.elo import EloTable
from experiments.tournament.game_rankings import Measure, measures, snapped
from experiments.tournament.ranking import Ranking, spread, with_uncertainty
from experiments.tournament.resampling import Resampler
from experiments.tournament.samples import Layout, Samples, lay_out
from experiments.tournament.scores import MeanScores
from games.errors import InputError

MEASURES = ("mean score", "Elo", "OpenSkill", "alpha-rank", "Nash averaging", "CCE", "QRE")
_KEPT_NUMBERS = 30_000_000  # numbers in the replicates that are kept for measures of games

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Rankings:
    """All rankings of a tournament.

    Parameters
    ----------
    rankings : tuple of Ranking
        In the order of `MEASURES`, and of roles.
    absent : mapping of str to str
        Measures that there are not, each with the reason.
    level : float
        Confidence level of intervals.
    """

    rankings: tuple[Ranking, ...]
    absent: dict[str, str] = field(default_factory=dict)
    level: float = 0.95

    def get(self, name: str, role: int = 0) -> Ranking | None:
        """The ranking of that name and role, if there is one."""
        return next((r for r in self.rankings if r.name == name and r.role == role), None)


def rank(
    samples: Samples,
    rng: np.random.Generator,
    *,
    names: Sequence[str] = MEASURES,
    replicates: int = 1000,
    level: float = 0.95,
    include_self: bool = False,
    alpha: float = math.inf,
    population: int = 50,
    lam: float | None = None,
    progress: Progress | None = None,
) -> Rankings:
    """Rank the agents of a tournament.

    Parameters
    ----------
    samples : Samples
        What was measured.
    rng : numpy.random.Generator
        Draws replicates, and orders for OpenSkill.
    names : sequence of str
        Which of `MEASURES`.
    replicates : int
        Bootstrap replicates; measures that solve games take fewer of the same ones, and say how many.
    level : float
        Of the percentile intervals.
    include_self : bool
        Whether mean scores of a symmetric table count matches of an agent against itself.
    alpha, population : float, int
        Of alpha-rank.
    lam : float, optional
        Of the quantal response equilibrium; by default 10 over the payoff span.
    progress : callable, optional
        Told the fraction done and what is being done.

    Returns
    -------
    Rankings
        A function of `samples`, the parameters and the state of `rng`.

    Raises
    ------
    InputError
        If a parameter is out of range. What a table does not allow is absent, with the reason.
    """
    _check(names, replicates, level, lam)
    _check_alpha(alpha, population)
    luck, orders = rng.spawn(2)
    work = _Work(samples, names, replicates, level, progress)
    work.prepare(include_self, alpha, population, lam)
    work.resample(luck)
    found: list[Ranking] = []
    if "mean score" in names:
        found += work.mean_scores(include_self)
    if work.elo is not None:
        found += work.elo.rankings(work.elos, level, work.caution)
    if "OpenSkill" in names:
        work.tell(0.6, "OpenSkill")
        rated, reason = openskill.ranking_of(samples, orders, level)
        if rated is None:
            work.absent["OpenSkill"] = reason
        else:
            found.append(rated)
    for measure in work.games:
        found += work.solved(measure)
    work.tell(1.0, "rankings done")
    absent = {name: work.absent[name] for name in names if name in work.absent}
    found.sort(key=lambda ranking: (MEASURES.index(ranking.name), ranking.role))
    return Rankings(tuple(found), absent, level)


def _check(names: Sequence[str], replicates: int, level: float, lam: float | None) -> None:
    for name in names:
        if name not in MEASURES:
            raise InputError(f"there is no measure {name!r}; the measures are {', '.join(MEASURES)}")
    if replicates < 2 or replicates != int(replicates):
        raise InputError(f"replicates are {replicates}; expected a whole number of at least 2")
    if not 0 < level < 1:
        raise InputError(f"level is {level}; expected a number between 0 and 1")
    if lam is not None and not (math.isfinite(lam) and lam >= 0):
        raise InputError(f"lambda is {lam}; expected a number of at least 0")


def _check_alpha(alpha: float, population: int) -> None:
    if not alpha >= 0:
        raise InputError(f"alpha is {alpha}; expected a number that is at least 0, or infinity")
    if population != int(population) or population < 2:
        raise InputError(f"population is {population}; expected a whole number that is at least 2")


class _Work:
    """What the measures share: the replicates, the layout as a game, remarks."""

    def __init__(
        self,
        samples: Samples,
        names: Sequence[str],
        replicates: int,
        level: float,
        progress: Progress | None,
    ) -> None:
        self.samples, self.names, self.level, self.progress = samples, names, level, progress
        self.resampler = Resampler(samples)
        self.replicates = replicates if self.resampler.varies else 0
        self.absent: dict[str, str] = {}
        self.caution = _caution(samples, self.resampler)
        self.games: list[Measure] = []
        self.elo: EloTable | None = None
        self.layout: Layout | None = None
        self.kept = np.zeros((0, *samples.cells.shape))

    def tell(self, fraction: float, text: str) -> None:
        if self.progress is not None:
            self.progress(fraction, text)

    def prepare(self, include_self: bool, alpha: float, population: int, lam: float | None) -> None:
        samples = self.samples
        self.score = MeanScores(samples, include_self)
        if "Elo" in self.names:
            self.elo, reason = EloTable.of(samples)
            if self.elo is None:
                self.absent["Elo"] = reason
        wanted = [name for name in self.names if name in MEASURES[3:]]
        if not wanted:
            return
        self.layout = lay_out(samples)
        if self.layout is None:
            reason = "the table is too large, or has no part without missing cells"
            self.absent.update(dict.fromkeys(wanted, reason))
            return
        payoffs = self.layout.payoffs(samples.mean)
        found = measures(samples, payoffs, alpha=alpha, population=population, lam=lam)
        for measure in found:
            if measure.name in wanted and measure.reason:
                self.absent[measure.name] = measure.reason
            elif measure.name in wanted:
                self.games.append(measure)

    def resample(self, rng: np.random.Generator) -> None:
        """Scores and Elo of all replicates, and the tables of the first few."""
        samples = self.samples
        most = max((m.replicates(self.replicates) for m in self.games), default=0)
        most = min(most, _KEPT_NUMBERS // max(samples.cells.size, 1))
        scores, elos, kept, done = [], [], [], 0
        if self.replicates:
            for chunk in self.resampler.draw(rng, self.replicates):
                scores.append(self.score(chunk.tables))
                if self.elo is not None and chunk.results is not None:
                    elos.append(self.elo.fit(chunk.results))
                if done < most:
                    kept.append(chunk.tables[: most - done].copy())
                done += len(chunk.tables)
                self.tell(0.6 * done / self.replicates, f"resampling: {done} of {self.replicates}")
        total = int(self.score.cuts[-1])
        self.scores = np.concatenate([np.zeros((0, total)), *scores])
        self.elos = np.concatenate(elos) if elos else None
        self.kept = np.concatenate([self.kept, *kept])

    def mean_scores(self, include_self: bool) -> list[Ranking]:
        values = self.score(self.samples.mean[None])[0]
        note = "mean payoff against opponents drawn uniformly"
        if self.samples.symmetric:
            alone = include_self or self.samples.shape[0] == 1
            note += ", itself included" if alone else " from the others"
        out = []
        for role, (a, b) in enumerate(zip(self.score.cuts[:-1], self.score.cuts[1:])):
            missing = int(self.score.partial[a:b].sum())
            remarks = [note, f"of {missing} agents cells are missing" if missing else "", self.caution]
            out.append(
                with_uncertainty(
                    Ranking(
                        "mean score", role, self.samples.populations[role], values[a:b], note=_joined(remarks)
                    ),
                    self.scores[:, a:b],
                    self.level,
                )
            )
        return out

    def solved(self, measure: Measure) -> list[Ranking]:
        """The rankings by one measure, with as many replicates as it affords."""
        layout, samples = self.layout, self.samples
        assert layout is not None
        self.tell(0.6 + 0.35 * self.games.index(measure) / len(self.games), measure.name)
        count = min(measure.replicates(self.replicates), len(self.kept))
        try:
            point = measure.solve(snapped(layout.payoffs(samples.mean)))
            answers = [measure.solve(snapped(layout.payoffs(table))).values for table in self.kept[:count]]
        except InputError as error:
            self.absent[measure.name] = str(error)
            return []
        few = "no interval: solving the table again and again would take too long" if self.replicates else ""
        if count:
            few = f"interval of {count} replicates" if count < self.replicates else ""
        out = []
        for role, values in enumerate(point.values):
            agents, kept = samples.populations[role], layout.kept[role]
            left = len(agents) - len(kept)
            gaps = f"without {left} agents of missing cells" if left else ""
            remarks = [
                measure.note,
                point.note,
                gaps,
                few,
                self.caution if count or not self.replicates else "",
            ]
            ranking = Ranking(
                measure.name,
                role,
                agents,
                spread(values, kept, len(agents)),
                mass=spread((point.mass or point.values)[role], kept, len(agents)),
                note=_joined(remarks),
            )
            drawn = np.array([answer[role] for answer in answers]).reshape(len(answers), len(kept))
            full = np.full((len(drawn), len(agents)), math.nan)
            full[:, kept] = drawn
            out.append(with_uncertainty(ranking, full, self.level))
        return out


def _joined(remarks: Sequence[str]) -> str:
    return "; ".join(remark for remark in remarks if remark)


FEW = 20
"""Samples of a cell below which bootstrap intervals are clearly too narrow: of nominally 95 %, some 88 % at 5."""


def _caution(samples: Samples, resampler: Resampler) -> str:
    if samples.known.any() and samples.computed[samples.known].all():
        return "all cells are exact"
    if not resampler.varies:
        return "no interval: cells have a single sample, whose spread is unknown" if resampler.thin else ""
    if resampler.thin:
        return (
            f"intervals are too narrow: {resampler.thin} cells have a single sample, whose spread is unknown"
        )
    few = int(((samples.count > 0) & (samples.count < FEW)).sum())
    if few:
        return f"intervals are a little too narrow: {few} cells have fewer than {FEW} samples"
    return ""
