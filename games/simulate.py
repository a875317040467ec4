"""A game as an environment: one play per episode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from games.env import Env
from games.errors import InputError
from games.normal import NormalFormGame
from games.tree import TreeGame

if TYPE_CHECKING:
    from games.markov import MarkovGame


def simulate(game: NormalFormGame | TreeGame | MarkovGame, *, name: str = "", **options: Any) -> Env:
    """An environment in which a game is played, once per episode.

    Parameters
    ----------
    game : NormalFormGame, TreeGame or MarkovGame
        The game. Players become agents of one group; who has fewer actions than others has the rest masked out.
        Information sets, or states, become `View.row`.
    name : str, optional
        What the environment is called; the game's title by default.
    **options
        Of trees, see `games.sims.tree.TreeRules`; of Markov games, see `games.sims.markov.MarkovRules`.

    Returns
    -------
    Env
        Normal form: one simultaneous step. Tree: turn-based, chance drawn from the sub-environment's own stream;
        payoffs come at the end. Markov game: one step per stage.
    """
    from games.sims.simulation import Simulation

    if isinstance(game, NormalFormGame):
        from games.sims.matrix import MatrixRules

        return Simulation(MatrixRules(game, name or game.title or "normal-form game", **options))
    if isinstance(game, TreeGame):
        from games.sims.tree import TreeRules

        return Simulation(TreeRules(game, name or game.title or "game tree", **options))
    from games.markov import MarkovGame

    if isinstance(game, MarkovGame):
        from games.sims.markov import MarkovRules

        return Simulation(MarkovRules(game, name or game.title, **options))
    raise InputError(
        f"cannot simulate {type(game).__name__}; expected a NormalFormGame, TreeGame or MarkovGame"
    )
