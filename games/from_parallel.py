"""One PettingZoo `ParallelEnv` as the inside of a sub-environment: everybody alive acts at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from games.errors import InputError
from games.from_objects import Actor
from games.from_packages import told
from games.from_slate import Layout, Seat, Slate

PARTS = ("observations", "rewards", "terminations", "truncations")


class ParallelActor(Actor):
    """Drives a `ParallelEnv`.

    An agent is out from the step at which it is terminated or truncated or has left ``agents``, while others go on;
    that step still shows what it sees last and pays its last reward. When nobody is left the game has ended, unless at
    least one of those who went last was truncated and not terminated: then the episode is cut off and these stay
    alive, so that a value can still be put on what they see.
    """

    def __init__(self, env: Any, layout: Layout) -> None:
        super().__init__(env, layout)
        self.known = {seat.name: seat for seat in layout.seats}
        self.living: list[Seat] = []
        self.names: list[Any] = []

    def begin(self, seed: int, slate: Slate, b: int) -> None:
        """Reset with a seed."""
        self.time = 0
        try:
            result = self.env.reset(seed=seed)
        except (Exception, SystemExit) as error:
            raise self.wrong(f"the environment raised {told(error)} in reset") from error
        if not isinstance(result, tuple) or len(result) != 2 or not all(isinstance(d, dict) for d in result):
            raise self.wrong(
                f"reset returned {shape_of(result)}; a ParallelEnv returns observations and infos, two dictionaries"
            )
        seen, infos = result
        self.names = list(self.env.agents)
        self.living = [seat for seat in self.layout.seats if seat.name in set(self.names)]
        self._check_known(set(self.names), self.known)
        if not self.living:
            raise self.wrong("nobody is in `agents` after reset")
        for seat in self.living:
            if seat.name not in seen:
                raise self._missing(seat.name, "observations")
            self.arrive(slate, b, seat)
            self.show(slate, b, seat, seen[seat.name], infos.get(seat.name))
        self.check_free(slate, b, self.living)
        self._write_state(slate, b)

    def step(self, actions: Sequence[Any], slate: Slate, b: int) -> None:
        """Everybody alive acts."""
        self.time += 1
        given = {
            seat.name: actions[seat.g][b][seat.i]
            if seat.moves.decode is None
            else seat.moves.decode(actions[seat.g][b][seat.i])
            for seat in self.living
        }
        try:
            result = self.env.step(given)
        except (Exception, SystemExit) as error:
            raise self.raised(error) from error
        flagged, careful = [], []
        try:
            seen, rewards, ended, cut, infos = result
            for seat in self.living:
                name, g, i, sight, _ = seat
                slate.reward[g][b, i] = rewards[name]
                if ended[name] or cut[name]:
                    flagged.append(seat)
                value = seen.get(name)
                if (
                    type(value) is np.ndarray
                    and value.dtype is sight.whole
                    and value.shape == sight.shape
                    and not infos.get(name)
                ):
                    slate.seen[g][b, i] = value
                else:
                    careful.append(seat)
        except (AttributeError, TypeError, ValueError, KeyError) as error:
            self._diagnose(result, error, slate, b)
        agents = self.env.agents
        leaving = flagged if not flagged and agents == self.names else self._leaving(flagged, agents)
        for seat in careful:
            if seat.name in seen:
                self.show(slate, b, seat, seen[seat.name], infos.get(seat.name))
            elif seat not in leaving:
                raise self._missing(seat.name, "observations")
        if leaving:
            self._let_go(leaving, ended, cut, slate, b)
        self.check_free(slate, b, self.living)
        self._write_state(slate, b)

    def _leaving(self, flagged: Sequence[Seat], agents: Any) -> list[Seat]:
        present, out = set(agents), {seat.name for seat in flagged}
        self._check_known(present, {seat.name for seat in self.living})
        return [seat for seat in self.living if seat.name in out or seat.name not in present]

    def _let_go(self, leaving: list[Seat], ended: Any, cut: Any, slate: Slate, b: int) -> None:
        """Some agents go; the episode stops with the last of them."""
        gone = {seat.name for seat in leaving}
        staying = [seat for seat in self.living if seat.name not in gone]
        dropped = [] if staying else [s for s in leaving if cut[s.name] and not ended[s.name]]
        for seat in leaving:
            if seat not in dropped:
                self.leave(slate, b, seat)
        self.living, self.names = staying, [name for name in self.names if name not in gone]
        if not staying:
            self.stop(slate, b, ended=not dropped)

    def _write_state(self, slate: Slate, b: int) -> None:
        if self.layout.own_state:
            write_state(self, slate, b)

    def _check_known(self, present: set[Any], allowed: Any) -> None:
        strangers = [name for name in present if name not in allowed]
        if strangers:
            name = min(strangers, key=str)
            if name in self.known:
                raise self.wrong(
                    f"{name} is in `agents` again {self.when}; agents may leave an episode but not come back"
                )
            raise self.wrong(f"{name} is in `agents` {self.when} but not in `possible_agents`")

    def _missing(self, name: Any, part: str) -> InputError:
        return self.wrong(
            f"{name} is missing from the {part} {self.when}; every agent in `agents` has an entry there"
        )

    def _diagnose(self, result: Any, error: Exception, slate: Slate, b: int) -> NoReturn:
        """Say what is wrong with what `step` returned."""
        if not isinstance(result, tuple) or len(result) != 5 or not all(isinstance(d, dict) for d in result):
            raise self.wrong(
                f"step returned {shape_of(result)} {self.when}; a ParallelEnv returns observations, rewards, "
                "terminations, truncations and infos, five dictionaries"
            ) from error
        for part, entries in zip(PARTS[1:], result[1:4]):
            for seat in self.living:
                if seat.name not in entries:
                    raise self._missing(seat.name, part) from error
        for seat in self.living:
            self.pay(slate, b, seat, result[1][seat.name])
        raise self.raised(error) from error


def write_state(actor: Actor, slate: Slate, b: int) -> None:
    """Write what the library gives as the global state."""
    try:
        state = actor.env.state()
    except Exception as error:
        raise actor.wrong(f"state() raised {told(error)} {actor.when}") from error
    size = getattr(state, "size", None)
    if size != slate.state.shape[1]:
        raise actor.wrong(f"state() has {size} numbers {actor.when}, but {slate.state.shape[1]} at first")
    slate.state[b] = state.reshape(-1)


def shape_of(result: Any) -> str:
    """What somebody returned, in words."""
    if isinstance(result, tuple):
        return f"{len(result)} values ({', '.join(type(part).__name__ for part in result)})"
    return f"a value of type {type(result).__name__}"
