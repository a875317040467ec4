"""Openings, cycles, tricks and finite automata.

The exact rules are those of the Axelrod library (Knight et al., version 4.14), whose authors first described those without
another source. The automata come from the studies of Ashlock and others, which are named in `games.strategies.automata`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import games.strategies.codes as codes
from games.errors import InputError
from games.strategies.pattern_kernels import MIRROR
from games.strategies.scripted import Scripted


class Prober(Scripted):
    """Opens with fixed moves; if the opponent answers as expected it does one thing for ever, else tit for tat.

    Parameters
    ----------
    opening : str
        Its first moves: ``DCC``.
    expected : mapping of int to str
        Moves of the opponent that it looks for, by round from 0: ``{1: "C", 2: "C"}``.
    then : str
        What it does for ever if all were seen.
    """

    code, words = codes.PROBER, 1

    def __init__(self, opening: str, expected: Mapping[int, str], then: str) -> None:
        if not opening or not {*opening, *expected.values(), then} <= {"C", "D"}:
            raise InputError(
                f"a prober's moves are written C and D, not {opening!r}, {expected} and {then!r}"
            )
        self.opening = opening
        self.expected = dict(expected)
        self.then = then

    def settings(self) -> Iterable[float]:
        """Lengths, what it does in the end, and all moves."""
        pairs = [(when, move == "D") for when, move in self.expected.items()]
        lengths = len(self.opening), len(pairs)
        ends = self.then == "D", self._otherwise()
        return *lengths, *ends, *(move == "D" for move in self.opening), *(n for pair in pairs for n in pair)

    def _otherwise(self) -> int:
        return MIRROR


class Password(Prober):
    """A prober that does one thing for ever if the opponent answers as expected, and another for ever if not.

    `handshake` recognises its own kind by a cooperation and a defection (Robson 1990). `gradual-killer` defects five times and
    cooperates twice, then defects on who has defected twice in answer to that (PRISON, Beaufils et al. 1998).

    Parameters
    ----------
    opening, expected, then
        See `Prober`.
    otherwise : str
        What it does for ever if something else was seen.
    """

    def __init__(self, opening: str, expected: Mapping[int, str], then: str, otherwise: str) -> None:
        super().__init__(opening, expected, then)
        if otherwise not in ("C", "D"):
            raise InputError(f"a prober's moves are written C and D, not {otherwise!r}")
        self.otherwise = otherwise

    def _otherwise(self) -> int:
        return int(self.otherwise == "D")


class Prober4(Scripted):
    """Opens with twenty fixed moves; gives up on who answers them evenly, else five cooperations and tit for tat.

    Evenly: its defections in answer to a defection and to a cooperation differ by at most 2 (PRISON, Beaufils et al. 1998).
    """

    code, words = codes.PROBER_4, 1


class Cycler(Scripted):
    """Repeats its moves, whatever happens (M. Harper; periodic players of PRISON, Beaufils et al. 1998).

    Parameters
    ----------
    cycle : str
        The moves: ``CCD``.
    """

    code = codes.CYCLER

    def __init__(self, cycle: str) -> None:
        if not cycle or not {*cycle} <= {"C", "D"}:
            raise InputError(f"a cycler's moves are written C and D, not {cycle!r}")
        self.cycle = cycle

    def settings(self) -> Iterable[float]:
        """The length of the cycle, and its moves."""
        return len(self.cycle), *(move == "D" for move in self.cycle)


class TrickyCooperator(Scripted):
    """Cooperates, but after the third round defects on who has not done so in the last ten (K. Langner)."""

    code, words = codes.TRICKY_COOPERATOR, 1


class TrickyDefector(Scripted):
    """Defects, but cooperates with who has once done so and has now defected three times in a row (K. Langner)."""

    code, words = codes.TRICKY_DEFECTOR, 2


class Capri(Scripted):
    """Cooperate, Accept punishment, Punish, Recover, or else defect, by the last three rounds (Murase and Baek 2020)."""

    code, words = codes.CAPRI, 1


class Machine(Scripted):
    """A finite automaton that is moved by what the opponent does.

    Parameters
    ----------
    name : str
        For `repr`.
    start : str
        Its first move, and its first state: ``D0``.
    states : sequence of str
        For each state the move and the next state after a cooperation, and those after a defection: ``C0 D1``.

    Examples
    --------
    >>> Machine("tit for tat", "C0", ["C0 D0"])
    Machine(tit for tat)
    """

    code, words = codes.MACHINE, 1

    def __init__(self, name: str, start: str, states: Sequence[str]) -> None:
        self.name = name
        self.first = start
        self.states = tuple(states)
        told = [start, *(part for state in states for part in state.split())]
        if len(told) != 1 + 2 * len(states) or not all(self._fits(part) for part in told):
            raise InputError(
                f"an automaton begins with a move and a state, D0, and each state has two such, as in C0 D1; not "
                f"{start!r} and {', '.join(states):.60}"
            )

    def _fits(self, part: str) -> bool:
        return part[:1] in ("C", "D") and part[1:].isdecimal() and int(part[1:]) < len(self.states)

    def __repr__(self) -> str:
        return f"Machine({self.name})"

    def settings(self) -> Iterable[float]:
        """The first state and move, and for each state the next ones after either move."""
        told = [self.first, *(part for state in self.states for part in state.split())]
        return [number for part in told for number in (int(part[1:]), part[0] == "D")]
