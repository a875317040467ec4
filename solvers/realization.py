"""Mixed strategies of the strategic form and behaviour strategies of the tree, each from the other (Kuhn 1953).

With perfect recall every mixed strategy has a behaviour strategy that leads to the same plays with the same
probabilities whatever the others do, and conversely. Pure strategies are those of the reduced strategic form, in the
order of `TreeGame.to_normal`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from games import simplices
from games.efg_strategies import UNREACHED, most_rows, reduced
from games.efg_strategies import Sequences as Choices
from games.simplices import Float, Int
from games.tree import TreeGame
from games.tree_build import to_efg


class PureStrategies(NamedTuple):
    """One player's reduced pure strategies."""

    infosets: Int
    """int64[H]: the player's information sets."""
    table: Int
    """int32[strategies, H]: the action at each of them, -1 where the strategy's own choices do not lead."""


def pure_strategies(game: TreeGame) -> tuple[PureStrategies, ...]:
    """The reduced pure strategies of every player, in the order of the strategic form. O(strategies * infosets).

    Raises
    ------
    InputError
        If the game lacks perfect recall, or they are too many to list in memory.
    """
    game.require_perfect_recall("turning mixed into behaviour strategies")
    tree = to_efg(game)
    choices = Choices.of(tree)
    listed = []
    for i in range(len(game.players)):
        own = [k for k, block in enumerate(tree.infosets) if block.player == i]
        # information sets of the record are numbered from 1 in the order of this game
        infosets = np.array([tree.infosets[k].number - 1 for k in own], dtype=np.int64)
        listed.append(PureStrategies(infosets, reduced(tree, choices, own, most_rows(len(own)))))
    return tuple(listed)


def to_behavior(game: TreeGame, profile: Any) -> Float:
    """The behaviour strategies float64[slots] that a mixed profile of the reduced strategic form is equivalent to.

    Where a player's own strategy never leads, every action is as likely.

    Raises
    ------
    InputError
        As `pure_strategies`, or if the profile is not one of the strategic form.
    """
    listed = pure_strategies(game)
    offsets = simplices.offsets_of([len(own.table) for own in listed])
    flat = simplices.check_distribution(profile, offsets)
    weights = np.zeros(game.slots)
    for own, mixed in zip(listed, simplices.blocks(flat, offsets)):
        for k, h in enumerate(own.infosets.tolist()):
            chosen = own.table[:, k]
            at = chosen != UNREACHED
            np.add.at(weights, game.offsets[h] + chosen[at], mixed[at])
    return simplices.normalise(weights, game.offsets) if game.slots else weights


def to_mixed(game: TreeGame, behavior: Any) -> Float:
    """The mixed profile of the reduced strategic form, flat, that draws each choice independently.

    Raises
    ------
    InputError
        As `pure_strategies`, or if the behaviour strategy is not one of this game.
    """
    flat = game.check_behavior(behavior)
    parts = []
    for own in pure_strategies(game):
        mixed = np.ones(len(own.table))
        for k, h in enumerate(own.infosets.tolist()):
            chosen = own.table[:, k]
            mixed *= np.where(chosen == UNREACHED, 1.0, flat[game.offsets[h] + np.maximum(chosen, 0)])
        parts.append(mixed)
    return np.concatenate(parts)
