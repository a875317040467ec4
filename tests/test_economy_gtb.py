"""Gather-trade-build against a recorded trace and statistics of random play of the reference."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from experiments.papers.economist_random import distance, random_episodes, statistics
from experiments.papers.economist_rules import reference_cases
from experiments.papers.economist_trace import recorded_episode, replay_errors, trace


def test_the_recorded_episode_is_replayed_number_by_number() -> None:
    recorded = recorded_episode()
    errors = replay_errors(recorded)
    assert len(recorded["steps"]["actions"]) == 300 and len(recorded["views"]) == 5
    assert {"places", "inventories", "escrow", "labour", "rewards", "trades"} < set(errors)
    exact = {name: error for name, error in errors.items() if name != "observations"}
    assert len(exact) == 10 and max(exact.values()) < 1e-12
    assert errors["masks"] == 0 and errors["observations"] <= 1e-6


def raised(where: Callable[[Any], list[Any]], k: int) -> Callable[[Any], None]:
    """Adds a little to the k-th number of a list of what was recorded."""

    def change(recorded: Any) -> None:
        where(recorded)[k] += 1e-5

    return change


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("inventories", raised(lambda r: r["steps"]["inventories"][200][2], 0)),
        ("escrow", raised(lambda r: r["steps"]["escrow"][299][3], 0)),
        ("labour", raised(lambda r: r["steps"]["labour"][0], 1)),
        ("rewards", raised(lambda r: r["steps"]["rewards"][150], 4)),
        ("rates", raised(lambda r: r["years"]["rates"][11], 6)),
        ("taxes", raised(lambda r: r["years"]["taxes"][3][0], 1)),
        ("observations", raised(lambda r: r["views"][3]["of_worker"], 5)),
        ("masks", lambda r: r["views"][4]["mask"].reverse()),
        ("metrics in the end", lambda r: r["end"].update({"Trade/n_trades": 0})),
    ],
)
def test_another_recording_would_be_found_out(name: str, change: Callable[[Any], None]) -> None:
    recorded = copy.deepcopy(recorded_episode())
    change(recorded)
    errors = replay_errors(recorded)
    wrong = {what for what, error in errors.items() if error > (1e-6 if what == "observations" else 1e-9)}
    assert wrong == {name}


def test_the_claim_tells_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = recorded_episode()
    recorded["steps"]["actions"][40][0] = 0  # this worker does nothing, and is soon elsewhere
    monkeypatch.setattr("experiments.papers.economist_trace.recorded_episode", lambda: recorded)
    failed = [
        one["text"] for one in trace(True, 0, lambda share, text: None)["criteria"] if not one["passed"]
    ]
    assert any(text.startswith("inventories") for text in failed)


@pytest.mark.parametrize("tax", ["free", "federal"])
def test_random_play_is_like_that_of_the_reference(tax: str) -> None:
    told = reference_cases()["random_play"]
    facts, returns = random_episodes(tax, np.arange(100, dtype=np.uint64))
    for name, found in statistics(facts, returns).items():
        if (tax, name) == ("free", "taxes"):
            assert not found.any()
            continue
        assert distance(found.mean(axis=0), told[tax][name], 25, 100) < 4, name
        if found.ndim == 1:
            assert 0.4 < found.std() / told[tax][name]["sd"] < 1.8, name
    began = (0.0 - 1) / 0.77
    np.testing.assert_allclose(returns, facts.utility - began, atol=1e-8)


def test_distances_are_standard_errors() -> None:
    told = {"mean": [10.0, 0.0], "sd": [3.0, 1.0]}
    assert distance([13.0, 0.0], told, 18, 18) == pytest.approx(3.0)
