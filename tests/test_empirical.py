"""Payoff tables: pooling, radii, games, files."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from games.confidence import empirical_bernstein, hoeffding, share_of_look
from games.empirical import PayoffTable, all_cells, symmetric_cells
from games.empirical_files import document_of, load_table, save_table
from games.errors import InputError


def _table(samples: list[np.ndarray], cells: np.ndarray, symmetric: bool, **more: object) -> PayoffTable:
    players = cells.shape[1]
    agents = int(cells.max()) + 1
    mean = np.array([part.mean(axis=0) for part in samples])
    return PayoffTable(
        tuple(f"seat {i}" for i in range(players)),
        (tuple(f"agent {k}" for k in range(agents)),) * players,
        cells,
        mean,
        np.array([((part - m) ** 2).sum(axis=0) for part, m in zip(samples, mean)]),
        np.array([len(part) for part in samples]),
        np.zeros(len(cells), dtype=bool),
        symmetric=symmetric,
        **{"low": np.zeros(players), "high": np.ones(players), "sources": ("one",), **more},  # type: ignore[arg-type]
    )


def _random(seed: int, symmetric: bool = False, sizes: tuple[int, int] = (5, 40)) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    cells = symmetric_cells(3, 2) if symmetric else all_cells((3, 3))
    return [rng.random((int(rng.integers(*sizes)), 2)) for _ in cells]


def test_the_spec_number_of_samples_for_hoeffding() -> None:
    """Samples for a radius with all entries at once, as computed independently for the specification."""
    for radius, entries, count in ((0.05, 9, 1178), (0.01, 9, 29431), (0.01, 45, 37478), (0.01, 800, 51868)):
        assert hoeffding(1.0, count, 0.05 / entries) <= radius < hoeffding(1.0, count - 1, 0.05 / entries)


def test_radii_by_hand() -> None:
    table = _table(_random(1), all_cells((3, 3)), symmetric=False)
    assert table.entries == 18
    n, v = table.count[:, None], table.variance
    each = 0.05 / 18
    assert np.allclose(table.radius(0.05, "hoeffding"), np.sqrt(np.log(2 / each) / (2 * n)))
    bernstein = np.sqrt(2 * v * np.log(4 / each) / n) + 7 * np.log(4 / each) / (3 * (n - 1))
    assert np.allclose(table.radius(0.05, "bernstein"), bernstein)
    half = replace(table)
    best = np.minimum(half.radius(0.025, "hoeffding"), half.radius(0.025, "bernstein"))
    assert np.allclose(table.radius(0.05), best)
    looked = replace(table, looks=3)
    assert np.allclose(looked.radius(0.05, "hoeffding"), table.radius(0.05 * 6 / (9 * np.pi**2), "hoeffding"))


def test_shares_of_looks_sum_to_one() -> None:
    assert sum(share_of_look(t) for t in range(1, 100_000)) == pytest.approx(1.0, abs=1e-4)
    assert share_of_look(0) == 1.0


def test_what_is_exact_or_known_has_no_radius_and_what_is_not_played_has_an_endless_one() -> None:
    table = _table(_random(2), all_cells((3, 3)), symmetric=False)
    exact, count = table.exact.copy(), table.count.copy()
    exact[0], count[1] = True, 0
    radius = replace(table, exact=exact, count=count).radius()
    assert (radius[0] == 0).all()
    assert np.isinf(radius[1]).all()
    assert np.isfinite(radius[2:]).all()
    assert np.isinf(replace(table, low=None, high=None).radius()).all()


def test_a_constant_sum_table_estimates_one_number_per_pair() -> None:
    samples = [np.column_stack([part[:, 0], 1 - part[:, 0]]) for part in _random(3, symmetric=True)]
    table = _table(samples, symmetric_cells(3, 2), symmetric=True, constant_sum=True)
    assert table.entries == 3  # pairs of different agents: K (K - 1) / 2
    radius = table.radius()
    same = table.cells[:, 0] == table.cells[:, 1]
    assert (radius[same] == 0).all()
    assert (radius[~same] > 0).all()


@given(st.integers(0, 1_000), st.integers(1, 30))
def test_merging_is_playing_on(seed: int, cut: int) -> None:
    samples = _random(seed, sizes=(32, 60))
    cells = all_cells((3, 3))
    whole = _table(samples, cells, symmetric=False)
    first = _table([part[:cut] for part in samples], cells, symmetric=False)
    second = _table([part[cut:] for part in samples], cells, symmetric=False, sources=("two",))
    both = first.merged(second)
    assert (both.count == whole.count).all()
    assert np.allclose(both.mean, whole.mean, rtol=1e-12)
    assert np.allclose(both.variance, whole.variance, rtol=1e-9)
    assert both.sources == ("one", "two")
    with pytest.raises(InputError, match="count twice"):
        both.merged(first)


@given(st.integers(0, 40), st.integers(0, 40))
def test_looks_of_merged_tables_leave_a_share_for_every_pair_of_stops(one: int, two: int) -> None:
    cells = all_cells((3, 3))
    first = replace(_table(_random(1), cells, symmetric=False), looks=one)
    second = replace(_table(_random(2), cells, symmetric=False, sources=("two",)), looks=two)
    share = share_of_look(first.merged(second).looks)
    assert share <= share_of_look(one) * share_of_look(two) * (1 + 1e-12)


def test_tables_of_other_games_are_not_merged() -> None:
    table = _table(_random(4), all_cells((3, 3)), symmetric=False)
    other = replace(table, sources=("two",), roles=("x", "y"))
    with pytest.raises(InputError, match="different roles"):
        table.merged(other)
    with pytest.raises(InputError, match="different ranges"):
        table.merged(replace(table, sources=("two",), high=np.full(2, 2.0)))
    exact = np.ones(9, dtype=bool)
    one, two = replace(table, exact=exact), replace(table, exact=exact, mean=table.mean + 1, sources=("two",))
    with pytest.raises(InputError, match="contradict"):
        one.merged(two)


def test_bootstrap_error_is_what_resampling_gives() -> None:
    part = np.random.default_rng(5).exponential(size=(30, 1))
    table = _table([part], np.zeros((1, 1), dtype=int), symmetric=False, high=np.full(1, 99.0))
    rng = np.random.default_rng(6)
    resampled = part[rng.integers(0, 30, size=(200_000, 30)), 0].mean(axis=1).std()
    assert table.bootstrap_error[0, 0] == pytest.approx(resampled, rel=0.01)
    assert table.standard_error[0, 0] == pytest.approx(part.std(ddof=1) / math.sqrt(30))


def test_a_symmetric_table_becomes_a_symmetric_game() -> None:
    rng = np.random.default_rng(7)
    cells = symmetric_cells(3, 3)
    samples = [rng.random((10, 3)) for _ in cells]
    for c, part in enumerate(samples):  # agents that are there twice are paid alike
        for a in set(cells[c].tolist()):
            mine = cells[c] == a
            part[:, mine] = part[:, mine].mean(axis=1, keepdims=True)
    game = _table(samples, cells, symmetric=True).game()
    assert game.shape == (3, 3, 3)
    for profile in np.ndindex(3, 3, 3):
        for order in ((1, 0, 2), (2, 1, 0), (1, 2, 0)):
            moved = tuple(profile[k] for k in order)
            assert np.allclose(
                game.payoffs[(slice(None), *moved)], game.payoffs[(slice(None), *profile)][list(order)]
            )
            assert np.allclose(
                game.radius[(slice(None), *moved)], game.radius[(slice(None), *profile)][list(order)]
            )


def test_a_symmetric_table_of_many_players_is_laid_out_by_profiles() -> None:
    """Not by the orders of players, of which there are 12! here."""
    cells = symmetric_cells(2, 12)
    rng = np.random.default_rng(9)
    samples = [np.where(cell == 0, *rng.random((2, 5, 1))) for cell in cells]
    table = _table(samples, cells, symmetric=True, high=np.ones(12))
    game = table.game()
    for profile in rng.integers(0, 2, (200, 12)):
        ones = int(profile.sum())  # the cell of so many of the second agent
        mean = table.mean[ones]
        expected = np.where(profile == 0, mean[0], mean[-1])
        assert np.allclose(game.payoffs[(slice(None), *profile)], expected)


def test_a_cell_that_is_not_listed_is_named() -> None:
    table = _table(_random(8)[:8], all_cells((3, 3))[:8], symmetric=False)
    with pytest.raises(InputError, match="agent 2 - agent 2 is not in the table"):
        table.game()


def test_leaving_agents_out_makes_no_bound_tighter(tmp_path: Path) -> None:
    """Who stays may have been chosen by the results."""
    table = _table(_random(3), all_cells((3, 3)), symmetric=False)
    left = table.without(["agent 1"]).without(["agent 0"])
    assert left.entries == table.entries == 18
    assert left.radius()[0].tolist() == table.radius()[8].tolist()
    save_table(left, tmp_path / "left.json")
    assert load_table(tmp_path / "left.json").entries == 18


def test_a_hole_is_named_and_can_be_left_out() -> None:
    table = _table(_random(8, symmetric=True), symmetric_cells(3, 2), symmetric=True)
    count = table.count.copy()
    count[4] = 0  # agent 1 against agent 2
    holed = replace(table, count=count)
    with pytest.raises(InputError, match="agent 1 - agent 2 was not played"):
        holed.game()
    left = holed.without(["agent 1"])
    assert left.populations[0] == ("agent 0", "agent 2")
    assert left.game().shape == (2, 2)
    assert np.array_equal(left.mean[1], table.mean[2])
    with pytest.raises(InputError, match="no agent 'nobody'"):
        table.without(["nobody"])
    with pytest.raises(InputError, match="nobody is left"):
        table.without(["agent 0", "agent 1", "agent 2"])


def test_files_keep_every_bit(tmp_path: Path) -> None:
    table = _table(_random(9), all_cells((3, 3)), symmetric=False, looks=2)
    save_table(table, tmp_path / "table.json")
    again = load_table(tmp_path / "table.json")
    assert document_of(again) == document_of(table)
    save_table(again, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "table.json").read_bytes()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": "x"}, "not a payoff table"),
        ({"version": 9}, "version 9"),
        ({"count": [1]}, "count"),
        ({"mean": "x"}, "damaged"),
        ({"cells": [[0, 7]] * 9}, "names an agent"),
        ({"cells": [[0, 0]] * 9}, "twice"),
        ({"roles": None}, "damaged"),
        ({"low": [0, 0], "high": None}, "both its ends"),
    ],
)
def test_damaged_files_get_a_sentence(tmp_path: Path, change: dict[str, object], told: str) -> None:
    document = document_of(_table(_random(10), all_cells((3, 3)), symmetric=False)) | change
    path = tmp_path / "table.json"
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=told):
        load_table(path)


def test_broken_files_get_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    for content, told in ((b"{", "not JSON"), (b"\xff\xfe", "UTF-8"), (b"[]", "not a payoff table")):
        path.write_bytes(content)
        with pytest.raises(InputError, match=told):
            load_table(path)
    with pytest.raises(InputError, match="cannot read"):
        load_table(tmp_path / "none.json")


def test_bernstein_needs_two_samples_and_hoeffding_one() -> None:
    assert math.isinf(hoeffding(1.0, 0, 0.05))
    assert math.isinf(empirical_bernstein(1.0, 0.0, 1, 0.05))
    assert np.isfinite(empirical_bernstein(1.0, 0.0, 2, 0.05))


@pytest.mark.parametrize("delta", [0.0, 1.0, -1.0, math.nan])
def test_bad_deltas_are_refused(delta: float) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        _table(_random(1), all_cells((3, 3)), symmetric=False).radius(delta)
