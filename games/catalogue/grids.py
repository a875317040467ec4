"""Building blocks of n-player catalogue games: meshes of actions, statistics over players, action names.

A mesh is one array per player, that player's level along its own axis and length 1 along the others', so that
arithmetic between them broadcasts to the joint-profile tensor and no index tensor is ever stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from games.catalogue.entry import check_range
from games.errors import InputError
from games.limits import check_fits
from games.normal import NormalFormGame
from games.simplices import Float

Mesh = list[Float]


def names_of(levels: Iterable[float]) -> tuple[str, ...]:
    """Numbers as action names."""
    return tuple(f"{float(level):.10g}" for level in levels)


def check_shape(shape: Sequence[int], what: str) -> None:
    """Raise `InputError` unless every player has an action and the payoffs would fit in memory."""
    if len(shape) == 0 or min(shape) < 1:
        raise InputError(f"{what} needs at least one action for every player, got shape {tuple(shape)}")
    check_fits(shape, what, copies=2 + 4 / len(shape))  # the array, its frozen copy, a few statistics


def check_players(players: int, actions: int, what: str, least: int = 2) -> tuple[int, ...]:
    """The shape of a game of `players` with `actions` each, once it is known to be sensible and to fit."""
    check_range("players", players, least)
    if players > 62:  # said before a tuple of a billion entries is made
        raise InputError(f"{what} has {players} players; a dense normal form is limited to 62")
    shape = (actions,) * players
    check_shape(shape, what)
    return shape


def mesh_of(players: int, levels: Sequence[float] | range) -> Mesh:
    """The mesh of a game in which everybody has these levels."""
    column = np.asarray(levels, dtype=np.float64)
    return [column.reshape([-1 if k == i else 1 for k in range(players)]) for i in range(players)]


def total(mesh: Sequence[Any]) -> Any:
    """Sum over players at every profile."""
    return reduce(np.add, mesh)


def lowest(mesh: Mesh) -> Float:
    """Least level at every profile."""
    return reduce(np.minimum, mesh)


def highest(mesh: Mesh) -> Float:
    """Largest level at every profile."""
    return reduce(np.maximum, mesh)


def count(mesh: Mesh, level: float | Float) -> Float:
    """How many players are at `level` at every profile."""
    return reduce(np.add, [(own == level).astype(np.float64) for own in mesh])


def from_levels(
    players: int,
    levels: Sequence[float] | range,
    statistic: Callable[[Mesh], Any],
    payoff: Callable[[Float, Any], Float],
    title: str,
    *,
    names: Sequence[str] = (),
    least: int = 2,
) -> NormalFormGame:
    """A game in which everybody picks one of `levels` and earns ``payoff(own level, statistic(mesh))``.

    Used where players matter to each other only through a statistic, such as the total, that is computed once.
    """
    shape = check_players(players, len(levels), title, least)
    mesh = mesh_of(players, levels)
    summary = statistic(mesh)
    payoffs = np.empty((players, *shape))
    for i, own in enumerate(mesh):
        payoffs[i] = payoff(own, summary)
    return NormalFormGame(payoffs, actions=(tuple(names) or names_of(levels),) * players, title=title)


def from_names(
    players: int,
    names: Sequence[str],
    statistic: Callable[[Mesh], Any],
    payoff: Callable[[Float, Any], Float],
    title: str,
) -> NormalFormGame:
    """As `from_levels` with named actions; level k is the k-th name."""
    return from_levels(players, range(len(names)), statistic, payoff, title, names=names)
