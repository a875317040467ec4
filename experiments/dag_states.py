"""The states in which learned graphs are looked at: all of them where they can be listed, else those that play visits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import Env, Step, View, World
from games.errors import InputError
from games.play import Progress, play_episodes
from games.policy import JointPolicy
from games.streams import draw_seeds
from games.tabulate import Situations

Array = npt.NDArray[Any]

LISTED = 1_024
"""States are listed up to so many."""
VISITED = 256
EPISODES, LONGEST = 64, 100
"""How many episodes are played to visit states, and where they are cut off if they have no horizon."""


def joined(steps: Step | Sequence[Step]) -> Step:
    """Steps as one, their sub-environments one after another.

    Raises
    ------
    InputError
        If there are none, or no sub-environments in them.
    """
    parts = [steps] if isinstance(steps, Step) else list(steps)
    if not sum(step.batch for step in parts):
        raise InputError("graphs are looked at in at least one state")
    if len(parts) == 1:
        return parts[0]
    views = []
    for group in zip(*(step.groups for step in parts)):
        columns: list[Any] = [None if column[0] is None else np.concatenate(column) for column in zip(*group)]
        views.append(View(*columns))
    rest = zip(*((step.state, step.discount, step.last) for step in parts))
    return Step(tuple(views), *(np.concatenate(column) for column in rest))


def states_of(
    env: Env,
    team: JointPolicy,
    rng: np.random.Generator,
    *,
    max_steps: int | None = None,
    progress: Progress | None = None,
) -> tuple[Step, bool]:
    """States to look at: all of them if they can be listed, else what a team visits.

    Returns
    -------
    Step
        A sub-environment per state.
    bool
        Whether these are all.
    """
    listed = listed_steps(env)
    if listed is not None:
        return listed, True
    seeds = draw_seeds(rng, EPISODES)
    return visited_steps(env, team, seeds, rng, max_steps=max_steps, progress=progress), False


def visited_steps(
    env: Env,
    team: JointPolicy,
    seeds: Any,
    rng: np.random.Generator,
    *,
    limit: int = VISITED,
    max_steps: int | None = None,
    progress: Progress | None = None,
) -> Step:
    """States in which a team acts when it plays, as often as it does: a random part of all visits.

    Parameters
    ----------
    env : Env
        The environment.
    team : JointPolicy
        Who plays.
    seeds : uint64[E]
        One per episode.
    rng : numpy.random.Generator
        Chooses among the visits.
    limit : int
        At most so many states are kept, each visit being as likely to be as any other.
    max_steps : int, optional
        Where episodes are cut off; `LONGEST` if neither this nor the environment says.

    Returns
    -------
    Step
        A sub-environment per state.
    """
    if limit < 1:
        raise InputError(f"at least one state must be kept, not {limit}")
    kept = _Kept(limit, rng)
    cut = LONGEST if max_steps is None and env.spec.horizon is None else max_steps
    play_episodes(env, team, seeds, max_steps=cut, batch=EPISODES, watch=kept, progress=progress)
    return kept.step()


class _Kept:
    """Watches play and keeps the visits to which chance gives the smallest numbers."""

    def __init__(self, limit: int, rng: np.random.Generator) -> None:
        self._limit, self._rng = limit, rng
        self._keys = np.empty(0)
        self._pool: Step | None = None
        self._largest = np.inf

    def __call__(self, world: World, step: Step, actions: tuple[Array, ...] | None) -> None:
        keys = self._rng.random(step.batch)
        chosen = np.flatnonzero(~step.last & (keys < self._largest))
        if not chosen.size:
            return
        found = step.where(chosen)
        self._pool = found if self._pool is None else joined([self._pool, found])
        self._keys = np.concatenate([self._keys, keys[chosen]])
        if len(self._keys) > self._limit:
            best = np.sort(np.argpartition(self._keys, self._limit - 1)[: self._limit])
            self._keys, self._pool = self._keys[best], self._pool.where(best)
            self._largest = float(self._keys.max())

    def step(self) -> Step:
        """What was kept."""
        if self._pool is None:
            raise InputError("no state was visited in which anybody acts")
        return self._pool


def listed_steps(env: Env, limit: int = LISTED) -> Step | None:
    """Every state of an environment, a sub-environment each; None if they cannot be listed, or there are more than `limit`.

    See `games.tabulate.Situations`: normal-form and Markov games (stage by stage), coordination games of matrices and bits.
    """
    try:
        listed = Situations(env)
    except InputError:
        return None
    return listed.step(np.arange(listed.count)) if 0 < listed.count <= limit else None
