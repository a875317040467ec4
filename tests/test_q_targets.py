"""Q-learning's targets, losses and gradients against numbers worked out by hand.

Agents see one positive number o. The learning network values the actions at (o, 2 o), the target network at (3 o, o).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from test_mixers import by_formula

from games.env import EnvSpec, Group, Step, View
from games.play import Transition
from games.spaces import Discrete
from marl.learner import Batch
from marl.q_data import Sample, sample_of
from marl.qlearning import Learning, QLearning

SMALL: dict[str, Any] = {
    "gamma": 0.5,
    "hidden": (1,),
    "sharing": "shared",
    "capacity": 100,
    "normalise_rewards": "none",
}


def set_by_hand(state: Learning) -> None:
    """Give all networks the weights of the module's first lines, one unit per hidden layer."""
    for nets, head in ((state.networks, (1.0, 2.0)), (state.targets, (3.0, 1.0))):
        for actor in nets["actors"]:
            with torch.no_grad():
                actor.network.first.weight.fill_(1.0)
                actor.network.head.weight.copy_(torch.tensor(head)[:, None])


def spec_of(*sizes: int, common: bool = False, state: int = 0) -> EnvSpec:
    groups = tuple(
        Group(f"g{k}", tuple(f"{k}.{i}" for i in range(n)), (1,), Discrete(2)) for k, n in enumerate(sizes)
    )
    return EnvSpec("by hand", groups, state=state, common_reward=common)


def batch_of(
    seen: list[Any],
    after: list[Any],
    actions: list[Any],
    paid: list[Any],
    *,
    discount: list[float],
    last: list[bool],
    changes: dict[str, Any] | None = None,
    state: tuple[Any, Any] | None = None,
) -> Batch:
    """T steps of one sub-environment; `seen` and the rest have a list of n numbers per step.

    `changes` replaces arrays of the views: ``{"after.mask": [...]}``, with B = 1 put in.
    """
    steps = len(seen)

    def spread(values: Any, dtype: Any) -> Any:
        return np.array(values, dtype=dtype).reshape(steps, 1, *np.array(values).shape[1:])

    def step(name: str, numbers: list[Any], rewards: list[Any], nth: int) -> Step:
        observation = spread(numbers, np.float32)[..., None]
        flags = np.ones(observation.shape[:-1], dtype=bool)
        view = View(
            observation, np.ones((*flags.shape, 2), dtype=bool), spread(rewards, np.float64), flags, flags
        )
        for key, value in (changes or {}).items():
            when, field = key.split(".")
            if when == name:
                view = view._replace(**{field: spread(value, bool)})
        told = np.zeros((steps, 1, 0), dtype=np.float32) if state is None else spread(state[nth], np.float32)
        return Step((view,), told, spread(discount, np.float32), spread(last, bool))

    before = step("before", seen, [[0.0] * len(seen[0])] * steps, 0)
    return Batch(
        Transition(before, (spread(actions, np.int32),), step("after", after, paid, 1)), [None], True
    )


def learned(learner: QLearning, spec: EnvSpec, batch: Batch) -> tuple[Learning, Sample]:
    """A state with weights by hand that remembers a batch, and all of it as a sample."""
    state = learner.init(spec, np.random.default_rng(0))
    set_by_hand(state)
    learner.remember(state, batch)
    return state, sample_of(spec, state.replay.segments(np.array([0])))


def targets(learner: QLearning, spec: EnvSpec, batch: Batch) -> tuple[list[float], list[float], list[float]]:
    state, sample = learned(learner, spec, batch)
    told = learner.values_and_targets(state, sample)
    value, target, counts = (t.detach().flatten().tolist() for t in told)
    return value, target, counts


@pytest.mark.parametrize("double, first, cut", [(True, 11.0, 22.0), (False, 13.0, 26.0)])
def test_targets_of_one_agent(double: bool, first: float, cut: float) -> None:
    """At 2 the learning network prefers action 1, which the target network rates 2; its own favourite it rates 6."""
    learner = QLearning(mixer="none", rollout=2, double=double, **SMALL)
    seen: dict[str, Any] = {
        "seen": [[1], [2]],
        "after": [[2], [4]],
        "actions": [[0], [1]],
        "paid": [[10], [20]],
    }
    cut_off = batch_of(**seen, discount=[1, 1], last=[False, True])
    assert targets(learner, spec_of(1), cut_off) == ([1, 4], [first, cut], [1, 1])
    ended = batch_of(**seen, discount=[1, 0], last=[False, True])
    assert targets(learner, spec_of(1), ended) == ([1, 4], [first, 20], [1, 1])
    running = batch_of(**seen, discount=[1, 1], last=[False, False])
    assert targets(learner, spec_of(1), running)[1] == [first, cut]
    state, sample = learned(learner, spec_of(1), cut_off)
    facts = learner.learn(state, sample)
    assert float(facts["loss"]) == pytest.approx(0.5 * ((1 - first) ** 2 + (4 - cut) ** 2) / 2)
    assert float(facts["error"]) == pytest.approx((first - 1 + cut - 4) / 2)


def test_huber_is_linear_far_away() -> None:
    learner = QLearning(mixer="none", rollout=1, huber=2.0, **SMALL)
    batch = batch_of([[1]], [[2]], [[0]], [[10]], discount=[1], last=[False])
    state, sample = learned(learner, spec_of(1), batch)
    assert float(learner.learn(state, sample)["loss"]) == pytest.approx(2.0 * (10 - 1.0))


@pytest.mark.parametrize("sample", ["segments", "transitions"])
def test_within_a_segment_a_cut_off_looks_at_what_was_seen_last(sample: Any) -> None:
    """The first episode is cut off at 5 and the next begins at 7; the second step ends the game, the third goes on."""
    learner = QLearning(mixer="none", rollout=3, sample=sample, **SMALL)
    batch = batch_of(
        [[1], [7], [8]],
        [[5], [9], [6]],
        [[0], [0], [0]],
        [[0], [0], [0]],
        discount=[1, 0, 1],
        last=[True, True, False],
    )
    state, drawn = learned(learner, spec_of(1), batch)
    if sample == "transitions":
        drawn = sample_of(state.spec, state.replay.transitions(np.arange(3), np.zeros(3, dtype=int)))
    _, target, _ = learner.values_and_targets(state, drawn)
    assert target.detach().flatten().tolist() == [2.5, 0.0, 3.0]


def test_what_is_not_legal_next_is_not_hoped_for() -> None:
    learner = QLearning(mixer="none", rollout=1, **SMALL)
    changes = {"after.mask": [[[True, False]]]}
    batch = batch_of([[1]], [[2]], [[0]], [[10]], discount=[1], last=[False], changes=changes)
    assert targets(learner, spec_of(1), batch)[1] == [10 + 0.5 * 6]


def test_who_waits_does_nothing_and_who_is_out_has_no_value() -> None:
    """The first agent's action 1 does not count while it waits; the second is out next, the third was out before."""
    learner = QLearning(mixer="none", rollout=1, **SMALL)
    changes = {
        "before.acting": [[False, True, False]],
        "before.alive": [[True, True, False]],
        "after.acting": [[False, False, False]],
        "after.alive": [[True, False, False]],
    }
    seen = batch_of([[1, 1, 1]], [[2, 2, 2]], [[1, 1, 1]], [[10, 20, 0]], discount=[1], last=[False])
    everybody = batch_of(
        [[1, 1, 1]], [[2, 2, 2]], [[1, 1, 1]], [[10, 20, 0]], discount=[1], last=[False], changes=changes
    )
    value, target, counts = targets(learner, spec_of(3), everybody)
    assert value == [1, 2, 2 - 1]
    assert target == [10 + 0.5 * 6, 20, 0]
    assert counts == [1, 1, 0]
    assert targets(learner, spec_of(3), seen)[2] == [1, 1, 1]
    vdn = QLearning(mixer="sum", rollout=1, **SMALL)
    assert targets(vdn, spec_of(3), everybody) == ([1 + 2], [30 + 0.5 * 6], [1])


def test_alone_agents_may_be_paid_as_a_team() -> None:
    batch = batch_of([[1, 1]], [[2, 2]], [[0, 1]], [[10, 20]], discount=[1], last=[False])
    own, team = (QLearning(mixer="none", reward=reward, rollout=1, **SMALL) for reward in ("own", "team"))
    assert targets(own, spec_of(2), batch)[1] == [11, 21]
    assert targets(team, spec_of(2), batch)[1] == [31, 31]
    shared = batch_of([[1, 1]], [[2, 2]], [[0, 1]], [[10, 10]], discount=[1], last=[False])
    for learner in (own, team):
        assert targets(learner, spec_of(2, common=True), shared)[1] == [11, 11]


@pytest.mark.parametrize("common, paid", [(False, 30.0), (True, 15.0)])
def test_summed_values(common: bool, paid: float) -> None:
    """A common reward is the team's once; other rewards are added up."""
    learner = QLearning(mixer="sum", rollout=2, **SMALL)
    rewards = [[15, 15], [15, 15]]
    batch = batch_of(
        [[1, 2], [3, 4]], [[3, 4], [5, 6]], [[0, 1], [1, 0]], rewards, discount=[1, 0], last=[False, True]
    )
    value, target, counts = targets(learner, spec_of(2, common=common), batch)
    assert value == [1 + 4, 6 + 4]
    assert target == [paid + 0.5 * (3 + 4), paid]
    assert counts == [1, 1]


def test_mixed_values_look_at_the_state_of_their_time() -> None:
    learner = QLearning(mixer="monotonic", rollout=2, mixer_width=3, mixer_hidden=4, **SMALL)
    states = [[0.3, -1.0], [1.2, 0.4]], [[1.2, 0.4], [-0.5, 2.0]]
    batch = batch_of(
        [[1, 2], [3, 4]],
        [[3, 4], [5, 6]],
        [[0, 1], [1, 0]],
        [[1, 2], [3, 4]],
        discount=[1, 1],
        last=[False, True],
        state=states,
    )
    spec = spec_of(2, state=2)
    state, sample = learned(learner, spec, batch)
    with torch.no_grad():
        for parameter in state.targets["mixer"].parameters():
            parameter.mul_(1.5)
    value, target, _ = (t.detach().flatten().tolist() for t in learner.values_and_targets(state, sample))
    mixer, judge = state.networks["mixer"], state.targets["mixer"]
    chosen, best = np.array([[1.0, 4.0], [6.0, 4.0]]), np.array([[3.0, 4.0], [5.0, 6.0]])
    now, then = (np.array(s) for s in states)
    assert value == pytest.approx([by_formula(mixer, c, s) for c, s in zip(chosen, now)], rel=1e-5)
    ahead = [by_formula(judge, b, s) for b, s in zip(best, then)]
    assert target == pytest.approx([3 + 0.5 * ahead[0], 7 + 0.5 * ahead[1]], rel=1e-5)


def test_rewards_are_standardised_by_all_that_were_seen() -> None:
    batch = batch_of([[1], [1]], [[1], [1]], [[0], [0]], [[2], [6]], discount=[0, 0], last=[True, True])
    wanted = {"none": [2, 6], "scale": [1, 3], "standardise": [-1, 1]}
    for how, target in wanted.items():
        learner = QLearning(mixer="none", rollout=2, **{**SMALL, "normalise_rewards": how})
        assert targets(learner, spec_of(1), batch)[1] == pytest.approx(target)


def test_steps_of_no_weight_do_not_count() -> None:
    learner = QLearning(mixer="none", rollout=2, **SMALL)
    batch = batch_of([[1], [2]], [[2], [4]], [[0], [1]], [[10], [20]], discount=[1, 0], last=[False, True])
    state, sample = learned(learner, spec_of(1), batch)
    facts = learner.learn(state, sample, torch.tensor([[0.0], [1.0]]))
    assert float(facts["loss"]) == pytest.approx(0.5 * (4 - 20) ** 2)


@pytest.mark.parametrize("mixer", ["none", "sum", "monotonic"])
@pytest.mark.parametrize("recurrent", [False, True])
def test_gradients_stop_at_targets(mixer: Any, recurrent: bool) -> None:
    """The gradient is that of the loss with its targets held fixed, by finite differences; targets have none."""
    learner = QLearning(
        mixer=mixer,
        rollout=4,
        recurrent=recurrent,
        **{**SMALL, "hidden": (3,), "sharing": "numbered"},
        mixer_width=2,
        mixer_hidden=2,
    )
    spec, rng = spec_of(2, state=2), np.random.default_rng(1)
    seen, after, paid = rng.uniform(0.5, 2, (3, 4, 2)).tolist()
    drawn = batch_of(
        seen,
        after,
        rng.integers(0, 2, (4, 2)).tolist(),
        paid,
        discount=[1, 1, 0, 1],
        last=[False, True, True, False],
        state=tuple(rng.normal(size=(2, 4, 2))),
    )
    if recurrent:
        drawn = drawn._replace(memory=[rng.normal(size=(1, 2, 3)).astype(np.float32)])
    state = learner.init(spec, np.random.default_rng(0))
    learner.remember(state, drawn)
    sample = sample_of(spec, state.replay.segments(np.array([0])))
    state.networks.double(), state.targets.double()
    sample = exact(sample)
    value, target, _ = learner.values_and_targets(state, sample)
    assert not target.requires_grad
    state.networks.zero_grad()
    (0.5 * (value - target).square().mean()).backward()
    assert all(p.grad is None for p in state.targets.parameters())
    for parameter in state.networks.parameters():
        assert parameter.grad is not None
        flat, grad = parameter.data.view(-1), parameter.grad.view(-1)
        for k in range(len(flat)):
            losses = []
            for move in (1e-5, -1e-5):
                flat[k] += move
                with torch.no_grad():
                    now, _, _ = learner.values_and_targets(state, sample)
                losses.append(float(0.5 * (now - target).square().mean()))
                flat[k] -= move
            assert float(grad[k]) == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-4, abs=1e-7)


def exact(sample: Sample) -> Sample:
    """A sample in float64."""

    def wide(t: Any) -> Any:
        return t.double() if isinstance(t, torch.Tensor) and t.is_floating_point() else t

    parts = tuple(type(part)(*(wide(t) for t in part)) for part in sample.parts)
    return sample._replace(
        parts=parts,
        discount=wide(sample.discount),
        state=wide(sample.state),
        state_next=wide(sample.state_next),
    )
