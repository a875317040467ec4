"""What every solver returns: a claim with its provenance and its certificate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal

import numpy as np

from games.joint import Joint, Mixture
from games.meanfield import MeanFieldModel
from games.normal import NormalFormGame
from games.simplices import Float
from games.tree import TreeGame
from games.tree_strategies import BehaviorMixture, CorrelationPlan

Concept = Literal["cce", "ce", "nash", "qre", "alpharank", "efce", "efcce"]

Progress = Callable[[float, str], None]
"""Called now and then with (fraction done or nan, what is happening); may raise KeyboardInterrupt."""


class Status(StrEnum):
    """Why the solver stopped. Not converging is a result; misuse is an `InputError`."""

    CONVERGED = "converged"
    BUDGET = "budget"  # iterations, seconds or the user's patience ran out; the best answer so far is given
    DEGENERATE = (
        "degenerate"  # an answer, but one of a continuum or of a set the method cannot list completely
    )
    NUMERICAL = "numerical"  # rounding stopped the method before its tolerance


@dataclass(frozen=True, eq=False, repr=False)
class Solution:
    """An equilibrium claim about one game.

    Parameters
    ----------
    game : NormalFormGame | TreeGame | MeanFieldModel
        The game the claim is about, held by reference (records written to disk carry its digest).
    concept : {"cce", "ce", "nash", "qre", "alpharank", "efce", "efcce"}
        What is claimed; on a tree, "cce" is the normal-form CCE and "qre" the agent QRE.
    strategy : float64[sum(A)] | float64[slots] | Joint | Mixture | BehaviorMixture | CorrelationPlan
        A mixed profile in flat layout for Nash and QRE (on a tree, a behaviour strategy profile; in a
        mean-field game, a policy float64[T, X, U]), otherwise a joint distribution.
    status : Status
        Why the solver stopped.
    method : str
        The algorithm, as a user would name it.
    parameters : mapping
        What the method was asked, for example ``{"lambda": 2.0}`` or ``{"objective": "welfare"}``.
    stats : mapping
        What it took: "seconds", "iterations" and what else the method counts.
    """

    game: NormalFormGame | TreeGame | MeanFieldModel
    concept: Concept
    strategy: Float | Joint | Mixture | BehaviorMixture | CorrelationPlan
    status: Status
    method: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    stats: Mapping[str, Any] = field(default_factory=dict)

    @property
    def profile(self) -> Float | None:
        """The mixed profile float64[sum(A)], or None when play is correlated or the game has no normal form here."""
        return None if isinstance(self.game, TreeGame | MeanFieldModel) else self._independent

    @property
    def behavior(self) -> Float | None:
        """On a tree, the behaviour strategy profile float64[slots]; None when play is correlated."""
        return self._independent if isinstance(self.game, TreeGame) else None

    @property
    def policy(self) -> Float | None:
        """In a mean-field game, what every agent plays, float64[T, X, U]; None elsewhere."""
        return self._independent if isinstance(self.game, MeanFieldModel) else None

    @property
    def _independent(self) -> Float | None:
        return self.strategy if isinstance(self.strategy, np.ndarray) else None

    @property
    def joint(self) -> Joint | Mixture | None:
        """The joint distribution over pure profiles, or None when players randomise independently or on a tree."""
        return self.strategy if isinstance(self.strategy, Joint | Mixture) else None

    @property
    def values(self) -> Float:
        """Expected payoff of each player, float64[P], as the certificate recomputed it."""
        return self.certificate.values

    @cached_property
    def certificate(self) -> Any:
        """The distance of the claim from equilibrium, recomputed from the game alone (a `Certificate`)."""
        from solvers.certificate import certify

        return certify(self.game, self.strategy, self.concept, **self._certified_parameters())

    def _certified_parameters(self) -> dict[str, Any]:
        names = {"qre": ("lambda", "form"), "alpharank": ("alpha", "population", "epsilon")}.get(
            self.concept, ()
        )
        return {
            {"lambda": "lam"}.get(name, name): self.parameters[name]
            for name in names
            if name in self.parameters
        }

    def __repr__(self) -> str:
        values = ", ".join(f"{v:.6g}" for v in self.values)
        return f"Solution({self.concept}, values=({values}), {self.status.value}, {self.method}, {self.certificate!r})"

    def _repr_html_(self) -> str:
        from solvers.show import solution_html

        return solution_html(self)


class Solutions(tuple[Solution, ...]):
    """Several solutions: a tuple that notebooks show as one table."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from solvers.show_many import solutions_html

        return solutions_html(self)
