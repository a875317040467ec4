"""Pure strategies of a game tree: what a player has chosen on the way to each node, and the strategies' tables.

A pure strategy fixes one action at each of a player's information sets. In the reduced form it says nothing
about information sets that its own earlier choices exclude; the full form lists every combination. Both exist
without perfect recall too: a path that would need two different actions at one information set is followed by no
pure strategy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from games.efg import CHANCE, EfgTree
from games.errors import InputError
from games.limits import available_bytes

UNREACHED = -1
DEAD = -1
"""In place of a sequence: the player would have to contradict itself on the way here."""
_MANY = 10**200
_MOST_WORK = 100_000_000
"""Rows looked at before the strategies of a player with imperfect recall are given up, after about ten seconds."""

Table = NDArray[np.int32]
"""int32[strategies, infosets of the player]: the action chosen, or `UNREACHED`."""
Column = NDArray[np.int32]


@dataclass
class Sequences:
    """Own choices on the way to nodes, as a tree of its own: sequence s is (parent, infoset, action), 0 is empty.

    A choice that repeats one already made at the same infoset adds nothing; behind one that contradicts it, the
    player's sequence is `DEAD`.
    """

    parent: list[int] = field(default_factory=lambda: [0])
    infoset: list[int] = field(default_factory=lambda: [-1])
    action: list[int] = field(default_factory=lambda: [-1])
    known: dict[tuple[int, int, int], int] = field(default_factory=dict)
    entries: list[dict[int, None]] = field(default_factory=list)
    """For each infoset, the sequences of its player that lead to it."""
    terminal: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """For each terminal node that pure strategies can reach, the sequence of every player."""

    @classmethod
    def of(cls, tree: EfgTree) -> Sequences:
        """Walk the tree in preorder, undoing choices on the way back up."""
        self = cls(entries=[{} for _ in tree.infosets])
        player, infoset, action = tree.player.tolist(), tree.infoset.tolist(), tree.action.tolist()
        current = [0] * len(tree.players)
        chosen: dict[int, int] = {}
        path: list[tuple[int, int, int]] = []  # node, mover on the way in, the mover's sequence before that
        decided: list[int] = []  # infoset first chosen at on the way into each node of the path, or -1
        for node, above in enumerate(tree.parent.tolist()):
            while path and path[-1][0] != above:
                _, mover, before = path.pop()
                h = decided.pop()
                if mover >= 0:
                    current[mover] = before
                if h >= 0:
                    del chosen[h]
            mover = player[above] if above >= 0 else CHANCE
            path.append((node, mover, current[mover] if mover >= 0 else 0))
            first = mover >= 0 and infoset[above] not in chosen
            decided.append(infoset[above] if first else -1)
            if first:
                chosen[infoset[above]] = action[node]
                current[mover] = self.extend(current[mover], infoset[above], action[node])
            elif mover >= 0 and chosen[infoset[above]] != action[node]:
                current[mover] = DEAD
            self._note(node, player[node], infoset[node], current, chosen)
        return self

    def _note(self, node: int, player: int, infoset: int, current: list[int], chosen: dict[int, int]) -> None:
        """Record how a node is reached."""
        if infoset < 0:
            if DEAD not in current:
                self.terminal[node] = tuple(current)
        elif player >= 0 and current[player] != DEAD and infoset not in chosen:
            self.entries[infoset][current[player]] = None

    def extend(self, sequence: int, infoset: int, action: int) -> int:
        """The sequence that continues with this choice."""
        if sequence == DEAD:
            return DEAD
        key = (sequence, infoset, action)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = len(self.parent)
            self.parent.append(sequence)
            self.infoset.append(infoset)
            self.action.append(action)
        return found

    def is_single(self, own: list[int]) -> bool:
        """Whether each of these infosets is entered with one own history, as perfect recall has it."""
        return all(len(self.entries[h]) <= 1 for h in own)

    def is_ordered(self, own: list[int]) -> bool:
        """Whether, besides, each infoset comes after the one that its history ends with."""
        return self.is_single(own) and all(self.infoset[s] < h for h in own for s in self.entries[h])


# --- pure strategies -----------------------------------------------------------------------------------------


def count(tree: EfgTree, sequences: Sequences, own: list[int], form: str) -> int:
    """Number of pure strategies, or a lower bound (1) for the reduced form without perfect recall."""
    if form == "full":
        return min(math.prod(len(tree.infosets[h].actions) for h in own), _MANY)
    if not sequences.is_single(own):
        return 1
    below: dict[int, int] = {}  # ways to choose at everything entered with a sequence
    entered = (h for h in own if sequences.entries[h])
    for h in sorted(entered, key=lambda h: min(sequences.entries[h]), reverse=True):
        (entry,) = sequences.entries[h]
        after = (sequences.known[entry, h, a] for a in range(len(tree.infosets[h].actions)))
        below[entry] = min(below.get(entry, 1) * sum(below.get(s, 1) for s in after), _MANY)
    return below.get(0, 1)


def most_rows(infosets: int) -> int:
    """How many strategies of a player with this many infosets may be listed: their tables and names take memory."""
    return available_bytes() // (100 + 16 * infosets)


def combinations(sizes: list[int]) -> Table:
    """Every combination of actions, the first infoset varying slowest."""
    rows = np.arange(math.prod(sizes))
    table = np.empty((rows.size, len(sizes)), dtype=np.int32, order="F")
    for k in reversed(range(len(sizes))):
        table[:, k] = rows % sizes[k]
        rows //= sizes[k]
    return table


def reduced(tree: EfgTree, sequences: Sequences, own: list[int], limit: int) -> Table:
    """Pure strategies that choose exactly where their own choices lead.

    Starts from the empty strategy and splits it, each time at the first infoset that it reaches and has not
    chosen at. With perfect recall one pass does it and the order is lexicographic. Columns are kept at hand only
    while splits depend on them; the table is put together at the end from where each row came from.
    """
    once = sequences.is_ordered(own)
    last_use = {sequences.infoset[s]: k for k, h in enumerate(own) for s in sequences.entries[h]}
    columns: dict[int, Column] = {}
    steps: list[tuple[int, Column, Column]] = []  # column, origin of each row, what it chose
    first_use: dict[int, int] = {}
    rows, k, work = 1, 0, 0
    while k < len(own):
        h = own[k]
        work += rows * len(sequences.entries[h])
        if work > _MOST_WORK and not once:
            raise InputError(
                f"player {tree.infosets[h].player + 1} has imperfect recall at {len(own):,} information sets and "
                f"over {rows:,} pure strategies, too many to list in reasonable time"
            )
        to_split = _reached(sequences, columns, rows, h, once)
        if h in columns:
            to_split &= columns[h] == UNREACHED
        found = int(to_split.sum())
        split = k
        k += 1
        if not found:
            continue
        if not once:
            k = min(k, _first_use(sequences, own, first_use, h))  # a split may open an earlier infoset
        size = len(tree.infosets[h].actions)
        rows += found * (size - 1)
        if rows > limit:
            player = tree.infosets[h].player + 1
            raise InputError(
                f"the reduced strategic form would not fit in memory: player {player} has over {limit:,} strategies"
            )
        repeats = np.where(to_split, size, 1)
        origin = np.repeat(np.arange(len(repeats), dtype=np.int32), repeats)
        before = columns.pop(h, np.full(len(repeats), UNREACHED, dtype=np.int32))
        columns = {g: column[origin] for g, column in columns.items() if not once or last_use[g] > split}
        chosen = before[origin]
        chosen[to_split[origin]] = np.tile(np.arange(size, dtype=np.int32), found)
        steps.append((split, origin, chosen))
        if not once or last_use.get(h, -1) > split:
            columns[h] = chosen
    return _assemble(steps, rows, len(own))


def _first_use(sequences: Sequences, own: list[int], known: dict[int, int], h: int) -> int:
    """Position of the first infoset that is entered by way of infoset h; `known` is filled at the first call."""
    if not known:
        for k, entered in enumerate(own):
            for s in sequences.entries[entered]:
                while s:
                    known.setdefault(sequences.infoset[s], k)
                    s = sequences.parent[s]
        known.setdefault(-1, 0)
    return known.get(h, len(own))


def _assemble(steps: list[tuple[int, Column, Column]], rows: int, infosets: int) -> Table:
    """The table that a series of splits leads to, from the last split back to the first."""
    table = np.full((rows, infosets), UNREACHED, dtype=np.int32, order="F")
    index: NDArray[Any] = np.arange(rows)
    for k, origin, chosen in reversed(steps):
        column = table[:, k]
        np.copyto(column, chosen[index], where=column == UNREACHED)
        index = origin[index]
    return table


def _reached(
    sequences: Sequences, columns: dict[int, Column], rows: int, h: int, once: bool
) -> NDArray[np.bool_]:
    """bool[rows]: which partial strategies reach infoset h."""
    reached = np.zeros(rows, dtype=bool)
    for entry in sequences.entries[h]:
        follows = np.ones(rows, dtype=bool)
        s = entry
        while s and follows.any():
            column = columns.get(sequences.infoset[s])
            follows &= False if column is None else column == sequences.action[s]
            s = 0 if once else sequences.parent[s]  # with one entry, the last choice implies those before
        reached |= follows
    return reached


def labels(table: Table, tree: EfgTree, own: list[int]) -> list[str]:
    """Names of strategies: action numbers, `*` where nothing is chosen; dots between numbers above 9."""
    if not own:
        return ["*"]
    if max(len(tree.infosets[h].actions) for h in own) <= 9:
        letters = np.where(table == UNREACHED, ord("*"), table + ord("1")).astype(np.uint8, order="C")
        joined = letters.tobytes().decode("ascii")
        return [joined[k : k + len(own)] for k in range(0, len(joined), len(own))]
    return [".".join("*" if a == UNREACHED else str(a + 1) for a in row) for row in table.tolist()]
