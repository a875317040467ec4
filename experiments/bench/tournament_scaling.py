"""What a tournament costs beside playing: engines per match, the head node per job, a lost worker, going on.

`python -m experiments.bench.tournament_scaling` measures and prints the tables of docs/scaling.md; with ``--table`` it
prints them from the committed results.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.bench import tournament_head
from experiments.bench.harness import Finding, Row, Setting
from experiments.bench.timing import Sample
from experiments.bench.tournament_head import JOB, NOBODY, SHORT, cut, folder, loaded, prepared

if TYPE_CHECKING:
    from experiments.tournament.database import Database
    from experiments.tournament.engine import Labour
    from experiments.tournament.plan import Job
    from experiments.tournament.worker import Worker

_LONG = {"env": "foraging:8x8-2p-3f", "exact": False, "matches": 1}
"""Matches of two agents that take a while."""


def rows() -> list[Row]:
    """Overheads, starts, the head node, losses, resuming."""
    engines = {"this process": _labour("local", 1), "2 local workers": _labour("local", 2)}
    table = [
        Row(f"overhead per match: {name}", NOBODY, _overhead(labour), "under 50 us", quick=True)
        for name, labour in engines.items()
    ]
    ray = _labour("ray", 2)
    table += [
        Row("overhead per match: Ray, 2 workers here", NOBODY, _overhead(ray), "under 2 ms", needs=("ray",)),
        Row("seconds to the first result: 2 local workers", NOBODY, _first(_labour("local", 2))),
        Row("seconds to the first result: Ray, 2 workers here", NOBODY, _first(ray), needs=("ray",)),
        *tournament_head.rows(),
        Row(
            "seconds lost with a worker: 2 local workers", NOBODY, _loss(_labour("local", 2)), "same results"
        ),
        Row(
            "seconds lost with a worker: Ray, 2 workers here",
            NOBODY,
            _loss(ray),
            "same results",
            needs=("ray",),
        ),
    ]
    return table


def _labour(engine: str, workers: int) -> Callable[[], Labour]:
    def labour() -> Labour:
        from experiments.tournament.engine import Labour

        return Labour(engine, workers)

    return labour


# --- a tournament that is timed ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Timed:
    """A tournament that was played.

    Parameters
    ----------
    wall, cpu : float
        Seconds from nothing to the last commit; of this process.
    first : float
        Seconds to the first result.
    playing : float
        Seconds that workers played, added up.
    matches : int
        How many.
    digest : str
        Of all rows.
    """

    wall: float
    cpu: float
    first: float
    playing: float
    matches: int
    digest: str


def _timed(labour: Labour, worker: Worker, jobs: list[Job], kill_at: int | None = None) -> Timed:
    """Play jobs as `experiments.tournament.run` does; a worker is killed after some of them."""
    from experiments.tournament.engines import engine_for

    with folder() as (database, _):
        prepared(database, worker)
        wall, cpu, playing, first, done = time.perf_counter(), time.process_time(), 0.0, 0.0, 0
        with engine_for(labour, worker.spec, worker) as engine:
            for job, played in engine.play(jobs):
                first = first or time.perf_counter() - wall
                database.finish(job, played)
                playing += played.seconds
                done += 1
                if done == kill_at:
                    _kill_one(engine)
            spent = time.perf_counter() - wall, time.process_time() - cpu
        return Timed(*spent, first, playing, database.count(), _rows_digest(database))


def _kill_one(engine: Any) -> None:
    if hasattr(engine, "processes"):
        os.kill(engine.processes.pids[0], signal.SIGKILL)
        return
    import ray

    ray.kill(engine.actors.links[0].actor)


def _rows_digest(database: Database) -> str:
    import hashlib

    found = hashlib.sha256()
    for array in database.samples(2, 2):
        found.update(array.tobytes())
    return found.hexdigest()


# --- engines ---------------------------------------------------------------------------------------------------------


def _overhead(labour: Callable[[], Labour]) -> Callable[[Setting], Finding]:
    """Seconds of a whole tournament, the start included, beside the playing, per match."""

    def measure(setting: Setting) -> Finding:
        who, worker = labour(), loaded(SHORT)
        if who.engine == "ray" and not setting.peer:
            return Finding(note="Ray is not installed")
        jobs = cut(worker, 20_000 if setting.quick else 400_000, 2_048)
        worker.play(jobs[0])
        runs = [_timed(who, worker, jobs) for _ in range(1 if setting.quick else 3)]
        walls = [(run.wall - run.playing / who.workers) / run.matches for run in runs]
        later = [(run.wall - run.first - run.playing / who.workers) / run.matches for run in runs]
        here = 1 if who.engine == "local" and who.workers == 1 else 0  # whether this process plays too
        cpus = [(run.cpu - here * run.playing) / run.matches for run in runs]
        wall, cpu = statistics.median(walls), statistics.median(cpus)
        limit = 2e-3 if who.engine == "ray" else 50e-6
        note = (
            f"{runs[0].matches:,} matches in jobs of 2,048 that take {1e3 * runs[0].playing / len(jobs):.2g} ms each; from the "
            f"start of the engine to the last commit; after the first result {1e6 * statistics.median(later):.2g} us"
        )
        return Finding(Sample(wall, cpu), pairs=len(runs), met=wall < limit, note=note)

    return measure


def _first(labour: Callable[[], Labour]) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        who, worker = labour(), loaded(SHORT)
        if who.engine == "ray" and not setting.peer:
            return Finding(note="Ray is not installed")
        jobs = cut(worker, 4, 2)
        runs = [_timed(who, worker, jobs) for _ in range(5)]
        wall, cpu = (statistics.median(values) for values in zip(*((run.first, run.cpu) for run in runs)))
        return Finding(Sample(wall, cpu), pairs=len(runs))

    return measure


def _loss(labour: Callable[[], Labour]) -> Callable[[Setting], Finding]:
    """How much later a tournament is over where a worker is killed in it."""

    def measure(setting: Setting) -> Finding:
        who, worker = labour(), loaded(_LONG)
        if who.engine == "ray" and not setting.peer:
            return Finding(note="Ray is not installed")
        jobs = cut(worker, 65_536, 1_024)
        lost, whole, same = [], [], True
        for _ in range(3):
            undisturbed, disturbed = _timed(who, worker, jobs), _timed(who, worker, jobs, len(jobs) // 4)
            lost.append(disturbed.wall - undisturbed.wall)
            whole.append(undisturbed.wall)
            same = (
                same and disturbed.digest == undisturbed.digest and disturbed.matches == undisturbed.matches
            )
        note = (
            f"a tournament of {statistics.median(whole):.3g} s in {len(jobs)} jobs, one of two workers killed after a quarter "
            f"of them; the rows of all matches are {'the same' if same else 'NOT THE SAME'}"
        )
        wall = max(0.0, statistics.median(lost))
        return Finding(Sample(wall, 0.0), pairs=len(lost), right=same, met=same, note=note)

    return measure


# --- tables -----------------------------------------------------------------------------------------------------------


def tables(document: dict[str, Any]) -> str:
    """The tables of docs/scaling.md from a results document."""
    found = {row["row"]: row for row in document["rows"]}
    lines = ["| what | wall | of it computing in the head process | remarks |", "|---|---|---|---|"]
    for name in (row.name for row in rows()):
        if name in found and found[name]["ours_s"] is not None:
            row = found[name]
            cpu = _time(row["ours_cpu_s"]) if row["ours_cpu_s"] else "-"
            lines.append(f"| {name} | {_time(row['ours_s'])} | {cpu} | {row['note'] or ''} |")
    names = [f"{JOB}: {what}" for what in ("take results", "commit")]
    if all(name in found for name in names):
        each = sum(found[name]["ours_s"] for name in names)
        lines += [
            "",
            "| machines of 16 workers | jobs of 2,048 matches must take at least | or the head node is what limits, at |",
            "|---|---|---|",
        ]
        for machines in (1, 10, 100, 1_000):
            lines.append(
                f"| {machines:,} | {_time(16 * machines * each)} | {float(f'{2_048 / each:.2g}'):,.0f} matches per second |"
            )
    return "\n".join(lines)


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size or unit == "us":
            return f"{float(f'{seconds / size:.2g}'):,.10g} {unit}"
    raise AssertionError


def main(arguments: list[str]) -> None:
    """Measure the rows of this module, or only print the tables of what is committed."""
    from experiments.bench.runner import conduct
    from experiments.bench.tournament import BENCH

    if arguments == ["--table"]:
        document = json.loads(BENCH.results.read_text(encoding="utf-8"))
    else:
        document = conduct(
            BENCH, rows=[row.name for row in rows()], progress=lambda _, text: print(text, file=sys.stderr)
        )
    print(tables(document))


if __name__ == "__main__":
    main(sys.argv[1:])
