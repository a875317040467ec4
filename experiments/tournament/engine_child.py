"""A worker process of the local engine: one thread plays, one listens, one sends.

It plays the next order while the results of the last one are on their way, and leaves, with everything that policies
and environments have started, when its parent is gone, even in the middle of a match.
"""

from __future__ import annotations

import os
import select
import signal
import socket
from queue import SimpleQueue
from threading import Thread
from typing import NoReturn

from experiments.tournament.serving import load
from experiments.tournament.wire import Stream

WATCH = 1.0
"""Seconds between two looks at the parent process."""
_CHUNK = 1 << 16


def main(handle: int, parent: int) -> None:
    """Serve the engine at the other end of a socket until it closes.

    Parameters
    ----------
    handle : int
        The socket's file descriptor.
    parent : int
        Process that has the engine.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    os.dup2(2, 1)  # what policies print must not mix with the results on stdout
    inbox: SimpleQueue[bytes] = SimpleQueue()
    outbox: SimpleQueue[bytes] = SimpleQueue()
    with socket.socket(fileno=handle) as link:
        Thread(target=_listen, args=(link, inbox, parent), daemon=True).start()
        Thread(target=_speak, args=(link, outbox), daemon=True).start()
        serving, told = load(inbox.get())
        outbox.put(told)
        while True:
            order = inbox.get()
            if serving is not None:
                outbox.put(serving.play(order))


def _listen(link: socket.socket, inbox: SimpleQueue[bytes], parent: int) -> None:
    """Take orders; leave when the parent is gone, also if somebody else holds its end of the socket open."""
    stream = Stream()
    poll = select.poll()
    poll.register(link, select.POLLIN)
    while os.getppid() == parent:
        if not poll.poll(WATCH * 1000):
            continue
        try:
            data = link.recv(_CHUNK)
        except OSError:
            _leave()
        if not data:
            _leave()
        for message in stream.feed(data):
            inbox.put(message)
    _leave()


def _speak(link: socket.socket, outbox: SimpleQueue[bytes]) -> None:
    """Send results."""
    try:
        while True:
            link.sendall(outbox.get())
    except OSError:
        _leave()


def _leave() -> NoReturn:
    """End this process and what it has started, which is in its session."""
    os.killpg(0, signal.SIGKILL)
    os._exit(1)
