"""No-regret rows: microseconds per iteration against OpenSpiel, and ten million joint profiles in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.bench import families
from experiments.bench.harness import Duel, Finding, Row, Setting, contender, run_duel
from experiments.bench.timing import Sample, Side, peak_gib
from games.simplices import Float
from solvers import certify

SIZES = (
    (10, 10),
    (50, 50),
    (100, 100),
    (5, 5, 5),
    (10, 10, 10),
    (20, 20, 20),
    (3, 3, 3, 3),
    (5, 5, 5, 5),
    (8, 8, 8, 8),
    (3, 3, 3, 3, 3),
    (5, 5, 5, 5, 5),
)
_LARGE = ((3163, 3163), (215, 215, 215), (56, 56, 56, 56), (10,) * 7)
_SMALL_CELLS = 8000  # from here on a step is bound by memory traffic, and the peer's numpy does well
_STEPS = 10_000  # of both, from the same start, setting up and answering included
_SECONDS, _GIBIBYTES, _GAP = 60.0, 4.0, 1e-3


def rows() -> list[Row]:
    """One row per size for the steps, one per shape for the large games."""
    return [_step_row(shape) for shape in SIZES] + large_rows()


# --- a step -----------------------------------------------------------------------------------------------


def _step_row(shape: tuple[int, ...]) -> Row:
    return Row(
        f"regret matching step {families.size_name(shape)}",
        "OpenSpiel _regret_matching_step",
        _step_measure(shape),
        target=20.0 if np.prod(shape) < _SMALL_CELLS else 8.0,
        needs=("open_spiel",),
        quick=shape in ((10, 10), (5, 5, 5)),
    )


def _step_measure(shape: tuple[int, ...]) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from solvers.dynamics import no_regret

        payoffs = families.milli(2, shape)
        game = families.game(payoffs)
        steps = _STEPS // (10 if setting.quick else 1)

        def check(ours: Any, theirs: Any) -> tuple[bool, str]:
            gap = certify(game, ours.strategy, "cce").max_regret
            # regret matching's average regret is at most span sqrt(actions / steps) for each player
            right = gap <= game.span * np.sqrt(max(shape) / steps)
            note = f"CCE gap of the average play after {steps} steps {gap:.3e}"
            if theirs is not None:
                note += f", peer {theirs:.3e}"
            return bool(right), note

        peer_side = contender(setting, lambda: _step_peer(payoffs, steps))
        ours = Side(
            lambda: no_regret(game, "regret-matching", tolerance=0.0, iterations=steps, averaging="uniform"),
            units=steps,
        )
        return run_duel(Duel(ours, peer_side, check, repeats=3 if setting.quick else 7, budget_s=6))

    return measure


def _step_peer(payoffs: Float, steps: int) -> Side:
    from open_spiel.python.algorithms import regret_matching

    tensors, shape = list(payoffs), payoffs.shape[1:]

    def play() -> list[Float]:
        strategies = [np.ones(n) / n for n in shape]
        regrets = [np.ones(n) / regret_matching.INITIAL_REGRET_DENOM for n in shape]
        for _ in range(steps):
            strategies = regret_matching._regret_matching_step(tensors, strategies, regrets, 1e-6)
        return regrets

    return Side(play, lambda regrets: max(float(r.max()) for r in regrets) / steps, units=steps)


# --- ten million profiles ---------------------------------------------------------------------------------


def large_rows() -> list[Row]:
    """A CCE to a gap of 1e-3 on uniform random games of ten million joint profiles; no peer finishes these."""
    return [
        Row(
            f"cce gap 1e-3 {families.size_name(shape)}",
            "none finishes",
            _large_measure(shape),
            target=f"under {_SECONDS:g} s and {_GIBIBYTES:g} GiB",
            quick=shape == _LARGE[0],
        )
        for shape in _LARGE
    ]


def _large_measure(shape: tuple[int, ...]) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        actual = (100,) * 2 if setting.quick else shape
        command = [sys.executable, "-m", "experiments.bench.solvers_dynamics", *map(str, actual)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=4 * _SECONDS, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no answer")
        told = json.loads(done.stdout)
        right = told["gap"] <= _GAP * told["span"] and told["wall"] > 0
        note = (
            f"{int(np.prod(actual)):,} profiles, gap {told['gap']:.2e} after {told['iterations']} iterations, "
            f"peak {told['peak_gib']:.2f} GiB"
        )
        met = told["wall"] < _SECONDS and told["peak_gib"] < _GIBIBYTES
        return Finding(ours=Sample(told["wall"], told["cpu"]), pairs=1, right=right, met=met, note=note)

    return measure


def solve_large(shape: tuple[int, ...]) -> dict[str, float]:
    """Build and solve one large game in this process; seconds of solving, gap as certified, peak memory."""
    import time

    from solvers.dynamics import no_regret

    def solve(game: Any) -> Any:
        return no_regret(game, tolerance=_GAP, seconds=3 * _SECONDS)

    solve(families.game(families.uniform(1, (3,) * len(shape))))  # loads the compiled kernels
    game = families.game(families.uniform(1, shape))
    wall, cpu = time.perf_counter(), time.process_time()
    answer = solve(game)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    gap = certify(game, answer.strategy, "cce").max_regret
    return {
        "wall": wall,
        "cpu": cpu,
        "gap": gap,
        "span": game.span,
        "iterations": answer.stats["iterations"],
        "peak_gib": peak_gib(),
    }


if __name__ == "__main__":
    print(json.dumps(solve_large(tuple(int(word) for word in sys.argv[1:]))))
