"""What all particle worlds share: discs that are pushed about among posts, their actions and their picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, View
from games.scene import Mark, Scene
from games.sims import particles_kernels as kernels
from games.sims.simulation import constant
from games.spaces import Actions, Box, Discrete

Array = npt.NDArray[Any]

PUSHES = ("no_action", "move_left", "move_right", "move_down", "move_up")
_SHOWN = 1.2
"""Half the side of the picture, as long as nobody is further out."""


class Bodies(NamedTuple):
    """A batch of particle worlds."""

    place: Array  # float64[B, n, 2]
    velocity: Array  # float64[B, n, 2]
    force: Array  # float64[B, n, 2]: scratch
    posts: Array  # float64[B, m, 2]
    time: Array  # int64[B]: steps played
    masks: tuple[Array, ...]  # bool[B, k, A] per group: True
    everybody: tuple[Array, ...]  # bool[B, k] per group: True


@dataclass(frozen=True)
class Matter:
    """Sizes and speeds of particles and posts.

    Parameters
    ----------
    radius, top : float64[n]
        Of each particle: its radius, and how fast it can be at most.
    strength : tuple of float
        With what force each group of particles pushes itself.
    post_radius : float
        Radius of the posts.
    solid : bool
        Whether posts are in the way.
    reach : float
        Posts start in [-reach, reach]^2, particles in [-1, 1]^2.
    """

    radius: Array
    top: Array
    strength: tuple[float, ...]
    post_radius: float
    solid: bool = False
    reach: float = 1.0

    def begin(self, state: Bodies, streams: Array, where: Array) -> None:
        """Draw places of particles, then of posts; nobody moves."""
        kernels.spawn(streams, where, 1.0, state.place)
        kernels.spawn(streams, where, self.reach, state.posts)
        kernels.halt(where, state.velocity, state.time)

    def move(self, state: Bodies, actions: tuple[Array, ...], live: Array) -> None:
        """Push and collide; `actions` are those of the groups whose agents are particles, in order."""
        first = 0
        for chosen, strength in zip(actions, self.strength, strict=True):
            push = kernels.push_choices if chosen.ndim == 2 else kernels.push_numbers
            push(chosen, strength, first, state.force)
            first += chosen.shape[1]
        solid = self.post_radius if self.solid else 0.0
        moved = state.place, state.velocity, state.force, self.radius, self.top
        kernels.move(*moved, state.posts, solid, live, state.time)


def allocate(spec: EnvSpec, batch: int, particles: int, posts: int) -> Bodies:
    """Arrays for `batch` worlds, not yet begun."""
    place, velocity, force = (np.zeros((batch, particles, 2)) for _ in range(3))
    return Bodies(
        place,
        velocity,
        force,
        np.zeros((batch, posts, 2)),
        np.zeros(batch, dtype=np.int64),
        tuple(constant(True, (batch, group.size, group.width)) for group in spec.groups),
        tuple(constant(True, (batch, group.size)) for group in spec.groups),
    )


def pushes(continuous: bool) -> tuple[Actions, tuple[str, ...]]:
    """How a particle acts, and the names of its choices: it is pushed right by the third less the second, up by the
    fifth less the fourth."""
    if continuous:
        return Box((0.0,) * kernels.PUSHES, (1.0,) * kernels.PUSHES), ()
    return Discrete(kernels.PUSHES), PUSHES


def views(state: Bodies, seen: tuple[Array, ...], rewards: tuple[Array, ...]) -> tuple[View, ...]:
    """A view per group: everybody is there and acts."""
    return tuple(
        View(observation, mask, reward, everybody, everybody)
        for observation, mask, reward, everybody in zip(
            seen, state.masks, rewards, state.everybody, strict=True
        )
    )


def picture(
    state: Bodies, which: int, matter: Matter, colors: tuple[int, ...], shades: tuple[int, ...], text: str
) -> Scene:
    """One world from above: particles as numbered discs in these colours, posts in theirs, nobody out of sight.

    Posts lie on top of particles, unless they are obstacles, which are larger.
    """
    place, posts = state.place[which], state.posts[which]
    furthest = max(float(np.abs(place).max()), float(np.abs(posts).max(initial=0.0)))
    half = max(_SHOWN, furthest + float(matter.radius.max()))
    discs = [
        Mark("disc", x + half, y + half, 2 * radius, color, str(i))
        for i, ((x, y), radius, color) in enumerate(zip(place.tolist(), matter.radius.tolist(), colors))
    ]
    marks = [
        Mark("disc", x + half, y + half, 2 * matter.post_radius, shade)
        for (x, y), shade in zip(posts.tolist(), shades)
    ]
    drawn = (*marks, *discs) if matter.solid else (*discs, *marks)
    return Scene(2 * half, 2 * half, drawn, text=text)
