"""Q-learning as a learner: configuration, exploration, schedules, targets that follow, checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from small_worlds import cue, mixed, target
from walkers import walkers

from games.env import View
from games.env_uris import make_env
from games.errors import InputError
from games.play import begin, rollout
from games.spaces import Discrete
from games.streams import ACT, Streams, draw_seeds
from marl.checkpoint import read_checkpoint, write_checkpoint
from marl.epsilon_greedy import EpsilonGreedy
from marl.learner import Batch
from marl.learner_laws import check_learner
from marl.learners import LEARNERS
from marl.neural import Neural
from marl.qlearning import Learning, QLearning

TINY: dict[str, Any] = {
    "rollout": 4,
    "learn_every": 4,
    "warmup": 8,
    "batch_size": 4,
    "hidden": (8,),
    "capacity": 40,
    "epsilon_steps": 100,
    "mixer_width": 4,
    "mixer_hidden": 4,
    "target_every": 3,
}
OTHER = {
    "sample": "transitions",
    "double": False,
    "sharing": "separate",
    "target_every": None,
    "target_rate": 0.05,
    "huber": 1.0,
    "reward": "team",
    "normalise_rewards": "standardise",
}


def batches(learner: QLearning, state: Learning, env: Any, count: int, seed: int = 0) -> Iterator[Batch]:
    """Rollouts of the exploring team, each to be learned from before the next."""
    play = begin(env, learner.explore(state), draw_seeds(np.random.default_rng(seed), 3))
    for k in range(count):
        memory = play.memory
        yield Batch(rollout(env, learner.explore(state), play, learner.rollout), memory, k == 0)


@pytest.mark.parametrize("name", ["iql", "vdn", "qmix"])
@pytest.mark.parametrize("fields", [{}, {"recurrent": True}, OTHER], ids=["plain", "recurrent", "other"])
def test_every_law_is_obeyed(name: str, fields: dict[str, Any]) -> None:
    learner = LEARNERS[name].make(**{**TINY, **fields})
    assert len(check_learner(learner, walkers(), updates=2, max_steps=12)) > 15


@pytest.mark.parametrize(
    "name, fields, uri",
    [
        ("vdn", {}, "mpe:simple-speaker-listener"),  # two groups of different shapes
        ("qmix", {"recurrent": True}, "mpe:simple-speaker-listener"),
        ("iql", OTHER, "openspiel:kuhn_poker"),  # one after the other
    ],
)
def test_every_law_is_obeyed_elsewhere(name: str, fields: dict[str, Any], uri: str) -> None:
    learner = LEARNERS[name].make(**{**TINY, **fields})
    assert len(check_learner(learner, make_env(uri), updates=2, max_steps=12)) > 15


@pytest.mark.parametrize("mixer", ["none", "sum", "monotonic"])
@pytest.mark.parametrize("fields", [{}, {"recurrent": True}, OTHER], ids=["plain", "recurrent", "other"])
def test_saved_and_loaded_it_learns_on_bit_for_bit(
    mixer: Any, fields: dict[str, Any], tmp_path: Path
) -> None:
    learner, env = QLearning(mixer=mixer, **{**TINY, **fields}), walkers()
    state = learner.init(env.spec, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    for batch in batches(learner, state, env, 7):
        state, _ = learner.update(state, batch, rng)
    write_checkpoint(tmp_path / "a.safetensors", learner.save(state))
    other = learner.load(env.spec, read_checkpoint(tmp_path / "a.safetensors"))
    later = np.random.default_rng(2)
    for batch in batches(learner, state, env, 5, seed=9):
        again = np.random.default_rng()
        again.bit_generator.state = later.bit_generator.state
        state, metrics = learner.update(state, batch, later)
        other, told = learner.update(other, batch, again)
        assert metrics == told
        assert set(metrics) == {"epsilon", "loss", "error", "value", "target", "grad_norm"}
    one, two = learner.save(state), learner.save(other)
    assert one["gradient_steps"] == two["gradient_steps"] > 5
    for part in ("networks", "targets"):
        assert all((one[part][name] == two[part][name]).all() for name in one[part])


def test_a_stranger_s_checkpoint_is_refused() -> None:
    learner, env = QLearning(**TINY), walkers()
    state = learner.init(env.spec, np.random.default_rng(0))
    for batch in batches(learner, state, env, 3):
        learner.update(state, batch, np.random.default_rng(0))
    tree = arrays(learner.save(state))
    assert "replay" not in learner.save(state, whole=False)
    assert learner.load(env.spec, arrays(learner.save(state, whole=False))).steps == 36
    with pytest.raises(InputError, match="has no replay"):
        learner.load(env.spec, {**tree, "replay": None})
    with pytest.raises(InputError, match="its replay has"):
        QLearning(**{**TINY, "rollout": 5}).load(env.spec, tree)
    with pytest.raises(InputError, match="does not fit: the learner has"):
        QLearning(mixer="none", **TINY).load(env.spec, tree)
    with pytest.raises(InputError, match="does not fit: the policy has"):
        learner.load(cue().spec, tree)


def arrays(tree: Any) -> Any:
    """A tree as it is after reading it from a file."""
    if isinstance(tree, dict):
        return {key: arrays(value) for key, value in tree.items()}
    return tree.detach().numpy().copy() if isinstance(tree, torch.Tensor) else tree


def test_what_does_not_fit_is_refused_in_a_sentence() -> None:
    for mixer, title in (("none", "IQL"), ("sum", "VDN"), ("monotonic", "QMIX")):
        told = f"{title} chooses among numbered actions, but those of group 'archers' of target are continuous; ippo and mappo"
        with pytest.raises(InputError, match=told):
            QLearning(mixer=mixer).check(target().spec)
    with pytest.raises(InputError, match="'pressers' of mixed are several at once"):
        QLearning().check(mixed().spec)
    spec = walkers().spec
    for fields, told in (
        ({"hidden": (0,)}, "at least one unit"),
        ({"target_rate": 0.1}, "one of target_every and target_rate"),
        ({"target_every": None}, "one of target_every and target_rate"),
        ({"recurrent": True, "sample": "transitions"}, "learn from segments"),
        ({"capacity": 49}, "does not hold one rollout"),
    ):
        with pytest.raises(InputError, match=told):
            QLearning(**fields).check(spec)
    for fields in ({"mixer": "product"}, {"gamma": 1.1}, {"epsilon": 0.1}, {"batch_size": 0}):
        with pytest.raises(ValidationError):
            QLearning(**fields)


def test_names_stand_for_what_they_say() -> None:
    made: dict[str, Any] = {name: preset.make() for name, preset in LEARNERS.items()}
    assert [made[name].title for name in ("iql", "vdn", "qmix")] == ["IQL", "VDN", "QMIX"]
    assert (made["ippo"].critic, made["mappo"].critic) == ("observation", "state")


def test_epsilon_falls_on_a_line() -> None:
    learner = QLearning(epsilon_start=0.9, epsilon_end=0.1, epsilon_steps=200)
    assert [learner.epsilon(n) for n in (0, 100, 200, 10**9)] == pytest.approx([0.9, 0.5, 0.1, 0.1])
    state = learner.init(walkers().spec, np.random.default_rng(0))
    state.steps = 50
    assert all(policy.epsilon == pytest.approx(0.7) for _, _, policy in learner.explore(state).seats)


def test_exploration_is_greedy_but_for_epsilon() -> None:
    """Of three legal actions out of four the best has 1 - epsilon + epsilon / 3; one draw per stream."""
    batch = 60_000
    mask = np.broadcast_to([[True, True, False, True]], (batch, 1, 4))
    yes = np.ones((batch, 1), dtype=bool)
    view = View(np.zeros((batch, 1, 1), dtype=np.float32), mask, np.zeros((batch, 1)), yes, yes)
    values = Neural(lambda x: torch.tensor([1.0, 3.0, 9.0, 2.0]).expand(*x.shape[:-1], 4), Discrete(4))
    policy = EpsilonGreedy(values, 0.3)
    streams = Streams.from_seeds(draw_seeds(np.random.default_rng(4), batch), ACT)
    twin = Streams(streams.state.copy())
    actions, _ = policy.sample(view, None, streams)
    twin.uniform()
    assert (twin.state == streams.state).all()
    wanted = policy.probs(view)[0][0, 0]
    assert wanted == pytest.approx([0.1, 0.8, 0.0, 0.1])
    share = np.bincount(actions[:, 0], minlength=4) / batch
    assert share[2] == 0
    assert np.abs(share - wanted).max() < 4.5 * np.sqrt(0.25 / batch)
    nothing = view._replace(mask=np.zeros_like(mask), acting=~yes)
    for epsilon in (0.0, 0.5, 1.0):
        assert (EpsilonGreedy(values, epsilon).sample(nothing, None, streams)[0] == 0).all()
    assert (EpsilonGreedy(values, 0.0).sample(view, None, streams)[0] == 1).all()
    with pytest.raises(InputError, match="is a probability"):
        EpsilonGreedy(values, 1.5)


def test_gradient_steps_follow_the_steps_played() -> None:
    """12 joint steps an update: after a warm-up of 24 one gradient step for every 5 of them, whole multiples only."""
    learner, env = QLearning(**{**TINY, "learn_every": 5, "warmup": 24}), walkers()
    state = learner.init(env.spec, np.random.default_rng(0))
    counts = []
    for batch in batches(learner, state, env, 6):
        state, metrics = learner.update(state, batch, np.random.default_rng(0))
        counts.append(state.gradient_steps)
        assert ("loss" in metrics) == (len(counts) > 2)
    assert counts == [n // 5 - 24 // 5 if n > 24 else 0 for n in range(12, 84, 12)]


@pytest.mark.parametrize("mixer", ["none", "monotonic"])
def test_targets_follow_as_told(mixer: Any) -> None:
    every = QLearning(mixer=mixer, **{**TINY, "learn_every": 12, "warmup": 0})
    rate = QLearning(
        mixer=mixer, **{**TINY, "learn_every": 12, "warmup": 0, "target_every": None, "target_rate": 0.25}
    )
    env = walkers()
    for learner in (every, rate):
        state = learner.init(env.spec, np.random.default_rng(0))
        assert equal(state.networks, state.targets)
        for batch in batches(learner, state, env, 7):
            old = [p.detach().clone() for p in state.target_parameters]
            state, _ = learner.update(state, batch, np.random.default_rng(0))
            now = list(state.targets.parameters())
            assert not any(p.requires_grad for p in now)
            if learner is every:
                assert equal(state.networks, state.targets) == (state.gradient_steps % 3 == 0)
            else:
                for new, was, ahead in zip(now, old, state.networks.parameters()):
                    assert torch.allclose(new, 0.75 * was + 0.25 * ahead, atol=1e-7)
        assert state.gradient_steps == 7


def equal(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    return all((a == b).all() for a, b in zip(one.parameters(), other.parameters()))
