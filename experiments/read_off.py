"""Policies read off as tables where the game behind an environment is known as a table or a tree.

Policies are asked for their probabilities in every situation, or, if they remember, after every history.

Letters: K situations, n agents asked, A actions, N nodes, S states, T stages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from games.env import Env, View
from games.errors import InputError
from games.sims.simulation import Simulation

if TYPE_CHECKING:
    from games.tree import TreeGame

Array = npt.NDArray[Any]
Progress = Callable[[float, str], None]
Seats = Sequence[tuple[int, slice, Any]]
"""Who plays where, as `games.policy.Independent.seats`; it need not be everybody."""
MAX_NODES = 1_000_000
"""Trees with more nodes than this are not compiled for the sake of exactness."""
_AT_ONCE = 4_096


class NotExact(Exception):
    """Why something cannot be computed exactly here, in half a sentence."""


def require_probs(seats: Seats) -> None:
    """Raise `NotExact` if a policy does not tell its action probabilities."""
    for _, _, policy in seats:
        if not hasattr(policy, "probs"):
            raise NotExact(f"{policy!r} does not tell its action probabilities")


def start(seats: Seats, batch: int) -> list[Any]:
    """Memories at the beginning of an episode."""
    return [policy.start(batch, columns.stop - columns.start) for _, columns, policy in seats]


def forgetful(seats: Seats) -> bool:
    """Whether nobody remembers anything."""
    return all(kept is None for kept in start(seats, 1))


# --- trees ------------------------------------------------------------------------------------------------------


def tree_behind(env: Env, progress: Progress | None = None) -> tuple[TreeGame, View, Array] | None:
    """The tree that an environment plays, a view of all its information sets, and which action each slot is there.

    None if no tree is known.

    Raises
    ------
    NotExact
        If there is a tree but it is too large or does not list its chance outcomes.
    """
    from games.sims.tree import TreeRules

    rules = env.rules if isinstance(env, Simulation) else None
    if isinstance(rules, TreeRules):
        game = rules.game
        columns = np.arange(game.slots) - game.offsets[game.infoset_of_slot]
        return game, rules.situations(np.arange(len(game.owner))), columns
    if hasattr(env, "information_sets"):
        try:
            found: tuple[TreeGame, View, Array] = env.information_sets(MAX_NODES, progress)
        except InputError as error:
            raise NotExact(str(error)) from None
        return found
    return None


def behavior(seats: Seats, game: TreeGame, view: View, columns: Array) -> Array:
    """What policies that remember nothing do, as a behaviour strategy float64[slots]; 0 for players without a seat."""
    blocks = np.split(np.arange(len(game.owner)), range(_AT_ONCE, len(game.owner), _AT_ONCE))
    probs = np.concatenate([_owners_probs(seats, game, view, rows)[0] for rows in blocks])
    chosen: Array = probs[game.infoset_of_slot, columns]
    return chosen


def moves(seats: Seats, game: TreeGame, view: View, columns: Array) -> Array:
    """The probability of every node's move at its parent, float64[N], when policies remember the way there.

    Moves of players without a seat have probability 0, those of chance 1.
    """
    memory = start(seats, 1)
    if not all(kept is None or isinstance(kept, np.ndarray) for kept in memory):
        raise NotExact("what its policies remember is not an array")
    chances, place = np.ones(game.nodes), np.zeros(game.nodes, dtype=np.int64)  # of each node in its level
    probs = _in_level(seats, game, view, game.levels[0], memory)
    for level in game.levels[1:]:
        above = game.parent[level]
        chosen = np.flatnonzero(game.slot[level] >= 0)
        chances[level[chosen]] = probs[place[above[chosen]], columns[game.slot[level[chosen]]]]
        memory = [None if kept is None else kept[place[above]] for kept in memory]
        place[level] = np.arange(len(level))
        probs = _in_level(seats, game, view, level, memory)
    return chances


def _owners_probs(
    seats: Seats, game: TreeGame, view: View, rows: Array, memory: Any = None
) -> tuple[Array, list[Any]]:
    """What the owners of information sets int[K] do there, float64[K, A], and everybody's memories afterwards."""
    out, after = np.zeros((len(rows), view.mask.shape[-1])), []
    owner, here = game.owner[rows], view.where(rows)
    memories = start(seats, len(rows)) if memory is None else memory
    for (_, mine, policy), own in zip(seats, memories):
        given, own = policy.probs(here.agents(mine), own)
        places = np.flatnonzero((owner >= mine.start) & (owner < mine.stop))
        out[places] = given[places, owner[places] - mine.start]
        after.append(own)
    return out, after


def _in_level(seats: Seats, game: TreeGame, view: View, level: Array, memory: list[Any]) -> Array:
    """What is done at nodes int[K], float64[K, A]; memories move on in place where a player moves."""
    probs = np.zeros((len(level), view.mask.shape[-1]))
    acting = np.flatnonzero(game.player[level] >= 0)
    for begun in range(0, len(acting), _AT_ONCE):
        some = acting[begun : begun + _AT_ONCE]
        before = [None if kept is None else kept[some] for kept in memory]
        probs[some], after = _owners_probs(seats, game, view, game.infoset[level[some]], before)
        for kept, now in zip(memory, after):
            if kept is not None:
                kept[some] = now
    return probs


# --- tables -----------------------------------------------------------------------------------------------------


def probs_at_once(seats: Seats, view: View) -> Array:
    """What the seated agents do in every sub-environment of a view at the start of an episode, float64[K, n, A]."""
    parts = []
    for (_, columns, policy), own in zip(seats, start(seats, len(view.mask))):
        parts.append(policy.probs(view.agents(columns), own)[0])
    return np.concatenate(parts, axis=1)


def fair(block: Array) -> Array:
    """Distributions without their rounding; `NotExact` if they are none."""
    total = block.sum(axis=-1, keepdims=True)
    sound = np.isfinite(block).all() and block.min(initial=0.0) >= -1e-9
    if not (sound and np.allclose(total, 1.0, atol=1e-6, rtol=0)):
        worst = total.ravel()[np.abs(total - 1.0).argmax()] if sound else float("nan")
        raise NotExact(f"its policies give probabilities that sum to {float(worst):g}")
    return np.asarray(np.maximum(block, 0.0) / total)
