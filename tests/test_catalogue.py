"""The catalogue: every stated answer holds, every family is what it says, and nothing is large by accident."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games.catalogue import Known, Parameter, entries
from games.catalogue import random as families
from games.catalogue.structured import congestion, on_graph, polymatrix
from games.errors import InputError
from games.joint import Joint
from games.load import catalogue, load
from games.normal import NormalFormGame
from solvers.certificate import certify

NAMED = [entry for entry in catalogue() if not entry.random]
RANDOM = [entry for entry in catalogue() if entry.random]
CLAIMS = [(entry, known) for entry in NAMED for known in entry.known]
SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)
SEEDS = st.integers(0, 2**32)


def claim_id(value: object) -> str:
    if isinstance(value, Known):
        return ",".join(f"{k}={v}" for k, v in value.at.items()) or "default"
    return getattr(value, "name", str(value))


def pure_equilibria(game: NormalFormGame) -> set[tuple[int, ...]]:
    """Brute force: profiles at which nobody's payoff is below the maximum along the own axis."""
    stable = np.ones(game.shape, dtype=bool)
    for i in range(len(game.shape)):
        best = game.payoffs[i].max(axis=i, keepdims=True)
        stable &= game.payoffs[i] >= best - 1e-9 * max(game.span, 1e-300)
    return {tuple(map(int, cell)) for cell in np.argwhere(stable)}


def best_correlated(game: NormalFormGame, concept: str, objective: np.ndarray) -> float:
    """Largest `objective` over the (coarse) correlated equilibria, by a textbook linear program."""
    from scipy.optimize import linprog

    index = np.indices(game.shape).reshape(len(game.shape), -1)
    rows = []
    for i, size in enumerate(game.shape):
        for b in range(size):
            deviation = list(index)
            deviation[i] = np.full(index.shape[1], b)
            gain = game.payoffs[i][tuple(deviation)] - game.flat[i]
            rows += (
                [gain]
                if concept == "cce"
                else [np.where(index[i] == c, gain, 0) for c in range(size) if c != b]
            )
    result = linprog(-objective, np.array(rows), np.zeros(len(rows)), np.ones((1, objective.size)), [1])
    assert result.status == 0
    return -float(result.fun)


# --- the named games -----------------------------------------------------------------------------------------


def test_there_are_many_named_games_with_a_source() -> None:
    assert len(NAMED) >= 45
    for entry in catalogue():
        assert entry.summary and "\n" not in entry.summary and len(entry.summary) <= 120, entry.name
        assert entry.source.authors and entry.source.title and entry.source.where
        assert 1500 < entry.source.year < 2030
        assert str(entry.source.year) in str(entry.source)


def test_names_and_aliases_are_unique() -> None:
    names = [name for entry in catalogue() for name in (entry.name, *entry.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("entry", NAMED, ids=claim_id)
def test_named_games_are_small_quick_and_have_answers(entry) -> None:
    started = time.process_time()
    game = entry.build()
    assert time.process_time() - started < 2
    assert game.profiles <= 20_000
    assert game.title
    assert entry.known, "a named game has a known answer"
    assert load(entry.uri).digest == game.digest


@pytest.mark.parametrize("entry,known", CLAIMS, ids=claim_id)
def test_known_equilibria(entry, known) -> None:
    game = entry.build(known.at)
    if known.pure_nash is not None:
        assert pure_equilibria(game) == set(known.pure_nash)
    if known.pure_count is not None:
        assert len(pure_equilibria(game)) == known.pure_count
    for profile in (*known.nash, *(pure_profile(game, cell) for cell in known.pure_nash or ())):
        assert certify(game, list(profile), "nash").holds(1e-12)
    if known.correlated:
        cells, probs = zip(*known.correlated)
        assert certify(game, Joint(cells, probs, game.shape), "ce").holds(1e-12)


def pure_profile(game: NormalFormGame, cell: tuple[int, ...]) -> list[np.ndarray]:
    return [np.eye(size)[a] for size, a in zip(game.shape, cell)]


@pytest.mark.parametrize("entry,known", [c for c in CLAIMS if c[1].value is not None], ids=claim_id)
def test_known_values_of_constant_sum_games(entry, known) -> None:
    game = entry.build(known.at)
    assert game.constant_sum() is not None
    assert best_correlated(game, "cce", game.flat[0]) == pytest.approx(known.value, abs=1e-8)
    assert -best_correlated(game, "cce", -game.flat[0]) == pytest.approx(known.value, abs=1e-8)


@pytest.mark.parametrize(
    "entry,known,concept",
    [(e, k, c) for e, k in CLAIMS for c in ("ce", "cce") if getattr(k, f"{c}_welfare") is not None],
    ids=claim_id,
)
def test_known_largest_welfare(entry, known, concept) -> None:
    game = entry.build(known.at)
    wanted = getattr(known, f"{concept}_welfare")
    assert best_correlated(game, concept, game.flat.sum(axis=0)) == pytest.approx(wanted, abs=1e-8)


@given(players=st.integers(2, 6), cost=st.floats(0.1, 0.9))
@settings(max_examples=20, deadline=None)
def test_volunteers_refuse_as_diekmann_says(players: int, cost: float) -> None:
    game = load("zoo:volunteers-dilemma", players=players, benefit=1.0, cost=cost)
    refuse = cost ** (1 / (players - 1))
    assert certify(game, [[1 - refuse, refuse]] * players, "nash").holds(1e-12)


@given(x=st.floats(41, 1000))
@settings(max_examples=20, deadline=None)
def test_only_the_other_player_reacts_to_the_odd_payoff(x: float) -> None:
    game = load("zoo:asymmetric-matching-pennies", x=x)
    assert certify(game, [[0.5, 0.5], [40 / x, 1 - 40 / x]], "nash").holds(1e-12)


@pytest.mark.parametrize("bridge,minutes", [(False, 83), (True, 92)])
def test_the_bridge_of_braess_costs_nine_minutes(bridge: bool, minutes: int) -> None:
    game = load("zoo:braess", bridge=bridge)
    for cell in pure_equilibria(game):
        assert np.all(game.payoffs[(slice(None), *cell)] == -minutes)


def test_the_vickrey_auction_makes_truth_dominant() -> None:
    game = load("zoo:second-price-auction?values=4,3,2")
    for i, value in enumerate((4, 3, 2)):
        payoff = np.moveaxis(game.payoffs[i], i, 0)
        assert np.all(payoff[value] >= payoff.max(axis=0) - 1e-12)


def test_blotto_lists_every_division_once() -> None:
    game = load("zoo:colonel-blotto?soldiers=6&fields=4")
    assert game.shape == (math.comb(9, 3),) * 2
    assert len(set(game.actions[0])) == game.shape[0]
    assert all(sum(map(int, name.split("-"))) == 6 for name in game.actions[0])


def test_kuhn_poker_matches_a_deal_by_deal_count() -> None:
    game = load("zoo:kuhn-poker")
    bluff = game.actions[0].index("J:b Q:cf K:b")
    tight = game.actions[1].index("J:fc Q:fc K:cb")
    # JQ +1, JK -2, QJ +1, QK check-bet-fold -1, KJ +1, KQ +1
    assert game.payoffs[0, bluff, tight] == pytest.approx((1 - 2 + 1 - 1 + 1 + 1) / 6)


# --- random families -----------------------------------------------------------------------------------------


@given(shape=SHAPES, seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_uniform_is_numpy_uniform_player_after_player(shape, seed) -> None:
    rng = np.random.default_rng(seed)
    wanted = [rng.uniform(0, 1, shape) for _ in shape]
    text = "x".join(map(str, shape))
    assert np.array_equal(load(f"zoo:random?shape={text}&seed={seed}").payoffs, np.stack(wanted))


@given(entry=st.sampled_from(RANDOM), seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_families_are_deterministic_in_the_seed(entry, seed) -> None:
    game = entry.build({"seed": seed})
    assert game.digest == entry.build({"seed": str(seed)}).digest
    assert game.digest != entry.build({"seed": seed + 1}).digest
    assert np.all(np.isfinite(game.payoffs))


@given(shape=SHAPES.filter(lambda shape: len(shape) > 1), seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_zero_sum_and_common_payoff(shape, seed) -> None:
    zero = families.zero_sum(shape, seed)
    assert np.abs(zero.payoffs.sum(axis=0)).max() <= 1e-15 * len(shape)
    common = families.common_payoff(shape, seed)
    assert np.all(common.payoffs == common.payoffs[0])
    assert pure_equilibria(common)


def is_exact_potential_game(game: NormalFormGame) -> bool:
    """Monderer and Shapley 1996, Corollary 2.9: changes around every square of two players' moves cancel."""
    for i, j in combinations(range(len(game.shape)), 2):
        mixed = np.diff(np.diff(game.payoffs[i] - game.payoffs[j], axis=i), axis=j)
        if mixed.size and np.abs(mixed).max() > 1e-12 * max(game.span, 1.0):
            return False
    return True


@given(shape=SHAPES, seed=SEEDS, dummy=st.floats(0, 3))
@settings(max_examples=30, deadline=None)
def test_potential_games_have_a_potential_and_a_pure_equilibrium(shape, seed, dummy) -> None:
    game = families.potential(shape, seed, dummy)
    potential = np.random.default_rng(seed).random(shape)
    for i in range(len(shape)):
        assert np.allclose(np.diff(game.payoffs[i], axis=i), np.diff(potential, axis=i), atol=1e-12)
    assert is_exact_potential_game(game)
    assert pure_equilibria(game)
    assert all(game.payoffs[i].flat[potential.argmax()] >= 0 for i in range(len(shape)))
    best = tuple(map(int, np.unravel_index(potential.argmax(), shape)))
    assert best in pure_equilibria(game)


@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple),
    resources=st.integers(3, 6),
    seed=SEEDS,
)
@settings(max_examples=30, deadline=None)
def test_congestion_games_have_a_potential(shape, resources, seed) -> None:
    game = congestion(shape, resources, seed)
    assert is_exact_potential_game(game)
    assert pure_equilibria(game)
    assert all(len(set(block)) == len(block) for block in game.actions)


def test_the_potential_check_catches_a_game_without_one() -> None:
    assert not is_exact_potential_game(load("zoo:matching-pennies"))
    assert is_exact_potential_game(load("zoo:prisoners-dilemma"))


@given(players=st.integers(1, 4), actions=st.integers(1, 4), seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_symmetric_games_do_not_care_who_is_who(players, actions, seed) -> None:
    game = families.symmetric(players, actions, seed)
    for i, j in combinations(range(players), 2):
        swapped = np.swapaxes(game.payoffs, i + 1, j + 1)
        order = list(range(players))
        order[i], order[j] = j, i
        assert np.array_equal(swapped[order], game.payoffs)


@pytest.mark.parametrize(
    "players,rho", [(2, -1.0), (2, 0.3), (3, -0.5), (3, -0.2), (3, 0.7), (4, -1 / 3), (3, 1.0)]
)
def test_covariant_payoffs_have_the_correlation_asked_for(players: int, rho: float) -> None:
    """Fisher's z of each pair within 5.2 standard errors: false alarm below 2e-7 per pair, 4e-6 in all."""
    side = {2: 200, 3: 34, 4: 14}[players]
    game = families.covariant((side,) * players, rho, seed=12345)
    samples = game.flat
    bound = 5.2 / math.sqrt(samples.shape[1] - 3)
    for i, j in combinations(range(players), 2):
        measured = float(np.corrcoef(samples[i], samples[j])[0, 1])
        if abs(rho) == 1:
            assert measured == pytest.approx(rho, abs=1e-9)
        else:
            assert abs(math.atanh(measured) - math.atanh(rho)) < bound
    spread = samples.var(axis=1)
    assert np.all(np.abs(spread - 1) < 5.2 * math.sqrt(2 / samples.shape[1]))
    if rho == -1 / (players - 1):
        assert np.abs(samples.sum(axis=0)).max() < 1e-6


@given(
    players=st.integers(1, 5),
    graph=st.sampled_from(["ring", "complete", "star", "path", "erdos-renyi"]),
    seed=SEEDS,
)
@settings(max_examples=30, deadline=None)
def test_polymatrix_payoffs_are_sums_over_pairs(players, graph, seed) -> None:
    """Changing what j and k do, the effects on a third player add up: no interaction of higher order."""
    game = polymatrix((2,) * players, graph, seed)
    for i in range(players):
        for j, k in combinations([p for p in range(players) if p != i], 2):
            mixed = np.diff(np.diff(game.payoffs[i], axis=j), axis=k)
            assert np.abs(mixed).max() <= 1e-12


def test_polymatrix_on_a_given_graph_leaves_strangers_alone() -> None:
    import networkx

    graph = networkx.Graph([(0, 1), (2, 3)])
    game = on_graph(graph, (2, 3, 2, 2), np.random.default_rng(5))
    assert np.all(np.diff(game.payoffs[0], axis=2) == 0) and np.all(np.diff(game.payoffs[0], axis=3) == 0)
    first = np.random.default_rng(5).random((2, 2, 3))
    assert np.array_equal(game.payoffs[0][:, :, 0, 0], first[0])
    assert np.array_equal(game.payoffs[1][:, :, 0, 0], first[1])
    with pytest.raises(InputError, match="nodes must be the players"):
        on_graph(graph, (2, 2), np.random.default_rng(5))


@pytest.mark.parametrize("graph", ["watts-strogatz", "barabasi-albert", "random-regular"])
def test_polymatrix_on_random_networks(graph: str) -> None:
    game = load(f"zoo:random-polymatrix?shape=2x2x2x2x2x2&graph={graph}&seed=3")
    assert game.digest == load(f"zoo:random-polymatrix?shape=2x2x2x2x2x2&graph={graph}&seed=3").digest


# --- bad input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri,words",
    [
        ("zoo:random?shape=100x100x100x100x100", r"1e10 joint profiles, 372\.5 GiB"),
        ("zoo:random?shape=0x3", "at least one action"),
        ("zoo:random?shape=3x", "shape=3x is not a shape such as 5x5x5"),
        ("zoo:random?shape=-2x3", "at least one action"),
        ("zoo:random?seed=-1", "seed=-1 must be at least 0"),
        ("zoo:random?seed=1.5", "seed=1.5 is not a whole number"),
        ("zoo:random-zero-sum?shape=3", "at least two players"),
        ("zoo:random-covariant?shape=2x2x2&rho=-0.6", r"rho=-0\.6 must be between -0\.5"),
        ("zoo:random-covariant?rho=nan", "rho=nan is not a finite number"),
        ("zoo:random-polymatrix?graph=rign", "graph=rign is not one of ring, complete"),
        ("zoo:random-polymatrix?graph=random-regular&shape=2x2x2&degree=1", "no random-regular network"),
        ("zoo:random-congestion?resources=1&shape=3x3", "1 different actions"),
        ("zoo:random-symmetric?players=99999999999", "limited to 62"),
        ("zoo:minimum-effort?players=1000000000", "limited to 62"),
        ("zoo:colonel-blotto?soldiers=1000&fields=50", "GiB"),
        ("zoo:colonel-blotto?payoff=field", "payoff=field is not one of fields, majority, captures"),
        ("zoo:prisoners-dilemma?temptation=1", "temptation > reward > punishment > sucker"),
        ("zoo:chicken?reward=1e400", "reward=1e400 is not a finite number"),
        ("zoo:chicken?reward=1/0", "reward=1/0 is not a finite number"),
        ("zoo:minority?players=4", "odd number"),
        ("zoo:beauty-contest?step=0", "step=0 must be positive"),
        ("zoo:beauty-contest?step=1e-9", "too fine"),
        ("zoo:first-price-auction?values=3", "at least two bidders"),
        ("zoo:travellers-dilemma?high=1", "high=1 must be at least 2"),
        ("zoo:centipede?moves=999&growth=1e9", "not a finite number"),
        ("zoo:braess?bridge=maybe", "bridge=maybe is not true or false"),
    ],
)
def test_bad_parameters_are_refused_in_one_sentence(uri: str, words: str) -> None:
    started = time.process_time()
    with pytest.raises(InputError, match=words) as caught:
        load(uri)
    assert "\n" not in str(caught.value)
    assert time.process_time() - started < 10


@given(
    entry=st.sampled_from(list(entries().values())),
    values=st.lists(
        st.sampled_from(
            [
                "-1",
                "0",
                "1",
                "2",
                "3",
                "7",
                "0.5",
                "-0.5",
                "1e3",
                "nan",
                "inf",
                "x",
                "2x2",
                "1,2",
                "true",
                "-1e300",
                "ring",
            ]
        ),
        min_size=8,
        max_size=8,
    ),
)
@settings(max_examples=150, deadline=None)
def test_any_parameters_give_a_game_or_a_sentence(entry, values) -> None:
    chosen = {p.name: v for p, v in zip(entry.parameters, values) if not (p.kind is int and v == "1e3")}
    with suppress(InputError):
        assert np.all(np.isfinite(entry.build(chosen).payoffs))


def test_parameters_accept_python_values() -> None:
    assert Parameter("x", float, 1.0).parse("13/2") == 6.5
    assert load("zoo:random", shape=(2, 3), seed=4).shape == (2, 3)
    assert load("zoo:random?seed=3", seed=4).digest == load("zoo:random?seed=4").digest
    with pytest.raises(InputError, match="whole number"):
        load("zoo:random", seed=True)


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.name)
def test_a_default_as_it_is_shown_is_the_default(entry: Any) -> None:
    for parameter in entry.parameters:
        assert parameter.parse(parameter.show()) == parameter.default
