"""`make demo` runs the main job from end to end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments import demo
from experiments.cli import app


def test_every_step_is_a_command_of_ours() -> None:
    known = {command.name for command in app.registered_commands}
    words = [words for _, words in demo.steps(Path("demo"))]
    assert {line[0] for line in words} <= known
    assert {"train", "solve", "tournament", "play", "psro"} <= {line[0] for line in words}


def test_the_demo_runs_twice_and_writes_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """With less training than the real one; the second time over what the first has left."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "STEPS_IPPO", 2_000)
    monkeypatch.setattr(demo, "STEPS_IQL", 2_000)
    for _ in range(2):
        assert demo.demo() == 0
    told = capfd.readouterr().out
    answers = json.loads((tmp_path / "demo" / "tournament" / "answers.json").read_text())
    assert "learned by IPPO" in told
    assert "solved, noisy QRE" in told
    for name in ("nash", "cce"):
        found = next(answer for answer in answers["equilibria"] if answer["name"] == name)
        assert found["status"] == "converged"
        assert found["certificate"]["delta"] == 0.05
    assert (tmp_path / "demo" / "tournament" / "report.html").stat().st_size > 10_000
    assert (tmp_path / "demo" / "psro.png").is_file()
