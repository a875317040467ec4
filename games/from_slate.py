"""The arrays of one step of other libraries' environments while they are written, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, Group, Step, View
from games.from_spaces import Moves, Sight

Array = npt.NDArray[Any]


class Seat(NamedTuple):
    """An agent's place: its group, its position there, how it sees and how it acts."""

    name: Any
    g: int
    i: int
    sight: Sight
    moves: Moves


@dataclass(frozen=True)
class Layout:
    """Where everything of an environment stands.

    Parameters
    ----------
    spec : EnvSpec
        Agents, shapes, horizon.
    seats : tuple of Seat
        All agents in the library's own order.
    own_state : bool
        Whether the library gives the global state; otherwise it is all observations in the order of `seats`.
    """

    spec: EnvSpec
    seats: tuple[Seat, ...]
    own_state: bool

    @classmethod
    def of(
        cls,
        title: str,
        agents: Iterable[tuple[Any, Sight, Moves]],
        *,
        state: int | None = None,
        horizon: int | None = None,
        turn_based: bool = False,
    ) -> Layout:
        """Agents grouped by the shape of what they see and by what they can do; `state` numbers if the library has one."""
        kinds: dict[Any, list[str]] = {}
        seats = []
        for agent, sight, moves in agents:
            kind = (sight.shape, moves.actions)
            fellows = kinds.setdefault(kind, [])
            seats.append(Seat(agent, list(kinds).index(kind), len(fellows), sight, moves))
            fellows.append(str(agent))
        names = _group_names(list(kinds.values()))
        groups = tuple(
            Group(name, tuple(fellows), shape, actions)
            for name, ((shape, actions), fellows) in zip(names, kinds.items())
        )
        size = sum(group.size * group.depth for group in groups) if state is None else state
        spec = EnvSpec(title, groups, size, horizon=horizon, turn_based=turn_based)
        return cls(spec, tuple(seats), bool(state))


def _group_names(kinds: Sequence[Sequence[str]]) -> list[str]:
    """``agents`` for a single group; else what its agents' names share before their numbers, where that tells apart."""
    if len(kinds) == 1:
        return ["agents"]
    names = []
    for agents in kinds:
        stems = {name.rstrip("0123456789").rstrip("_-") for name in agents}
        names.append(stems.pop() if len(stems) == 1 else "")
    taken = {agent for agents in kinds for agent in agents}
    clear = len(set(names)) == len(names) and "" not in names and not taken & set(names)
    return names if clear else [f"group_{g}" for g in range(len(kinds))]


class Slate:
    """The arrays of one step while they are being written; afterwards they become a `Step` and are left alone."""

    def __init__(self, layout: Layout, batch: int) -> None:
        groups = layout.spec.groups
        self.layout = layout
        self.seen = [np.zeros((batch, group.size, *group.observation), dtype=np.float32) for group in groups]
        self.masks: list[Array | None] = [None for _ in groups]
        self.masked = False  # whether anybody has a mask
        self.reward = [np.zeros((batch, group.size)) for group in groups]
        self.acting = [np.zeros((batch, group.size), dtype=bool) for group in groups]
        self.alive = [np.zeros((batch, group.size), dtype=bool) for group in groups]
        self.state = np.zeros((batch, layout.spec.state if layout.own_state else 0), dtype=np.float32)
        self.discount = np.ones(batch, dtype=np.float32)
        self.last = np.zeros(batch, dtype=bool)

    def after(self, stays: Array, *, rewards: bool = False) -> Slate:
        """A new slate on which the sub-environments chosen by bool[B] look as on this one; the others see nothing yet.

        Rewards stay too if asked for. Who acts, who is alive and what has stopped is copied for all.
        """
        new = object.__new__(Slate)
        new.layout = self.layout
        new.seen = [np.zeros(old.shape, dtype=np.float32) for old in self.seen]
        new.masks = [None if old is None else np.ones(old.shape, dtype=bool) for old in self.masks]
        new.masked = self.masked
        new.reward = [np.zeros(old.shape) for old in self.reward]
        new.acting = [old.copy() for old in self.acting]
        new.alive = [old.copy() for old in self.alive]
        new.state = np.zeros(self.state.shape, dtype=np.float32)
        new.discount, new.last = self.discount.copy(), self.last.copy()
        if stays.any():
            pairs = [*zip(self.seen, new.seen), *zip(self.masks, new.masks), (self.state, new.state)]
            for before, after in [*pairs, *(zip(self.reward, new.reward) if rewards else ())]:
                if before is not None and after is not None:
                    after[stays] = before[stays]
        return new

    def clear(self, b: int) -> None:
        """Nobody is there yet, and nothing has stopped."""
        for acting, alive in zip(self.acting, self.alive):
            acting[b] = False
            alive[b] = False
        self.discount[b], self.last[b] = 1, False

    def stuck(self, b: int, seat: Seat) -> bool:
        """Whether an agent has no legal action."""
        mask = self.masks[seat.g]
        return mask is not None and mask.shape[2] > 0 and not mask[b, seat.i].any()

    def restrict(self, b: int, seat: Seat, mask: Array | Sequence[bool]) -> None:
        """Which actions an agent may take."""
        rows, self.masked = self.masks[seat.g], True
        if rows is None:
            group = self.layout.spec.groups[seat.g]
            rows = self.masks[seat.g] = np.ones((len(self.last), group.size, group.width), dtype=bool)
        rows[b, seat.i] = mask

    def finish(self, blank: Callable[[int, int], Array]) -> Step:
        """The step; `blank(g, batch)` is a mask that allows everything."""
        batch, spec = len(self.last), self.layout.spec
        views = tuple(
            View(
                self.seen[g].reshape(batch, group.size, group.depth),
                blank(g, batch) if (mask := self.masks[g]) is None else mask,
                self.reward[g],
                self.acting[g],
                self.alive[g],
            )
            for g, group in enumerate(spec.groups)
        )
        return Step(views, self._state(views), self.discount, self.last)

    def _state(self, views: tuple[View, ...]) -> Array:
        if self.layout.own_state or not self.layout.spec.state:
            return self.state
        batch = len(self.last)
        if len(views) == 1:
            return views[0].observation.reshape(batch, -1)
        return np.concatenate([views[s.g].observation[:, s.i] for s in self.layout.seats], axis=1)
