"""Repeated games: laws, closed forms, Markov chains, and whole matches in one loop."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games import make_env
from games.errors import InputError
from games.laws import LAWS, check_env
from games.load import load
from games.normal import NormalFormGame
from games.play import advance, begin, play_episodes, rollout
from games.policy import Independent, Tabular, random_policy
from games.sims import matches
from games.sims.match_kernels import find_thresholds
from games.sims.matches import play_matches
from games.sims.repeated import EXAMPLES, RepeatedSpec, history_starts, make, repeated
from games.strategies import MemoryOne, linear_relation, make_policy
from games.streams import ACT, Streams

PD = load("zoo:prisoners-dilemma")
DATA = Path(__file__).parent / "data"
TFT, ALLD = MemoryOne(1, (1, 0, 1, 0)), MemoryOne(0, (0, 0, 0, 0))


def seeds(count: int, start: int = 0) -> np.ndarray:
    return np.arange(start, start + count, dtype=np.uint64)


def team(env: Any, *policies: Any) -> Independent:
    return Independent(env.spec, dict(zip(env.spec.agents, policies)))


def random_game(rng: np.random.Generator, shape: tuple[int, ...]) -> NormalFormGame:
    return NormalFormGame(rng.normal(size=(len(shape), *shape)))


# --- laws --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        *EXAMPLES,
        "repeated:rock-paper-scissors?rounds=9&memory=3&noise=0.5",
        "repeated:prisoners-dilemma?rounds=30&memory=40",
        "repeated:battle-of-the-sexes?rounds=25&continuation=0",
        "repeated:travelers-dilemma?rounds=5&continuation=1&noise=1",
    ],
)
def test_laws_hold(uri: str) -> None:
    assert len(check_env(make_env(uri), steps=40)) == len(LAWS)


def test_laws_hold_for_padded_and_lonely_players() -> None:
    rng = np.random.default_rng(0)
    for shape in ((2, 3), (1, 4, 2), (3,), (1, 1)):
        check_env(repeated(random_game(rng, shape), rounds=5, memory=2, noise=0.3, name="padded"), steps=12)
    common = repeated(NormalFormGame.common_payoff(rng.normal(size=(2, 3))), rounds=4, name="common")
    assert common.spec.common_reward and not make_env("repeated:chicken").spec.common_reward
    check_env(common, steps=12)


# --- what is seen ------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.integers(1, 3),
)
def test_views_are_the_last_joint_actions_from_every_seat(seed: int, shape: list[int], memory: int) -> None:
    rng = np.random.default_rng(seed)
    game = random_game(rng, tuple(shape))
    env, players, width = repeated(game, rounds=6, memory=memory), len(shape), max(shape)
    world, step = env.reset(seeds(2))
    history: list[np.ndarray] = []
    for t in range(6):
        view = step.groups[0]
        for b, i in itertools.product(range(2), range(players)):
            order = [i, *(j for j in range(players) if j != i)]
            seen = np.zeros((memory, players, width))
            row, code = sum(math.prod(shape) ** k for k in range(min(t, memory))), 0
            for m, joint in enumerate(history[::-1][:memory]):
                for place, j in enumerate(order):
                    seen[m, place, joint[b, j]] = 1
                cell = np.ravel_multi_index([joint[b, j] for j in order], [shape[j] for j in order])
                code = code * math.prod(shape) + int(cell)
            assert (view.observation[b, i] == seen.ravel()).all()
            assert view.row is not None and view.row[b, i] == row + code < env.spec.groups[0].rows
            assert view.mask[b, i].tolist() == [a < shape[i] for a in range(width)]
            if i == 0:
                assert (step.state[b, :-1] == seen.ravel()).all()
        assert (step.state[:, -1] == np.float32(t / 6)).all()
        joint = np.stack([rng.integers(count, size=2) for count in shape], axis=1)
        world, step = env.step(world, (joint,))
        history.append(joint)
        paid = game.payoffs[(slice(None), *joint.T)].T
        assert (step.rewards == paid).all()
    assert step.last.all() and (step.discount == 0).all()


def test_rows_of_the_dilemma_are_start_cc_cd_dc_dd() -> None:
    env = repeated(PD, rounds=9)
    world, step = env.reset(seeds(1))
    rows = [step.groups[0].row[0].tolist()]
    for joint in ([0, 0], [0, 1], [1, 0], [1, 1]):
        world, step = env.step(world, (np.array([joint]),))
        rows.append(step.groups[0].row[0].tolist())
    assert rows == [[0, 0], [1, 1], [2, 3], [3, 2], [4, 4]]
    assert history_starts((2, 2), 2) == [0, 1, 5, 21] and history_starts((2, 2), 16) == []


def test_situations_too_many_for_int32_are_not_listed() -> None:
    env = repeated(PD, memory=16)
    assert env.spec.groups[0].rows == 0 and env.reset(seeds(1))[1].groups[0].row is None
    assert repeated(PD, memory=15).spec.groups[0].rows == (4**16 - 1) // 3
    with pytest.raises(InputError, match=r"lists its situations"):
        play_episodes(env, Independent(env.spec, Tabular(np.ones((5, 2)))), seeds(1))


# --- length and noise --------------------------------------------------------------------------------------


def test_fixed_length_ends_and_random_length_is_cut_off() -> None:
    fixed = play_episodes(env := repeated(PD, rounds=7), random_policy(env.spec), seeds(20))
    assert (fixed.lengths == 7).all() and fixed.ended.all()
    cut = play_episodes(env := repeated(PD, rounds=7, continuation=1.0), random_policy(env.spec), seeds(20))
    assert (cut.lengths == 7).all() and not cut.ended.any()
    once = play_episodes(env := repeated(PD, rounds=7, continuation=0.0), random_policy(env.spec), seeds(20))
    assert (once.lengths == 1).all() and once.ended.all()


def test_random_lengths_are_geometric() -> None:
    """Counts of each length off by 5 standard errors: about 6e-7 per length, fewer than 2e-5 in all."""
    rounds, played, go_on = 12, 20_000, 0.8
    lengths = play_matches(
        PD, TFT.table, TFT.table, seeds=seeds(played), rounds=rounds, continuation=go_on
    ).lengths
    chances = [(1 - go_on) * go_on ** (k - 1) for k in range(1, rounds)] + [go_on ** (rounds - 1)]
    counts = np.bincount(lengths, minlength=rounds + 1)[1:]
    for count, p in zip(counts, chances):
        assert abs(count - played * p) < 5 * math.sqrt(played * p * (1 - p))


def test_noise_replaces_actions_evenly_and_independently() -> None:
    """Everyone intends action 0 of 4; joint counts within 5 standard errors of the product."""
    noise, batch = 0.3, 40_000
    env = repeated(NormalFormGame(np.zeros((2, 4, 4))), rounds=1, noise=noise)
    world, step = env.reset(seeds(batch))
    world, step = env.step(world, (np.zeros((batch, 2), int),))
    played = step.groups[0].observation.reshape(batch, 2, 2, 4)[:, 0].argmax(axis=-1)
    counts = np.zeros((4, 4))
    np.add.at(counts, tuple(played.T), 1)
    alone = np.array([1 - noise, *[noise / 3] * 3])
    p = np.outer(alone, alone)
    assert (np.abs(counts - batch * p) < 5 * np.sqrt(batch * p * (1 - p))).all()
    assert (step.rewards == 0).all()


def test_certain_noise_always_flips_and_no_noise_never() -> None:
    for noise, flipped in ((0.0, 0), (1.0, 1)):
        env = repeated(PD, rounds=3, noise=noise)
        world, step = env.reset(seeds(50))
        for _ in range(3):
            world, step = env.step(world, (np.zeros((50, 2), int),))
            assert (step.groups[0].observation[..., flipped] == 1).all()
            assert (step.rewards == PD.payoffs[0, flipped, flipped]).all()


def test_clocks_and_totals_start_again_after_a_restart() -> None:
    env = repeated(PD, rounds=4)
    play = begin(env, team(env, TFT, ALLD), seeds(3))
    seen = rollout(env, team(env, TFT, ALLD), play, 11)
    assert seen.after.last.sum(axis=0).tolist() == [2, 2, 2]
    assert (seen.after.rewards[:, 0, 1] == [5, 1, 1, 1] * 2 + [5, 1, 1]).all()
    assert "round 3 of at most 4" in env.scene(play.world, 0).text
    assert "(total 2)" in env.scene(play.world, 0).text and "(total 7)" in env.scene(play.world, 0).text


def test_scene_shows_the_remembered_rounds() -> None:
    env = repeated(PD, rounds=9, memory=3)
    play = begin(env, policy := team(env, TFT, ALLD), seeds(2))
    assert [m.kind for m in env.scene(play.world).marks] == ["label", "label"] * 2
    for _ in range(2):
        advance(env, policy, play)
    scene = env.scene(play.world, 1)
    squares = [(m.x, m.y, m.text) for m in scene.marks if m.kind == "square"]
    assert squares == [(5.5, 1.5, "Def"), (4.5, 1.5, "Coo"), (5.5, 0.5, "Def"), (4.5, 0.5, "Def")]
    assert scene.text == ("round 2 of at most 9: Player 1: Defect (total 1), Player 2: Defect (total 6)")
    assert all(0 <= m.x <= scene.width and 0 <= m.y <= scene.height for m in scene.marks)


# --- closed forms ------------------------------------------------------------------------------------------


def test_tit_for_tat_loses_one_round_to_a_defector() -> None:
    env = repeated(PD, rounds=200)
    played = play_episodes(env, team(env, TFT, ALLD), seeds(3))
    assert (played.returns == [199, 204]).all()
    fast = play_matches(PD, TFT.table, ALLD.table, seeds=seeds(3))
    assert (fast.scores == [199, 204]).all() and (fast.first == [1, 0]).all() and (fast.lengths == 200).all()


def stationary(one: MemoryOne, two: MemoryOne) -> np.ndarray:
    """Long-run shares of CC, CD, DC, DD, by linear algebra."""
    p = one.cooperate[1:]
    q = two.cooperate[1:][[0, 2, 1, 3]]
    chain = np.stack([p * q, p * (1 - q), (1 - p) * q, (1 - p) * (1 - q)], axis=1)
    system = np.vstack([chain.T - np.eye(4), np.ones(4)])
    return np.linalg.lstsq(system, np.array([0.0, 0, 0, 0, 1]), rcond=None)[0]


@pytest.mark.parametrize("case", range(6))
def test_long_run_payoffs_are_those_of_the_markov_chain(case: int) -> None:
    """Means over independent matches within 4 standard errors (6e-5 each), plus what the start may weigh."""
    rng = np.random.default_rng(case)
    one, two = (MemoryOne(rng.random(), rng.uniform(0.1, 0.9, 4)) for _ in range(2))
    rounds, played = 5000, 300
    per_round = play_matches(PD, one.table, two.table, seeds=seeds(played), rounds=rounds).scores / rounds
    expected = PD.payoffs.reshape(2, 4) @ stationary(one, two)
    error = per_round.std(axis=0, ddof=1) / math.sqrt(played)
    start = 5 * 25 / rounds  # the chain forgets its start within 25 rounds, each worth at most 5 points
    assert (np.abs(per_round.mean(axis=0) - expected) < 4 * error + start).all() and (error < 0.01).all()


@pytest.mark.parametrize(
    "slope, baseline, phi",
    [(1 / 2, 1.0, 1 / 9), (1 / 3, 1.0, 3 / 26), (1 / 2, 3.0, 1 / 4), (0.0, 2.0, 1 / 4)],
)
def test_zero_determinant_players_enforce_their_line(slope: float, baseline: float, phi: float) -> None:
    """slope (own - baseline) = other - baseline against anyone, within 4 standard errors and the start's weight."""
    enforcer, rounds, played = linear_relation(phi, slope, baseline), 20_000, 60
    for opponent in (MemoryOne(1, (0.9, 0.7, 0.2, 0.1)), MemoryOne(0, (0.3, 0.8, 0.6, 0.4))):
        scores = play_matches(PD, enforcer.table, opponent.table, seeds=seeds(played), rounds=rounds).scores
        own, other = scores.T / rounds
        gap = slope * (own - baseline) - (other - baseline)
        assert abs(gap.mean()) < 4 * gap.std(ddof=1) / math.sqrt(played) + 5 * 20 / rounds
        assert np.ptp(own) > 0


# --- whole matches in one loop -----------------------------------------------------------------------------


def tables(rng: np.random.Generator, shape: tuple[int, int], kind: int) -> list[np.ndarray]:
    """A table for each player: pure, mixed with zeros and sums away from 1, or one of each."""
    rows, width = math.prod(shape) + 1, max(shape)
    out = []
    for seat, count in enumerate(shape):
        if kind == 0 or (kind == 1 and seat == 0):
            out.append(np.eye(width)[rng.integers(count, size=rows)])
        else:
            table = rng.random((rows, width)) * (rng.random((rows, width)) > 0.4) * rng.uniform(0.1, 5)
            table[:, rng.integers(count)] += 1e-3
            out.append(table)
    return out


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.integers(0, 2),
    st.sampled_from([0.0, 0.2, 1.0]),
    st.sampled_from([None, 0.0, 0.9, 1.0]),
)
def test_matches_equal_episodes_bit_for_bit(
    seed: int, shape: tuple[int, int], kind: int, noise: float, continuation: float | None
) -> None:
    rng = np.random.default_rng(seed)
    game, rounds = random_game(rng, shape), int(rng.integers(1, 40))
    rows, columns = tables(rng, shape, kind)
    options: dict[str, Any] = {"rounds": rounds, "noise": noise, "continuation": continuation}
    drawn = rng.integers(0, 2**63, size=6, dtype=np.uint64)
    env = repeated(game, **options)
    first = np.zeros((6, 2), dtype=int)

    def watch(world: Any, step: Any, actions: Any) -> None:
        if actions is not None:
            played = step.groups[0].observation.reshape(6, 2, 2, -1)[:, :, 0, 0] == 1
            first[:] += played & (step.state[:, -1:] * rounds >= 1) & ~stopped[0]
        stopped[0] = step.last[:, None].copy()

    stopped = [np.zeros((6, 1), dtype=bool)]
    slow = play_episodes(env, team(env, Tabular(rows), Tabular(columns)), drawn, watch=watch)
    fast = play_matches(game, rows, columns, seeds=drawn, **options)
    assert slow.returns.tobytes() == fast.scores.tobytes()
    assert (slow.lengths == fast.lengths).all() and (first == fast.first).all()


def test_dilemma_matches_equal_episodes_bit_for_bit() -> None:
    rng = np.random.default_rng(9)
    game = NormalFormGame(rng.normal(size=(2, 2, 2)))
    env = repeated(game, rounds=200)
    for names in (("zd-extort-2", "tit-for-tat"), ("joss", "grofman"), ("win-stay-lose-shift", "alternator")):
        one, two = (make_policy(name, make_env("repeated:prisoners-dilemma").spec).table for name in names)
        slow = play_episodes(env, team(env, Tabular(one), Tabular(two)), seeds(40))
        fast = play_matches(game, one, two, seeds=seeds(40))
        assert slow.returns.tobytes() == fast.scores.tobytes()


def test_scripted_memory_one_players_draw_as_their_tables_do() -> None:
    env = repeated(PD, rounds=60)
    for name in ("joss", "zd-gtft-2", "tit-for-tat", "repeater"):
        policy = make_policy(name, env.spec)
        slow = play_episodes(env, team(env, policy, policy), seeds(30))
        fast = play_matches(PD, policy.table, policy.table, seeds=seeds(30), rounds=60)
        assert (slow.returns == fast.scores).all(), name


def test_matches_in_blocks_are_the_same_and_tell_how_far_they_are(monkeypatch: Any) -> None:
    rng = np.random.default_rng(5)
    cases = [(rng.random((9, 5, 2)), 0.0), (np.eye(2)[rng.integers(2, size=(9, 5))], 0.0), (TFT.table, 0.3)]
    whole = [play_matches(PD, table, TFT.table, seeds=seeds(9), rounds=30, noise=p) for table, p in cases]
    monkeypatch.setattr(matches, "_TURNS", 120)
    told: list[tuple[float, str]] = []
    for (table, p), one in zip(cases, whole):
        told.clear()
        parts = play_matches(
            PD, table, TFT.table, seeds=seeds(9), rounds=30, noise=p, progress=lambda *x: told.append(x)
        )
        assert all((a == b).all() for a, b in zip(one, parts))
        assert told == [(4 / 9, "4 of 9 matches"), (8 / 9, "8 of 9 matches"), (1.0, "9 of 9 matches")]


def test_a_table_for_each_match() -> None:
    rng = np.random.default_rng(4)
    many = rng.random((30, 5, 2))
    together = play_matches(PD, many, TFT.table, seeds=seeds(30), rounds=50, noise=0.1)
    for k in (0, 13, 29):
        alone = play_matches(PD, many[k], TFT.table, seeds=seeds(1, k), rounds=50, noise=0.1)
        assert (alone.scores[0] == together.scores[k]).all()
    pure = np.eye(2)[rng.integers(2, size=(30, 5))]
    quiet = play_matches(PD, pure, TFT.table, seeds=seeds(30), rounds=50)
    assert (quiet.scores[7] == play_matches(PD, pure[7], TFT.table, seeds=[1], rounds=50).scores[0]).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 1.0, 1 / 3, 0.1, 1e-16, 2**-53, 1e-300, 0.7, 3.0]), min_size=1, max_size=5)
)
def test_thresholds_are_exact_where_an_action_changes(row: list[float]) -> None:
    """At each threshold and just below it, drawing as `Streams.choose` does gives the action that the threshold says."""
    if sum(row) < 1e-100:
        row = [*row, 1.0]
    table = np.array([[row]])
    limits = np.empty((1, 1, len(row) - 1), dtype=np.int64)
    find_thresholds(table, limits)

    def drawn(word: int) -> int:
        total = 0.0
        for p in row:
            total += p
        u, chosen = word / 2**53 * total, 0
        for a, p in enumerate(row):
            if p > 0:
                chosen = a
                if u < p:
                    break
                u -= p
        return chosen

    for a, limit in enumerate(limits[0, 0].tolist()):
        assert limit == 0 or drawn(limit - 1) <= a
        assert limit == 2**53 or drawn(limit) > a


def test_tabular_players_draw_in_proportion_and_once() -> None:
    """Tables are drawn from over legal actions only, by one number per stream and step."""
    game = NormalFormGame(np.zeros((2, 2, 3)))
    env = repeated(game, rounds=3)
    table = np.array([[[0.2, 0.3, 9.0]] * 7, [[0.0, 1.0, 3.0]] * 7])
    play = begin(env, team_ := Independent(env.spec, Tabular(table)), seeds(20_000))
    seen = advance(env, team_, play).actions[0]
    shares = [np.bincount(seen[:, i], minlength=3) / 20_000 for i in range(2)]
    assert np.abs(np.array(shares) - [[0.4, 0.6, 0], [0, 0.25, 0.75]]).max() < 5 * 0.5 / math.sqrt(20_000)
    once = Streams.from_seeds(seeds(20_000), ACT, agents=2)
    once.uniform()
    assert (once.state == play.streams.state).all()


# --- bad input ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri, told",
    [
        ("repeated:", "needs a game"),
        ("repeated:prisoner-dilema", "did you mean zoo:prisoners-dilemma"),
        ("repeated:prisoners-dilemma?round=5", "no parameter 'round'; did you mean 'rounds'"),
        ("repeated:prisoners-dilemma?temptatoin=5", "did you mean 'temptation'"),
        ("repeated:prisoners-dilemma?rounds=0", "at least one round"),
        ("repeated:prisoners-dilemma?rounds=2.5", "rounds=2.5 is not a whole number"),
        ("repeated:prisoners-dilemma?rounds=99999999999", "fewer than 2"),
        ("repeated:prisoners-dilemma?memory=0", "remember at least one round"),
        ("repeated:prisoners-dilemma?memory=99999999", "remember fewer rounds"),
        ("repeated:prisoners-dilemma?noise=nan", "noise=nan is not a number from 0 to 1"),
        ("repeated:prisoners-dilemma?noise=1.1", "noise is a probability"),
        ("repeated:prisoners-dilemma?continuation=-1", "continuation is a probability"),
        ("repeated:prisoners-dilemma?continuation=often", "continuation=often is not a number"),
        ("repeated:no/such/file.nfg", "no such file"),
        (f"repeated:{DATA / 'recall.efg'}", "form=reduced"),
    ],
)
def test_bad_uris_are_refused(uri: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        make_env(uri)


def test_games_come_with_their_parameters_and_from_files() -> None:
    spec = make_env("repeated:pd?temptation=4&rounds=3").spec
    assert isinstance(spec, RepeatedSpec) and spec.game is not None and spec.game.payoffs.max() == 4
    assert spec.name == "repeated:pd?temptation=4&rounds=3" and spec.horizon == 3
    own = make("prisoners-dilemma", {"rounds": 3, "noise": 0.5}).spec
    assert isinstance(own, RepeatedSpec) and (own.noise, own.memory, own.continuation) == (0.5, 1, 1.0)
    filed = make_env(f"repeated:{DATA / 'committee.nfg'}?rounds=2").spec
    assert len(filed.agents) == len(load(DATA / "committee.nfg").shape)
    tree = make_env(f"repeated:{DATA / 'recall.efg'}?form=reduced&rounds=2").spec
    assert tree.horizon == 2


@pytest.mark.parametrize(
    "change, told",
    [
        ({"rows": np.ones((4, 2))}, r"shape \(4, 2\), expected \(5, 2\)"),
        ({"rows": np.ones((3, 5, 2))}, "each of the 2 matches"),
        ({"rows": -np.ones((5, 2))}, "negative"),
        ({"rows": np.full((5, 2), np.nan)}, "not a number"),
        ({"rows": np.full((5, 2), 1e308)}, "sum to inf"),
        ({"rows": np.full((5, 2), 5e-324)}, "not to 1"),
        ({"columns": np.zeros((5, 2))}, "the column player's probabilities of legal actions in situation 0"),
        ({"columns": "nonsense"}, "not an array of numbers"),
        ({"rounds": 0}, "at least one round"),
        ({"rounds": 2.5}, "rounds of a repeated game is a whole number"),
        ({"noise": 2.0}, "noise is a probability"),
        ({"seeds": []}, "at least one seed"),
        ({"seeds": [-1]}, "whole numbers from 0"),
        ({"game": load("zoo:public-goods")}, "matches are of two players"),
    ],
)
def test_bad_matches_are_refused(change: dict[str, Any], told: str) -> None:
    given_: dict[str, Any] = {"game": PD, "rows": TFT.table, "columns": TFT.table, "seeds": [1, 2], **change}
    with pytest.raises(InputError, match=told):
        play_matches(given_.pop("game"), given_.pop("rows"), given_.pop("columns"), **given_)


@pytest.mark.parametrize(
    "table, told",
    [
        (np.ones((4, 2)), "no legal action in situation 4"),
        (np.ones((5, 3)), r"shape \(5, 3\) does not fit 2 agents with 2 actions"),
        (np.ones((3, 5, 2)), "does not fit 2 agents"),
        (np.zeros((5, 2)), "no legal action in situation 0"),
    ],
)
def test_tables_that_do_not_fit_are_refused(table: np.ndarray, told: str) -> None:
    env = repeated(PD, rounds=9)
    with pytest.raises(InputError, match=told):
        play_episodes(env, Independent(env.spec, Tabular(table)), seeds(64))
