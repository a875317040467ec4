"""A tree game restricted to finitely many strategies per player: payoffs, mixtures and best responses to mixtures.

A player's strategy is its part of a realization plan, float64[S_i] (`solvers.sequences`): two behaviour strategies
that differ only where their own moves never lead are one plan. Payoffs are linear in every player's plan, so a
mixture of strategies is the mixture of their plans (Kuhn 1953: weighted by each player's own reach), and whatever the
others are to do, a player needs to know one vector, its gradient.

Where the others' mixture never leads, every move is a best one. Which is taken decides how fast populations close in on
equilibrium: here those are preferred that are better against the average member of the populations (`TIES`). On Leduc
poker the double oracle then ends after some two hundred iterations; with the first move it goes on for very long.

References: Lanctot et al. (2017), "A unified game-theoretic approach to multiagent reinforcement learning"; Marris et
al. (2021), "Multi-agent training beyond zero-sum with correlated equilibrium meta-solvers".
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from games.simplices import Float, Int
from games.tree import TreeGame
from solvers.best_response import from_plan, to_plan
from solvers.sequences import sequences_of

TIES = 1e-10
"""Best responses are best to the others' play with this share of their average play added: nearly what lexicographic
preference would give, at a loss of at most so many times the payoff span."""


class Best(NamedTuple):
    """A best response to given play of the others."""

    value: float
    """What the best strategy earns."""
    plan: Float
    """float64[S_i]: a pure strategy; of equally good moves the best against the average, then the first."""
    gradient: Float
    """float64[S_i]: ``plan @ gradient + common`` is what any plan of the player earns here."""


class RestrictedTree:
    """What populations of strategies earn against each other on a tree.

    Parameters
    ----------
    game : TreeGame
        Any number of players; perfect recall.

    Raises
    ------
    InputError
        If the game lacks perfect recall.
    """

    def __init__(self, game: TreeGame) -> None:
        self.game, self.form = game, sequences_of(game)
        self.players = self.form.players
        self._constant = game.constant_sum() if self.players == 2 else None
        self._x, self._h = np.ones(self.form.length), np.zeros(self.form.length)
        self._choice = np.empty(len(self.form.first), dtype=np.int32)

    def part(self, player: int) -> slice:
        """Where a player's sequences are among all."""
        return slice(int(self.form.starts[player]), int(self.form.starts[player + 1]))

    def plan(self, player: int, behavior: Float) -> Float:
        """A player's plan float64[S_i] in a behaviour strategy profile float64[slots]."""
        return to_plan(self.form, self.game.check_behavior(behavior))[self.part(player)]

    def behavior(self, plans: Sequence[Float]) -> Float:
        """The behaviour strategy profile float64[slots] of one plan per player; uniform where a plan never leads."""
        return from_plan(self.game, self.form, np.concatenate(plans))

    def mixed(self, populations: Sequence[Sequence[Float]], weights: Sequence[Float]) -> list[Float]:
        """For each player the plan of the mixture of its population with these weights."""
        return [np.asarray(w) @ np.stack(plans) for plans, w in zip(populations, weights)]

    # --- payoffs ------------------------------------------------------------------------------------------------

    def payoffs(self, blocks: Sequence[Sequence[Float]]) -> Float:
        """Expected payoffs float64[P, n_1, ..., n_P] of all profiles with one strategy of each player's block.

        O(E) for every combination of the strategies of all players but the one with the largest block.
        """
        table = np.empty((self.players, *map(len, blocks)))
        if not table.size:
            return table
        free = int(np.argmax([len(block) for block in blocks]))
        rest = [range(len(block)) if j != free else range(1) for j, block in enumerate(blocks)]
        stacked = np.stack(blocks[free])
        for cell in product(*rest):
            for j, k in enumerate(cell):
                if j != free:
                    self._x[self.part(j)] = blocks[j][k]
            where = tuple(slice(None) if j == free else k for j, k in enumerate(cell))
            for i in range(self.players):
                if i == 1 and self._constant is not None:
                    table[(1, *where)] = self._constant - table[(0, *where)]
                else:
                    table[(i, *where)] = stacked @ self._contracted(i, free) + self.form.common[i]
        return table

    def _contracted(self, owner: int, free: int) -> Float:
        """What each sequence of `free` earns `owner` against `_x`, float64[S_free]."""
        from solvers.restricted_kernels import contract

        form, h = self.form, self._h[self.part(free)]
        h[:] = 0.0
        contract(
            owner, free, form.players, form.starts, form.rows, form.others, form.weight, self._x, self._h
        )
        return h

    # --- best responses -----------------------------------------------------------------------------------------

    def best_to_plans(
        self, player: int, plans: Sequence[Float], average: Sequence[Float] | None = None
    ) -> Best:
        """A best response to others who play these plans independently; the player's own is not looked at.

        `average` are the plans by which ties are broken.
        """
        return self._best(player, self._gradient(player, plans), average)

    def _gradient(self, player: int, plans: Sequence[Float]) -> Float:
        for j, plan in enumerate(plans):
            if j != player:
                self._x[self.part(j)] = plan
        return self._contracted(player, player).copy()

    def best_to_cells(
        self,
        player: int,
        populations: Sequence[Sequence[Float]],
        cells: Int,
        probs: Float,
        average: Sequence[Float] | None = None,
    ) -> Best:
        """A best response to others who are drawn together.

        Parameters
        ----------
        player : int
            Who responds.
        populations : sequence of sequences of float64[S_i]
            Everybody's strategies.
        cells : int32[K, P]
            Profiles of strategies; the player's own are not looked at.
        probs : float64[K]
            Their probabilities.
        average : sequence of float64[S_i], optional
            Everybody's plans by which ties are broken.

        Notes
        -----
        The gradient is linear in each other player's plan, so profiles that differ only in one of them (the one with
        the largest population) cost one sweep together.
        """
        others = [j for j in range(self.players) if j != player]
        total = np.zeros(self.part(player).stop - self.part(player).start)
        if not others:
            return self.best_to_plans(player, [total], average)
        mixing = max(others, key=lambda j: len(populations[j]))
        rest = [j for j in others if j != mixing]
        keys, group = np.unique(np.asarray(cells)[:, rest], axis=0, return_inverse=True)
        weights = np.zeros((len(keys), len(populations[mixing])))
        np.add.at(weights, (group.ravel(), np.asarray(cells)[:, mixing]), probs)
        plans = weights @ np.stack(populations[mixing])
        for key, plan in zip(keys, plans):
            self._x[self.part(mixing)] = plan
            for j, k in zip(rest, key):
                self._x[self.part(j)] = populations[j][k]
            total += self._contracted(player, player)
        return self._best(player, total, average)

    def _best(self, player: int, gradient: Float, average: Sequence[Float] | None) -> Best:
        from solvers.restricted_kernels import follow

        form, part = self.form, self.part(player)
        value = self._swept(player, gradient) + float(form.common[player])
        if average is not None:
            self._swept(player, gradient + TIES * self._gradient(player, average))
        x = np.ones(form.length)
        start, stop = form.ranks[player], form.ranks[player + 1]
        follow(form.first, form.size, form.before, self._choice, x, start, stop)
        return Best(value, x[part], gradient)

    def _swept(self, player: int, gradient: Float) -> float:
        """What the best moves make of a gradient; the moves are left in `_choice`."""
        from solvers.sequence_kernels import best_up

        form, part = self.form, self.part(player)
        self._h[part] = gradient
        start, stop = form.ranks[player], form.ranks[player + 1]
        best_up(form.first, form.size, form.before, self._h, self._choice, start, stop)
        return float(self._h[part.start])

    def worth(self, player: int, plan: Float, best: Best) -> float:
        """What a plan of the player earns against the play that `best` responds to."""
        return float(plan @ best.gradient) + float(self.form.common[player])
