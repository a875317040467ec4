"""Which matches are played: every sample once, under seeds that neither jobs nor other agents change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.tournament import plan
from experiments.tournament.casting import Table, table_of
from experiments.tournament.plan import Drawn, Job, jobs_of, matches_of
from experiments.tournament.spec import spec_of
from games.env_uris import make_env

PENNIES, CHICKEN = make_env("zoo:matching-pennies"), make_env("zoo:chicken")
FIVE = make_env("zoo:random?shape=2x2x2x2x2&seed=1")


def symmetric(env: Any, *names: str) -> Table:
    document = {"env": "x", "agents": dict.fromkeys(names, "random")}
    return table_of(spec_of(document, "x"), env)


def drawn(table: Table, jobs: list[Job], seed: int = 7) -> Drawn:
    parts = [matches_of(table, seed, job.tasks) for job in jobs]
    return Drawn(*(np.concatenate([getattr(p, name) for p in parts]) for name in Drawn.__dataclass_fields__))


def cut(table: Table, wanted: list[tuple[int, int, int]], size: int) -> tuple[list[Job], int]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "MATCHES_PER_JOB", size)
        return jobs_of(table, wanted, 1, 4, 100)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40), st.integers(1, 60)), min_size=1, max_size=5, unique_by=lambda w: w[0]),
    st.integers(1, 50),
    st.booleans(),
)  # fmt: skip
def test_jobs_cover_every_sample_once(wanted: list[tuple[int, int, int]], size: int, swapped: bool) -> None:
    table = symmetric(PENNIES if swapped else CHICKEN, "a", "b", "c")
    jobs, after = cut(table, wanted, size)
    found = [(t.cell, s) for job in jobs for t in job.tasks for s in range(t.first, t.first + t.count)]
    assert found == [(cell, s) for cell, first, count in wanted for s in range(first, first + count)]
    assert [job.number for job in jobs] == list(range(4, 4 + len(jobs)))
    matches = drawn(table, jobs)
    assert matches.match.tolist() == list(range(100, after))
    most = max(len(table.seatings(cell)) for cell, _, _ in wanted)
    assert all(len(matches_of(table, 7, job.tasks).match) <= max(size, most) for job in jobs)


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([PENNIES, CHICKEN, FIVE]))
def test_seeds_do_not_depend_on_how_work_is_cut(one: int, two: int, env: Any) -> None:
    table = symmetric(env, "a", "b", "c", "d", "e")
    wanted = [(c, 3, 17) for c in range(0, len(table.cells), max(1, len(table.cells) // 6))]
    first, second = (drawn(table, cut(table, wanted, size)[0]) for size in (one, two))
    for name in Drawn.__dataclass_fields__:
        assert np.array_equal(getattr(first, name), getattr(second, name))


def test_later_rounds_continue_where_earlier_ones_stopped() -> None:
    table = symmetric(PENNIES, "a", "b")
    whole = drawn(table, cut(table, [(1, 0, 30)], 7)[0])
    parts = [drawn(table, cut(table, [(1, first, 10)], 4)[0]) for first in (0, 10, 20)]
    for name in ("sample", "places", "seeds", "acts"):
        assert np.array_equal(np.concatenate([getattr(p, name) for p in parts]), getattr(whole, name))


def test_environment_seeds_are_common_and_agents_seeds_are_not() -> None:
    table = symmetric(CHICKEN, "a", "b", "c")
    cells = [drawn(table, cut(table, [(c, 0, 50)], 64)[0]) for c in range(len(table.cells))]
    for cell in cells[1:]:
        assert np.array_equal(cell.seeds, cells[0].seeds)
    acts = np.concatenate([cell.acts for cell in cells])
    assert len(np.unique(acts)) == len(acts) and len(np.unique(cells[0].seeds)) == 50
    assert not set(acts.tolist()) & set(cells[0].seeds.tolist())
    assert (acts < 2**63).all()


def test_all_seatings_of_a_sample_share_their_seeds() -> None:
    table = symmetric(PENNIES, "a", "b")
    found = drawn(table, cut(table, [(1, 0, 20)], 64)[0])
    assert found.places.reshape(20, 2, 2).tolist() == [[[0, 1], [1, 0]]] * 20
    for seeds in (found.seeds, found.acts):
        assert (seeds.reshape(20, 2)[:, 0] == seeds.reshape(20, 2)[:, 1]).all()


def test_another_seed_changes_everything() -> None:
    table = symmetric(CHICKEN, "a", "b")
    jobs, _ = cut(table, [(1, 0, 20)], 64)
    one, two = drawn(table, jobs, 1), drawn(table, jobs, 2)
    assert not set(one.seeds.tolist()) & set(two.seeds.tolist())
    assert not set(one.acts.tolist()) & set(two.acts.tolist())


@pytest.mark.parametrize("env", [CHICKEN, PENNIES, FIVE])
def test_another_agent_leaves_the_other_cells_alone(env: Any) -> None:
    small, large = symmetric(env, "a", "b"), symmetric(env, "new", "a", "b")
    places = {small.key(c): c for c in range(len(small.cells))}
    for c in range(len(large.cells)):
        if large.key(c) not in places:
            assert 0 in large.cells[c]
            continue
        before = drawn(small, cut(small, [(places[large.key(c)], 0, 25)], 8)[0])
        after = drawn(large, cut(large, [(c, 0, 25)], 30)[0])
        assert np.array_equal(before.seeds, after.seeds) and np.array_equal(before.acts, after.acts)
        assert np.array_equal(before.places + 1, after.places)  # the same agents have moved up by one


def test_drawn_seatings_are_fair_and_permute_the_cell() -> None:
    table = symmetric(FIVE, "a", "b", "c", "d", "e")
    cell = next(c for c, agents in enumerate(table.cells.tolist()) if agents == [0, 1, 2, 3, 4])
    places = drawn(table, cut(table, [(cell, 0, 2000)], 512)[0]).places
    assert (np.sort(places, axis=1) == np.arange(5)).all()
    # each agent sits on each seat 400 times of 2000 on average; 5 standard deviations are 90
    counts = np.array([[(places[:, seat] == agent).sum() for seat in range(5)] for agent in range(5)])
    assert np.abs(counts - 400).max() < 90
