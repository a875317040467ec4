"""What every simulation of ours shares: seeds, clocks, stopping, restarting; the rules alone differ.

`Simulation` turns `Rules` (a few numba kernels over arrays) into an `Env` that obeys the laws of `games.laws`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, Step, View, check_actions
from games.errors import InputError
from games.scene import Scene
from games.streams import ENV, Streams, check_seeds

Array = npt.NDArray[Any]


class Rules(Protocol):
    """A simulation without its clock.

    `state` is whatever `allocate` returns: a record of arrays with B as their first axis. Kernels take the random
    streams as uint64[B, 4] and draw from row b for sub-environment b only.
    """

    @property
    def spec(self) -> EnvSpec:
        """Agents, shapes, horizon."""

    def allocate(self, batch: int) -> Any:
        """Arrays for `batch` sub-environments, not yet begun."""

    def begin(self, state: Any, streams: Array, where: Array) -> None:
        """Draw a new episode in the sub-environments chosen by bool[B]."""

    def advance(
        self, state: Any, streams: Array, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], Array | None]:
        """Play checked actions where `live` bool[B]: new reward arrays float64[B, n] per group, 0 elsewhere, and which
        episodes ended, bool[B] (None: none)."""

    def look(self, state: Any, rewards: tuple[Array, ...]) -> tuple[tuple[View, ...], Array]:
        """What is seen now: a view per group carrying these rewards, and the global state float32[B, s]; new arrays,
        or constant ones that cannot be written to."""

    def scene(self, state: Any, which: int) -> Scene:
        """A picture of one sub-environment."""


class Carried(Protocol):
    """What some rules have beside: numbers that a sub-environment keeps from episode to episode."""

    def carried(self, state: Any) -> Array:
        """These numbers, float64[B, C]: counters of a schedule, say, or a record of past incomes."""

    def take_over(self, state: Any, carried: Array) -> None:
        """Go on from such numbers; called before the first episode begins."""


@dataclass
class Running:
    """The world of a `Simulation`: arrays of its rules, random streams, clocks and the last step seen."""

    state: Any
    streams: Streams
    time: Array  # int32[B]: steps since the episode began
    step: Step


class Simulation:
    """Rules with clocks: a batched environment.

    Parameters
    ----------
    rules : Rules
        What happens in one step.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    @property
    def spec(self) -> EnvSpec:
        """Agents, shapes, horizon."""
        return self.rules.spec

    def __repr__(self) -> str:
        return f"Simulation({self.spec.name!r}, {len(self.spec.agents)} agents)"

    def reset(self, seeds: Array, carried: Array | None = None) -> tuple[Running, Step]:
        """Start len(seeds) sub-environments, uint64[B]; the b-th depends on `seeds[b]` alone, and on what it takes over.

        `carried` float64[B, C] is what `carry` said of other ones, where episodes leave something behind.
        """
        seeds = check_seeds(seeds)
        batch = len(seeds)
        streams, state = Streams.from_seeds(seeds, ENV), self.rules.allocate(batch)
        if carried is not None:
            rules: Any = self.rules
            rules.take_over(state, carried)
        self.rules.begin(state, streams.state[:, 0], np.ones(batch, dtype=bool))
        rewards = tuple(np.zeros((batch, group.size)) for group in self.spec.groups)
        views, features = self.rules.look(state, rewards)
        step = Step(views, features, np.ones(batch, dtype=np.float32), np.zeros(batch, dtype=bool))
        return Running(state, streams, np.zeros(batch, dtype=np.int32), step), step

    def step(self, world: Running, actions: Sequence[Array]) -> tuple[Running, Step]:
        """Advance every sub-environment that has not stopped; see `games.env.Env.step`."""
        before = world.step
        clean = check_actions(self.spec, before, actions)
        live = ~before.last
        rewards, ended = self.rules.advance(world.state, world.streams.state[:, 0], clean, live)
        world.time += live
        discount, last = before.discount, before.last
        if ended is not None and ended.any():
            discount = np.where(ended & live, np.float32(0), discount)
            last = last | (ended & live)
        if self.spec.horizon is not None:
            last = last | (world.time >= self.spec.horizon)
        world.step = self._look(world.state, rewards, discount, last)
        return world, world.step

    def restart(self, world: Running, where: Array) -> tuple[Running, Step]:
        """Begin a new episode in the sub-environments chosen by bool[B]; see `games.env.Env.restart`."""
        before = world.step
        where = check_where(self.spec, where, before.batch)
        self.rules.begin(world.state, world.streams.state[:, 0], where)
        world.time[where] = 0
        rewards = tuple(np.where(where[:, None], 0.0, view.reward) for view in before.groups)
        discount = np.where(where, np.float32(1), before.discount)
        world.step = self._look(world.state, rewards, discount, before.last & ~where)
        return world, world.step

    def carry(self, world: Running) -> Array | None:
        """What the sub-environments keep from episode to episode, float64[B, C]; None if nothing."""
        carried = getattr(self.rules, "carried", None)
        return None if carried is None else np.asarray(carried(world.state), dtype=np.float64)

    def scene(self, world: Running, which: int = 0) -> Scene:
        """A picture of one sub-environment."""
        return self.rules.scene(world.state, which)

    def close(self, world: Running) -> None:
        """Nothing to give back."""

    def _look(self, state: Any, rewards: tuple[Array, ...], discount: Array, last: Array) -> Step:
        views, features = self.rules.look(state, rewards)
        over = discount == 0
        if over.any():
            views = tuple(view._replace(acting=view.acting & ~over[:, None]) for view in views)
        return Step(views, features, discount, last)


def check_where(spec: EnvSpec, where: Any, batch: int) -> Array:
    """Which sub-environments to restart, as bool[B]; `InputError` if it has another shape or type."""
    chosen = np.asarray(where)
    if chosen.shape != (batch,) or chosen.dtype != bool:
        raise InputError(
            f"{spec.name}: restart takes bool[{batch}], one per sub-environment, not {chosen.dtype} {chosen.shape}"
        )
    return chosen


def constant(value: Any, shape: tuple[int, ...], dtype: Any = bool) -> Array:
    """A new array of one value that nobody can write to: for masks and flags that never change."""
    array = np.full(shape, value, dtype=dtype)
    array.setflags(write=False)
    return array


def renewed(array: Array, where: Array) -> Array:
    """A new array to be filled where bool[B] says so, equal to the old one elsewhere."""
    return np.empty_like(array) if where.all() else array.copy()
