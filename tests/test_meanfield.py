"""Mean-field models and the limits of swarms against loops, closed forms, large swarms and rates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.swarm_convergence import measure_convergence
from games import make_env
from games.errors import InputError
from games.laws import check_env
from games.meanfield import MeanFieldModel, swarm_limit, swarm_surrogate, to_env
from games.play import play_episodes
from games.policy import Independent, Tabular
from games.sims.swarm_limits import AggregationLimit, deposit, noise_matrix
from games.streams import draw_seeds
from games.swarm_policies import POLICIES, Rule


def infections(mu: Any) -> Any:
    """P(x' | x, u, mu): healthy 0 or ill 1; out 0 or at home 1; who goes out meets the ill."""
    table = np.zeros((len(mu), 2, 2, 2))
    for u, contact in enumerate((0.8, 0.1)):
        table[:, 0, u, 1] = contact * mu[:, 1]
        table[:, 0, u, 0] = 1 - contact * mu[:, 1]
        table[:, 1, u] = (0.3, 0.7)
    return table


def epidemic(**changes: Any) -> MeanFieldModel:
    parts: dict[str, Any] = {
        "initial": [0.6, 0.4],
        "transition": infections,
        "reward": np.array([[0.0, -0.5], [-1.0, -1.5]]),
        "horizon": 30,
        "title": "epidemic",
    }
    return MeanFieldModel(**{**parts, **changes})


def random_model(seed: int, *, laws: bool) -> tuple[MeanFieldModel, Any]:
    """A model with X = 3, U = 2, Y = 4 whose parts depend on the mean field if `laws`, and a policy for each step."""
    rng = np.random.default_rng(seed)
    base, tilt = rng.random((3, 2, 3)) + 0.1, rng.random((3, 2, 3, 3)) * laws
    sight, blur = rng.random((3, 4)) + 0.1, rng.random((3, 4, 3)) * laws
    pay, crowd = rng.normal(size=(3, 2)), rng.normal(size=(3, 2, 3)) * laws

    def transition(mu: Any) -> Any:
        table = base + np.einsum("xuzk,bk->bxuz", tilt, mu)
        return table / table.sum(axis=-1, keepdims=True)

    def observation(mu: Any) -> Any:
        table = sight + np.einsum("xyk,bk->bxy", blur, mu)
        return table / table.sum(axis=-1, keepdims=True)

    def reward(mu: Any, nu: Any) -> Any:
        return pay + np.einsum("xuk,bk->bxu", crowd, mu) + laws * nu

    model = MeanFieldModel(rng.dirichlet(np.ones(3)), transition, reward, 5, observation, discount=0.9)
    return model, rng.dirichlet(np.ones(2), size=(5, 4))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_a_flow_is_what_the_loops_say(seed: int, laws: bool) -> None:
    model, policy = random_model(seed, laws=laws)
    flow = model.flow(policy)
    mu, value = model.initial.tolist(), 0.0
    for t in range(5):
        row = np.array([mu])
        see, move = model.observations(row)[0], model.transitions(row)[0]
        nu = [
            [mu[x] * sum(see[x, y] * policy[t, y, u] for y in range(4)) for u in range(2)] for x in range(3)
        ]
        pay = model.rewards(row, np.array([nu]))[0]
        np.testing.assert_allclose(flow.states[t], mu, atol=1e-12)
        np.testing.assert_allclose(flow.joint[t], nu, atol=1e-12)
        earned = sum(nu[x][u] * pay[x, u] for x in range(3) for u in range(2))
        assert flow.rewards[t] == pytest.approx(earned, abs=1e-12)
        value += 0.9**t * earned
        mu = [sum(nu[x][u] * move[x, u, z] for x in range(3) for u in range(2)) for z in range(3)]
    np.testing.assert_allclose(flow.states[5], mu, atol=1e-12)
    assert flow.value == pytest.approx(value)


def test_laws_are_stepped_many_at_once() -> None:
    model = epidemic()
    mu = np.random.default_rng(0).dirichlet(np.ones(2), size=6)
    rule = np.random.default_rng(1).dirichlet(np.ones(2), size=(6, 2))
    after, nu, reward = model.step(mu, rule)
    for b in range(6):
        one = model.step(mu[b : b + 1], rule[b])
        np.testing.assert_allclose(after[b], one[0][0])
        np.testing.assert_allclose(nu[b], one[1][0])
        assert reward[b] == pytest.approx(one[2][0])


def test_the_epidemic_settles_where_it_must() -> None:
    """If all stay out, I' = 0.7 I + 0.8 I (1 - I) rests at I = 1 - 0.3 / 0.8."""
    flow = epidemic(horizon=200).flow([[1, 0], [1, 0]])
    assert flow.states[-1, 1] == pytest.approx(0.625, abs=1e-9)
    assert flow.rewards[-1] == pytest.approx(-0.625, abs=1e-9)


@pytest.mark.parametrize("common", [False, True])
def test_games_of_many_agents_keep_the_laws(common: bool) -> None:
    model, _ = random_model(5, laws=True)
    assert len(check_env(to_env(model, 4, common_reward=common), steps=8, batch=3)) > 10
    assert len(check_env(to_env(epidemic(), 1), steps=8, batch=2)) > 10


def test_agents_follow_the_kernels() -> None:
    """One agent, parts that do not depend on the mean field: frequencies of what it sees, does and earns."""
    model, policy = random_model(3, laws=False)
    flow = model.flow(policy[0])
    env = to_env(model, 1)
    episodes = play_episodes(
        env,
        Independent(env.spec, Tabular(policy[0])),
        draw_seeds(np.random.default_rng(0), 20_000),
        batch=20_000,
    )
    error = episodes.returns.std() / math.sqrt(20_000)
    assert episodes.returns.mean() == pytest.approx(flow.rewards.sum(), abs=4 * error)


def test_n_agent_returns_come_to_the_flow_like_the_square_root() -> None:
    model, rule = epidemic(), np.array([[0.4, 0.6], [0.9, 0.1]])
    limit = model.flow(rule).rewards.sum()
    sizes, deviations = (30, 100, 300, 1000, 3000), []
    for n in sizes:
        env = to_env(model, n, common_reward=True)
        seeds = draw_seeds(np.random.default_rng(n), 300)
        returns = play_episodes(env, Independent(env.spec, Tabular(rule)), seeds).returns[:, 0]
        deviations.append(np.abs(returns - limit).mean())
        error = returns.std() / math.sqrt(300)
        assert returns.mean() == pytest.approx(limit, abs=3.5 * error + 30 / n)
    slope = np.polyfit(np.log(sizes), np.log(deviations), 1)[0]
    assert -0.6 < slope < -0.4


def test_own_rewards_average_to_the_common_one() -> None:
    model, rule = epidemic(), np.full((2, 2), 0.5)
    one, two = to_env(model, 20), to_env(model, 20, common_reward=True)
    seeds = draw_seeds(np.random.default_rng(0), 5)
    own = play_episodes(one, Independent(one.spec, Tabular(rule)), seeds).returns
    shared = play_episodes(two, Independent(two.spec, Tabular(rule)), seeds).returns
    np.testing.assert_allclose(np.repeat(own.mean(axis=1, keepdims=True), 20, axis=1), shared)
    assert own.std(axis=1).min() > 0


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"initial": [0.5, 0.6]}, "initial must hold probabilities"),
        ({"initial": [[1.0]]}, "initial must be float64"),
        ({"initial": []}, "initial must be float64"),
        ({"transition": np.ones((2, 2, 2))}, "transition must hold probabilities"),
        ({"transition": np.full((2, 2, 3), 1 / 3)}, "transition has shape"),
        ({"transition": np.full((2, 2), 0.5)}, "transition has shape"),
        ({"reward": np.zeros((2, 3))}, "reward has shape"),
        ({"reward": np.full((2, 2), np.nan)}, "not finite"),
        ({"observation": np.full((3, 2), 0.5)}, "observation has shape"),
        ({"observation": np.full((2, 2), 0.4)}, "observation must hold probabilities"),
        ({"horizon": 0}, "horizon must be at least 1"),
        ({"discount": 1.5}, "discount"),
    ],
)
def test_bad_models_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        epidemic(**changes)


def test_bad_policies_and_late_mistakes_are_refused() -> None:
    with pytest.raises(InputError, match="a policy is float64"):
        epidemic().flow(np.full((3, 2), 0.5))
    with pytest.raises(InputError, match="the policy must hold probabilities"):
        epidemic().flow(np.full((2, 2), 0.6))
    with pytest.raises(InputError, match="at least one agent"):
        to_env(epidemic(), 0)

    def wrong_later(mu: Any) -> Any:
        table = infections(mu)
        table[mu[:, 1] > 0.5, 0, 0, 0] += 0.1
        return table

    with pytest.raises(InputError, match="epidemic: transition must hold probabilities"):
        epidemic(transition=wrong_later).flow([[1, 0], [1, 0]])


def test_models_keep_their_own_arrays() -> None:
    reward = np.zeros((2, 2))
    model = epidemic(reward=reward)
    reward[0, 0] = 99
    assert model.rewards(model.initial[None], np.zeros((1, 2, 2))).max() == 0
    with pytest.raises(ValueError):
        model.initial[0] = 1


def lower(uri: str, rule: str) -> Any:
    policy = POLICIES[rule](make_env(uri).spec)
    assert isinstance(policy, Rule)
    return lambda seen, time: policy.act(seen)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(2, 30), min_size=1, max_size=20))
def test_deposits_keep_mass_mean_and_second_moment(positions: list[float]) -> None:
    place = np.array(positions)
    centre, weights = deposit(place)
    at = centre[:, None] + np.arange(-1, 2)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    np.testing.assert_allclose((weights * at).sum(axis=1), place)
    np.testing.assert_allclose((weights * at**2).sum(axis=1), place**2)


def test_noise_keeps_mass_at_the_walls() -> None:
    points = np.linspace(-2, 2, 161)
    matrix = noise_matrix(points, 0.04)
    np.testing.assert_allclose(matrix.sum(axis=1), 1)
    assert matrix[0, 0] == pytest.approx(0.5, abs=0.15)  # half of it, and what stays within half a step
    middle = matrix[80]
    assert middle @ points == pytest.approx(0, abs=1e-12)
    assert middle @ points**2 == pytest.approx(0.04**2, rel=1e-6)


def test_the_aggregation_limit_agrees_with_a_large_swarm() -> None:
    """The specification measured -31.60 +- 0.03 with N = 20,000; 0.8 million agents here gave -31.615 +- 0.009."""
    uri = "swarm:aggregation"
    limit = swarm_limit(make_env(uri)).flow(lower(uri, "centre"))
    assert limit.value == pytest.approx(-31.61, abs=0.03)
    assert limit.fields.shape == (101, 121, 121)
    np.testing.assert_allclose(limit.fields.sum(axis=(1, 2)), 1, atol=1e-9)
    swarm = swarm_surrogate(make_env(uri), 20_000, seed=1).flow(lower(uri, "centre"))
    np.testing.assert_allclose(swarm.rewards, limit.rewards, atol=0.03)
    assert swarm.value == pytest.approx(limit.value, abs=0.3)


def test_aggregation_with_random_actions_and_walls() -> None:
    """A random choice among actions, on a coarse grid with wide noise, against a swarm of 40,000."""
    env = make_env(
        "swarm:aggregation?sigma_x=0.1&sigma_y=0.1&v=0.3&horizon=15&init=normal&variance=0.2&shift=0.5"
    )

    def policy(seen: Any, time: int) -> Any:
        push = np.stack([np.stack([np.full(len(seen), 0.9), seen[:, 0]], -1), -seen], axis=1)
        return push, np.tile([0.25 + 0.02 * time, 0.75 - 0.02 * time], (len(seen), 1))

    limit = swarm_limit(env, points=61).flow(policy)
    swarm = swarm_surrogate(env, 40_000, seed=3).flow(policy)
    np.testing.assert_allclose(limit.rewards, swarm.rewards, atol=0.012)


def test_headings_that_nobody_turns_diffuse() -> None:
    """R_t = I1(kappa) / I0(kappa) exp(-sigma^2 t / 2): exactly the return of the limit."""
    x = np.linspace(-math.pi, math.pi, 20_001)[:-1]
    weight = np.exp(0.5 * np.cos(x))
    order = (weight * np.cos(x)).sum() / weight.sum()
    for sigma, wanted in ((0.02, -75.99), (0.0, -75.75)):
        env = make_env("swarm:kuramoto", kappa=0.5, sigma_phi=sigma)
        value = swarm_limit(env).flow(lower("swarm:kuramoto", "zero")).value
        exact = -sum(1 - order * math.exp(-(sigma**2) * t / 2) for t in range(100))
        assert value == pytest.approx(exact, abs=1e-9)
        assert value == pytest.approx(wanted, abs=0.01)


def test_uniform_headings_never_order_in_the_limit() -> None:
    limit = swarm_limit(make_env("swarm:vicsek")).flow(lower("swarm:vicsek", "lean"))
    assert limit.value == pytest.approx(-100, abs=1e-9)


@pytest.mark.parametrize("name", ["kuramoto", "vicsek"])
def test_the_heading_limit_agrees_with_large_swarms(name: str) -> None:
    """Static rule u = clip(Im z / (pi D^2)), kappa 0.5: -10.8 in the specification at N = 800 and 2000."""
    uri = f"swarm:{name}?kappa=0.5"
    limit = swarm_limit(make_env(uri)).flow(lower(uri, "lean"))
    assert limit.value == pytest.approx(-10.785, abs=0.002)
    swarm = swarm_surrogate(make_env(uri), 4000, seed=2).flow(lower(uri, "lean"))
    assert swarm.value == pytest.approx(limit.value, abs=1.0)


def test_positions_stay_uniform_or_drift_apart() -> None:
    """More cells change nothing for a uniform start; a start in one cell spreads as a swarm does."""
    env = make_env("swarm:vicsek?kappa=0.5&horizon=20")
    lean = lower("swarm:vicsek", "lean")
    one, many = swarm_limit(env, headings=360), swarm_limit(env, headings=360, cells=5)
    assert many.flow(lean).value == pytest.approx(one.flow(lean).value, abs=1e-9)
    start = np.zeros((5, 5, 360))
    start[2, 3] = one.initial()[0, 0]
    flow = many.flow(lean, start)
    share = flow.fields[-1].sum(axis=-1)
    assert share.sum() == pytest.approx(1) and share.max() < 0.5
    assert flow.rewards[0] == pytest.approx(one.flow(lean).rewards[0], abs=0.1)


def test_deviations_fall_like_the_square_root() -> None:
    """E1 of the specification with fewer episodes; the whole of it is `measure_convergence` with its defaults."""
    found = measure_convergence(
        "swarm:aggregation", "centre", -31.615, agents=(10, 20, 50, 100, 200, 500), episodes=200, seed=4
    )
    assert -0.6 < found.slope < -0.4
    assert found.unbiased()
    assert found.deviations == tuple(sorted(found.deviations, reverse=True))


def test_bad_limits_are_refused() -> None:
    env = make_env("swarm:aggregation")
    with pytest.raises(InputError, match="points >= 101"):
        swarm_limit(env, points=50)
    with pytest.raises(InputError, match="headings >= 315"):
        swarm_limit(make_env("swarm:kuramoto"), headings=100)
    with pytest.raises(InputError, match="sigma_y = 0"):
        swarm_limit(make_env("swarm:kuramoto?sigma_y=0.1"))
    with pytest.raises(InputError, match="is not a swarm"):
        swarm_limit(make_env("zoo:chicken"))
    with pytest.raises(InputError, match="at least 2,000 agents"):
        swarm_surrogate(env, 100)
    limit = swarm_limit(make_env("swarm:aggregation?horizon=1"))
    assert isinstance(limit, AggregationLimit)
    with pytest.raises(InputError, match="actions of shape"):
        limit.flow(lambda seen, time: seen[:, 0])
    with pytest.raises(InputError, match="not finite"):
        limit.flow(lambda seen, time: seen * np.nan)
    with pytest.raises(InputError, match="sum to 1"):
        limit.flow(lambda seen, time: (seen[:, None], np.full((len(seen), 1), 0.9)))
    with pytest.raises(InputError, match="a density must be"):
        limit.flow(lambda seen, time: seen, np.ones((3, 3)))
