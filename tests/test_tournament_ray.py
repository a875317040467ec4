"""Tournaments on Ray: the bytes of one process, lost workers replaced, and sentences where Ray has tracebacks."""

from __future__ import annotations

import builtins
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tournament_rows import ONE_SHOT, PACKAGES, REPEATED, TREE, everything, odd, spec

from experiments.bench.ledger import THREAD_VARIABLES
from experiments.tournament import plan
from experiments.tournament.desk import MOST
from experiments.tournament.dispatch import Lost
from experiments.tournament.engine import Labour
from experiments.tournament.engine_ray import Actors, RayEngine
from experiments.tournament.engines import engine_for
from experiments.tournament.plan import Job, Task
from experiments.tournament.serving import load_message
from experiments.tournament.wire import order_message, unpacked
from experiments.tournament.worker import Worker
from games.errors import InputError

ray = pytest.importorskip("ray", reason="Ray comes with the extra `ray`")
RAY = Labour("ray", 2, allow_import=PACKAGES)


def processes(of: int) -> list[str]:
    """Names of the processes below one."""
    parents: dict[int, list[tuple[int, str]]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        state, parent, *_ = rest.split()
        if state != "Z":
            parents.setdefault(int(parent), []).append((int(path.parent.name), name))
    out, left = [], [of]
    while left:
        for pid, name in parents.get(left.pop(), []):
            out.append(name)
            left.append(pid)
    return out


# --- a Ray of its own: these come first, before the one that the other tests share ------------------------------------


def test_a_ray_that_the_tournament_starts_ends_with_it() -> None:
    """Also on Ctrl-C."""
    what = odd("slow(seconds=0.05)")
    worker = Worker.of(what, PACKAGES)
    jobs = [Job(k, 1, (Task(k % 3, k, 1, 2 * k),)) for k in range(1_000)]
    with engine_for(RAY, what, worker) as engine:
        assert isinstance(engine, RayEngine)
        assert list(engine.play([])) == [] and not ray.is_initialized(), "nothing is started for nothing"
        playing = engine.play(jobs)
        for _ in range(5):
            assert not next(playing)[1].failures
        assert ray.is_initialized() and "raylet" in processes(os.getpid())
        threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            list(playing)
    assert not ray.is_initialized()
    end = time.monotonic() + 10
    while "raylet" in processes(os.getpid()) and time.monotonic() < end:
        time.sleep(0.05)
    assert "raylet" not in processes(os.getpid())


# --- one Ray for all --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    ray.init(
        "local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        object_store_memory=100 * 2**20,
    )
    yield
    ray.shutdown()


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("document", [REPEATED, TREE], ids=["repeated", "tree"])
def test_ray_plays_as_one_process(
    document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "MATCHES_PER_JOB", 50)
    alone = everything(spec(document), tmp_path / "alone", Labour())
    assert everything(spec(document), tmp_path / "ray", RAY) == alone
    assert len(alone[0]) > 200 and ray.is_initialized()


@pytest.mark.usefixtures("cluster")
def test_lost_workers_are_replaced_and_deadly_policies_fail_alone(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    what = odd(f"once(mark={mark})", "exits")
    rows, table, failures = everything(what, tmp_path / "ray", RAY)
    assert mark.exists() and failures == dict.fromkeys((2, 4, 5), "SystemExit: enough")
    assert everything(what, tmp_path / "alone", Labour(allow_import=PACKAGES)) == (rows, table, failures)
    alone = spec({**ONE_SHOT, "agents": ["import:odd_players:leaves"], "matches": 2})
    _, _, failures = everything(alone, tmp_path / "leaves", RAY)
    assert failures == {0: f"the process that played it died (Ray: ActorDiedError) {MOST} times"}


@pytest.mark.usefixtures("cluster")
def test_workers_that_cannot_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODD_PLAYERS_HOME", str(os.getpid()))
    what = odd("elsewhere")
    with (
        RayEngine(RAY, what, Worker.of(what, PACKAGES)) as engine,
        pytest.raises(InputError, match="OSError: not here"),
    ):
        list(engine.play([Job(0, 1, (Task(0, 0, 2, 0),))]))


@pytest.mark.usefixtures("cluster")
def test_what_ray_says_is_heard_in_order() -> None:
    """Results of a worker come before its loss, whatever Ray tells first."""
    what = odd("leaves")
    actors = Actors(load_message(what, PACKAGES), 1, None)
    link = actors.start()
    actors.give(link, order_message(5, Job(0, 1, (Task(0, 0, 2, 0),))))
    actors.give(link, order_message(6, Job(1, 1, (Task(1, 0, 2, 0),))))
    told: list[Any] = []
    while not told or not isinstance(told[-1], Lost):
        told += [message for _, message in actors.hear()]
    assert unpacked(told[0])[0] == {"ready": True}
    assert [unpacked(one)[0].get("order") for one in told[1:-1]] in ([5], [])
    actors.close()


@pytest.mark.usefixtures("cluster")
def test_workers_have_one_thread() -> None:
    from experiments.tournament.engine_actor import Player

    class Curious(Player):
        def threads(self) -> tuple[set[str | None], bool]:
            import sys

            early = "numpy" in sys.modules
            self.load(message)
            return {os.environ.get(name) for name in THREAD_VARIABLES}, early

    what = spec({**ONE_SHOT, "agents": ["random"]})
    message = load_message(what, ())
    assert ray.get(ray.remote(Curious).remote().threads.remote()) == ({"1"}, False)


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    what = spec(REPEATED)

    def play(address: str) -> str:
        with (
            RayEngine(Labour("ray", 2, address), what, Worker.of(what)) as engine,
            pytest.raises(InputError) as error,
        ):
            list(engine.play([Job(0, 1, (Task(0, 0, 2, 0),))]))
        return str(error.value)

    return play


def test_addresses_where_no_cluster_is(refused: Any) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        start = time.monotonic()
        assert refused(address) == f"there is no Ray cluster at {address}: nothing answers there"
        assert (
            refused(f"ray://{address}")
            == f"there is no Ray cluster at ray://{address}: nothing answers there"
        )
    for address in ("head", "head:", ":6379", "head:66000", "head:six"):
        assert refused(address).startswith(
            f"'{address}' is no address of a Ray cluster; expected auto, HOST:PORT"
        )
    assert time.monotonic() - start < 40


def test_without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def without(name: str, *words: Any, **more: Any) -> Any:
        if name == "ray":
            raise ImportError("no module named ray")
        return load(name, *words, **more)

    what = spec(REPEATED)
    worker = Worker.of(what)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"--engine ray needs Ray: pip install ray \(or 'staghunt\[ray\]'\)"):
        engine_for(Labour("ray", 2), what, worker)
