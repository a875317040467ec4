"""Best responses: NashConv of given strategies against OpenSpiel, with its tree built anew and with its tree kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.bench.harness import Duel, Finding, Row, Setting, contender, run_duel
from experiments.bench.timing import Side
from experiments.bench.trees_games import spiel, tree
from games.simplices import Float
from games.tree import TreeGame

_NAMES = ("leduc", "liars_dice 1x6")
_ANEW, _KEPT = "OpenSpiel nash_conv", "OpenSpiel TabularBestResponse, its tree kept"
_SEED = 1
_SAME = 1e-9


def rows() -> list[Row]:
    """NashConv of the uniform and of a random strategy."""
    return [
        Row(
            f"nash_conv of {what} play: {name}",
            peer,
            _measure(name, what, peer),
            target=100.0,
            needs=("pyspiel",),
            quick=name == "leduc" and what == "random",
        )
        for name in _NAMES
        for what in ("uniform", "random")
        for peer in (_ANEW, _KEPT)
    ]


def _measure(name: str, what: str, peer: str) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from solvers.best_response import gains
        from solvers.certificate import certify

        game = tree(name)
        play = game.uniform() if what == "uniform" else random_play(game)
        judge = certify(game, play, "nash")  # fills caches outside the timing
        start = time.process_time()
        certify(game, play, "nash")
        certified_s = time.process_time() - start

        def check(answer: Any, theirs: Any) -> tuple[bool, str]:
            reached = float(answer.regrets.sum())
            apart = np.abs(answer.regrets - judge.regret).max()
            note = f"NashConv {reached:.9g}; certificate {certified_s:.2g} s, {apart:.0e} apart"
            right = bool(apart <= _SAME * game.span)
            if theirs is not None:
                note += f"; peer {abs(theirs - reached):.0e} apart"
                right = right and abs(theirs - reached) <= _SAME * game.span
                if peer == _ANEW:
                    note += ", builds its tree in every call"
            return right, note

        rival = contender(setting, lambda: (_anew if peer == _ANEW else _kept)(name, game, play))
        slow = name != "leduc"
        return run_duel(
            Duel(
                Side(lambda: gains(game, play)),
                rival,
                check,
                repeats=3 if slow or setting.quick else 9,
                budget_s=25 if slow else 10,
            )
        )

    return measure


def random_play(game: TreeGame) -> Float:
    """A behaviour strategy float64[slots] drawn uniformly from all."""
    draws = np.random.default_rng(_SEED).exponential(size=game.slots)
    return game.check_behavior(
        draws / np.repeat(np.add.reduceat(draws, game.offsets[:-1]), np.diff(game.offsets))
    )


def _anew(name: str, game: TreeGame, play: Float) -> Side:
    import pyspiel

    from games.to_openspiel import to_openspiel

    policy = to_openspiel(game, play)
    return Side(lambda: pyspiel.nash_conv(spiel(name), policy), calls=1, warm=lambda: None)


def _kept(name: str, game: TreeGame, play: Float) -> Side:
    """Both players' best responses alone: in these zero-sum games their values sum to NashConv."""
    import pyspiel

    from games.to_openspiel import to_openspiel

    policy, root = to_openspiel(game, play), spiel(name).new_initial_state()
    responses = [pyspiel.TabularBestResponse(spiel(name), player, policy) for player in range(2)]

    def both() -> float:
        for response in responses:
            response.set_policy(policy)
        return sum(response.value_from_state(root) for response in responses)

    return Side(both, calls=1, warm=lambda: None)
