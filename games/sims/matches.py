"""Matches of two memory-one players in a repeated matrix game, many and fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from games.errors import InputError
from games.normal import NormalFormGame
from games.play import check_acts
from games.sims.match_kernels import find_thresholds, play_any, play_pure, play_two
from games.sims.repeated import repeated
from games.streams import ACT, ENV, Streams, check_seeds

Array = npt.NDArray[Any]


_TURNS = 1 << 25
"""About how many rounds are played before interrupts are heard again."""


class Matches(NamedTuple):
    """One match per seed."""

    scores: Array  # float64[M, 2]: sums of payoffs
    first: Array  # int64[M, 2]: how often each player's first action was played: cooperation, in the dilemma
    lengths: Array  # int32[M]: rounds played


def play_matches(
    game: NormalFormGame,
    rows: Any,
    columns: Any,
    *,
    seeds: Any,
    acts: Any = None,
    rounds: int = 200,
    continuation: float | None = None,
    noise: float = 0.0,
    progress: Callable[[float, str], None] | None = None,
) -> Matches:
    """Play whole matches in one loop.

    The result is, bit for bit, that of `games.play.play_episodes` on `repeated(game, rounds=..., memory=1, ...)` with
    `games.policy.Tabular` players under the same seeds.

    Parameters
    ----------
    game : NormalFormGame
        A game of two players.
    rows, columns : float64[cells + 1, A] or float64[M, cells + 1, A]
        Action probabilities of the row and the column player in every situation (`games.sims.repeated`: first the
        start, then the cells of the last round, own action first), one table for all matches or one for each. A is
        the larger number of actions; a player's missing ones count as probability 0.
    seeds : uint64[M]
        One per match.
    acts : uint64[M], optional
        Seeds of the players' own chance, as in `games.play.play_episodes`.
    rounds, continuation, noise
        See `games.sims.repeated.repeated`.
    progress : callable, optional
        Told how far it is: ``progress(fraction, "3,000 of 10,000 matches")``.

    Raises
    ------
    InputError
        If the game has not two players, or a table has the wrong shape, a negative probability, or a row without a
        legal action.

    Examples
    --------
    >>> from games.load import load
    >>> from games.strategies import MemoryOne
    >>> grim, defector = MemoryOne(1, (1, 0, 0, 0)), MemoryOne(0, (0, 0, 0, 0))
    >>> play_matches(load("zoo:prisoners-dilemma"), grim.table, defector.table, seeds=[7], rounds=10).scores
    array([[ 9., 14.]])
    """
    if len(game.shape) != 2:
        raise InputError(f"matches are of two players, and {game.title or 'the game'} has {len(game.shape)}")
    spec = repeated(game, rounds=rounds, continuation=continuation, noise=noise).spec  # refuses bad numbers
    seeds = check_seeds(seeds)
    acts = seeds if acts is None else check_acts(acts, len(seeds))
    matches, counts = len(seeds), np.array(game.shape, dtype=np.int64)
    tables = [
        _check_table(table, seat, matches, spec.groups[0].rows, counts)
        for seat, table in enumerate((rows, columns))
    ]
    limits = [np.empty((*table.shape[:2], table.shape[2] - 1), dtype=np.int64) for table in tables]
    mixed = np.array([find_thresholds(table, limit) for table, limit in zip(tables, limits)], dtype=np.bool_)
    chances = np.array([noise, -1.0 if continuation is None else continuation])
    block, parts = max(1, _TURNS // rounds), []
    for begun in range(0, matches, block):
        here = slice(begun, begun + block)
        own = [limit[here] if len(limit) > 1 else limit for limit in limits]
        parts.append(_play_block(game, own, mixed, seeds[here], acts[here], rounds, chances))
        if progress is not None:
            done = min(begun + block, matches)
            progress(done / matches, f"{done:,} of {matches:,} matches")
    return Matches(*(np.concatenate(column) for column in zip(*parts)))


def _play_block(
    game: NormalFormGame,
    limits: list[Array],
    mixed: Array,
    seeds: Array,
    acts: Array,
    rounds: int,
    chances: Array,
) -> tuple[Array, Array, Array]:
    """Matches between players of these thresholds, by the simplest loop that has all the chance there is."""
    matches, counts = len(seeds), np.array(game.shape, dtype=np.int64)
    scores, first = np.empty((matches, 2)), np.empty((matches, 2), dtype=np.int64)
    lengths = np.full(matches, rounds, dtype=np.int32)
    flat = np.ascontiguousarray(game.payoffs.reshape(2, -1))
    plain = chances[0] == 0 and chances[1] < 0
    if plain and not mixed.any():
        firsts = (np.indices(game.shape) == 0).reshape(2, -1).astype(np.int64)
        play_pure(_cells_after(limits, counts), flat, firsts, rounds, scores, first)
        return scores, first, lengths
    players = Streams.from_seeds(acts, ACT, agents=2).state
    if plain and game.shape == (2, 2):
        play_two(limits[0][..., 0], limits[1][..., 0], flat, rounds, players, scores, first)
        return scores, first, lengths
    world = Streams.from_seeds(seeds, ENV).state[:, 0]
    which = np.stack(
        [np.arange(matches) if len(limit) > 1 else np.zeros_like(lengths) for limit in limits], 1
    )
    which, ended = which.astype(np.int64), np.empty(matches, dtype=np.bool_)
    play_any(
        *limits, which, mixed, flat, counts, rounds, chances, players, world, scores, first, lengths, ended
    )
    return scores, first, lengths


def _check_table(table: Any, seat: int, matches: int, rows: int, counts: Array) -> Array:
    """The table as float64[M or 1, rows, A] with zeros for the actions that the player does not have."""
    who, width = ("row", "column")[seat], int(counts.max())
    try:
        array = np.array(table, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"the {who} player's table is not an array of numbers") from error
    array = array[None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[1:] != (rows, width) or len(array) not in (1, matches):
        raise InputError(
            f"the {who} player's table has shape {np.shape(table)}, expected ({rows}, {width}), or that for each of "
            f"the {matches} matches"
        )
    if not np.isfinite(array).all() or array.min() < 0:
        raise InputError(f"the {who} player's table holds a probability that is negative or not a number")
    array[..., counts[seat] :] = 0.0
    with np.errstate(over="ignore"):
        total = array.sum(axis=-1)
    if (
        bad := (total < 1e-100) | (total > 1e100)
    ).any():  # beyond it, rounding would leave no exact thresholds
        m, r = np.argwhere(bad)[0]
        raise InputError(
            f"the {who} player's probabilities of legal actions in situation {r} of match {m} sum to "
            f"{total[m, r]:g}, not to 1"
        )
    return array


def _cells_after(limits: list[Array], counts: Array) -> Array:
    """The cell that pure players play after each situation of the row player, int64[M or 1, cells + 1]."""
    played = [(limit == 0).sum(axis=-1) for limit in limits]
    cell = np.arange(counts.prod())
    seen = np.concatenate([[0], 1 + (cell % counts[1]) * counts[0] + cell // counts[1]])
    return np.ascontiguousarray(played[0] * counts[1] + played[1][:, seen])
