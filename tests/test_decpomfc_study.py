"""The study on Dec-POMFC: arms, judging by synthetic numbers, the parts that need no training, and all of it in miniature."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from experiments.papers import decpomfc, decpomfc_theory
from experiments.papers import decpomfc_arms as arms
from experiments.papers.claims import Order
from experiments.papers.decpomfc_learning import (
    best_rate,
    closed,
    judge_bandwidth,
    judge_kernels,
    judge_learning,
    judge_marl,
)
from experiments.papers.decpomfc_lipschitz import across_border, judge_lipschitz, law_of, pairs, ratios
from experiments.papers.decpomfc_runs import MODES, Sweep, pooled
from experiments.papers.decpomfc_sizes import (
    SHIFTED,
    judge_execution,
    judge_laws,
    judge_scripted,
    judge_trained,
)
from experiments.papers.decpomfc_theory import (
    judge_gradient,
    judge_references,
    located,
    policy_gradient,
    rewards_of,
)
from experiments.papers.folder import opened
from experiments.papers.registry import PAPERS, claims_of
from experiments.papers.reproduction import carry_out
from experiments.swarm_convergence import Convergence
from experiments.training.request import asked_for
from games import make_env
from games.streams import ACT, Streams, draw_seeds
from games.swarm_rules import RuleFamily
from marl.decpomfc import UPPER

KEYS = "references limit gradient lipschitz aggregation kuramoto kernels bandwidth trained-limit execution initial-laws marl"


def silent(fraction: float, message: str) -> None:
    assert 0.0 <= fraction <= 1.0 and message


# --- claims and arms ------------------------------------------------------------------------------------------


def test_claims_are_registered_with_their_experiments() -> None:
    claims = claims_of(PAPERS["dec-pomfc"], [])
    assert [claim.key for claim in claims] == KEYS.split()
    for number in range(1, 11):
        assert sum(f"(E{number})" in claim.title for claim in claims) == 1
    assert sum("own constants" in claim.where for claim in claims) == 10


def test_claims_on_the_same_runs_have_the_same_effort() -> None:
    for quick in (True, False):
        common = decpomfc.LEARNING[quick]
        for claim in decpomfc.TRAINED_CLAIMS:
            assert {**claim.budget(quick), **common} == dict(claim.budget(quick))
    full = decpomfc.LEARNING[False]
    assert (full["steps"], full["seeds"], full["pairs"]) == (600_000, 3, 5)


def spec_of(arm: arms.Arm, folder: Path) -> Any:
    return asked_for(arm.wish(Order(folder), folder))


def test_arms_of_a_task_differ_in_the_family_alone(tmp_path: Path) -> None:
    effort = decpomfc.MARL[False]
    for task in arms.TASKS:
        specs = [spec_of(arms.learned(task, family, effort), tmp_path) for family in arms.FAMILIES]
        for one in specs[1:]:
            assert replace(one.learner, family="interpolation") == specs[0].learner
            assert (one.training, one.env, one.seeds) == (specs[0].training, specs[0].env, specs[0].seeds)
        assert {spec.learner.rule_family(make_env(spec.env).spec).size for spec in specs} == {
            {"aggregation": 36, "kuramoto": 18}[task]
        }
    names = [arms.learned("aggregation", "mixture", effort, bandwidth=width).name for width in (0.5, 1.0)]
    assert names == ["aggregation-100-mixture", "aggregation-100-mixture-bandwidth-1"]


def test_marl_baselines_are_tuned_as_the_upper_level_is(tmp_path: Path) -> None:
    effort = decpomfc.MARL[False]
    upper = spec_of(arms.learned("aggregation", arms.NAMED, effort), tmp_path).learner.upper
    assert upper.learning_rate == UPPER["learning_rate"] == arms.RATE
    for name in arms.MARL:
        for agents in (50, 100):
            spec = spec_of(arms.baseline(name, effort, agents, 3e-4), tmp_path)
            env = make_env(spec.env)
            assert env.spec.groups[0].size == agents and env.spec.groups[0].observation == (3,)
            assert env.spec.common_reward and spec.learner.reward == "own"
            for key in ("gamma", "trace", "clip", "hidden", "entropy", "max_grad_norm", "normalise_values"):
                assert getattr(spec.learner, key) == getattr(upper, key)
            assert spec.learner.critic == {"mappo": "state", "ippo": "observation"}[name]
            assert spec.training.steps == effort[name][str(agents)]
            assert spec.training.save_every % (spec.training.batch * spec.learner.rollout) == 0


# --- criteria -------------------------------------------------------------------------------------------------


def passed(criteria: Any) -> list[bool]:
    return [one.passed for one in criteria]


def test_the_gap_that_is_closed() -> None:
    assert closed("kuramoto", [-75.8, -5.5, -40.65]) == pytest.approx([0.0, 1.0, 0.5])
    rows = {family: {"DET": [-60.0, -62.0, -58.0]} for family in arms.FAMILIES}  # g = 0.830
    assert passed(judge_learning("aggregation", rows)) == [True] * 3
    rows = {family: {"DET": [-70.0] * 3} for family in arms.FAMILIES}  # g = 0.771
    assert passed(judge_learning("aggregation", rows)) == [False, True, True]
    rows["histogram"] = {"DET": [-75.0] * 3}
    assert passed(judge_learning("aggregation", rows)) == [False, True, False]
    kuramoto = {"interpolation": {"DET": [-23.0] * 3}, "mixture": {"DET": [-23.2] * 3}}
    assert passed(judge_learning("kuramoto", kuramoto)) == [True, False]


def test_kernels_are_compared_seed_by_seed() -> None:
    histogram = {"DET": [-30.0, -10.0, -25.0, -40.0, -20.0]}
    better = {"DET": [value + gain for value, gain in zip(histogram["DET"], (1.0, 2.0, 1.5, 0.5, 1.0))]}
    assert passed(judge_kernels({"interpolation": better, "histogram": histogram})) == [True]
    mixed = {"DET": [value + gain for value, gain in zip(histogram["DET"], (9.0, -2.0, 9.0, -3.0, 1.0))]}
    told = judge_kernels({"interpolation": mixed, "histogram": histogram})
    assert passed(told) == [False] and told[0].value["mean"] == pytest.approx(2.8)
    single = {name: {"DET": [value]} for name, value in (("interpolation", 0.0), ("histogram", -1.0))}
    assert passed(judge_kernels(single)) == [False]


def test_bandwidths() -> None:
    assert passed(judge_bandwidth({"DET": [-60.0]}, {"DET": [-80.5]})) == [True]
    assert passed(judge_bandwidth({"DET": [-60.0]}, {"DET": [-79.5]})) == [False]


def test_on_par_has_a_slack_of_its_own_for_each() -> None:
    span = 167.4
    best = {"decpomfc": [-50.0], "mappo": [-50.0 + 0.09 * span], "ippo": [-50.0 + 0.06 * span]}
    assert passed(judge_marl(50, best)) == [True, False]
    best |= {"mappo": [-50.0 + 0.11 * span], "ippo": [-50.0 + 0.04 * span]}
    assert passed(judge_marl(50, best)) == [False, True]
    found = {3e-4: {"judged": [-40.0, -60.0]}, 1e-3: {"judged": [-45.0, -45.0]}}
    assert best_rate(found) == 1e-3


def gaussian(mean: float, deviation: float, seed: int, episodes: int = 2000) -> Any:
    return np.random.default_rng(seed).normal(mean, deviation, episodes)


@pytest.mark.parametrize(
    "power, bias, wanted",
    [(-0.5, 0.0, [True, True, True]), (-0.1, 0.0, [False, True, True]), (-0.5, 3.0, [False, True, False])],
)
def test_trained_swarms_against_their_limits(power: float, bias: float, wanted: list[bool]) -> None:
    sizes, limits = (20, 50, 100, 200, 400), [-50.0, -60.0]
    found = {
        n: [gaussian(limit + bias, 10 * n**power, 7 * k + n) for k, limit in enumerate(limits)] for n in sizes
    }
    criteria, measured = judge_trained("aggregation", found, limits)
    assert passed(criteria) == wanted
    assert measured["agents"] == list(sizes)
    if not bias:
        assert measured["slope"] == pytest.approx(power, abs=0.02)
    assert passed(judge_trained("kuramoto", found, limits)[0]) == [True, True]


def test_a_bias_that_grows_fails() -> None:
    found = {n: [gaussian(-50.0 - n / 200, 1.0, n)] for n in (20, 50, 100, 400)}
    assert passed(judge_trained("kuramoto", found, [-50.0])[0]) == [False, True]


def test_scripted_convergence() -> None:
    sizes = (10, 50, 100)
    good = Convergence(-30.0, sizes, (-29.0, -30.1, -30.0), (0.1,) * 3, tuple(3 / n**0.5 for n in sizes))
    assert passed(judge_scripted(good)) == [True, True]
    assert passed(judge_scripted(replace(good, deviations=(1.0, 0.9, 0.8)))) == [False, True]
    assert passed(judge_scripted(replace(good, means=(-30.0, -31.0, -30.0)))) == [True, False]


def modes(task: str, gaps: Mapping[str, float]) -> Sweep:
    """Swarms whose returns by each mode lie so much above those of DET, paired but for a little noise."""
    base = {n: gaussian(-50.0, 5.0, n, 60) for n in (20, 50, 100, 400)}
    return {
        mode: {
            n: [one + gaps.get(mode, 0.0) + gaussian(0.0, 0.01, n + k, 60) for _ in range(2)]
            for n, one in base.items()
        }
        for k, mode in enumerate(MODES)
    }


def test_execution_is_judged_mode_by_mode() -> None:
    usual = {"SHARED": -3.0, "IND": -5.0, "OPEN": -1.0}
    assert passed(judge_execution("aggregation", modes("aggregation", usual))) == [True] * 3
    assert passed(judge_execution("aggregation", modes("", {**usual, "OPEN": -2.0}))) == [False, True, True]
    assert passed(judge_execution("aggregation", modes("", {**usual, "OPEN": 2.0}))) == [False, True, True]
    assert passed(judge_execution("kuramoto", modes("", {**usual, "OPEN": -2.0}))) == [True] * 3
    assert passed(judge_execution("aggregation", modes("", {**usual, "SHARED": 1.0}))) == [True, False, True]
    assert passed(judge_execution("aggregation", modes("", {**usual, "IND": -2.0}))) == [True, True, False]
    small = modes("", usual)
    small["OPEN"][20] = [one - 30.0 for one in small["OPEN"][20]]  # too few agents to be judged
    assert passed(judge_execution("aggregation", small)) == [True] * 3


def test_shifted_first_places() -> None:
    def told(gap: float) -> Any:
        return {"aggregation": {"as trained": {"OPEN - DET": -0.2}, SHIFTED: {"OPEN - DET": gap}}}

    assert passed(judge_laws(told(-3.0))) == [True] and passed(judge_laws(told(0.0))) == [False]


def test_pooled_errors_are_over_episodes() -> None:
    rows = [gaussian(1.0, 2.0, 1), gaussian(3.0, 2.0, 2)]
    mean, error = pooled(rows)
    assert mean == pytest.approx(2.0, abs=0.15) and error == pytest.approx(2 / sqrt(2000) / sqrt(2), rel=0.05)


def test_references_that_are_off() -> None:
    row = {"swarm": "s", "rule": "r", "specification": -10.0, "mean": -10.3, "standard error": 0.1}
    assert passed(judge_references([row])) == [True]
    told = judge_references([row, {**row, "mean": -10.5}])
    assert passed(told) == [False] and told[0].value == {"s, r": pytest.approx(-0.5)}


# --- gradients ------------------------------------------------------------------------------------------------


def test_the_gradient_of_a_known_return() -> None:
    """Rewards a . xi_t + 3 xi_(t-1) . b: xi of a step counts now and in the next, but for the last step."""
    rng = np.random.default_rng(3)
    a, b, deviation, steps = np.array([1.0, -2.0]), np.array([0.5, 1.0]), 0.7, 4
    noise = rng.standard_normal((40_000, steps, 2))
    xi = 0.3 + deviation * noise
    rewards = xi @ a
    rewards[:, 1:] += 3 * xi[:, :-1] @ b
    found = policy_gradient(rewards + 50.0, noise, deviation)
    np.testing.assert_allclose(found, steps * a + 3 * (steps - 1) * b, atol=0.35)


def test_rewards_are_those_of_the_rules_that_are_followed() -> None:
    """Agents that all go left at the wall pay for the action and stay; in any blocks."""
    env = make_env("swarm:aggregation?agents=3&horizon=4&half=0&sigma_x=0&sigma_y=0")
    family = RuleFamily.of(env.spec, "interpolation", 2, 0.5, spread=1e-3)
    places = np.full((5, 4, 8), 20.0)
    places[..., 1::2] = 0.0
    seeds = draw_seeds(np.random.default_rng(0), 5)
    whole = rewards_of(env, family, located(family, places), seeds)
    np.testing.assert_allclose(whole, -0.1, atol=2e-3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decpomfc_theory, "BLOCK", 6)
        np.testing.assert_array_equal(rewards_of(env, family, located(family, places), seeds), whole)


def test_gradients_are_judged_by_error_and_angle() -> None:
    reference = np.tile([3.0, 4.0], (2, 1))
    across = np.array([-0.8, 0.6])
    sizes = (2, 5, 10, 40, 160, 320)
    good = {n: reference + 5 * 0.6 * n**-0.6 * across for n in sizes}
    criteria, measured = judge_gradient(good, reference)
    assert passed(criteria) == [True, True] and criteria[0].value == pytest.approx(-0.6)
    assert measured["relative errors"] == pytest.approx([0.6 * n**-0.6 for n in sizes])
    slow = {n: reference + 5 * 0.1 * n**-0.2 * across for n in sizes}
    assert passed(judge_gradient(slow, reference)[0]) == [False, True]
    wide = {n: reference + 5 * 3 * n**-0.5 * across for n in sizes}
    assert passed(judge_gradient(wide, reference)[0]) == [True, False]


# --- laws of actions ------------------------------------------------------------------------------------------

SPEC = make_env("swarm:kuramoto?agents=2").spec


def family_of(name: Any) -> RuleFamily:
    return RuleFamily.of(SPEC, name, arms.POINTS, arms.BANDWIDTH)


@pytest.mark.parametrize("name", arms.FAMILIES)
def test_distances_are_those_of_what_agents_do(name: str) -> None:
    """Against sorted samples of the rules themselves, clipped."""
    family, rng = family_of(name), np.random.default_rng(5)
    seen = np.array([[0.25, -0.5], [-0.6, 0.1]])
    other = np.array([[0.45, 0.2], [0.7, -0.9]])
    xi = rng.normal(0.0, 1.5, (2, family.size))
    found = ratios(family, xi, seen, other) * np.linalg.norm(other - seen, axis=1)
    count = 20_000
    rules = family.rules(xi)
    for k in range(2):
        drawn = []
        for at in (seen[k], other[k]):
            streams = Streams.from_seeds(draw_seeds(rng, 1), ACT, agents=count)
            given = type(rules)(*(part[k : k + 1, None] for part in rules))
            shown = np.broadcast_to(at.astype(np.float32), (1, count, 2)).copy()
            drawn.append(np.clip(family.act(given, shown, streams)[0, :, 0], -1, 1))
        assert found[k] == pytest.approx(wasserstein_distance(*drawn), abs=0.02)


def test_a_distance_of_two_points_is_exact() -> None:
    """All mass at -1 and at 1, beyond which it is clipped."""
    family = family_of("histogram")
    xi = np.full((1, family.size), -20.0)
    xi[0, 2 * 4] = 20.0  # the middle cell turns to the other side
    inside, outside = np.zeros((1, 2)), np.array([[0.9, 0.9]])
    weights, means, _ = law_of(family, family.rules(xi), inside)
    assert weights[0].tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0] and means[0, 4] == 1.0
    # normal laws of deviation 0.001 around bounds lose half of it on the average: E max(0, Z)
    wanted = 2 - 2 * 1e-3 / sqrt(2 * np.pi)
    assert ratios(family, xi, inside, outside)[0] * 0.9 * sqrt(2) == pytest.approx(wanted, abs=1e-3)


def test_mixtures_keep_their_bound_and_histograms_have_none() -> None:
    mixture, histogram = family_of("mixture"), family_of("histogram")
    rng = np.random.default_rng(0)
    seen, other = pairs(mixture, 400, rng)
    assert np.abs(other).max() <= 1.0 and 0 < np.linalg.norm(other - seen, axis=1).min() < 1e-3
    xi = rng.normal(0.0, 3.0, (400, mixture.size))
    largest = float(ratios(mixture, xi, seen, other).max())
    assert 0.5 < largest < mixture.lipschitz
    gaps = (0.1, 0.01, 0.001)
    across = {gap: across_border(histogram, xi[:20], gap) for gap in gaps}
    assert passed(judge_lipschitz(largest, mixture.lipschitz, across)) == [True] * 3
    smooth = {gap: across_border(mixture, xi[:20], gap) for gap in gaps}
    assert passed(judge_lipschitz(20.0, mixture.lipschitz, smooth)) == [False] * 3


# --- the study in miniature -----------------------------------------------------------------------------------


def test_the_study_in_miniature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = {
        "steps": 80,
        "seeds": 1,
        "pairs": 1,
        "episodes": 3,
        "sizes": [4, 50, 100],
        "large": 2,
        "agents": [4],
        "mappo": {"4": 40},
        "ippo": {"4": 40},
    }
    known = {
        "references": {"episodes": 2},
        "limit": {"sizes": [5, 50], "episodes": 4, "large": 1},
        "gradient": {"sizes": [5, 20, 40], "episodes": 10, "reference": 60, "repeats": 2},
        "lipschitz": {"pairs": 20, "borders": 4},
    }
    short = {"training.batch": 2, "training.episodes": 2, "training.evaluate_every": 40}
    monkeypatch.setattr(arms, "AGENTS", 10)
    monkeypatch.setattr(arms, "TASKS", {name: f"{uri}&horizon=20" for name, uri in arms.TASKS.items()})
    monkeypatch.setattr(
        arms,
        "UPPER",
        {**short, "learner.upper.rollout": 20, "learner.upper.hidden": [8], "learner.upper.epochs": 1},
    )
    monkeypatch.setattr(
        arms,
        "LOWER",
        {**arms.LOWER, **short, "learner.rollout": 20, "learner.hidden": [8], "training.save_every": 40},
    )
    monkeypatch.setattr("experiments.papers.decpomfc_sizes.LARGE", 300)
    monkeypatch.setattr("experiments.plots.DPI", 40)
    claims = tuple(replace(claim, quick=known.get(claim.key, tiny)) for claim in decpomfc.PAPER.claims)
    order = Order(tmp_path / "out", quick=True, quiet=True, workers=1)
    paper = replace(decpomfc.PAPER, claims=claims)
    opened(paper, order)
    answers = carry_out(paper, claims, order, silent)
    assert all(one.found is not None for one in answers)
    told = json.loads((order.out / "answers.json").read_text())
    measured = {claim["key"]: claim["measured"] for claim in told["claims"]}
    pictures = [name for claim in told["claims"] for name in claim["figures"]]
    assert len(pictures) == 2 + 3 * 2 + 3 + 1
    assert all((order.out / name).stat().st_size > 2_000 for name in pictures)
    assert measured["kuramoto"]["interpolation"] == measured["kernels"]["interpolation"]  # the same runs
    row = measured["marl"]["N=4"]
    assert set(row) == {"decpomfc", "mappo", "ippo"}
    for name, found in row.items():
        assert found["chosen rate"] in arms.RATES
        one = found["rate 0.001"]
        assert one["agent steps"] == 4 * one["steps"] and one["training seconds"]["mean"] > 0
        assert ("OPEN" in one) == (name == "decpomfc") and one["g of means"]["mean"] < 1.1
    assert set(measured["execution"]["kuramoto"]) == set(MODES)

    # taken up again nothing is trained, and what is judged again comes to the same
    trained = {path: path.stat().st_mtime_ns for path in order.out.glob("runs/*/seed-*/last.safetensors")}
    for key in ("execution", "initial-laws"):
        (order.out / "claims" / f"{key}.json").unlink()
    carry_out(paper, claims, order, silent)
    assert {path: path.stat().st_mtime_ns for path in trained} == trained
    again = {c["key"]: c["measured"] for c in json.loads((order.out / "answers.json").read_text())["claims"]}
    assert again == measured
