"""The exact switch: operators, optima and evaluations against brute force, laws of the theory, bad input refused."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games import MarkovGame, load
from games.errors import InputError
from games.sims.switching_chain import switching_chain
from solvers.switching import optimal_switch
from solvers.switching_certificate import certify_switch, switching_game
from solvers.switching_play import call_distribution, evaluate_switch
from solvers.switching_team import SwitchedTeam

LENGTHS: list[dict[str, Any]] = [{"discount": 0.0}, {"discount": 0.6}, {"discount": 0.95}, {"horizon": 2}]
SEEDS = st.integers(0, 10**6)
LENGTH = st.sampled_from(LENGTHS)


def random_team(rng: np.random.Generator, length: dict[str, Any], states: int = 3) -> SwitchedTeam:
    """Two agents with two and three actions; over a finite horizon one policy depends on the stage."""
    game = MarkovGame.common_reward(
        rng.dirichlet(np.full(states, 0.4), size=(states, 2, 3)),
        rng.normal(size=(states, 2, 3)),
        rng.dirichlet(np.ones(states)),
        **length,
    )
    shape = (states, 2, 3)
    staged = (game.stages, *shape) if game.horizon else shape
    independent = rng.dirichlet(np.full(6, 0.4), size=states).reshape(shape)
    central = rng.dirichlet(np.full(6, 0.4), size=staged[:-2]).reshape(staged)
    return SwitchedTeam(game, independent, central)


def followed(team: SwitchedTeam, switch: np.ndarray, budget: int | None, steps: int) -> dict[str, Any]:
    """Return, calls and distribution of calls by following every state, number of calls and joint action."""
    game = team.game
    plans = [game.check_policy(team.independent), game.check_policy(team.central)]
    here = {(s, 0): float(p) for s, p in enumerate(game.initial)}
    total = calls = 0.0
    weight = 1.0
    for t in range(steps):
        stage = t if game.horizon else 0
        there: dict[tuple[int, int], float] = {}
        for (s, n), chance in here.items():
            g_now = switch[stage, s] if budget is None else switch[stage, s, budget - n]
            for g, p in ((0, 1.0 - g_now), (1, g_now)):
                if p == 0.0:
                    continue
                calls += weight * chance * p * g
                for j in range(game.profiles):
                    q = chance * p * plans[g][stage, s, j]
                    total += weight * q * game.flat_reward[0, s, j]
                    for z in range(game.size):
                        key = (z, n + g)
                        there[key] = there.get(key, 0.0) + q * game.flat_transition[s, j, z]
        here = there
        weight *= team.gamma
    numbers = np.zeros(steps + 1)
    for (_, n), chance in here.items():
        numbers[n] += chance
    return {"return": total, "calls": calls, "numbers": numbers}


def switches(team: SwitchedTeam, budget: int | None) -> Iterator[np.ndarray]:
    """All deterministic switches."""
    shape = (team.stages, team.size) if budget is None else (team.stages, team.size, budget)
    for bits in itertools.product((False, True), repeat=int(np.prod(shape))):
        table = np.array(bits).reshape(shape)
        if budget is not None:
            table = np.concatenate([np.zeros((*shape[:2], 1), dtype=bool), table], axis=2)
        yield table


# --- evaluation ----------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.sampled_from([{"discount": 0.3}, {"horizon": 3}]), st.sampled_from([None, 1, 2]))
def test_evaluation_follows_every_path(seed: int, length: dict[str, Any], budget: int | None) -> None:
    rng = np.random.default_rng(seed)
    team = random_team(rng, length, states=2)
    last = () if budget is None else (budget + 1,)
    switch = rng.random((team.stages, team.size, *last))
    if budget is not None:
        switch[..., 0] = 0.0
    if budget is None and team.game.discount is not None:  # the joint policy that mixes both
        mixed = (1.0 - switch[0])[:, None, None] * team.independent + switch[0][:, None, None] * team.central
        play = evaluate_switch(team, switch, 0.7)
        assert play.returned == pytest.approx(float(team.game.values(mixed)[0]), abs=1e-12)
        np.testing.assert_allclose(play.visits, team.game.visits(mixed), atol=1e-12)
        return
    steps = team.game.horizon or 32
    wanted = followed(team, switch, budget, steps)
    play = evaluate_switch(team, switch, 0.7, budget=budget)
    assert play.returned == pytest.approx(wanted["return"], abs=1e-10)
    assert play.calls == pytest.approx(wanted["calls"], abs=1e-10)
    assert play.objective == pytest.approx(wanted["return"] - 0.7 * wanted["calls"], abs=1e-10)
    scale = 1.0 - team.gamma if team.game.discount is not None else 1.0 / team.stages
    assert play.fraction == pytest.approx(scale * play.calls, abs=1e-12)
    np.testing.assert_allclose(play.visits.reshape(team.stages, -1).sum(axis=1), 1.0, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.sampled_from([None, 0, 1, 3]))
def test_numbers_of_calls_over_a_finite_horizon(seed: int, budget: int | None) -> None:
    rng = np.random.default_rng(seed)
    team = random_team(rng, {"horizon": 3}, states=2)
    switch = rng.random((3, 2, *(() if budget is None else (budget + 1,))))
    if budget is not None:
        switch[..., 0] = 0.0
    found = call_distribution(team, switch, budget=budget)
    np.testing.assert_allclose(found, followed(team, switch, budget, 3)["numbers"][: len(found)], atol=1e-12)
    assert len(found) == (4 if budget is None else budget + 1) and found.sum() == pytest.approx(1.0)
    calls = evaluate_switch(team, switch, budget=budget).calls
    assert found @ np.arange(len(found)) == pytest.approx(calls, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.sampled_from([None, 0, 1, 3]), st.sampled_from([0.0, 0.6, 0.95]))
def test_numbers_of_calls_of_discounted_games(seed: int, budget: int | None, discount: float) -> None:
    """An episode that ends with probability 1 - discount after a step has as many steps of each kind as are discounted ones."""
    rng = np.random.default_rng(seed)
    team = random_team(rng, {"discount": discount})
    switch = rng.random((1, 3, *(() if budget is None else (budget + 1,))))
    if budget is not None:
        switch[..., 0] = 0.0
    found = call_distribution(team, switch, budget=budget)
    assert found.sum() == pytest.approx(1.0, abs=1e-10) and (found >= 0.0).all()
    calls = evaluate_switch(team, switch, budget=budget).calls
    assert found @ np.arange(len(found)) == pytest.approx(calls, abs=1e-8)


def test_numbers_of_calls_by_hand() -> None:
    """One state, a call with probability p, an end with probability 1 - d: geometric with ratio dp / (1 - d + dp)."""
    team = SwitchedTeam(
        MarkovGame.repeated(load("zoo:climbing"), discount=0.8), [0, 0, 1, 0, 0, 1], [1, 0, 0, 1, 0, 0]
    )
    found = call_distribution(team, 1.0, most=4)
    np.testing.assert_allclose(found, [0.0] + [0.2 * 0.8**k for k in range(4)], atol=1e-14)
    half = call_distribution(team, 0.5, most=3)
    steps = np.arange(1, 400)
    from math import comb

    wanted = [sum(0.2 * 0.8 ** (n - 1) * comb(int(n), k) * 0.5**n for n in steps) for k in range(4)]
    np.testing.assert_allclose(half, wanted, atol=1e-12)


# --- laws ----------------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(SEEDS, LENGTH, st.floats(0.0, 3.0), st.booleans())
def test_operator_is_a_contraction(seed: int, length: dict[str, Any], cost: float, limited: bool) -> None:
    rng = np.random.default_rng(seed)
    team = random_team(rng, length)
    shape = (team.size, 3) if limited else (team.size,)
    u, v = rng.normal(size=(2, *shape)) * 10.0 ** rng.integers(-2, 3)
    for stage in range(team.stages):
        apart = np.abs(team.best(u, cost, stage) - team.best(v, cost, stage)).max()
        assert apart <= team.gamma * np.abs(u - v).max() * (1 + 1e-12) + 1e-12
        higher = team.best(np.maximum(u, v), cost, stage)  # and it is monotone
        assert (higher >= team.best(u, cost, stage) - 1e-12).all()


@settings(max_examples=40, deadline=None)
@given(SEEDS, LENGTH, st.floats(0.0, 2.0))
def test_optimum_dominates_and_is_a_fixed_point(seed: int, length: dict[str, Any], cost: float) -> None:
    team = random_team(np.random.default_rng(seed), length)
    found = optimal_switch(team, cost)
    for constant in (0.0, 1.0):
        assert (found.values >= evaluate_switch(team, constant, cost).charged - 1e-9).all()
    np.testing.assert_allclose(found.play.charged, found.values, atol=1e-9)
    after = np.vstack([found.values[1:], np.zeros(team.size)]) if team.game.horizon else found.values
    for stage in range(team.stages):
        np.testing.assert_allclose(team.best(after[stage], cost, stage), found.values[stage], atol=1e-9)
        gain = team.call(after[stage], cost, stage) - team.keep(after[stage], stage)
        np.testing.assert_allclose(gain, found.advantage[stage], atol=1e-9)
    assert (found.switch == (found.advantage > 0))[np.abs(found.advantage) > 1e-9].all()
    assert found.error <= 1e-9


@settings(max_examples=15, deadline=None)
@given(SEEDS, LENGTH, st.sampled_from([None, 2]))
def test_calls_never_rise_with_the_price(seed: int, length: dict[str, Any], budget: int | None) -> None:
    team = random_team(np.random.default_rng(seed), length)
    calls = [optimal_switch(team, cost, budget=budget).calls for cost in np.linspace(0.0, 3.0, 13)]
    assert (np.diff(calls) <= 1e-9).all()
    assert optimal_switch(team, 1e3).calls == 0.0


@settings(max_examples=25, deadline=None)
@given(SEEDS, LENGTH, st.floats(0.0, 1.0))
def test_budgets(seed: int, length: dict[str, Any], cost: float) -> None:
    """More calls never hurt; none is the independent team; as many as steps is no limit."""
    team = random_team(np.random.default_rng(seed), length)
    found = optimal_switch(team, cost, budget=3)
    assert (np.diff(found.values, axis=-1) >= -1e-9).all()
    free = optimal_switch(team, cost)
    assert (found.values[..., -1] <= free.values + 1e-9).all()
    nobody = evaluate_switch(team, 0.0)
    np.testing.assert_allclose(found.values[..., 0], nobody.values, atol=1e-9)
    assert not found.switch[..., 0].any() and np.isneginf(found.advantage[..., 0]).all()
    assert len(call_distribution(team, found.switch, budget=3)) == 4
    np.testing.assert_allclose(found.play.charged, found.values, atol=1e-9)
    if team.game.horizon:
        np.testing.assert_allclose(found.values[..., -1], free.values, atol=1e-9)


# --- optima --------------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(SEEDS, LENGTH, st.floats(0.0, 1.0), st.sampled_from([None, 1, 2]))
def test_optimum_equals_brute_force(
    seed: int, length: dict[str, Any], cost: float, budget: int | None
) -> None:
    team = random_team(np.random.default_rng(seed), length, states=2)
    found = optimal_switch(team, cost, budget=budget)
    everywhere = np.full(found.values.shape, -np.inf)
    for table in switches(team, budget):
        everywhere = np.maximum(everywhere, evaluate_switch(team, table, cost, budget=budget).charged)
    np.testing.assert_allclose(found.values, everywhere, atol=1e-9)


@settings(max_examples=15, deadline=None)
@given(SEEDS, LENGTH, st.floats(0.0, 1.0), st.sampled_from([None, 0, 2]))
def test_certificate_agrees(seed: int, length: dict[str, Any], cost: float, budget: int | None) -> None:
    rng = np.random.default_rng(seed)
    team = random_team(rng, length)
    policies = (team.game, team.independent, team.central)
    best = optimal_switch(team, cost, budget=budget)
    assert certify_switch(*policies, best.switch, cost, budget=budget).holds()
    other = rng.random(best.values.shape)
    if budget is not None:
        other[..., 0] = 0.0
    judged, play = (
        certify_switch(*policies, other, cost, budget=budget),
        evaluate_switch(team, other, cost, budget=budget),
    )
    assert judged.values[0] == pytest.approx(play.objective, abs=1e-9)
    assert judged.max_regret == pytest.approx(best.play.objective - play.objective, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.floats(0.0, 1.0), st.sampled_from([None, 2]), st.sampled_from([1e-3, 1e-9]))
def test_value_iteration_keeps_its_bound(
    seed: int, cost: float, budget: int | None, tolerance: float
) -> None:
    team = random_team(np.random.default_rng(seed), {"discount": 0.9})
    exact = optimal_switch(team, cost, budget=budget)
    found = optimal_switch(team, cost, budget=budget, method="value-iteration", tolerance=tolerance)
    assert found.error <= tolerance
    assert np.abs(found.values - exact.values).max() <= found.error + 1e-12


def test_the_chain() -> None:
    chain = switching_chain(np.random.default_rng(3))
    reward = chain.game.flat_reward[0]
    central = np.eye(9)[reward.argmax(axis=1)]
    independent = central.copy()
    for s in chain.coordination:
        independent[s] = np.eye(9)[np.abs(reward[s] - 5 / 11).argmin()]
    team = SwitchedTeam(chain.game, independent.reshape(10, 3, 3), central.reshape(10, 3, 3))
    for cost, used, returned in ((0.05, (3, 7), 10.0), (0.545, (3, 7), 10.0), (0.546, (), 10 - 12 / 11)):
        found = optimal_switch(team, cost)
        assert found.used == used and found.calls == len(used)
        assert found.play.returned == pytest.approx(returned, abs=1e-12)
    assert optimal_switch(team, 0.02, budget=2).used == (3, 7)
    one = optimal_switch(team, 0.02, budget=1)
    assert one.calls == 1.0 and set(one.used) <= {3, 7}
    assert one.play.returned == pytest.approx(10 - 6 / 11, abs=1e-12)
    assert evaluate_switch(team, 0.2).returned == pytest.approx(10 - 0.8 * 12 / 11, abs=1e-12)


def test_ties_are_not_paid_for() -> None:
    game = switching_chain(np.random.default_rng(0)).game
    same = np.full((10, 3, 3), 1 / 9)
    assert optimal_switch(SwitchedTeam(game, same, same), 0.0).calls == 0.0
    assert optimal_switch(SwitchedTeam(game, same, same), 0.0, budget=4).calls == 0.0


def test_the_decision_process_is_masked() -> None:
    team = random_team(np.random.default_rng(5), {"horizon": 2})
    single = switching_game(team.game, team.independent, team.central, 0.5, budget=2)
    assert single.size == 2 * 3 * 3 and single.horizon == 2
    empty = np.arange(0, single.size, 3)  # no call left
    np.testing.assert_array_equal(single.flat_reward[0, empty, 0], single.flat_reward[0, empty, 1])
    np.testing.assert_array_equal(single.flat_transition[empty, 0], single.flat_transition[empty, 1])


# --- bad input -----------------------------------------------------------------------------------------------


def test_bad_input_is_refused() -> None:
    team = random_team(np.random.default_rng(0), {"discount": 0.5})
    game = team.game
    fight = MarkovGame(game.transition, np.stack([game.reward[0], -game.reward[0]]), game.initial, 0.5)
    with pytest.raises(InputError, match="do not all get the same"):
        SwitchedTeam(fight, team.independent, team.central)
    with pytest.raises(InputError, match="central policy: a policy of shape"):
        SwitchedTeam(game, team.independent, np.ones((2, 2)))
    for cost in (-0.1, np.nan, np.inf, "1", None, [1.0]):
        with pytest.raises(InputError, match="price"):
            optimal_switch(team, cost)
    for budget in (-1, 1.5, True):
        with pytest.raises(InputError, match="budget"):
            optimal_switch(team, 0.1, budget=budget)
    with pytest.raises(InputError, match="method"):
        optimal_switch(team, 0.1, method="guess")
    with pytest.raises(InputError, match="tolerance"):
        optimal_switch(team, 0.1, method="value-iteration", tolerance=0.0)
    with pytest.raises(InputError, match="cannot come closer"):
        optimal_switch(team, 0.1, method="value-iteration", tolerance=1e-300)
    finite = random_team(np.random.default_rng(0), {"horizon": 2})
    with pytest.raises(InputError, match="finite horizon"):
        optimal_switch(finite, 0.1, method="value-iteration")
    for switch, match in (
        (np.ones(2), "shape"),
        (np.full(3, 1.1), "probabilities"),
        (np.nan, "probabilities"),
    ):
        with pytest.raises(InputError, match=match):
            evaluate_switch(team, switch)
    with pytest.raises(InputError, match="no call is left"):
        evaluate_switch(team, np.ones((3, 3)), budget=2)
    with pytest.raises(InputError, match="is not"):
        certify_switch(game, team.independent, team.central, np.ones(3), 0.1)
    with pytest.raises(InputError, match="0 where no call"):
        certify_switch(game, team.independent, team.central, np.ones((1, 3, 2)), 0.1, budget=1)
    with pytest.raises(InputError, match="one per state"):
        team.keep([1.0])
    for wrong in ({"length": 0}, {"coordination": (10,)}, {"coordination": (-1,)}):
        with pytest.raises(InputError):
            switching_chain(np.random.default_rng(0), **wrong)


def test_a_large_common_reward_hides_no_call() -> None:
    rng = np.random.default_rng(0)
    for length in ({"discount": 0.9999}, {"horizon": 30}):
        plain = random_team(rng, length, states=4)
        for scale, base in ((1.0, 1e6), (1e-9, 0.0), (1e9, 0.0)):
            moved = MarkovGame.common_reward(
                plain.game.transition, scale * plain.game.reward[0] + base, plain.game.initial, **length
            )
            team = SwitchedTeam(moved, plain.independent, plain.central)
            for budget in (None, 3):
                found = optimal_switch(team, 0.2 * scale, budget=budget)
                wanted = optimal_switch(plain, 0.2, budget=budget)
                np.testing.assert_array_equal(found.switch, wanted.switch)
                policies = (team.game, team.independent, team.central)
                assert certify_switch(*policies, found.switch, 0.2 * scale, budget=budget).holds(1e-9)
