"""`staghunt compare` over folders of made-up runs: its numbers, its pictures, and every way to get it wrong."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Staghunt
from PIL import Image
from run_folders import evaluation, write_run

from experiments.comparison import plots
from experiments.comparison.bands import curves_of, profiles_of
from experiments.comparison.groups import read_runs
from experiments.comparison.request import request, scales_of
from experiments.comparison.summary import Comparison, compare

RISING = {0: [0.0, 0.2, 0.4], 1: [0.0, 0.4, 0.6], 2: [0.0, 0.6, 0.8], 3: [0.0, 0.6, 0.9], 4: [0.1, 0.8, 1.0]}
LOW = {seed: [value / 2 for value in values] for seed, values in RISING.items()}
RECORD = "format: staghunt-run\nversion: 1\n"
FORAGING, SPREAD = "foraging:8x8-2p-3f", "mpe:simple_spread"


def shifted(returns: dict[int, list[float]], scale: float, offset: float) -> dict[int, list[float]]:
    return {seed: [scale * value + offset for value in values] for seed, values in returns.items()}


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    """Two learners on one environment."""
    return [
        write_run(tmp_path / "a", RISING),
        write_run(tmp_path / "b", LOW, learner="ippo"),
    ]


@pytest.fixture
def four(two: list[Path], tmp_path: Path) -> list[Path]:
    """Two learners on two environments; the second is the first on another scale."""
    return [
        *two,
        write_run(tmp_path / "c", shifted(RISING, 100, -150), env=SPREAD),
        write_run(tmp_path / "d", shifted(LOW, 100, -150), env=SPREAD, learner="ippo"),
    ]


def found_in(folders: list[Path], **asked: Any) -> Comparison:
    given = {"metric": "return", "at": "last", "normalise": [], "threshold": None, "confidence": 0.95}
    question = request(**{**given, "resamples": 200, "seed": 0, **asked})
    grouped = read_runs(folders, None, question.metric)
    return compare(grouped, question, scales_of(grouped, question.normalise))


# --- numbers --------------------------------------------------------------------------------------------------


def test_two_learners_on_one_environment(staghunt: Staghunt, two: list[Path]) -> None:
    ran = staghunt("compare", *two, "--json")
    assert ran.code == 0 and not ran.err
    found = ran.json
    assert (found["algorithms"], found["tasks"], found["scales"]) == (["mappo", "ippo"], [FORAGING], None)
    mappo, ippo = found["groups"]
    assert mappo["scores"] == [0.4, 0.6, 0.8, 0.9, 1.0] and mappo["steps"] == [2000] * 5
    assert mappo["iqm"]["value"] == pytest.approx((0.6 + 0.8 + 0.9) / 3)
    assert mappo["mean"]["value"] == pytest.approx(0.74)
    low, high = mappo["iqm"]["interval"]
    assert 0.4 <= low < mappo["iqm"]["value"] < high <= 1.0
    assert ippo["iqm"]["value"] == pytest.approx(mappo["iqm"]["value"] / 2)
    (pair,) = found["improvement"]
    assert (pair["better"], pair["worse"]) == ("mappo", "ippo")
    # of 25 pairs, 0.4 beats 0.2, 0.3 and ties 0.4; the others beat everything below 0.5 or all
    wins = sum((x > y) + 0.5 * (x == y) for x in mappo["scores"] for y in ippo["scores"])
    assert pair["probability"]["value"] == pytest.approx(wins / 25)
    assert [one["rank"]["value"] for one in found["ranks"]] == [1, 2]
    (total, _) = found["aggregates"]
    assert total["optimality_gap"] is None and total["iqm"]["value"] == mappo["iqm"]["value"]


def test_the_table_says_it_too(staghunt: Staghunt, two: list[Path]) -> None:
    ran = staghunt("compare", *two, "--threshold", "0.5")
    assert ran.code == 0 and not ran.err
    for text in (
        "return at the last evaluation",
        "not normalised",
        "mappo",
        "ippo",
        FORAGING,
        "0.7667",
        "2,000",
    ):
        assert text in ran.out, text
    assert "Probability of improvement" in ran.out and "P(X > Y)" in ran.out
    assert not staghunt("compare", *two, "--quiet").out


def test_an_estimate_does_not_depend_on_what_else_is_compared(staghunt: Staghunt, two: list[Path]) -> None:
    together = staghunt("compare", *two, "--json").json["groups"]
    alone = [staghunt("compare", run, "--json").json["groups"][0] for run in two]
    assert together == alone
    again = staghunt("compare", *reversed(two), "--json").json["groups"]
    assert again == alone[::-1]
    assert staghunt("compare", *two, "--json", "--seed", 1).json["groups"] != together


def test_environments_are_never_averaged_on_their_own_scales(staghunt: Staghunt, four: list[Path]) -> None:
    found = staghunt("compare", *four, "--json").json
    assert found["aggregates"] == [] and len(found["groups"]) == 4
    assert any("different scales and are not averaged" in sentence for sentence in found["notes"])
    # ranks and pairs compare within environments and need no scale
    assert [one["rank"]["value"] for one in found["ranks"]] == [1, 2]
    assert found["improvement"][0]["tasks"] == [FORAGING, SPREAD]
    assert "different scales" in staghunt("compare", *four).out


def test_normalised_environments_are_averaged(staghunt: Staghunt, four: list[Path]) -> None:
    by_hand = staghunt(
        "compare", *four, "--json", "--normalise", "0,1", "--normalise", f"{SPREAD}=-150,-50"
    ).json
    by_runs = staghunt("compare", *four, "--json", "--normalise", "runs").json
    assert by_hand["scales"] == by_runs["scales"] == {FORAGING: [0, 1], SPREAD: [-150, -50]}
    assert by_hand["aggregates"] == by_runs["aggregates"]
    total = by_runs["aggregates"][0]
    assert total["iqm"]["value"] == pytest.approx((2 * (0.6 + 0.8 + 0.9) + 0 * 0.4) / 6)
    assert total["mean"]["value"] == total["median"]["value"] == pytest.approx(0.74)
    assert total["optimality_gap"]["value"] == pytest.approx(0.26)
    told = staghunt("compare", *four, "--normalise", "runs").out
    assert "Over 2 environments" in told and "Optimality gap" in told
    assert f"{SPREAD}: 0 is -150, 1 is -50" in " ".join(told.split())


@pytest.mark.parametrize(
    "at, scores",
    [
        ("last", [0.4, 0.6, 0.8, 0.9, 0.2]),
        ("best", [0.4, 0.6, 0.8, 0.9, 0.8]),
        ("steps=1500", [0.3, 0.5, 0.7, 0.75, 0.5]),
        ("steps=1e3", [0.2, 0.4, 0.6, 0.6, 0.8]),
        ("auc", [0.2, 0.35, 0.5, 0.525, 0.475]),
    ],
)
def test_which_number_stands_for_a_run(
    staghunt: Staghunt, tmp_path: Path, at: str, scores: list[float]
) -> None:
    run = write_run(tmp_path / "a", {**RISING, 4: [0.1, 0.8, 0.2]})
    found = staghunt("compare", run, "--at", at, "--json").json
    assert found["groups"][0]["scores"] == pytest.approx(scores)


def test_other_measures(staghunt: Staghunt, two: list[Path]) -> None:
    length = staghunt("compare", *two, "--metric", "length", "--json").json["groups"]
    assert length[0]["scores"] == [20.0] * 5
    half = staghunt("compare", *two, "--metric", "return:1", "--json").json["groups"]
    assert half[0]["scores"] == pytest.approx([0.2, 0.3, 0.4, 0.45, 0.5])


def test_steps_to_a_threshold_with_runs_that_never_reach_it(staghunt: Staghunt, two: list[Path]) -> None:
    groups = staghunt("compare", *two, "--threshold", "0.5", "--json").json["groups"]
    mappo, ippo = (group["steps_to_threshold"] for group in groups)
    # 0.4 at the end is not enough; the others get there after 1500, 1000 * 5/6 twice, and 1000 * 4/7 steps
    assert mappo["reached"] == 4
    assert mappo["iqm_at_least"] == mappo["iqm_at_most"] == pytest.approx((1500 + 2 * 1000 * 5 / 6) / 3)
    assert ippo["reached"] == 1 and ippo["iqm_at_most"] == "inf" and ippo["iqm_at_least"] == 2000
    told = staghunt("compare", *two, "--threshold", "0.5").out
    assert "4 of 5" in told and "over 2,000" in told and "never" in told


def test_a_relative_threshold_works_for_negative_returns(staghunt: Staghunt, four: list[Path]) -> None:
    groups = staghunt("compare", *four, "--threshold", "90%", "--json").json["groups"]
    start = (0.1 + 0.05) / 10
    level = start + 0.9 * ((0.6 + 0.8 + 0.9) / 3 - start)
    assert groups[0]["threshold"] == groups[1]["threshold"] == pytest.approx(level)
    assert groups[2]["threshold"] == pytest.approx(100 * level - 150)
    first, third = (groups[k]["steps_to_threshold"] for k in (0, 2))
    assert first["reached"] == third["reached"]
    assert first["iqm_at_least"] == pytest.approx(third["iqm_at_least"])


def test_csv_holds_the_rows(staghunt: Staghunt, four: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    words = ["--csv", path, "--normalise", "runs", "--threshold", "0.5", "--json"]
    found = staghunt("compare", *four, *words).json
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    assert [(row["algorithm"], row["task"]) for row in rows] == [
        ("mappo", FORAGING), ("ippo", FORAGING), ("mappo", SPREAD), ("ippo", SPREAD), ("mappo", ""), ("ippo", ""),
    ]  # fmt: skip
    for row, group in zip(rows, found["groups"]):
        assert float(row["iqm"]) == group["iqm"]["value"] and int(row["runs"]) == 5
        assert float(row["iqm_low"]) == group["iqm"]["interval"][0]
        assert int(row["reached"]) == group["steps_to_threshold"]["reached"]
    assert float(rows[4]["median"]) == found["aggregates"][0]["median"]["value"]
    assert int(rows[4]["runs"]) == 10


# --- which runs are the same algorithm ------------------------------------------------------------------------


def test_settings_tell_runs_of_one_learner_apart(staghunt: Staghunt, tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path / "a", RISING, fields={"critic": {"kind": "state", "learning_rate": 1e-3}}),
        write_run(tmp_path / "b", LOW, fields={"critic": {"kind": "state", "learning_rate": 2e-3}}),
    ]
    assert staghunt("compare", *runs, "--json").json["algorithms"] == [
        "mappo learning_rate=0.001", "mappo learning_rate=0.002",
    ]  # fmt: skip
    with_batch = write_run(tmp_path / "c", LOW, training={"batch": 8, "log_every": 7, "threads": 2})
    names = staghunt("compare", runs[0], with_batch, "--json").json["algorithms"]
    assert all("batch=" in name for name in names) and not any("threads" in name for name in names)


def test_more_seeds_of_the_same_settings_are_one_algorithm(staghunt: Staghunt, tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path / "a", {0: [0.0, 0.5], 1: [0.0, 0.6]}),
        write_run(tmp_path / "b", {2: [0.0, 0.7], 3: [0.0, 0.8]}),
    ]
    (group,) = staghunt("compare", *runs, "--json").json["groups"]
    assert group["algorithm"] == "mappo" and group["seeds"] == [0, 1, 2, 3]
    assert group["runs"] == [str(run) for run in runs]


def test_equal_runs_with_equal_seeds_are_told_apart_by_folder(staghunt: Staghunt, tmp_path: Path) -> None:
    runs = [write_run(tmp_path / name, RISING) for name in ("old", "new")]
    assert staghunt("compare", *runs, "--json").json["algorithms"] == ["mappo (old)", "mappo (new)"]
    refused = staghunt("compare", *runs, "--labels", "same,same")
    assert "both have seed 0" in refused.complaint


def test_labels(staghunt: Staghunt, four: list[Path]) -> None:
    found = staghunt("compare", *four, "--labels", "ours,their [red]s,ours,their [red]s", "--json").json
    assert found["algorithms"] == ["ours", "their [red]s"] and len(found["groups"]) == 4
    assert "their [red]s" in staghunt("compare", *four, "--labels", "a,their [red]s,a,their [red]s").out


def test_tasks_that_not_all_algorithms_have(staghunt: Staghunt, four: list[Path], tmp_path: Path) -> None:
    found = staghunt("compare", *four[:3], "--normalise", "runs", "--json").json
    assert found["aggregate_tasks"] == [FORAGING]
    assert any("over no other environment" in sentence for sentence in found["notes"])
    apart = staghunt("compare", four[0], four[3], "--normalise", "runs", "--json").json
    assert apart["aggregates"] == apart["improvement"] == apart["ranks"] == []
    assert any("no environment in common" in sentence for sentence in apart["notes"])
    assert staghunt("compare", four[0], four[3]).code == 0


# --- runs that are not as one would like ----------------------------------------------------------------------


def test_one_seed_gets_no_interval(staghunt: Staghunt, tmp_path: Path) -> None:
    runs = [write_run(tmp_path / "a", {3: [0.0, 0.5]}), write_run(tmp_path / "b", RISING, learner="iql")]
    found = staghunt("compare", *runs, "--threshold", "0.4", "--json").json
    assert found["groups"][0]["iqm"] == {"value": 0.5, "interval": None}
    assert found["groups"][0]["steps_to_threshold"]["interval"] is None
    assert found["groups"][1]["iqm"]["interval"] is not None
    assert found["improvement"][0]["probability"]["interval"] is None
    assert any("single seed" in sentence for sentence in found["notes"])
    assert "single seed" in staghunt("compare", *runs).out


def test_unfinished_runs_say_how_far_they_are(staghunt: Staghunt, tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", {0: [0.0, 0.5, 0.6], 1: [0.0, 0.4]}, steps=50_000, seeds=3)
    (run / "seed-2").mkdir()
    with (run / "seed-0" / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "evaluation", "steps": 3000, "ret')  # killed while it wrote
    found = staghunt("compare", run, "--json").json
    assert found["groups"][0]["scores"] == [0.6, 0.4] and found["groups"][0]["steps"] == [2000, 1000]
    (told,) = (sentence for sentence in found["notes"] if "has not finished" in sentence)
    for text in ("seed 0 is at 2,000 of 50,000", "seed 1 is at 1,000", "seed 2 has no evaluation yet"):
        assert text in told
    assert any("--at steps=1000" in sentence for sentence in found["notes"])
    # curves go as far as all runs do
    (drawn,) = curves_of(found_in([run]))
    assert drawn.x.tolist() == [0, 1000]


def test_a_step_evaluated_again_after_resuming_counts_once(staghunt: Staghunt, tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", {0: [0.0, 0.5, 0.6]})
    with (run / "seed-0" / "metrics.jsonl").open("a") as file:
        print(json.dumps(evaluation(1000, 0.5)), json.dumps(evaluation(3000, 0.7)), sep="\n", file=file)
    drawn = curves_of(found_in([run]))
    assert drawn[0].x.tolist() == [0, 1000, 2000, 3000]
    assert drawn[0].band.value.tolist() == [0.0, 0.5, 0.6, 0.7]


def test_different_cadences_are_joined_by_lines(staghunt: Staghunt, tmp_path: Path) -> None:
    fine = {seed: [0.0, 0.1, 0.2, 0.3, 0.4] for seed in range(3)}
    coarse = {seed: [0.0, 0.4] for seed in range(3)}
    runs = [
        write_run(tmp_path / "a", fine, every=500),
        write_run(tmp_path / "b", coarse, every=2000, learner="ippo"),
    ]
    found = staghunt("compare", *runs, "--at", "steps=1500", "--json").json
    assert [group["iqm"]["value"] for group in found["groups"]] == pytest.approx([0.3, 0.3])
    assert found["improvement"][0]["probability"]["value"] == 0.5
    assert any("between 500 and 2,000 steps apart" in sentence for sentence in found["notes"])


def test_evaluations_made_differently(staghunt: Staghunt, tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path / "a", RISING),
        write_run(tmp_path / "b", LOW, learner="iql", training={"greedy": True, "episodes": 10}),
        write_run(tmp_path / "c", LOW, learner="vdn", training={"max_steps": 30}),
    ]
    notes = staghunt("compare", *runs[:2], "--json").json["notes"]
    assert any("likeliest actions in" in one and one.count(str(runs[1])) == 1 for one in notes)
    assert any("between 10 and 100 episodes" in one for one in notes)
    told = staghunt("compare", *runs[::2]).complaint
    assert "never cut off in" in told and "cut off at 30 steps in" in told and "cannot be compared" in told


# --- bad input ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words, told",
    [
        (["--at", "end"], "--at is last, best, auc or steps=N"),
        (["--at", "last=3"], "--at is last"),
        (["--at", "steps"], "whole number"),
        (["--at", "steps=x"], "whole number"),
        (["--at", "steps=-1"], "whole number"),
        (["--at", "steps=1.5"], "whole number"),
        (["--at", "steps=nan"], "whole number"),
        (["--at", "steps=2001"], "nothing is known of it at step 2,001"),
        (["--metric", "score"], "hold no 'score', only ended"),
        (["--metric", "return:2"], "return:0, return:1"),
        (["--confidence", "1"], "--confidence"),
        (["--confidence", "nan"], "--confidence"),
        (["--bootstrap", "1"], "--bootstrap"),
        (["--bootstrap", "1000000"], "--bootstrap"),
        (["--threshold", "much"], "--threshold"),
        (["--threshold", "0%"], "--threshold"),
        (["--threshold", "inf"], "--threshold"),
        (["--labels", "a"], "1 name for 2 runs"),
        (["--labels", "a,b,c"], "3 names for 2 runs"),
        (["--labels", "a,"], "empty name"),
        (["--normalise", "1,0"], "MIN below MAX"),
        (["--normalise", "1,1"], "MIN below MAX"),
        (["--normalise", "max"], "MIN,MAX"),
        (["--normalise", "0,nan"], "MIN,MAX"),
        (["--normalise", "-1e308,1e308"], "too wide"),
        (["--normalise", "mpe:simple=0,1"], f"no run is on 'mpe:simple'; the environments are {FORAGING}"),
        (["--normalise", "none", "--normalise", "runs"], "goes with no other"),
        (["--normalise", "0,1", "--normalise", "runs"], "two scales for all"),
        (["--normalise", f"{FORAGING}=0,1", "--normalise", f"{FORAGING}=0,2"], "two scales"),
        (["--plot", "x.gif"], "--plot x.gif: unsupported suffix"),
        (["--curves", "nowhere/x.png"], "does not exist"),
        (["--csv", "x.txt"], "--csv x.txt: unsupported suffix"),
    ],
)
def test_bad_options_get_one_sentence(
    staghunt: Staghunt, two: list[Path], words: list[str], told: str
) -> None:
    assert told in staghunt("compare", *two, *words).complaint


def test_a_missing_scale(staghunt: Staghunt, four: list[Path]) -> None:
    assert f"no scale for {SPREAD}" in staghunt("compare", *four, "--normalise", f"{FORAGING}=0,1").complaint


def test_constant_runs_make_no_scale(staghunt: Staghunt, tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", {0: [0.5, 0.5], 1: [0.5, 0.5]})
    assert "makes no scale" in staghunt("compare", run, "--normalise", "runs").complaint
    ran = staghunt("compare", run, "--plot", tmp_path / "x.png", "--profile", tmp_path / "y.png")
    assert ran.code == 0 and not ran.err


def test_folders_that_are_no_runs(staghunt: Staghunt, two: list[Path], tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "there is no folder" in staghunt("compare", tmp_path / "none").complaint
    assert "has no spec.yaml" in staghunt("compare", two[0], empty).complaint
    assert "is a file" in staghunt("compare", two[0] / "spec.yaml").complaint
    assert "folders in it are runs (a, b)" in staghunt("compare", tmp_path).complaint
    assert "the run is the folder above it" in staghunt("compare", two[0] / "seed-0").complaint
    assert "given twice" in staghunt("compare", two[0], two[0] / ".." / "a").complaint
    bare = write_run(tmp_path / "bare", {})
    assert "has no evaluation yet" in staghunt("compare", bare).complaint
    assert staghunt("compare").code == 2


@pytest.mark.parametrize(
    "text, told",
    [
        ("[1, 2]", "not the record of a run"),
        ("env: x", "not the record of a run"),
        (f"{RECORD}env: 3", "names no environment"),
        (f"{RECORD}env: x", "which learner"),
        (f"{RECORD}env: x\nlearner: {{lr: 1}}", "which learner"),
        (f"{RECORD}env: x\nlearner: [1]", "which learner"),
        (f"{RECORD}env: x\nlearner: {{name: [1]}}", "which learner"),
        (f"{RECORD}env: !!python/object/apply:os.system [true]\nlearner: a", "spec.yaml"),
        ("env: {", "spec.yaml"),
        ("\x00\x01", "spec.yaml"),
    ],
)
def test_damaged_specifications(staghunt: Staghunt, two: list[Path], text: str, told: str) -> None:
    (two[0] / "spec.yaml").write_text(text)
    assert told in staghunt("compare", *two).complaint


@pytest.mark.parametrize(
    "line, told",
    [
        ("{oops", "line 1: not a line of a run"),
        ("[" * 100_000, "line 1: not a line of a run"),
        ("3", "line 1: not a line of a run"),
        ('{"kind": "evaluation", "return": 1.0}', "line 1: not a line of a run"),
        ('{"kind": "evaluation", "steps": -1, "return": 1.0}', "at how many steps"),
        ('{"kind": "evaluation", "steps": true, "return": 1.0}', "at how many steps"),
        ('{"kind": "evaluation", "steps": 7, "return": null}', "at step 7 there is no finite number"),
        ('{"kind": "evaluation", "steps": 7, "return": NaN}', "at step 7 there is no finite number"),
        ('{"kind": "evaluation", "steps": 7, "return": 1e999}', "at step 7 there is no finite number"),
        (
            '{"kind": "evaluation", "steps": 7, "return": -1e200}',
            "at step 7 there is no finite number below 1e+100",
        ),
        (f'{{"kind": "evaluation", "steps": 7, "return": {10**400}}}', "at step 7 there is no finite number"),
    ],
)
def test_damaged_metrics(staghunt: Staghunt, two: list[Path], line: str, told: str) -> None:
    path = two[1] / "seed-3" / "metrics.jsonl"
    path.write_text(line + "\n" + path.read_text())
    complaint = staghunt("compare", *two).complaint
    assert told in complaint and "seed" in complaint


def test_metrics_that_are_no_text(staghunt: Staghunt, two: list[Path]) -> None:
    (two[1] / "seed-3" / "metrics.jsonl").write_bytes(b"\xff\xfe\x00\n")
    assert "seed-3" in staghunt("compare", *two).complaint


# --- pictures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_pictures_are_written(staghunt: Staghunt, four: list[Path], tmp_path: Path, suffix: str) -> None:
    words: list[Any] = []
    for option in ("plot", "curves", "profile"):
        words += [f"--{option}", tmp_path / f"{option}.{suffix}"]
    ran = staghunt("compare", *four, "--normalise", "runs", "--bootstrap", "100", *words, "--json")
    assert ran.code == 0 and not ran.err
    assert {one["task"] for one in ran.json["curves"]} == {FORAGING, SPREAD, None}
    assert {one["task"] for one in ran.json["profiles"]} == {None}
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    for option in ("plot", "curves", "profile"):
        path = tmp_path / f"{option}.{suffix}"
        assert path.read_bytes().startswith(start)
        if suffix == "png":
            assert np.asarray(Image.open(path).convert("L")).std() > 5
    assert not list(tmp_path.glob(".*")) + list(tmp_path.glob("*.tmp*"))


def test_curves_show_the_interquartile_means_and_a_single_run_its_seeds(two: list[Path]) -> None:
    found = found_in(two[:1])
    (drawn,) = curves_of(found)
    assert drawn.x.tolist() == [0, 1000, 2000]
    assert drawn.band.value == pytest.approx([0.0, (0.4 + 0.6 + 0.6) / 3, (0.6 + 0.8 + 0.9) / 3])
    assert (drawn.band.low <= drawn.band.value).all() and (drawn.band.value <= drawn.band.high).all()
    (axes,) = plots.curves_figure(found, [drawn]).axes
    assert len(axes.lines) == 1 + 5 and axes.lines[0].get_ydata() == pytest.approx(drawn.band.value)
    assert axes.get_xlabel() == "environment steps" and axes.get_title() == FORAGING
    (axes,) = plots.curves_figure(found_in(two), curves_of(found_in(two))).axes
    assert len(axes.lines) == 2 and [line.get_label() for line in axes.lines] == ["mappo", "ippo"]


def test_profiles_fall_from_one_to_zero(four: list[Path]) -> None:
    found = found_in(four, normalise=["runs"])
    for one in profiles_of(found):
        assert one.band.value[0] == 1.0 and one.band.value[-1] == 0.0
        assert (np.diff(one.band.value) <= 1e-12).all()
    mappo, ippo = profiles_of(found)
    assert (mappo.band.value >= ippo.band.value).all()
    raw = profiles_of(found_in(four))
    assert [one.task for one in raw] == [FORAGING, FORAGING, SPREAD, SPREAD]
    assert len(plots.profiles_figure(found_in(four), raw).axes) == 2


def test_interval_bars_are_where_the_numbers_are(four: list[Path]) -> None:
    found = found_in(four, normalise=["runs"])
    figure = plots.intervals_figure(found)
    assert [axes.get_title() for axes in figure.axes] == ["IQM", "Median", "Mean", "Optimality gap"]
    bar = figure.axes[0].patches[0]
    total = found.totals[0]
    assert (bar.get_x(), bar.get_x() + bar.get_width()) == pytest.approx((total.iqm.low, total.iqm.high))
    per_task = plots.intervals_figure(found_in(four))
    assert len(per_task.axes) == 2
    assert per_task.axes[0].lines[1].get_xdata() == pytest.approx([0.4, 0.6, 0.8, 0.9, 1.0])


def test_many_algorithms_and_a_single_point_can_be_drawn(tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path / f"r{k}", {0: [k / 10], 1: [k / 9]}, learner=f"l${k}_", steps=0)
        for k in range(14)
    ]
    found = found_in(runs)
    plots.intervals_figure(found).canvas.draw()
    plots.curves_figure(found, curves_of(found)).canvas.draw()
    plots.profiles_figure(found, profiles_of(found)).canvas.draw()
