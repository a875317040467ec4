"""Correlation devices as teams: what they play has the distribution they promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from games import Joint, Mixture, load, make_env, play_episodes
from games.correlated_policy import Correlated
from games.errors import InputError
from games.play import begin, rollout
from games.streams import draw_seeds
from solvers import cce, certify

SEEDS = draw_seeds(np.random.default_rng(0), 40_000)


def played(env: Any, team: Any) -> np.ndarray:
    """Share of every joint action, float64[A1, ..., AP]."""
    actions = rollout(env, team, begin(env, team, SEEDS), 1).actions[0][0]
    counts = np.zeros([group.width for group in env.spec.groups for _ in group.agents])
    np.add.at(counts, tuple(actions.T), 1)
    return counts / len(SEEDS)


def test_a_joint_distribution_is_played_as_it_stands() -> None:
    env = make_env("zoo:random?shape=3x3&seed=2")
    dense = np.array([[0.1, 0.0, 0.2], [0.0, 0.3, 0.0], [0.25, 0.15, 0.0]])
    share = played(env, Correlated(env.spec, Joint.from_dense(dense)))
    assert (share[dense == 0] == 0).all()
    assert (np.abs(share - dense) <= 4 * np.sqrt(dense * (1 - dense) / len(SEEDS))).all()


def test_a_mixture_of_products_is_played_as_its_joint_distribution() -> None:
    env = make_env("zoo:random?shape=2x2x2&seed=2")
    profiles = [[1, 0, 0.5, 0.5, 0.2, 0.8], [0, 1, 0.1, 0.9, 1, 0]]
    mixture = Mixture([0.3, 0.7], profiles, (2, 2, 2))
    share = played(env, Correlated(env.spec, mixture))
    dense = mixture.dense()
    assert (np.abs(share - dense) <= 4 * np.sqrt(dense * (1 - dense) / len(SEEDS)) + 1e-12).all()


def test_a_solved_equilibrium_earns_what_its_solution_says() -> None:
    game = load("zoo:chicken")
    solution = cce(game)
    assert solution.joint is not None
    assert certify(game, solution.joint, "cce").holds(1e-9)
    env = make_env("zoo:chicken")
    returns = play_episodes(env, Correlated(env.spec, solution.joint), SEEDS, batch=len(SEEDS)).returns
    error = returns.std(axis=0) / len(SEEDS) ** 0.5
    assert (np.abs(returns.mean(axis=0) - solution.values) <= 4 * error + 1e-12).all()


@pytest.mark.parametrize("shape", [(2, 2, 2), (3, 2)])
def test_a_device_for_another_game_is_refused(shape: tuple[int, ...]) -> None:
    cell = np.zeros(shape)
    cell.flat[0] = 1
    with pytest.raises(InputError, match=r"zoo:chicken: a device for .* does not fit 2 simultaneous players"):
        Correlated(make_env("zoo:chicken").spec, Joint.from_dense(cell))
