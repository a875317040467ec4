"""Correlation plans of two-player trees: which pairs of sequences matter, and when they describe all correlated play.

Information sets I of player 1 and J of player 2 are *connected* when some path from the root visits both. A pair of
sequences is *relevant* when one of them is empty or the information sets of their last moves are connected. A mixture
of pure strategy pairs induces the plan

    xi(s, t) = probability that player 1's strategy makes every move of s and player 2's every move of t

on relevant pairs, with xi(empty, empty) = 1 and, for each information set I and each t relevant with its moves,
sum_a xi(s_I a, t) = xi(s_I, t), s_I being the sequence that leads to I; likewise for player 2. The polytope of
non-negative solutions is the set of all such plans if the game is *triangle-free*: there are no distinct I1, I2 that
the same sequence of player 1 leads to, and no distinct J1, J2 that the same sequence of player 2 leads to, with I1
connected to J1, I1 to J2 and I2 to J2. Games whose chance moves are public, and games without chance, are.

References: von Stengel and Forges (2008), section 3; Farina and Sandholm (2020), "Polynomial-time computation of
optimal correlated equilibria in two-player extensive-form games with public chance moves and beyond".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from games.errors import InputError
from games.simplices import Int
from games.tree import TreeGame
from games.tree_strategies import BehaviorMixture, CorrelationPlan


class Triangle(NamedTuple):
    """Why the relevant pairs do not describe correlated play: I1-J1, I1-J2 and I2-J2 are connected."""

    first: tuple[int, int]
    """I1, I2: information sets of player 1."""
    second: tuple[int, int]
    """J1, J2: information sets of player 2."""


@dataclass(frozen=True, eq=False)
class RelevantPairs:
    """The relevant pairs of sequences of a two-player game, each sequence given by its last slot, -1 if empty.

    Parameters
    ----------
    first, second : int64[K]
        The pairs in lexicographic order; (-1, -1) is the first.
    width : int
        One more than the number of slots; ``(first + 1) * width + second + 1`` is a pair's key.
    keys : int64[K]
        The keys, increasing.
    """

    first: Int
    second: Int
    width: int
    keys: Int

    def find(self, first: Any, second: Any) -> Int:
        """Positions of pairs that are known to be relevant."""
        return np.searchsorted(self.keys, (np.asarray(first, dtype=np.int64) + 1) * self.width + second + 1)


def connected(game: TreeGame) -> tuple[Int, Int]:
    """Connected pairs of information sets (of player 1, of player 2), as two arrays in lexicographic order.

    O(C d) for C connected pairs and d own moves on a path; needs perfect recall.
    """
    pairs = []
    for own, other in ((0, 1), (1, 0)):
        nodes = np.flatnonzero(game.player == own)
        mine = game.infoset[nodes].astype(np.int64)
        above = game.last_slots[other, nodes].astype(np.int64)
        while True:  # climb the other player's moves, from the last one before these nodes to the first
            live = above >= 0
            key = np.unique(mine[live] * max(game.slots, 1) + above[live])
            if not key.size:
                break
            mine, above = key // game.slots, key % game.slots
            theirs = game.infoset_of_slot[above].astype(np.int64)
            pairs.append(np.stack([mine, theirs] if own == 0 else [theirs, mine]))
            above = game.entry[theirs].astype(np.int64)
    if not pairs:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    both = np.unique(np.concatenate(pairs, axis=1), axis=1)
    return both[0], both[1]


def find_triangle(game: TreeGame, first: Int, second: Int) -> Triangle | None:
    """A triangle among connected pairs of information sets, or None: no connection has company on both sides.

    Among the information sets that two given sequences lead to, connections form a bipartite graph; there is a
    triangle exactly when an edge shares each of its ends with another edge.
    """
    if not first.size:
        return None
    width = game.slots + 1
    one = first * width + game.entry[second] + 1  # I, and the sequence that leads to J
    two = second * width + game.entry[first] + 1
    _, of_one, count_one = np.unique(one, return_inverse=True, return_counts=True)
    _, of_two, count_two = np.unique(two, return_inverse=True, return_counts=True)
    bad = np.flatnonzero((count_one[of_one] > 1) & (count_two[of_two] > 1))
    if not bad.size:
        return None
    edge = int(bad[0])
    others = np.flatnonzero((of_one == of_one[edge]) & (second != second[edge]))
    another = np.flatnonzero((of_two == of_two[edge]) & (first != first[edge]))
    return Triangle((int(first[edge]), int(first[another[0]])), (int(second[others[0]]), int(second[edge])))


def is_triangle_free(game: TreeGame) -> bool:
    """Whether a two-player game with perfect recall is triangle-free, as all with public chance moves are."""
    return find_triangle(game, *connected(game)) is None


def relevant_pairs(game: TreeGame) -> RelevantPairs:
    """The relevant pairs of a game whose correlation plans the flow equations describe.

    Raises
    ------
    InputError
        If the game has not two players, lacks perfect recall or is not triangle-free, saying what can be solved.
    """
    _check(game)
    one, two = connected(game)
    triangle = find_triangle(game, one, two)
    if triangle is not None:
        raise InputError(_told(game, triangle))
    slots = np.arange(game.slots)
    by_player = game.owner[game.infoset_of_slot] if game.slots else slots
    sizes = np.diff(game.offsets).astype(np.int64)
    count = sizes[one] * sizes[two]
    inside = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    wide = np.repeat(sizes[two], count)
    first = np.repeat(game.offsets[one], count) + inside // np.maximum(wide, 1)
    second = np.repeat(game.offsets[two], count) + inside % np.maximum(wide, 1)
    mine, theirs = slots[by_player == 0], slots[by_player == 1]
    first = np.concatenate([[-1], mine, np.full(theirs.size, -1), first])
    second = np.concatenate([[-1], np.full(mine.size, -1), theirs, second])
    keys = (first + 1) * (game.slots + 1) + second + 1
    order = np.argsort(keys)
    return RelevantPairs(first[order], second[order], game.slots + 1, keys[order])


def _check(game: TreeGame) -> None:
    players = len(game.players)
    if players != 2:
        raise InputError(
            f"optimal extensive-form correlation is polynomial for two players only, this game has {players}: "
            "a cce of any number of players comes from self-play (cfr with concept cce), and a ce of the strategic "
            "form, where that is small (form=reduced), is an efce too"
        )
    game.require_perfect_recall("extensive-form correlation")


def _told(game: TreeGame, triangle: Triangle) -> str:
    (i1, i2), (j1, j2) = triangle
    name = game.infosets
    return (
        "private chance moves put optimal extensive-form correlation out of reach (the game is not triangle-free: "
        f"{name[i1]!r} meets {name[j1]!r} and {name[j2]!r}, which also meets {name[i2]!r}): a cce comes from "
        "self-play (cfr with concept cce), and a ce of the strategic form, where that is small (form=reduced), "
        "is an efce too"
    )


# --- from strategies, and back to names ---------------------------------------------------------------------


def plan_of(game: TreeGame, mixture: BehaviorMixture | Any) -> CorrelationPlan:
    """The correlation plan of a behaviour strategy profile float64[slots] or of a mixture of such.

    Raises
    ------
    InputError
        As `relevant_pairs`, or if a profile is not one of this game.
    """
    if not isinstance(mixture, BehaviorMixture):
        mixture = BehaviorMixture(np.ones(1), np.asarray(mixture, dtype=np.float64).reshape(1, -1))
    pairs = relevant_pairs(game)
    prob = np.zeros(pairs.keys.size)
    for weight, behavior in zip(mixture.weights, mixture.behaviors):
        plan = np.append(game.check_behavior(behavior), 1.0)  # the last entry is for the empty sequence
        for h in _by_depth(game):
            if game.entry[h] >= 0:
                plan[game.offsets[h] : game.offsets[h + 1]] *= plan[game.entry[h]]
        prob += weight * plan[pairs.first] * plan[pairs.second]
    return CorrelationPlan(pairs.first, pairs.second, prob)


def _by_depth(game: TreeGame) -> list[int]:
    """Information sets, each after the one that leads to it: by the first node's place in the tree."""
    own = np.flatnonzero(game.player >= 0)
    _, where = np.unique(game.infoset[own], return_index=True)
    found = game.infoset[own][np.sort(where)]
    return [int(h) for h in found]


def recommendations(
    game: TreeGame, plan: CorrelationPlan, least: float = 1e-12
) -> list[tuple[str, str, float]]:
    """The pairs of sequences that a plan recommends with more than `least`, by name: "set:action/set:action".

    The empty sequence is "". In lexicographic order of the pairs.
    """
    names = {-1: ""}
    for h in _by_depth(game):
        before = names[int(game.entry[h])]
        for k, action in enumerate(game.actions[h]):
            own = f"{game.infosets[h]}:{action}"
            names[int(game.offsets[h]) + k] = f"{before}/{own}" if before else own
    rows = zip(plan.first.tolist(), plan.second.tolist(), plan.prob.tolist())
    return [(names[s], names[t], p) for s, t, p in rows if p > least]
