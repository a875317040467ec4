"""Matches of any strategies of repeated games for two players, many and fast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from games.env import Env
from games.play import Episodes, step_limit
from games.policy import Policy
from games.sims.repeated import RepeatedRules
from games.sims.simulation import Simulation
from games.sims.strategy_match_kernels import play_strategies
from games.sims.table_matches import check_match_seeds, seated, table_matches
from games.strategies.programs import Program, program
from games.streams import ACT, ENV, Streams

Array = npt.NDArray[Any]

_TURNS = 1 << 23
"""About how many rounds are played before interrupts are heard again."""


def strategy_matches(
    env: Env, cast: Sequence[Sequence[Policy | None]], max_steps: int | None = None
) -> Callable[[Array, Any, Any], Episodes] | None:
    """A loop that plays whole matches between strategies in a repeated game of two players.

    Parameters
    ----------
    env : Env
        A repeated game (`games.sims.repeated`), with noise and random length or without.
    cast : sequence of sequences of Policy
        ``cast[k][i]`` is how agent k plays seat i; None where it never does. In games of two actions each: scripted strategies,
        `MemoryOne`, `Random`, and `Tabular` where the environment remembers one round. In larger games: `Tabular`
        where it remembers one round.
    max_steps : int, optional
        Cut matches off after so many rounds.

    Returns
    -------
    callable or None
        ``(seating int[E, 2], seeds uint64[E], acts uint64[E] or None) -> Episodes``, where seat i of match e is
        played by agent ``seating[e, i]``. What it returns is, bit for bit, that of `games.play.play_episodes` for
        teams seated so. None where there is no such loop: another environment, or other policies.

    Notes
    -----
    Where nothing in a match is random (no noise, a fixed number of rounds, two strategies that draw nothing) it depends on
    who plays and on nothing else: of several such matches of the same two in one call the first is played, and the others
    are its copies.
    """
    if type(env) is not Simulation or type(env.rules) is not RepeatedRules or len(env.rules.game.shape) != 2:
        return None
    limit = step_limit(env, max_steps)
    assert limit is not None  # repeated games have horizons
    if env.rules.game.shape != (2, 2):
        return table_matches(env.rules, cast, limit)
    programs: list[Program] = []
    places = np.full((len(cast), 2), -1, dtype=np.int64)
    found: dict[int, int] = {}
    agents = [list(seats) for seats in cast]  # kept, so that no two policies share an id
    for k, seats in enumerate(agents):
        for i, policy in enumerate(seats):
            if policy is None:
                continue
            if id(policy) not in found:
                own = program(policy, env.rules.spec.memory)
                if own is None:
                    return None
                found[id(policy)] = len(programs)
                programs.append(own)
            places[k, i] = found[id(policy)]
    if not programs:
        return None
    crew = _crew(programs)
    rules = env.rules

    def play(seating: Array, seeds: Any, acts: Any = None) -> Episodes:
        return _play(rules, crew, seated(places, seating), seeds, acts, limit)

    return play


class _Crew(NamedTuple):
    """Programs, padded to the same size."""

    code: Array  # int64[Q]
    draws: Array  # bool[Q]
    numbers: Array  # float64[Q, w]
    words: int
    reals: int


def _crew(programs: Sequence[Program]) -> _Crew:
    numbers = np.zeros((len(programs), max(len(one.numbers) for one in programs)))
    for row, one in zip(numbers, programs):
        row[: len(one.numbers)] = one.numbers
    return _Crew(
        np.array([one.code for one in programs], dtype=np.int64),
        np.array([one.draws for one in programs], dtype=np.bool_),
        numbers,
        max(one.words for one in programs),
        max(one.reals for one in programs),
    )


def _play(rules: RepeatedRules, crew: _Crew, seats: Array, seeds: Any, acts: Any, limit: int) -> Episodes:
    """Matches of programs seats int64[E, 2]; of those without any chance each pair plays once."""
    seeds, acts = check_match_seeds(len(seats), seeds, acts)
    if _draws(_chances(rules)):
        chosen, copied = np.arange(len(seats)), None
    else:
        pair = seats[:, 0] * len(crew.code) + seats[:, 1]
        chancy = crew.draws[seats].any(axis=1)
        pair[chancy] = len(crew.code) ** 2 + np.flatnonzero(chancy)
        _, chosen, copied = np.unique(pair, return_index=True, return_inverse=True)
    parts, block = [], max(1, _TURNS // limit)
    for begun in range(0, len(chosen), block):
        here = chosen[begun : begun + block]
        parts.append(_play_block(rules, crew, seats[here], seeds[here], acts[here], limit))
    columns = [np.concatenate(column) for column in zip(*parts)]
    if copied is not None:
        columns = [column[copied] for column in columns]
    returns, lengths, ended = columns
    return Episodes(seeds, returns, lengths, ended)


def _play_block(
    rules: RepeatedRules, crew: _Crew, seats: Array, seeds: Array, acts: Array, limit: int
) -> tuple[Array, Array, Array]:
    matches, chances = len(seats), _chances(rules)
    nobody = np.zeros((0, 2, 4), dtype=np.uint64)
    streams = Streams.from_seeds(acts, ACT, agents=2).state if crew.draws[seats].any() else nobody
    world = Streams.from_seeds(seeds, ENV).state[:, 0] if _draws(chances) else nobody[:, 0]
    returns, lengths = np.empty((matches, 2)), np.empty(matches, dtype=np.int32)
    ended = np.empty(matches, dtype=np.bool_)
    play_strategies(
        seats,
        crew.code,
        crew.draws,
        crew.numbers,
        np.ascontiguousarray(rules.game.payoffs.reshape(2, -1)),
        limit,
        rules.length,
        chances,
        streams,
        world,
        np.zeros((2, crew.words), dtype=np.int64),
        np.zeros((2, crew.reals)),
        returns,
        lengths,
        ended,
    )
    return returns, lengths, ended


def _chances(rules: RepeatedRules) -> Array:
    """Noise and the probability of another round, float64[2]; the latter negative where there always is one."""
    spec = rules.spec
    return np.array([spec.noise, spec.continuation if spec.continuation < 1 else -1.0])


def _draws(chances: Array) -> bool:
    """Whether the game itself draws."""
    return bool(chances[0] > 0 or chances[1] >= 0)
