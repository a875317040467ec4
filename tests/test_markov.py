"""Markov games: exact values against sums over histories, the environment against exact values, bad tables refused."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games import MarkovGame, check_env, load, play_episodes, simulate
from games.errors import InputError
from games.laws import LAWS
from games.play import begin, rollout
from games.policy import Independent, Tabular, random_policy
from games.streams import draw_seeds


def random_game(rng: np.random.Generator, states: int, shape: tuple[int, ...], **length: Any) -> MarkovGame:
    """A game with sparse random transitions."""
    weights = rng.random((states, *shape, states)) * (rng.random((states, *shape, states)) < 0.6)
    weights[..., 0] += 1e-3
    return MarkovGame(
        weights / weights.sum(axis=-1, keepdims=True),
        rng.normal(size=(len(shape), states, *shape)),
        rng.dirichlet(np.ones(states)),
        **length,
    )


def random_policy_of(rng: np.random.Generator, game: MarkovGame, *stages: int) -> np.ndarray:
    """A correlated joint policy with some zeros."""
    weights = rng.random((*stages, game.size, game.profiles)) ** 3 + 1e-9
    weights[..., 0] = 0.0 if game.profiles > 1 else 1.0
    policy = weights / weights.sum(axis=-1, keepdims=True)
    return policy.reshape(*stages, game.size, *game.shape)


def summed_returns(game: MarkovGame, policy: np.ndarray, steps: int) -> np.ndarray:
    """Expected discounted rewards float64[P, S] of the first steps from every state, by following the distribution."""
    total = np.zeros((len(game.players), game.size))
    for start in range(game.size):
        here = np.eye(game.size)[start]
        for t in range(steps):
            there = np.zeros(game.size)
            plan = policy if policy.ndim == 1 + len(game.shape) else policy[t]
            weight = 1.0 if game.discount is None else game.discount**t
            for s in np.flatnonzero(here):
                for a in itertools.product(*map(range, game.shape)):
                    chance = here[s] * plan[(s, *a)]
                    total[:, start] += weight * chance * game.reward[(slice(None), s, *a)]
                    there += chance * game.transition[(s, *a)]
            here = there
    return total


SHAPES = [(2,), (2, 3), (2, 1, 2)]


@pytest.mark.parametrize("shape", SHAPES)
def test_discounted_values_are_sums_over_time(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(shape))
    game = random_game(rng, 3, shape, discount=0.6)
    policy = random_policy_of(rng, game)
    values = game.evaluate(policy).states
    assert values.shape == (1, len(shape), 3)
    np.testing.assert_allclose(values[0], summed_returns(game, policy, 60), atol=1e-11)
    np.testing.assert_allclose(game.values(policy), values[0] @ game.initial)


@pytest.mark.parametrize("shape", SHAPES)
def test_finite_horizon_values_are_sums_over_time(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(10 + len(shape))
    game = random_game(rng, 3, shape, horizon=4)
    for policy in (random_policy_of(rng, game), random_policy_of(rng, game, 4)):
        values = game.evaluate(policy).states
        assert values.shape == (4, len(shape), 3)
        np.testing.assert_allclose(values[0], summed_returns(game, policy, 4), atol=1e-12)
        last = policy if policy.ndim == 1 + len(shape) else policy[-1]
        flat = last.reshape(3, -1)
        np.testing.assert_allclose(values[-1], np.einsum("psj,sj->ps", game.flat_reward, flat), atol=1e-12)


def test_one_history_by_hand() -> None:
    """Two states, one player: staying in state 1 pays 1, entering costs 3; horizon 2 from state 0."""
    transition = [[[1, 0], [0, 1]], [[0, 1], [0, 1]]]
    game = MarkovGame(transition, [[[0, -3], [1, 1]]], [1, 0], horizon=2)
    assert game.values([[0, 1], [1, 0]]).tolist() == [-2.0]
    assert game.values([[0.5, 0.5], [1, 0]]).tolist() == [0.5 * -2 + 0.25 * -3]
    assert game.evaluate([[0, 1], [1, 0]]).actions[:, 0].tolist() == [[[-3, -2], [2, 2]], [[0, -3], [1, 1]]]


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from(SHAPES), st.sampled_from([0.0, 0.5, 0.95, 0.999, None]))
def test_bellman_equations_and_visits(seed: int, shape: tuple[int, ...], discount: float | None) -> None:
    rng = np.random.default_rng(seed)
    length = {"horizon": 3} if discount is None else {"discount": discount}
    game = random_game(rng, 4, shape, **length)
    policy = random_policy_of(rng, game, *(() if discount is not None else (3,)))
    found, weight = game.evaluate(policy), 1.0 if discount is None else discount
    plans = np.broadcast_to(policy, (game.stages, 4, *shape)).reshape(game.stages, 4, -1)
    flat = found.actions.reshape(game.stages, len(shape), 4, -1)
    scale = max(1.0, float(np.abs(found.states).max()))
    np.testing.assert_allclose(np.einsum("tpsj,tsj->tps", flat, plans), found.states, atol=1e-11 * scale)
    for t in range(game.stages):
        after = (
            found.states[0]
            if discount is not None
            else found.states[t + 1]
            if t < 2
            else np.zeros((len(shape), 4))
        )
        expected = game.flat_reward + weight * np.einsum("sjz,pz->psj", game.flat_transition, after)
        np.testing.assert_allclose(flat[t], expected, atol=1e-11 * scale)
    visits = game.visits(policy)
    np.testing.assert_allclose(visits.sum(axis=1), 1.0)
    gains = np.einsum("ts,psj,tsj->p", visits, game.flat_reward, plans)
    gains = gains / (1.0 - discount) if discount is not None else gains
    np.testing.assert_allclose(gains, game.values(policy), atol=1e-9 * scale)


def test_flat_policies_are_products() -> None:
    rng = np.random.default_rng(3)
    game = random_game(rng, 2, (2, 3), discount=0.5)
    assert game.offsets.tolist() == [0, 2, 5, 7, 10]
    blocks = [rng.dirichlet(np.ones(n)) for n in (2, 3, 2, 3)]
    joint = game.joint(np.concatenate(blocks))
    np.testing.assert_allclose(joint, [np.outer(blocks[0], blocks[1]), np.outer(blocks[2], blocks[3])])
    np.testing.assert_allclose(game.values(np.concatenate(blocks)), game.values(joint))
    assert game.joint(np.tile(game.uniform(), (4, 1))).shape == (4, 2, 2, 3)
    np.testing.assert_allclose(game.joint(game.uniform()), 1 / 6)


def test_repeated_game_is_a_geometric_series() -> None:
    chicken = load("zoo:chicken")
    profile = np.array([0.3, 0.7, 0.6, 0.4])
    once = chicken.values(profile)
    np.testing.assert_allclose(MarkovGame.repeated(chicken, discount=0.9).values(profile), once / 0.1)
    many = MarkovGame.repeated(chicken, horizon=7)
    np.testing.assert_allclose(many.values(profile), 7 * once)
    assert many.span == pytest.approx(7 * chicken.span) and many.actions == chicken.actions
    assert (
        not many.has_common_reward and MarkovGame.repeated(load("zoo:climbing"), horizon=1).has_common_reward
    )


def test_arrays_are_copied_frozen_and_digested() -> None:
    rng = np.random.default_rng(0)
    one = random_game(rng, 3, (2, 2), discount=0.9)
    transition, reward = one.transition.copy(), one.reward.copy()
    other = MarkovGame(
        transition.reshape(3, 4, 3), reward, one.initial, 0.9, players=("a", "b"), title="other"
    )
    assert other.digest == one.digest and other.transition.shape == (3, 2, 2, 3)
    transition[:], reward[:] = 0, 0
    assert other.digest == MarkovGame(one.transition, one.reward, one.initial, 0.9).digest
    with pytest.raises(ValueError):
        one.reward[0, 0, 0, 0] = 1.0
    different = [
        MarkovGame(one.transition, one.reward, one.initial, 0.8),
        MarkovGame(one.transition, one.reward, one.initial, horizon=3),
        MarkovGame(one.transition, 2 * one.reward, one.initial, 0.9),
        MarkovGame(one.transition, one.reward, [1, 0, 0], 0.9),
    ]
    assert len({one.digest, *(game.digest for game in different)}) == 5
    assert repr(one) == "MarkovGame('', 2 players, 3 states, 4 joint actions, discount 0.9)"


STAY = [[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.0, 1.0]]]


@pytest.mark.parametrize(
    "change, words",
    [
        (
            {"transition": [[[1, 0], [0.5, 0.4]], [[0, 1], [0, 1]]]},
            r"state 0 under actions \(1,\).* sum to 0.9",
        ),
        (
            {"transition": [[[1, 0], [1, 0]], [[0, 1], [1.5, -0.5]]]},
            r"state 1 under actions \(1,\).*negative.*state 1",
        ),
        ({"transition": [[[1, 0], [np.nan, 0]], [[0, 1], [0, 1]]]}, r"state 0 under actions \(1,\).*nan"),
        ({"transition": [[[1, 0]], [[0, 1]]]}, r"\(2, 1, 2\).*\(2, 2, 2\)"),
        ({"transition": "no"}, "table of transitions is not an array of numbers"),
        (
            {"transition": [[[1, 0], [1]], [[0, 1], [0, 1]]]},
            "table of transitions is not an array of numbers",
        ),
        ({"reward": [[[0, 1], [2, np.inf]]]}, r"player 0 in state 1 for actions \(1,\) is inf"),
        ({"reward": [[0, 1], [2, 3]]}, r"\(2, 2\) are not \[players, states"),
        ({"reward": np.zeros((1, 2, 0))}, "without an action"),
        ({"initial": [0.5, 0.6]}, "initial distribution .* sum to 1.1"),
        ({"initial": [1.0]}, r"shape \(1,\), expected \(2,\)"),
        ({"discount": None}, "neither"),
        ({"horizon": 3}, "both"),
        ({"discount": 1.0}, "below 1, not 1.0"),
        ({"discount": -0.1}, "at least 0"),
        ({"discount": "x"}, "below 1, not 'x'"),
        ({"discount": float("nan")}, "not nan"),
        ({"discount": None, "horizon": 0}, "positive whole number of steps, not 0"),
        ({"discount": None, "horizon": 2.5}, "not 2.5"),
        ({"states": ("a",)}, "1 state names for 2 states"),
        ({"players": ("a", "b")}, "2 player names for 1 players"),
        ({"actions": (("a",),)}, r"\[1\] actions, but the rewards have \[2\]"),
    ],
)
def test_tables_that_are_no_game_are_refused(change: dict[str, Any], words: str) -> None:
    good: dict[str, Any] = {
        "transition": STAY,
        "reward": [[[0, 1], [2, 3]]],
        "initial": [1, 0],
        "discount": 0.5,
    }
    MarkovGame(**good)
    with pytest.raises(InputError, match=words):
        MarkovGame(**{**good, **change})


@pytest.mark.parametrize(
    "policy, words",
    [
        ([1.0, 0.0, 0.5, 0.4], "Player 1's policy in state 'far'"),
        ([[1.0, 0.0], [0.7, 0.7]], "the policy in state 'far'"),
        ([[np.nan, 1.0], [1, 0]], "the policy in state 'near'"),
        ([[2.0, -1.0], [1, 0]], "the policy in state 'near'"),
        ("always", "a policy is not an array of numbers"),
        ([1.0, 0.0, 1.0], r"shape \(3,\) has not 4"),
        (np.ones((2, 3)), r"neither \(2, 2\)"),
        (np.ones((3, 2, 2)) / 2, r"neither \(2, 2\)"),
    ],
)
def test_policies_that_are_none_are_refused(policy: Any, words: str) -> None:
    game = MarkovGame(STAY, [[[0, 1], [2, 3]]], [1, 0], 0.5, states=("near", "far"))
    with pytest.raises(InputError, match=words):
        game.values(policy)


# --- as an environment ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("length", [{"discount": 0.9}, {"horizon": 5}, {"horizon": 1}])
def test_laws(shape: tuple[int, ...], length: dict[str, Any]) -> None:
    game = random_game(np.random.default_rng(5), 4, shape, **length)
    assert len(check_env(simulate(game, name="random Markov game"))) == len(LAWS)


def test_played_returns_are_the_exact_values() -> None:
    """Finite horizon, correlated by nothing: 4 standard errors in each of 3 comparisons, about 1 in 5,000 false alarms."""
    rng = np.random.default_rng(11)
    game = random_game(rng, 4, (2, 3, 2), horizon=6)
    tables = [rng.dirichlet(np.ones(n), size=4) for n in game.shape]
    env = simulate(game)
    seats = {
        player: Tabular(np.tile(np.pad(table, ((0, 0), (0, 3 - table.shape[1]))), (6, 1)))
        for player, table in zip(game.players, tables)
    }
    played = play_episodes(env, Independent(env.spec, seats), draw_seeds(rng, 40_000), batch=8_192)
    exact = game.values(np.concatenate([np.concatenate([t[s] for t in tables]) for s in range(4)]))
    error = played.returns.std(axis=0) / np.sqrt(len(played.returns))
    assert (np.abs(played.returns.mean(axis=0) - exact) < 4 * error).all()
    assert played.ended.all() and (played.lengths == 6).all()


def test_transitions_have_the_right_frequencies() -> None:
    rng = np.random.default_rng(12)
    game = random_game(rng, 3, (2, 2), discount=0.5)
    env = simulate(game)
    play = begin(env, random_policy(env.spec), draw_seeds(rng, 4_096))
    np.testing.assert_allclose(play.step.state.mean(axis=0), game.initial, atol=4 * 0.5 / 64)
    seen = rollout(env, random_policy(env.spec), play, 20)
    before, after = seen.before.groups[0].row[..., 0], seen.after.groups[0].row[..., 0]
    a, b = seen.actions[0][..., 0], seen.actions[0][..., 1]
    counts = np.zeros((3, 2, 2, 3))
    np.add.at(counts, (before, a, b, after), 1)
    assert not counts[game.transition == 0].any()
    total = counts.sum(axis=-1, keepdims=True)
    spread = np.sqrt(game.transition * (1 - game.transition) / total) + 1e-12
    assert (np.abs(counts / total - game.transition) < 5 * spread).all()
    paid = seen.after.groups[0].reward
    np.testing.assert_array_equal(paid, np.moveaxis(game.reward[:, before, a, b], 0, -1))


def test_views_of_finite_and_endless_games() -> None:
    rng = np.random.default_rng(13)
    finite, endless = (
        simulate(random_game(rng, 3, (2, 3), horizon=4)),
        simulate(random_game(rng, 3, (2, 3), discount=0.9), limit=4),
    )
    for env, ends in ((finite, True), (endless, False)):
        group = env.spec.groups[0]
        assert group.rows == (12 if ends else 3) and group.depth == (4 if ends else 3)
        play = begin(env, random_policy(env.spec), draw_seeds(rng, 5))
        seen = rollout(env, random_policy(env.spec), play, 4)
        assert seen.before.groups[0].mask[0, 0].tolist() == [[True, True, False], [True, True, True]]
        state = seen.before.groups[0].observation[..., :3].argmax(axis=-1)
        stage = np.arange(4)[:, None, None] if ends else 0
        np.testing.assert_array_equal(seen.before.groups[0].row, 3 * stage + state)
        np.testing.assert_array_equal(seen.before.state[..., :3].argmax(axis=-1), state[..., 0])
        if ends:
            np.testing.assert_array_equal(
                seen.after.state[..., 3], np.array([[0.25], [0.5], [0.75], [1]]) * np.ones(5)
            )
        assert seen.after.last[-1].all() and not seen.after.last[:-1].any()
        assert (seen.after.discount[-1] == (0 if ends else 1)).all() and (seen.after.discount[:-1] == 1).all()
    assert simulate(random_game(rng, 2, (2,), discount=0.9)).spec.horizon == 100


def test_unreachable_states_are_never_drawn_even_by_rounding() -> None:
    """Ten equal shares sum to less than one; the state after them must stay unreachable."""
    row = np.r_[np.full(10, 0.1), 0.0]
    game = MarkovGame(np.tile(row, (11, 1, 1)), np.zeros((1, 11, 1)), row, discount=0.5)
    rules = simulate(game).rules
    assert np.cumsum(row)[-1] < 1.0 and rules._cdf[0, 9] == 1.0 and rules._initial[0, 9] == 1.0
    zeros = MarkovGame([[[0, 1, 0]]] * 3, np.zeros((1, 3, 1)), [0, 1, 0], discount=0.5)
    env = simulate(zeros)
    play = begin(env, random_policy(env.spec), draw_seeds(np.random.default_rng(0), 1_000))
    assert (rollout(env, random_policy(env.spec), play, 5).before.groups[0].row == 1).all()


def test_scene_tells_state_actions_and_payments() -> None:
    game = MarkovGame(
        STAY, [[[0, 1], [2, 3]]], [0, 1], horizon=3, states=("near", "far"), actions=(("go", "wait"),)
    )
    env = simulate(game, name="walk")
    world, _ = env.reset(np.array([1], dtype=np.uint64))
    assert env.scene(world).text == "step 0, state far"
    world, _ = env.step(world, (np.array([[1]]),))
    assert env.scene(world).text == "step 1, state far; before, in far: Player 1: wait (3)"


@pytest.mark.parametrize("limit", [0, -3, 2.5, "ten"])
def test_bad_limits_are_refused(limit: Any) -> None:
    with pytest.raises(InputError, match="limit must be a positive whole number"):
        simulate(MarkovGame(STAY, [[[0, 1], [2, 3]]], [0, 1], 0.5), limit=limit)


def test_a_limit_is_refused_where_the_game_ends_by_itself() -> None:
    with pytest.raises(InputError, match="ends after 3 steps by itself"):
        simulate(MarkovGame(STAY, [[[0, 1], [2, 3]]], [0, 1], horizon=3), limit=5)
