"""Elo ratings of a tournament of two roles: Bradley-Terry estimates, with intervals from resampled matches."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from experiments.tournament.ranking import Ranking, with_uncertainty
from experiments.tournament.samples import Array, Float, Samples
from solvers.ratings import ELO, ELO_MEAN, BradleyTerry, bradley_terry, fit_ratings


def unplayed(samples: Samples) -> str:
    """Why matches say nothing about some agents."""
    return (
        f"{samples.unplayed:,} cells were computed, not played, so nobody won them; exact: false plays them"
    )


@dataclass(frozen=True, eq=False)
class EloTable:
    """Who met whom, and the ratings.

    Parameters
    ----------
    samples : Samples
        A symmetric or constant-sum tournament of two roles.
    first, second : int64[C]
        Players of each cell; agents of a second role are numbered after those of the first.
    counted : bool[C]
        Cells with matches between different players.
    fitted : BradleyTerry
        The estimate.
    """

    samples: Samples
    first: Array
    second: Array
    counted: Array
    fitted: BradleyTerry

    @classmethod
    def of(cls, samples: Samples) -> tuple[EloTable | None, str]:
        """The table and its estimate, or why there is none."""
        if samples.roles != 2:
            return None, f"Elo is for matches of two, here {samples.roles} play; see OpenSkill"
        if not samples.symmetric and not _constant_sum(samples):
            return None, "who won a match of two roles is clear only if their payoffs have a constant sum"
        if samples.unplayed:
            return None, unplayed(samples)
        first = samples.cells[:, 0].astype(np.int64)
        second = samples.cells[:, 1] + (0 if samples.symmetric else samples.shape[0])
        counted = (samples.count > 0) & (first != second)
        if not counted.any():
            return None, "no match of different agents was played"
        totals = np.zeros((len(samples.cells), 3))
        np.add.at(totals, samples.cell_of, samples.results)
        wins, ties = _tables(_players(samples), first[counted], second[counted], totals[None, counted])
        return cls(samples, first, second, counted, bradley_terry(wins[0], ties[0])), ""

    @property
    def players(self) -> int:
        """Agents of all roles."""
        return _players(self.samples)

    def fit(self, results: Float) -> Float:
        """Elo ratings float64[b, n] of replicates of results float64[b, C, 3]."""
        met = self.counted
        wins, ties = _tables(self.players, self.first[met], self.second[met], results[:, met])
        fits = fit_ratings(wins, ties, prior=self.fitted.prior, start=self.fitted.strength)
        return ELO_MEAN + ELO * fits.strength

    def rankings(self, replicates: Float | None, level: float, caution: str) -> list[Ranking]:
        """A ranking a role."""
        samples, note = self.samples, f"Bradley-Terry, mean {ELO_MEAN:g}; {self.fitted.note}"
        if self.fitted.tie > 0:
            note += f"; tie parameter {self.fitted.tie:.3g}"
        if samples.symmetric and not _constant_sum(samples):
            note += "; by who got more in a match, though payoffs have no constant sum"
        if not samples.symmetric:
            note += "; an advantage of a role is part of the ratings of its agents"
        if caution and not caution.startswith("all cells"):
            note += f"; {caution}"
        cuts = [0, self.players] if samples.symmetric else [0, samples.shape[0], self.players]
        out = []
        for role, (a, b) in enumerate(itertools.pairwise(cuts)):
            ranking = Ranking("Elo", role, samples.populations[role], self.fitted.elo[a:b], note=note)
            drawn = np.zeros((0, b - a)) if replicates is None else replicates[:, a:b]
            out.append(with_uncertainty(ranking, drawn, level))
        return out


def _players(samples: Samples) -> int:
    return samples.shape[0] if samples.symmetric else sum(samples.shape)


def _tables(players: int, i: Array, j: Array, results: Float) -> tuple[Float, Float]:
    """Wins and ties float64[b, n, n] of results float64[b, c, 3] of cells between players i and j, int64[c]."""
    wins, ties = np.zeros((2, len(results), players, players))
    won, tied, lost = np.moveaxis(results, 2, 0)
    wins[:, i, j], wins[:, j, i] = won, lost
    ties[:, i, j] = ties[:, j, i] = tied
    return wins, ties


def _constant_sum(samples: Samples) -> bool:
    sums = samples.payoffs.sum(axis=1)
    scale = float(np.abs(samples.payoffs).max(initial=0.0))
    return bool(not sums.size or np.ptp(sums) <= 1e-9 * scale)
