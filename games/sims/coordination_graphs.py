"""Who is whose neighbour: the graphs of Aloha, from names, edge lists and networkx."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from games.errors import InputError

LARGEST, DENSE = 100_000, 2_000
"""How many agents a graph may have, and one with about as many edges as pairs."""
KNOWN = "ladder, maco, ring, path, complete, grid:3x4, erdos:0.3 or edges such as 0-1,1-2"


@dataclass(frozen=True)
class Graph:
    """An undirected graph on agents 0 to size - 1.

    Parameters
    ----------
    size : int
        Number of agents.
    edges : tuple of (int, int)
        Each once, smaller agent first, sorted.
    places : tuple of (float, float)
        Where agents stand in pictures.
    """

    size: int
    edges: tuple[tuple[int, int], ...]
    places: tuple[tuple[float, float], ...]

    def lists(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Neighbours of all agents one after another, and where each agent's begin: int64[2 E], int64[size + 1]."""
        near: list[list[int]] = [[] for _ in range(self.size)]
        for i, j in self.edges:
            near[i].append(j)
            near[j].append(i)
        starts = np.cumsum([0] + [len(row) for row in near])
        return np.array([j for row in near for j in sorted(row)], dtype=np.int64), starts.astype(np.int64)


def graph_of(given: Any, agents: int | None = None, seed: int = 0) -> Graph:
    """A graph from its name, its edges or networkx.

    Parameters
    ----------
    given : str, networkx graph or list of pairs
        ``ladder`` (two rows), ``maco`` (the ladder of ten agents of the MACO benchmark, which also joins the end of
        the first row to the start of the second), ``ring``, ``path``, ``complete``, ``grid:3x4``, ``erdos:0.3`` (each
        edge with that probability, by `seed`), edges as text ``0-1,1-2`` or as pairs, or an undirected networkx graph,
        whose nodes become agents in their order.
    agents : int, optional
        Number of agents; 10 by default where the graph does not say.
    seed : int
        Of random graphs.

    Raises
    ------
    InputError
        If there is no such graph, or it does not have as many agents.
    """
    if hasattr(given, "nodes") and hasattr(given, "edges"):
        graph = _from_networkx(given)
    elif isinstance(given, str):
        graph = _named(given.strip().lower(), agents, seed)
    else:
        graph = _from_pairs(given, agents)
    if agents is not None and graph.size != agents:
        raise InputError(
            f"the graph has {graph.size} agents, not {agents}; give no number of agents, or that one"
        )
    return graph


def _named(text: str, agents: int | None, seed: int) -> Graph:
    kind, colon, detail = text.partition(":")
    if kind == "grid" and colon:
        return _grid(*_shape(text, detail))
    if kind == "erdos" and colon:
        return _random(text, detail, _count(agents, DENSE), seed)
    if text[:1].isdigit():
        return _from_pairs([_pair(part, text) for part in text.split(",")], agents)
    size = _count(agents)
    if text == "ladder":
        if size % 2:
            raise InputError(f"a ladder needs an even number of agents, not {size}")
        return _grid(2, size // 2)
    if text == "maco":
        if size != 10:
            raise InputError(f"the graph of the MACO benchmark has 10 agents, not {size}")
        ladder = _grid(2, 5)
        return Graph(10, tuple(sorted({*ladder.edges, (4, 5)})), ladder.places)
    if text in ("ring", "path", "complete"):
        return _regular(text, _count(agents, DENSE if text == "complete" else LARGEST))
    raise InputError(f"unknown graph {text!r:.60}; known are {KNOWN}")


def _count(agents: int | None, largest: int = LARGEST) -> int:
    size = 10 if agents is None else agents
    if not 1 <= size <= largest:
        raise InputError(f"such a graph has from 1 to {largest:,} agents, not {size:,}")
    return size


def _regular(kind: str, size: int) -> Graph:
    if kind == "complete":
        edges = {(i, j) for i in range(size) for j in range(i + 1, size)}
    else:
        edges = {(i, i + 1) for i in range(size - 1)}
        if kind == "ring" and size > 2:
            edges.add((0, size - 1))
    places = tuple((i + 0.5, 0.5) for i in range(size)) if kind == "path" else _circle(size)
    return Graph(size, tuple(sorted(edges)), places)


def _grid(rows: int, columns: int) -> Graph:
    edges = []
    for r in range(rows):
        for c in range(columns):
            i = r * columns + c
            if c + 1 < columns:
                edges.append((i, i + 1))
            if r + 1 < rows:
                edges.append((i, i + columns))
    places = tuple((c + 0.5, rows - r - 0.5) for r in range(rows) for c in range(columns))
    return Graph(rows * columns, tuple(sorted(edges)), places)


def _random(text: str, detail: str, size: int, seed: int) -> Graph:
    try:
        chance = float(detail)
    except ValueError:
        chance = math.nan
    if not 0.0 <= chance <= 1.0:
        raise InputError(f"graph {text!r:.60}: expected a probability from 0 to 1, such as erdos:0.3")
    if seed < 0:
        raise InputError(f"the seed of a random graph must not be negative, not {seed}")
    drawn = np.random.default_rng(seed).random((size, size)) < chance
    edges = [(i, j) for i in range(size) for j in range(i + 1, size) if drawn[i, j]]
    return Graph(size, tuple(edges), _circle(size))


def _from_networkx(graph: Any) -> Graph:
    if graph.is_directed():
        raise InputError(
            "neighbours are mutual: expected an undirected graph (graph.to_undirected() makes one)"
        )
    number = {node: k for k, node in enumerate(graph.nodes)}
    return _from_pairs([(number[a], number[b]) for a, b, *_ in graph.edges], len(number))


def _from_pairs(given: Iterable[Any], agents: int | None) -> Graph:
    pairs = set()
    try:
        for a, b in given:
            i, j = sorted((int(a), int(b)))
            if (i, j) != tuple(sorted((a, b))):
                raise ValueError
            pairs.add((i, j))
    except (TypeError, ValueError):
        raise InputError(
            f"a graph is a networkx graph, a list of pairs of agents, or one of {KNOWN}"
        ) from None
    size = max((j for _, j in pairs), default=-1) + 1 if agents is None else agents
    for i, j in sorted(pairs):
        if i == j:
            raise InputError(f"agent {i} cannot be its own neighbour")
        if i < 0 or j >= size:
            raise InputError(f"edge {i}-{j} names an agent outside 0..{size - 1}")
    return Graph(_count(size), tuple(sorted(pairs)), _circle(size))


def _circle(size: int) -> tuple[tuple[float, float], ...]:
    radius = max(1.0, size / (2 * math.pi)) * 1.1
    turns = (2 * math.pi * k / size for k in range(size))
    return tuple((radius * (1 + math.sin(t)) + 0.5, radius * (1 + math.cos(t)) + 0.5) for t in turns)


def _pair(part: str, text: str) -> tuple[int, int]:
    a, dash, b = part.partition("-")
    if not (dash and a.strip().isdecimal() and b.strip().isdecimal() and len(part) < 20):
        raise InputError(f"graph {text!r:.60}: {part!r:.20} is not an edge such as 0-1")
    return int(a), int(b)


def _shape(text: str, detail: str) -> tuple[int, int]:
    rows, cross, columns = detail.partition("x")
    good = cross and rows.isdecimal() and columns.isdecimal() and len(detail) < 12
    if not (good and int(rows) > 0 and int(columns) > 0):
        raise InputError(f"graph {text!r:.60}: expected rows x columns, such as grid:3x4")
    _count(int(rows) * int(columns))
    return int(rows), int(columns)
