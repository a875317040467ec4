"""Random Markov games, graphs and Bayesian networks of policies."""

from __future__ import annotations

import numpy as np

from games.bayes_net import BayesNet
from games.dag import Dag
from games.markov import MarkovGame

SHAPES = [(2, 2), (3, 2), (2, 3, 2), (1, 3), (4,)]


def random_game(
    rng: np.random.Generator, shape: tuple[int, ...], *, finite: bool, common: bool = False, states: int = 3
) -> MarkovGame:
    transition = rng.dirichlet(np.full(states, 0.5), size=(states, *shape))
    reward = rng.normal(size=(len(shape), states, *shape))
    if common:
        reward[:] = reward[:1]
    initial, discount = rng.dirichlet(np.ones(states)), float(rng.choice([0.0, 0.5, 0.95]))
    if finite:
        return MarkovGame(transition, reward, initial, horizon=3)
    return MarkovGame(transition, reward, initial, discount)


def random_dag(rng: np.random.Generator, agents: int) -> Dag:
    order = rng.permutation(agents)
    upper = np.triu(rng.random((agents, agents)) < 0.6, 1)
    return Dag(upper[np.ix_(order, order)])


def random_net(
    rng: np.random.Generator, shape: tuple[int, ...], situations: int, graphs: int | None = None
) -> BayesNet:
    """A network with a graph of its own in every situation, or with `graphs` different ones."""
    nets = []
    dags = [random_dag(rng, len(shape)) for _ in range(graphs or situations)]
    for k in range(situations):
        dag = dags[k % len(dags)]
        tables = []
        for i, n in enumerate(shape):
            told = int(np.prod([shape[j] for j in np.flatnonzero(dag.parents[:, i])], dtype=int))
            tables.append(rng.dirichlet(np.full(n, 0.4), size=(1, told)))
        nets.append(BayesNet.from_tables(dag, tables))
    return BayesNet(
        np.concatenate([net.graphs for net in nets]),
        np.concatenate([net.factors for net in nets], axis=1),
        shape,
    )
