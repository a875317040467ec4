"""Many matches between many agents at once: who plays which seat is told match by match.

Agents' policies are asked once per step for all the matches in which they play, so a round robin of dozens of agents
costs little more than a single pair. A team that plays together (`games.team_seats`) is asked for whole matches. Where
whole matches have a compiled loop (`games.whole_matches`) that is used; the results are the same bit for bit.

Letters: E matches, n agents of the environment (seats), K agents of the tournament.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from games.env import Env, EnvSpec, Step
from games.errors import InputError
from games.play import Array, Episodes, Progress, check_acts, play_episodes
from games.policy import JointPolicy, Memory, Policy
from games.spaces import Box
from games.streams import Streams, check_seeds
from games.team_seats import TeamSeat, team_of_seats

Cast = Sequence[Sequence["Policy | None"]]
"""``cast[k][i]``: how agent k plays seat i of the environment; None if it does not. Seats of a team that plays together
are `games.team_seats.TeamSeat`."""
_Given = tuple[Any, Array]
"""Which matches (and seats) of a group, and the actions there."""


class Assigned:
    """A team in which sub-environment b's seat i is played by agent ``seating[b, i]``.

    Parameters
    ----------
    spec : EnvSpec
        The environment.
    cast : sequence of sequences of Policy or None
        ``cast[k][i]``: how agent k plays seat i. One object for several seats is asked for all of them together, and so is
        a team that plays together.
    seating : int[B, n]
        Who plays.

    Raises
    ------
    InputError
        If somebody is seated who does not play that seat, or only together with its team, which does not have them all.
    """

    def __init__(self, spec: EnvSpec, cast: Cast, seating: Any) -> None:
        self.spec, self.batch = spec, len(seating)
        self._parts, self._teams = _places(spec, cast, np.asarray(seating))
        self._first = np.cumsum([0] + [group.size for group in spec.groups])

    def start(self, batch: int) -> list[Memory]:
        """Everybody's memory."""
        if batch != self.batch:
            raise InputError(f"{self.batch} matches are seated, not {batch}")
        alone = [part.policy.start(len(part.rows), 1) for part in self._parts]
        return alone + [whole.team.start(len(whole.rows)) for whole in self._teams]

    def sample(
        self, step: Step, memory: list[Memory], streams: Streams
    ) -> tuple[tuple[Array, ...], list[Memory]]:
        """Every policy's actions, each put in its place."""
        found: list[list[_Given]] = [[] for _ in self.spec.groups]
        after = []
        for part, own in zip(self._parts, memory):
            view = step.groups[part.group].seats(part.rows, part.columns)
            seats = self._first[part.group] + part.columns
            own_streams = Streams(streams.state[part.rows, seats][:, None])
            actions, own = part.policy.sample(view, own, own_streams)
            streams.state[part.rows, seats] = own_streams.state[:, 0]
            actions = self._checked(part.policy, part.group, (len(part.rows), 1), actions)
            found[part.group].append(((part.rows, part.columns), actions[:, 0]))
            after.append(own)
        for whole, own in zip(self._teams, memory[len(self._parts) :]):
            all_actions, own = self._of_team(whole, step, own, streams)
            for g, actions in enumerate(all_actions):
                found[g].append((whole.rows, actions))
            after.append(own)
        return tuple(self._together(g, parts) for g, parts in enumerate(found)), after

    def _of_team(
        self, whole: _Whole, step: Step, memory: Memory, streams: Streams
    ) -> tuple[list[Array], Memory]:
        """The actions of a team in its matches, by group, from the streams of all its seats."""
        own_streams = Streams(streams.state[whole.rows])
        given, memory = whole.team.sample(step.where(whole.rows), memory, own_streams)
        streams.state[whole.rows] = own_streams.state
        if not isinstance(given, list | tuple) or len(given) != len(self.spec.groups):
            raise InputError(
                f"{self.spec.name}: {type(whole.team).__name__} must give an array of actions for each of "
                f"{len(self.spec.groups)} groups of agents"
            )
        return [
            self._checked(whole.team, g, (len(whole.rows), group.size), actions)
            for g, (group, actions) in enumerate(zip(self.spec.groups, given))
        ], memory

    def _checked(self, who: Policy | JointPolicy, g: int, size: tuple[int, int], given: Any) -> Array:
        """A policy's actions as an array; put among others', a wrong shape or type might pass unnoticed."""
        group, actions = self.spec.groups[g], np.asarray(given)
        wanted = (*size, *group.actions.shape)
        kinds, told = ("iuf", "numbers") if isinstance(group.actions, Box) else ("iu", "integers")
        if actions.shape != wanted:
            raise InputError(
                f"{self.spec.name}: {type(who).__name__} gave actions of shape {actions.shape}, expected {wanted}"
            )
        if actions.dtype.kind not in kinds:
            raise InputError(
                f"{self.spec.name}: {type(who).__name__} gave actions of type {actions.dtype}, expected {told}"
            )
        return actions

    def _together(self, g: int, parts: list[_Given]) -> Array:
        """The actions of a group, in a type that holds everybody's."""
        types = {actions.dtype for _, actions in parts}
        kind = types.pop() if len(types) == 1 else None
        if kind is None:
            kind = np.result_type(*types) if any(t.kind == "f" for t in types) else np.dtype(np.int64)
        group = self.spec.groups[g]
        whole = np.zeros((self.batch, group.size, *group.actions.shape), dtype=kind)
        for where, actions in parts:
            whole[where] = actions
        return whole


class _Part:
    """Where one policy plays: rows and columns int64[k] of a group's view."""

    def __init__(self, policy: Policy, group: int, rows: Array, columns: Array) -> None:
        self.policy, self.group, self.rows, self.columns = policy, group, rows, columns


class _Whole:
    """The matches rows int64[k] that one team plays together."""

    def __init__(self, team: JointPolicy, rows: Array) -> None:
        self.team, self.rows = team, rows


def _places(spec: EnvSpec, cast: Cast, seating: Array) -> tuple[list[_Part], list[_Whole]]:
    """The places of every policy, in the order of agents and seats, and the matches of every team."""
    _check_seating(spec, len(cast), seating)
    teams = _teams(cast, seating)
    alone = np.ones(len(seating), dtype=bool)
    for whole in teams:
        alone[whole.rows] = False
    free = np.flatnonzero(alone)
    found: dict[tuple[int, int], tuple[Policy, list[Array], list[Array]]] = {}
    for i, name in enumerate(spec.agents):
        group, column = spec.places[name]
        for k in np.unique(seating[free, i]).tolist():
            policy = cast[k][i]
            if policy is None:
                raise InputError(f"{spec.name}: agent {k} does not play {name}")
            if isinstance(policy, TeamSeat):
                raise InputError(
                    f"{spec.name}: agent {k} plays only together with its team, which must then have all seats of a match, "
                    f"and not {name} alone"
                )
            rows = free[seating[free, i] == k]
            _, all_rows, all_columns = found.setdefault((id(policy), group), (policy, [], []))
            all_rows.append(rows)
            all_columns.append(np.full(len(rows), column))
    parts = [
        _Part(policy, group, np.concatenate(rows), np.concatenate(columns))
        for (_, group), (policy, rows, columns) in found.items()
    ]
    return parts, teams


def _check_seating(spec: EnvSpec, count: int, seating: Array) -> None:
    agents = len(spec.agents)
    if seating.ndim != 2 or seating.shape[1] != agents or seating.dtype.kind not in "iu":
        raise InputError(
            f"{spec.name}: seating has shape {seating.shape}, expected a whole number for each of {agents} seats"
        )
    if seating.size and not (seating.min() >= 0 and seating.max() < count):
        raise InputError(f"{spec.name}: an agent is seated who is none of the {count}")


def _teams(cast: Cast, seating: Array) -> list[_Whole]:
    """Every team with the matches in which one agent, who plays by it, has all seats."""
    single = (seating == seating[:, :1]).all(axis=1)
    found: dict[int, tuple[JointPolicy, list[Array]]] = {}
    for k in np.unique(seating[single]).tolist():
        team = team_of_seats(cast[k])
        if team is not None:
            rows = np.flatnonzero(single & (seating[:, 0] == k))
            found.setdefault(id(team), (team, []))[1].append(rows)
    return [_Whole(team, np.concatenate(rows)) for team, rows in found.values()]


def play_assigned(
    env: Env,
    cast: Cast,
    seating: Any,
    seeds: Any,
    acts: Any = None,
    *,
    max_steps: int | None = None,
    batch: int = 4_096,
    progress: Progress | None = None,
) -> Episodes:
    """Play one whole match per seed, each between its own agents.

    Parameters
    ----------
    env : Env
        The environment.
    cast : sequence of sequences of Policy or None
        ``cast[k][i]``: how agent k plays seat i.
    seating : int[E, n]
        Which agent plays each seat of each match.
    seeds, acts : uint64[E]
        As in `games.play.play_episodes`.
    max_steps : int, optional
        Cut matches off after so many steps.
    batch : int
        How many are played at once.
    progress : callable, optional
        ``progress(fraction, text)``.

    Returns
    -------
    Episodes
        A match's result is a function of its seeds and of who plays, and of nothing else.
    """
    from games.whole_matches import whole_matches

    seeds, seating = check_seeds(seeds), np.asarray(seating)
    acts = seeds if acts is None else check_acts(acts, len(seeds))
    if seating.shape != (len(seeds), len(env.spec.agents)):
        raise InputError(
            f"seating has shape {seating.shape}, expected one row for each of {len(seeds)} matches and a column for "
            f"each of the {len(env.spec.agents)} seats"
        )
    _places(env.spec, cast, seating)  # refuses who cannot play
    compiled = whole_matches(env, cast, max_steps)
    blocks = []
    for start in range(0, len(seeds), batch):
        rows = slice(start, start + batch)
        if compiled is not None:
            blocks.append(compiled(seating[rows], seeds[rows], acts[rows]))
        else:
            team = Assigned(env.spec, cast, seating[rows])
            blocks.append(
                play_episodes(env, team, seeds[rows], acts[rows], batch=len(seeds[rows]), max_steps=max_steps)
            )
        if progress is not None:
            done = min(start + batch, len(seeds))
            progress(done / len(seeds), f"{done:,} of {len(seeds):,} matches")
    return Episodes.joined(blocks)
