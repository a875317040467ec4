"""Pictures of learned graphs on agents: who listens to whom, how that depends on the state, and what comes of it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from experiments.dag_facts import DagFacts
from experiments.plots import new_figure, plain_text, save_figure

Array = npt.NDArray[Any]
Places = Sequence[tuple[float, float]]

FAINT = 0.02
"""Edges less likely than this are not drawn."""
ARROWS = 400
"""At most so many are drawn, the likeliest."""
NUMBERED = 10
"""Tables of up to so many agents carry their numbers."""
SLIGHT = 0.01
"""The colour scale of mutual information reaches at least to so many nats, so that noise does not look like much."""
_TICKS = 25
_INK = LinearSegmentedColormap.from_list("ink", ["#d4e2ef", "#4f93c4", "#0b3c6f"])


def dag_figure(facts: DagFacts) -> Figure:
    """Three panels: the graph, how its edges vary from state to state, and mutual information."""
    figure = new_figure(15.6, 5.0)
    graph, variation, information = figure.subplots(1, 3, width_ratios=(1.15, 1.0, 1.0))
    probability = facts.played_probability
    draw_dag(graph, probability, facts.agents, facts.places or None, neighbours=facts.neighbours)
    noise = {"noisy": "drawn with noise", "empty": "forced empty"}.get(facts.execution, "drawn without noise")
    graph.set_title(f"Graphs as played, {noise}: mean over states", fontsize=10)
    draw_variation(variation, facts.probability, facts.spread, facts.agents)
    draw_information(information, facts.information, facts.agents)
    figure.suptitle(headline(facts), fontsize=11)
    return figure


def write_dag_figure(path: Path, facts: DagFacts) -> None:
    """Write `dag_figure` as PNG, SVG or PDF, by the suffix, whole or not at all."""
    save_figure(path, dag_figure(facts))


def headline(facts: DagFacts) -> str:
    """States, open ratios and correlation in a sentence."""
    many = f"{facts.states:,} state{'s' if facts.states != 1 else ''}"
    parts = [
        f"all {many}" if facts.listed and facts.states > 1 else many,
        f"open ratio {_number(facts.ratio.mean())} without noise, {_number(facts.noisy_ratio.mean())} with",
        f"{facts.distinct:,} different graph{'s' if facts.distinct != 1 else ''}",
        f"total correlation {_number(float(facts.correlation.mean()))} nats",
    ]
    if facts.greedy:
        parts.append("likeliest actions")
    return "; ".join(parts)


def draw_dag(
    axes: Axes,
    probability: Array,
    names: Sequence[str],
    places: Places | None = None,
    *,
    neighbours: Sequence[tuple[int, int]] = (),
    bar: bool = True,
) -> Axes:
    """Agents and the edges between them; wide and dark arrows, from parent to child, are likely.

    Parameters
    ----------
    axes : Axes
        Where to.
    probability : float64[n, n]
        ``probability[j, i]``: that j is a parent of i.
    names : sequence of str
        Of the agents.
    places : sequence of (float, float), optional
        Where they stand; on a circle by default, the first at the top, clockwise.
    neighbours : sequence of (int, int)
        Pairs to be joined by a thin dotted line.
    bar : bool
        Whether to add a colour bar.
    """
    import networkx as nx

    probability = np.asarray(probability, dtype=np.float64)
    agents = len(names)
    stand = dict(enumerate(_circle(agents) if places is None else [tuple(map(float, p)) for p in places]))
    graph: Any = nx.DiGraph()
    graph.add_nodes_from(range(agents))
    shown = _shown_edges(probability)
    graph.add_edges_from(shown)
    size = 560 if agents <= 12 else 300 if agents <= 24 else 90
    likely = [float(probability[edge]) for edge in shown]
    if neighbours:
        between: Any = nx.Graph(list(neighbours))
        nx.draw_networkx_edges(between, stand, ax=axes, edge_color="#b9b9b9", width=0.9, style=":")
    if shown:
        nx.draw_networkx_edges(
            graph,
            stand,
            ax=axes,
            edgelist=shown,
            node_size=size,
            width=[0.5 + 3.0 * p for p in likely],
            edge_color=[_INK(p) for p in likely],
            arrowsize=13 if agents <= 12 else 9,
            connectionstyle=f"arc3,rad={0.14 if places is None else 0.26}",
        )
    else:
        axes.text(0.5, 0.02, "no edges", transform=axes.transAxes, ha="center", fontsize=9, color="0.4")
    nx.draw_networkx_nodes(
        graph, stand, ax=axes, node_size=size, node_color="#f4efe6", edgecolors="#3b4754", linewidths=1.0
    )
    if agents <= 60:
        labels = dict(enumerate(_labels(names)))
        nx.draw_networkx_labels(graph, stand, labels, ax=axes, font_size=9 if agents <= 12 else 7)
    axes.margins(0.14)
    axes.set_axis_off()
    if bar:
        from matplotlib.cm import ScalarMappable

        scale = ScalarMappable(Normalize(0.0, 1.0), _INK)
        axes.figure.colorbar(scale, ax=axes, shrink=0.7, label="probability of an edge, parent → child")
    return axes


def draw_variation(axes: Axes, probability: Array, spread: Array, names: Sequence[str]) -> Axes:
    """Table of edges, parents in rows: coloured by how much their probability varies over states, with its mean.

    Parameters
    ----------
    axes : Axes
        Where to.
    probability, spread : float64[n, n]
        Mean and standard deviation over states.
    names : sequence of str
        Of the agents.
    """
    told = np.array(
        [f"{p:.2f}\n± {s:.2f}" for p, s in zip(np.ravel(probability), np.ravel(spread))], dtype=object
    ).reshape(np.shape(probability))
    _table(axes, spread, told, names, "Blues", 0.5, "standard deviation over states")
    axes.set_title("Probability of an edge: mean ± deviation over states", fontsize=10)
    axes.set_ylabel("parent")
    axes.set_xlabel("child")
    return axes


def draw_information(axes: Axes, information: Array, names: Sequence[str]) -> Axes:
    """Table of mutual information float64[n, n] in nats between every two agents' actions, given the state."""
    told = np.array([_number(value, 2) for value in np.ravel(information)], dtype=object)
    apart = ~np.eye(len(names), dtype=bool) & np.isfinite(information)
    largest = float(np.max(information, initial=0.0, where=apart))
    top = max(largest, SLIGHT)
    _table(axes, information, told.reshape(np.shape(information)), names, "Oranges", top, "nats")
    axes.set_title("Mutual information of actions given the state", fontsize=10)
    return axes


# --- inside -------------------------------------------------------------------------------------------------------


def _table(
    axes: Axes, values: Array, told: Array, names: Sequence[str], cmap: str, top: float, unit: str
) -> None:
    """A square heatmap with an empty diagonal, numbers in small ones, and a colour bar."""
    agents = len(names)
    values = np.asarray(values, dtype=np.float64)
    cells = np.ma.masked_array(values, np.eye(agents, dtype=bool) | np.isnan(values))
    axes.set_facecolor("0.92")
    image = axes.imshow(cells, cmap=cmap, vmin=0.0, vmax=top, interpolation="nearest")
    if agents <= NUMBERED:
        size = 9 if agents <= 4 else 7.5 if agents <= 6 else 5
        for (j, i), text in np.ndenumerate(told):
            if i != j:
                dark = values[j, i] > 0.6 * top
                axes.text(i, j, text, ha="center", va="center", fontsize=size, color="w" if dark else "k")
    step = -(-agents // _TICKS)
    labels = _labels(names)[::step]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(range(0, agents, step), labels, fontsize=8 if agents <= 12 else 6)
    if max(map(len, labels)) * len(labels) > 30:
        axes.tick_params(axis="x", rotation=60)
    axes.figure.colorbar(image, ax=axes, shrink=0.75, label=unit)


def _shown_edges(probability: Array) -> list[tuple[int, int]]:
    """Edges to draw, the likeliest last and so on top."""
    found = [(int(j), int(i)) for j, i in np.argwhere(probability >= FAINT) if i != j]
    return sorted(found, key=lambda edge: (float(probability[edge]), edge))[-ARROWS:]


def _circle(agents: int) -> list[tuple[float, float]]:
    turns = (2 * math.pi * k / agents for k in range(agents))
    return [(math.sin(turn), math.cos(turn)) for turn in turns]


def _labels(names: Sequence[str]) -> list[str]:
    """Short names for nodes: the numbers alone where all names are the same but for them."""
    parts = [re.fullmatch(r"(.*?)[_ ]?(\d+)", name) for name in names]
    if len({part[1] if part else None for part in parts}) == 1 and all(parts):
        return [part[2] for part in parts if part]
    return [plain_text(name, 9) for name in names]


def _number(value: float, digits: int = 3) -> str:
    """A number for a picture: what rounds to nothing is 0, what is not known a dash."""
    if math.isnan(value):
        return "–"
    return "0" if abs(value) < 5e-5 else f"{value:.{digits}g}"
