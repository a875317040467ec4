"""Runs that begin with what an earlier run has learned."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from command_line import Staghunt
from small_worlds import cue

from marl.checkpoint import read_checkpoint
from marl.learner_trial import snapshot
from marl.ppo import PPO
from marl.train import Evaluated, Plan, Saved, train

ENV = "coordination:bits?agents=2"
SHORT = ("--steps", 600, "--set", "training.batch=4", "--set", "training.episodes=5", "-q")
NARROW = ("--set", "learner.hidden=[8]", "--set", "learner.rollout=20")


def test_training_begins_with_what_was_learned() -> None:
    learner = PPO(rollout=5, hidden=(8,), epochs=2)
    plan = Plan(steps=120, batch=4, evaluate_every=120, save_every=120, episodes=4, seed=1)
    (last,) = (snapshot(e.tree) for e in train(learner, cue(), plan) if isinstance(e, Saved))
    other = Plan(steps=20, batch=4, evaluate_every=20, save_every=20, episodes=4, seed=9)
    first = next(iter(train(learner, cue(), other, start=last)))
    assert isinstance(first, Evaluated)
    told = snapshot(first.tree)["learner"]["actors"]
    for name, weights in last["learner"]["actors"].items():
        np.testing.assert_array_equal(told[name], weights)
    assert first.tree["trainer"]["steps"] == 0


def test_a_run_starts_from_another_and_goes_on_without_it(tmp_path: Path, staghunt: Staghunt) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    assert staghunt("train", "ippo", ENV, *SHORT, *NARROW, "-o", old).code == 0
    assert staghunt("train", "ippo", ENV, *SHORT, *NARROW, "--start", old, "--seed", 5, "-o", new).code == 0
    weights = [
        read_checkpoint(f / "last.safetensors")["learner"]["steps"] for f in (old / "seed-0", new / "seed-5")
    ]
    assert weights == [640, 1280]
    shutil.rmtree(old)
    assert staghunt("train", "--resume", new, "--steps", 900, "-q").code == 0


@pytest.mark.parametrize(
    ("start", "told"),
    [
        ("nowhere", "training.start: .*nowhere"),
        ("old", "training.start .*old: the checkpoint does not fit"),
    ],
)
def test_starts_that_cannot_be_are_refused(start: str, told: str, tmp_path: Path, staghunt: Staghunt) -> None:
    import re

    if start == "old":
        words = ("--set", "learner.hidden=[16]", "--set", "learner.rollout=20")
        assert staghunt("train", "ippo", ENV, *SHORT, *words, "-o", tmp_path / "old").code == 0
    ran = staghunt("train", "ippo", ENV, *SHORT, *NARROW, "--start", tmp_path / start, "-o", tmp_path / "new")
    assert ran.code == 2 and re.search(told, ran.complaint), ran.complaint
    assert not (tmp_path / "new").exists()
