"""Simple speaker-listener inside numba: goals, words, what the two get and see."""

from __future__ import annotations

from typing import Any

from numba import njit

from games.stream_kernels import BARE, below

POSTS = 3
_BRIGHT, _DARK = 0.65, 0.15
"""Post k has the colour that is bright in component k."""


@njit(**BARE)
def begin(streams: Any, where: Any, goal: Any, word: Any) -> None:
    """Draw goals int64[B] and forget words float64[B, 3] where bool[B]."""
    for b in range(where.shape[0]):
        if where[b]:
            goal[b] = below(streams[b], POSTS)
            for k in range(POSTS):
                word[b, k] = 0.0


@njit(**BARE)
def say_choices(said: Any, live: Any, word: Any) -> None:
    """Words float64[B, 3] from choices int32[B, 1]."""
    for b in range(live.shape[0]):
        if live[b]:
            for k in range(POSTS):
                word[b, k] = 1.0 if said[b, 0] == k else 0.0


@njit(**BARE)
def say_numbers(said: Any, live: Any, word: Any) -> None:
    """Words float64[B, 3] from numbers float32[B, 1, 3]."""
    for b in range(live.shape[0]):
        if live[b]:
            for k in range(POSTS):
                word[b, k] = said[b, 0, k]


@njit(**BARE)
def pay(place: Any, posts: Any, goal: Any, live: Any, speaker: Any, listener: Any) -> None:
    """Rewards float64[B, 1] of both: minus the squared distance from the goal, 0 where an episode does not live."""
    for b in range(live.shape[0]):
        reward = 0.0
        if live[b]:
            dx = place[b, 0, 0] - posts[b, goal[b], 0]
            dy = place[b, 0, 1] - posts[b, goal[b], 1]
            reward = -(dx * dx + dy * dy)
        speaker[b, 0] = reward
        listener[b, 0] = reward


@njit(**BARE)
def look(place: Any, velocity: Any, posts: Any, goal: Any, word: Any, color: Any, heard: Any) -> None:
    """What the speaker sees, float32[B, 1, 3], and what the listener sees and hears, float32[B, 1, 11]."""
    for b in range(goal.shape[0]):
        heard[b, 0, 0] = velocity[b, 0, 0]
        heard[b, 0, 1] = velocity[b, 0, 1]
        for k in range(POSTS):
            color[b, 0, k] = _BRIGHT if k == goal[b] else _DARK
            heard[b, 0, 2 + 2 * k] = posts[b, k, 0] - place[b, 0, 0]
            heard[b, 0, 3 + 2 * k] = posts[b, k, 1] - place[b, 0, 1]
            heard[b, 0, 2 + 2 * POSTS + k] = word[b, k]


@njit(**BARE)
def tell_talk(goal: Any, word: Any, features: Any) -> None:
    """The features after the places, float32[B, ...]: the goal as ones and zeros, and the last word."""
    start = 4 + 2 * POSTS
    for b in range(goal.shape[0]):
        for k in range(POSTS):
            features[b, start + k] = 1.0 if k == goal[b] else 0.0
            features[b, start + POSTS + k] = word[b, k]
