"""The payoff table as matrices and lists: mean, guaranteed radius, standard error and count of every cell."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from experiments.report.figures import Heat, Picture, heatmaps, picture
from games.empirical import PayoffTable
from games.simplices import Float

MATRIX = 10_000
"""Cells of the largest matrix that is shown."""
LISTED = 2_000
"""Cells of a list."""
SLICES = 6
ENTRIES = 2_000_000
MOST_ROLES = 5
"""Of a symmetric table that is spread out over all seatings."""
LARGEST = 1e300
"""Payoffs beyond cannot be subtracted from each other."""
DRAWN = 60
"""Agents a side in a heatmap."""


@dataclass(frozen=True)
class Entry:
    """One number of the table, and how sure it is; `reason` says why there is none."""

    mean: float
    radius: float
    error: float
    count: int
    exact: bool
    reason: str = ""

    @property
    def known(self) -> bool:
        """Whether there is a payoff."""
        return self.exact or self.count > 0


@dataclass(frozen=True)
class Matrix:
    """Payoffs of one role over the agents of two."""

    title: str
    role: str
    row_role: str
    column_role: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    entries: list[list[Entry]]
    fixed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """A cell in a list: its agents, and an entry for each role."""

    agents: tuple[str, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Payoffs:
    """The section about payoffs."""

    roles: tuple[str, ...]
    matrices: list[Matrix]
    rows: list[Row]
    cells: int
    picture: Picture | None
    bounded: bool


def payoffs_of(table: PayoffTable, delta: float, failed: Mapping[str, str]) -> Payoffs:
    """What there is to see of a table.

    Parameters
    ----------
    table : PayoffTable
        Everything that was played.
    delta : float
        All radii hold at once with probability 1 - delta.
    failed : mapping of str to str
        By the name of a cell, why it has no payoff.
    """
    entries = _Entries(table, delta, failed)
    drawn = [entries.matrix(*wanted) for wanted in _slices(table)]
    matrices, heats = [matrix for matrix, _ in drawn], [heat for _, heat in drawn]
    image = None
    if heats and max(heats[0].mean.shape) <= DRAWN and all(map(_is_drawable, heats)):
        size = " by ".join(map(str, heats[0].mean.shape))
        image = picture(
            lambda: heatmaps(heats),
            f"Heatmap of mean payoffs, {len(heats)} panel{'s' * (len(heats) != 1)} of {size} cells",
            "Mean payoffs; ± is the guaranteed radius, where payoffs have a known range. Grey: no payoff.",
        )
    rows = [] if matrices else [entries.row(c) for c in range(min(len(table.cells), LISTED))]
    return Payoffs(table.roles, matrices, rows, len(table.cells), image, table.low is not None)


def heats_of(table: PayoffTable, delta: float) -> list[Heat]:
    """The matrices that show a whole table; none if that takes too many or too large ones."""
    entries = _Entries(table, delta, {})
    return [entries.matrix(*wanted)[1] for wanted in _slices(table)]


def _is_drawable(heat: Heat) -> bool:
    """Whether differences of its payoffs can be computed."""
    known = heat.mean[np.isfinite(heat.mean)]
    return not known.size or float(np.abs(known).max()) < LARGEST


Slice = tuple[int, int, int | None, dict[int, int]]
"""Whose payoffs, over the agents of which role down and across, and who plays the others."""


def _slices(table: PayoffTable) -> list[Slice]:
    """Which matrices show the whole table, none if that takes too many or too large ones."""
    shape = table.shape
    if len(shape) == 1:
        return [(0, 0, None, {})] if shape[0] <= MATRIX else []
    if (table.symmetric and len(shape) > MOST_ROLES) or math.prod(shape) * len(shape) > ENTRIES:
        return []
    down, across = (
        (0, 1) if len(shape) == 2 else sorted(np.argsort([-n for n in shape], kind="stable")[:2].tolist())
    )
    if shape[down] * shape[across] > MATRIX:
        return []
    others = [role for role in range(len(shape)) if role not in (down, across)]
    fixed = [
        dict(zip(others, chosen)) for chosen in itertools.product(*(range(shape[role]) for role in others))
    ]
    whose = [0] if table.symmetric else list(range(len(shape)))
    if len(fixed) * len(whose) > SLICES * (1 if others else len(whose)):
        return []
    return [(role, down, across, chosen) for role in whose for chosen in fixed]


class _Entries:
    """Entries by cell and role, and by profile."""

    def __init__(self, table: PayoffTable, delta: float, failed: Mapping[str, str]) -> None:
        self.table = table
        self.radius: Float = table.radius(delta)
        self.error: Float = table.standard_error
        self.failed = {
            c: failed[name] for c in range(len(table.cells)) if (name := table.cell_name(c)) in failed
        }
        self.place = {tuple(cell): c for c, cell in enumerate(table.cells.tolist())}

    def entry(self, cell: int, role: int) -> Entry:
        """By number of the cell and of the role."""
        table = self.table
        return Entry(
            float(table.mean[cell, role]) if table.known[cell] else math.nan,
            float(self.radius[cell, role]),
            float(self.error[cell, role]),
            int(table.count[cell]),
            bool(table.exact[cell]),
            self.failed.get(cell, "" if table.known[cell] else "not played"),
        )

    def row(self, cell: int) -> Row:
        """A cell of the list."""
        table = self.table
        agents = tuple(names[a] for names, a in zip(table.populations, table.cells[cell].tolist()))
        return Row(agents, tuple(self.entry(cell, role) for role in range(len(table.roles))))

    def at(self, profile: tuple[int, ...], role: int) -> Entry:
        """By who plays each role; in a symmetric table the cell is the multiset of these."""
        if not self.table.symmetric:
            return self.entry(self.place[profile], role)
        order = sorted(range(len(profile)), key=lambda k: profile[k])
        return self.entry(self.place[tuple(profile[k] for k in order)], order.index(role))

    def matrix(self, role: int, down: int, across: int | None, others: dict[int, int]) -> tuple[Matrix, Heat]:
        """Payoffs of a role over two roles' agents, the others fixed."""
        table = self.table
        height = table.shape[down]
        width = 1 if across is None else table.shape[across]
        entries: list[list[Entry]] = []
        for a in range(height):
            line = []
            for b in range(width):
                who = {**others, down: a} if across is None else {**others, down: a, across: b}
                line.append(self.at(tuple(who[k] for k in range(len(table.roles))), role))
            entries.append(line)
        fixed = tuple(table.populations[k][a] for k, a in others.items())
        whose = "the row's agent" if table.symmetric else table.roles[role]
        against = f", with {', '.join(fixed)}" if fixed else ""
        columns = ("",) if across is None else table.populations[across]
        roles = (table.roles[down], "" if across is None else table.roles[across])
        if table.symmetric and across is not None:
            roles = ("agent", "against")
        title = f"Payoff of {whose}{against}"
        matrix = Matrix(title, table.roles[role], *roles, table.populations[down], columns, entries, fixed)
        mean = np.array([[entry.mean for entry in line] for line in entries])
        radius = np.array([[entry.radius for entry in line] for line in entries])
        return matrix, Heat(title, table.populations[down], columns, *roles, mean, radius)


def kept(table: PayoffTable, left_out: list[str]) -> PayoffTable:
    """The table on which equilibria were computed: without the agents that could not play.

    Raises
    ------
    InputError
        If nobody is left.
    """
    return table.without(left_out) if left_out else table
