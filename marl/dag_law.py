"""By which law a team's graph is drawn in each step: learned from what all see, given, or at random.

Letters: R rows (recorded steps) or B sub-environments, n agents, k numbers of noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf, log
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from games.dag import Dag
from games.streams import Streams
from marl.bayes_net_networks import Context
from marl.dag_kernels import LARGEST, SMALLEST, assign, draw_noise, link
from marl.dag_sampling import earlier, edges, gumbel, permutation
from marl.neural import in_blocks

Array = npt.NDArray[Any]


class Drawn(NamedTuple):
    """Graphs with gradients, and what they were drawn from."""

    graph: Tensor  # float[R, n, n]
    edge_scores: Tensor  # float[R, n, n]: log-odds of edges without noise


@dataclass(frozen=True)
class GraphLaw:
    """How graphs are drawn.

    Parameters
    ----------
    agents : int
        n.
    context : Context, optional
        The networks of a learned law.
    given : bool[n, n], optional
        The graph, where it is always the same.
    probability : float
        Without either: of every edge from an agent to a later one.
    noise, temperature : float
        Factor of the order's Gumbel noise, and what scores are divided by in relaxations.
    sweeps : int
        Of Sinkhorn's iteration.
    """

    agents: int
    context: Context | None
    given: Array | None
    probability: float = 0.0
    noise: float = 1.0
    temperature: float = 1.0
    sweeps: int = 20

    @property
    def ordered(self) -> bool:
        """Whether the order is drawn."""
        return self.context is not None and self.context.order is not None

    @property
    def size(self) -> int:
        """Numbers of noise behind a graph, k."""
        return (self.ordered + (self.given is None)) * self.agents**2

    # --- learning ------------------------------------------------------------------------------------------

    def drawn(self, seen: Tensor, noise: Tensor, acting: Tensor) -> Drawn:
        """Graphs from contexts float[R, D] and noise float[R, k]; agents that do not act, float[R, n], are nobody's parents."""
        square = (len(seen), self.agents, self.agents)
        before = torch.ones(self.agents, self.agents, device=seen.device).triu(1)
        if self.given is not None:
            fixed = torch.tensor(self.given, device=seen.device).float().expand(square)
            return Drawn(fixed * acting.unsqueeze(-1), torch.where(fixed > 0, inf, -inf))
        parts = noise.reshape(len(seen), -1, self.agents, self.agents)
        order_scores, edge_scores = self._scores(seen)
        if order_scores is not None:
            # logarithms as they were taken while playing, which was not on a graphics card
            noisy = order_scores + self.noise * gumbel(parts[:, 0].cpu()).to(seen)
            before = earlier(permutation(noisy, self.temperature, self.sweeps))
        present = edges(edge_scores, parts[:, -1], self.temperature)
        return Drawn(present * before * acting.unsqueeze(-1), edge_scores)

    def _scores(self, seen: Tensor) -> tuple[Tensor | None, Tensor]:
        if self.context is not None:
            scores: tuple[Tensor | None, Tensor] = self.context(seen)
            return scores
        p = self.probability
        odds = -inf if p <= 0 else inf if p >= 1 else log(p / (1 - p))
        return None, torch.full((len(seen), self.agents, self.agents), odds, device=seen.device)

    # --- playing -------------------------------------------------------------------------------------------

    def scores(self, seen: Array, device: str, block: int | None) -> tuple[Array | None, Array]:
        """Noise-free scores of orders, if these are learned, and probabilities of edges, from contexts float32[B, D].

        Networks are evaluated on `block` sub-environments at a time, see `marl.neural.Neural`.
        """
        given = torch.from_numpy(np.ascontiguousarray(seen)).to(device)
        with torch.no_grad():
            order, edge = in_blocks(self._scores, given, block)
            edge = torch.sigmoid(edge)
        return None if order is None else order.cpu().numpy(), edge.cpu().numpy()

    def from_streams(self, streams: Streams) -> Array:
        """Uniform noise float32[B, k], the agents' streams moving on."""
        out = np.empty((streams.shape[0], self.size), dtype=np.float32)
        draw_noise(streams.state, out)
        return out

    def from_generator(self, batch: int, rng: np.random.Generator) -> Array:
        """Uniform noise float32[B, k] from a generator."""
        return rng.random((batch, self.size), dtype=np.float32).clip(SMALLEST, LARGEST)

    def graphs(
        self, scores: tuple[Array | None, Array], noise: Array | None, acting: Array
    ) -> tuple[Array, Array]:
        """Orders int32[B, n] and graphs bool[B, n, n], as `drawn` draws them.

        Parameters
        ----------
        scores : tuple
            See `scores`.
        noise : float32[B, k] or None
            Noise-free if None.
        acting : bool[B, n]
            Who acts.
        """
        batch, agents = acting.shape
        order, edge = scores
        agent_at = np.empty((batch, agents), dtype=np.int32)
        agent_at[:] = self._standing
        graph = np.empty((batch, agents, agents), dtype=np.bool_)
        parts = None if noise is None else noise.reshape(batch, -1, agents, agents)
        if order is not None:
            noisy = (
                order if parts is None else order + self.noise * gumbel(torch.from_numpy(parts[:, 0])).numpy()
            )
            assign(noisy, agent_at)
        if self.given is not None:
            present = np.broadcast_to(self.given, graph.shape)
        else:
            present = edge > (np.float32(0.5) if parts is None else parts[:, -1])
        link(agent_at, present, acting, graph)
        return agent_at, graph

    @cached_property
    def _standing(self) -> Array:
        """The order int64[n] where it is not learned: by number, or as the given graph wants it."""
        return np.arange(self.agents) if self.given is None else Dag(self.given).order
