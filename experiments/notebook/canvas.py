"""Where pictures are drawn: on the axes that are given, or on new ones that the notebook shows below the cell."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes


def axes_or_new(axes: Axes | None, width: float = 6.4, height: float = 4.2) -> Axes:
    """The given axes, or those of a new figure (in inches)."""
    return new_axes(1, width, height)[0] if axes is None else axes


def new_axes(count: int, width: float = 5.2, height: float = 3.8, columns: int = 3) -> list[Axes]:
    """Axes side by side in a new figure of pyplot, which notebooks show below the cell.

    Parameters
    ----------
    count : int
        How many.
    width, height : float
        Inches of each.
    columns : int
        At most so many in a row.
    """
    from matplotlib import pyplot

    across = min(count, columns)
    down = -(-count // across)
    figure, grid = pyplot.subplots(
        down, across, figsize=(width * across, height * down), layout="constrained", squeeze=False
    )
    figure.set_dpi(80)
    panels: list[Any] = list(np.ravel(grid))
    for axes in panels[count:]:
        axes.set_visible(False)
    return panels[:count]
