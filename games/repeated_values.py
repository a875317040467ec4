"""Exact expected returns in repeated games between players who act on the last few rounds alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from games.errors import InputError
from games.repeated_value_kernels import carry
from games.sims.repeated import RepeatedRules, history_starts

Array = npt.NDArray[Any]

MOST_STEPS = 1 << 33
"""More transitions than this are not followed: some ten seconds."""
_AT_ONCE = 1 << 26
"""About how many transitions are followed before interrupts are heard again."""
_NEGLIGIBLE = 1e-24
"""Share of the expected number of rounds that may be left out where a match may go on for long but hardly does."""


def trembling(table: Any, noise: float) -> Array:
    """What is really played, float64[S, A], where actions float64[S, A] are meant: another one with probability `noise`.

    A player with a single action has no other.
    """
    meant = np.asarray(table, dtype=np.float64)
    count = meant.shape[-1]
    return meant * (1.0 - noise) + (1.0 - meant) * (noise / (count - 1)) if count > 1 else meant


def steps_needed(rules: RepeatedRules, max_steps: int | None = None) -> int:
    """How many transitions between histories `repeated_values` would follow."""
    rows, cells = rules.spec.groups[0].rows, math.prod(rules.game.shape)
    return _rounds(rules, max_steps) * rows * cells


def repeated_values(rules: RepeatedRules, played: Sequence[Any], max_steps: int | None = None) -> Array:
    """Expected returns of a match.

    Parameters
    ----------
    rules : RepeatedRules
        The repeated game: stage game, memory, rounds, continuation.
    played : sequence of float64[S, A_i]
        For each player what is played, after noise (`trembling`), in each of the S situations that
        `RepeatedRules.situations` lists.
    max_steps : int, optional
        The match is cut off after so many rounds.

    Returns
    -------
    float64[P]
        Sums of payoffs over all rounds, undiscounted as in play; a round that is played with some probability counts
        with it.

    Raises
    ------
    InputError
        If the game does not list its situations, tables have another shape, or more than `MOST_STEPS` transitions
        would have to be followed.

    Examples
    --------
    >>> from games.load import load
    >>> rules = RepeatedRules(load("zoo:prisoners-dilemma"), 10, 1, None, 0.0)
    >>> tit_for_tat, defect = np.eye(2)[[0, 0, 1, 0, 1]], np.eye(2)[[1, 1, 1, 1, 1]]
    >>> repeated_values(rules, [tit_for_tat, defect]).tolist()
    [9.0, 14.0]
    """
    shape, memory = rules.game.shape, rules.spec.memory
    rows, rounds = rules.spec.groups[0].rows, _rounds(rules, max_steps)
    if not rows:
        raise InputError(f"{rules.spec.name} has too many situations to list")
    if steps_needed(rules, max_steps) > MOST_STEPS:
        raise InputError(
            f"{rules.spec.name}: {rounds:,} rounds of {rows:,} situations are too many to follow"
        )
    joint = np.ones((rows, 1))
    for i, (table, count) in enumerate(zip(played, shape, strict=True)):
        if np.shape(table) != (rows, count):
            raise InputError(f"player {i} has a table of shape {np.shape(table)}, expected {(rows, count)}")
        joint = (joint[:, :, None] * np.asarray(table, dtype=np.float64)[:, None, :]).reshape(rows, -1)
    starts = np.array(history_starts(shape, memory)[:-1], dtype=np.int64)
    now, after, seen = np.zeros(rows), np.zeros(rows), np.zeros(joint.shape[1])
    now[0], weight = 1.0, 1.0
    block = max(1, _AT_ONCE // joint.size)
    for begun in range(0, rounds, block):
        count = min(block, rounds - begun)
        weight = carry(joint, starts, memory, count, weight, rules.spec.continuation, now, after, seen)
    paid = rules.game.payoffs.reshape(len(shape), -1)
    return np.asarray((paid * seen).sum(axis=1))


def _rounds(rules: RepeatedRules, max_steps: int | None) -> int:
    """The most rounds that matter."""
    rounds, going = int(rules.spec.horizon or 1), rules.spec.continuation
    if max_steps is not None:
        rounds = min(rounds, max_steps)
    if going >= 1.0:
        return rounds
    if going <= 0.0:
        return 1
    return min(rounds, math.ceil(math.log(_NEGLIGIBLE) / math.log(going)))
