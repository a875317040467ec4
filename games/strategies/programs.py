"""Strategies as data for compiled loops: a code, parameters, and how much is remembered."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import games.strategies.codes as codes
from games.policy import Random, Tabular
from games.spaces import Discrete
from games.strategies.memory_one import MemoryOne
from games.strategies.scripted import Scripted

Array = npt.NDArray[Any]


class Program(NamedTuple):
    """What `games.strategies.dispatch.move` must know of a strategy."""

    code: int
    numbers: Array  # float64[:]: parameters of its rule
    words: int = 0  # whole numbers that it remembers
    reals: int = 0  # other numbers that it remembers
    draws: bool = False  # whether its moves depend on its stream


def program(policy: Any, memory: int = 1) -> Program | None:
    """The program of a policy of a repeated game of two players and two actions each, or None if it has none.

    Parameters
    ----------
    policy : Policy
        A scripted strategy, `MemoryOne`, `Random`, or a `Tabular` policy of one agent.
    memory : int
        How many rounds the environment remembers: tables have programs only where it is one.

    Examples
    --------
    >>> program(MemoryOne(1, (1, 0, 1, 0)))
    Program(code=39, numbers=array([1., 1., 0., 1., 0.]), words=0, reals=0, draws=False)
    """
    kind = type(policy)
    if isinstance(policy, Scripted) and kind.sample is Scripted.sample and kind.start is Scripted.start:
        return Program(policy.code, policy.numbers, policy.words, policy.reals, policy.chancy)
    if kind is MemoryOne:
        chances = policy.cooperate
        return Program(codes.MEMORY_ONE, chances.copy(), draws=not np.isin(chances, (0, 1)).all())
    if kind is Random and isinstance(policy.actions, Discrete):
        return Program(codes.MEMORY_ONE, np.full(5, 0.5), draws=True)
    if kind is Tabular and memory == 1:
        return _table(policy.table)
    return None


def _table(table: Array) -> Program | None:
    """A table of five rows, unless it would be refused in play."""
    rows = table[0] if table.ndim == 3 and len(table) == 1 else table
    if rows.ndim != 2 or len(rows) < 5 or rows.shape[1] != 2:
        return None
    rows = rows[:5]
    likely = (rows > 0).sum(axis=1)
    if likely.min() == 0 or rows.max() > 1e300:  # their sums may overflow
        return None
    return Program(codes.TABLE, rows.ravel().copy(), draws=bool(likely.max() > 1))
