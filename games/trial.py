"""An environment under examination by `games.laws`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from games.env import Env
from games.errors import InputError
from games.law_comparisons import differs
from games.play import Play, Transition, advance, begin, restart_stopped
from games.policy import Independent, random_policy

Array = npt.NDArray[Any]


class LawBroken(InputError):
    """An environment breaks the contract of `games.env.Env`; the message names environment, law and place."""


@dataclass(frozen=True)
class Trial:
    """An environment under examination.

    Parameters
    ----------
    env : Env
        The environment.
    seeds : uint64[B]
        One per sub-environment.
    steps : int
        How long random play goes on.
    """

    env: Env
    seeds: Array
    steps: int

    @property
    def policy(self) -> Independent:
        """Random legal play."""
        return random_policy(self.env.spec)

    def play(self, seeds: Array | None = None, steps: int | None = None) -> Iterator[tuple[Play, Transition]]:
        """Random play; stopped games are restarted after they have been seen."""
        play = begin(self.env, self.policy, self.seeds if seeds is None else seeds)
        try:
            for _ in range(self.steps if steps is None else steps):
                transition = advance(self.env, self.policy, play)
                yield play, transition
                restart_stopped(self.env, self.policy, play)
        finally:
            self.env.close(play.world)

    def record(self, seeds: Array, steps: int | None = None) -> list[Transition]:
        """What random play shows, step by step."""
        return [transition for _, transition in self.play(seeds, steps)]

    def broken(self, why: str) -> LawBroken:
        """The exception for this environment."""
        return LawBroken(f"{self.env.spec.name}: {why}")

    def check_equal(self, a: list[Transition], b: list[Transition], why: str) -> None:
        """Raise unless two plays are the same."""
        if (what := differs(a, b)) is not None:
            raise self.broken(f"{why}: {what}")
