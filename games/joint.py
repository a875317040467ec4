"""Correlated play: sparse joint distributions and mixtures of product profiles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from games import simplices
from games.errors import InputError
from games.simplices import Float, Int


@dataclass(frozen=True, eq=False)
class Joint:
    """A distribution over joint pure profiles, stored sparse.

    Parameters
    ----------
    cells : int32[K, P]
        The profiles with positive probability, one action index per player.
    probs : float64[K]
        Their probabilities; renormalised to sum to one.
    shape : tuple of int
        Number of actions of each player.
    """

    cells: Int
    probs: Float
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        cells = np.array(self.cells, dtype=np.int32, order="C")
        probs = simplices.check_distribution(
            self.probs, np.array([0, len(self.probs)], dtype=np.int32), "joint distribution"
        )
        if cells.ndim != 2 or cells.shape != (probs.size, len(self.shape)):
            raise InputError(
                f"joint distribution has cells of shape {cells.shape} for {probs.size} probabilities"
            )
        if np.any(cells < 0) or np.any(cells >= np.asarray(self.shape)):
            raise InputError("joint distribution names an action that the game does not have")
        cells.setflags(write=False)
        probs.setflags(write=False)
        object.__setattr__(self, "cells", cells)
        object.__setattr__(self, "probs", probs)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))

    @classmethod
    def from_dense(cls, tensor: Any, tolerance: float = 0.0) -> Joint:
        """Keep the cells of `tensor` [A1, ..., AP] whose probability exceeds `tolerance`, largest first."""
        dense = np.asarray(tensor, dtype=np.float64)
        flat = dense.ravel()
        index = np.flatnonzero(flat > tolerance)
        index = index[np.lexsort((index, -flat[index]))]
        cells = np.stack(np.unravel_index(index, dense.shape), axis=1)
        return cls(cells, flat[index] / flat[index].sum(), dense.shape)

    @classmethod
    def from_indices(cls, indices: Any, probs: Any, shape: tuple[int, ...]) -> Joint:
        """Cells given by their C-order index; those of probability zero are dropped, the largest come first."""
        index, weight = np.asarray(indices), np.asarray(probs, dtype=np.float64)
        keep = np.flatnonzero(weight > 0)
        keep = keep[np.lexsort((index[keep], -weight[keep]))]
        return cls(
            np.stack(np.unravel_index(index[keep], shape), axis=1), weight[keep] / weight[keep].sum(), shape
        )

    @property
    def support_size(self) -> int:
        """Number of profiles with positive probability."""
        return int(self.probs.size)

    def dense(self) -> Float:
        """The distribution as a tensor float64[A1, ..., AP]."""
        tensor = np.zeros(self.shape)
        np.add.at(tensor, tuple(self.cells.T), self.probs)
        return tensor

    def marginals(self) -> Float:
        """Each player's marginal, float64[sum(A)] in flat layout."""
        parts = [np.bincount(self.cells[:, i], self.probs, n) for i, n in enumerate(self.shape)]
        return simplices.join(parts)


@dataclass(frozen=True, eq=False)
class Mixture:
    """A mixture of T product profiles: nature draws t once, then players randomise independently.

    Parameters
    ----------
    weights : float64[T]
        Probability of each profile.
    profiles : float64[T, sum(A)]
        Mixed strategy profiles in flat layout.
    shape : tuple of int
        Number of actions of each player.
    """

    weights: Float
    profiles: Float
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        profiles = np.array(self.profiles, dtype=np.float64, order="C")
        weights = simplices.check_distribution(
            self.weights, np.array([0, len(self.weights)], dtype=np.int32), "mixture weights"
        )
        if profiles.shape != (weights.size, sum(self.shape)):
            raise InputError(f"mixture has profiles of shape {profiles.shape} for {weights.size} weights")
        weights.setflags(write=False)
        profiles.setflags(write=False)
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "profiles", profiles)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))

    def dense(self) -> Float:
        """The induced joint distribution float64[A1, ..., AP]: one matrix product over the two halves of players."""
        parts = [
            self.profiles[:, a:b] for a, b in zip(np.cumsum([0, *self.shape[:-1]]), np.cumsum(self.shape))
        ]
        cut = _balanced_cut(self.shape)
        left = _row_products(parts[:cut]) * self.weights[:, None]
        return (left.T @ _row_products(parts[cut:])).reshape(self.shape)

    def joint(self) -> Joint:
        """The induced joint distribution, sparse."""
        return Joint.from_dense(self.dense())

    def marginals(self) -> Float:
        """Each player's marginal, float64[sum(A)] in flat layout."""
        return self.weights @ self.profiles


def _row_products(parts: list[Float]) -> Float:
    """Outer product of the blocks, row by row: float64[T, prod]."""
    rows = parts[0].shape[0] if parts else 1
    product = np.ones((rows, 1))
    for part in parts:
        product = (product[:, :, None] * part[:, None, :]).reshape(rows, -1)
    return product


def _balanced_cut(shape: tuple[int, ...]) -> int:
    """Where to split the players so that the two halves have the least total size."""
    if len(shape) == 1:
        return 1
    return min(range(1, len(shape)), key=lambda k: math.prod(shape[:k]) + math.prod(shape[k:]))
