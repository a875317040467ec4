"""Worker processes of tournaments that die: what is played is the same, guilty cells fail alone, nobody is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tournament_rows import PACKAGES, REPEATED, everything, odd, spec

from experiments.tournament import engine_local
from experiments.tournament.database import Played
from experiments.tournament.desk import MOST
from experiments.tournament.engine import InProcess, Labour
from experiments.tournament.engine_local import LocalEngine
from experiments.tournament.engines import engine_for
from experiments.tournament.plan import Job, Task
from experiments.tournament.worker import Worker
from games.errors import InputError, WorkerDied

HERE = Path(__file__).parent


def gone(pid: int) -> bool:
    """Whether a process is no more (a zombie that nobody has waited for is no more either)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def same(one: Played, other: Played) -> bool:
    """Whether two results are the same, bit for bit."""
    mine, theirs = ([p.returns, p.steps, p.ended, *vars(p.drawn).values()] for p in (one, other))
    return all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(mine, theirs))


def all_gone(pids: list[int], patience: float = 10.0) -> bool:
    end = time.monotonic() + patience
    while not all(map(gone, pids)) and time.monotonic() < end:
        time.sleep(0.02)
    return all(map(gone, pids))


# --- deaths -----------------------------------------------------------------------------------------------------------


def jobs_for(worker: Worker, count: int) -> list[Job]:
    """Small jobs that go round the cells."""
    cells = len(worker.casting.table.cells)
    return [Job(k, 1, (Task(k % cells, k, 3, 6 * k),)) for k in range(count)]


def test_a_worker_that_is_killed_is_replaced() -> None:
    what = odd("slow")
    worker = Worker.of(what, PACKAGES)
    jobs = jobs_for(worker, 24)
    wanted = {job.number: played for job, played in InProcess(worker).play(jobs)}
    found, killed = {}, set()
    with LocalEngine(Labour(workers=2, allow_import=PACKAGES), what, worker) as engine:
        for job, played in engine.play(jobs):
            found[job.number] = played
            if len(found) in (2, 9):
                pid = next(pid for pid in engine.processes.pids if pid not in killed)
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
        left = engine.processes.pids
    assert len(left) == 2 and not killed & set(left) and all_gone([*killed, *left])
    assert found.keys() == wanted.keys()
    for number, played in found.items():
        assert not played.failures
        assert same(played, wanted[number])


def test_a_policy_that_kills_its_process_fails_alone(tmp_path: Path) -> None:
    """All cells are in one job: the two of the policy fail, the other is as it is without it."""
    rows, _, failures = everything(odd("leaves"), tmp_path / "two", Labour(workers=2, allow_import=PACKAGES))
    assert failures == dict.fromkeys(
        (1, 2), f"the process that played it died (exit status 7) {MOST + 1} times"
    )
    without = everything(odd(), tmp_path / "without", Labour())[0]
    assert [row[1:] for row in rows] == [row[1:] for row in without] and rows


def test_a_policy_that_kills_its_process_once_is_played_again(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    labour = Labour(workers=2, allow_import=PACKAGES)
    rows, _, failures = everything(odd(f"once(mark={mark})"), tmp_path / "two", labour)
    assert failures == {} and mark.exists()
    assert everything(odd(f"once(mark={mark})"), tmp_path / "again", labour)[0] == rows != []


def test_a_policy_that_exits_fails_in_every_engine(tmp_path: Path) -> None:
    what = odd("exits")
    alone = everything(what, tmp_path / "alone", Labour(allow_import=PACKAGES))
    assert alone[2] == dict.fromkeys((1, 2), "SystemExit: enough")
    assert everything(what, tmp_path / "two", Labour(workers=2, allow_import=PACKAGES)) == alone


def test_workers_that_cannot_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODD_PLAYERS_HOME", str(os.getpid()))
    for agent, error, told in (
        ("elsewhere", InputError, "agent .elsewhere.*made no policy: OSError: not here"),
        (
            "deadly_to_load",
            WorkerDied,
            r"3 worker processes one after another died \(SIGKILL\) while they loaded",
        ),
    ):
        what = odd(agent)
        worker = Worker.of(what, PACKAGES)
        with LocalEngine(Labour(workers=2, allow_import=PACKAGES), what, worker) as engine:
            with pytest.raises(error, match=told):
                list(engine.play([Job(0, 1, (Task(0, 0, 2, 0),))]))
            pids = list(engine.processes.pids)
        assert all_gone(pids)


def test_packages_must_be_allowed_in_the_workers_too() -> None:
    what = odd("slow")
    worker = Worker.of(what, PACKAGES)
    with (
        LocalEngine(Labour(workers=2), what, worker) as engine,
        pytest.raises(InputError, match="--allow-import odd_players"),
    ):
        list(engine.play([Job(0, 1, (Task(0, 0, 2, 0),))]))


# --- nobody is left behind --------------------------------------------------------------------------------------------

_LONG = """
import sys
from pathlib import Path
from experiments.tournament.engine import Labour
from experiments.tournament.engine_local import LocalEngine
from experiments.tournament.plan import Job, Task
from experiments.tournament.spec import spec_of
from experiments.tournament.worker import Worker

spec = spec_of({"env": "zoo:stag-hunt", "agents": ["import:odd_players:slow(seconds=0.2)"],
                "matches": 1000, "exact": False}, "test")
jobs = [Job(k, 1, (Task(0, k, 1, k),)) for k in range(1000)]
with LocalEngine(Labour(workers=2, allow_import=("odd_players",)), spec, Worker.of(spec, ("odd_players",))) as engine:
    for _ in engine.play(jobs):
        print(*engine.processes.pids, flush=True)
"""


def test_workers_end_with_their_parent() -> None:
    """Also if that is killed and cannot end them, and they are in the middle of a match."""
    path = os.pathsep.join([str(HERE), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": path}
    parent = subprocess.Popen(
        [sys.executable, "-c", _LONG], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert parent.stdout is not None
    pids = [int(word) for word in parent.stdout.readline().split()]
    assert len(pids) == 2 and not any(map(gone, pids))
    parent.kill()
    parent.communicate(timeout=20)
    assert all_gone(pids)


def test_ctrl_c_does_not_reach_the_workers() -> None:
    """They ignore it, and are in other sessions; whoever plays gets it and ends them."""
    what = odd("slow")
    worker = Worker.of(what, PACKAGES)
    with LocalEngine(Labour(workers=2, allow_import=PACKAGES), what, worker) as engine:
        playing = engine.play(jobs_for(worker, 1_000))
        next(playing)
        pids = list(engine.processes.pids)
        for pid in pids:
            assert os.getsid(pid) == pid != os.getsid(0)
            os.kill(pid, signal.SIGINT)
        for _ in range(6):
            assert not next(playing)[1].failures
        assert list(engine.processes.pids) == pids
        threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            list(playing)
    assert all_gone(pids)


def test_a_round_that_was_left_early_does_not_disturb_the_next() -> None:
    what = odd("slow")
    worker = Worker.of(what, PACKAGES)
    jobs = jobs_for(worker, 12)
    with LocalEngine(Labour(workers=2, allow_import=PACKAGES), what, worker) as engine:
        playing = engine.play(jobs)
        next(playing)
        playing.close()
        pids = engine.processes.pids
        again = {job.number: played for job, played in engine.play(jobs[3:8])}
        assert engine.processes.pids == pids
    assert again.keys() == {3, 4, 5, 6, 7}
    for job, played in InProcess(worker).play(jobs[3:8]):
        assert same(played, again[job.number])


def test_nothing_is_started_for_nothing() -> None:
    what = spec(REPEATED)
    with engine_for(Labour(workers=2), what, Worker.of(what)) as engine:
        assert isinstance(engine, LocalEngine)
        assert list(engine.play([])) == [] and engine.processes.pids == ()
    with pytest.raises(InputError, match="at least one worker, not 0"):
        LocalEngine(Labour(workers=0), what, Worker.of(what))


def test_the_system_starts_no_more_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(handle: int) -> Any:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(engine_local, "_process", refused)
    what = spec(REPEATED)
    told = "cannot start another worker process: Resource temporarily unavailable"
    with (
        LocalEngine(Labour(workers=2), what, Worker.of(what)) as engine,
        pytest.raises(InputError, match=told),
    ):
        list(engine.play([Job(0, 1, (Task(0, 0, 2, 0),))]))
