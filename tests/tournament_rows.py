"""Small tournaments, and everything that they leave behind."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

from experiments.tournament.engine import Labour
from experiments.tournament.run import play
from experiments.tournament.spec import Spec, spec_of
from experiments.tournament.worker import Worker
from games.empirical_files import save_table

REPEATED = {
    "env": "repeated:prisoners-dilemma?rounds=5&noise=0.1",
    "agents": ["tit-for-tat", "random", "random-half"],
    "matches": 60,
}
TREE = {
    "env": "openspiel:kuhn_poker?compiled=true",
    "roles": {"Player 1": ["random"], "Player 2": ["random"]},
    "matches": 300,
    "exact": False,
}
ONE_SHOT = {"env": "zoo:stag-hunt"}
PACKAGES = ("odd_players",)


def spec(document: dict[str, Any], **more: Any) -> Spec:
    return spec_of({"exact": False, **document, **more}, "test")


def odd(*agents: str, matches: int = 20) -> Spec:
    """A player at random, and some of `odd_players`."""
    policies = {name: f"import:odd_players:{name}" for name in agents}
    return spec({**ONE_SHOT, "agents": {"random": "random", **policies}, "matches": matches})


def everything(what: Spec, folder: Path, labour: Labour) -> tuple[list[Any], bytes, dict[int, str]]:
    """Rows of all matches, bytes of the payoff table, and failures of a tournament that is played now."""
    folder.mkdir()
    worker = Worker.of(what, labour.allow_import)
    results = play(what, worker, folder, labour).results
    save_table(results.table, folder / "table.json")
    with contextlib.closing(sqlite3.connect(folder / "results.db")) as link:
        rows = link.execute("SELECT * FROM matches ORDER BY match").fetchall()
    return rows, (folder / "table.json").read_bytes(), results.failures
