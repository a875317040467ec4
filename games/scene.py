"""A picture as data: what stands where, for whoever draws it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Mark:
    """Something to draw.

    Parameters
    ----------
    kind : {"square", "disc", "arrow", "label", "line"}
        Squares and discs are centred at (x, y) and `size` wide; arrows and lines go from (x, y) by (dx, dy).
    x, y : float
        Position; y grows upwards.
    size : float
        Width in units of the scene.
    color : int
        Which of the drawer's colours; -1 is grey, -2 black.
    text : str
        Written in the middle.
    dx, dy : float
        Direction of arrows and lines.
    """

    kind: str
    x: float
    y: float
    size: float = 1.0
    color: int = 0
    text: str = ""
    dx: float = 0.0
    dy: float = 0.0


@dataclass(frozen=True)
class Scene:
    """One sub-environment at one moment.

    Parameters
    ----------
    width, height : float
        The part of the plane that is shown, from (0, 0).
    marks : tuple of Mark
        What is drawn, in order.
    points : float array (k, 2), optional
        Many small dots at once, as swarms need.
    headings : float array (k,), optional
        Radians; the dots become short arrows, coloured by them.
    density : float array (h, w), optional
        A raster over the whole plane, the lowest row first, in multiples of its mean: where there are too many for dots.
    drift : complex array (h, w), optional
        Of a density, the sum of unit vectors along headings in the same units.
    grid : bool
        Whether unit cells are drawn.
    text : str
        Shown below the picture, or instead of one.
    image : uint8 array (h, w, 3), optional
        A ready picture, which replaces everything else.
    """

    width: float = 1.0
    height: float = 1.0
    marks: tuple[Mark, ...] = ()
    points: npt.NDArray[np.float64] | None = None
    headings: npt.NDArray[np.float64] | None = None
    density: npt.NDArray[np.float64] | None = None
    drift: npt.NDArray[np.complex128] | None = None
    grid: bool = False
    text: str = ""
    image: Any = None
