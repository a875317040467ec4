"""Swarms as one would first write them in numpy, all pairs and all agents at once: what our simulator is timed and
tested against.

Letters: B swarms, N agents. Nothing here is shared with `games.sims`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def order_seen(positions: Array, headings: Array, radius: float) -> Array:
    """Local order of every agent in its own frame, complex[B, N]: sums over all j within `radius`, divided by N.

    Parameters
    ----------
    positions : float64[B, N, 2]
        On the unit torus.
    headings : float64[B, N]
        Radians.
    radius : float
        How far agents see.
    """
    gap = np.abs(positions[:, :, None] - positions[:, None])
    near = (np.minimum(gap, 1 - gap) ** 2).sum(axis=-1) <= radius**2
    own = np.exp(1j * headings)
    around: Array = np.conj(own) * (near @ own[..., None])[..., 0] / headings.shape[1]
    return around


def order_seen_tuned(positions: Array, headings: Array, radius: float) -> Array:
    """The same as `order_seen` with numpy made to hurry: one coordinate at a time, real matrix products."""
    near = np.zeros((*headings.shape, headings.shape[1]))
    for place in (positions[..., 0], positions[..., 1]):
        gap = np.abs(place[:, :, None] - place[:, None])
        near += np.minimum(gap, 1 - gap) ** 2
    vectors = np.stack([np.cos(headings), np.sin(headings)], axis=-1)
    sums = (near <= radius**2).astype(float) @ vectors / headings.shape[1]
    around: Array = (sums @ np.array([1, 1j])) * np.exp(-1j * headings)
    return around


def vicsek_step(
    positions: Array,
    headings: Array,
    actions: Array,
    rng: np.random.Generator,
    *,
    v: float = 0.07,
    omega: float = 0.2,
    radius: float = 0.25,
    sigma_phi: float = 0.02,
    c_d: float = 1.0,
    c_a: float = 0.1,
    order_of: Callable[[Array, Array, float], Array] = order_seen,
) -> tuple[Array, Array, Array, Array]:
    """One step of Vicsek with actions float64[B, N]: positions, headings, observations [B, N, 2], rewards [B].

    `order_of` is how the local order is found: `order_seen` or `order_seen_tuned`.
    """
    order = np.abs(np.exp(1j * headings).mean(axis=1))
    reward = -c_d * (1 - order) - c_a * np.abs(actions).mean(axis=1)
    along = np.stack([np.cos(headings), np.sin(headings)], axis=-1)
    positions = (positions + v * along) % 1.0
    headings = (headings + omega * actions + sigma_phi * rng.normal(size=headings.shape)) % (2 * np.pi)
    z = order_of(positions, headings, radius) / (np.pi * radius**2)
    return positions, headings, np.stack([z.real, z.imag], axis=-1), reward


def neighbours(positions: Array, radius: float) -> Array:
    """Who is within `radius` of whom on the unit torus, bool[B, N, N], oneself included."""
    gap = np.abs(positions[:, :, None] - positions[:, None])
    near: Array = (np.minimum(gap, 1 - gap) ** 2).sum(axis=-1) <= radius**2
    return near


def kuramoto_step(
    near: Array,
    headings: Array,
    actions: Array,
    rng: np.random.Generator,
    *,
    omega: float = 0.2,
    radius: float = 0.25,
    sigma_phi: float = 0.02,
    c_d: float = 1.0,
    c_a: float = 0.1,
) -> tuple[Array, Array, Array]:
    """One step of Kuramoto, where nobody moves: headings, observations [B, N, 2], rewards [B].

    Neighbours are found once per episode (`neighbours`) and given as float64[B, N, N], for products of real matrices.
    """
    order = np.hypot(np.cos(headings).mean(axis=1), np.sin(headings).mean(axis=1))
    reward = -c_d * (1 - order) - c_a * np.abs(actions).mean(axis=1)
    headings = (headings + omega * actions + sigma_phi * rng.normal(size=headings.shape)) % (2 * np.pi)
    c, s = np.cos(headings), np.sin(headings)
    sums = near @ np.stack([c, s], axis=-1) / (headings.shape[1] * np.pi * radius**2)
    seen = np.stack([c * sums[..., 0] + s * sums[..., 1], c * sums[..., 1] - s * sums[..., 0]], axis=-1)
    return headings, seen, reward


def aggregation_step(
    positions: Array,
    actions: Array,
    rng: np.random.Generator,
    *,
    v: float = 0.1,
    sigma: float = 0.04,
    c_d: float = 1.0,
    c_a: float = 0.1,
    box: float = 2.0,
) -> tuple[Array, Array, Array]:
    """One step of Aggregation with actions float64[B, N, 2]: positions, observations [B, N, 2], rewards [B]."""
    actions = actions / np.maximum(1, np.linalg.norm(actions, axis=-1, keepdims=True))
    centre = positions.mean(axis=1, keepdims=True)
    spread = np.abs(positions - centre).sum(axis=-1).mean(axis=1)
    reward = -c_d * spread - c_a * np.abs(actions).sum(axis=-1).mean(axis=1)
    moved = positions + v * actions + sigma * rng.normal(size=positions.shape)
    positions = np.clip(moved, -box, box)
    seen = np.clip(positions + sigma * rng.normal(size=positions.shape), -box, box)
    return positions, seen, reward
