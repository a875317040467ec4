"""What to look for among the equilibria: objectives by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from games.errors import InputError
from games.simplices import Float

NAMES = ("welfare", "min-welfare", "player:K", "min-player:K", "egalitarian", "entropy", "gini", "any")


@dataclass(frozen=True)
class Goal:
    """An objective: its name, its kind, and for linear kinds the sign (-1 minimises) and the player (or None)."""

    name: str
    kind: Literal["linear", "egalitarian", "entropy", "gini", "any"]
    sign: float = 1.0
    player: int | None = None

    def weights(self, players: int) -> Float:
        """The payoffs' weights in the sum to be maximised, float64[P] (welfare for the other kinds)."""
        if self.player is None:
            return np.full(players, self.sign)
        weights = np.zeros(players)
        weights[self.player] = self.sign
        return weights

    def value(self, payoffs: Float) -> float | None:
        """The objective at these payoffs, in payoff units; None where it is not a function of payoffs."""
        if self.kind == "egalitarian":
            return float(payoffs.min())
        if self.kind != "linear":
            return None
        return float(payoffs.sum() if self.player is None else payoffs[self.player])

    def of_distribution(self, x: Float) -> float:
        """Entropy in nats, or 1 - sum x^2."""
        if self.kind == "gini":
            return 1.0 - float(x @ x)
        live = x[x > 0]
        return -float(live @ np.log(live))

    def dual_sign(self, bound: float) -> float:
        """The bound on entropy or Gini that a lower bound on sum x log x or sum x^2 means."""
        return 1.0 - bound if self.kind == "gini" else -bound


def goal_of(objective: str, players: int) -> Goal:
    """Parse the name of an objective.

    Raises
    ------
    InputError
        If it is unknown, or names a player that the game does not have.
    """
    if objective in ("welfare", "min-welfare"):
        return Goal(objective, "linear", -1.0 if objective.startswith("min") else 1.0)
    if objective in ("egalitarian", "entropy", "gini", "any"):
        return Goal(objective, objective)  # type: ignore[arg-type]
    head, colon, tail = objective.partition(":") if isinstance(objective, str) else ("", "", "")
    if head in ("player", "min-player") and colon:
        if tail.isascii() and tail.isdigit() and int(tail) < players:
            return Goal(objective, "linear", -1.0 if head.startswith("min") else 1.0, int(tail))
        raise InputError(
            f"objective {objective!r} names no player of this game; players are numbered 0 to {players - 1}"
        )
    raise InputError(f"unknown objective {objective!r}; known are {', '.join(NAMES)} with K a player from 0")
