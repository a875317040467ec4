"""The tree of an OpenSpiel game, walked through its states; OpenSpiel itself is imported by `from_openspiel` only."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from games.efg import CHANCE, TERMINAL, EfgInfoset, EfgTree
from games.errors import InputError
from games.limits import check_fits

MAX_NODES = 250_000
"""A tree with more nodes than this is refused: few such trees have a strategic form that fits in memory."""
_FIRST_CHECK = 1_000  # nodes; then at every doubling
_MANY = 10**200

Sequence = tuple[int, int]
"""A player's last choice: information set and action."""
ROOT: Sequence = (-1, -1)


@dataclass
class _Walk:
    """The tree so far: one row per node in preorder, information sets and outcomes in order of appearance."""

    players: int
    rows: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    infosets: list[EfgInfoset] = field(default_factory=list)
    numbers: dict[Any, int] = field(default_factory=dict)
    outcomes: dict[tuple[float, ...], int] = field(default_factory=dict)
    entries: list[Sequence] = field(default_factory=list)
    """For each information set, its owner's last choice before it was first met."""
    next_check: int = _FIRST_CHECK

    def __post_init__(self) -> None:
        self.outcomes[(0.0,) * self.players] = 0

    def node(self, parent: int, action: int, player: int, infoset: int, outcome: int = 0) -> int:
        """Add a node; every now and then, see whether the game is hopelessly large."""
        self.rows.append((player, infoset, parent, action, outcome))
        if len(self.rows) == self.next_check:
            self.next_check *= 2
            self._check_plans()
        if len(self.rows) > MAX_NODES:
            raise InputError(f"the game tree has more than {MAX_NODES:,} nodes")
        return len(self.rows) - 1

    def _check_plans(self) -> None:
        counts = self.plans()
        try:
            check_fits(counts, f"the strategic form, as far as {len(self.rows):,} nodes of the tree show,")
        except InputError as error:
            sizes = " x ".join(f"{n:,}" if n < 10**9 else f"{float(n):.2g}" for n in counts)
            raise InputError(f"{error} (strategies: at least {sizes})") from None

    def plans(self) -> list[int]:
        """How many reduced strategies each player has in the part of the tree seen so far."""
        after: dict[Sequence, int] = {}
        totals = [1] * self.players
        for h in reversed(range(len(self.infosets))):
            block = self.infosets[h]
            if block.player == CHANCE:
                continue
            ways = sum(after.get((h, a), 1) for a in range(len(block.actions)))
            before = self.entries[h]
            if before == ROOT:
                totals[block.player] = min(totals[block.player] * ways, _MANY)
            else:
                after[before] = min(after.get(before, 1) * ways, _MANY)
        return totals

    def infoset(
        self,
        key: Any,
        player: int,
        actions: tuple[str, ...],
        entry: Sequence,
        chance: tuple[Fraction, ...] = (),
    ) -> int:
        """The number of an information set, new or known."""
        found = self.numbers.get(key)
        if found is None:
            found = self.numbers[key] = len(self.infosets)
            name = "" if player == CHANCE else str(key[1])
            self.infosets.append(EfgInfoset(player, found + 1, name, actions, chance))
            self.entries.append(entry)
        elif len(self.infosets[found].actions) != len(actions):
            raise InputError(
                f"information state {key[1]!r} of player {player} has {len(self.infosets[found].actions)} actions "
                f"at one node and {len(actions)} at another"
            )
        return found


@dataclass(frozen=True)
class _Todo:
    """A node to be added: the state there, and how play came to it."""

    state: Any
    parent: int
    action: int
    last: tuple[Sequence, ...]
    """Each player's last choice so far."""
    chosen: tuple[int, ...] = ()
    """At a simultaneous node, what players 0, 1, ... have already chosen."""
    move: int | None = None
    """An action still to be applied to `state`, so that siblings are not all copied at once."""


def walk(game: Any) -> EfgTree:
    """The tree of an OpenSpiel game, walked once in preorder; moves without a choice are made and left out.

    Raises
    ------
    InputError
        If the tree has more than `MAX_NODES` nodes or shows that its strategic form cannot fit in memory.
    """
    tree = _Walk(game.num_players())
    by_string = game.get_type().provides_information_state_string
    pending = [_Todo(game.new_initial_state(), -1, -1, (ROOT,) * tree.players)]
    while pending:
        pending.extend(reversed(_visit(tree, pending.pop(), by_string)))
    columns = np.array(tree.rows, dtype=np.int32).T.copy()
    return EfgTree(
        title=str(game),
        comment="",
        players=tuple(f"Player {i + 1}" for i in range(tree.players)),
        player=columns[0],
        infoset=columns[1],
        parent=columns[2],
        action=columns[3],
        outcome=columns[4],
        names=("",) * len(tree.rows),
        infosets=tuple(tree.infosets),
        outcome_names=("",) * len(tree.outcomes),
        outcome_payoffs=tuple(tuple(map(_fraction, row)) for row in tree.outcomes),
    )


def _visit(tree: _Walk, todo: _Todo, by_string: bool) -> list[_Todo]:
    """Add a node, after any moves without a choice, and return what follows it, in order."""
    state, chosen = todo.state, todo.chosen
    if todo.move is not None:
        state = state.child(todo.move)
    while True:
        if state.is_terminal():
            returns = tuple(float(u) for u in state.returns())
            outcome = tree.outcomes.setdefault(returns, len(tree.outcomes))
            tree.node(todo.parent, todo.action, TERMINAL, -1, outcome)
            return []
        if state.is_chance_node():
            moves = [(a, p) for a, p in state.chance_outcomes() if p > 0]
            if len(moves) > 1:
                return _chance(tree, todo, state, moves)
            state = state.child(moves[0][0])
        elif state.is_simultaneous_node():
            mover = len(chosen)
            if mover == tree.players:
                state = state.clone()  # the other joint moves start from the same state
                state.apply_actions(chosen)
                chosen = ()
                continue
            legal = state.legal_actions(mover) or [0]
            if len(legal) > 1:
                break
            chosen = (*chosen, legal[0])
        else:
            mover = state.current_player()
            legal = state.legal_actions()
            if len(legal) > 1:
                break
            state = state.child(legal[0])
    view = state.information_state_string(mover) if by_string else tuple(state.history())
    names = tuple(state.action_to_string(mover, a) for a in legal)
    infoset = tree.infoset((mover, view), mover, names, todo.last[mover])
    node = tree.node(todo.parent, todo.action, mover, infoset)
    after = [(*todo.last[:mover], (infoset, k), *todo.last[mover + 1 :]) for k in range(len(legal))]
    if state.is_simultaneous_node():
        return [_Todo(state, node, k, after[k], (*chosen, a)) for k, a in enumerate(legal)]
    return [_Todo(state, node, k, after[k], move=a) for k, a in enumerate(legal)]


def _chance(tree: _Walk, todo: _Todo, state: Any, moves: list[tuple[int, float]]) -> list[_Todo]:
    names = tuple(state.action_to_string(CHANCE, a) for a, _ in moves)
    odds = _odds(tuple(p for _, p in moves))
    infoset = tree.infoset((CHANCE, names, odds), CHANCE, names, ROOT, odds)
    node = tree.node(todo.parent, todo.action, CHANCE, infoset)
    return [_Todo(state, node, k, todo.last, move=a) for k, (a, _) in enumerate(moves)]


@cache
def _odds(probabilities: tuple[float, ...]) -> tuple[Fraction, ...]:
    """Chance as exact fractions that sum to one; 0.333... is taken to mean 1/3."""
    rough = [_fraction(p) for p in probabilities]
    return tuple(p / sum(rough) for p in rough)


def _fraction(value: float) -> Fraction:
    """The simplest fraction that is this float to within a few units of its last place."""
    simple = Fraction(value).limit_denominator(1_000_000)
    return simple if abs(float(simple) - value) <= 4e-16 * max(abs(value), 1e-300) else Fraction(value)
