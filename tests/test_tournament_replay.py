"""Every match of a tournament can be played again, alone, and comes out the same."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Staghunt

from experiments.tournament import replay as replaying
from experiments.tournament import request
from experiments.tournament.replay import replay
from experiments.tournament.wish import Wish

CASES: dict[str, dict[str, Any]] = {
    "dilemma": {
        "env": "repeated:prisoners-dilemma?rounds=8",
        "agents": {"r": "random", "t": "tit-for-tat", "w": "win-stay-lose-shift"},
        "matches": 4,
        "exact": False,
    },
    "pennies": {
        "env": "zoo:matching-pennies",
        "agents": {"r": "random", "c": "constant"},
        "matches": 6,
        "exact": False,
    },
    "tag": {
        "env": "mpe:simple-tag",
        "roles": {"adversaries": {"a": "random"}, "agent_0": {"b": "random"}},
        "matches": 5,
        "max_steps": 6,
    },
    "foraging": {
        "env": "foraging:5x5-3p-2f",
        "agents": {"r": "random", "g": "greedy"},
        "matches": 2,
        "max_steps": 15,
    },
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("played")
    out = {}
    for name, document in CASES.items():
        path = home / f"{name}.yaml"
        path.write_text(json.dumps(document))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(request, "answers_document", lambda *_: {})  # only matches are wanted
            with request.opened(Wish(path, home / name, workers=1), True) as ready:
                request.carry_out(ready, lambda fraction, text: None)
        out[name] = home / name
    return out


def rows(run: Path, query: str) -> list[Any]:
    link = sqlite3.connect(run / "results.db")
    try:
        found = link.execute(query).fetchall()
        link.commit()
        return found
    finally:
        link.close()


@pytest.mark.parametrize("name", CASES)
def test_matches_come_out_as_they_are_stored(runs: dict[str, Path], name: str) -> None:
    stored = rows(runs[name], "SELECT match, steps, returns FROM matches ORDER BY match")
    chosen = np.random.default_rng(1).choice(len(stored), size=min(8, len(stored)), replace=False)
    for k in chosen.tolist():
        number, steps, returns = stored[k]
        found, _ = replay(runs[name], number)
        assert found.same and found.steps == steps
        assert found.returns.tobytes() == returns


def test_it_says_who_sat_where(runs: dict[str, Path], staghunt: Staghunt) -> None:
    cells = rows(
        runs["pennies"],
        'SELECT match, places FROM matches JOIN cells USING (cell) WHERE agents = \'["r", "c"]\'',
    )
    seen = set()
    for number, places in cells:
        told = staghunt("play", "--replay", runs["pennies"], number, "--json").json
        agents = [player["agent"] for player in told["players"]]
        assert agents == [("r", "c")[k] for k in json.loads(places)] and told["same"] is True
        assert told["cell"] == "r - c" and told["stored"] == told["replayed"]
        seen.add(tuple(agents))
    assert seen == {("r", "c"), ("c", "r")}  # both seatings


def test_one_agent_on_three_seats(runs: dict[str, Path], staghunt: Staghunt) -> None:
    ran = staghunt("play", "--replay", runs["tag"], 2)
    assert ran.code == 0 and "as it is stored" in ran.out
    told = staghunt("play", "--replay", runs["tag"], 2, "--json").json
    assert [player["agent"] for player in told["players"]] == ["a", "a", "a", "b"]
    assert told["replayed"]["steps"] == 6 and told["replayed"]["ended"] is False


@pytest.mark.parametrize("suffix", [".gif", ".png"])
def test_it_is_drawn(runs: dict[str, Path], staghunt: Staghunt, tmp_path: Path, suffix: str) -> None:
    picture = tmp_path / f"match{suffix}"
    assert staghunt("play", "--replay", runs["foraging"], 1, "--render", picture, "--quiet").code == 0
    assert picture.stat().st_size > 1000


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ("UPDATE matches SET returns = zeroblob(16) WHERE match = 3", "match 3 paid Player"),
        ("UPDATE matches SET steps = steps + 1 WHERE match = 3", "match 3 took 9 steps then and 8 now"),
        ("UPDATE matches SET ended = 0 WHERE match = 3", "match 3 was cut off then and ended now"),
    ],
)
def test_a_difference_is_told(
    runs: dict[str, Path], staghunt: Staghunt, tmp_path: Path, change: str, part: str
) -> None:
    run = tmp_path / "copy"
    shutil.copytree(runs["dilemma"], run)
    rows(run, change)
    ran = staghunt("play", "--replay", run, 3)
    assert ran.code == 1 and part in ran.err and "as it is stored" not in ran.out
    assert staghunt("play", "--replay", run, 3, "--json").json["same"] is False


def test_wrong_command_lines(runs: dict[str, Path], staghunt: Staghunt, tmp_path: Path) -> None:
    run = runs["dilemma"]
    for words, part in (
        (("play", "--replay", run, 10_000), "has no match 10,000; the last is "),
        (("play", "--replay", run, -1), "numbered from 0"),
        (("play", "--replay", tmp_path, 0), "no tournament.yaml"),
        (("play", "--replay", run, "x"), "integer"),
        (("play", "zoo:chicken", "--replay", run, 0), "ENV cannot be given"),
        (("play", "--replay", run, 0, "--policy", "random"), "--policy cannot be given"),
        (("play", "--replay", run, 0, "--episodes", 3), "--episodes cannot be given"),
        (("play", "--replay", run, 0, "--render", tmp_path / "x.txt"), "unsupported suffix"),
        (("play",), "give an environment"),
    ):
        assert part in staghunt(*words).complaint, words


def test_a_run_that_has_not_begun_has_no_matches(
    staghunt: Staghunt, runs: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    shutil.copy(runs["dilemma"] / "tournament.yaml", tmp_path / "run")
    assert "results.db" in staghunt("play", "--replay", tmp_path / "run", 0).complaint
    assert not (tmp_path / "run" / "results.db").exists()


def test_an_environment_with_pictures_is_told_that_it_is_looked_at(
    runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def make(uri: str, **options: Any) -> Any:
        from games.env_uris import make_env

        made.append(options.pop("render"))
        return make_env(uri, **options)

    monkeypatch.setattr(replaying, "PICTURES", ("foraging",))
    monkeypatch.setattr(replaying, "make_env", make)
    found, film = replay(runs["foraging"], 0, film=True)
    assert made == [True] and found.same and film is not None and len(film.frames) == found.steps + 1
