"""Certificates of sampled games hold as often as they say, and would not if their radii were a tenth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments import coverage
from games.empirical import PayoffTable
from games.simplices import Float

NAMES = list(coverage.STUDIES)


@pytest.mark.parametrize(("name", "repetitions"), [(NAMES[0], 40), (NAMES[1], 200), (NAMES[2], 10)])
def test_equilibria_of_sampled_games_lie_within_their_slack(name: str, repetitions: int) -> None:
    found = coverage.study(coverage.STUDIES[name], repetitions)
    for concept, hits in found.covered.items():
        assert hits >= (1 - found.delta) * repetitions, concept
        assert found.slack[concept] > 0
    assert found.payoffs >= (1 - found.delta) * repetitions


def test_radii_that_are_too_small_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    true_radius = PayoffTable.radius

    def a_tenth(table: PayoffTable, delta: float = 0.05, bound: str = "best") -> Float:
        return 0.1 * true_radius(table, delta, bound)

    monkeypatch.setattr(PayoffTable, "radius", a_tenth)
    found = coverage.study(coverage.STUDIES[NAMES[1]], 60)
    assert found.payoffs < (1 - found.delta) * found.repetitions


def test_the_kept_study_is_of_these_tournaments_and_covers() -> None:
    document = json.loads(coverage.RESULTS.read_text())
    assert set(document["studies"]) == set(NAMES)
    for name, kept in document["studies"].items():
        assert kept["spec"] == coverage.STUDIES[name]
        assert kept["repetitions"] == coverage.REPETITIONS
        assert min(kept["covered"].values()) >= (1 - kept["delta"]) * kept["repetitions"]


def test_the_command_writes_what_it_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "STUDIES", {NAMES[1]: coverage.STUDIES[NAMES[1]]})
    assert coverage.main(["--repetitions", "3", "--out", str(tmp_path / "coverage.json")]) == 0
    kept = json.loads((tmp_path / "coverage.json").read_text())["studies"][NAMES[1]]
    assert kept["repetitions"] == 3
