"""What an agent can do: one of n actions, several choices at once, or a vector of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from math import inf
from typing import Any

import numpy as np

from games.errors import InputError
from games.simplices import Float


@dataclass(frozen=True)
class Discrete:
    """One of `count` actions, 0 to count - 1; a batch of actions is int32[B, n]."""

    count: int

    def __post_init__(self) -> None:
        if not _is_count(self.count):
            raise InputError(f"a discrete action needs at least one choice, not {self.count}")

    @property
    def width(self) -> int:
        """Columns of an action mask: one per choice."""
        return self.count

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one agent's action."""
        return ()


@dataclass(frozen=True)
class MultiDiscrete:
    """Several choices at once, the k-th among `counts[k]`; a batch of actions is int32[B, n, K].

    A mask holds the choices one after another: counts[0] columns for the first, then those of the second, ...
    """

    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.counts or not all(map(_is_count, self.counts)):
            raise InputError(f"a multi-discrete action needs positive numbers of choices, not {self.counts}")

    @property
    def width(self) -> int:
        """Columns of an action mask: one per choice of each part."""
        return sum(self.counts)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one agent's action."""
        return (len(self.counts),)

    @property
    def starts(self) -> tuple[int, ...]:
        """Column of a mask at which each part begins, and the end."""
        return tuple(accumulate(self.counts, initial=0))


@dataclass(frozen=True)
class Box:
    """A vector of real numbers between `low` and `high`; a batch of actions is float32[B, n, k].

    The environment clips what lies outside, in one place, so that every learner meets the same rule; bounds may be
    infinite. There is nothing to mask: masks have no columns.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]

    def __post_init__(self) -> None:
        if (
            not self.low
            or len(self.low) != len(self.high)
            or not all(a <= b and a < inf and b > -inf for a, b in zip(self.low, self.high))
        ):
            raise InputError(
                f"a box needs equally many lower and upper bounds in order, not {self.low} and {self.high}"
            )

    @property
    def width(self) -> int:
        """Columns of an action mask: none."""
        return 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one agent's action."""
        return (len(self.low),)

    @property
    def bounds(self) -> tuple[Float, Float]:
        """Lower and upper bounds as float32[k], infinite beyond the range of float32."""
        with np.errstate(over="ignore"):
            return np.array(self.low, dtype=np.float32), np.array(self.high, dtype=np.float32)


def _is_count(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= 1


Actions = Discrete | MultiDiscrete | Box
