"""PettingZoo environments as ours: any `ParallelEnv` or AEC environment, by URI or from Python.

An episode of ours ends (discount 0) when its last agents are terminated. It is cut off (discount 1) when its last
agents stop by truncation; if some of the last are terminated and others truncated in the same step, it is cut off too,
and `View.alive` is False for the terminated ones. An agent truncated while others go on is simply out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from games.env import Env
from games.errors import InputError
from games.from_aec import AecActor
from games.from_objects import Actor, Objects, check_options, own_options
from games.from_packages import build, check_arguments, import_allowed, told, typed
from games.from_parallel import ParallelActor
from games.from_slate import Layout
from games.from_spaces import Moves, Sight, moves

FAMILIES = ("atari", "butterfly", "classic", "sisl")
"""Sub-packages of pettingzoo that may be named without it."""

EXAMPLES = (
    "pettingzoo:mpe2.simple_spread_v3?N=3",
    "pettingzoo:mpe2.simple_tag_v3",
    "pettingzoo:classic.connect_four_v3",
    "pettingzoo:classic.tictactoe_v3",
    "pettingzoo:butterfly.knights_archers_zombies_v11",
)

OPTIONS = ("api", "state", "horizon", "fresh", "render")
REMEMBERING = ("knights_archers_zombies",)
"""Environments whose reset does not forget everything: how fast zombies come is carried over. They are made anew for
every episode."""
STATES = ("auto", "env", "observations", "none")


def make(name: str, parameters: Mapping[str, Any]) -> Env:
    """A PettingZoo environment by the name of its module.

    Parameters
    ----------
    name : str
        ``mpe2.simple_spread_v3``, ``pettingzoo.classic.connect_four_v3`` or short ``classic.connect_four_v3``.
    parameters : mapping
        Arguments of the environment, as text or Python values, and ours: ``api`` (``parallel`` or ``aec``; parallel
        where the module has it), ``state``, ``horizon``, ``fresh``, ``render`` (see `from_parallel`) and ``allow_import`` (packages
        beyond the known ones).

    Raises
    ------
    InputError
        If the package is not known or not installed, the module is no PettingZoo environment, or an argument does not
        fit.
    """
    given = dict(parameters)
    allow = given.pop("allow_import", ())
    where = f"pettingzoo:{name}"
    module = name if name.partition(".")[0] not in FAMILIES else f"pettingzoo.{name}"
    ours = own_options(given, OPTIONS)
    if module.rpartition(".")[2].startswith(REMEMBERING):
        ours.setdefault("fresh", True)
    arguments = {key: typed(value) for key, value in given.items()}
    home = import_allowed(module, allow, where)
    api = _api(home, ours.pop("api", None), where)
    factory = home.parallel_env if api == "parallel" else home.env
    check_arguments([factory, getattr(home, "raw_env", None)], arguments, where)
    shown = "&".join(
        f"{key}={value}" for key, value in parameters.items() if key not in ("allow_import", "render")
    )
    title = f"{where}?{shown}" if shown else where
    if api == "parallel":
        return from_parallel(factory, name=title, parameters=arguments, **ours)
    return from_aec(factory, name=title, parameters=arguments, **ours)


def _api(home: Any, wanted: Any, where: str) -> str:
    has = [
        api
        for api, maker in (("parallel", "parallel_env"), ("aec", "env"))
        if callable(getattr(home, maker, None))
    ]
    if not has:
        raise InputError(
            f"{where}: this module has neither parallel_env() nor env(), so it is no PettingZoo environment"
        )
    if wanted is None:
        return has[0]
    if wanted not in ("parallel", "aec"):
        raise InputError(f"{where}: api is parallel or aec, not {wanted!r}")
    if wanted not in has:
        raise InputError(f"{where}: this environment has no {wanted} API, only {has[0]}")
    return str(wanted)


def from_parallel(
    factory: Callable[..., Any],
    *,
    name: str = "",
    parameters: Mapping[str, Any] | None = None,
    state: str = "auto",
    horizon: int | None = None,
    fresh: bool = False,
    render: bool = False,
) -> Objects:
    """Any PettingZoo `ParallelEnv` as a batched environment.

    Parameters
    ----------
    factory : callable
        ``factory(**parameters)`` makes one environment; called once per sub-environment.
    name : str, optional
        For messages and reports; the environment's own by default.
    parameters : mapping, optional
        Arguments for the factory.
    state : {"auto", "env", "observations", "none"}
        The global state: the environment's ``state()``, all observations one after another, or nothing. ``auto`` takes
        ``state()`` where there is one (for mpe2, where it is by definition all observations, these) and observations
        elsewhere.
    horizon : int, optional
        Cut episodes off after so many steps.
    fresh : bool
        Make a new environment for every episode, for those whose reset with a seed does not forget everything
        (`games.laws.check_env` finds them).
    render : bool
        Make the environments with ``render_mode="rgb_array"``, so that `Env.scene` holds their picture.

    Returns
    -------
    Objects
        The environment.

    Raises
    ------
    InputError
        If it cannot be made, or has spaces without a fixed size; while playing, if it breaks the PettingZoo API.
    """
    return _wrap(ParallelActor, factory, name, parameters, state, horizon, fresh, render)


def from_aec(
    factory: Callable[..., Any],
    *,
    name: str = "",
    parameters: Mapping[str, Any] | None = None,
    state: str = "auto",
    horizon: int | None = None,
    fresh: bool = False,
    render: bool = False,
) -> Objects:
    """Any PettingZoo AEC environment as a batched, turn-based environment; parameters as in `from_parallel`."""
    return _wrap(AecActor, factory, name, parameters, state, horizon, fresh, render)


def _wrap(
    kind: type[ParallelActor] | type[AecActor],
    factory: Callable[..., Any],
    name: str,
    parameters: Mapping[str, Any] | None,
    state: str,
    horizon: int | None,
    fresh: bool,
    render: bool,
) -> Objects:
    arguments = dict(parameters or {})
    where = name or getattr(factory, "__name__", "the environment")
    if state not in STATES:
        raise InputError(f"{where}: state is one of {', '.join(STATES)}, not {state!r}")
    check_options(where, horizon=horizon, fresh=fresh, render=render)
    if render:
        arguments["render_mode"] = "rgb_array"
    first = build(factory, arguments, where)
    _check_kind(kind, first, where)
    layout = Layout.of(
        name or str(first),
        _agents(first, where),
        state=_state_size(first, state, where),
        horizon=horizon if horizon is not None else _horizon(first, kind),
        turn_based=kind is AecActor,
    )

    def another() -> Actor:
        return kind(build(factory, arguments, where), layout)

    return Objects(layout, another, [kind(first, layout)], fresh=fresh)


def _check_kind(kind: type[Actor], env: Any, where: str) -> None:
    turns = callable(getattr(env, "observe", None)) and callable(getattr(env, "last", None))
    if kind is ParallelActor and turns:
        raise InputError(f"{where}: this is an AEC environment, where agents act in turn; use from_aec")
    wanted = (
        "reset",
        "step",
        "observation_space",
        "action_space",
        *(("observe", "last") if kind is AecActor else ()),
    )
    for part in wanted:
        if not callable(getattr(env, part, None)):
            raise InputError(f"{where}: the environment has no {part}(), which the PettingZoo API asks for")


def _agents(env: Any, where: str) -> list[tuple[Any, Sight, Moves]]:
    agents = list(getattr(env, "possible_agents", ()))
    if not agents:
        raise InputError(
            f"{where}: the environment has no possible_agents, which the PettingZoo API asks for"
        )
    found = []
    for agent in agents:
        try:
            seen, done = env.observation_space(agent), env.action_space(agent)
        except Exception as error:
            raise InputError(f"{where}: the spaces of {agent} cannot be read: {told(error)}") from error
        try:
            found.append((agent, Sight(seen), moves(done)))
        except InputError as error:
            raise InputError(f"{where}: {agent}: {error}") from error
    return found


def _state_size(env: Any, wanted: str, where: str) -> int | None:
    """Numbers in the library's state; 0 for none, None for all observations."""
    if wanted == "observations":
        return None
    if wanted == "none":
        return 0
    if wanted == "auto" and _state_is_observations(env):
        return None
    try:
        env.reset(seed=0)
        state = env.state()
        if not isinstance(state, np.ndarray) or state.dtype.kind not in "fiub":
            raise TypeError(f"state() gives {type(state).__name__}, not an array of numbers")
    except Exception as error:
        if wanted == "env":
            raise InputError(f"{where}: this environment gives no state: {told(error)}") from error
        return None
    return int(state.size)


def _state_is_observations(env: Any) -> bool:
    """mpe2's `SimpleEnv.state` computes all observations a second time."""
    method = getattr(type(getattr(env, "unwrapped", env)), "state", None)
    return getattr(method, "__module__", "") == "mpe2._mpe_utils.simple_env"


def _horizon(env: Any, kind: type[Actor]) -> int | None:
    """mpe2 truncates after exactly `max_cycles` moves of everybody."""
    inner = getattr(env, "unwrapped", env)
    if not type(inner).__module__.startswith("mpe2."):
        return None
    cycles = getattr(inner, "max_cycles", None)
    if not isinstance(cycles, int) or cycles < 1:
        return None
    return cycles * (len(env.possible_agents) if kind is AecActor else 1)
