"""What is said of learned graphs and of correlation: against closed forms, brute force and the exact answer."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments import dag_correlation, dag_states
from experiments.dag_correlation import correlation_of
from experiments.dag_facts import DagFacts, facts
from experiments.dag_states import joined, listed_steps, visited_steps
from experiments.output import dumps
from games.bayes_net import BayesNet
from games.dag import Dag
from games.env import EnvSpec, Group, Step, View
from games.env_uris import make_env
from games.errors import InputError
from games.policy import random_policy
from games.spaces import Discrete
from marl import dag_measures as measures
from marl.bayes_net import BayesNetActorCritic
from marl.ppo import PPO

LN2 = math.log(2.0)
COPY = [[[[0.5, 0.5]]], [[[1.0, 0.0], [0.0, 1.0]]]]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def step_of(states: int, agents: int = 2, actions: int = 2) -> Step:
    """States told apart by `View.row` and by the global state."""
    row = np.repeat(np.arange(states, dtype=np.int32)[:, None], agents, axis=1)
    flags = np.ones((states, agents), dtype=bool)
    view = View(
        row[..., None].astype(np.float32),
        np.ones((states, agents, actions), dtype=bool),
        np.zeros((states, agents)),
        flags,
        flags,
        row,
    )
    number = np.arange(states, dtype=np.float32)[:, None]
    return Step((view,), number, np.ones(states, dtype=np.float32), np.zeros(states, dtype=bool))


def _number(step: Step) -> Any:
    row = step.groups[0].row
    assert row is not None
    return row[:, 0]


class Told:
    """A team with given graphs and edge probabilities in every state; agents toss coins, and 1 may copy 0."""

    execution, greedy = "noisy", False

    def __init__(self, probability: Any, graphs: Any, copies: float = 0.0) -> None:
        self.probability, self.told, self.copies = np.asarray(probability), np.asarray(graphs), copies
        agents = self.told.shape[-1]
        names = tuple(f"agent_{i}" for i in range(agents))
        self.spec = EnvSpec("told", (Group("agents", names, (1,), Discrete(2)),), state=1)

    def graphs(self, step: Step) -> Any:
        return self.told[_number(step)]

    def edge_probabilities(self, step: Step, rng: np.random.Generator, draws: int = 64) -> Any:
        return rng.binomial(draws, self.probability[_number(step)]) / draws

    def start(self, batch: int) -> None:
        return None

    def sample(self, step: Step, memory: None, streams: Any) -> Any:
        drawn = streams.uniform(2)
        actions = (drawn[..., 0] < 0.5).astype(np.int32)
        same = drawn[:, 1, 1] < self.copies
        actions[same, 1] = actions[same, 0]
        return (actions,), None


def random_net(seed: int, agents: int, states: int, actions: int = 2, density: float = 0.6) -> BayesNet:
    """Graphs and conditional distributions at random, with another graph in every state."""
    draw = rng(seed)
    graphs = np.zeros((states, agents, agents), dtype=bool)
    shape = (actions,) * agents
    cells = list(itertools.product(range(actions), repeat=agents))
    factors = np.zeros((agents, states, len(cells)))
    for k in range(states):
        order = draw.permutation(agents)
        chosen = np.triu(draw.random((agents, agents)) < density, 1)
        graphs[k][np.ix_(order, order)] = chosen
        for i in range(agents):
            tables: dict[Any, Any] = {}
            for c, cell in enumerate(cells):
                given = tuple(cell[j] for j in range(agents) if graphs[k, j, i])
                if given not in tables:
                    tables[given] = draw.dirichlet(np.full(actions, 0.5))
                factors[i, k, c] = tables[given][cell[i]]
    return BayesNet(graphs, factors, shape)


class Known(BayesNet):
    """Tables that also tell the conditional distributions of joint actions, as a neural team does."""

    def conditionals(self, step: Step, actions: Any) -> Any:
        rows = self._rows(step)
        out = np.empty((len(rows), len(self.shape), self.shape[0]))
        for i, a in itertools.product(range(len(self.shape)), range(self.shape[0])):
            changed = actions.copy()
            changed[:, i] = a
            out[:, i, a] = self.factors[i, rows, np.ravel_multi_index(changed.T, self.shape)]
        return out


# --- exact --------------------------------------------------------------------------------------------------------


def test_an_agent_that_copies_another_shares_ln_2() -> None:
    found = facts(BayesNet.from_tables(Dag.line(2), COPY), step_of(1), rng())
    assert found.method == "exact" and found.samples == 0 and found.bias == 0
    assert found.information[0, 1] == pytest.approx(LN2) == found.information[1, 0]
    assert found.correlation == pytest.approx([LN2]) and found.mean_information == pytest.approx(LN2)
    assert found.probability.tolist() == found.frequency.tolist() == [[0, 1], [0, 0]]
    assert found.ratio.tolist() == found.noisy_ratio.tolist() == [1.0]
    assert found.spread.max() == found.uncertainty.max() == found.variation == 0
    assert found.intervals == {} and found.distinct == 1


def test_a_chain_of_copies_and_exclusive_or_have_the_textbook_correlation() -> None:
    chain = BayesNet.from_tables(Dag.line(3), [*COPY, COPY[1]])
    found = facts(chain, step_of(1, 3), rng())
    assert found.information[np.triu_indices(3, 1)] == pytest.approx([LN2] * 3)
    assert found.correlation == pytest.approx([2 * LN2])  # three bits that are one
    flip = [[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]]
    xor = BayesNet.from_tables(Dag.of("0>2,1>2", "abc"), [COPY[0], COPY[0], flip])
    found = facts(xor, step_of(1, 3), rng())
    assert abs(found.information).max() == pytest.approx(0.0, abs=1e-12)  # pairwise independent, and yet
    assert found.correlation == pytest.approx([LN2])
    assert found.ratio == pytest.approx([2 / 3])


def brute_information(joint: Any, i: int, j: int) -> float:
    """By the definition, cell by cell."""
    total = 0.0
    for a, b in itertools.product(*(range(n) for n in (joint.shape[i], joint.shape[j]))):
        pair = sum(p for cell, p in np.ndenumerate(joint) if cell[i] == a and cell[j] == b)
        left = sum(p for cell, p in np.ndenumerate(joint) if cell[i] == a)
        right = sum(p for cell, p in np.ndenumerate(joint) if cell[j] == b)
        total += pair * math.log(pair / (left * right)) if pair > 0 else 0.0
    return total


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), agents=st.integers(2, 4), density=st.sampled_from([0.0, 0.4, 1.0]))
def test_exact_correlation_is_that_of_the_definition(seed: int, agents: int, density: float) -> None:
    net = random_net(seed, agents, 3, density=density)
    found = facts(net, step_of(3, agents), rng())
    joints = net.joint()
    for i, j in itertools.combinations(range(agents), 2):
        wanted = np.mean([brute_information(joint, i, j) for joint in joints])
        assert found.information[i, j] == pytest.approx(wanted, abs=1e-9)
    assert (found.information == found.information.T).all() and found.information.min() >= 0
    assert (found.correlation >= net.mutual_information().max(axis=(1, 2)) - 1e-9).all()
    assert found.correlation.max() <= (agents - 1) * LN2 + 1e-9
    if density == 0.0:
        assert found.correlation.max() == pytest.approx(0.0, abs=1e-12)
        assert found.ratio.max() == 0.0 and found.distinct == 1
    if density == 1.0:
        assert found.ratio.min() == 1.0


# --- edges --------------------------------------------------------------------------------------------------------


def test_edges_that_depend_on_the_state() -> None:
    states = 400
    p = np.zeros((states, 2, 2))
    p[::2, 0, 1], p[1::2, 0, 1], p[:, 1, 0] = 0.2, 0.8, 0.1
    graphs = p > 0.5
    found = facts(Told(p, graphs), step_of(states), rng(1), draws=64)
    assert found.probability[0, 1] == pytest.approx(0.5, abs=0.02)
    assert found.spread[0, 1] == pytest.approx(0.3, abs=0.01)
    assert found.frequency.tolist() == [[0, 0.5], [0, 0]]
    assert found.ratio.mean() == found.variation == 0.5 and found.distinct == 2
    assert found.noisy_ratio.mean() == pytest.approx(0.6, abs=0.02)
    coin = [-q * math.log(q) - (1 - q) * math.log(1 - q) for q in (0.2, 0.1)]
    assert found.uncertainty.mean() == pytest.approx(np.mean(coin), abs=0.02)
    assert found.agents == ("agent_0", "agent_1") and found.played_probability is found.probability


def test_edges_that_are_only_uncertain_do_not_seem_to_vary() -> None:
    """The finite number of draws alone makes shares differ by 0.0625 from state to state."""
    p = np.full((500, 3, 3), 0.5)
    team = Told(p, np.zeros((500, 3, 3), dtype=bool))
    raw = team.edge_probabilities(step_of(500, 3), rng(), 64).std(axis=0)
    found = facts(team, step_of(500, 3), rng(), draws=64)
    assert raw.min() > 0.05 and found.spread.max() < 0.025
    assert found.uncertainty.mean() == pytest.approx(LN2, abs=0.01)


def test_blocks_of_states_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    net = random_net(5, 3, 40)
    whole = facts(net, step_of(40, 3), rng())
    monkeypatch.setattr(dag_correlation, "_AT_ONCE", 50)
    parts = facts(net, step_of(40, 3), rng())
    for name in ("probability", "spread", "frequency", "ratio", "information", "correlation"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), atol=1e-12)
    assert parts.distinct == whole.distinct > 5


def test_intervals_are_of_means_over_states() -> None:
    net = random_net(3, 3, 60)
    found = facts(net, step_of(60, 3), rng())
    means = {
        "ratio": found.ratio.mean(),
        "variation": found.variation,
        "correlation": found.correlation.mean(),
    }
    for name, mean in means.items():
        low, high = found.intervals[name]
        error = (found.ratio if name != "correlation" else found.correlation).std() / math.sqrt(60)
        assert low <= mean <= high and high - low < 6 * error
    edges = found.intervals["probability"]
    assert edges.shape == (3, 3, 2) and (edges[..., 0] <= found.probability).all()
    assert (found.probability <= edges[..., 1]).all() and found.intervals["information"].shape == (3, 3, 2)
    assert facts(net, step_of(60, 3), rng(), listed=True).intervals == {}


def test_many_agents_have_no_intervals_of_single_edges() -> None:
    agents = 20
    p = np.full((6, agents, agents), 0.5)
    found = facts(
        Told(p, np.zeros((6, agents, agents), dtype=bool), 1.0), step_of(6, agents), rng(), samples=256
    )
    assert "ratio" in found.intervals and "probability" not in found.intervals
    assert found.method == "counted" and np.isnan(found.correlation).all()  # of 2**20 joint actions
    assert found.information[0, 1] == pytest.approx(LN2, abs=0.01)
    assert "correlation" not in found.intervals and found.to_document()["bias"] == 1 / 512


# --- samples ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("actions", [2, 3])
def test_samples_come_close_to_the_exact_answer(actions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    net = random_net(7, 4, 25, actions)
    team = Known(net.graphs, net.factors, net.shape)
    exact = correlation_of(team, step_of(25, 4, actions), rng())
    monkeypatch.setattr(dag_correlation, "EXACT", 1)
    found = correlation_of(team, step_of(25, 4, actions), rng(), 4_000)
    assert (exact.method, found.method) == ("exact", "sampled")
    assert found.bias == pytest.approx((actions - 1) ** 2 / 8_000)
    assert found.information.min() >= 0 and found.total.min() >= 0
    np.testing.assert_allclose(found.information, exact.information, atol=0.05)
    np.testing.assert_allclose(found.total, exact.total, atol=0.05)
    assert (found.information - exact.information).mean() < 3 * found.bias + 1e-3
    monkeypatch.setattr(dag_correlation, "EXACT", 4_096)
    counting = BayesNet(net.graphs, net.factors, net.shape)
    object.__setattr__(counting, "execution", "noisy")  # by which it does not tell its joint distribution
    counted = correlation_of(counting, step_of(25, 4, actions), rng(), 4_000)
    assert counted.method == "counted"
    np.testing.assert_allclose(counted.information, exact.information, atol=0.05)
    np.testing.assert_allclose(counted.total, exact.total, atol=0.08)


def test_conditional_distributions_make_independent_play_exactly_uncorrelated() -> None:
    draw = rng()
    base = draw.dirichlet(np.ones(3), size=(5, 1, 4))
    conditionals = np.broadcast_to(base, (5, 200, 4, 3))
    actions = (draw.random((5, 200, 4, 1)) > conditionals.cumsum(axis=-1)).sum(axis=-1)
    before = np.broadcast_to(np.triu(np.ones((4, 4), dtype=bool), 1), (5, 4, 4))
    assert abs(measures.sampled_information(actions, conditionals, before)).max() < 1e-12
    assert abs(measures.sampled_correlation(conditionals)).max() < 1e-12
    counted = measures.sampled_information(actions, measures.one_hot(actions, 3), before)
    assert counted[:, 0, 1].min() > 1e-5  # which counting does not know


def test_the_bias_of_counting_is_what_is_said() -> None:
    draws, width = 200, 3
    actions = rng().integers(0, width, size=(3_000, draws, 2))
    before = np.broadcast_to(np.triu(np.ones((2, 2), dtype=bool), 1), (3_000, 2, 2))
    found = measures.sampled_information(actions, measures.one_hot(actions, width), before)[:, 0, 1]
    assert found.mean() == pytest.approx(measures.information_bias(width, draws), rel=0.1)
    total = measures.counted_correlation(actions, width)
    np.testing.assert_allclose(total, found, atol=1e-12)  # of two agents they are the same


def test_ratios_and_entropies() -> None:
    complete = np.triu(np.ones((2, 5, 5), dtype=bool), 1)
    assert measures.open_ratio(complete).tolist() == [1.0, 1.0]
    assert measures.open_ratio(np.full((4, 4), 0.25) * (1 - np.eye(4))) == pytest.approx(0.5)
    assert measures.binary_entropy(np.array([0.0, 0.5, 1.0])) == pytest.approx([0.0, LN2, 0.0])


def test_samples_of_many_agents_are_drawn_in_some_states_only(monkeypatch: pytest.MonkeyPatch) -> None:
    p = np.full((30, 14, 14), 0.5)
    team = Told(p, np.zeros((30, 14, 14), dtype=bool), 1.0)
    monkeypatch.setattr(dag_correlation, "WORK", 5 * 200 * 14 * 14)
    found = facts(team, step_of(30, 14), rng(), samples=200)
    assert found.states == len(found.ratio) == 30 and len(found.correlation) == 5
    assert found.to_document()["measured_states"] == 5 and found.information[0, 1] == pytest.approx(
        LN2, abs=0.02
    )
    assert {"ratio", "information", "mean_information"} <= set(found.intervals)


# --- neural teams -------------------------------------------------------------------------------------------------


def neural(uri: str, **options: Any) -> tuple[Any, Any]:
    """An untrained team whose parents matter much, and its environment."""
    env = make_env(uri)
    learner = BayesNetActorCritic(ppo=PPO(hidden=(8,), **options.pop("ppo", {})), **options)
    state = learner.init(env.spec, rng(1))
    if "parents" in state.networks:
        state.networks["parents"].by_action.data *= 200.0
    return env, learner.policy(state, greedy=False)


def test_a_neural_team_tells_conditionals_that_fit_its_network() -> None:
    env, team = neural("coordination:bits?agents=3", dag="complete", parents="observations")
    step = listed_steps(env)
    assert step is not None
    net = team.network(step)
    for c, cell in enumerate(itertools.product(range(2), repeat=3)):
        told = team.conditionals(step, np.tile(cell, (8, 1)))
        for i in range(3):
            np.testing.assert_allclose(told[:, i, cell[i]], net.factors[i, :, c], atol=1e-6)
    assert np.ptp(net.factors[2].reshape(8, 2, 2, 2)[..., 0], axis=1).max() > 0.1  # parents do matter


def test_facts_of_a_neural_team_by_listing_and_by_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    env, team = neural("coordination:bits?agents=4")
    step = listed_steps(env)
    assert step is not None and step.batch == 16
    exact = facts(team, step, rng(), listed=True, env=env)
    assert exact.agents == env.spec.agents and exact.method == "exact" and exact.places == ()
    assert exact.information.max() > 0.01
    monkeypatch.setattr(dag_correlation, "EXACT", 1)
    found = facts(team, step, rng(), samples=3_000, listed=True)
    assert found.method == "sampled" and found.samples == 3_000
    np.testing.assert_allclose(found.information, exact.information, atol=0.03)
    assert found.correlation.mean() == pytest.approx(exact.correlation.mean(), abs=0.02)
    empty = facts(team.with_execution("empty"), step, rng(), samples=100)
    assert empty.ratio.max() == empty.probability.max() == 0 and empty.correlation.max() < 1e-12
    assert empty.information.max() < 1e-12


def test_thirteen_agents_are_judged_by_samples() -> None:
    env, team = neural("coordination:bits?agents=13", dag="line")
    step = visited_steps(env, team, np.arange(2, dtype=np.uint64), rng(), limit=6)
    found = facts(team, step, rng(), samples=500, env=env)
    assert found.method == "sampled" and np.isfinite(found.correlation).all()
    assert found.frequency.tolist() == np.eye(13, k=1).tolist() and found.ratio[0] == pytest.approx(12 / 78)
    near, far = np.eye(13, k=1, dtype=bool), np.triu(np.ones((13, 13), dtype=bool), 6)
    assert found.information[near].mean() > found.information[far].mean() + 5e-3


def test_aloha_says_where_its_agents_stand() -> None:
    env, team = neural("coordination:aloha?agents=4", dag="random")
    step = visited_steps(env, team, np.arange(3, dtype=np.uint64), rng(), limit=20)
    found = facts(team, step, rng(), samples=200, env=env)
    assert len(found.places) == 4 and found.neighbours == env.spec.edges and found.execution == "noisy"
    assert found.probability[np.triu_indices(4, 1)] == pytest.approx([0.5] * 6, abs=0.1)


def test_agents_that_remember_have_graphs_but_no_measured_correlation() -> None:
    env, team = neural("coordination:bits?agents=2", ppo={"recurrent": True})
    step = listed_steps(env)
    assert step is not None
    found = facts(team, step, rng())
    assert found.method == "none" and np.isnan(found.information).all() and found.samples == 0
    assert np.isfinite(found.noisy_ratio).all()
    document = found.to_document()
    assert math.isnan(document["total_correlation"]) and "null" in dumps(document)


# --- states -------------------------------------------------------------------------------------------------------


def test_states_of_the_coordination_game_count_up() -> None:
    step = listed_steps(make_env("coordination:bits?agents=3"))
    assert step is not None
    bits = step.groups[0].observation[:, 0]
    assert bits.tolist() == [list(row) for row in itertools.product((0, 1), repeat=3)]
    assert _number(step).tolist() == list(range(8)) and not step.last.any()


@pytest.mark.parametrize(
    ("uri", "count"),
    [
        ("coordination:climbing", 1),
        ("coordination:bits?agents=10", 1_024),
        ("coordination:bits?agents=11", None),
        ("coordination:aloha?agents=4", None),
    ],
)
def test_states_are_listed_where_that_is_possible(uri: str, count: int | None) -> None:
    step = listed_steps(make_env(uri))
    assert (None if step is None else step.batch) == count


def test_visits_are_kept_whole_or_each_with_the_same_chance() -> None:
    env = make_env("coordination:bits?agents=2&steps=7")
    seeds = np.arange(5, dtype=np.uint64)
    everything = visited_steps(env, random_policy(env.spec), seeds, rng(), limit=100)
    assert everything.batch == 35 and not everything.last.any()
    some = visited_steps(env, random_policy(env.spec), seeds, rng(3), limit=10)
    again = visited_steps(env, random_policy(env.spec), seeds, rng(3), limit=10)
    assert some.batch == 10 and (some.state == again.state).all()
    times = np.zeros(40)
    for k in range(600):  # four steps of ten sub-environments, of which eight numbers are kept
        kept = dag_states._Kept(8, rng(k))
        for t in range(4):
            step = step_of(40).where(np.arange(10 * t, 10 * t + 10))
            kept(None, step, None)
        assert kept.step().batch == 8
        times[kept.step().state[:, 0].astype(int)] += 1
    assert abs(times - 120).max() < 5 * math.sqrt(600 * 0.2 * 0.8)


def test_states_are_joined_in_their_order() -> None:
    whole = step_of(7, 3)
    parts = joined([whole.where(slice(0, 3)), whole.where(slice(3, 7))])
    assert all((a == b).all() for a, b in zip(parts.groups[0], whole.groups[0]) if a is not None)
    assert (parts.state == whole.state).all() and joined(whole) is whole


# --- documents and mistakes ---------------------------------------------------------------------------------------


def test_facts_are_a_document() -> None:
    found: DagFacts = facts(random_net(1, 2, 9), step_of(9), rng())
    document = found.to_document()
    assert document["states"] == 9 and document["open_ratio"] == found.ratio.mean()
    assert document["intervals"]["open_ratio"] == found.intervals["ratio"].tolist()
    assert np.array(document["mutual_information"]).shape == (2, 2)
    assert dumps(document) == dumps(facts(random_net(1, 2, 9), step_of(9), rng()).to_document())


def test_mistakes_are_named() -> None:
    env = make_env("coordination:bits?agents=2")
    net = BayesNet.from_tables(Dag.line(2), COPY)
    with pytest.raises(InputError, match="plays independently"):
        facts(random_policy(env.spec), step_of(1), rng())
    with pytest.raises(InputError, match="at least one state"):
        facts(net, [], rng())
    with pytest.raises(InputError, match="at least 2 draws"):
        facts(net, step_of(1), rng(), draws=1)
    with pytest.raises(InputError, match="at least one state must be kept"):
        visited_steps(env, random_policy(env.spec), [1], rng(), limit=0)
