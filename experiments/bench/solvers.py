"""`staghunt bench solvers`: every row of the equilibrium solvers against their peers, most important first."""

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
    "quantecon",
    "nashpy",
    "cvxpy",
    "ecos",
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
    """Measure the solvers beside their peers and write the results document.

    Parameters
    ----------
    quick : bool
        A few small rows with few repeats; the numbers are a smoke test, not a claim.
    rows : str or sequence of str, optional
        Glob patterns: only rows whose name, or "name | peer", matches one. Other rows of an earlier document stay.
    out : Path, optional
        Where the document goes; by default the committed results, or nowhere for a quick run.
    progress : callable, optional
        Called with the fraction done and the row being measured.
    fresh : bool
        Measure again what an earlier run with the same machine, versions and sources has finished.
    files : Path, optional
        Folder of real `.nfg` and `.efg` files, for the row that counts silent errors.

    Returns
    -------
    dict
        ``{"bench", "quick", "machine", "versions", "rows": [...]}`` as in the design, rows in the order of the tables.

    Raises
    ------
    InputError
        If no row matches, or `files` is not a folder.
    """
    return conduct(BENCH, quick, rows, out, progress, fresh=fresh, files=files)


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
