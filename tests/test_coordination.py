"""Coordination games: fixtures and reference policies of the paper, rules retold in plain Python, bad input.

Statistical tests state their margins in standard errors; at 5 of them a false alarm comes once in 1.7 million.
"""

from __future__ import annotations

import itertools
from typing import Any

import networkx
import numpy as np
import pytest

from games import check_env, load, make_env, play_episodes, random_policy
from games.coordination_policies import JOINT_POLICIES, POLICIES
from games.env import Env
from games.errors import InputError
from games.laws import LAWS
from games.markov import MarkovGame
from games.play import Transition, begin, rollout
from games.policy import Independent
from games.sims.coordination import EXAMPLES
from games.sims.coordination_aloha import AlohaRules
from games.sims.coordination_bits import bit_rewards, coordination_game
from games.sims.coordination_graphs import graph_of
from games.streams import draw_seeds


def seeds(count: int, seed: int = 0) -> np.ndarray:
    return draw_seeds(np.random.default_rng(seed), count)


def played_at_random(env: Env, steps: int, batch: int = 64, seed: int = 0) -> Transition:
    play = begin(env, random_policy(env.spec), seeds(batch, seed))
    return rollout(env, random_policy(env.spec), play, steps)


@pytest.mark.parametrize(
    "uri",
    [
        *EXAMPLES,
        "coordination:bits?agents=5&steps=3",
        "coordination:bits?agents=21&tolerance=0",
        "coordination:aloha?observe=one-hot&graph=grid:3x4&cap=2&steps=7",
        "coordination:aloha?graph=complete&agents=1&arrival=1",
        "coordination:gather?agents=1&width=7&height=2&steps=20",
        "coordination:gather?agents=2&steps=3",
        "coordination:climb?agents=3&steps=4",
    ],
)
def test_laws(uri: str) -> None:
    assert len(check_env(make_env(uri))) == len(LAWS)


# --- bits -------------------------------------------------------------------------------------------------

FIXTURES = [(2, 47.8000, 0.6820, 0.5230), (3, 43.1040, 0.7743, 0.4640), (5, 53.7782, 0.6985, 0.4649)]
"""Agents, best return, and all-ones' and random play's share of it: the table of section 3 of the specification."""


def best_return(game: MarkovGame) -> float:
    """Value iteration on the joint actions of a team."""
    value = np.zeros(game.size)
    for _ in range(600):
        value = (game.flat_reward[0] + game.discount * game.flat_transition @ value).max(axis=1)
    return float(value @ game.initial)


@pytest.mark.parametrize("agents, best, ones, uniform", FIXTURES)
def test_tabular_fixtures(agents: int, best: float, ones: float, uniform: float) -> None:
    game = coordination_game(agents)
    found = best_return(game)
    assert found == pytest.approx(best, abs=1e-4)
    for plan, share in ((np.tile([0, 1], agents * game.size), ones), (game.uniform(), uniform)):
        assert game.values(plan)[0] / found == pytest.approx(share, abs=1e-4)
    assert game.values(np.tile([1, 0], agents * game.size))[0] == pytest.approx(found, abs=1e-9)
    assert game.has_common_reward and (game.transition == game.transition[:1]).all()


def test_reward_tables() -> None:
    assert bit_rewards(2).tolist() == [3, 0, 2]
    assert bit_rewards(3).tolist() == [3, 0, 1, 2]
    assert bit_rewards(5).tolist() == [3, 3, 0, 1, 2, 2]
    assert bit_rewards(10).tolist() == bit_rewards(10, 3).tolist() == [3, 3, 3, 3, 0, 0, 1, 2, 2, 2, 2]
    assert bit_rewards(4, 3).tolist() == [3, 0, 0, 1, 2]


def test_bit_transitions_by_hand() -> None:
    game = coordination_game(2, noise=0.25)
    assert game.transition[3, 0, 1].tolist() == [0.75 * 0.25, 0.75 * 0.75, 0.25 * 0.25, 0.25 * 0.75]
    assert game.states == ("00", "01", "10", "11")
    assert coordination_game(2, initial=[0, 1, 0, 0]).initial.tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("agents", [2, 3, 5])
def test_bits_are_flipped_and_paid_by_the_next_state(agents: int) -> None:
    env = make_env("coordination:bits", agents=agents, noise=0.1)
    seen = played_at_random(env, 25, batch=2_000)
    view, bits = seen.after.groups[0], seen.after.state
    np.testing.assert_array_equal(
        view.reward, bit_rewards(agents)[bits.sum(axis=-1).astype(int)][..., None] * np.ones(agents)
    )
    np.testing.assert_array_equal(
        view.observation, np.broadcast_to(bits[..., None, :], view.observation.shape)
    )
    powers = 2 ** np.arange(agents)[::-1]
    np.testing.assert_array_equal(
        view.row, (bits @ powers).astype(int)[..., None] * np.ones(agents, dtype=int)
    )
    flips = (bits != seen.actions[0]).ravel()
    assert abs(flips.mean() - 0.1) < 5 * 0.3 / np.sqrt(flips.size)
    pairs = (bits != seen.actions[0])[..., :2].all(axis=-1).ravel()  # flips of two agents are independent
    assert abs(pairs.mean() - 0.01) < 5 * 0.1 / np.sqrt(pairs.size)
    first = seen.before.state[0].ravel()
    assert abs(first.mean() - (1 - 1 / agents)) < 5 * 0.5 / np.sqrt(first.size)
    assert (seen.after.discount == 1).all() and seen.after.last[-1].all() and not seen.after.last[:-1].any()


def test_constant_play_of_bits_earns_what_the_table_says() -> None:
    """Next states do not depend on the current one, so 25 steps of zeros are worth 25 times their mean reward."""
    env = make_env("coordination:bits?agents=3")
    flips = np.array([0.9**3, 3 * 0.9**2 * 0.1, 3 * 0.9 * 0.1**2, 0.1**3])
    for action, chances in ((0, flips), (1, flips[::-1])):
        team = Independent(env.spec, POLICIES["constant"](env.spec, action))
        played = play_episodes(env, team, seeds(20_000), batch=4_096).returns[:, 0]
        assert abs(played.mean() - 25 * chances @ bit_rewards(3)) < 5 * played.std() / np.sqrt(20_000)


# --- Aloha ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{}, {"graph": "ring", "agents": 7}, {"graph": "erdos:0.3", "agents": 9, "cap": 2}]
)
def test_aloha_follows_its_rules(options: dict[str, Any]) -> None:
    env = make_env("coordination:aloha", steps=40, **options)
    seen = played_at_random(env, 40, batch=300)
    near = {i: set() for i in range(len(env.spec.agents))}
    for i, j in env.spec.edges:
        near[i].add(j)
        near[j].add(i)
    cap, arrived = options.get("cap", 5), []
    before, after, actions = seen.before.state, seen.after.state, seen.actions[0]
    assert (before[0] == 1).all()
    for t, b in itertools.product(range(40), range(300)):
        paid = 0.0
        for i, others in near.items():
            left = before[t, b, i]
            if actions[t, b, i] == 1 and left > 0:
                if any(actions[t, b, j] == 1 for j in others):
                    paid -= 10
                else:
                    paid += 0.1
                    left -= 1
            if left == cap:
                assert after[t, b, i] == cap
            else:
                assert after[t, b, i] in (left, left + 1)
                arrived.append(after[t, b, i] - left)
        assert seen.after.rewards[t, b] == pytest.approx(paid)
    assert abs(np.mean(arrived) - 0.6) < 5 * 0.49 / np.sqrt(len(arrived))
    view = seen.after.groups[0]
    np.testing.assert_array_equal(view.observation[..., 0], after)
    np.testing.assert_array_equal(view.row, after.astype(int))
    assert (seen.after.discount == 1).all() and seen.after.last[-1].all()


def test_one_hot_queues() -> None:
    seen = played_at_random(make_env("coordination:aloha?observe=one-hot&cap=3"), 20)
    view = seen.after.groups[0]
    np.testing.assert_array_equal(view.observation, np.eye(4, dtype=np.float32)[seen.after.state.astype(int)])


def test_a_neighbour_without_messages_still_disturbs() -> None:
    env = make_env("coordination:aloha?graph=0-1&arrival=0&collision=-3")
    world, step = env.reset(seeds(1))
    for actions, paid, left in (
        ([1, 0], 0.1, [0, 1]),
        ([1, 1], -3.0, [0, 1]),
        ([1, 0], 0.0, [0, 1]),
        ([0, 1], 0.1, [0, 0]),
    ):
        world, step = env.step(world, (np.array([actions]),))
        assert step.rewards[0].tolist() == [paid, paid] and step.state[0].tolist() == left


REFERENCES = [
    ("idle", 0.0, 1e-12),
    ("independent-set", 6.2, 0.5),
    ("sequential", 9.3, 0.3),
    ("oracle", 9.7, 0.2),
]
"""Policy, mean return and margin, as in section 3 of the specification (measured there on 400 episodes)."""


def returns(env: Env, name: str, count: int) -> np.ndarray:
    team = (
        JOINT_POLICIES[name](env.spec)
        if name in JOINT_POLICIES
        else Independent(env.spec, POLICIES[name](env.spec))
    )
    return play_episodes(env, team, seeds(count), batch=4_096).returns[:, 0]


@pytest.mark.parametrize("name, mean, margin", REFERENCES)
def test_reference_policies_of_aloha(name: str, mean: float, margin: float) -> None:
    found = returns(make_env("coordination:aloha"), name, 8_000)  # standard errors below 0.006
    assert abs(found.mean() - mean) <= margin
    assert found.std() / np.sqrt(found.size) < 0.006


def test_independent_set_by_hand() -> None:
    """Five agents send their first message, then each what has just arrived: 5 (0.1 + 19 * 0.6 * 0.1) = 6.2."""
    found = returns(make_env("coordination:aloha"), "independent-set", 8_000)
    assert abs(found.mean() - 6.2) < 5 * found.std() / np.sqrt(found.size)


@pytest.mark.parametrize("name", ["sequential", "oracle"])
def test_who_transmits(name: str) -> None:
    """No collisions; in turn nobody free is passed over; the oracle's sets are as large as any."""
    env = make_env("coordination:aloha?graph=erdos:0.35&agents=7&seed=3&steps=30")
    policy = JOINT_POLICIES[name](env.spec)
    graph = networkx.Graph(env.spec.edges)
    graph.add_nodes_from(range(7))
    play = begin(env, policy, seeds(20))
    seen = rollout(env, policy, play, 30)
    for waiting, chosen in zip(seen.before.state.reshape(-1, 7), seen.actions[0].reshape(-1, 7)):
        sending = set(np.flatnonzero(chosen).tolist())
        assert not graph.subgraph(sending).edges and (waiting[list(sending)] > 0).all()
        if name == "sequential":
            for i in range(7):
                blocked = any(j in sending for j in graph[i] if j < i)
                assert (i in sending) == (waiting[i] > 0 and not blocked)
        else:
            queued = np.flatnonzero(waiting).tolist()
            sizes = (
                len(s)
                for k in range(8)
                for s in itertools.combinations(queued, k)
                if not graph.subgraph(s).edges
            )
            assert len(sending) == max(sizes)


# --- graphs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, agents, same",
    [
        ("ladder", None, networkx.ladder_graph(5)),
        ("ladder", 6, networkx.ladder_graph(3)),
        ("maco", 10, networkx.Graph([*networkx.ladder_graph(5).edges, (4, 5)])),
        ("ring", 6, networkx.cycle_graph(6)),
        ("ring", 2, networkx.path_graph(2)),
        ("path", 4, networkx.path_graph(4)),
        ("complete", 5, networkx.complete_graph(5)),
        ("grid:3x4", None, networkx.convert_node_labels_to_integers(networkx.grid_2d_graph(3, 4))),
        ("erdos:0", 4, networkx.empty_graph(4)),
        ("erdos:1", 4, networkx.complete_graph(4)),
        ("0-1,2-1", None, networkx.path_graph(3)),
        ("0-1", 3, networkx.Graph({0: [1], 1: [], 2: []})),
    ],
)
def test_named_graphs(text: str, agents: int | None, same: networkx.Graph) -> None:
    found = graph_of(text, agents)
    assert found.size == len(same) == len(found.places)
    assert sorted(tuple(sorted(edge)) for edge in same.edges) == list(found.edges)


def test_graphs_of_networkx_and_pairs() -> None:
    star = networkx.relabel_nodes(networkx.star_graph(3), dict(enumerate("hxyz")))
    assert AlohaRules("aloha", star).spec.edges == ((0, 1), (0, 2), (0, 3))
    assert (
        make_env("coordination:aloha", graph=star).spec.edges
        == AlohaRules("aloha", [(1, 0), (0, 2), (3, 0)]).spec.edges
    )
    assert AlohaRules("aloha", networkx.MultiGraph([(0, 1), (1, 0)])).spec.edges == ((0, 1),)
    assert (
        graph_of("erdos:0.5", 8, 1).edges
        == graph_of("erdos:0.5", 8, 1).edges
        != graph_of("erdos:0.5", 8, 2).edges
    )
    near, starts = graph_of("path", 3).lists()
    assert near.tolist() == [1, 0, 2, 1] and starts.tolist() == [0, 1, 3, 4]


# --- Gather -----------------------------------------------------------------------------------------------


def nearest_goals(columns: np.ndarray) -> np.ndarray:
    """The nearest of the goals in columns 0, 2, 4 to agents in these columns; ties go to the right."""
    distance = np.abs(columns[..., None] - np.array([4, 2, 0]))
    return 2 - distance.argmin(axis=-1)


def best_goals(columns: np.ndarray) -> np.ndarray:
    """The goal that is nearest to most agents; ties go to the left."""
    return (nearest_goals(columns)[..., None] == np.arange(3)).sum(axis=-2).argmax(axis=-1)


@pytest.mark.parametrize(
    "options", [{}, {"agents": 2, "width": 7, "height": 4, "steps": 6}, {"agents": 1, "steps": 3}]
)
def test_gather_follows_its_rules(options: dict[str, int]) -> None:
    env = make_env("coordination:gather", **options)
    size = {"agents": 5, "width": 5, "height": 3, "steps": 8, **options}
    seen = played_at_random(env, 60, batch=200)
    before, after = seen.before.groups[0].observation, seen.after.groups[0].observation
    fresh = np.vstack([np.ones((1, 200), dtype=bool), seen.after.last[:-1]])
    paid = set()
    for b in range(200):
        for t in range(60):
            if fresh[t, b]:
                clock, best = 0, int(best_goals(before[t, b, :, 1]))
                knows = nearest_goals(before[t, b, :, 1]) == best
            clock += 1
            moves = np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [0, 0]])[seen.actions[0][t, b]]
            place = np.clip(before[t, b, :, :2] + moves, 0, [size["height"] - 1, size["width"] - 1])
            np.testing.assert_array_equal(after[t, b, :, :2], place)
            np.testing.assert_array_equal(after[t, b, :, 2:], np.where(knows[:, None], [1, 2 * best], -1))
            at = [int(x) // 2 if y == 1 and x in (0, 2, 4) else None for y, x in place]
            reward, ended = 0.0, clock == size["steps"]
            if all(goal == best for goal in at):
                reward, ended = 10.0, True
            elif ended and None not in at:
                reward = -5.0 if best in at else 5.0
            assert seen.after.rewards[t, b].tolist() == [reward] * size["agents"]
            left = np.float32(1 - clock / size["steps"])
            assert seen.after.state[t, b, -2:].tolist() == [2 * best, left]
            assert seen.after.last[t, b] == ended and seen.after.discount[t, b] == (not ended)
            paid.add(reward)
    np.testing.assert_array_equal(seen.after.state[..., :-2], after.reshape(60, 200, -1))
    assert size["agents"] == 5 or paid >= {0.0, 5.0, 10.0}
    first = seen.before.groups[0].observation[0, ..., :2].reshape(-1, 2)
    for axis, count in ((0, size["height"]), (1, size["width"])):
        shares = np.bincount(first[:, axis].astype(int), minlength=count) / len(first)
        assert (np.abs(shares - 1 / count) < 5 * np.sqrt(1 / count / len(first))).all()


def test_some_at_the_best_goal_and_the_rest_at_others_fail() -> None:
    env = make_env("coordination:gather?agents=2&steps=4")
    world, _ = env.reset(seeds(1))
    world.state["place"][:] = [[[1, 0], [1, 4]]]
    world.state["best"][:] = 0
    stay = (np.full((1, 2), 4),)
    for _ in range(4):
        world, step = env.step(world, stay)
    assert step.rewards.tolist() == [[-5.0, -5.0]] and step.discount[0] == 0


def test_gather_policies() -> None:
    """All at the middle goal are paid 10 if it is the best one and 5 if not: counted over all starting columns."""
    env = make_env("coordination:gather")
    columns = np.array(list(itertools.product(range(5), repeat=5)))
    middle = float((best_goals(columns) == 1).mean())
    found = returns(env, "meet-middle", 8_000)
    assert set(found) == {5.0, 10.0}
    assert abs(found.mean() - (5 + 5 * middle)) < 5 * found.std() / np.sqrt(found.size)
    assert set(returns(env, "meet-best", 2_000)) == {10.0}
    assert set(returns(env, "follow-known", 2_000)) == {-5.0, 10.0}


# --- matrix games -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri, game",
    [
        ("coordination:climbing", "zoo:climbing"),
        ("coordination:penalty?k=-30", "zoo:penalty?k=-30"),
        (
            "coordination:matrix?game=zoo:pure-coordination&actions=4&payoff=3",
            "zoo:pure-coordination?actions=4&payoff=3",
        ),
    ],
)
@pytest.mark.parametrize("steps", [1, 25])
def test_matrix_games_pay_their_table(uri: str, game: str, steps: int) -> None:
    table = load(game).payoffs[0]
    seen = played_at_random(make_env(uri, steps=steps), 50)
    a, b = np.moveaxis(seen.actions[0], -1, 0)
    np.testing.assert_array_equal(seen.after.rewards, np.repeat(table[a, b][..., None], 2, axis=-1))
    assert len(np.unique(table[a, b])) == len(np.unique(table))
    assert (seen.after.discount == (0 if steps == 1 else 1)).all()
    np.testing.assert_array_equal(seen.after.last[:, 0], np.arange(1, 51) % steps == 0)


def test_climb_of_many() -> None:
    env = make_env("coordination:climb?agents=4&reward=8")
    world, _ = env.reset(seeds(5))
    joint = np.array([[0, 0, 0, 0], [1, 2, 2, 1], [0, 1, 1, 1], [0, 0, 0, 2], [1, 1, 1, 1]])
    _, step = env.step(world, (joint,))
    assert step.rewards[:, 0].tolist() == [8, 4, 0, 0, 4] and step.discount.tolist() == [0] * 5
    assert make_env("coordination:climb").spec.groups[0].size == 15


# --- pictures, names and bad input ------------------------------------------------------------------------


def test_pictures() -> None:
    env = make_env("coordination:aloha?graph=0-1,2-3&agents=5")
    world, _ = env.reset(seeds(2))
    world, _ = env.step(world, (np.array([[0] * 5, [1, 0, 1, 1, 0]]),))
    scene = env.scene(world, 1)
    assert [m.kind for m in scene.marks] == ["line"] * 2 + ["disc"] * 5
    assert len({m.color for m in scene.marks[2:]}) == 3
    assert scene.text.startswith("1 sent, 2 collided") and all(0 <= m.x <= scene.width for m in scene.marks)

    env = make_env("coordination:bits")
    world, _ = env.reset(seeds(1))
    assert len(env.scene(world).marks) == 3
    world, step = env.step(world, (np.array([[1, 0, 1]]),))
    assert [m.text for m in env.scene(world).marks[1::2]] == ["chose 1", "chose 0", "chose 1"]
    assert [m.text for m in env.scene(world).marks[::2]] == [f"{bit:g}" for bit in step.state[0]]

    env = make_env("coordination:gather?agents=9")
    world, step = env.reset(seeds(1))
    scene, places = env.scene(world), {tuple(p) for p in step.groups[0].observation[0, :, :2].tolist()}
    assert {(m.y - 0.5, m.x - 0.5) for m in scene.marks if m.kind == "disc"} == places and scene.grid

    for uri, words in (
        ("coordination:climb?agents=3", "a0: 1 of 3 agents, a1: 0 of 3 agents, a2: 2 of 3 agents"),
    ):
        env = make_env(uri)
        world, _ = env.reset(seeds(1))
        assert env.scene(world).text == "nothing played yet"
        world, _ = env.step(world, (np.array([[2, 0, 2]]),))
        assert env.scene(world).text == words


@pytest.mark.parametrize(
    "uri, words",
    [
        ("coordination:alohaa", "did you mean coordination:aloha"),
        ("coordination:xyz", "known are bits, aloha, gather"),
        ("coordination:bits?agent=3", "coordination:bits has no parameter 'agent'; did you mean agents"),
        ("coordination:bits?agents=x", "coordination:bits: parameter agents=x is not a whole number"),
        ("coordination:bits?agents=1", "coordination:bits: .*at least 2 agents, not 1"),
        ("coordination:bits?agents=100000", "at most 1,000 agents"),
        ("coordination:bits?noise=1.5", "noise must be a probability from 0 to 1, not 1.5"),
        ("coordination:bits?tolerance=3", "tolerance must be from 0 to 2 for 3 agents, not 3"),
        ("coordination:bits?steps=0", "at least one step, not 0"),
        ("coordination:aloha?agents=7", "even number of agents, not 7"),
        ("coordination:aloha?agents=0", "from 1 to .* agents, not 0"),
        ("coordination:aloha?graph=maco&agents=8", "has 10 agents, not 8"),
        ("coordination:aloha?graph=star", "unknown graph 'star'"),
        ("coordination:aloha?graph=grid:3x", "such as grid:3x4"),
        ("coordination:aloha?graph=grid:3x4&agents=10", "the graph has 12 agents, not 10"),
        ("coordination:aloha?graph=grid:99999x9999", "not 999,890,001"),
        ("coordination:aloha?graph=complete&agents=50000", "from 1 to 2,000 agents"),
        ("coordination:aloha?graph=erdos:2", "such as erdos:0.3"),
        ("coordination:aloha?graph=erdos:0.3&seed=-1", "seed of a random graph must not be negative"),
        ("coordination:aloha?graph=0-1,1-1", "agent 1 cannot be its own neighbour"),
        ("coordination:aloha?graph=0-1,x", "'x' is not an edge such as 0-1"),
        ("coordination:aloha?graph=0-1,1-5&agents=3", "edge 1-5 names an agent outside 0..2"),
        ("coordination:aloha?graph=0-99999999999999", "not 100,000,000,000,000"),
        ("coordination:aloha?cap=0", "cap must be from 1 to 127"),
        ("coordination:aloha?arrival=-0.1", "arrival must be a probability"),
        ("coordination:aloha?observe=all", "observe=all is not one of number, one-hot"),
        ("coordination:aloha?name=x", "no parameter 'name'"),
        ("coordination:gather?agents=0", "from 1 to 100,000 agents can gather, not 0"),
        ("coordination:gather?width=4", "from 5 x 2 to 127 x 127 cells, not 4 x 3"),
        ("coordination:gather?best=inf", "best=inf is not a finite number"),
        ("coordination:climbing?agents=3", "has 2 agents, not 3; coordination:climb.agents=3"),
        ("coordination:penalty?agents=5", "has 2 agents, not 5"),
        ("coordination:climb?agents=1", "from 2 to 100,000 agents can play, not 1"),
        ("coordination:matrix?game=zoo:chicken", "'Chicken' are not all paid the same"),
        ("coordination:matrix?game=zoo:no-such-game", "zoo has no game"),
        ("coordination:matrix?game=zoo:pure-coordination&action=4", "did you mean 'actions'"),
        ("coordination:matrix?game=zoo:pure-coordination&uri=4", "no parameter 'uri'"),
    ],
)
def test_bad_parameters_are_refused(uri: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        make_env(uri)
    assert "coordination:" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "graph", [networkx.DiGraph([(0, 1)]), [(0, 1, 2)], 5, [(0, 0.5)], [], {0: [1]}, [("a", "b")]]
)
def test_things_that_are_no_graph_are_refused(graph: Any) -> None:
    with pytest.raises(InputError):
        AlohaRules("aloha", graph)


def test_bad_ways_to_observe_are_refused() -> None:
    observe: Any = "everything"
    with pytest.raises(InputError, match="observe must be one of number, one-hot, not 'everything'"):
        AlohaRules("aloha", observe=observe)


@pytest.mark.parametrize("agents, words", [(1, "at least 2 agents"), (20, "GiB; about")])
def test_tables_of_impossible_size_are_refused(agents: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        coordination_game(agents)


@pytest.mark.parametrize("name", [n for n in (*POLICIES, *JOINT_POLICIES) if n != "constant"])
def test_policies_refuse_environments_that_are_not_theirs(name: str) -> None:
    factory: Any = {**POLICIES, **JOINT_POLICIES}[name]
    with pytest.raises(InputError, match=f"policy {name} is for coordination:"):
        factory(make_env("coordination:bits").spec)


def test_policies_refuse_what_they_cannot_do() -> None:
    large = make_env("coordination:aloha?agents=30")
    with pytest.raises(InputError, match=r"up to 20 agents; .* has 30"):
        JOINT_POLICIES["oracle"](large.spec)
    assert returns(make_env("coordination:aloha?agents=30"), "sequential", 50).min() > 0
    for action in (2, -1, 0.5):
        with pytest.raises(InputError, match="actions are 0 to 1"):
            POLICIES["constant"](large.spec, action)
