"""One agent against everybody else, who never change: the environment in which a best response is learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import Env, EnvSpec, Group, Step, View, World, check_actions
from games.errors import InputError
from games.policy import Independent, JointPolicy, Memory, Policy, keep_where
from games.scene import Scene
from games.spaces import Box, Discrete
from games.streams import Streams, check_seeds

Array = npt.NDArray[Any]

OTHERS = 2
"""Label of the others' random streams: the agent itself, who is the only one here, draws from `games.streams.ACT`."""


@dataclass
class Facing:
    """The world of an `Against`."""

    world: World  # of the environment itself
    inside: Step  # what is seen there
    memory: Memory  # of the team
    streams: Streams  # of the team
    step: Step  # what the one agent sees


class Against:
    """The same environment with one agent, in which all others play by frozen policies.

    A step is a step of the environment. Where the agent does not act in it, because another has the turn, its one legal
    action is to wait (the first of each part; numbers are ignored), so that somebody always acts; where situations are
    listed (`View.row`), waiting is one more of them and shows zeros. Once the agent is out, the episode has ended for
    it. The global state is the environment's. A frozen team is asked for everybody's actions and the agent's own is
    replaced, so correlated teams do too: the agent deviates from what it was told.

    Parameters
    ----------
    env : Env
        The environment.
    team : JointPolicy
        Everybody's policies, the agent's own among them.
    agent : str
        Who is free.

    Raises
    ------
    InputError
        If there is no such agent.

    Examples
    --------
    >>> from games import make_env
    >>> from games.policy import random_policy
    >>> env = make_env("zoo:chicken")
    >>> Against(env, random_policy(env.spec), "Player 2").spec.agents
    ('Player 2',)
    """

    def __init__(self, env: Env, team: JointPolicy, agent: str) -> None:
        if agent not in env.spec.places:
            near = get_close_matches(agent, env.spec.agents, 1, 0.5)
            listed = ", ".join(env.spec.agents[:12]) + (", ..." if len(env.spec.agents) > 12 else "")
            hint = f"did you mean {near[0]!r}?" if near else f"it has {listed}"
            raise InputError(f"{env.spec.name} has no agent {agent!r}; {hint}")
        self.env, self.team, self.agent = env, team, agent
        self._group, self._place = env.spec.places[agent]
        group = env.spec.groups[self._group]
        self._waiting = group.rows
        alone = replace(group, agents=(agent,), rows=group.rows + 1 if group.rows else 0)
        self.spec: EnvSpec = replace(
            env.spec, name=f"{env.spec.name} as {agent}", groups=(alone,), common_reward=False
        )
        self._first = _first_of_each_part(alone)

    def __repr__(self) -> str:
        return f"Against({self.env!r}, {self.agent!r})"

    def reset(self, seeds: Array) -> tuple[Facing, Step]:
        """See `games.env.Env.reset`."""
        seeds = check_seeds(seeds)
        streams = Streams.from_seeds(seeds, OTHERS, agents=len(self.env.spec.agents))
        memory = self.team.start(len(seeds))
        world, inside = self.env.reset(seeds)
        shown = self._shown(inside)
        return Facing(world, inside, memory, streams, shown), shown

    def step(self, world: Facing, actions: Sequence[Array]) -> tuple[Facing, Step]:
        """See `games.env.Env.step`."""
        before = world.step
        own = check_actions(self.spec, before, actions)[0]
        stopped, kept = before.last, world.streams.state[before.last]
        everybody, world.memory = self.team.sample(world.inside, world.memory, world.streams)
        world.streams.state[stopped] = kept  # a stopped episode draws nothing
        world.world, world.inside = self.env.step(world.world, self.joint(everybody, own))
        world.step = _held(self._shown(world.inside), before, stopped, paid=False)
        return world, world.step

    def restart(self, world: Facing, where: Array) -> tuple[Facing, Step]:
        """See `games.env.Env.restart`."""
        before = world.step
        world.world, world.inside = self.env.restart(world.world, where)
        world.memory = keep_where(world.memory, self.team.start(len(before.last)), where)
        world.step = _held(self._shown(world.inside), before, before.last & ~where, paid=True)
        return world, world.step

    def scene(self, world: Facing, which: int = 0) -> Scene:
        """See `games.env.Env.scene`."""
        return self.env.scene(world.world, which)

    def close(self, world: Facing) -> None:
        """See `games.env.Env.close`."""
        self.env.close(world.world)

    def view(self, inside: Step) -> View:
        """What the agent sees of a step of the environment itself."""
        return self._shown(inside).groups[0]

    def joint(self, everybody: Sequence[Array], own: Array) -> tuple[Array, ...]:
        """The team's actions with the agent's own, one array [B, 1, ...], in its place."""
        out = list(everybody)
        out[self._group] = np.array(out[self._group])
        out[self._group][:, self._place] = own[:, 0]
        return tuple(out)

    def _shown(self, inside: Step) -> Step:
        """What the agent sees of a step."""
        view = inside.groups[self._group].agents(slice(self._place, self._place + 1))
        over = (inside.discount == 0) | ~view.alive[:, 0]
        acting = ~over[:, None]
        view = self._waits(view._replace(acting=acting), acting & ~view.acting)
        return Step(
            (view,),
            inside.state,
            np.where(over, np.float32(0), inside.discount),
            inside.last | over,
        )

    def _waits(self, view: View, waits: Array) -> View:
        """The view in which an agent that waits has one legal action."""
        if not waits.any():
            return view
        mask = np.where(waits[..., None], self._first, view.mask)
        if view.row is None:
            return view._replace(mask=mask)
        return view._replace(
            mask=mask,
            row=np.where(waits, np.int32(self._waiting), view.row),
            observation=np.where(waits[..., None], np.float32(0), view.observation),
        )


class Deviating:
    """The team of an `Against` with another policy for the agent: a joint policy of the environment itself.

    Where players are independent, the others draw from their own streams what they would have drawn beside the team's
    own policy, and the agent draws the numbers of the policy it replaces, so two teams are compared on the same seeds.
    In any other team the agent's numbers may tell what the others do; there it draws new ones.

    Parameters
    ----------
    against : Against
        The environment, the team and the agent.
    policy : Policy
        How the agent plays: by what it sees in `against`.
    """

    def __init__(self, against: Against, policy: Policy) -> None:
        self.against, self.policy = against, policy

    def start(self, batch: int) -> tuple[Memory, Memory]:
        """The memories of the team and of the agent."""
        return self.against.team.start(batch), self.policy.start(batch, 1)

    def sample(
        self, step: Step, memory: tuple[Memory, Memory], streams: Streams
    ) -> tuple[tuple[Array, ...], tuple[Memory, Memory]]:
        """The team's actions, but the agent's by its own policy."""
        spec = self.against.env.spec
        place = spec.agents.index(self.against.agent)
        mine = streams.agents(slice(place, place + 1))
        paired = isinstance(self.against.team, Independent)
        drawn_from = Streams(mine.state.copy()) if paired else mine
        everybody, ours = self.against.team.sample(step, memory[0], streams)
        own, alone = self.policy.sample(self.against.view(step), memory[1], drawn_from)
        mine.state[:] = drawn_from.state
        return self.against.joint(everybody, own), (ours, alone)


def _first_of_each_part(group: Group) -> Array:
    """The mask bool[A] that allows the first choice of each part of an action."""
    first = np.zeros(group.width, dtype=bool)
    if not isinstance(group.actions, Box):
        first[[0] if isinstance(group.actions, Discrete) else list(group.actions.starts[:-1])] = True
    return first


def _held(new: Step, old: Step, where: Array, paid: bool) -> Step:
    """A step that in the sub-environments chosen by bool[B] stays what it was, without its rewards unless `paid`.

    The environment goes on there if the agent is out and others are not.
    """
    if not where.any():
        return new

    def choose(a: Any, b: Any) -> Any:
        return None if a is None else np.where(where.reshape(-1, *[1] * (a.ndim - 1)), b, a)

    views = []
    for after, before in zip(new.groups, old.groups):
        before = before if paid else before._replace(reward=np.zeros_like(before.reward))
        views.append(View(*map(choose, after, before)))
    rest = (choose(a, b) for a, b in zip(new[1:], old[1:]))
    return Step(tuple(views), *rest)
