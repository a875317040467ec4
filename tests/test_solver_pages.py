"""Pages of solvers and algorithms: all that is public is on one, rows of benchmarks are the committed ones, commands exist."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

import solvers
from experiments.cli import app
from experiments.training.config import recipes
from games import load
from games.errors import InputError
from solvers.zero_sum import minimax

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "solvers").glob("*.md")) + sorted((ROOT / "docs" / "algorithms").glob("*.md"))
TEXTS = {page.relative_to(ROOT / "docs").as_posix(): page.read_text(encoding="utf-8") for page in PAGES}
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
REFUSED: dict[str, Callable[[], Any]] = {
    "nash": lambda: solvers.nash(load("zoo:jordan"), "lemke-howson"),
    "correlated": lambda: solvers.cce(kuhn(2)),
    "zero-sum": lambda: minimax(load("zoo:jordan")),
    "qre": lambda: solvers.qre(load("zoo:chicken"), -1),
    "qre-fit": lambda: solvers.fit_qre(load("zoo:chicken"), np.ones(7)),
    "dynamics": lambda: solvers.no_regret(load("zoo:chicken"), "nope"),
    "sequence-form": lambda: solvers.sequence_form(kuhn(3)),
    "cfr": lambda: solvers.cfr(kuhn(3), concept="nash"),
    "mccfr": lambda: solvers.mccfr(kuhn(3), rng=np.random.default_rng(0)),
    "mirror-descent": lambda: solvers.mmd(kuhn(3)),
    "tree-qre": lambda: solvers.agent_qre(load("zoo:chicken"), 1.0),
    "efce": lambda: solvers.efce(kuhn(2)),
    "certificates": lambda: solvers.certify(load("zoo:chicken"), [[1, 0], [1, 0]], "qre"),
}
"""A question that each solver refuses, by its page."""
PUBLIC = sorted(name for name in solvers.__all__ if name[0].islower())


@cache
def rows() -> dict[str, list[float]]:
    """Our own times in seconds of every row of the committed benchmarks, by name."""
    found: dict[str, list[float]] = {}
    for path in (ROOT / "experiments" / "bench" / "results").glob("*.json"):
        for row in json.loads(path.read_text(encoding="utf-8"))["rows"]:
            times = [row[key] for key in ("ours_s", "ours_cpu_s") if row[key] is not None]
            found.setdefault(row["row"], []).extend(times)
    return found


def cells(text: str) -> list[list[str]]:
    """Lines of tables whose first cell is a name in backticks."""
    lines = re.findall(r"^\| `[^`|]+`.*\|$", text, re.M)
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def kuhn(players: int) -> Any:
    """A tree."""
    return load(f"openspiel:kuhn_poker(players={players})")


@pytest.mark.parametrize("page", REFUSED)
def test_pages_refuse_in_the_solvers_words(page: str) -> None:
    with pytest.raises(InputError) as refused:
        REFUSED[page]()
    text = re.sub(r"\s+", " ", TEXTS[f"solvers/{page}.md"])
    quoted = [part for quote in re.findall(r'\*"(.+?)"\*', text) for part in quote.split("...")]
    assert any(part.strip(" ;:") in str(refused.value) for part in quoted if len(part) > 20)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_solver_is_on_a_page(name: str) -> None:
    assert any(re.search(rf"\b{name}\b", text) for page, text in TEXTS.items() if page.startswith("solvers/"))


@pytest.mark.parametrize("page", [page for page in TEXTS if page.startswith("solvers/")])
def test_times_are_those_of_the_committed_rows(page: str) -> None:
    for first, *others in cells(TEXTS[page]):
        name = re.findall(r"`([^`]+)`", first)[0]
        if name not in rows():
            assert " " not in name, f"{name!r} is no row of the benchmarks"
            continue
        told = re.match(r"([\d.]+) (us|ms|s)\b", others[0])
        if told is not None:
            seconds = float(told[1]) * UNITS[told[2]]
            assert any(abs(seconds - known) <= 0.1 * known for known in rows()[name]), (name, others[0])


def test_a_wrong_row_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TEXTS, "solvers/cfr.md", "| `cfr+ iteration: leduc` | 60 us |")
    with pytest.raises(AssertionError):
        test_times_are_those_of_the_committed_rows("solvers/cfr.md")
    monkeypatch.setitem(TEXTS, "solvers/cfr.md", "| `cfr+ iteration: nowhere` | 60 us |")
    with pytest.raises(AssertionError):
        test_times_are_those_of_the_committed_rows("solvers/cfr.md")


def options(command: Any) -> set[str]:
    """All options of a command of the command line."""
    names = (
        (*parameter.opts, *parameter.secondary_opts)
        for parameter in command.params
        if parameter.opts[0][0] == "-"
    )
    return {name for group in names for name in group}


@pytest.mark.parametrize("page", TEXTS)
def test_commands_exist(page: str) -> None:
    group: Any = typer.main.get_command(app)
    for line in re.findall(r"^(?:\$ )?staghunt (.*)$", TEXTS[page], re.M):
        name, *words = shlex.split(line, comments=True)
        known = options(group.commands[name])
        for word in words:
            if re.match(r"--?[a-z]", word):
                assert word in known, f"staghunt {name} has no {word}"
        if "--config" in words:
            assert words[words.index("--config") + 1] in recipes()


@pytest.mark.parametrize("page", TEXTS)
def test_links_and_pictures_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", TEXTS[page]):
        assert (ROOT / "docs" / page).parent.joinpath(target).is_file(), target
