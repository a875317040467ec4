"""Whole matches on trees in one loop: bit for bit what play step by step gives."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
import pytest
from grown_trees import random_behavior, random_tree
from hypothesis import given, settings
from hypothesis import strategies as st
from test_tree_env import CHANCE_FIRST, efg, lottery, spiel

from games import simulate
from games.errors import InputError
from games.play import Episodes, play_episodes
from games.policy import Independent, Random, Tabular
from games.sims.tree_matches import tree_matches
from games.spaces import Box
from games.streams import draw_seeds
from games.tree_policies import behavior_table

GAMES = {
    "kuhn": lambda: spiel("kuhn_poker"),
    "kuhn3": lambda: spiel("kuhn_poker(players=3)"),
    "leduc": lambda: spiel("leduc_poker"),
    "chance first": lambda: efg(CHANCE_FIRST),
    "lottery": lambda: lottery(40),
}


def agents(env: Any, rng: np.random.Generator) -> list[Any]:
    """A behaviour strategy with zeros, weights that do not sum to one, pure play, random play."""
    group, game = env.spec.groups[0], env.rules.game
    rows = len(game.owner) + 1
    pure = np.zeros((rows, group.width))
    pure[np.arange(rows), 0] = 1.0
    return [
        Tabular(behavior_table(game, random_behavior(rng, game))),
        Tabular(rng.random((1, rows, group.width)) * rng.choice([1e-9, 1.0, 1e9])),
        Tabular(pure),
        Random(group.actions),
    ]


def stepwise(
    env: Any, cast: list[Any], seating: Any, seeds: Any, acts: Any, steps: int | None = None
) -> Episodes:
    """The same matches, played step by step, one seating after the other."""
    players = seating.shape[1]
    returns, lengths = np.empty((len(seeds), players)), np.empty(len(seeds), dtype=np.int32)
    ended = np.empty(len(seeds), dtype=bool)
    for seats in np.unique(seating, axis=0):
        here = (seating == seats).all(axis=1)
        alone = {a: copy(cast[k][i]) for i, (a, k) in enumerate(zip(env.spec.agents, seats))}
        team = Independent(env.spec, alone)
        own = None if acts is None else acts[here]
        played = play_episodes(env, team, seeds[here], own, max_steps=steps)
        returns[here], lengths[here], ended[here] = played[1:4]
    return Episodes(seeds, returns, lengths, ended)


def check_same(env: Any, rng: np.random.Generator, matches: int, steps: int | None = None) -> Episodes:
    policies, players = agents(env, rng), len(env.spec.agents)
    cast = [[policy] * players for policy in policies]
    seating = rng.integers(0, len(cast), (matches, players)).astype(np.int32)
    seeds, acts = draw_seeds(rng, matches), draw_seeds(rng, matches)
    play = tree_matches(env, cast, steps)
    assert play is not None
    for own in (None, acts):
        got, wanted = play(seating, seeds, own), stepwise(env, cast, seating, seeds, own, steps)
        for one, two in zip(got[:4], wanted[:4]):
            assert one.dtype == two.dtype and one.shape == two.shape
            assert one.tobytes() == two.tobytes()
    return got


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("steps", [None, 1, 3])
def test_it_is_play_step_by_step(name: str, steps: int | None) -> None:
    env = simulate(GAMES[name]())
    played = check_same(env, np.random.default_rng(1), 300, steps)
    assert played.ended.all() or steps is not None


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), players=st.integers(1, 4))
def test_it_is_play_step_by_step_on_random_trees(seed: int, players: int) -> None:
    rng = np.random.default_rng(seed)
    game = random_tree(rng, players, depth=5, chance=0.4)
    if len(game.owner):
        check_same(simulate(game), rng, 40)


def test_plays_that_chance_ends_unmoved_count_one_step() -> None:
    game = efg(CHANCE_FIRST)
    play = tree_matches(simulate(game), [[Tabular(behavior_table(game, game.uniform()))] * 2])
    assert play is not None
    seeds = draw_seeds(np.random.default_rng(0), 4_000)
    played = play(np.zeros((4_000, 2), dtype=np.int32), seeds, None)
    unmoved = (played.returns == [8, -8]).all(axis=1)
    assert abs(unmoved.mean() - 0.25) < 0.04 and (played.lengths[unmoved] == 1).all()
    assert played.ended.all()


def test_a_match_is_a_function_of_its_seeds_alone() -> None:
    env, rng = simulate(spiel("leduc_poker")), np.random.default_rng(5)
    cast = [[policy] * 2 for policy in agents(env, rng)]
    play = tree_matches(env, cast)
    assert play is not None
    seating = rng.integers(0, 4, (5_000, 2)).astype(np.int32)
    seeds, acts = draw_seeds(rng, 5_000), draw_seeds(rng, 5_000)
    whole = play(seating, seeds, acts)
    some = rng.permutation(5_000)[:700]
    part = play(seating[some], seeds[some], acts[some])
    assert all((a[some] == b).all() for a, b in zip(whole[:4], part[:4]))


def test_frequencies_follow_the_strategies() -> None:
    game = spiel("leduc_poker")
    rng = np.random.default_rng(8)
    one, two = random_behavior(rng, game), random_behavior(rng, game)
    play = tree_matches(simulate(game), [[Tabular(behavior_table(game, b))] * 2 for b in (one, two)])
    assert play is not None
    count = 400_000
    played = play(np.tile([0, 1], (count, 1)), draw_seeds(rng, count), None)
    mixed = np.where(game.owner[game.infoset_of_slot] == 0, one, two)
    error = played.returns.std(axis=0) / np.sqrt(count)
    assert (np.abs(played.returns.mean(axis=0) - game.values(mixed)) < 5 * error).all()


def test_an_agent_may_play_for_one_seat_only() -> None:
    env = simulate(spiel("kuhn_poker"))
    random = Random(env.spec.groups[0].actions)
    play = tree_matches(env, [[random, None], [None, random]])
    assert play is not None
    assert play(np.array([[0, 1]]), [3], None).ended.all()
    with pytest.raises(InputError, match="agent 1 has no policy for player 0"):
        play(np.array([[0, 1], [1, 1]]), [3, 4], None)


@pytest.mark.parametrize("seating", [[[0, 2]], [[-1, 0]], [[0, 0, 0]], [0, 0], [[0.0, 0.0]]])
def test_wrong_seatings_are_refused(seating: Any) -> None:
    env = simulate(spiel("kuhn_poker"))
    random = Random(env.spec.groups[0].actions)
    play = tree_matches(env, [[random] * 2, [random] * 2])
    assert play is not None
    with pytest.raises(InputError, match="seating"):
        play(np.array(seating), [3], None)


def test_seeds_must_fit_the_seatings() -> None:
    env = simulate(spiel("kuhn_poker"))
    play = tree_matches(env, [[Random(env.spec.groups[0].actions)] * 2])
    assert play is not None
    with pytest.raises(InputError, match="1 seatings for 2 seeds"):
        play(np.array([[0, 0]]), [1, 2], None)
    with pytest.raises(InputError, match="agents' own chance"):
        play(np.array([[0, 0]]), [1], [1, 2])


def test_a_situation_without_a_legal_action_is_told_when_it_is_reached() -> None:
    game = spiel("kuhn_poker")
    table = behavior_table(game, game.uniform())
    second = np.flatnonzero(game.owner == 1)
    table[second] = 0.0
    env = simulate(game)
    play = tree_matches(env, [[Tabular(table)] * 2, [Random(env.spec.groups[0].actions)] * 2])
    assert play is not None
    assert play(np.array([[0, 1]] * 50), draw_seeds(np.random.default_rng(0), 50), None).ended.all()
    with pytest.raises(InputError, match="no legal action in situation"):
        play(np.array([[1, 0]]), [1], None)
    short = tree_matches(env, [[Tabular(table[:2])] * 2])
    assert short is not None
    with pytest.raises(InputError, match="no legal action"):
        short(np.array([[0, 0]] * 9), np.arange(9, dtype=np.uint64), None)


def test_where_it_does_not_apply() -> None:
    from games.env_uris import make_env

    env = simulate(spiel("kuhn_poker"))
    game, wide = env.rules.game, np.ones((13, 3))  # type: ignore[attr-defined]
    table = behavior_table(game, game.uniform())
    unfit = [
        Tabular(wide),
        Tabular(np.stack([table, table])),
        Tabular(np.full_like(table, 1e-200)),
        Tabular(np.full_like(table, 1e300)),
        Random(Box((0.0,), (1.0,))),
    ]
    for policy in unfit:
        assert tree_matches(env, [[policy] * 2]) is None
    other = make_env("zoo:chicken")
    assert tree_matches(other, [[Random(other.spec.groups[0].actions)] * 2]) is None
    assert tree_matches(env, [[None, None]]) is None
