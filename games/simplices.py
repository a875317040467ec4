"""One layout for every strategy: a flat float64 vector cut into blocks, each block a distribution.

`offsets` is int32[K + 1] with block k at `vector[offsets[k]:offsets[k + 1]]`. A mixed strategy profile has one
block per player, a behaviour policy one per information set, a Markov policy one per state and player.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from games.errors import InputError

Float = NDArray[np.float64]
Int = NDArray[np.integer]

SUM_TOLERANCE = 1e-6
"""A block whose sum is further than this from 1 is refused as a distribution."""


def offsets_of(sizes: Sequence[int]) -> Int:
    """Offsets int32[K + 1] of blocks with these sizes."""
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)


def blocks(vector: Float, offsets: Int) -> list[Float]:
    """The blocks of `vector` as views, in order."""
    bounds = offsets.tolist()
    return [vector[a:b] for a, b in itertools.pairwise(bounds)]


def join(parts: Iterable[Sequence[float] | NDArray]) -> Float:
    """Concatenate blocks into one flat float64 vector."""
    return np.concatenate([np.asarray(part, dtype=np.float64).ravel() for part in parts])


def block_sums(vector: Float, offsets: Int) -> Float:
    """Sum of each block, float64[K]."""
    return np.add.reduceat(vector, offsets[:-1])


def block_maxima(vector: Float, offsets: Int) -> Float:
    """Maximum of each block, float64[K]."""
    return np.maximum.reduceat(vector, offsets[:-1])


def uniform(offsets: Int) -> Float:
    """Every block uniform."""
    sizes = np.diff(offsets)
    return np.repeat(1.0 / sizes, sizes)


def softmax(logits: Float, offsets: Int) -> Float:
    """Soft-max of each block, safe for any finite logits."""
    sizes = np.diff(offsets)
    weights = np.exp(logits - np.repeat(block_maxima(logits, offsets), sizes))
    return weights / np.repeat(block_sums(weights, offsets), sizes)


def normalise(weights: Float, offsets: Int) -> Float:
    """Non-negative weights scaled so that each block sums to one; a block of zeros becomes uniform."""
    sizes = np.diff(offsets)
    totals = block_sums(weights, offsets)
    flat = np.repeat(totals, sizes)
    return np.where(flat > 0, weights / np.where(flat > 0, flat, 1.0), np.repeat(1.0 / sizes, sizes))


def project(vector: Float) -> Float:
    """Euclidean projection of one block onto the simplex (Held, Wolfe and Crowder 1974), O(n log n)."""
    descending = np.sort(vector)[::-1]
    excess = np.cumsum(descending) - 1.0
    count = np.arange(1, vector.size + 1)
    k = int(np.nonzero(descending * count > excess)[0][-1])
    return np.maximum(vector - excess[k] / (k + 1), 0.0)


def pure(choices: Sequence[int], offsets: Int) -> Float:
    """The profile in which block k puts all mass on `choices[k]`."""
    vector = np.zeros(int(offsets[-1]))
    vector[offsets[:-1] + np.asarray(choices, dtype=np.int64)] = 1.0
    return vector


def check_distribution(vector: Float, offsets: Int, name: str = "profile") -> Float:
    """Return `vector` as float64[offsets[-1]] with blocks renormalised to sum one exactly.

    Raises
    ------
    InputError
        If the length is wrong, an entry is not finite or is below -1e-9, or a block does not sum to 1.
    """
    array = np.array(vector, dtype=np.float64).ravel()
    if array.size != int(offsets[-1]):
        raise InputError(f"{name} has {array.size} probabilities, expected {int(offsets[-1])}")
    if not np.all(np.isfinite(array)):
        raise InputError(f"{name} has a probability that is not a finite number")
    if array.min() < -1e-9:
        raise InputError(f"{name} has a negative probability, {array.min():g}")
    array = np.maximum(array, 0.0)
    sums = block_sums(array, offsets)
    worst = int(np.argmax(np.abs(sums - 1.0)))
    if abs(sums[worst] - 1.0) > SUM_TOLERANCE:
        raise InputError(f"{name}: the probabilities of block {worst} sum to {sums[worst]:.9g}, expected 1")
    return array / np.repeat(sums, np.diff(offsets))
