"""The record of one ranking, with its uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from experiments.tournament.samples import Array, Float

_PAIRS_AT_ONCE = 4_000_000


class Pair(NamedTuple):
    """Two agents whose order is not decided."""

    above: int
    """The one ranked higher."""
    below: int
    probability: float
    """Share of replicates in which it is higher (ties count half)."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """Agents of one role by one measure.

    Parameters
    ----------
    name : str
        The measure: "mean score", "Elo", "OpenSkill", "alpha-rank", "Nash averaging", "CCE", "QRE".
    role : int
        The role whose agents are ranked; 0 in a symmetric tournament.
    agents : tuple of str
        Their names.
    values : float64[K]
        Larger is better; NaN for agents that could not be ranked.
    low, high : float64[K], optional
        Ends of intervals at `level`; nothing where there is no uncertainty or none that can be told (see `note`).
    level : float
        Confidence level of the intervals.
    mass : float64[K], optional
        Probability that the solution behind the ranking plays each agent.
    first : float64[K], optional
        Share of replicates in which each agent is first; ties share.
    above : float64[K, K], optional
        Share of replicates in which the row agent is above the column agent; ties count half.
    replicates : int
        Replicates behind all these.
    note : str
        What was computed, and what to be careful about.
    """

    name: str
    role: int
    agents: tuple[str, ...]
    values: Float
    low: Float | None = None
    high: Float | None = None
    level: float = 0.95
    mass: Float | None = None
    first: Float | None = None
    above: Float | None = None
    replicates: int = 0
    note: str = ""

    @property
    def order(self) -> Array:
        """int64[K]: agents from best to worst; of equals the one with more mass, then the first. Unranked ones last."""
        mass = np.zeros(len(self.values)) if self.mass is None else np.nan_to_num(self.mass)
        values = np.where(np.isnan(self.values), -math.inf, self.values)
        return np.lexsort((np.arange(len(values)), -mass, -values))

    def undecided(self, delta: float = 0.05) -> tuple[Pair, ...]:
        """Pairs, the higher ranked first, in whose order fewer than 1 - delta of the replicates agree."""
        if self.above is None:
            return ()
        order = [int(k) for k in self.order if not math.isnan(self.values[k])]
        return tuple(
            Pair(i, j, float(self.above[i, j]))
            for at, i in enumerate(order)
            for j in order[at + 1 :]
            if self.above[i, j] < 1 - delta
        )


def order_shares(values: Float) -> tuple[Float, Float]:
    """How often each of K is first, and above each other, in replicates float64[B, K] without NaN.

    Differences of less than a rounding beside the range of all values count as ties.
    """
    replicates, size = values.shape
    slack = 1e-12 * max(float(np.abs(values).max(initial=0.0)), np.finfo(float).tiny)
    best = values >= values.max(axis=1, keepdims=True) - slack
    first = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    above = np.zeros((size, size))
    rows = max(1, _PAIRS_AT_ONCE // size**2)
    for done in range(0, replicates, rows):
        gap = values[done : done + rows, :, None] - values[done : done + rows, None, :]
        above += (gap > slack).sum(axis=0) + 0.5 * (np.abs(gap) <= slack).sum(axis=0)
    return first, above / replicates


def with_uncertainty(ranking: Ranking, replicates: Float, level: float) -> Ranking:
    """The ranking with intervals and shares of replicates float64[B, K]; as it is if there are fewer than two.

    Also where nobody has a value: everybody's cells with others may be missing.
    """
    size = len(ranking.values)
    ranked = np.flatnonzero(~np.isnan(ranking.values))
    if len(replicates) < 2 or not ranked.size:
        return replace(ranking, level=level)
    low, high = quantiles(replicates[:, ranked], level)
    first, above = order_shares(replicates[:, ranked])
    whole = np.full((size, size), math.nan)
    whole[np.ix_(ranked, ranked)] = above
    return replace(
        ranking,
        low=spread(low, ranked, size),
        high=spread(high, ranked, size),
        level=level,
        first=spread(first, ranked, size),
        above=whole,
        replicates=len(replicates),
    )


def spread(values: Float, kept: Array, size: int) -> Float:
    """Values of `size` agents, of which those in `kept` have one and the others are NaN."""
    out = np.full(size, math.nan)
    out[kept] = values
    return out


def quantiles(values: Float, level: float) -> tuple[Float, Float]:
    """Percentile intervals of replicates float64[B, K], by column."""
    if not len(values):
        return np.full(values.shape[1], math.nan), np.full(values.shape[1], math.nan)
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
