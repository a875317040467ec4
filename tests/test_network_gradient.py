"""Softmax Bayesian-network policies in Markov games: values, gradients and ascent against independent oracles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import SHAPES, random_dag, random_game

from games import load
from games.errors import InputError
from games.markov import MarkovGame
from games.sims.coordination_bits import coordination_game
from solvers.network_ascent import ascend
from solvers.network_certificate import certify_network
from solvers.network_gradient import SoftmaxNetworks


def differences(networks: SoftmaxNetworks, logits: np.ndarray, width: float = 1e-5) -> np.ndarray:
    """Central differences float64[n, L] of every player's value, values computed by `MarkovGame.values`."""

    def values(at: np.ndarray) -> np.ndarray:
        joint = networks.policy(at).joint()
        if networks.game.horizon:
            joint = joint.reshape(networks.game.stages, networks.game.size, *networks.game.shape)
        return networks.game.values(joint)

    out = [(values(logits + d) - values(logits - d)) / (2 * width) for d in np.eye(len(logits)) * width]
    return np.array(out).T


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(SHAPES), st.booleans(), st.booleans())
def test_every_agent_gets_the_gradient_of_its_own_value(
    seed: int, shape: tuple[int, ...], finite: bool, common: bool
) -> None:
    rng = np.random.default_rng(seed)
    game = random_game(rng, shape, finite=finite, common=common)
    networks = SoftmaxNetworks(game, random_dag(rng, len(shape)))
    logits = networks.random(rng, 1)[0]
    found = networks.slope(logits)
    slopes = differences(networks, logits)
    for i in range(len(shape)):
        own = slice(networks.bases[i], networks.bases[i + 1])
        np.testing.assert_allclose(found.gradient[own], slopes[i, own], atol=1e-7)


@pytest.mark.parametrize("dag", ["empty", "line", "complete", "2>0,2>1"])
def test_gradient_of_the_coordination_game(dag: str) -> None:
    networks = SoftmaxNetworks(coordination_game(3), dag)
    logits = networks.random(np.random.default_rng(3), 1)[0]
    error = networks.slope(logits).gradient - differences(networks, logits)[0]
    assert abs(error).max() < 1e-6


def test_gradient_is_equation_5_term_by_term() -> None:
    rng = np.random.default_rng(5)
    game = random_game(rng, (2, 3, 2), finite=False)
    networks = SoftmaxNetworks(game, "0>2,1>2")
    logits = networks.random(rng, 1)[0]
    tables, joint = networks.tables(logits), networks.policy(logits).joint()
    q, d = game.evaluate(joint).actions[0], game.visits(joint)[0]
    found = networks.slope(logits).gradient[networks.bases[2] :].reshape(3, 6, 2)
    for s in range(3):
        for u, (a0, a1) in enumerate(np.ndindex(2, 3)):
            base = tables[2][s, u] @ q[2, s, a0, a1]
            reached = tables[0][s, 0, a0] * tables[1][s, 0, a1]
            for b in range(2):
                wanted = (
                    d[s] / (1 - game.discount) * reached * tables[2][s, u, b] * (q[2, s, a0, a1, b] - base)
                )
                assert found[s, u, b] == pytest.approx(wanted, abs=1e-13)


def test_logits_are_laid_out_as_documented() -> None:
    networks = SoftmaxNetworks(random_game(np.random.default_rng(0), (2, 3), finite=True), "0>1")
    logits = np.zeros(networks.size)
    assert networks.bases.tolist() == [0, 18, 18 + 9 * 2 * 3]
    logits[18 + (4 * 2 + 1) * 3 + 2] = 50.0  # the second agent, stage 1, state 1, told action 1: its action 2
    tables = networks.tables(logits)
    assert tables[1].shape == (9, 2, 3)
    assert tables[1][4, 1, 2] == pytest.approx(1.0)
    assert np.allclose(np.delete(tables[1].reshape(18, 3), 9, axis=0), 1 / 3)
    again = networks.logits(networks.tables(networks.random(np.random.default_rng(1), 1)[0]))
    first = networks.random(np.random.default_rng(1), 1)[0]
    for a, b in zip(networks.tables(again), networks.tables(first)):
        np.testing.assert_allclose(a, b, atol=1e-14)


def test_extreme_logits_and_large_common_rewards_do_no_harm() -> None:
    game = coordination_game(2)
    shifted = MarkovGame(game.transition, game.reward + 1e9, game.initial, game.discount)
    networks, other = SoftmaxNetworks(game, "complete"), SoftmaxNetworks(shifted, "complete")
    logits = networks.random(np.random.default_rng(2), 1)[0]
    np.testing.assert_allclose(other.slope(logits).gradient, networks.slope(logits).gradient, atol=1e-5)
    far = np.where(np.arange(networks.size) % 2, -1e300, 1e300)  # zeros for ever: the optimum
    slope = networks.slope(far)
    assert slope.values == pytest.approx(47.8, abs=1e-9)
    assert not slope.gradient.any()


def test_ascent_is_plain_gradient_ascent() -> None:
    rng = np.random.default_rng(11)
    game = random_game(rng, (2, 2), finite=True)
    networks = SoftmaxNetworks(game, "line")
    start = networks.random(rng, 2)
    found = ascend(game, "line", start, 0.3, 7, watch=[0, 3, 7])
    for b in range(2):
        at = start[b].copy()
        for t in range(8):
            np.testing.assert_allclose(found.values[b, t], networks.slope(at).values, atol=1e-12)
            if t in (0, 3, 7):
                gap = certify_network(game, networks.policy(at)).max_regret
                assert found.gap_at(t)[b] == pytest.approx(gap, abs=1e-9)
            at = at + 0.3 * networks.slope(at).gradient if t < 7 else at
        np.testing.assert_allclose(found.logits[b], at, atol=1e-12)
    assert not np.shares_memory(found.logits, start)
    repeated = ascend(game, "line", start, 0.3, 7)
    assert (repeated.logits == found.logits).all() and (repeated.values == found.values).all()


@pytest.mark.parametrize("dag", ["empty", "line", "complete"])
def test_small_steps_never_lose_and_end_near_an_equilibrium(dag: str) -> None:
    game = coordination_game(2)
    start = SoftmaxNetworks(game, dag).random(np.random.default_rng(0), 5)
    texts: list[tuple[float, str]] = []
    found = ascend(
        game, dag, start, 1.0, 2000, watch=[2000], progress=lambda done, text: texts.append((done, text))
    )
    assert np.diff(found.values[:, :, 0]).min() > -1e-9
    assert np.median(found.gap_at(2000)) < 0.0012
    assert texts[-1] == (1.0, "2,000 of 2,000 gradient steps")
    assert (found.steepest > 0).all()


def test_a_game_played_once() -> None:
    game = MarkovGame.repeated(load("zoo:penalty"), horizon=1)
    networks = SoftmaxNetworks(game, "complete")
    slope = networks.slope(np.zeros(networks.size))
    table = load("zoo:penalty").payoffs[0]
    first = (table.mean(axis=1) - table.mean()) / 3
    np.testing.assert_allclose(slope.gradient[:3], first, atol=1e-12)
    np.testing.assert_allclose(
        slope.gradient[3:].reshape(3, 3), (table - table.mean(axis=1, keepdims=True)) / 9
    )


def test_bad_input_is_refused_in_a_sentence() -> None:
    game = coordination_game(2)
    networks = SoftmaxNetworks(game, "line")
    zeros = np.zeros((1, networks.size))
    with pytest.raises(InputError, match="cycle"):
        SoftmaxNetworks(game, "0>1,1>0")
    with pytest.raises(InputError, match="for 2 agents"):
        SoftmaxNetworks(game, np.zeros((3, 3)))
    with pytest.raises(InputError, match="do not end with 24"):
        networks.slope(np.zeros(5))
    with pytest.raises(InputError, match="not finite"):
        networks.slope(np.full(24, np.nan))
    with pytest.raises(InputError, match="step"):
        ascend(game, "line", zeros, -1.0, 5)
    with pytest.raises(InputError, match="after 0 to 5"):
        ascend(game, "line", zeros, 1.0, 5, watch=[6])
    with pytest.raises(InputError, match="number of iterations"):
        ascend(game, "line", zeros, 1.0, -1)
    with pytest.raises(InputError, match="whole number"):
        ascend(game, "line", zeros, 1.0, 2.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="array of numbers"):
        ascend(game, "line", "zeros", 1.0, 5)
    with pytest.raises(InputError, match="smaller"):
        ascend(MarkovGame(game.transition, 1000 * game.reward, game.initial, 0.95), "line", zeros, 1e308, 50)
    with pytest.raises(InputError, match="neither one start"):
        ascend(game, "line", zeros[None], 1.0, 5)
    with pytest.raises(InputError, match="positive probability"):
        networks.logits([np.zeros((4, 1, 2)), np.zeros((4, 2, 2))])
    with pytest.raises(InputError, match="no Nash gap"):
        ascend(game, "line", zeros, 1.0, 1).gap_at(1)
