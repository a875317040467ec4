"""What the head node of a tournament does for every job, and for one that is resumed: takes results, commits, reads."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.bench.harness import Finding, Row, Setting
from experiments.bench.timing import Sample

if TYPE_CHECKING:
    from experiments.tournament.database import Database, Played
    from experiments.tournament.plan import Job
    from experiments.tournament.worker import Worker

NOBODY = "no peer"
JOB = "head node, a job of 2,048 matches"
SCANNED = 10_000
REFERENCES = 2_000
SHORT = {"env": "zoo:matching-pennies", "exact": False, "matches": 1}
"""Matches of two agents that cost next to nothing."""


def rows() -> list[Row]:
    """Per job, per look at a cluster, and per resumption."""
    look = f"head node, Ray: look at {REFERENCES:,} results that are awaited"
    return [
        Row(f"{JOB}: take results", NOBODY, _take, quick=True),
        Row(f"{JOB}: commit", NOBODY, _commit, quick=True),
        Row("head node, a job of 2 matches: commit", NOBODY, _commit_one, quick=True),
        Row(look, NOBODY, _look, needs=("ray",)),
        Row(f"resume scan of {SCANNED:,} finished matches", NOBODY, _scan, "under 1 s", quick=True),
    ]


@contextmanager
def folder() -> Iterator[tuple[Database, Path]]:
    """A database in a folder that is deleted afterwards."""
    from experiments.tournament.database import Database

    with tempfile.TemporaryDirectory() as place, Database(Path(place)) as database:
        yield database, Path(place)


def loaded(document: dict[str, Any]) -> Worker:
    """A tournament of the random player with itself."""
    from experiments.tournament.spec import spec_of
    from experiments.tournament.worker import Worker

    return Worker.of(spec_of({**document, "agents": ["random"]}, "bench"))


def cut(worker: Worker, matches: int, size: int) -> list[Job]:
    """So many matches of the only cell, in jobs of one size."""
    from experiments.tournament.plan import Job, Task

    each = len(worker.casting.table.seatings(0))
    samples = size // each
    return [
        Job(k, 1, (Task(0, k * samples, samples, k * samples * each),))
        for k in range(matches // (samples * each))
    ]


def prepared(database: Database, worker: Worker) -> None:
    """Make the tables of that tournament."""
    database.prepare(worker.spec.digest, [worker.casting.table.key(0)])
    database.set_exact([])


def _played(size: int, count: int) -> tuple[Worker, list[tuple[Job, Played]]]:
    worker = loaded(SHORT)
    jobs = cut(worker, size * count, size)
    return worker, [(job, worker.play(job)) for job in jobs]


def _repeated(work: Callable[[], int]) -> tuple[Sample, int]:
    """Medians of seconds per unit of work, which returns how many units it did."""
    walls, cpus = [], []
    for _ in range(5):
        wall, cpu = time.perf_counter(), time.process_time()
        units = work()
        cpus.append((time.process_time() - cpu) / units)
        walls.append((time.perf_counter() - wall) / units)
    return Sample(statistics.median(walls), statistics.median(cpus)), len(walls)


def _take(setting: Setting) -> Finding:
    """Reading a job's results out of the stream of a worker, and writing its order."""
    from experiments.tournament.wire import Stream, order_message, result, result_message, unpacked

    _, found = _played(2_048, 1)
    job, played = found[0]
    message = result_message(1, played)

    def work() -> int:
        for _ in range(200):
            order_message(1, job)
            for told in Stream().feed(message):
                result(*unpacked(told))
        return 200

    sample, pairs = _repeated(work)
    note = f"{len(message) / 2_048:.3g} bytes per match come from a worker, and {len(order_message(1, job))} go to it per job"
    return Finding(sample, pairs=pairs, rate=1 / sample.wall, note=note)


def _commits(size: int, count: int) -> tuple[Sample, int, float]:
    """Seconds per commit of a job of so many matches, how often measured, and bytes per match in the file."""
    worker, found = _played(size, count)
    walls, cpus = [], []
    for _ in range(5):
        with folder() as (database, place):
            prepared(database, worker)
            wall, cpu = time.perf_counter(), time.process_time()
            for job, played in found:
                database.finish(job, played)
            cpus.append((time.process_time() - cpu) / len(found))
            walls.append((time.perf_counter() - wall) / len(found))
            room = sum(path.stat().st_size for path in place.iterdir())
    return Sample(statistics.median(walls), statistics.median(cpus)), len(walls), room / (size * count)


def _commit(setting: Setting) -> Finding:
    sample, pairs, room = _commits(2_048, 20)
    note = (
        f"{2_048 / sample.wall:,.0f} matches per second; {room:.3g} bytes per match in the file and its log"
    )
    return Finding(sample, pairs=pairs, rate=1 / sample.wall, note=note)


def _commit_one(setting: Setting) -> Finding:
    sample, pairs, _ = _commits(2, 200)
    return Finding(
        sample,
        pairs=pairs,
        rate=1 / sample.wall,
        note="a flush to disk each",
    )


def _look(setting: Setting) -> Finding:
    """What `experiments.tournament.engine_ray.Actors.hear` costs where so many results have not come yet."""
    if not setting.peer:
        return Finding(note="Ray is not installed")
    import ray

    from experiments.tournament.engine_ray import join

    class Sleeper:
        """Makes results wait."""

        def sleep(self, seconds: float) -> None:
            time.sleep(seconds)

    own = join(1, None)
    try:
        sleeper: Any = ray.remote(num_cpus=1)(Sleeper).remote()
        ray.get(sleeper.sleep.remote(0.0))
        awaited = [sleeper.sleep.remote(60.0) for _ in range(REFERENCES)]

        def work() -> int:
            for _ in range(20):
                ray.wait(awaited, num_returns=len(awaited), timeout=0)
            return 20

        sample, pairs = _repeated(work)
        ray.kill(sleeper)
    finally:
        if own:
            ray.shutdown()
    return Finding(sample, pairs=pairs, note="1,000 workers, each with the order that it plays and the next")


def _scan(setting: Setting) -> Finding:
    """Opening a finished tournament as `--resume` does: nothing is played, everything is read and added up."""
    from experiments.tournament.engine import Labour
    from experiments.tournament.run import play
    from experiments.tournament.spec import spec_of
    from experiments.tournament.worker import Worker

    document = {**SHORT, "agents": {f"agent {k}": "random" for k in range(10)}, "matches": 100}
    worker = Worker.of(spec_of(document, "bench"))
    with tempfile.TemporaryDirectory() as place:
        first = play(worker.spec, worker, Path(place), Labour())
        again = play(worker.spec, worker, Path(place), Labour())

        def work() -> int:
            play(worker.spec, worker, Path(place), Labour())
            return 1

        sample, pairs = _repeated(work)
    right = again.jobs == 0 and again.results.matches == first.results.matches >= SCANNED
    factor = SCANNED / first.results.matches
    whole = Sample(sample.wall * factor, sample.cpu * factor)
    note = f"{first.results.matches:,} matches of {len(worker.casting.table.cells)} cells read and added up, per {SCANNED:,}"
    return Finding(whole, pairs=pairs, right=right, met=whole.wall < 1.0, note=note)
