"""The Bayesian-network actor-critic: MAPPO without a graph, first-pass ratios of one, no leaks, and its team's own word."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from small_worlds import mixed

from games import NormalFormGame, make_env, play_episodes, simulate
from games.env import Env, Step
from games.errors import InputError
from games.play import Play, Transition, begin, rollout
from games.policy import Independent
from games.streams import ACT, Streams, draw_seeds
from marl.bayes_net import BayesNetActorCritic, Judgement
from marl.bayes_net_team import NetworkedTeam
from marl.learner import Batch, Diverged
from marl.learner_laws import LAWS, check_learner
from marl.ppo import PPO, own_judgement
from marl.train import Evaluated, Plan, Saved, Updated, train

SMALL = PPO(rollout=6, epochs=2, hidden=(8,), sharing="heads", learning_rate=0.01)
BITS = "coordination:bits?agents=3&steps=6"
LEARNED = {"dag": "learned", "dag_hidden": 8}
TELLS = pytest.mark.parametrize("tells", ["actions", "observations"])


def learner(**fields: Any) -> BayesNetActorCritic:
    return BayesNetActorCritic(**{"ppo": SMALL, "dag_hidden": 8, **fields})


def played(one: BayesNetActorCritic, env: Env, seed: int = 0, batch: int = 5) -> tuple[Any, Batch, Play]:
    """A fresh state whose parents have a say, and what it explored."""
    state = one.init(env.spec, np.random.default_rng(seed))
    if "parents" in state.networks:
        with torch.no_grad():
            for parameter in state.networks["parents"].parameters():
                parameter += torch.randn(parameter.shape, generator=torch.Generator().manual_seed(seed))
    team = one.explore(state)
    play = begin(env, team, draw_seeds(np.random.default_rng(seed + 1), batch))
    memory = play.memory
    return state, Batch(rollout(env, team, play, one.rollout), memory, True), play


def parts_of(one: BayesNetActorCritic, state: Any, batch: Batch) -> list[Any]:
    return [one.ppo._part(state, batch, g) for g in range(len(state.spec.groups))]


def law_of(one: BayesNetActorCritic, state: Any) -> Any:
    return one._law(state.spec, state.networks["dag"] if one._learned else None)


# --- laws ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"parents": "observations", "order": "fixed"},
        {"dag": "line"},
        {"dag": "random", "edge_probability": 0.3},
        {"dag": "empty"},
        {
            "dag_mode": "resample",
            "execution": "noisy",
            "sparsity": 0.1,
            "sparsity_steps": 72,
            "sparsity_decays": 2,
        },
        {"ppo": PPO(rollout=4, epochs=2, hidden=(8,), minibatches=2, recurrent=True)},
    ],
    ids=["learned", "observations", "line", "random", "empty", "resampled", "recurrent"],
)
def test_every_law_of_learners_holds(fields: dict[str, Any]) -> None:
    updates = 4 if "sparsity_steps" in fields else 2  # sparsity is raised in steps
    held = check_learner(learner(**fields), make_env(BITS), updates=updates, max_steps=12)
    assert held == tuple(law.__name__ for law in LAWS)


@pytest.mark.parametrize("env", ["mpe:simple-speaker-listener?max_cycles=6", "foraging:6x6-2p-2f"])
def test_laws_hold_with_several_groups_and_masks(env: str) -> None:
    """Speaker and listener see and do different numbers of things, so that they are filled up."""
    try:
        world = make_env(env)
    except InputError:
        world = make_env(env.partition("?")[0])
    check_learner(learner(parents="observations"), world, updates=2, max_steps=6)


# --- without a graph ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("minibatches", [1, 3])
def test_the_empty_graph_is_mappo_bit_for_bit(minibatches: int) -> None:
    ppo = replace(SMALL, minibatches=minibatches)
    plan = Plan(steps=240, batch=4, evaluate_every=60, save_every=120, episodes=10, seed=5)
    ours, theirs = (list(train(one, make_env(BITS), plan)) for one in (learner(ppo=ppo, dag="empty"), ppo))
    for a, b in zip(ours, theirs, strict=True):
        assert type(a) is type(b) and a.steps == b.steps
        if isinstance(a, Updated) and isinstance(b, Updated):
            assert a.metrics == b.metrics and (a.returns == b.returns).all()
        if isinstance(a, Evaluated) and isinstance(b, Evaluated):
            assert (a.episodes.returns == b.episodes.returns).all()
    for a, b in zip(ours, theirs):
        if isinstance(a, Saved) and isinstance(b, Saved):
            mine, other = a.tree["learner"], b.tree["learner"]
            assert mine.keys() == other.keys()
            for name in ("actors", "critics"):
                assert all(torch.equal(mine[name][key], other[name][key]) for key in other[name])


@TELLS
def test_a_graph_forced_empty_leaves_the_plain_actor_s_logits_exactly(tells: Any) -> None:
    one = learner(parents=tells)
    state, batch, play = played(one, make_env(BITS))
    parts = parts_of(one, state, batch)
    alone = own_judgement(state, parts)
    nobody = replace(law_of(one, state), context=None, given=np.zeros((3, 3), dtype=bool))
    told = Judgement(nobody)(state, parts)
    assert torch.equal(told.log_probs[0], alone.log_probs[0])
    assert torch.equal(told.entropies[0], alone.entropies[0])
    team: Any = one.policy(state, False)
    apart, empty = team.apart(), team.with_execution("empty")
    seeds = draw_seeds(np.random.default_rng(3), 40)
    assert isinstance(apart, Independent)
    a, b, c = (play_episodes(make_env(BITS), t, seeds).returns for t in (apart, empty, team))
    assert (a == b).all() and (a != c).any()
    assert play.step is not None


# --- the loss -----------------------------------------------------------------------------------------------


@TELLS
@pytest.mark.parametrize("dag", ["learned", "complete", "random"])
def test_at_first_the_ratio_is_one(tells: Any, dag: str) -> None:
    """What is judged before anything has changed is what was played: the same graph, the same conditionals."""
    one, env = learner(parents=tells, dag=dag), make_env(BITS)
    state, batch, _ = played(one, env)
    parts = parts_of(one, state, batch)
    said = Judgement(law_of(one, state))(state, parts)
    # the probability with which the team itself plays these actions, step by step
    team: Any = one.explore(state)
    flat = _flat(batch.steps)
    law = law_of(one, state)
    notes = np.asarray(batch.steps.notes).reshape(30, law.size)
    acting = flat.groups[0].acting
    scores = law.scores(flat.groups[0].observation.reshape(len(acting), -1), "cpu", None)
    order, graph = law.graphs(scores, notes, acting)
    assert graph.any()
    table = _conditionals(team, flat, graph)
    chosen = batch.steps.actions[0].reshape(-1, 3)
    cell = (chosen * [4, 2, 1]).sum(axis=1)
    own = np.log(table[:, np.arange(len(cell)), cell].T)
    np.testing.assert_allclose(said.log_probs[0][0].detach().numpy(), own, atol=1e-5)
    assert order.shape == (len(cell), 3)


def _flat(steps: Transition) -> Step:
    rows = steps.before.last.size
    view = steps.before.groups[0]
    return Step(
        (type(view)(*(None if part is None else part.reshape(rows, *part.shape[2:]) for part in view)),),
        steps.before.state.reshape(rows, -1),
        steps.before.discount.reshape(rows),
        steps.before.last.reshape(rows),
    )


def _conditionals(team: NetworkedTeam, step: Step, graph: np.ndarray) -> np.ndarray:
    """float64[3, R, 8]: of every agent's part of every joint action, given graphs."""
    from marl.dag_kernels import conditionals

    shown = team._shown(step)
    base, _ = team._base(step, None)
    cells = np.stack(np.unravel_index(np.arange(8), (2, 2, 2)), axis=1).astype(np.int32)
    out = np.empty((3, len(graph), 8))
    conditionals(cells, graph, base, shown.mask, *team._tables(shown), False, out)
    return out


def test_the_first_pass_changes_nothing_but_a_fresh_graph_does() -> None:
    """With one epoch the policy is judged where it played: no divergence; with fresh graphs there is some."""
    for mode, zero in (("replay_noise", True), ("resample", False)):
        one = learner(ppo=replace(SMALL, epochs=1), dag_mode=mode)
        state, batch, _ = played(one, make_env(BITS))
        _, metrics = one.update(state, batch, np.random.default_rng(0))
        assert (abs(metrics["kl"]) < 1e-6) == zero, mode


@TELLS
def test_the_policy_s_loss_reaches_all_networks_of_the_graph(tells: Any) -> None:
    one = learner(parents=tells)
    state, batch, _ = played(one, make_env(BITS))
    before = {name: p.detach().clone() for name, p in state.networks.named_parameters()}
    state, metrics = one.update(state, batch, np.random.default_rng(0))
    for name, parameter in state.networks.named_parameters():
        assert not torch.equal(parameter, before[name]), name
    for name in ("actors", "critics", "parents", "dag"):
        assert metrics[f"{name}_grad_norm"] > 0
    assert 0 < metrics["open_ratio"] < 1 and metrics["influence"] > 0 and metrics["edge_variation"] > 0


@TELLS
def test_nobody_learns_from_knowing_its_own_action_and_childless_edges_learn_too(tells: Any) -> None:
    """The graph's gradient is 0 on its diagonal, and not 0 for edges that are absent everywhere."""
    one = learner(parents=tells, dag="complete")
    state, batch, _ = played(one, make_env(BITS))
    part = parts_of(one, state, batch)[0]
    graph = torch.zeros(30, 3, 3, requires_grad=True)
    from marl.bayes_net import _of_parents

    added = state.networks["parents"](graph, *_of_parents([part]))
    assert (added == 0).all()
    (added * torch.randn(added.shape, generator=torch.Generator().manual_seed(0))).sum().backward()
    assert graph.grad is not None
    apart = ~torch.eye(3, dtype=torch.bool)
    assert (graph.grad[:, ~apart] == 0).all() and (graph.grad[:, apart] != 0).any(dim=0).all()


def test_training_that_diverges_says_so() -> None:
    one = learner(ppo=replace(SMALL, learning_rate=1e30, epochs=3))
    plan = Plan(steps=3_000, batch=4, evaluate_every=3_000, save_every=3_000, episodes=2)
    with pytest.raises(Diverged):
        list(train(one, make_env(BITS), plan))


def test_gradients_of_every_network_are_clipped() -> None:
    one = learner(ppo=replace(SMALL, epochs=1, max_grad_norm=1e-6, adam_epsilon=1.0, learning_rate=1.0))
    state, batch, _ = played(one, make_env(BITS))
    before = {name: p.detach().clone() for name, p in state.networks.named_parameters()}
    state, _ = one.update(state, batch, np.random.default_rng(0))
    for name, parameter in state.networks.named_parameters():
        assert (parameter - before[name]).abs().max() <= 1.5e-6, name


def test_sparsity_empties_the_graph_and_only_where_it_is_asked_for() -> None:
    env, steps = make_env(BITS), 6 * 8 * 160
    plan = Plan(steps=steps, batch=8, evaluate_every=steps, save_every=steps, episodes=10, seed=1)
    last = {}
    for weight in (0.0, 0.1):
        more = {"sparsity": weight, "sparsity_steps": steps} if weight else {}
        one = learner(ppo=replace(SMALL, epochs=5), **more)
        told = [e.metrics for e in train(one, env, plan) if isinstance(e, Updated)]
        last[weight] = told[-1]["open_ratio"]
        if weight:
            assert told[0]["wanted_ratio"] == 1.0 and told[-1]["wanted_ratio"] == 0.0
            assert told[0]["sparsity"] == pytest.approx(0.1) and told[-1]["sparsity"] == 1.0
        else:
            assert "sparsity" not in told[0]
    assert last[0.1] < 0.1 < last[0.0]


# --- who sees what ------------------------------------------------------------------------------------------


@TELLS
def test_only_parents_actions_are_seen_and_by_their_children_alone(tells: Any) -> None:
    """Column i lists i's parents: changing j's action moves i's conditional if and only if j is a parent of i."""
    given = "0>2,1>2"
    one = learner(parents=tells, dag=given)
    state, batch, play = played(one, make_env(BITS), batch=30)
    team: Any = one.policy(state, False)
    net = team.network(play.step)
    tensors = [f.reshape(30, 2, 2, 2) for f in net.factors]
    for i in range(3):
        for j in range(3):
            if j != i:
                moves = np.ptp(tensors[i], axis=1 + j).max() > 1e-6
                assert moves == ((j, i) in {(0, 2), (1, 2)}), (j, i)
    parts = parts_of(one, state, batch)
    judge = Judgement(law_of(one, state))
    plain = judge(state, parts).log_probs[0]
    for j in range(3):
        changed = parts[0].action.clone()
        changed[..., j] = 1 - changed[..., j]
        other = judge(state, [parts[0]._replace(action=changed)]).log_probs[0]
        for i in range(3):
            if i != j:
                assert torch.equal(plain[..., i], other[..., i]) == (j == 2 or i != 2), (j, i)


@TELLS
def test_a_team_plays_as_its_network_says(tells: Any) -> None:
    one, env = learner(parents=tells), make_env(BITS)
    state, _, play = played(one, env, batch=4)
    team: Any = one.policy(state, False)
    net = team.network(play.step)
    assert (net.graphs == team.graphs(play.step)).all() and net.graphs.any()
    wanted = net.joint().reshape(4, 8)
    rows = np.repeat(np.arange(4), 20_000)
    streams = Streams.from_seeds(draw_seeds(np.random.default_rng(0), len(rows)), ACT, agents=3)
    (actions,), _ = team.sample(play.step.where(rows), None, streams)
    counts = np.zeros((4, 8))
    np.add.at(counts, (rows, (actions * [4, 2, 1]).sum(axis=1)), 1 / 20_000)
    error = np.sqrt(wanted * (1 - wanted) / 20_000)
    assert (abs(counts - wanted) < 4.5 * error + 1e-6).all()
    greedy: Any = one.policy(state, True)
    best = greedy.network(play.step)
    assert set(np.unique(best.factors)) == {0.0, 1.0}
    (chosen,), _ = greedy.sample(
        play.step, None, Streams.from_seeds(draw_seeds(np.random.default_rng(1), 4), ACT, agents=3)
    )
    assert (best.joint().reshape(4, 8).argmax(axis=1) == (chosen * [4, 2, 1]).sum(axis=1)).all()


def test_edge_probabilities_are_the_share_of_noisy_draws() -> None:
    one, env = learner(dag="random", edge_probability=0.25), make_env(BITS)
    state, _, play = played(one, env, batch=300)
    team: Any = one.policy(state, False)
    assert team.execution == "noisy", "a random graph has no form without noise"
    share = team.edge_probabilities(play.step, np.random.default_rng(0), draws=50).mean(axis=0)
    assert abs(share[np.triu_indices(3, 1)] - 0.25).max() < 0.02 and not share[np.tril_indices(3)].any()
    with pytest.raises(InputError, match="drawn anew"):
        team.network(play.step)
    assert not team.with_execution("empty").graphs(play.step).any()


def test_players_with_fewer_actions_are_filled_up() -> None:
    env = simulate(mixed_actions())
    one = learner(dag="complete")
    state, _, play = played(one, env, batch=16)
    net = one.policy(state, False).network(play.step)  # type: ignore[attr-defined]
    tensor = net.factors[0].reshape(16, 3, 3)
    assert (tensor[:, 2] == 0).all(), "the third action is not the first player's"
    np.testing.assert_allclose(net.joint().sum(axis=(1, 2)), 1.0)
    one.update(state, played(one, env)[1], np.random.default_rng(0))


def mixed_actions() -> NormalFormGame:
    payoff = np.random.default_rng(0).random((1, 2, 3))
    return NormalFormGame(np.repeat(payoff, 2, axis=0))


# --- bad input ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "steps", "why"),
    [
        ({"dag": "0>1,1>2,2>0"}, None, "cycle agent_0 > agent_1 > agent_2 > agent_0"),
        ({"dag": "0>7"}, None, "'7'"),
        ({"dag": "lerned"}, None, "did you mean learned"),
        ({"dag": "star"}, None, "learned, random, empty, line, complete, or edges"),
        ({"sparsity": 0.5, "sparsity_last": 0.1, "sparsity_steps": 50}, None, "larger weight"),
        ({"sparsity": 0.1}, None, "sparsity_steps"),
        ({"sparsity": 0.1, "sparsity_steps": 5_000}, 4_000, "5,000 steps .*only 4,000"),
        ({"sparsity": 0.1, "sparsity_steps": 5_000, "dag": "line"}, None, "learned graph"),
        ({"sparsity_steps": 5_000}, None, "no effect"),
    ],
)
def test_bad_settings_get_a_sentence(fields: dict[str, Any], steps: int | None, why: str) -> None:
    with pytest.raises(InputError, match=why):
        learner(**fields).check(make_env(BITS).spec, steps)


def test_annealing_must_fit_into_the_updates_of_the_run() -> None:
    one = learner(sparsity=0.1, sparsity_steps=6 * 8 * 67)
    one.check(make_env(BITS).spec, 6 * 8 * 70, 8)
    with pytest.raises(InputError, match=r"40 parts .* 67 updates, and sparsity_steps makes 33"):
        one.check(make_env(BITS).spec, 6 * 8 * 70, 16)


@pytest.mark.parametrize(
    ("env", "why"),
    [
        ("openspiel:kuhn_poker", "in turns"),
        ("mpe:simple-spread?N=1", "single agent"),
    ],
)
def test_environments_without_simultaneous_discrete_teams_are_refused(env: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        learner().check(make_env(env).spec)
    with pytest.raises(InputError, match="discrete"):
        learner().check(mixed().spec)


def test_the_empty_graph_plays_in_turns_too() -> None:
    learner(dag="empty").check(make_env("openspiel:kuhn_poker").spec)


def test_it_learns_to_climb_where_independent_learners_do_not() -> None:
    """The climbing game: the complete graph reaches the optimum of 11, independent play rests at 7 or below."""
    env = make_env("coordination:penalty?k=-100")
    ppo = PPO(rollout=8, epochs=5, learning_rate=3e-3, sharing="heads", hidden=(16,), entropy=0.01)
    reached = {}
    for dag in ("complete", "empty"):
        one = learner(ppo=ppo, dag=dag, parents_learning_rate=None if dag == "empty" else 0.05)
        total = []
        for seed in range(3):
            plan = Plan(
                steps=32_000,
                batch=64,
                evaluate_every=32_000,
                save_every=10**6,
                episodes=50,
                greedy=True,
                seed=seed,
            )
            last = [e for e in train(one, env, plan) if isinstance(e, Evaluated)][-1]
            total.append(float(last.episodes.returns.mean()))
        reached[dag] = total
    assert min(reached["complete"]) == 10.0
    assert math.fsum(reached["empty"]) < math.fsum(reached["complete"])
