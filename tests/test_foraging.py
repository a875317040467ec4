"""Level-based foraging: the same as the library, step by step and in distribution; names, rewards, bad input."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from foraging_library import library_env, library_masks, put, spawn_counts, tally
from scipy import stats

from games import make_env
from games.env import Env
from games.errors import InputError
from games.laws import LAWS, check_env
from games.play import advance, begin, play_episodes, restart_stopped
from games.policy import random_policy
from games.sims.foraging import EXAMPLES
from games.sims.foraging_setup import read_setup
from games.streams import draw_seeds

URIS = (
    "8x8-2p-3f",
    "8x8-3p-3f",
    "2s-8x8-2p-2f-coop",
    "2s-10x10-3p-3f",
    "15x15-4p-5f",
    "5x5-2p-1f-coop-pen",
    "5x5-9p-4f",
    "2s-5x5-9p-2f-coop",
    "6x6-4p-3f-pen",
    "19x19-9p-4f",
    "1s-6x6-6p-3f-ind?penalty=0.25",
    "4x4-12p-1f-coop?normalize=false",
    "6x9-3p-3f",
    "3s-9x5-4p-2f-coop?normalize=false&penalty=0.5",
    "20s-7x7-3p-2f",
    "0s-6x6-3p-2f",
    "8x8-3p-3f?levels=false",
    "2s-8x8-4p-3f?levels=false",
    "7x7-4p-4f?min_player_level=1,2,1,3&max_player_level=4,2,5,3&min_food_level=1,2,3,4&max_food_level=9,2,3,6",
    "grid-2s-8x8-2p-3f",
    "grid-1s-5x5-8p-2f-coop-pen",
    "grid-6x6-3p-3f",
    "grid-3s-5x9-5p-3f?levels=false",
    "6x6-1p-2f?max_player_level=5",
)


@pytest.mark.parametrize("name", URIS)
def test_every_step_is_the_librarys(name: str) -> None:
    """Seeded random legal play; players collide, and loads fail, often on the crowded fields."""
    side_by_side(make_env(f"foraging:{name}"), fields=3, steps=130)


@pytest.mark.parametrize("seed", range(20))
def test_every_step_is_the_librarys_whatever_the_setup(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, cols = (int(side) for side in rng.integers(3, 12, 2))
    players, foods = int(rng.integers(1, 10)), int(rng.integers(1, 1 + min(5, (rows - 2) * (cols - 2))))
    weakest, lightest = rng.integers(1, 4, players), rng.integers(1, 5, foods)
    parameters = {
        "grid": bool(rng.random() < 0.3),
        "sight": int(rng.integers(1, 14)),
        "coop": bool(rng.random() < 0.3),
        "levels": bool(rng.random() < 0.8),
        "normalize": bool(rng.random() < 0.7),
        "penalty": float(rng.choice([0.0, 0.1, 1.5])),
        "horizon": int(rng.integers(1, 60)),
        "min_player_level": weakest,
        "max_player_level": weakest + rng.integers(0, 4, players),
    }
    if rng.random() < 0.4:
        parameters |= {"min_food_level": lightest, "max_food_level": lightest + rng.integers(0, 5, foods)}
    side_by_side(make_env(f"foraging:{rows}x{cols}-{players}p-{foods}f", **parameters), fields=2, steps=50)


def side_by_side(env: Any, fields: int, steps: int) -> None:
    """Play at random in ours and in the library, put into the same state whenever an episode begins."""
    policy = random_policy(env.spec)
    play = begin(env, policy, draw_seeds(np.random.default_rng(7), fields))
    peers = [library_env(env.rules.setup) for _ in range(fields)]
    for b, peer in enumerate(peers):
        compare(play.step, b, put(peer, play.world.state, b), peer, play.world.state)
    for _ in range(steps):
        transition = advance(env, policy, play)
        for b, peer in enumerate(peers):
            seen, rewards, done, _, _ = peer.step(transition.actions[0][b].tolist())
            compare(transition.after, b, seen, peer, play.world.state)
            assert transition.after.rewards[b].tolist() == rewards
            assert bool(transition.after.last[b]) == bool(done)
            assert (transition.after.discount[b] == 0) == (peer.field.sum() == 0)
        restart_stopped(env, policy, play)
        for b in np.flatnonzero(transition.after.last):
            compare(play.step, b, put(peers[b], play.world.state, b), peers[b], play.world.state)


def compare(step: Any, b: int, seen: Any, peer: Any, field: Any) -> None:
    """Observations, masks, positions, levels and food of sub-environment b are the library's."""
    view = step.groups[0]
    for i, one in enumerate(seen):
        np.testing.assert_array_equal(view.observation[b, i], np.asarray(one).ravel())
    np.testing.assert_array_equal(view.mask[b], library_masks(peer))
    assert field.players[b].tolist() == [[*map(int, p.position), p.level] for p in peer.players]
    foods = [[int(y), int(x), int(peer.field[y, x])] for y, x in np.argwhere(peer.field)]
    assert [food[:3] for food in field.foods[b].tolist() if food[3]] == foods


def test_random_play_meets_every_case() -> None:
    """The fields above do bring about what could go wrong: shared cells, failed loads, joint loads, both kinds of end."""
    met: Counter[str] = Counter()
    for name in ("5x5-9p-4f", "1s-6x6-6p-3f-ind?penalty=0.25", "6x6-4p-3f-pen", "8x8-3p-3f"):
        env = make_env(f"foraging:{name}")
        policy = random_policy(env.spec)
        play = begin(env, policy, draw_seeds(np.random.default_rng(7), 64))
        for _ in range(100):
            after = advance(env, policy, play).after
            players = play.world.state.players
            cells = np.sort(players[..., 0] * 100 + players[..., 1], axis=1)
            met["two players in one cell"] += int((np.diff(cells, axis=1) == 0).any())
            met["failed load"] += int((after.rewards < 0).any())
            met["joint load"] += int(((after.rewards > 0).sum(axis=1) > 1).any())
            met["ended"] += int((after.discount == 0).any())
            met["cut off"] += int((after.last & (after.discount == 1)).any())
            restart_stopped(env, policy, play)
    assert min(met.values()) > 0, met


FALSE_ALARM = 1e-6
"""Probability that one comparison of two true samples fails; about 50 of them are made."""


@pytest.mark.parametrize(
    ("name", "episodes"),
    [
        ("8x8-2p-3f", 700),
        ("6x6-4p-3f", 600),
        ("5x5-3p-4f-coop", 60),  # foods that find no place cost the library a thousand draws
        ("8x8-5p-2f-coop", 700),
        ("6x8-2p-2f?min_player_level=1,3&max_player_level=2,5&min_food_level=1,4&max_food_level=3,6", 700),
    ],
)
def test_episodes_begin_as_in_the_library(name: str, episodes: int) -> None:
    """Two-sample chi-square tests of levels and cells, at the declared false-alarm rate."""
    env, setup = make_env(f"foraging:{name}"), read_setup(*name_and_query(name))
    peer = library_env(setup)
    peer.reset(seed=5)
    theirs = spawn_counts(peer, episodes)
    ours: dict[str, Counter[Any]] = {}
    world, _ = env.reset(draw_seeds(np.random.default_rng(3), 20_000))
    for players, foods in zip(world.state.players.tolist(), world.state.foods.tolist()):
        tally(ours, [tuple(p) for p in players], [tuple(f[:3]) for f in foods if f[3]])
    assert ours.keys() == theirs.keys()
    for what in ours:
        assert same_law(ours[what], theirs[what]) > FALSE_ALARM, what


def name_and_query(uri: str) -> tuple[str, dict[str, str]]:
    name, _, query = uri.partition("?")
    return name, dict(part.split("=") for part in query.split("&") if part)


def same_law(a: Counter[Any], b: Counter[Any]) -> float:
    """p-value of a two-sample chi-square test; rare values are counted together."""
    size_a, size_b = a.total(), b.total()
    share = min(size_a, size_b) / (size_a + size_b)
    rare = {v for v in a | b if (a[v] + b[v]) * share < 8}
    table = [[a[v], b[v]] for v in sorted((a | b).keys() - rare, key=repr)]
    table.append([sum(a[v] for v in rare), sum(b[v] for v in rare)])
    if sum(table[-1]) * share < 8:  # too few to judge: they count with the most frequent value
        last = table.pop()
        if not table:
            return 1.0
        largest = max(table, key=sum)
        largest[0], largest[1] = largest[0] + last[0], largest[1] + last[1]
    return 1.0 if len(table) < 2 else float(stats.chi2_contingency(np.array(table)).pvalue)


def test_the_comparison_of_laws_notices_a_different_law() -> None:
    rng = np.random.default_rng(0)
    even, skew = (Counter(rng.choice(4, 3_000, p=p).tolist()) for p in ([0.25] * 4, [0.34, 0.22, 0.22, 0.22]))
    assert same_law(even, skew) < FALSE_ALARM
    assert same_law(even, Counter(rng.choice(4, 9_000).tolist())) > 0.001


def test_players_stand_anywhere_and_food_never_touches() -> None:
    """Exact: players' cells are uniform, foods keep off the border and apart; 20 players fill a field of 5x4."""
    world, _ = make_env("foraging:5x4-20p-1f").reset(draw_seeds(np.random.default_rng(1), 500))
    cells = np.sort(world.state.players[..., 0] * 4 + world.state.players[..., 1], axis=1)
    assert (cells == np.arange(20)).all()
    assert not world.state.foods[..., 3].any()  # no room for it
    world, _ = make_env("foraging:9x9-4p-8f").reset(draw_seeds(np.random.default_rng(1), 500))
    for foods in world.state.foods.tolist():
        there = [(y, x) for y, x, _, present in foods if present]
        assert there == sorted(there) and all(1 <= y <= 7 and 1 <= x <= 7 for y, x in there)
        for k, (y, x) in enumerate(there):
            for v, u in there[:k]:
                down, right = abs(y - v), abs(x - u)
                assert max(down, right) > 1 and not (min(down, right) == 0 and max(down, right) == 2)


def test_a_field_without_room_for_food_ends_at_once() -> None:
    env = make_env("foraging:5x4-20p-1f")
    played = play_episodes(env, random_policy(env.spec), np.arange(4, dtype=np.uint64))
    assert played.lengths.tolist() == [1] * 4 and played.ended.all() and not played.returns.any()


@pytest.mark.parametrize("uri", [*EXAMPLES, *(f"foraging:{name}" for name in URIS[5:8] + URIS[15:19])])
def test_laws(uri: str) -> None:
    assert len(check_env(make_env(uri))) == len(LAWS)


# --- rewards, ends, state -----------------------------------------------------------------------------------


def played(env: Env, seeds: int = 64, steps: int = 120) -> list[Any]:
    policy = random_policy(env.spec)
    play = begin(env, policy, draw_seeds(np.random.default_rng(2), seeds))
    seen = []
    for _ in range(steps):
        seen.append(advance(env, policy, play))
        restart_stopped(env, policy, play)
    return seen


def test_team_reward_is_the_sum_for_everybody() -> None:
    own, team = (make_env("foraging:5x5-3p-2f-pen", reward=r) for r in ("own", "team"))
    assert team.spec.common_reward and not own.spec.common_reward
    nonzero = 0
    for mine, ours in zip(played(own), played(team)):
        total = mine.after.rewards.sum(axis=1)
        np.testing.assert_allclose(ours.after.rewards, np.repeat(total[:, None], 3, axis=1), atol=1e-15)
        nonzero += int((total != 0).any())
    assert nonzero > 10


def test_normalized_returns_of_a_finished_game_sum_to_one() -> None:
    env = make_env("foraging:5x5-4p-2f", horizon=2000)
    episodes = play_episodes(env, random_policy(env.spec), draw_seeds(np.random.default_rng(0), 64))
    assert episodes.ended.sum() > 40
    np.testing.assert_allclose(episodes.returns[episodes.ended].sum(axis=1), 1.0)


def test_running_out_of_time_is_a_cut_off() -> None:
    env = make_env("foraging:19x19-2p-4f-coop")
    episodes = play_episodes(env, random_policy(env.spec), draw_seeds(np.random.default_rng(0), 8))
    assert (episodes.lengths == 50).all() and not episodes.ended.any()


def test_the_state_tells_all_of_the_field() -> None:
    env = make_env("foraging:6x6-3p-3f", horizon=20)
    policy = random_policy(env.spec)
    play = begin(env, policy, draw_seeds(np.random.default_rng(2), 16))
    first = play.step.state
    for t in range(1, 21):
        state = advance(env, policy, play).after.state
        field = play.world.state
        live = play.world.time == t
        np.testing.assert_array_equal(state[:, :9], field.players.reshape(16, 9))
        np.testing.assert_array_equal(state[:, 9:21], field.foods.reshape(16, 12))
        np.testing.assert_array_equal(state[live, 21], np.float32((20 - t) / 20))
        kept = [
            9 + 4 * j + k for j in range(3) for k in range(3)
        ]  # eaten food leaves its level, for the shares
        np.testing.assert_array_equal(state[:, kept], first[:, kept])
    assert (first[:, 21] == 1).all()


def test_the_picture_shows_players_and_food() -> None:
    env = make_env("foraging:6x9-3p-2f-coop")
    world, step = env.reset(np.array([3, 4], dtype=np.uint64))
    scene = env.scene(world, 1)
    assert (scene.width, scene.height, scene.grid) == (9.0, 6.0, True)
    state = step.state[1]
    for i, mark in enumerate([m for m in scene.marks if m.kind == "disc"]):
        row, col, level = state[3 * i : 3 * i + 3]
        assert (mark.x, mark.y, mark.text) == (col + 0.5, 6 - row - 0.5, str(int(level)))
    assert sum(m.kind == "square" for m in scene.marks) == 2 and "2 foods left" in scene.text


def test_illegal_actions_are_named() -> None:
    env = make_env("foraging:8x8-2p-3f")
    world, step = env.reset(np.arange(3, dtype=np.uint64))
    actions = np.zeros((3, 2), dtype=np.int32)
    b, i = np.argwhere(~step.groups[0].mask[..., 5])[0]
    actions[b, i] = 5
    with pytest.raises(InputError, match=rf"player_{i} chose action 5 \(load\) in sub-environment {b}"):
        env.step(world, (actions,))
