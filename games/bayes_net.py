"""Bayesian networks over the actions of a team: correlated play in which an agent may know its parents' actions.

In every situation there is a directed acyclic graph on the agents, and agent i draws its action from a distribution that
depends on the situation and on the actions of its parents:

    pi(a | s) = prod_i pi_i(a_i | s, a_Pa(i))

With the empty graph that is independent play, with a complete one any joint distribution. Source: Chen and Zhang (2023),
Context-Aware Bayesian Network Actor-Critic Methods for Cooperative Multi-Agent Reinforcement Learning, ICML.

Letters: K situations (states, or stages and states), n agents, A1..An their action counts, J = A1 * ... * An joint actions
in C order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from games.dag import Dag, check_acyclic, depths
from games.env import Step
from games.errors import InputError
from games.policy import Memoryless
from games.streams import Streams

Array = npt.NDArray[Any]
_TOLERANCE = 1e-6


class Networked(Protocol):
    """A joint policy without memory that tells its Bayesian network: it can be tabulated and judged exactly."""

    def network(self, step: Step) -> BayesNet:
        """The network that is played in each of the B sub-environments: K = B situations."""


@dataclass(frozen=True, eq=False, repr=False)
class BayesNet(Memoryless):
    """A Bayesian network over joint actions in each of K situations; a joint policy where situations are listed.

    As a policy it plays in environments with one group of agents who all stand in the same listed situation
    (`View.row`), such as a Markov game's. Every agent draws once from its own stream.

    Parameters
    ----------
    graphs : bool[K, n, n]
        ``graphs[k, j, i]``: j is a parent of i in situation k; one graph bool[n, n] or a `Dag` for all situations.
    factors : float64[n, K, J]
        Probability that agent i plays its part of the joint action, given its parents' parts of it; all other parts do
        not matter.
    shape : tuple of int
        Number of actions of each agent.
    names : tuple of str
        Of the agents.

    Raises
    ------
    InputError
        If shapes do not fit, a graph has a cycle, a factor depends on somebody who is no parent, or probabilities do not
        sum to one.

    Examples
    --------
    The second agent copies the first:

    >>> net = BayesNet.from_tables(Dag.line(2), [[[[0.5, 0.5]]], [[[1, 0], [0, 1]]]])
    >>> net.joint()[0].tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """

    graphs: Array
    factors: Array
    shape: tuple[int, ...]
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape, agents = tuple(int(n) for n in self.shape), len(self.shape)
        factors = np.array(self.factors, dtype=np.float64, order="C")
        if factors.ndim != 3 or factors.shape[0] != agents or factors.shape[2] != math.prod(shape):
            raise InputError(
                f"factors of shape {factors.shape} are not [{agents} agents, situations, {math.prod(shape)} joint actions]"
            )
        given = self.graphs.parents if isinstance(self.graphs, Dag) else np.asarray(self.graphs)
        graphs = np.broadcast_to(given, (factors.shape[1], *given.shape[-2:])).astype(bool)
        if graphs.shape[1:] != (agents, agents) or given.ndim not in (2, 3):
            raise InputError(f"graphs of shape {given.shape} are not [situations, {agents}, {agents}]")
        names = tuple(self.names) or tuple(map(str, range(agents)))
        check_acyclic(graphs, names)
        for name, value in (("shape", shape), ("factors", factors), ("graphs", graphs), ("names", names)):
            object.__setattr__(self, name, value)
        self._check()
        factors.setflags(write=False)
        graphs.setflags(write=False)

    def _check(self) -> None:
        if not np.isfinite(self.factors).all() or self.factors.min(initial=0.0) < -_TOLERANCE:
            raise InputError("a network's probabilities are finite and not negative")
        for i, tensor in enumerate(self.tensors):
            total = tensor.sum(axis=1 + i)
            if abs(total - 1.0).max(initial=0.0) > _TOLERANCE:
                worst = int(np.unravel_index(abs(total - 1.0).argmax(), total.shape)[0])
                raise InputError(
                    f"agent {self.names[i]}: probabilities in situation {worst} do not sum to one but to "
                    f"{total.reshape(len(total), -1)[worst].min():g} or {total.reshape(len(total), -1)[worst].max():g}"
                )
            for j in range(len(self.shape)):
                if j == i:
                    continue
                free = ~self.graphs[:, j, i]
                spread = np.ptp(tensor[free], axis=1 + j).max(initial=0.0)
                if spread > _TOLERANCE:
                    raise InputError(
                        f"agent {self.names[i]} plays by the action of {self.names[j]}, who is not its parent"
                    )

    # --- named constructors -------------------------------------------------------------------------------

    @classmethod
    def from_tables(cls, dag: Dag, tables: Sequence[Any]) -> BayesNet:
        """A network with the same graph everywhere from conditional distributions.

        Parameters
        ----------
        dag : Dag
            The graph.
        tables : sequence of float64[K, U_i, A_i]
            For every agent a distribution per situation and joint action of its parents, these in C order of the
            parents' numbers; U_i = 1 for agents without parents.
        """
        arrays = [np.asarray(table, dtype=np.float64) for table in tables]
        if len(arrays) != dag.size:
            raise InputError(f"{len(arrays)} tables for a graph on {dag.size} agents")
        shape = tuple(array.shape[-1] if array.ndim == 3 else 0 for array in arrays)
        own, parents = parts(shape, dag)
        for i, array in enumerate(arrays):
            wanted = (arrays[0].shape[0], int(parents[i].max(initial=0)) + 1, shape[i])
            if array.shape != wanted:
                raise InputError(
                    f"the table of agent {dag.names[i]} has shape {array.shape}, expected {wanted}: situations, joint "
                    "actions of its parents, own actions"
                )
        factors = [array[:, parents[i], own[i]] for i, array in enumerate(arrays)]
        return cls(dag.parents, np.stack(factors), shape, dag.names)

    # --- facts --------------------------------------------------------------------------------------------

    @property
    def situations(self) -> int:
        """Number of situations, K."""
        return self.factors.shape[1]

    @cached_property
    def tensors(self) -> list[Array]:
        """Every agent's factor as a view float64[K, A1, ..., An]."""
        return [factor.reshape(-1, *self.shape) for factor in self.factors]

    def joint(self) -> Array:
        """Probability of every joint action, float64[K, A1, ..., An]."""
        product = self.factors.prod(axis=0)
        return (product / product.sum(axis=1, keepdims=True)).reshape(-1, *self.shape)

    def marginals(self) -> list[Array]:
        """Every agent's distribution of its own action, float64[K, Ai]."""
        joint = self.joint()
        axes = range(1, joint.ndim)
        return [joint.sum(axis=tuple(k for k in axes if k != 1 + i)) for i in range(len(self.shape))]

    def mutual_information(self) -> Array:
        """Mutual information between the actions of every two agents, given the situation, float64[K, n, n] in nats."""
        joint, agents = self.joint(), len(self.shape)
        axes, own = range(1, joint.ndim), self.marginals()
        out = np.zeros((self.situations, agents, agents))
        for i in range(agents):
            for j in range(i + 1, agents):
                pair = joint.sum(axis=tuple(k for k in axes if k not in (1 + i, 1 + j)))
                apart = own[i][:, :, None] * own[j][:, None, :]
                out[:, i, j] = out[:, j, i] = _divergence(pair, apart)
        return out

    def total_correlation(self) -> Array:
        """How far play is from independent in each situation: sum of the agents' entropies less the joint one, float64[K] in nats."""
        product = np.ones((self.situations, 1))
        for block in self.marginals():
            product = (product[:, :, None] * block[:, None, :]).reshape(self.situations, -1)
        return _divergence(self.joint().reshape(self.situations, -1), product)

    # --- as a policy --------------------------------------------------------------------------------------

    def network(self, step: Step) -> BayesNet:
        """See `Networked.network`."""
        rows = self._rows(step)
        return BayesNet(self.graphs[rows], self.factors[:, rows], self.shape, self.names)

    def sample(self, step: Step, memory: None, streams: Streams) -> tuple[tuple[Array, ...], None]:
        """Joint actions int32[B, n]; one draw per stream."""
        from games.bayes_net_kernels import sample_listed

        rows = self._rows(step)
        out = np.empty((len(rows), len(self.shape)), dtype=np.int32)
        counts = np.array(self.shape, dtype=np.int64)
        sample_listed(streams.state, rows, self._order, self.factors, strides(self.shape), counts, out)
        return (out,), None

    @cached_property
    def _order(self) -> Array:
        """Topological orders int64[K, n]."""
        return np.argsort(depths(self.graphs), axis=1, kind="stable")

    def _rows(self, step: Step) -> Array:
        """The situation of every sub-environment, int64[B]."""
        if len(step.groups) != 1 or step.groups[0].row is None:
            raise InputError(
                "a network of tables plays where one group of agents stands in listed situations (View.row)"
            )
        row = step.groups[0].row
        if row.shape[1] != len(self.shape):
            raise InputError(f"a network of {len(self.shape)} agents cannot play for {row.shape[1]}")
        if (row != row[:, :1]).any():
            raise InputError(
                "a network of tables plays where all agents are in the same situation; here they differ"
            )
        if row.size and not (row.min() >= 0 and row.max() < self.situations):
            raise InputError(f"a network of {self.situations} situations does not list situation {row.max()}")
        return row[:, 0].astype(np.int64)

    def __repr__(self) -> str:
        edges = self.graphs.sum(axis=(1, 2)).mean() if self.situations else 0.0
        return (
            f"BayesNet({len(self.shape)} agents, {self.situations} situations, {edges:.3g} edges on average)"
        )

    def _repr_html_(self) -> str:
        from games.show import network_html

        return network_html(self)


def strides(shape: Sequence[int]) -> Array:
    """What one step of each agent's action adds to the number of a joint action, int64[n]."""
    return np.append(np.cumprod(np.array(shape[:0:-1], dtype=np.int64))[::-1], 1).astype(np.int64)


def parts(shape: Sequence[int], dag: Dag) -> tuple[Array, Array]:
    """What every agent sees of every joint action.

    Parameters
    ----------
    shape : sequence of int
        Number of actions of each agent.
    dag : Dag
        The graph.

    Returns
    -------
    own : int64[n, J]
        Each agent's own action.
    parents : int64[n, J]
        The number of its parents' joint action, in C order of the parents' numbers; 0 for agents without parents.
    """
    own = np.stack(np.unravel_index(np.arange(math.prod(shape)), tuple(shape))).astype(np.int64)
    seen = np.zeros_like(own)
    for i in range(len(shape)):
        for j in np.flatnonzero(dag.parents[:, i]).tolist():
            seen[i] = seen[i] * shape[j] + own[j]
    return own, seen


def _divergence(p: Array, q: Array) -> Array:
    """Kullback-Leibler divergence of each row of p[K, ...] from that of q, float64[K]; 0 log 0 = 0."""
    safe = np.where(p > 0, p, 1.0)
    terms = np.where(p > 0, p * (np.log(safe) - np.log(np.where(p > 0, q, 1.0))), 0.0)
    return np.maximum(terms.reshape(len(p), -1).sum(axis=1), 0.0)
