"""A worker of a pool: a process that holds the environment and a chunk of every world, and does what it is asked.

It is started afresh, not forked, and loads only `games` and what the environment imports. It leaves when its pool does:
at the end of its connection, or, should that end be held open by somebody else, when its parent process is gone.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler, recv_handle
from typing import Any

from games.env import Env, World
from games.errors import InputError
from games.pool_memory import SharedBatch

WATCH = 1.0
"""Seconds between two looks at the parent process."""

preparing = False
"""True while the parent's script is imported for the sake of a factory defined in it: it must not start pools."""


@dataclass
class Chunk:
    """A worker's part of a world."""

    start: int
    world: World
    memory: SharedBatch


class Hands:
    """What a worker can be asked for: its public methods, by name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._env: Env | None = None
        self._chunks: dict[int, Chunk] = {}

    @property
    def env(self) -> Env:
        """The environment, once it is made."""
        assert self._env is not None
        return self._env

    def make(self, source: bytes, script: dict[str, Any]) -> Any:
        """Make the environment; returns its spec."""
        global preparing
        if script:
            from multiprocessing.spawn import prepare

            preparing = True
            try:
                prepare(script)
            finally:
                preparing = False
        origin, allow_import, parameters = ForkingPickler.loads(source)
        if isinstance(origin, str):
            from games.env_uris import make_env

            self._env = make_env(origin, allow_import=allow_import, **parameters)
        else:
            self._env = origin(**parameters)
        return self.env.spec

    def reset(self, key: int, batch: int, start: int, seeds: Any) -> None:
        """Start sub-environments `start` and following of a world; its memory comes through the connection."""
        handle = recv_handle(self._connection)
        try:
            memory = SharedBatch(self.env.spec, batch, handle, slice(start, start + len(seeds)))
        finally:
            os.close(handle)
        world, step = self.env.reset(seeds)
        self._chunks[key] = Chunk(start, world, memory)
        memory.write(step)

    def step(self, key: int) -> None:
        """Advance a chunk by the actions in its memory."""
        chunk = self._chunks[key]
        actions = tuple(part.copy() for part in chunk.memory.actions)
        chunk.world, step = self.env.step(chunk.world, actions)
        chunk.memory.write(step)

    def restart(self, key: int) -> None:
        """Restart sub-environments of a chunk, where its memory says so."""
        chunk = self._chunks[key]
        chunk.world, step = self.env.restart(chunk.world, chunk.memory.where.copy())
        chunk.memory.write(step)

    def scene(self, key: int, which: int) -> Any:
        """A picture of one sub-environment of a chunk."""
        return self.env.scene(self._chunks[key].world, which)

    def close(self, key: int) -> None:
        """Give a chunk back."""
        if (chunk := self._chunks.pop(key, None)) is not None:
            self.env.close(chunk.world)

    def start_of(self, task: str, arguments: tuple[Any, ...]) -> int:
        """The number, in the whole world, of the first sub-environment that a task is about."""
        if task == "reset":
            return int(arguments[2])
        chunk = self._chunks.get(arguments[0]) if task != "make" else None
        return 0 if chunk is None else chunk.start

    def leave(self) -> None:
        """Give everything back."""
        for key in list(self._chunks):
            with contextlib.suppress(Exception):
                self.close(key)


def main(handle: int, parent: int) -> None:
    """Serve the pool at the other end of a connection until it closes.

    Parameters
    ----------
    handle : int
        The connection's file descriptor.
    parent : int
        Process that has the pool.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    with contextlib.suppress(OSError):
        os.dup2(2, 1)  # what an environment prints must not mix with the results on stdout
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    with Connection(handle) as connection:
        hands = Hands(connection)
        try:
            while True:
                task, *arguments = connection.recv()
                _send(connection, _answer(hands, task, tuple(arguments)))
        except (EOFError, OSError):
            hands.leave()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH)
    os._exit(1)


def _answer(hands: Hands, task: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """``("done", value)``, ``("refused", sentence)`` or ``("failed", exception, sentence, traceback)``."""
    do: Callable[..., Any] = getattr(hands, task)
    start = hands.start_of(task, arguments)
    try:
        return "done", do(*arguments)
    except InputError as error:
        return "refused", renumbered(str(error), start)
    except Exception as error:
        told = renumbered(f"{type(error).__name__}: {error}", start)
        return "failed", _pickled(error), told, traceback.format_exc()


def _send(connection: Connection, answer: tuple[Any, ...]) -> None:
    try:
        connection.send(answer)
    except OSError:
        raise
    except Exception as error:  # nothing is sent yet: a value that cannot be pickled
        connection.send(("failed", None, f"{type(error).__name__}: {error}", traceback.format_exc()))


def renumbered(sentence: str, start: int) -> str:
    """A message in which sub-environments are counted from the first of the whole world, not of the chunk."""
    return re.sub(r"\bsub-environment (\d+)\b", lambda m: f"sub-environment {int(m[1]) + start}", sentence)


def _pickled(error: Exception) -> bytes | None:
    """An exception as bytes, if it comes back from them."""
    try:
        data = bytes(ForkingPickler.dumps(error))
        return data if isinstance(ForkingPickler.loads(data), type(error)) else None
    except Exception:
        return None
