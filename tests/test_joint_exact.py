"""Exact values, tables and certificates of teams that play together, against brute force, closed forms and play."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_joint_teams import random_net

from experiments.exact_cells import exact_many, exact_values
from experiments.exact_gains import BY_PARENTS, BY_SITUATION, exact_gains
from experiments.read_off import NotExact
from games import NormalFormGame, make_env, random_policy, simulate
from games.bayes_net import BayesNet
from games.correlated_policy import Correlated
from games.dag import Dag
from games.env import Env
from games.errors import InputError
from games.joint import Joint
from games.markov import MarkovGame
from games.play import play_episodes
from games.policy import Independent, Policy, Tabular
from games.sims.coordination_bits import coordination_game
from games.streams import draw_seeds
from games.tabulate import Situations, tabulate_network
from games.team_seats import team_seats
from solvers.markov_response import certify_markov


def check_against_play(env: Env, team: Any, count: int = 4_000, **options: Any) -> np.ndarray:
    """The exact values, which many plays come close to: five standard errors."""
    exact = exact_values(env, team, **options)
    seeds = draw_seeds(np.random.default_rng(4), count)
    returns = play_episodes(env, team, seeds, batch=count, **options).returns
    error = returns.std(axis=0) / np.sqrt(count)
    assert (np.abs(returns.mean(axis=0) - exact) <= 5 * error + 1e-9).all(), (returns.mean(axis=0), exact)
    return exact


def independent(env: Env, rng: np.random.Generator, rows: int, actions: int = 2) -> Independent:
    tables = {a: Tabular(rng.dirichlet(np.ones(actions), size=rows)) for a in env.spec.agents}
    return Independent(env.spec, tables)


def small_markov(rng: np.random.Generator, shape: tuple[int, ...], states: int, **length: Any) -> MarkovGame:
    transition = rng.dirichlet(np.ones(states), size=(states, *shape))
    return MarkovGame(
        transition, rng.normal(size=(len(shape), states, *shape)), rng.dirichlet(np.ones(states)), **length
    )


# --- values -----------------------------------------------------------------------------------------------


def by_bits(agents: int, noise: float, steps: int, joint: np.ndarray, table: Any) -> float:
    """Expected return by walking through all states, choices and flips one after another."""
    states = list(itertools.product((0, 1), repeat=agents))
    reached: dict[Any, Any] = {
        s: np.prod([(1 if b == 0 else agents - 1) / agents for b in s]) for s in states
    }
    total = 0.0
    for _ in range(steps):
        after: dict[Any, Any] = dict.fromkeys(states, 0.0)
        for (k, s), (j, a) in itertools.product(enumerate(states), enumerate(states)):
            for flips in states:
                chance = np.prod([noise if f else 1 - noise for f in flips])
                there = tuple(b ^ f for b, f in zip(a, flips))
                after[there] += reached[s] * joint[k, j] * chance
        total += sum(p * table[sum(s)] for s, p in after.items())
        reached = after
    return total


@pytest.mark.parametrize(("agents", "noise", "steps"), [(2, 0.1, 25), (3, 0.3, 2), (2, 0.0, 3), (3, 1.0, 1)])
def test_bits_by_brute_force(agents: int, noise: float, steps: int) -> None:
    env = make_env(f"coordination:bits?agents={agents}&noise={noise}&steps={steps}")
    rng = np.random.default_rng(agents)
    table = {2: [3, 0, 2], 3: [3, 0, 1, 2]}[agents]
    for team in (random_net(rng, agents, 2**agents), independent(env, rng, 2**agents)):
        joint = tabulate_network(env, team).joint().reshape(2**agents, -1)
        wanted = by_bits(agents, noise, steps, joint, table)
        np.testing.assert_allclose(exact_values(env, team), np.full(agents, wanted), rtol=0, atol=1e-11)


def test_bits_in_play_and_cut_off() -> None:
    env, rng = make_env("coordination:bits?agents=3"), np.random.default_rng(5)
    for team in (random_net(rng, 3, 8), independent(env, rng, 8)):
        whole = check_against_play(env, team, 3_000)
        early = check_against_play(env, team, 3_000, max_steps=4)
        assert early[0] < whole[0]
    zeros = BayesNet.from_tables(Dag.complete(3), [np.tile([1.0, 0.0], (8, 2**i, 1)) for i in range(3)])
    # every next bit is 0 with probability 0.9, whatever was before
    ones = [0.729, 3 * 0.081, 3 * 0.009, 0.001]
    assert exact_values(env, zeros)[0] == pytest.approx(25 * np.dot(ones, [3, 0, 1, 2]), abs=1e-9)


@pytest.mark.parametrize(
    "uri",
    [
        "coordination:climbing",
        "coordination:penalty?k=-25&steps=7",
        "coordination:climb?agents=3&steps=4",
        "coordination:matrix?game=zoo:pure-coordination&actions=4&steps=3",
    ],
)
def test_common_payoffs_once_and_repeated(uri: str) -> None:
    env, rng = make_env(uri), np.random.default_rng(6)
    agents, actions = len(env.spec.agents), env.spec.groups[0].width
    net = random_net(rng, agents, 1, actions)
    found = check_against_play(env, net)
    payoff = getattr(env, "rules").behind().payoffs  # noqa: B009
    wanted = (env.spec.horizon or 1) * (payoff * net.joint()[0]).sum(axis=tuple(range(1, 1 + agents)))
    np.testing.assert_allclose(found, wanted, atol=1e-11)
    check_against_play(env, independent(env, rng, 1, actions))
    device = Correlated(env.spec, Joint.from_dense(net.joint()[0]))
    np.testing.assert_allclose(exact_values(env, device), found, atol=1e-11)
    check_against_play(env, device)


def test_the_climb_of_many_agents_needs_no_table() -> None:
    env = make_env("coordination:climb?agents=40")
    team = Independent(env.spec, Tabular([[0.99, 0.01, 0.0]]))
    assert exact_values(env, team)[0] == pytest.approx(10 * 0.99**40 + 5 * 0.01**40, rel=1e-12)
    with pytest.raises(NotExact, match="too many to be listed"):
        exact_values(env, Correlated(env.spec, Joint(np.zeros((1, 40), np.int32), np.ones(1), (3,) * 40)))


@pytest.mark.parametrize("length", [{"horizon": 5}, {"discount": 0.9}])
def test_markov_games_with_uneven_actions(length: dict[str, Any]) -> None:
    rng = np.random.default_rng(7)
    game = small_markov(rng, (2, 3), 3, **length)
    env = simulate(game)
    rows = 3 * game.stages
    tables = [rng.dirichlet(np.ones(2), size=(rows, 1)), rng.dirichlet(np.ones(3), size=(rows, 2))]
    net = BayesNet.from_tables(Dag.line(2), tables)
    exact = check_against_play(env, net, 3_000)
    policy = net.joint().reshape(game.stages, 3, 2, 3)
    if game.discount is None:
        np.testing.assert_allclose(exact, game.values(policy), atol=1e-11)
    wide = BayesNet(net.graphs, _widened(net), (3, 3))  # an action that the first agent does not have
    np.testing.assert_allclose(exact_values(env, _Told(wide)), exact, atol=1e-12)
    wrong = BayesNet.from_tables(Dag.empty(2), [np.full((rows, 1, 3), 1 / 3)] * 2)
    with pytest.raises(NotExact, match="actions that Player 1 does not have"):
        exact_values(env, _Told(wrong))


def _widened(net: BayesNet) -> np.ndarray:
    out = []
    for i, tensor in enumerate(net.tensors):
        extra = np.zeros_like(tensor[:, :1]) if i == 0 else tensor[:, :1]
        out.append(np.concatenate([tensor, extra], axis=1).reshape(len(tensor), -1))
    return np.stack(out)


class _Told:
    """A team that tells this network, whatever its shape."""

    def __init__(self, net: BayesNet) -> None:
        self._net = net

    def start(self, batch: int) -> None:
        return None

    def sample(self, step: Any, memory: Any, streams: Any) -> Any:
        raise AssertionError("it is asked, not played")

    def network(self, step: Any) -> BayesNet:
        rows = step.groups[0].row[:, 0]
        return BayesNet(self._net.graphs[rows], self._net.factors[:, rows], self._net.shape)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_many_teams_at_once_are_the_same_bit_for_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    game = small_markov(rng, (2, 2), 2, horizon=2)
    env = simulate(game)
    nets, apart = [random_net(rng, 2, 4) for _ in range(2)], independent(env, rng, 4)
    alone: list[Policy | None] = [policy for _, _, policy in apart.seats]
    cast = [team_seats(env.spec, nets[0]), alone, team_seats(env.spec, nets[1])]
    found = exact_many(env, cast, [[0, 0], [1, 1], [2, 2], [0, 1]])
    teams: list[Any] = [nets[0], apart, nets[1]]
    for row, team in zip(found, teams):
        np.testing.assert_array_equal(row, exact_values(env, team))
    assert np.isnan(found[3]).all()


def test_what_cannot_be_known_says_why() -> None:
    kuhn = make_env("openspiel:kuhn_poker?compiled=true")
    net = random_net(np.random.default_rng(0), 2, 4)
    for ask in (exact_values, exact_gains):
        with pytest.raises(NotExact, match="do not play independently"):
            ask(kuhn, net)
        with pytest.raises(NotExact, match="no table"):
            ask(make_env("coordination:aloha"), net)
        with pytest.raises(NotExact, match="does not list situation"):
            ask(make_env("coordination:bits?agents=3"), random_net(np.random.default_rng(0), 3, 4))
        with pytest.raises(NotExact, match="2 agents cannot play for 3"):
            ask(make_env("coordination:bits?agents=3"), net)
        with pytest.raises(NotExact, match=r"too many|too large"):
            ask(
                make_env("coordination:bits?agents=14"),
                random_policy(make_env("coordination:bits?agents=14").spec),
            )


# --- tables -----------------------------------------------------------------------------------------------


def test_what_is_tabulated_plays_the_same() -> None:
    env, rng = make_env("coordination:bits?agents=3"), np.random.default_rng(9)
    net = random_net(rng, 3, 8)
    again = tabulate_network(env, net)
    np.testing.assert_array_equal(again.factors, net.factors)
    np.testing.assert_array_equal(again.graphs, net.graphs)
    assert again.names == env.spec.agents
    apart = independent(env, rng, 8)
    table = tabulate_network(env, apart)
    assert not table.graphs.any()
    seeds = draw_seeds(rng, 50)
    np.testing.assert_array_equal(
        play_episodes(env, table, seeds).returns, play_episodes(env, apart, seeds).returns
    )


def test_situations_are_those_of_play() -> None:
    game = small_markov(np.random.default_rng(2), (2, 2), 3, horizon=4)
    for env in (simulate(game), make_env("coordination:bits?agents=4"), make_env("coordination:climbing")):
        listed = Situations(env)
        step = listed.step(np.arange(listed.count))
        assert step.groups[0].row is not None
        np.testing.assert_array_equal(step.groups[0].row[:, 0], np.arange(listed.count))
        _, seen = env.reset(draw_seeds(np.random.default_rng(0), 200))
        at = seen.groups[0].row
        assert at is not None
        np.testing.assert_array_equal(seen.groups[0].observation, step.groups[0].observation[at[:, 0]])
        np.testing.assert_array_equal(seen.state, step.state[at[:, 0]])


def test_what_cannot_be_tabulated() -> None:
    big = make_env("coordination:bits?agents=12")
    with pytest.raises(InputError, match="at most 67,108,864"):
        tabulate_network(big, random_policy(big.spec))
    with pytest.raises(InputError, match="cannot be listed"):
        tabulate_network(make_env("coordination:aloha"), random_policy(make_env("coordination:aloha").spec))


# --- certificates -----------------------------------------------------------------------------------------


def test_the_game_behind_bits_is_the_authors_one_with_payments_later() -> None:
    env = make_env("coordination:bits?agents=3")
    game, tabular = getattr(env, "rules").behind(), coordination_game(3)  # noqa: B009
    np.testing.assert_array_equal(game.transition, tabular.transition)
    paid = tabular.reward[0, :, 0, 0, 0]
    np.testing.assert_allclose(game.reward[0], tabular.transition @ paid, atol=1e-14)
    assert game.horizon == 25
    _, step = env.reset(draw_seeds(np.random.default_rng(0), 20_000))
    seen = np.bincount(step.groups[0].row[:, 0], minlength=8) / 20_000  # type: ignore[index]
    np.testing.assert_allclose(game.initial, seen, atol=5 * 0.5 / np.sqrt(20_000))


@pytest.mark.parametrize("steps", [1, 6])
def test_gains_of_networks_by_brute_force(steps: int) -> None:
    """In one step of bits the best deviation is the best of all maps from state and parents' actions."""
    env = make_env(f"coordination:bits?agents=2&steps={steps}")
    net = random_net(np.random.default_rng(3), 2, 4)
    found = exact_gains(env, net)
    assert found.deviations == BY_PARENTS and not found.duel and found.certificate.concept == "bayes-net"
    np.testing.assert_allclose(found.certificate.values, exact_values(env, net), atol=1e-10)
    best = found.certificate.values + found.certificate.regret
    for i in range(2):
        sees = [(s, u) for s in range(4) for u in range(2 if i else 1)]
        values = []
        for choice in itertools.product((0, 1), repeat=len(sees)):
            table = np.zeros((4, 2 if i else 1, 2))
            for (s, u), b in zip(sees, choice):
                table[s, u, b] = 1.0
            parts = [net.tensors[0][:, None, :, 0], net.tensors[1]]
            parts[i] = table
            values.append(exact_values(env, BayesNet.from_tables(Dag.line(2), parts))[0])
        assert max(values) <= best[i] + 1e-10
        if steps == 1:
            assert max(values) == pytest.approx(best[i], abs=1e-10)


def test_gains_of_independent_players_of_bits_and_matrices() -> None:
    env = make_env("coordination:bits?agents=2&steps=5")
    apart = independent(env, np.random.default_rng(1), 4)
    found = exact_gains(env, apart)
    game = getattr(env, "rules").behind()  # noqa: B009
    tables = [np.broadcast_to(policy.table, (5, 4, 2)) for _, _, policy in apart.seats]  # type: ignore[attr-defined]
    np.testing.assert_allclose(found.certificate.regret, certify_markov(game, tables).regret, atol=1e-12)
    # with the empty graph, certificates of both kinds are of the same deviations
    net = exact_gains(env, tabulate_network(env, apart))
    np.testing.assert_allclose(net.certificate.regret, found.certificate.regret, atol=1e-10)
    assert found.deviations == BY_SITUATION

    for steps in (1, 4):
        climbing = make_env(f"coordination:climbing?steps={steps}")
        team = Independent(climbing.spec, Tabular([[0.0, 0.0, 1.0]]))
        gains = exact_gains(climbing, team).certificate
        np.testing.assert_allclose(gains.values, steps * 5.0)
        np.testing.assert_allclose(gains.regret, [steps * 1.0, 0.0], atol=1e-12)


def test_gains_on_matrices_where_the_second_knows_the_first() -> None:
    env = simulate(NormalFormGame.common_payoff([[4.0, 0.0], [0.0, 1.0]]))
    copying = BayesNet.from_tables(Dag.line(2), [[[[0.5, 0.5]]], [[[1, 0], [0, 1]]]])
    found = exact_gains(env, copying).certificate
    np.testing.assert_allclose(found.regret, [1.5, 0.0], atol=1e-12)
    np.testing.assert_allclose(found.values, 2.5)
