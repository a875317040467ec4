"""The one answer to a tree where a game in normal form is needed."""

from __future__ import annotations

from typing import Any

from games.errors import InputError
from games.tree import TreeGame

_INSTEAD = {
    "cce": "cfr(game, concept='cce') finds one by self-play on the tree, efcce and efce extensive-form ones",
    "ce": "efce and efcce find extensive-form correlated equilibria on the tree",
    "nash": "tree_nash, cfr, mmd and sequence_form work on the tree",
    "qre": "agent_qre, trace_agent_qre and mmd work on the tree",
}


def check_normal_form(game: Any, what: str, concept: str = "") -> None:
    """Raise `InputError` if `game` is a tree: its strategic form can be solved, and what works on the tree itself.

    Parameters
    ----------
    game : Any
        What a solver of normal-form games was given.
    what : str
        The solver, for the message.
    concept : str
        What it finds: "cce", "ce", "nash" or "qre", if there is something on trees to point to.
    """
    if isinstance(game, TreeGame):
        instead = f"; {_INSTEAD[concept]}" if concept in _INSTEAD else ""
        raise InputError(
            f"{what} works on games in normal form and {game.title!r} is a tree: "
            f"give it game.to_normal(), which load(..., form='reduced') returns{instead}"
        )
