"""Scripted foragers: each goes for one food it sees, and loads when it stands next to it.

H1 to H4 are the heuristics of Albrecht and Ramamoorthy (2013) as lbforaging 2.0 plays them; `greedy` and `social` are
ours: they measure distances in steps, walk around what stands in the way, and wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from games import foraging_policy_kernels as kernels
from games.env import EnvSpec, View
from games.errors import InputError
from games.policy import Memoryless
from games.sims.foraging_setup import Setup, read_setup
from games.streams import Streams
from games.uri import split_query

Array = npt.NDArray[Any]
Goal = Literal["nearest", "central", "gathering"]
Reach = Literal["any", "own", "team"]

_GOALS = {"nearest": kernels.NEAREST, "central": kernels.CENTRAL, "gathering": kernels.GATHERING}
_REACHES = {"any": kernels.ANY, "own": kernels.OWN, "team": kernels.TEAM}


class Forager(Memoryless):
    """Goes for one food that it sees; where it sees none, or no way, it acts at random.

    Parameters
    ----------
    spec : EnvSpec
        Of a ``foraging:`` environment.
    goal : {"nearest", "central", "gathering"}
        The food nearest to itself, nearest to the centre of all players it sees, or with the shortest walk for all of
        them together.
    reach : {"any", "own", "team"}
        Any food, or only one that its own level suffices for, or that of all players it sees.
    straight : bool
        Walks along the column first, then along the row, into whomever stands there. Otherwise it takes a shortest way
        around all that it sees, and if it counts on the team, it does not load before enough players are there.

    Raises
    ------
    InputError
        If the environment is not level-based foraging, or levels matter and are not observed.

    Notes
    -----
    In grid observations a player in the very cell of the agent hides the agent's level if it comes later, and the centre
    of players is rounded on the grid around the agent.
    """

    def __init__(self, spec: EnvSpec, goal: Goal, reach: Reach, *, straight: bool = False) -> None:
        self.setup = setup_of(spec)
        if goal not in _GOALS or reach not in _REACHES:
            raise InputError(
                f"a forager's goal is {', '.join(_GOALS)}, its reach {', '.join(_REACHES)}, not {goal!r} and {reach!r}"
            )
        if reach != "any" and not self.setup.levels:
            raise InputError(
                f"{spec.name}: this forager minds levels, which are not observed there; h1 and h2 do not"
            )
        self.goal, self.reach, self.straight = goal, reach, straight

    def __repr__(self) -> str:
        return f"Forager({self.goal!r}, {self.reach!r}, straight={self.straight})"

    def probs(self, view: View, memory: None = None) -> tuple[Array, None]:
        """Probabilities of the six actions, float64[B, n, 6]."""
        s, (batch, agents, width) = self.setup, view.mask.shape
        seen = np.ascontiguousarray(view.observation)
        probs = np.empty((batch, agents, width))
        rule = _GOALS[self.goal], _REACHES[self.reach], self.straight, _room(s), probs
        mask = np.ascontiguousarray(view.mask)
        if s.grid:
            kernels.choose_grids(seen.reshape(batch, agents, *s.observation), mask, *rule)
        else:
            kernels.choose_lists(seen, mask, 3 if s.levels else 2, *rule)
        return probs, None

    def sample(self, view: View, memory: None, streams: Streams) -> tuple[Array, None]:
        """One draw per stream."""
        return streams.choose(self.probs(view)[0]), None


def _room(setup: Setup) -> tuple[Array, ...]:
    """Arrays for the kernels to think in: foods, players, blocked cells, steps to the food, and a queue."""
    side = 2 * setup.sight + 1
    height, width = (side, side) if setup.grid else (min(side, setup.rows), min(side, setup.cols))
    return (
        np.zeros((setup.foods, 3), dtype=np.int64),
        np.zeros((setup.players, 3), dtype=np.int64),
        np.zeros((height, width), dtype=bool),
        np.zeros((height, width), dtype=np.int32),
        np.zeros(height * width, dtype=np.int64),
    )


def setup_of(spec: EnvSpec) -> Setup:
    """The setup of a foraging environment; `InputError` if it is another one."""
    scheme, _, rest = spec.name.partition(":")
    if scheme.lower() == "foraging":
        name, _, query = rest.partition("?")
        setup = read_setup(name, split_query(query, spec.name))
        if len(spec.groups) == 1 and spec.groups[0].observation == setup.observation:
            return setup
    raise InputError(f"foragers play level-based foraging as it is observed there, not {spec.name}")


POLICIES: dict[str, Callable[[EnvSpec], Forager]] = {
    "greedy": lambda spec: Forager(spec, "nearest", "own"),
    "social": lambda spec: Forager(spec, "gathering", "team"),
    "h1": lambda spec: Forager(spec, "nearest", "any", straight=True),
    "h2": lambda spec: Forager(spec, "central", "any", straight=True),
    "h3": lambda spec: Forager(spec, "nearest", "own", straight=True),
    "h4": lambda spec: Forager(spec, "central", "team", straight=True),
}
"""Foragers by name, each made for an environment."""
