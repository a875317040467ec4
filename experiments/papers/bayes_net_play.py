"""How trained teams are judged: exactly by their tables, by sampling where graphs are drawn with noise, and by play."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import Env, Step
from games.play import play_episodes
from games.policy import JointPolicy
from games.streams import ACT, Streams, draw_seeds
from games.tabulate import tabulate_network

Array = npt.NDArray[Any]
BLOCK = 2_048
"""Sub-environments that are sampled at once."""


def joint_table(env: Env, team: JointPolicy) -> Array:
    """What a team without memory plays in listed situations, float64[S, J]; see `games.tabulate.tabulate_network`."""
    joint = tabulate_network(env, team).joint()
    return np.asarray(joint.reshape(len(joint), -1))


def sampled_table(team: Any, step: Step, draws: int, rng: np.random.Generator) -> Array:
    """As `joint_table`, estimated from so many joint actions per state: also where graphs are drawn with noise."""
    states = step.batch
    shape = tuple(group.width for group in team.spec.groups for _ in group.agents)
    counts = np.zeros((states, int(np.prod(shape))))
    left = draws
    while left > 0:
        times = max(1, min(left, BLOCK // states))
        rows = np.tile(np.arange(states), times)
        streams = Streams.from_seeds(draw_seeds(rng, len(rows)), ACT, agents=len(shape))
        actions, _ = team.sample(step.where(rows), team.start(len(rows)), streams)
        cells = np.ravel_multi_index(tuple(np.concatenate(actions, axis=1).T), shape)
        np.add.at(counts, (rows, cells), 1.0)
        left -= times
    return counts / counts.sum(axis=1, keepdims=True)


def mean_return(env: Env, team: Any, episodes: int, rng: np.random.Generator) -> float:
    """Mean common return of so many episodes."""
    return float(play_episodes(env, team, draw_seeds(rng, episodes)).returns[:, 0].mean())


def rng_of(*numbers: int) -> np.random.Generator:
    """A generator that depends on these numbers alone."""
    return np.random.default_rng(list(numbers))
