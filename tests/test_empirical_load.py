"""A payoff table is a game like any other, that knows how wrong it may be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import Staghunt

from games.empirical import EmpiricalGame, PayoffTable, symmetric_cells
from games.empirical_files import document_of, save_table
from games.errors import InputError
from games.load import load


def table(count: int = 200) -> PayoffTable:
    """Rock, paper and scissors with some noise; samples within [-1, 1]."""
    cells = symmetric_cells(3, 2)
    mean = np.array([[0, 0], [-0.9, 0.9], [0.8, -0.8], [0, 0], [-0.7, 0.7], [0, 0]], dtype=float)
    size = len(cells)
    return PayoffTable(
        ("first", "second"), (("rock", "paper", "scissors"),) * 2, cells, mean, 0.1 * np.ones((size, 2)) * count,
        np.full(size, count), np.zeros(size, dtype=bool), symmetric=True, low=-np.ones(2), high=np.ones(2),
    )  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    save_table(table(), folder / "table.json")
    (folder / "tournament.yaml").write_text("{}\n")
    return folder


def test_folder_and_file_are_the_same_game(run: Path) -> None:
    expected = table().game(0.05)
    for source in (str(run), run, str(run / "table.json"), run / "table.json"):
        game = load(source)
        assert isinstance(game, EmpiricalGame)
        assert np.array_equal(game.payoffs, expected.payoffs) and np.array_equal(game.radius, expected.radius)
        assert game.actions == expected.actions and game.players == ("first", "second") and game.delta == 0.05


def test_delta_and_without(run: Path) -> None:
    sure = load(f"{run}?delta=0.001")
    assert sure.delta == 0.001 and (sure.radius > load(run).radius).all()
    assert np.array_equal(load(run, delta=0.001).radius, sure.radius)
    assert load(f"{run / 'table.json'}?without=rock").actions[0] == ("paper", "scissors")
    assert load(run, without="rock, paper").shape == (1, 1)


@pytest.mark.parametrize(
    ("tail", "part"),
    [
        ("?delta=2", "probability between 0 and 1"),
        ("?delta=x", "not a number"),
        ("?without=lizard", "no agent 'lizard'"),
        ("?without=rock,paper,scissors", "nobody is left"),
        ("?delat=0.1", "no parameter 'delat'"),
        ("?form=tree", "extensive-form"),
    ],
)
def test_wrong_parameters(run: Path, tail: str, part: str) -> None:
    with pytest.raises(InputError, match=part) as caught:
        load(f"{run}{tail}")
    assert str(run) in str(caught.value)


def test_tables_that_are_none(run: Path, tmp_path: Path) -> None:
    document = document_of(table())
    for change, part in (
        ({"version": 9}, "version 9"),
        ({"mean": [[0]]}, "table.json: "),
        ({"roles": None}, "table.json: "),
        ({"count": [0] * 6}, "was not played"),
    ):
        (run / "table.json").write_text(json.dumps({**document, **change}))
        with pytest.raises(InputError, match=part):
            load(run)
    del document["mean"]
    (run / "table.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"table\.json: the payoff table lacks mean"):
        load(run)
    (run / "table.json").unlink()
    with pytest.raises(InputError, match="is not over"):
        load(str(run))
    with pytest.raises(InputError, match="is a directory"):
        load(str(tmp_path))
    (tmp_path / "game.json").write_text('{"payoffs": [[[1]], [[1]]]}')
    with pytest.raises(InputError, match="is for payoff tables"):
        load(str(tmp_path / "game.json"), delta=0.1)


def test_solve_states_epsilon(run: Path, staghunt: Staghunt) -> None:
    for concept in ("cce", "nash", "ce"):
        told = staghunt("solve", run, "-c", concept, "--json").json["solutions"][0]["certificate"]
        assert told["delta"] == 0.05 and told["slack"] > 0
        assert told["epsilon"] == pytest.approx(told["max_regret"] + told["slack"])
    wider = staghunt("solve", f"{run}?delta=0.0001", "-c", "nash", "--json").json["solutions"][0][
        "certificate"
    ]
    assert (
        wider["slack"]
        > staghunt("solve", run, "-c", "nash", "--json").json["solutions"][0]["certificate"]["slack"]
    )
    ran = staghunt("solve", run, "-c", "nash")
    assert "True game: epsilon" in ran.out and "with probability 0.95" in ran.out
    assert "Payoffs are estimates from matches" in ran.out


def test_games_that_are_known_say_nothing_of_it(staghunt: Staghunt) -> None:
    told = staghunt("solve", "zoo:chicken", "--json").json["solutions"][0]["certificate"]
    assert told["slack"] == 0 and told["delta"] == 0
    for command in ("solve", "info"):
        ran = staghunt(command, "zoo:chicken")
        assert "True game" not in ran.out and "estimates" not in ran.out
    assert "estimates" not in staghunt("info", "zoo:chicken", "--json").json


def test_info_says_that_payoffs_are_estimates(run: Path, staghunt: Staghunt) -> None:
    assert "Payoffs are estimates from matches: with probability 0.95" in staghunt("info", run).out
    told = staghunt("info", f"{run}?delta=0.2", "--json").json["estimates"]
    assert told["delta"] == 0.2 and told["largest_radius"] == load(run, delta=0.2).radius.max()


def test_other_commands_take_it(run: Path, staghunt: Staghunt, tmp_path: Path) -> None:
    assert staghunt("qre", run, "--at", "0.5", "--quiet").code == 0
    answer, copy = tmp_path / "answer.json", tmp_path / "copy.nfg"
    assert staghunt("solve", run, "-c", "nash", "--out", answer, "--quiet").code == 0
    assert "sampling error" in staghunt("certify", run, answer).out
    assert staghunt("convert", run, copy, "--quiet").code == 0
    assert np.array_equal(load(copy).payoffs, load(run).payoffs)
