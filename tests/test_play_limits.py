"""`staghunt play` with too much of everything, and with environments that print or leave the program."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from command_line import Staghunt, start

from experiments import session as sessions
from experiments.session import Session, check_room
from experiments.stray_prints import prints_on_stderr
from games import make_env
from games.errors import InputError

LOUD = """
import os, sys
import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

if {leave!r} == "import":
    sys.exit(3)

class Loud(ParallelEnv):
    metadata = {{"name": "loud_v0"}}
    possible_agents = ["a", "b"]

    def observation_space(self, agent):
        return spaces.Box(0, 9, (1,), np.float32)

    def action_space(self, agent):
        return spaces.Discrete(2)

    def seen(self):
        return {{agent: np.zeros(1, np.float32) for agent in self.agents}}

    def reset(self, seed=None, options=None):
        self.agents, self.time = list(self.possible_agents), 0
        return self.seen(), {{agent: {{}} for agent in self.agents}}

    def step(self, actions):
        self.time += 1
        if {leave!r} == "step":
            sys.exit(7)
        print("printed")
        os.write(1, b"written\\n")
        every = self.agents
        over = {{agent: self.time == 3 for agent in every}}
        result = (self.seen(), dict.fromkeys(every, 1.0), over, dict.fromkeys(every, False), {{a: {{}} for a in every}})
        if self.time == 3:
            self.agents = []
        return result

def parallel_env():
    return Loud()
"""


@pytest.fixture
def loud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of an environment that prints; see `LOUD` for `leave`."""
    pytest.importorskip("pettingzoo", reason="the environment is one of PettingZoo's kind")
    monkeypatch.syspath_prepend(tmp_path)
    for leave in ("never", "import", "step"):
        (tmp_path / f"loud_{leave}.py").write_text(LOUD.format(leave=leave))
    return "pettingzoo:loud_"


def test_what_an_environment_prints_stays_off_stdout(
    loud: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    process = start("play", f"{loud}never", "--allow-import", "loud_never", "-n", "2", "--json")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out)["returns"]["mean"] == [3.0, 3.0]
    assert err.count("printed\n") == 6 and err.count("written\n") == 6


def test_stdout_is_given_back(capfd: pytest.CaptureFixture[str]) -> None:
    old = sys.stdout
    with prints_on_stderr():
        print("stray")
    assert sys.stdout is old
    print("result")
    out, err = capfd.readouterr()
    assert out == "result\n" and err == "stray\n"


def test_an_environment_cannot_end_the_program(staghunt: Staghunt, loud: str) -> None:
    for leave, told in (("import", "raised SystemExit: 3"), ("step", "raised SystemExit: 7 at step 1")):
        assert told in staghunt("play", f"{loud}{leave}", "--allow-import", f"loud_{leave}").complaint


def test_more_than_memory_holds_is_refused_at_once(
    staghunt: Staghunt, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "play fewer --episodes" in staghunt("play", "zoo:chicken", "-n", 10**15).complaint
    spec = make_env("foraging:8x8-2p-3f").spec  # 2 agents, 15 numbers each
    monkeypatch.setattr(sessions, "available_bytes", lambda: 200_000)  # of which four fifths are for this
    check_room(spec, 10_000, 0)
    with pytest.raises(InputError, match="play fewer --episodes"):
        check_room(spec, 10_001, 1)
    check_room(spec, 1_000, 1_000)
    with pytest.raises(InputError, match=r"1,200 episodes at once .* play fewer at once"):
        check_room(spec, 1_200, 10_000)


def test_no_more_workers_than_episodes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    made = sessions.make_env

    def recording(uri: str, *, workers: int = 1, **options: object) -> object:
        asked.append(workers)
        return made(uri, workers=workers, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(sessions, "make_env", recording)
    session = Session("zoo:chicken", workers=1000)
    assert len(session.play(0, 2, 256, None).lengths) == 2
    assert len(session.play(0, 5, 1, None).lengths) == 5
    assert asked == [1, 2]  # the first to look at, then two for two episodes; one at a time is played here


@pytest.mark.parametrize("steps", ["abc", "-3", "2.5"])
def test_a_time_limit_is_a_number_of_steps(staghunt: Staghunt, steps: str) -> None:
    pytest.importorskip("rware", reason="its environments take their time limit as an argument")
    ran = staghunt("play", f"gymnasium:rware/rware-tiny-2ag-v2?max_steps={steps}")
    assert "an episode lasts a number of steps" in ran.complaint


def test_memory_that_runs_out_while_playing_is_told_with_the_way_out(
    staghunt: Staghunt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **named: object) -> None:
        raise MemoryError

    monkeypatch.setattr(sessions, "play_episodes", full)
    told = staghunt("play", "zoo:chicken")
    assert told.code == 2 and "not enough memory" in told.complaint and "--batch" in told.complaint
