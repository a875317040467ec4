"""What a mean field looks like as a short vector: a histogram, or weights of Gaussian kernels, over a grid.

Features of a swarm are features of its empirical law, so they do not depend on how agents are numbered, and they are
what central training sees as `Step.state`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from games.stream_kernels import BARE

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class FeatureGrid:
    """Features of a mean field over a grid of cells.

    Parameters
    ----------
    kind : {"histogram", "kernel"}
        Histogram: the share of agents in each cell. Kernel: each agent is shared out among all cells in proportion to
        exp(-d^2 / (2 w^2)), d its distance from the centre of the cell (around the circle where periodic) and w half a
        cell; unlike a histogram this is a Lipschitz function of the mean field.
    cells : tuple of int
        Cells along each coordinate; the last coordinate runs fastest.
    low, high : tuple of float
        Bounds of each coordinate.
    periodic : tuple of bool
        Which coordinates close to a circle.
    scale : float
        The features sum to this, so that networks meet numbers of size about 1.

    Examples
    --------
    >>> grid = FeatureGrid("histogram", (2, 2), (0, 0), (1, 1), (False, False), scale=4)
    >>> grid(np.array([[[0.1, 0.9], [0.1, 0.8]]])).tolist()
    [[2.0, 0.0, 0.0, 2.0]]
    """

    kind: str
    cells: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    periodic: tuple[bool, ...]
    scale: float = 10.0

    @property
    def size(self) -> int:
        """Number of features, M."""
        return prod(self.cells)

    @cached_property
    def _arrays(self) -> tuple[Array, Array, Array, Array]:
        width = (np.array(self.high) - np.array(self.low)) / np.array(self.cells)
        return (
            np.array(self.cells, dtype=np.int64),
            np.array(self.low, dtype=float),
            width,
            np.array(self.periodic),
        )

    def __call__(self, places: Array) -> Array:
        """Features float32[B, M] of agents float64[B, d, N], the coordinates of `cells` in this order."""
        cells, low, width, periodic = self._arrays
        out = np.zeros((len(places), self.size))
        if self.kind == "histogram":
            count_cells(places, cells, low, width, np.empty(places.shape[2], dtype=np.int32), out)
        else:
            weights = np.empty((len(cells), int(cells.max())))
            share_out(places, cells, low, width, periodic, weights, out)
        return (out * (self.scale / places.shape[2])).astype(np.float32)


@njit(**BARE)
def _number_along(places: Any, low: Any, per_unit: Any, cells: Any, number: Any) -> None:
    """Go on numbering cells, int32[N], by one more coordinate; who stands outside counts in the nearest cell."""
    top = cells - 1.0
    for i in range(places.shape[0]):
        number[i] = number[i] * cells + np.int32(min(max((places[i] - low) * per_unit, 0.0), top))


@njit(**BARE)
def count_cells(places: Any, cells: Any, low: Any, width: Any, number: Any, out: Any) -> None:
    """Add to ``out`` float64[B, M] how many agents stand in each cell; ``number`` int32[N] is work space.

    One coordinate of everybody after the other, as such loops run on vector units.
    """
    for b in range(places.shape[0]):
        for i in range(number.shape[0]):
            number[i] = 0
        for d in range(cells.shape[0]):
            _number_along(places[b, d], low[d], 1.0 / width[d], np.int32(cells[d]), number)
        for i in range(number.shape[0]):
            out[b, number[i]] += 1.0


@njit(**BARE)
def share_out(places: Any, cells: Any, low: Any, width: Any, periodic: Any, weights: Any, out: Any) -> None:
    """Add to ``out`` float64[B, M] every agent's kernel weights, which sum to 1.

    On a grid the weights are products of weights along each coordinate, and so are their sums.
    """
    last = cells.shape[0] - 1
    heads = out.shape[1] // cells[last]
    for b in range(places.shape[0]):
        for i in range(places.shape[2]):
            for d in range(last + 1):
                total = 0.0
                for k in range(cells[d]):
                    gap = abs((places[b, d, i] - low[d]) / width[d] - k - 0.5)
                    if periodic[d]:
                        gap = min(gap, cells[d] - gap)
                    weights[d, k] = math.exp(-2.0 * gap * gap)
                    total += weights[d, k]
                for k in range(cells[d]):
                    weights[d, k] /= total
            for head in range(heads):
                rest, weight = head, 1.0
                for d in range(last - 1, -1, -1):
                    weight *= weights[d, rest % cells[d]]
                    rest //= cells[d]
                for k in range(cells[last]):
                    out[b, head * cells[last] + k] += weight * weights[last, k]
