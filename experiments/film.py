"""What happened in an episode, kept as frames; of a long episode evenly spaced ones."""

from __future__ import annotations

from typing import NamedTuple

from games.env import Array, Env, Step, World
from games.scene import Scene

FRAMES = 300
"""At most so many frames are kept."""


class Frame(NamedTuple):
    """A scene and when it was."""

    step: int
    scene: Scene

    @property
    def title(self) -> str:
        """Which step this is."""
        return "start" if self.step == 0 else f"step {self.step:,}"


class Film:
    """Records the first sub-environment as a `Watch` of `games.play.play_episodes`.

    An episode of unknown length is thinned as it goes: when there are more than `limit` frames, every other one is
    dropped, and from then on only every second, fourth, ... step is looked at. The last step is always kept.

    Parameters
    ----------
    env : Env
        The environment.
    last : int, optional
        The step at which the episode is cut off, if known.
    limit : int
        Frames kept at most.
    """

    def __init__(self, env: Env, last: int | None = None, limit: int = FRAMES) -> None:
        self._env, self._last, self._limit = env, last, max(limit, 2)
        self.frames: list[Frame] = []
        self.stride = 1
        self.steps = -1

    def __call__(self, world: World, step: Step, actions: tuple[Array, ...] | None) -> None:
        self.steps += 1
        final = bool(step.last[0]) or self.steps == self._last
        if self.steps % self.stride and not final:
            return
        if len(self.frames) == self._limit:
            self.stride *= 2
            self.frames = [frame for frame in self.frames if frame.step % self.stride == 0]
            if self.steps % self.stride and not final:
                return
        self.frames.append(Frame(self.steps, self._env.scene(world, 0)))
