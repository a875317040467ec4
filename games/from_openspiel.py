"""OpenSpiel games: matrix and one-shot games in normal form, games of any other kind as trees.

A sequential or simultaneous game with listed chance outcomes is walked once into a `TreeGame` whose information sets
are OpenSpiel's information-state strings. Players who move at the same time become players who move in turn without
seeing it. Trees that took long to compile are kept on disk (`games.tree_cache`).
"""

from __future__ import annotations

import importlib
import itertools
import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from games.errors import InputError
from games.limits import check_fits
from games.normal import NormalFormGame
from games.openspiel_tree import MAX_NODES, Progress, compile_tree, too_many
from games.simplices import Float
from games.tree import TreeGame
from games.tree_cache import cached

FORMS = ("tree", "reduced", "full")
_MOST_PLAYS = 2_000_000  # of a one-shot game, which are played one by one
_MOST_WORDS = 2_000_000  # beyond this many choices in all plans, names stay numbers


def from_openspiel(
    text: str,
    form: str | None = None,
    *,
    max_nodes: int | str = MAX_NODES,
    progress: Progress | None = None,
    **unknown: Any,
) -> NormalFormGame | TreeGame:
    """An OpenSpiel game, as a tree where it has one worth the name.

    Parameters
    ----------
    text : str
        The game as OpenSpiel writes it: ``kuhn_poker``, ``blotto(coins=5,fields=3)``.
    form : {None, "tree", "reduced", "full"}
        The tree, or the reduced or full strategic form (`games.efg_strategic.to_strategic`). By default matrix and
        one-shot games come in normal form and all others as trees.
    max_nodes : int
        Largest tree that is compiled.
    progress : callable, optional
        Told how many nodes there are so far.

    Returns
    -------
    NormalFormGame or TreeGame
        Titled by OpenSpiel's own string. Actions of one-shot games have OpenSpiel's names; a plan for several
        information sets lists its choices in order of their first appearance, ``*`` where play cannot lead.

    Raises
    ------
    InputError
        If OpenSpiel is missing or does not know the game or its parameters, if the game is of a kind that has no
        finite tree, or if its tree or strategic form is too large.
    """
    if unknown:
        name = next(iter(unknown))
        raise InputError(
            f"openspiel:{text} has no parameter {name!r} here; write the game's own in brackets, as NAME(key=value)"
        )
    if form not in (None, *FORMS):
        raise InputError(f"openspiel:{text}: form={form} is not one of {', '.join(FORMS)}")
    game, limit = load_spiel(text), node_limit(max_nodes)
    check_finite(text, game)
    with explained(text):
        information = pyspiel_module().GameType.Information
        if form != "tree":
            if isinstance(game, pyspiel_module().MatrixGame):
                return _from_matrix(game)
            if game.get_type().information == information.ONE_SHOT:
                return _from_one_shot(game)
        tree = _compiled(text, game, limit, progress)
        return tree if form in (None, "tree") else _strategic(tree, form)


def tree_from_openspiel(
    text: str, *, max_nodes: int | str = MAX_NODES, progress: Progress | None = None
) -> TreeGame:
    """The tree of an OpenSpiel game of any kind; simultaneous moves become hidden moves in turn.

    Forced moves and certain chance are left out. Information sets are numbered in order of first appearance and
    called by OpenSpiel's information-state strings, or by the history where a game with perfect information has none.

    Parameters
    ----------
    text : str
        The game as OpenSpiel writes it.
    max_nodes : int
        Largest tree that is compiled.
    progress : callable, optional
        Called as ``progress(nan, "compiling leduc_poker: 123,456 nodes")``.

    Raises
    ------
    InputError
        As `from_openspiel`.

    Examples
    --------
    >>> tree_from_openspiel("kuhn_poker")
    TreeGame('kuhn_poker()', 2 players, 58 nodes, 12 information sets)
    """
    game, limit = load_spiel(text), node_limit(max_nodes)
    check_finite(text, game)
    with explained(text):
        return _compiled(text, game, limit, progress)


def node_limit(max_nodes: int | str) -> int:
    """The node limit, which a URI gives as text."""
    try:
        limit = int(max_nodes.replace(",", "").replace("_", "") if isinstance(max_nodes, str) else max_nodes)
    except (TypeError, ValueError, OverflowError):
        limit = 0
    if not 0 < limit <= 2**31 - 1 or limit != (limit if isinstance(max_nodes, str) else max_nodes):
        raise InputError(f"max_nodes={str(max_nodes)[:40]} is not a whole number from 1 to {2**31 - 1:,}")
    return limit


@contextmanager
def explained(text: str) -> Iterator[None]:
    """Put the game's name in front of complaints, and make OpenSpiel's own complaints ours."""
    pyspiel = pyspiel_module()
    try:
        yield
    except InputError as error:
        raise InputError(f"openspiel:{text}: {error}") from None
    except (pyspiel.SpielError, RuntimeError, ValueError, LookupError, TypeError, OverflowError) as error:
        raise InputError(f"openspiel:{text} cannot be walked through: {_first_line(error)}") from None
    except MemoryError:
        raise InputError(f"openspiel:{text}: the game does not fit in memory") from None


# --- asking OpenSpiel ----------------------------------------------------------------------------------------


def pyspiel_module() -> Any:
    """OpenSpiel's Python module, or `InputError` saying how to get it."""
    try:
        import pyspiel
    except ImportError:
        raise InputError("openspiel: games need the package open_spiel (pip install open_spiel)") from None
    return pyspiel


def load_spiel(text: str) -> Any:
    """The game as OpenSpiel has it, or `InputError` with the nearest name or OpenSpiel's own complaint."""
    pyspiel = pyspiel_module()
    name = text.partition("(")[0].strip()
    known = _names(name)
    if name not in known:
        near = get_close_matches(name.lower(), known, 1, 0.5)
        hint = f"did you mean openspiel:{near[0]}?" if near else f"it has {len(known)} others"
        raise InputError(f"OpenSpiel has no game {name[:60]!r}; {hint}")
    try:
        with no_stderr():
            return pyspiel.load_game(text)
    except (pyspiel.SpielError, RuntimeError, ValueError, LookupError, TypeError) as error:
        raise InputError(f"OpenSpiel refuses {text[:80]}: {_first_line(error)}") from None


def _names(wanted: str) -> list[str]:
    """The games OpenSpiel knows; those written in Python enlist when their package is imported, which takes a while."""
    if wanted.startswith("python_"):
        with suppress(ImportError):
            importlib.import_module("open_spiel.python.games")
    return list(pyspiel_module().registered_names())


@contextmanager
def no_stderr() -> Iterator[None]:
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


def check_finite(text: str, game: Any) -> None:
    """Refuse what has no finite tree or does not show its information sets."""
    pyspiel = pyspiel_module()
    kind = game.get_type()
    if kind.dynamics == pyspiel.GameType.Dynamics.MEAN_FIELD:
        raise InputError(
            f"openspiel:{text} is a mean-field game: it has no finite tree; `staghunt solve` and info take it"
        )
    if kind.chance_mode == pyspiel.GameType.ChanceMode.SAMPLED_STOCHASTIC:
        raise InputError(f"openspiel:{text} samples chance instead of listing its outcomes: no exact tree")
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
    if math.prod(shape) > _MOST_PLAYS:
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


def _compiled(text: str, game: Any, limit: int, progress: Progress | None) -> TreeGame:
    """The tree, from disk if it is there; either way not larger than the limit."""
    key = _cache_key(text, game)
    if key is None:
        return compile_tree(game, limit, progress)
    tree = cached(key, lambda: compile_tree(game, limit, progress))
    if tree.nodes > limit:
        raise InputError(too_many(limit))
    return tree


def _cache_key(text: str, game: Any) -> str | None:
    """Everything that the tree of a game depends on, or None where that cannot be told.

    The text counts too: a game that is a transformation of another may not have it among its parameters.
    """
    if not _is_native(game):
        return None
    parameters = game.get_parameters()
    files = [
        sha256(Path(text).read_bytes()).hexdigest()
        for text in _texts(parameters)
        if "\0" not in text and os.path.isfile(text)
    ]
    return f"openspiel {_version()} {text} {json.dumps(parameters, sort_keys=True, default=str)} {files}"


def _is_native(game: Any) -> bool:
    """Whether a game, and all it is built from, is part of OpenSpiel; games written in Python may change."""
    if type(game).__module__.partition(".")[0] != "pyspiel":
        return False
    inner = [dict(value) for value in game.get_parameters().values() if isinstance(value, dict)]
    return all(_is_native(pyspiel_module().load_game(part.pop("name"), part)) for part in inner)


def _texts(parameters: dict[str, Any]) -> Iterator[str]:
    """Every text among the parameters of a game and of the games within: it may name a file."""
    for value in parameters.values():
        if isinstance(value, dict):
            yield from _texts(value)
        elif isinstance(value, str):
            yield value


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("open_spiel")
    except PackageNotFoundError:
        status = os.stat(pyspiel_module().__file__)
        return f"{status.st_size} {status.st_mtime_ns}"


def _strategic(tree: TreeGame, form: str) -> NormalFormGame:
    strategic = tree.to_normal(form)
    names = tuple(_plan_names(tree, i, block) for i, block in enumerate(strategic.actions))
    return NormalFormGame(strategic.payoffs, players=strategic.players, actions=names, title=tree.title)


def _plan_names(tree: TreeGame, player: int, labels: tuple[str, ...]) -> tuple[str, ...]:
    """Plans in the game's own words: `Pass Bet * Bet` for the strategy that `to_strategic` calls `12*2`."""
    choices = [names for owner, names in zip(tree.owner.tolist(), tree.actions) if owner == player]
    if not choices or len(labels) * len(choices) > _MOST_WORDS:
        return labels
    plans = [label.split(".") if max(map(len, choices)) > 9 else list(label) for label in labels]
    return tuple(
        " ".join("*" if k == "*" else names[int(k) - 1] for names, k in zip(choices, plan)) for plan in plans
    )
