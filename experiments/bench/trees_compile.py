"""Compiling and loading rows, the sequence-form program, and CFR on a tree that OpenSpiel's CFR does not get through."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiments.bench.harness import Duel, Finding, Row, Setting, contender, run_duel
from experiments.bench.timing import Sample, Side, in_child, peak_gib, sample, steady
from experiments.bench.trees_games import (
    GAMES,
    OpenSpielCfr,
    environment,
    litefg_environment,
    litefg_write,
    spiel,
    tree,
)
from games.tree import TreeGame

_LARGE = "leduc 3 players"
_CAP_S = 60.0
_LEAST_PER_S = 2.0
_MOST_GIB = 2.0
_LIMITS_S = {"leduc": 1.0, "liars_dice 1x6": 10.0}
_NO_PEER = "none"


def large_rows() -> list[Row]:
    """CFR where OpenSpiel does not finish one iteration in a minute."""
    return [
        Row(
            f"cfr on 1.8 million nodes: {_LARGE}",
            "OpenSpiel CFR",
            _measure_large,
            target=f"{_LEAST_PER_S:g} iterations/s under {_MOST_GIB:g} GiB",
            needs=("pyspiel",),
        )
    ]


def rows() -> list[Row]:
    """Compile, load, and the linear program."""
    compiled = [
        Row(
            f"compile from OpenSpiel: {name}",
            "LiteEFG, writing and reading its file",
            _measure_compile(name, limit),
            target=f"under {limit:g} s",
            needs=("LiteEFG", "pyspiel"),
            quick=name == "leduc",
        )
        for name, limit in _LIMITS_S.items()
    ]
    return [
        *compiled,
        Row(
            f"compile from OpenSpiel: {_LARGE}",
            _NO_PEER,
            _measure_compile_large,
            "under 2 GiB",
            needs=("pyspiel",),
        ),
        Row(
            "load from disk: liars_dice 1x6",
            "LiteEFG, reading its file",
            _measure_load,
            needs=("LiteEFG", "pyspiel"),
        ),
        Row(
            "sequence-form program: leduc",
            "OpenSpiel sequence_form_lp",
            _measure_program,
            needs=("pyspiel", "cvxpy"),
            quick=True,
        ),
    ]


# --- compiling and loading ------------------------------------------------------------------------------------


def cache_at(place: str) -> contextlib.AbstractContextManager[None]:
    """Keep compiled trees in this folder for a while, or nowhere with "off"."""
    return environment("STAGHUNT_CACHE", place)


def compiled(name: str) -> TreeGame:
    """The game compiled anew."""
    from games.from_openspiel import tree_from_openspiel

    with cache_at("off"):
        return tree_from_openspiel(GAMES[name])


def _measure_compile(name: str, limit: float) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        def check(game: Any, _: Any) -> tuple[bool, str]:
            same = game.digest == tree(name).digest
            return same, f"{game.nodes:,} nodes, {len(game.owner):,} information sets; forced moves left out"

        rival = contender(setting, lambda: Side(lambda: litefg_write(name), warm=lambda: None, calls=1))
        slow = limit > 1
        ours = Side(lambda: compiled(name), calls=1, warm=lambda: compiled("kuhn 2 players"))
        finding = run_duel(Duel(ours, rival, check, repeats=3 if slow else 5, budget_s=30))
        return replace(finding, met=finding.ours is not None and finding.ours.cpu < limit)

    return measure


def _measure_load(setting: Setting) -> Finding:
    from games.from_openspiel import tree_from_openspiel

    name = "liars_dice 1x6"
    with tempfile.TemporaryDirectory(prefix="staghunt-bench-") as place, cache_at(place):
        tree_from_openspiel(GAMES[name])
        kept = sum(path.stat().st_size for path in Path(place).iterdir())

        def check(game: Any, _: Any) -> tuple[bool, str]:
            right = game.digest == tree(name).digest and kept > 0
            return right, f"{game.nodes:,} nodes, {kept / 1e6:.2g} MB on disk; checked against their hash"

        rival = contender(setting, lambda: Side(lambda: litefg_environment(name), calls=1))
        ours = Side(lambda: tree_from_openspiel(GAMES[name]), calls=1)
        return run_duel(Duel(ours, rival, check, repeats=5, budget_s=20))


# --- the sequence-form program --------------------------------------------------------------------------------


def _measure_program(setting: Setting) -> Finding:
    from solvers.sequence_form import sequence_form

    game = tree("leduc")

    def check(ours: Any, theirs: Any) -> tuple[bool, str]:
        value, regret = float(ours.values[0]), ours.certificate.max_regret
        right = regret <= 1e-8 * game.span
        note = f"value {value:.9f}, regret {regret:.0e}; ours includes the certificate"
        if theirs is not None:
            note += f"; peer's value {theirs - value:.0e} apart"
            right = right and abs(theirs - value) <= 1e-6 * game.span
        return right, note

    def build() -> Side:
        from open_spiel.python.algorithms import sequence_form_lp

        return Side(lambda: sequence_form_lp.solve_zero_sum_game(spiel("leduc")), lambda found: found[0])

    rival = contender(setting, build)
    return run_duel(Duel(Side(lambda: sequence_form(game)), rival, check, repeats=5, budget_s=12))


# --- a large tree, in a process of its own so that its memory can be told -------------------------------------


@dataclass(frozen=True)
class Large:
    """What compiling a game and iterating on it took in a process that did nothing else."""

    nodes: int
    compile_s: float
    compile_gib: float
    iteration_s: float
    iteration_wall_s: float
    iterations: int
    peak_gib: float
    nash_conv: float


def in_own_process(name: str, seconds: float) -> Large:
    """Compile a game and do CFR iterations for some seconds, in a new process."""
    command = [sys.executable, "-m", "experiments.bench.trees_compile", name, str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise RuntimeError(f"the process that measures {name} failed: {last}")
    return Large(**json.loads(done.stdout))


def _iterate_alone(name: str, seconds: float) -> Large:
    from solvers.cfr import RULES, Cfr

    start = time.process_time()
    game = compiled(name)
    compile_s, compile_gib = time.process_time() - start, peak_gib()
    engine = Cfr(game, RULES["cfr"], alternating=True)
    engine.advance(1)  # loads kernels
    spent, _ = sample(steady(engine.advance, seconds))
    regrets = engine.measure(None).regrets
    return Large(
        game.nodes,
        compile_s,
        compile_gib,
        spent.cpu,
        spent.wall,
        engine.iterations,
        peak_gib(),
        float(regrets.sum()),
    )


def _measure_large(setting: Setting) -> Finding:
    ours = in_own_process(_LARGE, 5.0)
    per_s = 1.0 / ours.iteration_s
    note = (
        f"{per_s:.3g} iterations/s, at most {ours.peak_gib:.2g} GiB resident with compiling; "
        f"NashConv {ours.nash_conv:.3g} after {ours.iterations} iterations"
    )
    finding = Finding(
        Sample(ours.iteration_wall_s, ours.iteration_s),
        pairs=1,
        met=per_s >= _LEAST_PER_S and ours.peak_gib < _MOST_GIB,
        note=note,
    )
    if not setting.peer:
        return finding
    fresh: list[OpenSpielCfr] = []
    theirs = in_child(
        Side(lambda: fresh[0].step(1), prepare=lambda: fresh.append(OpenSpielCfr(_LARGE, "cfr"))), _CAP_S
    )
    if theirs.error:
        return replace(finding, note=f"the peer failed: {theirs.error}; {note}")
    ratio = theirs.sample.cpu / ours.iteration_s
    told = f"no iteration of the peer in {_CAP_S:g} s, the ratio is a lower bound; " if theirs.stopped else ""
    return replace(finding, peer=theirs.sample, ratio=ratio, lower_bound=theirs.stopped, note=f"{told}{note}")


def _measure_compile_large(setting: Setting) -> Finding:
    ours = in_own_process(_LARGE, 0.1)
    return Finding(
        Sample(ours.compile_s, ours.compile_s),
        pairs=1,
        met=ours.compile_gib < _MOST_GIB,
        note=f"{ours.nodes:,} nodes; at most {ours.compile_gib:.2g} GiB resident",
    )


if __name__ == "__main__":
    from dataclasses import asdict

    sys.stdout.write(json.dumps(asdict(_iterate_alone(sys.argv[1], float(sys.argv[2])))))
