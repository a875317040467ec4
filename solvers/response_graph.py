"""Graphs of strictly better replies, and the sets of profiles that they lead to and never leave.

The sink strongly connected components of the graph (Markov-Conley chains of the game) carry the mass of alpha-rank at
infinite alpha (Omidshafiei et al. 2019). A sink of one profile is a pure Nash equilibrium; strictness means that
profiles tied by equal payoffs are not linked.

Reference: Omidshafiei et al. (2019), "alpha-Rank: multi-agent evaluation by evolution", Scientific Reports 9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from games.errors import InputError
from games.normal import NormalFormGame

if TYPE_CHECKING:
    import networkx as nx

PROFILES = 5_000
EDGES = 200_000


def response_graph(
    game: NormalFormGame, *, tolerance: float = 1e-12, profiles: int = PROFILES, edges: int = EDGES
) -> nx.DiGraph[Any] | None:
    """The graph of pure profiles with an edge for every unilateral deviation that pays.

    Parameters
    ----------
    game : NormalFormGame
        Any number of players.
    tolerance : float
        Gains up to this share of the player's payoff span count as ties.
    profiles, edges : int
        Largest graph to build.

    Returns
    -------
    networkx.DiGraph or None
        Nodes are tuples of action indices; edges have "player" (who deviates) and "gain" (in payoff). Nothing if the
        game has more profiles, or the graph could have more edges, than the limits.
    """
    import networkx as nx

    possible = game.profiles * sum(size - 1 for size in game.shape) // 2
    if game.profiles > profiles or possible > edges:
        return None
    graph: nx.DiGraph[Any] = nx.DiGraph()
    nodes = [tuple(int(k) for k in index) for index in np.ndindex(*game.shape)]
    graph.add_nodes_from(nodes)
    index = np.arange(game.profiles).reshape(game.shape)
    for player, size in enumerate(game.shape):
        payoff = np.moveaxis(game.payoffs[player], player, -1).reshape(-1, size)
        lines = np.moveaxis(index, player, -1).reshape(-1, size)
        limit = tolerance * float(game.spans[player])
        for a in range(size):
            gain = payoff - payoff[:, a, None]
            line, b = np.nonzero(gain > limit)
            graph.add_edges_from(
                (nodes[source], nodes[target], {"player": player, "gain": amount})
                for source, target, amount in zip(
                    lines[line, a].tolist(), lines[line, b].tolist(), gain[line, b].tolist()
                )
            )
    return graph


def response_graph_single(
    payoffs: Any, *, tolerance: float = 1e-12, edges: int = EDGES
) -> nx.DiGraph[Any] | None:
    """The graph of the agents of one population, with an edge from s to every r that earns more of their meeting.

    Parameters
    ----------
    payoffs : float64[K, K]
        Payoff of the row agent against the column agent; no edge where either side is NaN.
    tolerance : float
        Differences up to this share of the range of payoffs count as ties.
    edges : int
        Largest graph to build.

    Returns
    -------
    networkx.DiGraph or None
        Nodes are indices of agents; edges point to the one who takes over, as in single-population alpha-rank at
        infinite alpha, and have "gain", the difference of payoffs. Nothing if there could be more edges than `edges`.

    Raises
    ------
    InputError
        If the table is not square or has an infinite entry.
    """
    import networkx as nx

    table = np.asarray(payoffs, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or not table.size:
        raise InputError(f"a response graph needs a square table of payoffs, got shape {table.shape}")
    if np.isinf(table).any():
        raise InputError("a response graph needs payoffs that are finite, or NaN where a pair did not meet")
    if len(table) * (len(table) - 1) // 2 > edges:
        return None
    known = table[~np.isnan(table)]
    limit = tolerance * (float(known.max() - known.min()) if known.size else 0.0)
    gain = table.T - table  # of moving from the row agent to the column agent
    graph: nx.DiGraph[Any] = nx.DiGraph()
    graph.add_nodes_from(range(len(table)))
    source, target = np.nonzero(gain > limit)
    graph.add_edges_from(
        (s, r, {"gain": amount})
        for s, r, amount in zip(source.tolist(), target.tolist(), gain[source, target].tolist())
    )
    return graph


def sink_components(graph: nx.DiGraph[Any]) -> tuple[tuple[Any, ...], ...]:
    """The strongly connected components that no edge leaves, each sorted, in the order of their first members."""
    import networkx as nx

    return tuple(sorted(tuple(sorted(members)) for members in nx.attracting_components(graph)))
