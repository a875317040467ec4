"""Episodes that move: played once, drawn as `staghunt play --render` draws them, shown below the cell."""

from __future__ import annotations

import base64
import inspect
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.film import FRAMES, Film, Frame
from games.errors import InputError

if TYPE_CHECKING:
    from games.env import Env, EnvSpec
    from games.policy import JointPolicy

LONGEST = 100_000
"""Episodes without a horizon are cut off here, as by `staghunt play`."""
INCHES, DPI, COLOURS = 3.0, 72, 64
"""How large films are in notebooks."""


@dataclass(frozen=True, eq=False)
class Animation:
    """An episode as frames; the last value of a cell shows itself as an animated GIF.

    Parameters
    ----------
    frames : tuple of Frame
        What happened.
    fps : float
        Frames per second.
    title : str
        Written above.
    inches : float
        The longer side of a scene.
    dpi : int
        Pixels per inch.
    """

    frames: tuple[Frame, ...]
    fps: float
    title: str = ""
    inches: float = INCHES
    dpi: int = DPI

    def __repr__(self) -> str:
        return f"Animation({len(self.frames)} frames, {self.fps:g} a second)"

    @property
    def returned(self) -> float | None:
        """What the team got in the episode; None if its agents are not paid alike."""
        return self.frames[-1].returned

    @cached_property
    def gif(self) -> bytes:
        """The animated GIF."""
        from experiments.pictures import encode_gif

        target = io.BytesIO()
        encode_gif(target, self.frames, self.fps, inches=self.inches, dpi=self.dpi, colours=COLOURS)
        return target.getvalue()

    def save(self, path: str | Path) -> Path:
        """Write the film as it is shown (``.gif``), or a strip of its frames (``.png``), whole or not at all.

        Raises
        ------
        InputError
            If the suffix is another, or the file cannot be written.
        """
        from experiments.atomic import check_writable, write_atomically
        from experiments.pictures import write_strip

        path = Path(path)
        check_writable(path, (".gif", ".png"), "a film:")
        if path.suffix.lower() == ".gif":
            write_atomically(path, lambda temporary: temporary.write_bytes(self.gif))
        else:
            write_strip(path, self.frames)
        return path

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.gif).decode("ascii")
        told = escape(self.title or "an episode", quote=True)
        head = f"<div style='text-align:center'>{escape(self.title)}</div>" if self.title else ""
        return f"<div style='display:inline-block'>{head}<img src='data:image/gif;base64,{data}' alt='{told}'></div>"


@dataclass(frozen=True, eq=False)
class Row:
    """Films side by side."""

    films: tuple[Animation, ...]

    def __repr__(self) -> str:
        return f"Row({', '.join(map(repr, self.films))})"

    def _repr_html_(self) -> str:
        return f"<div>{' '.join(one._repr_html_() for one in self.films)}</div>"


def beside(*films: Animation) -> Row:
    """Films side by side, such as of a team before and after learning.

    Raises
    ------
    InputError
        If there is none.
    """
    if not films:
        raise InputError("there is no film to show")
    return Row(films)


def film(
    env: str | Env,
    policy: Any = None,
    *,
    seed: int = 0,
    steps: int | None = None,
    fps: float = 10.0,
    every: int = 1,
    title: str = "",
    inches: float = INCHES,
    dpi: int = DPI,
) -> Animation:
    """Play one episode and film it.

    Parameters
    ----------
    env : str or Env
        URI of the environment, or an environment.
    policy : optional
        Who plays. As on the command line: ``"greedy"``, ``"Player 1=tit-for-tat"``, a run or a file of rules or strategies, by
        name or path; a list of such; what `train` returned; an object with `start` and `sample` by which all agents play
        (`games.policy.Policy` or `JointPolicy`); or a mapping of agents or groups to such objects. Who is not named plays
        at random.
    seed : int
        Of the episode; the film is that of `staghunt play --seed`.
    steps : int, optional
        Where it is cut off.
    fps : float
        Frames per second, above 0 and at most 50.
    every : int
        Every how many steps there is a frame; the last step always has one.
    title : str
        Written above.
    inches : float
        The longer side of a scene.
    dpi : int
        Pixels per inch.

    Returns
    -------
    Animation
        Shows itself; see `Animation.save`.

    Raises
    ------
    InputError
        If the environment or a policy is unknown or does not fit, or a number is out of range.
    """
    if not (math.isfinite(fps) and 0 < fps <= 50):
        raise InputError(f"fps is a number above 0 and at most 50, got {fps:g}")
    for name, value in (("every", every), ("steps", steps), ("inches", inches), ("dpi", dpi)):
        if value is not None and not value > 0:
            raise InputError(f"{name} must be above 0, got {value:g}")
    if seed < 0:
        raise InputError(f"seed must be at least 0, got {seed}")
    frames = _frames(env, policy, seed, steps, every)
    return Animation(frames, fps, title, inches, dpi)


def _frames(env: str | Env, policy: Any, seed: int, steps: int | None, every: int) -> tuple[Frame, ...]:
    """An episode's frames, one every so many steps and the last."""
    words = _words(policy)
    if words is None:
        recorder = _objects_recorded(env, policy, seed, steps, FRAMES * every)
    else:
        uri = env if isinstance(env, str) else env.spec.name
        recorder = _names_recorded(uri, words, seed, steps, FRAMES * every)
    last = recorder.frames[-1].step
    return tuple(frame for frame in recorder.frames if frame.step % every == 0 or frame.step == last)


def _words(policy: Any) -> tuple[str, ...] | None:
    """A policy as the command line says it; None for objects that play."""
    if policy is None:
        return ()
    if isinstance(policy, str | Path):
        return (str(policy),)
    if hasattr(policy, "path") and hasattr(policy, "begun"):  # a run
        return (str(policy.path),)
    if isinstance(policy, Sequence) and all(isinstance(one, str | Path) for one in policy):
        return tuple(map(str, policy))
    return None


def _names_recorded(uri: str, words: tuple[str, ...], seed: int, steps: int | None, limit: int) -> Film:
    """An episode as `staghunt play` plays it."""
    from experiments.session import Session

    session = Session(uri, words, pictures=True)
    if session.people:
        raise InputError(
            "policy human needs a terminal to ask at; a film is of policies that play by themselves"
        )
    last = _last(session.spec, steps)
    recorder = Film(session.seen, last, limit)
    session.play(seed, 1, 1, last, recorder)
    return recorder


def _objects_recorded(env: str | Env, policy: Any, seed: int, steps: int | None, limit: int) -> Film:
    """The same episode with policies that are objects."""
    from games.env_uris import make_env
    from games.play import play_episodes
    from games.streams import draw_seeds

    played: Env = make_env(env) if isinstance(env, str) else env
    team, last = _joint(played.spec, policy), _last(played.spec, steps)
    recorder = Film(played, last, limit)
    seeds = draw_seeds(np.random.default_rng(seed), 1)
    play_episodes(played, team, seeds, batch=1, max_steps=last, watch=recorder)
    return recorder


def _last(spec: EnvSpec, steps: int | None) -> int | None:
    return steps if steps is not None or spec.horizon is not None else LONGEST


def _joint(spec: EnvSpec, policy: Any) -> JointPolicy:
    """A team of objects that play."""
    from games.policy import Independent, Random

    if isinstance(policy, Mapping):
        return Independent(spec, {group.name: Random(group.actions) for group in spec.groups} | dict(policy))
    if not all(callable(getattr(policy, name, None)) for name in ("start", "sample")):
        raise InputError(
            "a policy is a name, a path, a run, an object with start and sample (games.policy) or a mapping of agents to "
            f"such objects, not {policy!r:.60}"
        )
    if len(inspect.signature(policy.start).parameters) > 1:
        return Independent(spec, policy)
    team: JointPolicy = policy
    return team
