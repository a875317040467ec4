"""The orders of one round: what waits, what came back, and what cost workers their lives.

An order is a job, or one cell of it. A job whose worker dies is played again; if it costs `MOST` workers their lives it is
given up. A job of several cells is taken apart at the last but one of these deaths, so that only the guilty cells fail:
each of them has two chances of its own, since any process can also be killed for no fault of what it plays.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np

from experiments.tournament.database import Played
from experiments.tournament.plan import Drawn, Job

MOST = 3
"""Deaths after which a job is given up: it is played at most twice again."""


@dataclass(eq=False)
class Order:
    """Work for one worker.

    Parameters
    ----------
    number : int
        Of the order.
    job : Job
        What to play: a job, or one cell of it.
    case : Case
        Of the whole job.
    deaths : int
        Workers that died while they played it.
    most : int
        Deaths after which it is given up.
    suspect : bool
        Whether a worker died that had it, so that from now on it has its worker to itself.
    """

    number: int
    job: Job
    case: Case
    deaths: int = 0
    most: int = MOST
    suspect: bool = False


@dataclass(eq=False)
class Case:
    """A job and what has come back of it."""

    job: Job
    missing: int = 1
    parts: dict[int, Played] = field(default_factory=dict)


class Desk:
    """Gives orders out and puts the results of jobs together.

    Parameters
    ----------
    jobs : sequence of Job
        What is to be played.
    numbers : iterator of int
        Of orders; one of its own if None.
    """

    def __init__(self, jobs: Sequence[Job], numbers: Iterator[int] | None = None) -> None:
        self._numbers = count() if numbers is None else numbers
        self._waiting = deque(Order(next(self._numbers), job, Case(job)) for job in jobs)
        self._given: set[int] = set()
        self.unfinished = len(self._waiting)

    @property
    def waiting(self) -> int:
        """How many orders nobody has."""
        return len(self._waiting)

    def take(self) -> Order:
        """The next order."""
        order = self._waiting.popleft()
        self._given.add(order.number)
        return order

    @property
    def next_is_suspect(self) -> bool:
        """Whether the next order has to be alone with its worker."""
        return self._waiting[0].suspect

    def done(self, order: Order, played: Played) -> Iterator[tuple[Job, Played]]:
        """Take results; yields the job when all of it is there. Orders of another desk are nobody's business."""
        if order.number not in self._given:
            return
        self._given.remove(order.number)
        case = order.case
        case.parts[order.number] = played
        case.missing -= 1
        self.unfinished -= 1
        if not case.missing:
            yield case.job, joined([case.parts[number] for number in sorted(case.parts)])

    def lost(self, orders: Sequence[Order], how: str) -> Iterator[tuple[Job, Played]]:
        """The worker that had these orders, in this order, is gone; yields the job if it is given up by that."""
        mine = [order for order in orders if order.number in self._given]
        for order in mine:
            order.suspect = True
        again, guilty = mine[1:], mine[:1]
        for first in guilty:
            first.deaths += 1
            if first.deaths == first.most:
                why = f"the process that played it died ({how}) {first.deaths} times"
                yield from self.done(first, failed(first.job, why))
            else:
                again = [*(self._split(first) if first.deaths == MOST - 1 else [first]), *again]
        self._given.difference_update(order.number for order in mine)
        self._waiting.extendleft(reversed(again))

    def _split(self, order: Order) -> list[Order]:
        """An order for every cell of an order."""
        cells = list(dict.fromkeys(task.cell for task in order.job.tasks))
        if len(cells) == 1:
            return [order]
        order.case.missing += len(cells) - 1
        self.unfinished += len(cells) - 1
        jobs = (replace(order.job, tasks=tuple(t for t in order.job.tasks if t.cell == c)) for c in cells)
        return [replace(order, number=next(self._numbers), job=job, most=MOST + 1) for job in jobs]


def failed(job: Job, reason: str) -> Played:
    """The results of a job that could not be played at all."""
    none, seeds = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint64)
    drawn = Drawn(none, none, none, np.zeros((0, 0), dtype=np.int32), seeds, seeds)
    failures = {task.cell: reason for task in job.tasks}
    return Played(
        drawn, np.zeros((0, 0)), np.zeros(0, dtype=np.int32), np.zeros(0, dtype=bool), failures, 0.0
    )


def joined(parts: Sequence[Played]) -> Played:
    """The results of the cells of a job, put together."""
    if len(parts) == 1:
        return parts[0]
    failures = {cell: reason for part in parts for cell, reason in part.failures.items()}
    seconds = sum(part.seconds for part in parts)
    found = [part for part in parts if len(part.drawn.match)]
    if not found:
        return replace(parts[0], failures=failures, seconds=seconds)
    drawn = Drawn(*_columns([part.drawn for part in found], Drawn.__dataclass_fields__))
    returns, steps, ended = _columns(found, ("returns", "steps", "ended"))
    return Played(drawn, returns, steps, ended, failures, seconds)


def _columns(records: Sequence[object], names: Iterable[str]) -> list[np.ndarray]:
    return [np.concatenate([getattr(record, name) for record in records]) for name in names]
