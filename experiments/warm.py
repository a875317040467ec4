"""`python -m experiments.warm`: compile every kernel once, so that no later command waits for it.

Each step solves a tiny game by one method; numba keeps what it compiled beside the sources (or in NUMBA_CACHE_DIR).
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
PACKAGES = ("games", "solvers")


def steps() -> list[tuple[str, Callable[[], object]]]:
    """What is compiled, in order: a name and a call that reaches its kernels."""
    from games import NormalFormGame
    from solvers import all_nash, alpharank, cce, ce, fit_qre, nash, trace_qre

    fold = NormalFormGame.symmetric(np.diag([1.01, 1.0, 1.0]))
    split = NormalFormGame.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]])
    cyclic = NormalFormGame.bimatrix([[2, 0], [0, 1]], [[0, 1], [1, 0]])
    return [
        ("quantal response", lambda: (trace_qre(fold).turning_points, trace_qre(split).at([3.0]))),
        ("precision from data", lambda: fit_qre(cyclic, [3, 2, 1, 4])),
        ("correlated equilibria", lambda: (cce(fold), ce(split), cce(split, "entropy"))),
        ("no-regret play", lambda: cce(cyclic, method="regret-matching+")),
        ("Lemke-Howson", lambda: nash(cyclic)),
        ("minimax", lambda: nash(NormalFormGame.zero_sum([[1, -1], [-1, 1]]))),
        ("all equilibria", lambda: all_nash(split)),
        ("alpha-rank", lambda: alpharank(split)),
    ]


def drop_stale(root: Path = ROOT) -> bool:
    """Delete compiled kernels when any source has changed since the last call; True when something was deleted.

    numba recompiles a function whose own file changed, but not its callers in other files.
    """
    sources = sorted(path for package in PACKAGES for path in (root / package).rglob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    stamp = root / "solvers" / "__pycache__" / "kernels.sha256"
    if stamp.exists() and stamp.read_text() == digest:
        return False
    stale = [path for package in PACKAGES for path in (root / package).rglob("*.nb[ic]")]
    for path in stale:
        path.unlink(missing_ok=True)
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(digest)
    return bool(stale)


def main() -> int:
    """Run every step, saying how long it took when it took long."""
    drop_stale()
    for name, call in steps():
        start = time.perf_counter()
        call()
        seconds = time.perf_counter() - start
        if seconds > 0.5:
            print(f"compiled {name} in {seconds:.0f} s", file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
