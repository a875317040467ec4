"""The memory that a pool and its workers share: one array per part of a step, with a row per sub-environment.

The memory has no name, so it cannot be left behind: it is gone when the last process that has it open closes or dies.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, Step, View
from games.errors import InputError
from games.spaces import Box

Array = npt.NDArray[Any]

LINE = 64
"""Arrays begin at multiples of a cache line."""


class SharedBatch:
    """Arrays of `batch` sub-environments in shared memory: actions and restarts in, a step out.

    Parameters
    ----------
    spec : EnvSpec
        The agents and their shapes.
    batch : int
        Sub-environments in the memory, B.
    handle : int
        The open file behind it, `shared_file(spec, batch)` here or in another process; it may be closed afterwards.
    rows : slice
        The sub-environments that are seen; all by default.
    """

    def __init__(self, spec: EnvSpec, batch: int, handle: int, rows: slice = slice(None)) -> None:
        self.spec = spec
        buffer = mmap.mmap(handle, _size(spec, batch))
        arrays: dict[tuple[int, str], Array] = {
            key: np.ndarray(shape, dtype, buffer, offset)[rows]
            for key, shape, dtype, offset in _layout(spec, batch)
        }
        groups = range(len(spec.groups))
        self.actions = tuple(arrays[g, "action"] for g in groups)
        self.where = arrays[-1, "where"]
        views = [View(*(arrays.get((g, name)) for name in View._fields)) for g in groups]  # type: ignore[arg-type]
        self._step = Step(tuple(views), *(arrays[-1, name] for name in Step._fields[1:]))

    def read(self) -> Step:
        """The step that lies in the memory, as arrays of its own."""
        views = [View(*(None if a is None else a.copy() for a in view)) for view in self._step.groups]  # type: ignore[arg-type]
        return Step(tuple(views), *(array.copy() for array in self._step[1:]))

    def write(self, step: Step) -> None:
        """Put a step into the memory; `InputError` if an array is not what the spec promises."""
        if len(step.groups) != len(self.spec.groups):
            raise InputError(
                f"{self.spec.name}: a step has {len(step.groups)} views, but the spec has {len(self.spec.groups)} groups"
            )
        for group, view, own in zip(self.spec.groups, step.groups, self._step.groups):
            for name, given, slot in zip(View._fields, view, own):
                self._put(f"{name} of group {group.name!r}", given, slot)
        for name, given, slot in zip(Step._fields[1:], step[1:], self._step[1:]):
            self._put(name, given, slot)

    def _put(self, what: str, given: Any, slot: Array | None) -> None:
        if slot is None:
            if given is not None:
                raise InputError(f"{self.spec.name}: there is a {what}, but the group lists no situations")
            return
        if not isinstance(given, np.ndarray) or given.shape != slot.shape or given.dtype != slot.dtype:
            found = f"{given.dtype} {given.shape}" if isinstance(given, np.ndarray) else type(given).__name__
            raise InputError(
                f"{self.spec.name}: {what} is {found}, expected {slot.dtype} {slot.shape}, as its spec promises"
            )
        slot[...] = given


def shared_file(spec: EnvSpec, batch: int) -> int:
    """A nameless open file that holds `batch` sub-environments; the caller closes it.

    Raises
    ------
    MemoryError
        If the system has no room for it.
    """
    size = _size(spec, batch)
    try:
        if size > os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
            raise OSError("more than there is")  # where asking for it would end the process instead
        if hasattr(os, "memfd_create"):
            handle = os.memfd_create("sub-environments")
        else:
            with tempfile.TemporaryFile() as file:
                handle = os.dup(file.fileno())
        try:
            os.ftruncate(handle, size)
            if hasattr(os, "posix_fallocate"):  # or the first write to a missing page would kill the process
                os.posix_fallocate(handle, 0, size)
        except BaseException:
            os.close(handle)
            raise
    except OSError as error:
        raise MemoryError(
            f"{spec.name}: no {size / 2**20:,.1f} MiB of memory to share {batch:,} sub-environments between processes"
        ) from error
    return handle


def _parts(spec: EnvSpec, batch: int) -> Iterator[tuple[tuple[int, str], tuple[int, ...], Any]]:
    for g, group in enumerate(spec.groups):
        numbers = np.float32 if isinstance(group.actions, Box) else np.int32
        yield (g, "action"), (batch, group.size, *group.actions.shape), numbers
        yield (g, "observation"), (batch, group.size, group.depth), np.float32
        yield (g, "mask"), (batch, group.size, group.width), np.bool_
        yield (g, "reward"), (batch, group.size), np.float64
        yield (g, "acting"), (batch, group.size), np.bool_
        yield (g, "alive"), (batch, group.size), np.bool_
        if group.rows:
            yield (g, "row"), (batch, group.size), np.int32
    yield (-1, "where"), (batch,), np.bool_
    yield (-1, "state"), (batch, spec.state), np.float32
    yield (-1, "discount"), (batch,), np.float32
    yield (-1, "last"), (batch,), np.bool_


def _layout(spec: EnvSpec, batch: int) -> Iterator[tuple[tuple[int, str], tuple[int, ...], Any, int]]:
    offset = 0
    for key, shape, dtype in _parts(spec, batch):
        yield key, shape, dtype, offset
        offset += -(-prod(shape) * np.dtype(dtype).itemsize // LINE) * LINE


def _size(spec: EnvSpec, batch: int) -> int:
    _, shape, dtype, offset = list(_layout(spec, batch))[-1]
    return offset + prod(shape) * np.dtype(dtype).itemsize
