"""Directed graphs on agents, and Bayesian networks of listed situations."""

from __future__ import annotations

import itertools
import math
from typing import Any

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games import play_episodes, simulate
from games.bayes_net import BayesNet, parts
from games.dag import Dag, depths
from games.errors import InputError
from games.markov import MarkovGame
from games.streams import draw_seeds


@given(st.integers(1, 6), st.integers(0, 2**30), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_cycles_and_orders_are_networkx_s(agents: int, seed: int, density: float) -> None:
    matrix = np.random.default_rng(seed).random((agents, agents)) < density
    graph = networkx.DiGraph(matrix)
    if not networkx.is_directed_acyclic_graph(graph):
        with pytest.raises(InputError, match="cycle"):
            Dag(matrix)
        return
    dag = Dag(matrix)
    place = np.argsort(dag.order)
    assert all(place[j] < place[i] for j, i in dag.edges)
    assert set(dag.edges) == set(graph.edges)
    assert depths(matrix[None])[0].max() == networkx.dag_longest_path_length(graph)


def test_a_cycle_is_named_by_its_agents() -> None:
    names = ("ann", "bob", "cid", "dan")
    with pytest.raises(InputError) as error:
        Dag.of("dan>ann,ann>bob,bob>cid,cid>ann", names)
    told = str(error.value).split("cycle ")[1].split(":")[0].split(" > ")
    assert told[0] == told[-1] and set(told) == {"ann", "bob", "cid"}


@pytest.mark.parametrize(
    ("given_", "why"),
    [
        ("0>3", "'3'"),
        ("0-1", "parent > child"),
        ("0>0", "cycle 0 > 0"),
        ("", "commas|edges"),
        (np.zeros((2, 2)), r"\(2, 2\)"),
        (None, "NoneType"),
        ([0, 1], "pairs"),
        ([(0, 9)], "'9'"),
        (np.full((3, 3), 0.5), "0 and 1"),
        (networkx.path_graph(3), "directions"),
        (networkx.path_graph(4, create_using=networkx.DiGraph), "4 nodes"),
    ],
)
def test_bad_graphs_get_a_sentence(given_: Any, why: str) -> None:
    with pytest.raises(InputError, match=why):
        Dag.of(given_, ("0", "1", "2"))


def test_graphs_come_from_text_arrays_and_networkx() -> None:
    names = ("a", "b", "c")
    wanted = Dag.of("a>b, b>c", names)
    assert wanted.edges == ((0, 1), (1, 2)) == Dag.line(3).edges
    for other in ("0>1,1>2", " LINE ", wanted, wanted.parents, wanted.to_networkx()):
        assert Dag.of(other, names).edges == wanted.edges
    assert Dag.of([("a", "b"), (1, 2)], names).edges == wanted.edges
    with pytest.raises(InputError, match="at least one"):
        Dag.line(-1)
    with pytest.raises(InputError, match="same name"):
        Dag(np.zeros((2, 2)), ("a", "a"))
    assert Dag.of("complete", names).edges == ((0, 1), (0, 2), (1, 2))
    assert Dag.of("empty", names).edges == ()


# --- networks -----------------------------------------------------------------------------------------------


def random_net(seed: int, shape: tuple[int, ...], situations: int) -> tuple[Dag, list[np.ndarray], BayesNet]:
    rng = np.random.default_rng(seed)
    agents = len(shape)
    order = rng.permutation(agents)
    matrix = np.triu(rng.random((agents, agents)) < 0.6, 1)[np.ix_(np.argsort(order), np.argsort(order))]
    dag = Dag(matrix)
    tables = [
        rng.dirichlet(
            np.ones(shape[i]), (situations, math.prod(shape[j] for j in np.flatnonzero(matrix[:, i])))
        )
        for i in range(agents)
    ]
    return dag, tables, BayesNet.from_tables(dag, tables)


@given(st.integers(0, 2**30), st.lists(st.integers(1, 3), min_size=1, max_size=4), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_the_joint_distribution_is_the_product_along_the_graph(
    seed: int, shape: list[int], situations: int
) -> None:
    dag, tables, net = random_net(seed, tuple(shape), situations)
    joint = net.joint()
    for k in range(situations):
        for cell in itertools.product(*map(range, shape)):
            p = 1.0
            for i in range(len(shape)):
                u = 0
                for j in np.flatnonzero(dag.parents[:, i]):
                    u = u * shape[j] + cell[j]
                p *= tables[i][k, u, cell[i]]
            assert joint[(k, *cell)] == pytest.approx(p, abs=1e-12)
    entropies = sum(-(m * np.log(m)).sum(axis=1) for m in net.marginals())
    flat = joint.reshape(situations, -1)
    np.testing.assert_allclose(
        net.total_correlation(), entropies + (flat * np.log(flat)).sum(axis=1), atol=1e-9
    )
    information = net.mutual_information()
    assert (information >= 0).all() and np.allclose(information, information.transpose(0, 2, 1))
    assert (information.max(axis=(1, 2)) <= net.total_correlation() + 1e-9).all()


def test_copying_is_worth_the_entropy_of_what_is_copied() -> None:
    net = BayesNet.from_tables(Dag.line(2), [[[[0.5, 0.5]]], [[[1, 0], [0, 1]]]])
    assert net.mutual_information()[0, 0, 1] == pytest.approx(math.log(2))
    apart = BayesNet.from_tables(Dag.empty(2), [[[[0.5, 0.5]]], [[[0.3, 0.7]]]])
    assert apart.total_correlation()[0] == 0.0


def test_a_network_refuses_what_is_none() -> None:
    dag, tables, net = random_net(3, (2, 3, 2), 2)
    wrong = np.array(net.factors)
    wrong[0] = np.random.default_rng(0).dirichlet(np.ones(2), (2, 6)).transpose(0, 2, 1).reshape(2, -1)
    with pytest.raises(InputError, match="not its parent"):
        BayesNet(Dag.empty(3), wrong, net.shape)
    with pytest.raises(InputError, match="sum to one"):
        BayesNet(net.graphs, net.factors * 0.9, net.shape)
    with pytest.raises(InputError, match="negative"):
        BayesNet(net.graphs, net.factors - 0.5, net.shape)
    with pytest.raises(InputError, match="cycle"):
        BayesNet(np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]]), net.factors, net.shape)
    with pytest.raises(InputError, match="shape"):
        BayesNet.from_tables(dag, [tables[0], tables[1], tables[2][:, :, :1]])


def test_what_agents_see_of_joint_actions() -> None:
    own, seen = parts((2, 3, 2), Dag.complete(3))
    cells = list(itertools.product(range(2), range(3), range(2)))
    assert own.T.tolist() == [list(cell) for cell in cells]
    assert seen[0].max() == 0
    assert seen[1].tolist() == [a for a, _, _ in cells]
    assert seen[2].tolist() == [3 * a + b for a, b, _ in cells]


def test_a_network_plays_as_often_as_it_says() -> None:
    shape, situations = (2, 3, 2), 2
    _, _, net = random_net(5, shape, situations)
    rng = np.random.default_rng(1)
    game = MarkovGame.common_reward(
        rng.dirichlet(np.ones(situations), (situations, *shape)),
        rng.random((situations, *shape)),
        np.array([0.5, 0.5]),
        discount=0.5,
    )
    env = simulate(game, limit=1)
    episodes = play_episodes(env, net, draw_seeds(np.random.default_rng(2), 40_000), batch=40_000)
    joint = net.joint().reshape(situations, -1)
    wanted = (game.initial[:, None] * joint * game.flat_reward[0]).sum()
    error = episodes.returns[:, 0].std() / math.sqrt(len(episodes.returns))
    assert abs(episodes.returns[:, 0].mean() - wanted) < 4 * error
    again = play_episodes(env, net, episodes.seeds[:50], batch=7)
    assert (again.returns == episodes.returns[:50]).all(), "a match depends on its seed alone"


def test_a_network_plays_only_where_situations_are_listed_and_shared() -> None:
    from games import make_env

    net = BayesNet.from_tables(Dag.empty(4), [np.full((6, 1, 2), 0.5)] * 4)
    env = make_env("coordination:aloha?agents=4")
    with pytest.raises(InputError, match="same situation"):
        play_episodes(env, net, list(range(5)))
    _, step = make_env("mpe:simple-spread").reset(np.zeros(1, dtype=np.uint64))
    with pytest.raises(InputError, match="listed situations"):
        net.network(step)
