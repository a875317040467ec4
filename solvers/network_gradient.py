"""Softmax Bayesian-network policies in tabular Markov games: exact values and exact policy gradients.

Agent i holds a logit theta_i[k, u, b] for every situation k, joint action u of its parents and own action b, and plays
softmax_b theta_i[k, u, b]. Equations are those of Chen and Zhang (2023), Context-Aware Bayesian Network Actor-Critic Methods
for Cooperative Multi-Agent Reinforcement Learning, ICML:

    pi(a | s) = prod_i pi_i(a_i | s, a_Pa(i))                                                                         (1)
    dV/dtheta_i[s, u, b] = d(s) / (1 - gamma) pi(u | s) pi_i(b | s, u) (Q^i(s, u, b) - sum_c pi_i(c | s, u) Q^i(s, u, c))  (5)

Over a finite horizon situations are stages and states (t * S + s) and d(s) / (1 - gamma) is Pr(s_t = s). Every player's gradient
is that of its own value; where the reward is common that is the team's.

Letters: n agents, A1..An action counts, U_i joint actions of agent i's parents, J joint actions, S states, T stages,
K = T * S situations, L logits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from games.bayes_net import BayesNet, parts
from games.dag import Dag
from games.errors import InputError
from games.limits import available_bytes
from games.markov import MarkovGame
from games.simplices import Float, Int
from solvers import network_kernels as kernels


def as_read_only(array: Any) -> Any:
    """A view of an array in C order that cannot be written, so that kernels are compiled for one type and no other."""
    view = np.ascontiguousarray(array).view()
    view.setflags(write=False)
    return view


class Slope(NamedTuple):
    """Where a policy stands and where it rises."""

    values: Float  # float64[n]: every player's expected return
    gradient: Float  # float64[L]: of every player's own value with respect to its own logits


@dataclass(frozen=True, eq=False, repr=False)
class SoftmaxNetworks:
    """All softmax policies of a game in which agents know their parents' actions by one graph.

    A policy is a flat vector of logits, float64[L]: agent by agent, of each situation by situation, parents' joint action by
    joint action (C order of the parents' numbers) and action by action.

    Parameters
    ----------
    game : MarkovGame
        Discounted or of finite horizon.
    dag : Dag, str, array or networkx.DiGraph
        Who knows whom, in any form that `Dag.of` reads.

    Raises
    ------
    InputError
        If the graph is not one on the game's players, or the tables would not fit in memory.

    Examples
    --------
    >>> from games import load
    >>> game = MarkovGame.repeated(load("zoo:climbing"), horizon=1)
    >>> networks = SoftmaxNetworks(game, "complete")
    >>> networks.size, networks.slope(np.zeros(networks.size)).values.round(4).tolist()
    (12, [-3.4444, -3.4444])
    """

    game: MarkovGame
    dag: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "dag", Dag.of(self.dag, self.game.players))
        game = self.game
        situations = game.stages * game.size
        numbers = (len(game.players) + 4) * situations * game.profiles + 2 * self.size + game.size**2
        need, have = 8 * numbers, available_bytes()
        if need > have:
            raise InputError(
                f"the tables of networks on {situations:,} situations and {game.profiles:,} joint actions take "
                f"{need / 2**30:,.1f} GiB; about {have / 2**30:.1f} GiB of memory are available"
            )

    # --- layout -------------------------------------------------------------------------------------------

    @property
    def situations(self) -> int:
        """Number of situations, K = T * S."""
        return self.game.stages * self.game.size

    @cached_property
    def counts(self) -> Int:
        """Number of actions of each agent, int64[n]."""
        return np.array(self.game.shape, dtype=np.int64)

    @cached_property
    def widths(self) -> Int:
        """Logits of each agent in one situation, int64[n]: U_i * A_i."""
        told = np.where(self.dag.parents, self.counts[:, None], 1)
        return np.asarray(told.prod(axis=0) * self.counts, dtype=np.int64)

    @cached_property
    def bases(self) -> Int:
        """Where each agent's logits begin, int64[n + 1]; the last is L."""
        return np.concatenate([[0], np.cumsum(self.situations * self.widths)]).astype(np.int64)

    @cached_property
    def cells(self) -> Int:
        """Which of an agent's logits in a situation belongs to a joint action, int64[n, J]."""
        own, seen = parts(self.game.shape, self.dag)
        return np.ascontiguousarray(seen * self.counts[:, None] + own)

    @property
    def size(self) -> int:
        """Number of logits, L."""
        return int(self.bases[-1])

    # --- policies -----------------------------------------------------------------------------------------

    def random(self, rng: np.random.Generator, runs: int) -> Float:
        """Logits float64[runs, L] drawn from the standard normal distribution."""
        return rng.standard_normal((runs, self.size))

    def check(self, logits: Any) -> Float:
        """Logits as a new float64[..., L]; `InputError` if there are not L of them or one is not finite."""
        try:
            array = np.array(logits, dtype=np.float64, order="C")
        except (TypeError, ValueError):
            raise InputError("logits are an array of numbers, one row per policy") from None
        if array.ndim < 1 or array.shape[-1] != self.size:
            raise InputError(
                f"logits of shape {array.shape} do not end with {self.size}, one per situation, joint action of the "
                "parents and action of each agent"
            )
        if not np.isfinite(array).all():
            raise InputError("a logit is not finite; actions that are never played need a large negative one")
        return array

    def tables(self, logits: Any) -> list[Float]:
        """Every agent's distributions, float64[K, U_i, A_i], of logits float64[L]."""
        flat = self.check(logits)
        out = np.empty_like(flat)
        kernels.softmax_tables(flat, self.bases, self.counts, out)
        blocks = np.split(out, self.bases[1:-1])
        return [block.reshape(self.situations, -1, n) for block, n in zip(blocks, self.game.shape)]

    def policy(self, logits: Any) -> BayesNet:
        """The Bayesian network, on K = T * S situations, that logits float64[L] stand for."""
        return BayesNet.from_tables(self.dag, self.tables(logits))

    def logits(self, tables: Sequence[Any]) -> Float:
        """Logits float64[L] whose softmax is `tables`: float64[K, U_i, A_i] of every agent, all entries positive."""
        blocks = [np.asarray(table, dtype=np.float64) for table in tables]
        if [block.size for block in blocks] != np.diff(self.bases).tolist() or any(
            not (block > 0).all() for block in blocks
        ):
            raise InputError(
                "tables need a positive probability for every situation, joint action of the parents and action of each "
                "agent"
            )
        return self.check(np.concatenate([np.log(block).ravel() for block in blocks]))

    # --- values and gradients -----------------------------------------------------------------------------

    def slope(self, logits: Any) -> Slope:
        """Every player's value and the gradient (5) of it, exactly: one linear system, or backward induction.

        Parameters
        ----------
        logits : float64[L]
            A policy.
        """
        flat = self.check(logits).reshape(1, self.size)
        values, gradient = np.empty((self.tables_of_reward, 1, 1)), np.empty(self.size)
        work = self.workspace()
        kernels.climb(flat, 0.0, self.layout, self.numbers, work, 0, 1, values, np.zeros(1), gradient)
        return Slope(self.player_values(values)[0, 0].copy(), gradient)

    @property
    def tables_of_reward(self) -> int:
        """Reward tables that differ, C: one if the reward is common."""
        return 1 if self.game.has_common_reward else len(self.game.players)

    @cached_property
    def layout(self) -> tuple[Int, ...]:
        """What kernels know of the layout: bases, counts, widths, cells, and each agent's reward table int64[n]."""
        table_of = np.arange(len(self.counts)) % self.tables_of_reward
        return self.bases, self.counts, self.widths, self.cells, table_of

    @cached_property
    def lows(self) -> Float:
        """The smallest reward of each table, float64[C]: values are computed above it, lest differences drown in rounding."""
        return np.asarray(self.game.flat_reward[: self.tables_of_reward].min(axis=(1, 2)))

    @cached_property
    def numbers(self) -> tuple[Float, Float, Float, float]:
        """What kernels know of the game: rewards float64[C, S, J] above `lows`, transitions, start, discount (1: finite)."""
        game = self.game
        reward = game.flat_reward[: self.tables_of_reward] - self.lows[:, None, None]
        return (
            reward,
            as_read_only(game.flat_transition),
            as_read_only(game.initial),
            1.0 if game.discount is None else float(game.discount),
        )

    def workspace(self) -> tuple[Any, ...]:
        """Arrays that kernels write: tables, joint, choices, values, weights, system, pivots."""
        kinds, joint = self.tables_of_reward, (self.situations, self.game.profiles)
        square = self.game.size if self.game.discount is not None else 0
        return (
            np.empty(self.size),
            np.empty(joint),
            np.empty((kinds, *joint)),
            np.empty((kinds, self.situations)),
            np.empty(self.situations),
            np.empty((square, square)),
            np.empty(square, dtype=np.int64),
        )

    def player_values(self, values: Float) -> Float:
        """Returns float64[B, X, n] of every player from values float64[C, B, X] above `lows`."""
        game = self.game
        steps = float(game.horizon or 0) if game.discount is None else 1.0 / (1.0 - game.discount)
        whole = np.moveaxis(values + (self.lows * steps)[:, None, None], 0, -1)
        return np.broadcast_to(whole, (*whole.shape[:-1], len(game.players)))

    def __repr__(self) -> str:
        return f"SoftmaxNetworks({self.dag!r} on {self.game!r}, {self.size:,} logits)"
