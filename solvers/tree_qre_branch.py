"""A traced branch of the agent logit correspondence of a tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from games.simplices import Float
from games.tree import TreeGame
from solvers.qre_branch import Branch
from solvers.solution import Solution, Status
from solvers.tree_qre_scaled import TreeScaled


@dataclass(frozen=True, eq=False, repr=False)
class AgentBranch(Branch):
    """Points in order along the principal branch of the agent logit correspondence; fields as in `Branch`.

    A profile is here a behaviour strategy profile float64[slots], and `regrets` are the larger of two: the most that a
    player gains by replanning for the whole tree, and the most that an agent gains where it moves, given that play
    got there, likely or not. Limits are sequential equilibria, and only the second regret speaks of what is off the path.
    """

    game: TreeGame

    @property
    def behaviors(self) -> Float:
        """Behaviour strategy profiles float64[T, slots] at the points."""
        return self.profiles

    @property
    def _scaled(self) -> Any:
        return self.scaled if self.scaled is not None else TreeScaled.of(self.game)

    def _solution(self, lam: float, x: Float, stats: Mapping[str, Any]) -> Solution:
        answer = super()._solution(lam, x, stats)
        if answer.status is not Status.NUMERICAL or np.all(np.exp(x) > 0):
            return answer
        reason = (
            "some probabilities underflow, so that beliefs where they lead cannot be recomputed from the profile; "
            "the branch holds their logarithms"
        )
        return replace(answer, stats={**answer.stats, "reason": reason})

    def __repr__(self) -> str:
        return "Agent" + super().__repr__()
