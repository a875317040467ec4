"""Population training: restricted games on trees, meta-solvers, oracles, the loop, and mixtures of policies."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from grown_trees import random_behavior, random_tree
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.psro.arenas import MatrixArena, TreeArena
from experiments.psro.loop import psro
from experiments.psro.meta import METAS, Meta, Sigma, Target, targets
from experiments.psro.oracles import Learned, Sampled
from experiments.psro.populations import Populations
from experiments.psro.result import Iteration
from games import NormalFormGame, load, make_env
from games.errors import InputError
from games.mixed_policy import Mixed, MixedTeam
from games.play import play_episodes
from games.policy import Independent, Random, Tabular
from games.tree import TreeGame
from games.tree_strategies import BehaviorMixture
from solvers.best_response import nash_conv
from solvers.certificate import certify
from solvers.restricted_tree import TIES, RestrictedTree
from solvers.sampled_response import sampled_response
from solvers.zero_sum import minimax


@pytest.fixture(scope="module")
def kuhn() -> TreeGame:
    return load("openspiel:kuhn_poker")


@pytest.fixture(scope="module")
def leduc() -> TreeGame:
    return load("openspiel:leduc_poker")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def grown(seed: int, players: int = 3) -> TreeGame:
    """A random tree in which somebody decides something."""
    draws = rng(seed)
    while True:
        game = random_tree(draws, players, depth=4)
        if game.slots:
            return game


def own_part(game: TreeGame, player: int) -> Any:
    return np.repeat(game.owner == player, np.diff(game.offsets))


def joined(game: TreeGame, behaviors: Any) -> Any:
    """The profile in which player i plays its part of behaviors[i]."""
    flat = np.zeros(game.slots)
    for i, behavior in enumerate(behaviors):
        flat[own_part(game, i)] = behavior[own_part(game, i)]
    return flat


# --- restricted trees -----------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_mixtures_of_strategies_are_behaviour_strategies(seed: int, players: int) -> None:
    game, draws = grown(seed, players), rng(seed)
    tree = RestrictedTree(game)
    behaviors = [
        [random_behavior(draws, game) for _ in range(int(draws.integers(1, 4)))] for _ in range(players)
    ]
    populations = [[tree.plan(i, b) for b in own] for i, own in enumerate(behaviors)]
    weights = [draws.dirichlet(np.ones(len(own))) for own in behaviors]
    table: Any = tree.payoffs(populations)
    expected = np.zeros(players)
    for cell in product(*(range(len(own)) for own in behaviors)):
        values = game.values(joined(game, [own[k] for own, k in zip(behaviors, cell)]))
        assert table[(slice(None), *cell)] == pytest.approx(values, abs=1e-9)
        expected += values * np.prod([w[k] for w, k in zip(weights, cell)])
    mixed = tree.behavior(tree.mixed(populations, weights))
    assert game.values(mixed) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_best_responses_to_joint_play_are_those_of_the_certificate(seed: int) -> None:
    game, draws = grown(seed), rng(seed)
    tree = RestrictedTree(game)
    behaviors = [[random_behavior(draws, game) for _ in range(3)] for _ in range(3)]
    populations = [[tree.plan(i, b) for b in own] for i, own in enumerate(behaviors)]
    cells = np.array(list(product(range(3), repeat=3)), dtype=np.int32)[draws.permutation(27)[:8]]
    probs = draws.dirichlet(np.ones(8))
    mixture = BehaviorMixture(
        probs, np.stack([joined(game, [behaviors[i][k] for i, k in enumerate(c)]) for c in cells])
    )
    judge = certify(game, mixture, "cce")
    average = [np.mean(own, axis=0) for own in populations]
    for i in range(3):
        best = tree.best_to_cells(i, populations, cells, probs)
        assert best.value == pytest.approx(judge.values[i] + judge.gain[i], abs=1e-9)
        assert tree.worth(i, best.plan, best) == pytest.approx(best.value, abs=1e-9)
        broken = tree.best_to_cells(i, populations, cells, probs, average)
        assert broken.value == best.value
        assert tree.worth(i, broken.plan, broken) >= best.value - 3 * TIES * game.span
        alone = tree.best_to_plans(i, [own[1] for own in populations])
        profile = joined(game, [own[1] for own in behaviors])
        nash = certify(game, profile, "nash")
        assert alone.value == pytest.approx(nash.values[i] + nash.gain[i], abs=1e-9)


def test_payoffs_that_join_one_by_one_are_those_computed_at_once() -> None:
    for seed in range(5):
        game, draws = grown(seed), rng(seed)
        arena = TreeArena(game)
        found = [[arena.tree.plan(i, random_behavior(draws, game)) for _ in range(4)] for i in range(3)]
        whole = Populations.of(arena, found)
        step = Populations.of(arena, [own[:1] for own in found])
        for k in range(1, 4):  # players in turn, two at once, and known strategies again
            step.extend([found[0][: k + 1], found[1][k : k + 1], []])
            step.extend([[], found[1][:k], found[2][k : k + 1]])
        order = [
            [next(k for k, m in enumerate(own) if (m == s).all()) for s in mine]
            for own, mine in zip(whole.members, step.members)
        ]
        at = np.ix_(range(3), *order)
        assert step.table == pytest.approx(whole.table[at], abs=1e-12)
        assert all(len(own) <= 4 for own in step.members)


def test_known_strategies_are_counted_not_kept(kuhn: TreeGame) -> None:
    arena = TreeArena(kuhn)
    uniform = arena.first(rng())
    populations = Populations.of(arena, [[one] for one in uniform])
    away = kuhn.uniform()
    assert populations.extend([[uniform[0].copy(), arena.tree.plan(0, away)], []]) == 0
    assert populations.counts == [[3], [1]] and populations.sizes == (1, 1)


# --- the loop -------------------------------------------------------------------------------------------------


def test_kuhn_poker_is_solved(kuhn: TreeGame) -> None:
    seen: list[Iteration] = []
    found = psro(kuhn, rng=rng(), tolerance=1e-9, watch=seen.append)
    assert found.stopped == "tolerance" and found.certificate.holds(1e-9)
    assert found.certificate.values[0] == pytest.approx(-1 / 18, abs=1e-6)
    assert nash_conv(kuhn, found.answer) <= 1e-8
    assert seen == list(found.history) and found.history[0].gap == pytest.approx(11 / 12)
    assert found.history[-1].gap <= 1e-8


def test_nash_conv_of_every_iteration_is_that_of_its_play(leduc: TreeGame) -> None:
    for count in (1, 7, 30):
        found = psro(leduc, rng=rng(), iterations=count)
        assert found.stopped == "budget" and len(found.history) == count
        assert found.at.gains.max() == min(step.gains.max() for step in found.history)
        assert nash_conv(leduc, found.answer) == pytest.approx(found.at.gap, abs=1e-9)


def test_leduc_poker_falls_as_published(leduc: TreeGame) -> None:
    found = psro(leduc, rng=rng(), tolerance=0.002)
    gaps = np.array([step.gap for step in found.history])
    assert gaps[0] == pytest.approx(4.747222, abs=1e-6)  # of uniform play, as OpenSpiel says
    assert np.argmax(gaps < 1.0) < 60 and np.argmax(gaps < 0.1) < 150
    assert found.certificate.holds(0.002) and found.populations.sizes[0] == len(gaps)
    assert found.certificate.values[0] == pytest.approx(-0.0856064, abs=0.05)


def test_leduc_poker_answers_are_judged_alike_by_openspiel() -> None:
    pyspiel = pytest.importorskip("pyspiel", reason="OpenSpiel comes with the extra `openspiel`")
    exploitability = pytest.importorskip("open_spiel.python.algorithms.exploitability")
    from games.to_openspiel import to_openspiel

    game = load("openspiel:kuhn_poker")
    found = psro(game, rng=rng(), iterations=4)
    spiel = pyspiel.load_game("kuhn_poker")
    assert exploitability.nash_conv(spiel, to_openspiel(game, found.answer)) == pytest.approx(found.at.gap)


@pytest.mark.parametrize("seed", range(4))
def test_random_matrices_are_solved(seed: int) -> None:
    game = NormalFormGame.zero_sum(rng(seed).normal(size=(12, 9)))
    found = psro(game, rng=rng(), tolerance=1e-9)
    assert found.stopped == "tolerance" and found.certificate.holds(1e-9)
    assert found.certificate.values[0] == pytest.approx(minimax(game).value, abs=1e-8)
    assert max(found.populations.sizes) <= 13


@pytest.mark.parametrize("meta", METAS)
@pytest.mark.parametrize("uri", ["openspiel:kuhn_poker", "zoo:random?shape=4x3&seed=2"])
def test_every_meta_solver_runs(meta: str, uri: str) -> None:
    game = load(uri)
    solver = Meta(meta, lam=4.0 if meta == "qre" else None)
    found = psro(game, meta=solver, rng=rng(), iterations=40, tolerance=1e-6)
    assert len(found.history) > 1 and found.certificate.game == game.digest
    assert found.at.gains.max() < found.history[0].gains.max()
    if meta in ("nash", "ce", "cce"):
        assert found.stopped == "tolerance" and found.certificate.holds(1e-6)
    if meta == "cce":
        assert certify(game, found.answer, "cce").regret == pytest.approx(found.at.gains, abs=1e-7)


def test_fictitious_play_counts_repetitions() -> None:
    game = NormalFormGame.zero_sum([[0, 1, -1], [-1, 0, 1], [1, -1, 0]])
    start = [[np.array([1.0, 0, 0])], [np.array([1.0, 0, 0])]]
    found = psro(game, meta="uniform", rng=rng(), iterations=400, start=start, tolerance=1e-6)
    assert found.populations.sizes == (3, 3) and sum(found.populations.counts[0]) > 300
    assert found.at.gap < 0.2  # uniform over three members without counts would be exact, and found at once
    assert len(found.history) == 400


@pytest.mark.parametrize("objective", ["gini", "welfare", "entropy"])
@pytest.mark.parametrize("seed", range(3))
def test_joint_play_ends_in_the_cce_of_the_whole_game(objective: str, seed: int) -> None:
    game = NormalFormGame(rng(seed).normal(size=(3, 4, 3, 5)))
    found = psro(game, meta=Meta("cce", objective), rng=rng(), tolerance=1e-9)
    assert found.stopped == "tolerance" and found.at.gains.max() <= 1e-8
    x = found.answer.dense()
    assert x.sum() == pytest.approx(1.0) and x.min() >= 0
    for i in range(3):  # every incentive constraint of the linear program
        own = float((x * game.payoffs[i]).sum())
        for b in range(game.shape[i]):
            fixed = np.take(game.payoffs[i], [b], axis=i)
            assert float((x.sum(axis=i, keepdims=True) * fixed).sum()) <= own + 1e-8


@pytest.mark.parametrize("seed", range(3))
def test_joint_play_with_recommendations_ends_in_a_ce(seed: int) -> None:
    game = NormalFormGame(rng(seed).normal(size=(2, 5, 4)))
    found = psro(game, meta="ce", rng=rng(), tolerance=1e-8)
    x = found.answer.dense()
    for i, table in enumerate(game.payoffs):
        joint, payoff = np.moveaxis(x, i, 0), np.moveaxis(table, i, 0)
        told = joint @ payoff.T  # [recommended, taken]
        assert (told.max(axis=1) - np.diag(told)).max() <= 1e-7
    assert found.stopped == "tolerance" and found.concept == "ce"


def test_three_players_reach_a_cce() -> None:
    game = load("openspiel:kuhn_poker(players=3)")
    found = psro(game, meta="cce", rng=rng(), tolerance=1e-6)
    assert found.stopped == "tolerance" and isinstance(found.answer, BehaviorMixture)
    assert found.certificate.concept == "cce" and found.certificate.holds(1e-6)


def test_conditional_targets_put_the_gain_together() -> None:
    game = NormalFormGame(rng(3).normal(size=(2, 3, 3)))
    from games.joint import Joint

    joint = Joint.from_dense(rng(4).dirichlet(np.ones(9)).reshape(3, 3))
    asked = targets(game, Sigma(joint=joint), "ce")
    arena = MatrixArena(game)
    members = [list(np.eye(3)), list(np.eye(3))]
    gains = np.zeros(2)
    for target in asked:
        best = arena.best(members, target)
        gains[target.player] += target.chance * max(best.value - target.own, 0.0)
    assert gains == pytest.approx(certify(game, joint, "ce").regret, abs=1e-12)


def test_a_run_goes_on_where_another_ended(kuhn: TreeGame) -> None:
    short = psro(kuhn, rng=rng(), iterations=3)
    on = psro(kuhn, rng=rng(), start=short.populations.members, tolerance=1e-9)
    whole = psro(kuhn, rng=rng(), tolerance=1e-9)
    assert on.stopped == "tolerance" and len(on.history) == len(whole.history) - 3
    assert on.history[-1].sizes == whole.history[-1].sizes


def test_interrupts_and_deadlines_leave_the_best_so_far(leduc: TreeGame) -> None:
    told: list[str] = []

    def progress(_: float, text: str) -> None:
        told.append(text)
        if len(told) == 12:
            raise KeyboardInterrupt

    found = psro(leduc, rng=rng(), progress=progress)
    assert found.stopped == "interrupted" and len(found.history) == 12
    assert nash_conv(leduc, found.answer) == pytest.approx(found.at.gap, abs=1e-9)
    assert psro(leduc, rng=rng(), seconds=1e-6).stopped == "budget"


def test_an_equilibrium_that_is_found_as_time_runs_out_is_one() -> None:
    game = NormalFormGame.zero_sum([[1.0]])
    assert psro(game, rng=np.random.default_rng(0), seconds=1e-9).stopped == "tolerance"


def test_nothing_to_decide_is_an_equilibrium() -> None:
    game = load("zoo:random?shape=1x1&seed=1")
    assert psro(game, rng=rng(), tolerance=0.0).stopped == "tolerance"
    from games.efg import parse_efg
    from games.tree_build import from_efg

    text = 'EFG 2 R "luck" { "A" "B" } c "" 1 "" { "l" 1/2 "r" 1/2 } 0 t "" 1 "" { 2, 1 } t "" 2 "" { 0, 1 }'
    chance = psro(from_efg(parse_efg(text)), rng=rng(), tolerance=0.0)
    assert chance.stopped == "tolerance" and chance.certificate.values.tolist() == [1.0, 1.0]


# --- oracles --------------------------------------------------------------------------------------------------


def test_sampled_responses_approach_the_best(leduc: TreeGame) -> None:
    arena = TreeArena(leduc)
    members = [[one] for one in arena.first(rng())]
    for player in range(2):
        weights = [np.ones(1), np.ones(1)]
        target = Target(player, 0.0, weights=weights)
        best = arena.best(members, target)
        gains = []
        for traversals in (10, 300, 30_000):
            behavior = sampled_response(leduc, player, [leduc.uniform()], np.ones(1), traversals, rng(1))
            whole = np.where(own_part(leduc, player), behavior, leduc.uniform())
            gains.append(float(leduc.values(whole)[player]))
        assert gains[0] < gains[1] < gains[2] <= best.value + 1e-9
        assert best.value - gains[2] < 0.01 * leduc.span


def test_sampled_responses_to_correlated_play() -> None:
    game = load("openspiel:kuhn_poker(players=3)")
    draws = rng(2)
    profiles = [random_behavior(draws, game) for _ in range(3)]
    probs = np.array([0.5, 0.3, 0.2])
    mixture = BehaviorMixture(probs, np.stack(profiles))
    judge = certify(game, mixture, "cce")
    for i in range(3):
        behavior = sampled_response(game, i, profiles, probs, 60_000, rng(5))
        own = own_part(game, i)
        worth = sum(p * game.values(np.where(own, behavior, b))[i] for p, b in zip(probs, profiles))
        most = judge.values[i] + judge.gain[i]
        assert most - 0.03 <= worth <= most + 1e-9


def test_sampling_is_repeatable_and_solves_kuhn(kuhn: TreeGame) -> None:
    first, again = (psro(kuhn, oracle="mccfr", rng=rng(7), tolerance=1e-3) for _ in range(2))
    assert first.certificate.holds(1e-3) and first.stopped == "tolerance"
    assert [s.gap for s in first.history] == [s.gap for s in again.history]
    assert all((step.found <= step.gains + 1e-9).all() for step in first.history)


def test_a_learner_finds_the_obvious_response() -> None:
    env = make_env("coordination:climbing")
    learner = Learned(steps=3000, episodes=50)
    found = psro(env, oracle=learner, rng=rng(), iterations=1, episodes=50, tolerance=0.01)
    first = found.history[0]
    payoff = np.array([[11.0, -30.0, 0.0], [-30.0, 7.0, 6.0], [0.0, 0.0, 5.0]])
    best = payoff.mean(axis=1).max() - payoff.mean()
    assert first.added == 2 and found.populations.sizes == (2, 2)
    assert first.gains[0] == pytest.approx(best, abs=4.0)  # of a hundred or fewer noisy episodes
    assert found.certificate is None and not found.arena.exact
    again = play_episodes(env, found.answer, [1, 2, 3])
    assert again.returns.shape == (3, 2)


def test_learned_responses_on_matrices_are_judged_exactly() -> None:
    game = NormalFormGame.zero_sum([[3.0, 1.0], [0.0, -1.0]])
    found = psro(game, oracle=Learned(steps=1500, episodes=50), rng=rng(), iterations=2, tolerance=1e-2)
    assert found.stopped == "tolerance" and found.certificate.holds(0.02)
    assert found.certificate.values[0] == pytest.approx(1.0, abs=0.05)


# --- mixtures of policies -------------------------------------------------------------------------------------


def test_a_mixed_policy_is_drawn_once_per_episode() -> None:
    env = make_env("repeated:prisoners-dilemma?rounds=20")
    actions = env.spec.groups[0].actions
    rows = env.spec.groups[0].rows
    always = [Tabular(np.tile(np.eye(2)[k], (rows, 1))) for k in range(2)]
    mixed = Mixed(always, [0.25, 0.75])
    names = env.spec.agents
    seeds = np.arange(400, dtype=np.uint64)
    team = Independent(env.spec, {names[0]: mixed, names[1]: always[0]})
    returns = play_episodes(env, team, seeds).returns[:, 0]
    pure = [
        play_episodes(env, Independent(env.spec, {names[0]: one, names[1]: always[0]}), seeds[:1]).returns[
            0, 0
        ]
        for one in always
    ]
    assert set(np.unique(returns)) == set(pure)
    assert np.mean(returns == pure[1]) == pytest.approx(0.75, abs=0.08)
    alone = [play_episodes(env, team, seeds[k : k + 1]).returns[0, 0] for k in range(20)]
    assert alone == returns[:20].tolist()
    everybody = Independent(env.spec, Mixed([Random(actions), always[1]], [0.5, 0.5]))
    assert play_episodes(env, everybody, seeds[:50], batch=7).returns.shape == (50, 2)


def test_a_mixed_team_is_drawn_for_all_at_once() -> None:
    env = make_env("zoo:pure-coordination")
    rows = env.spec.groups[0].rows
    width = env.spec.groups[0].width
    teams = [Independent(env.spec, Tabular(np.tile(np.eye(width)[k], (rows, 1)))) for k in (0, 1)]
    seeds = np.arange(300, dtype=np.uint64)
    played = play_episodes(env, MixedTeam(teams, [0.5, 0.5]), seeds).returns
    each = [play_episodes(env, team, seeds[:1]).returns[0] for team in teams]
    assert {tuple(row) for row in played.tolist()} == {tuple(row.tolist()) for row in each}
    apart = Independent(env.spec, Mixed([team.seats[0][2] for team in teams], [0.5, 0.5]))
    missed = play_episodes(env, apart, seeds).returns
    assert len(np.unique(missed[:, 0])) >= len(np.unique(played[:, 0]))
    assert missed.mean() < played.mean()  # who draws alone sometimes misses the other


@pytest.mark.parametrize("weights", [[1.0], [0.0, 0.0], [-1.0, 2.0], [np.nan, 1.0]])
def test_bad_weights_are_refused(weights: list[float]) -> None:
    one = Tabular([[1.0, 0.0]])
    env = make_env("zoo:chicken")
    with pytest.raises(InputError, match="mixture"):
        Mixed([one, one], weights)
    with pytest.raises(InputError, match="mixture"):
        MixedTeam([Independent(env.spec, one)] * 2, weights)


# --- bad input ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings_, sentence",
    [
        ({"oracle": "exakt"}, "no oracle 'exakt'; did you mean 'exact'"),
        ({"oracle": "zzz"}, "known are exact, mccfr, rl"),
        ({"meta": "nahs"}, "no meta-solver 'nahs'; did you mean 'nash'"),
        ({"tolerance": -1.0}, "tolerance is a finite number of at least 0"),
        ({"tolerance": float("nan")}, "tolerance is a finite number"),
        ({"iterations": 0}, "at least one iteration"),
        ({"seconds": 0.0}, "seconds is a positive number"),
        ({"start": [[]]}, "at least one strategy for each of 2 players"),
        ({"oracle": Sampled(traversals=0)}, "at least one traversal"),
        ({"rng": 3}, "rng is a numpy.random.Generator"),
        ({"meta": "qre"}, "needs a precision lambda"),
    ],
)
def test_what_makes_no_sense_is_refused(kuhn: TreeGame, settings_: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        psro(kuhn, **{"rng": rng(), **settings_})


def test_settings_that_do_not_fit_are_refused(kuhn: TreeGame) -> None:
    env = make_env("foraging:8x8-2p-3f")
    with pytest.raises(InputError, match="no game tree or payoff matrix behind it"):
        psro(env, rng=rng())
    with pytest.raises(InputError, match="samples plays of a game tree"):
        psro(env, oracle="mccfr", rng=rng())
    with pytest.raises(InputError, match="samples plays of a game tree"):
        psro(load("zoo:chicken"), oracle="mccfr", rng=rng())
    with pytest.raises(InputError, match="objective chooses among CE or CCE"):
        Meta("nash", objective="welfare")
    with pytest.raises(InputError, match="lambda is for meta-solver qre"):
        Meta("cce", lam=1.0)
    with pytest.raises(InputError, match="at least 0"):
        Meta("qre", lam=-1.0)
    with pytest.raises(InputError, match="player"):
        psro(kuhn, meta=Meta("cce", "player:7"), rng=rng())
    with pytest.raises(InputError, match="takes a game or an environment"):
        psro(3, rng=rng())
    with pytest.raises(InputError, match="there is no player"):
        sampled_response(kuhn, 2, [kuhn.uniform()], np.ones(1), 10, rng())
