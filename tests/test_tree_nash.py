"""Nash equilibria of trees: every method, the strategic form and back, and what is refused."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hidden_moves import hidden_moves
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from games.efg import parse_efg
from games.errors import InputError
from games.plan_counts import count_plans
from games.tree import TERMINAL, TreeGame
from games.tree_build import from_efg
from solvers.certificate import certify
from solvers.realization import to_behavior, to_mixed
from solvers.sequence_lemke import sequence_lemke
from solvers.tree_nash import METHODS, backward_induction, is_perfect_information, tree_nash

seeds = st.integers(0, 2**32 - 1)
lenient = [HealthCheck.filter_too_much]


def game_of(seed: int, players: int = 2, rounds: int = 4) -> TreeGame:
    rng = np.random.default_rng(seed)
    chance = str(rng.choice(["none", "public", "private"]))
    return hidden_moves(rng, players, int(rng.integers(1, rounds + 1)), chance=chance, top=3)


@given(seeds)
@settings(max_examples=40)
def test_lemke_solves_two_player_trees_with_many_ties(seed: int) -> None:
    game = game_of(seed, rounds=5)
    found = sequence_lemke(game)
    assert found.converged
    assert certify(game, found.behavior, "nash").holds(1e-9)


@given(seeds)
@settings(max_examples=20)
def test_lemke_from_another_prior(seed: int) -> None:
    game = game_of(seed)
    rng = np.random.default_rng(seed)
    prior = np.concatenate([rng.dirichlet(np.ones(n)) for n in np.diff(game.offsets)])
    found = sequence_lemke(game, prior)
    assert found.converged
    assert certify(game, found.behavior, "nash").holds(1e-9)


@given(seeds, st.sampled_from([1e-9, 1e9]))
@settings(max_examples=10)
def test_units_do_not_matter(seed: int, factor: float) -> None:
    game = game_of(seed)
    moved = dataclasses.replace(game, payoff=game.payoff * factor)
    assert tree_nash(moved).certificate.holds(1e-8)


@given(seeds, st.integers(1, 3))
@settings(max_examples=20, suppress_health_check=lenient)
def test_mixed_and_behaviour_strategies_are_equivalent(seed: int, players: int) -> None:
    game = game_of(seed, players, rounds=3)
    assume(math.prod(count_plans(game)) <= 3000)
    normal, rng = game.to_normal(), np.random.default_rng(seed)
    behavior = np.concatenate([rng.dirichlet(np.ones(n)) for n in np.diff(game.offsets)])
    as_mixed = certify(normal, to_mixed(game, behavior), "nash")
    as_behavior = certify(game, behavior, "nash")
    np.testing.assert_allclose(as_mixed.values, as_behavior.values, atol=1e-10)
    np.testing.assert_allclose(as_mixed.regret, as_behavior.regret, atol=1e-10)
    mixed = np.concatenate([rng.dirichlet(np.full(n, 0.3)) for n in normal.shape])
    np.testing.assert_allclose(
        certify(game, to_behavior(game, mixed), "nash").regret,
        certify(normal, mixed, "nash").regret,
        atol=1e-10,
    )
    np.testing.assert_allclose(to_behavior(game, to_mixed(game, behavior)), behavior, atol=1e-12)


@pytest.mark.parametrize("seed", [0, 2])
def test_three_players(seed: int) -> None:
    game = game_of(seed, players=3, rounds=3)
    found = tree_nash(game, seconds=20.0)
    assert found.status == "converged"
    assert found.certificate.holds(1e-8)


def test_backward_induction_is_subgame_perfect() -> None:
    text = 'EFG 2 R "" { "A" "B" } p "" 1 1 "" { "in" "out" } 0 p "" 2 1 "" { "fight" "yield" } 0 '
    game = from_efg(parse_efg(text + 't "" 1 "" { -1 -1 } t "" 2 "" { 1 1 } t "" 3 "" { 0 2 }'))
    assert is_perfect_information(game)
    found = tree_nash(game)
    assert found.method == "backward-induction"
    assert found.behavior.tolist() == [1.0, 0.0, 0.0, 1.0]
    hidden = hidden_moves(np.random.default_rng(2), 2, 4)
    if not is_perfect_information(hidden):
        with pytest.raises(InputError, match="perfect information"):
            backward_induction(hidden)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_solves_a_small_constant_sum_game(method: str) -> None:
    game = hidden_moves(np.random.default_rng(5), 2, 2, zero_sum=True)
    if method == "backward-induction" and not is_perfect_information(game):
        return
    assert tree_nash(game, method).certificate.holds(1e-7)


def test_games_without_a_choice() -> None:
    none = np.array([], dtype=int)
    game = TreeGame([TERMINAL], [-1], [-1], [-1], [1.0], [[2.0], [5.0]], none, [0])
    assert tree_nash(game).values.tolist() == [2.0, 5.0]
    assert sequence_lemke(game).converged


def test_bad_input_is_named() -> None:
    game = game_of(0)
    with pytest.raises(InputError, match="unknown method 'simplex'"):
        tree_nash(game, "simplex")
    with pytest.raises(InputError, match="tolerance"):
        tree_nash(game, tolerance=-1.0)
    with pytest.raises(InputError, match="needs two players, not 3"):
        tree_nash(game_of(0, 3), "sequence-lemke")
    forgetful = from_efg(
        parse_efg(
            'EFG 2 R "" { "A" "B" } p "" 1 1 "" { "a" "b" } 0 p "" 1 2 "" { "c" "d" } 0 t "" 1 "" { 1 1 } '
            't "" 2 "" { 0 0 } p "" 1 2 "" { "c" "d" } 0 t "" 3 "" { 0 0 } t "" 4 "" { 1 1 }'
        )
    )
    with pytest.raises(InputError, match="form=reduced"):
        tree_nash(forgetful)


def test_a_pivot_budget_is_kept() -> None:
    game = hidden_moves(np.random.default_rng(3), 2, 5, chance="private")
    found = tree_nash(game, "sequence-lemke", iterations=1)
    assert found.stats["iterations"] <= 1
    assert found.status in ("budget", "converged")
