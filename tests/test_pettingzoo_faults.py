"""Environments that break PettingZoo's API are told which rule they break, and where."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from faulty_environments import Duel, Rounds

from games.errors import InputError
from games.from_pettingzoo import from_aec, from_parallel
from games.laws import check_env
from games.play import advance, begin, rollout
from games.policy import random_policy

SEEDS = np.array([3, 2**40, 5], dtype=np.uint64)


PARALLEL_FAULTS = {
    "wide": "duel: a sees an array of shape (2, 3), but its observation space says (2, 2), at step 1",
    "none": "duel: a sees nothing (None), but its observation space wants numbers of shape (2, 2), at step 1",
    "endless": "duel: a sees a number that is not finite, at step 1",
    "no mask": "duel: a sees a value of type dict without the key 'action_mask' that its space promises, at step 1",
    "short mask": "duel: a has an action mask of length 2, but 3 actions, after reset",
    "stuck": "duel: a has an action mask without a legal action at step 1",
    "no observation": "duel: b is missing from the observations at step 1; every agent in `agents` has an entry there",
    "no reward": "duel: a is missing from the rewards at step 1; every agent in `agents` has an entry there",
    "no termination": "duel: a is missing from the terminations at step 1; every agent in `agents` has an entry there",
    "no truncation": "duel: b is missing from the truncations at step 1; every agent in `agents` has an entry there",
    "four values": "duel: step returned 4 values (dict, dict, dict, dict) at step 1; a ParallelEnv returns "
    "observations, rewards, terminations, truncations and infos, five dictionaries",
    "lists": "duel: step returned 5 values (list, dict, dict, dict, dict) at step 1; a ParallelEnv returns "
    "observations, rewards, terminations, truncations and infos, five dictionaries",
    "reset": "duel: reset returned a value of type dict; a ParallelEnv returns observations and infos, two dictionaries",
    "reset raises": "duel: the environment raised RuntimeError: no board in reset",
    "nan": "duel: b gets the reward nan at step 1, which is not a finite number",
    "word": "duel: b gets the reward 'much' at step 1, which is not a number",
    "raises": "duel: the environment raised TypeError: a board is missing at step 3",
    "stranger": "duel: d is in `agents` after reset but not in `possible_agents`",
    "comes back": "duel: c is in `agents` again at step 3; agents may leave an episode but not come back",
}

AEC_FAULTS = {
    "dead at once": "rounds: x is terminated or truncated after reset",
    "observe": "rounds: observe('x') raised KeyError: 'x' at step 2",
    "wrong turn": "rounds: w is selected at step 2 but not in `agents`",
    "undead": "rounds: y is still in `agents` after its last step, with None, at step 6",
}


@pytest.mark.parametrize("fault", PARALLEL_FAULTS)
def test_a_parallel_environment_that_breaks_a_rule_is_told(fault: str) -> None:
    env = from_parallel(Duel, parameters={"fault": fault})
    with pytest.raises(InputError) as told:
        rollout(env, random_policy(env.spec), begin(env, random_policy(env.spec), SEEDS), 5)
    assert str(told.value) == PARALLEL_FAULTS[fault]


@pytest.mark.parametrize("fault", AEC_FAULTS)
def test_a_turn_based_environment_that_breaks_a_rule_is_told(fault: str) -> None:
    env = from_aec(Rounds, parameters={"fault": fault})
    with pytest.raises(InputError) as told:
        rollout(env, random_policy(env.spec), begin(env, random_policy(env.spec), SEEDS), 12)
    assert str(told.value) == AEC_FAULTS[fault]


def test_a_world_that_failed_cannot_go_on_and_is_not_used_again() -> None:
    env: Any = from_parallel(Duel, parameters={"fault": "raises"}, name="d")
    play = begin(env, random_policy(env.spec), SEEDS)
    for _ in range(2):
        advance(env, random_policy(env.spec), play)
    with pytest.raises(InputError, match="raised TypeError"):
        advance(env, random_policy(env.spec), play)
    with pytest.raises(
        InputError, match="d: these sub-environments cannot go on: one of its environments failed"
    ):
        advance(env, random_policy(env.spec), play)
    env.close(play.world)
    assert env._idle == []


class Forgetful(Duel):
    """Its reset does not forget: `check_env` must find it, and `fresh` must help."""

    episodes = 0

    def _see(self) -> Any:
        seen = super()._see()
        self.episodes += self.time == 0
        for a in seen:
            seen[a]["observation"] = seen[a]["observation"] + np.float32(self.episodes)
        return seen


def test_an_environment_that_remembers_is_found_by_the_laws_and_helped_by_fresh() -> None:
    with pytest.raises(InputError, match="the same seeds and actions give two different plays"):
        check_env(from_parallel(Forgetful), steps=10)
    check_env(from_parallel(Forgetful, fresh=True), steps=10)
