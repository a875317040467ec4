"""Populations of strategies and the meta-game between them, which grows by the payoffs of new profiles only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from experiments.psro.arenas import Arena
from games.errors import InputError
from games.limits import check_fits
from games.normal import NormalFormGame
from games.simplices import Float


@dataclass(eq=False, repr=False)
class Populations:
    """Strategies of every player and what they earn against each other.

    Parameters
    ----------
    arena : Arena
        Where.
    members : list of lists
        Each player's strategies, without duplicates.
    counts : list of lists of int
        How often each was found; 1 for the first.
    table : float64[P, n_1, ..., n_P]
        Payoffs of all profiles.
    """

    arena: Arena
    members: list[list[Any]] = field(default_factory=list)
    counts: list[list[int]] = field(default_factory=list)
    table: Float = field(default_factory=lambda: np.empty(0))
    _known: list[dict[Any, int]] = field(default_factory=list)

    @classmethod
    def of(cls, arena: Arena, start: Sequence[Sequence[Any]]) -> Populations:
        """Populations of given members, at least one each; payoffs are worked out here."""
        players = len(arena.players)
        if len(start) != players or not all(len(own) for own in start):
            raise InputError(f"PSRO starts from at least one strategy for each of {players} players")
        empty = np.empty((players, *[0] * players))
        populations = cls(
            arena, [[] for _ in start], [[] for _ in start], empty, [{} for _ in range(players)]
        )
        populations.extend(start)
        return populations

    @property
    def sizes(self) -> tuple[int, ...]:
        """Members of each population."""
        return tuple(map(len, self.members))

    def extend(self, found: Sequence[Sequence[Any]]) -> int:
        """Let strategies join, each player's; known ones are counted. Returns how many were new."""
        old = self.sizes
        for i, strategies in enumerate(found):
            for strategy in strategies:
                key = self.arena.key(i, strategy)
                at = self._known[i].get(key)
                if at is None:
                    self._known[i][key] = len(self.members[i])
                    self.members[i].append(strategy)
                    self.counts[i].append(1)
                else:
                    self.counts[i][at] += 1
        if self.sizes != old:
            self._complete(old)
        return sum(self.sizes) - sum(old)

    def _complete(self, old: tuple[int, ...]) -> None:
        """Payoffs of the profiles with a new member: by the first player whose member is new."""
        check_fits(self.sizes, "the meta-game")
        table = np.empty((len(old), *self.sizes))
        table[(slice(None), *(slice(n) for n in old))] = self.table
        for i in range(len(old)):
            parts = [
                slice(old[j]) if j < i else slice(old[j] if j == i else 0, self.sizes[j])
                for j in range(len(old))
            ]
            block = [own[part] for own, part in zip(self.members, parts)]
            if all(map(len, block)):
                table[(slice(None), *parts)] = self.arena.payoffs(block)
        self.table = table

    def game(self) -> NormalFormGame:
        """The meta-game."""
        return NormalFormGame(
            self.table, players=self.arena.players, title=f"meta-game of {self.arena.title}"
        )
