"""Watching a switched team while it plays: every step in which it decides, and what there is to know of the state.

Letters: N steps, k features, T steps of an episode, B sub-environments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.switch_features import Feature, Features, team_reward
from games.env import Env, Step
from games.errors import InputError
from games.policy import Memory
from games.streams import Streams
from marl.switched_team import SwitchedTeam

Array = npt.NDArray[Any]

LIMIT = 200_000
"""Features of so many steps are kept, of more a random part, each step being as likely to be in it as any other."""


@dataclass(frozen=True)
class Visits:
    """Steps in which a team decided.

    Parameters
    ----------
    env : str
        Where it played.
    episodes : int
        How many.
    features : tuple of Feature
        The columns of `seen`.
    seen : float32[N, k]
        Features of the steps that were kept.
    called : bool[N]
        Whether it called in them.
    counted : int64[T, 2]
        Steps, and those with a call, of all that were played, by step of the episode.
    budget : int or None
        Calls of an episode at most.
    """

    env: str
    episodes: int
    features: tuple[Feature, ...]
    seen: Array
    called: Array
    counted: Array
    budget: int | None


class CallLog:
    """Watches a switched team play whole episodes (`games.play.play_episodes`).

    Parameters
    ----------
    env : Env
        Where it plays.
    team : SwitchedTeam
        Who plays. `watched` plays the same, and is looked at.
    rng : numpy.random.Generator
        Chooses steps where there are too many to keep.
    limit : int
        How many are kept.
    """

    def __init__(self, env: Env, team: SwitchedTeam, rng: np.random.Generator, limit: int = LIMIT) -> None:
        if limit < 1:
            raise InputError(f"at least one step must be kept, not {limit}")
        self._env, self._team, self._rng, self._limit = env, team, rng, limit
        self._features = Features(env, team.full is not None)
        self._parts: list[tuple[Array, Array, Array]] = []
        self._held, self._largest = 0, np.inf
        self._counts: list[Array] = []  # steps and calls by step of the episode
        self._episodes, self._clock, self._reward = 0, 0, np.zeros(0)

    @property
    def watched(self) -> Watched:
        """The team, looked at."""
        return Watched(self._team, self)

    def begin(self, batch: int) -> None:
        """So many episodes begin."""
        self._episodes += batch
        self._clock, self._reward = 0, np.zeros(batch)

    def take(self, step: Step, notes: Array) -> None:
        """The team has decided, and noted float32[B, 3] (`SwitchedTeam.sample_noting`)."""
        self._reward = self._reward + team_reward(self._env, step)
        going = np.flatnonzero(~step.last)
        called = notes[going, 0] > 0.5
        if self._clock == len(self._counts):
            self._counts.append(np.zeros(2, dtype=np.int64))
        self._counts[self._clock] += (len(going), int(called.sum()))
        keys = self._rng.random(len(going))
        chosen = np.flatnonzero(keys < self._largest)
        if chosen.size:
            rows = going[chosen]
            seen = self._features(step.where(rows), self._clock, self._reward[rows], notes[rows, 1])
            self._parts.append((keys[chosen], called[chosen], seen))
            self._held += len(rows)
            if self._held > 2 * self._limit:
                self._thin()
        self._clock += 1

    def visits(self) -> Visits:
        """What was seen; `InputError` if nothing was."""
        if self._held > self._limit:
            self._thin()
        counted = np.array(self._counts, dtype=np.int64).reshape(-1, 2)
        if not counted[:, 0].sum():
            raise InputError("no step was played in which the team decides")
        _, called, seen = (np.concatenate(column) for column in zip(*self._parts))
        return Visits(
            self._env.spec.name,
            self._episodes,
            self._features.all,
            seen,
            called,
            counted,
            self._team.budget,
        )

    def _thin(self) -> None:
        """Keep the steps to which chance gave the smallest numbers, in their order."""
        keys, called, seen = (np.concatenate(column) for column in zip(*self._parts))
        best = np.sort(np.argpartition(keys, self._limit - 1)[: self._limit])
        self._parts, self._held = [(keys[best], called[best], seen[best])], len(best)
        self._largest = float(keys[best].max())


class Watched:
    """A switched team that tells a log what it does."""

    sees_state = True

    def __init__(self, team: SwitchedTeam, log: CallLog) -> None:
        self._team, self._log, self.spec = team, log, team.spec

    def start(self, batch: int) -> Memory:
        """See `JointPolicy.start`."""
        self._log.begin(batch)
        return self._team.start(batch)

    def sample(self, step: Step, memory: Any, streams: Streams) -> tuple[tuple[Array, ...], Memory]:
        """See `JointPolicy.sample`."""
        actions, memory, _ = self.sample_noting(step, memory, streams)
        return actions, memory

    def sample_noting(
        self, step: Step, memory: Any, streams: Streams
    ) -> tuple[tuple[Array, ...], Memory, Array]:
        """See `SwitchedTeam.sample_noting`."""
        actions, memory, notes = self._team.sample_noting(step, memory, streams)
        self._log.take(step, notes)
        return actions, memory, notes

    def counted(self, notes: Array) -> dict[str, Array]:
        """See `SwitchedTeam.counted`."""
        return self._team.counted(notes)
