"""PettingZoo environments as ours: the laws, the official loops step by step, and environments that break the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium.spaces as gym
import numpy as np
import pytest
from faulty_environments import Duel, Rounds, needs

from games import make_env
from games.env import Env
from games.errors import InputError
from games.from_pettingzoo import from_aec, from_parallel
from games.laws import LAWS, check_env
from games.play import Transition, advance, begin, play_episodes, restart_stopped
from games.policy import random_policy
from games.spaces import Discrete
from games.streams import ENV, Streams

SEEDS = np.array([3, 2**40, 5], dtype=np.uint64)

MPE = (
    "mpe2.simple_spread_v3?N=3",
    "mpe2.simple_tag_v3?max_cycles=7",
    "mpe2.simple_speaker_listener_v4",
    "mpe2.simple_world_comm_v3",
    "mpe2.simple_spread_v3?continuous_actions=true&N=2",
    "mpe2.simple_spread_v3?api=aec&N=2&max_cycles=5",
)
CLASSIC = (
    "connect_four_v3",
    "tictactoe_v3",
    "rps_v2",
    "rps_v2?api=aec",
    "leduc_holdem_v4",
    "hanabi_v5",
    "go_v5?board_size=5",
)
KNIGHTS = (
    "pettingzoo:butterfly.knights_archers_zombies_v11?spawn_delay=1&max_zombies=30&max_cycles=150&fresh=false"
)


def seeds_used(seeds: Any, steps: list[Transition]) -> list[Iterator[int]]:
    """The seeds that each sub-environment draws, one per episode, from its own stream."""
    streams = Streams.from_seeds(np.asarray(seeds, dtype=np.uint64), ENV)
    drawn = [[seed] for seed in streams.seeds(range(len(seeds)))]
    for t in steps:
        stopped = np.flatnonzero(t.after.last)
        for b, seed in zip(stopped, streams.seeds(stopped)):
            drawn[b].append(seed)
    return [iter(row) for row in drawn]


def recorded(env: Env, steps: int, seeds: Any = SEEDS) -> list[Transition]:
    play, seen = begin(env, random_policy(env.spec), seeds), []
    for _ in range(steps):
        seen.append(advance(env, random_policy(env.spec), play))
        restart_stopped(env, random_policy(env.spec), play)
    env.close(play.world)
    return seen


@pytest.mark.parametrize("name", MPE)
def test_laws_hold_for_mpe(name: str) -> None:
    needs("mpe2")
    assert len(check_env(make_env(f"pettingzoo:{name}"), batch=2, steps=30)) == len(LAWS)


@pytest.mark.parametrize("name", CLASSIC)
def test_laws_hold_for_classic_games(name: str) -> None:
    needs("pygame", "rlcard", "shimmy")
    assert len(check_env(make_env(f"pettingzoo:classic.{name}"), batch=2, steps=30)) == len(LAWS)


def test_laws_hold_for_butterfly_with_agents_that_die() -> None:
    needs("pygame", "pymunk")
    assert len(check_env(make_env(KNIGHTS), batch=2, steps=25)) == len(LAWS)
    default = make_env(
        "pettingzoo:butterfly.knights_archers_zombies_v11"
    )  # its reset remembers the zombies' pace
    assert len(check_env(default, batch=2, steps=25)) == len(LAWS)
    one = make_env("pettingzoo:butterfly.cooperative_pong_v6?max_cycles=5&state=none")
    assert one.spec.state == 0 and one.spec.groups[0].observation == (280, 480, 3)
    assert len(check_env(one, batch=2, steps=6)) == len(LAWS)


@pytest.mark.parametrize("stop", ["terminated", "truncated", "mixed"])
def test_laws_hold_for_our_own_specimens(stop: str) -> None:
    check_env(from_parallel(Duel, parameters={"stop": stop}), steps=20)
    check_env(from_parallel(Duel, parameters={"stop": stop}, fresh=True), steps=10)
    check_env(from_parallel(Duel, parameters={"stop": stop}, horizon=3), steps=10)
    if stop != "mixed":
        check_env(from_aec(Rounds, parameters={"stop": stop}), steps=30)
        check_env(from_aec(Rounds, parameters={"stop": stop, "hoard": True}), steps=30)


# ---- the official parallel loop ----


@pytest.mark.parametrize(
    "uri", ["pettingzoo:mpe2.simple_world_comm_v3?max_cycles=6", "pettingzoo:classic.rps_v2", KNIGHTS]
)
def test_parallel_play_is_that_of_the_official_loop(uri: str) -> None:
    needs("mpe2", "pygame", "pymunk")
    env: Any = make_env(uri)
    steps = recorded(env, 160 if "knights" in uri else 20)
    died = 0
    for b, seeds in enumerate(seeds_used(SEEDS, steps)):
        official = env._make().env
        seen, _ = official.reset(seed=next(seeds))
        begun = True
        for t in steps:
            if begun:
                compare_sights(env, t.before, b, seen, official.agents)
            actions = {
                name: int(t.actions[g][b, i])
                for name, (g, i) in env.spec.places.items()
                if name in official.agents
            }
            assert set(actions) == alive(env, t.before, b)
            seen, rewards, ended, cut, _ = official.step(actions)
            compare_rewards(env, t.after, b, rewards)
            compare_sights(env, t.after, b, seen, list(actions))
            over = not official.agents
            assert bool(t.after.last[b]) == over
            went = [name for name in actions if name not in official.agents]
            if not over:
                assert alive(env, t.after, b) == set(official.agents)
                died += len(went)
            else:
                dropped = {name for name in went if cut[name] and not ended[name]}
                assert alive(env, t.after, b) == dropped
                assert t.after.discount[b] == bool(dropped)
                seen, _ = official.reset(seed=next(seeds))
            begun = over
    assert died > 0 or "knights" not in uri


def alive(env: Env, step: Any, b: int) -> set[str]:
    return {name for name, (g, i) in env.spec.places.items() if step.groups[g].alive[b, i]}


def compare_rewards(env: Env, step: Any, b: int, rewards: Any) -> None:
    for name, (g, i) in env.spec.places.items():
        assert step.groups[g].reward[b, i] == rewards.get(name, 0.0), name


def compare_sights(env: Any, step: Any, b: int, seen: Any, agents: list[str]) -> None:
    for seat in env.layout.seats:
        row = step.groups[seat.g].observation[b, seat.i]
        if seat.name in agents:
            wanted = gym.flatten(env._idle[0].env.observation_space(seat.name), seen[seat.name])
            assert np.array_equal(row, np.asarray(wanted, dtype=np.float32)), seat.name
        else:
            assert not row.any(), seat.name


def test_the_state_is_the_librarys_own_or_all_observations() -> None:
    needs("mpe2", "pygame", "pymunk")
    spread: Any = make_env("pettingzoo:mpe2.simple_tag_v3")
    own: Any = make_env("pettingzoo:mpe2.simple_tag_v3?state=env")
    for a, b in zip(recorded(spread, 30), recorded(own, 30)):
        assert np.array_equal(a.after.state, b.after.state) and a.after.state.shape == (3, 62)
    knights: Any = make_env(KNIGHTS)
    world, step = knights.reset(SEEDS)
    for b, actor in enumerate(world.actors):
        assert np.array_equal(step.state[b], actor.env.state().reshape(-1).astype(np.float32))
    four = make_env("pettingzoo:classic.connect_four_v3")
    assert four.spec.state == 2 * 84
    with pytest.raises(InputError, match="this environment gives no state: NotImplementedError"):
        make_env("pettingzoo:classic.connect_four_v3?state=env")


# ---- the official AEC loop ----


@pytest.mark.parametrize(
    "uri",
    [
        "pettingzoo:classic.connect_four_v3",
        "pettingzoo:classic.tictactoe_v3",
        "pettingzoo:classic.leduc_holdem_v4",
        "pettingzoo:classic.texas_holdem_v4",
        "pettingzoo:classic.hanabi_v5",
        "pettingzoo:classic.rps_v2?api=aec&max_cycles=4",
        "pettingzoo:mpe2.simple_tag_v3?api=aec&max_cycles=4",
        KNIGHTS + "&api=aec",
    ],
)
def test_turns_and_returns_are_those_of_the_official_loop(uri: str) -> None:
    needs("mpe2", "pygame", "rlcard", "shimmy", "pymunk")
    env: Any = make_env(uri)
    check_against_agent_iter(env, 700 if "knights" in uri else 60)


@pytest.mark.parametrize("hoard", [False, True])
@pytest.mark.parametrize("stop", ["terminated", "truncated"])
def test_turns_and_returns_where_rewards_fall_at_any_time(stop: str, hoard: bool) -> None:
    env: Any = from_aec(Rounds, parameters={"stop": stop, "hoard": hoard})
    steps = recorded(env, 40)
    check_against_agent_iter(env, 40)
    stopped = next(t.after for t in steps if t.after.last[0])
    assert stopped.discount[0] == (stop == "truncated")
    assert stopped.groups[0].alive[0].tolist() == [stop == "truncated", False, stop == "truncated"]


def check_against_agent_iter(env: Any, steps: int) -> None:
    """Play the recorded actions through `agent_iter` and `last`, as PettingZoo's documentation shows."""
    seen = recorded(env, steps)
    finished = 0
    for b, seeds in enumerate(seeds_used(SEEDS, seen)):
        moves_left = iter(seen)
        official = env._make().env
        done = False
        while not done:
            official.reset(seed=next(seeds))
            ours = np.zeros(len(env.spec.agents))
            theirs = dict.fromkeys(env.spec.agents, 0.0)
            last = None
            for name in official.agent_iter():
                value, reward, ended, cut, _ = official.last()
                theirs[name] += reward
                if ended or cut:
                    official.step(None)
                    continue
                if (t := next(moves_left, None)) is None:
                    done = True
                    break
                compare_turn(env, t.before, b, name, value)
                g, i = env.spec.places[name]
                official.step(int(t.actions[g][b, i]))
                ours += t.after.rewards[b]
                last = t.after
            if not done and last is not None:
                assert last.last[b]
                assert ours == pytest.approx([theirs[a] for a in env.spec.agents], abs=1e-12)
                finished += 1
    assert finished > 0


def compare_turn(env: Any, step: Any, b: int, name: str, value: Any) -> None:
    g, i = env.spec.places[name]
    view = step.groups[g]
    assert view.acting[b, i] and sum(int(v.acting[b].sum()) for v in step.groups) == 1
    space = env._idle[0].env.observation_space(name)
    if isinstance(space, gym.Dict):
        assert np.array_equal(view.mask[b, i], value["action_mask"].astype(bool))
        space, value = space["observation"], value["observation"]
    assert np.array_equal(view.observation[b, i], np.asarray(gym.flatten(space, value), dtype=np.float32))


# ---- ends, cut-offs, masks, dying agents: a specimen whose every step is known ----


@pytest.mark.parametrize(
    "stop, discount, remain",
    [("terminated", 0, [0, 0, 0]), ("truncated", 1, [1, 1, 0]), ("mixed", 1, [0, 1, 0])],
)
def test_the_dead_are_out_and_the_last_to_go_decide(stop: str, discount: int, remain: list[int]) -> None:
    env = from_parallel(Duel, parameters={"stop": stop})
    assert env.spec.groups[0].actions == Discrete(3) and env.spec.groups[0].observation == (2, 2)
    steps = recorded(env, 4)
    views = [t.after.groups[0] for t in steps]
    for b in range(3):
        assert [v.alive[b].tolist() for v in views[:3]] == [[1, 1, 1], [1, 1, 0], [1, 1, 0]]
        assert views[3].alive[b].tolist() == remain == views[3].acting[b].tolist()
        assert [v.reward[b, 2] > 0 for v in views] == [True, True, False, False], (
            "the last reward comes with death"
        )
        assert [v.observation[b, 2].any() for v in views] == [True, True, False, False]
        assert [v.mask[b, 0].tolist() for v in views] == [[1, t % 2, 1] for t in (1, 2, 3, 4)]
        assert np.array_equal(views[0].reward[b], steps[0].actions[0][b] + 5.0), "actions begin at 5"
    assert (steps[3].after.discount == discount).all() and steps[3].after.last.all()
    assert not any(t.after.last.any() for t in steps[:3])


def test_an_illegal_action_is_refused_before_anything_moves() -> None:
    env: Any = from_parallel(Duel, name="duel")
    world, _ = env.reset(SEEDS)
    bad = np.zeros((3, 3), dtype=np.int64)
    bad[1, 2] = 1
    with pytest.raises(
        InputError,
        match=r"duel: c chose action 1 in sub-environment 1, which is not legal there; legal: 0, 2",
    ):
        env.step(world, (bad,))
    assert all(actor.env.time == 0 for actor in world.actors)
    bad[1, 2] = 2
    assert env.step(world, (bad,))[1].groups[0].reward[1].tolist() == [5, 5, 7]


def test_objects_are_used_again_and_a_closed_world_is_not() -> None:
    made = []

    def factory(**given: Any) -> Duel:
        made.append(Duel(**given))
        return made[-1]

    env = from_parallel(factory)
    for _ in range(3):
        world, _ = env.reset(SEEDS)
        env.close(world)
    assert len(made) == 3
    with pytest.raises(InputError, match="duel: these sub-environments cannot go on: it was closed"):
        env.step(world, (np.zeros((3, 3), dtype=int),))
    fresh = from_parallel(factory, fresh=True)
    recorded(fresh, 5)
    assert len(made) == 3 + 3 + 3, (
        "three at first, three at the restart; the one that was looked at is among them"
    )


def test_a_factory_that_makes_only_one_is_told() -> None:
    only = Duel()
    with pytest.raises(InputError, match="duel: the factory gave the same environment twice"):
        from_parallel(lambda: only).reset(SEEDS)


def test_agents_may_be_called_by_numbers() -> None:
    class Numbered(Rounds):
        def __init__(self) -> None:
            super().__init__()
            self.possible_agents = [7, 8, 9]

        def reset(self, seed: int | None = None, options: Any = None) -> None:
            super().reset(seed)
            self.agent_selection = 7

    env = from_aec(Numbered, horizon=5)
    assert env.spec.agents == ("7", "8", "9")
    assert recorded(env, 5)[-1].after.groups[0].acting.tolist() == [[False, False, True]] * 3


def test_turn_based_play_at_a_horizon_is_cut_off() -> None:
    env = from_aec(Rounds, horizon=4)
    result = play_episodes(env, random_policy(env.spec), SEEDS)
    assert result.lengths.tolist() == [4, 4, 4] and not result.ended.any()
    assert env.spec.turn_based and env.spec.horizon == 4


# ---- pictures ----


def test_a_scene_is_the_picture_or_the_observations() -> None:
    env = from_parallel(Duel, render=True)
    world, _ = env.reset(SEEDS)
    assert env.scene(world, 1).image.shape == (4, 5, 3)
    plain = from_parallel(Duel)
    world, _ = plain.reset(SEEDS)
    told = plain.scene(world, 2)
    assert told.image is None and told.text.startswith("duel after reset\na: [")


def test_a_real_picture_follows_the_game() -> None:
    needs("pygame")
    env = make_env("pettingzoo:classic.connect_four_v3?render=true")
    world, _ = env.reset(SEEDS)
    before = env.scene(world).image
    world, _ = env.step(world, (np.full((3, 2), 3),))
    after = env.scene(world).image
    assert before.dtype == np.uint8 and before.shape == after.shape and (before != after).any()
    env.close(world)
