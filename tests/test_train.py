"""The training loop: what it tells and when, how it stops, and how it goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from faulty_learners import Wrapped
from small_worlds import blast, cue, target
from walkers import WalkerRules, walkers

from games.errors import InputError
from games.play import play_episodes
from games.sims.simulation import Simulation
from marl.checkpoint import read_checkpoint, write_checkpoint
from marl.learner import Diverged
from marl.learner_trial import snapshot, tree_difference
from marl.ppo import PPO
from marl.train import Evaluated, Event, Plan, Saved, Updated, train

SMALL = PPO(rollout=5, hidden=(8,), epochs=2, minibatches=2)  # drawn from the generator of updates
PLAN = Plan(steps=120, batch=4, evaluate_every=40, save_every=60, episodes=6, seed=3)


def events(learner: Any = SMALL, env: Any = None, plan: Plan = PLAN, **options: Any) -> list[Event]:
    return [kept(event) for event in train(learner, env or walkers(), plan, **options)]


def kept(event: Event) -> Event:
    return event if isinstance(event, Updated) else event._replace(tree=snapshot(event.tree))


def told(stream: list[Event]) -> str:
    return " ".join(f"{type(event).__name__[0]}{event.steps}" for event in stream)


# --- what is told when ------------------------------------------------------------------------------------


def test_events_come_in_order_and_at_their_time() -> None:
    """20 steps an update; evaluations after 40, 80 and 120, checkpoints after 60 and 120."""
    assert told(events()) == "E0 U20 U40 E40 U60 S60 U80 E80 U100 U120 E120 S120"


def test_a_cadence_between_updates_waits_for_the_next() -> None:
    plan = replace(PLAN, steps=70, evaluate_every=30, save_every=50)
    assert told(events(plan=plan)) == "E0 U20 U40 E40 U60 E60 S60 U80 E80 S80"


def test_a_cadence_shorter_than_an_update_comes_once_each() -> None:
    plan = replace(PLAN, steps=40, evaluate_every=1, save_every=3)
    assert told(events(plan=plan)) == "E0 U20 E20 S20 U40 E40 S40"


def test_a_run_of_one_step_is_one_update() -> None:
    assert told(events(plan=replace(PLAN, steps=1))) == "E0 U20 E20 S20"


@pytest.mark.parametrize("make", [walkers, cue])
def test_returns_of_training_are_those_of_whole_episodes(make: Any) -> None:
    """Every episode that stopped is told once; its steps add up to what was played since the last checkpoint."""
    stream = [e for e in events(env=make(), plan=replace(PLAN, save_every=120)) if isinstance(e, Updated)]
    lengths, returns = (np.concatenate([getattr(e, name) for e in stream]) for name in ("lengths", "returns"))
    assert lengths.sum() <= 120 and lengths.min() >= 1 and lengths.dtype == np.int32
    assert returns.shape == (len(lengths), 2)
    if make is cue:
        assert (lengths == 3).all() and len(lengths) == 4 * 30 // 3
        assert np.isin(returns, [0, 0.5, 1]).all()


def test_evaluations_are_matches_of_the_frozen_policies() -> None:
    """What an evaluation tells is what anybody gets who plays the policies in its tree on its seeds."""
    for event in events():
        if isinstance(event, Evaluated):
            state = SMALL.load(walkers().spec, event.tree["learner"])
            again = play_episodes(walkers(), SMALL.policy(state, greedy=False), event.episodes.seeds)
            assert (again.returns == event.episodes.returns).all() and len(again.lengths) == 6
            assert "critics" not in event.tree["learner"]


def test_evaluations_differ_in_their_seeds_and_can_be_cut_off() -> None:
    plan = replace(PLAN, max_steps=7)
    judged = [e for e in events(env=walkers(horizon=None), plan=plan) if isinstance(e, Evaluated)]
    assert len({int(e.episodes.seeds[0]) for e in judged}) == len(judged)
    assert all(e.episodes.lengths.max() <= 7 for e in judged)


def test_seeds_decide() -> None:
    first, again, other = events(), events(), events(plan=replace(PLAN, seed=4))
    assert tree_difference(first[-1].tree, again[-1].tree) is None  # type: ignore[union-attr]
    assert tree_difference(first[-1].tree["learner"], other[-1].tree["learner"])  # type: ignore[union-attr]


# --- going on ---------------------------------------------------------------------------------------------


def test_more_steps_go_on_from_the_last_checkpoint(tmp_path: Path) -> None:
    whole = events(plan=replace(PLAN, steps=180))
    file = tmp_path / "last.safetensors"
    half = events()[-1]
    write_checkpoint(file, half.tree)  # type: ignore[union-attr]
    rest = events(plan=replace(PLAN, steps=180), resume=read_checkpoint(file))
    assert told(rest) == "U140 U160 E160 U180 E180 S180", "no evaluation before it goes on"
    assert tree_difference(whole[-1].tree, rest[-1].tree) is None  # type: ignore[union-attr]
    in_memory = events(plan=replace(PLAN, steps=180), resume=half.tree)  # type: ignore[union-attr]
    assert tree_difference(whole[-1].tree, in_memory[-1].tree) is None  # type: ignore[union-attr]


def test_a_tree_may_be_used_as_it_comes() -> None:
    """Without a file in between, and with the networks' own tensors in it."""
    stream = train(SMALL, walkers(), PLAN)
    saved = next(event for event in stream if isinstance(event, Saved))
    rest = events(resume=saved.tree)
    last = [kept(event) for event in stream][-1]
    assert tree_difference(last.tree, rest[-1].tree) is None  # type: ignore[union-attr]


def test_a_finished_run_has_nothing_left_to_do() -> None:
    assert events(resume=events()[-1].tree) == []  # type: ignore[union-attr]


def saved() -> dict[str, Any]:
    return events()[-1].tree  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"seed": 4}, "was trained with seed 3, not 4"),
        ({"batch": 5}, "was trained with batch 4, not 5"),
        ({"save_every": 61}, "was trained with save_every 60, not 61"),
        ({"greedy": True}, "was trained with greedy False, not True"),
    ],
)
def test_another_plan_is_refused(change: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        events(plan=replace(PLAN, **change), resume=saved())


def test_another_environment_or_learner_is_refused() -> None:
    with pytest.raises(InputError, match="the checkpoint is of walkers, not of cue"):
        events(env=cue(), resume=saved())
    for other in (
        replace(SMALL, hidden=(9,)),
        replace(SMALL, recurrent=True),
        replace(SMALL, critic="observation"),
    ):
        with pytest.raises(InputError, match="the checkpoint does not fit"):
            events(other, resume=saved())


def test_policies_alone_are_not_enough_to_go_on() -> None:
    judged = [event for event in events() if isinstance(event, Evaluated)][-1]
    with pytest.raises(InputError, match="holds policies only"):
        events(resume=judged.tree)


def spoilt(**changes: Any) -> dict[str, Any]:
    tree = saved()
    return tree | {"trainer": {k: v for k, v in (tree["trainer"] | changes).items() if v is not ...}}


@pytest.mark.parametrize(
    "tree",
    [
        dict,
        lambda: {"trainer": 3},
        lambda: saved() | {"learner": []},
        lambda: spoilt(plan=[]),
        lambda: spoilt(steps="many"),
        lambda: spoilt(steps=...),
        lambda: spoilt(steps=-20),
        lambda: spoilt(updates=None),
        lambda: spoilt(play_rng={}),
        lambda: spoilt(play_rng=3),
        lambda: spoilt(update_rng=...),
        lambda: spoilt(update_rng={"bit_generator": "MT19937"}),
        lambda: spoilt(play_rng=json.loads('{"bit_generator": "PCG64", "state": {"state": -1, "inc": 1}}')),
        lambda: spoilt(
            play_rng={
                "bit_generator": "PCG64",
                "state": {"state": 2**200, "inc": 1},
                "has_uint32": 0,
                "uinteger": 0,
            }
        ),
    ],
)
def test_damaged_trees_are_one_sentence(tree: Any) -> None:
    with pytest.raises(InputError, match="checkpoint") as caught:
        events(resume=tree())
    assert "\n" not in str(caught.value)


# --- bad plans --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["steps", "batch", "evaluate_every", "save_every", "episodes"])
def test_plans_are_checked(name: str) -> None:
    with pytest.raises(InputError, match=f"{name} must be at least 1, not 0"):
        events(plan=replace(PLAN, **{name: 0}))


def test_endless_episodes_need_a_limit() -> None:
    with pytest.raises(
        InputError, match="has no horizon, so evaluation episodes need a limit: set max_steps"
    ):
        events(env=walkers(horizon=None))


def test_a_learner_that_does_not_fit_is_refused_before_anything_is_played() -> None:
    class Untouched(Simulation):
        def reset(self, seeds: Any) -> Any:
            raise AssertionError("played")

    with pytest.raises(InputError, match="at least one unit"):
        events(PPO(hidden=(0,)), Untouched(WalkerRules()))


# --- numbers that are none --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Exploding(Wrapped):
    """Its loss is not a number from some step on."""

    inner: PPO = SMALL
    after: int = 70
    value: float = float("nan")

    def update(self, state: Any, batch: Any, rng: np.random.Generator) -> Any:
        state, metrics = super().update(state, batch, rng)
        return state, metrics | {"loss": self.value if state.steps > self.after else 0.0}


def until_it_breaks(stream: Iterator[Event]) -> tuple[list[Event], str]:
    """What is told before training diverges, and how that is told."""
    out: list[Event] = []
    with pytest.raises(Diverged) as caught:
        out.extend(map(kept, stream))
    return out, str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_loss_that_is_no_number_stops_training(value: float) -> None:
    """In the fourth update, after the checkpoint at 60 steps, which stays good."""
    seen, message = until_it_breaks(train(Exploding(value=value), walkers(), PLAN))
    assert told(seen) == "E0 U20 U40 E40 U60 S60"
    assert message.startswith(f"loss is {value} in update 4 (step 80); try a smaller learning rate")
    assert told(events(resume=seen[-1].tree)).startswith("U80 ")  # type: ignore[union-attr]


@pytest.mark.parametrize("size", [1e300, -1e300])
@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("reward", ["own", "team"])
def test_rewards_too_large_for_any_network_stop_training(size: float, normalise: bool, reward: Any) -> None:
    learner = replace(SMALL, normalise_values=normalise, reward=reward)
    seen, message = until_it_breaks(train(learner, blast(size), PLAN))
    assert told(seen) == "E0" and "in update 1 (step 20)" in message


@pytest.mark.parametrize("size", [1e30, -1e18])
def test_no_checkpoint_holds_a_weight_that_is_no_number(size: float) -> None:
    """Whether or not training gets on with such rewards."""
    seen: list[Event] = []
    with suppress(Diverged):
        seen.extend(map(kept, train(SMALL, blast(size), replace(PLAN, save_every=20, evaluate_every=20))))
    trees = [event.tree["learner"] for event in seen if isinstance(event, Saved | Evaluated)]
    assert trees and all(np.isfinite(w).all() for tree in trees for w in tree["actors"].values())


# --- giving back ------------------------------------------------------------------------------------------


class Counted(Simulation):
    """Counts the worlds that are open."""

    def __init__(self) -> None:
        super().__init__(WalkerRules())
        self.open: list[Any] = []
        self.most = 0

    def reset(self, seeds: Any) -> Any:
        world, step = super().reset(seeds)
        self.open.append(world)
        self.most = max(self.most, len(self.open))
        return world, step

    def close(self, world: Any) -> None:
        assert any(world is other for other in self.open), "closed twice"
        self.open = [other for other in self.open if other is not world]


def test_worlds_are_closed_when_training_is_done() -> None:
    env = Counted()
    events(env=env)
    assert env.open == [] and env.most == 2, "one to train in and one to be judged in"


@pytest.mark.parametrize("after", range(1, 13))
def test_worlds_are_closed_when_somebody_stops_listening(after: int) -> None:
    env = Counted()
    stream = train(SMALL, env, PLAN)
    for _ in range(after):
        next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert env.open == []


def test_worlds_are_closed_when_something_breaks() -> None:
    env = Counted()
    until_it_breaks(train(Exploding(), env, PLAN))
    assert env.open == []


def test_a_device_that_is_not_there_is_refused() -> None:
    from marl.learner import check_device

    check_device("cpu")
    for device in ("cuda:99", "nonsense"):
        with pytest.raises(InputError, match=f"there is no device '{device}' on this machine; it has"):
            check_device(device)


def test_nothing_of_torch_s_own_chance_is_used() -> None:
    before = torch.random.get_rng_state()
    events(env=target())
    assert torch.equal(before, torch.random.get_rng_state())
