"""Many matches between many agents at once: who plays which seat is told match by match.

Agents' policies are asked once per step for all the matches in which they play, so a round robin of dozens of agents
costs little more than a single pair. Where whole matches have a compiled loop (`games.whole_matches`) that is used;
the results are the same bit for bit.

Letters: E matches, n agents of the environment (seats), K agents of the tournament.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from games.env import Env, EnvSpec, Step
from games.errors import InputError
from games.play import Array, Episodes, Progress, check_acts, play_episodes
from games.policy import Memory, Policy
from games.spaces import Box
from games.streams import Streams, check_seeds

Cast = Sequence[Sequence["Policy | None"]]
"""``cast[k][i]``: how agent k plays seat i of the environment; None if it does not."""


class Assigned:
    """A team in which sub-environment b's seat i is played by agent ``seating[b, i]``.

    Parameters
    ----------
    spec : EnvSpec
        The environment.
    cast : sequence of sequences of Policy or None
        ``cast[k][i]``: how agent k plays seat i. One object for several seats is asked for all of them together.
    seating : int[B, n]
        Who plays.

    Raises
    ------
    InputError
        If somebody is seated who does not play that seat.
    """

    def __init__(self, spec: EnvSpec, cast: Cast, seating: Any) -> None:
        self.spec, self.batch = spec, len(seating)
        self._parts = _parts(spec, cast, np.asarray(seating))
        self._first = np.cumsum([0] + [group.size for group in spec.groups])

    def start(self, batch: int) -> list[Memory]:
        """Everybody's memory."""
        if batch != self.batch:
            raise InputError(f"{self.batch} matches are seated, not {batch}")
        return [part.policy.start(len(part.rows), 1) for part in self._parts]

    def sample(
        self, step: Step, memory: list[Memory], streams: Streams
    ) -> tuple[tuple[Array, ...], list[Memory]]:
        """Every policy's actions, each put in its place."""
        found: list[list[tuple[_Part, Array]]] = [[] for _ in self.spec.groups]
        after = []
        for part, own in zip(self._parts, memory):
            view = step.groups[part.group].seats(part.rows, part.columns)
            seats = self._first[part.group] + part.columns
            own_streams = Streams(streams.state[part.rows, seats][:, None])
            actions, own = part.policy.sample(view, own, own_streams)
            streams.state[part.rows, seats] = own_streams.state[:, 0]
            found[part.group].append((part, self._checked(part, actions)))
            after.append(own)
        return tuple(self._together(g, parts) for g, parts in enumerate(found)), after

    def _checked(self, part: _Part, given: Any) -> Array:
        """A policy's actions as an array; put among others', a wrong shape or type might pass unnoticed."""
        group, actions = self.spec.groups[part.group], np.asarray(given)
        wanted = (len(part.rows), 1, *group.actions.shape)
        kinds, told = ("iuf", "numbers") if isinstance(group.actions, Box) else ("iu", "integers")
        if actions.shape != wanted:
            raise InputError(
                f"{self.spec.name}: {type(part.policy).__name__} gave actions of shape {actions.shape}, expected {wanted}"
            )
        if actions.dtype.kind not in kinds:
            raise InputError(
                f"{self.spec.name}: {type(part.policy).__name__} gave actions of type {actions.dtype}, expected {told}"
            )
        return actions

    def _together(self, g: int, parts: list[tuple[_Part, Array]]) -> Array:
        """The actions of a group, in a type that holds everybody's."""
        types = {actions.dtype for _, actions in parts}
        kind = types.pop() if len(types) == 1 else None
        if kind is None:
            kind = np.result_type(*types) if any(t.kind == "f" for t in types) else np.dtype(np.int64)
        group = self.spec.groups[g]
        whole = np.zeros((self.batch, group.size, *group.actions.shape), dtype=kind)
        for part, actions in parts:
            whole[part.rows, part.columns] = actions[:, 0]
        return whole


class _Part:
    """Where one policy plays: rows and columns int64[k] of a group's view."""

    def __init__(self, policy: Policy, group: int, rows: Array, columns: Array) -> None:
        self.policy, self.group, self.rows, self.columns = policy, group, rows, columns


def _parts(spec: EnvSpec, cast: Cast, seating: Array) -> list[_Part]:
    """The places of every policy, in the order of agents and seats."""
    agents = len(spec.agents)
    if seating.ndim != 2 or seating.shape[1] != agents or seating.dtype.kind not in "iu":
        raise InputError(
            f"{spec.name}: seating has shape {seating.shape}, expected a whole number for each of {agents} seats"
        )
    if seating.size and not (seating.min() >= 0 and seating.max() < len(cast)):
        raise InputError(f"{spec.name}: an agent is seated who is none of the {len(cast)}")
    found: dict[tuple[int, int], tuple[Policy, list[Array], list[Array]]] = {}
    for i, name in enumerate(spec.agents):
        group, column = spec.places[name]
        for k in np.unique(seating[:, i]).tolist():
            policy = cast[k][i]
            if policy is None:
                raise InputError(f"{spec.name}: agent {k} does not play {name}")
            rows = np.flatnonzero(seating[:, i] == k)
            _, all_rows, all_columns = found.setdefault((id(policy), group), (policy, [], []))
            all_rows.append(rows)
            all_columns.append(np.full(len(rows), column))
    return [
        _Part(policy, group, np.concatenate(rows), np.concatenate(columns))
        for (_, group), (policy, rows, columns) in found.items()
    ]


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
    _parts(env.spec, cast, seating)  # refuses who cannot play
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
    return Episodes(*(np.concatenate(column) for column in zip(*blocks)))
