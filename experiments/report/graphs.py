"""The response graph of an empirical game as a picture: where better replies lead, and where they end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.plots import COLOURS, new_figure
from experiments.report.figures import Picture, picture
from experiments.report.text import short
from games.normal import NormalFormGame

if TYPE_CHECKING:
    import networkx as nx

NODES, EDGES = 40, 600
"""The largest graph that is drawn."""
NODE = 190
"""Area of a node in square points."""
ROUND = 18
"""Up to so many nodes lie on a circle."""


@dataclass(frozen=True)
class Drawn:
    """What the page says about the graph.

    Parameters
    ----------
    nodes, edges : int
        Its size.
    picture : Picture or None
        None if it is too large to be drawn.
    sinks : list of lists of str
        Names in each sink component.
    note : str
        What the reader should know.
    """

    nodes: int
    edges: int
    picture: Picture | None
    sinks: list[list[str]]
    note: str


def response_graph_of(game: NormalFormGame, symmetric: bool) -> Drawn | str:
    """The graph and its picture, or the reason why there is none.

    Parameters
    ----------
    game : NormalFormGame
        The empirical game.
    symmetric : bool
        Whether roles are interchangeable; of two such roles the graph is that of agents, otherwise of profiles.
    """
    from solvers.response_graph import response_graph, response_graph_single, sink_components

    agents = symmetric and len(game.shape) == 2
    graph: Any = response_graph_single(game.payoffs[0]) if agents else response_graph(game)
    if graph is None:
        return f"The response graph of {game.profiles:,} profiles is too large to be built here."
    names = {node: _name(game, node) for node in graph}
    sinks = sink_components(graph)
    what = "agents" if agents else "profiles"
    arrows = (
        "an arrow leads from an agent to one that earns more of their meeting"
        if agents
        else "an arrow leads from a profile to one that a single role prefers and can bring about alone"
    )
    small, labels, marked, note = _drawable(graph, names, sinks)
    image = None
    if small is not None:
        image = picture(
            lambda: _draw(small, labels, marked),
            f"Response graph of {len(graph)} {what} with {graph.number_of_edges()} arrows; "
            f"{len(sinks)} sink component{'s' if len(sinks) != 1 else ''}",
            f"Nodes are {what}; {arrows}. Orange: sink components, which better replies never leave.",
        )
    return Drawn(
        len(graph), graph.number_of_edges(), image, [[names[node] for node in sink] for sink in sinks], note
    )


def _name(game: NormalFormGame, node: Any) -> str:
    if isinstance(node, tuple):
        return " / ".join(game.actions[role][a] for role, a in enumerate(node))
    return game.actions[0][node]


def _drawable(
    graph: nx.DiGraph[Any], names: dict[Any, str], sinks: Any
) -> tuple[nx.DiGraph[Any] | None, dict[Any, str], set[Any], str]:
    """The graph, or what its strongly connected components make, or nothing; with labels and what is marked."""
    import networkx as nx

    inside = {node for sink in sinks for node in sink}
    if len(graph) <= NODES and graph.number_of_edges() <= EDGES:
        return graph, {node: short(name, 22) for node, name in names.items()}, inside, ""
    whole = nx.condensation(graph)
    if len(whole) > NODES or whole.number_of_edges() > EDGES:
        return None, {}, set(), "The graph is too large to be drawn legibly; its sink components are listed."
    members = {node: sorted(whole.nodes[node]["members"]) for node in whole}
    labels = {
        node: short(names[found[0]], 22) if len(found) == 1 else f"{len(found)} together"
        for node, found in members.items()
    }
    marked = {node for node, found in members.items() if found[0] in inside}
    note = "Drawn are strongly connected components: nodes that reach each other are one."
    return whole, labels, marked, note


def _draw(graph: nx.DiGraph[Any], labels: dict[Any, str], marked: set[Any]) -> Figure:
    import networkx as nx

    size = 4.4 if len(graph) <= 8 else 7.0 if len(graph) <= ROUND else 10.0
    figure = new_figure(1.4 * size, size)
    axes = figure.add_subplot()
    order = _along(graph)
    if len(graph) <= ROUND:
        places: Any = nx.circular_layout(order)
    else:
        places = nx.spring_layout(graph, seed=0, k=2.2 / np.sqrt(len(graph)), iterations=200)
    colours = [COLOURS[4] if node in marked else "#dbe4ee" for node in order]
    nx.draw_networkx_edges(
        graph,
        places,
        ax=axes,
        edgelist=sorted(graph.edges),
        node_size=NODE,
        width=0.9,
        edge_color="#6b7785",
        arrowsize=11,
        alpha=0.9 if graph.number_of_edges() <= 150 else 0.45,
        connectionstyle="arc3,rad=0.06",
    )
    nx.draw_networkx_nodes(
        graph, places, ax=axes, nodelist=order, node_size=NODE, node_color=colours, edgecolors="#3b4754"
    )
    for node in order:
        _label(axes, labels[node], places[node], outward=len(graph) <= ROUND)
    axes.margins(0.25 if len(graph) <= ROUND else 0.08, 0.1)
    axes.set_axis_off()
    return figure


def _label(axes: Axes, text: str, place: Any, outward: bool) -> None:
    """A name beside its node: outside the circle, or below."""
    x, y = (float(v) for v in place)
    sideways = outward and abs(x) > 0.3
    axes.annotate(
        text,
        (x, y),
        xytext=(11 * np.sign(x) if sideways else 0, 0 if sideways else 10 if outward and y > 0 else -10),
        textcoords="offset points",
        ha=("left" if x > 0 else "right") if sideways else "center",
        va="center" if sideways else "bottom" if outward and y > 0 else "top",
        fontsize=9 if outward else 7,
        annotation_clip=False,
    )


def _along(graph: nx.DiGraph[Any]) -> list[Any]:
    """Nodes in an order in which arrows lead forward, components together."""
    import networkx as nx

    whole = nx.condensation(graph)
    first = {node: min(whole.nodes[node]["members"]) for node in whole}
    order = nx.lexicographical_topological_sort(whole, key=lambda node: first[node])
    return [node for component in order for node in sorted(whole.nodes[component]["members"])]
