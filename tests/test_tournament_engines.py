"""Engines of tournaments: the same bytes whoever plays, orders and results survive the journey, deaths cost the guilty."""

from __future__ import annotations

import socket
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tournament_rows import PACKAGES, REPEATED, TREE, everything, odd, spec

from experiments.tournament import plan
from experiments.tournament.desk import MOST, Desk
from experiments.tournament.dispatch import Dispatch, Lost
from experiments.tournament.engine import Labour
from experiments.tournament.parts import not_played
from experiments.tournament.plan import Job, Task
from experiments.tournament.serving import Serving, load, load_message, spec_from
from experiments.tournament.wire import (
    Stream,
    order_message,
    ordered,
    packed,
    result,
    result_message,
    unpacked,
)
from experiments.tournament.worker import Worker
from games.errors import InputError


@pytest.fixture
def small_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "MATCHES_PER_JOB", 25)


# --- the same bytes ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_jobs")
@pytest.mark.parametrize("document", [REPEATED, TREE], ids=["repeated", "tree"])
def test_two_processes_play_as_one(document: dict[str, Any], tmp_path: Path) -> None:
    alone = everything(spec(document), tmp_path / "alone", Labour())
    assert len(alone[0]) > 25 * 8, "there is more than one job for each"
    assert everything(spec(document), tmp_path / "two", Labour(workers=2)) == alone
    assert alone[2] == {}


def test_more_workers_than_jobs_and_a_long_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One job of hundreds of cells, whose order does not fit into the sockets at once, and three workers."""

    def narrow(*words: Any) -> Any:
        ends = pair(*words)
        for end in ends:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        return ends

    pair = socket.socketpair
    monkeypatch.setattr(socket, "socketpair", narrow)
    agents = {f"agent {k}": "random" for k in range(60)}
    what = spec({**REPEATED, "agents": agents, "matches": 1})
    alone = everything(what, tmp_path / "alone", Labour())
    assert len(alone[0]) == 60 * 61 // 2
    assert everything(what, tmp_path / "three", Labour(workers=3)) == alone


@pytest.mark.usefixtures("small_jobs")
def test_a_trained_checkpoint(tmp_path: Path, staghunt: Any) -> None:
    quick = ("--steps", 500, "--set", "training.episodes=5", "--set", "learner.hidden=[16]", "-q")
    told = staghunt("train", "ippo", "zoo:stag-hunt", *quick, "-o", tmp_path / "run")
    assert told.code == 0, told.err
    what = spec(
        {
            "env": "zoo:stag-hunt",
            "agents": {"learned": str(tmp_path / "run"), "random": "random"},
            "matches": 80,
        }
    )
    alone = everything(what, tmp_path / "alone", Labour())
    assert everything(what, tmp_path / "two", Labour(workers=2)) == alone
    message = load_message(what, ())
    checkpoint = next((tmp_path / "run").rglob("best.safetensors"))
    assert unpacked(message)[0]["files"].keys() == {str(checkpoint)}
    checkpoint.write_bytes(checkpoint.read_bytes() + b"\0")
    with pytest.raises(
        InputError, match=r"best\.safetensors is not the same on .* as where the tournament was begun"
    ):
        Serving(message)
    checkpoint.unlink()
    with pytest.raises(InputError, match=r"does not see .*best\.safetensors"):
        Serving(message)


# --- messages ---------------------------------------------------------------------------------------------------------

numbers = st.integers(0, 2**40)


@given(st.lists(st.tuples(numbers, numbers, numbers, numbers), max_size=5), numbers, numbers)
def test_orders_survive_the_journey(rows: list[tuple[int, ...]], number: int, look: int) -> None:
    job = Job(number + 1, look, tuple(Task(*row) for row in rows))
    assert ordered(order_message(number, job)) == (number, job)


@given(st.lists(st.binary(max_size=40), max_size=6), st.lists(st.integers(1, 50), max_size=30))
def test_a_stream_cut_anywhere_gives_the_same_messages(bodies: list[bytes], cuts: list[int]) -> None:
    messages = [packed({"k": k}, {"a": np.frombuffer(body, np.uint8)}) for k, body in enumerate(bodies)]
    whole = b"".join(messages)
    places = sorted({0, len(whole), *(c for c in np.cumsum([0, *cuts]).tolist() if c < len(whole))})
    stream = Stream()
    assert [m for a, b in pairwise(places) for m in stream.feed(whole[a:b])] == messages
    for k, (message, body) in enumerate(zip(messages, bodies)):
        header, arrays = unpacked(message)
        assert header == {"k": k} and arrays["a"].tobytes() == body


def test_results_survive_the_journey() -> None:
    what = odd("exits")
    played = Worker.of(what, PACKAGES).play(Job(3, 1, tuple(Task(c, 0, 4, 100 * c) for c in range(3))))
    again = result(*unpacked(result_message(8, played)))
    assert again.failures == played.failures != {} and again.seconds == played.seconds
    for name in ("returns", "steps", "ended"):
        one, other = getattr(played, name), getattr(again, name)
        assert one.dtype == other.dtype and np.array_equal(one, other)
    for name in ("match", "cell", "sample", "places", "seeds", "acts"):
        one, other = getattr(played.drawn, name), getattr(again.drawn, name)
        assert one.dtype == other.dtype and np.array_equal(one, other)


def test_a_spec_survives_the_journey() -> None:
    for what in (
        spec(REPEATED, payoff_range=[-1, 7.1]),
        spec(TREE, max_steps=9),
        spec(REPEATED, matches={"half_width": 0.1}),
    ):
        message, _ = unpacked(load_message(what, ()))
        assert spec_from(message["spec"]) == what
    _, told = load(packed({**message, "digest": "another"}))
    assert "reads the tournament's spec differently" in unpacked(told)[0]["refused"]
    _, told = load(packed({**message, "sources": "another"}))
    assert "all machines need the same version" in unpacked(told)[0]["refused"]


# --- orders -----------------------------------------------------------------------------------------------------------


class Mortal:
    """A transport whose workers die when they play a deadly cell, and now and then of nothing."""

    def __init__(self, worker: Worker, deadly: set[int], chance: np.random.Generator) -> None:
        self.worker, self.deadly, self.chance = worker, deadly, chance
        self.links: dict[int, list[bytes]] = {}
        self.started = self.stray = 0
        self.most_orders = 0

    def start(self) -> int:
        self.started += 1
        self.links[self.started] = [b""]
        return self.started

    def give(self, link: int, message: bytes) -> None:
        self.links[link].append(message)
        self.most_orders = max(self.most_orders, len(self.links[link]))

    def hear(self) -> list[tuple[int, bytes | Lost]]:
        busy = [link for link, messages in self.links.items() if messages]
        link = int(self.chance.choice(busy))
        message = self.links[link].pop(0)
        if not message:
            return [(link, packed({"ready": True}))]
        number, job = ordered(message)
        if any(task.cell in self.deadly for task in job.tasks):
            return [(link, Lost("SIGSEGV"))]
        if not self.stray and self.chance.random() < 0.1:
            self.stray += 1
            return [(link, Lost("SIGKILL"))]
        return [(link, result_message(number, self.worker.play(job)))]

    def drop(self, link: int) -> None:
        del self.links[link]

    def close(self) -> None:
        self.links.clear()


@given(st.integers(0, 2**32), st.sets(st.integers(0, 5), max_size=3), st.integers(1, 4), st.integers(1, 30))
def test_only_deadly_cells_fail(seed: int, deadly: set[int], workers: int, size: int) -> None:
    worker = WORKER
    transport = Mortal(worker, deadly, np.random.default_rng(seed))
    tasks = [Task(c, 0, 3, 9 * c) for c in range(6)]
    jobs = [Job(k, 1, tuple(tasks[k : k + size])) for k in range(0, 6, size)]
    with Dispatch(transport, workers) as engine:
        found = list(engine.play(jobs))
    assert not transport.links and transport.most_orders <= 3
    assert sorted(job.number for job, _ in found) == [job.number for job in jobs]
    rows: dict[int, Any] = {}
    for job, played in found:
        cells = {task.cell for task in job.tasks}
        assert played.failures.keys() == cells & deadly
        times = 3 if len(cells) == 1 else 4
        assert set(played.failures.values()) <= {f"the process that played it died (SIGSEGV) {times} times"}
        assert set(played.drawn.cell.tolist()) == cells - deadly
        rows |= dict(zip(played.drawn.match.tolist(), played.returns.tolist()))
    good = [task for task in tasks if task.cell not in deadly]
    if good:
        wanted = worker.play(Job(0, 1, tuple(good)))
        assert rows == dict(zip(wanted.drawn.match.tolist(), wanted.returns.tolist()))


WORKER = Worker.of(spec(REPEATED))


def test_an_order_that_was_with_a_dead_worker_has_the_next_one_to_itself() -> None:
    desk = Desk([Job(k, 1, (Task(k, 0, 1, k),)) for k in range(3)])
    first, second = desk.take(), desk.take()
    assert list(desk.lost([first, second], "SIGKILL")) == []
    assert (first.deaths, second.deaths) == (1, 0) and first.suspect and second.suspect
    assert [desk.take() for _ in range(2)] == [first, second], "they go out before all others"
    nothing = not_played({1: "x"})
    assert next(desk.done(second, nothing))[0] is second.job
    assert list(desk.done(second, nothing)) == [], "it has been told already"
    for _ in range(MOST - 2):
        assert list(desk.lost([first], "SIGKILL")) == []
        assert desk.take() is first
    ((job, played),) = desk.lost([first], "SIGBUS")
    assert job is first.job and played.failures == {0: "the process that played it died (SIGBUS) 3 times"}
    assert desk.unfinished == desk.waiting == 1


class Together:
    """Two workers whose messages always come at once."""

    def __init__(self) -> None:
        self.mail: list[tuple[int, bytes | Lost]] = []
        self.links = 0

    def start(self) -> int:
        self.links += 1
        self.mail.append((self.links, packed({"ready": True})))
        return self.links

    def give(self, link: int, message: bytes) -> None:
        number, job = ordered(message)
        self.mail.append((link, result_message(number, WORKER.play(job))))

    def hear(self) -> list[tuple[Any, bytes | Lost]]:
        heard, self.mail = self.mail, []
        return heard  # type: ignore[return-value]

    def drop(self, link: int) -> None:
        raise AssertionError("nobody is lost")

    def close(self) -> None:
        self.mail.clear()


def test_a_round_left_early_leaves_the_other_workers_messages_where_they_are() -> None:
    jobs = [Job(k, 1, (Task(k % 3, 0, 1, k),)) for k in range(8)]
    with Dispatch(Together(), 2) as engine:
        playing = engine.play(jobs)
        next(playing)
        playing.close()
        again = {job.number for job, _ in engine.play(jobs[3:])}
    assert again == {3, 4, 5, 6, 7}
