"""Lower-level policies of swarms against direct formulas, moments of what they draw, and their Lipschitz constant."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games import make_env
from games.errors import InputError
from games.streams import ACT, Streams
from games.swarm_rules import NARROWEST, RuleFamily, Rules, Sight, sight_of

BOX = Sight((-2.0, -2.0), (2.0, 2.0), (False, False))
FAMILIES = ("histogram", "mixture", "interpolation")


def family(
    name: str, points: int = 3, bandwidth: float = 0.5, sight: Sight = BOX, parts: int = 2
) -> RuleFamily:
    return RuleFamily(name, sight, points, bandwidth, (-1.0,) * parts, (1.0,) * parts)  # type: ignore[arg-type]


def drawn(chosen: RuleFamily, rules: Rules, seen: Any, count: int) -> Any:
    """`count` actions of agents that all see the same."""
    streams = Streams.from_seeds(np.array([3], dtype=np.uint64), ACT, agents=count)
    everybody = np.broadcast_to(np.asarray(seen, dtype=np.float32), (1, count, len(seen)))
    return chosen.act(Rules(rules.means[None, None], rules.spreads[None, None]), everybody, streams)[0]


def test_the_grid_is_cell_centres_and_the_last_coordinate_runs_fastest() -> None:
    grid = family("mixture", points=2).centres
    assert grid.tolist() == [[-1, -1], [-1, 1], [1, -1], [1, 1]]


@pytest.mark.parametrize("name", FAMILIES)
def test_all_families_take_the_same_numbers(name: str) -> None:
    chosen = family(name)
    assert (chosen.count, chosen.size) == (9, 36)


def test_vectors_become_means_and_spreads_as_the_specification_says() -> None:
    xi = np.random.default_rng(0).normal(size=(5, 36)) * 3
    rules = family("mixture").rules(xi)
    for k in range(5):
        for b in range(9):
            for j in range(2):
                location, spread = xi[k, (b * 2 + j) * 2], xi[k, (b * 2 + j) * 2 + 1]
                assert rules.means[k, b, j] == pytest.approx(-1 + 2 * (math.tanh(location) + 1) / 2)
                assert rules.spreads[k, b, j] == pytest.approx(max((math.tanh(spread) + 1) / 4, NARROWEST))


@pytest.mark.parametrize("bandwidth", [0.3, 0.5, 1.0])
def test_kernel_weights_are_those_of_the_gaussian_kernel_in_the_plane(bandwidth: float) -> None:
    chosen = family("mixture", points=5, bandwidth=bandwidth)
    seen = np.random.default_rng(1).uniform(-2.5, 2.5, (50, 2))
    sigma = bandwidth * 4 / 5
    direct = np.exp(-((seen[:, None] - chosen.centres) ** 2).sum(axis=-1) / (2 * sigma**2))
    direct /= direct.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(chosen.weights(seen), direct, atol=1e-12)


def test_kernels_close_around_a_circle() -> None:
    chosen = RuleFamily("mixture", Sight((-math.pi,), (math.pi,), (True,)), 4, 0.5, (-1.0,), (1.0,))
    weights = chosen.weights([[-math.pi], [math.pi], [3 * math.pi]])
    np.testing.assert_allclose(weights[0], weights[1])
    np.testing.assert_allclose(weights[0], weights[2])
    assert weights[0, 0] == pytest.approx(weights[0, 3])


@given(st.integers(1, 6), st.floats(0.05, 3), st.tuples(st.floats(-50, 50), st.floats(-50, 50)))
def test_weights_sum_to_one_however_far_away(
    points: int, bandwidth: float, seen: tuple[float, float]
) -> None:
    for name in FAMILIES:
        weights = family(name, points, bandwidth).weights(seen)
        assert weights.min() >= 0 and weights.sum() == pytest.approx(1)


def test_narrow_kernels_are_a_histogram_away_from_borders() -> None:
    seen = np.random.default_rng(2).uniform(-2, 2, (400, 2))
    to_border = np.abs((seen + 2) % (4 / 3))
    inside = (np.minimum(to_border, 4 / 3 - to_border) > 0.05).all(axis=1)
    narrow = family("mixture", bandwidth=0.02).weights(seen)
    np.testing.assert_allclose(narrow[inside], family("histogram").weights(seen)[inside], atol=1e-6)
    assert inside.sum() > 200


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_drawn_has_the_moments_of_the_family(name: str) -> None:
    chosen, count = family(name), 200_000
    rules = chosen.rules(np.random.default_rng(3).normal(size=36))
    seen = [0.61, -1.1]
    weights = chosen.weights(seen)[:, None]
    if name == "interpolation":
        mean, variance = (weights * rules.means).sum(axis=0), (weights * rules.spreads).sum(axis=0) ** 2
    else:
        mean = (weights * rules.means).sum(axis=0)
        variance = (weights * (rules.spreads**2 + rules.means**2)).sum(axis=0) - mean**2
    actions = drawn(chosen, rules, seen, count)
    error = np.sqrt(variance / count)
    assert (np.abs(actions.mean(axis=0) - mean) < 5 * error).all()
    np.testing.assert_allclose(actions.var(axis=0), variance, rtol=0.02)


def test_a_mixture_is_not_normal_and_an_interpolation_is() -> None:
    """Half way between two points with opposite means a mixture does either, an interpolation what is between."""
    sight = Sight((-1.0,), (1.0,), (False,))
    rules = Rules(np.array([[-0.9], [0.9]]), np.full((2, 1), 0.01))
    mixed = drawn(family("mixture", 2, 0.5, sight, 1), rules, [0.0], 2000)
    between = drawn(family("interpolation", 2, 0.5, sight, 1), rules, [0.0], 2000)
    assert np.abs(np.abs(mixed) - 0.9).max() < 0.06 and 0.45 < (mixed > 0).mean() < 0.55
    assert np.abs(between).max() < 0.06


@pytest.mark.parametrize("name", FAMILIES)
def test_greedy_agents_take_the_mean_and_draw_nothing(name: str) -> None:
    chosen = family(name)
    rules = chosen.rules(np.random.default_rng(4).normal(size=36))
    seen = np.random.default_rng(5).uniform(-2.2, 2.2, (3, 7, 2)).astype(np.float32)
    streams = Streams.from_seeds(np.arange(3, dtype=np.uint64), ACT, agents=7)
    before = streams.state.copy()
    shared = Rules(*(np.broadcast_to(part, (3, 1, 9, 2)) for part in rules))
    actions = chosen.act(shared, seen, streams, greedy=True)
    np.testing.assert_array_equal(streams.state, before)
    wanted = np.einsum("bnm,mj->bnj", chosen.weights(seen.astype(float)), rules.means)
    np.testing.assert_allclose(actions, wanted, atol=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
def test_each_agent_may_have_a_rule_of_its_own(name: str) -> None:
    chosen, rng = family(name), np.random.default_rng(6)
    rules = chosen.rules(rng.normal(size=(2, 5, 36)))
    seen = rng.uniform(-2, 2, (2, 5, 2)).astype(np.float32)
    streams = Streams.from_seeds(np.arange(2, dtype=np.uint64), ACT, agents=5)
    together = chosen.act(rules, seen, Streams(streams.state.copy()))
    for i in range(5):
        one = Rules(*(part[:, i : i + 1] for part in rules))
        alone = chosen.act(one, seen[:, i : i + 1], streams.agents(slice(i, i + 1)))
        np.testing.assert_array_equal(alone[:, 0], together[:, i])


def test_further_coordinates_such_as_a_clock_do_not_matter() -> None:
    chosen = family("interpolation")
    rules = Rules(*(part[None, None] for part in chosen.rules(np.random.default_rng(7).normal(size=36))))
    seen = np.random.default_rng(8).uniform(-2, 2, (1, 6, 3)).astype(np.float32)
    streams = Streams.from_seeds(np.zeros(1, dtype=np.uint64), ACT, agents=6)
    first = chosen.act(rules, seen, Streams(streams.state.copy()))
    np.testing.assert_array_equal(first, chosen.act(rules, seen[..., :2].copy(), streams))


@settings(max_examples=200)
@given(
    st.tuples(st.floats(-2, 2), st.floats(-2, 2)),
    st.tuples(st.floats(-2, 2), st.floats(-2, 2)),
    st.floats(0.2, 1.5),
)
def test_no_mixture_changes_faster_than_its_lipschitz_constant(
    one: tuple[float, float], other: tuple[float, float], bandwidth: float
) -> None:
    """W1 of two mixtures of the same laws is at most diam(U) / 2 times the total change of weights."""
    chosen = family("mixture", bandwidth=bandwidth)
    change = np.abs(chosen.weights(one) - chosen.weights(other)).sum()
    apart = float(np.hypot(one[0] - other[0], one[1] - other[1]))
    assert math.hypot(2, 2) / 2 * change <= chosen.lipschitz * apart + 1e-9


def test_histograms_have_no_lipschitz_constant() -> None:
    assert family("histogram").lipschitz == math.inf
    border = -2 + 4 / 3
    weights = family("histogram").weights([[border - 1e-9, 0.0], [border + 1e-9, 0.0]])
    assert np.abs(weights[0] - weights[1]).sum() == 2


def test_the_grid_covers_what_a_swarm_shows() -> None:
    assert sight_of(make_env("swarm:aggregation?box=3").spec) == Sight((-3, -3), (3, 3), (False, False))
    assert sight_of(make_env("swarm:kuramoto").spec) == Sight((-1, -1), (1, 1), (False, False))
    polar = sight_of(make_env("swarm:vicsek?observe=polar").spec)
    assert polar.periodic == (False, True) and polar.high[0] == pytest.approx(math.pi / 16)
    with pytest.raises(InputError, match="is not a swarm"):
        sight_of(make_env("zoo:chicken").spec)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"family": "spline"}, "a family of rules is histogram, mixture, interpolation, not 'spline'"),
        ({"points": 0}, "at least 1 point along each coordinate"),
        ({"bandwidth": 0.0}, "a bandwidth from 1e-6 to 1e6"),
        ({"bandwidth": 1e155}, "a bandwidth from 1e-6 to 1e6"),
        ({"spread": 0.0}, "a spread of at least 0.001"),
        ({"high": (math.inf, 1.0)}, "rules need bounded actions"),
    ],
)
def test_bad_families_are_refused(changed: dict[str, Any], told: str) -> None:
    fields: dict[str, Any] = {
        "family": "mixture",
        "sight": BOX,
        "points": 3,
        "bandwidth": 0.5,
        "low": (-1.0, -1.0),
        "high": (1.0, 1.0),
    }
    with pytest.raises(InputError, match=told):
        RuleFamily(**(fields | changed))
