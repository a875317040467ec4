"""Mean-field games by name, ``mfg:NAME``: finite states and actions, agents who see their state.

States and actions are numbered as their names are listed; all builders give `games.meanfield.MeanFieldModel`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, get_type_hints

import numpy as np
import numpy.typing as npt

from games.catalogue.entry import Entry, Parameter, Source, check_range
from games.catalogue.mean_field_grids import FOUR_ROOMS, free_cells, grid_moves, on_a_ring
from games.errors import InputError
from games.meanfield import MeanFieldModel

Array = npt.NDArray[Any]
Builder = Callable[..., MeanFieldModel]

_MOST = 4e7
"""Numbers in a table of transitions, 320 MB."""
_NONE = 1e-25
"""Added to shares before logarithms, as OpenSpiel does."""


@dataclass(frozen=True)
class Equilibrium:
    """What is known of the Nash equilibria of a mean-field game.

    Parameters
    ----------
    at : mapping
        The parameters it is for; the rest at their defaults.
    actions : sequence of float
        What all agents do in the first step, in the state in which all of them are.
    value : float
        What they earn.
    """

    at: Mapping[str, Any] = field(default_factory=dict)
    actions: tuple[float, ...] = ()
    value: float = 0.0


@dataclass(frozen=True)
class MeanFieldEntry(Entry):
    """A mean-field game of the catalogue."""

    scheme: ClassVar[str] = "mfg"
    equilibria: tuple[Equilibrium, ...] = ()


MEAN_FIELD: dict[str, MeanFieldEntry] = {}
"""All mean-field games by name."""


def _register(name: str, source: Source, *equilibria: Equilibrium) -> Callable[[Builder], Builder]:
    def enter(builder: Builder) -> Builder:
        hints = get_type_hints(builder)
        parameters = tuple(
            Parameter(p.name, hints[p.name], p.default)
            for p in inspect.signature(builder).parameters.values()
        )
        summary = (inspect.getdoc(builder) or "").split("\n", 1)[0].rstrip(".")
        MEAN_FIELD[name] = MeanFieldEntry(name, summary, source, parameters, builder, equilibria=equilibria)
        return builder

    return enter


_PERRIN = Source(
    "Perrin, Perolat, Lauriere, Geist, Elie and Pietquin",
    2020,
    "Fictitious play for mean field games: continuous time analysis and applications",
    "NeurIPS 33",
    "Section 4",
)
_SPIEL = Source(
    "Lanctot et al.", 2019, "OpenSpiel: a framework for reinforcement learning in games", "arXiv:1908.09453"
)
_CUI = Source(
    "Cui and Koeppl",
    2021,
    "Approximately solving mean field games via entropy-regularized deep reinforcement learning",
    "AISTATS",
    "Section 5",
)
_GEIST = Source(
    "Geist, Perolat, Lauriere, Elie, Perrin, Bachem, Munos and Pietquin",
    2022,
    "Concave utility reinforcement learning: the mean-field game viewpoint",
    "AAMAS",
)


@_register("crowd", _SPIEL)
def crowd(size: int = 10, horizon: int = 10) -> MeanFieldModel:
    """Places on a ring: be near the middle, but not where the others are (OpenSpiel's mfg_crowd_modelling).

    Agents step left, stay or step right, then noise does one of the three. As in OpenSpiel a move is paid for in the step
    after it, which makes the last one free; here it is paid for at once, and not in the last step.
    """
    check_range("size", size, 2, 1000)
    check_range("horizon", horizon, 1, 10_000)
    place = 1 - np.abs(np.arange(size) - size // 2) / (size // 2)
    pay = place[:, None] - np.array([1.0, 0.0, 1.0]) / size
    return _crowd(f"mfg:crowd, size {size}", _ring(size, np.full(3, 1 / 3)), pay, place, horizon)


@_register("beach-bar", _PERRIN)
def beach_bar(
    size: int = 100, horizon: int = 15, noise: float = 0.5, aversion: float = 1.0
) -> MeanFieldModel:
    """The beach bar process: be near the bar, move little, avoid the crowd; every move costs.

    Parameters
    ----------
    size, horizon : int
        Places on a ring with the bar in the middle, and steps.
    noise : float
        The probability that noise moves an agent, to either side alike.
    aversion : float
        Weight of -log(share of agents in the same place).
    """
    check_range("size", size, 2, 1000)
    check_range("horizon", horizon, 1, 10_000)
    check_range("noise", noise, 0, 1)
    place = 1 - np.abs(np.arange(size) - size // 2) / (size // 2)
    pay = place[:, None] - np.array([1.0, 0.0, 1.0]) / size
    chances = np.array([noise / 2, 1 - noise, noise / 2])
    return _crowd(f"mfg:beach-bar, size {size}", _ring(size, chances), pay, None, horizon, aversion=aversion)


@_register("crowd-2d", _SPIEL)
def crowd_2d(size: int = 10, horizon: int = 10, noise: float = 1.0, aversion: float = 1.0) -> MeanFieldModel:
    """Cells of a torus: be near the middle, but not where the others are (OpenSpiel's mfg_crowd_modelling_2d).

    Agents step up, left, nowhere, right or down; then, with probability `noise`, noise does one of the five. The last move
    is free, as in ``mfg:crowd``.
    """
    check_range("size", size, 2, 80)
    check_range("horizon", horizon, 1, 10_000)
    check_range("noise", noise, 0, 1)
    cells = [(x, y) for x in range(size) for y in range(size)]
    table, _ = grid_moves(cells, size, noise)
    far = np.abs(np.array(cells) - size // 2).sum(axis=1)
    place = 2 - 2.0 * far / size
    pay = place[:, None] - np.array([1.0, 1.0, 0.0, 1.0, 1.0]) / size
    return _crowd(
        f"mfg:crowd-2d, size {size}", _small(table), pay, place, horizon, aversion=aversion, cells=cells
    )


@_register("four-rooms", _GEIST)
def four_rooms(horizon: int = 40, noise: float = 1.0, start: str = "corner") -> MeanFieldModel:
    """Four rooms with doors: be where the others are not, from one corner (or start=everywhere).

    Agents step up, left, nowhere, right or down where no wall is; then, with probability `noise`, noise does one of the
    possible steps. The reward is -log(share of agents in the same cell), so that the crowd fills the rooms: OpenSpiel's
    mfg_crowd_modelling_2d with its FOUR_ROOMS and only_distribution_reward.
    """
    check_range("horizon", horizon, 1, 10_000)
    check_range("noise", noise, 0, 1)
    if start not in ("corner", "everywhere"):
        raise InputError(f"parameter start={start} must be corner or everywhere")
    cells = free_cells(FOUR_ROOMS)
    table, legal = grid_moves(cells, len(FOUR_ROOMS), noise)
    initial = np.full(len(cells), 1 / len(cells))
    if start == "corner":
        initial = np.array([1.0 * (cell == (1, 1)) for cell in cells])
    pay = np.zeros(legal.shape)
    return _crowd("mfg:four-rooms", table, pay, None, horizon, initial=initial, legal=legal, cells=cells)


@_register("sis", _CUI)
def sis(
    horizon: int = 50,
    ill: float = 0.6,
    infection: float = 0.81,
    recovery: float = 0.3,
    illness_cost: float = 1.0,
    distance_cost: float = 0.5,
) -> MeanFieldModel:
    """An epidemic: go out and perhaps fall ill, or keep one's distance, which costs.

    Who is healthy and goes out falls ill with probability `infection` times the share of the ill; at a distance nobody
    does. The ill recover with probability `recovery`, whatever they do.
    """
    check_range("horizon", horizon, 1, 100_000)
    for name, value in (("ill", ill), ("infection", infection), ("recovery", recovery)):
        check_range(name, value, 0, 1)

    def spread(mu: Array) -> Array:
        table = np.zeros((len(mu), 2, 2, 2))
        table[:, 0, 0, 1] = infection * mu[:, 1]
        table[:, 0, 0, 0] = 1 - table[:, 0, 0, 1]
        table[:, 0, 1, 0] = 1
        table[:, 1, :, 0], table[:, 1, :, 1] = recovery, 1 - recovery
        return table

    return MeanFieldModel(
        np.array([1 - ill, ill]),
        spread,
        -np.array([[0.0, distance_cost], [illness_cost, illness_cost + distance_cost]]),
        horizon,
        title="mfg:sis",
        state_names=("healthy", "ill"),
        action_names=("out", "distance"),
    )


@_register("left-right", _CUI, Equilibrium(actions=(2 / 3, 1 / 3), value=-2 / 3))
def left_right(right: float = 2.0) -> MeanFieldModel:
    """Two roads from one place: go left or right, each worse the more take it, the right one `right` times.

    Who goes left earns -(share of the left), who goes right -`right` (share of the right): in equilibrium the share
    right / (1 + right) goes left.
    """
    check_range("right", right, 0.0, 1e9)
    weights = np.array([0.0, 1.0, right])
    return _arrivals("mfg:left-right", ("left", "right"), lambda mu: -weights * mu)


@_register("rock-paper-scissors", _CUI, Equilibrium(actions=(26 / 77, 20 / 77, 31 / 77), value=6 / 11))
def rock_paper_scissors(rock: float = 1.0, paper: float = 2.0, scissors: float = 3.0) -> MeanFieldModel:
    """Rock, paper and scissors against the crowd, with other stakes for each: choose once, then be paid.

    Who chose rock earns `rock` times (2 share of scissors - share of paper), and so round; at equal stakes the equilibrium
    is a third each. Best replies run in circles.
    """
    stakes = np.array([0.0, rock, paper, scissors])
    for name, stake in (("rock", rock), ("paper", paper), ("scissors", scissors)):
        check_range(name, stake, 1e-9, 1e9)

    def pay(mu: Array) -> Array:
        beaten, beats = mu[:, [0, 3, 1, 2]], mu[:, [0, 2, 3, 1]]
        return stakes * (2 * beaten - beats)

    return _arrivals("mfg:rock-paper-scissors", ("rock", "paper", "scissors"), pay)


# --- what they share --------------------------------------------------------------------------------------


def _crowd(
    title: str,
    table: Array,
    pay: Array,
    last: Array | None,
    horizon: int,
    *,
    aversion: float = 1.0,
    initial: Array | None = None,
    legal: Array | None = None,
    cells: list[tuple[int, int]] | None = None,
) -> MeanFieldModel:
    """A crowd on places: rewards float64[X, U], in the last step `last` float64[X] if given, and crowd aversion."""
    states = len(table)
    pays = pay[None] if last is None else np.stack([pay, np.repeat(last[:, None], pay.shape[1], axis=1)])

    def reward(mu: Array, nu: Array, step: Array) -> Array:
        now = pays[np.where(step == horizon - 1, len(pays) - 1, 0)]
        return now - aversion * np.log(mu + _NONE)[:, :, None]

    return MeanFieldModel(
        np.full(states, 1 / states) if initial is None else initial,
        table,
        reward,
        horizon,
        title=title,
        timed=True,
        legal=legal,
        state_names=tuple(f"({x}, {y})" for x, y in cells or ()),
        action_names=("left", "stay", "right") if cells is None else ("up", "left", "stay", "right", "down"),
    )


def _ring(size: int, chances: Array) -> Array:
    return _small(on_a_ring(size, chances))


def _small(table: Array) -> Array:
    if table.size > _MOST:
        raise InputError(f"a table of {table.size:,} transitions is too large; take a smaller size")
    return table


def _arrivals(title: str, names: tuple[str, ...], pay: Callable[[Array], Array]) -> MeanFieldModel:
    """Choose a state in the first step, be paid there in the second; rewards from laws float64[B, X] to float64[B, X]."""
    count = len(names)
    table = np.zeros((count + 1, count, count + 1))
    table[0, np.arange(count), np.arange(count) + 1] = 1
    for x in range(1, count + 1):
        table[x, :, x] = 1

    def reward(mu: Array, nu: Array) -> Array:
        return np.repeat(pay(mu)[:, :, None], count, axis=2)

    return MeanFieldModel(
        np.eye(count + 1)[0],
        table,
        reward,
        2,
        title=title,
        state_names=("start", *names),
        action_names=names,
    )
