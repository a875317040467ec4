"""Tabular MANSA: what each learner may learn from, budgets on every trajectory, the fixed point, reproducibility."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games import MarkovGame, NormalFormGame, load
from games.errors import InputError
from games.sims.switching_chain import switching_chain
from solvers.switching import optimal_switch
from solvers.switching_learning import SwitchTraining, learn_switch, learn_together
from solvers.switching_play import evaluate_switch
from solvers.switching_team import SwitchedTeam

CHAIN = switching_chain(np.random.default_rng(7))


def team_of(gap: float = 6 / 11) -> SwitchedTeam:
    """Independent play that loses `gap` in the coordination states, and optimal play."""
    reward = CHAIN.game.flat_reward[0]
    central = np.eye(9)[reward.argmax(axis=1)]
    independent = central.copy()
    for s in CHAIN.coordination:
        independent[s] = np.eye(9)[np.abs(reward[s] - (1.0 - gap)).argmin()]
    return SwitchedTeam(CHAIN.game, independent.reshape(10, 3, 3), central.reshape(10, 3, 3))


@pytest.mark.parametrize("cost", [0.05, 0.3, 0.6])
def test_global_finds_the_fixed_point(cost: float) -> None:
    team = team_of()
    learned = learn_switch(team, SwitchTraining(episodes=3000, cost=cost, falls=1.0), range(5))
    exact = optimal_switch(team, cost)
    rows = np.arange(10) * 11  # state t at stage t
    for k in range(5):
        np.testing.assert_allclose(
            learned.switch[k, rows, 0].max(axis=1), np.diag(exact.values), atol=1e-6 if cost > 0 else 0
        )
        np.testing.assert_array_equal(np.diag(learned.greedy_switch(k)), np.diag(exact.switch))
        assert evaluate_switch(team, learned.greedy_switch(k), cost).objective == pytest.approx(
            exact.play.objective, abs=1e-12
        )


def test_global_finds_the_fixed_point_of_a_discounted_game_with_chance() -> None:
    rng = np.random.default_rng(1)
    game = MarkovGame.common_reward(
        rng.dirichlet(np.ones(3), size=(3, 2, 2)), rng.normal(size=(3, 2, 2)), [1, 0, 0], discount=0.8
    )
    policies = rng.dirichlet(np.full(4, 0.4), size=(2, 3)).reshape(2, 3, 2, 2)
    team = SwitchedTeam(game, policies[0], policies[1])
    exact = optimal_switch(team, 0.2)
    training = SwitchTraining(
        episodes=4000, steps=50, cost=0.2, falls=1.0, global_epsilon=0.5, final_global_rate=0.001
    )
    learned = learn_switch(team, training, [1, 2])
    for k in range(2):
        np.testing.assert_allclose(learned.switch[k, :, 0].max(axis=1), exact.values[0], atol=0.05)
        sure = np.abs(exact.advantage[0]) > 0.1
        np.testing.assert_array_equal(learned.greedy_switch(k)[0, sure], exact.switch[0, sure])


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(0, 4),
    st.sampled_from(["learned", "random", "central"]),
    st.floats(0.0, 1.0),
    st.booleans(),
)
def test_no_episode_has_more_calls_than_the_budget(
    seed: int, budget: int, switch: Any, warm_up: float, shared: bool
) -> None:
    training = SwitchTraining(
        episodes=200, budget=budget, switch=switch, warm_up=warm_up, shared=shared, cost=0.0, probability=0.9
    )
    learned = learn_together(CHAIN.game, training, [seed, seed + 1])
    assert learned.calls.max() <= budget
    if switch == "central":
        assert (learned.calls == budget).all()
    assert not learned.switch[:, :, 0, 1].any()  # a call without any left was never even valued
    table = learned.greedy_switch(0)
    if switch == "learned":
        play = evaluate_switch(learned.team(0), table, budget=budget)
        assert play.calls <= budget + 1e-12


def test_the_target_is_masked_where_no_call_is_left() -> None:
    """With B = 1 the value of a first call must not count on a second one, whose value stays at 0, more than is possible."""
    payoffs = load("zoo:climbing").payoffs[0] - 30.0
    game = MarkovGame.repeated(NormalFormGame.common_payoff(payoffs), horizon=2)
    team = SwitchedTeam(game, [0, 0, 1, 0, 0, 1], [1, 0, 0, 1, 0, 0])
    learned = learn_switch(team, SwitchTraining(episodes=2000, budget=1, cost=0.0, falls=1.0), [3])
    first = learned.switch[0, 0, 1]
    np.testing.assert_allclose(first, [-25 - 19, -19 - 25], atol=1e-6)
    assert not learned.greedy_switch(0)[..., 0].any()


def test_who_learns_from_what() -> None:
    """Every call is a sample of the central learner, and of the others only if data are shared; Global's are counted, too."""
    base = SwitchTraining(episodes=400, switch="random", probability=[0.3, 0.6])
    for shared in (False, True):
        learned = learn_together(CHAIN.game, replace(base, shared=shared), [1, 2])
        calls, steps = learned.calls.sum(axis=1), 4000
        np.testing.assert_array_equal(learned.samples[:, 1], calls)
        np.testing.assert_array_equal(learned.samples[:, 0], [steps] * 2 if shared else steps - calls)
        np.testing.assert_allclose(learned.call_fraction, [0.3, 0.6], atol=5 * np.sqrt(0.25 / steps))
    warm = learn_together(CHAIN.game, SwitchTraining(episodes=400, warm_up=0.25), [1])
    assert warm.samples[0, 2] == 3000
    nobody = learn_together(CHAIN.game, replace(base, switch="independent"), [1, 2])
    assert not nobody.central.any() and not nobody.calls.any() and not nobody.switch.any()
    everybody = learn_together(CHAIN.game, replace(base, switch="central"), [1, 2])
    assert not everybody.independent.any() and (everybody.calls == 10).all()


def test_learners_find_what_they_can() -> None:
    central = learn_together(CHAIN.game, SwitchTraining(switch="central"), range(3))
    alone = learn_together(CHAIN.game, SwitchTraining(switch="independent"), range(3))
    for k in range(3):
        assert CHAIN.game.values(central.central_policy(k))[0] == pytest.approx(10.0)
        lost = 11.0 * (10.0 - CHAIN.game.values(alone.independent_policy(k))[0])
        assert any(lost == pytest.approx(known) for known in range(8, 13))  # 7, 6 or 5 instead of 11, twice
        values = alone.independent[k][:, [0, 22]].max(axis=2)  # 10 and 8 steps before the end
        assert (values > 6.0).all() and (values < 10.0).all()


def test_chance_comes_from_the_seed_alone() -> None:
    training = SwitchTraining(episodes=150, warm_up=0.2, budget=3)
    told: list[float] = []
    both = learn_together(CHAIN.game, training, [5, 6], lambda done, text: told.append(done))
    alone = learn_together([CHAIN.game], training, [6])
    for name in ("independent", "central", "switch", "returns", "calls", "samples"):
        np.testing.assert_array_equal(getattr(both, name)[1], getattr(alone, name)[0])
    assert (both.returns[0] != both.returns[1]).any()
    assert told == sorted(told) and told[-1] == 1.0


def test_returns_are_those_of_the_game() -> None:
    """Frozen deterministic policies: every episode returns what its calls are worth."""
    learned = learn_switch(
        team_of(), SwitchTraining(episodes=300, switch="random", probability=1.0, cost=5.0), [1]
    )
    np.testing.assert_allclose(learned.returns, 10.0)
    nobody = learn_switch(team_of(), SwitchTraining(episodes=5, switch="independent"), [1])
    np.testing.assert_allclose(nobody.returns, 10.0 - 12 / 11)


def test_agents_with_different_numbers_of_actions() -> None:
    rng = np.random.default_rng(2)
    reward = rng.random((2, 2, 1, 4))
    game = MarkovGame.common_reward(np.full((2, 2, 1, 4, 2), 0.5), reward, [0.5, 0.5], horizon=3)
    learned = learn_together(game, SwitchTraining(episodes=3000, switch="central"), [1])
    assert game.values(learned.central_policy(0))[0] == pytest.approx(
        3 * reward.reshape(2, 8).max(axis=1).mean()
    )
    alone = learn_together(game, SwitchTraining(episodes=500, switch="independent"), [1])
    assert not alone.independent[0, 0, :, 2:].any() and not alone.independent[0, 1, :, 1:].any()


def test_bad_input_is_refused() -> None:
    for wrong in (
        {"episodes": 0},
        {"cost": -1.0},
        {"budget": -1},
        {"switch": "sometimes"},
        {"rate": 0.0},
        {"global_rate": 2.0},
        {"final_global_rate": -0.1},
        {"probability": 1.2},
        {"probability": [0.1, np.nan]},
        {"warm_up": -0.1},
        {"epsilon": np.nan},
    ):
        with pytest.raises(InputError):
            SwitchTraining(**wrong)
    training = SwitchTraining(episodes=2)
    game = CHAIN.game
    with pytest.raises(InputError, match="10 steps, not 7"):
        learn_together(game, replace(training, steps=7), [1])
    with pytest.raises(InputError, match="2 games for 3 seeds"):
        learn_together([game, game], training, [1, 2, 3])
    with pytest.raises(InputError, match="3 probabilities"):
        learn_together(game, replace(training, switch="random", probability=[0.1] * 3), [1, 2])
    with pytest.raises(InputError, match="game 1 differs"):
        learn_together([game, switching_chain(np.random.default_rng(0), 9).game], training, [1, 2])
    with pytest.raises(InputError, match="at least one seed"):
        learn_together(game, training, [])
    fight = MarkovGame.repeated(load("zoo:matching-pennies"), discount=0.5)
    with pytest.raises(InputError, match="no team game"):
        learn_together(fight, replace(training, steps=3), [1])
    team = MarkovGame.repeated(load("zoo:climbing"), discount=0.5)
    with pytest.raises(InputError, match="number of steps"):
        learn_together(team, training, [1])
