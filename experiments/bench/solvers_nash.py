"""Two-player Nash rows: all equilibria, Lemke-Howson paths and zero-sum values, against Gambit, Nashpy and QuantEcon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.bench import families
from experiments.bench.harness import Duel, Finding, Row, Setting, contender, run_duel
from experiments.bench.timing import Side
from games import NormalFormGame
from games.simplices import Float
from solvers import certify

_SEED = 3
_FAMILIES: dict[str, Callable[..., Float]] = {"milli": families.milli, "zero-sum": families.zero_sum}
_PARITY = 1 / 1.5
_RIGHT = 1e-9


def rows() -> list[Row]:
    """All equilibria first, then one equilibrium, then values."""
    return [*_all_rows(), *_lemke_howson_rows(), *_minimax_rows()]


# --- all equilibria ---------------------------------------------------------------------------------------


def _all_rows() -> list[Row]:
    made = []
    for kind in _FAMILIES:
        for peer, needs, target, cap_s in (
            ("Gambit enummixed (float)", ("pygambit",), 20.0, 60.0),
            ("Nashpy vertex_enumeration", ("nashpy",), 20.0, 30.0),
            ("Nashpy support_enumeration", ("nashpy",), 20.0, 30.0),
            ("QuantEcon vertex_enumeration", ("quantecon",), None, None),
            ("QuantEcon support_enumeration", ("quantecon",), None, None),
        ):
            made.append(
                Row(
                    f"all nash {kind} 10x10",
                    peer,
                    _all_measure(kind, peer, cap_s),
                    target=target,
                    needs=needs,
                    quick=kind == "milli" and peer == "Gambit enummixed (float)",
                )
            )
    return made


def _all_measure(kind: str, peer: str, cap_s: float | None) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from solvers.nash import all_nash

        size = 5 if setting.quick else 10
        payoffs = _FAMILIES[kind](_SEED, (size, size))
        game = families.game(payoffs)

        def check(ours: Any, theirs: Any) -> tuple[bool, str]:
            regret = max((certify(game, each.strategy, "nash").max_regret for each in ours), default=np.inf)
            agree = theirs is None or theirs == len(ours)
            note = f"ours {len(ours)} equilibria, max regret {regret:.1e}"
            if theirs is not None:
                note += f"; peer {theirs}"
            return bool(regret <= _RIGHT) and agree, note

        peer_side = contender(setting, lambda: _all_peer(peer, payoffs))
        return run_duel(
            Duel(
                Side(lambda: all_nash(game)), peer_side, check, cap_s=cap_s, repeats=3 if setting.quick else 5
            )
        )

    return measure


def _all_peer(peer: str, payoffs: Float) -> Side:
    if peer.startswith("Gambit"):
        import pygambit

        theirs = pygambit.Game.from_arrays(*payoffs)
        return Side(
            lambda: pygambit.nash.enummixed_solve(theirs, rational=False), lambda r: len(r.equilibria)
        )
    if peer.startswith("Nashpy"):
        import nashpy

        matrix_game = nashpy.Game(*payoffs)
        solve = getattr(matrix_game, peer.split()[1])
        return Side(lambda: list(solve()), len)
    import quantecon.game_theory as theory

    return Side(lambda: getattr(theory, peer.split()[1])(_quantecon_game(payoffs)), len)


def _quantecon_game(payoffs: Float) -> Any:
    from quantecon.game_theory import NormalFormGame as Theirs
    from quantecon.game_theory import Player

    # each of its players has his own action first
    return Theirs([Player(np.ascontiguousarray(payoffs[0])), Player(np.ascontiguousarray(payoffs[1].T))])


# --- one equilibrium --------------------------------------------------------------------------------------


def _lemke_howson_rows() -> list[Row]:
    return [
        Row(
            f"lemke-howson {kind} {size}x{size}",
            "QuantEcon lemke_howson",
            _lemke_howson_measure(kind, size),
            target=_PARITY,
            needs=("quantecon",),
            quick=size == 10,
        )
        for kind in _FAMILIES
        for size in (10, 50, 100, 200)
    ]


def _lemke_howson_measure(kind: str, size: int) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from solvers.lemke_howson import lemke_howson

        payoffs = _FAMILIES[kind](_SEED, (size, size))
        game = families.game(payoffs)

        def check(ours: Any, theirs: Any) -> tuple[bool, str]:
            note = f"ours {ours.pivots} pivots, regret {_regret(game, ours.row, ours.column):.1e}"
            if theirs is not None:
                note += f"; peer {theirs[1]} pivots, regret {_regret(game, *theirs[0]):.1e}"
            return ours.converged and _regret(game, ours.row, ours.column) <= _RIGHT, note

        peer_side = contender(setting, lambda: _lemke_howson_peer(payoffs))
        return run_duel(
            Duel(
                Side(lambda: lemke_howson(game)),
                peer_side,
                check,
                repeats=3 if setting.quick else 15,
                budget_s=5,
            )
        )

    return measure


def _lemke_howson_peer(payoffs: Float) -> Side:
    import quantecon.game_theory as theory

    theirs = _quantecon_game(payoffs)

    def pivots(answer: Any) -> tuple[Any, int]:
        return answer, theory.lemke_howson(theirs, full_output=True)[1].num_iter

    return Side(lambda: theory.lemke_howson(theirs), pivots)


def _regret(game: NormalFormGame, row: Float, column: Float) -> float:
    return certify(game, [row, column], "nash").max_regret / game.span


# --- zero-sum values --------------------------------------------------------------------------------------


def _minimax_rows() -> list[Row]:
    return [
        Row(
            f"minimax {size}x{size}",
            "QuantEcon minmax",
            _minimax_measure(size),
            target=_PARITY,
            needs=("quantecon",),
            quick=size == 10,
        )
        for size in (10, 50, 100, 200)
    ]


def _minimax_measure(size: int) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from solvers.zero_sum import minimax

        payoffs = families.zero_sum(_SEED, (size, size))
        game = families.game(payoffs)
        matrix = np.ascontiguousarray(payoffs[0])

        def check(ours: Any, theirs: Any) -> tuple[bool, str]:
            regret = _regret(game, ours.row, ours.column)
            right = regret <= _RIGHT
            note = f"value {ours.value:.9f}, regret {regret:.1e}"
            if theirs is not None:
                right = right and abs(theirs[0] - ours.value) <= _RIGHT
                note += f"; peer {theirs[0]:.9f}, regret {_regret(game, *theirs[1:]):.1e}"
            return right, note

        peer_side = contender(setting, lambda: _minimax_peer(matrix))
        return run_duel(
            Duel(
                Side(lambda: minimax(matrix)),
                peer_side,
                check,
                repeats=3 if setting.quick else 15,
                budget_s=5,
            )
        )

    return measure


def _minimax_peer(matrix: Float) -> Side:
    from quantecon.optimize.minmax import minmax

    return Side(lambda: minmax(matrix))
