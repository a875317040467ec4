"""A person as a policy: told what one agent sees, asked what it does."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from games.env import Group, View
from games.errors import InputError
from games.spaces import Box, MultiDiscrete
from games.streams import Streams
from games.tree import TreeGame

Array = npt.NDArray[Any]
_LISTED = 24
"""Longer observations and lists of actions are cut."""


class Situation(NamedTuple):
    """Where somebody is, in words, and how the actions are called there (as everywhere if empty)."""

    text: str
    actions: tuple[str, ...] = ()


class Met(NamedTuple):
    """What a person has lived through: steps seen and the sum of rewards, each float64[B, n]."""

    steps: Array
    total: Array


class Human:
    """A policy that asks somebody for each action; it plays one game at a time.

    Parameters
    ----------
    group : Group
        What the agents can do.
    agent : str
        What the person is called, in front of every question.
    ask : callable
        ``ask(prompt) -> str`` returns what was entered; whatever it raises ends the play.
    tell : callable
        ``tell(text)`` shows something.
    situation : callable, optional
        ``situation(row) -> Situation`` describes where the agent is, from `View.row` (-1 where situations are not
        listed); without it the observation is shown as numbers.

    Examples
    --------
    >>> from games import NormalFormGame, simulate
    >>> env = simulate(NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]]))
    >>> answers = iter(["2", "1"])
    >>> person = Human(env.spec.groups[0], "Ann", lambda prompt: next(answers), print)
    >>> _, step = env.reset(np.array([1], dtype=np.uint64))
    >>> from games.streams import ACT
    >>> view = step.groups[0].agents([0])
    >>> actions, _ = person.sample(view, person.start(1, 1), Streams.from_seeds([1], ACT))
    Ann sees: 1
    Ann can play: 0, 1
    There is no action '2'; choose one of: 0, 1
    >>> actions.tolist()
    [[1]]
    """

    def __init__(
        self,
        group: Group,
        agent: str,
        ask: Callable[[str], str],
        tell: Callable[[str], Any],
        situation: Callable[[int], Situation] | None = None,
    ) -> None:
        self.group, self.agent = group, agent
        self._ask, self._tell, self._situation = ask, tell, situation

    def __repr__(self) -> str:
        return f"Human({self.agent!r})"

    def start(self, batch: int, agents: int) -> Met:
        """Nothing has happened yet; `InputError` for more than one game, as nobody plays many at once."""
        if batch != 1:
            raise InputError(f"a person plays one game at a time, not {batch}")
        return Met(np.zeros((1, agents)), np.zeros((1, agents)))

    def sample(self, view: View, memory: Met, streams: Streams) -> tuple[Array, Met]:
        """Tell what there is to see, and ask until the answer is a legal action."""
        agents, space = view.observation.shape[1], self.group.actions
        dtype = np.float32 if isinstance(space, Box) else np.int32
        actions = np.zeros((1, agents, *space.shape), dtype=dtype)
        total = memory.total + view.reward
        for i in range(agents):
            if view.acting[0, i]:
                names = self._report(view, i, memory.steps[0, i] > 0, float(total[0, i]))
                actions[0, i] = self._choice(view.mask[0, i], names)
        return actions, Met(memory.steps + 1, total)

    def _report(self, view: View, i: int, later: bool, total: float) -> tuple[str, ...]:
        """Tell rewards and what is seen; returns how the actions are called here."""
        if later:
            self._tell(f"{self.agent} got {float(view.reward[0, i]):g}, {total:g} so far")
        if self._situation is not None:
            here = self._situation(-1 if view.row is None else int(view.row[0, i]))
            names = here.actions or self.group.action_names
            if here.text:
                gap = "\n" if "\n" in here.text else " "
                self._tell(f"{self.agent} knows:{gap}{here.text}")
                return names
            self._tell(f"{self.agent} sees: {_numbers(view.observation[0, i])}")
            return names
        self._tell(f"{self.agent} sees: {_numbers(view.observation[0, i])}")
        return self.group.action_names

    def _choice(self, mask: Array, names: tuple[str, ...]) -> Any:
        space = self.group.actions
        self._tell(f"{self.agent} can play: {self._possible(mask, names)}")
        while True:
            entry = self._ask(f"{self.agent}> ").strip()
            try:
                if isinstance(space, Box):
                    return _vector(entry, space)
                if isinstance(space, MultiDiscrete):
                    return _parts(entry, space, mask)
                return _named(entry, mask, names)
            except InputError as error:
                self._tell(str(error))

    def _possible(self, mask: Array, names: tuple[str, ...]) -> str:
        space = self.group.actions
        if isinstance(space, Box):
            return f"{_count(len(space.low))}, " + ", ".join(
                f"from {low:g} to {high:g}" for low, high in zip(space.low, space.high)
            )
        if isinstance(space, MultiDiscrete):
            parts = [mask[a:b] for a, b in zip(space.starts, space.starts[1:])]
            options = "; ".join(", ".join(map(str, np.flatnonzero(part))) for part in parts)
            return f"{_count(len(parts))}, one of each: {options}"
        return _labels(np.flatnonzero(mask), names)


def at_information_sets(game: TreeGame) -> Callable[[int], Situation]:
    """Describes the situations of a tree's environment: what the player knows, and the names of its actions."""

    def situation(row: int) -> Situation:
        if row >= len(game.infosets):
            return Situation("a play that ends before anybody moves")
        return Situation(game.infosets[row], tuple(game.actions[row]))

    return situation


def _named(entry: str, mask: Array, names: tuple[str, ...]) -> int:
    """A legal action by its number, its name, or the beginning of its name if that is enough."""
    legal = [int(k) for k in np.flatnonzero(mask)]
    if entry.isdecimal() and int(entry) in legal:
        return int(entry)
    called = {k: _name(k, names) for k in legal}
    for fits in (
        [k for k in legal if called[k] == entry],
        [k for k in legal if called[k].lower() == entry.lower()],
        [k for k in legal if entry and called[k].lower().startswith(entry.lower())],
    ):
        if len(fits) == 1:
            return fits[0]
        if len(fits) > 1:
            raise InputError(f"{entry!r} could be {_labels(fits, names)}")
    raise InputError(f"There is no action {entry!r}; choose one of: {_labels(legal, names)}")


def _name(action: int, names: tuple[str, ...]) -> str:
    return names[action] if action < len(names) else str(action)


def _labels(actions: Any, names: tuple[str, ...]) -> str:
    """Actions by number and name."""
    return _cut(
        [str(k) if _name(k, names) == str(k) else f"{k} {_name(k, names)}" for k in map(int, actions)]
    )


def _count(number: int) -> str:
    return "one number" if number == 1 else f"{number} numbers"


def _cut(names: list[str]) -> str:
    told = ", ".join(names[:_LISTED])
    return told if len(names) <= _LISTED else f"{told}, ... ({len(names)} in all)"


def _numbers(observation: Array) -> str:
    return _cut([f"{float(x):.4g}" for x in observation])


def _split(entry: str, count: int) -> list[str]:
    words = entry.replace(",", " ").split()
    if len(words) != count:
        raise InputError(f"Enter {_count(count)}, not {entry!r}")
    return words


def _vector(entry: str, space: Box) -> list[float]:
    values = []
    for word, low, high in zip(_split(entry, len(space.low)), space.low, space.high):
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise InputError(f"{word!r} is not a number from {low:g} to {high:g}")
        values.append(value)
    return values


def _parts(entry: str, space: MultiDiscrete, mask: Array) -> list[int]:
    chosen = []
    for word, start, end in zip(_split(entry, len(space.counts)), space.starts, space.starts[1:]):
        legal = [int(k) for k in np.flatnonzero(mask[start:end])]
        if not word.isdecimal() or int(word) not in legal:
            raise InputError(f"There is no choice {word!r}; choose one of: {_cut([str(k) for k in legal])}")
        chosen.append(int(word))
    return chosen
