"""Level-based foraging (Albrecht and Ramamoorthy 2013; Papoudakis et al. 2021): exactly the rules of lbforaging 2.0.

Players walk on a field and load food; those who load the same food together need levels that sum to its level, and
share its worth by their levels. ``foraging:2s-8x8-2p-3f-coop`` means sight 2, an 8 by 8 field, two players, three
foods, all of them as heavy as can be.

Two things are as the library means them rather than as it does them. An episode that runs out of time is cut off
(discount 1), which the library does not tell from a game that has ended. And a new episode depends on nothing of the
last one; in the library players who are not yet placed still block the cells on which the last episode left them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, Group, View
from games.scene import Mark, Scene
from games.sims import foraging_kernels as kernels
from games.sims.foraging_setup import Setup, read_setup
from games.sims.foraging_spawn import spawn
from games.sims.simulation import Simulation, constant
from games.spaces import Discrete

Array = npt.NDArray[Any]

ACTIONS = ("none", "north", "south", "west", "east", "load")
EXAMPLES = (
    "foraging:8x8-2p-3f",
    "foraging:8x8-2p-2f-coop",
    "foraging:2s-10x10-3p-3f",
    "foraging:15x15-4p-5f",
    "foraging:grid-2s-8x8-2p-3f",
    "foraging:8x8-3p-3f-pen?reward=team",
)


def make(name: str, parameters: Mapping[str, Any]) -> Simulation:
    """Level-based foraging by its name in `lbforaging`; see `games.sims.foraging_setup.read_setup`."""
    return Simulation(ForagingRules(read_setup(name, parameters)))


class Field(NamedTuple):
    """A batch of fields."""

    players: Array  # int32[B, P, 3]: row, column, level
    foods: Array  # int32[B, F, 4]: row, column, level, whether it is still there; in row-major order
    time: Array  # int32[B]: steps played
    everybody: Array  # bool[B, P]: True
    scratch: Array  # int64[P]


class ForagingRules:
    """Level-based foraging; see `games.sims.simulation.Rules`.

    Parameters
    ----------
    setup : Setup
        Sizes, levels, sight, rewards.

    Notes
    -----
    The global state lists row, column and level of every player, then row, column, level and whether it is still
    there of every food (in row-major order of their cells; (-1, -1, 0, 0) where no place was found for it), and last
    the share of the horizon that is left. Nothing else matters for what comes next.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        agents = tuple(f"player_{i}" for i in range(setup.players))
        group = Group("players", agents, setup.observation, Discrete(len(ACTIONS)), ACTIONS)
        self.spec = EnvSpec(
            setup.name, (group,), setup.state, setup.horizon, common_reward=setup.team or setup.players == 1
        )
        highest = setup.max_food_level or (0,) * setup.foods
        self._player_levels = np.array([setup.min_player_level, setup.max_player_level], dtype=np.int64)
        self._food_levels = np.array([setup.min_food_level, highest], dtype=np.int64)

    def allocate(self, batch: int) -> Field:
        """Empty fields."""
        players, foods = self.setup.players, self.setup.foods
        return Field(
            np.zeros((batch, players, 3), dtype=np.int32),
            np.zeros((batch, foods, 4), dtype=np.int32),
            np.zeros(batch, dtype=np.int32),
            constant(True, (batch, players)),
            np.zeros(players, dtype=np.int64),
        )

    def begin(self, state: Field, streams: Array, where: Array) -> None:
        """Place players, then food."""
        state.time[where] = 0
        s = self.setup
        levels = self._player_levels, self._food_levels
        spawn(state.players, state.foods, streams, where, s.rows, s.cols, *levels, s.coop, 3)

    def advance(
        self, state: Field, streams: Array, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], Array | None]:
        """Walk and load; the game ends when nothing is left."""
        s = self.setup
        reward, ended = np.empty(state.everybody.shape), np.empty(len(live), dtype=bool)
        rules = s.cols, s.penalty, s.normalize, s.team
        some = kernels.move_and_load(
            state.players, state.foods, state.time, actions[0], live, *rules, state.scratch, reward, ended
        )
        return (reward,), ended if some else None

    def look(self, state: Field, rewards: tuple[Array, ...]) -> tuple[tuple[View, ...], Array]:
        """What each player sees and may do, and the whole field."""
        s, (batch, players) = self.setup, state.everybody.shape
        seen = np.empty((batch, players, self.spec.groups[0].depth), dtype=np.float32)
        mask = np.empty((batch, players, len(ACTIONS)), dtype=bool)
        features = np.empty((batch, s.state), dtype=np.float32)
        rules = s.rows, s.cols, s.sight, s.grid, s.levels, s.horizon
        kernels.look(state.players, state.foods, state.time, *rules, seen, mask, features)
        return (View(seen, mask, rewards[0], state.everybody, state.everybody),), features

    def return_bounds(self, steps: int) -> tuple[float, float] | None:
        """Between which numbers every return of so many steps lies: shares of all food, if normalised and nothing costs."""
        return (0.0, 1.0) if self.setup.normalize and self.setup.penalty == 0 else None

    def scene(self, state: Field, which: int) -> Scene:
        """The field from above: foods as squares, players as discs, with their levels."""
        s = self.setup
        foods = tuple(
            Mark("square", col + 0.5, s.rows - row - 0.5, 0.8, s.players, str(level))
            for row, col, level, there in state.foods[which].tolist()
            if there
        )
        players = tuple(
            Mark("disc", col + 0.5, s.rows - row - 0.5, 0.6, i, str(level))
            for i, (row, col, level) in enumerate(state.players[which].tolist())
        )
        told = f"{len(foods)} food{'' if len(foods) == 1 else 's'} left, at most {s.horizon} steps"
        return Scene(float(s.cols), float(s.rows), foods + players, grid=True, text=told)
