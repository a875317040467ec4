"""`staghunt bench trees`: its rows, its contenders against one another on small games."""

from __future__ import annotations

import json
import os
import re
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from experiments.bench import ledger, table, trees, trees_cfr, trees_compile, trees_qre
from experiments.bench.harness import Setting, measure_row
from experiments.bench.runner import conduct
from experiments.bench.timing import Side, sample, steady
from experiments.bench.trees_games import BASELINES, GAMES, LiteEfg, OpenSpielCfr, litefg_write, tree
from experiments.bench.trees_response import random_play
from experiments.bench.trees_sampling import OpenSpielMccfr
from games.errors import InputError
from solvers.cfr import RULES, Cfr

ROOT = Path(__file__).parents[1]
needs_litefg = pytest.mark.skipif(find_spec("LiteEFG") is None, reason="LiteEFG comes with the extra `peers`")


def nash_conv(engine: Any) -> float:
    return float(engine.measure(engine.answer()).regrets.sum())


# --- rows -------------------------------------------------------------------------------------------------


def test_rows_have_distinct_keys_and_cover_the_table_of_targets() -> None:
    rows = trees.every_row()
    keys = [(row.name, row.peer) for row in rows]
    assert len(set(keys)) == len(keys)
    targets = {(row.name, row.peer): (row.target, row.aim) for row in rows}
    assert targets["cfr+ iteration: leduc", "OpenSpiel CFR+"] == (100.0, 150.0)
    assert targets["cfr+ iteration: leduc", "LiteEFG CFR+"] == (15.0, 25.0)
    for name in (
        "liars_dice 1x5",
        "liars_dice 1x6",
        "goofspiel 4",
        "goofspiel 5",
        "kuhn 2 players",
        "kuhn 3 players",
    ):
        for method, word in (("cfr", "CFR"), ("cfr+", "CFR+")):
            assert targets[f"{method} iteration: {name}", f"OpenSpiel {word}"] == (40.0, 80.0)
            assert targets[f"{method} iteration: {name}", f"LiteEFG {word}"] == (8.0, 20.0)
    works = {table.work_of(row.name) for row in rows}
    assert {
        "seconds to NashConv 0.001",
        "cfr on 1.8 million nodes",
        "nash_conv of random play",
        "mccfr-es iteration",
        "mccfr-os iteration",
        "agent qre branch",
        "agent qre branch to lambda 10",
        "compile from OpenSpiel",
        "load from disk",
        "sequence-form program",
    } <= works
    quick = {(row.name, row.peer) for row in trees.BENCH.selected(True, None)}
    assert quick < set(keys)
    assert all(row.name.partition(": ")[2] in (*GAMES, *trees_qre.FILES) for row in rows)


def test_a_file_that_is_not_there_is_a_reason_and_no_failure(tmp_path: Path) -> None:
    (row,) = (row for row in trees.every_row() if row.name == "agent qre branch: ttt")
    for files in (None, tmp_path):
        out = measure_row(row, Setting(files=files))
        assert out["ours_s"] is None and out["met"] is False and out["pairs"] == 0
        assert (
            "ttt.efg of Gambit's repository is not here; name a folder that has it with --files"
            in out["note"]
        )


def test_bad_requests_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="no row matches 'chess'; rows are named like 'cfr iteration: leduc'"
    ):
        conduct(trees.BENCH, rows="chess", quick=True)
    with pytest.raises(InputError, match="is not a folder"):
        conduct(trees.BENCH, quick=True, files=tmp_path / "nowhere")


def test_rows_run_and_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ledger.THREAD_VARIABLES:
        monkeypatch.setenv(name, "1")
    out = tmp_path / "trees.json"
    document = conduct(
        trees.BENCH,
        quick=True,
        rows=["cfr+ iteration: kuhn 3 players", "mccfr-os iteration: kuhn 3*", "sequence-form*"],
        out=out,
    )
    assert json.loads(out.read_text()) == document and document["bench"] == "trees"
    assert "LiteEFG" in document["versions"]
    first, other, *rest = document["rows"]
    assert first["peer"] == "OpenSpiel CFR+" and first["ratio"] > 1 and first["met"]
    assert re.search(r"the peer's \de-1\d apart", first["note"])
    assert other["peer"] == "LiteEFG CFR+" and (other["ratio"] is None) == (find_spec("LiteEFG") is None)
    assert other["ours_cpu_s"] < 1e-4
    assert [row["row"] for row in rest] == [
        "mccfr-os iteration: kuhn 3 players",
        "sequence-form program: leduc",
    ]
    for row in rest:
        assert row["ours_cpu_s"] > 0 and "failed" not in row["note"]
        assert (row["ratio"] is None) == ("not installed" in row["note"])


# --- contenders -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["cfr", "cfr+"])
@pytest.mark.parametrize("name", ["kuhn 2 players", "kuhn 3 players"])
def test_openspiel_and_we_are_at_the_same_place_after_the_same_iterations(name: str, method: str) -> None:
    ours, theirs = Cfr(tree(name), RULES[method], alternating=True), OpenSpielCfr(name, method)
    for count in (1, 2, 30):
        ours.advance(count)
        theirs.step(count)
        assert theirs.nash_conv() == pytest.approx(nash_conv(ours), abs=1e-9)


@needs_litefg
@pytest.mark.parametrize("method", ["cfr", "cfr+"])
def test_litefg_and_we_are_at_the_same_place_too(method: str) -> None:
    name = "kuhn 2 players"
    ours, theirs = Cfr(tree(name), RULES[method], alternating=method != "cfr"), LiteEfg(name, method)
    ours.advance(25)
    theirs.step(25)
    assert theirs.nash_conv() == pytest.approx(nash_conv(ours), abs=1e-9)


@needs_litefg
def test_litefg_prints_nothing_and_leaves_the_home_directory_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    litefg_write("kuhn 2 players")
    for method in BASELINES:
        rival = LiteEfg("kuhn 2 players", method)
        rival.step(200)
        assert 0 < rival.nash_conv() < 0.1
    assert list(tmp_path.iterdir()) == [] and os.environ["HOME"] == str(tmp_path)
    assert capfd.readouterr().out == ""


def test_openspiel_mccfr_can_be_judged() -> None:
    for method in ("mccfr-es", "mccfr-os"):
        rival = OpenSpielMccfr("kuhn 2 players", method)
        rival.step(3000)
        assert 0 < rival.nash_conv() < 0.3


def test_runs_to_a_nash_conv_stop_at_the_first_check_that_finds_it() -> None:
    game = tree("kuhn 2 players")
    for method in RULES:
        assert nash_conv(trees_cfr._our_run(game, method, 0.05)[1]) <= 0.05
    spent, count = trees_cfr._their_run(OpenSpielCfr("kuhn 2 players", "cfr+"), 0.05)
    ours = trees_cfr._our_run(game, "cfr+", 0.05)[1]
    assert spent > 0 and count == ours.iterations


def test_ties_alone_excuse_a_difference() -> None:
    assert trees_cfr._compared(0.5, 0.5 + 1e-12, 0, 1.0)[0]
    right, told = trees_cfr._compared(0.5, 0.51, 0, 1.0)
    assert not right and told == ", the peer's 0.51"
    right, told = trees_cfr._compared(0.5, 0.51, 1, 1.0)
    assert right and "at 1 information set," in told
    assert not trees_cfr._compared(0.5, 0.7, 3, 1.0)[0]


def test_random_play_is_a_strategy_profile() -> None:
    game = tree("kuhn 3 players")
    play = random_play(game)
    np.testing.assert_allclose(game.check_behavior(play), play, rtol=1e-12)
    assert np.ptp(play) > 0.1


def test_gambit_orders_by_player_and_we_by_appearance() -> None:
    def infoset(number: int, actions: int) -> Any:
        return SimpleNamespace(number=number, actions=range(actions))

    chance = SimpleNamespace(is_chance=True)
    one = SimpleNamespace(number=0, is_chance=False, infosets=[infoset(0, 2), infoset(1, 3)])
    two = SimpleNamespace(number=1, is_chance=False, infosets=[infoset(0, 2)])

    def node(player: Any = None, which: int = 0, children: Any = ()) -> Any:
        infosets = getattr(player, "infosets", [None])
        return SimpleNamespace(
            is_terminal=player is None, player=player, infoset=infosets[which], children=list(children)
        )

    leaves = [node() for _ in range(3)]
    root = node(
        chance,
        children=[
            node(two, 0, [node(one, 1, leaves), node()]),
            node(one, 0, [node(two, 0, leaves[:2]), node()]),
        ],
    )
    game = SimpleNamespace(players=[one, two], root=root)
    assert trees_qre.in_our_order(game) == [5, 6, 2, 3, 4, 0, 1]


def test_a_game_alone_in_a_process() -> None:
    alone = trees_compile.in_own_process("kuhn 2 players", 0.05)
    assert alone.nodes == 58 and alone.iterations > 1 and alone.iteration_s > 0
    assert 0.02 < alone.compile_gib <= alone.peak_gib < 2
    assert 0 < alone.nash_conv < 0.92
    with pytest.raises(RuntimeError, match="measures no such game failed: KeyError"):
        trees_compile.in_own_process("no such game", 0.05)


def test_the_cache_is_elsewhere_only_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    for before in ("off", None):
        if before is None:
            monkeypatch.delenv("STAGHUNT_CACHE", raising=False)
        else:
            monkeypatch.setenv("STAGHUNT_CACHE", before)
        with trees_compile.cache_at("somewhere"):
            assert os.environ["STAGHUNT_CACHE"] == "somewhere"
        assert os.environ.get("STAGHUNT_CACHE") == before


# --- timing -----------------------------------------------------------------------------------------------


def test_steady_work_fills_the_time_asked_for() -> None:
    done: list[int] = []

    def step(count: int) -> None:
        done.append(count)
        for _ in range(count * 2000):
            pass

    side = steady(step, 0.02)
    assert done == [2**k for k in range(len(done))]
    tried = sum(done)
    spent, _ = sample(side, side.calls or 0)
    assert sum(done) - tried == side.units
    assert 0.002 < spent.wall * side.units < 0.5  # a busy machine lengthens it


def test_what_is_prepared_is_not_timed() -> None:
    order: list[str] = []
    side = Side(lambda: order.append("call"), prepare=lambda: order.append("prepare"), calls=1)
    sample(side)
    sample(side)
    assert order == ["prepare", "call"] * 2


# --- the table --------------------------------------------------------------------------------------------


def row(name: str, peer: str, **facts: Any) -> dict[str, Any]:
    return {
        "row": name,
        "peer": peer,
        "ours_cpu_s": 1.234,
        "ratio": None,
        "target": None,
        "met": True,
        **facts,
    }


def test_the_table_gathers_games_and_keeps_targets_in_words_apart() -> None:
    rows = [
        row("cfr iteration: leduc", "OpenSpiel", ratio=123.4, target=100.0),
        row("cfr iteration: liars_dice 1x6", "OpenSpiel", ratio=39.0, target=40.0, met=False),
        row("cfr iteration: leduc", "LiteEFG", ratio=20.0, target=15.0),
        row("branch: a", "Gambit", ratio=60.0, target=50.0),
        row("branch: b", "Gambit", ratio=70.0, target="under 60 s", lower_bound=True),
        row("branch to 10: leduc", "out of reach", target="under 60 s"),
        row("for information: leduc", "OpenSpiel", ratio=2.0),
        row("not measured: leduc", "OpenSpiel", target="under 60 s", ours_cpu_s=None),
    ]
    assert table.markdown({"bench": "trees", "rows": rows}).splitlines()[2:] == [
        "| cfr iteration | OpenSpiel | 2 | 39 to 120 | 40 or 100 | 1 of 2 |",
        "| cfr iteration | LiteEFG | leduc | 20 | 15 | 1 of 1 |",
        "| branch | Gambit | a | 60 | 50 | 1 of 1 |",
        "| branch | Gambit | b | at least 70 | under 60 s | 1 of 1 |",
        "| branch to 10 | out of reach | leduc | ours 1.2 s | under 60 s | 1 of 1 |",
    ]
