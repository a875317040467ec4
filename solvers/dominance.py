"""Reductions of a game that leave its correlated equilibria what they are.

* Strictly dominated actions (by a pure action, iterated) have probability zero in every CE: if c is strictly
  dominated by b and x(c, .) > 0 then the row (c -> b) of the CE program is positive. For CCE this fails, because
  a deviation gives up the recommendation altogether: a CCE may recommend a strictly dominated action (in
  [[3, 1, 4], [1, 5, 0], [1, 0, 2]] / [[3, 1, 1], [4, 2, 0], [1, 0, 5]] iterated elimination leaves one profile and
  welfare 6, while a CCE reaches 7). So columns are dropped for CE only; what is exact for both is to drop the *rows*
  of deviations to weakly dominated actions, which `incentives` does.
* Clones, actions of one player with the same payoffs for everybody, are merged. Adding the mass of clones turns a
  (C)CE of the game into one of the merged game; splitting it in fixed proportions turns one back, because which
  clone is recommended then says nothing about the others' play. Maximum entropy and maximum Gini are defined on the
  merged game and spread uniformly over clones, which makes them independent of duplicated actions.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from games.normal import NormalFormGame
from games.simplices import Float, Int


def surviving_actions(game: NormalFormGame) -> list[Int]:
    """Each player's actions left by iterated elimination of actions strictly dominated by a pure action."""
    kept: list[Int] = [np.arange(n, dtype=np.int64) for n in game.shape]
    payoffs = game.payoffs
    while True:
        removed = False
        for i in range(len(kept)):
            if kept[i].size == 1:
                continue
            table = np.ascontiguousarray(payoffs[i])
            stride = math.prod(table.shape[i + 1 :])
            keep = np.flatnonzero(~strictly_dominated(table.ravel(), table.shape[i], stride))
            if keep.size < kept[i].size:
                removed = True
                kept[i] = kept[i][keep]
                payoffs = np.take(payoffs, keep, axis=i + 1)
        if not removed:
            return kept


def undominated(game: NormalFormGame) -> tuple[NormalFormGame, list[Int] | None]:
    """The game without its iteratedly strictly dominated actions, and the actions left (None: all)."""
    if not any_dominated(game.flat, game.offsets):
        return game, None
    kept = surviving_actions(game)
    return NormalFormGame(game.payoffs[np.ix_(np.arange(len(kept)), *kept)]), kept


def expand(cells: Int, kept: list[Int]) -> Int:
    """Profiles int[K, P] of a reduced game as profiles of the game."""
    return np.column_stack([actions[cells[:, i]] for i, actions in enumerate(kept)])


def expand_index(index: Int, shape: tuple[int, ...], kept: list[Int] | None, full: tuple[int, ...]) -> Int:
    """The same for C-order indices of profiles."""
    if kept is None:
        return index
    parts = np.unravel_index(index, shape)
    return np.ravel_multi_index(tuple(actions[part] for actions, part in zip(kept, parts)), full)


def merge_clones(game: NormalFormGame) -> tuple[NormalFormGame, list[Int]]:
    """The game with one action of each set of clones, and for each player the class (int64[A_i]) of every action."""
    payoffs = game.payoffs
    classes: list[Int] = [np.arange(n, dtype=np.int64) for n in game.shape]
    changed = True
    while changed:
        changed = False
        for i in range(len(classes)):
            size = payoffs.shape[i + 1]
            rows = np.ascontiguousarray(np.moveaxis(payoffs, i + 1, 0)).reshape(size, -1)
            seen: dict[bytes, int] = {}
            label = np.array(
                [seen.setdefault((row + 0.0).tobytes(), len(seen)) for row in rows], dtype=np.int64
            )
            if len(seen) < size:
                changed = True
                representatives = np.unique(label, return_index=True)[1]
                payoffs = np.take(payoffs, representatives, axis=i + 1)
                classes[i] = label[classes[i]]
    reduced = game if payoffs is game.payoffs else NormalFormGame(payoffs)
    return reduced, classes


def spread_over_clones(tensor: Float, classes: list[Int]) -> Float:
    """A distribution on the merged game as one on the game itself, each class's mass split evenly."""
    for i, label in enumerate(classes):
        share = 1.0 / np.bincount(label)[label]
        tensor = np.take(tensor, label, axis=i) * share.reshape(
            [-1 if k == i else 1 for k in range(len(classes))]
        )
    return tensor


@njit(cache=True)
def strictly_dominated(payoff: Float, size: int, stride: int) -> NDArray[np.bool_]:
    """bool[size]: whether another action pays more whatever the others do."""
    out = np.zeros(size, dtype=np.bool_)
    for b in range(size):
        for c in range(size):
            if c == b or out[c]:
                continue
            worse = True
            for base in range(0, payoff.size, size * stride):
                for r in range(base, base + stride):
                    if payoff[r + b * stride] >= payoff[r + c * stride]:
                        worse = False
                        break
                if not worse:
                    break
            if worse:
                out[b] = True
                break
    return out


@njit(cache=True)
def any_dominated(flat: Float, offsets: Int) -> bool:
    """Whether some player has an action that another one strictly dominates."""
    stride = flat.shape[1]
    for i in range(flat.shape[0]):
        size = offsets[i + 1] - offsets[i]
        stride //= size
        if strictly_dominated(flat[i], size, stride).any():
            return True
    return False
