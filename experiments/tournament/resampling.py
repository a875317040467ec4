"""Tables that other matches might have given: the Bayesian bootstrap of cell means (Rubin 1981).

Every sample gets an exponential weight, and the mean of a cell is the weighted mean of its samples. Samples of
different cells that share a seed share the weight, so that common random numbers stay common. Unlike counts of drawn
samples, weights are never all zero, however few samples a cell has and however differently seeds are spread.

The weighted mean of n samples varies by (n - 1) / (n + 1) times what the mean of n samples does; over many small cells
that would make intervals too narrow, so deviations from the mean are stretched accordingly (Rao and Wu 1988 do so for
the ordinary bootstrap). Of more than a hundred samples, neighbours share weights in blocks that grow with their place.

References: Rubin (1981), Annals of Statistics 9; Rao and Wu (1988), Journal of the American Statistical Association 83.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from experiments.tournament.samples import Array, Float, Samples

_SINGLES = 100  # samples with weights of their own, before blocks begin to grow
_AT_ONCE = 4_000_000  # numbers that a chunk of replicates may hold


class Replicates(NamedTuple):
    """A chunk of b replicates."""

    tables: Float
    """float64[b, C, P]: cell means; exact and missing cells as they are."""
    results: Float | None
    """float64[b, C, 3]: matches won by the first, tied and lost; of two roles."""


class Resampler:
    """Draws replicates of the cells of `samples`, whose luck is in `rng`."""

    def __init__(self, samples: Samples) -> None:
        from scipy.sparse import csr_array

        self.samples = samples
        cells, roles = samples.cells.shape
        weight, self.weights = _weights(samples)
        owner, ones = samples.cell_of, np.ones(len(samples.payoffs))
        mean = np.zeros((cells, roles))
        np.add.at(mean, owner, samples.payoffs)
        mean /= np.maximum(samples.count, 1)[:, None]
        values = samples.payoffs - mean[owner]
        self._sizes = csr_array((ones, (owner, weight)), shape=(cells, self.weights))
        columns = [values[:, p] for p in range(roles)]
        if roles == 2:
            columns += list(samples.results.T)
        row = np.concatenate([owner + k * cells for k in range(len(columns))])
        self._sums = csr_array(
            (np.concatenate(columns), (row, np.tile(weight, len(columns)))),
            shape=(len(columns) * cells, self.weights),
        )
        squares = self._sizes.multiply(self._sizes).sum(axis=1)
        effective = np.divide(
            samples.count.astype(float) ** 2, squares, out=np.ones(cells), where=squares > 0
        )
        varied = (effective > 1 + 1e-9) & ~samples.computed
        self._stretch = np.sqrt(
            np.divide(effective + 1, effective - 1, out=np.zeros(cells), where=varied)
        )  # zero where nothing varies: exact cells and single samples

    @property
    def thin(self) -> int:
        """Cells with a single sample, of whose spread nothing is known."""
        return int(((self.samples.count == 1) & ~self.samples.computed).sum())

    @property
    def varies(self) -> bool:
        """Whether any cell is resampled at all."""
        return bool((self._stretch > 0).any())

    def draw(self, rng: np.random.Generator, count: int) -> Iterator[Replicates]:
        """`count` replicates, in chunks."""
        cells, roles = self.samples.cells.shape
        rows = max(1, _AT_ONCE // max(self._sums.shape[0], self.weights, 1))
        for done in range(0, count, rows):
            b = min(rows, count - done)
            drawn = rng.standard_exponential((b, self.weights)).T
            sizes = (self._sizes @ drawn)[None]
            sums = (self._sums @ drawn).reshape(-1, cells, b)
            means = np.divide(sums, sizes, out=np.zeros_like(sums), where=sizes > 0)
            moved = means[:roles] * self._stretch[:, None]
            tables = self.samples.mean[None] + moved.transpose(2, 1, 0)
            results = None
            if roles == 2:
                results = (means[2:] * self.samples.count[:, None]).transpose(2, 1, 0)
            yield Replicates(tables, results)


def _weights(samples: Samples) -> tuple[Array, int]:
    """The weight that each sample has, int64[N], and how many there are."""
    if samples.seeds is None:
        place = np.arange(len(samples.payoffs)) - np.repeat(samples.start[:-1], samples.count)
        block = _block(place)
        blocks = int(block.max(initial=-1)) + 1
        _, weight = np.unique(samples.cell_of * blocks + block, return_inverse=True)
    else:
        _, first, which = np.unique(samples.seeds, return_index=True, return_inverse=True)
        order = np.argsort(np.argsort(first))  # seeds by first appearance
        _, weight = np.unique(_block(order[which]), return_inverse=True)
    return weight.ravel(), int(weight.max(initial=-1)) + 1


def _block(place: Array) -> Array:
    """Blocks of samples by their place: single ones first, then growing as the place."""
    far = np.maximum(place, _SINGLES) / _SINGLES
    grown = _SINGLES + np.floor(_SINGLES * np.log(far)).astype(np.int64)
    return np.where(place < _SINGLES, place, grown)
