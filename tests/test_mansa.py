"""MANSA: who acts, who pays, who learns from what; budgets that hold; the laws of learners."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from games import make_env, play_episodes
from games.env import Env
from games.errors import InputError
from games.play import begin, rollout
from games.streams import ACT, Streams, draw_seeds
from marl.learner import Batch
from marl.learner_laws import LAWS, check_learner
from marl.mansa import Learning, Mansa
from marl.ppo import PPO
from marl.ppo_data import Judged, mixed
from marl.qlearning import QLearning
from marl.switch import Switch, only_open, soft
from marl.switched_team import Decider, SwitchedTeam

SMALL_Q: dict[str, Any] = {
    "rollout": 4,
    "learn_every": 4,
    "batch_size": 4,
    "warmup": 0,
    "hidden": (8,),
    "capacity": 400,
}
SMALL_P: dict[str, Any] = {"rollout": 4, "epochs": 2, "hidden": (8,)}
BITS = "coordination:bits?agents=3&steps=6"


def learner(**fields: Any) -> Mansa:
    usual: dict[str, Any] = {
        "independent": QLearning(mixer="none", **SMALL_Q),
        "central": QLearning(mixer="monotonic", **SMALL_Q),
        "switch": Switch(hidden=(8,), learn_every=4, batch_size=8),
        "warmup": 0,
        "epsilon_steps": 20,
    }
    return Mansa(**{**usual, **fields})


def on_policy(**fields: Any) -> Mansa:
    return learner(independent=PPO(critic="observation", **SMALL_P), central=PPO(**SMALL_P), **fields)


def taught(one: Mansa, env: Env, updates: int = 4, batch: int = 3) -> tuple[Learning, list[dict[str, float]]]:
    """A state after some updates, and the metrics of each."""
    state, rng = one.init(env.spec, np.random.default_rng(0)), np.random.default_rng(1)
    play, told = None, []
    for _ in range(updates):
        team, begun = one.explore(state), play is None
        if play is None:
            play = begin(env, team, draw_seeds(np.random.default_rng(2), batch))
        memory = play.memory
        seen = rollout(env, team, play, one.rollout)
        state, metrics = one.update(state, Batch(seen, memory, begun), rng)
        told.append(metrics)
    return state, told


def weights(state: Any) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in state.networks.parameters()]


def same(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize(
    "one",
    [
        learner(budget=2),
        learner(switch=Switch(method="sac", hidden=(8,), learn_every=4, batch_size=8), share_data=False),
        on_policy(),
        learner(budget=9, budget_scope="run"),
    ],
    ids=["budget", "sac", "on-policy", "run-budget"],
)
def test_every_law_of_learners_holds(one: Mansa) -> None:
    updates = 4 if one.budget_scope == "run" else 2
    held = check_learner(one, make_env(BITS), updates=updates, max_steps=12)
    assert held == tuple(law.__name__ for law in LAWS)


# --- who acts -----------------------------------------------------------------------------------------------


def test_nobody_called_is_the_independent_team_and_everybody_the_central_one() -> None:
    env = make_env(BITS)
    state, _ = taught(learner(control="random"), env)
    seeds = draw_seeds(np.random.default_rng(0), 30)
    for control in ("independent", "central"):
        one = learner(control=control)
        alone = getattr(one, control).policy(getattr(state, control))
        team = one.policy(state)
        assert (play_episodes(env, team, seeds).returns == play_episodes(env, alone, seeds).returns).all()
    switched: Any = learner().policy(state)
    parts = [play_episodes(env, team, seeds).returns for team in (switched.apart(), switched.independent)]
    assert (parts[0] == parts[1]).all()


def test_one_bit_for_the_whole_team_in_every_step() -> None:
    """All agents of a sub-environment act by the same team, and which is noted."""

    class Always:
        def __init__(self, action: int) -> None:
            self.action = action

        def start(self, batch: int) -> None:
            return None

        def sample(self, step: Any, memory: None, streams: Streams) -> Any:
            return (np.full(step.groups[0].acting.shape, self.action, dtype=np.int32),), None

    env = make_env(BITS)
    team = SwitchedTeam(env.spec, Always(0), Always(1), Decider(chance=0.3))
    _, step = env.reset(draw_seeds(np.random.default_rng(0), 4_000))
    streams = Streams.from_seeds(draw_seeds(np.random.default_rng(1), 4_000), ACT, agents=3)
    (actions,), memory, notes = team.sample_noting(step, team.start(4_000), streams)
    assert (actions == actions[:, :1]).all() and (actions[:, 0] == notes[:, 0]).all()
    assert abs(notes[:, 0].mean() - 0.3) < 0.03 and (notes[:, 1:] == 1).all()
    assert (memory.left == team.start(4_000).left - notes[:, 0]).all()


@pytest.mark.parametrize("scope", ["episode", "run"])
@pytest.mark.parametrize("control", ["central", "random", "learned"])
def test_no_trajectory_has_more_calls_than_its_budget(scope: Any, control: Any) -> None:
    env, batch = make_env(BITS), 5
    one = learner(budget=2 if scope == "episode" else 13, budget_scope=scope, control=control)
    state, rng = one.init(env.spec, np.random.default_rng(0)), np.random.default_rng(1)
    play, total = None, 0
    running = np.zeros(batch)
    for _ in range(9):
        team, begun = one.explore(state), play is None
        if play is None:
            play = begin(env, team, draw_seeds(np.random.default_rng(2), batch))
        memory = play.memory
        seen = rollout(env, team, play, one.rollout)
        for called, last in zip(np.asarray(seen.notes)[..., 0], seen.after.last):
            running += called
            total += int(called.sum())
            if scope == "episode":
                assert (running <= 2).all()
            running[last] = 0
        state, _ = one.update(state, Batch(seen, memory, begun), rng)
    assert state.calls == total and (scope == "episode" or total <= 13)
    if control == "central":
        assert total == (13 if scope == "run" else 2 * batch * 6)


# --- who learns, and who pays -------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [learner, on_policy], ids=["values", "policies"])
def test_the_central_team_learns_from_its_own_steps_alone(make: Any) -> None:
    env = make_env(BITS)
    for control, idle in (("independent", "central"), ("central", "independent")):
        one = make(control=control, share_data=False)
        state, _ = taught(one, env)
        fresh = one.init(env.spec, np.random.default_rng(0))
        assert same(weights(getattr(state, idle)), weights(getattr(fresh, idle)))
        assert not same(weights(getattr(state, control)), weights(getattr(fresh, control)))


def test_shared_data_teach_the_independent_team_too() -> None:
    env = make_env(BITS)
    one = learner(control="central", share_data=True)
    state, _ = taught(one, env)
    assert not same(
        weights(state.independent), weights(one.init(env.spec, np.random.default_rng(0)).independent)
    )
    state, _ = taught(learner(control="random", fraction=0.3), env, updates=30)
    assert 0 < state.central.samples < state.independent.samples


def test_only_the_switch_pays() -> None:
    """Whatever a call costs, both teams learn the same while chance decides who acts; the switch does not."""
    env, found = make_env(BITS), {}
    for cost in (0.0, 10.0):
        found[cost] = taught(learner(cost=cost, warmup=10**6), env, updates=6)[0]
    for name in ("independent", "central"):
        assert same(weights(getattr(found[0.0], name)), weights(getattr(found[10.0], name)))
    for cost in (0.0, 10.0):
        found[cost] = taught(learner(cost=cost, epsilon_end=1.0), env, updates=6)[0]
    assert not same(weights(found[0.0].switch), weights(found[10.0].switch))


def test_values_belong_to_whoever_acts() -> None:
    own = Judged(torch.arange(4.0).reshape(4, 1, 1), torch.arange(1.0, 5.0).reshape(4, 1, 1), None, None)
    others = Judged(*(10 * part.expand(4, 1, 2) for part in own[:2]), None, None)
    where = torch.tensor([[1.0], [0.0], [1.0], [1.0]])
    last = torch.tensor([[False], [False], [True], [False]])
    value, value_next = mixed(own, others, where, last)
    assert value.flatten().tolist() == [0.0, 10.0, 2.0, 3.0]
    assert value_next.flatten().tolist() == [10.0, 2.0, 3.0, 4.0]


# --- the switch ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["dqn", "sac"])
@pytest.mark.parametrize(("price", "wanted"), [(0.2, [1, 0, 0]), (0.6, [0, 0, 0]), (0.0, [1, 0, 1])])
def test_calls_are_learned_where_they_are_worth_their_price(
    method: Any, price: float, wanted: list[int]
) -> None:
    """Three states of one step: a call is worth 0.5 in the first, -0.3 in the second and 0.1 in the third."""
    switch = Switch(method=method, hidden=(16,), learning_rate=0.01, batch_size=64, entropy=0.05)
    state = switch.init(3, 1, np.random.default_rng(0), "cpu")
    rng = np.random.default_rng(1)
    where, called = rng.integers(0, 3, 2_000), rng.random(2_000) < 0.5
    seen = np.eye(3, dtype=np.float32)[where]
    state.replay.add(
        {
            "seen": seen[None],
            "seen_next": seen[None],
            "switched": called[None],
            "open": np.ones((1, 2_000), dtype=bool),
            "open_next": np.ones((1, 2_000), dtype=bool),
            "reward": (1.0 + np.array([0.5, -0.3, 0.1])[where] * called)[None].astype(np.float32),
            "discount": np.zeros((1, 2_000), dtype=np.float32),
        }
    )
    for _ in range(600):
        switch.learn(state, state.replay.draw(64, "transitions", rng), price, 1.0)
    with torch.no_grad():
        scores = state.chooser(torch.eye(3).unsqueeze(1))[0].squeeze(1)
    assert (scores[:, 1] > scores[:, 0]).int().tolist() == wanted


def test_what_is_not_available_is_neither_chosen_nor_hoped_for() -> None:
    scores = torch.tensor([[1.0, 5.0], [1.0, 5.0]])
    shut = only_open(scores, torch.tensor([True, False]))
    assert shut.argmax(-1).tolist() == [1, 0]
    chance, surprise = soft(shut)
    assert chance[1].tolist() == [1.0, 0.0] and torch.isfinite(surprise).all()


# --- bad input ----------------------------------------------------------------------------------------------


def test_bad_settings_get_a_sentence() -> None:
    spec = make_env(BITS).spec
    cases: list[tuple[dict[str, Any], str]] = [
        ({"independent": QLearning(mixer="sum", **SMALL_Q)}, "must learn alone"),
        ({"central": PPO(critic="observation", **SMALL_P)}, "must learn alone"),
        ({"central": QLearning(**{**SMALL_Q, "rollout": 8})}, "same rollouts"),
        ({"warmup": 5_000}, "warmup of 5,000"),
    ]
    for fields, why in cases:
        with pytest.raises(InputError, match=why):
            learner(**fields).check(spec, 4_000, 3)
    for fields in ({"cost": -0.1}, {"budget": -1}, {"fraction": 1.5}):
        with pytest.raises(ValueError, match=r"greater|less"):
            learner(**fields)


def test_a_checkpoint_of_another_pair_does_not_fit() -> None:
    env = make_env(BITS)
    state, _ = taught(learner(), env)
    tree = learner().save(state)
    with pytest.raises(InputError, match="does not fit"):
        on_policy().load(env.spec, tree)
    with pytest.raises(InputError, match="does not fit"):
        replace(learner(), budget=3).load(env.spec, tree)


# --- budgets of the run, sharp policies, pairs that do not fit -----------------------------------------------


def test_a_budget_of_the_run_is_not_used_up_before_the_switch_learns_and_shuts_play_in_the_end() -> None:
    env = make_env(BITS)
    one = learner(budget=12, budget_scope="run", warmup=60)
    state, told = taught(one, env, updates=5)  # 60 steps: the warm-up
    assert state.steps == 60 and 0 < state.calls <= 12
    spent = [m["call_fraction"] * 12 for m in told]
    assert sum(spent) == pytest.approx(state.calls)
    team: Any = one.policy(state)
    assert team.budget == 12 - state.calls and team.limit is None
    state.calls = 12
    played = play_episodes(env, one.policy(state).deciding(decider=Decider(chance=1.0)), range(20))  # type: ignore[attr-defined]
    assert not played.counts["call"].any()
    state.calls = 11
    played = play_episodes(env, one.policy(state).deciding(decider=Decider(chance=1.0)), range(20))  # type: ignore[attr-defined]
    assert (played.counts["call"] == played.lengths).all()  # judged calls are not taken from the run's


def test_the_coin_of_the_warm_up_leaves_half_of_the_run_s_budget_on_average() -> None:
    one = learner(budget=20, budget_scope="run", warmup=400)
    state = one.init(make_env(BITS).spec, np.random.default_rng(0))
    team: Any = one.explore(state)
    assert team.decider.chance == pytest.approx(0.5 * 20 / 400)
    assert one.explore(state).decider.network is None  # type: ignore[attr-defined]


def test_ratios_where_others_acted_do_no_harm() -> None:
    """A log-ratio that overflows has weight 0 there; infinity times 0 must not reach the loss."""
    ppo: Any = PPO(**SMALL_P)
    env = make_env(BITS)
    state = ppo.init(env.spec, np.random.default_rng(0))
    play = begin(env, ppo.explore(state), draw_seeds(np.random.default_rng(1), 3))
    batch = Batch(rollout(env, ppo.explore(state), play, ppo.rollout), None, True)
    part = ppo._part(state, batch, 0)
    part = part._replace(
        acting=torch.zeros_like(part.acting), old_log_prob=torch.full_like(part.acting, -200.0)
    )
    log_prob = torch.zeros_like(part.acting, requires_grad=True)
    facts = ppo._losses(state, part, 0, log_prob, torch.zeros_like(part.acting))
    facts["policy_loss"].backward()
    assert log_prob.grad is not None and not log_prob.grad.any()
    assert all(torch.isfinite(value).all() for value in facts.values())


def test_own_steps_alone_fill_the_minibatches_of_a_policy() -> None:
    ppo = PPO(minibatches=4)
    sizes = [
        [0 if rows is None else len(rows) for rows in ppo._minibatches(n, 400, np.random.default_rng(0))]
        for n in (400, 200, 90, 3)
    ]
    assert sizes == [[100] * 4, [100] * 2, [0], [0]]


def test_critics_must_mean_the_same() -> None:
    env = make_env("foraging:5x5-2p-1f")
    for odd in ({"gamma": 0.9}, {"reward": "team"}):
        with pytest.raises(InputError, match=f"independent.{next(iter(odd))} is .*; set both to the same"):
            learner(
                independent=PPO(critic="observation", **{**SMALL_P, **odd}), central=PPO(**SMALL_P)
            ).check(env.spec)


def test_a_run_from_python_fits_the_schedule_to_its_length() -> None:
    from marl.train import Plan, Trainer

    env = make_env(BITS)
    trainer = Trainer(Mansa(), env, Plan(steps=5_000), "cpu", None)
    made: Any = trainer.learner
    assert (made.warmup, made.epsilon_steps) == (500, 1_500)


def test_soft_switches_learn_nothing_where_there_is_nothing_to_choose() -> None:
    switch = Switch(method="sac", hidden=(8,), batch_size=32)
    state = switch.init(3, 1, np.random.default_rng(0), "cpu")
    shut = np.zeros((1, 64), dtype=bool)
    seen = np.random.default_rng(1).normal(size=(1, 64, 3)).astype(np.float32)
    state.replay.add(
        {"seen": seen, "seen_next": seen, "switched": shut, "open": shut, "open_next": shut}
        | {name: np.ones((1, 64), dtype=np.float32) for name in ("reward", "discount")}
    )
    before = [
        p.detach().clone() for name in ("policy", "temperature") for p in state.networks[name].parameters()
    ]
    for _ in range(3):
        switch.learn(state, state.replay.draw(32, "transitions", np.random.default_rng(2)), 0.1, 1.0)
    after = [p for name in ("policy", "temperature") for p in state.networks[name].parameters()]
    assert all(torch.equal(x, y) for x, y in zip(before, after, strict=True))
