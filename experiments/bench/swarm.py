"""`staghunt bench swarm`: how fast swarms are, from two hundred agents to a million, and how fast one learns.

Times of simulation rows are seconds per step of one swarm (per agent and step, where agents become more), observations,
rewards and the global state included. The run is the whole of `staghunt train decpomfc`, all evaluations, checkpoints
and files included, on one thread.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from experiments.bench.harness import Finding, Row, Setting
from experiments.bench.runner import Bench
from experiments.bench.timed_run import timed_run
from experiments.bench.timing import Sample

DISTRIBUTIONS = ("staghunt", "numpy", "numba", "torch", "vmas", "open_spiel")
ENV, BATCH, ROLLOUT, STEPS = "swarm:aggregation?agents=100&cells=5", 40, 100, 600_000
LONGEST_S = 120.0
_SEED, _SHARE = 1, 10


def every_row() -> list[Row]:
    """Against peers, very many agents, a run of training, mean-field games."""
    from experiments.bench import swarm_peers, swarm_scaling

    rows = [
        *swarm_peers.rows(),
        *swarm_scaling.rows(),
        Row(
            f"Dec-POMFPPO, {STEPS:,} steps of training: aggregation of 100",
            "no peer",
            _run,
            target=f"under {LONGEST_S:.0f} s",
            quick=True,
        ),
    ]
    if find_spec("experiments.bench.swarm_mean_field") is not None:
        rows += import_module("experiments.bench.swarm_mean_field").rows()
    return rows


# --- a run ------------------------------------------------------------------------------------------------


def _run(setting: Setting) -> Finding:
    steps = STEPS // _SHARE if setting.quick else STEPS
    spent, rows = trained(steps)
    times = STEPS / steps
    whole = Sample(times * spent.wall, times * spent.cpu)
    last = rows[-1]
    told = (
        f"{spent.wall:.1f} s for {last['steps']:,} steps, {len(rows)} evaluations of {last['episodes']} episodes included; "
        f"return {rows[0]['return']:.1f} before and {last['return']:.1f} after"
    )
    if setting.quick:
        told = f"EXTRAPOLATED, not measured: {_SHARE} times a run of {steps:,} steps; {told}"
    return Finding(
        whole,
        pairs=1,
        met=whole.wall < LONGEST_S,
        right=last["steps"] >= steps and last["return"] > rows[0]["return"],
        rate=STEPS / whole.cpu,
        note=told,
    )


def trained(steps: int) -> tuple[Sample, list[dict[str, Any]]]:
    """What a run of so many steps took, and its evaluations."""
    given = {
        "learner.name": "decpomfc",
        "env": ENV,
        "learner.upper.rollout": ROLLOUT,
        "training.batch": BATCH,
        "training.steps": steps,
    }
    return timed_run(given, _SEED)


BENCH = Bench("swarm", lambda: every_row(), DISTRIBUTIONS, packages=("games", "marl", "solvers"))
