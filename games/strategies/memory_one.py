"""Memory-one strategies: the probability of cooperating depends on the last round alone.

References: Press and Dyson (2012), "Iterated Prisoner's Dilemma contains strategies that dominate any evolutionary
opponent", PNAS 109(26); Stewart and Plotkin (2012), "Extortion and cooperation in the Prisoner's Dilemma", PNAS
109(26); Hilbe, Nowak and Sigmund (2013), "Evolution of extortion in Iterated Prisoner's Dilemma games", PNAS 110(17).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from games.env import View
from games.errors import InputError
from games.policy import Memoryless
from games.strategies.kernels import react, react_by_chance
from games.strategies.scripted import Array, check_probability, read
from games.streams import Streams


class Payoffs(NamedTuple):
    """What the prisoner's dilemma pays: reward R, punishment P, sucker's payoff S, temptation T."""

    reward: float = 3.0
    punishment: float = 1.0
    sucker: float = 0.0
    temptation: float = 5.0


class MemoryOne(Memoryless):
    """Cooperates with a probability that depends on the last round (Nowak and Sigmund 1990).

    Players whose five probabilities are all 0 or 1 draw nothing; others draw once per stream and round.

    Parameters
    ----------
    start : float
        Probability of cooperating in the first round.
    after : sequence of 4 floats
        Probability of cooperating after CC, CD, DC, DD, the own move first.
    name : str
        For `repr`.
    """

    def __init__(self, start: float, after: Sequence[float], name: str = "") -> None:
        if len(after) != 4:
            raise InputError(
                f"a memory-one player has 4 probabilities, after CC, CD, DC and DD, not {len(after)}"
            )
        chances = [check_probability("each of a memory-one player's chances", p) for p in (start, *after)]
        self.cooperate = np.array(chances)
        self.cooperate.setflags(write=False)
        self.name = name
        self._defect = 1 - self.cooperate.astype(np.int32)
        self._pure = bool(np.isin(self.cooperate, (0, 1)).all())

    def __repr__(self) -> str:
        start, *after = self.cooperate.tolist()
        return f"{self.name or 'MemoryOne'}({start:g}, ({', '.join(f'{p:g}' for p in after)}))"

    @property
    def table(self) -> Array:
        """Action probabilities float64[5, 2] by `View.row` in a repeated 2x2 game of memory 1.

        For `games.policy.Tabular` and `games.sims.matches.play_matches`.
        """
        return np.stack([self.cooperate, 1.0 - self.cooperate], axis=1)

    def sample(self, view: View, memory: None, streams: Streams) -> tuple[Array, None]:
        """Actions int32[B, n]: 0 to cooperate, 1 to defect."""
        if view.mask.shape[-1] != 2 or view.observation.shape[-1] % 4:
            read(view)
        out = np.empty(view.mask.shape[:2], dtype=np.int32)
        if self._pure:
            react(view.observation, self._defect, out)
        else:
            react_by_chance(streams.state, view.observation, self.cooperate, out)
        return out, None

    def probs(self, view: View, memory: None = None) -> tuple[Array, None]:
        """Probabilities of both actions, float64[B, n, 2]."""
        first, own, other = read(view)
        return self.table[np.where(first, 0, 1 + 2 * own + other)], None


def linear_relation(phi: float, slope: float, baseline: float, pay: Payoffs | None = None) -> MemoryOne:
    """The zero-determinant strategy that enforces slope * (own - baseline) = other - baseline on long-run payoffs.

    Hilbe, Nowak and Sigmund (2013), equation 14. It begins by cooperating.

    Parameters
    ----------
    phi, slope, baseline : float
        Speed, slope and baseline payoff; the extortion factor is 1 / slope when the baseline is P.
    pay : Payoffs, optional
        Of the game; those of Axelrod's tournaments by default.

    Raises
    ------
    InputError
        If no such strategy exists: a probability would lie outside 0 to 1.

    Examples
    --------
    >>> linear_relation(1 / 9, 0.5, 1.0).cooperate.round(4).tolist()
    [1.0, 0.8889, 0.5, 0.3333, 0.0]
    """
    r, p, s, t = pay or Payoffs()
    after = (
        1 - phi * (1 - slope) * (r - baseline),
        1 - phi * (slope * (baseline - s) + (t - baseline)),
        phi * ((baseline - s) + slope * (t - baseline)),
        phi * (1 - slope) * (baseline - p),
    )
    if not all(-1e-12 <= chance <= 1 + 1e-12 for chance in after):
        raise InputError(
            f"no memory-one player enforces slope {slope:g} at baseline {baseline:g} with phi {phi:g} in this game: "
            f"it would cooperate with probabilities {', '.join(f'{chance:.3g}' for chance in after)}"
        )
    return MemoryOne(1, [min(max(chance, 0.0), 1.0) for chance in after], f"LinearRelation[{slope:g}]")


def generous(pay: Payoffs | None = None) -> MemoryOne:
    """Generous tit for tat: forgives a defection as often as it can afford to (Nowak and Sigmund 1992, 1993)."""
    r, p, s, t = pay or Payoffs()
    forgive: Any = min(1 - (t - r) / (r - s), (r - p) / (t - p)) if r != s and t != p else 0.0
    return MemoryOne(1, (1, (q := min(max(forgive, 0.0), 1.0)), 1, q), "GenerousTitForTat")
