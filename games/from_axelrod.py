"""Players of the Axelrod library in our repeated games: ``axelrod:Tit For Tat``, ``axelrod:Random(p=0.3)``.

Knight et al., the Axelrod library, https://github.com/Axelrod-Python/Axelrod; ``pip install axelrod``. A match here is a
match there: every player is an object of the library's own, told the length, the payoffs and the noise of its game, and
then round by round what was really played. Its chance comes from its agent's stream.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
from difflib import get_close_matches
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, View
from games.errors import InputError
from games.normal import NormalFormGame
from games.streams import Streams

Array = npt.NDArray[Any]
PREFIX = "axelrod:"


class Seats:
    """Players and their opponents as they see them, one pair for each of B x n agents; None until their first move.

    The library's players change as they play, so a memory is used up by the step that it is given to.
    """

    def __init__(self, batch: int, agents: int) -> None:
        self.pairs: list[list[tuple[Any, Any] | None]] = [[None] * agents for _ in range(batch)]

    def restarted(self, where: Array, fresh: Seats) -> Seats:
        """This, with nobody seated yet in the sub-environments chosen by bool[B]."""
        out = Seats(0, 0)
        out.pairs = [new if chosen else old for old, new, chosen in zip(self.pairs, fresh.pairs, where)]
        return out


class AxelrodPlayer:
    """A strategy of the library as a policy; see `axelrod_policy`."""

    def __init__(self, library: ModuleType, kind: Any, settings: dict[str, Any], attributes: Any) -> None:
        self._library, self._kind, self._settings, self._attributes = library, kind, settings, attributes
        self._stochastic = bool(library.Classifiers["stochastic"](self._player()))

    def __repr__(self) -> str:
        told = ", ".join(f"{key}={value}" for key, value in self._settings.items())
        return f"{PREFIX}{self._kind.__name__}({told})"

    def _player(self) -> Any:
        player = self._kind(**self._settings)
        player.set_match_attributes(**self._attributes)
        return player

    def start(self, batch: int, agents: int) -> Seats:
        """Nobody seated yet: players are made when they first move."""
        return Seats(batch, agents)

    def sample(self, view: View, memory: Seats, streams: Streams) -> tuple[Array, Seats]:
        """Actions int32[B, n]: 0 to cooperate, 1 to defect. One draw per stream, which seeds players at their start."""
        from games.strategies.scripted import read

        last = read(view)
        seeds = streams.bits() >> np.uint64(32)
        cooperate, defect = self._library.Action.C, self._library.Action.D
        out = np.zeros(view.mask.shape[:2], dtype=np.int32)
        for b, i in np.argwhere(view.acting).tolist():
            pair = memory.pairs[b][i]
            if last.first[b, i] or pair is None:
                pair = memory.pairs[b][i] = self._player(), self._library.MockPlayer([cooperate])
                if self._stochastic:
                    pair[0].set_seed(int(seeds[b, i]))
            player, other = pair
            if not last.first[b, i]:
                own = defect if last.own[b, i] else cooperate
                reply = defect if last.other[b, i] else cooperate
                player.update_history(own, reply)
                other.update_history(reply, own)
            out[b, i] = player.strategy(other) is defect
        return out, memory


def axelrod_policy(name: str, spec: EnvSpec, agent: str | None = None) -> AxelrodPlayer:
    """A player of the Axelrod library.

    Parameters
    ----------
    name : str
        ``axelrod:`` and what the library calls the strategy, or its class, with parameters in brackets as in
        Python, C and D being actions: ``axelrod:Tit For Tat``, ``axelrod:Adaptive(initial_plays=[C, D])``.
    spec : EnvSpec
        Of a repeated game of two players with two actions each, the first of which is to cooperate.
    agent : str, optional
        Whose payoffs the player is told; the first agent's by default.

    Raises
    ------
    InputError
        If the library is not installed, has no such strategy or not these parameters, the strategy looks inside its
        opponents, or the environment is another.
    """
    from games.strategies import known_rounds, payoffs_of

    library = _library()
    kind, settings = _called(library, name.strip()[len(PREFIX) :].strip())
    game = getattr(spec, "game", None)
    if not isinstance(game, NormalFormGame) or game.shape != (2, 2):
        raise InputError(
            f"{PREFIX} players play repeated games of two players with two actions each, and {spec.name} is not one"
        )
    pay, rounds = payoffs_of(spec, agent), known_rounds(spec)
    attributes = {
        "length": math.inf if rounds is None else rounds,
        "game": library.Game(r=pay.reward, s=pay.sucker, t=pay.temptation, p=pay.punishment),
        "noise": getattr(spec, "noise", 0.0),
    }
    try:
        player = AxelrodPlayer(library, kind, settings, attributes)
        fair = library.Classifiers.obey_axelrod(kind(**settings))
    except Exception as error:  # whatever a strategy raises about its parameters
        text = " ".join(str(error).split())
        raise InputError(
            f"{PREFIX}{kind.__name__} cannot be made: {text or type(error).__name__:.200}"
        ) from None
    if not fair:
        raise InputError(
            f"{PREFIX}{kind.__name__} looks inside its opponents or changes them, which nobody can here"
        )
    return player


def _library() -> ModuleType:
    try:
        import axelrod
    except ImportError:
        raise InputError(
            f"{PREFIX} policies are players of the Axelrod library, which is not installed: pip install axelrod"
        ) from None
    module: ModuleType = axelrod
    return module


def _called(library: ModuleType, text: str) -> tuple[Any, dict[str, Any]]:
    """The class and its parameters that a text such as ``Random(p=0.3)`` means."""
    if (kind := _find(library, text)) is not None:  # some names have brackets of their own
        return kind, {}
    plain, bracket, rest = text.partition("(")
    kind = _find(library, plain) if bracket else None
    if kind is None:
        raise InputError(_unknown(library, plain.strip()))
    return kind, _settings(library, kind, f"f({rest}")


def _settings(library: ModuleType, kind: Any, text: str) -> dict[str, Any]:
    takes = [p for p in inspect.signature(kind.__init__).parameters if p != "self"]
    told = f"it takes {', '.join(takes)}" if takes else "it takes none"
    try:
        call = ast.parse(text, mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise ValueError
        values = [_literal(library, part) for part in call.args]
        named = {str(part.arg): _literal(library, part.value) for part in call.keywords}
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise InputError(
            f"{PREFIX}{kind.__name__}{text[1:]:.80} does not read as parameters (key=value, ...); {told}"
        ) from None
    try:
        bound: dict[str, Any] = (
            inspect.signature(kind.__init__).bind_partial(None, *values, **named).arguments
        )
    except TypeError as error:
        raise InputError(f"{PREFIX}{kind.__name__}: {error}; {told}") from None
    return {key: value for key, value in bound.items() if key != "self"}


def _literal(library: ModuleType, part: ast.expr) -> Any:
    """A number, text, list, tuple or mapping; C and D are the library's actions."""
    if isinstance(part, ast.Name) and part.id in ("C", "D"):
        return getattr(library.Action, part.id)
    if isinstance(part, ast.List | ast.Tuple):
        values = [_literal(library, item) for item in part.elts]
        return values if isinstance(part, ast.List) else tuple(values)
    return ast.literal_eval(part)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def _registry(library: ModuleType) -> dict[str, Any]:
    """Every strategy by its name and by that of its class, in small letters and digits alone."""
    found = {_plain(kind.name): kind for kind in library.all_strategies}
    found |= {_plain(kind.__name__): kind for kind in library.all_strategies}
    found.pop("", None)
    return found


def _find(library: ModuleType, name: str) -> Any:
    return _registry(library).get(_plain(name))


def _unknown(library: ModuleType, name: str) -> str:
    names = {_plain(key): key for kind in library.all_strategies for key in (kind.__name__, kind.name)}
    near = get_close_matches(_plain(name), names, 1, 0.5)
    hint = f"did you mean {PREFIX}{names[near[0]]}?" if near else "see axelrod.all_strategies"
    return f"the Axelrod library has no strategy {name!r:.60}; {hint}"
