"""The tree of an OpenSpiel game, walked once through its states into flat arrays.

OpenSpiel itself is imported by `from_openspiel` only; here its states are objects with methods. Forced moves and
certain chance are made and left out; players who move at the same time become players who move in turn without
seeing it.
"""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from games.errors import InputError
from games.limits import available_bytes
from games.tree import CHANCE, TERMINAL, TreeGame
from games.tree_build import simplest

MAX_NODES = 5_000_000
"""A tree with more nodes than this is refused unless the caller allows more."""

Progress = Callable[[float, str], None]

_SIMULTANEOUS, _END = -2, -4  # OpenSpiel's names for who is to move; its chance is -1, as ours
_STRIDE = 4_096  # nodes between two looks at the clock
_SECONDS = 0.1  # between two reports
_DIVES, _FAR = 64, 8.0


@dataclass(slots=True)
class _Walk:
    """The tree so far: one entry per node in preorder, information sets in order of appearance."""

    name: str
    players: int
    max_nodes: int
    progress: Progress | None
    player: array[int] = field(default_factory=lambda: array("i"))
    infoset: array[int] = field(default_factory=lambda: array("i"))
    parent: array[int] = field(default_factory=lambda: array("i"))
    slot: array[int] = field(default_factory=lambda: array("i"))
    chance: array[float] = field(default_factory=lambda: array("d"))
    payoff: array[float] = field(default_factory=lambda: array("d"))
    owner: array[int] = field(default_factory=lambda: array("i"))
    offsets: array[int] = field(default_factory=lambda: array("i", [0]))
    names: list[str] = field(default_factory=list)
    actions: list[tuple[str, ...]] = field(default_factory=list)
    known: tuple[dict[Any, tuple[int, int, list[int]]], ...] = ()
    """For each player, by what it knows: the information set, its first slot and its legal actions."""
    odds: dict[tuple[float, ...], tuple[float, ...]] = field(default_factory=dict)
    words: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    note: Callable[[Any, int], None] | None = None
    """Told the first state of every information set, in the order of their numbers, and whose it is."""
    letters: int = 0
    most_letters: int = 0
    last_look: float = 0.0

    def __post_init__(self) -> None:
        self.known = tuple({} for _ in range(self.players))
        self.most_letters = available_bytes() // 4
        self.last_look = time.monotonic()

    def look(self, nodes: int) -> int:
        """Report and check limits; the number of nodes at which to look again."""
        if nodes >= self.max_nodes:
            raise InputError(too_many(self.max_nodes))
        if self.letters > self.most_letters:
            raise InputError(
                f"the names of its information sets do not fit in memory: {self.letters:,} characters "
                f"after {nodes:,} nodes"
            )
        if self.progress is not None and time.monotonic() - self.last_look > _SECONDS:
            self.progress(math.nan, f"compiling {self.name}: {nodes:,} nodes")
            self.last_look = time.monotonic()
        return min(nodes + _STRIDE, self.max_nodes)

    def new_infoset(self, key: Any, player: int, legal: list[int], state: Any) -> tuple[int, int, list[int]]:
        """Number an information set that is met for the first time."""
        name = key if isinstance(key, str) else str(key)
        words = _action_names(state, player, legal)
        if self.note is not None:
            self.note(state, player)
        found = self.known[player][key] = (len(self.names), self.offsets[-1], legal)
        self.owner.append(player)
        self.offsets.append(self.offsets[-1] + len(legal))
        self.names.append(name)
        self.actions.append(self.words.setdefault(words, words))
        self.letters += len(name) + 200  # about what the tables take besides
        return found

    def check_same(self, key: Any, player: int, legal: list[int], state: Any) -> None:
        """Refuse an information set whose actions differ between its nodes."""
        number, _, before = self.known[player][key]
        if len(before) != len(legal):
            raise InputError(
                f"information state {str(key)!r} of player {player} has {len(before)} actions "
                f"at one node and {len(legal)} at another"
            )
        if _action_names(state, player, legal) != self.actions[number]:
            raise InputError(
                f"information state {str(key)!r} of player {player} has different actions at two of its nodes"
            )

    def chances(self, outcomes: list[tuple[int, float]]) -> tuple[float, ...]:
        """The probabilities of chance moves, scaled to sum to one; 0.333... is taken to mean 1/3."""
        given = tuple(p for _, p in outcomes)
        found = self.odds.get(given)
        if found is None:
            if not all(math.isfinite(p) for p in given):
                raise InputError(f"a chance move has the probabilities {list(given)[:6]}")
            exact = [simplest(p) for p in given]
            total = sum(exact, Fraction(0))
            found = self.odds[given] = tuple(float(p / total) for p in exact)
        return found

    def game(self, title: str) -> TreeGame:
        """The finished tree."""
        return TreeGame(
            player=np.frombuffer(self.player, dtype=np.int32),
            infoset=np.frombuffer(self.infoset, dtype=np.int32),
            parent=np.frombuffer(self.parent, dtype=np.int32),
            slot=np.frombuffer(self.slot, dtype=np.int32),
            chance=np.frombuffer(self.chance, dtype=np.float64),
            payoff=np.frombuffer(self.payoff, dtype=np.float64).reshape(-1, self.players).T,
            owner=np.array(self.owner, dtype=np.int32),
            offsets=np.array(self.offsets, dtype=np.int32),
            infosets=tuple(self.names),
            actions=tuple(self.actions),
            title=title,
        )


def too_many(max_nodes: int) -> str:
    """The complaint about a tree that is too large."""
    return (
        f"the game tree has more than {max_nodes:,} nodes; raise max_nodes (?max_nodes= in the name, or --max-nodes where a command has it) "
        "or make the game smaller by its parameters"
    )


def compile_tree(
    game: Any,
    max_nodes: int = MAX_NODES,
    progress: Progress | None = None,
    note: Callable[[Any, int], None] | None = None,
) -> TreeGame:
    """Walk an OpenSpiel game with listed chance outcomes. O(N) states, O(depth x branching) of them at once.

    Parameters
    ----------
    game : pyspiel.Game
        Turn-based or simultaneous.
    max_nodes : int
        Larger trees are refused, hopeless ones before they are walked.
    progress : callable, optional
        Called with NaN (there is no telling how much is left) and a line with the number of nodes so far.
    note : callable, optional
        Called as ``note(state, player)`` with one state of every information set, in the order of their numbers; the
        state must not be kept.

    Raises
    ------
    InputError
        If the tree is too large, or nodes of one information set have different actions.
    """
    _check_size(game, max_nodes)
    walk = _Walk(game.get_type().short_name, game.num_players(), max_nodes, progress)
    walk.note = note
    _grow(walk, game.new_initial_state(), game.get_type().provides_information_state_string)
    return walk.game(str(game))


def _grow(walk: _Walk, root: Any, by_string: bool) -> None:
    """Add all nodes in preorder.

    An entry of `pending` is a state, a move still to be made there, the node it comes from, its slot, its
    probability, and what players 0, 1, ... have already chosen at a simultaneous node. A state is copied for each of
    its children but the last, which (its move is complemented) takes it over.
    """
    nodes, stop = 0, min(_STRIDE, walk.max_nodes)
    add_player, add_infoset, add_parent = walk.player.append, walk.infoset.append, walk.parent.append
    add_slot, add_chance, known = walk.slot.append, walk.chance.append, walk.known
    pending: list[tuple[Any, int | None, int, int, float, tuple[int, ...]]] = [(root, None, -1, -1, 1.0, ())]
    while pending:
        state, move, parent, slot, chance, chosen = pending.pop()
        if move is not None:
            if move >= 0:
                state = state.child(move)
            else:
                state.apply_action(~move)
        state, mover, moves, chosen = _settle(state, chosen)
        if nodes == stop:
            stop = walk.look(nodes)
        add_parent(parent)
        add_slot(slot)
        add_chance(chance)
        if mover >= 0:
            key = state.information_state_string(mover) if by_string else tuple(state.history())
            found = known[mover].get(key)
            if found is None:
                found = walk.new_infoset(key, mover, moves, state)
            elif found[2] != moves:
                walk.check_same(key, mover, moves, state)
            add_player(mover)
            add_infoset(found[0])
            slot = found[1] + len(moves)
            if state.is_simultaneous_node():
                for action in reversed(moves):
                    slot -= 1
                    pending.append((state, None, nodes, slot, 1.0, (*chosen, action)))
            else:
                slot -= 1
                pending.append((state, ~moves[-1], nodes, slot, 1.0, ()))
                for action in moves[-2::-1]:
                    slot -= 1
                    pending.append((state, action, nodes, slot, 1.0, ()))
        elif mover == CHANCE:
            add_player(CHANCE)
            add_infoset(-1)
            odds = walk.chances(moves)
            pending.append((state, ~moves[-1][0], nodes, -1, odds[-1], ()))
            for (action, _), chance in zip(moves[-2::-1], odds[-2::-1]):
                pending.append((state, action, nodes, -1, chance, ()))
        else:
            add_player(TERMINAL)
            add_infoset(-1)
            walk.payoff.extend(moves)
        nodes += 1


def _settle(state: Any, chosen: tuple[int, ...]) -> tuple[Any, int, list[Any], tuple[int, ...]]:
    """Play on to the next choice, chance move or end: the state, who moves there, and its moves or payoffs."""
    while True:
        mover = state.current_player()
        if mover >= 0:
            moves = state.legal_actions()
            if len(moves) > 1:
                return state, mover, moves, ()
            if not moves:
                raise InputError(f"player {mover} has no legal action after {str(state.history())[:80]}")
            state.apply_action(moves[0])
        elif mover == _END:
            return state, TERMINAL, state.returns(), ()
        elif mover == CHANCE:
            outcomes = [outcome for outcome in state.chance_outcomes() if outcome[1] > 0]
            if len(outcomes) > 1:
                return state, CHANCE, outcomes, ()
            if not outcomes:
                raise InputError(f"chance has no possible outcome after {str(state.history())[:80]}")
            state.apply_action(outcomes[0][0])
        elif mover == _SIMULTANEOUS:
            if len(chosen) == state.num_players():
                state = state.clone()  # the other joint moves start from the same state
                state.apply_actions(chosen)
                chosen = ()
                continue
            moves = state.legal_actions(len(chosen)) or [0]
            if len(moves) > 1:
                return state, len(chosen), moves, chosen
            chosen = (*chosen, moves[0])
        else:
            raise InputError(f"a node of an unknown kind ({mover}) after {str(state.history())[:80]}")


def _action_names(state: Any, player: int, legal: Sequence[int]) -> tuple[str, ...]:
    """What OpenSpiel calls the actions; where that does not tell them apart, with their numbers."""
    names = tuple(state.action_to_string(player, action) for action in legal)
    if len(set(names)) == len(names):
        return names
    return tuple(f"{name} #{action}" for name, action in zip(names, legal))


# --- how large a tree will be ---------------------------------------------------------------------------------


def _check_size(game: Any, max_nodes: int) -> None:
    """Refuse a hopelessly large tree by sampling before it is walked.

    The branching numbers along a random play give an unbiased estimate of the tree's size (Knuth 1975), so by
    Markov's inequality a play's estimate is 8 times too high with probability at most 1/8, and half of 64 are with
    probability below 1e-10. Estimates are mostly too low: passing this check promises nothing.
    """
    rng = np.random.Generator(np.random.PCG64(1975))  # fixed: a game is refused always or never
    enough = _FAR * max_nodes
    passed = 0
    for dive in range(_DIVES):
        passed += _dive(game.new_initial_state(), rng, enough) <= enough
        if 2 * passed > _DIVES:
            return
        if 2 * (dive + 1 - passed) >= _DIVES:
            raise InputError(
                f"{too_many(max_nodes)} (it is far larger: plays last up to {game.max_game_length():,} moves "
                f"with up to {game.num_distinct_actions():,} actions)"
            )


def _dive(state: Any, rng: np.random.Generator, enough: float) -> float:
    """One play's estimate of the number of nodes, given up once it is above `enough`."""
    chosen: tuple[int, ...] = ()
    total = width = 1.0
    while total <= enough:
        state, mover, moves, chosen = _settle(state, chosen)
        if mover == TERMINAL:
            break
        width *= len(moves)
        total += width
        pick = moves[int(rng.integers(len(moves)))]
        if mover == CHANCE:
            state.apply_action(pick[0])
        elif state.is_simultaneous_node():
            chosen = (*chosen, pick)
        else:
            state.apply_action(pick)
    return total
