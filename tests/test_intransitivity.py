"""Cyclic and transitive, harmonic and potential parts of games, and graphs of better replies."""

from __future__ import annotations

import itertools
import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games.errors import InputError
from games.normal import NormalFormGame
from solvers.alpharank import alpharank, alpharank_single
from solvers.intransitivity import cyclic_triples, decompose, split_margins
from solvers.response_graph import response_graph, response_graph_single, sink_components

RPS = np.array([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]])


def flow(game):
    """Gradient matrix and gains of all comparable pairs of profiles, written out."""
    profiles = list(itertools.product(*(range(size) for size in game.shape)))
    place = {profile: k for k, profile in enumerate(profiles)}
    rows, gains = [], []
    for profile in profiles:
        for player, size in enumerate(game.shape):
            for action in range(profile[player] + 1, size):
                other = (*profile[:player], action, *profile[player + 1 :])
                row = np.zeros(len(profiles))
                row[place[other]], row[place[profile]] = 1, -1
                rows.append(row)
                gains.append(game.payoffs[(player, *other)] - game.payoffs[(player, *profile)])
    return np.array(rows), np.array(gains)


def congestion(rng, players, resources):
    """A singleton congestion game, which has a potential (Rosenthal 1973)."""
    cost = rng.normal(size=(resources, players + 1))
    payoffs = np.zeros((players, *(resources,) * players))
    for profile in itertools.product(range(resources), repeat=players):
        for player, choice in enumerate(profile):
            payoffs[(player, *profile)] = cost[choice, profile.count(choice)]
    return NormalFormGame(payoffs)


def test_rock_paper_scissors_is_wholly_cyclic():
    split = split_margins(RPS)
    assert split.share == 1.0 and split.ratings.tolist() == [0, 0, 0] and split.norm == 1.0
    (triple,) = cyclic_triples(RPS)
    assert triple == ((0, 2, 1), 1.0, 3.0)  # rock beats scissors beats paper
    assert cyclic_triples(-RPS)[0].agents == (0, 1, 2)
    for shift, scale in ((1e9, 1.0), (0, 1e300), (0, 1e-300)):
        assert split_margins(scale * RPS + shift).share == 1.0


def test_differences_of_ratings_are_wholly_transitive():
    ratings = np.array([3.0, -1, 0.5, 7])
    table = ratings[:, None] - ratings[None, :] + 40.0
    split = split_margins(table)
    assert split.share == 0.0 and split.ratings == pytest.approx(ratings - ratings.mean())
    assert cyclic_triples(table) == ()
    assert split_margins(np.full((3, 3), 1e9 + 0.1)).share == 0.0 and split_margins([[4.0]]).norm == 0.0


def test_a_known_mixture():
    """Transitive and cyclic parts of norms 2 and 1: a fifth of the squared norm is cyclic."""
    ratings = np.array([1.0, 0, -1])  # six differences, squared norm 12
    cyclic = RPS * math.sqrt(0.5)  # squared norm 3
    split = split_margins(ratings[:, None] - ratings[None, :] + cyclic)
    assert split.share == pytest.approx(0.2) and split.cyclic == pytest.approx(cyclic)
    assert split.norm == pytest.approx(math.sqrt(15 / 6))


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 7))
def test_laws_of_the_margin_split(seed, size):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(size, size)).round(1)
    split = split_margins(table)
    margins = (table - table.T) / 2
    assert split.transitive + split.cyclic == pytest.approx(margins, abs=1e-12)
    assert (split.transitive * split.cyclic).sum() == pytest.approx(0, abs=1e-10)
    assert split.cyclic.sum(axis=1) == pytest.approx(
        0, abs=1e-10
    )  # no agent is better within the cyclic part
    total = (margins**2).sum()
    if total:
        assert (split.transitive**2).sum() / total + split.share == pytest.approx(1)
    order = rng.permutation(size)
    moved = split_margins(5 + 3 * table[np.ix_(order, order)])
    assert moved.share == pytest.approx(split.share, abs=1e-9)
    assert moved.ratings == pytest.approx(3 * split.ratings[order], abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 8))
def test_triples_as_by_listing_all(seed, size):
    rng = np.random.default_rng(seed)
    table = rng.integers(-2, 3, size=(size, size)).astype(float)
    table[rng.random((size, size)) < 0.1] = np.nan
    margins = (table - table.T) / 2
    listed = [
        (-least, i, j, k)
        for i, j, k in itertools.permutations(range(size), 3)
        if i < min(j, k) and (least := np.min([margins[i, j], margins[j, k], margins[k, i]])) > 0
    ]
    found = cyclic_triples(table, 5)
    assert [(-t.smallest, *t.agents) for t in found] == sorted(listed)[:5]


def test_missing_pairs():
    """Ratings solve the least-squares problem of the pairs that met; groups that never met have mean zero each."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(6, 6))
    for i, j in [(0, 3), (1, 4), (2, 5), (0, 5)]:
        table[i, j] = np.nan
    split = split_margins(table)
    margins = (table - table.T) / 2
    pairs = [(i, j) for i, j in itertools.combinations(range(6), 2) if not np.isnan(margins[i, j])]
    design = np.zeros((len(pairs), 6))
    for row, (i, j) in zip(design, pairs):
        row[i], row[j] = 1, -1
    wanted = np.linalg.lstsq(design, np.array([margins[p] for p in pairs]))[0]
    assert split.ratings == pytest.approx(wanted, abs=1e-10)
    rest = sum((margins[i, j] - wanted[i] + wanted[j]) ** 2 for i, j in pairs)
    assert split.share == pytest.approx(rest / sum(margins[p] ** 2 for p in pairs))
    assert np.isnan(split.cyclic[0, 3]) and np.isnan(split.transitive[3, 0])
    apart = np.full((4, 4), np.nan)
    apart[0, 1], apart[1, 0], apart[2, 3], apart[3, 2] = 2, 0, 0, 4
    assert split_margins(apart).ratings == pytest.approx([0.5, -0.5, -1, 1])


def test_matching_pennies_is_harmonic_and_congestion_has_a_potential():
    assert decompose(NormalFormGame.zero_sum([[1, -1], [-1, 1]])).harmonic_share == 1.0
    assert decompose(NormalFormGame.zero_sum(RPS)).harmonic_share == 1.0
    rng = np.random.default_rng(2)
    for game in (congestion(rng, 3, 3), congestion(rng, 2, 5), NormalFormGame.symmetric([[3, 0], [5, 1]])):
        split = decompose(game)
        assert split.harmonic_share == 0.0 and split.potential_share == 1.0
        gradient, gains = flow(game)
        assert gradient @ split.potential.ravel() == pytest.approx(gains, abs=1e-12)
    still = decompose(
        NormalFormGame(np.broadcast_to(np.arange(3.0)[None, :, None], (2, 3, 2)) * [[[0]], [[1]]])
    )
    assert (
        still.harmonic_share == 0.0 and still.norm == 0.0
    )  # the row's action matters to the column player alone


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_decomposition_as_by_least_squares(seed, shape):
    rng = np.random.default_rng(seed)
    game = NormalFormGame(rng.normal(size=(len(shape), *shape)))
    split = decompose(game)
    parts = split.potential_part, split.harmonic_part, split.nonstrategic_part
    assert sum(parts) == pytest.approx(game.payoffs, abs=1e-12)
    gradient, gains = flow(game)
    if not gains.size:
        assert split.harmonic_share == 0.0 and split.norm == 0.0
        return
    wanted = np.linalg.lstsq(gradient, gains)[0]
    assert split.potential.ravel() == pytest.approx(wanted, abs=1e-10)
    rest = gains - gradient @ wanted
    assert split.harmonic_share == pytest.approx((rest**2).sum() / (gains**2).sum(), abs=1e-10)
    assert split.norm == pytest.approx(math.sqrt((gains**2).mean()))
    harmonic, potential = (flow(NormalFormGame(part))[1] for part in parts[1::-1])
    assert harmonic @ potential == pytest.approx(0, abs=1e-9)
    assert gradient.T @ harmonic == pytest.approx(0, abs=1e-9)  # what flows into a profile flows out
    assert flow(NormalFormGame(parts[2]))[1] == pytest.approx(0, abs=1e-12)
    moved = decompose(NormalFormGame(7 - 3 * np.flip(game.payoffs, axis=tuple(range(1, len(shape) + 1)))))
    assert moved.harmonic_share == pytest.approx(split.harmonic_share, abs=1e-9)


def test_payoffs_with_a_large_offset():
    rng = np.random.default_rng(4)
    game = congestion(rng, 2, 4)
    assert decompose(NormalFormGame(game.payoffs + 1e9)).harmonic_share == pytest.approx(0, abs=1e-10)
    assert decompose(NormalFormGame.zero_sum(RPS * 1e-6 + 1e6)).harmonic_share == pytest.approx(1, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_response_graph_as_by_listing_all(seed, shape):
    rng = np.random.default_rng(seed)
    game = NormalFormGame(rng.integers(0, 4, size=(len(shape), *shape)))
    graph = response_graph(game)
    listed = {}
    for profile in itertools.product(*(range(size) for size in shape)):
        for player, size in enumerate(shape):
            for action in range(size):
                other = (*profile[:player], action, *profile[player + 1 :])
                gain = game.payoffs[(player, *other)] - game.payoffs[(player, *profile)]
                if gain > 0:
                    listed[profile, other] = (player, gain)
    assert {(s, t): (d["player"], d["gain"]) for s, t, d in graph.edges(data=True)} == listed
    assert graph.number_of_nodes() == game.profiles
    for sink in sink_components(graph):
        inside = set(sink)
        assert all(t in inside for s in sink for t in graph.successors(s))
        assert nx.is_strongly_connected(graph.subgraph(sink))


@pytest.mark.parametrize("seed", range(5))
def test_alpharank_lives_on_sinks(seed):
    """At infinite alpha, without ties, mass is on sink components only and on all of them (Omidshafiei et al. 2019)."""
    rng = np.random.default_rng(seed)
    game = NormalFormGame(rng.normal(size=(3, 3, 2, 3)))
    law = alpharank(game).joint.dense()
    sinks = sink_components(response_graph(game))
    assert {p for sink in sinks for p in sink} == {tuple(map(int, p)) for p in np.argwhere(law > 1e-9)}
    table = rng.normal(size=(7, 7))
    single = sink_components(response_graph_single(table))
    assert (
        sorted(k for sink in single for k in sink)
        == np.flatnonzero(alpharank_single(table, math.inf) > 1e-9).tolist()
    )


def test_known_graphs():
    rps = response_graph_single(RPS)
    assert set(rps.edges) == {(0, 1), (1, 2), (2, 0)} and rps.edges[0, 1]["gain"] == 2.0
    assert sink_components(rps) == ((0, 1, 2),)
    sexes = NormalFormGame.bimatrix([[3, 0], [0, 2]], [[2, 0], [0, 3]])
    assert sink_components(response_graph(sexes)) == (((0, 0),), ((1, 1),))
    shapley = NormalFormGame.bimatrix(np.eye(3), np.roll(np.eye(3), 1, axis=1))
    (cycle,) = sink_components(response_graph(shapley))
    assert set(cycle) == {(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 0)}
    missing = response_graph_single([[0, np.nan, 1], [1, 0, 0], [0, 2, 0]])
    assert set(missing.edges) == {(2, 0), (1, 2)}


def test_large_graphs_are_not_built():
    assert response_graph(NormalFormGame(np.zeros((2, 80, 80)))) is None
    assert response_graph(NormalFormGame(np.zeros((2, 30, 30))), edges=100) is None
    assert response_graph_single(np.zeros((60, 60)), edges=100) is None


@pytest.mark.parametrize("function", [split_margins, cyclic_triples, response_graph_single])
def test_bad_input(function):
    with pytest.raises(InputError, match="square"):
        function([[1, 2, 3]])
    with pytest.raises(InputError, match="finite"):
        function([[0, math.inf], [0, 0]])
    with pytest.raises(InputError, match="at most 400"):
        cyclic_triples(np.zeros((401, 401)))
