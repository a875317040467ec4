"""`staghunt bench trees`: extensive-form solvers against OpenSpiel, LiteEFG and Gambit, most important rows first."""

from __future__ import annotations

from experiments.bench.harness import Row
from experiments.bench.runner import Bench

DISTRIBUTIONS = (
    "staghunt",
    "numpy",
    "scipy",
    "numba",
    "highspy",
    "pygambit",
    "open_spiel",
    "LiteEFG",
    "cvxpy",
)


def every_row() -> list[Row]:
    """All rows, in the order of the table of targets."""
    from experiments.bench import trees_cfr, trees_compile, trees_qre, trees_response, trees_sampling

    return [
        *trees_cfr.rows(),
        *trees_compile.large_rows(),
        *trees_response.rows(),
        *trees_sampling.rows(),
        *trees_qre.rows(),
        *trees_compile.rows(),
    ]


BENCH = Bench("trees", lambda: every_row(), DISTRIBUTIONS)
