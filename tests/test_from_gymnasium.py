"""lbforaging, rware and single-agent gymnasium environments as ours: laws, the libraries' own loops, ends and cut-offs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from faulty_environments import Pair
from gymnasium.envs.registration import EnvSpec as Registered

from games import make_env
from games.env import Env
from games.errors import InputError
from games.from_gymnasium import _wrap
from games.from_gymnasium_habits import Habits
from games.laws import LAWS, check_env
from games.play import Transition, advance, begin, play_episodes, restart_stopped
from games.policy import random_policy
from games.spaces import Box, Discrete, MultiDiscrete
from games.streams import ENV, Streams

gymnasium = pytest.importorskip("gymnasium", reason="gymnasium comes with every installation")
SEEDS = np.array([1, 2**50, 9], dtype=np.uint64)
FORAGING = "gymnasium:lbforaging/Foraging-8x8-2p-3f-v3"
WAREHOUSE = "gymnasium:rware/rware-tiny-2ag-v2"


def needs(*packages: str) -> None:
    for package in packages:
        pytest.importorskip(package, reason=f"{package} comes with the extra envs")


def recorded(env: Env, steps: int) -> list[Transition]:
    play, seen = begin(env, random_policy(env.spec), SEEDS), []
    for _ in range(steps):
        seen.append(advance(env, random_policy(env.spec), play))
        restart_stopped(env, random_policy(env.spec), play)
    env.close(play.world)
    return seen


@pytest.mark.parametrize(
    "uri",
    [
        FORAGING,
        "gymnasium:lbforaging/Foraging-2s-5x5-3p-2f-coop-v3?max_episode_steps=9&penalty=0.1&observe_agent_levels=false",
        FORAGING + "?grid_observation=true&sight=2&field_size=(6,7)",
        WAREHOUSE + "?max_steps=15",
        WAREHOUSE + "?msg_bits=2&reward_type=global&sensor_range=2&column_height=3&max_inactivity_steps=7",
        WAREHOUSE + "?observation_type=dict&max_steps=9",
        WAREHOUSE
        + "?observation_type=image_dict&image_observation_layers=shelves,agent_load&max_steps=9&n_agents=3",
        "gymnasium:CartPole-v1",
        "gymnasium:Pendulum-v1?max_episode_steps=9",
        "gymnasium:Taxi-v4" if "Taxi-v4" in gymnasium.registry else "gymnasium:Taxi-v3",
    ],
)
def test_laws_hold(uri: str) -> None:
    needs("lbforaging", "rware")
    assert len(check_env(make_env(uri), batch=3, steps=25)) == len(LAWS)


@pytest.mark.parametrize(
    "uri, name, arguments",
    [
        (FORAGING, "Foraging-8x8-2p-3f-v3", {}),
        ("gymnasium:lbforaging/Foraging-5x5-3p-1f-v3?penalty=0.5", "Foraging-5x5-3p-1f-v3", {"penalty": 0.5}),
        (
            WAREHOUSE + "?max_steps=30&column_height=1",
            "rware-tiny-2ag-v2",
            {"max_steps": 30, "column_height": 1},
        ),
        (WAREHOUSE + "?msg_bits=1", "rware-tiny-2ag-v2", {"msg_bits": 1}),
    ],
)
def test_play_is_that_of_the_librarys_own_loop(uri: str, name: str, arguments: dict[str, Any]) -> None:
    needs("lbforaging", "rware")
    env = make_env(uri)
    steps = recorded(env, 130)
    streams = Streams.from_seeds(SEEDS, ENV)
    stopped = 0
    for b in range(len(SEEDS)):
        own = streams.rows(slice(b, b + 1))
        official = gymnasium.make(name, **arguments)
        seen, _ = official.reset(seed=own.seeds([0])[0])
        for t in steps:
            view = t.before.groups[0]
            assert np.array_equal(view.observation[b], np.array(seen, dtype=np.float32))
            seen, rewards, terminated, truncated, _ = official.step(list(t.actions[0][b]))
            assert t.after.rewards[b].tolist() == list(rewards)
            assert np.array_equal(t.after.groups[0].observation[b], np.array(seen, dtype=np.float32))
            assert bool(t.after.last[b]) == (terminated or truncated)
            if terminated or truncated:
                stopped += 1
                official = gymnasium.make(name, **arguments)  # a fresh one: see the next test
                seen, _ = official.reset(seed=own.seeds([0])[0])
    assert stopped > 0 or "msg_bits" in uri


def test_lbforagings_players_of_the_last_episode_are_forgotten() -> None:
    """lbforaging's own reset with a seed depends on where its players stood; ours does not."""
    needs("lbforaging")
    differs = 0
    for seed in range(40):
        clean, _ = gymnasium.make("Foraging-5x5-3p-1f-v3").reset(seed=seed)
        used = gymnasium.make("Foraging-5x5-3p-1f-v3")
        used.reset(seed=seed + 1_000)
        again, _ = used.reset(seed=seed)
        differs += not np.array_equal(clean, again)
    assert differs, "the library has been mended: `forget` is not needed any more"
    env: Any = make_env("gymnasium:lbforaging/Foraging-5x5-3p-1f-v3")
    world, first = env.reset(np.array([4], dtype=np.uint64))
    env.close(world)
    for seed in range(30):
        world, _ = env.reset(np.array([seed], dtype=np.uint64))
        env.close(world)
        world, again = env.reset(np.array([4], dtype=np.uint64))
        env.close(world)
        assert np.array_equal(first.state, again.state)


def test_foraging_ends_with_the_last_food_and_is_cut_off_by_the_clock() -> None:
    needs("lbforaging")
    env: Any = make_env("gymnasium:lbforaging/Foraging-5x5-2p-1f-v3?max_episode_steps=25")
    assert env.spec.horizon == 25
    play = begin(env, random_policy(env.spec), np.arange(60, dtype=np.uint64))
    ends, cuts = 0, 0
    for t in range(1, 26):
        before = play.step
        after = advance(env, random_policy(env.spec), play).after
        for b in np.flatnonzero(after.last & ~before.last):
            food = env_of(play, b).field.any()
            assert after.discount[b] == food
            assert after.groups[0].acting[b].all() == food == after.groups[0].alive[b].all()
            assert t == 25 or not food
            ends, cuts = ends + (not food), cuts + bool(food)
    assert ends > 5 and cuts > 5 and play.step.last.all()
    result = play_episodes(env, random_policy(env.spec), np.arange(60))
    assert result.ended.sum() == ends and np.allclose(result.returns[result.ended].sum(axis=1), 1.0)


def env_of(play: Any, b: int) -> Any:
    return play.world.actors[b].env.unwrapped


def test_foraging_masks_are_its_valid_actions() -> None:
    needs("lbforaging")
    env = make_env(FORAGING)
    play = begin(env, random_policy(env.spec), SEEDS)
    for _ in range(40):
        for b in range(3):
            inner = env_of(play, b)
            for i, player in enumerate(inner.players):
                legal = [action.value for action in inner._valid_actions[player]]
                assert np.flatnonzero(play.step.groups[0].mask[b, i]).tolist() == legal
        advance(env, random_policy(env.spec), play)
        restart_stopped(env, random_policy(env.spec), play)


def test_the_warehouse_is_cut_off_by_its_clock_and_ends_by_inactivity() -> None:
    needs("rware")
    clock = make_env(WAREHOUSE + "?max_steps=12")
    assert clock.spec.horizon == 12
    result = play_episodes(clock, random_policy(clock.spec), SEEDS)
    assert result.lengths.tolist() == [12] * 3 and not result.ended.any()
    lazy = make_env(WAREHOUSE + "?max_inactivity_steps=5")
    result = play_episodes(lazy, random_policy(lazy.spec), SEEDS)
    assert result.lengths.tolist() == [5] * 3 and result.ended.all()
    short = make_env(WAREHOUSE + "?horizon=4")
    assert (
        short.spec.horizon == 4
        and play_episodes(short, random_policy(short.spec), SEEDS).lengths.tolist() == [4] * 3
    )


def test_a_single_agent_is_an_environment_too() -> None:
    env = make_env("gymnasium:CartPole-v1")
    assert env.spec.agents == ("agent",) and env.spec.horizon == 500
    streams = Streams.from_seeds(SEEDS, ENV)
    official = gymnasium.make("CartPole-v1")
    seen, _ = official.reset(seed=streams.seeds([0])[0])
    ended = False
    for t in recorded(env, 40):
        assert np.array_equal(t.before.groups[0].observation[0, 0], seen)
        seen, reward, terminated, _, _ = official.step(int(t.actions[0][0, 0]))
        assert t.after.rewards[0, 0] == reward
        assert t.after.last[0] == terminated and t.after.discount[0] == (not terminated)
        if terminated:
            ended = True
            break
    assert ended
    cut = make_env("gymnasium:CartPole-v1?max_episode_steps=3")
    result = play_episodes(cut, random_policy(cut.spec), SEEDS)
    assert result.lengths.tolist() == [3] * 3 and not result.ended.any()


def specimen(fault: str) -> Env:
    return _wrap(Registered("Pair-v0", entry_point=Pair, kwargs={"fault": fault}), Habits(), "pair", "pair")


def test_parts_of_different_spaces_are_agents_of_different_groups() -> None:
    env = specimen("")
    assert [(g.agents, g.observation, g.actions) for g in env.spec.groups] == [
        (("agent_0",), (4,), Discrete(2)),
        (("agent_1",), (2,), Box((-1.0,), (1.0,))),
    ]
    assert len(check_env(env, steps=20)) == len(LAWS)
    for t in recorded(env, 4):
        assert np.array_equal(t.after.rewards[:, 1], t.actions[1][:, 0, 0].astype(np.float64))
    assert (recorded(specimen("shared"), 1)[0].after.rewards == 2.5).all()


@pytest.mark.parametrize(
    "fault, told",
    {
        "reset": "pair: reset returned 2 values (int, ndarray); gymnasium asks for an observation and a dictionary",
        "one less": "pair: 1 values (int) seen at step 1, expected a tuple of 2 observations",
        "outside": "pair: agent_0 sees 7, but its observation space says 0 to 3, at step 1",
        "rewards": "pair: step gave 1 rewards to 2 agents at step 1",
        "raises": "pair: the environment raised ZeroDivisionError at step 1",
    }.items(),
)
def test_an_environment_that_breaks_a_rule_is_told(fault: str, told: str) -> None:
    with pytest.raises(InputError) as error:
        recorded(specimen(fault), 2)
    assert str(error.value) == told


def test_arguments_reach_the_environment() -> None:
    needs("lbforaging", "rware")
    env: Any = make_env(
        FORAGING + "?sight=3&min_player_level=(1,2)&max_player_level=[2,2]&normalize_reward=false"
    )
    inner = env._idle[0].env.unwrapped
    assert inner.sight == 3 and inner.min_player_level.tolist() == [1, 2] and not inner._normalize_reward
    assert make_env(FORAGING, players=4, max_player_level=3).spec.groups[0].size == 4
    assert make_env(WAREHOUSE + "?msg_bits=2").spec.groups[0].actions == MultiDiscrete((5, 2, 2))
    house: Any = make_env(WAREHOUSE + "?reward_type=two_stage")
    assert house._idle[0].env.unwrapped.reward_type.name == "TWO_STAGE"
    assert make_env(FORAGING + "?state=none").spec.state == 0


@pytest.mark.parametrize(
    "uri, told",
    [
        ("lbforaging/Foraging-8x8-2p-3f-v4", "is registered; did you mean lbforaging/Foraging-8x8-2p-3f-v3?"),
        ("CartPole-v99", "no environment 'CartPole-v99' is registered; did you mean CartPole-v"),
        ("lbforaging/Foraging-8x8-2p-3f-v3?penalti=1", "no parameter 'penalti'; did you mean penalty?"),
        ("lbforaging/Foraging-8x8-2p-3f-v3?players=none", "cannot be made"),
        (
            "rware/rware-tiny-2ag-v2?reward_type=big",
            "RewardType has no member 'big'; it has global, individual",
        ),
        ("CartPole-v1?max_episode_steps=0", "max_episode_steps is a number of steps, not 0"),
        ("CartPole-v1?state=env", "state is observations or none, not 'env'"),
        ("os:Walk-v0", "the package and the name are separated by a slash"),
        ("shutil/Walk-v0", "shutil is not one of the packages that are imported without asking"),
        ("rware", "no environment 'rware' is registered"),
    ],
)
def test_what_is_wrong_with_a_uri_is_told(uri: str, told: str) -> None:
    needs("lbforaging", "rware")
    with pytest.raises(InputError) as error:
        make_env(f"gymnasium:{uri}")
    assert told in str(error.value) and str(error.value).startswith(f"gymnasium:{uri.partition('?')[0]}")


def test_scenes_of_foraging_and_the_warehouse_are_drawn_without_a_window() -> None:
    needs("lbforaging", "rware")
    env = make_env(FORAGING)
    world, _ = env.reset(SEEDS)
    scene = env.scene(world, 1)
    inner = world.actors[1].env.unwrapped
    food = {(m.x, m.y, m.text) for m in scene.marks if m.kind == "disc"}
    assert food == {(c + 0.5, 8 - r - 0.5, str(inner.field[r, c])) for r, c in np.argwhere(inner.field)}
    players = [(m.x, m.y) for m in scene.marks if m.kind == "square"]
    assert players == [(p.position[1] + 0.5, 8 - p.position[0] - 0.5) for p in inner.players]
    house = make_env(WAREHOUSE)
    world, _ = house.reset(SEEDS)
    marks = house.scene(world, 2).marks
    inner = world.actors[2].env.unwrapped
    assert sum(m.kind == "arrow" for m in marks) == 2
    assert sum(m.color == 2 for m in marks) == len(inner.request_queue)
    assert sum(m.kind == "square" for m in marks) == len(inner.shelfs) + len(inner.goals)


def test_a_scene_of_another_environment_is_its_picture() -> None:
    pytest.importorskip("pygame", reason="pygame comes with the extra envs")
    env = make_env("gymnasium:CartPole-v1?render=true")
    world, _ = env.reset(SEEDS)
    image = env.scene(world).image
    assert image.dtype == np.uint8 and image.ndim == 3 and len(np.unique(image)) > 1
    env.close(world)
