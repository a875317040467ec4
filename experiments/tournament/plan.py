"""Which matches are played under which seeds: a pure function of the spec, so that order and workers change nothing.

Sample k of every cell has the same environment seed (common random numbers); the agents' own chance comes from a
child of the tournament's seed that belongs to the cell, by the names of its agents. A job is a number of matches that
one worker plays in one go and that become permanent together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from experiments.tournament.casting import Table
from games.play import Array
from games.streams import draw_seeds

MATCHES_PER_JOB = 2_048
"""At most. Small tournaments are cut finer, so that several workers have something to do and a kill costs little:"""
JOBS_PER_ROUND, LEAST_PER_JOB = 16, 128
_ENV, _ACT = 0x6D617463, 0x61637473
"""Labels of the streams of environment seeds and of agents' seeds."""


@dataclass(frozen=True)
class Task:
    """Samples `first` to `first + count - 1` of a cell; `match` is the number of the first match."""

    cell: int
    first: int
    count: int
    match: int


@dataclass(frozen=True)
class Job:
    """Tasks that are done in one go.

    Parameters
    ----------
    number : int
        Counted through the whole tournament.
    look : int
        In which round of a tournament of adaptive length, from 1.
    tasks : tuple of Task
        What is to be played.
    """

    number: int
    look: int
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class Drawn:
    """The matches of a task or job.

    Parameters
    ----------
    match, cell, sample : int64[M]
        Numbers.
    places : int32[M, P]
        Who plays each role, by place in the population.
    seeds, acts : uint64[M]
        Of the environment's chance and of the agents'.
    """

    match: Array
    cell: Array
    sample: Array
    places: Array
    seeds: Array
    acts: Array


def jobs_of(
    table: Table, wanted: Sequence[tuple[int, int, int]], look: int, job: int, match: int
) -> tuple[list[Job], int]:
    """Cut samples into jobs.

    Parameters
    ----------
    table : Table
        The tournament.
    wanted : sequence of (cell, first sample, samples)
        What this round plays.
    look : int
        The round.
    job, match : int
        Numbers of the first job and the first match.

    Returns
    -------
    list of Job, int
        And the number of the next match.
    """
    jobs: list[Job] = []
    tasks: list[Task] = []
    seatings = {cell: len(table.seatings(cell)) for cell, _, _ in wanted}
    total = sum(seatings[cell] * count for cell, _, count in wanted)
    size = room = min(MATCHES_PER_JOB, max(LEAST_PER_JOB, -(-total // JOBS_PER_ROUND)))
    for cell, first, count in wanted:
        each = seatings[cell]
        while count > 0:
            if room < each and tasks:
                jobs.append(Job(job + len(jobs), look, tuple(tasks)))
                tasks, room = [], size
            part = min(count, max(1, room // each))
            tasks.append(Task(cell, first, part, match))
            match += part * each
            room -= part * each
            first, count = first + part, count - part
    if tasks:
        jobs.append(Job(job + len(jobs), look, tuple(tasks)))
    return jobs, match


def matches_of(table: Table, seed: int, tasks: Iterable[Task]) -> Drawn:
    """The matches of some tasks, in order: sample after sample, each in all its seatings."""
    parts = [_of_task(table, seed, task) for task in tasks]
    return Drawn(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in Drawn.__dataclass_fields__)
    )


def _of_task(table: Table, seed: int, task: Task) -> Drawn:
    seatings = table.seatings(task.cell)
    each, stop = len(seatings), task.first + task.count
    sample = np.repeat(np.arange(task.first, stop), each)
    key = table.key(task.cell)
    seeds = _environment_seeds(seed, _round_up(stop))[task.first : stop]
    acts = draw_seeds(_child(seed, key), stop)[task.first :]
    places = np.tile(seatings, (task.count, 1))
    if table.shuffled(task.cell):
        order = np.random.default_rng(_words(seed, key, b"seats"))
        # drawn from the start, so that sample k sits as it does whatever job it is in
        places = np.stack([order.permutation(seatings[0]) for _ in range(stop)])[task.first :]
    return Drawn(
        task.match + np.arange(len(sample)),
        np.full(len(sample), task.cell, dtype=np.int64),
        sample,
        np.ascontiguousarray(places, dtype=np.int32),
        np.repeat(seeds, each),
        np.repeat(acts, each),
    )


def _round_up(count: int) -> int:
    """The next power of two, so that few lists of seeds are kept."""
    return 1 << max(10, (count - 1).bit_length())


@lru_cache(maxsize=4)
def _environment_seeds(seed: int, count: int) -> Any:
    return draw_seeds(np.random.default_rng([_ENV, seed]), count)


def _child(seed: int, key: str) -> np.random.Generator:
    return np.random.default_rng(_words(seed, key, b"acts"))


def _words(seed: int, key: str, label: bytes) -> list[int]:
    """The entropy of a cell's own streams: the tournament's seed and the names of the agents."""
    digest = hashlib.blake2b(key.encode(), digest_size=16, person=label).digest()
    return [_ACT, seed, *(int.from_bytes(digest[k : k + 4], "little") for k in range(0, 16, 4))]
