"""Other entries of Axelrod's tournaments, and probers.

Axelrod (1980), "Effective Choice in the Prisoner's Dilemma", Journal of Conflict Resolution 24(1), and "More Effective
Choice in the Prisoner's Dilemma", 24(3). Where a description leaves room, the Axelrod library's reading is taken (Knight et al.,
version 4.14).
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist

import numpy as np

from games.errors import InputError
from games.strategies.memory_one import Payoffs
from games.strategies.scripted import Array, Chancy, Last, Memory, Scripted, check_probability


def ends_badly(defect: Array, time: Array, rounds: int | None) -> Array:
    """`defect`, but always in the last two of so many rounds, where their number is known."""
    return defect if rounds is None else defect | ((time >= rounds - 2) & (time < rounds))


def looks_random(seen: Array, time: Array, critical: float) -> Array:
    """Whether a chi-squared test against equal numbers of both moves does not reject at this critical value."""
    excess = 2.0 * seen - time
    return excess * excess <= critical * time


def critical_value(level: float) -> float:
    """The chi-squared quantile with one degree of freedom at 1 - level."""
    if not 0 < level < 1:
        raise InputError(f"the level of a test is between 0 and 1, not {level}")
    return NormalDist().inv_cdf(1 - level / 2) ** 2


class Davis(Scripted):
    """Cooperates for 10 rounds, then plays grim trigger over everything seen (8th in the first tournament)."""

    memory = (np.int32, np.bool_)

    def __init__(self, patience: int = 10) -> None:
        self.patience = patience

    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Remembers the time, and whether it was ever betrayed."""
        betrayed = memory[1] | last.other
        return betrayed & (memory[0] >= self.patience), (memory[0] + 1, betrayed)


class Shubik(Scripted):
    """Punishes each departure from cooperation one round longer than the one before (5th in the first tournament)."""

    memory = (np.int32, np.int32)

    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Remembers how long the last punishment was, and how much of it is left."""
        length, left = memory
        punishing = left > 0
        provoked = last.other & ~last.own & ~punishing
        left = np.where(provoked, length, left - punishing)
        return punishing | provoked, (length + provoked, left)


class Nydegger(Scripted):
    """Decides by a weighted sum of the last three rounds (3rd in the first tournament)."""

    memory = (np.int32, np.int32, np.int32)
    sums = (1, 6, 7, 17, 22, 23, 26, 29, 30, 31, 33, 38, 39, 45, 49, 54, 55, 58, 61)

    def __init__(self) -> None:
        self._defects = np.isin(np.arange(64), self.sums)

    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Remembers the time and two rounds before the last."""
        time, before, earlier = memory
        now = last.own + 2 * last.other.astype(np.int32)
        late = self._defects[16 * now + 4 * before + earlier]
        third = last.other | (before >= 2)
        defect = np.where(time >= 3, late, np.where(time == 2, third, last.other))
        return defect, (time + 1, now, before)


class SteinAndRapoport(Scripted):
    """Tit for tat after four cooperations that defects on whoever seems random (6th in the first tournament).

    Every 15 rounds it tests whether the opponent defects half the time.

    Parameters
    ----------
    level : float
        Of the chi-squared test.
    rounds : int, optional
        Length of the match, if known: it defects in the last two rounds.
    """

    memory = (np.int32, np.int32, np.bool_)

    def __init__(self, level: float = 0.05, rounds: int | None = None) -> None:
        self.level = level
        self.rounds = rounds
        self._critical = critical_value(level)

    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Remembers the time, defections, and whether the opponent seemed random."""
        time, seen, random = memory
        seen = seen + last.other
        test = (time >= 14) & ((time + 1) % 15 == 0)
        random = np.where(test, looks_random(seen, time, self._critical), random)
        defect = (random | last.other) & (time >= 4)
        return ends_badly(defect, time, self.rounds), (time + 1, seen, random)


class TidemanAndChieruzzi(Scripted):
    """Punishes the n-th run of defections n times, with fresh starts for who is far behind (2nd in the first tournament).

    Parameters
    ----------
    rounds : int, optional
        Length of the match, if known: no fresh start in the last 10 rounds, and it defects in the last two.
    pay : Payoffs, optional
        By which it keeps the score.
    """

    memory = (np.int32, np.int32, np.float64, np.int32, np.bool_, np.int32, np.int32)

    def __init__(self, rounds: int | None = None, pay: Payoffs | None = None) -> None:
        self.rounds = rounds
        self.pay = pay or Payoffs()
        gain = self.pay.temptation - self.pay.sucker
        self._lead = np.array([0.0, -gain, gain, 0.0])

    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Remembers the time, defections since a fresh start, its lead, the last fresh start, and its punishment."""
        time, seen, lead, started, fresh, length, left = memory
        seen = seen + last.other
        lead = lead + np.where(last.first, 0.0, self._lead[2 * last.own + last.other])
        round_now = time + 1
        late = self.rounds is not None and self.rounds - round_now < 10
        rested = (started == 0) | (round_now - started >= 20)
        deviates = np.abs(seen - time / 2) >= 1.5 * np.sqrt(time)
        renew = ~fresh & rested & (lead >= 10) & ~last.other & deviates & np.logical_not(late)
        punishing = (left > 0) & ~renew  # none is left when a start is fresh
        provoked = last.other & ~punishing & ~fresh & ~renew
        left = np.where(provoked, length, left - punishing)
        after = (
            round_now,
            np.where(renew, 0, seen),
            lead,
            np.where(renew, round_now, started),
            renew,
            np.where(renew, 0, length + provoked),
            np.where(renew, 0, left),
        )
        return ends_badly(punishing | provoked, time, self.rounds), after


class Downing(Scripted):
    """Maximises its payoff against estimated replies to its own two moves (10th in the first tournament).

    Parameters
    ----------
    pay : Payoffs, optional
        What it maximises.
    """

    memory = (np.int32, np.bool_, np.int32, np.int32, np.int32)

    def __init__(self, pay: Payoffs | None = None) -> None:
        self.pay = pay or Payoffs()

    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Remembers the time, its last move but one, kind replies to both its moves, and its defections."""
        time, before, kind_to_c, kind_to_d, defections = memory
        defections = defections + last.own
        kind = ~last.other & (time > 0)
        kind_to_c = kind_to_c + (kind & ~before)
        kind_to_d = kind_to_d + (kind & before)
        alpha = kind_to_c / (time - defections + 1)
        beta = kind_to_d / np.maximum(defections, 2)
        r, p, s, t = self.pay
        cooperating, defecting = alpha * r + (1 - alpha) * s, beta * t + (1 - beta) * p
        best = np.where(cooperating == defecting, ~last.own, cooperating < defecting)
        return best | (time < 2), (time + 1, last.own, kind_to_c, kind_to_d, defections)


class RevisedDowning(Scripted):
    """Estimates replies to its moves and cooperates, alternates or defects accordingly (Downing, second tournament)."""

    memory = (np.int32, np.bool_, np.int32, np.int32, np.int32, np.int32)

    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Remembers the time, its last move but one, how often it made either move, and kind replies."""
        time, before, cooperations, defections, nice, mild = memory
        ready = time >= 2
        defections = defections + (ready & before)
        cooperations = cooperations + (ready & ~before)
        mild = mild + (ready & before & ~last.other)
        nice = nice + (ready & ~before & ~last.other)
        good = np.where(cooperations > 0, nice / np.maximum(cooperations, 1), 1.0)
        bad = np.where(defections > 0, mild / np.maximum(defections, 1), 0.0)
        steady = 6.0 * good - 8.0 * bad - 2
        alternate = 4.0 * good - 5.0 * bad - 1
        cooperate = (steady >= 0) & (steady >= alternate)
        turn = ~cooperate & (alternate >= 0)
        defect = np.where(cooperate, False, np.where(turn, ~last.own, True)) & (time > 0)
        return defect, (time + 1, last.own, cooperations, defections, nice, mild)


class Adaptive(Scripted):
    """Plays 6 cooperations and 5 defections, then whichever move has paid more in total (Li et al. 2011)."""

    memory = (np.int32, np.float64, np.float64)

    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Remembers the time and what either move has paid."""
        time, kind, mean = memory
        kind, mean = kind + np.where(last.own, 0.0, last.reward), mean + np.where(last.own, last.reward, 0.0)
        return np.where(time < 11, time >= 6, kind <= mean), (time + 1, kind, mean)


class Tester(Scripted):
    """Defects to try the other; apologises if that is answered, alternates if not (Gladstein, second tournament)."""

    memory = (np.int32, np.bool_)

    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Remembers the time, and whether it has become tit for tat."""
        time, tame = memory
        tries = ~last.own & (time > 2) & ~last.other
        defect = np.where(tame, last.other, tries | (time == 0))
        return defect, (time + 1, tame | last.other)


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

    memory = (np.int32, np.bool_)

    def __init__(self, opening: str, expected: Mapping[int, str], then: str) -> None:
        if not opening or not {*opening, *expected.values(), then} <= {"C", "D"}:
            raise InputError(
                f"a prober's moves are written C and D, not {opening!r}, {expected} and {then!r}"
            )
        self.opening = opening
        self.expected = dict(expected)
        self.then = then
        self._first = np.array([move == "D" for move in opening])

    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Remembers the time, and whether anything unexpected was seen."""
        time, odd = memory
        for when, move in self.expected.items():
            odd = odd | ((time == when + 1) & (last.other != (move == "D")))
        opening = self._first[np.minimum(time, len(self._first) - 1)]
        late = np.where(odd, last.other, self.then == "D")
        return np.where(time < len(self._first), opening, late), (time + 1, odd)


class Feld(Chancy):
    """Tit for tat that cooperates less and less, down to 0.5 after 200 rounds (11th in the first tournament)."""

    memory = (np.int32,)

    def __init__(self, start: float = 1.0, end: float = 0.5, rounds: int = 200) -> None:
        self.start_chance = check_probability("the first chance", start)
        self.end_chance = check_probability("the last chance", end)
        self.rounds = rounds
        if rounds < 1:
            raise InputError(f"the chance of cooperating falls over at least one round, not {rounds}")

    def cooperate(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Remembers the time."""
        slope = (self.end_chance - self.start_chance) / self.rounds
        chance = np.maximum(self.start_chance + slope * memory[0], self.end_chance)
        return np.where(last.first, 1.0, np.where(last.other, 0.0, chance)), (memory[0] + 1,)


class Tullock(Chancy):
    """After 11 cooperations, cooperates 10 % less than the other in its last ten moves (13th in the first tournament)."""

    memory = (np.int32, np.uint32)

    def cooperate(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Remembers the time and the opponent's last ten moves as bits."""
        time, recent = memory
        recent = ((recent << np.uint32(1)) | last.other) & np.uint32(1023)
        share = (10 - np.bitwise_count(recent)) / 10
        return np.where(time < 11, 1.0, np.maximum(share - 0.1, 0.0)), (time + 1, recent)


class Champion(Chancy):
    """Cooperates for 10 rounds, mirrors for 15, then forgives those who mostly cooperate (Champion, second tournament)."""

    memory = (np.int32, np.int32)

    def cooperate(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Remembers the time and defections."""
        time, seen = memory
        seen = seen + last.other
        share = seen / np.maximum(time, 1)
        late = np.where(last.other & (share >= 0.4), 1.0 - share, 1.0)
        mirror = 1.0 - last.other
        return np.where(time < 10, 1.0, np.where(time < 25, mirror, late)), (time + 1, seen)
