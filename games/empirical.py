"""Empirical games: payoffs estimated from matches, with what is known of their error.

A `PayoffTable` keeps count, mean and variance of every cell, and turns into an `EmpiricalGame`, a normal-form game
that remembers how far its payoffs may be from the true ones. Solvers take it as any other game; certificates add the
error to what they claim (`solvers.empirical_certificate`).

Letters: C cells, P roles (the players of the empirical game), K agents of a role.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from games.confidence import empirical_bernstein, hoeffding, share_of_look
from games.errors import InputError
from games.limits import check_fits
from games.normal import NormalFormGame
from games.simplices import Float, Int

Array = npt.NDArray[Any]

_PROFILES_AT_ONCE = 1 << 20
BOUNDS = ("best", "hoeffding", "bernstein")


@dataclass(frozen=True, eq=False, repr=False)
class EmpiricalGame(NormalFormGame):
    """A normal-form game whose payoffs are estimates.

    Parameters
    ----------
    payoffs, players, actions, title
        As in `NormalFormGame`; actions are the agents of each role.
    radius : float64[P, A1, ..., AP]
        With probability 1 - delta every true payoff is within its radius of the estimate, all at once; infinite where
        nothing is known of the range of payoffs.
    delta : float
        The probability that this fails.
    """

    radius: Float = field(default_factory=lambda: np.zeros(0))
    delta: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        radius = np.array(self.radius, dtype=np.float64, order="C")
        if radius.shape != self.payoffs.shape or np.isnan(radius).any() or (radius < 0).any():
            raise InputError(
                f"radii of an empirical game are numbers of at least 0 and of shape {self.payoffs.shape}, "
                f"not {radius.shape}"
            )
        radius.setflags(write=False)
        object.__setattr__(self, "radius", radius)


@dataclass(frozen=True, eq=False, repr=False)
class PayoffTable:
    """What matches have told about every cell of a game between agents.

    Parameters
    ----------
    roles : tuple of str
        The players of the empirical game.
    populations : tuple of tuples of str
        Names of the agents of each role; in a symmetric table the same for all.
    cells : int32[C, P]
        Which agent plays each role. In a symmetric table every cell is sorted: it is a multiset of agents, and all
        its seatings count as one.
    mean : float64[C, P]
        Mean payoff of a sample. A sample is one match, or, in a symmetric table, the mean over the seatings of
        one match seed, and over the seats of agents that are there more than once.
    squares : float64[C, P]
        Sums of squared deviations from the mean.
    count : int64[C]
        Samples; 0 where there are none (yet).
    exact : bool[C]
        Where the mean is computed, not sampled.
    symmetric : bool
        Whether the roles are interchangeable.
    low, high : float64[P], optional
        Every sample lies within, whatever happens; no guarantee can be given without them.
    constant_sum : bool
        Whether the payoffs of all roles have the same sum in every match; of two players only one is then estimated.
    looks : int
        How often results decided on whether to go on; 0 if the numbers of samples were fixed beforehand.
    sources : tuple of str
        Which samples are in here, so that none is counted twice.
    selected : int
        How many means there were before agents were left out (`without`), 0 if none were. Bounds keep holding for all
        of them at once, since results may have told whom to leave out.

    Raises
    ------
    InputError
        If shapes, names or numbers do not fit.
    """

    roles: tuple[str, ...]
    populations: tuple[tuple[str, ...], ...]
    cells: Int
    mean: Float
    squares: Float
    count: Array
    exact: Array
    symmetric: bool = False
    low: Float | None = None
    high: Float | None = None
    constant_sum: bool = False
    looks: int = 0
    sources: tuple[str, ...] = ()
    selected: int = 0

    def __post_init__(self) -> None:
        for name, kind in (("cells", np.int32), ("mean", float), ("squares", float), ("count", np.int64)):
            object.__setattr__(self, name, np.array(getattr(self, name), dtype=kind, order="C"))
        object.__setattr__(self, "exact", np.array(self.exact, dtype=bool))
        for name in ("low", "high"):
            if getattr(self, name) is not None:
                values = np.broadcast_to(np.asarray(getattr(self, name), dtype=np.float64), len(self.roles))
                object.__setattr__(self, name, values.copy())
        _check_table(self)
        for name in ("cells", "mean", "squares", "count", "exact"):
            getattr(self, name).setflags(write=False)

    # --- facts --------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of agents of each role."""
        return tuple(len(population) for population in self.populations)

    @property
    def known(self) -> Array:
        """bool[C]: cells with at least one sample, or computed."""
        return self.exact | (self.count > 0)

    @property
    def variance(self) -> Float:
        """Sample variance (of denominator n - 1), float64[C, P]; NaN below two samples, 0 where exact."""
        with np.errstate(invalid="ignore", divide="ignore"):
            value = self.squares / (self.count[:, None] - 1)
        value[self.count < 2] = math.nan
        value[self.exact] = 0.0
        return value

    @property
    def standard_error(self) -> Float:
        """Estimated standard error of every mean, float64[C, P]; NaN below two samples, 0 where exact."""
        with np.errstate(invalid="ignore", divide="ignore"):
            value = np.sqrt(self.variance / self.count[:, None])
        value[self.exact] = 0.0
        return value

    @property
    def bootstrap_error(self) -> Float:
        """Standard error by the bootstrap, float64[C, P].

        For a mean it needs no resampling: with infinitely many resamples it is the square root of the sum of squared
        deviations, over n (Efron and Tibshirani 1993, section 5.2).
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            value = np.sqrt(self.squares) / self.count[:, None]
        value[self.count < 1] = math.nan
        value[self.exact] = 0.0
        return value

    @cached_property
    def entries(self) -> int:
        """How many different means are estimated: what a union bound counts."""
        if self.symmetric:
            distinct = (np.diff(self.cells, axis=1) != 0).sum(axis=1) + 1
            if self.constant_sum and len(self.roles) == 2:
                distinct -= 1  # the other agent gets the rest, and an agent against itself half of it
            own = int(distinct[~self.exact].sum())
        else:
            each = 1 if self.constant_sum and len(self.roles) == 2 else len(self.roles)
            own = each * int((~self.exact).sum())
        return max(own, self.selected)

    def radius(self, delta: float = 0.05, bound: str = "best") -> Float:
        """How far the true means may be: with probability 1 - delta within these, all cells at once.

        Parameters
        ----------
        delta : float
            Error probability, shared equally by all entries (union bound) and, after sequential looks, by the looks.
        bound : {"best", "hoeffding", "bernstein"}
            Hoeffding's inequality, the empirical Bernstein bound of Maurer and Pontil (2009), or the smaller of the
            two, each at half of delta.

        Returns
        -------
        float64[C, P]
            0 where exact, infinite where there is no sample or the range of payoffs is not known.
        """
        if not 0 < delta < 1:
            raise InputError(f"delta is a probability between 0 and 1, not {delta:g}")
        if bound not in BOUNDS:
            raise InputError(f"unknown bound {bound!r}; known are {', '.join(BOUNDS)}")
        out = np.full(self.mean.shape, math.inf)
        if self.low is not None and self.high is not None and self.entries:
            each = delta * share_of_look(self.looks) / self.entries
            width, count = (self.high - self.low)[None, :], self.count[:, None]
            part = each / 2 if bound == "best" else each
            if bound != "bernstein":
                out = hoeffding(width, count, part)
            if bound != "hoeffding":
                out = np.minimum(out, empirical_bernstein(width, self.variance, count, part))
            if self.symmetric and self.constant_sum and len(self.roles) == 2:
                out[self.cells[:, 0] == self.cells[:, 1]] = 0.0
        out[self.exact] = 0.0
        return out

    def __repr__(self) -> str:
        size = ("symmetric, " if self.symmetric else "") + "x".join(map(str, self.shape))
        return f"PayoffTable({size} agents, {int(self.known.sum())} of {len(self.cells)} cells)"

    def _repr_html_(self) -> str:
        from games.show_tables import payoff_table_html

        return payoff_table_html(self)

    # --- what becomes of it -------------------------------------------------------------------------------

    def game(self, delta: float = 0.05, title: str = "", bound: str = "best") -> EmpiricalGame:
        """The empirical game; `InputError` naming a cell if one is missing.

        A symmetric table becomes the full tensor, every seating of a cell with the payoffs of its agents.
        """
        if not self.known.all():
            missing = self.cell_name(int(np.flatnonzero(~self.known)[0]))
            raise InputError(
                f"{missing} was not played, so this is no game yet; leave out an agent of each such cell (`without`)"
            )
        check_fits(self.shape, "the empirical game", copies=4)
        payoffs = np.empty((len(self.roles), math.prod(self.shape)))
        radius = np.empty_like(payoffs)
        error = self.radius(delta, bound)
        number = np.full(math.prod(self.shape), -1, dtype=np.int64)
        number[np.ravel_multi_index(tuple(self.cells.T), self.shape)] = np.arange(len(self.cells))
        for begun in range(0, len(number), _PROFILES_AT_ONCE):
            here = np.arange(begun, min(begun + _PROFILES_AT_ONCE, len(number)))
            cell, position = self._found(number, here)
            if cell.min() < 0:
                absent = np.unravel_index(int(here[np.argmin(cell)]), self.shape)
                told = " - ".join(names[int(a)] for names, a in zip(self.populations, absent))
                raise InputError(f"{told} is not in the table, so this is no game")
            payoffs[:, here] = self.mean[cell[:, None], position].T
            radius[:, here] = error[cell[:, None], position].T
        whole = (len(self.roles), *self.shape)
        return EmpiricalGame(
            payoffs.reshape(whole),
            self.roles,
            self.populations,
            title or "empirical game",
            radius=radius.reshape(whole),
            delta=delta,
        )

    def _found(self, number: Array, profiles: Array) -> tuple[Array, Array]:
        """The cell of each profile, int64[k], and where in it the agent of each role is, int64[k, P].

        Cells are looked up in `number` by their own profiles, and profiles are counted in C order.
        """
        played = np.stack(np.unravel_index(profiles, self.shape), axis=1)
        place = np.arange(len(self.roles))
        if not self.symmetric:
            return number[profiles], np.broadcast_to(place, played.shape)
        order = np.argsort(played, axis=1, kind="stable")
        ordered = np.take_along_axis(played, order, axis=1)
        position = np.empty_like(order)
        np.put_along_axis(position, order, np.broadcast_to(place, order.shape), axis=1)
        return number[np.ravel_multi_index(tuple(ordered.T), self.shape)], position

    def cell_name(self, cell: int) -> str:
        """A cell as people call it: its agents."""
        return " - ".join(population[agent] for population, agent in zip(self.populations, self.cells[cell]))

    def without(self, agents: Sequence[str]) -> PayoffTable:
        """The table without some agents (of whatever role they are), and without the cells they play in.

        Raises
        ------
        InputError
            If a role would be left without agents, or a name is unknown.
        """
        gone = set(agents)
        for name in gone - {name for population in self.populations for name in population}:
            raise InputError(f"there is no agent {name!r} in this table")
        kept = [[k for k, name in enumerate(names) if name not in gone] for names in self.populations]
        for role, left in zip(self.roles, kept):
            if not left:
                raise InputError(f"without {', '.join(sorted(gone))} nobody is left to play {role}")
        number = [{old: new for new, old in enumerate(left)} for left in kept]
        stay = [c for c, cell in enumerate(self.cells) if all(a in n for a, n in zip(cell.tolist(), number))]
        cells = [[n[a] for a, n in zip(self.cells[c].tolist(), number)] for c in stay]
        return replace(
            self,
            populations=tuple(tuple(names[k] for k in left) for names, left in zip(self.populations, kept)),
            cells=np.array(cells, dtype=np.int32).reshape(-1, len(self.roles)),
            **{name: getattr(self, name)[stay] for name in ("mean", "squares", "count", "exact")},
            selected=self.entries,
        )

    def merged(self, other: PayoffTable) -> PayoffTable:
        """Both tables' samples together (Chan, Golub and LeVeque 1979).

        Raises
        ------
        InputError
            If the tables are of different games, share samples, or contradict each other where they are exact.
        """
        from games.merging import looks_together, together

        for name in ("roles", "populations", "symmetric", "constant_sum"):
            if getattr(self, name) != getattr(other, name):
                raise InputError(
                    f"the tables have different {name.replace('_', ' ')}, so they cannot be merged"
                )
        if not np.array_equal(self.cells, other.cells):
            raise InputError("the tables have different cells, so they cannot be merged")
        for name in ("low", "high"):
            if not np.array_equal(getattr(self, name), getattr(other, name)):
                raise InputError(
                    f"the tables have different ranges of payoffs ({name}), so they cannot be merged"
                )
        if shared := set(self.sources) & set(other.sources):
            raise InputError(
                f"both tables contain the samples of {sorted(shared)[0]}; they would count twice"
            )
        both = self.exact & other.exact
        if not np.allclose(self.mean[both], other.mean[both], rtol=1e-9, atol=1e-12):
            raise InputError(
                "the tables' exact payoffs contradict each other, so they are not of the same game"
            )
        mean, squares, count = together(self, other)
        for exact in (self, other):
            mean[exact.exact], squares[exact.exact] = exact.mean[exact.exact], 0.0
        return replace(
            self,
            mean=mean,
            squares=squares,
            count=count,
            exact=self.exact | other.exact,
            looks=looks_together(self.looks, other.looks),
            sources=(*self.sources, *other.sources),
            selected=max(self.selected, other.selected),
        )


def symmetric_cells(agents: int, players: int) -> Int:
    """All multisets of `players` out of so many agents, sorted, int32[C, P]."""
    found = list(itertools.combinations_with_replacement(range(agents), players))
    return np.array(found, dtype=np.int32).reshape(-1, players)


def all_cells(shape: Sequence[int]) -> Int:
    """All cells of role-asymmetric populations of these sizes, int32[C, P]."""
    return np.stack(np.unravel_index(np.arange(math.prod(shape)), tuple(shape)), axis=1).astype(np.int32)


def _check_table(table: PayoffTable) -> None:
    players, cells = len(table.roles), len(table.cells)
    if not players or len(table.populations) != players or not all(table.populations):
        raise InputError(
            f"{len(table.populations)} populations for {players} roles; expected at least one agent for each"
        )
    if table.symmetric and len(set(table.populations)) > 1:
        raise InputError("in a symmetric table all roles have the same population")
    for role, names in zip(table.roles, table.populations):
        if len(set(names)) < len(names):
            raise InputError(f"two agents of {role} have the same name")
    wanted: dict[str, tuple[int, ...]] = dict.fromkeys(("cells", "mean", "squares"), (cells, players))
    wanted |= {"count": (cells,), "exact": (cells,)}
    for name, shape in wanted.items():
        if getattr(table, name).shape != shape:
            raise InputError(
                f"{name} of a payoff table has shape {getattr(table, name).shape}, expected {shape}"
            )
    if (table.cells < 0).any() or (table.cells >= np.array(table.shape)).any():
        raise InputError("a cell of the payoff table names an agent that is not there")
    if table.symmetric and (np.diff(table.cells, axis=1) < 0).any():
        raise InputError("the cells of a symmetric table are sorted: every seating counts as the same cell")
    if len(np.unique(table.cells, axis=0)) < cells:
        raise InputError("a cell is twice in the payoff table")
    seen = table.known
    if (table.count < 0).any() or not np.isfinite(table.mean[seen]).all() or (table.squares[seen] < 0).any():
        raise InputError("a payoff table holds a negative count or variance, or a mean that is not a number")
    if (table.low is None) != (table.high is None) or (
        table.low is not None and table.high is not None and not (table.low <= table.high).all()
    ):
        raise InputError("the range of payoffs is given by both its ends, the lower one first")
