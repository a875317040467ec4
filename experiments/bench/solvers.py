"""`staghunt bench solvers`: every row of the equilibrium solvers against their peers, most important first."""

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
    "quantecon",
    "nashpy",
    "cvxpy",
    "ecos",
)


def every_row() -> list[Row]:
    """All rows, most important first."""
    from experiments.bench import (
        solvers_alpharank,
        solvers_correlated,
        solvers_dynamics,
        solvers_nash,
        solvers_qre,
    )

    correlated = solvers_correlated.rows()
    return [
        *solvers_qre.rows(),
        *(row for row in correlated if "HiGHS" not in row.peer),
        *solvers_dynamics.rows(),
        *solvers_nash.rows(),
        *solvers_alpharank.rows(),
        *(row for row in correlated if "HiGHS" in row.peer),
    ]


BENCH = Bench("solvers", lambda: every_row(), DISTRIBUTIONS)
