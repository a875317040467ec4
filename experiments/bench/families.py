"""The random games of the benchmarks, drawn in a fixed order so that anyone can build the same ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from games import NormalFormGame
from games.simplices import Float


def uniform(seed: int, shape: Sequence[int]) -> Float:
    """float64[P, A1, ..., AP]: payoffs uniform on [0, 1), one player after the other."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.uniform(0, 1, tuple(shape)) for _ in shape])


def milli(seed: int, shape: Sequence[int]) -> Float:
    """float64[P, A1, ..., AP]: payoffs 0, 0.001, ..., 1, short decimals so that exact solvers are not penalised."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, 1001, tuple(shape)) / 1000 for _ in shape])


def zero_sum(seed: int, shape: Sequence[int]) -> Float:
    """float64[2, A1, A2]: row payoffs -1, -0.999, ..., 1; the column player gets minus that."""
    matrix = np.random.default_rng(seed).integers(-1000, 1001, tuple(shape)) / 1000
    return np.stack([matrix, -matrix])


def game(payoffs: Float) -> NormalFormGame:
    """Our game object, with its lazily computed facts in place: building it is outside every timing."""
    made = NormalFormGame(payoffs)
    _ = made.offsets, made.flat, made.span, made.digest
    return made


def size_name(shape: Sequence[int]) -> str:
    """``10x10``, or ``3^5`` for five and more players with equally many actions."""
    if len(shape) > 3 and len(set(shape)) == 1:
        return f"{shape[0]}^{len(shape)}"
    return "x".join(map(str, shape))
