"""The payoff table of a tournament against matches that are played again one by one, and what is claimed of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.tournament.engine import Labour
from experiments.tournament.plan import Task, matches_of
from experiments.tournament.results import Results
from experiments.tournament.run import play
from experiments.tournament.spec import Spec, spec_of
from experiments.tournament.worker import Worker
from games.errors import InputError
from games.play import play_episodes
from games.policy import Independent

CONSTANT = """EFG 2 R "a constant sum of one" { "A" "B" } ""
p "" 1 1 "" { "l" "r" } 0
t "" 1 "" { 0.25, 0.75 }
p "" 2 1 "" { "l" "r" } 0
t "" 2 "" { 0, 1 }
t "" 3 "" { 1, 0 }
"""


def _run(document: dict[str, Any]) -> tuple[Spec, Worker, Results]:
    spec = spec_of({"exact": False, **document}, "test")
    worker = Worker.of(spec)
    return spec, worker, play(spec, worker, None, Labour()).results


@pytest.mark.parametrize(
    "document",
    [
        {"env": "repeated:chicken?rounds=7&noise=0.1", "agents": ["tit-for-tat", "random", "defector"]},
        {"env": "repeated:battle-of-the-sexes?rounds=5&continuation=0.8", "agents": ["random", "cooperator"]},
        {"env": "repeated:public-goods?rounds=3", "agents": ["random", "fictitious-play", "best-reply"]},
        {
            "env": "repeated:public-goods?rounds=3&noise=0.2",
            "roles": {
                "few": {"seats": ["Player 3"], "agents": ["random", "best-reply"]},
                "many": {"seats": ["Player 4", "Player 1", "Player 2"], "agents": ["fictitious-play", "random"]},
            },
        },
    ],
    ids=["alike", "seats swapped", "four players", "roles"],
)  # fmt: skip
def test_every_mean_is_that_of_matches_played_one_by_one(document: dict[str, Any]) -> None:
    spec, worker, results = _run({**document, "matches": 3})
    env, shape, table = worker.casting.env, worker.casting.table, results.table
    seeds = None
    for c, cell in enumerate(table.cells.tolist()):
        drawn = matches_of(shape, spec.seed, [Task(c, 0, 3, 0)])
        own: dict[tuple[int, int], list[float]] = {}
        for m, sample in enumerate(drawn.sample.tolist()):
            seated = shape.seated(drawn.places[m : m + 1])[0]
            team = Independent(
                env.spec, {name: worker.casting.cast[seated[i]][i] for i, name in enumerate(env.spec.agents)}
            )
            paid = play_episodes(env, team, drawn.seeds[m : m + 1], drawn.acts[m : m + 1]).returns[0]
            for role, seats in enumerate(shape.seats):
                who = int(drawn.places[m, role]) if shape.symmetric else role
                own.setdefault((sample, who), []).append(float(np.mean([paid[i] for i in seats])))
        for role in range(len(table.roles)):
            who = cell[role] if shape.symmetric else role
            samples = [np.mean(own[k, who]) for k in range(3)]
            assert table.mean[c, role] == pytest.approx(np.mean(samples), rel=1e-12)
            assert table.variance[c, role] == pytest.approx(np.var(samples, ddof=1), rel=1e-9, abs=1e-12)
        environment = {int(k): int(s) for k, s in zip(drawn.sample, drawn.seeds)}
        assert seeds in (None, environment)  # common random numbers
        seeds = environment
        assert len(set(drawn.acts.tolist())) == 3


def test_play_that_is_cut_off_has_no_constant_sum(tmp_path: Path) -> None:
    """Who is cut off is paid nothing: then neither is the other's payoff known, nor that against oneself."""
    (tmp_path / "one.efg").write_text(CONSTANT)
    agents, env = {"a": "random", "b": "random"}, str(tmp_path / "one.efg")
    whole = _run({"env": env, "agents": agents, "matches": 40})[2].table
    assert whole.constant_sum
    assert np.allclose(whole.mean.sum(axis=1), 1.0)
    cut = _run({"env": env, "agents": agents, "matches": 40, "max_steps": 1})[2].table
    assert not cut.constant_sum
    assert (cut.radius() > 0).all()
    assert np.ptp(cut.mean.sum(axis=1)) > 0
    assert cut.low is not None
    assert cut.low.tolist() == [0.0, 0.0]


def test_matches_that_are_cut_off_pay_for_the_rounds_that_were_played() -> None:
    agents = ["random", "defector"]
    cut = _run({"env": "repeated:deadlock?rounds=8", "agents": agents, "matches": 50, "max_steps": 3})[2]
    short = _run({"env": "repeated:deadlock?rounds=3", "agents": agents, "matches": 50})[2]
    assert np.array_equal(cut.table.mean, short.table.mean)
    assert np.array_equal(cut.table.radius(), short.table.radius())
    ended = _run({"env": "repeated:deadlock?rounds=8&continuation=0.5", "agents": agents, "matches": 50})[2]
    assert ended.table.low is not None and ended.table.high is not None
    assert ended.table.high[0] == 8 / 3 * cut.table.high[0]


def test_matches_of_a_longer_tournament_under_the_same_seed_do_not_count_twice() -> None:
    document = {"env": "repeated:chicken?rounds=7&noise=0.1", "agents": ["random", "defector"]}
    short, long, other = (
        _run({**document, **more})[2].table
        for more in ({"matches": 10}, {"matches": 20}, {"matches": 20, "seed": 1})
    )
    with pytest.raises(InputError, match="count twice"):
        short.merged(long)
    assert short.merged(other).count.tolist() == [30, 30, 30]
