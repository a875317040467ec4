"""The study on the AI Economist: claims, best responders, judging by synthetic numbers, and all that is learned in miniature."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.papers import economist
from experiments.papers import economist_arms as arms
from experiments.papers import economist_play as play
from experiments.papers.claims import Order
from experiments.papers.economist_alone import judge_alone, judge_flat, judge_seven
from experiments.papers.economist_tabular import TABULAR, economies
from experiments.papers.economist_two_level import FIRST, WITHOUT, judge_two_level
from experiments.papers.folder import opened
from experiments.papers.registry import PAPERS, claims_of
from experiments.papers.reproduction import carry_out
from experiments.training.request import asked_for
from games import make_env
from games.economy_policies import Announced, BestResponse
from games.errors import InputError
from games.policy import Random
from games.policy_names import find_policy, policy_names, team
from games.sims.economy_schedules import all_schedules, random_schedules
from games.streams import ACT, Streams
from solvers.taxation import best_responses, free_market, outcome
from solvers.taxation_optimum import optimum

KEYS = (
    "rules trace auction random-play optima flat-rate elasticity best-responders two-level seven-brackets learned-flat-rate "
    "village-workers village-responses village-planner"
)
FOUR = "economy:one-step?agents=4&cost=0.012"


def silent(fraction: float, message: str) -> None:
    assert 0.0 <= fraction <= 1.0 and message


# --- workers who answer best --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "economy:one-step?agents=100&observe=brief",
        "economy:one-step?agents=30&brackets=federal",
        f"{FOUR}&delta=3.1&labour_levels=11",
        f"{FOUR}&skills=2.5,1.0,1.0,1.7&observe=brief",
        "economy:one-step?agents=1&cutoffs=0",
        "economy:one-step?agents=7&brackets=federal&tax=federal",
        "economy:one-step?agents=7&brackets=4&tax=flat&rate=0.35&observe=brief",
        "economy:one-step?agents=7&tax=fixed&rates=0.1,0.333,1",
        "economy:one-step?agents=7&tax=free",
    ],
)
def test_best_responders_answer_as_the_solver_does(uri: str) -> None:
    env: Any = make_env(uri)
    facts = play.played(env, BestResponse(env.spec), Random(env.spec.groups[1].actions), 60, 3)
    economy = play.economy_of(env)
    wanted = economy.hours[best_responses(economy, facts["rates"])]
    np.testing.assert_array_equal(facts["hours"], wanted)


def test_best_responders_of_the_saez_baseline_do_no_worse_than_any_other_labour() -> None:
    env: Any = make_env(f"{FOUR}&tax=saez&saez_memory=4")
    facts = play.played(env, BestResponse(env.spec), Random(env.spec.groups[1].actions), 20, 3)
    economy = play.economy_of(env)
    found = play.regret_on(economy, facts["rates"], np.searchsorted(economy.hours, facts["hours"]))
    assert found["largest"] < 1e-5  # rates are seen in single precision


def test_a_worker_alone_answers_as_all_do() -> None:
    env: Any = make_env(FOUR)
    assert "best-response" in policy_names(env) and "best-response" not in policy_names(
        make_env("zoo:chicken")
    )
    whole = team(env, {"workers": "best-response"})
    mixed: Any = team(env, {"worker 2": "best-response"})
    world, step = env.reset(np.array([1, 2], dtype=np.uint64))
    world, step = env.step(world, (np.zeros((2, 4), int), np.array([[[1, 9, 3]], [[0, 1, 21]]])))

    def acts(one: Any) -> Any:
        streams = Streams.from_seeds(np.array([1, 2], dtype=np.uint64), ACT, agents=5)
        return one.sample(step, one.start(2), streams)[0][0]

    assert acts(mixed)[:, 2].tolist() == acts(whole)[:, 2].tolist()


def test_best_responders_are_for_workers_of_linear_economies() -> None:
    for uri, told in (
        ("zoo:chicken", "is for economy"),
        (f"{FOUR}&utility=isoelastic", "utility=linear, not isoelastic"),
    ):
        with pytest.raises(InputError, match=told):
            find_policy("best-response", make_env(uri))
    env: Any = make_env(FOUR)
    with pytest.raises(InputError, match="workers=best-response, not for the planner"):
        team(env, {"planner": "best-response"})
    everybody: Any = team(env, {"": "best-response"})  # nobody taxes
    facts = play.played(env, everybody.seats[0][2], everybody.seats[1][2], 2, 0)
    np.testing.assert_array_equal(facts["rates"], 0)
    assert facts["welfare"] == pytest.approx(free_market(play.economy_of(env)).welfare)


def test_all_workers_are_played_at_once() -> None:
    env: Any = make_env("economy:one-step?agents=30")
    assert len(team(env, {"workers": "best-response"}).seats) == 2  # type: ignore[attr-defined]


# --- what is played ------------------------------------------------------------------------------------------------


def test_announced_schedules_are_set_and_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "AT_ONCE", 7)
    env: Any = make_env(FOUR)
    economy = play.economy_of(env)
    schedules = random_schedules(economy, 20, 5)
    facts = play.played(env, BestResponse(env.spec), Announced(schedules), 20, 0)
    np.testing.assert_array_equal(facts["rates"], schedules)
    labour = play.answers(env, BestResponse(env.spec), schedules)
    np.testing.assert_array_equal(labour, best_responses(economy, schedules))
    assert play.regret_on(economy, schedules, labour)["largest"] < 1e-9
    idle = play.regret_on(economy, schedules, np.zeros_like(labour))
    assert idle["relative"] == pytest.approx(1.0) and idle["coin per worker"] > 1


def test_known_systems_and_all_schedules() -> None:
    economy = economies()["OSE-4/3br"]
    known = play.systems(economy)
    grid = all_schedules(economy)
    assert grid.shape == (9261, 3) and len(np.unique(grid, axis=0)) == 9261
    best = max(outcome(economy, rates).welfare for rates in grid[::97])
    assert known["optimum"].welfare >= best and known["optimum"].welfare == pytest.approx(51.9312, abs=1e-4)
    assert set(known) == {"optimum", "Saez", "best flat", "free market"}


# --- claims and arms ----------------------------------------------------------------------------------------------


def test_claims_are_registered() -> None:
    claims = claims_of(PAPERS["ai-economist"], [])
    assert [claim.key for claim in claims] == KEYS.split()
    assert {claim.key for claim in claims if "tabular" in claim.tags} == set(TABULAR)
    for letter in "ABCDE":
        assert sum(f"({letter})" in claim.title for claim in claims) == 1


def test_efforts_are_the_specification_s() -> None:
    assert economist.ALONE[False]["updates"] * arms.BATCH == 20_000
    full = economist.TWO_LEVEL[False]
    assert (full["seeds"], full["alone"], full["together"]) == (5, 600, 900)
    assert (full["alone"] + full["together"]) * arms.BATCH == 48_000


def test_arms_of_both_levels_differ_in_the_first_phase_alone(tmp_path: Path) -> None:
    effort = economist.TWO_LEVEL[False]
    both, without = (
        asked_for(arms.two_level(effort, first_phase=first).wish(Order(tmp_path), tmp_path))
        for first in (True, False)
    )
    assert (both.learner.alone, without.learner.alone) == (600 * 64, 0)
    assert (both.seeds, without.seeds) == (5, 1) and both.training == without.training
    assert both.training.steps == 96_000 and both.learner.rollout == 2
    same = replace(
        without.learner, alone=both.learner.alone, planner_entropy_steps=both.learner.planner_entropy_steps
    )
    assert same == both.learner
    assert (both.learner.worker_entropy, both.learner.workers.hidden) == ((0.5, 0.02), (64, 64))
    assert both.learner.workers.sharing == "shared" and both.learner.meanwhile == "random"
    assert both.learner.worker_entropy_steps <= both.training.steps
    for name in ("OSE-100/3br", "OSE-100/7br"):
        env: Any = make_env(arms.URIS[name])
        assert play.economy_of(env).digest == economies()[name].digest
    single: Any = make_env(arms.URIS["OSE-100/flat"]).spec.groups[1].actions
    assert single.counts == (22,)


# --- criteria -----------------------------------------------------------------------------------------------------


def passed(criteria: Any) -> list[bool]:
    return [one.passed for one in criteria]


def alone(welfare: float = 34.5, rates: Any = (0.0, 0.45, 0.25), episodes: int = 20_000) -> Any:
    return {"rates": list(rates), "welfare": welfare, "episodes": episodes}


def test_a_planner_alone_is_judged_on_every_seed() -> None:
    best = 34.5779
    assert passed(judge_alone([alone()] * 5, best)) == [True] * 3
    assert passed(judge_alone([alone()] * 4 + [alone(34.40)], best)) == [False, True, True]
    for rates in ((0.1, 0.45, 0.25), (0.0, 0.3, 0.25), (0.0, 0.65, 0.25), (0.0, 0.45, 0.35), (0, 0.45, 0.1)):
        assert passed(judge_alone([alone()] * 4 + [alone(rates=rates)], best)) == [True, False, True]
    borders = [alone(rates=(0.05, 7 * 0.05, 3 * 0.05)), alone(rates=(0.0, 12 * 0.05, 6 * 0.05))]
    assert passed(judge_alone(borders, best)) == [True] * 3  # 0.35 and 0.15 are no floating-point numbers
    assert passed(judge_alone([alone(episodes=20_032)], best)) == [True, True, False]


def test_seven_brackets_are_judged_beside_other_systems() -> None:
    others = {"Saez": 34.1518, "US federal": 33.6135, "best flat": 33.2835}
    good = judge_seven([alone(34.7), alone(35.0)], 35.2911, others)
    assert passed(good) == [True] * 4 and good[0].value == 34.7
    assert passed(judge_seven([alone(34.5)], 35.2911, others)) == [False, True, True, True]
    assert passed(judge_seven([alone(33.5), alone(35.0)], 35.2911, others)) == [False, False, False, True]


def test_a_flat_rate_is_judged_by_its_rate() -> None:
    assert passed(judge_flat([alone(rates=(0.25,)), alone(rates=(6 * 0.05,))])) == [True]
    assert passed(judge_flat([alone(rates=(0.25,)), alone(rates=(0.15,))])) == [False]
    assert passed(judge_flat([alone(rates=(0.35,))])) == [False]


def together(welfare: float = 34.4, regret: float = 0.03) -> Any:
    return {"welfare": welfare, "regret on random schedules": {"relative": regret}}


def test_two_levels_are_judged_on_four_seeds_of_five() -> None:
    best, flat = 34.5779, 33.2835
    good, poor, lazy = together(), together(34.0), together(regret=0.06)
    assert passed(judge_two_level([good] * 5, best, flat)) == [True] * 3
    assert passed(judge_two_level([good] * 4 + [together(33.0)], best, flat)) == [True] * 3
    assert passed(judge_two_level([good] * 3 + [poor] * 2, best, flat)) == [False, True, True]
    assert passed(judge_two_level([good] * 3 + [together(33.9)] * 2, best, flat)) == [False, True, False]
    assert passed(judge_two_level([good] * 4 + [lazy], best, flat)) == [True] * 3
    assert passed(judge_two_level([good] * 3 + [lazy] * 2, best, flat)) == [True, False, True]
    assert passed(judge_two_level([poor], best, flat)) == [False, True, True]  # one seed is not excused


# --- the study in miniature -----------------------------------------------------------------------------------------


def test_what_is_learned_in_miniature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = "economy:one-step?agents=100&labour_levels=6&observe=brief"
    uris = {"3br": "", "7br": "&brackets=federal", "flat": "&cutoffs=0"}
    monkeypatch.setattr(arms, "URIS", {f"OSE-100/{name}": small + more for name, more in uris.items()})
    monkeypatch.setattr(arms, "BATCH", 4)
    monkeypatch.setattr(arms, "UPDATE", 8)
    monkeypatch.setattr("experiments.plots.DPI", 40)
    coarse = {7: np.array([0.0, 0.5])}
    monkeypatch.setattr(
        play, "optimum", lambda economy, fixed: optimum(economy, coarse.get(economy.brackets.count), fixed)
    )
    both = {"seeds": 1, "without_seeds": 1, "alone": 2, "together": 3, "schedules": 10, "deviations": 15}
    tiny = {"two-level": both}
    claims = tuple(
        replace(claim, quick=tiny.get(claim.key, {"seeds": 2, "updates": 3}))
        for claim in economist.LEARNED_CLAIMS
    )
    paper = replace(economist.PAPER, claims=claims)
    order = Order(tmp_path / "out", quick=True, quiet=True, workers=1)
    opened(paper, order)
    answers = carry_out(paper, claims, order, silent)
    assert all(one.found is not None for one in answers)
    told = json.loads((order.out / "answers.json").read_text())
    measured = {claim["key"]: claim["measured"] for claim in told["claims"]}
    pictures = [name for claim in told["claims"] for name in claim["figures"]]
    assert len(pictures) == 1 + 2 + 2
    assert all((order.out / name).stat().st_size > 2_000 for name in pictures)

    found = measured["best-responders"]
    assert [row["episodes"] for row in found["seeds"]] == [12, 12]
    assert found["seeds"][0] != found["seeds"][1]
    assert found["systems"]["optimum"]["rates"] == pytest.approx([0.0, 0.45, 0.25])
    assert np.shape(measured["seven-brackets"]["rates of brackets 2 to 6"]) == (2, 5)
    assert len(measured["learned-flat-rate"]["seeds"][0]["rates"]) == 1
    for name in (FIRST, WITHOUT):
        (row,) = measured["two-level"][name]["seeds"]
        assert len(row["regret under its schedule"]["of each worker"]) == 100
        assert 0 < row["regret on random schedules"]["relative"] < 2
        assert row["planner's regret"]["schedules it is compared with"] == 15
        assert row["planner's regret"]["workers answering best"] >= 0
        assert row["welfare with its own workers"] < row["welfare"] + 20

    # taken up again nothing is trained, and what is judged again comes to the same
    kept = {path: path.stat().st_mtime_ns for path in order.out.glob("runs/*/seed-*/last.safetensors")}
    assert len(kept) == 2
    (order.out / "claims" / "two-level.json").unlink()
    carry_out(paper, claims, order, silent)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    again = {c["key"]: c["measured"] for c in json.loads((order.out / "answers.json").read_text())["claims"]}
    assert again == measured


def test_planners_learn_within_a_few_updates() -> None:
    """A single flat rate for four workers: found by reinforcement, welfare far above that of nobody paying."""
    from experiments.papers.economist_alone import planners

    uri = f"{FOUR}&cutoffs=0&observe=brief&labour_levels=21"
    rows, (curve, *_) = planners(uri, {"seeds": 1, "updates": 60}, 100, silent)
    env: Any = make_env(uri)
    economy = play.economy_of(env)
    values = [outcome(economy, [rate]).welfare for rate in 0.05 * np.arange(21)]
    assert rows[0]["welfare"] == pytest.approx(outcome(economy, rows[0]["rates"]).welfare)
    assert rows[0]["welfare"] > values[0] + 0.8 * (max(values) - values[0])
    assert curve.steps[-1] == rows[0]["episodes"] == 60 * arms.BATCH
