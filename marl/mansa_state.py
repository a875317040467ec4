"""What MANSA has learned so far."""

from __future__ import annotations

from dataclasses import dataclass as record
from dataclasses import field
from typing import Any

from games.env import EnvSpec
from marl.returns import Moments
from marl.switch import Switching


@record
class Learning:
    """What MANSA has learned so far.

    Parameters
    ----------
    spec : EnvSpec
        Where it learns.
    independent, central : Any
        The states of the two teams' learners.
    switch : Switching
        Of the switch's.
    moments : Moments
        Of the team's rewards, over whose standard deviation the switch sees them.
    device : str
        Where networks live.
    steps, calls : int
        Joint steps learned from, and in how many of them the central team acted.
    seconds : dict of str to float
        Wall time that each of the three took to learn in the last update.
    """

    spec: EnvSpec
    independent: Any
    central: Any
    switch: Switching
    moments: Moments
    device: str
    steps: int = 0
    calls: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
