"""Other entries of Axelrod's tournaments.

Axelrod (1980), "Effective Choice in the Prisoner's Dilemma", Journal of Conflict Resolution 24(1), and "More Effective
Choice in the Prisoner's Dilemma", 24(3). Where a description leaves room, the Axelrod library's reading is taken (Knight et al.,
version 4.14).
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import NormalDist

import games.strategies.codes as codes
from games.errors import InputError
from games.strategies.memory_one import Payoffs
from games.strategies.scripted import Chancy, Scripted, check_probability


def critical_value(level: float) -> float:
    """The chi-squared quantile with one degree of freedom at 1 - level."""
    if not 0 < level < 1:
        raise InputError(f"the level of a test is between 0 and 1, not {level}")
    return NormalDist().inv_cdf(1 - level / 2) ** 2


class Davis(Scripted):
    """Cooperates for 10 rounds, then plays grim trigger over everything seen (8th in the first tournament)."""

    code, words = codes.GRIM, 1

    def __init__(self, patience: int = 10) -> None:
        self.patience = patience

    def settings(self) -> Iterable[float]:
        """Its patience; no mercy, no hostile opening."""
        return self.patience, 0, 0


class Shubik(Scripted):
    """Punishes each departure from cooperation one round longer than the one before (5th in the first tournament)."""

    code, words = codes.SHUBIK, 2


class Nydegger(Scripted):
    """Decides by a weighted sum of the last three rounds (3rd in the first tournament)."""

    code, words = codes.NYDEGGER, 2


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

    code, words = codes.STEIN_AND_RAPOPORT, 2

    def __init__(self, level: float = 0.05, rounds: int | None = None) -> None:
        self.level = level
        self.rounds = rounds
        self._critical = critical_value(level)

    def settings(self) -> Iterable[float]:
        """The critical value of the test, and the length."""
        return self._critical, -1 if self.rounds is None else self.rounds


class TidemanAndChieruzzi(Scripted):
    """Punishes the n-th run of defections n times, with fresh starts for who is far behind (2nd in the first tournament).

    Parameters
    ----------
    rounds : int, optional
        Length of the match, if known: no fresh start in the last 10 rounds, and it defects in the last two.
    pay : Payoffs, optional
        By which it keeps the score.
    """

    code, words, reals = codes.TIDEMAN_AND_CHIERUZZI, 5, 1

    def __init__(self, rounds: int | None = None, pay: Payoffs | None = None) -> None:
        self.rounds = rounds
        self.pay = pay or Payoffs()

    def settings(self) -> Iterable[float]:
        """What a round can gain on the other, and the length."""
        return self.pay.temptation - self.pay.sucker, -1 if self.rounds is None else self.rounds


class Downing(Scripted):
    """Maximises its payoff against estimated replies to its own two moves (10th in the first tournament).

    Parameters
    ----------
    pay : Payoffs, optional
        What it maximises.
    """

    code, words = codes.DOWNING, 4

    def __init__(self, pay: Payoffs | None = None) -> None:
        self.pay = pay or Payoffs()

    def settings(self) -> Iterable[float]:
        """The payoffs."""
        return self.pay


class RevisedDowning(Scripted):
    """Estimates replies to its moves and cooperates, alternates or defects accordingly (Downing, second tournament)."""

    code, words = codes.REVISED_DOWNING, 5


class Adaptive(Scripted):
    """Plays 6 cooperations and 5 defections, then whichever move has paid more in total (Li et al. 2011)."""

    code, reals, paid = codes.ADAPTIVE, 2, True


class Tester(Scripted):
    """Defects to try the other; apologises if that is answered, alternates if not (Gladstein, second tournament)."""

    code, words = codes.TESTER, 1


class Feld(Chancy):
    """Tit for tat that cooperates less and less, down to 0.5 after 200 rounds (11th in the first tournament)."""

    code = codes.FELD

    def __init__(self, start: float = 1.0, end: float = 0.5, rounds: int = 200) -> None:
        self.start_chance = check_probability("the first chance", start)
        self.end_chance = check_probability("the last chance", end)
        self.rounds = rounds
        if rounds < 1:
            raise InputError(f"the chance of cooperating falls over at least one round, not {rounds}")

    def settings(self) -> Iterable[float]:
        """Both chances, and over how many rounds it falls."""
        return self.start_chance, self.end_chance, self.rounds


class Tullock(Chancy):
    """After 11 cooperations, cooperates 10 % less than the other in its last ten moves (13th in the first tournament)."""

    code, words = codes.TULLOCK, 2


class Champion(Chancy):
    """Cooperates for 10 rounds, mirrors for 15, then forgives those who mostly cooperate (Champion, second tournament)."""

    code, words = codes.CHAMPION, 1


class Graaskamp(Scripted):
    """Tit for tat for 56 rounds with one trial defection, then judges its opponent (9th in the first tournament).

    Whoever seems random is met with defection for ever; tit for tat and its own twin with tit for tat; anyone else is
    defected on every 5 to 14 rounds, at random. One draw per stream and round.

    Parameters
    ----------
    level : float
        Of the chi-squared test for randomness.
    """

    code, words, chancy = codes.GRAASKAMP, 6, True
    probs = None  # type: ignore[assignment]  # what chance decides is when it strikes, not whether

    def __init__(self, level: float = 0.05) -> None:
        self.level = level
        self._critical = critical_value(level)

    def settings(self) -> Iterable[float]:
        """The critical value of the test."""
        return (self._critical,)
