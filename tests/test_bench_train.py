"""`staghunt bench train` and `learning`: equal settings on both sides, quoted rows, pacing, profiles, comparisons."""

from __future__ import annotations

import io
import json
import multiprocessing
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.bench import (
    learning,
    ledger,
    table,
    train,
    train_curves,
    train_epymarl,
    train_ours,
    train_profile,
)
from experiments.bench.harness import Setting, measure_row
from experiments.bench.runner import conduct
from experiments.bench.train_matches import BENCHMARL, EPYMARL, SPREADS, Match, matches
from experiments.bench.train_pace import Pacer, Stretch, Trainer, family_cpu
from experiments.commands.bench import _checkouts, benches
from experiments.learning_curves import Curve
from games.errors import InputError
from marl.ppo import PPO
from marl.qlearning import QLearning

needs_benchmarl = pytest.mark.skipif(
    find_spec("benchmarl") is None,
    reason="BenchMARL is a peer that is installed in an environment of its own",
)
needs_vmas = pytest.mark.skipif(find_spec("vmas") is None, reason="VMAS is a peer that the user installs")
EVERY = matches()


# --- rows and settings ------------------------------------------------------------------------------------


def test_both_benches_are_known_and_their_rows_have_keys_of_their_own() -> None:
    assert {"train", "learning"} <= set(benches())
    for bench in (train.BENCH, learning.BENCH):
        keys = [(row.name, row.peer) for row in bench.rows()]
        assert len(set(keys)) == len(keys) and bench.selected(True, None)


def test_the_table_of_targets_is_covered() -> None:
    wanted = {
        ("MAPPO", "foraging 8x8-2p-3f", EPYMARL): (15.0, 40.0),
        ("QMIX", "foraging 8x8-2p-3f", EPYMARL): (10.0, 30.0),
        ("IQL", "foraging 8x8-2p-3f", EPYMARL): (10.0, 30.0),
        ("IPPO", "mpe2 simple_spread for both", BENCHMARL): (3.0, 5.0),
        ("MAPPO", "mpe2 simple_spread for both", BENCHMARL): (3.0, 5.0),
        ("IPPO", "VMAS simple_spread for both", BENCHMARL): (3.0, 5.0),
        ("MAPPO", "VMAS simple_spread for both", BENCHMARL): (3.0, 5.0),
    }
    for (algorithm, task, peer), (target, aim) in wanted.items():
        found = [
            m for m in EVERY if m.name.startswith(algorithm) and m.name.endswith(task) and m.peer == peer
        ]
        assert any((m.target, m.aim) == (target, aim) for m in found), (algorithm, task)
    overhead = [row for row in train.every_row() if row.name.startswith("trainer overhead")]
    assert {row.peer for row in overhead} == {"none"} and all("15 %" in str(row.target) for row in overhead)
    assert [row.target for row in learning.every_row()] == [1.0, 1.0]


@pytest.mark.parametrize("match", EVERY, ids=lambda match: match.name)
def test_both_sides_have_the_same_task_networks_and_uses_of_every_frame(match: Match) -> None:
    learner = train_ours.learner(match.ours)
    env = train_ours.environment(match.ours)
    learner.check(env.spec)
    theirs = match.theirs
    assert match.ours["algorithm"] == theirs["algorithm"] and match.ours["seed"] == theirs["seed"]
    if match.peer == EPYMARL:
        assert theirs["task"] == {"key": "Foraging-8x8-2p-3f-v3", "time_limit": env.spec.horizon}
        over = theirs["overrides"]
        assert set(learner.hidden) == {over["hidden_dim"]} and learner.recurrent == over["use_rnn"]
        if isinstance(learner, QLearning):
            uses = learner.batch_size * learner.rollout / learner.learn_every
            assert uses == over["batch_size"] / over["batch_size_run"]
            if learner.mixer == "monotonic":
                assert (learner.mixer_width, learner.mixer_hidden) == (
                    over["mixing_embed_dim"],
                    over["hypernet_embed"],
                )
        else:
            assert learner.epochs == over["epochs"] and over["batch_size"] == over["batch_size_run"]
        assert learner.reward == "team" and over["common_reward"]
    else:
        assert isinstance(learner, PPO)
        assert learner.epochs == theirs["epochs"]
        step = learner.rollout * match.ours["envs"] / learner.minibatches
        assert step == theirs["steps"] * theirs["envs"] / theirs["minibatches"]
        assert list(learner.hidden) == theirs["hidden"] and not learner.recurrent
        assert env.spec.horizon == theirs["horizon"] and len(env.spec.agents) == 3
        assert (learner.gamma, learner.learning_rate) == (theirs["gamma"], theirs["learning_rate"])
        assert theirs["env"] in ("mpe2", "vmas")


def test_the_spread_tasks_exist() -> None:
    for _, env, theirs in SPREADS.values():
        if env != "vmas":
            assert train_ours.environment({"env": env}).spec.groups[0].observation == (18,)
        assert theirs in ("mpe2", "vmas")


# --- quoted figures ---------------------------------------------------------------------------------------


def test_without_a_checkout_the_peers_figure_is_quoted_and_meets_no_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ledger.THREAD_VARIABLES:
        monkeypatch.setenv(name, "1")
    out = tmp_path / "train.json"
    name = next(m.name for m in EVERY if m.peer == EPYMARL and m.quick and m.name.startswith("MAPPO"))
    document = conduct(train.BENCH, quick=True, rows=[name], out=out)
    (row,) = document["rows"]
    assert row["quoted_per_s"] == 1467 and row["ratio"] is None and row["met"] is False and row["pairs"] == 0
    assert "QUOTED, not measured" in row["note"] and "--peer-checkout" in row["note"]
    assert row["per_s"] > 3_000, "our own side is measured all the same"
    shown = table.markdown(document).splitlines()[-1]
    assert "1,500 per s is quoted, not measured" in shown and "| 0 of 1 |" in shown
    assert not ledger.is_finished(row, row["source"]), "with a checkout it is measured"


def test_a_checkout_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not a checkout of epymarl: there is no src/run\.py"):
        conduct(train.BENCH, quick=True, checkouts={"epymarl": tmp_path})
    with pytest.raises(InputError, match="has no peer 'sacred' that is a checkout; it has epymarl"):
        conduct(train.BENCH, quick=True, checkouts={"sacred": tmp_path})
    with pytest.raises(InputError, match="PEER=FOLDER"):
        _checkouts(["epymarl"])
    assert _checkouts(["epymarl=a=b"]) == {"epymarl": Path("a=b")}


def test_settings_are_laid_over_the_checkouts_own(tmp_path: Path) -> None:
    files = {
        "default": "lr: 0.0005\nhidden_dim: 64\nenv_args: {}\ntest_interval: 2000\n",
        "envs/gymma": "env: gymma\nenv_args: {key: null, time_limit: 100, pretrained_wrapper: null}\n",
        "algs/qmix": "hidden_dim: 128\nmixer: qmix\nlr: 0.0003\n",
    }
    for name, text in files.items():
        path = tmp_path / "src" / "config" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    match = next(m for m in EVERY if m.name.startswith("QMIX"))
    config = train_epymarl.configuration(tmp_path, match.theirs)
    assert config["lr"] == 0.0003 and config["mixer"] == "qmix" and config["hidden_dim"] == 64
    assert config["env_args"] == {
        "key": "Foraging-8x8-2p-3f-v3",
        "time_limit": 50,
        "pretrained_wrapper": None,
        "seed": 1,
    }
    assert config["test_interval"] > 10**15 and config["use_cuda"] is False
    judged = train_epymarl.configuration(tmp_path, {**match.theirs, "evaluate_every": 500, "episodes": 7})
    assert (judged["test_interval"], judged["test_nepisode"]) == (500, 7)
    assert train.digest(tmp_path) != train.digest(tmp_path / "nowhere")


# --- pacing -----------------------------------------------------------------------------------------------


def _ticks(pacer: Pacer, frames: int) -> int:
    """Tick until nobody wants more; all frames then."""
    start = time.process_time()
    while time.process_time() - start < 60:
        frames += 1
        try:
            pacer.tick(frames)
        except SystemExit:
            return frames
    raise AssertionError("the pacer did not end the process")


def test_a_pacer_holds_between_samples_and_counts_what_was_done_in_them() -> None:
    reports = io.StringIO()
    pacer = Pacer(io.StringIO("0\n0.02\n"), reports, warm=20)
    pacer.tick(10)
    assert reports.getvalue() == ""
    pacer.tick(20)
    pacer.tick(20)  # no frame, no sample
    pacer.tick(30)
    frames = _ticks(pacer, 30)
    ready, first, second = map(json.loads, reports.getvalue().splitlines())
    assert ready == {"ready": 20} and first["frames"] == 10
    assert second["cpu"] >= 0.02 and second["frames"] == frames - 30
    assert Stretch(4, 2.0, 6.0).per_frame.cpu == 0.5 and Stretch(4, 2.0, 6.0).per_frame.wall == 1.5


def _burn(seconds: float, done: Any, stay: Any) -> None:
    start = time.process_time()
    while time.process_time() - start < seconds:
        pass
    done.set()
    stay.wait(20)


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="process time of living children is read from /proc"
)
def test_the_time_of_living_children_counts() -> None:
    context = multiprocessing.get_context("fork")
    done, stay = context.Event(), context.Event()
    before = family_cpu()
    child = context.Process(target=_burn, args=(0.3, done, stay))
    child.start()
    try:
        assert done.wait(20)
        assert 0.25 < family_cpu() - before < 2.0
    finally:
        stay.set()
        child.join()
    assert family_cpu() - before > 0.25, "and that of those who have ended"


def _small(**more: Any) -> dict[str, Any]:
    learner = {"hidden": [8, 8], "rollout": 10, "epochs": 1, "reward": "team"}
    return {
        "algorithm": "mappo",
        "env": "foraging:5x5-2p-1f",
        "envs": 4,
        "learner": learner,
        "seed": 1,
        **more,
    }


def test_our_trainer_is_paced_judged_and_ended() -> None:
    with Trainer(train.OURS, _small(warm=100)) as trainer:
        trainer.wait()
        first, second = trainer.sample(0.05), trainer.sample(0.05)
        assert first.frames % 40 == 0 and first.cpu >= 0.05 and second.frames > 0
    assert trainer.process.poll() is not None
    with Trainer(train.OURS, _small(warm=1 << 62, frames=80, evaluate_every=40, episodes=3)) as trainer:
        seen = [told["seen"] for told in trainer.reports()]
    assert seen == [0, 40, 80]
    with (
        Trainer(train.OURS, _small(env="foraging:nonsense")) as trainer,
        pytest.raises(RuntimeError, match="InputError"),
    ):
        trainer.wait()


# --- profile ----------------------------------------------------------------------------------------------


def test_a_profile_knows_its_files_and_its_shares_sum_to_one() -> None:
    def kind(name: str) -> str:
        return train_profile.kind_of(str(ledger.ROOT / name))

    assert kind("marl/networks.py") == kind("marl/losses.py") == train_profile.NETWORKS
    assert kind("games/sims/foraging.py") == kind("games/from_parallel.py") == train_profile.ENVIRONMENT
    assert kind("marl/train.py") == kind("games/play.py") == train_profile.REST
    assert train_profile.kind_of("/x/site-packages/torch/optim/adam.py") == "torch"
    assert kind(".venv/lib/python3.11/site-packages/torch/optim/adam.py") == "torch"
    assert train_profile.kind_of("/x/site-packages/numpy/_core/numeric.py") == ""
    for name in ("networks", "actors", "losses"):
        assert (ledger.ROOT / "marl" / f"{name}.py").is_file()
    with Trainer(train.OURS, _small(warm=100, profile_s=0.5)) as trainer:
        told = next(told for told in trainer.reports() if "shares" in told)
    shares = told["shares"]
    assert sum(shares.values()) == pytest.approx(1.0) and min(shares.values()) > 0
    assert shares[train_profile.NETWORKS] > shares[train_profile.ENVIRONMENT]


def test_time_in_a_known_place_is_charged_there() -> None:
    from games.env_uris import make_env

    env = make_env("foraging:8x8-2p-3f")
    world, _ = env.reset(np.arange(2_000, dtype=np.uint64))
    still = (np.zeros((2_000, 2), dtype=np.int32),)
    env.step(world, still)
    with train_profile.Profile() as profile:
        for _ in range(40):
            world, _ = env.step(world, still)
    assert profile.shares()[train_profile.ENVIRONMENT] > 0.8


# --- learning ---------------------------------------------------------------------------------------------


def _line(slope: float, end: float = 1.0) -> Curve:
    steps = np.arange(0, 1_001, 10)
    return Curve(steps, np.minimum(slope * steps / 1_000, end))


def test_frames_to_nine_tenths_of_the_peers_way() -> None:
    slow, fast = [_line(2.0)] * 5, [_line(4.0)] * 5
    found = learning.compared(fast, slow)
    assert found.ratio == pytest.approx(2.0) and found.pairs == 5
    assert "ours 225 (5 of 5 runs), the peer 450 (5 of 5 runs)" in found.note
    better = [_line(4.0)] * 4 + [_line(0.1)]
    assert learning.compared(better, slow).ratio == pytest.approx(2.0), "one run in five is left out"
    failing = [_line(4.0)] * 2 + [_line(0.1)] * 3
    lost = learning.compared(failing, slow)
    assert lost.ratio == 0.0 and "2 of 5 runs" in lost.note
    below = [Curve(c.steps, c.values - 7.0) for c in slow], [Curve(c.steps, c.values - 7.0) for c in fast]
    assert learning.compared(below[1], below[0]).ratio == pytest.approx(2.0), (
        "also where returns are negative"
    )
    nothing = learning.compared(fast, [_line(0.0)] * 5)
    assert nothing.ratio is None and not nothing.right and "learned nothing" in nothing.note


def test_curves_are_kept_and_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = train_curves.Task(
        "tiny",
        "t",
        EPYMARL,
        _small(),
        {},
        "",
        frames=80,
        every=40,
        episodes=3,
        quick_frames=40,
        quick_every=40,
    )
    curve, cpu = train_curves.drawn(task, "ours", 1, quick=False, keep=tmp_path)
    assert curve.steps.tolist() == [0, 40, 80] and cpu > 0
    (kept,) = tmp_path.iterdir()
    told = json.loads(kept.read_text())
    told["values"][0] = 0.125
    kept.write_text(json.dumps(told))
    again, _ = train_curves.drawn(task, "ours", 1, quick=False, keep=tmp_path)
    assert again.values[0] == 0.125, "not trained again"
    monkeypatch.setattr(ledger, "source_digest", lambda *_: "changed")
    fresh, _ = train_curves.drawn(task, "ours", 1, quick=False, keep=tmp_path)
    assert np.array_equal(fresh.values, curve.values) and len(list(tmp_path.iterdir())) == 2


def test_both_sides_of_a_learning_task_are_judged_alike() -> None:
    for task in train_curves.tasks():
        ours, theirs = (task.settings(side, 3, quick=False) for side in ("ours", "peer"))
        for name in ("seed", "frames", "evaluate_every", "episodes", "algorithm"):
            assert ours[name] == theirs[name]
        spec = train_ours.environment(ours).spec
        assert ours["frames"] % (ours["envs"] * ours["learner"]["rollout"]) == 0 and spec.horizon is not None
        horizon = theirs["task"]["time_limit"] if task.peer == EPYMARL else theirs["horizon"]
        assert horizon == spec.horizon


# --- with peers -------------------------------------------------------------------------------------------


@needs_benchmarl
def test_benchmarl_is_measured_on_mpe2() -> None:
    row = next(row for row in train.every_row() if row.peer == BENCHMARL and row.quick)
    out = measure_row(row, Setting(quick=True))
    assert out["ratio"] > 1 and out["pairs"] == 2 and "the peer's" in out["note"], out


@needs_vmas
def test_our_wrapper_of_vmas_plays_by_its_clock() -> None:
    from experiments.bench.train_vmas import VmasSpread
    from games.env import check_actions

    env = VmasSpread(3)
    world, step = env.reset(np.arange(5, dtype=np.uint64))
    assert step.groups[0].observation.shape == (5, 3, 14)
    start = step.groups[0].observation[:, :, :2].copy()
    for t in range(3):
        actions = check_actions(env.spec, step, (np.full((5, 3), 2, dtype=np.int64),))
        world, step = env.step(world, actions)
        assert step.last.all() == (t == 2) and (step.groups[0].reward < 0).all()
    assert (np.abs(step.groups[0].observation[:, :, :2] - start).max(axis=(1, 2)) > 0.01).all()
    world, step = env.restart(world, step.last)
    assert not step.last.any() and (step.groups[0].reward == 0).all()
    with pytest.raises(InputError, match="all of its sub-environments"):
        env.restart(world, np.array([True, False, False, False, False]))
