"""What happened in an episode, kept as frames; of a long episode evenly spaced ones."""

from __future__ import annotations

from typing import NamedTuple

from games.env import Array, Env, Step, World
from games.scene import Scene

FRAMES = 300
"""At most so many frames are kept."""


class Frame(NamedTuple):
    """A scene, when it was, and what a team had got by then, if all its agents are paid alike."""

    step: int
    scene: Scene
    returned: float | None = None

    @property
    def title(self) -> str:
        """Which step this is, and the return so far."""
        if self.step == 0:
            return "start"
        return f"step {self.step:,}" + ("" if self.returned is None else f", return {self.returned:.4g}")


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
        spec = getattr(env, "spec", None)
        self._returned = 0.0 if spec is not None and spec.common_reward else None

    def __call__(self, world: World, step: Step, actions: tuple[Array, ...] | None) -> None:
        self.steps += 1
        if self._returned is not None and actions is not None:
            self._returned += float(step.rewards[0, 0])
        final = bool(step.last[0]) or self.steps == self._last
        if self.steps % self.stride and not final:
            return
        if len(self.frames) == self._limit:
            self.stride *= 2
            self.frames = [frame for frame in self.frames if frame.step % self.stride == 0]
            if self.steps % self.stride and not final:
                return
        self.frames.append(Frame(self.steps, self._env.scene(world, 0), self._returned))
