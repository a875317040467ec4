"""The trees that are compared on, and the peers that play them: OpenSpiel's solvers and LiteEFG's baselines."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import time
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

from games.tree import TreeGame

_GOOFSPIEL = (
    "turn_based_simultaneous_game(game=goofspiel(num_cards={},imp_info=True,points_order=descending))"
)
GAMES = {
    "kuhn 2 players": "kuhn_poker",
    "kuhn 3 players": "kuhn_poker(players=3)",
    "leduc": "leduc_poker",
    "leduc 3 players": "leduc_poker(players=3)",
    "liars_dice 1x4": "liars_dice(dice_sides=4)",
    "liars_dice 1x5": "liars_dice(dice_sides=5)",
    "liars_dice 1x6": "liars_dice",
    "goofspiel 4": _GOOFSPIEL.format(4),
    "goofspiel 5": _GOOFSPIEL.format(5),
}
"""What rows call a game, and what OpenSpiel calls it."""


@lru_cache(maxsize=2)
def tree(name: str) -> TreeGame:
    """Our compiled game, kept so that the rows on one game share it."""
    from games.from_openspiel import tree_from_openspiel

    return tree_from_openspiel(GAMES[name])


@cache
def spiel(name: str) -> Any:
    """OpenSpiel's game."""
    import pyspiel

    return pyspiel.load_game(GAMES[name])


class OpenSpielCfr:
    """OpenSpiel's C++ CFR or CFR+ in the middle of its work."""

    def __init__(self, name: str, method: str) -> None:
        import pyspiel

        self.game = spiel(name)
        self.solver = {"cfr": pyspiel.CFRSolver, "cfr+": pyspiel.CFRPlusSolver}[method](self.game)

    def step(self, iterations: int) -> None:
        """Do this many more iterations."""
        advance = self.solver.evaluate_and_update_policy
        for _ in range(iterations):
            advance()

    def nash_conv(self) -> float:
        """NashConv of the average strategies, by OpenSpiel."""
        import pyspiel

        return float(pyspiel.nash_conv(self.game, self.solver.average_policy()))


# --- LiteEFG --------------------------------------------------------------------------------------------------

BASELINES = {"cfr": "CFR", "cfr+": "CFRplus", "dcfr": "DCFR", "pcfr+": "PCFR"}
"""LiteEFG's modules by our names of the methods."""
_AVERAGES = {"cfr": "avg-iterate", "cfr+": "linear-avg-iterate", "pcfr+": "linear-avg-iterate"}
"""Which average its own scripts report; its discounted CFR keeps an average of its own."""


class LiteEfg:
    """A LiteEFG baseline in the middle of its work, iterated as its own training script does.

    The script's CFR updates all players at once and its other methods the two players in turn; here every player of
    a larger game has its turn too. Averages are taken before an update and not after it, which costs the same and
    makes them those of the literature.
    """

    def __init__(self, name: str, method: str) -> None:
        from importlib import import_module

        baseline = import_module(f"LiteEFG.baselines.{BASELINES[method]}")
        with contextlib.redirect_stdout(io.StringIO()):
            self.graph = baseline.graph()
            self.environment = litefg_environment(name)
            self.environment.set_graph(self.graph)
        self.turns = (-1,) if method == "cfr" else tuple(range(1, spiel(name).num_players() + 1))
        self.average = _AVERAGES.get(method)
        self.reported = self.graph.current_strategy() if self.average else self.graph.avg_strategy

    def step(self, iterations: int) -> None:
        """Do this many more iterations."""
        update, strategy, turns = self.environment.update, self.graph.strategy, self.turns
        average = self.environment.update_strategy if self.average else None
        for _ in range(iterations):
            if average is not None:
                average(strategy)
            for player in turns:
                update(strategy, upd_player=player)

    def nash_conv(self) -> float:
        """NashConv of the average strategies, by LiteEFG."""
        if self.average is None:
            self.environment.update_strategy(self.reported)
        return float(sum(self.environment.exploitability(self.reported, self.average or "last-iterate")))


@cache
def litefg_build_s(name: str) -> float:
    """Process seconds that LiteEFG takes to write the game's file and to build its environment from it."""
    start = time.process_time()
    litefg_write(name)
    return time.process_time() - start


def litefg_write(name: str) -> Any:
    """LiteEFG's environment of a game, whose file is written anew."""
    return _environment(name, anew=True)


def litefg_environment(name: str) -> Any:
    """LiteEFG's environment of a game, from the file that the first call writes."""
    litefg_build_s(name)
    return _environment(name, anew=False)


def _environment(name: str, anew: bool) -> Any:
    import LiteEFG

    with contextlib.redirect_stdout(io.StringIO()), environment("HOME", _folder().name):
        return LiteEFG.OpenSpielEnv(spiel(name), traverse_type="Enumerate", regenerate=anew)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Lives as long as this process: LiteEFG keeps its game files in the home directory, and ours is not the place."""
    return tempfile.TemporaryDirectory(prefix="staghunt-bench-")


@contextlib.contextmanager
def environment(name: str, value: str) -> Iterator[None]:
    """Set an environment variable for a while."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
