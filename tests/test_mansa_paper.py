"""The neural claims on MANSA: what runs tell, how claims are judged, and the whole study in miniature."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.papers import mansa, mansa_learning
from experiments.papers import mansa_foraging_arms as arms
from experiments.papers.claims import Answer, Found, NotMeasured, Order
from experiments.papers.folder import opened
from experiments.papers.mansa_foraging import (
    FORAGING,
    judge_budgets,
    judge_foraging,
    judge_forty_percent,
    judge_one_percent,
)
from experiments.papers.mansa_judging import no_worse, remark
from experiments.papers.mansa_lbforaging import InPackage, judge_calls, judge_package, state_of
from experiments.papers.mansa_runs import Numbers, calls_beyond, learning_numbers, played_by, share_of_calls
from experiments.papers.mansa_study import (
    JUDGED,
    RANDOM,
    RANDOM_SEPARATE,
    SEPARATE,
    fraction_of,
    limit,
    price,
)
from experiments.papers.mansa_tabular import TABULAR
from experiments.papers.registry import PAPERS, claims_of
from experiments.papers.reproduction import carry_out
from experiments.training.request import asked_for
from experiments.training.runs import Run, read_run
from games import make_env
from games.play import play_episodes
from games.policy import random_policy
from games.streams import draw_seeds
from marl.learners import LEARNERS

KEYS = "exact-switch together penalty foraging-small foraging-8x8 budget-sweep tasks one-percent forty-percent lbforaging"
TINY: Mapping[str, Any] = {
    "steps": 240,
    "seeds": 1,
    "episodes": 6,
    "tasks": ["8x8-2p-2f-coop"],
    "package_episodes": 3,
    "package_steps": 80,
}
PLAIN: Any = LEARNERS["mansa"].make()
EFFORT: Mapping[str, Any] = {"steps": 1000, "seeds": 2}


def silent(fraction: float, message: str) -> None:
    assert 0.0 <= fraction <= 1.0 and message


# --- claims and arms ------------------------------------------------------------------------------------------


def test_claims_are_registered_in_their_order() -> None:
    paper = PAPERS["mansa"]
    assert [claim.key for claim in claims_of(paper, [])] == KEYS.split()
    assert {claim.key for claim in mansa.TABULAR_CLAIMS} == set(mansa.TESTS)
    assert set(mansa.TESTS.values()) == set(TABULAR)
    assert {claim.key for claim in mansa.NEURAL_CLAIMS} == set(FORAGING)
    assert "SMAC, which is not available here" in claims_of(paper, ["forty-percent"])[0].where


def test_claims_on_the_same_runs_have_the_same_effort() -> None:
    claims = {claim.key: claim for claim in mansa.NEURAL_CLAIMS}
    for quick in (True, False):
        foraging = claims["foraging-small"].budget(quick)
        for key in ("budget-sweep", "lbforaging"):
            assert {**claims[key].budget(quick), **foraging} == claims[key].budget(quick)
        tasks = [claims[key].budget(quick) for key in ("tasks", "one-percent", "forty-percent")]
        assert tasks[0] == tasks[1] == tasks[2]
    assert len(claims["tasks"].full["tasks"]) == 7 and claims["tasks"].full["seeds"] == 5
    assert set(claims["tasks"].quick["tasks"]) < set(claims["tasks"].full["tasks"])


def spec_of(arm: arms.Arm, folder: Path) -> Any:
    return asked_for(arm.wish(Order(folder), folder))


def test_arms_differ_in_who_learns_and_who_decides_alone(tmp_path: Path) -> None:
    """Both parts of MANSA are the learners alone, field by field; arms of a task differ in what they are about."""
    effort = mansa.FORAGING[False]
    alone = {
        name: spec_of(make(arms.SMALL, effort), tmp_path)
        for name, make in (("iql", arms.iql), ("qmix", arms.qmix))
    }
    plain = spec_of(arms.mansa(arms.SMALL, effort), tmp_path)
    assert (
        plain.learner.independent == alone["iql"].learner and plain.learner.central == alone["qmix"].learner
    )
    assert replace(alone["iql"].learner, mixer="monotonic") == alone["qmix"].learner
    assert alone["iql"].learner.epsilon_steps == 50_000 and plain.learner.cost == arms.COST
    others = {
        "cost": spec_of(arms.mansa(arms.SMALL, effort, 0.2), tmp_path),
        "share_data": spec_of(arms.mansa(arms.SMALL, effort, share_data=False), tmp_path),
        "budget": spec_of(arms.limited(arms.SMALL, effort), tmp_path),
    }
    for field, spec in others.items():
        assert replace(spec.learner, **{field: getattr(plain.learner, field)}) == plain.learner, field
        assert spec.learner != plain.learner
    control = spec_of(arms.random(arms.SMALL, effort, 0.123456), tmp_path)
    assert control.learner == replace(plain.learner, control="random", fraction=0.1235, cost=PLAIN.cost)
    assert len({spec.training for spec in (*alone.values(), plain, control, *others.values())}) == 1
    assert plain.training.greedy and plain.training.episodes == 100
    names = [arms.mansa(arms.SMALL, effort, cost).name for cost in arms.COSTS]
    assert len({*names, arms.limited(arms.SMALL, effort).name, arms.iql(arms.LARGER, effort).name}) == 5


def test_budgets_are_shares_of_an_episode() -> None:
    assert make_env(f"foraging:{arms.SMALL}").spec.horizon == arms.HORIZON
    assert [int(share * arms.HORIZON) for share in (0.1, 0.25, 0.5)] == list(arms.BUDGETS)
    assert arms.BUDGET in arms.BUDGETS and arms.COST in arms.COSTS


# --- what lines tell ------------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(1, 6), st.sampled_from([0.0, 0.25, 0.5, 1.0])), min_size=1, max_size=8),
    st.data(),
)
@settings(max_examples=60, deadline=None)
def test_shares_of_calls_are_means_over_steps(lines: list[tuple[int, float]], data: st.DataObject) -> None:
    """Against a list with an entry for every single step."""
    every = [share for width, share in lines for _ in range(width)]
    ends = np.cumsum([width for width, _ in lines])
    rows = [{"steps": int(end), "call_fraction": share} for end, (_, share) in zip(ends, lines)]
    first = data.draw(st.integers(0, len(every) - 1))
    last = data.draw(st.integers(first + 1, len(every)))
    assert share_of_calls(rows, first, last) == pytest.approx(np.mean(every[first:last]))


def made_run(folder: Path, arm: arms.Arm, seeds: Mapping[int, list[dict[str, Any]]], **training: Any) -> Run:
    """A run of an arm whose lines are made up."""
    spec = spec_of(arm, folder)
    spec = replace(spec, seeds=len(seeds), training=replace(spec.training, **training).filled())
    run = Run(folder, spec, {})
    for seed, rows in seeds.items():
        run.folder(seed).mkdir(parents=True)
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (run.folder(seed) / "metrics.jsonl").write_text(text)
    return run


def judged(steps: int, reached: float, alone: float) -> dict[str, Any]:
    return {"kind": "evaluation", "steps": steps, "return": reached, "return_independent": alone}


def updated(steps: int, calls: float, episodes: int = 0) -> dict[str, Any]:
    return {"kind": "update", "steps": steps, "call_fraction": calls, "episodes": episodes}


def test_areas_and_shares_of_made_up_runs(tmp_path: Path) -> None:
    one = [
        judged(0, 0.0, 0.0),
        updated(100, 0.5),
        judged(100, 1.0, 0.5),
        updated(400, 0.25),
        judged(400, 0.5, 0.5),
    ]
    two = [judged(0, 1.0, 1.0), updated(50, 1.0), updated(380, 0.0), updated(400, 1.0), judged(400, 1.0, 0.0)]
    run = made_run(tmp_path / "run", arms.mansa(arms.SMALL, EFFORT), {0: one, 1: two})
    told = learning_numbers(run)
    # trapezoids: (100 * 0.5 + 300 * 0.75) / 400, (100 * 0.25 + 300 * 0.5) / 400
    assert told["area"] == pytest.approx([0.6875, 1.0])
    assert told["area_independent"] == pytest.approx([0.4375, 0.5])
    assert told["calls_training"] == pytest.approx([(50 + 75) / 400, 70 / 400])
    assert told["calls_last_tenth"] == pytest.approx([0.25, 0.5])  # steps 360 to 400
    assert "calls_beyond" not in told
    assert fraction_of(told) == round((125 + 70) / 800, 4)
    control = spec_of(arms.random(arms.SMALL, EFFORT, fraction_of(told)), tmp_path)
    assert control.learner.fraction == 0.2437 and control.learner.control == "random"


def test_learners_alone_have_no_calls(tmp_path: Path) -> None:
    rows = [{"kind": "evaluation", "steps": s, "return": s / 10} for s in (0, 10)]
    rows.insert(1, {"kind": "update", "steps": 10, "episodes": 1})
    assert learning_numbers(made_run(tmp_path / "run", arms.iql(arms.SMALL, EFFORT), {0: rows})) == {
        "area": [0.5],
        "samples": [0.0],
    }


@pytest.mark.parametrize(
    "lines, beyond",
    [
        # two sub-environments and a budget of 12: 24 calls before anything ends
        ([(40, 0.5, 0), (80, 0.1, 0)], 0.0),
        ([(40, 0.625, 0)], 1.0),
        # two ended, two are being played
        ([(40, 0.6, 1), (100, 0.5, 1)], 54.0 - 4 * 12),
        # after a checkpoint two more begin: 64 calls are no more than those of six episodes, but there were 54 before
        ([(40, 0.6, 1), (100, 0.5, 1), (120, 0.5, 0)], 6.0),
        ([(40, 0.1, 0), (120, 0.6, 0)], 52.0 - 4 * 12),
    ],
)
def test_calls_beyond_the_budgets_of_all_episodes(
    tmp_path: Path, lines: list[tuple[int, float, int]], beyond: float
) -> None:
    rows = [updated(*line) for line in lines]
    run = made_run(tmp_path / "run", arms.limited(arms.SMALL, EFFORT), {0: rows}, batch=2, save_every=101)
    assert calls_beyond(run, rows, 12) == pytest.approx(beyond)
    assert learning_numbers(run)["calls_beyond"] == pytest.approx([beyond])


# --- criteria -------------------------------------------------------------------------------------------------


def numbers(reached: float, alone: float = 0.0, calls: float = 0.5, **more: float) -> Numbers:
    """Three seeds around these means."""
    out = {
        "return": reached,
        "return_independent": alone,
        "return_exploring": reached,
        "area": reached / 2,
        "area_independent": alone / 2,
        "calls_training": calls,
        "calls_last_tenth": calls,
        "calls_evaluation": calls,
        **more,
    }
    spread = {"most_calls": 0.0, "calls_beyond": 0.0}
    return {key: [value + spread.get(key, 0.01) * k for k in (-1, 0, 1)] for key, value in out.items()}


def good_rows() -> dict[str, Numbers]:
    return {
        "IQL": numbers(0.6),
        "QMIX": numbers(0.7),
        price(0.01): numbers(0.7, 0.65, 0.6),
        JUDGED: numbers(0.66, 0.59, 0.4),
        price(0.2): numbers(0.7, 0.65, 0.2),
        limit(12): numbers(0.5, 0.5, 0.1, most_calls=12.0, calls_beyond=-3.0),
        RANDOM: numbers(0.66, 0.6, return_at_same_share=0.66),
        SEPARATE: numbers(0.66, 0.3, 0.4),
        RANDOM_SEPARATE: numbers(0.5, 0.3, return_at_same_share=0.5),
    }


def test_t3_holds_where_all_is_as_it_should_be() -> None:
    criteria, measured = judge_foraging(good_rows())
    assert [one.passed for one in criteria] == [True] * 7
    assert criteria[0].value["arm"] == "against QMIX" and criteria[0].value["mean"] == pytest.approx(-0.04)
    assert criteria[1].value["mean"] == pytest.approx(-0.01)
    assert measured["remark"].startswith("E1 of MANSA c=0.05, separate data is above")
    assert measured["differences"]["IQL"]["area of E1"]["mean"] == pytest.approx(0.03)
    assert measured["minus_random"]["separate data"]["E1"]["mean"] == pytest.approx(0.16)


@pytest.mark.parametrize(
    "which, label, change",
    [
        (0, JUDGED, {"return": [0.64, 0.65, 0.64]}),
        (1, JUDGED, {"return_independent": [0.57, 0.58, 0.57]}),
        (2, JUDGED, {"calls_last_tenth": [0.61, 0.61, 0.61]}),
        (3, price(0.2), {"calls_last_tenth": [0.4, 0.4, 0.4]}),
        (4, limit(12), {"most_calls": [12.0, 13.0, 12.0]}),
        (5, limit(12), {"calls_beyond": [-1.0, -1.0, 0.5]}),
        (6, RANDOM_SEPARATE, {"return_at_same_share": [0.6, 0.66, 0.7], "area": [0.3, 0.35, 0.36]}),
    ],
)
def test_every_criterion_of_t3_can_fail(which: int, label: str, change: Numbers) -> None:
    rows = good_rows()
    rows[label] |= change
    if which == 2:
        rows[price(0.01)] |= {"calls_last_tenth": [0.7, 0.7, 0.7]}
    criteria, measured = judge_foraging(rows)
    assert [k for k, one in enumerate(criteria) if not one.passed] == [which]
    assert measured["remark"].startswith("null result") == (which == 6)
    assert Answer(mansa.NEURAL_CLAIMS[0], Found(measured, criteria)).verdict == "does not hold"


def test_random_calls_may_be_better() -> None:
    gap = {"mean": -0.2, "low": -0.3, "high": -0.1}
    around = {"mean": 0.1, "low": -0.1, "high": 0.3}
    assert remark({"E1": gap, "area of E1": around}, "it") == (
        "E1 of it is below that of random calls at the same share"
    )
    assert remark({"E1": around, "area of E1": around}, "it").startswith("null result")
    rows = good_rows()
    rows[RANDOM_SEPARATE] |= {"return_at_same_share": [0.9, 0.9, 0.9], "area": [0.9, 0.9, 0.9]}
    criteria, measured = judge_foraging(rows)
    assert not criteria[-1].passed and "is below" in measured["remark"]


def test_a_single_seed_tells_nothing_from_chance() -> None:
    rows = {label: {key: values[:1] for key, values in row.items()} for label, row in good_rows().items()}
    criteria, measured = judge_foraging(rows)
    assert not criteria[-1].passed and measured["remark"].startswith("null result")


def test_without_other_prices_and_separate_data_random_calls_are_the_plain_ones() -> None:
    rows = {
        label: row
        for label, row in good_rows().items()
        if label in ("IQL", "QMIX", JUDGED, RANDOM, limit(12))
    }
    criteria, measured = judge_foraging(rows)
    assert [one.passed for one in criteria] == [True] * 5 + [False]
    assert set(measured["minus_random"]) == {"shared data"}
    rows[RANDOM]["area"] = [0.1, 0.11, 0.12]
    assert judge_foraging(rows)[0][-1].passed


def test_the_better_component_is_that_of_the_larger_return() -> None:
    rows = {"A": numbers(0.2), "B": numbers(0.1), "it": numbers(0.1)}
    assert not no_worse(rows, "it", ("A", "B"), 0.05).passed
    assert no_worse(rows, "it", ("B",), 0.05).passed
    assert no_worse(rows, "it", ("A", "B"), 0.1000001).value["arm"] == "against A"


def test_budgets_are_judged_one_by_one() -> None:
    rows = {limit(b): numbers(0.5, most_calls=float(b), calls_beyond=0.0) for b in arms.BUDGETS}
    assert all(one.passed for one in judge_budgets(rows)) and len(judge_budgets(rows)) == 8
    rows[limit(25)]["return"] = [0.44, 0.44, 0.44]
    assert [one.passed for one in judge_budgets(rows)] == [True, False] + [True] * 6
    rows[limit(5)]["most_calls"] = [6.0, 5.0, 5.0]
    assert [one.passed for one in judge_budgets(rows)] == [True, False, False] + [True] * 5


def test_the_headline_over_tasks() -> None:
    few = {"a": numbers(0.5, calls=0.01), "b": numbers(0.5, calls=0.03)}
    assert [one.passed for one in judge_one_percent(few)] == [True, True]
    assert [one.value for one in judge_one_percent(few)] == pytest.approx([0.02, 0.02])
    few["b"]["calls_evaluation"] = [0.04, 0.04, 0.04]
    assert [one.passed for one in judge_one_percent(few)] == [True, False]
    rows = {task: {"MAPPO": numbers(0.5), JUDGED: numbers(0.485, calls=0.6)} for task in ("a", "b")}
    assert all(one.passed for one in judge_forty_percent(rows)) and len(judge_forty_percent(rows)) == 4
    rows["b"][JUDGED] = numbers(0.47, calls=0.61)
    assert [one.passed for one in judge_forty_percent(rows)] == [True, True, False, False]


def test_the_package_is_judged_by_its_difference() -> None:
    ours = [0.0, 1.0] * 50
    alike = judge_package({"E1": {"package": ours, "ours": ours}, "E2": {"package": [0.54], "ours": [0.5]}})
    assert [one.passed for one in alike[0]] == [True, True]
    far = judge_package({"E1": {"package": [0.2, 0.0] * 50, "ours": ours}})
    assert [one.passed for one in far[0]] == [False] and far[1]["E1"]["mean"] == pytest.approx(-0.4)
    chance = judge_package({"E1": {"package": [1.0, 1.0, 0.0], "ours": [0.0, 1.0, 0.0]}})
    assert [one.passed for one in chance[0]] == [True]
    calls = {"steps": 9, "calls": 4, "calls_of_lines": 4.0, "samples_independent": 8, "samples_central": 4}
    assert all(one.passed for one in judge_calls(calls))
    assert not judge_calls({**calls, "calls_of_lines": 5.0})[0].passed
    assert not judge_calls({**calls, "samples_central": 9})[1].passed


# --- the package ----------------------------------------------------------------------------------------------


def fresh_team() -> Any:
    """A switched team of untrained networks."""
    env = make_env(f"foraging:{arms.SMALL}")
    return env, PLAIN.policy(PLAIN.init(env.spec, np.random.default_rng(3)), greedy=False)


def test_the_state_is_put_together_from_what_players_see() -> None:
    env, _ = fresh_team()
    seen: list[int] = []

    def watch(world: Any, step: Any, actions: Any) -> None:
        steps = np.full(step.batch, len(seen))
        told = state_of(step, steps, arms.HORIZON)
        going = ~step.last
        np.testing.assert_allclose(told[going], step.state[going], atol=1e-6)
        seen.append(int(going.sum()))

    play_episodes(env, random_policy(env.spec), draw_seeds(np.random.default_rng(0), 40), watch=watch)
    assert len(seen) == arms.HORIZON + 1 and seen[0] == 40 and 0 < seen[-2] < 40


def test_a_team_plays_as_ever_from_what_players_see() -> None:
    env, team = fresh_team()
    plain, told = (played_by(env, one, 30, 5) for one in (team, InPackage(team)))
    np.testing.assert_array_equal(plain.returns, told.returns)
    np.testing.assert_array_equal(plain.counts["call"], told.counts["call"])
    assert 0 < plain.share("call") < 1


def test_a_team_of_ours_plays_in_the_package() -> None:
    pytest.importorskip("lbforaging")
    package, (_, team) = make_env(arms.PACKAGE), fresh_team()
    states: list[Any] = []

    def watch(world: Any, step: Any, actions: Any) -> None:
        states.append(state_of(step, np.full(step.batch, len(states)), arms.HORIZON))

    played = play_episodes(package, InPackage(team), draw_seeds(np.random.default_rng(0), 3), watch=watch)
    assert played.lengths.max() <= arms.HORIZON
    first = states[0]
    assert first.shape == (3, 11) and (first[:, -1] == 1.0).all() and (first[:, -2] == 1.0).all()
    levels, places = first[:, [2, 5]], first[:, [0, 1, 3, 4, 6, 7]]
    assert set(levels.ravel()) <= {1.0, 2.0} and (first[:, 8] == levels.sum(axis=1)).all()
    assert places.min() >= 0 and places.max() <= 4


def test_without_the_package_nothing_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.papers.mansa_lbforaging.find_spec", lambda name: None)
    with pytest.raises(NotMeasured, match="lbforaging is not installed"):
        FORAGING["lbforaging"](mansa.NEURAL_CLAIMS[-1], Order(tmp_path), silent)


# --- the study in miniature -----------------------------------------------------------------------------------


def test_the_study_in_miniature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = {"warmup": 40, "batch_size": 2, "capacity": 200, "rollout": 10, "hidden": [8], "learn_every": 20}
    monkeypatch.setattr(mansa_learning, "COMMON", {**mansa_learning.COMMON, **short})
    few = {"rollout": 10, "hidden": [8], "minibatches": 1}
    monkeypatch.setattr(mansa_learning, "ON_POLICY", {**mansa_learning.ON_POLICY, **few})
    monkeypatch.setattr(mansa_learning, "ON_POLICY_BATCH", 4)
    monkeypatch.setattr(mansa_learning, "TRAINING", {"batch": 4, "greedy": True, "episodes": 4})
    monkeypatch.setattr("experiments.plots.DPI", 40)
    claims = tuple(replace(claim, quick=TINY) for claim in mansa.NEURAL_CLAIMS)
    order = Order(tmp_path / "out", quick=True, quiet=True)
    paper = replace(mansa.PAPER, claims=claims)
    opened(paper, order)
    answers = {one.claim.key: one for one in carry_out(paper, claims, order, silent)}
    assert all(one.found is not None for one in answers.values())
    told = json.loads((order.out / "answers.json").read_text())
    measured = {claim["key"]: claim["measured"] for claim in told["claims"]}
    pictures = [name for claim in told["claims"] for name in claim["figures"]]
    assert len(pictures) == 3 * 3 + 2 and all((order.out / name).stat().st_size > 2_000 for name in pictures)

    rows = measured["foraging-small"]["arms"]
    for like, control, suffix in ((JUDGED, RANDOM, ""), (SEPARATE, RANDOM_SEPARATE, "-separate")):
        share = rows[like]["calls_training"]["mean"]
        spec = read_run(order.out / "runs" / f"{arms.SMALL}-random{suffix}").spec
        assert spec.learner.control == "random" and spec.learner.fraction == round(share, 4)
        assert spec.learner.share_data == (suffix == "")
        assert {"return_at_same_share", "return"} < set(rows[control])
    assert rows[limit(12)]["most_calls"]["mean"] <= 12 and rows[limit(12)]["calls_beyond"]["mean"] <= 0
    assert measured["budget-sweep"]["arms"][limit(12)] == rows[limit(12)]  # the same run
    assert set(rows["IQL"]) == {"area", "return", "return_exploring", "samples"}
    task = measured["tasks"]["tasks"][TINY["tasks"][0]]
    for key in ("one-percent", "forty-percent"):
        assert measured[key]["tasks"][TINY["tasks"][0]]["arms"][JUDGED] == task["arms"][JUDGED]
    central, whole = (
        task["arms"][a][k]["mean"] for a, k in ((JUDGED, "samples_central"), ("MAPPO", "samples"))
    )
    assert 0 < central < whole and task["central_samples_over_mappo"] == pytest.approx(central / whole)

    # taken up again nothing is trained, and what is judged again comes to the same
    trained = {path: path.stat().st_mtime_ns for path in order.out.glob("runs/*/seed-*/last.safetensors")}
    (order.out / "claims" / "foraging-8x8.json").unlink()
    again = {one.claim.key: one for one in carry_out(paper, claims, order, silent)}
    assert {path: path.stat().st_mtime_ns for path in trained} == trained
    for key, answer in again.items():
        assert answer.found is not None and answers[key].found is not None
        assert answer.verdict == answers[key].verdict
    assert (
        json.loads((order.out / "answers.json").read_text())["claims"][1]["measured"]
        == measured["foraging-8x8"]
    )
