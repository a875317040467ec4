"""Directed acyclic graphs on agents: who knows whose action when choosing its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from games.errors import InputError

Array = npt.NDArray[Any]
NAMED = ("empty", "line", "complete")


@dataclass(frozen=True, eq=False, repr=False)
class Dag:
    """A directed acyclic graph on n agents, frozen and checked.

    Parameters
    ----------
    parents : bool[n, n]
        ``parents[j, i]``: agent j is a parent of agent i, which then chooses knowing j's action. Column i lists i's
        parents.
    names : sequence of str, optional
        Names of the agents; "0", "1", ... by default.

    Raises
    ------
    InputError
        If the matrix is not square or there is a cycle, naming its agents.

    Examples
    --------
    >>> Dag.line(3)
    Dag(0>1, 1>2)
    >>> Dag.of("b>a", ["a", "b"]).order.tolist()
    [1, 0]
    """

    parents: Array
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        parents = np.array(self.parents)
        if parents.ndim != 2 or parents.shape[0] != parents.shape[1] or not parents.size:
            raise InputError(f"a graph on n agents is a matrix [n, n], not of shape {parents.shape}")
        if not np.isin(parents, (0, 1)).all():
            raise InputError("a graph's matrix holds nothing but 0 and 1 (or False and True)")
        parents = parents.astype(bool)
        parents.setflags(write=False)
        names = tuple(map(str, self.names)) or tuple(map(str, range(len(parents))))
        if len(names) != len(parents):
            raise InputError(f"{len(names)} names for a graph on {len(parents)} agents")
        if len(set(names)) < len(names):
            raise InputError("two agents of a graph have the same name")
        object.__setattr__(self, "parents", parents)
        object.__setattr__(self, "names", names)
        check_acyclic(parents[None], names)

    # --- named constructors -------------------------------------------------------------------------------

    @classmethod
    def empty(cls, agents: int, names: Sequence[str] = ()) -> Dag:
        """Nobody knows anybody's action: independent play."""
        return cls(np.zeros((_count(agents), agents), dtype=bool), tuple(names))

    @classmethod
    def line(cls, agents: int, names: Sequence[str] = ()) -> Dag:
        """Everybody knows its predecessor's action: the full chain 0 > 1 > ... > n - 1."""
        return cls(np.eye(_count(agents), k=1, dtype=bool), tuple(names))

    @classmethod
    def complete(cls, agents: int, names: Sequence[str] = ()) -> Dag:
        """Everybody knows the actions of all before it: with these, any joint distribution can be played."""
        return cls(np.triu(np.ones((_count(agents), agents), dtype=bool), 1), tuple(names))

    @classmethod
    def of_edges(cls, agents: int, edges: Iterable[tuple[int, int]], names: Sequence[str] = ()) -> Dag:
        """The graph with edges (parent, child)."""
        parents = np.zeros((_count(agents), agents), dtype=bool)
        for j, i in edges:
            if not (0 <= j < agents and 0 <= i < agents):
                raise InputError(f"edge {j}>{i} names an agent outside 0..{agents - 1}")
            parents[j, i] = True
        return cls(parents, tuple(names))

    @classmethod
    def of(cls, given: Any, agents: Sequence[str]) -> Dag:
        """A graph from what a user gives, for agents of these names.

        Parameters
        ----------
        given : Dag, str, list of pairs, array or networkx.DiGraph
            A graph, ``empty``, ``line``, ``complete``, edges such as ``0>1,1>2`` or ``alice>bob`` (parent first), pairs
            of agents' names or numbers (parent, child), a matrix bool[n, n] as an array, or a networkx graph whose nodes
            are agents' names or numbers.
        agents : sequence of str
            The agents.

        Raises
        ------
        InputError
            If it cannot be read, is for another number of agents, or has a cycle.
        """
        names = tuple(agents)
        if isinstance(given, Dag):
            given = given.parents
        elif isinstance(given, str):
            if given.strip().lower() in NAMED:
                made: Dag = getattr(cls, given.strip().lower())(len(names), names)
                return made
            return cls.of_edges(len(names), _edges(given, names), names)
        elif hasattr(given, "nodes") and hasattr(given, "edges"):
            return cls._of_networkx(given, names)
        elif isinstance(given, list | tuple):
            return cls.of_edges(len(names), [_pair(pair, names) for pair in given], names)
        matrix = np.asarray(given)
        if matrix.shape != (len(names), len(names)):
            raise InputError(
                f"the graph is {type(given).__name__} of shape {matrix.shape}; for {len(names)} agents a matrix must be "
                f"{(len(names), len(names))}"
            )
        return cls(matrix, names)

    @classmethod
    def _of_networkx(cls, graph: Any, names: tuple[str, ...]) -> Dag:
        if not graph.is_directed():
            raise InputError(
                "the graph has no directions: expected a networkx.DiGraph, edges from parent to child"
            )
        if len(graph.nodes) > len(names):
            raise InputError(f"the graph has {len(graph.nodes)} nodes for {len(names)} agents")
        number = {node: _agent(str(node), names) for node in graph.nodes}
        return cls.of_edges(len(names), [(number[j], number[i]) for j, i, *_ in graph.edges], names)

    # --- facts --------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """Number of agents, n."""
        return len(self.parents)

    @cached_property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """All pairs (parent, child)."""
        return tuple((int(j), int(i)) for j, i in np.argwhere(self.parents))

    @cached_property
    def order(self) -> Array:
        """A topological order int64[n]: parents first, otherwise by number."""
        return np.argsort(depths(self.parents[None])[0], kind="stable")

    def to_networkx(self) -> Any:
        """The graph as a networkx.DiGraph with agents' names as nodes, edges from parent to child."""
        import networkx

        graph = networkx.DiGraph()
        graph.add_nodes_from(self.names)
        graph.add_edges_from((self.names[j], self.names[i]) for j, i in self.edges)
        return graph

    def __repr__(self) -> str:
        told = ", ".join(f"{self.names[j]}>{self.names[i]}" for j, i in self.edges)
        return f"Dag({told or f'empty, {self.size} agents'})"

    def _repr_html_(self) -> str:
        from games.show import dag_html

        return dag_html(self)


def depths(parents: Array) -> Array:
    """Length of the longest path that leads to each agent, int64[K, n], in acyclic graphs bool[K, n, n]; O(K n^3)."""
    longest = np.zeros(parents.shape[:2], dtype=np.int64)
    for _ in range(parents.shape[1]):
        longest = np.where(parents, longest[:, :, None] + 1, 0).max(axis=1)
    return longest


def check_acyclic(parents: Array, names: Sequence[str]) -> None:
    """`InputError` naming the agents of a cycle if one of the graphs bool[K, n, n] has any."""
    agents = parents.shape[1]
    cyclic = np.flatnonzero((depths(parents) >= agents).any(axis=1))
    if not cyclic.size:
        return
    import networkx

    graph = networkx.DiGraph(np.argwhere(parents[cyclic[0]]).tolist())
    cycle = [names[j] for j, *_ in networkx.find_cycle(graph)]
    told = " > ".join([*cycle, cycle[0]])
    raise InputError(f"the graph has the cycle {told}: nobody can choose first; take one of its edges away")


def _count(agents: int) -> int:
    if agents < 1:
        raise InputError(f"a graph is on at least one agent, not {agents}")
    return agents


def _pair(pair: Any, names: tuple[str, ...]) -> tuple[int, int]:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise InputError(f"a list that is a graph holds pairs (parent, child), not {pair!r:.40}")
    return _agent(str(pair[0]), names), _agent(str(pair[1]), names)


def _edges(text: str, names: tuple[str, ...]) -> list[tuple[int, int]]:
    out = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        parent, sign, child = part.partition(">")
        if not sign:
            raise InputError(
                f"graph {text!r:.60}: {part!r:.40} is not an edge such as 0>1 (parent > child); a graph is "
                f"{', '.join(NAMED)} or edges with commas between"
            )
        out.append((_agent(parent.strip(), names), _agent(child.strip(), names)))
    if not out:
        raise InputError(f"a graph is {', '.join(NAMED)} or edges such as 0>1,1>2, not {text!r:.60}")
    return out


def _agent(name: str, names: tuple[str, ...]) -> int:
    """The number of the agent that is meant, by name or number."""
    if name in names:
        return names.index(name)
    if name.isdecimal() and len(name) < 9 and int(name) < len(names):
        return int(name)
    listed = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    raise InputError(
        f"the graph names an agent {name!r:.40}; the {len(names)} agents are 0 to {len(names) - 1}: {listed}"
    )
