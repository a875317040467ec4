"""What all engines with workers of their own do: hire, hand out orders, take results, replace who is lost.

Workers are handed a second order while they play the first, so that they do not wait while results are made
permanent. Nobody gets a second one near the end, when it could be played by somebody who has none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

from experiments.tournament.database import Played
from experiments.tournament.desk import MOST, Desk, Order
from experiments.tournament.plan import Job
from experiments.tournament.wire import order_message, result, unpacked
from games.errors import InputError, WorkerDied


@dataclass(frozen=True)
class Lost:
    """A worker is gone.

    Parameters
    ----------
    how : str
        In a word or two.
    """

    how: str


class Transport(Protocol):
    """Worker processes somewhere; a link is whatever it knows one by."""

    def start(self) -> Any:
        """Begin a worker, which will tell when it is ready; its link."""

    def give(self, link: Any, message: bytes) -> None:
        """Send an order. That a worker is gone is told by `hear`."""

    def hear(self) -> list[tuple[Any, bytes | Lost]]:
        """Wait a little for messages and losses; the messages of a worker come before its loss."""

    def drop(self, link: Any) -> None:
        """Forget a worker that is lost."""

    def close(self) -> None:
        """End everything."""


@dataclass(eq=False)
class Hand:
    """A worker and the orders that it has, the one that it plays first."""

    link: Any
    ready: bool = False
    orders: deque[Order] = field(default_factory=deque)


class Dispatch:
    """An engine on top of a transport; see `experiments.tournament.engine.Engine`.

    Parameters
    ----------
    transport : Transport
        Where the workers are.
    workers : int
        How many at most; they are started when there is work for them.
    """

    def __init__(self, transport: Transport, workers: int) -> None:
        if workers < 1:
            raise InputError(f"a tournament needs at least one worker, not {workers}")
        self._transport, self._workers = transport, workers
        self._hands: dict[Any, Hand] = {}
        self._numbers = count()
        self._heard: deque[tuple[Any, bytes | Lost]] = deque()
        self._stillborn = 0

    def __enter__(self) -> Dispatch:
        return self

    def __exit__(self, *exception: object) -> None:
        self._hands.clear()
        self._transport.close()

    def play(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Played]]:
        """See `experiments.tournament.engine.Engine.play`.

        Raises
        ------
        InputError
            If the workers cannot load the tournament.
        WorkerDied
            If they die of loading it.
        """
        desk = Desk(jobs, self._numbers)
        while desk.unfinished:
            self._hire(desk)
            self._hand_out(desk)
            if not self._heard:
                self._heard.extend(self._transport.hear())
            while self._heard:  # kept here: whoever leaves a round early must not take others' messages along
                finished = list(self._take(desk, *self._heard.popleft()))
                self._hand_out(desk)  # before whoever asked makes the results permanent
                yield from finished

    def _hire(self, desk: Desk) -> None:
        while len(self._hands) < min(self._workers, desk.unfinished):
            link = self._transport.start()
            self._hands[link] = Hand(link)

    def _hand_out(self, desk: Desk) -> None:
        """An order for everybody who has none, then a second one while there are enough."""
        ready = [hand for hand in self._hands.values() if hand.ready]
        for hand in ready:
            if desk.waiting and not hand.orders:
                self._give(hand, desk)
        for hand in ready:
            enough = desk.waiting > len(self._hands) and not desk.next_is_suspect
            if enough and len(hand.orders) == 1 and not hand.orders[0].suspect:
                self._give(hand, desk)

    def _give(self, hand: Hand, desk: Desk) -> None:
        order = desk.take()
        hand.orders.append(order)
        self._transport.give(hand.link, order_message(order.number, order.job))

    def _take(self, desk: Desk, link: Any, told: bytes | Lost) -> Iterator[tuple[Job, Played]]:
        hand = self._hands.get(link)
        if hand is None:  # told before it was lost
            return
        if isinstance(told, Lost):
            yield from self._bury(desk, hand, told.how)
            return
        header, arrays = unpacked(told)
        if "refused" in header:
            raise InputError(header["refused"])
        if "ready" in header:
            hand.ready, self._stillborn = True, 0
            return
        order = hand.orders.popleft()
        assert order.number == header["order"]
        yield from desk.done(order, result(header, arrays))

    def _bury(self, desk: Desk, hand: Hand, how: str) -> Iterator[tuple[Job, Played]]:
        del self._hands[hand.link]
        self._transport.drop(hand.link)
        if not hand.ready:
            self._stillborn += 1
            if self._stillborn >= MOST:
                raise WorkerDied(
                    f"{MOST} worker processes one after another died ({how}) while they loaded the tournament; "
                    "what is finished is kept"
                )
        yield from desk.lost(list(hand.orders), how)
