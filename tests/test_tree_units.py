"""Payoffs far from zero, very large and very small: regrets, self-play and polishing in units of the span."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from grown_trees import random_behavior, random_tree
from hidden_moves import hidden_moves
from hypothesis import given, settings
from hypothesis import strategies as st

from games import simplices
from games.errors import InputError
from games.tree import TreeGame
from solvers.best_response import gains
from solvers.certificate import certify
from solvers.cfr import cfr
from solvers.mirror import mmd
from solvers.solution import Status
from solvers.tree_nash import tree_nash
from solvers.tree_polish import polish_tree

seeds = st.integers(0, 2**32 - 1)


def paying(game: TreeGame, factor: float, offset: float = 0.0) -> TreeGame:
    signs = np.where(np.arange(len(game.payoff)) % 2 == 0, 1.0, -1.0)
    return dataclasses.replace(game, payoff=game.payoff * factor + offset * signs[:, None])


@given(seeds, st.integers(1, 4))
@settings(max_examples=40)
def test_gains_next_to_a_large_common_payoff_are_exact(seed: int, players: int) -> None:
    rng = np.random.default_rng(seed)
    game = random_tree(rng, players, 4)
    behavior, far = random_behavior(rng, game), paying(game, 1.0, 2.0**50)
    near, found = gains(game, behavior), gains(far, behavior)
    assert found.regrets == pytest.approx(near.regrets, abs=1e-12)
    assert found.values == pytest.approx(far.values(behavior), rel=1e-15)
    assert certify(far, behavior, "nash").regret == pytest.approx(found.regrets, abs=1e-12)


@pytest.mark.parametrize(
    ("factor", "offset"), [(1.0, 1e15), (2.0**-10, 1e9), (1e300, 0.0), (1e-300, 0.0), (1e-310, 0.0)]
)
@pytest.mark.parametrize("method", ["cfr", "cfr+", "dcfr", "pcfr+"])
def test_self_play_says_converged_only_when_it_did(method: str, factor: float, offset: float) -> None:
    game = paying(hidden_moves(np.random.default_rng(5), 2, 3, zero_sum=True), factor, offset)
    for concept in ("nash", "cce"):
        found = cfr(game, method, concept=concept, tolerance=0.01, iterations=5000)
        assert found.status is Status.CONVERGED
        assert found.certificate.holds(0.01)


def test_a_span_without_a_finite_reciprocal_is_refused_by_mirror_descent() -> None:
    game = hidden_moves(np.random.default_rng(5), 2, 3, zero_sum=True)
    with pytest.raises(InputError, match="other units"):
        mmd(paying(game, 1e-310))


@given(seeds, st.sampled_from([1e-9, 1.0, 1e9]))
@settings(max_examples=25)
def test_polishing_never_makes_an_equilibrium_worse(seed: int, factor: float) -> None:
    rng = np.random.default_rng(seed)
    game = paying(hidden_moves(rng, 3, 3, top=3), factor)
    rough = random_behavior(rng, game)
    before, after = (certify(game, b, "nash").max_regret for b in (rough, polish_tree(game, rough)))
    assert after <= before + 1e-12 * game.span


def test_polishing_restores_mixed_equilibria_that_were_disturbed() -> None:
    """Not all: mixing off the path, which only threatens, is in no equation on the support."""
    rng = np.random.default_rng(8)
    disturbed = restored = 0
    for seed in range(30):
        game = hidden_moves(np.random.default_rng(seed), 2, 3, zero_sum=True)
        exact = tree_nash(game, "sequence-form").behavior
        inside = (exact > 1e-6) & (exact < 1 - 1e-6)
        shaken = np.clip(exact + 1e-6 * rng.uniform(-1, 1, exact.size) * inside, 0, 1)
        rough = simplices.normalise(shaken, game.offsets)
        if not certify(game, rough, "nash").holds(1e-9):
            disturbed += 1
            restored += certify(game, polish_tree(game, rough), "nash").holds(1e-13)
    assert disturbed >= 8
    assert restored >= 0.5 * disturbed


def test_three_player_poker_is_solved_to_the_last_digits() -> None:
    pytest.importorskip("pyspiel")
    from games import load

    found = tree_nash(load("openspiel:kuhn_poker(players=3)"))
    assert found.status is Status.CONVERGED
    assert found.certificate.holds(1e-12)
