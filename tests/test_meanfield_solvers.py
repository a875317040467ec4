"""Solvers of mean-field games against brute force, closed forms, laws of the theory and OpenSpiel's own algorithms."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games.catalogue.mean_field import MEAN_FIELD
from games.errors import InputError
from games.mean_field_games import load_mean_field
from games.meanfield import MeanFieldModel
from solvers.certificate import certify
from solvers.meanfield import (
    METHODS,
    best_response,
    boltzmann,
    fictitious_play,
    fixed_point,
    mean_field_exploitability,
    mean_field_nash,
    mirror_descent,
    value_in,
)


def random_model(seed: int, *, laws: bool = True, horizon: int = 3, **changes: Any) -> MeanFieldModel:
    """X = 3, U = 2; transitions depend on the mean field if `laws`, rewards on both laws and on the step."""
    rng = np.random.default_rng(seed)
    base, tilt = rng.random((3, 2, 3)) + 0.05, rng.random((3, 2, 3, 3))
    pay, crowd, when = rng.normal(size=(3, 2)), rng.normal(size=(3, 2, 3)), rng.normal(size=horizon)

    def transition(mu: Any, step: Any) -> Any:
        table = base + np.einsum("xuzk,bk->bxuz", tilt, mu) + step[:, None, None, None] * base
        return table / table.sum(axis=-1, keepdims=True)

    def reward(mu: Any, nu: Any, step: Any) -> Any:
        return pay + np.einsum("xuk,bk->bxu", crowd, mu) + nu * when[step][:, None, None]

    parts: dict[str, Any] = {
        "initial": rng.dirichlet(np.ones(3)),
        "transition": transition if laws else base / base.sum(axis=-1, keepdims=True),
        "reward": reward,
        "horizon": horizon,
        "discount": 0.8,
        "timed": True,
    }
    return MeanFieldModel(**{**parts, **changes})


def random_policy(model: MeanFieldModel, seed: int) -> Any:
    policy = np.random.default_rng(seed).dirichlet(np.ones(model.actions), size=(model.horizon, model.states))
    if model.legal is None:
        return policy
    policy = np.where(model.legal, policy, 0)
    return policy / policy.sum(axis=-1, keepdims=True)


def tables_in(model: MeanFieldModel, policy: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """Laws, rewards and transitions by the definition, one step at a time."""
    mu, laws, pays, moves = model.initial, [], [], []
    for t in range(model.horizon):
        nu, when = mu[:, None] * policy[t], np.array([t])
        laws.append(mu)
        pays.append(model.rewards(mu[None], nu[None], when)[0])
        moves.append(model.transitions(mu[None], when)[0])
        mu = np.einsum("xu,xuz->z", nu, moves[-1])
    return laws, pays, moves


def worth(model: MeanFieldModel, policy: Any, own: Any) -> float:
    """What an agent with a policy of its own expects: forward, over all its states."""
    _, pays, moves = tables_in(model, policy)
    mu, total = model.initial, 0.0
    for t in range(model.horizon):
        nu = mu[:, None] * own[t]
        total += model.discount**t * float((nu * pays[t]).sum())
        mu = np.einsum("xu,xuz->z", nu, moves[t])
    return total


# --- definitions ------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_exploitability_is_the_best_of_all_pure_policies(seed: int, laws: bool) -> None:
    """All 2^6 pure policies of two steps; also what the certificate says, by other code."""
    model = random_model(seed, laws=laws, horizon=2)
    policy = random_policy(model, seed + 1)
    pure = (np.eye(2)[np.array(choice).reshape(2, 3)] for choice in product((0, 1), repeat=6))
    best = max(worth(model, policy, own) for own in pure)
    own = worth(model, policy, policy)
    assert mean_field_exploitability(model, policy) == pytest.approx(best - own, abs=1e-12)
    certificate = certify(model, policy, "nash")
    assert certificate.max_regret == pytest.approx(best - own, abs=1e-12)
    assert certificate.values[0] == pytest.approx(own, abs=1e-12)
    flow = model.flow(policy)
    assert flow.value == pytest.approx(own, abs=1e-12)
    response = best_response(model, flow)
    assert response.value == pytest.approx(best, abs=1e-12)
    assert value_in(model, response.policy, flow) == pytest.approx(best, abs=1e-12)
    other = random_policy(model, seed + 2)
    assert value_in(model, other, flow) == pytest.approx(worth(model, policy, other), abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.floats(0.1, 50), st.floats(-100, 100))
def test_laws_of_exploitability(seed: int, laws: bool, scale: float, shift: float) -> None:
    """Never negative; scales with rewards, ignores what all get alike; states may be renamed."""
    model = random_model(seed, laws=laws)
    policy = random_policy(model, seed)
    gap = mean_field_exploitability(model, policy)
    assert gap >= 0
    other = random_model(seed, laws=laws, reward=lambda *a: scale * model.rewards(*a) + shift)
    assert mean_field_exploitability(other, policy) == pytest.approx(scale * gap, rel=1e-9, abs=1e-9 * scale)
    order = np.random.default_rng(seed).permutation(3)
    back = np.argsort(order)
    renamed = MeanFieldModel(
        model.initial[order],
        lambda mu, step: model.transitions(mu[:, back], step)[:, order][..., order],
        lambda mu, nu, step: model.rewards(mu[:, back], nu[:, back], step)[:, order],
        model.horizon,
        discount=model.discount,
        timed=True,
    )
    assert mean_field_exploitability(renamed, policy[:, order]) == pytest.approx(gap, abs=1e-12)


def test_without_a_mean_field_one_best_response_is_an_equilibrium() -> None:
    model = random_model(4, laws=False, reward=np.random.default_rng(0).normal(size=(3, 2)))
    response = best_response(model, model.flow(np.full((3, 2), 0.5)))
    assert mean_field_exploitability(model, response.policy) == 0
    solution = fixed_point(model, tolerance=1e-12)
    assert solution.stats["iterations"] == 1 and solution.certificate.max_regret < 1e-12
    np.testing.assert_array_equal(solution.policy, response.policy)


@pytest.mark.parametrize("name", [n for n, entry in MEAN_FIELD.items() if entry.equilibria])
@pytest.mark.parametrize("method", ["mirror-descent", "fictitious-play"])
def test_known_equilibria_are_found(name: str, method: str) -> None:
    entry = MEAN_FIELD[name]
    for known in entry.equilibria:
        model = entry.build(known.at)
        start = int(model.initial.argmax())
        policy = np.full((model.horizon, model.states, model.actions), 1 / model.actions)
        policy[0, start] = known.actions
        exact = certify(model, policy, "nash")
        assert exact.max_regret < 1e-12 and exact.values[0] == pytest.approx(known.value, abs=1e-12)
        solution = mean_field_nash(model, method, tolerance=1e-3, iterations=4000)
        assert solution.status == "converged"
        np.testing.assert_allclose(solution.policy[0, start], known.actions, atol=5e-3)
        assert solution.values[0] == pytest.approx(known.value, abs=5e-3)


def test_any_stakes_on_the_right_road() -> None:
    """w shares on the right cost w r: in equilibrium l = w r, so that l = w / (1 + w)."""
    model = load_mean_field("mfg:left-right?right=5")
    solution = mean_field_nash(model, tolerance=1e-8)
    np.testing.assert_allclose(solution.policy[0, 0], (5 / 6, 1 / 6), atol=1e-6)


# --- methods ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_a_solution_tells_what_its_certificate_confirms(method: str) -> None:
    model = load_mean_field("mfg:crowd?size=6&horizon=4")
    told: list[float] = []
    solution = mean_field_nash(
        model, method, iterations=60, tolerance=1e-9, progress=lambda share, text: told.append(share)
    )
    trace = solution.stats["trace"]
    assert solution.policy.shape == (4, 6, 3) and solution.profile is None and solution.behavior is None
    least = min(point.nash_conv for point in trace)
    assert solution.certificate.game == model.digest
    assert solution.certificate.max_regret <= least + 1e-12
    assert solution.certificate.max_regret == pytest.approx(
        mean_field_exploitability(model, solution.policy), abs=1e-11
    )
    assert (solution.status == "converged") == solution.certificate.holds(1e-9)
    assert [point.iterations for point in trace] == sorted({point.iterations for point in trace})
    assert "every agent" in solution._repr_html_() and "nash" in repr(solution)


def test_fictitious_play_falls_like_one_over_k() -> None:
    """A potential game: the slope of log exploitability against log iterations is -1 (Perrin et al. 2020, Theorem 4)."""
    model = load_mean_field("mfg:crowd-2d?size=5&horizon=6")
    trace = fictitious_play(model, iterations=600, tolerance=0).stats["trace"]
    late = [(p.iterations, p.nash_conv) for p in trace if p.iterations >= 20]
    slope = np.polyfit(*np.log(np.array(late)).T, 1)[0]
    assert -1.2 < slope < -0.8


def test_the_fixed_point_cycles_where_the_others_converge() -> None:
    model = load_mean_field("mfg:crowd")
    plain = fixed_point(model, iterations=200)
    assert plain.status == "budget" and plain.certificate.max_regret > 1
    assert mirror_descent(model, iterations=200).status == "converged"
    warm = boltzmann(model, temperature=0.3, iterations=300)
    cold = boltzmann(model, temperature=0.03, damping=0.02, iterations=3000)
    assert cold.certificate.max_regret < warm.certificate.max_regret < 0.6


def test_a_soft_fixed_point_is_one() -> None:
    """Where the iteration stands still, the policy is the soft-max of the best values in its own flow."""
    model = load_mean_field("mfg:sis?horizon=10")
    solution = boltzmann(model, temperature=0.5, damping=0.5, iterations=400, tolerance=1e-12)
    values = solution.policy
    for _ in range(400):  # on from there: the best iterate need not be the last
        soft = np.exp(best_response(model, model.flow(values)).actions / 0.5)
        values = 0.5 * values + 0.5 * soft / soft.sum(axis=-1, keepdims=True)
    soft = np.exp(best_response(model, model.flow(values)).actions / 0.5)
    np.testing.assert_allclose(values, soft / soft.sum(axis=-1, keepdims=True), atol=1e-9)
    again = boltzmann(model, temperature=0.5, damping=0.5, iterations=1, tolerance=0, start=values)
    assert again.stats["trace"][0].nash_conv == pytest.approx(again.stats["trace"][-1].nash_conv, abs=1e-6)


def test_starts_and_equilibria_as_starts() -> None:
    model = load_mean_field("mfg:left-right")
    solution = fictitious_play(model, start=[[2 / 3, 1 / 3]] * 3, tolerance=1e-9)
    assert solution.stats["iterations"] == 0 and solution.status == "converged"
    solution = mirror_descent(model, start=[[0.7, 0.3]] * 3, iterations=1, tolerance=0, rate=1e-9)
    np.testing.assert_allclose(solution.policy[0, 0], (0.7, 0.3), atol=1e-6)
    with pytest.raises(InputError, match="some probability"):
        mirror_descent(model, start=[[1, 0]] * 3)


def test_actions_that_are_not_legal_are_never_played() -> None:
    model = load_mean_field("mfg:four-rooms?horizon=8&start=everywhere")
    assert model.legal is not None
    for method in METHODS:
        solution = mean_field_nash(model, method, iterations=5, tolerance=1e-9)
        assert solution.policy[:, ~model.legal].max() == 0
        np.testing.assert_allclose(solution.policy.sum(axis=-1), 1)
    assert mean_field_nash(model, tolerance=1e-3).status == "converged"
    with pytest.raises(InputError, match="not legal"):
        certify(model, np.full((8, model.states, 5), 0.2), "nash")


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda m: mean_field_nash(m, "cfr"), "unknown method 'cfr'"),
        (lambda m: mirror_descent(m, rate=0.0), "rate must be a positive number"),
        (lambda m: mirror_descent(m, rate=float("nan")), "rate must be"),
        (lambda m: fixed_point(m, damping=1.5), r"damping must be in \(0, 1\]"),
        (lambda m: boltzmann(m, temperature=-1.0), "temperature must be"),
        (lambda m: fictitious_play(m, iterations=0), "iterations is at least 1"),
        (lambda m: fictitious_play(m, seconds=-1.0), "seconds is a positive"),
        (lambda m: fictitious_play(m, iterations=None), "needs iterations or seconds"),
        (lambda m: fictitious_play(m, tolerance=float("nan")), "tolerance is a finite"),
        (lambda m: fictitious_play(m, start=np.ones((2, 2))), "a policy is float64"),
        (
            lambda m: best_response(m, load_mean_field("mfg:crowd").flow(np.full((10, 3), 1 / 3))),
            "a flow has",
        ),
        (lambda m: certify(m, [[0.5, 0.5]] * 3, "cce"), "certified as nash, not cce"),
        (lambda m: certify(m, [[0.5, 0.6]] * 3, "nash"), "must hold probabilities"),
    ],
)
def test_bad_requests_are_refused(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call(load_mean_field("mfg:left-right"))


def test_agents_who_do_not_see_their_state_are_refused() -> None:
    blind = random_model(0, observation=np.full((3, 3), 1 / 3))
    policy = np.full((3, 2), 0.5)
    for call in (
        mirror_descent,
        lambda m: mean_field_exploitability(m, policy),
        lambda m: certify(m, policy, "nash"),
    ):
        with pytest.raises(InputError, match="do not see their state"):
            call(blind)
    seeing = random_model(0, observation=np.eye(3))
    assert mean_field_exploitability(seeing, policy) == mean_field_exploitability(random_model(0), policy)


# --- OpenSpiel --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spiel() -> Any:
    pytest.importorskip("pyspiel", reason="OpenSpiel is not installed")
    import openspiel_crowd

    return openspiel_crowd


def games(spiel: Any) -> list[tuple[MeanFieldModel, Any]]:
    return [
        (load_mean_field("mfg:crowd?size=6&horizon=5"), spiel.remembering_crowd(6, 5)),
        (load_mean_field(f"openspiel:{spiel.SQUARE}"), spiel.load(spiel.SQUARE)),
    ]


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_the_exploitability_is_openspiels(spiel: Any, seed: int | None) -> None:
    """Its crowd game with the last move in the strings of states, which its values are remembered by, and one as it is."""
    for model, game in games(spiel):
        policy = (
            np.full((model.states, model.actions), 1 / model.actions)
            if seed is None
            else random_policy(model, seed)
        )
        wanted = spiel.nash_conv(game, model.check_policy(policy))
        assert wanted > 0.1
        assert mean_field_exploitability(model, policy) == pytest.approx(wanted, abs=1e-9)
        assert certify(model, policy, "nash").max_regret == pytest.approx(wanted, abs=1e-9)


def test_openspiels_crowd_as_it_is_pays_for_the_first_path_it_takes(spiel: Any) -> None:
    """What moves cost depends on the last move, which strings of states leave out: its algorithms see the cost of the first
    path. With these costs in place of the true ones we get its numbers; hence the small difference to ours."""
    game = spiel.load("mfg_crowd_modelling(size=6,horizon=5)")
    model = load_mean_field("mfg:crowd?size=6&horizon=5")
    uniform = model.check_policy(np.full((6, 3), 1 / 3))
    costs = spiel.first_costs(game, 6, 5)

    def reward(mu: Any, nu: Any, step: Any) -> Any:
        place = 1 - np.abs(np.arange(6) - 3) / 3
        return np.repeat((place + costs[step] - np.log(mu + 1e-25))[:, :, None], 3, axis=2)

    seen = MeanFieldModel(model.initial, model.transition, reward, 5, timed=True)
    for policy in (uniform, random_policy(model, 0)):
        theirs = spiel.nash_conv(game, policy)
        assert mean_field_exploitability(seen, policy) == pytest.approx(theirs, abs=1e-9)
        assert abs(mean_field_exploitability(model, policy) - theirs) > 1e-3


def test_mirror_descent_has_openspiels_iterates(spiel: Any) -> None:
    for model, game in games(spiel):
        theirs = spiel.mirror_descent_curve(game, 0.3, 6)
        trace = mirror_descent(model, rate=0.3, iterations=6, tolerance=0).stats["trace"]
        np.testing.assert_allclose([point.nash_conv for point in trace], theirs, atol=1e-9)


def test_fictitious_play_has_openspiels_iterates(spiel: Any) -> None:
    """Where best responses are unique; OpenSpiel breaks ties by rounding, we take the first action."""
    model, game = games(spiel)[1]
    theirs = spiel.fictitious_play_curve(game, 6)
    trace = fictitious_play(model, iterations=6, tolerance=0).stats["trace"]
    np.testing.assert_allclose([point.nash_conv for point in trace], theirs, atol=1e-9)
