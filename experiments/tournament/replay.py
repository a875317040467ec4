"""Playing one match of a tournament again, from its row in the database, and comparing it with what is stored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.film import Film
from experiments.tournament.casting import Casting
from experiments.tournament.database import Database, Match
from experiments.tournament.folder import Tournament, check_files, read_tournament
from experiments.tournament.worker import Worker
from games.assigned import Assigned
from games.env_uris import make_env
from games.errors import InputError
from games.play import Array, play_episodes

PICTURES = ("pettingzoo", "gymnasium")
"""Schemes of environments that must be told beforehand that they will be looked at."""


@dataclass(frozen=True)
class Replayed:
    """A match and its repetition.

    Parameters
    ----------
    tournament : Tournament
        Whose.
    casting : Casting
        Environment, agents and policies.
    match : Match
        As it is stored.
    returns : float64[n]
        Now.
    steps : int
        Now.
    ended : bool
        Now.
    """

    tournament: Tournament
    casting: Casting
    match: Match
    returns: Array
    steps: int
    ended: bool

    @property
    def same(self) -> bool:
        """Whether it came out as it did then."""
        return (
            np.array_equal(self.returns, self.match.returns)
            and self.steps == self.match.steps
            and self.ended == self.match.ended
        )

    @property
    def players(self) -> list[tuple[str, str, str]]:
        """Seat, agent and policy of everybody."""
        seating = self.casting.table.seated(_places(self.match))[0]
        policies = [policy for role in self.tournament.spec.roles for _, policy in role.agents]
        seats = self.casting.env.spec.agents
        return [(seat, self.casting.names[k], policies[k]) for seat, k in zip(seats, seating.tolist())]

    @property
    def cell(self) -> str:
        """The agents of the cell."""
        table = self.casting.table
        names = (
            population[a] for population, a in zip(table.populations, table.cells[self.match.cell].tolist())
        )
        return " - ".join(names)


def replay(
    run: Path, number: int, allow_import: tuple[str, ...] = (), film: bool = False
) -> tuple[Replayed, Film | None]:
    """Play a match again.

    Parameters
    ----------
    run : Path
        Folder of the tournament.
    number : int
        Of the match.
    allow_import : tuple of str
        Packages that may be imported.
    film : bool
        Whether it will be looked at.

    Raises
    ------
    InputError
        If there is no such match, the results are of another tournament, or a file of the agents has changed.
    """
    tournament = read_tournament(run)
    match = stored_match(tournament, number)
    check_files(tournament)
    spec = tournament.spec
    worker = Worker.of(spec, allow_import)
    casting: Casting = worker.casting
    env: Any = casting.env
    if film and spec.env.partition(":")[0].lower() in PICTURES:
        env = make_env(spec.env, allow_import=allow_import, render=True)
    recorded = Film(env, match.steps) if film else None
    team = Assigned(casting.env.spec, casting.cast, casting.table.seated(_places(match)))
    seeds, acts = (np.array([seed], dtype=np.uint64) for seed in (match.seed, match.act))
    found = play_episodes(env, team, seeds, acts, batch=1, max_steps=spec.max_steps, watch=recorded)
    again = Replayed(
        tournament, casting, match, found.returns[0], int(found.lengths[0]), bool(found.ended[0])
    )
    return again, recorded


def stored_match(tournament: Tournament, number: int) -> Match:
    """The row of a match; `InputError` if there is none."""
    if number < 0:
        raise InputError(f"matches are numbered from 0, so there is no match {number}")
    with Database(tournament.path, reading=True) as database:
        database.check(tournament.spec.digest)
        return database.match(number)


def replay_document(replayed: Replayed) -> dict[str, Any]:
    """What `play --replay --json` prints."""
    match = replayed.match
    return {
        "folder": str(replayed.tournament.path),
        "env": replayed.tournament.spec.env,
        "match": match.number,
        "cell": replayed.cell,
        "sample": match.sample,
        "seed": match.seed,
        "act": match.act,
        "players": [
            {"seat": seat, "agent": agent, "policy": policy} for seat, agent, policy in replayed.players
        ],
        "stored": {"returns": match.returns, "steps": match.steps, "ended": match.ended},
        "replayed": {"returns": replayed.returns, "steps": replayed.steps, "ended": replayed.ended},
        "same": replayed.same,
    }


def show_replayed(replayed: Replayed) -> None:
    """Print who sat where and what each got."""
    from rich.markup import escape

    from experiments.play_output import number
    from experiments.tables import console, one_line, simple_table

    out, match = console(), replayed.match
    out.print(
        f"[bold]Match {match.number:,} of {escape(one_line(str(replayed.tournament.path)))}[/]  "
        f"[dim]{escape(one_line(replayed.tournament.spec.env))}, cell {escape(one_line(replayed.cell, 80))}, sample "
        f"{match.sample:,}[/]"
    )
    table = simple_table("Seat", "Agent", "Policy", "Return", right=(3,))
    for (seat, agent, policy), paid in zip(replayed.players, replayed.returns.tolist()):
        table.add_row(*(escape(one_line(text, 60)) for text in (seat, agent, policy)), number(paid))
    out.print(table)
    how = "it ended" if replayed.ended else "it was cut off"
    verdict = ", as it is stored" if replayed.same else ""
    out.print(f"{replayed.steps:,} step{'' if replayed.steps == 1 else 's'}; {how}{verdict}")
    out.print(f"[dim]seed {match.seed}, agents' seed {match.act}[/]")


def difference(replayed: Replayed) -> str:
    """A sentence on what came out otherwise."""
    match = replayed.match
    if replayed.steps != match.steps or replayed.ended != match.ended:
        what = f"took {match.steps:,} steps then and {replayed.steps:,} now"
        if replayed.steps == match.steps:
            what = "ended then and was cut off now" if match.ended else "was cut off then and ended now"
    else:
        seat = int(np.flatnonzero(replayed.returns != match.returns)[0])
        then, now = float(match.returns[seat]), float(replayed.returns[seat])
        what = f"paid {replayed.casting.env.spec.agents[seat]} {then!r} then and {now!r} now"
    return f"match {match.number:,} {what}: another machine, other versions or a policy that is no function of its seed"


def _places(match: Match) -> Array:
    return np.array([match.places], dtype=np.int32)
