"""What a tournament measured, as arrays: the input of rankings.

Letters: C cells, N samples, P roles, K agents of a role.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from games.errors import InputError

Float = npt.NDArray[np.float64]
Array = npt.NDArray[Any]

PROFILES = 2_000_000
"""Profiles of the largest table that is laid out as a game."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Payoffs of the cells of a tournament, sample by sample.

    Parameters
    ----------
    populations : tuple of tuples of str
        Names of the agents of each role; in a symmetric table the same for all.
    cells : int32[C, P]
        Which agent plays each role; in a symmetric table a multiset of agents.
    payoffs : float64[N, P]
        A row per sample, those of a cell together, in the order of cells. In a symmetric table a sample is the mean
        over the seatings of a seed.
    start : int64[C + 1]
        Samples of cell c are rows start[c] to start[c + 1] - 1.
    exact : float64[C, P], optional
        Payoffs of cells that were computed, NaN in the others. Samples of a computed cell count only as matches.
    symmetric : bool
        Whether the roles are interchangeable.
    outcomes : float64[N, 3], optional
        Of two roles: matches of each sample that the first agent of the cell won, that were tied, and that it lost. By
        default one match a sample, won by whoever got more.
    seeds : int64[N], optional
        Samples of different cells with the same number share their luck (common random numbers) and are resampled
        together. By default all samples are independent.

    Raises
    ------
    InputError
        If shapes, names or numbers do not fit. A cell without samples that is not exact is missing.
    """

    populations: tuple[tuple[str, ...], ...]
    cells: Array
    payoffs: Float
    start: Array
    exact: Any = None
    symmetric: bool = False
    outcomes: Float | None = None
    seeds: Array | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "populations", tuple(tuple(str(name) for name in names) for names in self.populations))
        put(self, "cells", np.array(self.cells, dtype=np.int32).reshape(-1, len(self.populations)))
        put(self, "start", np.array(self.start, dtype=np.int64))
        put(self, "payoffs", np.array(self.payoffs, dtype=np.float64).reshape(-1, len(self.populations)))
        exact = np.full(self.cells.shape, math.nan) if self.exact is None else np.array(self.exact, float)
        put(self, "exact", exact)
        if self.outcomes is not None:
            put(self, "outcomes", np.array(self.outcomes, dtype=np.float64))
        if self.seeds is not None:
            put(self, "seeds", np.array(self.seeds))
        _check(self)
        if self.symmetric:
            put(self, "payoffs", _level(self.payoffs, self.cells[self.cell_of]))
            put(self, "exact", _level(exact, self.cells))

    @classmethod
    def of(
        cls,
        populations: Sequence[Sequence[str]],
        cells: Any,
        payoffs: Sequence[Any],
        *,
        outcomes: Sequence[Any] | None = None,
        seeds: Sequence[Any] | None = None,
        **options: Any,
    ) -> Samples:
        """Samples given cell by cell: `payoffs[c]` float64[S_c, P], `outcomes[c]` [S_c, 3], `seeds[c]` [S_c]."""
        roles = len(populations)
        rows = [np.asarray(block, dtype=np.float64).reshape(-1, roles) for block in payoffs]
        empty = np.zeros((0, roles))
        return cls(
            populations=tuple(tuple(names) for names in populations),
            cells=cells,
            payoffs=np.concatenate([empty, *rows]),
            start=np.cumsum([0, *map(len, rows)]),
            outcomes=None
            if outcomes is None
            else np.concatenate([np.zeros((0, 3)), *(np.reshape(block, (-1, 3)) for block in outcomes)]),
            seeds=None if seeds is None else np.concatenate([np.ravel(block) for block in seeds]),
            **options,
        )

    @property
    def roles(self) -> int:
        """Number of roles, P."""
        return len(self.populations)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of agents of each role."""
        return tuple(len(names) for names in self.populations)

    @property
    def count(self) -> Array:
        """int64[C]: samples of each cell."""
        return np.diff(self.start)

    @cached_property
    def cell_of(self) -> Array:
        """int64[N]: the cell of each sample."""
        return np.repeat(np.arange(len(self.cells)), self.count)

    @cached_property
    def computed(self) -> Array:
        """bool[C]: cells that are exact."""
        return np.asarray(~np.isnan(self.exact).any(axis=1))

    @property
    def unplayed(self) -> int:
        """Cells of different agents that were computed without a match: nobody won or lost them."""
        met = (self.cells != self.cells[:, :1]).any(axis=1) if self.symmetric else True
        return int((self.computed & (self.count == 0) & met).sum())

    @cached_property
    def mean(self) -> Float:
        """float64[C, P]: exact payoffs, else mean payoffs, else NaN."""
        total = np.zeros(self.cells.shape)
        np.add.at(total, self.cell_of, self.payoffs)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / self.count[:, None]
        return np.where(self.computed[:, None], self.exact, mean)

    @property
    def known(self) -> Array:
        """bool[C]: cells with a payoff."""
        return self.computed | (self.count > 0)

    @cached_property
    def results(self) -> Float:
        """float64[N, 3]: matches won by the first, tied and lost, of two roles."""
        if self.outcomes is not None:
            return self.outcomes
        first, second = self.payoffs[:, 0], self.payoffs[:, 1]
        return np.stack([first > second, first == second, first < second], axis=1).astype(float)

    @property
    def matrix(self) -> Float:
        """float64[K, K]: payoff of the row agent against the column agent, NaN where missing; symmetric, two roles."""
        if not self.symmetric or self.roles != 2:
            raise InputError("a payoff matrix belongs to a symmetric tournament of two roles")
        table = np.full(self.shape, math.nan)
        first, second = self.cells.T
        table[first, second] = self.mean[:, 0]
        table[second, first] = self.mean[:, 1]
        return table

    @property
    def expected(self) -> int:
        """Cells of the whole table."""
        if self.symmetric:
            return math.comb(self.shape[0] + self.roles - 1, self.roles)
        return math.prod(self.shape)


def _level(values: Float, cells: Array) -> Float:
    """Payoffs of agents that are several times in a cell replaced by their mean."""
    out = np.empty_like(values)
    for p in range(cells.shape[1]):
        same = cells == cells[:, p, None]
        out[:, p] = np.where(same, values, 0.0).sum(axis=1) / same.sum(axis=1)
    return out


def _check(samples: Samples) -> None:
    shape, cells, start = samples.shape, samples.cells, samples.start
    if not shape or not min(shape):
        raise InputError("every role of a tournament needs at least one agent")
    if samples.symmetric and len(set(samples.populations)) != 1:
        raise InputError("a symmetric tournament has the same agents in every role")
    if (cells < 0).any() or (cells >= np.asarray(shape)).any():
        raise InputError("a cell of the tournament names an agent that is not in the population of its role")
    keys = np.sort(cells, axis=1) if samples.symmetric else cells
    if len(np.unique(keys, axis=0)) != len(keys):
        raise InputError("two cells of the tournament are of the same agents")
    if start.shape != (len(cells) + 1,) or start[0] != 0 or (np.diff(start) < 0).any():
        raise InputError(
            f"samples of {len(cells)} cells need {len(cells) + 1} increasing positions, from 0 on"
        )
    if start[-1] != len(samples.payoffs):
        raise InputError(f"cells speak of {start[-1]} samples, but there are {len(samples.payoffs)}")
    if not np.isfinite(samples.payoffs).all() or np.isinf(samples.exact).any():
        raise InputError("a payoff of the tournament is not a finite number")
    if samples.exact.shape != cells.shape:
        raise InputError(f"exact payoffs have shape {samples.exact.shape}, expected {cells.shape}")
    rows = len(samples.payoffs)
    if samples.outcomes is not None and (
        samples.outcomes.shape != (rows, 3) or not (samples.outcomes >= 0).all() or len(shape) != 2
    ):
        raise InputError(
            "outcomes of matches are three counts of at least 0 for every sample of a game of two roles"
        )
    if samples.seeds is not None and samples.seeds.shape != (rows,):
        raise InputError(f"{samples.seeds.size} seeds for {rows} samples")


@dataclass(frozen=True, eq=False)
class Layout:
    """A table without gaps, as a game of the agents that are in it.

    Parameters
    ----------
    kept : tuple of int64[k]
        The agents of each role, as indices into its population; the others have missing cells.
    cell : int64[prod(k)]
        The cell of each profile of kept agents, in C order.
    position : int64[prod(k), P]
        Where in the cell the agent of each role is.
    """

    kept: tuple[Array, ...]
    cell: Array
    position: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of kept agents of each role."""
        return tuple(len(agents) for agents in self.kept)

    def payoffs(self, table: Float) -> Float:
        """The payoff tensor float64[P, k1, ..., kP] of cells float64[C, P]."""
        return table[self.cell[:, None], self.position].T.reshape(-1, *self.shape)


def lay_out(samples: Samples) -> Layout | None:
    """The largest table without gaps that is found by leaving out, one by one, who has most missing cells.

    Nothing if it would have more than `PROFILES` profiles, or if an agent of every role is not left.
    """
    shape = samples.shape
    if math.prod(shape) > PROFILES or (samples.symmetric and samples.roles > 6):
        return None
    cell, position = np.full(shape, -1, dtype=np.int64), np.zeros((*shape, samples.roles), dtype=np.int64)
    rows = np.flatnonzero(samples.known)
    orders = (
        list(itertools.permutations(range(samples.roles)))
        if samples.symmetric
        else [tuple(range(samples.roles))]
    )
    for order in orders:
        where = tuple(samples.cells[rows][:, order].T)
        cell[where] = rows
        position[where] = order
    kept = [np.arange(size) for size in shape]
    while True:
        inner = cell[np.ix_(*kept)]
        if (inner >= 0).all():
            break
        gaps = [
            (inner < 0).sum(axis=tuple(q for q in range(samples.roles) if q != role))
            for role in range(samples.roles)
        ]
        shares = [float(gap.max()) * len(gap) for gap in gaps]  # share of the agent's cells, up to a factor
        role = int(np.argmax(shares))
        # the last of those with most gaps, so that the order of the population decides
        worst = len(gaps[role]) - 1 - int(np.argmax(gaps[role][::-1]))
        for q in range(samples.roles) if samples.symmetric else (role,):
            kept[q] = np.delete(kept[q], worst)
        if not all(len(agents) for agents in kept):
            return None
    inside = np.ix_(*kept)
    return Layout(tuple(kept), cell[inside].ravel(), position[inside].reshape(-1, samples.roles))
