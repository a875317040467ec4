"""Crowding: bars, minorities, roads and shared resources."""

from __future__ import annotations

import math

import numpy as np

from games.catalogue.entry import Known, Source, check_range, register
from games.catalogue.grids import check_players, count, from_names, mesh_of
from games.errors import InputError
from games.normal import NormalFormGame


@register(
    "el-farol",
    Source(
        "Arthur",
        1994,
        "Inductive Reasoning and Bounded Rationality",
        "American Economic Review",
        "84(2), 406-411",
    ),
    Known(pure_count=math.comb(5, 3), ce_welfare=3.0, cce_welfare=3.0),
    Known(at={"players": 3, "capacity": 1}, pure_nash=((0, 1, 1), (1, 0, 1), (1, 1, 0))),
)
def el_farol(
    players: int = 5, capacity: int = 3, good: float = 1, crowded: float = -1, home: float = 0
) -> NormalFormGame:
    """El Farol bar: going is fun if at most `capacity` go, and worse than home otherwise."""
    return from_names(
        players,
        ("Go", "Stay"),
        lambda mesh: count(mesh, 0),
        lambda own, there: np.where(own > 0, home, np.where(there <= capacity, good, crowded)),
        "El Farol bar",
    )


@register(
    "minority",
    Source(
        "Challet and Zhang",
        1997,
        "Emergence of Cooperation and Organization in an Evolutionary Game",
        "Physica A",
        "246(3-4), 407-418",
    ),
    Known(pure_count=6, nash=(((0.5, 0.5),) * 3,), ce_welfare=1.0, cce_welfare=1.0),
    Known(at={"players": 5}, pure_count=20, ce_welfare=2.0),
)
def minority(players: int = 3, win: float = 1) -> NormalFormGame:
    """Minority game: an odd number of players choose a side, and the smaller side wins."""
    check_range("players", players, 3)
    if players % 2 == 0:
        raise InputError(f"the minority game needs an odd number of players, got {players}")
    return from_names(
        players,
        ("A", "B"),
        lambda mesh: count(mesh, 0),
        lambda own, in_a: win * ((in_a < players / 2) == (own == 0)),
        "Minority game",
    )


@register(
    "congestion",
    Source(
        "Rosenthal",
        1973,
        "A Class of Games Possessing Pure-Strategy Nash Equilibria",
        "International Journal of Game Theory",
        "2, 65-67",
    ),
    Known(pure_nash=((0, 0, 1), (0, 1, 0), (1, 0, 0)), ce_welfare=-6.0),
    Known(at={"players": 2}, pure_nash=((0, 0), (0, 1), (1, 0))),
)
def congestion(players: int = 3, resources: int = 2) -> NormalFormGame:
    """Congestion game: choose one of m resources; resource r costs r for each of its users."""
    check_range("resources", resources, 1)
    shape = check_players(players, resources, "congestion")
    mesh = mesh_of(players, range(resources))
    payoffs = np.zeros((players, *shape))
    for resource in range(resources):
        cost = (resource + 1) * count(mesh, resource)
        for i, own in enumerate(mesh):
            payoffs[i] -= (own == resource) * cost
    names = tuple(f"resource {k + 1}" for k in range(resources))
    return NormalFormGame(payoffs, actions=(names,) * players, title="Congestion game")


@register(
    "pigou",
    Source("Pigou", 1920, "The Economics of Welfare", "Macmillan", "Part II (two-road example)"),
    Known(pure_count=1 + 4, ce_welfare=-3.25, cce_welfare=-3.25),
)
def pigou(players: int = 4) -> NormalFormGame:
    """Pigou's two roads: a wide one that takes time 1, a narrow one that takes the share of drivers on it."""
    return from_names(
        players,
        ("Narrow", "Wide"),
        lambda mesh: count(mesh, 0),
        lambda own, narrow: np.where(own > 0, -1.0, -narrow / players),
        "Pigou's roads",
    )


@register(
    "braess",
    Source(
        "Braess", 1968, "Über ein Paradoxon aus der Verkehrsplanung", "Unternehmensforschung", "12, 258-268"
    ),
    Known(at={"bridge": False}, pure_count=math.comb(6, 3)),
    Known(pure_count=90),
)
def braess(players: int = 6, bridge: bool = True) -> NormalFormGame:
    """Braess's paradox: adding a bridge raises everybody's travel time, from 83 to 92 with six drivers."""
    routes = ("Upper", "Lower", "Bridge") if bridge else ("Upper", "Lower")
    shape = check_players(players, len(routes), "braess", 1)
    mesh = mesh_of(players, range(len(routes)))
    upper, lower, crossing = (count(mesh, route) for route in range(3))
    first, last = 10 * (upper + crossing), 10 * (lower + crossing)
    minutes = first + 50 + upper, last + 50 + lower, first + 10 + crossing + last
    payoffs = np.empty((players, *shape))
    for i, own in enumerate(mesh):
        payoffs[i] = -np.choose(own.astype(np.int64), minutes)
    return NormalFormGame(payoffs, actions=(routes,) * players, title="Braess's paradox")
