"""Adaptive tournaments: more matches where something is undecided, until it is decided."""

from __future__ import annotations

import itertools
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.tournament import run
from experiments.tournament.adaptive import half_widths, next_round, slack_by_cell
from experiments.tournament.engine import Labour
from experiments.tournament.equilibria import focus_solution
from experiments.tournament.results import ByMatch, Results
from experiments.tournament.run import Finished, play
from experiments.tournament.spec import spec_of
from experiments.tournament.worker import Worker
from games.empirical import EmpiricalGame, PayoffTable, symmetric_cells

NOISY = "repeated:prisoners-dilemma?rounds=10&noise=0.05"
AGENTS = ["tit-for-tat", "defector", "cooperator", "random-half"]


def _played(
    folder: Path | None, matches: dict[str, Any], agents: Any = AGENTS, env: str = NOISY, **more: Any
) -> Finished:
    spec = spec_of({"env": env, "agents": agents, "matches": matches, "exact": False, **more}, "test")
    return play(spec, Worker.of(spec), folder, Labour())


def test_every_cell_becomes_as_narrow_as_asked() -> None:
    finished = _played(None, {"half_width": 2.0, "at_least": 16, "at_most": 100_000})
    table = finished.results.table
    assert finished.decision is not None
    assert finished.decision.undecided == 0
    assert half_widths(table, 0.05).max() <= 2.0
    assert table.looks == finished.looks > 1
    assert len(set(table.count.tolist())) > 1  # cells without much chance needed less


def test_the_limit_is_kept_and_told() -> None:
    finished = _played(None, {"half_width": 0.01, "at_least": 16, "at_most": 50})
    assert (finished.results.table.count <= 50).all()
    assert finished.decision is not None
    assert finished.decision.undecided > 0
    assert "have reached at_most" in finished.decision.why


def test_a_ranking_that_is_decided_needs_no_more() -> None:
    """Whose place is clear is not played more; who is close to another is."""
    agents = {"d": "defector", "c": "cooperator", "tft": "tit-for-tat", "gtft": "generous-tit-for-tat"}
    asked = {"half_width": 0.3, "at_least": 64, "at_most": 3_000, "focus": "ranking"}
    finished = _played(None, asked, agents)
    count = {
        tuple(cell): int(n)
        for cell, n in zip(finished.results.table.cells.tolist(), finished.results.table.count)
    }
    assert all(count[k, k] == 64 for k in range(4))  # meeting oneself does not count for the ranking
    assert count[0, 1] < count[2, 3] == 3_000


def test_an_equilibrium_is_narrowed_down_where_it_lives() -> None:
    asked = {"half_width": 6.0, "at_least": 32, "at_most": 50_000, "focus": "equilibrium"}
    finished = _played(None, asked)
    game = finished.results.table.game(0.05)
    assert focus_solution(game).certificate.epsilon <= 6.0
    # every cell so narrow that any equilibrium has that epsilon: half of it in each payoff of a comparison
    every = _played(None, {"half_width": 3.0, "at_least": 32, "at_most": 50_000})
    assert finished.results.matches < every.results.matches


@pytest.mark.parametrize("seed", range(5))
def test_parts_of_the_slack_add_up_to_the_bound_that_decides(seed: int) -> None:
    from games.empirical import PayoffTable, all_cells

    rng = np.random.default_rng(seed)
    shape = (3, 2, 2)
    cells = all_cells(shape)
    samples = rng.random((len(cells), 20, 3))
    mean = samples.mean(axis=1)
    table = PayoffTable(
        ("a", "b", "c"),
        tuple(tuple(f"{role}{k}" for k in range(n)) for role, n in zip("abc", shape)),
        cells,
        mean,
        ((samples - mean[:, None]) ** 2).sum(axis=1),
        np.full(len(cells), 20),
        np.zeros(len(cells), dtype=bool),
        low=np.zeros(3),
        high=np.ones(3),
    )
    game = table.game()
    solution = focus_solution(game)
    parts = slack_by_cell(table, game, solution)
    assert (parts >= 0).all()
    # what is left when these errors are gone is an exact game's gain: not above the regret
    calm = EmpiricalGame(game.payoffs, radius=np.zeros_like(game.payoffs))
    rest = solution.certificate.regret.max()
    assert parts.sum() + rest >= solution.certificate.epsilon - 1e-9
    assert slack_by_cell(table, calm, solution).sum() == 0


def test_a_restarted_tournament_decides_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Going on in the middle of a round must not let its matches decide the round before."""
    asked = {"half_width": 4.0, "at_least": 16, "at_most": 100_000}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    monkeypatch.setattr("experiments.tournament.plan.MATCHES_PER_JOB", 64)
    expected = _played(whole, asked)
    finish, budget = run.Database.finish, [3]

    def a_few(database: Any, job: Any, played: Any) -> None:
        if budget[0] == 0:
            raise KeyboardInterrupt
        budget[0] -= 1
        finish(database, job, played)

    monkeypatch.setattr(run.Database, "finish", a_few)
    for sitting in range(1_000):
        budget[0] = 1 + sitting % 7
        try:
            found = _played(parts, asked)
            break
        except KeyboardInterrupt:
            continue
    assert sitting > 3
    assert found.looks == expected.looks
    assert np.array_equal(found.results.table.count, expected.results.table.count)
    assert np.array_equal(found.results.table.mean, expected.results.table.mean)


def test_without_a_range_intervals_are_approximate() -> None:
    """Nobody knows what a landmark game can pay, so no bound is given, and normal intervals decide."""
    spec_env = "mpe:simple-spread?N=2"
    finished = _played(
        None, {"half_width": 15.0, "at_least": 8, "at_most": 64}, ["cover", "random"], spec_env
    )
    table = finished.results.table
    assert np.isinf(table.radius()).all()
    assert np.allclose(half_widths(table, 0.05), (1.959963984540054 * table.standard_error).max(axis=1))


def test_a_fixed_number_is_one_round() -> None:
    finished = _played(None, {"samples": 10})
    assert finished.looks == 0
    assert finished.results.table.looks == 0
    assert (finished.results.table.count == 10).all()
    spec = spec_of({"env": NOISY, "agents": AGENTS, "matches": 10}, "test")
    decision = next_round(spec, finished.results, np.ones(10, dtype=bool))
    assert not decision.more.any()


def _failing(spec: Any, agent: str) -> Any:
    """Raises wherever it plays."""

    class Broken:
        def start(self, batch: int, agents: int) -> None:
            return None

        def sample(self, view: Any, memory: Any, streams: Any) -> Any:
            raise ValueError("out of order")

    return Broken()


def test_failed_cells_do_not_end_the_search_for_an_equilibrium(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others' game is narrowed down as if the failing agent were not there."""
    module = types.ModuleType("broken_players")
    module.failing = _failing  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "broken_players", module)
    asked = {"half_width": 6.0, "at_least": 32, "at_most": 50_000, "focus": "equilibrium"}
    agents = {"broken": "import:broken_players:failing", **{name: name for name in AGENTS}}
    spec = spec_of({"env": NOISY, "agents": agents, "matches": asked, "exact": False}, "test")
    finished = play(spec, Worker.of(spec, ("broken_players",)), None, Labour())
    assert len(finished.results.failures) == 5
    assert finished.decision is not None
    assert finished.decision.undecided == 0
    small = finished.results.table.without(["broken"])
    assert focus_solution(small.game(0.05)).certificate.epsilon <= 6.0
    assert small.count.max() > 32


def _results(table: PayoffTable) -> Results:
    return Results(table, [], {}, 0, 0, ByMatch(*(np.zeros((0, len(table.roles))) for _ in range(3))))


def _decided(table: PayoffTable, **matches: Any) -> Any:
    asked = {"half_width": 0.01, "at_least": 2, "focus": "ranking", **matches}
    spec = spec_of({"env": "zoo:chicken", "agents": list(table.populations[0]), "matches": asked}, "test")
    return next_round(spec, _results(table), np.ones(len(table.cells), dtype=bool))


def test_a_ranking_of_those_who_play_alone_is_narrowed_down() -> None:
    cells = symmetric_cells(3, 1)
    count, squares = np.full(3, 100), np.full((3, 1), 1.0)
    mean = np.array([[0.5], [0.52], [0.95]])
    table = PayoffTable(
        ("one",),
        (("a", "b", "c"),),
        cells,
        mean,
        squares,
        count,
        np.zeros(3),
        True,
        np.zeros(1),
        np.ones(1),
        looks=1,
    )
    assert _decided(table).more.tolist() == [100, 100, 0]


@pytest.mark.parametrize("seed", range(20))
def test_the_ranking_that_is_narrowed_down_is_that_of_mean_scores(seed: int) -> None:
    """Cells are wanted exactly where intervals of scores overlap, worked out opponent by opponent."""
    rng = np.random.default_rng(seed)
    agents, players = int(rng.integers(2, 5)), int(rng.integers(2, 5))
    cells = symmetric_cells(agents, players)
    names = tuple("abcd"[:agents])
    mean = rng.random((len(cells), players))
    mean = np.array([[row[cell == a].mean() for a in cell] for row, cell in zip(mean, cells)])
    count = rng.integers(30, 100_000, len(cells))
    nobody = np.zeros(len(cells))
    table = PayoffTable(
        ("x",) * players, (names,) * players, cells, mean, 0.1 * mean * count[:, None], count, nobody, True,
        np.zeros(1), np.ones(1), looks=1,
    )  # fmt: skip
    widths = half_widths(table, 0.05)
    number = {tuple(cell): c for c, cell in enumerate(cells.tolist())}
    score, error = np.zeros(agents), np.zeros(agents)
    met: list[set[int]] = [set() for _ in range(agents)]
    for a in range(agents):
        others = [b for b in range(agents) if b != a]
        for rest in itertools.product(others, repeat=players - 1):
            cell = tuple(sorted((a, *rest)))
            c = number[cell]
            share = len(others) ** -(players - 1)
            score[a] += share * mean[c, cell.index(a)]
            error[a] += share * widths[c]
            met[a].add(c)
    wanted: set[int] = set()
    for a, b in itertools.combinations(range(agents), 2):
        if error[a] + error[b] > 0.02 and abs(score[a] - score[b]) < error[a] + error[b]:
            wanted |= met[a] | met[b]
    decision = _decided(table, at_most=10**9)
    assert set(np.flatnonzero(decision.more).tolist()) == wanted
