"""Where agents stand when their team calls, counted again step by step."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from experiments.switch_features import Features
from experiments.switch_maps import EAST, NORTH, REACH, around_food
from games import make_env


def random_states(rng: np.random.Generator, size: int, players: int, foods: int, steps: int) -> Any:
    """Global states of foraging, of which some food is eaten already."""
    rows = []
    for _ in range(steps):
        stand = np.column_stack([rng.integers(0, size, (players, 2)), np.ones(players)])
        food = np.column_stack([rng.integers(0, size, (foods, 2)), np.ones(foods), rng.random(foods) < 0.7])
        rows.append([*stand.ravel(), *food.ravel(), rng.random()])
    return np.array(rows, dtype=np.float32)


def counted(states: Any, called: Any, players: int, foods: int) -> tuple[Counter[Any], Counter[Any]]:
    """Agents by rows north and columns east of the nearest food: all of them, and those with a call."""
    seen: Counter[Any] = Counter()
    calls: Counter[Any] = Counter()
    for state, call in zip(states.tolist(), called.tolist()):
        left = [state[3 * players + 4 * j :][:4] for j in range(foods)]
        left = [food for food in left if food[3]]
        for i in range(players):
            row, column, _ = state[3 * i :][:3]
            if left:
                food = min(left, key=lambda one: abs(one[0] - row) + abs(one[1] - column))
                place = int(food[0] - row), int(column - food[1])
                if max(map(abs, place)) <= REACH:
                    seen[place] += 1
                    calls[place] += bool(call)
    return seen, calls


@pytest.mark.parametrize(("size", "players", "foods"), [(5, 2, 1), (10, 3, 3)])
def test_agents_are_counted_where_they_stand(size: int, players: int, foods: int) -> None:
    rng = np.random.default_rng(size)
    env = make_env(f"foraging:{size}x{size}-{players}p-{foods}f")
    features = Features(env, budget=True)
    states, called = random_states(rng, size, players, foods, 300), rng.random(300) < 0.3
    first = len(features.all) - states.shape[1]
    seen = np.column_stack([np.zeros((300, first)), states])
    told = around_food(features.all, seen, called)
    assert told is not None and (told.across, told.up) == (EAST, NORTH)
    expected = counted(states, called, players, foods)
    for table, known in zip((told.counts, told.calls), expected):
        cells = {
            (int(up), int(across)): int(table[k, j])
            for k, up in enumerate(told.up_labels)
            for j, across in enumerate(told.across_labels)
            if table[k, j]
        }
        assert cells == {place: count for place, count in known.items() if count}


def test_there_is_no_such_map_without_food() -> None:
    features = Features(make_env("coordination:bits?agents=2"), budget=False)
    assert around_food(features.all, np.zeros((3, len(features.all))), np.zeros(3, dtype=bool)) is None
    forage = Features(make_env("foraging:5x5-2p-1f"), budget=False)
    eaten = np.zeros((3, len(forage.all)))
    assert around_food(forage.all, eaten, np.zeros(3, dtype=bool)) is None
