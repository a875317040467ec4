"""Environments of other libraries as ours: one of their objects for each sub-environment.

An `Actor` drives one object by the rules of its library and writes what it sees into the rows of a `Slate`; `Objects`
puts a batch of them behind `games.env.Env`. Objects are made when they are needed and used again after `close`; every
episode begins with a seed drawn from the sub-environment's own stream, so that nothing depends on what an object
played before.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, Step, check_actions
from games.errors import InputError
from games.from_packages import told, typed
from games.from_slate import Layout, Seat, Slate
from games.from_spaces import as_mask
from games.scene import Scene
from games.sims.simulation import check_where, constant
from games.streams import ENV, Streams, check_seeds

Array = npt.NDArray[Any]


class Actor(ABC):
    """Drives one object of a library; `games.from_parallel`, `from_aec` and `from_gymnasium` say how.

    Parameters
    ----------
    env : object
        The library's environment.
    layout : Layout
        Where its agents stand.
    """

    def __init__(self, env: Any, layout: Layout) -> None:
        self.env = env
        self.layout = layout
        self.time = 0

    @abstractmethod
    def begin(self, seed: int, slate: Slate, b: int) -> None:
        """Begin an episode with a seed and write its first sight into row b, which is clear."""

    @abstractmethod
    def step(self, actions: Sequence[Any], slate: Slate, b: int) -> None:
        """Play row b of the actions of all groups and write what comes of it."""

    def picture(self) -> Any:
        """What the object draws: an array, text, or None if it was not made for that."""
        return self.env.render() if getattr(self.env, "render_mode", None) in ("rgb_array", "ansi") else None

    @property
    def when(self) -> str:
        """Where the episode stands, for messages."""
        return f"at step {self.time}" if self.time else "after reset"

    def wrong(self, what: str) -> InputError:
        """The exception for an environment that breaks its library's rules."""
        return InputError(f"{self.layout.spec.name}: {what}")

    def raised(self, error: BaseException) -> InputError:
        """The exception for an exception inside the environment."""
        return self.wrong(f"the environment raised {told(error)} {self.when}")

    def action(self, seat: Seat, actions: Sequence[Any], b: int) -> Any:
        """What the library wants for an agent's action."""
        given = actions[seat.g][b][seat.i]
        return given if seat.moves.decode is None else seat.moves.decode(given)

    def show(self, slate: Slate, b: int, seat: Seat, value: Any, info: Any) -> None:
        """Write what an agent sees and may do."""
        sight, mask = seat.sight, None
        try:
            if sight.masked:
                value, mask = sight.split(value)
            sight.write(slate.seen[seat.g][b, seat.i], value)
            if info and "action_mask" in info and mask is None:
                mask = info["action_mask"]
            if mask is not None and (width := self.layout.spec.groups[seat.g].width):
                allowed = as_mask(mask)
                if len(allowed) != width:
                    raise ValueError(f"has an action mask of length {len(allowed)}, but {width} actions")
                slate.restrict(b, seat, allowed)
        except ValueError as error:
            raise self.wrong(f"{seat.name} {error}, {self.when}") from error

    def pay(self, slate: Slate, b: int, seat: Seat, reward: Any) -> None:
        """Add to an agent's reward."""
        try:
            slate.reward[seat.g][b, seat.i] += float(reward)
        except (TypeError, ValueError) as error:
            raise self.unpaid(seat, reward) from error

    def unpaid(self, seat: Seat, reward: Any) -> InputError:
        """The exception for a reward that is no number."""
        return self.wrong(f"{seat.name} gets the reward {reward!r:.60} {self.when}, which is not a number")

    def arrive(self, slate: Slate, b: int, seat: Seat) -> None:
        """An agent is there from the beginning."""
        slate.alive[seat.g][b, seat.i] = True
        slate.acting[seat.g][b, seat.i] = True

    def leave(self, slate: Slate, b: int, seat: Seat) -> None:
        """An agent is out."""
        slate.alive[seat.g][b, seat.i] = False
        slate.acting[seat.g][b, seat.i] = False

    def stop(self, slate: Slate, b: int, *, ended: bool) -> None:
        """The episode stops here: the game has ended, or it is cut off."""
        slate.last[b] = True
        if ended:
            slate.discount[b] = 0
        for seat in self.layout.seats:
            if ended or slate.stuck(b, seat):
                slate.acting[seat.g][b, seat.i] = False

    def check_free(self, slate: Slate, b: int, seats: Iterable[Seat]) -> None:
        """Refuse a mask that leaves somebody who acts next nothing to do."""
        for seat in seats if slate.masked else ():
            if slate.stuck(b, seat):
                raise self.wrong(f"{seat.name} has an action mask without a legal action {self.when}")


@dataclass
class Playing:
    """The world of `Objects`: their actors, random streams, the slate last written and the step made of it."""

    actors: list[Actor]
    streams: Streams
    slate: Slate
    step: Step
    over: str = ""  # why it cannot be used any more


class Objects:
    """A batch of a library's objects as one environment.

    Parameters
    ----------
    layout : Layout
        Agents, shapes, horizon.
    make : callable
        Makes an `Actor` with an object of its own.
    idle : sequence of Actor
        Actors that are there already and have not played.
    fresh : bool
        Whether every episode is played with a new object.
    """

    def __init__(
        self, layout: Layout, make: Callable[[], Actor], idle: Sequence[Actor] = (), *, fresh: bool = False
    ) -> None:
        self.layout = layout
        self.fresh = fresh
        self._make = make
        self._idle = list(idle)
        self._blanks: dict[tuple[int, int], Array] = {}
        seats = layout.spec.groups
        self._starts = [np.zeros(group.size, dtype=np.int64) for group in seats]
        for seat in layout.seats:
            self._starts[seat.g][seat.i] = seat.moves.start
        self._whole = [not group.actions.shape for group in seats]
        self._inexact = [
            g for g in range(len(seats)) if not all(seat.sight.exact for seat in layout.seats if seat.g == g)
        ]

    @property
    def spec(self) -> EnvSpec:
        """Agents, shapes, horizon."""
        return self.layout.spec

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.spec.name!r}, {len(self.spec.agents)} agents)"

    def reset(self, seeds: Array) -> tuple[Playing, Step]:
        """Start len(seeds) sub-environments, uint64[B]; the b-th depends on `seeds[b]` alone."""
        seeds = check_seeds(seeds)
        batch = len(seeds)
        actors = [self._idle.pop() if self._idle else self._make() for _ in range(batch)]
        if len({id(actor.env) for actor in actors}) < batch:
            raise InputError(
                f"{self.spec.name}: the factory gave the same environment twice; it must make a new one"
            )
        slate, streams = Slate(self.layout, batch), Streams.from_seeds(seeds, ENV)
        for b, seed in enumerate(streams.seeds(range(batch))):
            actors[b].begin(seed, slate, b)
        step = self._finish(slate, actors)
        return Playing(actors, streams, slate, step), step

    def step(self, world: Playing, actions: Sequence[Array]) -> tuple[Playing, Step]:
        """Advance every sub-environment that has not stopped; see `games.env.Env.step`."""
        self._check_open(world)
        before = world.step
        clean = check_actions(self.spec, before, actions)
        given = [
            (part + start).tolist() if whole else part
            for part, start, whole in zip(clean, self._starts, self._whole)
        ]
        slate = world.slate.after(before.last)
        world.over = "one of its environments failed, or was interrupted, in the middle of a step"
        for b, stopped in enumerate(before.last.tolist()):
            if not stopped:
                world.actors[b].step(given, slate, b)
        return self._done(world, slate)

    def restart(self, world: Playing, where: Array) -> tuple[Playing, Step]:
        """Begin a new episode in the sub-environments chosen by bool[B]; see `games.env.Env.restart`."""
        self._check_open(world)
        where = check_where(self.spec, where, world.step.batch)
        chosen = np.flatnonzero(where)
        slate = world.slate.after(~where, rewards=True)
        world.over = "one of its environments failed, or was interrupted, while it was reset"
        for b, seed in zip(chosen.tolist(), world.streams.seeds(chosen)):
            slate.clear(b)
            if self.fresh:
                world.actors[b] = self._make()
            world.actors[b].begin(seed, slate, b)
        return self._done(world, slate)

    def scene(self, world: Playing, which: int = 0) -> Scene:
        """What the library draws of one sub-environment, or its observations as text."""
        self._check_open(world)
        return scene_of(world.actors[which], world.step, which)

    def close(self, world: Playing) -> None:
        """Keep the objects for later; the world cannot be used afterwards."""
        if not world.over and not self.fresh:
            self._idle.extend(world.actors)
        world.actors, world.over = [], world.over or "it was closed"

    def _check_open(self, world: Playing) -> None:
        if world.over:
            raise InputError(f"{self.spec.name}: these sub-environments cannot go on: {world.over}")

    def _done(self, world: Playing, slate: Slate) -> tuple[Playing, Step]:
        world.step = self._finish(slate, world.actors)
        world.slate, world.over = slate, ""
        return world, world.step

    def _finish(self, slate: Slate, actors: Sequence[Actor]) -> Step:
        limit = self.spec.horizon
        if limit is not None:
            for b, actor in enumerate(actors):
                if actor.time >= limit:
                    slate.last[b] = True
        self._check_numbers(slate, actors)
        return slate.finish(self._blank)

    def _blank(self, g: int, batch: int) -> Array:
        if (g, batch) not in self._blanks:
            group = self.spec.groups[g]
            self._blanks[g, batch] = constant(True, (batch, group.size, group.width))
        return self._blanks[g, batch]

    def _check_numbers(self, slate: Slate, actors: Sequence[Actor]) -> None:
        """Refuse rewards, observations and states that are not finite numbers."""
        for g, rewards in enumerate(slate.reward):
            if not np.isfinite(rewards).all():
                b, i = np.argwhere(~np.isfinite(rewards))[0]
                agent = self.spec.groups[g].agents[i]
                raise actors[b].wrong(
                    f"{agent} gets the reward {rewards[b, i]} {actors[b].when}, which is not a finite number"
                )
        for g in self._inexact:
            if not np.isfinite(slate.seen[g]).all():
                b, i = np.argwhere(~np.isfinite(slate.seen[g]))[0][:2]
                agent = self.spec.groups[g].agents[i]
                raise actors[b].wrong(f"{agent} sees a number that is not finite, {actors[b].when}")
        if slate.state.size and not np.isfinite(slate.state).all():
            b = int(np.argwhere(~np.isfinite(slate.state))[0][0])
            raise actors[b].wrong(f"the state holds a number that is not finite, {actors[b].when}")


def own_options(given: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Take our own parameters out of those of an environment; `state` and `api` stay text."""
    words = ("state", "api")
    return {key: given.pop(key) if key in words else typed(given.pop(key)) for key in names if key in given}


def check_options(where: str, *, horizon: Any, fresh: Any, render: Any) -> None:
    """Refuse what cannot be a horizon, or is neither true nor false."""
    if horizon is not None and (not isinstance(horizon, int) or isinstance(horizon, bool)):
        raise InputError(f"{where}: horizon is a number of steps, not {horizon!r:.60}")
    for name, value in (("fresh", fresh), ("render", render)):
        if not isinstance(value, bool):
            raise InputError(f"{where}: {name} is true or false, not {value!r:.60}")


def scene_of(actor: Actor, step: Step, which: int) -> Scene:
    """A scene of what an object draws; without that, observations in text."""
    try:
        drawn = actor.picture()
    except Exception as error:
        raise actor.wrong(f"drawing raised {told(error)} {actor.when}") from error
    if isinstance(drawn, Scene):
        return drawn
    if isinstance(drawn, np.ndarray) and drawn.ndim == 3 and drawn.shape[2] >= 3:
        return Scene(image=np.array(drawn[..., :3], dtype=np.uint8))
    if isinstance(drawn, str):
        return Scene(text=drawn)
    lines = [f"{actor.layout.spec.name} {actor.when}"]
    for seat in actor.layout.seats:
        view = step.groups[seat.g]
        row = view.observation[which, seat.i]
        shown = np.array2string(
            row, precision=2, threshold=24, edgeitems=8, max_line_width=100, separator=" "
        )
        lines.append(f"{seat.name}{'' if view.alive[which, seat.i] else ' (out)'}: {shown}")
    return Scene(text="\n".join(lines))
