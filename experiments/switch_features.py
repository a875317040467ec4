"""What there is to know of a state in which a switched team decides: by what its calls may be told apart.

These are for people who look at a switch. The switch itself sees the state alone (`marl.learner.central`).

Letters: B sub-environments, P players, F foods, k features.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from experiments.evaluation import scores
from games.env import Env, Step
from games.sims.foraging_setup import Setup
from marl.learner import central, central_inputs

Array = npt.NDArray[Any]

COORDINATES = 64
"""So many numbers of the state are features, the first ones."""


class Feature(NamedTuple):
    """A number that every state has: its name, and its unit, or what it is where the name does not say."""

    name: str
    unit: str = ""

    @property
    def label(self) -> str:
        """Name and unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


SECOND = Feature("distance of second-nearest agent to food", "cells")
NEAREST = Feature("distance of nearest agent to food", "cells")
FOODS = Feature("foods left", "number")
BETWEEN = Feature("distance between agents", "cells")
STEP = Feature("step of the episode", "steps")
REWARD = Feature("team's reward so far", "reward")
BUDGET = Feature("budget left", "share")


class Features:
    """Reads features off steps.

    Parameters
    ----------
    env : Env
        Where the team plays. What is known of level-based foraging comes first.
    budget : bool
        Whether the team has a budget of calls.
    """

    def __init__(self, env: Env, budget: bool) -> None:
        self._spec, self._budget = env.spec, budget
        setup = getattr(getattr(env, "rules", None), "setup", None)
        self._setup = setup if isinstance(setup, Setup) else None
        own = () if self._setup is None else foraging_features(self._setup.players)
        shown = min(central_inputs(env.spec), COORDINATES)
        what = "state" if env.spec.state else "observation"
        known = () if self._setup is None else foraging_coordinates(self._setup.players, self._setup.foods)
        self.all: tuple[Feature, ...] = (
            *own,
            STEP,
            REWARD,
            *((BUDGET,) if budget else ()),
            *(Feature(f"{what}[{k}]", known[k] if known else "") for k in range(shown)),
        )

    def __call__(self, step: Step, clock: int, reward: Array, left: Array) -> Array:
        """Features of all sub-environments.

        Parameters
        ----------
        step : Step
            What is seen now.
        clock : int
            Steps of the episode so far.
        reward : float64[B]
            What the team was paid in them.
        left : float64[B]
            The share of the budget that is left.

        Returns
        -------
        float32[B, k]
            As `all` names them; NaN where there is no such thing.
        """
        seen = central(self._spec, step)
        columns = [np.full(step.batch, clock), reward, *((left,) if self._budget else ())]
        parts = [np.stack(columns, axis=1), seen[:, :COORDINATES]]
        if self._setup is not None:
            parts.insert(0, foraging_measures(seen, self._setup.players, self._setup.foods))
        return np.concatenate(parts, axis=1).astype(np.float32)


def team_reward(env: Env, step: Step) -> Array:
    """What the last step paid the team, float64[B]: the common reward, or the sum of all."""
    return scores(env.spec, step.rewards)


# --- level-based foraging ---------------------------------------------------------------------------------------


def foraging_features(players: int) -> tuple[Feature, ...]:
    """What `foraging_measures` tells of so many players."""
    return (NEAREST, FOODS) if players == 1 else (SECOND, NEAREST, FOODS, BETWEEN)


def foraging_coordinates(players: int, foods: int) -> tuple[str, ...]:
    """What the numbers of a global state are, as `games.sims.foraging.ForagingRules` lays them out."""
    of_player, of_food = ("row", "column", "level"), ("row", "column", "level", "presence")
    return (
        *(f"{what} of player {i}" for i in range(players) for what in of_player),
        *(f"{what} of food {j}" for j in range(foods) for what in of_food),
        "share of steps left",
    )


def foraging_measures(state: Array, players: int, foods: int) -> Array:
    """Distances, which count steps north, south, west and east, and what is left to eat.

    Parameters
    ----------
    state : float[B, 3 P + 4 F + 1]
        Global states, as `games.sims.foraging.ForagingRules` lays them out.
    players, foods : int
        P and F.

    Returns
    -------
    float64[B, 4]
        The distance of the second-nearest agent to the food that is nearest to the team (of those as near, the one that
        a second agent is nearest to), that of the nearest agent, foods left, and the mean distance between two agents;
        without the first and the last of a single player. Distances to food are NaN where none is left.
    """
    state = np.asarray(state, dtype=np.float64)
    stand = state[:, : 3 * players].reshape(-1, players, 3)[..., :2]
    food = state[:, 3 * players : 3 * players + 4 * foods].reshape(-1, foods, 4)
    there = food[..., 3] > 0.5
    away = np.abs(stand[:, :, None] - food[:, None, :, :2]).sum(axis=-1)
    ranked = np.sort(np.where(there[:, None], away, np.inf), axis=1)
    nearest = ranked[:, 0].min(axis=1)
    left = there.sum(axis=1)
    if players == 1:
        return np.stack([_known(nearest), left], axis=1)
    second = np.where(ranked[:, 0] == nearest[:, None], ranked[:, 1], np.inf).min(axis=1)
    a, b = np.triu_indices(players, 1)
    between = np.abs(stand[:, a] - stand[:, b]).sum(axis=-1).mean(axis=1)
    return np.stack([_known(second), _known(nearest), left, between], axis=1)


def _known(distance: Array) -> Array:
    return np.where(np.isfinite(distance), distance, np.nan)
