"""Walking through a mean-field game of OpenSpiel: every history once, level by level.

OpenSpiel itself is imported by `games.from_openspiel_mean_field`; here its states are objects with methods.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from games.errors import InputError

Progress = Callable[[float, str], None]

_CHANCE, _MEAN_FIELD = -1, -5
_MOST_STATES = 20_000


@dataclass
class Level:
    """Everything that can be at one step, before agents decide."""

    names: dict[str, int] = field(default_factory=dict)
    """Strings of decision nodes, in the order in which they are met."""
    nodes: list[Any] = field(default_factory=list)
    """For each, the mean-field node just before it, or the decision node itself where there is none."""
    fields: list[str] = field(default_factory=list)
    """The string of that mean-field node."""
    legal: list[list[int]] = field(default_factory=list)
    moves: list[dict[int, dict[int, float]]] = field(default_factory=list)
    """For each state and action, the probabilities of states of the next level."""
    extra: dict[tuple[int, int], float] = field(default_factory=dict)
    """What a state and action pay by themselves, beyond what the states reached pay."""
    pays: list[tuple[float, float]] = field(default_factory=list)
    """What the node of each state pays at the two laws that are tried."""
    support: dict[str, int] = field(default_factory=dict)
    """Where each mean-field node stands in the law that OpenSpiel wants to be told."""
    after: dict[str, str] = field(default_factory=dict)
    """The decision that follows each mean-field node met."""


@dataclass
class Arrival:
    """One way from a decision to the next: its probability, the node before that, and the string of the decision."""

    chance: float
    node: Any
    string: str


class Walk:
    """All decision nodes of a game, level by level."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress, self.met = progress, 0

    def all_levels(self, root: Any) -> tuple[list[Level], dict[int, float]]:
        """The levels, and the law of first states."""
        level = Level()
        first = self._enter(level, self._arrivals(root, level))
        levels = [level]
        while True:
            after = Level()
            for x, node in enumerate(level.nodes):
                self._leave(level, x, node, after)
            if not after.nodes:
                return levels, first
            if any(abs(sum(law.values()) - 1) > 1e-6 for moves in level.moves for law in moves.values()):
                raise InputError("the game ends for some agents before others, which is not tabulated here")
            levels.append(after)
            level = after

    def _leave(self, level: Level, x: int, node: Any, after: Level) -> None:
        """All moves from one state to the next level."""
        decision, other = (self._told_a_law(node, level, trial) for trial in (0, 1))
        legal = decision.legal_actions()
        if other.legal_actions() != legal:
            raise InputError("which actions there are depends on the mean field, which is not tabulated here")
        level.legal.append(legal)
        moves: dict[int, dict[int, float]] = {}
        for u in legal:
            arrivals = self._arrivals(decision.child(u), after)
            moves[u] = self._enter(after, arrivals)
            level.extra[x, u] = sum(arrival.chance * self._beyond(arrival, after) for arrival in arrivals)
        level.moves.append(moves)

    def _arrivals(self, node: Any, level: Level) -> list[Arrival]:
        """From just after a decision (or the root) to the nodes of the next level, or to the end (an empty string)."""
        found: list[Arrival] = []
        waiting = [(1.0, node)]
        while waiting:
            chance, here = waiting.pop()
            if here.is_terminal():
                found.append(Arrival(chance, here, ""))
            elif here.current_player() == _CHANCE:
                self._pays_nothing(here)
                waiting.extend(
                    (chance * p, here.child(a)) for a, p in reversed(here.chance_outcomes()) if p > 0
                )
            elif here.current_player() == _MEAN_FIELD:
                found.append(Arrival(chance, here, self._decision_after(here, level)))
            else:
                found.append(Arrival(chance, here, here.observation_string(0)))
        return found

    def _decision_after(self, node: Any, level: Level) -> str:
        """The string of the decision that follows a mean-field node, the same for two laws."""
        own = node.observation_string(0)
        if own in level.after:
            return level.after[own]
        self._pays_nothing(node)
        support = node.distribution_support()
        if level.support and list(level.support) != support:
            raise InputError(
                "each state asks for another part of the mean field, which is not tabulated here"
            )
        level.support = {name: k for k, name in enumerate(support)}
        after = [self._told_a_law(node, level, trial) for trial in (0, 1)]
        if any(one.is_terminal() or one.current_player() < 0 for one in after):
            raise InputError(
                "chance moves between the mean field and the decision, which is not tabulated here"
            )
        names = [str(one.observation_string(0)) for one in after]
        if names[0] != names[1]:
            raise InputError(
                "where agents get depends on the mean field, and such moves cannot be tabulated here"
            )
        level.after[own] = names[0]
        return names[0]

    def _enter(self, level: Level, arrivals: list[Arrival]) -> dict[int, float]:
        law: dict[int, float] = {}
        for arrival in arrivals:
            if not arrival.string:
                continue
            if arrival.string not in level.names:
                self._count()
                level.names[arrival.string] = len(level.nodes)
                level.nodes.append(arrival.node)
                before = arrival.node.current_player() == _MEAN_FIELD
                level.fields.append(arrival.node.observation_string(0) if before else "")
                level.pays.append(self._tried(arrival.node, level))
            x = level.names[arrival.string]
            law[x] = law.get(x, 0.0) + arrival.chance
        return law

    def _count(self) -> None:
        self.met += 1
        if self.met > _MOST_STATES:
            raise InputError(
                f"the game has more than {_MOST_STATES:,} states and steps, too many to tabulate"
            )
        if self.progress is not None:
            self.progress(math.nan, f"walking through the game: {self.met:,} states")

    def _told_a_law(self, node: Any, level: Level, trial: int) -> Any:
        """The decision node after a mean-field node, given one of two laws: uniform, or all agents where this one is."""
        if node.current_player() != _MEAN_FIELD:
            return node
        count = len(level.support)
        law = [1.0 / max(count, 1)] * count
        if trial and count:
            law = [0.0] * count
            law[level.support.get(node.observation_string(0), count - 1)] = 1.0
        after = node.clone()
        after.update_distribution(law)
        return after

    def _tried(self, node: Any, level: Level) -> tuple[float, float]:
        pays = (float(self._told_a_law(node, level, trial).rewards()[0]) for trial in (0, 1))
        return next(pays), next(pays)

    def _beyond(self, arrival: Arrival, level: Level) -> float:
        """What one way to a state pays beyond the first way met, the same for two laws; at the end, all that it pays."""
        if not arrival.string:
            return float(arrival.node.rewards()[0])
        known = level.nodes[level.names[arrival.string]]
        if arrival.node is known:
            return 0.0
        found, before = self._tried(arrival.node, level), level.pays[level.names[arrival.string]]
        beyond = found[0] - before[0]
        if abs(found[1] - before[1] - beyond) > 1e-9 * max(1.0, abs(found[0]), abs(before[0])):
            raise InputError(
                "what is paid depends on the last move and on the mean field at once, which a table of states does not hold"
            )
        return beyond

    def _pays_nothing(self, node: Any) -> None:
        if float(node.rewards()[0]) != 0:
            raise InputError("the game pays between decisions, which is not read here")
