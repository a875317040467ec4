"""OpenSpiel games as normal-form games: matrix games directly, small games of any other kind through their tree.

A sequential or simultaneous game with enumerated chance is walked once into an `EfgTree` whose information sets
are OpenSpiel's information-state strings; its strategic form is then that of any tree. Players who move at the
same time become players who move in turn without seeing it.
"""

from __future__ import annotations

import itertools
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

import numpy as np

from games.efg import EfgTree
from games.errors import InputError
from games.limits import check_fits
from games.normal import NormalFormGame
from games.openspiel_tree import MAX_NODES, walk
from games.simplices import Float

_MOST_WORDS = 2_000_000  # beyond this many choices in all plans, names stay numbers


def from_openspiel(text: str, form: str = "reduced", **unknown: Any) -> NormalFormGame:
    """The normal form of an OpenSpiel game.

    Parameters
    ----------
    text : str
        The game as OpenSpiel writes it: ``kuhn_poker``, ``blotto(coins=5,fields=3)``.
    form : {"reduced", "full"}
        Which pure strategies of a tree to list; see `games.efg_strategic.to_strategic`.

    Returns
    -------
    NormalFormGame
        Titled by OpenSpiel's own string. Actions of one-shot games have OpenSpiel's names; a plan for several
        information sets lists its choices in order of their first appearance, ``*`` where play cannot lead.

    Raises
    ------
    InputError
        If OpenSpiel is missing or does not know the game or its parameters, if the game is of a kind that has no
        finite normal form, or if its tree or strategic form is too large (with the count).
    """
    if unknown:
        name = next(iter(unknown))
        raise InputError(
            f"openspiel:{text} has no parameter {name!r} here; write the game's own in brackets, as NAME(key=value)"
        )
    if form not in ("reduced", "full"):
        raise InputError(f"openspiel:{text}: form={form} is not one of reduced, full")
    game = _load(text)
    _check_kind(text, game)
    pyspiel = _pyspiel()
    try:
        if isinstance(game, pyspiel.MatrixGame):
            return _from_matrix(game)
        if game.get_type().information == pyspiel.GameType.Information.ONE_SHOT:
            return _from_one_shot(game)
        return _from_tree(game, form)
    except InputError as error:
        raise InputError(f"openspiel:{text}: {error}") from None
    except (pyspiel.SpielError, RuntimeError, ValueError, OverflowError) as error:
        raise InputError(f"openspiel:{text} cannot be walked through: {_first_line(error)}") from None


# --- asking OpenSpiel ----------------------------------------------------------------------------------------


def _pyspiel() -> Any:
    try:
        import pyspiel
    except ImportError:
        raise InputError("openspiel: games need the package open_spiel (pip install open_spiel)") from None
    return pyspiel


def _load(text: str) -> Any:
    pyspiel = _pyspiel()
    name = text.partition("(")[0].strip()
    known = pyspiel.registered_names()
    if name not in known:
        near = get_close_matches(name.lower(), known, 1, 0.5)
        hint = f"did you mean openspiel:{near[0]}?" if near else f"it has {len(known)} others"
        raise InputError(f"OpenSpiel has no game {name[:60]!r}; {hint}")
    try:
        with _no_stderr():
            return pyspiel.load_game(text)
    except (pyspiel.SpielError, RuntimeError, ValueError) as error:
        raise InputError(f"OpenSpiel refuses {text[:80]}: {_first_line(error)}") from None


@contextmanager
def _no_stderr() -> Iterator[None]:
    """Silence what C++ prints to file descriptor 2 besides raising; it would appear before our own message."""
    sys.stderr.flush()
    saved = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def _first_line(error: Exception) -> str:
    """The message of a C++ error; of a failed check, the condition without the path of its source file."""
    line = (str(error).strip() or "no reason given").splitlines()[0]
    return f"its check {line.split(' ', 1)[1]} fails" if line.startswith("/") and " " in line else line


def _check_kind(text: str, game: Any) -> None:
    """Refuse what has no finite strategic form or does not show its information sets."""
    pyspiel = _pyspiel()
    kind = game.get_type()
    if kind.dynamics == pyspiel.GameType.Dynamics.MEAN_FIELD:
        raise InputError(f"openspiel:{text} is a mean-field game: it has no finite normal form")
    if kind.chance_mode == pyspiel.GameType.ChanceMode.SAMPLED_STOCHASTIC:
        raise InputError(
            f"openspiel:{text} samples chance instead of listing its outcomes: no exact normal form"
        )
    open_book = (pyspiel.GameType.Information.PERFECT_INFORMATION, pyspiel.GameType.Information.ONE_SHOT)
    if not kind.provides_information_state_string and kind.information not in open_book:
        raise InputError(f"openspiel:{text} has hidden information but no information-state strings")


# --- one-shot games ------------------------------------------------------------------------------------------


def _from_matrix(game: Any) -> NormalFormGame:
    names = [
        [name(k) for k in range(n)]
        for name, n in ((game.row_action_name, game.num_rows()), (game.col_action_name, game.num_cols()))
    ]
    shape = tuple(map(len, names))
    check_fits(shape, "the payoff matrix", copies=8)  # OpenSpiel hands over lists of Python floats
    payoffs = np.array([game.row_utilities(), game.col_utilities()]).reshape(2, *shape)
    return NormalFormGame(payoffs, actions=tuple(map(tuple, names)), title=str(game))


def _from_one_shot(game: Any) -> NormalFormGame:
    root = game.new_initial_state()
    players = range(game.num_players())
    legal = [list(root.legal_actions(i)) for i in players]
    shape = tuple(map(len, legal))
    check_fits(shape, "the normal form", copies=2)
    if math.prod(shape) > MAX_NODES * 8:
        raise InputError(
            f"the normal form has {math.prod(shape):,} joint profiles, too many to play one by one"
        )
    payoffs: Float = np.empty((len(shape), math.prod(shape)))
    for cell, profile in enumerate(itertools.product(*legal)):
        state = root.clone()
        state.apply_actions(profile)
        payoffs[:, cell] = state.returns()
    names = tuple(tuple(root.action_to_string(i, a) for a in legal[i]) for i in players)
    return NormalFormGame(payoffs.reshape(len(shape), *shape), actions=names, title=str(game))


# --- games with a tree ---------------------------------------------------------------------------------------


def _from_tree(game: Any, form: str) -> NormalFormGame:
    from games.efg_strategic import to_strategic

    tree = walk(game)
    strategic = to_strategic(tree, form)
    names = tuple(_plan_names(tree, i, block) for i, block in enumerate(strategic.actions))
    return NormalFormGame(strategic.payoffs, players=strategic.players, actions=names, title=tree.title)


def _plan_names(tree: EfgTree, player: int, labels: tuple[str, ...]) -> tuple[str, ...]:
    """Plans in the game's own words: `Pass Bet * Bet` for the strategy that `to_strategic` calls `12*2`."""
    choices = [block.actions for block in tree.infosets if block.player == player]
    if not choices or len(labels) * len(choices) > _MOST_WORDS:
        return labels
    plans = [label.split(".") if max(map(len, choices)) > 9 else list(label) for label in labels]
    return tuple(
        " ".join("*" if k == "*" else names[int(k) - 1] for names, k in zip(choices, plan)) for plan in plans
    )
