"""A number of every step cut into bins, the share of steps with a call in each, and how much that tells.

Letters: N steps, K bins, T steps of an episode.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.intervals import wilson_interval

Array = npt.NDArray[Any]

BINS = 12
"""Numbers of more than `VALUES` different values are cut into so many bins, each about as full as the others."""
VALUES = 16
PERIODS = 50
"""Bins of the steps of an episode at most."""


@dataclass(frozen=True)
class Binned:
    """Steps and calls in bins.

    Parameters
    ----------
    low, high : float64[K]
        Smallest and largest value in a bin; NaN for steps that have none, which are the last bin.
    counts, calls : int64[K]
        Steps, and those with a call; a bin of a feature is never empty.
    """

    low: Array
    high: Array
    counts: Array
    calls: Array

    @property
    def share(self) -> Array:
        """Share of calls, float64[K]; NaN of no steps."""
        return np.divide(
            self.calls, self.counts, out=np.full(len(self.counts), np.nan), where=self.counts > 0
        )

    @cached_property
    def interval(self) -> Array:
        """Wilson's 95 % intervals of it, float64[K, 2], of steps taken as independent; all there is of no steps."""
        ends = [wilson_interval(int(c), int(n)) if n else (0.0, 1.0) for c, n in zip(self.calls, self.counts)]
        return np.array(ends).reshape(-1, 2)

    @property
    def labels(self) -> list[str]:
        """What is in every bin, for people."""
        return [_label(low, high) for low, high in zip(self.low.tolist(), self.high.tolist())]

    def to_document(self) -> list[dict[str, Any]]:
        """An object for every bin."""
        rows = zip(self.low, self.high, self.counts, self.calls, self.share, self.interval)
        return [
            {
                "low": None if np.isnan(low) else float(low),
                "high": None if np.isnan(high) else float(high),
                "steps": int(count),
                "calls": int(calls),
                "share": None if np.isnan(share) else float(share),
                "interval": ends.tolist(),
            }
            for low, high, count, calls, share, ends in rows
        ]


def binned(values: Array, called: Array) -> tuple[Array, Binned]:
    """The bin of every step, int64[N], and what is in them.

    Up to `VALUES` different values have a bin each. More are cut into at most `BINS` by rank; equal values share a bin.

    Parameters
    ----------
    values : float[N]
        NaN where there is none.
    called : bool[N]
        Whether there was a call.
    """
    known = ~np.isnan(values)
    different, place, times = np.unique(values[known], return_inverse=True, return_counts=True)
    if len(different) <= VALUES:
        group = np.arange(len(different))
    else:
        middle = np.cumsum(times) - times / 2
        group = np.unique((middle * (BINS / times.sum())).astype(np.int64), return_inverse=True)[1]
    bins = int(group[-1]) + 1 if len(group) else 0
    codes = np.full(len(values), bins, dtype=np.int64)
    codes[known] = group[place]
    starts = np.searchsorted(group, np.arange(bins))
    low, high = different[starts], different[np.append(starts[1:], len(different))[:bins] - 1]
    if not known.all():
        low, high, bins = np.append(low, np.nan), np.append(high, np.nan), bins + 1
    counts = np.bincount(codes, minlength=bins)
    calls = np.bincount(codes[called], minlength=bins)
    return codes, Binned(low.astype(np.float64), high.astype(np.float64), counts, calls)


def information(bins: Binned) -> float:
    """Mutual information of bin and call in nats, less its bias if they were independent, and at least 0."""
    steps, calls = int(bins.counts.sum()), int(bins.calls.sum())
    if not 0 < calls < steps:
        return 0.0
    table = np.stack([bins.calls, bins.counts - bins.calls], axis=1) / steps
    alone = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True)
    ratio = np.divide(table, alone, out=np.ones_like(table), where=table > 0)
    found = float((table * np.log(ratio)).sum())
    return max(found - (np.count_nonzero(bins.counts) - 1) / (2 * steps), 0.0)


def kind(values: Array) -> bytes:
    """The same for features of which each is a function of the other: values numbered as they first appear."""
    _, first, place = np.unique(values, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[place].tobytes()


def periods(counted: Array) -> Binned:
    """Steps and calls int64[T, 2] by step of the episode, a few steps together where there are many."""
    width = -(-len(counted) // PERIODS)
    starts = np.arange(0, len(counted), width)
    sums = np.add.reduceat(counted, starts, axis=0)
    high = np.minimum(starts + width, len(counted)) - 1
    return Binned(starts.astype(np.float64), high.astype(np.float64), sums[:, 0], sums[:, 1])


def entropy(called: Array) -> float:
    """Of a bit bool[N], in nats."""
    p = np.array([called.mean(), 1.0 - called.mean()])
    p = p[p > 0]
    return float(-(p * np.log(p)).sum()) + 0.0


def _label(low: float, high: float) -> str:
    if np.isnan(low):
        return "none"
    return f"{low:.3g}" if low == high else f"{low:.3g} – {high:.3g}"
