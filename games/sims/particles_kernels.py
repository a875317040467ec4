"""The physics of particle worlds inside numba: spawning, pushing, colliding, moving; the same numbers as mpe2's.

Particles are discs with place and velocity float64[B, n, 2]; posts (landmarks) float64[B, m, 2] never move. Everybody
weighs 1. Sums are made in the order in which mpe2 makes them, so that rounding is the same too.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from games.stream_kernels import BARE, uniform

PUSHES = 5
"""Actions of a particle: nothing, left, right, down, up."""
_DT, _KEPT = 0.1, 0.75
"""Seconds in a step, and the share of its velocity that a particle keeps over one."""
_FORCE, _MARGIN = 100.0, 1e-3
"""Stiffness of a contact, and the distance over which it fades."""
_FADED, _PLAIN = 745.2, 40.0
"""In margins: beyond the first exp underflows, beyond the second log(1 + exp) is exp, or the number itself."""


@njit(**BARE)
def spawn(streams: Any, where: Any, reach: Any, place: Any) -> None:
    """Draw places float64[B, n, 2] uniformly from [-reach, reach]^2 where bool[B]."""
    for b in range(where.shape[0]):
        if where[b]:
            for i in range(place.shape[1]):
                place[b, i, 0] = reach * (2.0 * uniform(streams[b]) - 1.0)
                place[b, i, 1] = reach * (2.0 * uniform(streams[b]) - 1.0)


@njit(**BARE)
def halt(where: Any, velocity: Any, time: Any) -> None:
    """Velocities float64[B, n, 2] and clocks int64[B] to 0 where bool[B]."""
    for b in range(where.shape[0]):
        if where[b]:
            time[b] = 0
            for i in range(velocity.shape[1]):
                velocity[b, i, 0] = 0.0
                velocity[b, i, 1] = 0.0


@njit(**BARE)
def push_choices(actions: Any, strength: Any, first: Any, force: Any) -> None:
    """Forces float64[B, n, 2] of the particles from `first` on, from choices int32[B, k]."""
    for b in range(actions.shape[0]):
        for i in range(actions.shape[1]):
            a = actions[b, i]
            force[b, first + i, 0] = strength * ((a == 2) - (a == 1))
            force[b, first + i, 1] = strength * ((a == 4) - (a == 3))


@njit(**BARE)
def push_numbers(actions: Any, strength: Any, first: Any, force: Any) -> None:
    """Forces float64[B, n, 2] of the particles from `first` on, from numbers float32[B, k, 5]."""
    for b in range(actions.shape[0]):
        for i in range(actions.shape[1]):
            force[b, first + i, 0] = strength * float(actions[b, i, 2] - actions[b, i, 1])
            force[b, first + i, 1] = strength * float(actions[b, i, 4] - actions[b, i, 3])


@njit(**BARE)
def move(
    place: Any,
    velocity: Any,
    force: Any,
    radius: Any,
    top: Any,
    posts: Any,
    post_radius: Any,
    live: Any,
    time: Any,
) -> None:
    """A step of the sub-environments that live, bool[B].

    radius and top float64[n] are the sizes and highest speeds of the particles. Posts of radius 0 stand in nobody's
    way. To the forces float64[B, n, 2] those of contacts are added.
    """
    for b in range(live.shape[0]):
        if live[b]:
            time[b] += 1
            _collide(place[b], force[b], radius, posts[b], post_radius)
            for i in range(place.shape[1]):
                place[b, i, 0] += velocity[b, i, 0] * _DT
                place[b, i, 1] += velocity[b, i, 1] * _DT
                x = velocity[b, i, 0] * _KEPT + force[b, i, 0] * _DT
                y = velocity[b, i, 1] * _KEPT + force[b, i, 1] * _DT
                if top[i] < np.inf:
                    speed = math.sqrt(x * x + y * y)
                    if speed > top[i]:
                        x = x / speed * top[i]
                        y = y / speed * top[i]
                velocity[b, i, 0] = x
                velocity[b, i, 1] = y


@njit(**BARE)
def _collide(place: Any, force: Any, radius: Any, posts: Any, post_radius: Any) -> None:
    """Add to forces [n, 2] what particles and posts that touch push each other away with.

    Two at the very same place do not push each other (mpe2 divides by 0 there).
    """
    for i in range(place.shape[0]):
        for j in range(i + 1, place.shape[0]):
            dx = place[i, 0] - place[j, 0]
            dy = place[i, 1] - place[j, 1]
            distance = math.sqrt(dx * dx + dy * dy)
            depth = overlap(distance, radius[i] + radius[j])
            if depth > 0.0 and distance > 0.0:
                fx = _FORCE * dx / distance * depth
                fy = _FORCE * dy / distance * depth
                force[i, 0] += fx
                force[i, 1] += fy
                force[j, 0] -= fx
                force[j, 1] -= fy
        if post_radius > 0.0:
            for j in range(posts.shape[0]):
                dx = place[i, 0] - posts[j, 0]
                dy = place[i, 1] - posts[j, 1]
                distance = math.sqrt(dx * dx + dy * dy)
                depth = overlap(distance, radius[i] + post_radius)
                if depth > 0.0 and distance > 0.0:
                    force[i, 0] += _FORCE * dx / distance * depth
                    force[i, 1] += _FORCE * dy / distance * depth


@njit(**BARE)
def overlap(distance: Any, touching: Any) -> Any:
    """How deep two discs are in each other: the soft positive part of touching - distance."""
    x = -(distance - touching) / _MARGIN
    if x < -_FADED:
        return 0.0
    if x < -_PLAIN:
        return math.exp(x) * _MARGIN
    if x > _PLAIN:
        return x * _MARGIN
    if x > 0.0:
        return (x + math.log1p(math.exp(-x))) * _MARGIN
    return math.log1p(math.exp(x)) * _MARGIN


@njit(**BARE)
def apart(place: Any, i: Any, other: Any, j: Any) -> Any:
    """Distance of place[i] from other[j]."""
    dx = place[i, 0] - other[j, 0]
    dy = place[i, 1] - other[j, 1]
    return math.sqrt(dx * dx + dy * dy)


@njit(**BARE)
def tell(place: Any, velocity: Any, posts: Any, time: Any, horizon: Any, features: Any) -> None:
    """The first 4 n + 2 m features float32[B, ...] and the last.

    Velocity and place of every particle, places of the posts; share of the time that is left.
    """
    agents, last = place.shape[1], features.shape[1] - 1
    for b in range(place.shape[0]):
        for i in range(agents):
            features[b, 4 * i] = velocity[b, i, 0]
            features[b, 4 * i + 1] = velocity[b, i, 1]
            features[b, 4 * i + 2] = place[b, i, 0]
            features[b, 4 * i + 3] = place[b, i, 1]
        for j in range(posts.shape[1]):
            features[b, 4 * agents + 2 * j] = posts[b, j, 0]
            features[b, 4 * agents + 2 * j + 1] = posts[b, j, 1]
        features[b, last] = 1.0 - time[b] / horizon
