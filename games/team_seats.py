"""Seats of a team that plays together: agents of a tournament whose actions are correlated.

A joint policy cannot be asked for one seat alone. Each of its seats is marked instead, and `games.assigned` asks the
team in the matches in which all seats are its own.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from games.env import EnvSpec, View
from games.errors import InputError
from games.policy import JointPolicy, Memory, Policy
from games.streams import Streams


@dataclass(frozen=True, eq=False)
class TeamSeat:
    """One seat of a team that plays together.

    It stands where policies do (``cast[k][i]``), but cannot be played by itself.

    Parameters
    ----------
    team : JointPolicy
        Who plays all seats.
    agent : str
        Whose seat this is, for messages.
    """

    team: JointPolicy
    agent: str

    def start(self, batch: int, agents: int) -> NoReturn:
        """Refused; see `games.assigned`."""
        self._refuse()

    def sample(self, view: View, memory: Memory, streams: Streams) -> NoReturn:
        """Refused; see `games.assigned`."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise InputError(
            f"{self.agent} is played by a team whose agents play together ({self.team!r}), which needs all seats of a match"
        )


def team_seats(spec: EnvSpec, team: JointPolicy) -> list[Policy | None]:
    """A seat of the team for every agent of an environment: an agent's row of `games.assigned.Cast`."""
    return [TeamSeat(team, agent) for agent in spec.agents]


def team_of_seats(seats: Sequence[Policy | None]) -> JointPolicy | None:
    """The team to which all these seats belong; None if they are not all of one."""
    teams = [seat.team if isinstance(seat, TeamSeat) else None for seat in seats]
    return teams[0] if teams and all(team is teams[0] for team in teams) else None


def plays_jointly(policy: Any) -> bool:
    """Whether something that plays is a `JointPolicy`: whether its ``sample`` is given a ``step`` and not a ``view``."""
    try:
        first = next(iter(inspect.signature(policy.sample).parameters), "")
    except (AttributeError, TypeError, ValueError):
        return False
    return first == "step"
