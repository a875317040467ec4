"""Pictures of swarms: points or arrows for the few, a raster for crowds, the mean marked in both."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from games.scene import Mark, Scene

Array = npt.NDArray[Any]
CROWD = 3_000
"""More agents than this are drawn as a raster of how many stand where."""
_PER_CELL, _LEAST, _MOST = 6, 24, 90
"""A raster has so many agents in a cell, on average, unless it would have fewer or more cells along each side than this."""
_BLACK = -2


def aggregation_scene(places: Array, box: float) -> Scene:
    """Everybody as a point in the box [-box, box]^2, a cross at the mean.

    Parameters
    ----------
    places : float64[2, N]
        Positions.
    box : float
        Half the side of the box.
    """
    centre = places.mean(axis=1)
    spread = float(np.abs(places - centre[:, None]).sum(axis=0).mean())
    x, y = (centre + box).tolist()
    arm = 0.06 * box
    marks = (
        Mark("line", x - arm, y, dx=2 * arm, color=_BLACK),
        Mark("line", x, y - arm, dy=2 * arm, color=_BLACK),
    )
    text = f"{places.shape[1]:,} agents, mean L1 distance from their centre {spread:.3f}"
    points = (places + box).T
    if len(points) <= CROWD:
        return Scene(2 * box, 2 * box, marks, points=points, text=text)
    return Scene(2 * box, 2 * box, marks, density=raster(points / (2 * box)), text=text)


def heading_scene(places: Array, vectors: Array) -> Scene:
    """Everybody on the unit torus as a short arrow, and the mean of all unit vectors as a long one.

    Parameters
    ----------
    places : float64[3, N]
        Positions and headings.
    vectors : float64[2, N]
        Unit vectors along the headings.
    """
    x, y, headings = places
    along, across = vectors.mean(axis=1).tolist()
    order, reach = math.hypot(along, across), 0.3
    marks: tuple[Mark, ...] = ()
    if order > 1e-3:
        start = 0.5 - 0.5 * reach * along, 0.5 - 0.5 * reach * across
        marks = (Mark("arrow", *start, dx=reach * along, dy=reach * across, color=_BLACK),)
    points = np.stack([x, y], axis=1)
    text = f"{len(points):,} agents, order R = {order:.3f}"
    if len(points) <= CROWD:
        return Scene(1.0, 1.0, marks, points=points, headings=headings.copy(), text=text)
    drift = raster(points, vectors[0]) + 1j * raster(points, vectors[1])
    return Scene(1.0, 1.0, marks, density=raster(points), drift=drift, text=text)


def raster(points: Array, weights: Array | None = None) -> Array:
    """How many points float64[N, 2] of the unit square, or how much of `weights` float64[N], each cell holds.

    Returns
    -------
    float64[cells, cells]
        In multiples of the mean number of points in a cell; the first axis is y.
    """
    cells = int(np.clip(math.sqrt(len(points) / _PER_CELL), _LEAST, _MOST))
    cell = np.clip((points * cells).astype(np.int64), 0, cells - 1)
    counts = np.bincount(cell[:, 1] * cells + cell[:, 0], weights=weights, minlength=cells**2)
    return counts.reshape(cells, cells) * (cells**2 / max(len(points), 1))
