"""Between which numbers returns lie in coordination games: told exactly, so that tournaments there have a finite epsilon."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Staghunt

from experiments.tournament.results import payoff_range
from experiments.tournament.spec import spec_of
from games import make_env
from games.env import Env
from games.streams import draw_seeds


def returns(env: Env, steps: int, seeds: int = 1) -> np.ndarray:
    """What every sequence of joint actions of so many steps pays, so many times, float64[K, agents]."""
    group = env.spec.groups[0]
    joint = list(product(range(group.width), repeat=group.size))
    plans = np.array(list(product(joint, repeat=steps)), dtype=np.int32).repeat(seeds, axis=0)
    world, step = env.reset(draw_seeds(np.random.default_rng(0), len(plans)))
    total = np.zeros((len(plans), group.size))
    for t in range(steps):
        assert not step.last.any()
        world, step = env.step(world, (np.ascontiguousarray(plans[:, t]),))
        total += step.rewards
    return total


ENVS = [
    ("coordination:bits?agents=2&noise=0", 3),
    ("coordination:bits?agents=2&noise=1", 3),
    ("coordination:bits?agents=3&noise=0", 2),
    ("coordination:bits?agents=3&noise=0&tolerance=0", 2),
    ("coordination:climbing", 1),
    ("coordination:climbing?steps=3", 3),
    ("coordination:penalty?k=-100&steps=2", 2),
    ("coordination:matrix?game=zoo:pure-coordination&actions=3&steps=3", 3),
    ("coordination:climb?agents=3", 1),
    ("coordination:climb?agents=3&steps=2", 2),
    ("coordination:climb?agents=2&reward=-4&steps=2", 2),
]


@pytest.mark.parametrize("uri, steps", ENVS)
def test_bounds_are_the_smallest_and_the_largest_return_of_all_plays(uri: str, steps: int) -> None:
    env: Any = make_env(uri)
    found = returns(env, steps)
    assert env.rules.return_bounds(steps) == pytest.approx((found.min(), found.max()), abs=1e-12)


@pytest.mark.parametrize("agents, seeds", [(2, 400), (3, 100)])
def test_bits_that_come_out_otherwise_stay_within_and_get_there(agents: int, seeds: int) -> None:
    """In 6,400 plays of two steps; either end has a chance of at least 0.01 in each, if everybody has flipped a coin."""
    env: Any = make_env(f"coordination:bits?agents={agents}&noise=0.1")
    found = returns(env, 2, seeds)
    low, high = env.rules.return_bounds(2)
    assert (found.min(), found.max()) == (low, high) == (0.0, 6.0)


@pytest.mark.parametrize(
    "uri, whole, cut",
    [
        ("coordination:bits?agents=3&steps=10", (0.0, 30.0), (0.0, 12.0)),
        ("coordination:bits?agents=3&tolerance=0&steps=10", (20.0, 30.0), (8.0, 12.0)),
        ("coordination:penalty?k=-100&steps=10", (-1000.0, 100.0), (-400.0, 40.0)),
        ("coordination:climb?agents=3&steps=10", (0.0, 100.0), (0.0, 40.0)),
        ("foraging:5x5-2p-1f-coop", (0.0, 1.0), (0.0, 1.0)),
    ],
)
def test_tournaments_know_the_range_of_whole_matches_and_of_those_cut_off(
    uri: str, whole: tuple[float, float], cut: tuple[float, float]
) -> None:
    env = make_env(uri)
    for wanted, limit in ((whole, {}), (cut, {"max_steps": 4}), (whole, {"max_steps": 400})):
        spec = spec_of({"env": uri, "agents": ["random"], "matches": 2, **limit}, "test")
        shape: Any = type("Shape", (), {"roles": ("all",), "seats": ((0, 1),), "symmetric": True})
        found = payoff_range(spec, shape, env)
        assert found is not None
        assert (float(found[0][0]), float(found[1][0])) == pytest.approx(wanted)


def test_playing_them_has_a_finite_epsilon(staghunt: Staghunt, tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "env: coordination:bits?agents=2&steps=5\nagents: {one: random, other: random}\nmatches: 50\nexact: false\n"
    )
    ran = staghunt("tournament", spec, "--out", tmp_path / "run", "--workers", 1, "--json")
    assert ran.code == 0, ran.err
    found = [one for one in ran.json["equilibria"] if "certificate" in one]
    assert found
    for one in found:
        assert 0 < one["certificate"]["slack"] < 15 and one["epsilon"] < 15, one
