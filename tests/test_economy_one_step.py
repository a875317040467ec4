"""The one-step economy against the reference's numbers, hand computations and the laws of environments."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games.errors import InputError
from games.laws import LAWS, check_env
from games.sims import economy_metrics as metrics
from games.sims.economy_one_step import make
from games.sims.economy_one_step_facts import one_step_facts
from games.sims.economy_one_step_model import pareto_skills, quantile_skills
from games.sims.economy_saez import saez
from games.sims.economy_taxes import US_FEDERAL, Brackets

CASES = Path(__file__).parent / "data" / "economist_cases.json"
"""Numbers of the reference implementation."""


@cache
def oracle() -> Any:
    return json.loads(CASES.read_text())["one_step"]["cases"]


def near(ours: Any, theirs: Any, tolerance: float = 1e-9) -> None:
    np.testing.assert_allclose(
        np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float), rtol=tolerance, atol=1e-9
    )


def episode(env: Any, choices: Any, labour: Any, seed: int = 3) -> tuple[Any, list[Any]]:
    """One episode of one copy: planner's choices int[K], levels of labour int[n]."""
    n, count = env.spec.groups[0].size, len(env.spec.groups[1].actions.counts)
    world, first = env.reset(np.array([seed], dtype=np.uint64))
    still = np.zeros((1, n), dtype=int), np.zeros((1, 1, count), dtype=int)
    world, second = env.step(world, (still[0], np.asarray(choices)[None, None]))
    kept = second
    world, third = env.step(world, (np.asarray(labour)[None], still[1]))
    return world, [first, kept, third]


@pytest.mark.parametrize("welfare", ["inverse-income", "eq*prod"])
def test_episodes_are_those_of_the_reference(welfare: str) -> None:
    assert len(oracle()) == 17
    for case in oracle():
        reference, n = case["reference"], len(case["skills"])
        env = make(
            "one-step",
            {
                "agents": n,
                "skills": tuple(case["skills"]),
                "cutoffs": tuple(case["cutoffs"]),
                "cost": case["labor_cost"],
                "delta": case["labor_exponent"],
                "welfare": welfare,
            },
        )
        world, steps = episode(env, np.array(case["rate_indices"]) + 1, case["best_response_labour"])
        facts = one_step_facts(env, world)
        for ours, theirs in (
            ("rates", "rates"),
            ("coin", "coin"),
            ("income", "pretax"),
            ("utility", "utility"),
            ("paid", "tax_paid"),
            ("equality", "equality"),
            ("productivity", "productivity"),
            ("eq*prod", "eq_prod"),
            ("inverse-income", "iiw"),
        ):
            near(facts[ours][0], case["rates"] if ours == "rates" else reference[theirs])
        near(steps[2].groups[0].reward[0], reference["utility"])
        wanted = reference["planner_reward"] if welfare == "inverse-income" else reference["eq_prod"]
        near(steps[2].groups[1].reward[0], [wanted])
        near(facts["welfare"], [wanted])
        if reference["obs_after_tax_step_agent0"]:
            near(steps[1].groups[0].observation[0, 0], reference["obs_after_tax_step_agent0"], 1e-6)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"agents": 4, "tax": "saez", "saez_memory": 8},
        {"agents": 5, "tax": "flat", "observe": "brief", "labour_levels": 3},
        {"agents": 1, "brackets": "federal", "tax": "federal", "utility": "isoelastic", "welfare": "eq*prod"},
    ],
)
def test_the_laws_hold(parameters: Any) -> None:
    assert len(check_env(make("one-step", parameters), steps=12)) == len(LAWS)


def test_who_may_do_what_when() -> None:
    env = make("one-step", {"agents": 2})
    _, (first, second, third) = episode(env, [1, 2, 3], [4, 5])
    workers, planner = first.groups
    assert planner.acting.all() and not workers.acting.any() and planner.mask.all()
    workers, planner = second.groups
    assert workers.acting.all() and not planner.acting.any() and workers.mask.all()
    assert planner.mask[0, 0].nonzero()[0].tolist() == [0, 22, 44]
    assert third.last.all() and third.discount[0] == 0 and not third.groups[0].acting.any()
    assert not first.rewards.any() and not second.rewards.any()
    for tax in ("free", "flat", "saez"):
        start = make("one-step", {"agents": 2, "tax": tax}).reset(np.array([0], dtype=np.uint64))[1]
        assert start.groups[1].mask[0, 0].nonzero()[0].tolist() == [0, 22, 44]


def test_what_is_seen() -> None:
    env = make("one-step", {"agents": 2, "skills": "1.2,2.4"})
    world, (first, second, third) = episode(env, [0, 3, 21], [100, 50])
    near(first.groups[0].observation[0, 0], [0, 0, 0, 1, 0, 0, 0, 0, 0.5, 0.4, 0], 1e-6)
    near(second.groups[0].observation[0, 1], [0, 0.1, 1, 0, 1, 0, 0, 0, 1, 0.8, 0.5], 1e-6)
    near(third.groups[0].observation[0, 0], [0, 0.1, 1, 1, 0, 60, 60, 0, 0.5, 0.4, 1], 1e-6)
    facts = one_step_facts(env, world)
    near(facts["paid"], [[6.0, 6.0]])
    head = [0, 0.1, 1, 1, 0, 60, 60, 0.5, 1.0, facts["equality"][0], 0.12]
    near(third.groups[1].observation[0, 0], [*head, 0, 60, 1, 0, 60, 1], 1e-6)
    near(third.state, [[0, 0.1, 1, 1.0, facts["equality"][0], 0.12]], 1e-6)
    brief = make("one-step", {"agents": 2, "skills": "1.2,2.4", "observe": "brief"})
    second = episode(brief, [0, 3, 21], [100, 50])[1][1]
    near(second.groups[0].observation[0, 1], [0, 0.1, 1, 0.8, 0.5], 1e-6)


def test_tax_systems_set_their_rates() -> None:
    for tax, wanted in (("free", [0.0] * 7), ("federal", US_FEDERAL), ("flat", [0.25] * 7)):
        env = make("one-step", {"agents": 3, "brackets": "federal", "tax": tax})
        world, _ = episode(env, [0] * 7, [50, 60, 70])
        near(one_step_facts(env, world)["rates"], [wanted])
    env = make("one-step", {"agents": 3, "tax": "fixed", "rates": "0.1,0.23,1"})
    near(one_step_facts(env, episode(env, [0] * 3, [1, 2, 3])[0])["rates"], [[0.1, 0.23, 1.0]])


def test_the_saez_formula_takes_over_when_its_memory_is_full() -> None:
    env = make("one-step", {"agents": 4, "tax": "saez", "saez_memory": 8})
    world, _ = env.reset(np.array([1, 2], dtype=np.uint64))
    rng, pairs = np.random.default_rng(0), []
    elasticity = np.full(2, 0.5)
    for year in range(5):
        still = np.zeros((2, 4), dtype=int), np.zeros((2, 1, 3), dtype=int)
        world, _ = env.step(world, still)
        world, _ = env.step(world, (rng.integers(1, 101, (2, 4)), still[1]))
        facts = one_step_facts(env, world)
        if year < 2:
            assert (facts["rates"] > 0).all() and (facts["rates"] < 1).all()
            assert (facts["rates"][0] != facts["rates"][1]).all()
        else:
            for b in range(2):
                last = np.array([pair[b] for pair in pairs[-2:]])
                income, rate = last[:, 0].ravel(), last[:, 1].ravel()
                found = saez(env.rules.economy.brackets, income, rate, elasticity=elasticity[b])
                near(facts["rates"][b], found.rates)
                elasticity[b] = found.elasticity
        marginal = [
            env.rules.economy.brackets.marginal(facts["income"][b], facts["rates"][b]) for b in range(2)
        ]
        pairs.append([(facts["income"][b], marginal[b]) for b in range(2)])
        world, _ = env.restart(world, np.ones(2, dtype=bool))


def test_what_the_saez_formula_remembers_can_be_carried_over() -> None:
    env = make("one-step", {"agents": 4, "tax": "saez", "saez_memory": 8})

    def years(world: Any, count: int, rng: Any) -> list[Any]:
        seen = []
        for _ in range(count):
            still = np.zeros((2, 4), dtype=int), np.zeros((2, 1, 3), dtype=int)
            world, _ = env.step(world, still)
            world, _ = env.step(world, (rng.integers(1, 101, (2, 4)), still[1]))
            seen.append(one_step_facts(env, world)["rates"])
            world, _ = env.restart(world, np.ones(2, dtype=bool))
        return seen

    world, _ = env.reset(np.array([1, 2], dtype=np.uint64))
    years(world, 3, np.random.default_rng(0))
    carried = env.carry(world)
    assert carried is not None and carried.shape == (2, 18)
    other, _ = env.reset(np.array([8, 9], dtype=np.uint64), carried)
    for a, b in zip(years(world, 3, np.random.default_rng(1)), years(other, 3, np.random.default_rng(1))):
        near(a, b)
    with pytest.raises(InputError, match="it is of other economies"):
        env.reset(np.array([8], dtype=np.uint64), carried)
    assert make("one-step", {}).carry(make("one-step", {}).reset(np.array([1], dtype=np.uint64))[0]) is None


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 40), st.integers(0, 2**32), st.sampled_from(["inverse-income", "eq*prod"]))
def test_an_episode_adds_up(agents: int, seed: int, welfare: str) -> None:
    rng = np.random.default_rng(seed)
    parameters = {"agents": agents, "skills": tuple(rng.uniform(0.1, 3, agents)), "welfare": welfare}
    env = make("one-step", parameters)
    labour = rng.integers(0, 101, agents)
    world, steps = episode(env, rng.integers(0, 22, 3), labour, seed)
    facts = one_step_facts(env, world)
    income, coin = facts["income"][0], facts["coin"][0]
    near(income, np.array(env.rules.economy.skills) * labour)
    assert coin.sum() == pytest.approx(income.sum())
    brackets: Brackets = env.rules.economy.brackets
    near(facts["paid"][0], brackets.due(income, facts["rates"][0]))
    near(facts["utility"][0], coin - 0.016 * labour**2)
    near(facts["equality"][0], metrics.equality(coin))
    wanted = (
        metrics.equality_times_productivity(coin)
        if welfare == "eq*prod"
        else metrics.inverse_income_weighted(facts["utility"][0], income)
    )
    near(steps[2].groups[1].reward, [[wanted]])


def test_isoelastic_utility() -> None:
    env = make("one-step", {"agents": 3, "utility": "isoelastic", "cost": 0.01, "labour_levels": 5})
    world, steps = episode(env, [3, 3, 3], [1, 2, 4])
    facts = one_step_facts(env, world)
    near(facts["hours"], [[25.0, 50.0, 100.0]])
    near(facts["utility"][0], metrics.isoelastic_utility(facts["coin"][0], facts["hours"][0], cost=0.01))
    near(steps[2].groups[0].reward[0], facts["utility"][0] + 1 / 0.77)
    near(steps[2].groups[1].reward[0, 0], facts["welfare"][0] + 1 / 0.77)


def test_skills() -> None:
    quantiles = quantile_skills(100)
    assert list(quantiles) == sorted(quantiles) and max(quantiles) == 3.0
    assert 31 * quantiles[0] == pytest.approx(31.0777431)
    drawn = np.array(pareto_skills(4))
    near(drawn, [1.133164062, 1.326711234, 1.647237295, 2.22496143], 0.03)  # of 100,000 draws, against 1,000
    assert pareto_skills(4) == pareto_skills(4) and pareto_skills(4, 1) != pareto_skills(4, 2)


def test_a_uri_makes_its_environment_again() -> None:
    given = {"agents": "4", "skills": "1,1.5,2,2.5", "welfare": "eq*prod", "tax": "flat", "rate": "0.3"}
    env = make("one-step", given)
    name, _, query = env.spec.name.partition("?")
    assert name == "economy:one-step"
    again = make("one-step", dict(part.split("=") for part in query.split("&")))
    assert again.spec == env.spec and again.rules.economy == env.rules.economy
    assert again.rules.economy.digest == env.rules.economy.digest


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"tax": "federl"}, "did you mean federal?"),
        ({"agent": 3}, "did you mean 'agents'"),
        ({"agents": 0}, "agents must be from 1"),
        ({"cutoffs": "0,50,20"}, "tax brackets must rise: the 3. begins at 20"),
        ({"brackets": "none"}, "brackets is a number from 2 to 1000 or federal, not 'none'"),
        ({"tax": "federal"}, "has 7 rates for 3 brackets"),
        ({"tax": "fixed", "rates": "0.1,0.2,1.2"}, "the rate of bracket 3 is 1.2"),
        ({"tax": "flat", "rate": "1.2"}, "rate must be from 0 to 1, not 1.2"),
        ({"rates": "0.1,0.2,0.3"}, "rates go with tax=fixed"),
        ({"delta": 1.0}, "must be above 1"),
        ({"skills": "1,2"}, "2 skills are given for 100 agents"),
        ({"agents": 1, "skills": "-1"}, "the skill of worker 0"),
        ({"cost": "nan"}, "not a finite number"),
        ({"labour_levels": 1}, "labour_levels must be from 2"),
        ({"welfare": "sum"}, r"welfare must be eq\*prod or inverse-income, not \'sum\'"),
        ({"agents": True}, "agents must be a number, not True"),
    ],
)
def test_bad_parameters_are_refused(parameters: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        make("one-step", parameters)
