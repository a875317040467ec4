"""`staghunt bench envs`: its rows, its contenders' own counts."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.bench import (
    envs,
    envs_foraging,
    envs_openspiel,
    envs_pettingzoo,
    envs_random,
    envs_repeated,
    envs_swarm,
    ledger,
    table,
)
from experiments.bench.envs_play import Playing, Tally, alike, big, throughput
from experiments.bench.harness import Finding, Row, Setting, measure_row, record
from experiments.bench.runner import conduct
from experiments.bench.timing import Sample, Side
from games import make_env
from games.env_catalogue import Listed, environments
from games.play import play_episodes
from games.policy import random_policy
from games.policy_names import team

ROOT = Path(__file__).parents[1]
needs_lbforaging = pytest.mark.skipif(find_spec("lbforaging") is None, reason="lbforaging: extra `envs`")
needs_axelrod = pytest.mark.skipif(
    find_spec("axelrod") is None, reason="axelrod comes with the extra `peers`"
)
needs_shimmy = pytest.mark.skipif(find_spec("shimmy") is None, reason="shimmy comes with the extra `peers`")


# --- rows -------------------------------------------------------------------------------------------------


def test_rows_have_distinct_keys_and_cover_the_table_of_targets() -> None:
    rows = envs.every_row()
    keys = [(row.name, row.peer) for row in rows]
    assert len(set(keys)) == len(keys)
    targets = {(row.name.partition(": ")[0], row.peer): (row.target, row.aim) for row in rows}
    assert targets["random foragers", "lbforaging"] == (100.0, 300.0)
    assert targets["random agents, batch 1,024", "none"] == ("5 million steps/s", None)
    assert targets["random swarm", "numpy, all pairs"] == (50.0, None)
    for what in ("repeated dilemma", "repeated dilemma in one loop"):
        assert targets[f"{what}, batch 4,096", "Axelrod"] == (200.0, 1000.0)
    assert targets["random agents through our adapter", "the environment's own loop"] == (0.91, 1.0)
    assert targets["2 worker processes, wall time", "the same in one process"] == (1.7, 2.0)
    assert targets["random moves through OpenSpiel", "Shimmy"][0] == 10.0
    assert targets["random moves through OpenSpiel", "OpenSpiel rl_environment"][0] == 1.5
    assert targets["random moves on the compiled tree, batch 1,024", "Shimmy"][0] == 50.0
    random = {row.name.removeprefix("random agents: ") for row in envs_random.rows()}
    assert random == {one.uri for one in environments()}
    assert {(row.name, row.peer) for row in envs.BENCH.selected(True, None)} <= set(keys)


def test_rows_run_and_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ledger.THREAD_VARIABLES:
        monkeypatch.setenv(name, "1")
    out = tmp_path / "envs.json"
    document = conduct(
        envs.BENCH, quick=True, rows=["random agents: zoo:chicken", "random foragers: 8x8-2p*"], out=out
    )
    assert json.loads(out.read_text()) == document and document["bench"] == "envs"
    foragers, chicken = document["rows"]
    assert chicken["peer"] == "none" and chicken["ratio"] is None and chicken["met"]
    assert chicken["per_s"] == pytest.approx(1 / chicken["ours_cpu_s"], rel=1e-3) and chicken["per_s"] > 1e4
    assert "batch 1,024" in chicken["note"] and "steps per CPU second" in chicken["note"]
    assert "failed" not in foragers["note"]
    if find_spec("lbforaging") is not None:
        assert foragers["ratio"] > 10 and re.search(r"the peer's [\d,]+; mean reward", foragers["note"])
    else:
        assert "not installed" in foragers["note"] and foragers["ratio"] is None


def test_an_environment_that_is_not_installed_is_a_reason_and_no_failure() -> None:
    found = envs_random._measure(Listed("pettingzoo:nowhere", "?", ("no_such_package",)))(Setting(quick=True))
    assert found.ours is None and found.right and "no_such_package of the extra `envs`" in found.note
    row = Row("random agents: pettingzoo:nowhere", "none", lambda _: found)
    assert record(row, found)["met"] is False
    pooled = next(row for row in envs_pettingzoo.rows())
    assert pooled.measure(Setting(quick=True, peer=False)).ours is None


# --- counting ---------------------------------------------------------------------------------------------


def test_playing_counts_what_it_plays() -> None:
    env = make_env("repeated:prisoners-dilemma?rounds=4")
    players = team(env, {"Player 1": "defector", "Player 2": "cooperator"})
    playing = Playing(env, 3, players)
    tally = playing.tally(6)
    assert tally == Tally(
        18, 18 * 5.0, 18 * 25.0, 3
    )  # every batch of four steps stops once, after the fourth
    assert tally.mean_reward() == (5.0, 0.0)
    playing.advance(1)
    assert playing.tally(1).stops == 3
    side = playing.side(Setting(quick=True), 2)
    assert side.units % 3 == 0 and side.extract(None).steps == 6


def test_experiences_are_alike_up_to_chance() -> None:
    same = Tally(10_000, 100.0, 100.0, 200)
    assert alike(same, None)[0] and alike(same, Tally(1_000, 12.0, 12.0, 21))[0]
    assert not alike(same, Tally(1_000, 100.0, 100.0, 20))[0], "ten times the reward"
    assert not alike(same, Tally(1_000, 10.0, 10.0, 90))[0], "episodes of a quarter of the length"
    assert alike(same, Tally(1_000, 12.0, 12.0, 21))[1] == "mean reward of a step 0.01, the peer's 0.012"


def test_throughput_is_one_over_process_time() -> None:
    found = throughput(Finding(Sample(1.0, 2e-7), Sample(1.0, 1e-3), note="n"))
    assert found.rate == pytest.approx(5e6)
    assert found.note == "5 million steps per CPU second, the peer's 1,000; n"
    assert throughput(Finding(note="nothing")) == Finding(note="nothing")
    assert [big(x) for x in (0.5, 1234.5, 999_499.0, 12_345_678.0)] == [
        "0.5",
        "1,230",
        "999,000",
        "12.3 million",
    ]


@needs_lbforaging
def test_lbforaging_and_we_experience_the_same() -> None:
    theirs = envs_foraging.LbForaging("5x5-2p-1f").tally(6_000)
    ours = Playing(make_env("foraging:5x5-2p-1f"), 128).tally(400)
    right, note = alike(ours, theirs)
    assert right and theirs.stops > 100, note
    different = Playing(make_env("foraging:15x15-2p-1f"), 128).tally(400)
    assert not alike(different, theirs)[0]


@pytest.mark.parametrize(
    "peer, name",
    [
        (envs_openspiel.BareLoop, "kuhn_poker"),
        (envs_openspiel.BareLoop, "tic_tac_toe"),
        (envs_openspiel.RlEnvironment, "kuhn_poker"),
        pytest.param(envs_openspiel.Shimmy, "tic_tac_toe", marks=needs_shimmy),
    ],
)
def test_openspiels_loops_and_we_experience_the_same(peer: Any, name: str) -> None:
    theirs = peer(name).tally(3_000)
    assert theirs.steps == 3_000 and theirs.stops > 250
    for uri in (f"openspiel:{name}", f"openspiel:{name}?compiled=true"):
        right, note = alike(Playing(make_env(uri), 64).tally(150), theirs)
        assert right, note


@needs_shimmy
def test_shimmy_cuts_plays_with_chance_off_and_its_rows_say_so() -> None:
    env = envs_openspiel.Shimmy("kuhn_poker")
    assert env.tally(1_000).reward == 0.0, "no play was seen to its end"
    for row in envs_openspiel.rows():
        if row.peer == "Shimmy" and "leduc" in row.name and "compiled" in row.name:
            assert "Shimmy counts chance as moves" in measure_row(row, Setting(quick=True))["note"]


@needs_axelrod
@pytest.mark.parametrize("row", envs_repeated.rows(), ids=lambda row: row.name)
def test_axelrod_and_we_score_alike(row: Row) -> None:
    out = measure_row(row, Setting(quick=True))
    assert "failed" not in out["note"] and "mean score of a round" in out["note"]
    found = [float(x) for x in re.findall(r"(?:round|the peer's) (\d\.\d+|\d)(?:,|$)", out["note"])]
    assert len(found) == 2 and found[0] == pytest.approx(found[1], abs=0.2)


def test_the_pairs_are_memory_one_on_both_ways_and_score_the_same() -> None:
    for row in envs_repeated.rows():
        found = row.measure(Setting(quick=True, peer=False))
        assert found.right and found.rate is not None and found.rate > 1e5, found.note


def test_our_vicsek_and_numpys_stay_as_ordered() -> None:
    swarm = envs_swarm.NumpyVicsek(2)
    before = swarm.headings.copy()
    theirs = np.mean([swarm.step(10) for _ in range(5)])
    assert swarm.positions.shape == (2, 200, 2) and not np.array_equal(before, swarm.headings)
    env = make_env("swarm:vicsek?agents=200")
    ours = play_episodes(env, random_policy(env.spec), [1, 2], max_steps=50).returns[:, 0].mean() / 50
    assert ours == pytest.approx(theirs, abs=0.05)


def test_wall_time_decides_where_there_are_several_processes() -> None:
    spent = iter([1.0, 2.0, 2.0, 1.0, 1.0, 2.0])

    def idle(seconds: float) -> None:
        import time

        next(spent)
        time.sleep(seconds)

    found = envs_pettingzoo.wall_duel(Side(lambda: idle(0.01)), Side(lambda: idle(0.03)), 3)
    assert found.ratio == pytest.approx(3.0, rel=0.3) and found.pairs == 3
    assert next(spent, None) is None


def test_the_table_shows_throughputs_where_there_is_no_peer() -> None:
    facts = {"target": "5 million steps/s", "ratio": None, "ours_cpu_s": 1e-7, "met": True}
    rows = [
        {"row": "random agents, batch 1,024: bits", "peer": "none", **facts, "per_s": 9.8e6},
        {"row": "random agents, batch 1,024: aloha", "peer": "none", **facts, "per_s": 4.1e6, "met": False},
        {"row": "random foragers: 8x8-2p-3f", "peer": "lbforaging", **facts, "ratio": 312.0, "target": 100.0},
    ]
    assert table.markdown({"bench": "envs", "rows": rows}).splitlines() == [
        "| work | peer | environments | peer time / ours | target | met |",
        "|---|---|---|---|---|---|",
        "| random agents, batch 1,024 | none | 2 | ours 4,100,000 to 9,800,000 per s | 5 million steps/s | 1 of 2 |",
        "| random foragers | lbforaging | 8x8-2p-3f | 310 | 100 | 1 of 1 |",
    ]
