"""Rewards shared by a team."""

from __future__ import annotations

import numpy as np
import pytest
from walkers import walkers

from games import check_env, play_episodes, random_policy
from games.errors import InputError
from games.streams import draw_seeds
from games.team_reward import TeamReward

SEEDS = draw_seeds(np.random.default_rng(0), 30)


@pytest.mark.parametrize("how", ["sum", "mean"])
def test_the_team_gets_what_its_members_got(how: str) -> None:
    env = walkers(horizon=40)
    team = TeamReward(env, how)
    check_env(team)
    own = play_episodes(env, random_policy(env.spec), SEEDS).returns
    shared = play_episodes(team, random_policy(team.spec), SEEDS).returns
    assert own.any()
    expected = own.sum(axis=1) if how == "sum" else own.mean(axis=1)
    assert (shared == expected[:, None]).all()


def test_another_way_of_sharing_is_refused() -> None:
    with pytest.raises(InputError, match="the 'sum' or the 'mean', not 'max'"):
        TeamReward(walkers(), "max")
