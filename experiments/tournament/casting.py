"""Who plays what: the environment, every agent's policy for every seat, and the cells of the empirical game.

An agent of the tournament has a number: its place in the list of all agents, role after role (`Casting.names`).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from experiments.tournament.spec import Role, Spec
from games.empirical import all_cells, symmetric_cells
from games.env import Env, EnvSpec
from games.env_uris import make_env
from games.errors import InputError
from games.policy import Policy
from games.simplices import Int

MOST_CELLS = 1_000_000
MOST_SEATINGS = 24
"""A cell with more distinct seatings than this gets one drawn at random for every sample."""


@dataclass(frozen=True)
class Table:
    """The shape of a tournament: roles, populations, cells, and how they sit.

    Parameters
    ----------
    roles : tuple of str
        The players of the empirical game.
    populations : tuple of tuples of str
        Agents of each role.
    cells : int32[C, P]
        Who plays, by place in the role's population.
    seats : tuple of tuples of int
        Which agents of the environment each role is.
    symmetric : bool
        Whether roles are interchangeable.
    swapped : bool
        Whether each sample of a symmetric cell is played in all seatings.
    first : tuple of int
        Number of the first agent of each role among all agents.
    """

    roles: tuple[str, ...]
    populations: tuple[tuple[str, ...], ...]
    cells: Int
    seats: tuple[tuple[int, ...], ...]
    symmetric: bool
    swapped: bool
    first: tuple[int, ...]

    def key(self, cell: int) -> str:
        """The names of a cell's agents: what its random numbers follow from."""
        import json

        return json.dumps([names[a] for names, a in zip(self.populations, self.cells[cell].tolist())])

    def seatings(self, cell: int) -> Int:
        """The distinct ways in which a cell's agents can sit: agents' places by role, int32[S, P]; in a fixed order."""
        agents = tuple(self.cells[cell].tolist())
        if not self.swapped:
            return np.array([agents], dtype=np.int32)
        found: list[tuple[int, ...]] = []
        for order in _distinct(agents):
            found.append(order)
            if len(found) > MOST_SEATINGS:
                return np.array([agents], dtype=np.int32)
        return np.array(found, dtype=np.int32)

    def shuffled(self, cell: int) -> bool:
        """Whether the cell has too many seatings, so that every sample draws one."""
        agents = tuple(self.cells[cell].tolist())
        return (
            self.swapped
            and sum(1 for _ in itertools.islice(_distinct(agents), MOST_SEATINGS + 1)) > MOST_SEATINGS
        )

    def seated(self, places: Int) -> Int:
        """Numbers of the agents on the environment's seats, int32[M, n], from places by role int[M, P]."""
        out = np.empty((len(places), sum(map(len, self.seats))), dtype=np.int32)
        for role, (seats, first) in enumerate(zip(self.seats, self.first)):
            out[:, list(seats)] = (first + places[:, role])[:, None]
        return out


@dataclass(frozen=True)
class Casting:
    """A tournament ready to be played.

    Parameters
    ----------
    env : Env
        The environment.
    table : Table
        Roles and cells.
    names : tuple of str
        All agents.
    cast : list of lists of Policy or None
        ``cast[k][i]``: how agent k plays seat i of the environment.
    apart : tuple of str
        Agents that learned to play together with a team and sit without it.
    """

    env: Env
    table: Table
    names: tuple[str, ...]
    cast: list[list[Policy | None]]
    apart: tuple[str, ...] = ()

    @property
    def remark(self) -> str:
        """What is to be said of agents that sit apart; nothing if there are none."""
        if not self.apart:
            return ""
        names = list(dict.fromkeys(self.apart))
        more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
        return (
            f"{', '.join(names[:3])}{more}: learned to play together, but no role of theirs has all seats, so every "
            "agent plays apart, by its own observation alone (without a graph, or a call of central policies)"
        )


def casting(spec: Spec, allow_import: tuple[str, ...] = ()) -> Casting:
    """Load the environment and every policy.

    Raises
    ------
    InputError
        If something is unknown or does not fit; the message names the agent.
    """
    env = make_env(spec.env, allow_import=allow_import)
    if env.spec.horizon is None and spec.max_steps is None:
        raise InputError(
            f"{spec.env} has no horizon, so matches need a limit: set max_steps, as in max_steps: 500"
        )
    table = table_of(spec, env)
    from experiments.tournament.agents import is_scripted, seated

    names, cast, apart = [], [], []
    for number, role in enumerate(spec.roles):
        seats, together = seats_of(spec, table, env.spec, number)
        for name, policy in role.agents:
            found = seated(env, name, policy, seats, allow_import, together=together)
            names.append(name)
            cast.append(found.policies)
            apart += [name] * found.apart
    alike = all(is_scripted(policy) for role in spec.roles for _, policy in role.agents)
    return Casting(env, finished_table(table, alike), tuple(names), cast, tuple(apart))


def seats_of(spec: Spec, table: Table, env: EnvSpec, role: int) -> tuple[tuple[int, ...], bool]:
    """The seats that agents of a role play, and whether these are all seats of all their matches."""
    if spec.symmetric:
        return tuple(range(len(env.agents))), len(env.agents) == 1
    return table.seats[role], len(table.seats[role]) == len(env.agents)


def finished_table(table: Table, alike: bool) -> Table:
    """The table of agents who play all seats alike, or do not: who has learned may play like seats differently."""
    if not table.symmetric or table.swapped or len(table.roles) == 1:
        return table
    return replace(table, swapped=not alike)


def table_of(spec: Spec, env: Env) -> Table:
    """Roles and cells of a tournament whose agents play seats alike that are alike."""
    agents = env.spec.agents
    if spec.symmetric:
        _check_alike(env.spec)
        population = tuple(name for name, _ in spec.roles[0].agents)
        _check_count(_multisets(len(population), len(agents)), spec)
        players = len(agents)
        return Table(
            agents,
            (population,) * players,
            symmetric_cells(len(population), players),
            tuple((i,) for i in range(players)),
            True,
            players > 1 and not seats_alike(env),
            (0,) * players,
        )
    seats = _role_seats(spec.roles, env.spec)
    populations = tuple(tuple(name for name, _ in role.agents) for role in spec.roles)
    shape = [len(population) for population in populations]
    _check_count(int(np.prod([float(n) for n in shape])), spec)
    first = tuple(int(n) for n in np.cumsum([0, *shape[:-1]]))
    names = tuple(role.name for role in spec.roles)
    return Table(names, populations, all_cells(shape), seats, False, False, first)


def seats_alike(env: Env) -> bool:
    """Whether it is known that every seat of an environment is the same, so that swapping them changes nothing."""
    from games.sims.matrix import MatrixRules
    from games.sims.repeated import RepeatedRules

    rules: Any = getattr(env, "rules", None)
    if not isinstance(rules, MatrixRules | RepeatedRules):
        return False
    payoffs = rules.game.payoffs
    players = len(payoffs)
    if len(set(payoffs.shape[1:])) > 1 or players > 6:
        return False
    for i in range(players - 1):  # neighbours' swaps generate all permutations
        swapped = np.swapaxes(payoffs, 1 + i, 2 + i)
        order = [*range(i), i + 1, i, *range(i + 2, players)]
        if not np.array_equal(swapped[order], payoffs):
            return False
    return True


def _distinct(agents: tuple[int, ...]) -> Any:
    """Distinct permutations of a sorted tuple in lexicographic order."""
    current = list(agents)
    while True:
        yield tuple(current)
        i = next((k for k in range(len(current) - 2, -1, -1) if current[k] < current[k + 1]), None)
        if i is None:
            return
        j = next(k for k in range(len(current) - 1, i, -1) if current[k] > current[i])
        current[i], current[j] = current[j], current[i]
        current[i + 1 :] = reversed(current[i + 1 :])


def _check_alike(spec: EnvSpec) -> None:
    if len(spec.groups) > 1:
        told = "; ".join(f"{group.name}: {', '.join(group.agents)}" for group in spec.groups)
        raise InputError(
            f"{spec.name}: its agents are of different kinds ({told}), so nobody can play every seat; give roles instead "
            "of agents"
        )


def _multisets(agents: int, players: int) -> int:
    import math

    return math.comb(agents + players - 1, players)


def _check_count(cells: int, spec: Spec) -> None:
    if cells > MOST_CELLS:
        raise InputError(f"{spec.env}: these agents make {cells:,} cells; at most {MOST_CELLS:,} are played")


def _role_seats(roles: tuple[Role, ...], spec: EnvSpec) -> tuple[tuple[int, ...], ...]:
    """The environment's agents behind every role; `InputError` unless each has exactly one role."""
    taken: dict[str, str] = {}
    out = []
    groups = {group.name: group.agents for group in spec.groups}
    for role in roles:
        mine: list[int] = []
        for seat in role.seats:
            for agent in (seat,) if seat in spec.agents else groups.get(seat, ()):
                if agent in taken:
                    raise InputError(f"roles {taken[agent]} and {role.name} both play {agent}")
                taken[agent] = role.name
                mine.append(spec.agents.index(agent))
            if seat not in spec.agents and seat not in groups:
                raise InputError(_no_seat(role, seat, spec))
        out.append(tuple(mine))
    if missing := [agent for agent in spec.agents if agent not in taken]:
        raise InputError(f"no role plays {', '.join(missing[:8])} of {spec.name}")
    return tuple(out)


def _no_seat(role: Role, seat: str, spec: EnvSpec) -> str:
    from experiments.training.fields import nearest_name

    known = [*spec.agents, *(group.name for group in spec.groups)]
    near = nearest_name(seat, known)
    hint = f"did you mean {near}?" if near else f"it has {', '.join(known[:12])}"
    return f"role {role.name}: {spec.name} has no agent {seat!r:.60}; {hint}"
