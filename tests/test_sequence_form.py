"""The sequence-form linear program: known values, agreement with other methods, hard numbers, bad input."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hidden_moves import hidden_moves
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from games.errors import InputError
from games.from_files import load_tree
from games.plan_counts import count_plans
from games.tree import TERMINAL, TreeGame
from games.tree_build import from_efg
from solvers.best_response import exploitability
from solvers.sequence_form import sequence_form
from solvers.sequence_lemke import sequence_lemke
from solvers.zero_sum import minimax

seeds = st.integers(0, 2**32 - 1)
ORACLES = Path(__file__).parents[2] / "shared" / "oracles"


def cases() -> list[dict]:
    path = ORACLES / "solver_cases.json"
    if not path.exists():
        return []
    every = json.loads(path.read_text())["cases"]
    return [c for c in every if c["concept"] == "zero_sum_value" and not c["game"].endswith(".nfg")]


def game_of(seed: int) -> TreeGame:
    rng = np.random.default_rng(seed)
    chance = str(rng.choice(["none", "public", "private"]))
    return hidden_moves(rng, 2, int(rng.integers(1, 6)), chance=chance, zero_sum=True)


@pytest.mark.skipif(not cases(), reason="the oracle cases are not here")
@pytest.mark.parametrize("case", cases(), ids=lambda c: c["game"].rpartition("/")[2])
def test_known_values(case: dict) -> None:
    if case["source"] == "openspiel":
        pytest.importorskip("pyspiel")
        from games.from_openspiel import tree_from_openspiel

        game = tree_from_openspiel(case["game"])
    else:
        game = from_efg(load_tree(ORACLES / "games" / case["game"]))
    found = sequence_form(game)
    assert found.status == "converged"
    assert found.certificate.holds(1e-9)
    np.testing.assert_allclose(found.values, case["value"], atol=case["tol"])


@given(seeds)
@settings(max_examples=40)
def test_agrees_with_lemke_and_is_unexploitable(seed: int) -> None:
    game = game_of(seed)
    found = sequence_form(game)
    assert found.status == "converged"
    assert exploitability(game, found.behavior) <= 1e-9 * game.span
    path = sequence_lemke(game)
    assert path.converged
    np.testing.assert_allclose(game.values(path.behavior), found.values, atol=1e-7)


@given(seeds)
@settings(max_examples=15)
def test_agrees_with_the_matrix_game(seed: int) -> None:
    rng = np.random.default_rng(seed)
    game = hidden_moves(rng, 2, int(rng.integers(1, 4)), zero_sum=True, top=2)
    assume(math.prod(count_plans(game)) <= 3000)
    assert minimax(game.to_normal()).value == pytest.approx(sequence_form(game).values[0], abs=1e-9)


@pytest.mark.parametrize("factor", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_units_and_a_common_payoff_do_not_matter(factor: float, shift: float) -> None:
    game = game_of(7)
    paid = np.stack([game.payoff[0] + shift, 3.0 - game.payoff[0] - shift]) * factor
    found = sequence_form(dataclasses.replace(game, payoff=paid))
    assert found.certificate.holds(1e-8)
    expected = float(sequence_form(game).values[0])
    assert found.values[0] / factor - shift == pytest.approx(expected, abs=1e-7)


def test_games_without_a_choice_or_with_one_player_only() -> None:
    none = np.array([], dtype=int)
    still = TreeGame([TERMINAL], [-1], [-1], [-1], [1.0], [[2.0], [-2.0]], none, [0])
    assert sequence_form(still).values.tolist() == [2.0, -2.0]
    for owner in (0, 1):  # the other player has no information set
        one = TreeGame(
            [owner, TERMINAL, TERMINAL],
            [0, -1, -1],
            [-1, 0, 0],
            [-1, 0, 1],
            [1.0, 1.0, 1.0],
            [[1.0, 2.0], [-1.0, -2.0]],
            [owner],
            [0, 2],
        )
        assert sequence_form(one).values[0] == (2.0 if owner == 0 else 1.0)


def test_bad_input_is_named() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="two players, this game has 3"):
        sequence_form(hidden_moves(rng, 3, 3))
    with pytest.raises(InputError, match="do not add up to a constant"):
        sequence_form(hidden_moves(rng, 2, 3))
    with pytest.raises(InputError, match="tolerance"):
        sequence_form(game_of(1), tolerance=0.0)
    with pytest.raises(InputError, match="seconds"):
        sequence_form(game_of(1), seconds=-1.0)


def test_a_budget_that_runs_out_still_gives_a_strategy() -> None:
    game = hidden_moves(np.random.default_rng(1), 2, 8, chance="private", zero_sum=True)
    found = sequence_form(game, seconds=1e-6)
    assert found.status in ("budget", "converged")
    assert np.isfinite(found.certificate.max_regret)
