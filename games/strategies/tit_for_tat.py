"""Tit for tat's relatives with a longer memory, and grudges.

Sources are named in each class; the exact rules are those of the Axelrod library (Knight et al., version 4.14).
"""

from __future__ import annotations

import numpy as np

from games.errors import InputError
from games.strategies.scripted import Array, Last, Memory, Scripted


class TitForTwoTats(Scripted):
    """Defects after two defections in a row (Axelrod 1984; John Maynard Smith in the second tournament)."""

    memory = (np.bool_,)

    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Both of the last two."""
        return last.other & memory[0], (last.other,)


class TwoTitsForTat(Scripted):
    """Answers every defection with two (Axelrod 1984)."""

    memory = (np.bool_,)

    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Either of the last two."""
        return last.other | memory[0], (last.other,)


class HardTitForTat(Scripted):
    """Defects if the opponent did so in any of the last three rounds (Prisoner's Dilemma competition, 2017)."""

    memory = (np.bool_, np.bool_)

    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Any of the last three."""
        return last.other | memory[0] | memory[1], (last.other, memory[0])


class HardTitForTwoTats(Scripted):
    """Defects if the opponent did so twice in a row within the last three rounds (Stewart and Plotkin 2012)."""

    memory = (np.bool_, np.bool_)

    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Two neighbours of the last three."""
        return memory[0] & (last.other | memory[1]), (last.other, memory[0])


class ContriteTitForTat(Scripted):
    """Tit for tat that does not answer back when its own slip provoked the other (Wu and Axelrod 1995).

    After a defection that it did not intend, against a cooperating opponent, it is contrite until it has cooperated.
    """

    memory = (np.bool_, np.bool_)

    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Remembers what it intended, and whether it is contrite."""
        intended, contrite = memory
        sorry = contrite & ~last.own
        slipped = (intended != last.own) & last.own & ~last.other
        defect = last.other & ~sorry
        return defect, (defect, (contrite | slipped) & ~sorry)


class OmegaTitForTat(Scripted):
    """Breaks deadlocks of alternating defections, and gives up on those who seem random (Slany and Kienreich 2007).

    Parameters
    ----------
    deadlock, randomness : int
        Thresholds of its two counters.
    """

    memory = (np.int32, np.bool_, np.int32, np.int32)

    def __init__(self, deadlock: int = 3, randomness: int = 8) -> None:
        self.deadlock = deadlock
        self.randomness = randomness

    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Remembers the time, the opponent's last move but one, how random it seems, and signs of deadlock."""
        time, before, random, stuck = memory
        ready = time >= 2
        locked = ready & (stuck >= self.deadlock)
        free = ready & ~locked
        changed = before != last.other
        signs = changed.astype(np.int32) + (last.own != last.other) - (~before & ~last.other)
        random = random + np.where(free, signs, 0)
        hopeless = free & (random >= self.randomness)
        after = np.where(changed, stuck + 1, 0)
        after = np.where(free & ~hopeless, after, stuck)
        after = np.where(locked, np.where(stuck == self.deadlock, self.deadlock + 1, 0), after)
        defect = hopeless | (last.other & ~locked)
        return defect, (time + 1, last.other, random, after.astype(np.int32))


class Gradual(Scripted):
    """Punishes the n-th defection n times, then cooperates twice (Beaufils, Delahaye and Mathieu 1997).

    The version of the CRISTAL-SMAC library (2018), in which every defection counts, also those under punishment.
    """

    memory = (np.int32, np.int32, np.int32)

    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Remembers defections, punishments still to give, and rounds of calm still to keep."""
        seen, punish, calm = memory
        seen = seen + last.other
        punishing = punish > 0
        calming = ~punishing & (calm > 0)
        provoked = last.other & ~punishing & ~calming
        punish = np.where(provoked, seen - 1, punish - punishing)
        calm = np.where(provoked, 2, calm - calming)
        return punishing | provoked, (seen, punish, calm)


class Grudger(Scripted):
    """Never forgives a defection: grim trigger (Friedman in the first tournament, Axelrod 1980)."""

    memory = (np.bool_,)

    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Remembers whether it was ever betrayed."""
        betrayed = memory[0] | last.other
        return betrayed, (betrayed,)


class Punisher(Scripted):
    """Holds a grudge for up to 20 rounds, longer the more the opponent has defected (Axelrod library; G. Palmer)."""

    memory = (np.int32, np.int32, np.int32, np.int32, np.bool_)

    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Remembers time, defections, how long its grudge lasts and has lasted, and whether it has one."""
        time, seen, length, spent, grudge = memory
        seen = seen + last.other
        over = spent >= length
        spent, grudge = np.where(over, 0, spent), grudge & ~over
        provoked = last.other & ~grudge
        length = np.where(provoked, seen * 20 // np.maximum(time, 1), length)
        return grudge | provoked, (time + 1, seen, length, spent + grudge, grudge | provoked)


class GoByMajority(Scripted):
    """Does what the opponent did more often (Grisell in the second tournament, Axelrod 1984).

    Parameters
    ----------
    soft : bool
        Whether to cooperate when it did both equally often, as before the first round.
    window : int
        How many of the last rounds count, at most 64; 0 for all.
    """

    memory = (np.int32, np.int32, np.uint64)

    def __init__(self, soft: bool = True, window: int = 0) -> None:
        if not 0 <= window <= 64:
            raise InputError(f"a majority is taken over at most 64 rounds, or 0 for all, not {window}")
        self.soft = soft
        self.window = window

    def decide(self, last: Last, memory: Memory) -> tuple[Array, Memory]:
        """Remembers time, defections, and the last moves as bits."""
        time, seen, recent = memory
        seen = seen + last.other
        recent = (recent << np.uint64(1)) | last.other
        if self.window:
            bits = np.uint64((1 << self.window) - 1)
            defections, rounds = (
                np.bitwise_count(recent & bits).astype(np.int32),
                np.minimum(time, self.window),
            )
        else:
            defections, rounds = seen, time
        excess = 2 * defections - rounds
        return (excess > 0 if self.soft else excess >= 0), (time + 1, seen, recent)
