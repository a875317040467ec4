"""Gather-trade-build: workers gather wood and stone, trade them, build houses for coin, and pay taxes that a planner sets.

Source: Zheng, Trott, Srinivasa, Parkes and Socher (2022), "The AI Economist: Taxation policy design via two-level deep
multiagent reinforcement learning", Science Advances 8(18); the rules are those of the authors' simulation, step by step. In each
step houses are built, orders placed and matched, workers move and gather in a random order, the tax year goes on, and sources
grow. Rewards are what utility (the planner's: welfare) changed by. An episode ends at its horizon: time is seen, so that this is
part of the task.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, Group, View
from games.errors import InputError
from games.scene import Scene
from games.sims.economy_begin_kernels import begin_episodes, draw
from games.sims.economy_gtb_kernels import play_day
from games.sims.economy_look import Layout, action_names
from games.sims.economy_look_kernels import look_everywhere
from games.sims.economy_maps import read_map
from games.sims.economy_parameters import GatherTradeBuild
from games.sims.economy_scene import draw_economy
from games.sims.economy_state import Chance, World, allocate_chance, allocate_world, make_constants
from games.sims.simulation import constant
from games.spaces import Discrete, MultiDiscrete

Array = npt.NDArray[Any]


class Economy:
    """A batch of economies, and room for what chance decides in a step."""

    def __init__(self, world: World, chance: Chance) -> None:
        self.world, self.chance = world, chance
        batch, n = world.labour.shape
        self.everybody = constant(True, (batch, n)), constant(True, (batch, 1))


class GatherTradeBuildRules:
    """Gather-trade-build; see `games.sims.simulation.Rules`.

    Parameters
    ----------
    parameters : GatherTradeBuild
        All constants.

    Notes
    -----
    What workers and the planner see is told by `games.sims.economy_look`. The global state is what the planner sees, 0.01 times
    the units of stone and of wood on the map, and `PER_WORKER` numbers of each worker.
    """

    def __init__(self, parameters: GatherTradeBuild) -> None:
        p = self.parameters = parameters
        self.ground = read_map(p.map)
        self.constants = make_constants(p, self.ground)
        self.layout = Layout(p.agents, p.max_price + 1, len(self.constants.cutoffs), p.window)
        names = action_names(p.max_price + 1)
        choices = MultiDiscrete((len(self.constants.levels) + 1,) * len(self.constants.cutoffs))
        workers = tuple(f"agent_{i}" for i in range(p.agents))
        groups = (
            Group("workers", workers, (self.layout.worker,), Discrete(len(names)), names),
            Group("planner", ("planner",), (self.layout.planner,), choices),
        )
        self.spec = EnvSpec(p.uri, groups, state=self.layout.state, horizon=p.horizon)

    def allocate(self, batch: int) -> Economy:
        """Economies that have not begun."""
        world = allocate_world(self.parameters, self.constants, batch)
        return Economy(world, allocate_chance(self.constants, batch))

    def begin(self, state: Economy, streams: Array, where: Array) -> None:
        """Draw skills and places; everything grows anew."""
        begin_episodes(state.world, self.constants, streams, where)

    def advance(
        self, state: Economy, streams: Array, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], Array | None]:
        """One step, as chance decides."""
        draw(state.chance, self.constants, streams, live)
        return self.play(state, state.chance, actions, live)

    def play(
        self, state: Economy, chance: Chance, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], Array | None]:
        """One step, as `chance` decides."""
        workers, planner = actions
        rewards = np.empty(workers.shape), np.empty((len(live), 1))
        ended = np.empty(len(live), dtype=bool)
        some = play_day(state.world, self.constants, chance, workers, planner, live, *rewards, ended)
        return rewards, ended if some else None

    def look(self, state: Economy, rewards: tuple[Array, ...]) -> tuple[tuple[View, ...], Array]:
        """What workers and the planner see and may do, and the global state."""
        world, constants, layout = state.world, self.constants, self.layout
        batch, n = world.labour.shape
        seen = np.empty((batch, n, layout.worker), dtype=np.float32)
        above = np.empty((batch, 1, layout.planner), dtype=np.float32)
        features = np.empty((batch, layout.state), dtype=np.float32)
        masks = [np.empty((batch, group.size, group.width), dtype=bool) for group in self.spec.groups]
        look_everywhere(world, constants, layout.map_size, seen, above, *masks, features)
        workers, planner = state.everybody
        return (
            View(seen, masks[0], rewards[0], workers, workers),
            View(above, masks[1], rewards[1], planner, planner),
        ), features

    def carried(self, state: Economy) -> Array:
        """What economies keep: completed episodes, steps with a mean reward above 0 and, under tax=saez, what its formula
        remembers; float64[B, C]."""
        world = state.world
        parts = [world.counts]
        if self.parameters.tax == "saez":
            parts += [world.formula, world.pairs.reshape(len(world.counts), -1)]
        return np.concatenate(parts, axis=1)

    def take_over(self, state: Economy, carried: Array) -> None:
        """Go on from what others have kept; `InputError` if those were other economies."""
        own = self.carried(state)
        given = np.asarray(carried, dtype=np.float64)
        if given.shape != own.shape or not np.isfinite(given).all() or (given[:, :2] < 0).any():
            raise InputError(
                f"{self.spec.name}: what is carried over must be {own.shape[1]} finite numbers for each of {own.shape[0]} "
                f"economies, not {given.shape}; was it kept under another tax, other brackets or another saez_memory?"
            )
        world = state.world
        world.counts[:] = given[:, :2]
        if self.parameters.tax == "saez":
            cut = 2 + world.formula.shape[1]
            world.formula[:] = given[:, 2:cut]
            world.pairs[:] = given[:, cut:].reshape(world.pairs.shape)

    def scene(self, state: Economy, which: int) -> Scene:
        """The map from above, with houses in the colours of their owners."""
        return draw_economy(state.world, self.ground, self.constants, which)
