"""`staghunt bench envs`: how fast random agents play, beside the libraries whose environments these are.

Times are seconds per joint step of one sub-environment (per move, where players move in turn), so that a ratio of times
is a ratio of throughputs.
"""

from __future__ import annotations

from experiments.bench.harness import Row
from experiments.bench.runner import Bench

DISTRIBUTIONS = (
    "staghunt",
    "numpy",
    "numba",
    "lbforaging",
    "gymnasium",
    "pettingzoo",
    "mpe2",
    "rware",
    "open_spiel",
    "shimmy",
    "axelrod",
)


def every_row() -> list[Row]:
    """All rows: those of the table of targets in its order, then every listed environment."""
    from experiments.bench import (
        envs_foraging,
        envs_openspiel,
        envs_pettingzoo,
        envs_random,
        envs_repeated,
        envs_swarm,
    )

    return [
        *envs_foraging.rows(),
        *envs_random.coordination_rows(),
        *envs_swarm.rows(),
        *envs_repeated.rows(),
        *envs_pettingzoo.rows(),
        *envs_openspiel.rows(),
        *envs_random.rows(),
    ]


BENCH = Bench("envs", lambda: every_row(), DISTRIBUTIONS)
