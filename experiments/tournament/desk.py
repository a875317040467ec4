"""The orders of one round: what waits, what came back, and what cost workers their lives.

An order is a job, or one cell of it. A job whose worker dies is played again; if it costs `MOST` workers their lives it is
given up. A job of several cells is taken apart at the last but one of these deaths, so that only the guilty cells fail:
each of them has two chances of its own, since any process can also be killed for no fault of what it plays.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from experiments.tournament.database import Played
from experiments.tournament.parts import joined, not_played
from experiments.tournament.plan import Job

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
                yield from self.done(first, not_played(dict.fromkeys((t.cell for t in first.job.tasks), why)))
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
