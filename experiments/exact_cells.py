"""Exact expected returns of teams, where the game behind an environment is known as a table or a tree.

What an agent does is read off once (`experiments.games_behind`); after that every team of such agents costs little. So
is what a team does that plays together.

Letters: P agents of the environment, K teams.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments import read_off
from experiments.games_behind import Behind, Part, game_behind
from experiments.read_off import NotExact, Progress, Seats
from games.env import Env
from games.errors import InputError
from games.play import step_limit
from games.policy import Independent, JointPolicy, Policy
from games.team_seats import TeamSeat, team_of_seats

Array = npt.NDArray[Any]


def exact_values(
    env: Env, team: JointPolicy, progress: Progress | None = None, *, max_steps: int | None = None
) -> Array:
    """Expected undiscounted returns of a team, float64[P], from the game itself.

    Parameters
    ----------
    env : Env
        What `games.simulate.simulate` makes of a game, a repeated game whose situations are listed, a coordination game
        of a matrix or of bits, or a game of OpenSpiel's that can be written out as a tree of at most
        `experiments.read_off.MAX_NODES` nodes.
    team : JointPolicy
        `Independent`, and each agent's policy must tell its probabilities (``probs``). On trees played in turns
        policies may remember; elsewhere they must act on the situation alone. In normal-form games, Markov games and
        coordination games also a team that tells its network (`games.bayes_net.Networked`) or follows a device
        (`games.correlated_policy.Correlated`).
    progress : callable, optional
        Told that a tree is being compiled.
    max_steps : int, optional
        Episodes are cut off after so many steps, as in `games.play.play_episodes`.

    Raises
    ------
    NotExact
        Saying in half a sentence why the values cannot be computed here.
    """
    behind = game_behind(env, step_limit(env, max_steps), progress)
    if not isinstance(team, Independent):
        return behind.worth_together(_together(behind, team))
    parts = [part for seat in team.seats for part in _read(behind, [seat])]
    return behind.worth(parts)


def exact_many(
    env: Env,
    cast: Sequence[Sequence[Policy | None]],
    profiles: Any,
    progress: Progress | None = None,
    *,
    max_steps: int | None = None,
) -> Array:
    """Expected returns of many teams of the same agents; each agent is read off once per seat.

    Parameters
    ----------
    env, progress, max_steps
        As in `exact_values`.
    cast : sequence of sequences of Policy
        ``cast[k][i]``: how agent k plays seat i; None where it never does. Seats of a team that plays together are
        `games.team_seats.TeamSeat`.
    profiles : int[K, P]
        Which agent plays each seat of each team.

    Returns
    -------
    float64[K, P]
        Rows as `exact_values` gives them, bit for bit; NaN in the rows of teams with an agent that cannot be read off.

    Raises
    ------
    NotExact
        If no team could be evaluated in this environment, whoever plays.
    InputError
        If somebody is seated who does not play that seat.
    """
    chosen = np.asarray(profiles)
    players = len(env.spec.agents)
    if chosen.ndim != 2 or chosen.shape[1] != players or chosen.dtype.kind not in "iu":
        raise InputError(f"profiles are int[teams, {players}], not {chosen.dtype} {chosen.shape}")
    if chosen.size and not 0 <= chosen.min() <= chosen.max() < len(cast):
        raise InputError(f"profiles name agents from 0 to {len(cast) - 1}, not {chosen.max()}")
    behind = game_behind(env, step_limit(env, max_steps), progress)
    parts = {
        (k, i): _part(behind, env, cast[k][i], k, i)
        for i in range(players)
        for k in np.unique(chosen[:, i]).tolist()
    }
    out = np.full(chosen.shape, np.nan)
    for row, profile in zip(out, chosen.tolist()):
        whole = team_of_seats(cast[profile[0]]) if len(set(profile)) == 1 else None
        try:
            if whole is not None:
                row[:] = behind.worth_together(_together(behind, whole))
                continue
            team = [parts[k, i] for i, k in enumerate(profile)]
            if not any(part is None for part in team):
                row[:] = behind.worth(team)
        except NotExact:
            continue
    return out


def _part(behind: Behind, env: Env, policy: Policy | None, agent: int, seat: int) -> Part | None:
    """What an agent does in a seat, None if it cannot be read off."""
    if policy is None:
        raise InputError(f"{env.spec.name}: agent {agent} does not play {env.spec.agents[seat]}")
    if isinstance(policy, TeamSeat):
        return None
    try:
        return _read(behind, [(0, slice(seat, seat + 1), policy)])[0]
    except NotExact:
        return None


def _read(behind: Behind, seats: Seats) -> list[Part]:
    read_off.require_probs(seats)
    try:
        return behind.read(seats)
    except (InputError, IndexError) as error:  # a table that does not fit, say
        raise NotExact(str(error)) from None


def _together(behind: Behind, team: JointPolicy) -> Part:
    """What a team does that plays together."""
    try:
        return behind.together(team)
    except (InputError, IndexError) as error:
        raise NotExact(str(error)) from None
