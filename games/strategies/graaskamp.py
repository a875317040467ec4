"""Graaskamp's entry, which plans its defections ahead by chance."""

from __future__ import annotations

import numpy as np

from games.env import View
from games.strategies.scripted import Array, Memory, Remembering, read
from games.strategies.tournament import critical_value, looks_random
from games.streams import Streams


class Graaskamp(Remembering):
    """Tit for tat for 56 rounds with one trial defection, then judges its opponent (9th in the first tournament).

    Whoever seems random is met with defection for ever; tit for tat and its own twin with tit for tat; anyone else is
    defected on every 5 to 14 rounds, at random. One draw per stream and round.

    Parameters
    ----------
    level : float
        Of the chi-squared test for randomness.
    """

    memory = (np.int32, np.int32, np.bool_, np.bool_, np.bool_, np.bool_, np.int32)

    def __init__(self, level: float = 0.05) -> None:
        self.level = level
        self._critical = critical_value(level)

    def sample(self, view: View, memory: Memory, streams: Streams) -> tuple[Array, Memory]:
        """Actions int32[B, n]: 0 to cooperate, 1 to defect.

        Remembers the time, defections, its last move but one, whether the opponent seemed random, ever failed to echo
        or to match it, and when it will defect next.
        """
        last = read(view)
        time, seen, before, random, no_echo, no_twin, planned = memory
        gap = 5 + (streams.uniform() * 10).astype(np.int32)
        seen = seen + last.other
        no_echo = no_echo | ((time >= 2) & (last.other != before))
        no_twin = no_twin | (last.other != last.own)
        late = time >= 56
        random = random | (late & looks_random(seen, time, self._critical))
        roams = late & ~random & no_echo & no_twin
        strikes = roams & (planned == time)
        planned = np.where(roams & ((planned == 0) | strikes), time + gap, planned)
        defect = np.where(roams, strikes, last.other | random | (time == 50))
        return defect.astype(np.int32), (time + 1, seen, last.own, random, no_echo, no_twin, planned)

    probs = None
