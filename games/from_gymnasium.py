"""Environments of gymnasium as ours: several agents by Tuple spaces (lbforaging, rware), or a single one.

Time limits are cut-offs here, also where the library calls them ``terminated`` (`games.from_gymnasium_habits`).
"""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec as Registered
from gymnasium.envs.registration import load_env_creator

from games.env import Env
from games.errors import InputError
from games.from_gymnasium_habits import HABITS, Habits
from games.from_gymnasium_scenes import draw
from games.from_objects import Actor, Objects, check_options, own_options
from games.from_packages import (
    build,
    check_arguments,
    import_allowed,
    told,
    typed,
    typed_like,
)
from games.from_parallel import shape_of
from games.from_slate import Layout, Slate
from games.from_spaces import Moves, Sight, moves

EXAMPLES = (
    "gymnasium:lbforaging/Foraging-8x8-2p-3f-v3",
    "gymnasium:rware/rware-tiny-2ag-v2",
    "gymnasium:CartPole-v1",
)

OPTIONS = ("state", "horizon", "fresh", "render")


def make(name: str, parameters: Mapping[str, Any]) -> Env:
    """A gymnasium environment by its registered name.

    Parameters
    ----------
    name : str
        The package, which is imported so that it registers its environments, and the name: ``lbforaging/Foraging-
        8x8-2p-3f-v3``; gymnasium's own without a package: ``CartPole-v1``.
    parameters : mapping
        Arguments of the environment, over those that it is registered with, as text or Python values (members of
        enumerations by name: ``reward_type=global``), and ours: ``state`` (``observations`` or ``none``),
        ``horizon`` (cut episodes off after so many steps), ``fresh`` (a new object for every episode), ``render`` (make it with ``render_mode="rgb_array"``) and
        ``allow_import`` (packages beyond the known ones).

    Raises
    ------
    InputError
        If the package is not known or not installed, the name is not registered, or an argument does not fit.
    """
    given = dict(parameters)
    allow = given.pop("allow_import", ())
    where = f"gymnasium:{name}"
    ours = own_options(given, OPTIONS)
    registered = copy.deepcopy(_find(name, allow, where))
    habits = _configure(registered, given, where)
    shown = "&".join(
        f"{key}={value}" for key, value in parameters.items() if key not in ("allow_import", "render")
    )
    return _wrap(registered, habits, f"{where}?{shown}" if shown else where, where, **ours)


def _find(name: str, allow: Sequence[str], where: str) -> Registered:
    """What is registered under a name, after importing its package."""
    if ":" in name:
        raise InputError(
            f"{where}: the package and the name are separated by a slash, as in lbforaging/Foraging-8x8-2p-3f-v3"
        )
    package, slash, rest = name.partition("/")
    if name in gymnasium.registry:
        return gymnasium.registry[name]
    if slash:
        home = import_allowed(package, allow, where)
        if rest in gymnasium.registry:
            return gymnasium.registry[rest]
        if rest.startswith("Foraging-grid") and callable(getattr(home, "register_grid_envs", None)):
            _register(home.register_grid_envs)
        elif rest.startswith("rware-img") and callable(getattr(home, "image_registration", None)):
            _register(home.image_registration)
    wanted = rest if slash else name
    if wanted in gymnasium.registry:
        return gymnasium.registry[wanted]
    if slash and name in gymnasium.registry:
        return gymnasium.registry[name]
    near = get_close_matches(wanted, gymnasium.registry, 1, 0.6)
    raise InputError(
        f"{where}: no environment {wanted!r} is registered"
        + (f"; did you mean {f'{package}/' if slash else ''}{near[0]}?" if near else "")
        + (
            ""
            if slash
            else "; those of other packages are named with theirs, as in lbforaging/Foraging-8x8-2p-3f-v3"
        )
    )


def _register(function: Callable[[], None]) -> None:
    """Let a package register more, without its warnings about names that are there already."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        function()


def _configure(registered: Registered, given: Mapping[str, Any], where: str) -> Habits:
    """Put arguments over the registered ones; `max_episode_steps` is gymnasium's own unless the class takes it."""
    maker: Any = registered.entry_point
    try:
        maker = load_env_creator(maker) if isinstance(maker, str) else maker
        known = dict(inspect.signature(maker).parameters)
    except Exception as error:
        raise InputError(f"{where}: its class cannot be loaded: {told(error)}") from error
    rest = dict(given)
    if "max_episode_steps" in rest and "max_episode_steps" not in known:
        steps = typed(rest.pop("max_episode_steps"))
        if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
            raise InputError(f"{where}: max_episode_steps is a number of steps, not {steps!r:.60}")
        registered.max_episode_steps = steps
    check_arguments([maker], rest, where)
    for key, value in rest.items():
        default = known[key].default if key in known else None
        registered.kwargs[key] = typed_like(value, registered.kwargs.get(key, default), where)
    habits = HABITS.get(maker.__module__.partition(".")[0], Habits())
    registered.entry_point = habits.mend(maker)
    return habits


def _wrap(
    registered: Registered,
    habits: Habits,
    title: str,
    where: str,
    state: str = "observations",
    horizon: Any = None,
    fresh: bool = False,
    render: bool = False,
) -> Objects:
    if state not in ("observations", "auto", "none"):
        raise InputError(f"{where}: state is observations or none, not {state!r}")
    check_options(where, horizon=horizon, fresh=fresh, render=render)
    first = _one(registered, where, render)
    limits = [
        n for n in (horizon, habits.horizon(first.unwrapped), registered.max_episode_steps) if n is not None
    ]
    if wrong := [n for n in limits if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1]:
        raise InputError(f"{where}: an episode lasts a number of steps, at least one, not {wrong[0]!r:.60}")
    layout = Layout.of(
        title,
        _agents(first, where),
        state=0 if state == "none" else None,
        horizon=min(limits) if limits else None,
    )

    def another() -> Actor:
        return GymnasiumActor(_one(registered, where, render), layout, habits)

    return Objects(layout, another, [GymnasiumActor(first, layout, habits)], fresh=fresh)


def _one(registered: Registered, where: str, render: bool) -> Any:
    mode: dict[str, Any] = {"render_mode": "rgb_array"} if render and _draws(registered) else {}
    return build(lambda: gymnasium.make(registered, disable_env_checker=True, **mode), {}, where)


def _draws(registered: Registered) -> bool:
    """Whether the class says that it can draw without a window."""
    metadata = getattr(registered.entry_point, "metadata", None) or {}
    return "rgb_array" in metadata.get("render_modes", ())


def _agents(env: Any, where: str) -> list[tuple[Any, Sight, Moves]]:
    """The agents: one for each part of Tuple spaces, else one."""
    seen, done = env.observation_space, env.action_space
    several = isinstance(done, gymnasium.spaces.Tuple)
    if several and not (isinstance(seen, gymnasium.spaces.Tuple) and len(seen) == len(done)):
        raise InputError(
            f"{where}: it has {len(done)} action spaces, but its observation space is {seen!s:.80}"
        )
    pairs = zip(seen, done) if several else [(seen, done)]
    names = [f"agent_{i}" for i in range(len(done))] if several else ["agent"]
    try:
        return [(name, Sight(a), moves(b)) for name, (a, b) in zip(names, pairs)]
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


class GymnasiumActor(Actor):
    """Drives a gymnasium environment: all agents act at once, and all stop together.

    One reward for several agents is paid to each of them.
    """

    def __init__(self, env: Any, layout: Layout, habits: Habits) -> None:
        super().__init__(env, layout)
        self.habits = habits
        self.inner = env.unwrapped
        self.several = isinstance(env.action_space, gymnasium.spaces.Tuple)
        plain = all(seat.moves.decode is None for seat in layout.seats)
        self.direct = plain and len(layout.spec.groups) == 1

    def begin(self, seed: int, slate: Slate, b: int) -> None:
        """Reset with a seed."""
        self.time = 0
        try:
            if self.habits.forget is not None:
                self.habits.forget(self.inner)
            result = self.env.reset(seed=seed)
        except (Exception, SystemExit) as error:
            raise self.wrong(f"the environment raised {told(error)} in reset") from error
        if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], dict):
            raise self.wrong(
                f"reset returned {shape_of(result)}; gymnasium asks for an observation and a dictionary"
            )
        for seat in self.layout.seats:
            self.arrive(slate, b, seat)
        self._look(slate, b, *result)

    def step(self, actions: Sequence[Any], slate: Slate, b: int) -> None:
        """Everybody acts."""
        self.time += 1
        seats = self.layout.seats
        given = actions[0][b] if self.direct else [self.action(seat, actions, b) for seat in seats]
        try:
            result = self.env.step(given if self.several else given[0])
        except (Exception, SystemExit) as error:
            raise self.raised(error) from error
        if not isinstance(result, tuple) or len(result) != 5 or not isinstance(result[4], dict):
            raise self.wrong(
                f"step returned {shape_of(result)} {self.when}; gymnasium asks for an observation, a reward, terminated, "
                "truncated and a dictionary"
            )
        seen, reward, terminated, truncated, info = result
        if self.several and isinstance(reward, list | tuple | np.ndarray):
            if len(reward) != len(seats):
                raise self.wrong(f"step gave {len(reward)} rewards to {len(seats)} agents {self.when}")
        else:
            reward = [reward] * len(seats)
        for seat, own in zip(seats, reward):
            try:
                slate.reward[seat.g][b, seat.i] = own
            except (TypeError, ValueError) as error:
                raise self.unpaid(seat, own) from error
        self._look(slate, b, seen, info)
        if terminated or truncated:
            judge = self.habits.ended
            ended = bool(terminated) and (judge is None or judge(self.inner))
            if ended:
                for seat in seats:
                    self.leave(slate, b, seat)
            self.stop(slate, b, ended=ended)

    def picture(self) -> Any:
        """The environment's own picture, or ours where it needs a window."""
        drawn = draw(self.inner)
        return super().picture() if drawn is None else drawn

    def _look(self, slate: Slate, b: int, seen: Any, info: Any) -> None:
        seats = self.layout.seats
        if not self.several:
            self.show(slate, b, seats[0], seen, info)
        else:
            if not isinstance(seen, tuple | list) or len(seen) != len(seats):
                raise self.wrong(
                    f"{shape_of(seen)} seen {self.when}, expected a tuple of {len(seats)} observations"
                )
            for seat, own in zip(seats, seen):
                _, g, i, sight, _ = seat
                if type(own) is np.ndarray and own.dtype is sight.whole and own.shape == sight.shape:
                    slate.seen[g][b, i] = own
                else:
                    self.show(slate, b, seat, own, None)
        if self.habits.legal is not None:
            for seat, legal in zip(seats, self.habits.legal(self.inner)):
                slate.restrict(b, seat, legal)
        self.check_free(slate, b, seats)
