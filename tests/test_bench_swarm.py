"""`staghunt bench swarm`: its rows, that numpy's swarms are ours, and what is said about very many agents."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from experiments.bench import swarm, swarm_peers, swarm_scaling
from experiments.bench.harness import Finding, Setting, measure_row, record
from experiments.bench.numpy_swarm import kuramoto_step, neighbours, vicsek_step
from experiments.bench.timing import Sample
from experiments.commands.bench import benches
from games import make_env
from games.sims.swarm import places
from games.streams import draw_seeds

QUICK = Setting(quick=True, peer=False)


def test_it_is_known_and_its_rows_have_the_targets_asked_for() -> None:
    assert "swarm" in benches()
    rows = swarm.every_row()
    assert len({(row.name, row.peer) for row in rows}) == len(rows)
    targets = {(row.name, row.peer): row.target for row in rows}
    assert targets["random swarm: vicsek of 200", "numpy, all pairs"] == 50.0
    million = [row for row in rows if row.target == "at least 2 steps per second"]
    assert len(million) == 4 and all(row.name.startswith("a million agents") for row in million)
    costs = [row for row in rows if row.target == "less than 1.5 times the cost"]
    assert [row.name.partition(": ")[2] for row in costs] == ["vicsek", "aggregation"]
    assert targets["Dec-POMFPPO, 600,000 steps of training: aggregation of 100", "no peer"] == "under 120 s"
    against_vmas = [row for row in rows if row.needs == ("vmas",)]
    assert len(against_vmas) == 5 and all(row.target is None for row in against_vmas)


def test_agents_of_equal_density_see_as_many_others() -> None:
    for agents in (200, 3_000, 40_000):
        env: Any = swarm_scaling.equal_density("vicsek", agents)
        world, _ = env.reset(draw_seeds(np.random.default_rng(0), 1))
        at = places(env, world)[0, :, :2]
        gap = np.abs(at[:200, None] - at[None])
        near = (np.minimum(gap, 1 - gap) ** 2).sum(axis=-1) <= env.rules.parameters.radius**2
        assert near.sum(axis=1).mean() - 1 == pytest.approx(math.pi * 12.5, rel=0.05)
    assert swarm_scaling.equal_density("aggregation", 50).spec.name == "swarm:aggregation?agents=50"


def test_numpys_kuramoto_is_vicsek_that_stands_still() -> None:
    rng = np.random.default_rng(1)
    positions, headings = rng.random((2, 40, 2)), rng.random((2, 40)) * 2 * np.pi
    actions = rng.uniform(-1, 1, (2, 40))
    near = neighbours(positions, 0.25)
    assert near.shape == (2, 40, 40) and near[:, range(40), range(40)].all()
    one = kuramoto_step(near.astype(float), headings, actions, np.random.default_rng(0))
    two = vicsek_step(positions, headings, actions, np.random.default_rng(0), v=0)[1:]
    for ours, wanted in zip(one, two):
        np.testing.assert_allclose(ours, wanted, atol=1e-12)


@pytest.mark.parametrize("kind", [swarm_peers.NumpyAggregation, swarm_peers.NumpyKuramoto])
def test_numpys_swarms_earn_what_ours_earn_and_begin_again(kind: type[swarm_peers.NumpySwarm]) -> None:
    theirs = kind(8)
    first = theirs.step(100)
    assert theirs.time == 100
    second = theirs.step(1)
    assert theirs.time == 1
    ours = swarm_peers.Prepared(make_env(f"swarm:{kind.name}?agents=200&horizon=100"), 8)
    mean = ours.step(100)
    assert ours.now.groups[0].reward.max() == 0.0  # begun again
    assert first == pytest.approx(mean, rel=0.1) and second == pytest.approx(first, rel=0.2)


def test_rows_against_numpy_compare_rewards(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {row.name: row for row in swarm_peers.rows()}
    found = measure_row(rows["random swarm: aggregation of 200"], Setting(quick=True))
    assert found["ratio"] > 0 and found["met"] and "the peer's -2" in found["note"]
    monkeypatch.setattr(swarm_peers.NumpyAggregation, "move", lambda self: np.full(self.batch, -1.0))
    wrong = measure_row(rows["random swarm: aggregation of 200"], Setting(quick=True))
    assert not wrong["met"]


def test_rows_against_vmas_say_that_it_is_missing_and_time_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = [row for row in swarm_peers.rows() if row.name.endswith("vicsek of 10")]
    monkeypatch.setattr("experiments.bench.harness.find_spec", lambda name: None)
    found = measure_row(row, QUICK)
    assert found["ratio"] is None and found["ours_s"] > 0 and "make trainers" in found["note"]


def test_a_swarm_is_paced_with_actions_drawn_beforehand_and_with_a_rule() -> None:
    env = swarm_scaling.equal_density("vicsek", 3_000)
    for rule in (None, "turn"):
        found = swarm_scaling.pace(env, rule, QUICK)
        assert found.met and found.rate is not None and found.rate > 2 and "of 3,000 agents" in found.note
        memory = re.search(r"than ([\d.]+) GiB", found.note)
        assert memory is not None and 0 < float(memory[1]) < 10


def test_slow_swarms_do_not_meet_their_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swarm_scaling, "run_duel", lambda duel: Finding(Sample(0.51, 0.2), pairs=3))
    found = swarm_scaling.pace(swarm_scaling.equal_density("vicsek", 10), None, QUICK)
    assert found.met is False and found.rate == pytest.approx(1 / 0.51)


def test_costs_are_compared_turn_by_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice as dear in the middle turn, 1.4 times in the others; the largest swarm comes second in the order."""
    spent = iter([1.0, 1.4, 2.0, 1.0, 1.0, 1.4])
    monkeypatch.setattr(swarm_scaling, "sample", lambda side: (Sample(9.0, next(spent)), None))
    found = swarm_scaling.costs("aggregation", (20, 40), 3, QUICK)
    assert found.met and found.note.startswith("1.40 times") and found.pairs == 3
    assert "1000000000 for 20" in found.note and found.ours == Sample(9.0, 1.4)
    spent = iter([1.0, 1.6, 1.6, 1.0])
    assert swarm_scaling.costs("aggregation", (20, 40), 2, QUICK).met is False


def test_a_run_is_the_whole_command_and_a_tenth_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swarm, "STEPS", 80_000)
    monkeypatch.setattr(swarm, "ENV", "swarm:aggregation?agents=8&cells=3")
    (row,) = [row for row in swarm.every_row() if row.name.startswith("Dec-POMFPPO")]
    finding = row.measure(Setting(quick=True))
    assert "EXTRAPOLATED" in finding.note and "3 evaluations of 100 episodes" in finding.note
    assert finding.ours is not None and finding.met == (finding.ours.wall < 120)
    spent, rows = swarm.trained(4_000)
    assert spent.wall > 0 and rows[0]["steps"] == 0 and rows[-1]["steps"] >= 4_000
    assert record(row, Finding(Sample(130.0, 130.0), met=False))["met"] is False
