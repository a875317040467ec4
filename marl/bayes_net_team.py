"""A team whose actions form a Bayesian network: a joint policy of networks.

In every step a graph on the agents is drawn from what they all see, and then agents choose in an order that respects it,
each by its own observation and its parents' actions. Drawing the graph is a central operation, and so is telling
parents' actions: only with the empty graph (`NetworkedTeam.apart`) is execution decentralised.

Letters: B sub-environments, n agents of all groups, d numbers in the longest observation, A actions of the agent that
has most.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import torch

from games.bayes_net import BayesNet
from games.env import EnvSpec, Step
from games.errors import InputError
from games.policy import Independent, Memory
from games.streams import Streams
from marl import dag_kernels as kernels
from marl.actors import playing
from marl.bayes_net_networks import Parents
from marl.dag_law import GraphLaw
from marl.learner import joint_observation, tensor
from marl.neural import masked_softmax

Array = npt.NDArray[Any]
Execution = Literal["learned", "noisy", "empty"]
"""How the graph is drawn: noise-free, with the noise of training, or not at all."""
LARGEST = 1 << 27
"""Probabilities that a listed network may have."""


class Shown(NamedTuple):
    """What all agents see, side by side; shorter observations and masks are filled up with zeros."""

    observation: Array  # float32[B, n, d]
    mask: Array  # bool[B, n, A]
    acting: Array  # bool[B, n]


class NetworkedTeam:
    """See the module.

    Parameters
    ----------
    spec : EnvSpec
        Where it plays; agents have discrete actions and act at once.
    actors : ModuleList of Actor
        Of each group: logits without parents.
    parents : Parents
        What parents add.
    law : GraphLaw
        How graphs are drawn.
    greedy : bool
        Whether everybody takes its likeliest action, given its parents' actions.
    execution : {"learned", "noisy", "empty"}
        How graphs are drawn here; where they are not learned there is but one way beside "empty".
    device : str
        Where networks live.
    block : int or None
        Sub-environments for which networks are evaluated at a time, see `marl.neural.Neural`.
    """

    def __init__(
        self,
        spec: EnvSpec,
        actors: Any,
        parents: Parents,
        law: GraphLaw,
        *,
        greedy: bool,
        execution: Execution = "learned",
        device: str = "cpu",
        block: int | None = 64,
    ) -> None:
        if execution not in get_args(Execution):
            raise InputError(f"a graph is drawn {', '.join(get_args(Execution))}, not {execution!r:.40}")
        self.spec, self.greedy, self.law, self.device, self.block = spec, greedy, law, device, block
        if execution != "empty" and law.context is None:
            execution = "noisy" if law.given is None else "learned"
        self.execution: Execution = execution
        self._actors, self._parents = actors, parents
        self._alone = [playing(actor, greedy=greedy, block=block) for actor in actors]
        self._edges = np.cumsum([0] + [group.size for group in spec.groups])
        self._told = parents.tables()

    def __repr__(self) -> str:
        return f"NetworkedTeam({self.spec.name!r}, greedy={self.greedy}, execution={self.execution!r})"

    @property
    def random(self) -> bool:
        """Whether graphs are drawn by a law that is not learned, so that they have no form without noise."""
        return self.execution == "noisy" and self.law.context is None

    def with_execution(self, execution: Execution) -> NetworkedTeam:
        """The same team with its graph drawn in another way."""
        return NetworkedTeam(
            self.spec,
            self._actors,
            self._parents,
            self.law,
            greedy=self.greedy,
            execution=execution,
            device=self.device,
            block=self.block,
        )

    def apart(self) -> Independent:
        """Everybody by its own observation alone, as with the empty graph: decentralised execution."""
        return Independent(self.spec, {g.name: one for g, one in zip(self.spec.groups, self._alone)})

    # --- playing -------------------------------------------------------------------------------------------

    def start(self, batch: int) -> Memory:
        """What the agents remember, group by group; None if they remember nothing."""
        kept = [one.start(batch, group.size) for one, group in zip(self._alone, self.spec.groups)]
        return None if all(memory is None for memory in kept) else kept

    def sample(self, step: Step, memory: Memory, streams: Streams) -> tuple[tuple[Array, ...], Memory]:
        """Actions of all agents; every stream gives the noise of its agent's row of the graph, then one draw."""
        actions, memory, _ = self.sample_noting(step, memory, streams)
        return actions, memory

    def sample_noting(
        self, step: Step, memory: Memory, streams: Streams
    ) -> tuple[tuple[Array, ...], Memory, Array]:
        """Actions, memory, and the noise float32[B, k] of the graphs, 0 where there was none."""
        shown = self._shown(step)
        base, memory = self._base(step, memory)
        noise = self.law.from_streams(streams) if self.execution == "noisy" else None
        agent_at, graph = self._graphs(step, shown, noise)
        out = np.empty(shown.acting.shape, dtype=np.int32)
        kernels.sample_joint(
            streams.state,
            agent_at,
            graph,
            base,
            shown.mask,
            *self._tables(shown),
            self.greedy,
            out,
        )
        actions = tuple(np.ascontiguousarray(out[:, a:b]) for a, b in pairwise(self._edges))
        if noise is None:
            noise = np.zeros((len(out), self.law.size), dtype=np.float32)
        return actions, memory, noise

    # --- being looked at -----------------------------------------------------------------------------------

    def graphs(self, step: Step) -> Array:
        """Noise-free graphs bool[B, n, n]; empty ones if that is how the team plays."""
        return self._graphs(step, self._shown(step), None)[1]

    def edge_probabilities(self, step: Step, rng: np.random.Generator, draws: int = 64) -> Array:
        """In which share of noisy draws each agent (row) is a parent of each other (column), float64[B, n, n]."""
        shown = self._shown(step)
        if self.execution == "empty":
            return np.zeros((*shown.acting.shape, shown.acting.shape[1]))
        if not self.law.size:
            return self.graphs(step).astype(np.float64)
        scores = self._scores(step)
        total = np.zeros((*shown.acting.shape, shown.acting.shape[1]))
        for _ in range(draws):
            noise = self.law.from_generator(len(total), rng)
            total += self.law.graphs(scores, noise, shown.acting)[1]
        return total / draws

    def network(self, step: Step) -> BayesNet:
        """The Bayesian network that is played in every sub-environment.

        Raises
        ------
        InputError
            If there is no one network: graphs are drawn at random, or agents remember; or if it is too large to list.
        """
        if self.execution == "noisy":
            raise InputError("its graph is drawn anew in each step, so no single network is played")
        if self.start(1) is not None:
            raise InputError("its agents remember, so no network is a function of what they see")
        shown = self._shown(step)
        shape = tuple(group.width for group in self.spec.groups for _ in group.agents)
        batch, joint = len(shown.acting), math.prod(shape)
        if joint * batch * len(shape) > LARGEST:
            raise InputError(
                f"a network of {len(shape)} agents with {joint:,} joint actions in {batch:,} situations is too large to list"
            )
        cells = np.stack(np.unravel_index(np.arange(joint), shape), axis=1).astype(np.int32)
        base, _ = self._base(step, None)
        graph = self._graphs(step, shown, None)[1]
        out = np.empty((len(shape), batch, joint))
        kernels.conditionals(cells, graph, base, shown.mask, *self._tables(shown), self.greedy, out)
        return BayesNet(graph, out, shape, self.spec.agents)

    def conditionals(self, step: Step, actions: Array) -> Array:
        """Every agent's distribution given its parents' parts of joint actions int[B, n], float64[B, n, A].

        Graphs are drawn noise-free; agents that remember are asked as at the beginning of an episode.
        """
        shown = self._shown(step)
        base, _ = self._base(step, self.start(step.batch))
        graph = self._graphs(step, shown, None)[1]
        chosen = (actions[..., None] == np.arange(base.shape[-1])).astype(np.float32)
        given = [tensor(part, self.device) for part in (graph.astype(np.float32), chosen, shown.observation)]
        with torch.no_grad():
            logits = base + self._parents(*given).cpu().double().numpy()
        return _soft_max(logits, shown.mask, self.greedy)

    # --- inside --------------------------------------------------------------------------------------------

    def _shown(self, step: Step) -> Shown:
        return shown(self.spec, step)

    def _tables(self, shown: Shown) -> tuple[Array, Array, Array, Array, Array]:
        """What parents add, as the kernels want it."""
        return np.ascontiguousarray(shown.observation), *self._told

    def _base(self, step: Step, memory: Memory) -> tuple[Array, Memory]:
        """Logits without parents float64[B, n, A], and the memories afterwards."""
        out, after = [], []
        for g, (one, view) in enumerate(zip(self._alone, step.groups)):
            logits, kept = one.outputs(view, None if memory is None else memory[g])
            out.append(logits)
            after.append(kept)
        base = out[0] if len(out) == 1 else _side_by_side(out)
        return np.ascontiguousarray(base), None if memory is None else after

    def _scores(self, step: Step) -> tuple[Array | None, Array]:
        return self.law.scores(joint_observation(step), self.device, self.block)

    def _graphs(self, step: Step, shown: Shown, noise: Array | None) -> tuple[Array, Array]:
        """Orders int32[B, n] and graphs bool[B, n, n]."""
        batch, agents = shown.acting.shape
        if self.execution == "empty":
            order = np.broadcast_to(np.arange(agents, dtype=np.int32), (batch, agents))
            return np.ascontiguousarray(order), np.zeros((batch, agents, agents), dtype=np.bool_)
        return self.law.graphs(self._scores(step), noise, shown.acting)


def shown(spec: EnvSpec, step: Step) -> Shown:
    """What all agents see in a step."""
    if len(spec.groups) == 1:
        view = step.groups[0]
        return Shown(view.observation, np.ascontiguousarray(view.mask), view.acting)
    return Shown(
        _side_by_side([view.observation for view in step.groups]),
        _side_by_side([view.mask for view in step.groups]),
        np.concatenate([view.acting for view in step.groups], axis=-1),
    )


def _soft_max(logits: Array, mask: Array, greedy: bool) -> Array:
    """Distributions over legal actions float64[..., A]; the likeliest alone if greedy, action 0 where none is legal."""
    allowed = mask.copy()
    allowed[..., 0] |= ~mask.any(axis=-1)
    legal = np.where(allowed, logits, -np.inf)
    if greedy:
        return (legal.argmax(axis=-1)[..., None] == np.arange(legal.shape[-1])).astype(np.float64)
    return masked_softmax(logits, allowed)


def _side_by_side(parts: list[Array]) -> Array:
    """Arrays [..., n_g, w_g] as one [..., n, w]; narrower ones are filled up with zeros."""
    wide = max(part.shape[-1] for part in parts)
    none = [(0, 0)] * (parts[0].ndim - 1)
    return np.concatenate([np.pad(part, [*none, (0, wide - part.shape[-1])]) for part in parts], axis=-2)
