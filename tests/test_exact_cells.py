"""Exact returns of teams: against enumeration, linear algebra, other code's values, and play."""

from __future__ import annotations

import itertools
import time
from typing import Any

import numpy as np
import pytest
from grown_trees import random_behavior, random_tree
from hypothesis import given, settings
from hypothesis import strategies as st
from test_tree_env import ABSENT_MINDED, CHANCE_FIRST, efg, spiel

from experiments.exact_cells import exact_many, exact_values
from experiments.exact_gains import NotExact, exact_gains
from games import NormalFormGame, simulate
from games.env import Env, View
from games.env_uris import make_env
from games.errors import InputError
from games.load import load
from games.markov import MarkovGame
from games.play import play_episodes
from games.policy import Independent, Policy, Random, Tabular, random_policy
from games.policy_names import find_policy, team
from games.sims.repeated import repeated
from games.streams import Streams, draw_seeds
from games.tree_policies import behavior_table, tabular_team

PAIRS = 3_000


def check_against_play(env: Env, players: Any, count: int = PAIRS, **options: Any) -> np.ndarray:
    """The exact values, which many plays come close to."""
    exact = exact_values(env, players, **options)
    returns = play_episodes(
        env, players, draw_seeds(np.random.default_rng(4), count), batch=count, **options
    ).returns
    error = returns.std(axis=0) / np.sqrt(count)
    assert (np.abs(returns.mean(axis=0) - exact) <= 5 * error + 1e-9).all()
    return exact


# --- trees ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["kuhn_poker", "kuhn_poker(players=3)", "leduc_poker"])
def test_tables_on_trees_are_worth_what_the_tree_says(name: str) -> None:
    game = spiel(name)
    behavior = random_behavior(np.random.default_rng(2), game)
    found = exact_values(simulate(game), tabular_team(game, behavior))
    np.testing.assert_allclose(found, game.values(behavior), rtol=0, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), players=st.integers(1, 4))
def test_random_trees(seed: int, players: int) -> None:
    rng = np.random.default_rng(seed)
    game = random_tree(rng, players, depth=5, chance=0.3)
    if not len(game.owner):
        return
    env = simulate(game)
    behaviors = [random_behavior(rng, game) for _ in range(3)]
    cast: list[list[Policy]] = [[Tabular(behavior_table(game, one))] * players for one in behaviors]
    profiles = np.array(list(itertools.product(range(3), repeat=players)))
    found = exact_many(env, cast, profiles)
    for profile, row in zip(profiles, found):
        mixed = np.array(behaviors)[profile[game.owner[game.infoset_of_slot]], np.arange(game.slots)]
        np.testing.assert_allclose(row, game.values(mixed), rtol=0, atol=1e-10)
        seated = {agent: cast[k][0] for agent, k in zip(env.spec.agents, profile)}
        assert (exact_values(env, Independent(env.spec, seated)) == row).all()


def test_plays_that_chance_ends_and_imperfect_recall() -> None:
    for text in (CHANCE_FIRST, ABSENT_MINDED):
        game = efg(text)
        behavior = random_behavior(np.random.default_rng(3), game)
        env = simulate(game)
        found = check_against_play(env, tabular_team(game, behavior))
        np.testing.assert_allclose(found, game.values(behavior), atol=1e-12)
    forgetful = simulate(efg(ABSENT_MINDED))
    cast: list[list[Policy]] = [[Tabular(np.array([[p, 1 - p]]))] for p in (0.0, 1 / 3, 1.0)]
    found = exact_many(forgetful, cast, [[0], [1], [2]])
    np.testing.assert_allclose(
        found[:, 0], [1.0, 4 / 3, 0.0], atol=1e-12
    )  # p * 0 + (1-p) (p * 4 + (1-p) * 1)


def test_openspiels_own_environment_is_worth_the_same_as_its_tree() -> None:
    for name in ("kuhn_poker", "goofspiel(num_cards=3,imp_info=True,points_order=descending)"):
        plain, compiled = make_env(f"openspiel:{name}"), make_env(f"openspiel:{name}?compiled=true")
        one, two = (exact_values(env, random_policy(env.spec)) for env in (plain, compiled))
        np.testing.assert_allclose(one, two, atol=1e-12)


class Stubborn:
    """Leaves its first action more and more often: it remembers how often it has moved."""

    def start(self, batch: int, agents: int) -> np.ndarray:
        return np.zeros((batch, agents), dtype=np.int64)

    def probs(self, view: View, memory: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shy = 1.0 / (2.0 + memory)
        out = np.where(view.mask, 1e-9, 0.0)
        out[..., 0] += np.where(view.mask[..., 0], shy, 0)
        out[..., 1] += np.where(view.mask[..., 1], 1.0 - shy, 0)
        return out / np.maximum(out.sum(axis=-1, keepdims=True), 1e-30), memory + view.acting

    def sample(self, view: View, memory: np.ndarray, streams: Streams) -> tuple[np.ndarray, np.ndarray]:
        probs, after = self.probs(view, memory)
        return streams.choose(probs), after


def test_policies_that_remember_on_trees() -> None:
    env = simulate(spiel("leduc_poker"))
    table = Tabular(behavior_table(env.rules.game, random_behavior(np.random.default_rng(1), env.rules.game)))  # type: ignore[attr-defined]
    players = Independent(env.spec, dict(zip(env.spec.agents, (Stubborn(), table))))
    found = check_against_play(env, players, 20_000)
    np.testing.assert_allclose(found, exact_gains(env, players).certificate.values, atol=1e-10)
    cast: list[list[Policy]] = [[Stubborn(), Stubborn()], [table, table]]
    assert (exact_many(env, cast, [[0, 1]])[0] == found).all()


def test_a_hundred_pairs_of_leduc_take_less_than_two_seconds() -> None:
    env, rng = simulate(spiel("leduc_poker")), np.random.default_rng(0)
    group = env.spec.groups[0]
    cast: list[list[Policy]] = [[Tabular(rng.random((group.rows, group.width)))] * 2 for _ in range(10)]
    start = time.process_time()
    found = exact_many(env, cast, list(itertools.product(range(10), repeat=2)))
    assert time.process_time() - start < 20
    np.testing.assert_allclose(found.sum(axis=1), 0.0, atol=1e-12)


def test_holes_in_a_table_matter_only_where_play_gets_to() -> None:
    game = spiel("kuhn_poker")
    table = behavior_table(game, game.uniform())
    table[np.flatnonzero(game.owner == 1)] = 0.0
    env = simulate(game)
    cast: list[list[Policy]] = [[Tabular(table)] * 2, [Random(env.spec.groups[0].actions)] * 2]
    found = exact_many(env, cast, [[0, 1], [1, 0]])
    np.testing.assert_allclose(found[0], game.values(game.uniform()), atol=1e-12)
    assert np.isnan(found[1]).all()
    with pytest.raises(NotExact, match="sum to"):
        exact_values(env, Independent(env.spec, cast[0][0]))


# --- tables -----------------------------------------------------------------------------------------------


def test_normal_form_games() -> None:
    rng = np.random.default_rng(5)
    game = NormalFormGame(rng.normal(size=(3, 2, 4, 3)))
    env = simulate(game)
    mixed = [rng.dirichlet(np.ones(4)) for _ in range(3)]
    for block, count in zip(mixed, game.shape):
        block[count:] = 0.0
        block /= block.sum()
    players = Independent(env.spec, {a: Tabular(m[None]) for a, m in zip(env.spec.agents, mixed)})
    brute = np.zeros(3)
    for cell in itertools.product(*map(range, game.shape)):
        brute += game.payoffs[(slice(None), *cell)] * np.prod([m[a] for m, a in zip(mixed, cell)])
    np.testing.assert_allclose(exact_values(env, players), brute, atol=1e-14)


def markov(**length: Any) -> MarkovGame:
    rng = np.random.default_rng(6)
    return MarkovGame(
        rng.dirichlet(np.ones(3), size=(3, 2, 2)),
        rng.normal(size=(2, 3, 2, 2)),
        rng.dirichlet(np.ones(3)),
        **length,
    )


def test_markov_games() -> None:
    rng = np.random.default_rng(7)
    game = markov(horizon=6)
    table = rng.dirichlet(np.ones(2), size=(2, 18))
    env = simulate(game, name="markov")
    players = Independent(env.spec, Tabular(table))
    policy = table.reshape(2, 6, 3, 2).transpose(1, 2, 0, 3).reshape(6, -1)
    np.testing.assert_allclose(exact_values(env, players), game.values(game.joint(policy)), atol=1e-12)
    check_against_play(env, players, 2_000, max_steps=4)


def test_discounted_markov_games_are_worth_what_is_played_until_they_are_cut_off() -> None:
    table = np.random.default_rng(8).dirichlet(np.ones(2), size=(2, 3))
    env = simulate(markov(discount=0.5), name="markov", limit=7)
    found = exact_values(env, Independent(env.spec, Tabular(table)))
    policy = np.tile(table.transpose(1, 0, 2).reshape(1, -1), (7, 1))
    finite = markov(horizon=7)
    np.testing.assert_allclose(found, finite.values(finite.joint(policy)), atol=1e-12)


# --- repeated games ---------------------------------------------------------------------------------------


def row_of(history: list[tuple[int, ...]], player: int, shape: tuple[int, ...], memory: int) -> int:
    """The row of a player as the environment documents it: own action first, the most recent round first."""
    order = [player, *(j for j in range(len(shape)) if j != player)]
    cells, kept = int(np.prod(shape)), history[::-1][:memory]
    code = 0
    for cell in kept:
        digit = 0
        for j in order:
            digit = digit * shape[j] + cell[j]
        code = code * cells + digit
    return sum(cells**length for length in range(len(kept))) + code


def enumerated(
    game: NormalFormGame, tables: list[Any], rounds: int, memory: int, going: float, noise: float
) -> np.ndarray:
    """Expected returns by going through every history there can be."""
    total = np.zeros(len(game.shape))
    cells = list(itertools.product(*map(range, game.shape)))

    def visit(history: list[tuple[int, ...]], chance: float) -> None:
        nonlocal total
        if len(history) == rounds:
            return
        rows = [row_of(history, i, game.shape, memory) for i in range(len(tables))]
        for cell in cells:
            p = chance
            for table, row, a, count in zip(tables, rows, cell, game.shape):
                others = sum(table[row, b] for b in range(count) if b != a)
                p *= (1 - noise) * table[row, a] + (
                    noise / (count - 1) * others if count > 1 else noise * table[row, a]
                )
            total = total + p * game.payoffs[(slice(None), *cell)]
            visit([*history, cell], p * going)

    visit([], 1.0)
    return total


@pytest.mark.parametrize(
    ("shape", "memory", "rounds", "going", "noise"),
    [
        ((2, 2), 1, 5, None, 0.0),
        ((2, 2), 2, 5, None, 0.1),
        ((2, 3), 2, 4, 0.7, 0.2),
        ((2, 2, 2), 2, 3, 0.9, 0.05),
        ((3, 1), 1, 4, None, 0.3),
        ((2, 2), 4, 3, None, 0.0),
        ((2, 2), 1, 4, 0.0, 0.0),
    ],
)
def test_repeated_games_by_enumeration(
    shape: tuple[int, ...], memory: int, rounds: int, going: float | None, noise: float
) -> None:
    rng = np.random.default_rng(9)
    game = NormalFormGame(rng.normal(size=(len(shape), *shape)))
    env = repeated(game, rounds=rounds, memory=memory, continuation=going, noise=noise)
    group, tables = env.spec.groups[0], []
    for count in shape:
        table = rng.dirichlet(np.ones(group.width), size=group.rows)
        table[:, count:] = 0.0
        tables.append(table / table.sum(axis=1, keepdims=True))
    players = Independent(env.spec, {a: Tabular(t) for a, t in zip(env.spec.agents, tables)})
    wanted = enumerated(game, tables, rounds, memory, 1.0 if going is None else going, noise)
    np.testing.assert_allclose(exact_values(env, players), wanted, atol=1e-12)
    short = enumerated(game, tables, 2, memory, 1.0 if going is None else going, noise)
    np.testing.assert_allclose(exact_values(env, players, max_steps=2), short, atol=1e-12)


def test_repeated_games_against_play() -> None:
    env = make_env("repeated:prisoners-dilemma?rounds=40&memory=2&noise=0.05&continuation=0.97")
    for names in (("joss", "zd-extort-2"), ("win-stay-lose-shift", "random-half")):
        check_against_play(env, team(env, dict(zip(env.spec.agents, names))))


def test_an_endless_match_is_worth_its_resolvent() -> None:
    env = make_env("repeated:prisoners-dilemma?rounds=1000000&continuation=0.99")
    players = team(env, dict(zip(env.spec.agents, ("generous-tit-for-tat", "repeater"))))
    one, two = (find_policy(n, env).table for n in ("generous-tit-for-tat", "repeater"))  # type: ignore[attr-defined]
    mirrored = two[[0, 1, 3, 2, 4]]
    joint = np.einsum("sa,sb->sab", one, mirrored).reshape(5, 4)
    visits = np.linalg.solve(np.eye(4) - 0.99 * joint[1:].T, joint[0])
    wanted = load("zoo:prisoners-dilemma").payoffs.reshape(2, 4) @ visits
    np.testing.assert_allclose(exact_values(env, players), wanted, rtol=1e-11)


@pytest.mark.parametrize(("name", "factor"), [("zd-extort-2", 2.0), ("zd-extort-3", 3.0)])
def test_extortion_gets_its_share(name: str, factor: float) -> None:
    rounds = 200_000
    env = make_env(f"repeated:prisoners-dilemma?rounds={rounds}")
    for other in ("random-half", "firm-but-fair", "stochastic-cooperator"):
        own, theirs = exact_values(env, team(env, dict(zip(env.spec.agents, (name, other))))) / rounds
        assert theirs - 1.0 > 0.05
        assert (
            abs((own - 1.0) - factor * (theirs - 1.0)) < 1e-3
        )  # Press and Dyson 2012, up to the first rounds


def test_zero_determinant_players_can_set_the_others_payoff() -> None:
    env = make_env("repeated:prisoners-dilemma?rounds=200000")
    for other in ("random-half", "cooperator", "defector", "joss"):
        values = exact_values(env, team(env, dict(zip(env.spec.agents, ("zd-set-2", other))))) / 200_000
        assert abs(values[1] - 2.0) < 1e-3


def test_many_pairs_of_a_repeated_game_at_once() -> None:
    env = make_env("repeated:chicken?rounds=30&noise=0.02")
    names = ("tit-for-tat", "joss", "grudger", "random-half")
    cast = [[find_policy(name, env)] * 2 for name in names]
    profiles = list(itertools.product(range(4), repeat=2))
    found = exact_many(env, cast, profiles)
    for (a, b), row in zip(profiles, found):
        if 2 in (a, b):
            assert np.isnan(row).all()  # grudger remembers more than a round
        else:
            players = team(env, dict(zip(env.spec.agents, (names[a], names[b]))))
            assert (exact_values(env, players) == row).all()
            np.testing.assert_allclose(found[profiles.index((b, a))], row[::-1], atol=1e-10)


# --- what cannot be computed ------------------------------------------------------------------------------


def test_what_is_not_exact_says_why() -> None:
    dilemma = make_env("repeated:prisoners-dilemma?rounds=10")
    forest = make_env("foraging:5x5-2p-1f")
    leduc = simulate(spiel("leduc_poker"))
    cases: list[tuple[Env, Any, str, Any]] = [
        (dilemma, team(dilemma, {"": "grudger"}), "remember more than the rounds", {}),
        (forest, random_policy(forest.spec), "no table or tree", {}),
        (leduc, random_policy(leduc.spec), "cut off after 2 steps", {"max_steps": 2}),
        (leduc, Independent(leduc.spec, Tabular(np.ones((2_000, 7)))), "does not fit", {}),
        (leduc, Independent(leduc.spec, Tabular(np.ones((3, 3)))), "out of bounds", {}),
    ]
    for env, players, why, options in cases:
        with pytest.raises(NotExact, match=why):
            exact_values(env, players, **options)
    for uri in ("repeated:prisoners-dilemma?memory=14", "repeated:prisoners-dilemma?rounds=2000000000"):
        env = make_env(uri)
        with pytest.raises(NotExact, match=r"too much|too long"):
            exact_values(env, random_policy(env.spec))


@pytest.mark.parametrize("profiles", [[[0, 5]], [[-1, 0]], [[0]], [0, 0], [[0.0, 1.0]]])
def test_wrong_profiles_are_refused(profiles: Any) -> None:
    env = make_env("zoo:chicken")
    cast: list[list[Any]] = [[Random(env.spec.groups[0].actions)] * 2]
    with pytest.raises(InputError, match="profiles"):
        exact_many(env, cast, profiles)


def test_who_does_not_play_a_seat_cannot_be_put_there() -> None:
    env = make_env("zoo:chicken")
    with pytest.raises(InputError, match="agent 0 does not play"):
        exact_many(env, [[Random(env.spec.groups[0].actions), None]], [[0, 0]])
