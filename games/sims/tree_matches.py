"""Matches of tabular policies on a game tree, many and fast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import Env
from games.errors import InputError
from games.play import Episodes, check_acts, step_limit
from games.policy import Policy, Random, Tabular
from games.sims.match_kernels import find_thresholds
from games.sims.simulation import Simulation
from games.sims.tree import TreeRules
from games.sims.tree_match_kernels import MIXED, STUCK, play_trees
from games.spaces import Discrete
from games.streams import ACT, ENV, Streams, check_seeds
from games.tree import TreeGame

Array = npt.NDArray[Any]

_AT_ONCE = 2_048
"""Matches whose streams are kept at a time; interrupts are heard in between."""
_LARGEST = 1 << 25
"""Most thresholds that are kept of all policies together."""
_SCALE = 1 << 53


def tree_matches(
    env: Env, cast: Sequence[Sequence[Policy | None]], max_steps: int | None = None
) -> Callable[[Array, Any, Any], Episodes] | None:
    """A loop that plays whole matches between agents who play by tables, or at random, in the environment of a tree.

    Parameters
    ----------
    env : Env
        What `games.simulate.simulate` makes of a `TreeGame`.
    cast : sequence of sequences of Policy
        ``cast[k][i]`` is how agent k plays for player i; None where it never does.
    max_steps : int, optional
        Cut matches off after so many moves.

    Returns
    -------
    callable or None
        ``(seating int32[E, P], seeds uint64[E], acts uint64[E] or None) -> Episodes``, where player i of match e is
        played by agent ``seating[e, i]``. What it returns is, bit for bit, that of `games.play.play_episodes` for
        teams seated so. None where there is no such loop: another environment, other policies than `Tabular` and
        `Random`, or tables that do not fit.
    """
    if type(env) is not Simulation or type(env.rules) is not TreeRules:
        return None
    game, width = env.rules.game, env.spec.groups[0].width
    limit = step_limit(env, max_steps)
    assert limit is not None  # a tree is no deeper than its longest play
    books = np.full((len(cast), len(game.players)), -1, dtype=np.int32)
    found: dict[int, int] = {}
    limits: list[Array] = []
    for k, seats in enumerate(cast):
        for i, policy in enumerate(seats):
            if policy is None:
                continue
            if id(policy) not in found:
                if (len(limits) + 1) * (game.slots + 1) > _LARGEST:
                    return None
                own = _thresholds(game, policy, width)
                if own is None:
                    return None
                found[id(policy)] = len(limits)
                limits.append(own)
            books[k, i] = found[id(policy)]
    if not limits:
        return None
    kept, agents = (
        np.stack(limits),
        [list(seats) for seats in cast],
    )  # the policies live on, and so do their ids

    def play(seating: Array, seeds: Any, acts: Any = None) -> Episodes:
        return _play(env.rules, kept, _seated(books, agents, seating), check_seeds(seeds), acts, limit)

    return play


def _play(rules: Any, limits: Array, books: Array, seeds: Array, acts: Any, limit: int) -> Episodes:
    """Matches of players with these books int32[E, P]."""
    acts = seeds if acts is None else check_acts(acts, len(seeds))
    matches, players = books.shape
    if matches != len(seeds):
        raise InputError(f"{matches} seatings for {len(seeds)} seeds; expected as many")
    game: TreeGame = rules.game
    label, first, child, cumulative, payoff = rules.tables
    returns, lengths = np.empty((matches, players)), np.empty(matches, dtype=np.int32)
    ended, drawn = np.empty(matches, dtype=np.bool_), np.empty(players, dtype=np.int64)
    for begun in range(0, matches, _AT_ONCE):
        here = slice(begun, begun + _AT_ONCE)
        bad = play_trees(
            game.player,
            label,
            first,
            child,
            cumulative,
            payoff,
            game.offsets,
            limits,
            books[here],
            Streams.from_seeds(seeds[here], ENV).state[:, 0],
            Streams.from_seeds(acts[here], ACT, agents=players).state,
            drawn,
            limit,
            returns[here],
            lengths[here],
            ended[here],
        )
        if bad >= 0:
            h = int(bad) % (len(game.owner) + 1)
            who = game.owner[h] if h < len(game.owner) else 0
            raise InputError(
                f"the tabular policy of {game.players[who]} gives no legal action in situation {h}: "
                f"{rules.situation(h)}"
            )
    return Episodes(seeds, returns, lengths, ended)


def _seated(books: Array, agents: list[list[Policy | None]], seating: Any) -> Array:
    """The books int32[E, P] of a seating int32[E, P] of agents."""
    seats = np.asarray(seating)
    players = books.shape[1]
    if seats.ndim != 2 or seats.shape[1] != players or seats.dtype.kind not in "iu":
        raise InputError(
            f"a seating is int32[matches, {players}], one agent per player, not {seats.dtype} {seats.shape}"
        )
    if seats.size and not 0 <= seats.min() <= seats.max() < len(agents):
        raise InputError(f"a seating names agents from 0 to {len(agents) - 1}, not {seats.max()}")
    out = books[seats, np.arange(players)]
    if out.size and out.min() < 0:
        e, i = np.argwhere(out < 0)[0]
        raise InputError(f"agent {seats[e, i]} has no policy for player {i}")
    return out


def _thresholds(game: TreeGame, policy: Policy, width: int) -> Array | None:
    """A policy's book int64[slots + 1], see `play_trees`; None if it has none or play must be refused as elsewhere."""
    if type(policy) is Random and isinstance(policy.actions, Discrete):
        return _even_thresholds(game)
    if type(policy) is not Tabular or policy.table.shape[-1] != width:
        return None
    if policy.table.ndim == 3 and len(policy.table) != 1:  # whose table is whose depends on who sits together
        return None
    rows, sets = policy.table.reshape(-1, width), len(game.owner)
    counts = np.append(np.diff(game.offsets), 1)
    dense = np.zeros((sets + 1, width))
    dense[: len(rows)] = rows[: sets + 1]
    dense[np.arange(width) >= counts[:, None]] = 0.0
    with np.errstate(over="ignore"):
        total = dense.sum(axis=1)
    stuck = total == 0
    dense[stuck, 0] = total[stuck] = 1.0
    if (total < 1e-100).any() or (total > 1e100).any():  # rounding would leave no exact thresholds
        return None
    limits = np.empty((1, sets + 1, width - 1), dtype=np.int64)
    find_thresholds(dense[None], limits)
    return _book(game, limits[0], stuck)


def _even_thresholds(game: TreeGame) -> Array:
    """The book int64[slots + 1] of uniform play as `games.stream_kernels.pick_legal` draws it."""
    counts = np.append(np.diff(game.offsets), 1)
    limits = np.full((len(counts), int(counts.max()) - 1), _SCALE, dtype=np.int64)
    for count in np.unique(counts).tolist():
        limits[counts == count, : count - 1] = [_even(a, count) for a in range(count - 1)]
    return _book(game, limits, np.zeros(len(counts), dtype=bool))


def _even(action: int, count: int) -> int:
    """The smallest 53-bit number that draws more than `action` of `count` equally likely actions, rounding and all."""
    k = -(-(action + 1) * _SCALE // count)
    while int((k - 1) * (1.0 / _SCALE) * count) > action:
        k -= 1
    while int(k * (1.0 / _SCALE) * count) <= action:
        k += 1
    return k


def _book(game: TreeGame, limits: Array, stuck: Array) -> Array:
    """Thresholds int64[I + 1, A - 1] laid out by slots, with what stands in the last slot of each information set."""
    blocks = np.append(game.offsets, game.slots + 1)
    pure = ((limits == 0) | (limits == _SCALE)).all(axis=1)
    kind = np.where(stuck, STUCK, np.where(pure, (limits == 0).sum(axis=1), MIXED))
    sets = np.repeat(np.arange(len(limits)), np.diff(blocks))
    column = np.arange(game.slots + 1) - blocks[sets]
    inside = np.flatnonzero(column < np.diff(blocks)[sets] - 1)
    book = np.empty(game.slots + 1, dtype=np.int64)
    book[inside] = limits[sets[inside], column[inside]]
    book[blocks[1:] - 1] = kind
    return book
