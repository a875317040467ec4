"""Our environments as PettingZoo's: its own test-suite, and the same play as without it."""

from __future__ import annotations

import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pooled_envs import Drift

pytest.importorskip("pettingzoo", reason="PettingZoo's tests examine our environments")

from gymnasium import spaces
from gymnasium.utils.env_checker import data_equivalence
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test
from pettingzoo.utils import parallel_to_aec

from games import make_env
from games.env import EnvSpec, Group, View
from games.errors import InputError
from games.from_pettingzoo import from_aec, from_parallel
from games.laws import check_env
from games.play import advance, begin
from games.policy import random_policy
from games.scene import Scene
from games.sims.simulation import Simulation
from games.spaces import Discrete
from games.streams import ENV, Streams
from games.to_pettingzoo import to_aec, to_parallel

DATA = Path(__file__).parent / "data"


class Dwindle:
    """Agent i is out after step i + 1; when all are, the game has ended, unless it is cut off before.

    In turns, agents act one after another, and one is out every second step.
    """

    def __init__(self, turns: bool = False, horizon: int | None = None) -> None:
        group = Group("agents", ("agent_0", "agent_1", "agent_2"), (2, 2), Discrete(4))
        self.spec = EnvSpec("dwindle", (group,), state=1, horizon=horizon, turn_based=turns)
        self.pace = 2 if turns else 1

    def allocate(self, batch: int) -> dict[str, Any]:
        return {"time": np.zeros(batch, dtype=int), "lucky": np.zeros(batch, dtype=int)}

    def begin(self, state: dict[str, Any], streams: Any, where: Any) -> None:
        drawn = Streams(streams[where][:, None].copy())
        state["time"][where], state["lucky"][where] = 0, (drawn.uniform()[:, 0] * 4).astype(int)
        streams[where] = drawn.state[:, 0]

    def alive(self, state: dict[str, Any]) -> Any:
        return state["time"][:, None] < self.pace * (np.arange(3) + 1)

    def acting(self, state: dict[str, Any]) -> Any:
        alive = self.alive(state)
        if not self.spec.turn_based:
            return alive
        turn = np.zeros_like(alive)
        for b, row in enumerate(alive):
            if (living := np.flatnonzero(row)).size:
                turn[b, living[state["time"][b] % living.size]] = True
        return turn

    def advance(self, state: dict[str, Any], streams: Any, actions: Any, live: Any) -> Any:
        alive, acting = self.alive(state), self.acting(state)
        reward = np.where(alive & live[:, None], -0.25, 0.0)
        reward += np.where(acting & live[:, None] & (actions[0] == state["lucky"][:, None]), 1.0, 0.0)
        state["time"] += live
        return (reward,), live & ~self.alive(state).any(axis=1)

    def look(self, state: dict[str, Any], rewards: Any) -> Any:
        batch, alive, acting = len(state["time"]), self.alive(state), self.acting(state)
        seen = np.zeros((batch, 3, 4), dtype=np.float32)
        seen[..., 0], seen[..., 1], seen[..., 3] = (
            state["time"][:, None],
            state["lucky"][:, None],
            np.arange(3),
        )
        mask = np.ones((batch, 3, 4), dtype=bool)
        mask[:, :, 0] = (state["time"] % 2 == 0)[:, None]
        return (View(seen, mask, rewards[0], acting, alive),), state["time"][:, None].astype(np.float32)

    def scene(self, state: dict[str, Any], which: int) -> Scene:
        return Scene(
            text=f"step {state['time'][which]}", image=np.full((2, 3, 3), state["time"][which], np.uint8)
        )


OURS = (
    "zoo:prisoners-dilemma",
    "foraging:8x8-2p-3f",
    "foraging:5x5-3p-1f-coop",
    "coordination:bits?agents=3",
    "coordination:aloha?agents=10",
    "coordination:climbing",
    "coordination:penalty",
    "coordination:gather",
    "repeated:prisoners-dilemma?rounds=20",
    "swarm:aggregation?agents=4",
    "swarm:kuramoto?agents=4",
    "swarm:vicsek?agents=4",
    "mpe:simple-spread?N=2",
    "mpe:simple-tag?continuous=true",
    "mpe:simple-speaker-listener",
    "openspiel:kuhn_poker",
    "openspiel:goofspiel(num_cards=3,imp_info=true)",
    str(DATA / "signal.efg"),
)
MADE = {
    "drift": Drift,
    "dwindle": lambda: Simulation(Dwindle()),
    "dwindle, cut off": lambda: Simulation(Dwindle(horizon=2)),
    "dwindle in turns": lambda: Simulation(Dwindle(turns=True)),
    "dwindle in turns, cut off": lambda: Simulation(Dwindle(turns=True, horizon=3)),
}
ALL = (*OURS, *MADE)
HARMLESS = (
    "We recommend agents to be named",  # games have players with names
    "Observation is a single number",
    "Observation numpy array is all zeros",
    "is -infinity",  # observations have no bounds, and some actions none
    "is infinity",
    "Observation is not a NumPy array",  # with a mask it is a dictionary
    "Observation space for each agent probably should be",
    "Action space for each agent probably should be",
    "in the shape of a graphical observation",
    "Agents have different observation space sizes",
    "class of observation spaces is different",
    "class of action spaces is different",
    "Observations are different shapes",
    "Observations have different number of dimensions",
    "Action mask",  # one part of a multi-discrete mask
)


def env_of(name: str) -> Any:
    if name.startswith("openspiel:"):
        pytest.importorskip("pyspiel", reason="the game is OpenSpiel's")
    return MADE[name]() if name in MADE else make_env(name)


@pytest.fixture(autouse=True)
def only_harmless_warnings() -> Any:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        assert any(text in str(warning.message) for text in HARMLESS), warning


@pytest.mark.parametrize("masked", [False, True], ids=["plain", "masked"])
@pytest.mark.parametrize("name", ALL)
def test_pettingzoos_own_tests(name: str, masked: bool) -> None:
    env = env_of(name)
    parallel_api_test(to_parallel(env, dict_observations=masked), num_cycles=60)
    parallel_seed_test(lambda: to_parallel(env, dict_observations=masked))
    api_test(parallel_to_aec(to_parallel(env, dict_observations=masked)), num_cycles=30)
    api_test(to_aec(env, dict_observations=masked), num_cycles=30)
    seed_test(lambda: to_aec(env, dict_observations=masked), num_cycles=30)


def chosen(face: Any, infos: dict[str, Any], agents: Any) -> dict[str, Any]:
    """Random legal actions."""
    return {agent: face.action_space(agent).sample(infos[agent].get("action_mask")) for agent in agents}


@pytest.mark.parametrize("name", ALL)
def test_the_play_is_that_of_the_environment(name: str) -> None:
    env = env_of(name)
    face = to_parallel(env, strict=True)
    for agent in env.spec.agents:
        face.action_space(agent).seed(5)
    seen, infos = face.reset(seed=11)
    world, step = env.reset(np.array([11], dtype=np.uint64))
    check_seen(env, face, seen, infos, step)
    for _ in range(30):
        actions = chosen(face, infos, face.agents)
        parts = []
        for group in env.spec.groups:
            part = np.zeros((1, group.size, *group.actions.shape), dtype=int if group.width else float)
            for i, agent in enumerate(group.agents):
                part[0, i] = actions.get(agent, 0)
            parts.append(part)
        present = face.agents
        seen, rewards, ended, cut, infos = face.step(actions)
        world, step = env.step(world, tuple(parts))
        assert list(seen) == list(rewards) == list(ended) == list(cut) == list(infos) == present
        check_seen(env, face, seen, infos, step)
        for a, (g, i) in env.spec.places.items():
            alive = bool(step.groups[g].alive[0, i])
            if a in present:
                assert rewards[a] == step.groups[g].reward[0, i] and type(rewards[a]) is float
                assert ended[a] is (bool(step.discount[0] == 0) or not alive)
                assert cut[a] is (bool(step.last[0] and step.discount[0] == 1) and alive)
            assert (a in face.agents) == (alive and not step.last[0])
        if step.last[0]:
            assert face.agents == []
            with pytest.raises(InputError, match="the episode is over"):
                face.step(actions)
            break
    face.close()


def check_seen(env: Any, face: Any, seen: dict[str, Any], infos: dict[str, Any], step: Any) -> None:
    assert np.array_equal(face.state(), step.state[0]) and face.state_space.contains(face.state())
    for agent, what in seen.items():
        g, i = env.spec.places[agent]
        view, group = step.groups[g], env.spec.groups[g]
        assert what.shape == group.observation and face.observation_space(agent).contains(what)
        assert np.array_equal(what.ravel(), view.observation[0, i])
        assert infos[agent]["acting"] is bool(view.acting[0, i])
        if group.width and view.acting[0, i]:
            mask = infos[agent]["action_mask"]
            assert np.array_equal(np.concatenate(mask) if isinstance(mask, tuple) else mask, view.mask[0, i])
        assert ("action_mask" in infos[agent]) == (group.width > 0)


@pytest.mark.parametrize("name", [*OURS, "drift", "dwindle", "dwindle, cut off"])
def test_there_and_back(name: str) -> None:
    """Through PettingZoo's parallel API and its adapter: the same first episodes."""
    env = env_of(name)
    back = from_parallel(lambda: to_parallel(env_of(name), strict=True), name="back")
    check_round_trip(env, back, turns=False)


@pytest.mark.parametrize("name", ["openspiel:kuhn_poker", str(DATA / "signal.efg"), "dwindle in turns"])
def test_there_and_back_in_turns(name: str) -> None:
    env = env_of(name)
    check_round_trip(env, from_aec(lambda: to_aec(env_of(name), strict=True), name="back"), turns=True)


def check_round_trip(env: Any, back: Any, *, turns: bool) -> None:
    assert back.spec.agents == env.spec.agents
    seeds = np.arange(6, dtype=np.uint64)
    inner = np.array(Streams.from_seeds(seeds, ENV).seeds(range(6)), dtype=np.uint64)
    play = begin(env, random_policy(env.spec), inner)
    world, step = back.reset(seeds)
    going = np.ones(6, dtype=bool)
    for _ in range(25):
        check_same(env, back, play.step, step, going, turns)
        transition = advance(env, random_policy(env.spec), play)
        flat = {a: transition.actions[g][:, i] for a, (g, i) in env.spec.places.items()}
        actions = tuple(np.stack([flat[a] for a in group.agents], axis=1) for group in back.spec.groups)
        world, step = back.step(world, actions)
        check_same(env, back, play.step, step, going, turns)
        going &= ~play.step.last
    back.close(world)


def check_same(env: Any, back: Any, ours: Any, theirs: Any, going: Any, turns: bool) -> None:
    assert np.array_equal(ours.last[going], theirs.last[going])
    assert np.array_equal(ours.discount[going], theirs.discount[going])
    assert np.array_equal(ours.rewards[going], theirs.rewards[going])
    assert np.array_equal(ours.state[going], theirs.state[going])
    for agent, (g, i) in env.spec.places.items():
        h, j = back.spec.places[agent]
        mine, other = ours.groups[g], theirs.groups[h]
        on = going & ~ours.last
        shown = on & mine.acting[:, i] if turns else going & mine.alive[:, i]
        assert np.array_equal(mine.observation[shown, i], other.observation[shown, j])
        acting = on & mine.acting[:, i]
        assert np.array_equal(mine.mask[acting, i], other.mask[acting, j])
        assert other.acting[acting, j].all()
        assert np.array_equal(mine.alive[on, i], other.alive[on, j])


def test_the_faces_obey_our_laws_when_they_come_back() -> None:
    check_env(from_parallel(lambda: to_parallel("foraging:8x8-2p-3f"), name="foraging"), steps=20, batch=3)


def test_seeds() -> None:
    def play(face: Any, *, seed: int | None) -> list[Any]:
        seen, infos = face.reset(seed=seed)
        told = [seen]
        for _ in range(5):
            seen, *rest, infos = face.step(
                {a: int(np.flatnonzero(infos[a]["action_mask"])[-1]) for a in face.agents}
            )
            told += [seen, *rest]
        return told

    one, other = to_parallel("foraging:8x8-2p-3f"), to_parallel("foraging:8x8-2p-3f")
    first = play(one, seed=3)
    assert data_equivalence(first, play(other, seed=3))
    second = play(one, seed=None)
    assert not data_equivalence(first, second), "the next episode is another one"
    assert data_equivalence(second, play(other, seed=None)), "but follows from the last seed"
    assert data_equivalence(first, play(one, seed=3))
    unseeded = [play(to_parallel("foraging:8x8-2p-3f", seed=s), seed=None) for s in (0, 0, 1)]
    assert data_equivalence(unseeded[0], unseeded[1]) and not data_equivalence(unseeded[0], unseeded[2])
    for bad in (-1, 2**64, 1.5, True, "3"):
        with pytest.raises(InputError, match="a seed is a whole number from 0"):
            one.reset(seed=bad)


def test_illegal_actions_are_replaced_and_said_so_or_refused() -> None:
    face, strict = (to_parallel(Simulation(Dwindle()), strict=s) for s in (False, True))
    for one in (face, strict):
        one.reset(seed=1)
        *_, infos = one.step(dict.fromkeys(one.agents, 1))
        assert infos["agent_1"]["action_mask"].tolist() == [0, 1, 1, 1]
        assert infos["agent_1"]["action_replaced"] is False
    *_, infos = face.step({"agent_1": 0, "agent_2": 2})
    assert infos["agent_1"]["action_replaced"] is True and infos["agent_2"]["action_replaced"] is False
    with pytest.raises(InputError, match="dwindle: agent_1 chose action 0 in sub-environment 0"):
        strict.step({"agent_1": 0, "agent_2": 2})
    drift = to_parallel(Drift())
    drift.reset(seed=1)
    good = {a: drift.action_space(a).sample() for a in drift.agents}
    *_, infos = drift.step({**good, "c": np.array([7, 2])})
    assert infos["c"]["action_replaced"] is True


@pytest.mark.parametrize(
    "actions, message",
    [
        ({"agent_0": 1, "agent_1": 1}, "dwindle: agent_2 acts now, but has no action"),
        ({"agent_0": 1, "agent_1": None, "agent_2": 0}, "agent_1 acts now, but has no action"),
        ({"agent_0": 1.0, "agent_1": 0, "agent_2": 0}, r"agent_0 chose 1.0, which is not in Discrete\(4\)"),
        ({"agent_0": [1], "agent_1": 0, "agent_2": 0}, r"agent_0 chose \[1\], which is not in"),
        ({"agent_0": "up", "agent_1": 0, "agent_2": 0}, "agent_0 chose 'up', which is not in"),
        ({"agent_0": [[1], [2, 3]], "agent_1": 0, "agent_2": 0}, "which is not in"),
        (
            {"agent_0": 1, "agent_1": 0, "agent_2": 0, "agent_9": 0},
            "dwindle has no agent 'agent_9'; it has agent_0",
        ),
    ],
)
def test_bad_actions(actions: dict[str, Any], message: str) -> None:
    face = to_parallel(Simulation(Dwindle()))
    with pytest.raises(InputError, match="dwindle: reset comes before"):
        face.step(actions)
    face.reset(seed=0)
    with pytest.raises(InputError, match=message):
        face.step(actions)
    assert face.step(dict.fromkeys(face.agents, 1))[1].keys() == {"agent_0", "agent_1", "agent_2"}


def test_bad_arguments() -> None:
    with pytest.raises(InputError, match="render_mode is None, 'ansi' or 'rgb_array', not 'human'"):
        to_parallel("zoo:chicken", render_mode="human")
    with pytest.raises(InputError, match=r"dwindle is made already; parameters \(rounds\) go with a URI"):
        to_parallel(Simulation(Dwindle()), rounds=3)
    with pytest.raises(InputError, match="a seed is a whole number"):
        to_parallel("zoo:chicken", seed=-4)
    with pytest.raises(InputError, match="has no agent 'Bob'"):
        to_parallel("zoo:chicken").action_space("Bob")
    assert to_parallel("repeated:prisoners-dilemma", rounds=3).match.spec.horizon == 3


def test_agents_leave_in_turn() -> None:
    face = to_parallel(Simulation(Dwindle()))
    face.reset(seed=0)
    left = [face.agents]
    while face.agents:
        *_, ended, cut, _ = face.step(dict.fromkeys(face.agents, 1))
        left.append(face.agents)
        assert not any(cut.values())
    assert [len(agents) for agents in left] == [3, 2, 1, 0]
    assert all(set(b) < set(a) for a, b in pairwise(left))
    face = to_parallel(Simulation(Dwindle(horizon=2)))
    face.reset(seed=0)
    face.step(dict.fromkeys(face.agents, 1))
    *_, ended, cut, _ = face.step(dict.fromkeys(face.agents, 1))
    assert ended == {"agent_1": True, "agent_2": False} and cut == {"agent_1": False, "agent_2": True}


def test_turns_are_taken_as_the_environment_says() -> None:
    face = to_aec("openspiel:kuhn_poker")
    face.reset(seed=2)
    movers, returns = [], dict.fromkeys(face.possible_agents, 0.0)
    for agent in face.agent_iter():
        _, reward, ended, cut, info = face.last()
        returns[agent] += reward
        if ended or cut:
            face.step(None)
        else:
            assert (
                info["acting"] and not face.infos["Player 2" if agent == "Player 1" else "Player 1"]["acting"]
            )
            movers.append(agent)
            face.step(1)  # bet, then call
    assert movers == ["Player 1", "Player 2"] and sorted(returns.values()) == [-2.0, 2.0]


def test_pictures() -> None:
    for make in (to_parallel, to_aec):
        for turns in (False, True):
            face = make(Simulation(Dwindle(turns)), render_mode="rgb_array")
            face.reset(seed=0)
            assert face.render().shape == (2, 3, 3) and face.render().dtype == np.uint8
            face = make(Simulation(Dwindle(turns)), render_mode="ansi")
            face.reset(seed=0)
            assert face.render() == "step 0"
            assert face.metadata["name"] == "dwindle" == str(face)
    face = to_parallel("foraging:8x8-2p-3f", render_mode="ansi")
    face.reset(seed=0)
    assert face.render().count("\n") >= 7
    face = to_parallel("foraging:8x8-2p-3f", render_mode="rgb_array")
    face.reset(seed=0)
    with pytest.raises(InputError, match="has no picture of its own for render_mode='rgb_array'; use 'ansi'"):
        face.render()
    face = to_parallel("zoo:chicken")
    face.reset()
    assert face.render() is None


def test_spaces() -> None:
    face = to_parallel(Drift(), dict_observations=True)
    assert face.action_space("a") == spaces.Discrete(3)
    assert face.action_space("c") == spaces.MultiDiscrete([2, 3])
    assert face.action_space("d") == spaces.Box(np.float32([-1, -2]), np.float32([1, np.inf]))
    assert face.observation_space("a")["observation"].shape == (2,)
    assert face.observation_space("c")["action_mask"][1].shape == (3,)
    assert list(face.observation_space("f")) == ["observation"]
    seen, _ = face.reset(seed=1)
    assert all(face.observation_space(a).contains(seen[a]) for a in face.agents)


def test_a_closed_world_is_given_back_once() -> None:
    class Counted(Simulation):
        closed = 0

        def close(self, world: Any) -> None:
            self.closed += 1

    env = Counted(Dwindle())
    face = to_parallel(env)
    face.close()
    face.reset(seed=1)
    face.reset()
    face.close()
    face.close()
    assert env.closed == 2
    with pytest.raises(InputError, match="reset comes before"):
        face.state()
    face.reset()
