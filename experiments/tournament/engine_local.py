"""The tournament's own worker processes on this machine.

They are started afresh, not forked and not by `multiprocessing`, for the reasons in `games.pool_crew`: a script needs
no ``if __name__ == "__main__"``. They stand in sessions of their own, where Ctrl-C does not reach them, and leave as
soon as this process is gone, however it ended.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from experiments.bench.ledger import THREAD_VARIABLES
from experiments.tournament.dispatch import Dispatch, Lost
from experiments.tournament.serving import load_message
from experiments.tournament.spec import Spec
from experiments.tournament.wire import Stream
from experiments.tournament.worker import Worker
from games.errors import InputError

if TYPE_CHECKING:
    from experiments.tournament.engine import Labour

PATIENCE = 0.5
"""Seconds of silence after which it is looked whether all workers are alive."""
_CHUNK = 1 << 20


class LocalEngine(Dispatch):
    """Plays jobs in processes on this machine; see `experiments.tournament.engine.Engine`.

    Parameters
    ----------
    labour : Labour
        How many processes, and what they may import.
    spec : Spec
        The tournament.
    worker : Worker
        One in this process; not used.
    """

    def __init__(self, labour: Labour, spec: Spec, worker: Worker) -> None:
        if os.name != "posix":
            raise InputError("several workers need Linux, macOS or another Unix; use one worker here")
        self.processes = Processes(load_message(spec, labour.allow_import))
        super().__init__(self.processes, labour.workers)


@dataclass(eq=False)
class Link:
    """A worker process and the socket to it."""

    process: subprocess.Popen[bytes]
    socket: socket.socket
    stream: Stream = field(default_factory=Stream)
    unsent: bytes = b""


class Processes:
    """Worker processes on this machine; a `Transport`.

    Parameters
    ----------
    first : bytes
        The message that each gets before any order.
    """

    def __init__(self, first: bytes) -> None:
        self._first = first
        self._selector = selectors.DefaultSelector()
        self._links: list[Link] = []

    @property
    def pids(self) -> tuple[int, ...]:
        """Process numbers of the workers."""
        return tuple(link.process.pid for link in self._links)

    def start(self) -> Link:
        """See `Transport`; `InputError` if the system starts no more processes."""
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            with theirs:
                process = _process(theirs.fileno())
        except OSError as error:
            raise InputError(f"cannot start another worker process: {error.strerror or error}") from None
        ours.setblocking(False)
        link = Link(process, ours)
        self._links.append(link)
        self._selector.register(ours, selectors.EVENT_READ, link)
        self.give(link, self._first)
        return link

    def give(self, link: Link, message: bytes) -> None:
        """See `Transport`; what the socket does not take now is sent by `hear`."""
        link.unsent += message
        self._send(link)

    def hear(self) -> list[tuple[Link, bytes | Lost]]:
        """See `Transport`."""
        out: list[tuple[Link, bytes | Lost]] = []
        found = self._selector.select(PATIENCE)
        for key, events in found:
            if events & selectors.EVENT_WRITE:
                self._send(key.data)
            if events & selectors.EVENT_READ:
                out += ((key.data, told) for told in self._heard(key.data))
        if not found:  # an end may go unnoticed where another process holds the socket open
            out += ((link, Lost(_how(link))) for link in self._links if link.process.poll() is not None)
        return out

    def drop(self, link: Link) -> None:
        """See `Transport`."""
        self._links.remove(link)
        self._selector.unregister(link.socket)
        link.socket.close()
        _kill(link)

    def close(self) -> None:
        """See `Transport`. Workers have nothing to lose, so they are killed."""
        for link in self._links:
            _signal(link)
        while self._links:
            self.drop(self._links[-1])
        self._selector.close()

    def _send(self, link: Link) -> None:
        with contextlib.suppress(BlockingIOError):
            try:
                while link.unsent:
                    link.unsent = link.unsent[link.socket.send(link.unsent) :]
            except (BrokenPipeError, ConnectionError):
                link.unsent = b""  # it is gone, as will be heard
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if link.unsent else 0)
        self._selector.modify(link.socket, wanted, link)

    def _heard(self, link: Link) -> list[bytes | Lost]:
        try:
            data = link.socket.recv(_CHUNK)
        except BlockingIOError:
            return []
        except ConnectionError:
            data = b""
        return list(link.stream.feed(data)) if data else [Lost(_how(link))]


def _process(handle: int) -> subprocess.Popen[bytes]:
    """A worker process at the other end of a socket."""
    path = [entry for entry in sys.path if isinstance(entry, str)]
    program = (
        f"import sys; sys.path[:] = {path!r}\n"
        f"from experiments.tournament.engine_child import main; main({handle}, {os.getpid()})"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1")},
        stdin=subprocess.DEVNULL,
        pass_fds=(handle,),
        start_new_session=True,
    )


def _how(link: Link) -> str:
    """How a process ended, in a word or two."""
    try:
        code = link.process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        return "it closed its connection"
    if code >= 0:
        return f"exit status {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _signal(link: Link) -> None:
    """Kill a worker and what its policies and environments started, which is in its session."""
    with contextlib.suppress(OSError):
        os.killpg(link.process.pid, signal.SIGKILL)


def _kill(link: Link) -> None:
    _signal(link)
    link.process.wait()
