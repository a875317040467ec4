"""Scripted strategies against the Axelrod library, move by move; replies to beliefs against brute force."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from axelrod_moves import (
    CHANCY,
    PLANNER,
    PURE,
    RECORD,
    TURNS,
    chances,
    gap,
    pure_moves,
    recorded_chances,
    situations,
    unpacked,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from games import make_env
from games.env import Step, View
from games.errors import InputError
from games.load import load
from games.normal import NormalFormGame
from games.play import advance, begin, play_episodes
from games.policy import Independent, keep_where
from games.sims.repeated import repeated
from games.strategies import POLICIES, SCRIPTED, BestReply, FictitiousPlay, LevelK, MemoryOne, make_policy
from games.strategies.grudges import ForgetfulGrudger, Relenting, Retaliate, SoftGrudger
from games.strategies.patterns import Cycler, Machine, Password, Prober
from games.strategies.replies import think
from games.strategies.tit_for_tat import AdaptiveTitForTat, GoByMajority, TitsForTats
from games.streams import ACT, Streams

PD = make_env("repeated:prisoners-dilemma?rounds=200")
PAY = np.array([[3.0, 0.0], [5.0, 1.0]])
NOBODY = Streams(np.zeros((0, 0, 4), dtype=np.uint64))


@pytest.fixture(scope="module")
def record() -> Any:
    return json.loads(RECORD.read_text(encoding="utf-8"))


def look(own: Any, other: Any) -> View:
    """What agents [B, n] see after these moves; None before the first round."""
    batch = np.shape(own) if own is not None else (1, 1)
    seen = np.zeros((*batch, 4), dtype=np.float32)
    reward = np.zeros(batch)
    if own is not None:
        own, other = np.asarray(own, dtype=int), np.asarray(other, dtype=int)
        seen = np.concatenate([np.eye(2)[own], np.eye(2)[other]], axis=-1).astype(np.float32)
        reward = PAY[own, other]
    return View(seen, np.ones((*batch, 2), bool), reward, np.ones(batch, bool), np.ones(batch, bool))


def follow(policy: Any, slips: np.ndarray, moves: np.ndarray, *, planned: bool = False) -> np.ndarray:
    """Chance of defecting float[B, TURNS] of a policy in situations in which its moves follow, slips apart."""
    count, turns = moves.shape
    memory, told = policy.start(count, 1), []
    own: Any = None
    for t in range(turns):
        view = look(own, moves[:, t - 1 : t]) if t else look(None, None).where(np.zeros(count, dtype=int))
        if planned:
            actions, memory = policy.sample(view, memory, FixedGap(t, count))
            told.append(actions[:, 0].astype(float))
        else:
            probs, memory = policy.probs(view, memory)
            told.append(probs[:, 0, 1])
        own = ((told[-1] > 0) != slips[:, t])[:, None]
    return np.stack(told, axis=1)


class FixedGap(Streams):
    """Streams whose uniform numbers say when the planner defects next."""

    def __init__(self, time: int, count: int) -> None:
        self.numbers = np.full((count, 1), (gap(time) - 5 + 0.5) / 10)

    def uniform(self, count: int | None = None) -> np.ndarray:
        return self.numbers


class Lineup:
    """Plays every pair of policies at once: sub-environment k has policies first[k] and second[k]."""

    def __init__(self, policies: list[Any], pairs: list[tuple[int, int]]) -> None:
        self.policies = policies
        self.places = [
            [(np.flatnonzero(np.array(pairs)[:, seat] == k), seat) for seat in (0, 1)]
            for k in range(len(policies))
        ]

    def start(self, batch: int) -> list[Any]:
        return [
            [policy.start(len(where), 1) for where, _ in places]
            for policy, places in zip(self.policies, self.places)
        ]

    def sample(self, step: Step, memory: list[Any], streams: Streams) -> tuple[tuple[np.ndarray, ...], Any]:
        actions, after = np.full((step.batch, 2), -1), []
        for policy, places, own in zip(self.policies, self.places, memory):
            parts = []
            for (where, seat), kept in zip(places, own):
                view = step.groups[0].where(where).agents([seat])
                drawn, kept = policy.sample(view, kept, Streams(streams.state[where, seat : seat + 1]))
                actions[where, seat] = drawn[:, 0]
                parts.append(kept)
            after.append(parts)
        return (actions,), after


# --- against the Axelrod library ---------------------------------------------------------------------------


def test_record_says_how_it_was_made(record: Any) -> None:
    assert RECORD.stat().st_size < 60_000
    assert record["turns"] == TURNS and record["versions"]["axelrod"].startswith("4.")
    assert len(PURE) >= 55 and set(record["moves"]) == set(PURE) and set(record["chances"]) == set(CHANCY)


@pytest.mark.parametrize("name", PURE)
def test_moves_in_noise_are_those_recorded(record: Any, name: str) -> None:
    slips, moves = (unpacked(record[key], (6, TURNS)) for key in ("slips", "opponent"))
    ours = follow(make_policy(name, PD.spec), slips, moves)
    assert np.argwhere(ours != unpacked(record["moves"][name], (6, TURNS))).tolist() == []


@pytest.mark.parametrize("name", CHANCY)
def test_chances_are_those_recorded(record: Any, name: str) -> None:
    slips, moves = (unpacked(record[key], (6, TURNS))[:3] for key in ("slips", "opponent"))
    ours = follow(make_policy(name, PD.spec), slips, moves)
    theirs = recorded_chances(record["chances"][name], 3)
    # they draw a 53-bit number and bisect 50 times; values are written with ten digits
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-10)
    assert ((theirs > 0) & (theirs < 1)).any()


def test_planner_moves_as_recorded(record: Any) -> None:
    slips, moves = (unpacked(record[key], (6, TURNS)) for key in ("slips", "opponent"))
    ours = follow(make_policy("graaskamp", PD.spec), slips, moves, planned=True)
    assert (ours == unpacked(record["planner"], (6, TURNS))).all()


def test_every_pair_of_deterministic_strategies_plays_as_recorded(record: Any) -> None:
    names = list(PURE)
    pairs = [(i, j) for i in range(len(names)) for j in range(i, len(names))]
    theirs = unpacked(record["matches"], (len(pairs), TURNS, 2))
    lineup = Lineup([make_policy(name, PD.spec) for name in names], pairs)
    play = begin(PD, lineup, np.arange(len(pairs), dtype=np.uint64))
    streams = play.streams.state.copy()
    totals = np.zeros((len(pairs), 2))
    for t in range(TURNS):
        done = advance(PD, lineup, play)
        wrong = np.flatnonzero((done.actions[0] != theirs[:, t]).any(axis=1))
        assert not len(wrong), f"{names[pairs[wrong[0]][0]]} and {names[pairs[wrong[0]][1]]} in round {t + 1}"
        totals += done.after.rewards
    assert play.step.last.all() and (play.step.discount == 0).all()
    assert (play.streams.state == streams).all(), "a deterministic strategy has drawn"
    own, other = theirs.astype(int)[..., 0], theirs.astype(int)[..., 1]
    assert (totals == np.stack([PAY[own, other].sum(1), PAY[other, own].sum(1)], axis=1)).all()


def test_moves_are_those_of_the_library_itself() -> None:
    pytest.importorskip("axelrod", reason="the Axelrod library comes with the peers extra")
    slips, moves = situations(2, 12)
    for ours, theirs in {**PURE, PLANNER[0]: PLANNER[1]}.items():
        played = follow(make_policy(ours, PD.spec), slips, moves, planned=ours == PLANNER[0])
        assert (played == pure_moves(theirs, slips, moves)).all(), ours
    for ours, theirs in CHANCY.items():
        told = follow(make_policy(ours, PD.spec), slips[:2], moves[:2])
        np.testing.assert_allclose(
            told, chances(theirs, slips[:2], moves[:2]), rtol=0, atol=1e-10, err_msg=ours
        )


# --- as policies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in SCRIPTED if name != "graaskamp"])
def test_samples_follow_the_stated_chances(name: str) -> None:
    """Moves in 4,000 copies of one history; Hoeffding's bound with false alarms below 1e-9 per round, 3e-7 in all."""
    copies, bound = 4000, math.sqrt(math.log(2e9) / 2 / 4000)
    policy = make_policy(name, PD.spec)
    streams = Streams.from_seeds(np.arange(copies, dtype=np.uint64), ACT)
    slips, moves = situations(5, 3)
    told = follow(policy, slips[2:3], moves[2:3])
    memory, own = policy.start(copies, 1), None
    for t in range(60):
        shape = (copies, 1)
        seen = look(np.broadcast_to(own, shape), np.broadcast_to(moves[2, t - 1], shape)) if t else None
        seen = seen or look(None, None).where(np.zeros(copies, dtype=int))
        actions, memory = policy.sample(seen, memory, streams)
        assert abs(actions.mean() - told[0, t]) <= (bound if 0 < told[0, t] < 1 else 0)
        own = (told[0, t] > 0) != slips[2, t]


def test_planner_draws_gaps_from_5_to_14_evenly() -> None:
    """Defections against an alternator after round 56; a count off by 5 standard errors in 1 of 2e6 runs per gap."""
    policy, copies = make_policy("graaskamp", PD.spec), 3000
    streams = Streams.from_seeds(np.arange(copies, dtype=np.uint64), ACT)
    memory, own, moves = policy.start(copies, 1), np.zeros((copies, 1), int), []
    for t in range(120):
        other = np.full((copies, 1), int(t % 4 == 1))
        view = look(own, other) if t else look(None, None).where(np.zeros(copies, dtype=int))
        own, memory = policy.sample(view, memory, streams)
        moves.append(own[:, 0])
    late = np.stack(moves, axis=1)[:, 56:]
    assert late.any()
    gaps = late.argmax(axis=1)
    counts = np.bincount(gaps, minlength=15)
    assert counts[:5].sum() == 0 and counts.sum() == copies and (counts[5:15] > 0).all()
    assert np.abs(counts[5:15] - copies / 10).max() < 5 * math.sqrt(copies * 0.09)


@pytest.mark.parametrize("name", POLICIES)
def test_policies_play_any_seat_and_forget_on_restart(name: str) -> None:
    env = make_env("repeated:prisoners-dilemma?rounds=7&noise=0.2&memory=2")
    one, two = env.spec.agents
    both = Independent(env.spec, make_policy(name, env.spec))
    apart = Independent(env.spec, {a: make_policy(name, env.spec, a) for a in (one, two)})
    seeds = np.arange(9, dtype=np.uint64)
    first, second = (play_episodes(env, team, seeds, batch=4) for team in (both, apart))
    assert (first.returns == second.returns).all() and (first.lengths == 7).all()
    play = begin(env, both, seeds)
    for _ in range(7):
        advance(env, both, play)
    where = np.arange(9) % 2 == 0
    fresh, old = both.start(9), play.memory
    kept = keep_where(old, fresh, where)
    parts = [(k, f, o) for k, f, o in zip(_arrays(kept), _arrays(fresh), _arrays(old))]
    assert all((k[where] == f[where]).all() and (k[~where] == o[~where]).all() for k, f, o in parts)


def _arrays(memory: Any) -> list[np.ndarray]:
    if memory is None:
        return []
    return [memory] if isinstance(memory, np.ndarray) else [a for part in memory for a in _arrays(part)]


def test_memory_is_replaced_and_never_changed_in_place() -> None:
    for name in POLICIES:
        policy = make_policy(name, PD.spec, "Player 1")
        streams = Streams.from_seeds(np.arange(3, dtype=np.uint64), ACT)
        memory = policy.start(3, 1)
        for own, other in ((None, None), (0, 1), (1, 1), (1, 0)):
            view = look(None, None) if own is None else look([[own]], [[other]])
            before = [a.copy() for a in _arrays(memory)]
            _, after = policy.sample(view.where([0, 0, 0]), memory, streams)
            assert all((a == b).all() for a, b in zip(before, _arrays(memory))), name
            memory = after


def test_a_strategy_is_a_table_of_its_own_probabilities() -> None:
    policy = MemoryOne(0.25, (1, 0.5, 0, 0.75))
    probs, _ = policy.probs(look([[0, 0, 1, 1]], [[0, 1, 0, 1]]))
    assert probs[0, :, 0].tolist() == [1, 0.5, 0, 0.75] == policy.table[1:, 0].tolist()
    assert policy.probs(look(None, None))[0][0, 0].tolist() == [0.25, 0.75]


@pytest.mark.parametrize(
    "make, told",
    [
        (lambda: MemoryOne(1, (1, 0, 1)), "4 probabilities"),
        (lambda: MemoryOne(1.5, (1, 0, 1, 0)), "probability from 0 to 1, not 1.5"),
        (lambda: MemoryOne(float("nan"), (1, 0, 1, 0)), "probability from 0 to 1"),
        (lambda: GoByMajority(window=65), "at most 64"),
        (lambda: Prober("DXC", {}, "C"), "written C and D"),
        (lambda: Password("DC", {}, "C", "E"), "written C and D, not 'E'"),
        (lambda: Cycler(""), "written C and D"),
        (lambda: Machine("two", "C0", ["C0 D2", "C0 D1"]), "begins with a move and a state"),
        (lambda: Machine("none", "C0", []), "begins with a move and a state"),
        (lambda: Machine("short", "C0", ["C0"]), "begins with a move and a state"),
        (lambda: Relenting("X"), "C or D, not 'X'"),
        (lambda: ForgetfulGrudger(0), "at least 1 round, not 0"),
        (lambda: SoftGrudger(2, -1), "at least 0 rounds, not -1"),
        (lambda: Retaliate(-0.1), "at least 0, not -0.1"),
        (lambda: TitsForTats(-1), "counted from 0"),
        (lambda: AdaptiveTitForTat(1.5), "probability from 0 to 1, not 1.5"),
        (lambda: make_policy("tit-for-tatt", PD.spec), "did you mean tit-for-tat"),
        (
            lambda: make_policy("gradual", make_env("repeated:public-goods").spec),
            "two players with two actions",
        ),
        (lambda: make_policy("grudger", make_env("repeated:rock-paper-scissors").spec), "two actions each"),
        (lambda: make_policy("level-1", make_env("zoo:chicken").spec), "not a repeated normal-form game"),
        (lambda: make_policy("level-1", PD.spec, "Player 3"), "no agent 'Player 3'"),
        (lambda: make_policy("zd-set-2", make_env("repeated:chicken").spec), "no memory-one player enforces"),
        (lambda: LevelK(load("zoo:chicken"), level=-1), "level of thinking"),
        (lambda: LevelK(load("zoo:chicken"), mean=0.0), "mean number of thinking steps"),
        (lambda: FictitiousPlay(load("zoo:chicken"), weight=-1), "imagined rounds"),
        (lambda: BestReply(load("zoo:chicken"), seats=(2,)), "numbers from 0 to 1"),
        (lambda: BestReply(load("zoo:chicken")).start(4, 1), "say which seats"),
        (lambda: make_policy("gradual", PD.spec).sample(wide(), (), NOBODY), "two players with two actions"),
        (lambda: MemoryOne(1, (1, 0, 1, 0)).sample(wide(), None, NOBODY), "two players with two actions"),
        (lambda: BestReply(load("zoo:chicken"), (0,)).sample(wide(), None, NOBODY), "multiple of 4"),
    ],
)
def test_bad_input_is_refused(make: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        make()


def wide() -> View:
    return look([[0]], [[1]])._replace(
        observation=np.zeros((1, 1, 6), np.float32), mask=np.ones((1, 1, 3), bool)
    )


# --- replies to beliefs ------------------------------------------------------------------------------------


def test_fictitious_play_of_rock_paper_scissors_finds_the_equilibrium() -> None:
    env = make_env("repeated:rock-paper-scissors?rounds=20000")
    counts = np.zeros((2, 3))
    weights = {a: FictitiousPlay(env.spec.game, (i,), weight=i + 1.0) for i, a in enumerate(env.spec.agents)}
    play = begin(env, team := Independent(env.spec, weights), [1])
    for _ in range(20000):
        done = advance(env, team, play)
        counts[[0, 1], done.actions[0][0]] += 1
    assert np.abs(counts / 20000 - 1 / 3).max() < 0.02


def brute_reply(game: NormalFormGame, seat: int, beliefs: list[np.ndarray]) -> int:
    best, chosen = -math.inf, -1
    others = [j for j in range(len(game.shape)) if j != seat]
    for own in range(game.shape[seat]):
        value = 0.0
        for joint in np.ndindex(*(game.shape[j] for j in others)):
            cell = list(joint)
            cell.insert(seat, own)
            value += game.payoffs[(seat, *cell)] * math.prod(b[a] for b, a in zip(beliefs, joint))
        if value > best + 1e-9:
            best, chosen = value, own
    return chosen


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 3), min_size=1, max_size=3), st.booleans())
def test_replies_are_best(seed: int, shape: list[int], last_only: bool) -> None:
    rng = np.random.default_rng(seed)
    game = NormalFormGame(rng.integers(-9, 10, size=(len(shape), *shape)).astype(float))
    env = repeated(game, rounds=6)
    policy = BestReply(game) if last_only else FictitiousPlay(game)
    memory, history = policy.start(1, len(shape)), []
    world, step = env.reset(np.array([1], dtype=np.uint64))
    for _ in range(6):
        replies, memory = policy.sample(step.groups[0], memory, NOBODY)
        past = history[-1:] if last_only else history
        for seat in range(len(shape)):
            others = [j for j in range(len(shape)) if j != seat]
            beliefs = [
                np.bincount([h[j] for h in past], minlength=shape[j]) / len(past)
                if past
                else np.full(shape[j], 1 / shape[j])
                for j in others
            ]
            assert replies[0, seat] == brute_reply(game, seat, beliefs)
        history.append([int(rng.integers(count)) for count in shape])
        world, step = env.step(world, (np.array([history[-1]]),))


def test_levels_of_the_travelers_dilemma_undercut_each_other() -> None:
    game = load("zoo:travelers-dilemma")
    levels = think(game, 12)
    claims = [[int(block.argmax()) for block in game.blocks(level)] for level in levels[1:]]
    assert (np.diff(claims, axis=0) == -1).all() and claims[0] == [94, 94]
    deviations = game.blocks(game.deviation_payoffs(levels[3]))
    chosen = game.blocks(levels[4])
    assert all(d[c > 0].min() >= d.max() - 1e-9 for d, c in zip(deviations, chosen))


def test_cognitive_hierarchy_mixes_lower_levels() -> None:
    game = load("zoo:beauty-contest")
    mean, levels = 1.5, think(game, 3, 1.5)
    weights = np.array([1.0, mean, mean**2 / 2])
    belief = weights @ levels[:3] / weights.sum()
    for d, c in zip(game.blocks(game.deviation_payoffs(belief)), game.blocks(levels[3])):
        assert d[c > 0].min() >= d.max() - 1e-9 and c.sum() == pytest.approx(1)
    assert (think(game, 1, 1.5)[1] == think(game, 1)[1]).all()


def test_level_0_plays_every_legal_action() -> None:
    game = NormalFormGame(np.zeros((2, 2, 3)))
    env, policy = repeated(game, rounds=400), LevelK(game, level=0)
    seen = [set(), set()]
    play_episodes(
        env,
        Independent(env.spec, policy),
        [3],
        watch=lambda world, step, actions: actions and [s.add(int(a)) for s, a in zip(seen, actions[0][0])],
    )
    assert seen == [{0, 1}, {0, 1, 2}]
