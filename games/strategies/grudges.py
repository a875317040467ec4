"""Grudges that pass, wait, count or turn around.

The exact rules are those of the Axelrod library (Knight et al., version 4.14), whose authors first described those without
another source.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import games.strategies.codes as codes
from games.errors import InputError
from games.strategies.scripted import Scripted
from games.strategies.tit_for_tat import Punisher


class FoolMeOnce(Scripted):
    """Forgives one defection, and no second (M. Harper)."""

    code, words = codes.GRIM, 1

    def settings(self) -> Iterable[float]:
        """No patience, one defection forgiven, no hostile opening."""
        return 0, 1, 0


class Aggravater(Scripted):
    """Grim trigger after three defections of its own (T. Campbell)."""

    code, words = codes.GRIM, 1

    def settings(self) -> Iterable[float]:
        """No patience, no mercy, three defections."""
        return 0, 0, 3


class Relenting(Scripted):
    """Defects until the opponent has once made a certain move, then cooperates for ever.

    Reverse grim trigger, `easy-go`, waits for a defection (PRISON, Beaufils et al. 1998; Li et al. 2011), `opposite-grudger`
    for a cooperation (G. Palmer).

    Parameters
    ----------
    move : str
        The move: C or D.
    """

    code, words = codes.RELENT, 1

    def __init__(self, move: str) -> None:
        if move not in ("C", "D"):
            raise InputError(f"the move that makes it relent is C or D, not {move!r}")
        self.move = move

    def settings(self) -> Iterable[float]:
        """The move."""
        return (self.move == "D",)


class GrudgerAlternator(Scripted):
    """Once betrayed, it defects and cooperates in turns (PRISON, Beaufils et al. 1998)."""

    code, words = codes.GRIM_ALTERNATOR, 1


class ForgetfulGrudger(Scripted):
    """Defects for so many rounds after a defection, however many follow (G. Palmer).

    Parameters
    ----------
    rounds : int
        How long it remembers, at least 1.
    """

    code, words = codes.FORGETFUL_GRUDGE, 2

    def __init__(self, rounds: int = 10) -> None:
        self.rounds = _at_least(1, "a grudge lasts", rounds)

    def settings(self) -> Iterable[float]:
        """How long it remembers."""
        return (self.rounds,)


class OnceBitten(Scripted):
    """Forgives one defection, but after two in a row defects for so many rounds more (H. Marissa).

    Parameters
    ----------
    rounds : int
        How many, at least 1.
    """

    code, words = codes.ONCE_BITTEN, 3

    def __init__(self, rounds: int = 10) -> None:
        self.rounds = _at_least(1, "a grudge lasts", rounds)

    def settings(self) -> Iterable[float]:
        """How long it remembers."""
        return (self.rounds,)


class SoftGrudger(Scripted):
    """Answers a defection with four, then makes peace with two cooperations (Li et al. 2011).

    Parameters
    ----------
    defections, peace : int
        How many of each; at least one defection.
    """

    code, words = codes.SOFT_GRUDGE, 1

    def __init__(self, defections: int = 4, peace: int = 2) -> None:
        self.defections = _at_least(1, "a grudge is at least one defection and lasts", defections)
        self.peace = _at_least(0, "peace lasts", peace)

    def settings(self) -> Iterable[float]:
        """Both numbers."""
        return self.defections, self.peace


class InversePunisher(Punisher):
    """Holds a grudge for up to 20 rounds, longer the more the opponent has cooperated (G. Palmer)."""

    def settings(self) -> Iterable[float]:
        """It counts cooperations."""
        return (1,)


class Forgiver(Scripted):
    """Defects on who has defected in more than one round out of so many.

    `forgiver` and `forgiving-tit-for-tat` are T. Campbell's; `level-punisher` is from CoopSim (Eckhart Arnold 2015).

    Parameters
    ----------
    one_in : int
        Out of how many.
    patience : int
        In how many rounds at first it only cooperates.
    mirror : bool
        Whether it defects only in answer to a defection.
    """

    code, words = codes.FORGIVER, 1

    def __init__(self, one_in: int = 10, patience: int = 0, mirror: bool = False) -> None:
        self.one_in = _at_least(1, "it forgives one defection in a number of rounds", one_in)
        self.patience = _at_least(0, "its patience lasts", patience)
        self.mirror = mirror

    def settings(self) -> Iterable[float]:
        """All three."""
        return self.one_in, self.patience, self.mirror


class Retaliate(Scripted):
    """Defects while it was the sucker more often than a share of how often it made a sucker of the other (O. Campbell).

    Parameters
    ----------
    share : float
        The share.
    limit : int, optional
        How often in a row it retaliates at most; then it cooperates once.
    """

    code, words = codes.RETALIATE, 3

    def __init__(self, share: float = 0.1, limit: int | None = None) -> None:
        if not 0 <= share < math.inf:
            raise InputError(f"the share of retaliation is a number of at least 0, not {share}")
        self.share = share
        self.limit = limit if limit is None else _at_least(0, "retaliation lasts", limit)

    def settings(self) -> Iterable[float]:
        """Both; infinity where there is no limit."""
        return self.share, math.inf if self.limit is None else self.limit


class Doubler(Scripted):
    """Tit for tat, but forgiving while the other has cooperated more than twice as often as defected (PRISON 1998)."""

    code, words = codes.DOUBLER, 1


def _at_least(least: int, what: str, count: int) -> int:
    if count < least:
        raise InputError(f"{what} at least {least} round{'s' if least != 1 else ''}, not {count}")
    return count
