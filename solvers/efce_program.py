"""The linear program of optimal extensive-form correlation: plans, obedience, and what deviators can get.

Columns, in this order:

* xi(s, t) for every relevant pair of sequences;
* w(s) for every sequence of both players: what s and everything recommended after it contribute to the owner's
  payoff, w(s) = sum_t A(s, t) xi(s, t) + sum over the owner's information sets I after s of sum_a w(s a);
* v(k, I) for every trigger k and information set I below the one where k deviates: the most that a player who ignores
  the mediator from k on can get from I on;
* for the egalitarian objective, a lower bound on all players' payoffs.

An EFCE trigger is a sequence (I, a): recommended a at I, the player plays something else there and hears no more, so
the other's moves t follow with weight xi((I, a), t). An EFCCE trigger is an information set I: arriving there the
player deviates before hearing anything, and weights are xi(s_I, t). Each action b at I (but a itself, which later
triggers cover) and each move below gives one row,

    sum_t A(I b, t) xi(source, t) + sum of v(k, I') over information sets I' after I b  <=  w of the recommended moves,

with v(k, I) on the right below. References: von Stengel and Forges (2008), section 4; Farina, Bianchi and Sandholm
(2020), "Coarse correlation in extensive-form games".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from games.simplices import Float, Int
from games.tree import TreeGame
from solvers.correlation_plans import RelevantPairs
from solvers.pair_payoffs import packed, pair_payoffs, scaled

EMPTY = -1


class Triggers(NamedTuple):
    """Where one player may start to ignore the mediator."""

    source: Int
    """int64[T]: the recommended sequence that weighs the other's moves."""
    infoset: Int
    """int64[T]: where the player deviates."""
    coarse: bool
    """Whether the player deviates before the recommendation there."""


@dataclass
class Program:
    """A linear program in the making: rows with bounds, and entries by row and column.

    Parameters
    ----------
    pairs : RelevantPairs
        The first columns.
    spans, shifts : float64[2]
        Payoffs in the program are (payoff - shift) / span.
    """

    pairs: RelevantPairs
    spans: Float
    shifts: Float
    columns: int
    rows: int = 0
    row: list[Int] | Any = None
    column: list[Int] | Any = None
    value: list[Float] | Any = None
    high: list[Float] | Any = None
    equal: list[Any] | Any = None

    def __post_init__(self) -> None:
        self.row, self.column, self.value, self.high, self.equal = [], [], [], [], []

    def new_columns(self, count: int) -> int:
        """Reserve columns; the number of the first."""
        self.columns += count
        return self.columns - count

    def new_rows(self, count: int, equal: bool, high: float = 0.0) -> int:
        """Reserve rows ``= high`` or ``<= high``; the number of the first."""
        self.high.append(np.full(count, high))
        self.equal.append(np.full(count, equal))
        self.rows += count
        return self.rows - count

    def put(self, row: Any, column: Any, value: Any) -> None:
        """Entries of the matrix; arguments are broadcast against each other."""
        r, c, v = np.broadcast_arrays(row, column, np.asarray(value, dtype=np.float64))
        self.row.append(r.ravel())
        self.column.append(c.ravel())
        self.value.append(v.ravel())

    def bounds(self) -> tuple[Float, Float]:
        """Lower and upper bounds of the rows."""
        high, equal = np.concatenate(self.high), np.concatenate(self.equal)
        return np.where(equal, high, -np.inf), high

    def matrix(self) -> tuple[Int, Int, Float]:
        """The entries as compressed columns."""
        return packed(self.columns, *(np.concatenate(part) for part in (self.row, self.column, self.value)))


def build(game: TreeGame, pairs: RelevantPairs, coarse: bool) -> Program:
    """All constraints: flow, obedient payoffs and triggers of both players. No objective."""
    made = [scaled(u) for u in game.payoff]
    spans, shifts = np.array([m[2] for m in made]), np.array([m[1] for m in made])
    size = pairs.keys.size
    program = Program(pairs, spans, shifts, size + game.slots + 2)
    program.put(program.new_rows(1, True, 1.0), 0, 1.0)
    for player in range(2):
        _flow(program, game, player)
        side = _Side(game, pairs, player, made[player][0])
        _obedience(program, side)
        if game.spans[player] > 0:
            _deviations(program, side, _triggers(side, coarse))
    return program


class _Side:
    """The game as one player sees it."""

    def __init__(self, game: TreeGame, pairs: RelevantPairs, player: int, payoff: Float) -> None:
        self.game, self.pairs, self.player = game, pairs, player
        found = pair_payoffs(game, payoff)
        own, other = (found.first, found.second) if player == 0 else (found.second, found.first)
        order = np.argsort(own, kind="stable")
        self.own, self.other, self.weight = own[order], other[order], found.weight[order]
        self.infosets = np.flatnonzero(game.owner == player)
        by_entry = self.infosets[np.argsort(game.entry[self.infosets], kind="stable")]
        self.after, self.entries = by_entry, game.entry[by_entry]

    def pair(self, own: Int, other: Int) -> Int:
        """Columns of pairs of an own sequence and one of the other player."""
        return self.pairs.find(own, other) if self.player == 0 else self.pairs.find(other, own)

    def obedient(self, sequence: Any) -> Any:
        """Columns w(s) of own sequences."""
        sequence = np.asarray(sequence)
        first = self.pairs.keys.size
        return first + np.where(sequence == EMPTY, self.game.slots + self.player, sequence)

    def entries_of(self, sequence: Int) -> tuple[Int, Int]:
        """Payoff entries of each of these own sequences: which of them, and the entry's number."""
        return _ranges(np.searchsorted(self.own, sequence), np.searchsorted(self.own, sequence, side="right"))

    def infosets_after(self, sequence: Int) -> tuple[Int, Int]:
        """Own information sets that each of these sequences leads to at once: which of them, and the set."""
        low = np.searchsorted(self.entries, sequence)
        which, where = _ranges(low, np.searchsorted(self.entries, sequence, side="right"))
        return which, self.after[where]

    def moves(self, infoset: Int) -> tuple[Int, Int]:
        """Slots of each of these information sets: which of them, and the slot."""
        return _ranges(
            self.game.offsets[infoset].astype(np.int64), self.game.offsets[infoset + 1].astype(np.int64)
        )


def _ranges(low: Int, high: Int) -> tuple[Int, Int]:
    """The members of ranges low[k] to high[k] - 1, one after another: k, and the member."""
    count = high - low
    which = np.repeat(np.arange(len(low)), count)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(low, count)


def _flow(program: Program, game: TreeGame, player: int) -> None:
    """Recommendations at an information set add up to the one that leads there, given any relevant other sequence."""
    pairs = program.pairs
    own, other = (pairs.first, pairs.second) if player == 0 else (pairs.second, pairs.first)
    column = np.flatnonzero(own != EMPTY)
    infoset = game.infoset_of_slot[own[column]]
    key = infoset.astype(np.int64) * pairs.width + other[column] + 1
    kinds, first, row = np.unique(key, return_index=True, return_inverse=True)
    start = program.new_rows(kinds.size, True)
    program.put(start + row.ravel(), column, 1.0)
    before = game.entry[infoset[first]]
    sequences = (before, other[column[first]]) if player == 0 else (other[column[first]], before)
    program.put(start + np.arange(kinds.size), pairs.find(*sequences), -1.0)


def _obedience(program: Program, side: _Side) -> None:
    """w(s) = what s earns by itself plus w of all moves that come next."""
    game = side.game
    sequence = np.append(EMPTY, np.flatnonzero(game.owner[game.infoset_of_slot] == side.player))
    start = program.new_rows(sequence.size, True)
    program.put(start + np.arange(sequence.size), side.obedient(sequence), 1.0)
    which, entry = side.entries_of(sequence)
    program.put(start + which, side.pair(sequence[which], side.other[entry]), -side.weight[entry])
    which, infoset = side.infosets_after(sequence)
    at, slot = side.moves(infoset)
    program.put(start + which[at], side.obedient(slot), -1.0)


def _triggers(side: _Side, coarse: bool) -> Triggers:
    """Triggers at the player's information sets with a choice; those without one are covered by later ones."""
    game = side.game
    choice = side.infosets[np.diff(game.offsets)[side.infosets] > 1]
    if coarse:
        return Triggers(game.entry[choice].astype(np.int64), choice, True)
    at, slot = side.moves(choice)
    return Triggers(slot, choice[at], False)


def _deviations(program: Program, side: _Side, triggers: Triggers) -> None:
    """Rows for what a deviator can get at each trigger, level by level below it."""
    trigger = np.arange(triggers.source.size)
    at, slot = side.moves(triggers.infoset)
    trigger = trigger[at]
    if not triggers.coarse:
        other = slot != triggers.source[trigger]
        trigger, slot = trigger[other], slot[other]
    start = program.new_rows(trigger.size, False)
    row = start + np.arange(trigger.size)
    if triggers.coarse:
        which, heard = side.moves(triggers.infoset[trigger])
        program.put(row[which], side.obedient(heard), -1.0)
    else:
        program.put(row, side.obedient(triggers.source[trigger]), -1.0)
    while trigger.size:
        which, entry = side.entries_of(slot)
        program.put(
            row[which],
            side.pair(triggers.source[trigger[which]], side.other[entry]),
            side.weight[entry],
        )
        which, infoset = side.infosets_after(slot)
        value = program.new_columns(infoset.size) + np.arange(infoset.size)
        program.put(row[which], value, 1.0)
        at, slot = side.moves(infoset)
        trigger = trigger[which][at]
        row = program.new_rows(slot.size, False) + np.arange(slot.size)
        program.put(row, value[at], -1.0)
