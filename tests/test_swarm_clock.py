"""Swarms that see the time, and swarms as PettingZoo environments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test

from games import make_env
from games.errors import InputError
from games.laws import check_env
from games.meanfield import swarm_limit, swarm_surrogate
from games.play import play_episodes
from games.policy import Independent
from games.sims.swarm import features, parameters_of
from games.streams import draw_seeds
from games.swarm_policies import POLICIES
from games.to_pettingzoo import to_parallel

NAMES = ("aggregation", "kuramoto", "vicsek")
RULES = [
    ("aggregation", "centre"),
    *((name, rule) for name in NAMES[1:] for rule in ("turn", "bang", "lean")),
]


def seeds(count: int, seed: int = 0) -> Any:
    return draw_seeds(np.random.default_rng(seed), count)


def actions_for(env: Any, batch: int, seed: int) -> Any:
    (group,) = env.spec.groups
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (batch, group.size, *group.actions.shape)).astype(np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_laws_hold_with_a_clock(name: str) -> None:
    assert len(check_env(make_env(f"swarm:{name}?agents=4&horizon=5&clock=true"), steps=12, batch=3)) > 10
    assert len(check_env(make_env(f"swarm:{name}?agents=1&horizon=1&clock=yes"), steps=3, batch=2)) > 10


@pytest.mark.parametrize("name", NAMES)
def test_a_clock_adds_the_time_and_changes_nothing_else(name: str) -> None:
    """Also where sub-environments restart at different times, and where one has stopped."""
    plain = make_env(f"swarm:{name}?agents=6&horizon=4&sigma_y=0.1")
    timed = make_env(f"swarm:{name}?agents=6&horizon=4&sigma_y=0.1", clock=True)
    assert timed.spec.groups[0].observation == (3,) and timed.spec.state == plain.spec.state + 1
    (one, step), (two, shown) = plain.reset(seeds(3)), timed.reset(seeds(3))
    wanted = np.zeros(3)
    restarts = {1: [True, False, False], 4: [False, True, False], 5: [True, False, True]}
    for t in range(9):
        view, seen = step.groups[0], shown.groups[0]
        np.testing.assert_array_equal(view.observation, seen.observation[..., :2])
        np.testing.assert_array_equal(step.state, shown.state[:, :-1])
        np.testing.assert_array_equal(view.reward, seen.reward)
        np.testing.assert_array_equal(seen.observation[..., 2], np.repeat((wanted / 4)[:, None], 6, axis=1))
        np.testing.assert_array_equal(shown.state[:, -1], wanted / 4)
        np.testing.assert_array_equal(features(timed, two), step.state)
        u = actions_for(plain, 3, t)
        wanted = np.where(shown.last, wanted, wanted + 1)
        (one, step), (two, shown) = plain.step(one, (u,)), timed.step(two, (u,))
        if t in restarts:
            where = np.array(restarts[t])
            (one, step), (two, shown) = plain.restart(one, where), timed.restart(two, where)
            wanted = np.where(where, 0, wanted)


@pytest.mark.parametrize(("name", "rule"), [*RULES, ("vicsek", "zero"), ("aggregation", "random")])
def test_rules_and_limits_do_not_look_at_the_clock(name: str, rule: str) -> None:
    returns = []
    for clock in (False, True):
        env = make_env(
            f"swarm:{name}?agents=12&horizon=20&kappa=0.5"
            if name != "aggregation"
            else f"swarm:{name}?agents=12&horizon=20",
            clock=clock,
        )
        policy = Independent(env.spec, POLICIES[rule](env.spec))
        returns.append(play_episodes(env, policy, seeds(5)).returns)
    np.testing.assert_array_equal(returns[0], returns[1])


@pytest.mark.parametrize("name", NAMES)
def test_limits_and_large_swarms_in_their_place_have_no_clock(name: str) -> None:
    uri = f"swarm:{name}?horizon=5"

    def policy(seen: Any, time: int) -> Any:
        assert seen.shape[1] == 2
        return np.full((len(seen), 2 if name == "aggregation" else 1), 0.1 * time)

    for limit_of in (swarm_limit, lambda env: swarm_surrogate(env, 2000, seed=3)):
        plain, timed = (limit_of(make_env(uri, clock=clock)).flow(policy) for clock in (False, True))
        np.testing.assert_array_equal(plain.fields, timed.fields)
        np.testing.assert_array_equal(plain.rewards, timed.rewards)


def test_the_clock_is_part_of_the_name() -> None:
    env = make_env("swarm:kuramoto?agents=3&clock=true")
    assert env.spec.name == "swarm:kuramoto?agents=3&clock=true"
    assert parameters_of(env.spec).clock and make_env(env.spec.name).spec == env.spec
    assert "clock" not in make_env("swarm:kuramoto", clock=False).spec.name
    for wrong in ("maybe", 2, 0.5, None):
        with pytest.raises(InputError, match=f"clock={wrong} is not true or false"):
            make_env("swarm:vicsek", clock=wrong)


@pytest.mark.parametrize(
    "uri",
    [
        "swarm:aggregation?agents=3&horizon=6",
        "swarm:kuramoto?agents=2&clock=true",
        "swarm:vicsek?agents=5&horizon=6&observe=polar&clock=true",
    ],
)
def test_pettingzoo_sees_the_same_swarm(uri: str) -> None:
    parallel_api_test(to_parallel(uri), num_cycles=10)
    env, theirs = make_env(uri), to_parallel(uri)
    world, step = env.reset(np.array([7], dtype=np.uint64))
    observations, _ = theirs.reset(seed=7)
    (group,) = env.spec.groups
    for t in range(env.spec.horizon or 0):
        np.testing.assert_array_equal([observations[a] for a in group.agents], step.groups[0].observation[0])
        assert all(theirs.observation_space(a).contains(observations[a]) for a in group.agents)
        u = actions_for(env, 1, t)
        world, step = env.step(world, (u,))
        observations, rewards, ended, cut, _ = theirs.step(dict(zip(group.agents, u[0])))
        np.testing.assert_array_equal([rewards[a] for a in group.agents], step.groups[0].reward[0])
        assert not any(ended.values()) and all(cut.values()) == bool(step.last[0])
    assert not theirs.agents
