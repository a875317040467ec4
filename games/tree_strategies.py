"""Correlated play on a tree: mixtures of behaviour strategy profiles, and correlation plans."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from games.errors import InputError
from games.simplices import Float, Int


@dataclass(frozen=True, eq=False)
class BehaviorMixture:
    """Nature draws one behaviour strategy profile before the game; everybody plays it to the end.

    Parameters
    ----------
    weights : float64[T]
        Probability of each profile; scaled to sum to one.
    behaviors : float64[T, slots]
        The profiles, as flat behaviour strategies.
    """

    weights: Float
    behaviors: Float

    def __post_init__(self) -> None:
        weights, behaviors = np.asarray(self.weights, float), np.asarray(self.behaviors, float)
        if behaviors.ndim != 2 or weights.shape != behaviors.shape[:1] or not len(weights):
            raise InputError(f"{weights.shape} weights do not fit profiles of shape {behaviors.shape}")
        total = weights.sum()
        if not (np.isfinite(total) and total > 0 and weights.min() >= 0):
            raise InputError("weights of a mixture are non-negative and not all zero")
        object.__setattr__(self, "weights", weights / total)
        object.__setattr__(self, "behaviors", behaviors)

    def __len__(self) -> int:
        return len(self.weights)


@dataclass(frozen=True, eq=False)
class CorrelationPlan:
    """A correlation plan of a two-player game (von Stengel and Forges 2008): joint sequence probabilities.

    Parameters
    ----------
    first, second : int32[K]
        A pair of sequences, each given by its last move's slot in a flat behaviour strategy, -1 for the empty one.
    prob : float64[K]
        Probability that the mediator recommends both sequences; every relevant pair of the game is listed once.
    """

    first: Int
    second: Int
    prob: Float

    def __post_init__(self) -> None:
        if not len(self.first) == len(self.second) == len(self.prob):
            raise InputError("a correlation plan needs one probability per pair of sequences")
        for name, kind in (("first", np.int32), ("second", np.int32), ("prob", np.float64)):
            array = np.array(getattr(self, name), dtype=kind)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
