"""Observation and action spaces of gymnasium as ours."""

from __future__ import annotations

from typing import Any

import gymnasium.spaces as gym
import numpy as np
import pytest

from games.errors import InputError
from games.from_spaces import Sight, moves
from games.spaces import Box, Discrete, MultiDiscrete

SPACES = [
    gym.Box(-1, 1, (2, 3)),
    gym.Box(0, 255, (4, 4, 3), np.uint8),
    gym.Box(-1, 1, ()),
    gym.Discrete(5, start=-2),
    gym.MultiBinary((2, 2)),
    gym.MultiDiscrete([3, 2, 4], start=[1, 0, -1]),
    gym.MultiDiscrete([[2, 3], [4, 5]]),
    gym.Tuple(
        (gym.Discrete(3), gym.Box(0, 1, (2,)), gym.Dict({"z": gym.MultiBinary(2), "a": gym.Discrete(2)}))
    ),
    gym.Dict({"b": gym.Box(0, 1, (2,)), "a": gym.Tuple((gym.Discrete(3), gym.MultiDiscrete([2, 2])))}),
    gym.Text(5),
]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_observations_are_flattened_as_gymnasium_does(space: Any) -> None:
    space.seed(1)
    sight = Sight(space)
    for _ in range(20):
        value = space.sample()
        row = np.full(sight.shape, 7.0, dtype=np.float32)
        sight.write(row, value)
        assert np.array_equal(
            row.reshape(-1), np.asarray(gym.flatten(space, value), dtype=np.float32).reshape(-1)
        )


@pytest.mark.parametrize(
    "space, value, told",
    [
        (gym.Discrete(3), 3, "sees 3, but its observation space says 0 to 2"),
        (gym.Discrete(3, start=4), 3, "sees 3, but its observation space says 4 to 6"),
        (gym.Discrete(3), 1.0, "sees a value of type float, but its observation space wants a whole number"),
        (gym.MultiDiscrete([2, 2]), [0, 2], "sees 2, but its observation space says 0 to 1"),
        (
            gym.Box(0, 1, (2,)),
            [[0], [1, 2]],
            "sees a value of type list, but its observation space wants numbers",
        ),
        (
            gym.Box(0, 1, (2,)),
            ["a", "b"],
            "sees a value of type list, but its observation space wants numbers",
        ),
        (gym.Dict({"a": gym.Discrete(2)}), {"b": 0}, "sees a value of type dict without the part 'a'"),
        (gym.Tuple((gym.Discrete(2),)), (), "sees a value of type tuple without the part 0"),
        (gym.Text(3), "too long", "sees a value of type str, which is not in its observation space"),
    ],
)
def test_observations_outside_their_space_are_told(space: Any, value: Any, told: str) -> None:
    sight = Sight(space)
    with pytest.raises(ValueError) as error:
        sight.write(np.zeros(sight.shape, dtype=np.float32), value)
    assert str(error.value).startswith(told)


ACTION_SPACES = [
    (gym.Discrete(4, start=3), Discrete(4)),
    (gym.MultiDiscrete([3, 2], start=[5, -1]), MultiDiscrete((3, 2))),
    (gym.MultiDiscrete([[2, 3], [4, 5]]), MultiDiscrete((2, 3, 4, 5))),
    (gym.MultiBinary((2, 2)), MultiDiscrete((2, 2, 2, 2))),
    (gym.Box(-1, 2, (2, 1)), Box((-1.0, -1.0), (2.0, 2.0))),
    (gym.Box(0, 9, (2,), np.int16), Box((0.0, 0.0), (9.0, 9.0))),
    (gym.Tuple((gym.Discrete(3, start=1), gym.MultiBinary(2))), MultiDiscrete((3, 2, 2))),
    (gym.Dict({"u": gym.Box(0, 1, (2,)), "v": gym.Box(-1, 0, ())}), Box((0.0, 0.0, -1.0), (1.0, 1.0, 0.0))),
]


@pytest.mark.parametrize("space, ours", ACTION_SPACES, ids=str)
def test_actions_come_out_as_the_library_wants_them(space: Any, ours: Any) -> None:
    found, rng = moves(space), np.random.default_rng(2)
    assert found.actions == ours
    for _ in range(20):
        if isinstance(ours, Box):
            row: Any = rng.uniform(*ours.bounds).astype(np.float32)
        else:
            counts = ours.counts if isinstance(ours, MultiDiscrete) else (ours.count,)
            row = rng.integers(counts).astype(np.int32)
        given = found.decode(row) if found.decode is not None else int(row[0]) + found.start
        assert space.contains(given), given
        assert np.array_equal(np.asarray(gym.flatten(space, given)).shape, (gym.flatdim(space),))


def test_actions_that_mix_choices_and_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="mixes choices and numbers"):
        moves(gym.Tuple((gym.Discrete(2), gym.Box(0, 1, (1,)))))
    with pytest.raises(InputError, match="an action space of the kind Text is not known"):
        moves(gym.Text(3))
