"""Training that is killed and goes on: the same bytes as without a kill, whatever lies in the folder meanwhile."""

from __future__ import annotations

import json
import os
import pickle
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import ROOT, Staghunt, start

from experiments.training.folders import locked
from experiments.training.runs import load_team, read_metrics, read_run, read_timing
from games.errors import InputError
from marl.checkpoint import read_checkpoint, write_checkpoint

FORAGING = "foraging:5x5-2p-1f-coop"
NARROW = "learner.hidden=[16]"
PARTS = ("learner.independent.hidden=[16]", "learner.central.hidden=[16]", "learner.switch.hidden=[16]")
SETTINGS = {
    "ippo": ("learner.recurrent=true", NARROW),
    "mappo": ("learner.minibatches=2", NARROW),
    "iql": (NARROW,),
    "qmix": (NARROW,),
    "decpomfc": ("learner.kl=0.2", "learner.upper.hidden=[16]", "learner.upper.rollout=50"),
    "mansa": ("learner.budget=3000", "learner.budget_scope=run", *PARTS),
    "mansa of ippo and mappo": (
        "learner.independent=ippo",
        "learner.central=mappo",
        "learner.central.recurrent=true",
        "learner.central.recurrent_critic=true",
        "learner.switch.method=sac",
        *PARTS,
    ),
}
ENVS = {"decpomfc": "swarm:aggregation?agents=8&horizon=25&cells=3"}
OFTEN = ("training.save_every=1000", "training.evaluate_every=1500", "training.log_every=700")


def words(learner: str, steps: int, out: Path, *more: Any) -> list[Any]:
    settings = (*OFTEN, "training.episodes=20", "training.batch=4", *SETTINGS[learner])
    told = [word for one in settings for word in ("--set", one)]
    return [
        "train",
        learner.split()[0],
        ENVS.get(learner, FORAGING),
        "--steps",
        steps,
        "-o",
        out,
        *told,
        *more,
    ]


def changed(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def kill_after_a_checkpoint(process: subprocess.Popen[str], path: Path, delay: float) -> None:
    """Kill -9 a little after the next checkpoint appears."""
    before, end = changed(path), time.monotonic() + 90
    while process.poll() is None and changed(path) == before and time.monotonic() < end:
        time.sleep(0.005)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)


def same(one: Path, other: Path) -> None:
    assert (one / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()
    for name in ("last.safetensors", "best.safetensors"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


@pytest.mark.parametrize("learner", list(SETTINGS))
def test_killed_runs_go_on_bit_for_bit(learner: str, tmp_path: Path, staghunt: Staghunt) -> None:
    steps = 6_000
    assert staghunt(*words(learner, steps, tmp_path / "whole")).code == 0
    again = tmp_path / "killed"
    chance = random.Random(learner)
    last = again / "seed-0" / "last.safetensors"
    kill_after_a_checkpoint(start(*words(learner, steps, again)), last, chance.uniform(0, 0.2))
    (again / "seed-0" / ".staghunt-torn.safetensors").write_bytes(b"half")
    ran = staghunt("train", "--resume", again)
    assert ran.code == 0, ran.err
    same(tmp_path / "whole" / "seed-0", again / "seed-0")
    assert not list(again.rglob(".staghunt-*"))
    assert "is finished" in staghunt("train", "--resume", again).err


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of 4,000 steps."""
    from experiments import cli

    path = tmp_path_factory.mktemp("runs") / "done"
    assert cli.run([str(word) for word in words("mappo", 4_000, path, "-q")]) == 0
    return path


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def rewrite(path: Path, change: Any) -> None:
    tree = read_checkpoint(path)
    change(tree)
    write_checkpoint(path, tree)


def test_several_killed_seeds_go_on_and_workers_change_nothing(tmp_path: Path, staghunt: Staghunt) -> None:
    whole, again = tmp_path / "whole", tmp_path / "killed"
    assert staghunt(*words("mappo", 6_000, whole, "--seeds", 2, "--seed", 5, "--workers", 1)).code == 0
    process = start(*words("mappo", 6_000, again, "--seeds", 2, "--seed", 5, "--workers", 2))
    kill_after_a_checkpoint(process, again / "seed-6" / "last.safetensors", 0.05)
    ran = staghunt("train", "--resume", again, "--workers", 2)
    assert ran.code == 0, ran.err
    for seed in (5, 6):
        same(whole / f"seed-{seed}", again / f"seed-{seed}")
    alone = tmp_path / "alone"
    assert staghunt(*words("mappo", 6_000, alone, "--seed", 6)).code == 0
    assert (alone / "seed-6" / "metrics.jsonl").read_bytes() == (
        whole / "seed-6" / "metrics.jsonl"
    ).read_bytes()


def test_a_run_killed_before_its_first_checkpoint_starts_over(
    run: Path, finished: Path, staghunt: Staghunt
) -> None:
    (run / "seed-0" / "last.safetensors").unlink()
    with (run / "seed-0" / "metrics.jsonl").open("ab") as file:
        file.write(b'{"kind": "upd')
    assert staghunt("train", "--resume", run).code == 0
    same(finished / "seed-0", run / "seed-0")


def test_more_steps_and_more_seeds(run: Path, staghunt: Staghunt) -> None:
    before = read_metrics(run / "seed-0")
    ran = staghunt("train", "--resume", run, "--steps", 6_000, "--seeds", 2, "--json")
    assert ran.code == 0, ran.err
    assert [one["seed"] for one in ran.json["results"]] == [0, 1]
    assert all(one["steps"] >= 6_000 and one["error"] is None for one in ran.json["results"])
    after = read_metrics(run / "seed-0")
    assert after[: len(before)] == before and after[-1]["steps"] >= 6_000
    times = [row["seconds"] for row in read_timing(run / "seed-0")]
    assert times == sorted(times)
    again = read_run(run)
    assert (again.spec.training.steps, again.spec.seeds) == (6_000, 2)
    assert len(again.provenance["resumed"]) == 1 and again.provenance["date"]


def test_tensorboard_forgets_what_was_cut_off(run: Path, staghunt: Staghunt) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    seed = run / "seed-0"
    end = read_metrics(seed)[-1]["steps"]
    (events,) = seed.glob("events.out.tfevents.*")
    from experiments.training.tensorboard import Scalars

    lost = Scalars(seed)
    lost.add(end + 50, {"train/return": 1e9})
    lost.close()
    assert staghunt("train", "--resume", run, "--steps", 6_000).code == 0
    seen = EventAccumulator(str(seed))
    seen.Reload()
    wanted = [(row["steps"], row["return"]) for row in read_metrics(seed, "evaluation")]
    found = [(event.step, event.value) for event in seen.Scalars("evaluation/return")]
    assert [step for step, _ in found] == [step for step, _ in wanted]
    assert np.allclose([value for _, value in found], [value for _, value in wanted])
    assert max(event.value for event in seen.Scalars("train/return")) < 1e9
    assert {"time/frames_per_second", "train/policy_loss"} <= set(seen.Tags()["scalars"])
    assert events.exists()


def test_two_processes_do_not_train_in_one_folder(run: Path, staghunt: Staghunt, monkeypatch: Any) -> None:
    monkeypatch.setattr("experiments.training.folders.PATIENCE", 0.1)
    with locked(run / "seed-0", 0.1):
        program = (
            "import sys\nfrom pathlib import Path\nfrom experiments.training.folders import locked\n"
            "from games.errors import InputError\n"
            f"try:\n    with locked(Path({str(run / 'seed-0')!r}), 0.1): sys.exit(3)\n"
            "except InputError as error: print(error)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0 and "another process is training in" in done.stdout
        told = staghunt("train", "--resume", run, "--steps", 5_000).complaint
        assert "another process is training in" in told
    assert staghunt("train", "--resume", run, "--steps", 5_000).code == 0


def test_changed_versions_are_told(run: Path, staghunt: Staghunt) -> None:
    path = run / "spec.yaml"
    torch = read_run(run).provenance["versions"]["torch"]
    path.write_text(path.read_text().replace(f"torch: {torch}", "torch: 1.0.0"))
    ran = staghunt("train", "--resume", run, "--steps", 5_000)
    assert ran.code == 0 and "torch was 1.0.0 and is" in ran.err and "bit for bit" in ran.err


@pytest.mark.parametrize(
    "old, new, told",
    [
        ("learning_rate: 0.0005", "learning_rate: 0.01", "trained with learner.learning_rate 0.0005"),
        ("name: mappo", "name: ippo", "that would be mappo"),
        ("hidden: [16]", "hidden: [32]", "trained with learner.hidden"),
        ("batch: 4", "batch: 8", "trained with batch 4, not 8"),
        (FORAGING, "foraging:5x5-2p-1f", "not of foraging:5x5-2p-1f"),
        ("version: 1", "version: 2", "is of version 2; this program reads version 1"),
        ("  gamma: 0.99", "  gama: 0.99", "did you mean learner.gamma?"),
    ],
)
def test_a_spec_that_was_changed_is_refused(
    run: Path, staghunt: Staghunt, old: str, new: str, told: str
) -> None:
    path = run / "spec.yaml"
    assert old in path.read_text()
    path.write_text(
        path.read_text().replace(old, new, 1) if old != FORAGING else path.read_text().replace(old, new)
    )
    assert told in staghunt("train", "--resume", run, "--steps", 5_000).complaint


def test_metrics_that_got_lost_are_noticed(run: Path, staghunt: Staghunt) -> None:
    path = run / "seed-0" / "metrics.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    assert (
        "the checkpoint beside it was written after"
        in staghunt("train", "--resume", run, "--steps", 5_000).complaint
    )


# --- strangers' files -------------------------------------------------------------------------------------


class Evil:
    """Unpickling it would leave a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.trace),)


def header(about: bytes, size: int | None = None) -> bytes:
    return struct.pack("<Q", len(about) if size is None else size) + about


def tensor_file(meta: str, tensors: dict[str, Any] | None = None) -> bytes:
    return header(json.dumps({"__metadata__": {"staghunt": meta}, **(tensors or {})}).encode())


def malicious(trace: Path) -> dict[str, bytes]:
    about = {"format": "staghunt-learner", "version": 1}
    far = {"x": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}
    return {
        "pickle": pickle.dumps(Evil(trace)),
        "empty": b"",
        "length": header(b"{}", 1 << 60),
        "offsets": tensor_file(json.dumps({**about, "tree": {}}), far),
        "no tree": tensor_file(json.dumps({**about, "tree": [1, 2]})),
        "nesting": tensor_file('{"format": "staghunt-learner", "version": 1, "tree": ' + '{"a":' * 99_999),
        "other version": tensor_file(json.dumps({**about, "version": 7, "tree": {}})),
        "driver": tensor_file(json.dumps({**about, "tree": {"driver": 3, "trainer": {"steps": 1}}})),
        "steps": tensor_file(json.dumps({**about, "tree": {"trainer": {"steps": "__import__('os')"}}})),
        "huge": tensor_file(
            '{"format": "staghunt-learner", "version": 1, "tree": {"trainer": {"steps": 1e999}}}'
        ),
        "random": random.Random(1).randbytes(4096),
    }


@pytest.mark.parametrize("kind", list(malicious(Path("x"))))
def test_no_checkpoint_runs_code(kind: str, run: Path, staghunt: Staghunt, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    for name in ("last.safetensors", "best.safetensors"):
        (run / "seed-0" / name).write_bytes(malicious(trace)[kind])
    assert "last.safetensors" in staghunt("train", "--resume", run, "--steps", 5_000).complaint
    with pytest.raises(InputError, match=r"best\.safetensors"):
        load_team(run)
    assert not trace.exists()


def poison_numbers(tree: Any) -> None:
    tree["trainer"]["play_rng"]["state"] = {"state": -1, "inc": "x"}


@pytest.mark.parametrize(
    "change",
    [
        poison_numbers,
        lambda tree: tree["driver"].update(metrics_bytes=-5),
        lambda tree: tree["driver"].update(metrics_bytes=10**30),
        lambda tree: tree["driver"].update(window={"names": ["x"], "sums": [3], "episodes": 1}),
        lambda tree: tree["driver"].update(learner="[" * 100_000),
        lambda tree: tree.pop("driver"),
        lambda tree: tree.update(learner={}),
        lambda tree: tree["trainer"].update(plan=[1]),
        lambda tree: tree["trainer"].update(steps=float("inf")),
    ],
)
def test_a_checkpoint_that_lies_is_refused(run: Path, staghunt: Staghunt, change: Any) -> None:
    rewrite(run / "seed-0" / "last.safetensors", change)
    assert "last.safetensors" in staghunt("train", "--resume", run, "--steps", 5_000).complaint


def test_the_best_policies_are_no_place_to_go_on_from(run: Path, staghunt: Staghunt) -> None:
    (run / "seed-0" / "best.safetensors").replace(run / "seed-0" / "last.safetensors")
    assert "policies only" in staghunt("train", "--resume", run, "--steps", 5_000).complaint
