"""Runs that stop and go on: the same numbers as without a stop, whatever ends them."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import OCHS, Staghunt, start

from experiments.checkpoint import Keeper, read_checkpoint
from games import load
from games.errors import InputError

pytest.importorskip("pyspiel")

KUHN = "openspiel:kuhn_poker"
LEDUC = "openspiel:leduc_poker"
NEVER = ["--tol", "1e-14"]


@pytest.mark.parametrize(
    "words",
    [
        ["-m", "cfr"],
        ["-m", "cfr+"],
        ["-m", "dcfr"],
        ["-m", "pcfr+"],
        ["-m", "pcfr+", "--simultaneous"],
        ["-m", "pcfr+", "-c", "cce"],
        ["-m", "mccfr-es", "--seed", "3"],
        ["-m", "mccfr-os", "--seed", "3"],
        ["-m", "mmd"],
        ["-m", "mmd", "-c", "qre", "-l", "20"],
    ],
    ids=" ".join,
)
def test_resumed_is_as_if_never_stopped(staghunt: Staghunt, tmp_path: Path, words: list[str]) -> None:
    file = tmp_path / "run.npz"
    whole = staghunt("solve", KUHN, *words, *NEVER, "--iterations", 60, "--json").json["solutions"][0]
    half = staghunt("solve", KUHN, *words, *NEVER, "--iterations", 30, "--checkpoint", file, "-q")
    assert half.code == 1 and file.exists()
    again = staghunt("solve", KUHN, "--resume", file, *NEVER, "--iterations", 60, "--json")
    assert again.code == 1, again.err
    resumed = again.json["solutions"][0]
    assert resumed["stats"]["iterations"] == 60
    for key in ("behavior", "mixture"):
        assert resumed.get(key) == whole.get(key)
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]
    assert read_checkpoint(file).state["iterations"] == 60, "resuming goes on writing to the same file"


def test_a_checkpoint_elsewhere_leaves_the_first_alone(staghunt: Staghunt, tmp_path: Path) -> None:
    first, second = tmp_path / "a.npz", tmp_path / "b.npz"
    staghunt("solve", KUHN, "-m", "cfr+", *NEVER, "--iterations", 20, "--checkpoint", first, "-q")
    before = first.read_bytes()
    staghunt("solve", KUHN, "--resume", first, "--checkpoint", second, *NEVER, "--iterations", 40, "-q")
    assert first.read_bytes() == before
    assert int(read_checkpoint(second).state["iterations"]) == 40


def test_what_a_checkpoint_does_not_fit(staghunt: Staghunt, tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    staghunt("solve", KUHN, "-m", "cfr+", *NEVER, "--iterations", 20, "--checkpoint", file, "-q")

    def complaint(game: str, *words: Any) -> str:
        return staghunt("solve", game, "--resume", file, *words).complaint

    assert "checkpoint is of another game: 'kuhn_poker()'" in complaint("openspiel:tiny_hanabi", "-c", "cce")
    assert "checkpoint is of another game: 'kuhn_poker()'" in complaint(LEDUC)
    assert "checkpoint is of another game" in complaint("openspiel:kuhn_poker(players=3)")
    assert "--method cfr+, not of --concept nash --method dcfr" in complaint(KUHN, "-m", "dcfr")
    assert "--concept nash --method cfr+, not" in complaint(KUHN, "-c", "cce")
    assert "checkpoint was made with alternating left at its default, not False" in complaint(
        KUHN, "--simultaneous"
    )
    assert "methods that iterate" in complaint(KUHN, "-m", "sequence-form")
    assert "normal form" in complaint(str(OCHS))


def test_damaged_files(staghunt: Staghunt, tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    staghunt("solve", KUHN, "-m", "cfr+", *NEVER, "--iterations", 20, "--checkpoint", file, "-q")
    whole = file.read_bytes()
    np.savez(tmp_path / "other.npz", payoffs=np.eye(2))
    np.savez(tmp_path / "pickled.npz", header=np.array([{}], dtype=object))
    other, pickled = ((tmp_path / name).read_bytes() for name in ("other.npz", "pickled.npz"))
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 0xFF
    for content in (b"", b"noise", whole[:-40], whole[: len(whole) // 2], bytes(broken), other, pickled):
        file.write_bytes(content)
        told = staghunt("solve", KUHN, "--resume", file).complaint
        assert "is damaged, or is not a checkpoint" in told
        assert file.read_bytes() == content, "what is refused is not touched"
    assert "no such file" in staghunt("solve", KUHN, "--resume", tmp_path / "none.npz").complaint
    assert "a folder" in staghunt("solve", KUHN, "--resume", tmp_path).complaint


def test_a_later_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.checkpoint.VERSION", 2)
    state = {"trace": np.zeros((0, 4)), "seconds": 0.0, "iterations": 1}
    Keeper(tmp_path / "a.npz", load(KUHN), "nash", "cfr", {})(state)
    monkeypatch.setattr("experiments.checkpoint.VERSION", 1)
    with pytest.raises(InputError, match="version 2; this program reads version 1"):
        read_checkpoint(tmp_path / "a.npz")


def test_a_failed_write_is_one_sentence_and_keeps_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    keeper = Keeper(file, load(KUHN), "nash", "cfr", {})
    keeper({"iterations": 1})
    before = file.read_bytes()
    with pytest.raises(TypeError):
        keeper({"iterations": np.array([{}], dtype=object)})
    assert file.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["a.npz"]
    (tmp_path / "gone").mkdir()
    lost = Keeper(tmp_path / "gone" / "a.npz", load(KUHN), "nash", "cfr", {})
    (tmp_path / "gone").rmdir()
    with pytest.raises(InputError, match="cannot write the checkpoint"):
        lost({"iterations": 1})


# --- processes --------------------------------------------------------------------------------------------


def wait_for(file: Path, process: subprocess.Popen[str], seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not file.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "no checkpoint was written"
        time.sleep(0.1)


def test_a_killed_run_goes_on(staghunt: Staghunt, tmp_path: Path) -> None:
    file, out = tmp_path / "a.npz", tmp_path / "a.json"
    process = start(
        "solve", LEDUC, "-m", "cfr+", *NEVER, "--seconds", 120, "--checkpoint", file, "--out", out
    )
    wait_for(file, process)
    process.kill()
    process.wait(30)
    assert process.returncode == -signal.SIGKILL and not out.exists()
    before = read_checkpoint(file)
    done = int(before.state["iterations"])
    ran = staghunt("solve", LEDUC, "--resume", file, "--tol", 1e-14, "--iterations", done + 10, "--json")
    (solution,) = ran.json["solutions"]
    assert done > 100 and solution["stats"]["iterations"] == done + 10
    assert solution["stats"]["trace"][0][0] == 1, "the trace is that of the whole run"
    assert solution["stats"]["seconds"] > float(before.state["seconds"])


def test_ctrl_c_keeps_the_state_and_says_how_to_go_on(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    process = start("solve", LEDUC, "-m", "pcfr+", *NEVER, "--seconds", 120, "--checkpoint", file)
    wait_for(file, process)
    first = file.stat().st_mtime_ns
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and not out and "Traceback" not in err
    assert f"interrupted; --resume {file} goes on from here" in err
    assert file.stat().st_mtime_ns > first
    assert json.loads(json.dumps(read_checkpoint(file).options)) == {"alternating": None}
