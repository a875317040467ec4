"""Runs of mansa on the command line: executed in four ways, what their training came to, and the page about them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Staghunt
from report_runs import Page

from experiments import cli
from experiments.evaluation_switch import Executed, call_interval, in_execution, switched_team
from experiments.report.page import report_on
from experiments.report.switches import calls_figure
from experiments.training.runs import BEST, read_metrics, read_run, read_timing, team_of
from experiments.training.switch_summary import gradient_samples, learn_seconds, share_between
from games import play_episodes
from games.play import Episodes
from games.streams import draw_seeds

FIELD = "foraging:5x5-2p-1f-coop?horizon=15"
SMALL = (
    "--set",
    "learner.independent.hidden=[16]",
    "--set",
    "learner.central.hidden=[16]",
    "--set",
    "learner.switch.hidden=[16]",
    "--set",
    "learner.warmup=400",
)
CHANCE = ("--set", "learner.control=random", "--set", "learner.fraction=0.4")
WAYS = ["switched", "random", "independent", "central"]
COIN = ["switched", "independent", "central"]
"""Where chance decides in any case there is no control to it."""


def train(folder: Path, *more: str, learner: str = "mansa", steps: int = 2_400) -> Path:
    small = SMALL if learner == "mansa" else ()
    words = ["train", learner, FIELD, "--out", str(folder), "--steps", str(steps), "--quiet"]
    assert cli.run([*words, *small, *more]) == 0
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def learned(home: Path) -> Path:
    return train(home / "learned")


@pytest.fixture(scope="module")
def chance(home: Path) -> Path:
    """Calls come by chance, so that their share is known."""
    return train(home / "chance", *CHANCE)


@pytest.fixture(scope="module")
def alone(home: Path) -> Path:
    return train(home / "alone", learner="ippo", steps=500)


def judged(staghunt: Staghunt, run: Path, *more: Any) -> dict[str, Any]:
    done = staghunt("evaluate", run, "--json", "-n", 200, *more)
    assert done.code == 0, done.err
    (one,) = done.json["seeds"]
    return dict(one)


def by_way(one: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {found["execution"]: found for found in one["switch"]["executions"]}


# --- evaluate -----------------------------------------------------------------------------------------------------


def test_all_ways_are_told_on_the_same_episodes(staghunt: Staghunt, chance: Path, learned: Path) -> None:
    one = judged(staghunt, chance)
    ways = by_way(one)
    assert list(ways) == COIN and one["switch"]["execution"] == "switched" and one["graphs"] is None
    assert one["return"] == ways["switched"]["return"]
    steps = 200 * ways["switched"]["length"]["mean"]
    assert ways["switched"]["call_fraction"] == pytest.approx(0.4, abs=5 * math.sqrt(0.24 / steps))
    assert (ways["independent"]["call_fraction"], ways["central"]["call_fraction"]) == (0.0, 1.0)
    for way in COIN[1:]:
        gain = ways["switched"]["return"]["mean"] - ways[way]["return"]["mean"]
        assert ways[way]["switched_gains"]["mean"] == pytest.approx(gain, abs=1e-9)
    assert ways["switched"]["switched_gains"] is None
    low, high = ways["switched"]["call_interval"]
    assert low < ways["switched"]["call_fraction"] < high
    ways = by_way(judged(staghunt, learned))
    assert list(ways) == WAYS and ways["random"]["chance"] == ways["switched"]["call_fraction"]
    again, share = 200 * ways["random"]["length"]["mean"], ways["random"]["chance"]
    allowed = 5 * math.sqrt(share * (1 - share) / again) + 1e-9
    assert ways["random"]["call_fraction"] == pytest.approx(share, abs=allowed)


def test_every_way_is_the_team_that_it_says(staghunt: Staghunt, learned: Path) -> None:
    run = read_run(learned)
    learner: Any
    learner, env, state, _ = team_of(run, run.folder(0) / BEST)
    greedy = run.spec.training.greedy
    seeds = draw_seeds(np.random.default_rng(0), 200)
    ways = by_way(judged(staghunt, learned))
    for name in ("independent", "central"):
        team = getattr(learner, name).policy(getattr(state, name), greedy)
        mean = play_episodes(env, team, seeds).returns.sum(axis=1).mean()
        assert ways[name]["return"]["mean"] == pytest.approx(mean, abs=1e-12)
    for way in WAYS:
        one = judged(staghunt, learned, "--execution", way)
        assert one["return"] == ways[way]["return"] and one["switch"]["execution"] == way
        (found,) = one["switch"]["executions"]
        assert {k: v for k, v in found.items() if k != "switched_gains"} == {
            k: v for k, v in ways[way].items() if k != "switched_gains"
        }
        assert (one["switch"]["where"] is None) == (way in ("independent", "central"))


def test_where_it_calls_is_told(staghunt: Staghunt, learned: Path, chance: Path) -> None:
    one = judged(staghunt, learned)
    where, way = one["switch"]["where"], by_way(one)["switched"]
    assert where["calls"] / where["steps"] == way["call_fraction"]
    assert where["steps"] == sum(row["steps"] for row in where["over_steps"])
    assert where["episodes"] == 200 and where["features"][0]["bins"]
    assert {row["name"] for row in where["features"]} & {"step of the episode", "state[0]"}
    assert judged(staghunt, chance)["switch"]["where"] is None
    text = " ".join(staghunt("evaluate", chance, "-n", 40).out.split())
    assert "not by a switch, but by a coin that says call with probability 0.4" in text
    assert "its control is random" in staghunt("evaluate", chance, "--figure", "x.png").complaint
    told = staghunt("evaluate", learned, "-n", 40)
    text = " ".join(told.out.split())
    assert told.code == 0 and "Execution" in text
    assert "calls depend most on" in text or "the switch never calls" in text
    assert "somebody sees the state and broadcasts one bit" in text and "fully decentralised" in text


def test_a_budget_holds_in_every_way(staghunt: Staghunt, home: Path) -> None:
    run = train(home / "budget", *CHANCE, "--set", "learner.budget=2")
    one = judged(staghunt, run)
    ways = by_way(one)
    assert one["switch"]["budget"] == 2
    assert all(ways[way]["most_calls"] <= 2 for way in COIN)
    assert ways["central"]["most_calls"] == 2 and 0 < ways["central"]["call_fraction"] < 1
    central = judged(staghunt, run, "--execution", "central")
    assert central["return"] == ways["central"]["return"]
    assert "at most 2 calls in an episode" in " ".join(staghunt("evaluate", run, "-n", 20).out.split())


def test_the_run_says_how_it_is_executed(staghunt: Staghunt, home: Path) -> None:
    run = train(home / "apart", *CHANCE, "--set", "learner.execution=independent")
    one = judged(staghunt, run)
    ways = by_way(one)
    assert one["switch"]["execution"] == "independent" and list(ways) == COIN
    assert one["return"] == ways["independent"]["return"]
    document = staghunt("train", "--resume", run, "--json").json["results"][0]
    assert document["switch"]["call_fraction_evaluation"] == 0.0
    assert document["switch"]["return_independent"] == document["final"]["return"]


def test_figures(staghunt: Staghunt, learned: Path, tmp_path: Path) -> None:
    for more in ((), ("--execution", "random")):
        path = tmp_path / f"calls{len(more)}.svg"
        assert staghunt("evaluate", learned, "-n", 30, "--figure", path, "-q", *more).code == 0
        assert "<svg" in path.read_text()


def test_what_does_not_fit_is_refused(staghunt: Staghunt, learned: Path, alone: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.png"
    for words, complaint in (
        ((learned, "--execution", "often"), "switched, random, independent, central, not 'often'"),
        ((learned, "--dag", "empty"), "a run of mansa has a switch"),
        ((learned, "--figure", out, "--execution", "central"), "nobody asks it"),
        ((alone, "--execution", "random"), "for teams with a switch, and this is a run of ippo"),
        ((alone, "--figure", out), "without a graph or a switch"),
    ):
        assert complaint in staghunt("evaluate", *words).complaint
    assert not out.exists()
    assert judged(staghunt, alone)["switch"] is None


def test_several_seeds_are_told_together(staghunt: Staghunt, home: Path) -> None:
    run = train(home / "two", *CHANCE)
    assert cli.run(["train", "--resume", str(run), "--seeds", "2", "--quiet"]) == 0
    document = staghunt("evaluate", run, "--json", "-n", 50).json
    together = document["aggregate"]["switch"]["executions"]
    assert [found["execution"] for found in together] == COIN
    for k, found in enumerate(together):
        mine = [one["switch"]["executions"][k] for one in document["seeds"]]
        assert found["return"]["mean"] == pytest.approx(np.mean([m["return"]["mean"] for m in mine]))
        assert found["call_fraction"] == pytest.approx(np.mean([m["call_fraction"] for m in mine]))
        if k:
            gains = np.mean([m["switched_gains"]["mean"] for m in mine])
            assert found["switched_gains"]["mean"] == pytest.approx(gains, abs=1e-9)
    assert "all" in staghunt("evaluate", run, "-n", 50).out
    assert "add --train-seed" in staghunt("evaluate", run, "--figure", home / "x.png").complaint


def test_gains_and_films_are_of_the_team_as_it_is_executed(
    staghunt: Staghunt, chance: Path, tmp_path: Path
) -> None:
    plain = judged(staghunt, chance, "--execution", "random")
    film = tmp_path / "film.gif"
    filmed = judged(staghunt, chance, "--execution", "random", "--render", film)
    assert film.is_file() and filmed["return"] == plain["return"]
    one = judged(staghunt, chance, "-x", "--steps", 200, "--gain-episodes", 20, "--execution", "independent")
    assert one["exploitability"]["bound"] == "lower" and len(one["exploitability"]["agents"]) == 2


# --- pieces -------------------------------------------------------------------------------------------------------


def test_shares_of_calls_have_intervals_of_episodes() -> None:
    episodes = Episodes(
        np.arange(4, dtype=np.uint64),
        np.zeros((4, 2)),
        np.array([10, 10, 10, 10], dtype=np.int32),
        np.ones(4, dtype=bool),
        {"call": np.array([5, 5, 5, 5])},
    )
    rng = np.random.default_rng(0)
    assert Executed("switched", episodes).call_fraction == 0.5
    assert call_interval(Executed("switched", episodes), rng).tolist() == [0.5, 0.5]  # type: ignore[union-attr]
    assert call_interval(Executed("switched", Episodes.joined([episodes])), rng) is not None
    bare = episodes._replace(counts={})
    assert Executed("central", bare).calls.tolist() == [10] * 4
    assert Executed("independent", bare).calls.tolist() == [0] * 4


def test_ways_share_one_budget_and_one_pair_of_teams(home: Path) -> None:
    run = read_run(train(home / "pair", "--set", "learner.budget=3", steps=800))
    learner: Any
    learner, _, state, _ = team_of(run, run.folder(0) / BEST)
    team = switched_team(replace(learner, execution="central"), state, True)
    assert team is not None and team.budget == 3
    for way, chance in (("switched", None), ("random", 0.5), ("central", None)):
        other: Any = in_execution(team, way, chance)
        assert other.budget == 3 and other.independent is team.independent and other.central is team.central
    assert in_execution(team, "independent") is team.independent
    assert switched_team(object(), state, True) is None


# --- train --------------------------------------------------------------------------------------------------------


def test_shares_between_steps_cut_lines_in_part() -> None:
    rows = [{"steps": 40, "call_fraction": 1.0}, {"steps": 100, "call_fraction": 0.25}]
    assert share_between(rows, 0, 100) == pytest.approx((40 + 15) / 100)
    assert share_between(rows, 30, 50) == pytest.approx((10 + 2.5) / 20)
    assert share_between(rows, 90, 100) == 0.25
    assert share_between([], 0, 0) is None and share_between([{"steps": 10}], 0, 10) is None


def test_rates_are_summed_over_what_has_passed() -> None:
    rows = [
        {"steps": 100, "central_samples_per_step": 0.0, "switch_samples_per_step": 2.0},
        {"steps": 150, "central_samples_per_step": 3.0, "switch_samples_per_step": 2.0},
    ]
    assert gradient_samples(rows) == {"independent": 0, "central": 150, "switch": 300}
    times = [
        {"steps": 100, "seconds": 2.0, "learn_central": 0.5},
        {"steps": 150, "seconds": 6.0, "learn_central": 0.25},
    ]
    assert learn_seconds(times) == {"independent": 0.0, "central": 2.0, "switch": 0.0}


def test_the_summary_says_what_calls_cost(staghunt: Staghunt, learned: Path, alone: Path) -> None:
    done = staghunt("train", "--resume", learned, "--json")
    (one,) = done.json["results"]
    told, folder = one["switch"], learned / "seed-0"
    rows = read_metrics(folder, "update")
    assert [row["steps"] for row in rows] == [800, 1_600, 2_400]
    last = read_metrics(folder, "evaluation")[-1]
    assert told["call_fraction"] == pytest.approx(
        np.mean([row["call_fraction"] for row in rows]), abs=1e-12
    )  # every line is about as many steps
    assert told["call_fraction_last_tenth"] == rows[-1]["call_fraction"]
    assert told["call_fraction_evaluation"] == last["call_fraction"]
    assert told["return_independent"] == last["return_independent"]
    for part in ("independent", "central", "switch"):
        samples = sum(800 * row[f"{part}_samples_per_step"] for row in rows)
        assert told["gradient_samples"][part] == pytest.approx(samples, abs=0.5)
        assert 0 < told["learn_seconds"][part] < read_timing(folder)[-1]["seconds"]
    assert list(told) == [
        "call_fraction",
        "call_fraction_last_tenth",
        "call_fraction_evaluation",
        "return_independent",
        "gradient_samples",
        "learn_seconds",
    ]
    text = staghunt("train", "--resume", learned).out
    assert all(head in text for head in ("Calls", "last 10 %", "judged", "E2"))
    other = staghunt("train", "--resume", alone, "--json")
    assert "switch" not in other.json["results"][0]
    assert "E2" not in staghunt("train", "--resume", alone).out


# --- report -------------------------------------------------------------------------------------------------------


def test_the_page_says_what_the_files_say(staghunt: Staghunt, learned: Path, alone: Path) -> None:
    page = Page(report_on(learned).html)
    told = staghunt("train", "--resume", learned, "--json").json["results"][0]["switch"]
    cells = {
        attributes["data-calls"]: json.loads(attributes["data-value"])
        for tag, attributes in page.tags
        if tag == "td" and "data-calls" in attributes
    }
    assert cells["calls"] == told["call_fraction"] and cells["E2"] == told["return_independent"]
    assert cells["samples, central"] == told["gradient_samples"]["central"]
    assert cells["seconds, switch"] == told["learn_seconds"]["switch"]
    pictures = [attributes["alt"] for tag, attributes in page.tags if tag == "img"]
    assert sum("switch" in alt for alt in pictures) == 2
    assert "data-calls" not in report_on(alone).html


def test_curves_are_those_of_the_files(learned: Path) -> None:
    rows = read_metrics(learned / "seed-0")
    calls, returns = calls_figure({0: rows}).axes
    wanted = [row["call_fraction"] for row in rows if row["kind"] == "update"]
    assert np.asarray(calls.lines[0].get_ydata()).tolist() == wanted
    judged_rows = [row for row in rows if row["kind"] == "evaluation"]
    for line, name in zip(returns.lines, ("return", "return_independent")):
        assert np.asarray(line.get_ydata()).tolist() == [row[name] for row in judged_rows]


def test_a_switch_in_a_table_is_told_beside_the_best_one(staghunt: Staghunt, tmp_path: Path) -> None:
    run = tmp_path / "bits"
    quick = ("learner.independent.warmup=100", "learner.central.warmup=100", "training.greedy=true")
    words = ["train", "mansa", "coordination:bits?agents=2", "--steps", "2000", "--out", str(run), "-q"]
    for setting in quick:
        words += ["--set", setting]
    assert cli.run(words) == 0
    told = judged(staghunt, run)["switch"]
    exact, played = told["exact"], told["executions"][0]
    low, high = played["return"]["interval"]
    assert low - 0.5 * (high - low) <= exact["return"] <= high + 0.5 * (high - low)
    assert exact["regret"] >= -1e-9 and exact["certificate"]["bound"] == "exact"
    worth = exact["return"] - exact["cost"] * exact["calls"]
    best = exact["best"]["return"] - exact["cost"] * exact["best"]["calls"]
    assert exact["regret"] == pytest.approx(best - worth, abs=1e-9)
    shown = " ".join(staghunt("evaluate", run, "-n", 20).out.split())
    assert "below the best one for these two teams" in shown
