"""How likely chance and the other players lead to each information set: what turns counterfactual into conditional values.

For information set I of player i and a realization plan x of all players,

    reach_I(x) = sum over nodes n of I of chance(n) prod_{j != i} x_j[seq_j(n)],

a sum over the distinct combinations of the others' sequences at the nodes of I. A counterfactual value of a move at I
(`solvers.sequence_kernels.sum_up`) divided by it is the owner's expected payoff given that I is reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from games.simplices import Float, Int
from games.tree import TreeGame
from solvers.sequences import Sequences, sequences_of

_KNOWN: WeakKeyDictionary[TreeGame, Reaches] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Reaches:
    """The reach entries of the information sets of one game, R of them.

    Parameters
    ----------
    rows : int64[I + 1]
        Entries of rank k (see `Sequences`) are ``rows[k]`` to ``rows[k + 1] - 1``.
    others : int32[R, max(P - 1, 1)]
        Sequences of the other players, in player order, that lead to an entry's nodes.
    weight : float64[R]
        Probability of chance's moves towards those nodes, summed; never 0.
    """

    rows: Int
    others: Int
    weight: Float

    @property
    def arrays(self) -> tuple[Any, ...]:
        """The arrays in the order in which kernels take them."""
        return self.rows, self.others, self.weight


def reaches_of(game: TreeGame) -> Reaches:
    """The reach entries of `game`, made once per game object. O(N P log N).

    Raises
    ------
    InputError
        If the game lacks perfect recall.
    """
    if game not in _KNOWN:
        _KNOWN[game] = _build(game, sequences_of(game))
    return _KNOWN[game]


def _build(game: TreeGame, form: Sequences) -> Reaches:
    players, infosets = form.players, len(form.first)
    sequence = form.by_slot
    rank = np.empty(infosets, dtype=np.int64)
    rank[form.infoset] = np.arange(infosets)
    chance = game.chance_reach
    counts = np.zeros(infosets, dtype=np.int64)
    others, weights = [], []
    for i in range(players):
        nodes = np.flatnonzero((game.player == i) & (chance > 0))
        table = np.zeros((len(nodes), max(players - 1, 1)), dtype=np.int32)
        for column, j in enumerate(j for j in range(players) if j != i):
            last = game.last_slots[j, nodes]
            table[:, column] = np.where(last >= 0, sequence[last], form.starts[j])
        keys = rank[game.infoset[nodes]]
        order = np.lexsort([*table.T[::-1], keys])
        table, keys = table[order], keys[order]
        new = np.ones(len(order), dtype=bool)
        new[1:] = (keys[1:] != keys[:-1]) | np.any(table[1:] != table[:-1], axis=1)
        heads = np.flatnonzero(new)
        np.add.at(counts, keys[heads], 1)
        others.append(table[heads])
        weights.append(np.add.reduceat(chance[nodes][order], heads) if heads.size else np.empty(0))
    rows = np.concatenate([[0], np.cumsum(counts)])
    return Reaches(rows, np.ascontiguousarray(np.concatenate(others)), np.concatenate(weights))
