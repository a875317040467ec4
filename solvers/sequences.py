"""The sequence form of a tree: what numba sweeps instead of nodes.

A player's sequence is the list of own moves on a path; with perfect recall each move at each information set ends
exactly one sequence. A realization plan x gives every sequence the product of its own move probabilities, so the
probability of a terminal node is chance times the product of the players' plans, and everything a player needs to
know of the others is linear in one vector: the gradient

    g_i[s] = sum over terminals z that player i reaches by exactly s of chance(z) u_i(z) prod_{j != i} x_j[seq_j(z)].

Terminals that share all sequences are one entry; chance moves disappear. Sequences of all players are numbered
together: player i's are `starts[i]` (the empty one) up to `starts[i + 1]`. Information sets ("ranks") are numbered
by player and, within a player, parents before children.

References: Koller, Megiddo and von Stengel (1996); von Stengel (1996).
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from games.simplices import Float, Int
from games.tree import TreeGame

_KNOWN: WeakKeyDictionary[TreeGame, Sequences] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Sequences:
    """The sequence form of one game. S sequences, I information sets, P players, E entries.

    Parameters
    ----------
    players : int
        P.
    starts : int32[P + 1]
        Sequences of player i are ``starts[i]`` (the empty one) to ``starts[i + 1] - 1``.
    ranks : int32[P + 1]
        Information sets of player i are ranks ``ranks[i]`` to ``ranks[i + 1] - 1``.
    first, size : int32[I]
        The sequences that end with a move at a rank are ``first`` to ``first + size - 1``.
    before : int32[I]
        The owner's sequence that leads to a rank.
    infoset : int32[I]
        Which information set of the game a rank is.
    slot : int32[S]
        The position of a sequence's last move in a flat behaviour strategy; -1 for empty sequences.
    rows : int64[S + 1]
        Entries of sequence s, in the gradient of its player, are ``rows[s]`` to ``rows[s + 1] - 1``.
    others : int32[E, max(P - 1, 1)]
        Sequences of the other players, in player order, that an entry's plays follow.
    weight : float64[E]
        Chance times the owner's payoff above `common`, summed over those plays. Entries of every player stand one after
        another.
    common : float64[P]
        What was taken off all payoffs of a player: next to a large common part regrets would drown in rounding.
    """

    players: int
    starts: Int
    ranks: Int
    first: Int
    size: Int
    before: Int
    infoset: Int
    slot: Int
    rows: Int
    others: Int
    weight: Float
    common: Float

    @property
    def length(self) -> int:
        """S, the number of sequences of all players."""
        return int(self.starts[-1])

    @property
    def by_slot(self) -> Int:
        """int32[slots + 1]: the sequence that each slot's move ends; the last entry, for slot -1, is -1."""
        return sequence_by_slot(self.slot)


def sequences_of(game: TreeGame) -> Sequences:
    """The sequence form of `game`, made once per game object. O(N + Z P log Z).

    Raises
    ------
    InputError
        If the game lacks perfect recall.
    """
    if game not in _KNOWN:
        game.require_perfect_recall("the sequence form")
        _KNOWN[game] = _build(game)
    return _KNOWN[game]


def _build(game: TreeGame) -> Sequences:
    players = len(game.players)
    infoset = np.argsort(game.owner, kind="stable").astype(np.int32)  # by player, then first appearance
    counts = np.bincount(game.owner, minlength=players)
    ranks = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    size = np.diff(game.offsets)[infoset].astype(np.int32)
    owner = game.owner[infoset]
    first = (np.cumsum(size) - size + owner + 1).astype(np.int32)  # owner + 1 empty sequences come earlier
    moves = np.bincount(owner, weights=size, minlength=players).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(moves + 1)]).astype(np.int32)
    slot = np.full(int(starts[-1]), -1, dtype=np.int32)
    inside = np.arange(game.slots) - np.repeat(np.cumsum(size) - size, size)
    ends = np.repeat(first, size) + inside
    slot[ends] = np.repeat(game.offsets[infoset], size) + inside
    sequence = sequence_by_slot(slot)
    entry = game.entry[infoset]
    before = np.where(entry >= 0, sequence[entry], starts[owner]).astype(np.int32)
    at_end = game.last_slots[:, game.terminals]
    paths = np.where(at_end >= 0, sequence[at_end], starts[:-1, None]).astype(np.int32)
    common = _common(game)
    rows, others, weight = _entries(game, game.payoff - common[:, None], paths, int(starts[-1]))
    return Sequences(players, starts, ranks, first, size, before, infoset, slot, rows, others, weight, common)


def sequence_by_slot(slot: Int) -> Int:
    """The inverse of `Sequences.slot`; see `Sequences.by_slot`."""
    moves = np.flatnonzero(slot >= 0)
    sequence = np.full(moves.size + 1, -1, dtype=np.int32)
    sequence[slot[moves]] = moves
    return sequence


def _common(game: TreeGame) -> Float:
    """float64[P]: the smallest payoff of players whose payoffs are large of one sign next to their range, else 0."""
    low, high = game.payoff.min(axis=1), game.payoff.max(axis=1)
    alike = np.sign(low) * np.sign(high) > 0
    narrow = 0.5 * high - 0.5 * low < 0.25 * np.maximum(np.abs(low), np.abs(high))  # halves cannot overflow
    return np.where(alike & narrow, low, 0.0)


def _entries(game: TreeGame, payoff: Float, paths: Int, length: int) -> tuple[Int, Int, Float]:
    """Gradient entries of every player, by own sequence; plays with the same sequences merged, zeros left out."""
    players = len(paths)
    chance = game.chance_reach[game.terminals]
    width = max(players - 1, 1)
    counts = np.zeros(length, dtype=np.int64)
    others, weights = [], []
    for i in range(players):
        keys = [i, *(j for j in range(players) if j != i)]
        order = np.lexsort([paths[j] for j in reversed(keys)])
        columns = paths[keys][:, order]
        new = np.ones(len(order), dtype=bool)
        new[1:] = np.any(columns[:, 1:] != columns[:, :-1], axis=0)
        heads = np.flatnonzero(new)
        weight = np.add.reduceat((chance * payoff[i])[order], heads)
        heads, weight = heads[weight != 0], weight[weight != 0]
        np.add.at(counts, columns[0, heads], 1)
        table = np.zeros((len(heads), width), dtype=np.int32)
        table[:, : players - 1] = columns[1:, heads].T
        others.append(table)
        weights.append(weight)
    rows = np.concatenate([[0], np.cumsum(counts)])
    return rows, np.ascontiguousarray(np.concatenate(others)), np.concatenate(weights)
