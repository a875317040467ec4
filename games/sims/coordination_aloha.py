"""Aloha: neighbours who transmit at once disturb each other.

Source: Wang et al. (2022), Context-Aware Sparse Deep Coordination Graphs, ICLR (the MACO benchmark,
`TonghanWang/CASEC-MACO-benchmark`), after Oliehoek (2010), Value-Based Planning for Teams of Agents in Stochastic
Partially Observable Environments; used by Chen and Zhang (2023), whose code has the same rules.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, Group, View
from games.errors import InputError
from games.scene import Mark, Scene
from games.sims import coordination_aloha_kernels as kernels
from games.sims.coordination_graphs import graph_of
from games.sims.simulation import constant
from games.spaces import Discrete

Array = npt.NDArray[Any]
Observe = Literal["number", "one-hot"]


@dataclass(frozen=True)
class AlohaSpec(EnvSpec):
    """An `EnvSpec` that also says who disturbs whom."""

    edges: tuple[tuple[int, int], ...] = ()


class AlohaRules:
    """Agents on a graph with queues of messages, who may transmit (action 1) or stay idle (action 0).

    In a step, first everybody who chose to transmit and has a message waiting transmits: it succeeds, and the queue is
    one shorter, if no neighbour chose to transmit (with or without a message of its own); otherwise it collides and
    stays. All agents receive the sum of `success` per success and `collision` per collision. Then a message arrives at
    each agent with probability `arrival`, unless `cap` are waiting. Queues begin with one message. Episodes are cut off
    after `steps` steps, since agents see no clock.

    Observation: the own queue only, as one number (float32[1]) or one-hot (float32[cap + 1]), which learners need that
    normalise each observation by itself. State: all queues, float32[agents]. `View.row`: the own queue.

    Parameters
    ----------
    name : str
        What the environment is called.
    graph : str, networkx graph or list of pairs
        Who is whose neighbour; see `games.sims.coordination_graphs.graph_of`.
    agents, seed : int
        Of graphs that need to be told.
    steps, cap : int
        Length of an episode; longest queue, at most 127.
    arrival : float
        Probability that a message arrives.
    success, collision : float
        Rewards.
    observe : {"number", "one-hot"}
        How agents see their queue.

    Examples
    --------
    >>> import networkx
    >>> AlohaRules("star", networkx.star_graph(4)).spec.edges
    ((0, 1), (0, 2), (0, 3), (0, 4))
    """

    def __init__(
        self,
        name: str,
        graph: Any = "ladder",
        agents: int | None = None,
        seed: int = 0,
        steps: int = 20,
        cap: int = 5,
        arrival: float = 0.6,
        success: float = 0.1,
        collision: float = -10.0,
        observe: Observe = "number",
    ) -> None:
        if not 0.0 <= arrival <= 1.0:
            raise InputError(f"{name}: arrival must be a probability from 0 to 1, not {arrival:g}")
        if not 1 <= cap <= 127:
            raise InputError(f"{name}: cap must be from 1 to 127 messages, not {cap}")
        if not (math.isfinite(success) and math.isfinite(collision)):
            raise InputError(f"{name}: rewards must be finite, not {success:g} and {collision:g}")
        if observe not in get_args(Observe):
            raise InputError(
                f"{name}: observe must be one of {', '.join(get_args(Observe))}, not {observe!r:.40}"
            )
        self.graph, self.cap = graph_of(graph, agents, seed), cap
        self.one_hot = observe == "one-hot"
        self._near, self._starts = self.graph.lists()
        self._rules = np.array([arrival, success, collision])
        names = tuple(f"agent_{i}" for i in range(self.graph.size))
        depth = cap + 1 if self.one_hot else 1
        group = Group("agents", names, (depth,), Discrete(2), ("idle", "transmit"), rows=cap + 1)
        self.spec = AlohaSpec(
            name,
            (group,),
            state=self.graph.size,
            horizon=steps,
            common_reward=True,
            edges=self.graph.edges,
        )

    def allocate(self, batch: int) -> dict[str, Array]:
        """The queues, and what became of the last transmissions."""
        agents = self.graph.size
        return {
            "backlog": np.ones((batch, agents), dtype=np.int8),
            "fate": np.zeros((batch, agents), dtype=np.int8),
            "mask": constant(True, (batch, agents, 2)),
            "all": constant(True, (batch, agents)),
        }

    def begin(self, state: dict[str, Array], streams: Array, where: Array) -> None:
        """One message waits everywhere."""
        state["backlog"][where] = 1
        state["fate"][where] = kernels.SILENT

    def advance(
        self, state: dict[str, Array], streams: Array, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], Array | None]:
        """One random number per agent; no end."""
        reward = np.empty(actions[0].shape)
        kernels.advance(
            streams,
            actions[0],
            live,
            self._near,
            self._starts,
            self.cap,
            self._rules,
            state["backlog"],
            state["fate"],
            reward,
        )
        return (reward,), None

    def look(self, state: dict[str, Array], rewards: tuple[Array, ...]) -> tuple[tuple[View, ...], Array]:
        """Everybody sees its own queue."""
        batch, agents = rewards[0].shape
        depth = self.spec.groups[0].depth
        make = np.zeros if self.one_hot else np.empty
        observation = make((batch, agents, depth), dtype=np.float32)
        features = np.empty((batch, agents), dtype=np.float32)
        rows = np.empty((batch, agents), dtype=np.int32)
        kernels.look(state["backlog"], self.one_hot, observation, features, rows)
        view = View(observation, state["mask"], rewards[0], state["all"], state["all"], rows)
        return (view,), features

    def scene(self, state: dict[str, Array], which: int) -> Scene:
        """The graph with the queues; who transmitted stands out, and more so if it collided."""
        backlog, fate = state["backlog"][which].tolist(), state["fate"][which].tolist()
        places = self.graph.places
        marks = [
            Mark("line", *places[i], color=-1, dx=places[j][0] - places[i][0], dy=places[j][1] - places[i][1])
            for i, j in self.graph.edges
        ]
        for (x, y), waiting, met in zip(places, backlog, fate):
            marks.append(Mark("disc", x, y, 0.6, color=(-1, 2, 1)[met], text=str(waiting)))
        sent, collided = fate.count(kernels.SENT), fate.count(kernels.COLLIDED)
        return Scene(
            max(x for x, _ in places) + 0.5,
            max(y for _, y in places) + 0.5,
            tuple(marks),
            text=f"{sent} sent, {collided} collided, {sum(backlog)} waiting",
        )
