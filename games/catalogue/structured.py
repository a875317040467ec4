"""Seeded random families in which payoffs come from a network or from shared resources."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from games.catalogue.entry import Shape, Source, check_range, register
from games.catalogue.grids import check_shape
from games.catalogue.random import describe, generator
from games.errors import InputError
from games.normal import NormalFormGame

Network = Literal[
    "ring", "complete", "star", "path", "erdos-renyi", "watts-strogatz", "barabasi-albert", "random-regular"
]


@register(
    "random-polymatrix",
    Source(
        "Janovskaja",
        1968,
        "Equilibrium Points in Polymatrix Games",
        "Litovskii Matematicheskii Sbornik",
        "8, 381-384",
    ),
    random=True,
)
def polymatrix(
    shape: Shape = (2, 2, 2, 2), graph: Network = "ring", seed: int = 0, p: float = 0.5, degree: int = 2
) -> NormalFormGame:
    """Polymatrix game: neighbours on a network play a bimatrix game each, and payoffs add up.

    Entries are uniform on [0, 1). Drawn in order: the seed ``rng.integers(2**31)`` of the network, then for each
    edge i < j in lexicographic order ``rng.random((2, A_i, A_j))``, i's payoffs first. `p` is the edge or rewiring
    probability of erdos-renyi and watts-strogatz, `degree` the neighbours in watts-strogatz and random-regular and
    the links of a newcomer in barabasi-albert. From Python, `on_graph` takes any networkx graph.
    """
    check_shape(shape, "random-polymatrix")
    rng = generator(seed)
    network = _network(graph, len(shape), p, degree, int(rng.integers(2**31)))
    return on_graph(network, shape, rng, describe("polymatrix game", shape, seed, graph=graph))


def on_graph(
    graph: Any, shape: Shape, rng: np.random.Generator, title: str = "Polymatrix game"
) -> NormalFormGame:
    """Polymatrix game on a networkx graph whose nodes are the players 0, ..., P - 1.

    Parameters
    ----------
    graph : networkx.Graph
        Undirected; self-loops are ignored.
    shape : tuple of int
        Number of actions of each player.
    rng : numpy.random.Generator
        For each edge i < j in lexicographic order, ``rng.random((2, A_i, A_j))``, i's payoffs first.
    title : str
        What the game is called.

    Returns
    -------
    NormalFormGame
    """
    players = len(shape)
    check_shape(shape, "polymatrix game")
    if set(graph.nodes) != set(range(players)):
        raise InputError(f"the graph's nodes must be the players 0 to {players - 1}")
    payoffs = np.zeros((players, *shape))
    for i, j in sorted({(min(edge), max(edge)) for edge in graph.edges() if edge[0] != edge[1]}):
        frame = [shape[k] if k in (i, j) else 1 for k in range(players)]
        pair = rng.random((2, shape[i], shape[j]))
        payoffs[i] += pair[0].reshape(frame)
        payoffs[j] += pair[1].reshape(frame)
    return NormalFormGame(payoffs, title=title)


def _network(graph: str, players: int, p: float, degree: int, seed: int) -> Any:
    import networkx

    check_range("p", p, 0, 1)
    check_range("degree", degree, 0)
    makers = {
        "ring": lambda: networkx.cycle_graph(players) if players > 1 else networkx.empty_graph(players),
        "complete": lambda: networkx.complete_graph(players),
        "star": lambda: networkx.star_graph(players - 1),
        "path": lambda: networkx.path_graph(players),
        "erdos-renyi": lambda: networkx.erdos_renyi_graph(players, p, seed=seed),
        "watts-strogatz": lambda: networkx.watts_strogatz_graph(players, degree, p, seed=seed),
        "barabasi-albert": lambda: networkx.barabasi_albert_graph(players, degree, seed=seed),
        "random-regular": lambda: networkx.random_regular_graph(degree, players, seed=seed),
    }
    if graph not in makers:
        raise InputError(f"parameter graph={graph} is not one of {', '.join(makers)}")
    try:
        return makers[graph]()
    except networkx.NetworkXException as error:
        raise InputError(f"no {graph} network of {players} players with degree {degree}: {error}") from None


@register(
    "random-congestion",
    Source(
        "Rosenthal",
        1973,
        "A Class of Games Possessing Pure-Strategy Nash Equilibria",
        "International Journal of Game Theory",
        "2, 65-67",
    ),
    random=True,
)
def congestion(shape: Shape = (3, 3, 3), resources: int = 4, seed: int = 0) -> NormalFormGame:
    """Congestion game: an action is a set of resources, each costing its users more the more they are.

    Drawn in order: the costs ``rng.random((resources, players)).cumsum(axis=1)`` (cost of a resource with 1, 2, ...
    users), then for each player ``rng.choice(2**resources - 1, A_i, replace=False) + 1``, whose binary digits say
    which resources an action uses. Payoffs are minus the total cost.
    """
    check_shape(shape, "random-congestion")
    check_range("resources", resources, 1, 24)
    if max(shape) > 2**resources - 1:
        raise InputError(
            f"{resources} resources make {2**resources - 1} different actions, but shape asks for {max(shape)}"
        )
    players = len(shape)
    rng = generator(seed)
    costs = rng.random((resources, players)).cumsum(axis=1)
    sets = [np.sort(rng.choice(2**resources - 1, size, replace=False)) + 1 for size in shape]
    payoffs = np.zeros((players, *shape))
    for resource in range(resources):
        uses = [
            (chosen >> resource & 1).astype(np.int8).reshape([-1 if k == i else 1 for k in range(players)])
            for i, chosen in enumerate(sets)
        ]
        load = np.zeros(shape, dtype=np.int8)
        for use in uses:
            load += use
        cost = np.concatenate([[0.0], costs[resource]])[load]
        for i, use in enumerate(uses):
            payoffs[i] -= use * cost
    names = [tuple(_members(int(chosen), resources) for chosen in block) for block in sets]
    return NormalFormGame(
        payoffs, actions=tuple(names), title=describe("congestion game", shape, seed, resources=resources)
    )


def _members(chosen: int, resources: int) -> str:
    return "+".join(str(k + 1) for k in range(resources) if chosen >> k & 1)
