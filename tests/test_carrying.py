"""What episodes leave behind: kept over checkpoints, taken over by evaluations, and told apart from what is damaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Staghunt
from walkers import WalkerRules

from experiments.training.runs import read_run, team_of
from games import make_env
from games.carrying import carry, carrying
from games.errors import InputError
from games.play import begin, play_episodes, rollout
from games.policy import random_policy
from games.sims.simulation import Simulation
from games.streams import draw_seeds
from marl.checkpoint import read_checkpoint
from marl.learner_trial import snapshot, tree_difference
from marl.ppo import PPO
from marl.train import Evaluated, Plan, Saved, carried_in, train

SMALL = PPO(rollout=6, hidden=(8,), epochs=1)
PLAN = Plan(steps=240, batch=4, evaluate_every=120, save_every=120, episodes=5, seed=2)


class Wearing(WalkerRules):
    """Walkers that are paid less with every episode that has begun in their sub-environment."""

    def __init__(self) -> None:
        super().__init__(horizon=5)

    def allocate(self, batch: int) -> dict[str, Any]:
        return super().allocate(batch) | {"begun": np.zeros(batch)}

    def begin(self, state: dict[str, Any], streams: Any, where: Any) -> None:
        super().begin(state, streams, where)
        state["begun"] = state["begun"] + where

    def advance(self, state: dict[str, Any], streams: Any, actions: Any, live: Any) -> Any:
        (_,), ended = super().advance(state, streams, actions, live)
        return (np.where(live[:, None], 1.0 / state["begun"][:, None], 0.0).repeat(2, axis=1),), ended

    def carried(self, state: dict[str, Any]) -> Any:
        return state["begun"][:, None]

    def take_over(self, state: dict[str, Any], carried: Any) -> None:
        state["begun"] = carried[:, 0].copy()


def test_an_environment_that_keeps_nothing_says_so() -> None:
    env = Simulation(WalkerRules())
    world, _ = env.reset(np.array([1], dtype=np.uint64))
    assert carry(env, world) is None and carrying(env, None) is env


def test_what_is_kept_is_taken_over() -> None:
    env = Simulation(Wearing())
    play = begin(env, random_policy(env.spec), [1, 2], carried=np.array([[7.0], [3.0]]))
    seen = rollout(env, random_policy(env.spec), play, 5)
    assert seen.after.rewards[0, :, 0].tolist() == [1 / 8, 1 / 4]
    assert carry(env, play.world) == pytest.approx(np.array([[9.0], [5.0]]))


def test_who_takes_over_what_is_a_matter_of_the_seed() -> None:
    """So a match is the same alone as among others."""
    env = carrying(Simulation(Wearing()), np.array([[0.0], [10.0], [20.0]]))
    team = random_policy(env.spec)
    together = play_episodes(env, team, [3, 4, 5, 6], batch=4).returns
    alone = np.concatenate([play_episodes(env, team, [seed], batch=1).returns for seed in (3, 4, 5, 6)])
    np.testing.assert_array_equal(together, alone)
    assert together[0, 0] > 5 * together[1, 0] > 0


def _trained(plan: Plan, **options: Any) -> tuple[Any, list[float]]:
    tree, judged = None, []
    for event in train(SMALL, Simulation(Wearing()), plan, **options):
        if isinstance(event, Evaluated):
            judged.append(float(event.episodes.returns.mean()))
        elif isinstance(event, Saved):
            tree = snapshot(event.tree)
            if event.steps == 120 and plan.steps == 120:
                break
    return tree, judged


def test_checkpoints_hold_it_and_training_goes_on_as_if_never_stopped() -> None:
    whole, judged = _trained(PLAN)
    half, _ = _trained(replace(PLAN, steps=120))
    resumed, _ = _trained(PLAN, resume=half)
    assert tree_difference(whole, resumed) is None
    kept = carried_in(whole)
    assert kept is not None and kept.shape == (4, 1) and kept.min() >= 10
    assert judged[0] > judged[1] > judged[2]


def test_evaluations_of_a_run_take_it_over(tmp_path: Path, staghunt: Staghunt) -> None:
    """Under the Saez formula a schedule depends on the incomes of earlier years: those of training, not none."""
    run = tmp_path / "run"
    uri = "economy:one-step?agents=4&tax=saez&observe=brief"
    words = [w for part in ("workers", "planner") for w in ("--set", f"learner.{part}.rollout=2")]
    words += ["--set", "training.batch=5", "--set", "training.episodes=4"]
    assert staghunt("train", "economist", uri, "--steps", 3000, "-q", "-o", run, *words).code == 0
    told = staghunt("evaluate", run, "-n", 8, "--checkpoint", "last", "--json").json["seeds"][0]
    file = run / "seed-0" / "last.safetensors"
    kept = carried_in(read_checkpoint(file))
    assert kept is not None and len(kept) == 5
    env = make_env(uri)
    _, _, _, team = team_of(read_run(run), file, env=env)
    seeds = draw_seeds(np.random.default_rng(0), 8)
    with_it = play_episodes(carrying(env, kept), team, seeds).returns.mean(axis=0)
    without = play_episodes(env, team, seeds).returns.mean(axis=0)
    np.testing.assert_allclose(told["returns"]["mean"], with_it, rtol=1e-9)
    assert (np.abs(with_it - without) > 1e-6).any()
    assert "leave out --workers" in staghunt("evaluate", run, "-n", 8, "--workers", 2).complaint


@pytest.mark.parametrize("kept", [np.zeros(3), np.zeros((0, 2)), "much", np.array([["a"]])])
def test_damaged_records_are_refused(kept: Any) -> None:
    with pytest.raises(InputError, match="what the environment's episodes left behind"):
        carried_in({"trainer": {"carried": kept}})
    assert carried_in({"trainer": {}}) is None
