"""Solved strategies as players: what `staghunt solve --out` wrote plays the environment of its game.

A behaviour strategy plays its game tree; a mixed profile plays its normal-form game, and every round of that game
repeated. Everybody plays their own part of the profile. Rules of a swarm (`games.open_loop`) are played by all its agents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from games.behavior_files import behavior_of, check_game, read_document
from games.env import Env, View
from games.errors import InputError
from games.normal import NormalFormGame
from games.open_loop import is_rules, load_rules
from games.policy import Memoryless, Policy, Tabular
from games.simplices import SUM_TOLERANCE
from games.streams import Streams

Array = npt.NDArray[Any]

_LISTED = 1 << 16
"""In games with more situations than this the same mixture is not written down for each of them."""


class Stationary(Memoryless):
    """The same mixed action whatever happens.

    Parameters
    ----------
    mixture : float64[A] or float64[n, A]
        Action probabilities, the same for all agents or for each.
    """

    def __init__(self, mixture: Any) -> None:
        self.mixture = np.array(mixture, dtype=np.float64)
        self.mixture.setflags(write=False)

    def __repr__(self) -> str:
        return f"Stationary{self.mixture.shape}"

    def probs(self, view: View, memory: None = None) -> tuple[Array, None]:
        """The mixture everywhere, float64[B, n, A]."""
        return np.broadcast_to(self.mixture, view.mask.shape).copy(), None

    def sample(self, view: View, memory: None, streams: Streams) -> tuple[Array, None]:
        """One draw per stream."""
        return streams.choose(self.probs(view)[0]), None


def solved_policy(path: str, env: Env, agent: str | None = None) -> Policy:
    """The strategy in a file as a player.

    Parameters
    ----------
    path : str
        A JSON file: what `staghunt solve --out` wrote (of several solutions the first is taken), an object with a
        ``behavior`` or a ``profile``, or the rules of a swarm (`games.open_loop`).
    env : Env
        Of a game tree, for a behaviour strategy; of a normal-form game or that game repeated, for a mixed profile; a swarm,
        for rules.
    agent : str, optional
        For whom; for all agents by default.

    Raises
    ------
    InputError
        If the file cannot be read, is about another game, or holds no strategy that this environment's agents can
        play; the message says where.
    """
    from games.sims.matrix import MatrixRules
    from games.sims.repeated import RepeatedRules
    from games.sims.tree import TreeRules

    where = Path(path)
    if is_swarm(env) or is_rules(_looked_into(where)):
        return load_rules(where, env.spec)
    rules = getattr(env, "rules", None)
    tabled = isinstance(rules, MatrixRules | RepeatedRules)
    if not tabled and not isinstance(rules, TreeRules):
        raise InputError(f"{path}: {_needs(env)}")
    document = read_document(where)
    entry = _first_solution(document, path)
    if not tabled:
        return _on_tree(document, entry, rules, path)
    if isinstance(entry.get("behavior"), list):
        raise InputError(f"{path}: a behaviour strategy plays a game tree, and {env.spec.name} is none")
    assert isinstance(rules, MatrixRules | RepeatedRules)
    game = rules.game
    check_game(document, game, where)
    blocks = _blocks(document, entry, game, path)
    padded = np.zeros((len(blocks), env.spec.groups[0].width))
    for row, block in zip(padded, blocks):
        row[: len(block)] = block
    mine = padded if agent is None else padded[env.spec.agents.index(agent)]
    rows = env.spec.groups[0].rows
    if not 0 < rows <= _LISTED:
        return Stationary(mine)
    return Tabular(np.repeat(mine[..., None, :], rows, axis=-2))


def is_swarm(env: Env) -> bool:
    """Whether only the rules of a swarm can play there, of all that files hold."""
    return env.spec.name.startswith("swarm:")


def _looked_into(path: Path) -> Any:
    """What a file holds, to see what it is about; None if it cannot be read."""
    try:
        return read_document(path)
    except InputError:
        return None  # whoever needs it will complain


def _needs(env: Env) -> str:
    scheme, colon, _ = env.spec.name.partition(":")
    hint = f"; ask for {env.spec.name}?compiled=true" if colon and scheme == "openspiel" else ""
    return f"a solved strategy plays a game tree, a normal-form game or a repeated one, and {env.spec.name} is none{hint}"


def _first_solution(document: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """The first of several solutions, or the document itself if it lists none."""
    solutions = document.get("solutions")
    if solutions is None or "behavior" in document or "profile" in document:
        return document
    if not isinstance(solutions, list) or not all(isinstance(entry, dict) for entry in solutions):
        raise InputError(f"{path}: 'solutions' is not a list of objects")
    if not solutions:
        raise InputError(f"{path} holds no solution")
    first: Mapping[str, Any] = solutions[0]
    return first


def _on_tree(document: Mapping[str, Any], entry: Mapping[str, Any], rules: Any, path: str) -> Policy:
    from games.tree_policies import behavior_table

    game = rules.game
    if any(isinstance(entry.get(key), list | dict) for key in ("plan", "mixture", "joint")):
        raise InputError(f"{path}: {_CORRELATED}")
    check_game(document, game, path)
    return Tabular(behavior_table(game, behavior_of(entry.get("behavior"), game, path)))


_CORRELATED = (
    "holds a correlated strategy, which plays for the whole team and cannot be one agent (its marginals are no "
    "equilibrium)"
)


def _blocks(
    document: Mapping[str, Any], entry: Mapping[str, Any], game: NormalFormGame, path: str
) -> list[list[float]]:
    """Everybody's mixed action, checked against the game's shape and names."""
    profile = entry.get("profile")
    if any(isinstance(entry.get(key), list | dict) for key in ("joint", "mixture")):
        raise InputError(f"{path}: {_CORRELATED}")
    if not isinstance(profile, list) or not profile:
        raise InputError(
            f"{path} holds no mixed profile; expected 'profile', one list of probabilities per player"
        )
    _check_names(document, game, path)
    sizes = [len(block) if isinstance(block, list) else 0 for block in profile]
    if sizes != list(game.shape):
        raise InputError(f"{path}: the profile has blocks of sizes {sizes}, expected {list(game.shape)}")
    return [_distribution(block, game.players[i], path) for i, block in enumerate(profile)]


def _check_names(document: Mapping[str, Any], game: NormalFormGame, path: str) -> None:
    """`InputError` if a document that does not say by digest which game it is for has other names."""
    about = document.get("game")
    if not isinstance(about, dict) or about.get("digest") is not None:
        return
    for key, known in (("players", list(game.players)), ("actions", [list(block) for block in game.actions])):
        if about.get(key) is not None and about[key] != known:
            raise InputError(
                f"{path} is for a game with other {key}: {about[key]!r:.80}, expected {known!r:.80}"
            )


def _distribution(block: Sequence[Any], player: str, path: str) -> list[float]:
    if not all(type(p) in (int, float) for p in block):
        raise InputError(f"{path}: a probability of {player} is not a number")
    numbers = [
        float(min(max(p, -2), 2)) if p == p else p for p in block
    ]  # whatever is beyond is wrong anyway
    total = sum(numbers)
    if not (min(numbers) >= -1e-9 and abs(total - 1.0) <= SUM_TOLERANCE):
        raise InputError(
            f"{path}: the probabilities of {player} sum to {total:g}, or one is negative; expected 1"
        )
    return [max(p, 0.0) / total for p in numbers]
