"""Tit for tat's relatives with a longer memory, and the best-known grudges.

Sources are named in each class; the exact rules are those of the Axelrod library (Knight et al., version 4.14).
"""

from __future__ import annotations

from collections.abc import Iterable

import games.strategies.codes as codes
from games.errors import InputError
from games.strategies.scripted import Scripted, check_probability


class TitForTwoTats(Scripted):
    """Defects after two defections in a row (Axelrod 1984; John Maynard Smith in the second tournament)."""

    code, words = codes.TIT_FOR_TWO_TATS, 1


class TwoTitsForTat(Scripted):
    """Answers every defection with two (Axelrod 1984)."""

    code, words = codes.TWO_TITS_FOR_TAT, 1


class HardTitForTat(Scripted):
    """Defects if the opponent did so in any of the last three rounds (Prisoner's Dilemma competition, 2017)."""

    code, words = codes.HARD_TIT_FOR_TAT, 2


class HardTitForTwoTats(Scripted):
    """Defects if the opponent did so twice in a row within the last three rounds (Stewart and Plotkin 2012)."""

    code, words = codes.HARD_TIT_FOR_TWO_TATS, 2


class TitsForTats(Scripted):
    """Answers so many defections in a row with so many of its own (Axelrod library; M. Harper).

    Parameters
    ----------
    answers : int
        How often it defects.
    provocations : int
        After how many defections in a row.
    """

    code, words = codes.TITS_FOR_TATS, 2

    def __init__(self, answers: int = 3, provocations: int = 2) -> None:
        if answers < 0 or provocations < 0:
            raise InputError(f"tits and tats are counted from 0, not {answers} and {provocations}")
        self.answers = answers
        self.provocations = provocations

    def settings(self) -> Iterable[float]:
        """Both numbers."""
        return self.answers, self.provocations


class ContriteTitForTat(Scripted):
    """Tit for tat that does not answer back when its own slip provoked the other (Wu and Axelrod 1995).

    After a defection that it did not intend, against a cooperating opponent, it is contrite until it has cooperated.
    """

    code, words = codes.CONTRITE_TIT_FOR_TAT, 2


class OmegaTitForTat(Scripted):
    """Breaks deadlocks of alternating defections, and gives up on those who seem random (Slany and Kienreich 2007).

    Parameters
    ----------
    deadlock, randomness : int
        Thresholds of its two counters.
    """

    code, words = codes.OMEGA_TIT_FOR_TAT, 3

    def __init__(self, deadlock: int = 3, randomness: int = 8) -> None:
        self.deadlock = deadlock
        self.randomness = randomness

    def settings(self) -> Iterable[float]:
        """Both thresholds."""
        return self.deadlock, self.randomness


class SneakyTitForTat(Scripted):
    """Defects on who never has; when that is answered it takes the answer and repents (Axelrod library; K. Langner)."""

    code, words = codes.SNEAKY_TIT_FOR_TAT, 2


class SpitefulTitForTat(Scripted):
    """Tit for tat until the opponent defects twice in a row; then it defects for ever (PRISON, Beaufils et al. 1998)."""

    code, words = codes.SPITEFUL_TIT_FOR_TAT, 2


class SlowTitForTwoTats(Scripted):
    """Does what the opponent did twice in a row, else what it did itself; two cooperations first (PRISON 1998)."""

    code, words = codes.SLOW_TIT_FOR_TWO_TATS, 1


class AdaptiveTitForTat(Scripted):
    """Cooperates while its image of the world, drawn to each move of the other, is at least half good (Tzafestas 2000).

    Parameters
    ----------
    rate : float
        How much of the way to the newest move the image goes in a round.
    """

    code, reals = codes.ADAPTIVE_TIT_FOR_TAT, 1

    def __init__(self, rate: float = 0.5) -> None:
        self.rate = check_probability("the rate of adaptation", rate)

    def settings(self) -> Iterable[float]:
        """The rate."""
        return (self.rate,)


class Gradual(Scripted):
    """Punishes the n-th defection n times, then cooperates twice (Beaufils, Delahaye and Mathieu 1997).

    The version of the CRISTAL-SMAC library (2018), in which every defection counts, also those under punishment.
    """

    code, words = codes.GRADUAL, 3


class OriginalGradual(Scripted):
    """Gradual as first published: only defections that begin a punishment count (Beaufils et al. 1997)."""

    code, words = codes.ORIGINAL_GRADUAL, 3


class Grudger(Scripted):
    """Never forgives a defection: grim trigger (Friedman in the first tournament, Axelrod 1980)."""

    code, words = codes.GRIM, 1

    def settings(self) -> Iterable[float]:
        """No patience, no mercy, no hostile opening."""
        return 0, 0, 0


class Punisher(Scripted):
    """Holds a grudge for up to 20 rounds, longer the more the opponent has defected (Axelrod library; G. Palmer)."""

    code, words = codes.PUNISHER, 4

    def settings(self) -> Iterable[float]:
        """It counts defections."""
        return (0,)


class GoByMajority(Scripted):
    """Does what the opponent did more often (Grisell in the second tournament, Axelrod 1984).

    Parameters
    ----------
    soft : bool
        Whether to cooperate when it did both equally often, as before the first round.
    window : int
        How many of the last rounds count, at most 64; 0 for all.
    """

    code, words = codes.MAJORITY, 2

    def __init__(self, soft: bool = True, window: int = 0) -> None:
        if not 0 <= window <= 64:
            raise InputError(f"a majority is taken over at most 64 rounds, or 0 for all, not {window}")
        self.soft = soft
        self.window = window

    def settings(self) -> Iterable[float]:
        """Whether it is soft, and its window."""
        return self.soft, self.window
