"""`staghunt bench mansa`: its rows, that equal steps are compared, and that an estimate says that it is one."""

from __future__ import annotations

import math
import re

import pytest

from experiments.bench import mansa
from experiments.bench.harness import Setting, measure_row
from experiments.bench.timing import Sample
from experiments.commands.bench import benches
from marl.mansa import Mansa

FAST = {"hidden": (8,), "rollout": 8, "learn_every": 64, "batch_size": 4, "warmup": 0, "capacity": 2_000}


def test_it_is_known_and_has_a_row_for_every_pair_and_one_for_a_run() -> None:
    assert "mansa" in benches()
    rows = mansa.every_row()
    assert len({(row.name, row.peer) for row in rows}) == len(rows) == len(mansa.PAIRS) + 1
    assert all(row.target == pytest.approx(1 / 1.3) for row in rows[:-1]) and rows[-1].target == "under 300 s"
    assert [row.quick for row in rows] == [True] * len(rows)
    assert [pair.title for pair in mansa.PAIRS] == [
        "IQL and QMIX, feed-forward",
        "IQL and QMIX, recurrent",
        "IPPO and MAPPO, feed-forward",
    ]


@pytest.mark.parametrize("pair", mansa.PAIRS, ids=lambda pair: pair.title)
def test_the_learners_alone_are_those_that_are_switched(pair: mansa.Pair) -> None:
    one = pair.switched(10)
    assert isinstance(one, Mansa) and (one.independent, one.central) == pair.alone()
    assert one.epsilon(10) == 1.0 and one.epsilon(10**9) > 0.99 and one.rollout == pair.alone()[0].rollout


def test_overhead_is_the_median_over_turns_of_wall_clock_at_equal_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """MANSA takes 6, 5 and 9 where its learners take 1 + 3, 1 + 4 and 2 + 4: 1.5, 1 and 1.5 times as much."""
    wall = iter([6.0, 1.0, 3.0, 1.0, 4.0, 5.0, 4.0, 9.0, 2.0])
    asked: list[int] = []

    def told(self: mansa.Training, steps: int) -> Sample:
        asked.append(steps)
        self.calls.append(0.5)
        return Sample(next(wall), 1.0)

    monkeypatch.setattr(mansa.Training, "until", lambda self, steps: None)
    monkeypatch.setattr(mansa.Training, "sample", told)
    found = mansa.overhead(mansa.Pair("iql", "qmix", FAST), 128, 3)
    assert found.ratio == pytest.approx(1 / 1.5) and set(asked) == {128} and found.pairs == 3
    assert found.right and "wall-clock 1.50 times that of the two (1.00 to 1.50 over 3 turns" in found.note
    assert found.ours is not None and found.peer is not None
    assert (found.ours.wall, found.peer.wall) == (6.0, 5.0)


def test_overhead_is_measured_where_both_teams_act_and_all_three_learn() -> None:
    pair = mansa.Pair("iql", "qmix", FAST)
    training = mansa.Training(pair.switched(64))
    training.until(256)
    metrics = training._trainer.advance().metrics
    training.close()
    assert metrics["switch_loss"] >= 0 and metrics["independent_loss"] >= 0 and metrics["central_loss"] >= 0
    found = mansa.overhead(pair, 512, 2)
    assert found.ratio is not None and found.ratio > 0 and found.ours is not None and found.ours.wall > 0
    called = re.search(r"(\d+) % of steps with a call", found.note)
    assert called is not None and abs(int(called[1]) - 50) < 12


def test_a_run_is_the_whole_command_and_a_tenth_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mansa, "STEPS", 16_000)
    row = mansa.every_row()[-1]
    quick = measure_row(row, Setting(quick=True))
    assert "EXTRAPOLATED" in quick["note"] and "with 2 evaluations" in quick["note"]
    whole = mansa.whole_run(1_600)
    assert whole.right and whole.ours is not None and math.isfinite(whole.ours.wall)
    assert "evaluations of 100 episodes included" in whole.note and "EXTRAPOLATED" not in whole.note
