"""One agent against frozen others: the laws of environments, whose chance is whose, and who sees what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from games import make_env
from games.against import Against, Deviating
from games.env import Env, EnvSpec, Group, View
from games.errors import InputError
from games.laws import check_env
from games.play import advance, begin, play_episodes
from games.policy import Independent, Random, Tabular, random_policy
from games.scene import Scene
from games.sims.simulation import Simulation
from games.spaces import Discrete
from games.streams import draw_seeds
from marl.ppo import PPO

ENVS = (
    "zoo:chicken",
    "zoo:rock-paper-scissors",
    "openspiel:kuhn_poker?compiled=true",
    "openspiel:kuhn_poker(players=3)",
    "openspiel:tic_tac_toe",
    "repeated:prisoners-dilemma?rounds=6",
    "foraging:5x5-2p-1f",
    "coordination:aloha?agents=4",
    "swarm:vicsek?agents=5",
)


class Elimination:
    """Whoever plays 1 is out and gets 1; whoever stays gets nothing; after eight steps it has ended."""

    def __init__(self) -> None:
        group = Group("agents", ("a", "b", "c"), (2,), Discrete(2))
        self.spec = EnvSpec("elimination", (group,), state=3, horizon=8)

    def allocate(self, batch: int) -> dict[str, Any]:
        return {"alive": np.ones((batch, 3), dtype=bool), "time": np.zeros(batch, dtype=np.int64)}

    def begin(self, state: Any, streams: Any, where: Any) -> None:
        state["alive"][where], state["time"][where] = True, 0

    def advance(self, state: Any, streams: Any, actions: Any, live: Any) -> Any:
        leaves = (actions[0] == 1) & state["alive"] & live[:, None]
        state["alive"] = state["alive"] & ~leaves
        state["time"] += live
        return (leaves.astype(np.float64),), live & ((state["time"] >= 8) | ~state["alive"].any(axis=1))

    def look(self, state: Any, rewards: Any) -> Any:
        alive = state["alive"].copy()
        seen = np.repeat(state["time"][:, None, None].astype(np.float32), 3, axis=1)
        observation = np.concatenate([seen, alive[:, :, None].astype(np.float32)], axis=2)
        mask = np.repeat(alive[:, :, None], 2, axis=2)
        return (View(observation, mask, rewards[0], alive, alive),), alive.astype(np.float32)

    def scene(self, state: Any, which: int) -> Scene:
        return Scene(text=str(state["alive"][which]))


def seeds(count: int, seed: int = 0) -> Any:
    return draw_seeds(np.random.default_rng(seed), count)


def recurrent_team(env: Env, seed: int = 0) -> Independent:
    learner = PPO(recurrent=True, hidden=(16, 16))
    return learner.policy(learner.init(env.spec, np.random.default_rng(seed)), greedy=False)


@pytest.mark.parametrize("uri", ENVS)
def test_it_obeys_every_law_of_environments(uri: str) -> None:
    env = make_env(uri)
    for agent in (env.spec.agents[0], env.spec.agents[-1]):
        check_env(Against(env, random_policy(env.spec), agent))


@pytest.mark.parametrize("uri", ["openspiel:kuhn_poker?compiled=true", "foraging:5x5-2p-1f"])
def test_it_obeys_them_against_others_who_remember(uri: str) -> None:
    env = make_env(uri)
    check_env(Against(env, recurrent_team(env), env.spec.agents[0]))


def test_an_agent_that_is_out_has_reached_its_end() -> None:
    env = Simulation(Elimination())
    check_env(env)
    against = Against(env, random_policy(env.spec), "b")
    check_env(against)
    leaves = Independent(against.spec, Always(1))
    played = play_episodes(against, leaves, seeds(20))
    assert (played.lengths == 1).all() and played.ended.all() and (played.returns == 1).all()
    stays = play_episodes(against, Independent(against.spec, Always(0)), seeds(20))
    assert (stays.lengths == 8).all() and not stays.returns.any()


class Always:
    """Always plays the same action."""

    def __init__(self, action: int) -> None:
        self.action = action

    def start(self, batch: int, agents: int) -> None:
        return None

    def sample(self, view: View, memory: None, streams: Any) -> Any:
        streams.bits()
        return np.full(view.acting.shape, self.action, dtype=np.int32), None


def test_waiting_is_one_legal_action_and_a_situation_of_its_own() -> None:
    env = make_env("openspiel:kuhn_poker?compiled=true")
    against = Against(env, random_policy(env.spec), "Player 2")
    _, step = against.reset(seeds(5))
    (view,) = step.groups
    assert view.acting.all() and (view.mask == [True, False]).all()
    assert (view.row == env.spec.groups[0].rows).all() and not view.observation.any()
    assert against.spec.groups[0].rows == env.spec.groups[0].rows + 1
    with pytest.raises(InputError, match="Player 2 chose action 1"):
        against.step(against.reset(seeds(5))[0], (np.ones((5, 1), dtype=np.int32),))


@pytest.mark.parametrize("uri", ["foraging:5x5-2p-1f", "openspiel:kuhn_poker?compiled=true"])
def test_the_state_stays_what_the_environment_offers(uri: str) -> None:
    env = make_env(uri)
    against = Against(env, random_policy(env.spec), env.spec.agents[1])
    play = begin(against, random_policy(against.spec), seeds(8))
    for _ in range(3):
        after = advance(against, random_policy(against.spec), play).after
        assert np.array_equal(after.state, play.world.inside.state)
        assert after.state.shape[1] == env.spec.state


@pytest.mark.parametrize("agent", ["Player 1", "Player 2"])
def test_nobody_draws_the_others_numbers(agent: str) -> None:
    """Two uniform players of rock-paper-scissors meet each pair of actions equally often.

    Chi-squared with 8 degrees of freedom is below 26.1 with probability 0.999.
    """
    env = make_env("zoo:rock-paper-scissors")
    against = Against(env, random_policy(env.spec), agent)
    count = 9_000
    play = begin(against, random_policy(against.spec), seeds(count))
    actions = advance(against, random_policy(against.spec), play).actions[0][:, 0]
    joint = play.world.world.state["played"]
    assert np.array_equal(joint[:, env.spec.agents.index(agent)], actions)
    met = np.bincount(3 * joint[:, 0] + joint[:, 1], minlength=9)
    assert ((met - count / 9) ** 2 / (count / 9)).sum() < 26.1


def test_others_do_what_they_do_whatever_the_agent_does() -> None:
    env = make_env("zoo:rock-paper-scissors")
    against = Against(env, random_policy(env.spec), "Player 1")
    others = []
    for action in range(3):
        play = begin(against, Independent(against.spec, Always(action)), seeds(50))
        advance(against, Independent(against.spec, Always(action)), play)
        others.append(play.world.world.state["played"][:, 1])
    assert np.array_equal(others[0], others[1]) and np.array_equal(others[0], others[2])
    assert len(set(others[0].tolist())) == 3


@pytest.mark.parametrize(
    "uri", ["foraging:5x5-2p-1f", "openspiel:leduc_poker?compiled=true", "swarm:vicsek?agents=4"]
)
def test_deviating_to_ones_own_policy_changes_nothing(uri: str) -> None:
    env = make_env(uri)
    team, limit = random_policy(env.spec), None if env.spec.horizon else 30
    plain = play_episodes(env, team, seeds(40), max_steps=limit)
    for agent in env.spec.agents[:2]:
        same = Random(env.spec.groups[0].actions)
        own = play_episodes(env, Deviating(Against(env, team, agent), same), seeds(40), max_steps=limit)
        assert np.array_equal(own.returns, plain.returns) and np.array_equal(own.lengths, plain.lengths)


def test_a_deviation_with_a_memory_is_reset_with_the_episode() -> None:
    env = make_env("openspiel:kuhn_poker?compiled=true")
    team = recurrent_team(env)
    from marl.neural import seats

    alone = seats(team)["Player 1"]
    plain = play_episodes(env, Independent(env.spec, {**seats(team)}), seeds(64))
    own = play_episodes(env, Deviating(Against(env, team, "Player 1"), alone), seeds(64))
    assert np.array_equal(own.returns, plain.returns)


def test_what_is_played_inside_is_what_is_played_outside() -> None:
    """The mean return of a policy in the wrapper and beside the team agree: their difference is 0 within 4 errors."""
    env = make_env("openspiel:kuhn_poker?compiled=true")
    bets = Tabular(np.tile([0.2, 0.8], (env.spec.groups[0].rows + 1, 1)))
    against = Against(env, random_policy(env.spec), "Player 2")
    inside = play_episodes(against, Independent(against.spec, bets), seeds(6_000, 1)).returns[:, 0]
    outside = play_episodes(env, Deviating(against, bets), seeds(6_000, 2)).returns[:, 1]
    error = np.hypot(inside.std(), outside.std()) / np.sqrt(6_000)
    assert abs(inside.mean() - outside.mean()) < 4 * error


class Signalled:
    """A correlated team for two: both are told the same action, by the number of one of them."""

    def __init__(self, teller: int) -> None:
        self.teller = teller

    def start(self, batch: int) -> None:
        return None

    def sample(self, step: Any, memory: None, streams: Any) -> tuple[Any, None]:
        told = (streams.uniform()[:, [self.teller]] < 0.5).astype(np.int32)
        return (np.repeat(told, 2, axis=1),), None


@pytest.mark.parametrize("teller", [0, 1])
@pytest.mark.parametrize("agent", ["Player 1", "Player 2"])
def test_a_deviation_does_not_know_what_a_correlated_team_was_told(teller: int, agent: str) -> None:
    """Whoever plays at random in matching pennies gets 0, here within 4 errors, whatever the other does."""
    env = make_env("zoo:matching-pennies")
    against = Against(env, Signalled(teller), agent)
    own = play_episodes(env, Deviating(against, Random(env.spec.groups[0].actions)), seeds(4_000)).returns
    assert abs(own[:, env.spec.agents.index(agent)].mean()) < 4 / np.sqrt(4_000)


def test_an_unknown_agent_is_refused() -> None:
    env = make_env("zoo:chicken")
    with pytest.raises(InputError, match="no agent 'Player 3'; did you mean 'Player"):
        Against(env, random_policy(env.spec), "Player 3")
