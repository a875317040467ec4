"""Matches of tabular policies in a repeated game of two players with any numbers of actions, many and fast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from games.errors import InputError
from games.play import Episodes, check_acts
from games.policy import Policy, Tabular
from games.sims.match_kernels import find_thresholds, play_any
from games.sims.repeated import RepeatedRules
from games.streams import ACT, ENV, Streams, check_seeds

Array = npt.NDArray[Any]

_AT_ONCE = 1 << 14
"""Matches whose streams are kept at a time; interrupts are heard in between."""
_LARGEST = 1 << 25
"""Most thresholds that are kept of all policies together."""


def table_matches(
    rules: RepeatedRules, cast: Sequence[Sequence[Policy | None]], limit: int
) -> Callable[[Array, Any, Any], Episodes] | None:
    """The loop of `games.sims.strategy_matches.strategy_matches` for agents who play by tables.

    Parameters
    ----------
    rules : RepeatedRules
        Of two players who remember one round.
    cast : sequence of sequences of Policy or None
        ``cast[k][i]``: how agent k plays seat i.
    limit : int
        Matches are cut off after so many rounds.
    """
    counts = np.array(rules.game.shape, dtype=np.int64)
    if rules.spec.memory != 1:
        return None
    places = np.full((len(cast), 2), -1, dtype=np.int64)
    books: list[list[Array]] = [[], []]
    rows, width = rules.spec.groups[0].rows, int(counts.max())
    agents = [list(seats) for seats in cast]  # kept, so that no two policies share an id
    for i in range(2):
        found: dict[int, int] = {}
        for k, seats in enumerate(agents):
            policy = seats[i]
            if policy is None:
                continue
            if id(policy) not in found:
                if (len(books[0]) + len(books[1]) + 1) * rows * width > _LARGEST:
                    return None
                table = _table(policy, rows, width, int(counts[i]))
                if table is None:
                    return None
                found[id(policy)] = len(books[i])
                books[i].append(table)
            places[k, i] = found[id(policy)]
    if not books[0] or not books[1]:
        return None
    limits, mixed = _limits(books)

    def play(seating: Array, seeds: Any, acts: Any = None) -> Episodes:
        return _play(rules, limits, mixed, seated(places, seating), seeds, acts, limit)

    return play


def seated(places: Array, seating: Any) -> Array:
    """What plays both seats, int64[E, 2], by places int64[K, 2] (-1 for nothing) and a seating int[E, 2] of agents."""
    agents = np.asarray(seating)
    if agents.ndim != 2 or agents.shape[1] != 2 or agents.dtype.kind not in "iu":
        raise InputError(
            f"a seating is int32[matches, 2], one agent per seat, not {agents.dtype} {agents.shape}"
        )
    if agents.size and not 0 <= agents.min() <= agents.max() < len(places):
        raise InputError(
            f"a seating names agents from 0 to {len(places) - 1}, not {agents.min()} to {agents.max()}"
        )
    out = places[agents, np.arange(2)]
    if out.size and out.min() < 0:
        e, i = np.argwhere(out < 0)[0]
        raise InputError(f"agent {agents[e, i]} has no policy for seat {i}")
    return out


def check_match_seeds(matches: int, seeds: Any, acts: Any) -> tuple[Array, Array]:
    """Seeds of the game and of the agents, uint64[matches] each."""
    seeds = check_seeds(seeds)
    if matches != len(seeds):
        raise InputError(f"{matches} seatings for {len(seeds)} seeds; expected as many")
    return seeds, seeds if acts is None else check_acts(acts, len(seeds))


def _table(policy: Policy, rows: int, width: int, count: int) -> Array | None:
    """Probabilities float64[rows, width] of legal actions, or None where there are none or play would be refused."""
    if type(policy) is not Tabular or policy.table.shape[-1] != width:
        return None
    table = policy.table[0] if policy.table.ndim == 3 else policy.table
    if (policy.table.ndim == 3 and len(policy.table) != 1) or len(table) < rows:
        return None
    table = table[:rows].copy()
    table[:, count:] = 0.0
    with np.errstate(over="ignore"):
        total = table.sum(axis=1)
    # rounding would leave no exact thresholds outside these bounds
    return None if (total < 1e-100).any() or (total > 1e100).any() else table


def _limits(books: list[list[Array]]) -> tuple[list[Array], Array]:
    """Thresholds int64[T, rows, A - 1] for each seat, and whether any table is mixed, bool[2]."""
    limits, mixed = [], []
    for own in books:
        tables = np.stack(own)
        limit = np.empty((*tables.shape[:2], tables.shape[2] - 1), dtype=np.int64)
        mixed.append(find_thresholds(tables, limit))
        limits.append(limit)
    return limits, np.array(mixed, dtype=np.bool_)


def _play(
    rules: RepeatedRules, limits: list[Array], mixed: Array, which: Array, seeds: Any, acts: Any, limit: int
) -> Episodes:
    seeds, acts = check_match_seeds(len(which), seeds, acts)
    matches, spec = len(seeds), rules.spec
    returns, lengths = np.empty((matches, 2)), np.empty(matches, dtype=np.int32)
    ended, first = np.empty(matches, dtype=np.bool_), np.empty((matches, 2), dtype=np.int64)
    chances = np.array([spec.noise, spec.continuation if spec.continuation < 1 else -1.0])
    for begun in range(0, matches, _AT_ONCE):
        here = slice(begun, begun + _AT_ONCE)
        play_any(
            *limits,
            which[here],
            mixed,
            np.ascontiguousarray(rules.game.payoffs.reshape(2, -1)),
            np.array(rules.game.shape, dtype=np.int64),
            limit,
            chances,
            Streams.from_seeds(acts[here], ACT, agents=2).state,
            Streams.from_seeds(seeds[here], ENV).state[:, 0],
            returns[here],
            first[here],
            lengths[here],
            ended[here],
        )
    if rules.length:
        ended = lengths == rules.length
    return Episodes(seeds, returns, lengths, ended)
