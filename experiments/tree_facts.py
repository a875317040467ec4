"""What there is to say about a tree: its nodes, who knows what, and how large its strategic form would be."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from games.errors import InputError
from games.plan_counts import check_plans, count_plans
from games.tree import CHANCE, TreeGame

CELLS_AT_ONCE = 2_000_000
"""A strategic form with more cells than this is built only when asked for."""


class Size(NamedTuple):
    """The reduced strategic form, before it is built."""

    counts: tuple[int, ...]
    """Pure strategies of each player, cut at 1e200; with imperfect recall an upper bound."""
    fits: bool
    reason: str
    """Why it does not fit."""

    @property
    def cells(self) -> int:
        """How many joint profiles there are."""
        return math.prod(self.counts)


def strategic_size(game: TreeGame) -> Size:
    """How large the reduced strategic form is, counted without building it. O(slots)."""
    counts = tuple(count_plans(game, "reduced" if game.perfect_recall else "full"))
    try:
        check_plans(game)
    except InputError as error:
        return Size(counts, False, str(error))
    return Size(counts, True, "")


def tree_facts(game: TreeGame) -> dict[str, Any]:
    """Everything `info` says of a tree, as one record; lists go by player."""
    players = range(len(game.players))
    moves = np.bincount(game.player[game.player >= 0], minlength=len(players))
    sets = np.bincount(game.owner, minlength=len(players))
    actions = np.bincount(game.owner, weights=np.diff(game.offsets), minlength=len(players)).astype(int)
    size = strategic_size(game)
    return {
        "title": game.title,
        "players": list(game.players),
        "nodes": game.nodes,
        "terminal_nodes": len(game.terminals),
        "chance_nodes": int((game.player == CHANCE).sum()),
        "decision_nodes": moves.tolist(),
        "information_sets": sets.tolist(),
        "actions": actions.tolist(),
        "sequences": (actions + 1).tolist(),
        "depth": len(game.levels) - 1,
        "perfect_recall": game.perfect_recall,
        "recall_problem": game.recall_problem,
        "constant_sum": game.constant_sum(),
        "payoff_ranges": [[float(row.min()), float(row.max())] for row in game.payoff],
        "span": game.span,
        "strategic_form": {"shape": list(size.counts), "fits": size.fits, "reason": size.reason or None},
    }
