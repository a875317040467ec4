"""Where pictures are drawn: on the axes that are given, or on new ones that the notebook shows below the cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from games.errors import InputError


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


def axes_for(
    axes: Axes | Sequence[Axes] | None, count: int, what: str, width: float, height: float, columns: int = 3
) -> list[Axes]:
    """The given axes, which must be as many as are needed, or new ones.

    Parameters
    ----------
    axes : Axes, sequence of Axes or None
        Where to draw.
    count : int
        How many are needed.
    what : str
        What each shows, in the plural, for the refusal.
    width, height, columns
        As in `new_axes`.

    Raises
    ------
    InputError
        If there are more or fewer.
    """
    if axes is None:
        return new_axes(count, width, height, columns)
    given: list[Any] = list(np.ravel(np.array(axes, dtype=object)))
    if len(given) != count:
        raise InputError(f"{len(given)} axes were given for {count} {what}; give one for each")
    return given
