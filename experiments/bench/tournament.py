"""`staghunt bench tournament`: tournaments, matches and population training against their peers, and what engines cost."""

from __future__ import annotations

from experiments.bench.harness import Row
from experiments.bench.runner import Bench

DISTRIBUTIONS = ("staghunt", "numpy", "scipy", "numba", "axelrod", "open_spiel", "cvxpy", "ray")


def every_row() -> list[Row]:
    """All rows, in the order of the table of targets."""
    from experiments.bench import (
        tournament_axelrod,
        tournament_leduc,
        tournament_psro,
        tournament_scaling,
    )

    return [
        *tournament_axelrod.rows(),
        *tournament_leduc.rows(),
        *tournament_psro.rows(),
        *tournament_scaling.rows(),
    ]


BENCH = Bench(
    "tournament", lambda: every_row(), DISTRIBUTIONS, packages=("games", "solvers", "experiments/tournament")
)
