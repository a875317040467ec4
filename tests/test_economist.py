"""The two-level learner: the laws of learners, its phases, who learns when, entropy weights, and what checkpoints keep."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from games import make_env
from games.errors import InputError
from games.play import Transition, begin, rollout
from games.policy import Idle, Random
from games.streams import draw_seeds
from marl.checkpoint import read_checkpoint, write_checkpoint
from marl.economist import Economist, level_batch, level_spec
from marl.learner import Batch
from marl.learner_laws import LAWS, check_learner
from marl.learners import LEARNERS
from marl.ppo import PPO
from marl.train import Evaluated, Plan, Saved, Updated, train

_PPO: Any = PPO
SMALL: PPO = _PPO(
    critic="observation",
    rollout=2,
    epochs=2,
    minibatches=2,
    hidden=(8,),
    sharing="shared",
    gamma=1.0,
    trace=1.0,
)
URI = "economy:one-step?agents=4&cost=0.012&labour_levels=11&observe=brief"
STEPS = 8
"""Of an update: 4 episodes."""


def learner(**fields: Any) -> Economist:
    return Economist(**({"workers": SMALL, "planner": SMALL} | fields))


def fresh(given: Economist, uri: str = URI, seed: int = 0) -> Any:
    return given.init(make_env(uri).spec, np.random.default_rng(seed))


def recorded(given: Economist, state: Any, uri: str = URI, seed: int = 1) -> Batch:
    env, explorer = make_env(uri), given.explore(state)
    play = begin(env, explorer, draw_seeds(np.random.default_rng(seed), STEPS // 2))
    memory = play.memory
    return Batch(rollout(env, explorer, play, given.rollout), memory, True)


def updated(given: Economist, state: Any, batch: Batch) -> Any:
    return given.update(state, batch, np.random.default_rng(2))


def weights(level: Any) -> list[Any]:
    return [p.detach().clone() for p in level.networks.parameters()]


def same(one: list[Any], other: list[Any]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("uri", "fields"),
    [
        (URI, {"alone": 12, "meanwhile": "random"}),
        (
            "economy:one-step?agents=4&cost=0.012&labour_levels=5&brackets=2",
            {
                "planner": replace(SMALL, epochs=1, clip=0.3, hidden=(4,)),
                "keep_workers": False,
                "alone": 6,
                "worker_entropy": (0.5, 0.0),
                "worker_entropy_steps": 10,
            },
        ),
    ],
)
def test_the_laws_of_learners_hold(uri: str, fields: dict[str, Any]) -> None:
    assert len(check_learner(learner(**fields), make_env(uri))) == len(LAWS)


def test_it_is_known_by_its_name() -> None:
    preset = LEARNERS["economist"]
    assert preset.kind is Economist and set(preset.parts) == {"workers", "planner"}


# --- phases -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("meanwhile", ["nothing", "random"])
def test_who_plans_while_workers_are_alone(meanwhile: Any) -> None:
    given = learner(alone=STEPS, meanwhile=meanwhile)
    state = fresh(given)
    for team in (given.explore(state), given.policy(state), given.policy(state, greedy=False)):
        assert isinstance(team.seats[1][2], Random if meanwhile == "random" else Idle)
    rates = recorded(given, state).steps.before.groups[0].observation[1, :, 0, :3]
    assert bool((rates > 0).any()) == (meanwhile == "random")

    before = weights(state.planner), weights(state.workers)
    state, told = updated(given, state, recorded(given, state))
    assert same(before[0], weights(state.planner)) and not same(before[1], weights(state.workers))
    assert (told["planner_learns"], told["workers_learns"], told["planner_entropy_weight"]) == (0, 1, 0)
    assert not any(told[f"planner_{key}"] for key in ("policy_loss", "value_loss", "entropy", "kl"))

    assert not isinstance(given.explore(state).seats[1][2], Random | Idle)  # the phase is over
    before = weights(state.planner), weights(state.workers)
    state, told = updated(given, state, recorded(given, state))
    assert not same(before[0], weights(state.planner)) and not same(before[1], weights(state.workers))
    assert told["planner_learns"] == 1 and told["planner_value_loss"] > 0
    assert (state.steps, state.worker_updates, state.planner_updates) == (2 * STEPS, 2, 1)


def test_workers_can_be_kept_as_they_are_once_the_planner_learns() -> None:
    given = learner(alone=STEPS, keep_workers=False)
    state, _ = updated(given, fresh(given), recorded(given, fresh(given)))
    kept = weights(state.workers)
    state, told = updated(given, state, recorded(given, state))
    assert same(kept, weights(state.workers)) and told["workers_learns"] == 0
    assert (state.worker_updates, state.planner_updates) == (1, 1)


def test_levels_learn_from_their_own_rewards() -> None:
    """What the planner is paid changes nothing in the workers' update, and the other way round."""
    given = learner()
    batch = recorded(given, fresh(given))
    after = batch.steps.after
    for g, name in ((0, "planner"), (1, "workers")):
        views = list(after.groups)
        views[g] = views[g]._replace(reward=views[g].reward + np.arange(4, dtype=np.float32)[None, :, None])
        other = Batch(
            Transition(batch.steps.before, batch.steps.actions, after._replace(groups=tuple(views))),
            batch.memory,
            True,
        )
        one, _ = updated(given, fresh(given), batch)
        two, _ = updated(given, fresh(given), other)
        assert same(weights(getattr(one, name)), weights(getattr(two, name)))
        changed = {"planner": "workers", "workers": "planner"}[name]
        assert not same(weights(getattr(one, changed)), weights(getattr(two, changed)))


def test_a_level_learns_as_it_would_alone() -> None:
    """Workers' update is PPO's own on what happened to them, with the weight of the entropy bonus of that moment."""
    given = learner(alone=2 * STEPS, worker_entropy=(0.4, 0.0), worker_entropy_steps=100)
    state = fresh(given)
    batch = recorded(given, state)
    spec = level_spec(state.spec, "workers")
    alone = SMALL.init(spec, np.random.default_rng(0))
    alone.networks.load_state_dict(state.workers.networks.state_dict())
    state, _ = updated(given, state, batch)
    alone, _ = replace(SMALL, entropy=0.4).update(alone, level_batch(batch, 0), np.random.default_rng(2))
    assert same(weights(alone), weights(state.workers))


def test_weights_of_entropy_bonuses_fall_and_stay() -> None:
    given = learner(
        alone=100,
        worker_entropy=(0.5, 0.1),
        worker_entropy_steps=200,
        planner_entropy=(2.0, 0.0),
        planner_entropy_steps=50,
    )
    assert [given.entropy("workers", k) for k in (0, 100, 200, 999)] == pytest.approx([0.5, 0.3, 0.1, 0.1])
    assert [given.entropy("planner", k) for k in (0, 100, 125, 150, 999)] == pytest.approx([2, 2, 1, 0, 0])


def test_more_entropy_leaves_more_of_it() -> None:
    left = {}
    for weight in (0.0, 5.0):
        given = learner(
            planner_entropy=(weight, weight), planner=replace(SMALL, learning_rate=0.03, epochs=4)
        )
        state = fresh(given)
        for k in range(24):
            state, told = updated(given, state, recorded(given, state, seed=k))
        left[weight] = told["planner_entropy"]
    assert left[5.0] > left[0.0] + 0.5


# --- keeping ------------------------------------------------------------------------------------------------------


def trained(given: Economist, steps: int, **more: Any) -> list[Any]:
    plan = Plan(steps=steps, batch=STEPS // 2, evaluate_every=STEPS, save_every=STEPS, episodes=2, seed=3)
    return list(train(given, make_env(URI), plan, **more))


def test_checkpoints_keep_the_counters(tmp_path: Any) -> None:
    given = learner(alone=2 * STEPS, meanwhile="random")
    events = trained(given, 3 * STEPS)
    saved = [event for event in events if isinstance(event, Saved)]
    write_checkpoint(tmp_path / "c.safetensors", saved[-1].tree)
    state = given.load(make_env(URI).spec, read_checkpoint(tmp_path / "c.safetensors")["learner"])
    assert (state.steps, state.worker_updates, state.planner_updates) == (3 * STEPS, 3, 1)
    assert not isinstance(given.policy(state).seats[1][2], Random)

    half = [event for event in trained(given, STEPS) if isinstance(event, Saved)][-1]
    rest = trained(given, 3 * STEPS, resume=half.tree)
    told = [event.metrics["planner_learns"] for event in rest if isinstance(event, Updated)]
    assert told == [0.0, 1.0]  # the first phase goes on where it was


def test_policies_for_play_leave_out_what_only_training_needs() -> None:
    event = [e for e in trained(learner(), 2 * STEPS) if isinstance(e, Evaluated)][-1]
    tree = event.tree["learner"]
    for name in ("workers", "planner"):
        assert "actors" in tree[name] and not {"critics", "adam", "moments"} & set(tree[name])
    state = learner().load(make_env(URI).spec, tree)
    assert state.steps == 2 * STEPS


def test_a_branch_takes_the_workers_over_and_a_fresh_planner() -> None:
    given = learner(alone=2 * STEPS)
    last = [event for event in trained(given, 3 * STEPS) if isinstance(event, Saved)][-1].tree["learner"]
    spec = make_env(URI).spec
    before, branch = given.load(spec, last), given.start(spec, last, np.random.default_rng(7))
    assert same(weights(before.workers), weights(branch.workers))
    assert same(weights(branch.planner), weights(given.init(spec, np.random.default_rng(7)).planner))
    assert not same(weights(before.planner), weights(branch.planner))
    assert (branch.steps, branch.worker_updates, branch.planner_updates) == (0, 0, 0)


# --- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("uri", ["zoo:chicken", "foraging:5x5-2p-1f", "swarm:aggregation?agents=3&horizon=4"])
def test_environments_without_a_planner_are_refused(uri: str) -> None:
    with pytest.raises(InputError, match="needs workers and a planner"):
        learner().check(make_env(uri).spec)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"planner": replace(SMALL, rollout=4)}, "workers.rollout is 2 and planner.rollout 4"),
        ({"worker_entropy": (0.1, -0.1)}, "not negative"),
        ({"planner": replace(SMALL, hidden=(0,))}, "planner: hidden layers"),
    ],
)
def test_levels_that_do_not_fit_are_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        learner(**fields).check(make_env(URI).spec)


def test_damaged_checkpoints_are_refused() -> None:
    given, spec = learner(), make_env(URI).spec
    tree = given.save(given.init(spec, np.random.default_rng(0)))
    with pytest.raises(InputError, match="it has no planner"):
        given.load(spec, {key: value for key, value in tree.items() if key != "planner"})
    light = {key: value for key, value in tree["planner"].items() if key != "adam"}
    with pytest.raises(InputError, match="the optimiser of one level alone"):
        given.load(spec, {**tree, "planner": light})
    with pytest.raises(InputError):
        given.load(make_env("economy:one-step?agents=4&brackets=2&observe=brief").spec, tree)


def test_a_first_phase_that_never_ends_is_told() -> None:
    spec = make_env(URI).spec
    assert learner(alone=100).remarks(spec, 101) == ()
    (told,) = learner(alone=100).remarks(spec, 100)
    assert told.startswith("only workers learn")
