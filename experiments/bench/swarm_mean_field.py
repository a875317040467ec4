"""Mean-field games against OpenSpiel's algorithms: exploitability, fictitious play, mirror descent.

The games are OpenSpiel's crowds, size 10, horizon 10. Ours measures exploitability in every iteration, the peer does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.bench.harness import Duel, Finding, Row, Setting, contender, run_duel
from experiments.bench.timing import Side

_GAMES = (("mfg:crowd", "mfg_crowd_modelling"), ("mfg:crowd-2d", "mfg_crowd_modelling_2d"))
_RATE = 0.1
_OURS, _THEIRS = 200, 2  # iterations in one call
_ALIKE = 0.05
"""OpenSpiel's exploitability differs by what it charges for moves: for those of the first path to a state it takes."""


def rows() -> list[Row]:
    """Three rows for each game; the aim is ours, no target was set."""
    return [
        Row(
            f"{what}: {theirs}",
            "OpenSpiel",
            measure(ours, theirs),
            aim=100.0,
            needs=("pyspiel",),
            quick=theirs == "mfg_crowd_modelling",
        )
        for ours, theirs in _GAMES
        for what, measure in (
            ("exploitability of a policy", _exploitability),
            ("fictitious play, an iteration", _fictitious),
            ("mirror descent, an iteration", _mirror),
        )
    ]


def _exploitability(uri: str, name: str) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from games.mean_field_games import load_mean_field
        from solvers.meanfield import mean_field_exploitability

        model = load_mean_field(uri)
        uniform = np.full((model.states, model.actions), 1.0 / model.actions)

        def peer() -> Side:
            import pyspiel
            from open_spiel.python.mfg.algorithms.nash_conv import NashConv
            from open_spiel.python.policy import UniformRandomPolicy

            game = pyspiel.load_game(name)
            policy = UniformRandomPolicy(game)
            return Side(lambda: NashConv(game, policy).nash_conv())

        def check(ours: Any, theirs: Any) -> tuple[bool, str]:
            note = f"of the uniform policy {ours:.6g}"
            if theirs is None:
                return True, note
            return abs(ours - theirs) <= _ALIKE * theirs, f"{note}, the peer's {theirs:.6g}"

        return _duel(setting, Side(lambda: mean_field_exploitability(model, uniform)), peer, check)

    return measure


def _fictitious(uri: str, name: str) -> Callable[[Setting], Finding]:
    def method(game: Any) -> Any:
        from open_spiel.python.mfg.algorithms.fictitious_play import FictitiousPlay

        return FictitiousPlay(game)

    return _iterations(uri, name, "fictitious-play", {}, method)


def _mirror(uri: str, name: str) -> Callable[[Setting], Finding]:
    def method(game: Any) -> Any:
        from open_spiel.python.mfg.algorithms.mirror_descent import MirrorDescent

        return MirrorDescent(game, lr=_RATE)

    return _iterations(uri, name, "mirror-descent", {"rate": _RATE}, method)


def _iterations(
    uri: str, name: str, method: str, options: dict[str, Any], theirs: Callable[[Any], Any]
) -> Callable[[Setting], Finding]:
    """Iterations from the uniform policy on."""

    def measure(setting: Setting) -> Finding:
        from games.mean_field_games import load_mean_field
        from solvers.meanfield import mean_field_nash

        model = load_mean_field(uri)

        def ours() -> Any:
            return mean_field_nash(model, method, iterations=_OURS, tolerance=0.0, **options)

        def peer() -> Side:
            import pyspiel

            running = theirs(pyspiel.load_game(name))

            def go_on() -> None:
                for _ in range(_THEIRS):
                    running.iteration()

            return Side(go_on, units=_THEIRS)

        def check(answer: Any, other: Any) -> tuple[bool, str]:
            first, last = (answer.stats["trace"][k].nash_conv for k in (0, -1))
            certified = answer.certificate.max_regret
            note = f"exploitability {first:.3g} falls to {certified:.3g} in {_OURS} iterations"
            return certified <= min(last, 0.2 * first) + 1e-9, note

        return _duel(setting, Side(ours, units=_OURS), peer, check)

    return measure


def _duel(setting: Setting, ours: Side, peer: Callable[[], Side], check: Any) -> Finding:
    repeats, budget = (3, 3.0) if setting.quick else (7, 10.0)
    return run_duel(Duel(ours, contender(setting, peer), check, repeats=repeats, budget_s=budget))
