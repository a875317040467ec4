"""Whole matches of strategies in one loop: the same as step by step, bit for bit, and as the Axelrod library plays them."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import numpy as np
import pytest
from axelrod_moves import PURE, RECORD, TURNS, unpacked

from experiments.bench.tournament_axelrod import DETERMINISTIC, AxelrodRoundRobin, OurRoundRobin
from games import make_env
from games.assigned import Assigned, play_assigned
from games.env import Env, View
from games.errors import InputError
from games.load import load
from games.normal import NormalFormGame
from games.play import Episodes, play_episodes
from games.policy import Independent, Random, Tabular
from games.sims.matches import play_matches
from games.sims.repeated import repeated
from games.sims.strategy_matches import strategy_matches
from games.strategies import SCRIPTED, BestReply, MemoryOne, make_policy
from games.strategies.patterns import Machine
from games.strategies.programs import program
from games.strategies.tit_for_tat import Gradual, Grudger
from games.streams import Streams
from games.whole_matches import whole_matches

DILEMMA = np.array([[3.0, 0.0], [5.0, 1.0]])


def everybody(env: Env) -> list[list[Any]]:
    """Every strategy that this game allows, in both seats, and players by tables where they can play."""
    cast: list[list[Any]] = []
    for name in SCRIPTED:
        with contextlib.suppress(InputError):  # some zero-determinant strategies exist in some games only
            cast.append([make_policy(name, env.spec, agent) for agent in env.spec.agents])
    cast.append([Random(env.spec.groups[0].actions)] * 2)
    if env.spec.groups[0].rows == 5:
        tables = (
            np.random.default_rng(4).random((5, 2)),
            np.eye(2)[[0, 1, 1, 0, 1]],
            [[0, 0.3], [7, 0], [0.5, 0.5], [1e-9, 3], [0.1, 0.2]],
        )
        cast += [[Tabular(table), Tabular(np.array(table)[None])] for table in tables]
    return cast


def all_pairs(agents: int) -> np.ndarray:
    return np.stack(np.divmod(np.arange(agents**2), agents), axis=1).astype(np.int32)


def drawn(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64)


def same(ours: Episodes, theirs: Episodes) -> bool:
    """Whether two results are the same, bit for bit, and of the same types."""
    return all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(ours[:4], theirs[:4]))


@pytest.mark.parametrize(
    "uri, max_steps",
    [
        ("repeated:prisoners-dilemma?rounds=120", None),
        ("repeated:prisoners-dilemma?rounds=120", 9),
        ("repeated:prisoners-dilemma?rounds=100&noise=0.1", None),
        ("repeated:chicken?rounds=80&continuation=0.96&noise=0.05&memory=2", None),
        ("repeated:battle-of-the-sexes?rounds=40&continuation=0.9", 20),
        ("repeated:matching-pennies?rounds=20&noise=1&continuation=1", None),
        ("repeated:stag-hunt?rounds=20&continuation=0", None),
    ],
)
def test_every_pair_plays_as_step_by_step(uri: str, max_steps: int | None) -> None:
    env = make_env(uri)
    cast = everybody(env)
    seating = np.tile(all_pairs(len(cast)), (2, 1))
    seeds, acts = drawn(len(seating), 1), drawn(len(seating), 2)
    play = strategy_matches(env, cast, max_steps)
    assert play is not None and len(cast) > 90
    team = Assigned(env.spec, cast, seating)
    slow = play_episodes(env, team, seeds, acts, batch=len(seeds), max_steps=max_steps)
    assert same(play(seating, seeds, acts), slow)
    assert same(play(seating[:50], seeds[:50], None), play(seating[:50], seeds[:50], seeds[:50]))


def test_payoffs_are_added_in_the_order_of_rounds() -> None:
    game = NormalFormGame(
        np.random.default_rng(3).normal(size=(2, 2, 2)) * 10.0 ** np.array([7, -7])[:, None]
    )
    env = repeated(game, rounds=90, noise=0.3)
    cast = everybody(env)
    seating, seeds = all_pairs(len(cast)), drawn(len(cast) ** 2, 5)
    slow = play_episodes(env, Assigned(env.spec, cast, seating), seeds, batch=len(seeds))
    play = strategy_matches(env, cast)
    assert play is not None and same(play(seating, seeds, None), slow)


def test_scores_are_those_of_the_axelrod_library() -> None:
    told = json.loads(RECORD.read_text(encoding="utf-8"))
    pairs = np.stack(np.triu_indices(len(PURE)), axis=1)
    moves = unpacked(told["matches"], (len(pairs), TURNS, 2)).astype(int)
    own, other = moves[..., 0], moves[..., 1]
    scores = np.stack([DILEMMA[own, other].sum(axis=1), DILEMMA[other, own].sum(axis=1)], axis=1)
    env = make_env(f"repeated:prisoners-dilemma?rounds={TURNS}")
    cast = [[make_policy(name, env.spec)] * 2 for name in PURE]
    played = play_assigned(env, cast, pairs, np.arange(len(pairs)))
    assert (played.returns == scores).all() and played.ended.all() and (played.lengths == TURNS).all()
    swapped = play_assigned(env, cast, pairs[:, ::-1], np.arange(len(pairs)))
    assert (swapped.returns == scores[:, ::-1]).all()


def test_a_match_is_a_function_of_its_seeds_and_players() -> None:
    env = make_env("repeated:prisoners-dilemma?rounds=50&noise=0.02&continuation=0.97")
    cast = everybody(env)
    seating, seeds, acts = all_pairs(len(cast)), drawn(len(cast) ** 2, 6), drawn(len(cast) ** 2, 7)
    play = strategy_matches(env, cast)
    assert play is not None
    whole, order = play(seating, seeds, acts), np.random.default_rng(0).permutation(len(seeds))[:300]
    some = play(seating[order], seeds[order], acts[order])
    assert same(some, Episodes(*(column[order] for column in whole[:4])))
    other = play(seating, seeds, acts + np.uint64(1))
    draws = np.array([program(seats[0]).draws for seats in cast])[seating].any(axis=1)  # type: ignore[union-attr]
    changed = (other.returns != whole.returns).any(axis=1)
    assert not changed[~draws].any() and changed[draws].mean() > 0.3  # what they draw is all that has changed


@pytest.mark.parametrize("shape", [(2, 3), (3, 3), (4, 1), (1, 2)])
@pytest.mark.parametrize("chance", [{}, {"noise": 0.2, "continuation": 0.9}, {"continuation": 1.0}])
def test_tables_of_larger_games_play_as_step_by_step(shape: tuple[int, int], chance: dict[str, Any]) -> None:
    rng = np.random.default_rng(8)
    env = repeated(NormalFormGame(rng.normal(size=(2, *shape))), rounds=30, **chance)
    rows, width = env.spec.groups[0].rows, max(shape)
    tables = [np.where(rng.random((rows, width)) < 0.3, 0, rng.random((rows, width))) for _ in range(4)]
    tables[3] = np.eye(width)[rng.integers(min(shape), size=rows)]
    cast = [[Tabular(table + 1e-3 * (np.arange(width) == 0))] * 2 for table in tables]
    seating = np.tile(all_pairs(4), (5, 1))
    seeds, acts = drawn(80, 9), drawn(80, 10)
    for max_steps in (None, 7):
        play = strategy_matches(env, cast, max_steps)
        assert play is not None
        team = Assigned(env.spec, cast, seating)
        slow = play_episodes(env, team, seeds, acts, max_steps=max_steps)
        assert same(play(seating, seeds, acts), slow)


@pytest.mark.parametrize("chance", [{}, {"noise": 0.1}, {"continuation": 0.9}])
def test_matches_of_two_tables_take_the_players_own_seeds(chance: dict[str, Any]) -> None:
    game, rng = load("zoo:prisoners-dilemma"), np.random.default_rng(11)
    assert isinstance(game, NormalFormGame)
    tables, seeds, acts = rng.random((2, 5, 2)), drawn(30, 12), drawn(30, 13)
    env = repeated(game, rounds=25, **chance)
    team = Independent(env.spec, dict(zip(env.spec.agents, map(Tabular, tables))))
    slow = play_episodes(env, team, seeds, acts)
    fast = play_matches(game, *tables, seeds=seeds, acts=acts, rounds=25, **chance)
    assert (fast.scores == slow.returns).all() and (fast.lengths == slow.lengths).all()
    with pytest.raises(InputError, match="29 seeds of the agents' own chance for 30"):
        play_matches(game, *tables, seeds=seeds, acts=acts[:29], rounds=25, **chance)


class Odd(Gradual):
    """Plays as it likes."""

    def sample(self, view: View, memory: Any, streams: Streams) -> Any:
        """Always the second action."""
        return np.ones(view.mask.shape[:2], dtype=np.int32), memory


def test_there_is_no_loop_for_others() -> None:
    plain = make_env("repeated:prisoners-dilemma?rounds=9")
    long = make_env("repeated:prisoners-dilemma?rounds=9&memory=2")
    three = make_env("repeated:public-goods?rounds=9")
    fine = [MemoryOne(1, (1, 0, 1, 0))] * 2
    assert whole_matches(plain, [fine, [None, fine[0]]], None) is not None
    even, dead = (
        Tabular(np.full((21, 2), 0.5)),
        Tabular(np.eye(2)[[0, 0, 0, 1, 1]] * [[1], [1], [1], [1], [0]]),
    )
    assert strategy_matches(long, [fine, [even] * 2]) is None
    assert strategy_matches(plain, [fine, [even] * 2]) is not None
    assert strategy_matches(plain, [[dead] * 2]) is None, "play refuses a row without a legal action"
    assert strategy_matches(plain, [[Tabular(np.full((2, 5, 2), 0.5))] * 2]) is None
    assert strategy_matches(plain, [[Tabular(np.full((4, 2), 0.5))] * 2]) is None
    assert strategy_matches(plain, [[BestReply(plain.spec.game)] * 2]) is None  # type: ignore[attr-defined]
    assert strategy_matches(plain, [[Odd()] * 2, fine]) is None
    assert strategy_matches(three, [[even] * 3]) is None
    assert strategy_matches(make_env("zoo:chicken"), [fine]) is None
    assert strategy_matches(plain, [[None, None]]) is None
    roshambo = make_env("repeated:rock-paper-scissors?rounds=9")
    assert strategy_matches(roshambo, [[Random(roshambo.spec.groups[0].actions)] * 2]) is None
    crew: list[list[Any]] = [[Odd()] * 2, fine]
    odd = play_assigned(plain, crew, [[0, 1]], [1])
    assert odd.returns.tolist() == [[5.0 + 8, 0.0 + 8]]


def test_bad_seatings_are_refused() -> None:
    env = make_env("repeated:prisoners-dilemma?rounds=9")
    play = strategy_matches(env, [[Grudger(), None], [None, Grudger()]])
    assert play is not None
    assert play(np.array([[0, 1]]), [3], None).returns.tolist() == [[27.0, 27.0]]
    for seating, told in (
        ([[0, 2]], "agents from 0 to 1"),
        ([[0, -1]], "agents from 0 to 1"),
        ([[1, 1]], "agent 1 has no policy for seat 0"),
        ([0, 1], "int32.matches, 2."),
        ([[0.0, 1.0]], "one agent per seat"),
        ([[0, 1], [0, 1]], "2 seatings for 1 seeds"),
    ):
        with pytest.raises(InputError, match=told):
            play(np.array(seating), [3], None)


def test_an_automaton_is_what_its_states_say() -> None:
    env = make_env("repeated:prisoners-dilemma?rounds=40&noise=0.2")
    pairs: list[list[Any]] = [
        [Machine("tit for tat", "C0", ["C0 D0"])] * 2,
        [make_policy("tit-for-tat", env.spec)] * 2,
    ]
    seeds = drawn(20, 14)
    one, two = (play_assigned(env, pairs, np.full((20, 2), k), seeds) for k in (0, 1))
    assert same(one, two)


def test_the_round_robin_of_the_bench_adds_up() -> None:
    names = ["cooperator", "defector", "tit-for-tat", "gradual", "prober-4", "adaptive"]
    scores = OurRoundRobin(names, 3, 50).play()
    env = make_env("repeated:prisoners-dilemma?rounds=50")
    one, two = env.spec.agents
    for i, own in enumerate(names):
        total = 0.0
        for j, other in enumerate(names):
            team = Independent(env.spec, {one: make_policy(own, env.spec), two: make_policy(other, env.spec)})
            score = play_episodes(env, team, [1]).returns[0, 0]
            assert scores.pairs[i, j] == 3 * score
            total += score * (i != j)
        assert (scores.totals[:, i] == total).all()


def test_the_round_robin_scores_as_the_library_does() -> None:
    pytest.importorskip("axelrod", reason="the Axelrod library comes with the peers extra")
    names = list(DETERMINISTIC)[::6]
    ours, theirs = OurRoundRobin(names, 2, 60).play(), AxelrodRoundRobin(names, 2, 60)
    told = theirs.scores(theirs.play())
    assert (ours.totals == told.totals).all() and (ours.pairs == told.pairs).all()
    theirs.only_play()
