"""How a learned graph is made sparser until agents act alone.

Source: the authors' code for SMAC (`dchen48/BNPG`). The wanted density falls from 1 to 0 in equal parts from two fifths of
the run on; from seven tenths on the weight of the distance from it grows.
"""

from __future__ import annotations

from math import ceil

_FALLS, _GROWS = 0.4, 0.7
"""Where in the run the density begins to fall and its weight to grow."""


def schedule(iteration: int, iterations: int, decays: int, weight: float, last: float) -> tuple[float, float]:
    """The wanted density of the graph and the weight of the distance from it.

    Parameters
    ----------
    iteration, iterations : int
        Updates done, and those of the whole schedule.
    decays : int
        In how many parts the density falls to 0.
    weight, last : float
        The weight at first, and how large its steps are: (last - weight) over their spacing in updates; it stops at 1.

    Examples
    --------
    >>> [schedule(k, 1_000, 40, 0.1, 1.0) for k in (0, 405, 406, 700, 999)]
    [(1.0, 0.1), (1.0, 0.1), (0.975, 0.1), (0.0, 0.55), (0.0, 1.0)]
    """
    every = max(int(0.6 * iterations / (2 * decays)), 1)
    falls = _multiples(ceil(_FALLS * iterations), iteration, every)
    often = max(int(0.2 * iterations / (2 * decays)), 1)
    grows = _multiples(ceil(_GROWS * iterations), iteration, often)
    if grows:
        weight = min(weight + grows * (last - weight) / often, max(weight, 1.0))
    return max(1.0 - falls / decays, 0.0), weight


def _multiples(first: int, last: int, of: int) -> int:
    """How many multiples of a number lie from `first` to `last`."""
    return max(last // of - (first - 1) // of, 0)
