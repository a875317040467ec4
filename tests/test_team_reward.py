"""Rewards shared by a team."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from walkers import walkers

from games import NormalFormGame, check_env, play_episodes, random_policy
from games.env import Step
from games.errors import InputError
from games.sims.matrix import MatrixRules
from games.sims.simulation import Running, Simulation
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


class Columns(Simulation):
    """Lays rewards out column by column, as it may."""

    def step(self, world: Running, actions: Any) -> tuple[Running, Step]:
        world, step = super().step(world, actions)
        view = step.groups[0]
        return world, step._replace(groups=(view._replace(reward=np.asfortranarray(view.reward)),))


def test_sums_do_not_depend_on_the_batch_or_its_layout() -> None:
    rng = np.random.default_rng(1)
    sizes = 10.0 ** rng.integers(-8, 8, size=(10, *[2] * 10))
    game = NormalFormGame(rng.normal(size=sizes.shape) * sizes)
    env = TeamReward(Columns(MatrixRules(game, "columns")))
    whole = play_episodes(env, random_policy(env.spec), SEEDS)
    alone = play_episodes(env, random_policy(env.spec), SEEDS, batch=1)
    assert (whole.returns == alone.returns).all()
