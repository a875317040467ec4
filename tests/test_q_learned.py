"""What Q-learning learns where the optimum is known, and where it is known to fail; three seeds each."""

from __future__ import annotations

from typing import Any

import pytest
from small_worlds import cue
from two_step_game import two_step

from games.env import Env
from games.env_uris import make_env
from marl.learners import LEARNERS
from marl.train import Evaluated, Plan, train

SEEDS = (0, 1, 2)
QUICK: dict[str, Any] = {
    "rollout": 4,
    "learn_every": 32,
    "warmup": 256,
    "sample": "transitions",
    "batch_size": 64,
    "hidden": (16,),
    "capacity": 4_000,
    "epsilon_steps": 4_000,
    "learning_rate": 5e-3,
    "target_every": 50,
    "mixer_width": 8,
    "mixer_hidden": 8,
}
MEMORY = {**QUICK, "rollout": 6, "sample": "segments", "batch_size": 32, "hidden": (16, 16)}


def learned(name: str, env: Env, steps: int, seed: int, **fields: Any) -> float:
    """Mean team return of the greedy policies in the end."""
    plan = Plan(
        steps, evaluate_every=1 << 40, save_every=1 << 40, episodes=200, greedy=True, seed=seed, batch=16
    )
    scores = [
        float(
            (event.episodes.returns[:, 0] if env.spec.common_reward else event.episodes.returns.sum(1)).mean()
        )
        for event in train(LEARNERS[name].make(**fields), env, plan)
        if isinstance(event, Evaluated)
    ]
    return scores[-1]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["iql", "vdn", "qmix"])
def test_common_payoffs_without_a_trap_are_maximised(name: str, seed: int) -> None:
    env = make_env("coordination:matrix?game=zoo:pure-coordination&actions=4")
    assert learned(name, env, 6_000, seed, **QUICK) == 1.0
    assert learned(name, make_env("coordination:penalty?k=-1"), 6_000, seed, **QUICK) == 10.0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["iql", "vdn", "qmix"])
def test_nobody_reaches_the_top_in_the_climbing_game(name: str, seed: int) -> None:
    """Who tries everything finds the third action safest (Claus and Boutilier 1998), and no monotonic function of
    everybody's values has its only maximum where one's mistake is so dear (Rashid et al. 2018)."""
    assert learned(name, make_env("coordination:climbing"), 6_000, seed, **QUICK) == 5.0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name, reached", [("iql", 7.0), ("vdn", 7.0), ("qmix", 8.0)])
def test_only_mixing_solves_the_two_step_game(name: str, reached: float, seed: int) -> None:
    """As in the paper's table 1, with actions drawn uniformly throughout."""
    fields = {**QUICK, "epsilon_end": 1.0, "mixer_width": 32, "mixer_hidden": 64}
    assert learned(name, two_step(), 12_000, seed, **fields) == reached


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["iql", "qmix"])
def test_a_cue_is_remembered_by_who_can(name: str, seed: int) -> None:
    assert learned(name, cue(), 9_000, seed, recurrent=True, **MEMORY) == 1.0
    assert learned(name, cue(), 4_000, seed, recurrent=False, **MEMORY) < 0.65


@pytest.mark.parametrize("name, seed", [("vdn", 0), ("vdn", 1), ("qmix", 2)])
def test_foragers_learn_to_load_together(name: str, seed: int) -> None:
    """Foods that both must load: 1 is the most, and chance gets next to nothing."""
    foraging = {
        **QUICK,
        "rollout": 10,
        "learn_every": 10,
        "warmup": 1_000,
        "batch_size": 256,
        "hidden": (64, 64),
        "capacity": 50_000,
        "epsilon_steps": 10_000,
        "learning_rate": 1e-3,
        "gamma": 0.95,
        "target_every": None,
        "target_rate": 0.02,
        "normalise_rewards": "standardise",
    }
    assert learned(name, make_env("foraging:5x5-2p-1f-coop"), 22_000, seed, **foraging) > 0.6
