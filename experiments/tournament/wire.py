"""Orders and results on their way between processes: a small JSON header and raw arrays, never a pickle.

A message is two lengths (uint32 of the header, uint64 of the body), the header, and the arrays one after another.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from experiments.tournament.database import Played
from experiments.tournament.plan import Drawn, Job, Task
from games.play import Array

_LENGTHS = struct.Struct("<IQ")
_DRAWN = tuple(field.name for field in fields(Drawn))
_PLAYED = ("returns", "steps", "ended")


def packed(header: Mapping[str, Any], arrays: Mapping[str, Array] | None = None) -> bytes:
    """A message."""
    parts = {name: np.ascontiguousarray(array) for name, array in (arrays or {}).items()}
    layout = [[name, array.dtype.str, list(array.shape)] for name, array in parts.items()]
    head = json.dumps({**header, "arrays": layout}).encode()
    body = [array.tobytes() for array in parts.values()]
    return b"".join([_LENGTHS.pack(len(head), sum(map(len, body))), head, *body])


def unpacked(message: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """Header and arrays of a message; the arrays are read-only views of it."""
    size, _ = _LENGTHS.unpack_from(message)
    place = _LENGTHS.size + size
    header = json.loads(message[_LENGTHS.size : place])
    arrays: dict[str, Array] = {}
    for name, kind, shape in header.pop("arrays"):
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(message, np.dtype(kind), count, place).reshape(shape)
        place += arrays[name].nbytes
    return header, arrays


class Stream:
    """Messages out of a stream of bytes."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take what has arrived; the messages that are complete by that."""
        self._bytes += data
        while len(self._bytes) >= _LENGTHS.size:
            whole = _LENGTHS.size + sum(_LENGTHS.unpack_from(self._bytes))
            if len(self._bytes) < whole:
                return
            message = bytes(memoryview(self._bytes)[:whole])
            del self._bytes[:whole]
            yield message


def order_message(number: int, job: Job) -> bytes:
    """A job as an order."""
    tasks = np.array([(t.cell, t.first, t.count, t.match) for t in job.tasks], dtype="<i8").reshape(-1, 4)
    return packed({"order": number, "job": job.number, "look": job.look}, {"tasks": tasks})


def ordered(message: bytes) -> tuple[int, Job]:
    """Number and job of an order."""
    header, arrays = unpacked(message)
    tasks = tuple(Task(*row) for row in arrays["tasks"].tolist())
    return header["order"], Job(header["job"], header["look"], tasks)


def result_message(number: int, played: Played) -> bytes:
    """What an order came to."""
    arrays = {name: getattr(played.drawn, name) for name in _DRAWN}
    arrays |= {name: getattr(played, name) for name in _PLAYED}
    failures = [[cell, reason] for cell, reason in played.failures.items()]
    return packed({"order": number, "seconds": played.seconds, "failures": failures}, arrays)


def result(header: dict[str, Any], arrays: dict[str, Array]) -> Played:
    """The results in a message."""
    drawn = Drawn(*(arrays[name] for name in _DRAWN))
    failures = {int(cell): str(reason) for cell, reason in header["failures"]}
    returns, steps, ended = (arrays[name] for name in _PLAYED)
    return Played(drawn, returns, steps, ended, failures, float(header["seconds"]))
