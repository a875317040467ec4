"""The `lbforaging` library put into the state of one of our fields, for tests to play both side by side."""

from __future__ import annotations

import sys
from collections import Counter
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from games.sims.foraging import Field
from games.sims.foraging_setup import Setup

library = pytest.importorskip(
    "lbforaging.foraging.environment", reason="our foraging is compared with lbforaging"
)


class Library(library.ForagingEnv):  # type: ignore[misc, name-defined]
    """The library with observation spaces that hold every observation of its own.

    Its spaces have the wrong shape for grids and take rows for columns on oblong fields, which stops it from observing
    anything there; nothing of that touches its rules.
    """

    def _get_observation_space(self) -> Any:
        import gymnasium

        side = 1 + 2 * self.sight
        width = 3 if self._observe_agent_levels else 2
        shape = (
            (3, side, side)
            if self._grid_observation
            else (3 * self.max_num_food + width * len(self.players),)
        )
        return gymnasium.spaces.Box(-1.0, 1e9, shape=shape, dtype=np.float32)


def library_env(setup: Setup) -> Any:
    """A fresh environment of the library for this setup."""
    return Library(
        players=setup.players,
        min_player_level=list(setup.min_player_level),
        max_player_level=list(setup.max_player_level),
        min_food_level=list(setup.min_food_level),
        max_food_level=None if setup.max_food_level is None else list(setup.max_food_level),
        field_size=(setup.rows, setup.cols),
        max_num_food=setup.foods,
        sight=setup.sight,
        max_episode_steps=setup.horizon,
        force_coop=setup.coop,
        normalize_reward=setup.normalize,
        grid_observation=setup.grid,
        observe_agent_levels=setup.levels,
        penalty=setup.penalty,
    )


def put(env: Any, field: Field, b: int) -> tuple[Any, ...]:
    """Put sub-environment b, just begun, into the library's environment; its observations there."""
    env.field = np.zeros(env.field_size, np.int32)
    for row, col, level, there in field.foods[b].tolist():
        if there:
            env.field[row, col] = level
    for player, (row, col, level) in zip(env.players, field.players[b].tolist()):
        player.setup((row, col), level, env.field_size)
        player.reward = 0
    env._food_spawned, env.current_step, env._game_over = env.field.sum(), 0, False
    env._gen_valid_moves()
    return env._make_gym_obs()  # type: ignore[no-any-return]


def library_masks(env: Any) -> Any:
    """Its legal actions as bool[P, 6]."""
    return np.array([[a in env._valid_actions[p] for a in library.Action] for p in env.players])


def spawn_counts(env: Any, episodes: int) -> dict[str, Counter[Any]]:
    """How often what was spawned in the library, by statistic; every episode in a field without a past."""
    counts: dict[str, Counter[Any]] = {}
    for _ in range(episodes):
        for player in env.players:
            player.position = None
        env.reset()
        players = [(*map(int, p.position), int(p.level)) for p in env.players]
        foods = [(int(y), int(x), int(env.field[y, x])) for y, x in np.argwhere(env.field)]
        tally(counts, players, foods)
    return counts


def tally(counts: dict[str, Counter[Any]], players: Any, foods: Any) -> None:
    """Count one episode's start: players and foods are lists of (row, column, level)."""
    seen = {
        "levels of players": tuple(level for _, _, level in players),
        "levels of foods": tuple(level for _, _, level in foods),
        "how many foods": len(foods),
        "cell of the first player": players[0][:2],
        "cell of the last player": players[-1][:2],
        "cell of the first food": foods[0][:2],
        "cell of the last food": foods[-1][:2],
        "between the last two foods": tuple(
            abs(a - b) for a, b in zip(foods[-1][:2], foods[len(foods) - 2][:2])
        ),
        "from a player to the first food": tuple(a - b for a, b in zip(players[0][:2], foods[0][:2])),
    }
    for name, value in seen.items():
        counts.setdefault(name, Counter())[value] += 1


def library_heuristics(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """H1 to H4 of the library by name; where they would draw at random they return None.

    Their module is loaded by itself: it imports `foraging` where it means `lbforaging.foraging`, and its package pulls in
    learners.
    """
    folder = Path(library.__file__).parents[1] / "agents"
    package = ModuleType("lbforaging.agents")
    package.__path__ = [str(folder)]
    monkeypatch.setitem(sys.modules, "lbforaging.agents", package)
    monkeypatch.setitem(sys.modules, "foraging", ModuleType("foraging"))
    monkeypatch.setitem(sys.modules, "foraging.environment", library)
    for name in ("lbforaging.agents.agent", "lbforaging.agents.heuristic_agent"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    module = import_module("lbforaging.agents.heuristic_agent")
    for name in ("lbforaging.agents.agent", "lbforaging.agents.heuristic_agent"):
        monkeypatch.setitem(sys.modules, name, sys.modules[name])
    monkeypatch.setattr(module, "random", SimpleNamespace(choice=lambda actions: None))
    return {name.lower(): getattr(module, name) for name in ("H1", "H2", "H3", "H4")}
