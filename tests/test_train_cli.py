"""`staghunt train` as a user meets it: folders, documents, tables, and what is said when something goes wrong."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_line import ROOT, Staghunt, start

from experiments.training.provenance import differences, provenance
from experiments.training.runs import load_team, read_metrics, read_run
from games import make_env
from games.play import play_episodes
from marl.ppo import PPO

QUICK = ["--steps", 2_000, "--set", "training.episodes=20", "--set", "learner.hidden=[16]"]
COOP = "foraging:5x5-2p-1f-coop"


def train(staghunt: Staghunt, *words: Any) -> Any:
    return staghunt("train", "mappo", "zoo:stag-hunt", *QUICK, *words)


# --- results ----------------------------------------------------------------------------------------------


def test_a_run_tells_all_about_itself(staghunt: Staghunt, tmp_path: Path) -> None:
    out = tmp_path / "run"
    ran = train(staghunt, "-o", out, "--seed", 7, "--json")
    assert ran.code == 0 and ran.err == ""
    assert sorted(p.name for p in out.iterdir() if p.name[0] != ".") == ["seed-7", "spec.yaml"]
    names = {p.name.partition(".tfevents")[0] for p in (out / "seed-7").iterdir() if p.name[0] != "."}
    assert names == {"metrics.jsonl", "timing.jsonl", "last.safetensors", "best.safetensors", "events.out"}
    (result,) = ran.json["results"]
    rows = read_metrics(out / "seed-7", "evaluation")
    assert result["final"] == {k: v for k, v in rows[-1].items() if k != "kind"}
    assert (
        result["best"]["return"] == max(row["return"] for row in rows if row["steps"])
        and result["error"] is None
    )
    assert rows[0]["steps"] == 0 and result["steps"] >= 2_000 and result["frames_per_second"] > 0
    assert rows[0]["return"] == pytest.approx(sum(rows[0]["returns"]))  # not a common reward: the sum
    run = read_run(out)
    assert run.provenance["versions"].keys() >= {"python", "numpy", "torch", "numba", "staghunt"}
    assert run.provenance["machine"]["cores"] and run.spec.learner == PPO(critic="state", hidden=(16,))
    updates = read_metrics(out / "seed-7", "update")
    assert sum(row["episodes"] for row in updates) == result["steps"]  # episodes of one step
    assert updates[-1]["updates"] * 64 * 16 == result["steps"]


def test_the_best_policies_play_as_they_were_judged(staghunt: Staghunt, tmp_path: Path) -> None:
    assert staghunt("train", "ippo", COOP, *QUICK, "-o", tmp_path / "run", "-q").code == 0
    learner, env, state, team = load_team(tmp_path / "run")
    one = load_team(tmp_path / "run" / "seed-0", "last", greedy=True)
    played = play_episodes(env, team, list(range(40)))
    assert played.returns.shape == (40, 2) and learner.critic == "observation" and state is not None
    assert play_episodes(one[1], one[3], [1, 2]).returns.shape == (2, 2)


def test_the_folder_is_named_after_learner_and_environment(
    staghunt: Staghunt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert train(staghunt, "-q").code == 0
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == [
        "mappo-zoo-stag-hunt",
        "mappo-zoo-stag-hunt-2",
    ]
    first, second = sorted((tmp_path / "runs").iterdir())
    assert (first / "seed-0/metrics.jsonl").read_bytes() == (second / "seed-0/metrics.jsonl").read_bytes()
    told = train(staghunt, "-o", first).complaint
    assert "holds a run already" in told and "--resume" in told
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    assert "is not empty and not a run" in train(staghunt, "-o", tmp_path / "mine").complaint
    assert "is a file" in train(staghunt, "-o", tmp_path / "mine" / "thesis.txt").complaint


def test_a_run_s_spec_trains_the_same_again(staghunt: Staghunt, tmp_path: Path) -> None:
    assert train(staghunt, "-o", tmp_path / "a", "-q").code == 0
    assert staghunt("train", "--config", tmp_path / "a" / "spec.yaml", "-o", tmp_path / "b", "-q").code == 0
    one, two = (tmp_path / name / "seed-0" / "metrics.jsonl" for name in "ab")
    assert one.read_bytes() == two.read_bytes()


def test_env_workers_change_nothing(staghunt: Staghunt, tmp_path: Path) -> None:
    for name, more in (("a", []), ("b", ["--env-workers", 2])):
        assert train(staghunt, "-o", tmp_path / name, "-q", *more).code == 0
    one, two = (tmp_path / name / "seed-0" / "metrics.jsonl" for name in "ab")
    assert one.read_bytes() == two.read_bytes()


def test_tables_and_silence(staghunt: Staghunt, tmp_path: Path) -> None:
    ran = train(staghunt, "-o", tmp_path / "a", "--seeds", 2)
    assert "Mean return over 2 seeds" in ran.out and ran.err == ""
    quiet = train(staghunt, "-o", tmp_path / "b", "-q")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


def test_options_are_listed(staghunt: Staghunt) -> None:
    ran = staghunt("train", "qmix", "--options")
    assert ran.code == 0 and "learner.learning_rate" in ran.out and "training.evaluate_every" in ran.out
    options = {one["key"]: one for one in staghunt("train", "mappo", "--options", "--json").json["options"]}
    assert (
        options["learner.gamma"]["default"] == 0.99 and options["learner.gamma"]["about"] == "discount factor"
    )
    assert "learner.critic" not in options
    assert "did you mean mappo" in staghunt("train", "mapo", "--options").complaint


def test_every_learner_is_named_in_the_help() -> None:
    from experiments.commands.train import HELP
    from marl.learners import LEARNERS

    assert [name for name in LEARNERS if name not in HELP] == []


def test_provenance_tells_what_changed() -> None:
    now = provenance(command=["staghunt", "train", "a b"])
    assert now["command"] == "staghunt train 'a b'" and differences(now, now) == []
    old = {**now, "versions": {**now["versions"], "numpy": "1.0"}}
    assert differences(old, now) == [f"numpy was 1.0 and is {now['versions']['numpy']}"]
    assert differences({"versions": 3, "git": [], "machine": None}, now) == []


# --- what goes wrong --------------------------------------------------------------------------------------

BAD = [
    ([], "which learner?"),
    (["mappo"], "which environment?"),
    (["mapo", "zoo:chicken"], "unknown learner 'mapo'; did you mean mappo?"),
    (["mappo", "zoo:chickn"], "did you mean zoo:chicken?"),
    (["mappo", "zoo:chicken", "--steps", "many"], "--steps 'many' is not a whole number"),
    (["mappo", "zoo:chicken", "--steps", "1e400"], "--steps '1e400' is not a whole number"),
    (["mappo", "zoo:chicken", "--steps", "0"], "--steps: training.steps is 0"),
    (["mappo", "zoo:chicken", "--device", "tpu"], "there is no device 'tpu'"),
    (
        ["mappo", "zoo:chicken", "--set", "training.batch=1e12"],
        "training.batch is 1,000,000,000,000, too many",
    ),
    (["mappo", "zoo:chicken", "--set", "lerning_rate=1"], "did you mean learner.learning_rate?"),
    (["mappo", "zoo:chicken", "--config", "none.yaml"], "no such file and no such recipe"),
    (["qmix", "swarm:vicsek", "--set", "training.max_steps=9"], "QMIX"),
    (["--resume", "nowhere"], "nowhere does not exist"),
    (["--resume", "tests"], "it has no spec.yaml"),
    (["mappo", "--resume", "tests"], "LEARNER cannot be given with it"),
    (["mappo", "zoo:chicken", "-o", "/proc/none"], "cannot make the folder"),
]


@pytest.mark.parametrize("words, told", BAD, ids=[" ".join(words)[:50] for words, _ in BAD])
def test_bad_input_is_refused_in_one_sentence_and_writes_nothing(
    staghunt: Staghunt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests").mkdir()
    assert told in staghunt("train", *words).complaint
    assert not (tmp_path / "runs").exists()


def test_environments_without_a_horizon_need_a_limit(
    staghunt: Staghunt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Endless:
        spec = replace(make_env("zoo:stag-hunt").spec, horizon=None)

    monkeypatch.setattr("experiments.training.request.make_env", lambda uri, **options: Endless())
    assert "set training.max_steps" in train(staghunt, "-o", tmp_path / "run").complaint
    monkeypatch.setattr("experiments.training.request.check_room", lambda *sizes: None)
    assert train(staghunt, "-o", tmp_path / "run", "-q", "--set", "training.max_steps=5").code == 0


def test_diverging_says_where_and_what_to_try(staghunt: Staghunt, tmp_path: Path) -> None:
    more = ["--set", "learner.learning_rate=1e30", "--set", "learner.max_grad_norm=1e30", "--seeds", 2]
    ran = train(staghunt, "-o", tmp_path / "run", *more)
    assert ran.code == 1, ran.err
    lines = ran.err.strip().splitlines()
    assert len(lines) == 2 and all(
        "diverged: " in line and "try a smaller learning rate" in line for line in lines
    )
    assert "seed 0" in ran.err and "seed 1" in ran.err and "update" in ran.err
    assert (tmp_path / "run" / "seed-0" / "best.safetensors").exists()


@pytest.mark.parametrize("size", [3_000, 40_000])
def test_a_full_disk_is_one_sentence(staghunt: Staghunt, tmp_path: Path, size: int) -> None:
    large = [
        "--set",
        "learner.hidden=[64, 64]",
    ]  # so that the last checkpoint is larger than the best policies
    words = ["train", "mappo", "zoo:stag-hunt", *QUICK, *large, "-o", tmp_path / "run"]
    process = subprocess.run(
        [sys.executable, "-m", "experiments", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_CACHE_DIR": ""},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )
    lines = process.stderr.strip().splitlines()
    assert process.returncode == 2 and len(lines) == 1, process.stderr
    assert "cannot write" in lines[0] and "File too large" in lines[0] and "--resume" in lines[0]
    again = staghunt("train", "--resume", tmp_path / "run", "--json")
    assert again.code == 0, again.err
    assert again.json["results"][0]["steps"] >= 2_000


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 90
    while not path.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    assert path.exists() and process.poll() is None


@pytest.mark.parametrize("seeds", [1, 2])
def test_ctrl_c_tells_how_to_go_on(tmp_path: Path, seeds: int) -> None:
    out = tmp_path / "run"
    process = start("train", "mappo", "zoo:stag-hunt", "--steps", "1e8", "--seeds", seeds, "-o", out,
                    "--set", "training.save_every=2000")  # fmt: skip
    wait_for(out / "seed-0" / "last.safetensors", process)
    process.send_signal(signal.SIGINT)
    stdout, err = process.communicate(timeout=60)
    assert process.returncode == 130 and not stdout, err
    assert len(err.strip().splitlines()) == 1
    assert "interrupted; the last checkpoint" in err and f"staghunt train --resume {out}" in err


def test_a_dead_process_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start(
        "train", "mappo", "zoo:stag-hunt", "--steps", "30000", "--seeds", 2, "--workers", 2, "-o", out
    )
    wait_for(out / "seed-1" / "best.safetensors", process)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for child in children:
        if (
            Path(f"/proc/{child}/cwd").exists()
            and "training.child" in Path(f"/proc/{child}/cmdline").read_text()
        ):
            os.kill(int(child), signal.SIGKILL)
            break
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1 and "died (signal 9, SIGKILL)" in err and "--resume" in err, err
    done = [row["steps"] for seed in (0, 1) for row in read_metrics(out / f"seed-{seed}")[-1:]]
    assert max(done) >= 30_000  # the killed one may have written nothing yet


def test_ray_is_optional(staghunt: Staghunt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert "pip install ray" in train(staghunt, "--engine", "ray", "-o", tmp_path / "run").complaint
