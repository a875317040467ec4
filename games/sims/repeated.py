"""Repeated games: any normal-form game, played again and again by players who remember the last joint actions.

A situation (`View.row`) of a player is its memory as seen from its own seat. Row 0 is the start, when nothing has
been played. With memory 1, row 1 + c stands for cell c of the last round, counted with the player's own action first
and then the others' in the order of seats, the last varying fastest: in a 2x2 game rows 1 to 4 are CC, CD, DC, DD,
own action first. With longer memory histories of length 1 come after the start, then those of length 2, and so on;
within a length the cells are digits in base (number of cells), the most recent round first.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import Env, EnvSpec, Group, View
from games.errors import InputError
from games.normal import NormalFormGame
from games.scene import Mark, Scene
from games.sims.repeated_kernels import look_back, play_quiet_pair, play_round
from games.sims.simulation import Simulation, constant
from games.spaces import Discrete

Array = npt.NDArray[Any]

EXAMPLES = (
    "repeated:prisoners-dilemma?rounds=200",
    "repeated:chicken?rounds=50&memory=2",
    "repeated:stag-hunt?continuation=0.95&noise=0.01",
    "repeated:public-goods?rounds=20",
)
"""Environments of this scheme, for lists."""

_NUMBERS, _TABLED = 1 << 24, 1 << 16
_OWN = ("rounds", "memory", "continuation", "noise")


@dataclass(frozen=True, eq=False)
class RepeatedSpec(EnvSpec):
    """What can be known about a repeated game: also the game itself.

    Parameters
    ----------
    game : NormalFormGame
        The stage game.
    memory : int
        How many of the last rounds are seen.
    continuation : float
        Probability of another round after each; 1 where the number of rounds is fixed.
    noise : float
        Probability with which an action is replaced by another.
    """

    game: NormalFormGame | None = None
    memory: int = 1
    continuation: float = 1.0
    noise: float = 0.0


def repeated(
    game: NormalFormGame,
    *,
    rounds: int = 200,
    memory: int = 1,
    continuation: float | None = None,
    noise: float = 0.0,
    name: str = "",
) -> Simulation:
    """A game played again and again by the same players.

    Parameters
    ----------
    game : NormalFormGame
        The stage game; who has fewer actions than others has the rest masked out.
    rounds : int
        The game ends after so many rounds (discount 0). With `continuation` it is where play is cut off instead.
    memory : int
        How many of the last joint actions players see.
    continuation : float, optional
        Probability, after each round, that there is another; the game ends otherwise.
    noise : float
        Probability with which an action is replaced by a uniformly random other one, each player's on its own. In
        games of two actions this is the Axelrod library's noise: the action is flipped.
    name : str, optional
        What the environment is called.

    Returns
    -------
    Simulation
        Observations are float32[memory, P, A] flattened: the last joint actions one-hot, the most recent round first,
        in each the own action first and then the others' in the order of seats; zeros before the first rounds. What
        counts, is seen and is paid are the actions really played, after noise.

    Raises
    ------
    InputError
        If a number is out of range.

    Examples
    --------
    >>> from games.load import load
    >>> env = repeated(load("zoo:prisoners-dilemma"), rounds=3)
    >>> env.spec.horizon, env.spec.groups[0].rows, env.spec.groups[0].observation
    (3, 5, (1, 2, 2))
    """
    return Simulation(RepeatedRules(game, rounds, memory, continuation, noise, name))


def make(name: str, parameters: Mapping[str, Any]) -> Env:
    """A repeated game from the part of its URI after ``repeated:`` and its parameters.

    Parameters
    ----------
    name : str
        A game of the catalogue (``prisoners-dilemma``), a file, or any other URI that `games.load` reads.
    parameters : mapping
        ``rounds``, ``memory``, ``continuation``, ``noise`` (see `repeated`); the rest are parameters of the game.

    Raises
    ------
    InputError
        If there is no such game, it has no normal form, or a parameter is unknown or does not fit.
    """
    from games.load import load

    if not name.strip():
        raise InputError("repeated: needs a game, as in repeated:prisoners-dilemma")
    is_zoo = not os.path.isfile(name) and (":" not in name or name.lower().startswith("zoo:"))
    is_zoo = is_zoo and not name.lower().endswith((".nfg", ".efg", ".json", ".npz", ".csv"))
    own = {key: _number(key, value) for key, value in parameters.items() if key in _OWN}
    rest = {key: value for key, value in parameters.items() if key not in _OWN}
    if is_zoo:
        name = name.partition(":")[2] if ":" in name else name
        _check_known(name, rest)
    game = load(f"zoo:{name}" if is_zoo else name, **rest)
    if not isinstance(game, NormalFormGame):
        raise InputError(f"{name} is a game tree; repeat its strategic form with form=reduced or form=full")
    query = "&".join(f"{key}={value}" for key, value in parameters.items())
    return repeated(game, **own, name=f"repeated:{name}" + (f"?{query}" if query else ""))


def _check_known(name: str, rest: Mapping[str, Any]) -> None:
    from games.catalogue.entry import unknown
    from games.load import find

    entry = find(name)
    for key in rest:
        if key not in (known := [*_OWN, *(p.name for p in entry.parameters)]):
            raise InputError(f"repeated:{entry.name} {unknown('parameter', key, known)}")


def _number(key: str, value: Any) -> Any:
    whole = key in ("rounds", "memory")
    try:
        number = float(value)
        if whole:
            number = int(value) if not isinstance(value, float) or value == int(value) else math.nan
        if isinstance(value, bool) or math.isnan(number):
            raise ValueError
        return number
    except (ValueError, TypeError, OverflowError):
        wanted = "a whole number" if whole else "a number from 0 to 1"
        raise InputError(f"repeated: parameter {key}={value!s:.40} is not {wanted}") from None


def _check(rounds: int, memory: int, continuation: float | None, noise: float) -> None:
    for key, value in (("rounds", rounds), ("memory", memory)):
        if not isinstance(value, int | np.integer):
            raise InputError(f"{key} of a repeated game is a whole number, not {value!r:.40}")
    if not 1 <= rounds < 2**31:
        raise InputError(f"a repeated game has at least one round and fewer than 2**31, not {rounds}")
    if memory < 1:
        raise InputError(f"players remember at least one round, not {memory}")
    if continuation is not None and not 0 <= continuation <= 1:
        raise InputError(f"continuation is a probability from 0 to 1, not {continuation:g}")
    if not 0 <= noise <= 1:
        raise InputError(f"noise is a probability from 0 to 1, not {noise:g}")


class RepeatedRules:
    """A stage game with a clock, noise and memory; see `repeated`."""

    def __init__(
        self,
        game: NormalFormGame,
        rounds: int,
        memory: int,
        continuation: float | None,
        noise: float,
        name: str = "",
    ) -> None:
        if not isinstance(game, NormalFormGame):
            raise InputError(f"only a normal-form game can be repeated, not {type(game).__name__}")
        _check(rounds, memory, continuation, noise)
        counts = np.array(game.shape, dtype=np.int64)
        players, width = len(counts), int(counts.max())
        if memory * players**2 * width > _NUMBERS:
            raise InputError(
                f"{players} players who remember {memory} rounds of {width} actions see more than {_NUMBERS:,} "
                "numbers; remember fewer rounds"
            )
        starts = history_starts(game.shape, memory)
        names = game.actions[0] if len(set(game.actions)) == 1 else ()
        group = Group(
            "players",
            tuple(game.players),
            (memory, players, width),
            Discrete(width),
            tuple(names),
            rows=starts[-1] if starts else 0,
        )
        self.spec = RepeatedSpec(
            name or f"{game.title}, repeated",
            (group,),
            state=group.depth + 1,
            horizon=rounds,
            common_reward=bool((game.payoffs == game.payoffs[:1]).all()),
            game=game,
            memory=memory,
            continuation=1.0 if continuation is None else float(continuation),
            noise=float(noise),
        )
        self.game = game
        self._counts, self._starts = counts, np.array(starts[:-1], dtype=np.int64)
        self._payoffs = np.ascontiguousarray(game.payoffs.reshape(players, -1))
        self._strides = np.append(np.cumprod(counts[:0:-1])[::-1], 1).astype(np.int64)
        self._rounds = rounds if continuation is None else 0
        self._chances = np.array([noise, self.spec.continuation])
        self._quiet_pair = players == 2 and memory == 1 and noise == 0 and continuation is None
        listed = group.rows and group.rows * players * group.depth <= _TABLED
        self._seen = self._look_back(self._histories(group.rows)) if listed else None

    @property
    def length(self) -> int:
        """After how many rounds the game has ended; 0 where chance decides."""
        return self._rounds

    def _histories(self, rows: int) -> Array:
        """The history that each row of the first player stands for, int32[rows, memory, P]."""
        played = np.full((rows, self.spec.memory, len(self._counts)), -1, dtype=np.int32)
        for length, start in enumerate(self._starts):
            cells = int(self._counts.prod())
            codes = np.arange(cells**length)
            for m in range(length):
                digit = codes // cells ** (length - 1 - m) % cells
                played[start : start + len(codes), m] = np.stack(
                    np.unravel_index(digit, self.game.shape), axis=1
                )
        return played

    def _look_back(self, played: Array) -> tuple[Array, Array, Array]:
        """What is seen after histories int32[k, memory, P]: observations, rows and states, the latter not yet timed."""
        (count, _, players), depth = played.shape, self.spec.groups[0].depth
        observation = np.empty((count, players, depth), dtype=np.float32)
        row = np.empty((count, players), dtype=np.int32)
        state = np.empty((count, depth + 1), dtype=np.float32)
        look_back(played, self._counts, self._starts, observation, row, state)
        return observation, row, state

    def allocate(self, batch: int) -> dict[str, Array]:
        """Memories, clocks, running totals, and views that never change."""
        players, spec = len(self._counts), self.spec
        legal = np.arange(self._counts.max())[None, :] < self._counts[:, None]
        mask = np.broadcast_to(legal, (batch, *legal.shape)).copy()
        mask.setflags(write=False)
        return {
            "played": np.full((batch, spec.memory, players), -1, dtype=np.int32),
            "row": np.zeros(batch, dtype=np.int64),
            "time": np.zeros(batch, dtype=np.int32),
            "totals": np.zeros((batch, players)),
            "mask": mask,
            "all": constant(True, (batch, players)),
        }

    def begin(self, state: dict[str, Array], streams: Array, where: Array) -> None:
        """Nothing has been played."""
        for key, value in (("played", -1), ("row", 0), ("time", 0), ("totals", 0.0)):
            state[key][where] = value

    def advance(
        self, state: dict[str, Array], streams: Array, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], Array]:
        """Play one round."""
        reward, ended = np.empty(actions[0].shape), np.empty(len(live), dtype=np.bool_)
        changed = (state["played"], state["row"], state["time"], state["totals"], reward, ended)
        if self._quiet_pair:
            play_quiet_pair(actions[0], live, self._payoffs, self._strides, self._rounds, *changed)
        else:
            play_round(
                actions[0],
                streams,
                live,
                self._payoffs,
                self._strides,
                self._counts,
                self._rounds,
                self._chances,
                self._starts,
                *changed,
            )
        return (reward,), ended

    def look(self, state: dict[str, Array], rewards: tuple[Array, ...]) -> tuple[tuple[View, ...], Array]:
        """The last joint actions from every seat, and how far the match is."""
        if self._seen is None:
            observation, row, features = self._look_back(state["played"])
        else:  # few histories: what is seen after each of them is looked up
            observation, row, features = (part.take(state["row"], axis=0) for part in self._seen)
        features[:, -1] = state["time"] / float(self.spec.horizon or 1)
        listed = row if len(self._starts) else None
        view = View(observation, state["mask"], rewards[0], state["all"], state["all"], listed)
        return (view,), features

    def situations(self) -> View:
        """A view with one sub-environment per row of the first player, everybody acting; rewards are 0.

        Only where rows are listed (`Group.rows` is positive).
        """
        rows = self.spec.groups[0].rows
        state = self.allocate(rows)
        state["played"][:], state["row"][:] = self._histories(rows), np.arange(rows)
        return self.look(state, (np.zeros((rows, len(self._counts))),))[0][0]

    def scene(self, state: dict[str, Array], which: int) -> Scene:
        """The remembered rounds, oldest on the left, a row of squares per player, and the running totals."""
        played, totals, time = state["played"][which], state["totals"][which], int(state["time"][which])
        shown = min(len(played), 20)
        players, marks, told = self.game.players, [], []
        for i, player in enumerate(players):
            y = len(players) - i - 0.5
            marks.append(Mark("label", 1.5, y, text=player, color=-2))
            for m in range(shown):
                if (action := int(played[m, i])) >= 0:
                    name = self.game.actions[i][action]
                    marks.append(Mark("square", 3.5 + shown - 1 - m, y, 0.9, action, name[:3]))
            marks.append(Mark("label", 4.0 + shown, y, text=f"{totals[i]:g}", color=-2))
            last = self.game.actions[i][played[0, i]] if time else "-"
            told.append(f"{player}: {last} (total {totals[i]:g})")
        text = f"round {time} of at most {self.spec.horizon}: " + ", ".join(told)
        return Scene(5.0 + shown, float(len(players)), tuple(marks), text=text)


def history_starts(shape: tuple[int, ...], memory: int) -> list[int]:
    """The row at which histories of length 0, 1, ..., `memory` begin, then their number; empty if beyond int32."""
    cells, starts, total = math.prod(shape), [], 0
    for length in range(memory + 1):
        starts.append(total)
        total += cells**length
        if total >= 2**31:
            return []
    return [*starts, total]
