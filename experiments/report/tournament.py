"""Everything that the page about a tournament shows, from the files of its folder alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from experiments.report.branches import ALIKE, QrePath, branch_of
from experiments.report.curves import Curves, curves_of_agents
from experiments.report.figures import Picture, mixtures, picture
from experiments.report.graphs import Drawn, response_graph_of
from experiments.report.payoffs import LARGEST, Payoffs, payoffs_of
from experiments.report.provenance import Line, flat_lines, provenance_lines
from experiments.report.reading import Answers, Equilibrium, Ranked, check_fits, read_answers
from experiments.report.text import number, percent
from experiments.tournament.folder import ANSWERS, TABLE, Tournament, read_tournament
from games.empirical import EmpiricalGame, PayoffTable
from games.empirical_files import load_table
from games.errors import InputError

LISTED_CELLS = 40
"""Profiles of a joint distribution that are listed."""
PAIRS = 300
"""Undecided pairs that are listed."""

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Standing:
    """The rankings of one role: a row for each agent, a column for each ranking."""

    role: str | None
    rankings: list[Ranked]
    rows: list[tuple[str, list[tuple[float, float, float]]]]
    """Name of the agent, and value, low and high of each ranking."""


@dataclass(frozen=True)
class View:
    """The page about a tournament."""

    title: str
    tournament: Tournament
    table: PayoffTable
    answers: Answers
    settings: list[Line]
    provenance: list[Line]
    payoffs: Payoffs
    standings: list[Standing]
    graph: Drawn | str
    mixtures: Picture | None
    branch: QrePath | str
    curves: Curves | None

    @property
    def agents(self) -> list[tuple[str, str, str]]:
        """Role, name and policy of everybody."""
        return [
            ("every" if self.table.symmetric else role.name, name, policy)
            for role in self.tournament.spec.roles
            for name, policy in role.agents
        ]

    @property
    def solved(self) -> list[Equilibrium]:
        """Equilibria that were found."""
        return [one for one in self.answers.equilibria if one.certificate is not None]

    @property
    def unsolved(self) -> list[Equilibrium]:
        """And those that were not, with the reason."""
        return [one for one in self.answers.equilibria if one.certificate is None]

    @property
    def populations(self) -> list[list[str]]:
        """Agents of each role in the empirical game, those left out not among them."""
        gone = set(self.answers.left_out)
        return [[name for name in names if name not in gone] for names in self.table.populations]

    @property
    def mixed(self) -> list[tuple[int, str, list[str]]]:
        """Number, title and agents of each role whose mixtures are shown; of roles that play alike only the first."""
        told = list(zip(range(len(self.table.roles)), self.table.roles, self.populations))
        return [(0, "every role", told[0][2])] if _alike(self.table.symmetric, self.answers) else told

    def likeliest(self, found: Equilibrium) -> list[tuple[list[str], float]]:
        """The profiles that a joint distribution plays most, by name."""
        cells = sorted(found.joint or (), key=lambda cell: -cell.prob)[:LISTED_CELLS]
        return [
            ([names[a] for names, a in zip(self.populations, cell.actions)], cell.prob)
            for cell in cells
            if cell.prob > 1e-12
        ]


def tournament_view(path: Path, progress: Progress) -> View:
    """Read a tournament's folder and draw what there is to draw.

    Raises
    ------
    InputError
        If it is not finished, a file is damaged, or files do not belong together.
    """
    tournament = read_tournament(path)
    for name in (TABLE, ANSWERS):
        if not (path / name).is_file():
            raise InputError(
                f"the tournament in {path} is not finished, there is no {name} yet; go on with it by "
                f"`staghunt tournament --resume {quote(str(path))}`"
            )
    table, answers = load_table(path / TABLE), read_answers(path / ANSWERS)
    if answers.spec not in (None, tournament.spec.digest):
        raise InputError(
            f"{path / ANSWERS} is of another tournament than the spec beside it; one of them was changed by hand or copied"
        )
    for name in answers.left_out:
        if not any(name in names for names in table.populations):
            raise InputError(
                f"{path / ANSWERS} leaves out {name!r:.80}, and {path / TABLE} has no such agent"
            )
    small, why_none = _game(table, answers)
    check_fits(answers, len(table.cells), None if small is None else small.shape, path / ANSWERS)
    spec = tournament.spec
    progress(0.1, "drawing payoffs")
    payoffs = payoffs_of(table, answers.delta, answers.cells.failed)
    progress(0.3, "drawing the response graph")
    graph = why_none if small is None else response_graph_of(small, table.symmetric)
    progress(0.5, "drawing equilibria")
    bars = None if small is None else _mixtures(small, table.symmetric, answers)
    progress(0.6, "tracing quantal response equilibria")
    branch = why_none if small is None else branch_of(small, table.symmetric)
    progress(0.9, "drawing learning curves")
    everybody = {agent: None for role in spec.roles for agent in role.agents}
    return View(
        f"Tournament in {spec.env}",
        tournament,
        table,
        answers,
        [line for line in flat_lines(spec.document()) if not line[0].startswith(("agents.", "roles."))],
        provenance_lines(tournament.provenance),
        payoffs,
        _standings(answers),
        graph,
        bars,
        branch,
        curves_of_agents(list(everybody), tournament.provenance.get("files")),
    )


def _game(table: PayoffTable, answers: Answers) -> tuple[EmpiricalGame | None, str]:
    """The game that equilibria are of, or why there is none."""
    try:
        small = table.without(answers.left_out) if answers.left_out else table
        game = small.game(answers.delta)
        if float(np.abs(game.payoffs).max()) >= LARGEST:
            return None, "There is no empirical game: the payoffs are too large to be subtracted."
        return game, ""
    except InputError as error:
        return None, f"There is no empirical game: {error}."


def _standings(answers: Answers) -> list[Standing]:
    """Rankings by role; agents in the order of the first ranking, best first."""
    by_role: dict[Any, list[Ranked]] = {}
    for ranking in answers.rankings:
        by_role.setdefault(ranking.role, []).append(ranking)
    out = []
    for role, rankings in by_role.items():
        found: list[dict[str, tuple[float, float, float]]] = []
        for one in rankings:
            none = [math.nan] * len(one.agents)
            ends = zip(one.agents, one.values, one.low or none, one.high or none)
            found.append({agent: (value, low, high) for agent, value, low, high in ends})
        agents = list(dict.fromkeys(agent for one in rankings for agent in one.agents))
        nothing = (math.nan, math.nan, math.nan)
        first = {agent: found[0].get(agent, nothing)[0] for agent in agents}
        agents.sort(
            key=lambda agent: (math.isnan(first[agent]), -first[agent] if first[agent] == first[agent] else 0)
        )
        rows = [(agent, [values.get(agent, nothing) for values in found]) for agent in agents]
        out.append(Standing(None if role is None else str(role), rankings, rows))
    return out


def _mixtures(game: EmpiricalGame, symmetric: bool, answers: Answers) -> Picture | None:
    """Bars of all equilibria; of interchangeable roles that are played alike one panel."""
    found = [
        (one.name, [np.array(block) for block in one.blocks]) for one in answers.equilibria if one.blocks
    ]
    if not found:
        return None
    roles = ["every role"] if _alike(symmetric, answers) else list(game.players)
    return picture(
        lambda: mixtures(roles, game.actions, found),
        f"Bar chart: probabilities of agents in {len(found)} equilibria",
        "How likely each agent is to be played; of correlated equilibria the marginals.",
    )


def _alike(symmetric: bool, answers: Answers) -> bool:
    """Whether roles are interchangeable and every equilibrium plays all of them alike."""
    return symmetric and all(
        np.abs(np.array(block) - np.array(one.blocks[0])).max() < ALIKE
        for one in answers.equilibria
        for block in one.blocks
    )


def facts(view: View) -> list[tuple[str, str]]:
    """What stands at the head of the page: a name and a few words each."""
    answers = view.answers
    sampled = answers.cells.all - answers.cells.exact - len(answers.cells.failed)
    out = [
        ("matches played", f"{answers.matches:,}"),
        ("steps", f"{answers.steps:,}"),
        ("cells", f"{answers.cells.all:,}: {answers.cells.exact:,} exact, {sampled:,} sampled"),
    ]
    if answers.cells.failed:
        out.append(("failed cells", f"{len(answers.cells.failed):,}"))
    for standing in view.standings:
        if standing.rows:
            of = "" if standing.role is None else f", {standing.role}"
            out.append((f"first by {standing.rankings[0].name}{of}", standing.rows[0][0]))
    if answers.intransitivity is not None and not math.isnan(answers.intransitivity.cyclic_share):
        out.append(("cyclic share", percent(answers.intransitivity.cyclic_share)))
    for one in view.solved[:1]:
        out.append((f"epsilon of {one.name} (confidence {percent(1 - answers.delta)})", number(one.epsilon)))
    return out
