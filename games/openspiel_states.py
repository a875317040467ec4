"""Batches of OpenSpiel states: moving them, drawing for chance, writing down what is seen.

OpenSpiel itself is imported by `games.from_openspiel_env` only; here its states are objects with methods. Every call
into OpenSpiel costs about as much as everything else here, so each state is asked once per move for each thing.

Letters: B sub-environments, P players, A distinct actions, d numbers in a tensor.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from games.errors import InputError
from games.streams import Streams

if TYPE_CHECKING:
    from games.from_openspiel_sight import Sight

Array = npt.NDArray[Any]
Outcomes = list[tuple[int, float]]

CHANCE, SIMULTANEOUS, END = -1, -2, -4
"""OpenSpiel's names for who is to move where no single player is."""

_AHEAD = 16  # uniform numbers drawn at once for one sub-environment
_OPENINGS = 200_000  # outcomes of chance before the first move that are remembered


class Canvas:
    """What is seen of a batch at one moment, to be filled in place: zeros, or a copy of another canvas."""

    def __init__(self, shape: tuple[int, int, int, int], other: Canvas | None = None) -> None:
        batch, players, depth, width = shape
        if other is None:
            self.tensors = np.zeros((batch, players, depth), dtype=np.float32)
            self.mask = np.zeros((batch, players, width), dtype=bool)
            self.acting = np.zeros((batch, players), dtype=bool)
        else:
            self.tensors, self.mask = other.tensors.copy(), other.mask.copy()
            self.acting = other.acting.copy()

    def clear(self, where: Array) -> None:
        """Zeros in some sub-environments."""
        self.tensors[where], self.mask[where], self.acting[where] = 0.0, False, False

    def keep(self, other: Canvas, where: Array) -> None:
        """Some sub-environments as in another canvas."""
        self.tensors[where] = other.tensors[where]
        self.mask[where], self.acting[where] = other.mask[where], other.acting[where]


def draw(outcomes: Outcomes, u: float) -> int:
    """A chance outcome by inverting its distribution at u in [0, 1); one of probability 0 is never drawn."""
    for action, probability in outcomes:
        if u < probability:
            return action
        u -= probability
    last = next((action for action, probability in reversed(outcomes) if probability > 0), None)
    if last is None:
        raise InputError(f"a chance node has no possible outcome, only {str(outcomes)[:80]}")
    return last


@dataclass(slots=True)
class Opening:
    """A chance node before anybody has moved, and those after it: every play goes through some of them."""

    outcomes: Outcomes
    after: dict[int, Opening | None] = field(default_factory=dict)


class Chance:
    """Uniform numbers for each sub-environment from its own stream, a few ahead."""

    def __init__(self, streams: Streams) -> None:
        self.streams = streams
        self.ready: list[list[float]] = [[] for _ in range(streams.shape[0])]

    def next(self, b: int) -> float:
        """The next number of a sub-environment."""
        ready = self.ready[b]
        if not ready:
            ready.extend(reversed(self.streams.rows(slice(b, b + 1)).uniform(_AHEAD)[0, 0].tolist()))
        return ready.pop()


class Table:
    """A batch of OpenSpiel games in progress.

    Parameters
    ----------
    game : pyspiel.Game
        The game.
    sight : Sight
        How a player's tensor is read.
    every : bool
        Whether all players' tensors are read at every move, or only those of the players who act.
    streams : Streams
        One per sub-environment, for chance.
    """

    def __init__(self, game: Any, sight: Sight, every: bool, streams: Streams) -> None:
        self.players, self.width = game.num_players(), max(1, game.num_distinct_actions())
        self.sight, self.every = sight, every
        batch = streams.shape[0]
        self.shape = (batch, self.players, len(sight.tensor), self.width)
        self.states: list[Any] = [None] * batch
        self.movers = [END] * batch
        self.chance = Chance(streams)

    def begin(self, b: int, game: Any, opening: Openings) -> None:
        """A new game in one sub-environment, after chance's first moves."""
        state = self.states[b] = game.new_initial_state()
        node = opening.root
        while node is not None:
            outcome = draw(node.outcomes, self.chance.next(b))
            state.apply_action(outcome)
            if outcome in node.after:
                node = node.after[outcome]
            else:
                node = opening.add(node, outcome, state)

    def play(self, which: Iterable[int], actions: list[list[int]]) -> None:
        """Apply actions in some sub-environments; where the game is already over, nothing."""
        states, movers = self.states, self.movers
        for b in which:
            mover = movers[b]
            if mover >= 0:
                states[b].apply_action(actions[b][mover])
            elif mover == SIMULTANEOUS:
                states[b].apply_actions(actions[b])

    def look(self, which: Iterable[int], canvas: Canvas) -> list[int]:
        """Move chance on and write down who sees what and may do what; the sub-environments whose game is over."""
        over = []
        states, movers, players, width = self.states, self.movers, self.players, self.width
        set_from, source, depth, every = (
            self.sight.set_from,
            self.sight.bytes,
            len(self.sight.bytes),
            self.every,
        )
        tensors, mask = canvas.tensors.data.cast("B"), canvas.mask.data.cast("B")
        acting = canvas.acting.data.cast("B")
        for b in which:
            state = states[b]
            mover = state.current_player()
            while mover < 0:
                if mover == CHANCE:
                    state.apply_action(draw(state.chance_outcomes(), self.chance.next(b)))
                elif mover == SIMULTANEOUS:
                    if self._look_at_all(b, state, tensors, mask, acting):
                        break
                    state.apply_actions([0] * players)  # nobody has a choice
                elif mover == END:
                    over.append(b)
                    break
                else:
                    raise InputError(f"a node of an unknown kind ({mover}) after {_history(state)}")
                mover = state.current_player()
            else:
                seat = b * players + mover
                acting[seat] = 1
                legal = state.legal_actions()
                if not legal or legal[-1] >= width:
                    raise InputError(_wrong_actions(state, mover, width))
                first = seat * width
                for action in legal:
                    mask[first + action] = 1
                if every:
                    at = b * players * depth
                    for player in range(players):
                        set_from(state, player)
                        tensors[at : at + depth] = source
                        at += depth
                else:
                    set_from(state, mover)
                    tensors[seat * depth : (seat + 1) * depth] = source
            movers[b] = mover
        return over

    def _look_at_all(self, b: int, state: Any, tensors: Any, mask: Any, acting: Any) -> bool:
        """Write down a simultaneous move; whether anybody has a choice at all."""
        depth, width = len(self.sight.bytes), self.width
        anybody = False
        for player in range(self.players):
            seat = b * self.players + player
            legal = state.legal_actions(player)
            if legal:
                if legal[-1] >= width:
                    raise InputError(_wrong_actions(state, player, width))
                anybody = True
                acting[seat] = 1
                for action in legal:
                    mask[seat * width + action] = 1
            if legal or self.every:
                self.sight.set_from(state, player)
                tensors[seat * depth : (seat + 1) * depth] = self.sight.bytes
        return anybody


def _history(state: Any) -> str:
    return str(state.history())[:80]


def _wrong_actions(state: Any, player: int, width: int) -> str:
    legal = str(state.legal_actions(player))[:60]
    return (
        f"player {player} has the actions {legal} after {_history(state)}, expected some of 0 to {width - 1}"
    )


class Openings:
    """The chance moves that every play of a game begins with, asked for once each.

    Parameters
    ----------
    game : pyspiel.Game
        The game.
    """

    def __init__(self, game: Any) -> None:
        self.known = 0
        self.root = self._node(game.new_initial_state())

    def _node(self, state: Any) -> Opening | None:
        outcomes = state.chance_outcomes() if state.current_player() == CHANCE else []
        self.known += 1 + len(outcomes)
        return Opening(outcomes) if outcomes else None

    def add(self, node: Opening, outcome: int, state: Any) -> Opening | None:
        """What follows an outcome that comes up for the first time."""
        after = self._node(state)
        if self.known <= _OPENINGS:
            node.after[outcome] = after
        return after
