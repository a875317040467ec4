"""Oligopoly on a grid: quantities, prices, places, and entry."""

from __future__ import annotations

import numpy as np

from games.catalogue.entry import Known, Source, check_range, register
from games.catalogue.grids import (
    Mesh,
    check_players,
    count,
    from_levels,
    from_names,
    lowest,
    mesh_of,
    names_of,
    total,
)
from games.normal import NormalFormGame
from games.simplices import Float


@register(
    "cournot",
    Source(
        "Cournot",
        1838,
        "Recherches sur les principes mathématiques de la théorie des richesses",
        "Hachette",
        "ch. 7",
    ),
    Known(pure_nash=((2, 4), (3, 3), (4, 2))),
    Known(at={"players": 1}, pure_nash=((4,), (5,))),
    aliases=("cournot-duopoly",),
)
def cournot(players: int = 2, intercept: float = 10, cost: float = 1, largest: int = 9) -> NormalFormGame:
    """Cournot oligopoly: whole-number quantities, price falls one for one with the total, constant unit cost."""
    check_range("largest", largest, 1)
    return from_levels(
        players,
        range(largest + 1),
        total,
        lambda own, supply: own * (np.maximum(intercept - supply, 0) - cost),
        "Cournot oligopoly",
        least=1,
    )


@register(
    "bertrand",
    Source(
        "Bertrand",
        1883,
        "Théorie mathématique de la richesse sociale (review)",
        "Journal des Savants",
        "67, 499-508",
    ),
    Known(pure_nash=((2, 2), (3, 3))),
    aliases=("bertrand-duopoly",),
)
def bertrand(players: int = 2, intercept: float = 10, cost: float = 2, highest: int = 10) -> NormalFormGame:
    """Bertrand oligopoly: whole-number prices, the cheapest firms share a linear demand, constant unit cost."""
    check_range("highest", highest, 1)

    def market(prices: Mesh) -> tuple[Float, Float]:
        cheapest = lowest(prices)
        return cheapest, count(prices, cheapest)

    def profit(own: Float, market: tuple[Float, Float]) -> Float:
        cheapest, sellers = market
        return (own == cheapest) * (own - cost) * np.maximum(intercept - own, 0) / sellers

    return from_levels(players, range(highest + 1), market, profit, "Bertrand oligopoly", least=1)


@register(
    "hotelling",
    Source(
        "Hotelling", 1929, "Stability in Competition", "Economic Journal", "39(153), 41-57 (fixed prices)"
    ),
    Known(pure_nash=((3, 3),), value=3.5),
    Known(at={"locations": 4}, pure_nash=((1, 1), (1, 2), (2, 1), (2, 2)), value=2.0),
)
def hotelling(players: int = 2, locations: int = 7) -> NormalFormGame:
    """Hotelling location: one customer at each place goes to the nearest firm; firms at equal distance share."""
    check_range("locations", locations, 1, 200)
    shape = check_players(players, locations, "hotelling", 1)
    mesh = mesh_of(players, range(locations))
    sold = np.zeros((players, *shape))
    for customer in range(locations):
        distances = [np.abs(place - customer) for place in mesh]
        nearest = lowest(distances)
        share = 1 / count(distances, nearest)
        for i, distance in enumerate(distances):
            sold[i] += (distance == nearest) * share
    return NormalFormGame(
        sold, actions=(names_of(range(1, locations + 1)),) * players, title="Hotelling location game"
    )


@register(
    "entry-deterrence",
    Source("Selten", 1978, "The Chain Store Paradox", "Theory and Decision", "9(2), 127-159"),
    Known(pure_nash=((0, 0), (1, 1)), ce_welfare=6.0),
    aliases=("chain-store",),
)
def entry_deterrence() -> NormalFormGame:
    """Entry deterrence (one round of the chain store): the threat to fight is an equilibrium, but not credible."""
    return NormalFormGame.bimatrix(
        [[2, 0], [1, 1]],
        [[2, 0], [5, 5]],
        players=("Entrant", "Chain store"),
        actions=(("In", "Out"), ("Cooperate", "Fight")),
        title="Entry deterrence",
    )


@register(
    "market-entry",
    Source(
        "Selten and Güth",
        1982,
        "Equilibrium Point Selection in a Class of Market Entry Games",
        "Games, Economic Dynamics, and Time Series Analysis",
        "pp. 101-116",
    ),
    Known(pure_count=6 + 4),
)
def market_entry(players: int = 4, capacity: int = 3, slope: float = 1, outside: float = 0) -> NormalFormGame:
    """Market entry: entrants earn slope times (capacity minus entrants), the others an outside payoff."""
    return from_names(
        players,
        ("Enter", "Stay out"),
        lambda mesh: count(mesh, 0),
        lambda own, entrants: outside + (own == 0) * slope * (capacity - entrants),
        "Market entry game",
    )
