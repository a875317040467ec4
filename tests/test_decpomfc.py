"""Dec-POMFC: the laws of learners, what the upper level learns from, and the four ways to execute."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import norm

from games import make_env
from games.errors import InputError
from games.play import begin, play_episodes, rollout
from games.policy import Independent
from games.streams import ACT, Streams, draw_seeds
from marl.checkpoint import Tree
from marl.decpomfc import DecPOMFC, adapted, kl_to
from marl.decpomfc_team import SURROGATE_SEED, Sighted
from marl.learner import Batch
from marl.learner_laws import LAWS, check_learner
from marl.ppo import PPO
from marl.train import Evaluated, Plan, train

SMALL = PPO(critic="observation", rollout=5, epochs=2, minibatches=2, hidden=(8,))
URI = "swarm:aggregation?agents=20&horizon=12&cells=3"


def learner(**fields: Any) -> DecPOMFC:
    return DecPOMFC(**({"upper": SMALL} | fields))


def fresh(given: DecPOMFC, uri: str = URI, seed: int = 0) -> Any:
    return given.init(make_env(uri).spec, np.random.default_rng(seed))


def recorded(given: DecPOMFC, state: Any, uri: str = URI, batch: int = 4) -> Batch:
    env, explorer = make_env(uri), given.explore(state)
    play = begin(env, explorer, draw_seeds(np.random.default_rng(1), batch))
    return Batch(rollout(env, explorer, play, given.rollout), None, True)


@pytest.mark.parametrize(
    ("uri", "fields"),
    [
        ("swarm:aggregation?agents=4&cells=3&horizon=7", {}),
        (
            "swarm:kuramoto?agents=4&kappa=0.5&horizon=7&cells=2",
            {"family": "mixture", "clock": "share", "kl": 0.2, "execution": "det"},
        ),
        (
            "swarm:vicsek?agents=4&observe=polar&horizon=7&cells=2&features=kernel",
            {"family": "histogram", "clock": "one-hot", "execution": "ind"},
        ),
    ],
)
def test_the_laws_of_learners_hold(uri: str, fields: dict[str, Any]) -> None:
    assert len(check_learner(learner(**fields), make_env(uri), updates=2, max_steps=12)) == len(LAWS)


# --- what is learned from --------------------------------------------------------------------------------------


def test_one_action_of_the_upper_level_per_step_whatever_the_number_of_agents() -> None:
    for agents in (3, 50):
        given = learner()
        uri = URI.replace("agents=20", f"agents={agents}")
        notes = np.asarray(recorded(given, fresh(given, uri), uri).steps.notes)
        assert notes.shape == (5, 4, 1 + 3 * 36)
        np.testing.assert_array_equal(notes[..., 0], np.arange(5)[:, None].repeat(4, axis=1))


def test_actions_come_from_the_noted_vector_and_what_each_agent_sees() -> None:
    """Only the noted xi is between observations and actions: the same xi and streams give the same actions."""
    given, env = learner(), make_env(URI)
    steps = recorded(given, fresh(given)).steps
    family = given.rule_family(env.spec)
    notes = np.asarray(steps.notes)
    seeds = draw_seeds(np.random.default_rng(1), 4)
    streams = Streams.from_seeds(seeds, ACT, agents=20)
    for t in range(5):
        streams.agents(slice(0, 1)).normal(family.size)  # the draw of xi
        rules = family.rules(notes[t, :, None, 1:37].astype(np.float64))
        again = family.act(rules, steps.before.groups[0].observation[t], streams)
        np.testing.assert_array_equal(again, steps.actions[0][t])


def test_the_density_that_is_learned_from_is_that_of_the_raw_vector() -> None:
    """No Jacobian of the squashing: PPO's first log-probabilities are normal densities of the noted xi."""
    given = learner(log_std=-0.7)
    state = fresh(given)
    batch = recorded(given, state)
    upward = given._upward(state, batch.steps)
    notes = np.asarray(batch.steps.notes)
    xi, mean, log_std = np.split(notes[..., 1:].astype(np.float64), 3, axis=-1)
    direct = norm.logpdf(xi, mean, np.exp(log_std)).sum(axis=-1)
    actor = state.upper.networks["actors"][0]
    with torch.no_grad():
        out, _ = actor(torch.from_numpy(upward.before.groups[0].observation.reshape(-1, 1, 9)))
    told, told_log_std = out.double().chunk(2, dim=-1)
    found = norm.logpdf(xi.reshape(-1, 36), told[:, 0].numpy(), told_log_std[:, 0].exp().numpy()).sum(axis=-1)
    np.testing.assert_allclose(found, direct.ravel(), rtol=1e-5)
    np.testing.assert_allclose(np.exp(log_std), np.exp(-0.7), rtol=1e-6)


def test_where_nothing_is_gained_the_upper_level_stays_as_it_is() -> None:
    """Advantages of 0: not a bit of the policy changes."""
    given = learner(upper=replace(SMALL, normalise_values=False, entropy=0.0))
    state = fresh(given)
    batch = recorded(given, state)
    with torch.no_grad():
        for parameter in state.upper.networks["critics"].parameters():
            parameter.zero_()
    view = batch.steps.after.groups[0]
    unpaid = batch.steps.after._replace(groups=(view._replace(reward=view.reward * 0),))
    before = [p.detach().clone() for p in state.upper.networks["actors"].parameters()]
    given.update(state, batch._replace(steps=batch.steps._replace(after=unpaid)), np.random.default_rng(0))
    for old, new in zip(before, state.upper.networks["actors"].parameters()):
        assert torch.equal(old, new)


def test_a_cut_off_episode_is_worth_what_would_have_followed() -> None:
    """The time limit is no end: the upper level's steps go on with discount 1 where an episode stops."""
    given = learner(upper=replace(SMALL, rollout=12))
    state = fresh(given)
    upward = given._upward(state, recorded(given, state).steps)
    assert upward.after.last[-1].all() and (upward.after.discount == 1).all()


def test_the_penalty_is_the_divergence_of_normal_distributions() -> None:
    rng = torch.Generator().manual_seed(0)
    old, new = (torch.randn(7, 1, 12, generator=rng, dtype=torch.double) for _ in range(2))
    first, second = (
        torch.distributions.Normal(*(part if k == 0 else part.exp() for k, part in enumerate(x.chunk(2, -1))))
        for x in (old, new)
    )
    direct = torch.distributions.kl_divergence(first, second).sum(-1)
    torch.testing.assert_close(kl_to(old, new), direct)
    assert float(kl_to(old, old).abs().max()) < 1e-12


def test_the_penalty_holds_the_upper_level_back() -> None:
    moved = {}
    for weight in (1e-6, 1e3):
        given = learner(kl=weight, upper=replace(SMALL, epochs=10, learning_rate=0.01))
        state = fresh(given)
        moved[weight] = given.update(state, recorded(given, state), np.random.default_rng(0))[1]["kl_moved"]
    assert moved[1e3] < 0.2 * moved[1e-6]
    assert [adapted(x, 0.03) for x in (0.07, 0.05, 0.03, 0.016, 0.014)] == [1.5, 1.0, 1.0, 1.0, 0.5]


def test_training_gathers_a_swarm() -> None:
    """A short run closes half of the way from doing nothing to the scripted rule."""
    env = make_env("swarm:aggregation?agents=50&cells=5&v=0.3&horizon=30")
    upper = PPO(
        critic="observation",
        rollout=30,
        epochs=10,
        minibatches=4,
        learning_rate=3e-3,
        entropy=0.0,
        hidden=(32,),
    )
    plan = Plan(steps=30_000, batch=20, evaluate_every=30_000, save_every=30_000, episodes=40, seed=1)
    judged = [e for e in train(DecPOMFC(upper=upper), env, plan) if isinstance(e, Evaluated)]
    before, after = (float(e.episodes.returns[:, 0].mean()) for e in (judged[0], judged[-1]))
    assert before < -58 and after > -38
    assert abs(after - float(judged[-1].beside["det"].returns[:, 0].mean())) < 2


# --- four ways to execute --------------------------------------------------------------------------------------


def grown(given: DecPOMFC, uri: str = URI) -> Any:
    state = fresh(given, uri)
    with torch.no_grad():  # rules that differ much from state to state
        for parameter in state.upper.networks["actors"].parameters():
            parameter.mul_(3.0)
    return state


def test_open_loop_rules_are_the_means_along_one_surrogate_episode() -> None:
    """With the surrogate's own seed and size the two ways play the same episode, bit for bit."""
    given = learner()
    state = grown(given)
    env = make_env(URI, agents=2000)
    large = given.load(env.spec, given.save(state))
    det = play_episodes(env, given.team(large), [SURROGATE_SEED])
    opened = play_episodes(env, Independent(env.spec, given.team(state).open()), [SURROGATE_SEED])
    np.testing.assert_array_equal(det.returns, opened.returns)
    other = play_episodes(env, Independent(env.spec, given.team(state).open()), [1])
    assert (other.returns != det.returns).all()


def test_drawn_seeds_are_never_the_surrogates() -> None:
    assert int(draw_seeds(np.random.default_rng(0), 1000).max()) < SURROGATE_SEED


def _first_actions(given: DecPOMFC, state: Any, execution: Any) -> Any:
    """Greedy actions of agents that all see the same."""
    env = make_env(URI)
    _, step = env.reset(np.array([3], dtype=np.uint64))
    view = step.groups[0]
    same = view._replace(observation=np.broadcast_to(view.observation[:, :1], view.observation.shape).copy())
    team = given.team(state, greedy=True).executed(execution)
    streams = Streams.from_seeds(np.array([3], dtype=np.uint64), ACT, agents=20)
    return team.sample(step._replace(groups=(same,)), team.start(1), streams)[0][0][0]


def test_rules_are_common_unless_every_agent_draws_its_own() -> None:
    given = learner()
    state = grown(given)
    det, shared, own = (_first_actions(given, state, how) for how in ("det", "shared", "ind"))
    assert (det == det[0]).all() and (shared == shared[0]).all()
    assert len(np.unique(own[:, 0])) == 20
    assert (det[0] != shared[0]).any()


def test_the_first_agent_alone_is_the_same_shared_or_not() -> None:
    given = learner()
    state = grown(given)
    np.testing.assert_array_equal(
        _first_actions(given, state, "shared")[0], _first_actions(given, state, "ind")[0]
    )


def test_what_was_learned_with_few_agents_plays_with_many() -> None:
    given = learner()
    tree = given.save(fresh(given), whole=False)
    for agents in (1, 3000):
        env = make_env(URI, agents=agents)
        state = given.load(env.spec, tree)
        for policy in (given.policy(state), given.team(state)):
            assert np.isfinite(play_episodes(env, policy, [1]).returns).all()


def test_the_upper_level_may_be_told_the_time() -> None:
    state, time = np.zeros((2, 3), dtype=np.float32), np.array([0, 5])
    assert Sighted("none", 10)(state, time).shape == (2, 3)
    assert Sighted("share", 10)(state, time)[:, -1].tolist() == [0, 0.5]
    told = Sighted("one-hot", 10)(state, np.array([9, 10]))[:, 3:]
    assert told.argmax(axis=1).tolist() == [9, 9] and told.sum() == 2


# --- what is refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "fields", "told"),
    [
        ("foraging:5x5-2p-1f", {}, "is not a swarm; expected swarm:aggregation"),
        (URI, {"upper": replace(SMALL, recurrent=True)}, "upper.recurrent must be false"),
        (URI, {"points": 200}, "points is 200, which makes 40,000 grid points"),
    ],
)
def test_learners_that_do_not_fit_are_refused(uri: str, fields: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        learner(**fields).check(make_env(uri).spec)


def test_checkpoints_of_another_grid_of_observations_are_refused() -> None:
    given = learner()
    tree = given.save(fresh(given))
    for uri in (URI + "&box=3", "swarm:vicsek?cells=3&heading_cells=1&horizon=12"):
        with pytest.raises(InputError, match="another grid of observations"):
            given.load(make_env(uri).spec, tree)
    clocked = learner(clock="share")
    kept = clocked.save(fresh(clocked))
    for other, uri in (
        (given, URI + "&features=kernel"),
        (given, URI + "&scale=1"),
        (clocked, URI.replace("=12", "=24")),
    ):
        with pytest.raises(InputError, match=r"features of the mean field|the time as"):
            other.load(make_env(uri).spec, tree if other is given else kept)
    assert given.load(make_env(URI.replace("=12", "=24")).spec, tree).kl_weight == 0
    damaged: Tree = tree | {"kl_weight": -1.0}
    with pytest.raises(InputError, match="damaged"):
        given.load(make_env(URI).spec, damaged)


def test_what_was_probably_not_meant_is_remarked() -> None:
    spec = make_env("swarm:vicsek").spec
    assert [len(learner(bandwidth=b, points=p).remarks(spec)) for b, p in ((0.5, 3), (1.0, 3), (1.0, 4))] == [
        1,
        2,
        3,
    ]
    assert learner().remarks(make_env("swarm:vicsek?kappa=0.5").spec) == ()
    assert learner(family="histogram", bandwidth=2.0).remarks(make_env(URI).spec) == ()
