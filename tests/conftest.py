"""Tests never run on kernels compiled from older sources, keep no trees in the user's cache, and draw the same
examples every time.

HYPOTHESIS_PROFILE=explore draws new ones, and more of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import CHICKEN, Ran, Staghunt
from hypothesis import settings

from experiments import cli
from experiments.warm import drop_stale

os.environ["STAGHUNT_CACHE"] = "off"

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


LONG = (
    "test_readme",
    "test_notebooks",
    "test_tournament_cli",
    "test_train_resume",
    "test_train_cli",
    "test_report",
    "test_economist_study",
    "test_economist_village",
    "test_decpomfc_study",
    "test_reproduce",
    "test_reproduce_bayes_net",
    "test_tournament_resume",
    "test_tournament_ray",
    "test_evaluate_economy",
    "test_swarm_evaluate",
    "test_demo",
    "test_docs",
    "test_docs_console",
)
"""Modules that take long with few tests: they go first, so that no process waits for the other in the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.stem not in LONG)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # once, before parallel workers start
        drop_stale()


@pytest.fixture(autouse=True, scope="session")
def few_replicates() -> Iterator[None]:
    """Rankings that solve games are solved again thirty times, not a thousand: seconds of every tournament."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("experiments.tournament.game_rankings.MOST", 30)
        yield


@pytest.fixture
def chicken(tmp_path: Path) -> str:
    path = tmp_path / "chicken.nfg"
    path.write_text(CHICKEN)
    return str(path)


@pytest.fixture
def staghunt(capfd: pytest.CaptureFixture[str]) -> Staghunt:
    def run(*words: Any) -> Ran:
        capfd.readouterr()
        code = cli.run([str(word) for word in words])
        captured = capfd.readouterr()
        return Ran(code, captured.out, captured.err)

    return run
