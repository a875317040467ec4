"""Spaces of gymnasium as ours: observations become rows of float32, actions one of `games.spaces`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium.spaces as gym
import numpy as np
import numpy.typing as npt

from games.errors import InputError
from games.spaces import Actions, Box, Discrete, MultiDiscrete

Array = npt.NDArray[Any]
Leaf = tuple[tuple[Any, ...], gym.Space[Any], int, int]
"""Where a simple space sits in a nested one, the space, and the columns that it fills."""


class Sight:
    """How an agent's observation is written into a row of float32.

    The order is that of `gymnasium.spaces.flatten`: numbers as they are, choices one-hot, the parts of Dict and Tuple
    spaces one after another. The part ``action_mask`` of a Dict is taken out.

    Parameters
    ----------
    space : gymnasium.spaces.Space
        The observation space.
    """

    def __init__(self, space: gym.Space[Any]) -> None:
        self.masked = isinstance(space, gym.Dict) and "action_mask" in space.spaces
        self.key: str | None = None
        if self.masked:
            assert isinstance(space, gym.Dict)
            rest = {key: part for key, part in space.spaces.items() if key != "action_mask"}
            if not rest:
                raise InputError("an observation space with nothing but an action mask shows nothing")
            self.key = next(iter(rest)) if len(rest) == 1 else None
            space = rest[self.key] if self.key is not None else _in_order(rest)
        plain = isinstance(space, gym.Box | gym.MultiBinary) and bool(space.shape)
        self.leaves = tuple(_leaves(space))
        self.size = self.leaves[-1][3] if self.leaves else 0
        self.shape: tuple[int, ...] = tuple(space.shape or ()) if plain else (self.size,)
        self.whole = (
            space.dtype if plain and not self.masked else None
        )  # type of arrays that are copied as they are
        self.exact = all(
            not isinstance(leaf, gym.Box) or leaf.dtype.kind != "f" for _, leaf, _, _ in self.leaves
        )

    def split(self, value: Any) -> tuple[Any, Any]:
        """The observation without its mask, and the mask."""
        if not isinstance(value, dict) or "action_mask" not in value:
            raise ValueError(f"sees {_kind(value)} without the key 'action_mask' that its space promises")
        mask = value["action_mask"]
        if self.key is None:
            return value, mask
        if self.key not in value:
            raise ValueError(f"sees a dictionary without the key {self.key!r} that its space promises")
        return value[self.key], mask

    def write(self, row: Array, value: Any) -> None:
        """Fill a row; `ValueError` saying what the agent sees instead, if it does not fit the space.

        Parameters
        ----------
        row : float32[...]
            Of shape `shape`.
        value : object
            The observation, without its mask.
        """
        flat = row.reshape(-1)  # a row of a contiguous array: no copy
        for path, space, start, stop in self.leaves:
            part = value
            for key in path:
                try:
                    part = part[key]
                except (KeyError, IndexError, TypeError) as error:
                    raise ValueError(
                        f"sees {_kind(part)} without the part {key!r} of its observation space"
                    ) from error
            _write_leaf(flat[start:stop], space, part)


def _in_order(parts: dict[str, gym.Space[Any]]) -> gym.Dict:
    """A Dict space whose keys keep their order."""
    space = gym.Dict(parts)
    space.spaces = dict(parts)
    return space


def _leaves(space: gym.Space[Any], path: tuple[Any, ...] = (), start: int = 0) -> list[Leaf]:
    if isinstance(space, gym.Dict | gym.Tuple):
        parts = space.spaces.items() if isinstance(space, gym.Dict) else enumerate(space.spaces)
        found: list[Leaf] = []
        for key, part in parts:
            inner = _leaves(part, (*path, key), start)
            start = inner[-1][3] if inner else start
            found += inner
        return found
    try:
        size = gym.flatdim(space)
    except (ValueError, NotImplementedError) as error:
        raise InputError(
            f"observations of {type(space).__name__} have no fixed size; known are Box, Discrete, MultiBinary, "
            "MultiDiscrete, Text, and Dict and Tuple of them"
        ) from error
    return [(path, space, start, start + size)]


def _write_leaf(row: Array, space: gym.Space[Any], value: Any) -> None:
    if isinstance(space, gym.Box | gym.MultiBinary):
        row[:] = _numbers(value, tuple(space.shape or ())).reshape(-1)
    elif isinstance(space, gym.Discrete):
        row[:] = 0
        row[_index(value, int(space.start), int(space.n))] = 1
    elif isinstance(space, gym.MultiDiscrete):
        numbers, start = _numbers(value, space.nvec.shape).reshape(-1), 0
        row[:] = 0
        for number, low, count in zip(numbers, space.start.reshape(-1), space.nvec.reshape(-1)):
            row[start + _index(number, int(low), int(count))] = 1
            start += int(count)
    else:
        if not space.contains(value):
            raise ValueError(f"sees {_kind(value)}, which is not in its observation space {space}")
        row[:] = np.asarray(gym.flatten(space, value), dtype=np.float32)


def _numbers(value: Any, shape: tuple[int, ...]) -> Array:
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"sees {_kind(value)}, but its observation space wants numbers of shape {shape}")
    if array.shape != shape:
        raise ValueError(f"sees an array of shape {array.shape}, but its observation space says {shape}")
    return array


def _index(value: Any, start: int, count: int) -> int:
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "iub":
        raise ValueError(f"sees {_kind(value)}, but its observation space wants a whole number")
    index = int(array.reshape(-1)[0]) - start
    if not 0 <= index < count:
        raise ValueError(
            f"sees {index + start}, but its observation space says {start} to {start + count - 1}"
        )
    return index


def _kind(value: Any) -> str:
    return "nothing (None)" if value is None else f"a value of type {type(value).__name__}"


@dataclass(frozen=True)
class Moves:
    """An agent's actions in our terms.

    Parameters
    ----------
    actions : Discrete, MultiDiscrete or Box
        What the agent can do.
    decode : callable, optional
        Makes of one row of checked actions what the environment wants; None for a plain whole number.
    start : int
        Added to a plain whole number.
    """

    actions: Actions
    decode: Callable[[Array], Any] | None = None
    start: int = 0


def moves(space: gym.Space[Any]) -> Moves:
    """An action space of gymnasium in our terms.

    Discrete stays Discrete, MultiDiscrete and MultiBinary become MultiDiscrete, Box becomes a flat Box (whole-number
    boxes are rounded). Tuple and Dict spaces of only choices become MultiDiscrete, those of only boxes a flat Box.

    Raises
    ------
    InputError
        If the space is of another kind.
    """
    if isinstance(space, gym.Discrete):
        return Moves(Discrete(int(space.n)), None, int(space.start))
    decode, counts, low, high = _part(space, 0)
    if counts and low:
        raise InputError(
            f"the action space {space!s:.200} mixes choices and numbers, which no policy here can play"
        )
    if low:
        return Moves(Box(tuple(low), tuple(high)), decode)
    return Moves(MultiDiscrete(tuple(counts)), decode)


Part = tuple[Callable[[Array], Any], list[int], list[float], list[float]]


def _part(space: gym.Space[Any], at: int) -> Part:
    """How one part is read from a row, beginning at a column, and the choices or bounds that it takes up there."""
    if isinstance(space, gym.Discrete):
        start = int(space.start)
        return (lambda row: int(row[at]) + start), [int(space.n)], [], []
    if isinstance(space, gym.MultiDiscrete | gym.MultiBinary):
        shape = tuple(space.shape or ())
        counts = np.full(shape, 2) if isinstance(space, gym.MultiBinary) else space.nvec
        first = np.zeros(shape, dtype=np.int64) if isinstance(space, gym.MultiBinary) else space.start
        kind, stop = space.dtype, at + counts.size
        return (
            (lambda row: (row[at:stop].reshape(shape) + first).astype(kind)),
            [int(n) for n in counts.reshape(-1)],
            [],
            [],
        )
    if isinstance(space, gym.Box):
        return _box(space, at)
    if isinstance(space, gym.Tuple | gym.Dict):
        return _nested(space, at)
    raise InputError(
        f"an action space of the kind {type(space).__name__} is not known; known are Discrete, MultiDiscrete, "
        "MultiBinary, Box, and Tuple and Dict of them"
    )


def _box(space: gym.Box, at: int) -> Part:
    shape, kind, stop = space.shape, space.dtype, at + space.low.size
    whole = kind is not None and np.dtype(kind).kind in "iub"

    def read(row: Array) -> Array:
        values = row[at:stop].reshape(shape)
        return (np.rint(values) if whole else values).astype(kind)

    return read, [], [float(v) for v in space.low.reshape(-1)], [float(v) for v in space.high.reshape(-1)]


def _nested(space: gym.Tuple | gym.Dict, at: int) -> Part:
    items = list(space.spaces.items() if isinstance(space, gym.Dict) else enumerate(space.spaces))
    readers, counts, low, high = [], list[int](), list[float](), list[float]()
    for _, inner in items:
        read, c, a, b = _part(inner, at + len(counts) + len(low))
        readers.append(read)
        counts, low, high = counts + c, low + a, high + b
    keys = [key for key, _ in items]
    if isinstance(space, gym.Dict):
        return (lambda row: {key: read(row) for key, read in zip(keys, readers)}), counts, low, high
    return (lambda row: tuple(read(row) for read in readers)), counts, low, high


def as_mask(value: Any) -> Array:
    """An action mask as bool[A]; for several choices it may come as a tuple with one mask each."""
    if isinstance(value, tuple | list) and value and np.ndim(value[0]) == 1:
        value = np.concatenate([np.asarray(part) for part in value])
    array = np.asarray(value)
    if array.ndim != 1 or array.dtype.kind not in "iubf":
        raise ValueError(
            f"has an action mask of type {array.dtype} and shape {array.shape}, not a list of 0 and 1"
        )
    return array.astype(bool)
