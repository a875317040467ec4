"""CFR rows: iterations against OpenSpiel's and LiteEFG's C++, and process time to a small NashConv."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.bench.harness import Duel, Finding, Row, Setting, contender, run_duel
from experiments.bench.timing import Side, steady
from experiments.bench.trees_games import LiteEfg, OpenSpielCfr, litefg_build_s, tree

_NAMES = (
    "leduc",
    "liars_dice 1x5",
    "liars_dice 1x6",
    "goofspiel 4",
    "goofspiel 5",
    "kuhn 2 players",
    "kuhn 3 players",
)
_PEERS: dict[str, type[OpenSpielCfr] | type[LiteEfg]] = {"OpenSpiel": OpenSpielCfr, "LiteEFG": LiteEfg}
_NEEDS = {"OpenSpiel": ("pyspiel",), "LiteEFG": ("LiteEFG", "pyspiel")}
_TARGETS = {"OpenSpiel": (40.0, 80.0), "LiteEFG": (8.0, 20.0)}
_LEDUC_TARGETS = {"OpenSpiel": (100.0, 150.0), "LiteEFG": (15.0, 25.0)}
_SAME = 1e-9
"""Largest difference between NashConvs after the same iterations, relative to the payoff span."""
_SIMILAR = 0.1
"""Largest difference, relative to NashConv, where ties make programs go different ways."""

_NEAR = 1e-3
_TIME_TARGETS = {"OpenSpiel": 150.0, "LiteEFG": 25.0}
_VARIANTS = {"OpenSpiel": ("cfr+",), "LiteEFG": ("cfr+", "dcfr", "pcfr+")}
_SAMPLE_S = 0.15


def rows() -> list[Row]:
    """Iterations on every game, then the time to NashConv 0.001."""
    every = [
        _iterations(name, method, peer) for name in _NAMES for method in ("cfr", "cfr+") for peer in _PEERS
    ]
    every += [
        Row(
            f"seconds to NashConv {_NEAR:g}: leduc",
            f"{peer} {'CFR+' if peer == 'OpenSpiel' else 'CFR+, DCFR or PCFR+'}",
            _measure_time(peer),
            target=_TIME_TARGETS[peer],
            needs=_NEEDS[peer],
            quick=peer == "LiteEFG",
        )
        for peer in _PEERS
    ]
    return every


# --- iterations -----------------------------------------------------------------------------------------------


def _iterations(name: str, method: str, peer: str) -> Row:
    target, aim = (_LEDUC_TARGETS if name == "leduc" else _TARGETS)[peer]
    return Row(
        f"{method} iteration: {name}",
        f"{peer} {'CFR' if method == 'cfr' else 'CFR+'}",
        _measure_iterations(name, method, peer),
        target=target,
        aim=aim,
        needs=_NEEDS[peer],
        quick=name == "leduc" or (name == "kuhn 3 players" and method == "cfr+"),
    )


def _measure_iterations(name: str, method: str, peer: str) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from solvers.cfr import RULES, Cfr

        game = tree(name)
        seconds = 0.05 if setting.quick else _SAMPLE_S
        count = 20 if game.nodes < 20_000 else 4
        together = peer == "LiteEFG" and method == "cfr"
        ours = Cfr(game, RULES[method], alternating=not together)
        ties = 0
        for _ in range(count):
            ours.advance(1)
            ties = max(ties, _ties(ours))
        reached = float(ours.measure(None).regrets.sum())
        theirs: list[float] = []

        def build() -> Side:
            rival = _PEERS[peer](name, method)
            rival.step(count)
            theirs.append(rival.nash_conv())
            return steady(rival.step, seconds)

        def check(_: Any, __: Any) -> tuple[bool, str]:
            turns = "all players at once" if together else "players in turn"
            note = f"{turns}; NashConv after {count} iterations {reached:.9g}"
            right = True
            if theirs:
                right, told = _compared(reached, theirs[0], ties, game.span)
                note += told
                if peer == "LiteEFG":
                    note += f"; its graph took {litefg_build_s(name):.2g} s to build, not counted"
            return right, note

        rival = contender(setting, build)
        return run_duel(
            Duel(steady(ours.advance, seconds), rival, check, repeats=3 if setting.quick else 9, budget_s=12)
        )

    return measure


def _compared(ours: float, theirs: float, ties: int, span: float) -> tuple[bool, str]:
    """Whether two NashConvs after equally many iterations are the same, but for ties."""
    apart = abs(ours - theirs)
    if apart <= _SAME * span:
        return True, f", the peer's {apart:.0e} apart"
    told = f", the peer's {theirs:.9g}"
    if not ties:
        return False, told
    where = f"{ties} information set{'s' * (ties > 1)}"
    told += f" (actions tied but for rounding at {where}, which each program breaks its own way)"
    return apart <= _SIMILAR * theirs, told


def _ties(engine: Any) -> int:
    """Information sets whose largest regret is positive by no more than rounding errors."""
    form = engine.form
    if not len(form.first):
        return 0
    largest = np.array([engine.regret[a : a + n].max() for a, n in zip(form.first, form.size)])
    return int(np.count_nonzero((largest > 0) & (largest < 1e-12 * engine.game.span)))


# --- time to a small NashConv ---------------------------------------------------------------------------------


def _measure_time(peer: str) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from solvers.cfr import RULES

        near = 0.05 if setting.quick else _NEAR
        game = tree("leduc")
        for method in RULES:
            _our_run(game, method, near)  # compiles, and fills the caches
        spent = {method: min(_our_run(game, method, near)[0] for _ in range(3)) for method in RULES}
        best = min(spent, key=spent.__getitem__)
        told: dict[str, tuple[float, int]] = {}

        def check(answer: Any, _: Any) -> tuple[bool, str]:
            reached = float(answer.measure(None).regrets.sum())
            note = (
                f"ours {best}: {answer.iterations} iterations to NashConv {reached:.3g}, its checks included"
            )
            if told:
                note += "; peer: " + ", ".join(
                    f"{method} {count} iterations {cpu:.3g} s" for method, (cpu, count) in told.items()
                )
                note += ", checks excluded"
            return reached <= near, note

        rival = contender(setting, lambda: _rival(peer, near, told))
        ours = Side(lambda: _our_run(game, best, near)[1])
        return run_duel(Duel(ours, rival, check, repeats=2 if setting.quick else 5, budget_s=25))

    return measure


def _our_run(game: Any, method: str, near: float) -> tuple[float, Any]:
    """Process seconds and the engine at the first check that finds NashConv small enough."""
    from solvers.cfr import RULES, Cfr
    from solvers.self_play import next_check

    start = time.process_time()
    engine = Cfr(game, RULES[method], alternating=True)
    reached = float("inf")
    while reached > near:
        engine.advance(next_check(engine.iterations) - engine.iterations)
        reached = float(engine.measure(None).regrets.sum())
    return time.process_time() - start, engine


def _rival(peer: str, near: float, told: dict[str, tuple[float, int]]) -> Side:
    """The best of the peer's variants: the iterations that it needs, found beforehand, are what is timed."""
    for method in _VARIANTS[peer]:
        told[method] = _their_run(_PEERS[peer]("leduc", method), near)
    best = min(told, key=lambda method: told[method][0])
    count = told[best][1]
    fresh: list[Any] = []

    def prepare() -> None:
        fresh[:] = [_PEERS[peer]("leduc", best)]

    return Side(lambda: fresh[0].step(count), prepare=prepare, warm=lambda: None, calls=1)


def _their_run(rival: Any, near: float) -> tuple[float, int]:
    """Process seconds, without those of checks, and iterations until a check finds NashConv small enough."""
    from solvers.self_play import next_check

    done, spent, reached = 0, 0.0, float("inf")
    while reached > near:
        count = next_check(done) - done
        start = time.process_time()
        rival.step(count)
        spent += time.process_time() - start
        done += count
        reached = rival.nash_conv()
    return spent, done
