"""What happens in a run as TensorBoard event files."""

from __future__ import annotations

import itertools
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PREFIX = "events.out.tfevents"
_NUMBERS = itertools.count()


class Scalars:
    """A new event file in a folder, written through TensorBoard's own record writer; buffered until `flush`.

    Parameters
    ----------
    folder : Path
        Where earlier files of the same run may lie.
    purge : int, optional
        Of the earlier files, TensorBoard forgets all from this step on.

    Raises
    ------
    OSError
        If the system refuses; so do all methods.
    """

    def __init__(self, folder: Path, purge: int | None = None) -> None:
        from tensorboard.compat.proto import event_pb2
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._event: Any = event_pb2.Event
        now = time.time()
        name = f"{PREFIX}.{int(now):010d}.{socket.gethostname()}.{os.getpid()}.{next(_NUMBERS)}"
        self._file = (folder / name).open("xb")
        self._records: Any = RecordWriter(self._file)
        self._write(self._event(wall_time=now, file_version="brain.Event:2"))
        if purge is not None:
            start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
            self._write(self._event(wall_time=now, step=purge, session_log=start))
        self.flush()

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers at a step, by their names."""
        event = self._event(wall_time=time.time(), step=step)
        for name, value in values.items():
            event.summary.value.add(tag=name, simple_value=value)
        self._write(event)

    def flush(self) -> None:
        """Give the system what was added."""
        self._records.flush()

    def close(self) -> None:
        """End the file."""
        self._records.close()

    def _write(self, event: Any) -> None:
        self._records.write(event.SerializeToString())


def remove_events(folder: Path) -> None:
    """Delete all event files of a seed that starts over."""
    for path in folder.glob(f"{PREFIX}.*"):
        path.unlink()
