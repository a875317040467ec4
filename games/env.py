"""Environments: many copies of one multi-agent world that advance together.

An `Env` is rules, not state. `reset` starts B sub-environments, one per seed, and `step` advances them all. What is
seen of them is a `Step`: for each group of like-shaped agents a `View`, a state for centralised training, and how
the episodes stand. Sub-environment b is a function of `seeds[b]` and of the actions taken in it, and of nothing
else: neither of the batch around it nor of the process it runs in. `games.laws.check_env` states all the laws.

Letters: B sub-environments, n agents of a group, d numbers in an observation, A columns of an action mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from games.errors import InputError
from games.scene import Scene
from games.spaces import Actions, Box, Discrete, MultiDiscrete

Array = npt.NDArray[Any]
World = Any
"""The inside of a batch of sub-environments: only the environment that made it knows what it is."""


@dataclass(frozen=True)
class Group:
    """Agents whose observations and actions have the same shapes.

    Parameters
    ----------
    name : str
        What the group is called: ``agents``, ``planner``.
    agents : tuple of str
        Names of its agents.
    observation : tuple of int
        Shape of one observation before it is flattened to d numbers: ``(15,)``, or ``(84, 84, 3)`` for a picture.
    actions : Discrete, MultiDiscrete or Box
        What an agent can do.
    action_names : tuple of str
        Names of discrete actions; numbers if empty.
    rows : int
        How many different situations an agent of this group can be in, where they can be listed (`View.row`), or 0.
    """

    name: str
    agents: tuple[str, ...]
    observation: tuple[int, ...]
    actions: Actions
    action_names: tuple[str, ...] = ()
    rows: int = 0

    def __post_init__(self) -> None:
        if not self.agents:
            raise InputError(f"group {self.name!r} has no agents")
        if self.action_names and not (
            isinstance(self.actions, Discrete) and len(self.action_names) == self.actions.count
        ):
            raise InputError(
                f"group {self.name!r}: {len(self.action_names)} action names do not fit {self.actions}"
            )

    @property
    def size(self) -> int:
        """Number of agents, n."""
        return len(self.agents)

    @property
    def depth(self) -> int:
        """Numbers in one flat observation, d."""
        return prod(self.observation)

    @property
    def width(self) -> int:
        """Columns of an action mask, A."""
        return self.actions.width

    def action_name(self, action: Any) -> str:
        """How an action is called in messages."""
        if (
            isinstance(self.actions, Discrete)
            and self.action_names
            and 0 <= int(action) < len(self.action_names)
        ):
            return self.action_names[int(action)]
        return str(action.tolist() if isinstance(action, np.ndarray) else action)


@dataclass(frozen=True)
class EnvSpec:
    """What can be known about an environment before it runs.

    Parameters
    ----------
    name : str
        The URI or title, for messages and reports.
    groups : tuple of Group
        The agents, by shape.
    state : int
        Numbers in the global state, which only training may see.
    horizon : int, optional
        No episode takes more steps than this.
    common_reward : bool
        Whether all agents always get the same reward.
    turn_based : bool
        Whether at most one agent acts at a time.
    """

    name: str
    groups: tuple[Group, ...]
    state: int
    horizon: int | None = None
    common_reward: bool = False
    turn_based: bool = False

    def __post_init__(self) -> None:
        if not self.groups:
            raise InputError(f"{self.name} has no agents")
        if len(set(self.agents)) < len(self.agents):
            raise InputError(f"{self.name} has two agents of the same name")
        if self.horizon is not None and self.horizon < 1:
            raise InputError(f"{self.name}: an episode needs at least one step, not {self.horizon}")

    @cached_property
    def agents(self) -> tuple[str, ...]:
        """Names of all agents, group after group: the order of everything that is per agent."""
        return tuple(agent for group in self.groups for agent in group.agents)

    @cached_property
    def places(self) -> dict[str, tuple[int, int]]:
        """Group and position in it of every agent."""
        return {a: (g, i) for g, group in enumerate(self.groups) for i, a in enumerate(group.agents)}


class View(NamedTuple):
    """What the n agents of one group see, may do and got, in every sub-environment."""

    observation: Array  # float32[B, n, d]
    mask: Array  # bool[B, n, A]: which actions are legal; every agent that acts has one
    reward: Array  # float64[B, n]: of the transition that led here, 0 after reset and restart
    acting: Array  # bool[B, n]: whose action the next step takes; others' actions are ignored
    alive: Array  # bool[B, n]: False for good once an agent is out, while the episode goes on
    row: Array | None = (
        None  # int32[B, n]: which of `Group.rows` situations this is, where they can be listed
    )

    def agents(self, which: slice | Sequence[int]) -> View:
        """The view of some agents of the group, also where the arrays have more leading axes, such as time."""
        wide = self.observation[..., which, :], self.mask[..., which, :]
        rest: list[Any] = [None if part is None else part[..., which] for part in self[2:]]
        return View(*wide, *rest)

    def where(self, chosen: Any) -> View:
        """The view in some sub-environments: part of the first axis."""
        parts: list[Any] = [None if part is None else part[chosen] for part in self]
        return View(*parts)

    def seats(self, rows: Array, columns: Array) -> View:
        """Single agents of single sub-environments, int64[k] each, as a view of k sub-environments with one agent."""
        parts: list[Any] = [None if part is None else part[rows, columns][:, None] for part in self]
        return View(*parts)


class Step(NamedTuple):
    """What is seen of B sub-environments between two steps. The environment never changes it afterwards."""

    groups: tuple[View, ...]
    state: Array  # float32[B, s]: for centralised training only
    discount: Array  # float32[B]: 0 where the game has ended, 1 elsewhere, also where it was cut off
    last: Array  # bool[B]: the episode stops here, ended or cut off; it stays so until restarted

    @property
    def batch(self) -> int:
        """Number of sub-environments, B."""
        return self.last.shape[-1]

    @property
    def rewards(self) -> Array:
        """Rewards of all agents, float64[..., B, agents], in the order of `EnvSpec.agents`."""
        if len(self.groups) == 1:
            return self.groups[0].reward
        return np.concatenate([view.reward for view in self.groups], axis=-1)

    def where(self, chosen: Any) -> Step:
        """Some sub-environments: part of the first axis."""
        return Step(
            tuple(view.where(chosen) for view in self.groups),
            self.state[chosen],
            self.discount[chosen],
            self.last[chosen],
        )


class Env(Protocol):
    """The rules of a batch of sub-environments; `games.laws.check_env` says what each member must obey."""

    @property
    def spec(self) -> EnvSpec:
        """Agents, shapes, horizon."""

    def reset(self, seeds: Array) -> tuple[World, Step]:
        """Start len(seeds) sub-environments, uint64[B]; the b-th depends on `seeds[b]` alone."""

    def step(self, world: World, actions: Sequence[Array]) -> tuple[World, Step]:
        """Advance every sub-environment that has not stopped; `actions` has one array per group. Uses up `world`."""

    def restart(self, world: World, where: Array) -> tuple[World, Step]:
        """Begin a new episode in the sub-environments chosen by bool[B]; the others stay as they are, rewards and all."""

    def scene(self, world: World, which: int = 0) -> Scene:
        """A picture of one sub-environment."""

    def close(self, world: World) -> None:
        """Give back what the world holds: windows, processes. It cannot be used afterwards."""


def check_actions(spec: EnvSpec, step: Step, actions: Sequence[Any]) -> tuple[Array, ...]:
    """Actions as an environment can use them: legal, of the right type, zero where nobody acts, clipped to their box.

    Parameters
    ----------
    spec : EnvSpec
        The agents.
    step : Step
        Where the actions are taken: masks, who acts, which episodes have stopped.
    actions : sequence of arrays
        One per group: integers[B, n] or [B, n, K], or floats[B, n, k].

    Returns
    -------
    tuple of arrays
        New arrays, int32 or float32.

    Raises
    ------
    InputError
        Naming environment, agent, sub-environment and action, if one is masked out, out of range or not a number, or
        an array has the wrong shape.
    """
    if not isinstance(actions, list | tuple) or len(actions) != len(spec.groups):
        count = len(spec.groups)
        raise InputError(
            f"{spec.name}: actions must be a tuple of {count} array{'s' if count > 1 else ''}, one per group of agents"
        )
    live = ~step.last
    return tuple(
        _check_group(spec, group, view, live, given)
        for group, view, given in zip(spec.groups, step.groups, actions)
    )


def _check_group(spec: EnvSpec, group: Group, view: View, live: Array, given: Any) -> Array:
    try:
        array, space = np.asarray(given), group.actions
    except (ValueError, TypeError) as error:
        raise InputError(f"{spec.name}: actions of group {group.name!r} are not an array: {error}") from error
    wanted = (len(live), group.size, *space.shape)
    if array.shape != wanted:
        raise InputError(
            f"{spec.name}: actions of group {group.name!r} have shape {array.shape}, expected {wanted} "
            "(sub-environments, agents" + (", parts)" if space.shape else ")")
        )
    if isinstance(space, Box):
        return _check_box(spec, group, view, live, array, space)
    if array.dtype.kind not in "iu":
        raise InputError(
            f"{spec.name}: actions of group {group.name!r} have type {array.dtype}, expected integers"
        )
    from games.action_kernels import legal_actions

    counts = np.array(space.counts if isinstance(space, MultiDiscrete) else (space.count,), dtype=np.int64)
    kept = np.int32 if array.dtype == np.int32 else np.int64
    flat = np.ascontiguousarray(array.reshape(*wanted[:2], len(counts)), dtype=kept)
    clean = np.empty(flat.shape, dtype=np.int32)
    bad = legal_actions(flat, view.mask, view.acting, live, counts, clean)
    if bad >= 0:
        raise InputError(_illegal(spec, group, view, flat, counts, int(bad)))
    return clean.reshape(wanted)


def _check_box(spec: EnvSpec, group: Group, view: View, live: Array, array: Array, space: Box) -> Array:
    if array.dtype.kind not in "iuf":
        raise InputError(
            f"{spec.name}: actions of group {group.name!r} have type {array.dtype}, expected numbers"
        )
    from games.action_kernels import inside_box

    given = np.ascontiguousarray(array, dtype=np.float32 if array.dtype == np.float32 else np.float64)
    clean = np.empty(given.shape, dtype=np.float32)
    bad = inside_box(given, view.acting, live, *space.bounds, clean)
    if bad >= 0:
        b, i, k = np.unravel_index(bad, clean.shape)
        raise InputError(
            f"{spec.name}: {group.agents[i]} chose {array[b, i, k]} for part {k} of its action in sub-environment {b}; "
            f"expected a finite number from {space.low[k]:g} to {space.high[k]:g}"
        )
    return clean


def _illegal(spec: EnvSpec, group: Group, view: View, actions: Array, counts: Array, bad: int) -> str:
    b, i, k = np.unravel_index(bad, actions.shape)
    start = int(counts[:k].sum())
    legal = np.flatnonzero(view.mask[b, i, start : start + counts[k]]).tolist()
    if not group.action_names:
        told = ", ".join(map(str, legal))
    else:
        told = ", ".join(f"{a} ({group.action_names[a]})" for a in legal)
    chosen = int(actions[b, i, k])
    known = 0 <= chosen < len(group.action_names)
    name = f" ({group.action_names[chosen]})" if known else ""
    part = f" for part {k}" if len(counts) > 1 else ""
    return (
        f"{spec.name}: {group.agents[i]} chose action {chosen}{name}{part} in sub-environment {b}, "
        f"which is not legal there; legal: {told or 'none'}"
    )
