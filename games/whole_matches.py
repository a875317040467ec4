"""Whole matches in one compiled loop, where environment and policies allow it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from games.env import Env
from games.play import Array, Episodes
from games.policy import Policy

Player = Callable[[Array, Array, Array], Episodes]
"""``play(seating int[E, n], seeds uint64[E], acts uint64[E]) -> Episodes``."""


def whole_matches(env: Env, cast: Sequence[Sequence[Policy | None]], max_steps: int | None) -> Player | None:
    """A compiled loop for matches between these agents, or None.

    Its results are those of `games.assigned.Assigned` step by step, bit for bit.

    Parameters
    ----------
    env : Env
        The environment.
    cast : sequence of sequences of Policy or None
        How each agent plays each seat.
    max_steps : int, optional
        Matches are cut off after so many steps.
    """
    from games.sims.repeated import RepeatedRules
    from games.sims.tree import TreeRules

    rules: Any = getattr(env, "rules", None)
    if isinstance(rules, TreeRules):
        from games.sims.tree_matches import tree_matches

        return tree_matches(env, cast, max_steps)
    if isinstance(rules, RepeatedRules):
        from games.sims.strategy_matches import strategy_matches

        return strategy_matches(env, cast, max_steps)
    return None
