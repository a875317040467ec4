"""`staghunt bench trees`: extensive-form solvers against OpenSpiel, LiteEFG and Gambit, most important rows first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.bench.harness import Row
from experiments.bench.runner import Bench, Progress, conduct

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


def run(
    quick: bool = False,
    rows: str | Sequence[str] | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
    *,
    fresh: bool = False,
    files: Path | None = None,
) -> dict[str, Any]:
    """Measure the solvers of trees beside their peers and write the results document.

    Parameters and result are those of `experiments.bench.solvers.run`; `files` is a folder in which the trees of
    Gambit's own collection are looked for by name, and their rows say so where one is absent.
    """
    return conduct(BENCH, quick, rows, out, progress, fresh=fresh, files=files)


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
