"""Gather-trade-build through PettingZoo."""

from __future__ import annotations

import numpy as np
import pytest

from games import make_env
from games.errors import InputError

pytest.importorskip("pettingzoo")

from pettingzoo.test import parallel_api_test

from games.to_pettingzoo_economy import economy_parallel


def test_it_is_a_parallel_environment() -> None:
    parallel_api_test(economy_parallel(size="small", horizon=30, period=5), num_cycles=100)


def test_spaces_hold_what_is_seen_and_the_end_tells_what_became_of_it() -> None:
    env = economy_parallel(size="small", horizon=20, period=5, coin=20, seed=3)
    seen, infos = env.reset(seed=5)
    assert list(env.possible_agents) == ["agent_0", "agent_1", "agent_2", "agent_3", "planner"]
    assert seen["agent_0"]["map"].shape == (7, 7, 7) and seen["planner"]["flat"].shape == (86,)
    assert all("economy" not in info for info in infos.values())
    rng, steps, total = np.random.default_rng(0), 0, dict.fromkeys(env.agents, 0.0)
    while env.agents:
        for agent in env.agents:
            assert env.observation_space(agent).contains(seen[agent]), agent
        actions = {}
        for agent in env.agents:
            mask = seen[agent]["action_mask"]
            if agent == "planner":
                actions[agent] = np.array([rng.choice(np.flatnonzero(part)) for part in mask])
            else:
                actions[agent] = rng.choice(np.flatnonzero(mask))
        seen, rewards, ended, cut, infos = env.step(actions)
        steps += 1
        total = {agent: total[agent] + rewards[agent] for agent in total}
        assert not any(info.get("action_replaced") for info in infos.values())
    assert steps == 20 and all(ended.values()) and not any(cut.values())
    end = infos["planner"]["economy"]
    assert end["productivity"] == pytest.approx(sum(end["coin"]))
    assert total["planner"] == pytest.approx(end["eq_times_prod"] - 20.0)  # all begin with 20
    began = (20**0.77 - 1) / 0.77
    assert [total[f"agent_{i}"] + began for i in range(4)] == pytest.approx(end["utility"])


def test_another_environment_is_refused() -> None:
    with pytest.raises(InputError, match=r"is not economy:gather-trade-build"):
        economy_parallel(make_env("zoo:chicken"))
