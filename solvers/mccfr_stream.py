"""A tree as Monte Carlo CFR walks it: one stream of integers, each node next to its first child.

``stream[0]`` leads to the root. A node at position p >= 1 of the stream is

    a player's:  block, (actions << SHIFT) | owner, then where each action leads
    chance's:    -1 (uniform) or -2 - start of its alias table, number of moves, then where each move leads

and "where it leads" is a position, or ~row of the payoff table where play ends: terminal nodes cost no memory access
of their own. `block` is where the information set's 3 n numbers start in the table of what is learned. Left out are
choices between one action, chance moves of probability 0; chance moves that follow each other are drawn at once.
Payoffs are shifted and scaled to [-1/2, 1/2] per player, which changes no strategy.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from games.errors import InputError
from games.simplices import Float, Int
from games.tree import CHANCE, TERMINAL, TreeGame

SHIFT = 10
"""A player's node carries (number of actions << SHIFT) | owner."""
_KNOWN: WeakKeyDictionary[TreeGame, Stream] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Stream:
    """One game, ready to be walked. H information sets in play, U different payoff vectors, P players who decide.

    Parameters
    ----------
    code : int32[...]
        The stream.
    keep : float64[K]
    other : int32[K]
        Alias tables of the chance nodes that are not uniform.
    payoff : float64[U, max(P, 2)]
        Different payoff vectors of the players who decide anything, scaled; who is alone gets a silent opponent.
    starts, sizes : int32[H]
        Where the block of each information set in play starts, and its number of actions.
    place : int64[M]
        Where in the table the regrets of the actions in play are, and
    slot : int64[M]
        which positions of a flat behaviour strategy they belong to.
    depth, width : int
        Most decisions of one player on one path, and most actions they have together.
    """

    code: Int
    keep: Float
    other: Int
    payoff: Float
    starts: Int
    sizes: Int
    place: Int
    slot: Int
    depth: int
    width: int

    @property
    def length(self) -> int:
        """Length of the table of what is learned."""
        return 3 * len(self.slot)


def stream_of(game: TreeGame) -> Stream:
    """The stream of `game`, made once per game object. O(N log N).

    Raises
    ------
    InputError
        If the game lacks perfect recall, more than 1023 players decide something, or a choice has two million actions.
    """
    if game not in _KNOWN:
        game.require_perfect_recall("Monte Carlo CFR")
        if len(active_players(game)) >= 1 << SHIFT:
            raise InputError(f"Monte Carlo CFR takes at most {(1 << SHIFT) - 1} players who decide something")
        if game.slots and np.diff(game.offsets).max() >= 1 << (31 - SHIFT):
            raise InputError(f"Monte Carlo CFR takes at most {(1 << (31 - SHIFT)) - 1:,} actions at a choice")
        _KNOWN[game] = _build(game)
    return _KNOWN[game]


def active_players(game: TreeGame) -> Int:
    """The players who have a choice between actions somewhere."""
    return np.unique(game.owner[np.diff(game.offsets) > 1])


def _build(game: TreeGame) -> Stream:
    from solvers.mccfr_stream_kernels import alias, emit

    order, starts = _children(game)
    payoff, row = _payoffs(game)
    sizes = np.diff(game.offsets).astype(np.int64)
    code = np.zeros(1 + 3 * game.nodes, dtype=np.int32)
    block = np.full(len(game.owner), -1, dtype=np.int64)
    odds = np.zeros(game.nodes)
    work = np.empty((5, game.nodes + 1), dtype=np.int64)
    reach = np.empty((2, game.nodes + 1))
    kinds = np.array([CHANCE, TERMINAL])
    numbers = np.zeros(len(game.players), dtype=np.int64)
    numbers[active_players(game)] = np.arange(len(active_players(game)))
    used, moves = emit(
        numbers,
        game.player,
        game.infoset,
        game.chance,
        order,
        starts,
        row,
        sizes,
        block,
        kinds,
        code,
        odds,
        work,
        reach,
    )
    keep, other, small = (
        np.ones(moves),
        np.zeros(moves, dtype=np.int32),
        np.empty((2, moves + 1), dtype=np.int64),
    )
    alias(code, used, odds, keep, other, small)
    played = np.flatnonzero(block >= 0)
    played = played[np.argsort(block[played])]
    counts = sizes[played]
    inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    place = np.repeat(block[played], counts) + inside
    slot = np.repeat(game.offsets[played], counts) + inside
    depth, width = _longest(game, sizes)
    return Stream(
        code[:used].copy(), keep, other, payoff,
        block[played].astype(np.int32), counts.astype(np.int32), place, slot, depth, width,
    )  # fmt: skip


def _children(game: TreeGame) -> tuple[Int, Int]:
    """Children of all nodes, in order of the actions: those of node v are ``order[starts[v] : starts[v + 1]]``."""
    order = np.lexsort([game.slot, game.parent])[1:]
    return order, np.searchsorted(game.parent[order], np.arange(game.nodes + 1))


def _payoffs(game: TreeGame) -> tuple[Float, Int]:
    """The different payoff vectors, scaled, and which of them each node has."""
    active = active_players(game)
    payoff, spans = game.payoff[active], game.spans[active]
    middle = 0.5 * payoff.min(axis=1) + 0.5 * payoff.max(axis=1)
    scaled = np.zeros((max(2, len(active)), payoff.shape[1]))
    scaled[: len(active)] = (payoff - middle[:, None]) / np.where(spans > 0, spans, 1.0)[:, None]
    rows, which = np.unique(scaled.T, axis=0, return_inverse=True)
    row = np.full(game.nodes, -1, dtype=np.int64)
    row[game.terminals] = which.ravel()
    return np.ascontiguousarray(rows), row


def _longest(game: TreeGame, sizes: Int) -> tuple[int, int]:
    """Most decisions of one player along a path, and most actions at them together."""
    steps, actions = np.zeros(len(sizes) + 1, dtype=np.int64), np.zeros(len(sizes) + 1, dtype=np.int64)
    above = np.append(game.infoset_of_slot, -1)[game.entry]  # the own information set before, -1 for none
    for h in _parents_first(above):
        steps[h] = 1 + steps[above[h]]
        actions[h] = sizes[h] + actions[above[h]]
    return max(1, int(steps.max())), max(1, int(actions.max()))


def _parents_first(above: Int) -> list[int]:
    """Information sets so that each comes after the own one before it."""
    below: dict[int, list[int]] = {}
    for h, parent in enumerate(above.tolist()):
        below.setdefault(parent, []).append(h)
    order, waiting = [], below.get(-1, [])
    while waiting:
        order += waiting
        waiting = [h for parent in waiting for h in below.get(parent, [])]
    return order
