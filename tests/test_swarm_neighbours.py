"""Sums over neighbours on the torus: every way of finding them against numpy's all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.bench.numpy_swarm import order_seen, order_seen_tuned
from games.sims.swarm_kernels import TURN
from games.sims.swarm_neighbours import Neighbourhood


@pytest.mark.parametrize("agents", [1, 2, 3, 17, 64, 301])
@pytest.mark.parametrize("radius", [0.01, 0.1, 0.25, 0.49, 0.5, 0.62, 0.7072, 1.0])
def test_neighbour_sums_equal_numpy(agents: int, radius: float) -> None:
    rng = np.random.default_rng(agents)
    batch = 2
    positions = rng.random((batch, agents, 2))
    headings = rng.uniform(0, TURN, (batch, agents))
    wanted = order_seen(positions, headings, radius) * agents * np.exp(1j * headings)
    tuned = order_seen_tuned(positions, headings, radius) * agents * np.exp(1j * headings)
    np.testing.assert_allclose(tuned, wanted, atol=1e-10)
    at = np.concatenate([np.moveaxis(positions, 1, 2), headings[:, None]], axis=1)
    vectors = np.stack([np.cos(headings), np.sin(headings)], axis=1)
    ways = [Neighbourhood(agents, radius, cells, 0) for cells in (0, 1, 2, 3, 4, 5, 8, 13, 30)]
    ways += [Neighbourhood(agents, radius, 0, m) for m in (2, 3, 5, 8, 64) if 2 * (radius + 1 / m) < 0.999]
    for k, way in enumerate([*ways, Neighbourhood(agents, radius)]):
        out = np.full((batch, 2, agents), np.nan)
        where = np.array([True, k % 2 == 0])
        way.sum(at, vectors, where, out)
        np.testing.assert_allclose((out[:, 0] + 1j * out[:, 1])[where], wanted[where], atol=1e-10)
        assert np.isnan(out[~where]).all()


def test_neighbours_exactly_at_the_radius_and_on_cell_borders() -> None:
    grid = np.stack(np.meshgrid(np.arange(8) / 8, np.arange(8) / 8), axis=-1).reshape(1, -1, 2)
    vectors = np.stack([np.ones((1, 64)), np.zeros((1, 64))], axis=1)
    for radius, count in ((0.125, 5), (0.25, 13), (0.5, 47)):  # 49 in the plane, two pairs of which meet
        for cells, strips in ((0, 0), (4, 0), (8, 0), (16, 0), (0, 8), (0, 64)):
            if strips and radius == 0.5:
                continue
            out = np.empty((1, 2, 64))
            at = np.ascontiguousarray(np.moveaxis(grid, 1, 2))
            Neighbourhood(64, radius, cells, strips).sum(at, vectors, np.ones(1, dtype=bool), out)
            assert out[0, 0] == pytest.approx(count)


def test_cells_are_chosen_for_many_and_agree_with_pairs() -> None:
    rng = np.random.default_rng(3)
    at, heading = rng.random((1, 3, 5000)), rng.uniform(0, TURN, (1, 5000))
    at[0, 0, :2000] = 0.5 + 0.01 * rng.normal(size=2000)  # a crowd in a few cells
    vectors = np.stack([np.cos(heading), np.sin(heading)], axis=1)
    many, pairs = Neighbourhood(5000, 0.25), Neighbourhood(5000, 0.25, 0, 0)
    assert many.cells > 10 and Neighbourhood(1000, 0.25).strips > 10
    with pytest.raises(ValueError, match="too few"):
        Neighbourhood(100, 0.4, 0, 8)
    a, b = np.empty((1, 2, 5000)), np.empty((1, 2, 5000))
    many.sum(at, vectors, np.ones(1, dtype=bool), a)
    pairs.sum(at, vectors, np.ones(1, dtype=bool), b)
    np.testing.assert_allclose(a, b, atol=1e-9)
