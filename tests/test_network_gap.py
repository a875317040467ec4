"""The Nash gap of Bayesian-network policies: value iteration, the certificate and brute force agree."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import SHAPES, random_game, random_net

from games import load
from games.bayes_net import BayesNet
from games.dag import Dag
from games.empirical import EmpiricalGame
from games.errors import InputError
from games.markov import MarkovGame
from games.normal import NormalFormGame
from games.sims.coordination_bits import coordination_game
from solvers.certificate import certify
from solvers.markov_response import certify_markov
from solvers.network_certificate import certify_network
from solvers.network_gap import network_gap


def value_of(game: MarkovGame, net: BayesNet) -> np.ndarray:
    joint = net.joint()
    return game.values(joint.reshape(game.stages, game.size, *game.shape) if game.horizon else joint)


def best_by_brute_force(game: MarkovGame, net: BayesNet, i: int) -> float:
    """The best return of agent i over all deterministic maps from situation and parents' actions to its own."""
    shape, best = net.shape, -np.inf
    rows = []  # (situation, joint actions of this row by own action)
    own = np.indices(shape)[i].ravel()
    for k in range(net.situations):
        parents = np.flatnonzero(net.graphs[k][:, i])
        told = [tuple(np.unravel_index(j, shape)[p] for p in parents) for j in range(own.size)]
        rows += [(k, [j for j in range(own.size) if told[j] == u]) for u in sorted(set(told))]
    for choice in itertools.product(range(shape[i]), repeat=len(rows)):
        factors = net.factors.copy()
        for (k, members), b in zip(rows, choice):
            for j in members:
                factors[i, k, j] = float(own[j] == b)
        best = max(best, value_of(game, BayesNet(net.graphs, factors, shape))[i])
    return best


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(SHAPES), st.booleans())
def test_value_iteration_equals_the_certificate(seed: int, shape: tuple[int, ...], finite: bool) -> None:
    rng = np.random.default_rng(seed)
    game = random_game(rng, shape, finite=finite)
    net = random_net(rng, shape, game.stages * game.size)
    found, certificate = network_gap(game, net), certify_network(game, net)
    np.testing.assert_allclose(found.values, value_of(game, net), atol=1e-11)
    np.testing.assert_allclose(certificate.values, found.values, atol=1e-11)
    np.testing.assert_allclose(certificate.regret, found.gains, atol=2e-10 * game.span)
    assert found.error <= 1e-10 * game.span
    assert (found.gains >= 0).all()
    assert certificate.concept == "bayes-net" and certificate.game == game.digest


@pytest.mark.parametrize("finite", [False, True])
@pytest.mark.parametrize("dag", ["empty", "0>1", "1>0"])
def test_best_responses_equal_brute_force(finite: bool, dag: str) -> None:
    rng = np.random.default_rng(7)
    states, length = (2, {"horizon": 2}) if finite else (4, {"discount": 0.95})
    transition = rng.dirichlet(np.full(states, 0.5), size=(states, 2, 2))
    game = MarkovGame(transition, rng.normal(size=(2, states, 2, 2)), np.ones(states) / states, **length)
    parents = Dag.of(dag, ["0", "1"])
    tables = [rng.dirichlet([0.5, 0.5], size=(4, 2 if parents.parents[:, i].any() else 1)) for i in range(2)]
    net = BayesNet.from_tables(parents, tables)
    found, certificate = network_gap(game, net), certify_network(game, net)
    for i in range(2):
        best = best_by_brute_force(game, net, i)
        assert found.best[i] == pytest.approx(best, abs=1e-8)
        assert certificate.values[i] + certificate.regret[i] == pytest.approx(best, abs=1e-10)


def test_graphs_that_differ_between_situations_equal_brute_force() -> None:
    rng = np.random.default_rng(9)
    game = random_game(rng, (2, 3, 2), finite=False, states=2)
    graphs = np.zeros((2, 3, 3), dtype=bool)
    graphs[0, 2, 0] = graphs[1, 1, 0] = graphs[1, 1, 2] = True
    net = random_net(rng, (2, 3, 2), 2)
    tables = [
        BayesNet.from_tables(
            Dag(graph),
            [
                rng.dirichlet(np.ones(n), size=(1, int(np.prod(np.array((2, 3, 2))[graph[:, i]]))))
                for i, n in enumerate((2, 3, 2))
            ],
        )
        for graph in graphs
    ]
    net = BayesNet(graphs, np.concatenate([one.factors for one in tables], axis=1), (2, 3, 2))
    for i in range(3):
        best = best_by_brute_force(game, net, i)
        assert network_gap(game, net).best[i] == pytest.approx(best, abs=1e-8)
        assert certify_network(game, net).regret[i] == pytest.approx(best - value_of(game, net)[i], abs=1e-10)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(SHAPES), st.booleans())
def test_the_empty_graph_is_a_nash_certificate(seed: int, shape: tuple[int, ...], finite: bool) -> None:
    rng = np.random.default_rng(seed)
    game = random_game(rng, shape, finite=finite)
    situations = game.stages * game.size
    tables = [rng.dirichlet(np.full(n, 0.4), size=(situations, 1)) for n in shape]
    net = BayesNet.from_tables(Dag.empty(len(shape)), tables)
    nash = certify_markov(game, [t.reshape(game.stages, game.size, -1) for t in tables])
    found = certify_network(game, net)
    np.testing.assert_allclose(found.regret, nash.regret, atol=1e-11)
    np.testing.assert_allclose(found.values, nash.values, atol=1e-11)
    assert found.span == nash.span
    payoffs, radius = rng.normal(size=(len(shape), *shape)), rng.random((len(shape), *shape))
    radius[rng.random(radius.shape) < 0.1] = np.inf
    for once in (NormalFormGame(payoffs), EmpiricalGame(payoffs, radius=radius, delta=0.1)):
        flat = certify(once, [t[0, 0] for t in tables], "nash")
        one = certify_network(once, BayesNet.from_tables(Dag.empty(len(shape)), [t[:1] for t in tables]))
        np.testing.assert_allclose(one.regret, flat.regret, atol=1e-12)
        assert (one.slack, one.delta) == (pytest.approx(flat.slack), flat.delta)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([(2, 2), (3, 2), (2, 2, 2)]))
def test_slack_covers_every_game_within_the_radii(seed: int, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(seed)
    game = EmpiricalGame(
        rng.normal(size=(len(shape), *shape)), radius=rng.random((len(shape), *shape)), delta=0.1
    )
    net = random_net(rng, shape, 1)
    claimed = certify_network(game, net)
    for _ in range(20):
        signs = rng.choice([-1.0, 1.0], size=game.payoffs.shape)
        truth = NormalFormGame(game.payoffs + signs * game.radius)
        assert certify_network(truth, net).max_regret <= claimed.epsilon + 1e-12


def test_more_knowledge_never_lowers_a_best_response() -> None:
    rng = np.random.default_rng(13)
    for _ in range(20):
        game = random_game(rng, (2, 2, 2), finite=False)
        net = random_net(rng, game.shape, game.size, graphs=1)
        told, blind = network_gap(game, net), network_gap(game, net, blind=True)
        assert (told.best >= blind.best - 1e-9).all()


def test_forced_weights_sum_to_the_parents_probability() -> None:
    from games.bayes_net import parts, strides
    from solvers.network_response_kernels import forced_process

    rng = np.random.default_rng(17)
    shape, dag = (2, 3, 2), Dag.of("2>0,0>1,2>1", ["0", "1", "2"])
    tables = [
        rng.dirichlet(np.ones(2), size=(1, 2)),
        rng.dirichlet(np.ones(3), size=(1, 4)),
        rng.dirichlet([1, 1], (1, 1)),
    ]
    net = BayesNet.from_tables(dag, tables)
    joint = net.joint().ravel()
    for i in range(3):
        _, seen = parts(shape, dag)
        rows = int(seen[i].max()) + 1
        gains, moves = np.empty((1, rows * shape[i])), np.empty((1, rows * shape[i], 1))
        counts = np.array(shape, dtype=np.int64)
        ones = np.ones((1, 12))
        forced_process(
            net.factors, net.graphs, i, strides(shape), counts, ones, ones[..., None], gains, moves
        )
        wanted = np.bincount(seen[i], weights=joint, minlength=rows)
        np.testing.assert_allclose(
            gains.reshape(rows, shape[i]), np.repeat(wanted[:, None], shape[i], 1), atol=1e-14
        )
        np.testing.assert_allclose(moves[..., 0], gains, atol=1e-14)


def test_patience_and_rounding() -> None:
    """A discount next to one, no discount at all, and rewards with a large common part."""
    rng = np.random.default_rng(19)
    base = random_game(rng, (2, 2), finite=False)
    net = random_net(rng, (2, 2), base.size)
    for discount, shift in ((0.0, 0.0), (0.999, 0.0), (1 - 1e-7, 0.0), (0.9, 1e10)):
        game = MarkovGame(base.transition, base.reward + shift, base.initial, discount)
        plain = MarkovGame(base.transition, base.reward, base.initial, discount)
        found = network_gap(game, net)
        np.testing.assert_allclose(found.gains, certify_network(plain, net).regret, rtol=1e-4, atol=1e-4)
        assert found.error <= (1e-10 if discount < 0.9999 else 1e-7) * game.span


def test_a_tolerance_below_rounding_still_ends() -> None:
    game = coordination_game(2)
    net = random_net(np.random.default_rng(23), (2, 2), 4)
    found = network_gap(game, net, tolerance=1e-300)
    assert found.gains == pytest.approx(certify_network(game, net).regret, abs=1e-11)
    assert found.error < 1e-10


def test_a_game_in_which_nothing_is_at_stake() -> None:
    game = MarkovGame(np.ones((1, 2, 2, 1)), np.full((2, 1, 2, 2), 3.0), [1.0], discount=0.9)
    net = random_net(np.random.default_rng(29), (2, 2), 1)
    assert network_gap(game, net).gap == pytest.approx(0.0, abs=1e-12)
    assert certify_network(game, net).holds()


def test_networks_that_do_not_fit_are_refused() -> None:
    game, rng = coordination_game(2), np.random.default_rng(31)
    with pytest.raises(InputError, match="situations"):
        network_gap(game, random_net(rng, (2, 2), 3))
    with pytest.raises(InputError, match="actions"):
        certify_network(game, random_net(rng, (2, 3), 4))
    with pytest.raises(InputError, match="situations"):
        certify_network(load("zoo:climbing"), random_net(rng, (3, 3), 2))
    with pytest.raises(InputError, match="tolerance"):
        network_gap(game, random_net(rng, (2, 2), 4), tolerance=0.0)


def test_a_known_deviation() -> None:
    """Told what the first one does, the second can always exploit it at matching pennies."""
    game = load("zoo:matching-pennies")
    fair = BayesNet.from_tables(Dag.line(2), [np.full((1, 1, 2), 0.5), np.full((1, 2, 2), 0.5)])
    assert certify_network(game, fair).regret.tolist() == [0.0, 1.0]
    once = MarkovGame.repeated(game, discount=0.5)
    assert network_gap(once, fair).gains == pytest.approx([0.0, 2.0])
    assert network_gap(once, fair, blind=True).gains == pytest.approx([0.0, 0.0], abs=1e-9)
