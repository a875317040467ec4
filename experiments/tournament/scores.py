"""Mean scores: the linear part of rankings, cell means weighted by how often an agent meets each cell."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from experiments.tournament.samples import Array, Float, Samples


class MeanScores:
    """The map from cells to mean scores of the agents of every role.

    An agent's score is its mean payoff against opponents drawn uniformly from their populations: in a symmetric table
    from the others (or from all, itself included), independently of each other. Missing cells are left out, and the
    mean is over those that are there.

    Parameters
    ----------
    samples : Samples
        The table.
    include_self : bool
        In a symmetric table, whether an agent meets itself too. With one agent it always does.
    """

    def __init__(self, samples: Samples, include_self: bool = False) -> None:
        from scipy.sparse import csr_array

        cells, roles = samples.cells.shape
        weight = np.ones((cells, roles))
        if samples.symmetric:
            times = (samples.cells[:, :, None] == samples.cells[:, None, :]).sum(axis=2)
            orders = math.factorial(roles - 1) / _repeats(times)
            weight *= orders[:, None]
            if not include_self and samples.shape[0] > 1:
                weight[times > 1] = 0.0
            sizes: tuple[int, ...] = (samples.shape[0],)
            row = samples.cells
        else:
            sizes = samples.shape
            row = samples.cells + np.cumsum([0, *sizes[:-1]])
        total = sum(sizes)
        self.cuts = np.cumsum([0, *sizes])
        self._shape = (cells, roles)
        entries = weight.ravel()
        column = np.arange(cells * roles)
        known = np.repeat(samples.known, roles)
        whole = np.bincount(row.ravel(), entries, total)
        met = np.bincount(row.ravel(), entries * known, total)
        entries = np.where(known, entries, 0.0) / np.where(met > 0, met, 1.0)[row.ravel()]
        self._map: Any = csr_array((entries, (row.ravel(), column)), shape=(total, cells * roles))
        self._none = met == 0
        self.partial: Array = met < 0.999999 * np.maximum(whole, met)
        if samples.expected > cells:  # cells that are not even listed
            self.partial = self.partial | (_listed(samples, include_self) > 0)

    def __call__(self, tables: Float) -> Float:
        """Scores float64[b, K of all roles] of cell means float64[b, C, P]; NaN for agents without a cell."""
        flat = np.nan_to_num(tables.reshape(len(tables), -1))
        scores = np.ascontiguousarray((self._map @ flat.T).T)
        scores[:, self._none] = math.nan
        return scores

    def counted(self) -> Array:
        """Whether each cell counts in each agent's score, bool[K of all roles, C]."""
        cells, roles = self._shape
        row, column = self._map.nonzero()
        out = np.zeros((self._map.shape[0], cells), dtype=bool)
        out[row, column // roles] = True
        return out


def _repeats(times: Array) -> Float:
    """The product of factorials of multiplicities of each cell; `times` int64[C, P] tells that of each position."""
    roots = [1.0, *(math.factorial(m) ** (1.0 / m) for m in range(1, times.shape[1] + 1))]
    return np.asarray(np.array(roots)[times].prod(axis=1))


def _listed(samples: Samples, include_self: bool) -> Array:
    """int64[K of all roles]: how many cells of each agent are not listed."""
    if samples.symmetric:
        size, roles = samples.shape[0], samples.roles
        once = (samples.cells[:, :, None] == samples.cells[:, None, :]).sum(axis=2) == 1
        alone = not include_self and size > 1
        owner = samples.cells[once] if alone else np.concatenate([np.unique(row) for row in samples.cells])
        others = size - 1 if alone else size
        due = math.comb(others + roles - 2, roles - 1)
        return due - np.bincount(owner, minlength=size)
    sizes = samples.shape
    counts = [np.bincount(samples.cells[:, p], minlength=size) for p, size in enumerate(sizes)]
    return np.concatenate([math.prod(sizes) // size - n for size, n in zip(sizes, counts)])
