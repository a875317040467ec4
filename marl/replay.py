"""Experience replay: a ring of segments, each T steps of one sub-environment, in tensors that are allocated once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from games.errors import InputError
from marl.checkpoint import Tree, whole_number
from marl.learner import tensor

Pieces = dict[str, Tensor]
"""Recorded numbers by name, float, int or bool[T, S, ...], or [S, ...] for what is known once for a segment."""


class Kept(NamedTuple):
    """What a replay keeps under one name."""

    shape: tuple[int, ...]
    dtype: torch.dtype = torch.float32
    timed: bool = True  # False: once for each segment, not at every step


class Replay:
    """The newest `capacity` segments.

    Parameters
    ----------
    capacity : int
        Segments, C.
    steps : int
        Of a segment, T.
    layout : mapping of str to Kept
        What is kept of every step and of every segment. Memory is allocated when the first segment arrives.
    device : str
        Where it is kept.
    """

    def __init__(self, capacity: int, steps: int, layout: Mapping[str, Kept], device: str = "cpu") -> None:
        if capacity < 1 or steps < 1:
            raise InputError(
                f"a replay keeps at least one segment of at least one step, not {capacity} of {steps}"
            )
        self.capacity, self.steps, self.layout, self.device = capacity, steps, dict(layout), device
        self.added = 0
        self._rings: Pieces = {}

    @property
    def filled(self) -> int:
        """Segments in it."""
        return min(self.added, self.capacity)

    def add(self, pieces: Mapping[str, Any]) -> None:
        """Take in S segments, arrays or tensors [T, S, ...] or [S, ...]; of more than `capacity` the last ones."""
        self._allocate()
        size = self._size(pieces)
        for name, kept in self.layout.items():
            piece = pieces[name] if isinstance(pieces[name], Tensor) else tensor(pieces[name], "cpu")
            self._write(self._rings[name], piece, size, int(kept.timed))
        self.added += size

    def segments(self, which: np.ndarray | Tensor) -> Pieces:
        """Whole segments by number in the ring, int64[S]: copies [T, S, ...]."""
        rows = torch.as_tensor(which).to(self.device)
        return {
            name: self._rings[name].index_select(int(kept.timed), rows) for name, kept in self.layout.items()
        }

    def transitions(self, times: np.ndarray | Tensor, which: np.ndarray | Tensor) -> Pieces:
        """Single steps by time and number of segment, int64[S] each: copies [1, S, ...], as of segments of one step.

        What is kept once for a segment is that of the whole segment.
        """
        rows = torch.as_tensor(which).to(self.device)
        flat = torch.as_tensor(times).to(self.device) * self.capacity + rows
        return {
            name: self._rings[name].flatten(0, 1).index_select(0, flat).unsqueeze(0)
            if kept.timed
            else self._rings[name].index_select(0, rows)
            for name, kept in self.layout.items()
        }

    def draw(self, size: int, how: str, rng: np.random.Generator) -> Pieces:
        """Uniformly drawn `size` "segments", all different if there are so many, or "transitions"."""
        if how == "segments":
            return self.segments(rng.choice(self.filled, size, replace=self.filled < size))
        drawn = rng.integers(0, self.filled * self.steps, size)
        return self.transitions(drawn % self.steps, drawn // self.steps)

    def save(self) -> Tree:
        """Everything that is in it, for `marl.checkpoint`."""
        kept = {
            name: ring.narrow(int(self.layout[name].timed), 0, self.filled)
            for name, ring in self._rings.items()
        }
        return {"added": self.added, "kept": kept}

    def load(self, tree: Any) -> None:
        """Take over what `save` told; `InputError` if it does not fit."""
        if not isinstance(tree, Mapping) or not isinstance(kept := tree.get("kept", {}), Mapping):
            raise InputError("the checkpoint does not fit: it has no replay")
        self.added = whole_number(dict(tree), "added")
        if self.added == 0:
            return
        self._allocate()
        for name, ring in self._rings.items():
            into = ring.narrow(int(self.layout[name].timed), 0, self.filled)
            found = kept.get(name)
            if not isinstance(found, np.ndarray) or found.shape != into.shape:
                given = found.shape if isinstance(found, np.ndarray) else None
                raise InputError(
                    f"the checkpoint does not fit: its replay has {name!r} of shape {given}, not {tuple(into.shape)}"
                )
            if found.dtype.kind not in "fiub" or not np.isfinite(found).all():
                raise InputError(
                    f"the checkpoint's {name!r} of the replay holds something that is not a number"
                )
            into.copy_(torch.from_numpy(np.array(found)))

    def _allocate(self) -> None:
        if self._rings:
            return
        for name, kept in self.layout.items():
            leading = (self.steps, self.capacity) if kept.timed else (self.capacity,)
            self._rings[name] = torch.zeros(*leading, *kept.shape, dtype=kept.dtype, device=self.device)

    def _size(self, pieces: Mapping[str, Any]) -> int:
        """Segments that arrive; `InputError` if something is missing or of another shape."""
        sizes = set()
        for name, kept in self.layout.items():
            shape = tuple(pieces[name].shape) if name in pieces else ()
            leading = 1 + kept.timed
            if (
                shape[leading:] != kept.shape
                or len(shape) < leading
                or (kept.timed and shape[0] != self.steps)
            ):
                wanted = (*((self.steps,) if kept.timed else ()), "S", *kept.shape)
                raise InputError(f"the replay keeps {name!r} of shape {wanted}, not {shape or 'nothing'}")
            sizes.add(shape[leading - 1])
        if len(sizes) != 1:
            raise InputError(f"pieces of {sorted(sizes)} segments cannot be kept together")
        return int(sizes.pop())

    def _write(self, ring: Tensor, piece: Tensor, size: int, axis: int) -> None:
        """The last segments of a piece to where the ring stands, going round at its end."""
        taken = min(size, self.capacity)
        start, source = (self.added + size - taken) % self.capacity, size - taken
        while taken:
            now = min(taken, self.capacity - start)
            ring.narrow(axis, start, now).copy_(piece.narrow(axis, source, now))
            start, source, taken = 0, source + now, taken - now
