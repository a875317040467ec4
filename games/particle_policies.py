"""Scripted particles for the worlds of ``mpe:``, each by what it alone sees; the references that learners start from.

A policy plays every agent of its world, adversaries and prey, speaker and listener: what it sees tells it its part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from games import particle_policy_kernels as kernels
from games.env import EnvSpec, View
from games.errors import InputError
from games.policy import Memoryless
from games.sims.particles import setup_of
from games.sims.particles_setup import Setup, SpeakerListener, Spread, Tag
from games.streams import Streams

Array = npt.NDArray[Any]


class Particle(Memoryless):
    """Goes where its rule wants it, and slows down in time to stop there.

    Parameters
    ----------
    name : str
        What it is called.
    setup : Spread, Tag or SpeakerListener
        Its world.
    """

    def __init__(self, name: str, setup: Setup) -> None:
        self.name, self.setup = name, setup

    def __repr__(self) -> str:
        return f"Particle({self.name!r})"

    def sample(self, view: View, memory: None, streams: Streams) -> tuple[Array, None]:
        """The rule applied to what each agent sees; nothing is drawn."""
        seen, s = np.ascontiguousarray(view.observation), self.setup
        if isinstance(s, SpeakerListener) and seen.shape[2] == 3:
            return self._say(seen), None
        wish, strength = np.empty((*seen.shape[:2], 2)), 5.0
        if isinstance(s, Spread):
            kernels.own_posts(seen, *_room(s.N), wish)
        elif isinstance(s, SpeakerListener):
            kernels.told_posts(seen, wish)
        else:
            strength = self._part(s, seen, wish)
        return self._steer(seen, wish, strength), None

    def _part(self, setup: Tag, seen: Array, wish: Array) -> float:
        """Chase or flee; how strong one is."""
        everybody = setup.num_adversaries + setup.num_good
        told = 4 + 2 * setup.num_obstacles + 2 * (everybody - 1) + 2 * setup.num_good
        hunting = seen.shape[2] == told
        rule = kernels.chase if hunting else kernels.flee
        rule(seen, setup.num_obstacles, setup.num_adversaries, wish)
        return 3.0 if hunting else 4.0

    def _steer(self, seen: Array, wish: Array, strength: float) -> Array:
        velocity = seen[..., :2]
        if self.setup.continuous:
            numbers = np.empty((*seen.shape[:2], 5), dtype=np.float32)
            kernels.steer_numbers(wish, velocity, strength, numbers)
            return numbers
        choices = np.empty(seen.shape[:2], dtype=np.int32)
        kernels.steer_choices(wish, velocity, strength, choices)
        return choices

    def _say(self, seen: Array) -> Array:
        """The post whose colour is seen."""
        goal = seen.argmax(axis=-1)
        return np.eye(3, dtype=np.float32)[goal] if self.setup.continuous else goal.astype(np.int32)


def _room(count: int) -> tuple[Array, ...]:
    """Arrays for the kernel to think in: distances, prices, who has which post, where it was reached from."""
    prices = np.zeros((3, count + 1))
    return (
        np.zeros((count, count)),
        prices,
        np.zeros(count + 1, dtype=np.int64),
        np.zeros(count + 1, dtype=np.int64),
    )


def _maker(name: str, kind: type[Setup]) -> Callable[[EnvSpec], Particle]:
    def make(spec: EnvSpec) -> Particle:
        setup = setup_of(spec)
        if not isinstance(setup, kind):
            raise InputError(f"{spec.name}: policy {name} is for another of the particle worlds")
        return Particle(name, setup)

    return make


POLICIES: dict[str, Callable[[EnvSpec], Particle]] = {
    "cover": _maker("cover", Spread),
    "hunt": _maker("hunt", Tag),
    "guide": _maker("guide", SpeakerListener),
}
"""Particles by name. ``cover``: everybody to the post that is its own when the sum of distances is least. ``hunt``:
adversaries to the nearest prey, prey away from them and not out of the field. ``guide``: the speaker names the goal, the
listener goes there."""
