"""The benchmark harness: its arithmetic with fake contenders, capped children, resuming, and absent peers."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.bench import families, harness, ledger, solvers, solvers_correlated, solvers_qre, timing
from experiments.bench.harness import (
    Duel,
    Finding,
    Row,
    Setting,
    contender,
    measure_row,
    medians,
    pairwise_ratio,
    record,
    run_duel,
)
from experiments.bench.runner import conduct
from experiments.bench.timing import Capped, Sample, Side, calls_needed, in_child, sample
from games.errors import InputError


class Clock:
    """Stands in for the `time` module: process time is what work has used, and wall time goes on in sleep too."""

    def __init__(self) -> None:
        self.cpu = self.wall = 0.0

    def work(self, seconds: float) -> float:
        self.cpu, self.wall = self.cpu + seconds, self.wall + seconds
        return seconds

    def sleep(self, seconds: float) -> None:
        self.wall += seconds

    def process_time(self) -> float:
        return self.cpu

    def perf_counter(self) -> float:
        return self.wall


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock on which nothing but the work takes time, however busy the machine is."""
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)
    monkeypatch.setattr(harness, "time", clock)
    return clock


def spin(seconds: float) -> float:
    """Use that much process time."""
    stop = time.process_time() + seconds
    while time.process_time() < stop:
        pass
    return seconds


def agree(ours: Any, theirs: Any) -> tuple[bool, str]:
    return theirs is None or ours == theirs, f"ours {ours}, peer {theirs}"


# --- arithmetic -------------------------------------------------------------------------------------------


def test_ratio_is_the_median_over_pairs_of_process_time() -> None:
    ours = [Sample(1.0, 1.0), Sample(1.0, 2.0), Sample(1.0, 4.0)]
    peers = [Sample(9.0, 10.0), Sample(9.0, 10.0), Sample(9.0, 10.0)]
    assert pairwise_ratio(ours, peers) == 5.0  # not wall, and not the ratio of means
    assert pairwise_ratio(ours, []) is None
    assert medians(ours) == Sample(1.0, 2.0)
    assert medians([]) is None


def test_sleep_is_wall_time_and_not_process_time() -> None:
    spent, answer = sample(Side(lambda: time.sleep(0.05)))
    assert answer is None
    assert spent.wall >= 0.05 > spent.cpu


def test_work_is_wall_time_and_process_time() -> None:
    spent, _ = sample(Side(lambda: spin(0.01)))
    assert spent.wall >= 0.9 * spent.cpu >= 0.9 * 0.01


def test_units_and_calls_divide_the_time(clock: Clock) -> None:
    spent, answer = sample(Side(lambda: clock.work(0.004), units=10), calls=3)
    assert answer == 0.004
    assert (spent.cpu, spent.wall) == (pytest.approx(0.0004), pytest.approx(0.0004))


def test_short_calls_are_repeated_until_a_sample_is_long_enough(clock: Clock) -> None:
    assert calls_needed(Side(lambda: clock.work(2e-5))) in (250, 251)  # 5 ms in all
    assert calls_needed(Side(lambda: clock.work(0.02))) == 1


def test_a_duel_finds_the_ratio_of_two_known_costs(clock: Clock) -> None:
    sides = Side(lambda: clock.work(0.006)), Side(lambda: clock.work(0.03))
    finding = run_duel(Duel(*sides, lambda a, b: (True, ""), repeats=3))
    assert finding.pairs == 3
    assert finding.ratio == pytest.approx(5.0)
    assert finding.ours is not None and finding.peer is not None
    assert finding.ours.cpu == pytest.approx(0.006)


def test_pairs_stop_when_the_time_is_used_up_and_alternate_who_is_first(clock: Clock) -> None:
    order: list[str] = []

    def noted(who: str, seconds: float) -> Side:
        return Side(lambda: order.append(who) or clock.work(seconds), warm=lambda: None)

    run_duel(Duel(noted("a", 0.01), noted("b", 0.01), lambda a, b: (True, ""), repeats=4))
    calibration = 2
    assert "".join(order[calibration:]) == "abbaabba"
    few = run_duel(
        Duel(
            Side(lambda: clock.work(0.02)),
            Side(lambda: clock.work(0.02)),
            lambda a, b: (True, ""),
            repeats=99,
            budget_s=0.21,
        )
    )
    assert 4 <= few.pairs <= 6  # two contenders of 0.02 s a pair


# --- children ---------------------------------------------------------------------------------------------


def test_a_hanging_peer_is_stopped_and_gives_a_lower_bound() -> None:
    began = time.perf_counter()
    finding = run_duel(Duel(Side(lambda: spin(0.01)), Side(lambda: spin(60.0)), agree, cap_s=0.5))
    assert time.perf_counter() - began < 50  # the peer would have taken 60
    assert finding.lower_bound and finding.pairs == 1
    assert finding.peer is not None and finding.peer.wall >= 0.5
    assert finding.ratio is not None and finding.ratio > 1
    assert "stopped after 0.5 s" in finding.note


def test_a_child_answers_prints_nothing_and_reports_errors(capfd: pytest.CaptureFixture[str]) -> None:
    def noisy() -> int:
        os.write(1, b"banner\n")
        print("more")
        return 6 * 7

    done = in_child(Side(noisy, extract=str), 10.0)
    assert (done.answer, done.stopped, done.error) == ("42", False, "")
    assert capfd.readouterr().out == ""
    failed = in_child(Side(lambda: 1 // 0), 10.0)
    assert failed.error == "ZeroDivisionError: integer division or modulo by zero"
    died = in_child(Side(lambda: os._exit(3)), 10.0)
    assert died.error == "died with exit code 3" and not died.stopped
    assert isinstance(died, Capped)


def test_a_failing_peer_leaves_our_time_and_a_note() -> None:
    for cap_s in (None, 10.0):
        peer = Side(lambda: 1 // 0, warm=lambda: None)
        finding = run_duel(Duel(Side(lambda: spin(0.006)), peer, agree, cap_s=cap_s, repeats=2))
        assert finding.peer is None and finding.ratio is None
        assert finding.ours is not None and "the peer failed: ZeroDivisionError" in finding.note


def test_a_peer_that_cannot_be_built_is_the_peers_failure() -> None:
    def build() -> Side:
        raise ImportError("libpeer.so is missing")

    assert contender(Setting(peer=False), build) is None
    finding = run_duel(Duel(Side(lambda: spin(0.006)), contender(Setting(), build), agree, repeats=2))
    assert finding.pairs == 2 and finding.right
    assert finding.note == "the peer failed: ImportError: libpeer.so is missing; ours 0.006, peer None"


# --- rows -------------------------------------------------------------------------------------------------


def _row(finding: Finding, **changes: Any) -> Row:
    return Row("fake work", "fake peer", lambda setting: finding, **{"target": 10.0, **changes})


def test_met_needs_the_target_and_a_right_answer() -> None:
    fast = Finding(Sample(1, 1), Sample(20, 20), ratio=20.0, pairs=5)
    assert record(_row(fast), fast)["met"] is True
    assert record(_row(fast, target=30.0), fast)["met"] is False
    wrong = Finding(Sample(1, 1), Sample(20, 20), ratio=20.0, right=False)
    assert record(_row(wrong), wrong)["met"] is False
    absolute = Finding(Sample(5, 5), met=True)
    assert record(_row(absolute, target="under 10 s"), absolute)["met"] is True
    assert record(_row(fast, target=None), fast)["met"] is True
    assert record(_row(fast, aim=60.0), fast)["aim"] == 60.0
    assert "aim" not in record(_row(fast), fast)


def test_an_absent_peer_is_a_note_and_ours_is_still_measured() -> None:
    def measure(setting: Setting) -> Finding:
        assert not setting.peer
        return run_duel(Duel(Side(lambda: spin(0.006)), None, agree, repeats=2))

    row = Row("fake work", "fake peer", measure, target=2.0, needs=("no_such_package_anywhere",))
    out = measure_row(row, Setting(quick=True))
    assert out["peer_s"] is None and out["ratio"] is None and out["met"] is False
    assert out["ours_cpu_s"] == pytest.approx(0.006, rel=0.5)
    assert out["note"].startswith("peer not installed (no_such_package_anywhere)")


def test_a_failure_of_ours_is_a_note_too() -> None:
    def measure(setting: Setting) -> Finding:
        raise ValueError("broken\nin two lines")

    out = measure_row(Row("fake work", "fake peer", measure, target=2.0), Setting())
    assert out["met"] is False and out["ours_s"] is None
    assert out["note"] == "ours failed: ValueError: broken"


# --- the document -----------------------------------------------------------------------------------------


@pytest.fixture
def fake_bench(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two instant rows instead of the real ones, in this process; returns what was measured, in order."""
    measured: list[str] = []

    def row(name: str) -> Row:
        def measure(setting: Setting) -> Finding:
            measured.append(name)
            return Finding(Sample(1, 1), Sample(4, 4), ratio=4.0, pairs=1)

        return Row(name, "peer", measure, target=2.0)

    every = [row("one"), row("two")]

    monkeypatch.setattr(solvers, "every_row", lambda: every)
    for name in ledger.THREAD_VARIABLES:
        monkeypatch.setenv(name, "1")
    return measured


def test_finished_rows_are_kept_until_something_changed(
    fake_bench: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "new folder" / "results.json"
    reports: list[tuple[float, str]] = []
    first = conduct(solvers.BENCH, out=out, progress=lambda part, text: reports.append((part, text)))
    assert fake_bench == ["one", "two"] and [row["row"] for row in first["rows"]] == ["one", "two"]
    assert json.loads(out.read_text()) == first
    assert reports == [(0.0, "one against peer"), (0.5, "two against peer")]
    assert list(out.parent.iterdir()) == [out]  # nothing temporary is left

    assert conduct(solvers.BENCH, out=out) == first and len(fake_bench) == 2
    conduct(solvers.BENCH, out=out, rows="two", fresh=True)
    assert fake_bench[2:] == ["two"] and len(json.loads(out.read_text())["rows"]) == 2
    monkeypatch.setattr(ledger, "source_digest", lambda *_: "changed")
    again = conduct(solvers.BENCH, out=out, rows="one")
    assert fake_bench[3:] == ["one"] and again["rows"][0]["source"] == "changed" != again["rows"][1]["source"]
    monkeypatch.setattr(ledger, "versions", lambda names: {"numpy": "0"})
    assert [row["row"] for row in conduct(solvers.BENCH, out=out, rows="one")["rows"]] == ["one"]


def test_an_unreadable_earlier_document_is_measured_again(fake_bench: list[str], tmp_path: Path) -> None:
    for text in ("", "[1", '{"rows": 3}', "[]"):
        out = tmp_path / "results.json"
        out.write_text(text)
        assert len(conduct(solvers.BENCH, out=out)["rows"]) == 2
    assert len(fake_bench) == 8


def test_bad_requests_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no row matches 'no such row'"):
        conduct(solvers.BENCH, quick=True, rows=["no such row"])
    with pytest.raises(InputError, match="is not a folder"):
        conduct(solvers.BENCH, quick=True, files=tmp_path / "nowhere")


def test_a_row_of_the_real_bench_runs_in_a_pinned_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    reports: list[tuple[float, str]] = []
    document = conduct(
        solvers.BENCH,
        quick=True,
        rows="regret matching step 10x10",
        out=tmp_path / "quick.json",
        progress=lambda *told: reports.append(told),
    )
    assert document["machine"]["threads"] == 1 and document["quick"] is True
    (row,) = document["rows"]
    assert row["ours_s"] > 0 and row["ours_cpu_s"] > 0
    assert (row["peer_s"] is None) == (row["ratio"] is None)
    assert reports == [(0.0, "regret matching step 10x10 against OpenSpiel _regret_matching_step")]


# --- the games and matrices that are compared on ----------------------------------------------------------


def test_rows_have_distinct_keys_and_cover_the_tables() -> None:
    rows = solvers.BENCH.selected(False, None)
    keys = [(row.name, row.peer) for row in rows]
    assert len(set(keys)) == len(keys)
    for name in (
        "qre branch 100x100",
        "max-welfare ce 50x50",
        "cce gap 1e-3 10^7",
        "alpharank 100x100 alpha=inf",
    ):
        assert name in {row.name for row in rows}
    quick = {(row.name, row.peer) for row in solvers.BENCH.selected(True, None)}
    assert quick < set(keys)


def test_games_are_drawn_player_by_player() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.uniform(0, 1, (2, 3)), rng.uniform(0, 1, (2, 3))
    np.testing.assert_array_equal(families.uniform(1, (2, 3)), [first, second])
    assert set(np.unique(families.milli(3, (20, 20)) * 1000 % 1).round(9)) <= {0.0, 1.0}
    zero_sum = families.zero_sum(3, (4, 5))
    np.testing.assert_array_equal(zero_sum[0], -zero_sum[1])
    assert families.size_name((5, 5, 5, 5)) == "5^4" and families.size_name((3, 3, 3)) == "3x3x3"


@pytest.mark.parametrize("concept, value", [("cce", 1.874038), ("ce", 1.707750)])
def test_the_linear_programs_given_to_highs_have_the_known_values(concept: str, value: float) -> None:
    payoffs = families.milli(2, (10, 10))
    for peer in ("HiGHS alone (highspy)", "HiGHS alone (scipy)"):
        side = solvers_correlated._peer(peer, concept, payoffs)
        assert side.extract(side.call()) == pytest.approx(value, abs=1e-6)


def test_turning_points_of_a_folded_branch() -> None:
    assert solvers_qre.turning_points([0, 1, 2, 3]) == 0
    assert solvers_qre.turning_points([0, 1, 2, 1.5, 1.2, 2, 4]) == 2
    assert solvers_qre.turning_points([0.0]) == 0
    assert not math.isnan(solvers_qre.turning_points(np.array([0.0, 1.0, 1.0, 2.0])))
