"""What runs say on a terminal and about themselves: the progress line, narrow tables, the best step, damaged records."""

from __future__ import annotations

import io
import shlex
from pathlib import Path
from typing import Any

import pytest
from command_line import Staghunt
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from run_folders import write_run

from experiments import tables
from experiments.comparison import plots
from experiments.comparison.bands import curves_of, profiles_of
from experiments.comparison.groups import read_runs
from experiments.comparison.request import request, scales_of
from experiments.comparison.summary import compare
from experiments.training.driver import Report
from experiments.training.progress import Together
from experiments.training.runs import read_run
from experiments.training.summary import outcome

COOP = "foraging:2s-10x10-3p-3f-coop"


def train(staghunt: Staghunt, out: Path, env: str = "zoo:stag-hunt", *words: Any) -> Path:
    quick = ("--steps", 2_000, "--set", "training.episodes=20", "--set", "learner.hidden=[16]")
    assert staghunt("train", "mappo", env, *quick, "--out", out, "-q", *words).code == 0
    return out


@pytest.mark.parametrize("seeds", [1, 5])
def test_the_progress_line_shows_speed_return_and_time_left_in_80_columns(
    staghunt: Staghunt, tmp_path: Path, seeds: int
) -> None:
    folder = write_run(tmp_path / "run", {k: [0.0] for k in range(seeds)}, env=COOP, steps=1_000_000)
    told: list[str] = []
    together = Together(read_run(folder), {}, lambda fraction, line: told.append(line))
    for seed in range(seeds):
        together(Report(seed, 123_456, 0.6789, 2_345.0))
    screen = io.StringIO()
    bar = Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(30), TimeElapsedColumn(),
        console=Console(file=screen, width=80),
    )  # fmt: skip
    bar.add_task(told[-1], total=1.0)
    bar.console.print(bar.get_renderable())
    for part in (f"{123_456 * seeds:,}/", f"{2_345 * seeds:,} frames/s", "return 0.6789", "ETA 6 min 14 s"):
        assert part in screen.getvalue()


def test_a_narrow_terminal_costs_no_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setenv("COLUMNS", "30")
    table = tables.simple_table("Environment", "Steps", "Return", "s.e.", "Frames/s", right=range(1, 5))
    table.add_row("foraging:5x5-2p-1f-coop", "1,234,567", "-0.98765", "0.0123", "10,062")
    out = tables.console()
    out.print(table)
    out.print("words " * 20)
    shown = screen.getvalue()
    for whole in ("1,234,567", "-0.98765", "0.0123", "10,062", "Frames/s"):
        assert whole in shown
    assert max(map(len, shown.splitlines()[-4:])) <= 30  # words still keep to the terminal


def test_the_best_step_is_that_of_the_best_checkpoint(staghunt: Staghunt, tmp_path: Path) -> None:
    """Of evaluations that tie, both are the last."""
    out = train(staghunt, tmp_path / "run", "zoo:stag-hunt", "--set", "training.evaluate_every=500",
                "--set", "learner.learning_rate=1e-9", "--set", "training.greedy=true")  # fmt: skip
    run = read_run(out)
    best = outcome(run, 0).best
    judged = staghunt("evaluate", out, "-n", 2, "--json").json["seeds"][0]
    assert best is not None and best["steps"] == judged["steps"] > 0


@pytest.mark.parametrize("kept", ["format", "env", "learner", "training", "seed"])
def test_a_spec_that_was_cut_short_is_damaged(staghunt: Staghunt, tmp_path: Path, kept: str) -> None:
    out = train(staghunt, tmp_path / "run")
    text = (out / "spec.yaml").read_text()
    head = text[: text.index(f"\n{kept}:") + 1]
    (out / "spec.yaml").write_text(head)
    for words in (("evaluate", out), ("train", "--resume", out)):
        refused = staghunt(*words)
        assert refused.code == 2 and len(refused.err.strip().splitlines()) == 1, refused.err
        wanted = "is not the record" if kept == "format" else f"is damaged: it has no {kept}"
        assert wanted in refused.err


def test_compare_refuses_records_of_another_format(staghunt: Staghunt, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", {0: [0.0, 1.0]})
    spec = folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("version: 1", "version: 2"))
    refused = staghunt("compare", folder)
    assert refused.code == 2 and "is of version 2; this program reads version 1" in refused.err


def test_commands_in_messages_can_be_pasted(staghunt: Staghunt, tmp_path: Path) -> None:
    out = train(staghunt, tmp_path / "a run; of mine")
    again = staghunt("train", "mappo", "zoo:stag-hunt", "--out", out)
    (out / "seed-0" / "best.safetensors").unlink()
    missing = staghunt("evaluate", out)
    for refused in (again, missing):
        command = refused.err.split("`")[1]
        assert refused.code == 2 and shlex.split(command) == ["staghunt", "train", "--resume", str(out)]


def test_every_curve_is_named_in_a_legend(tmp_path: Path) -> None:
    """Algorithms on different environments share no panel, and so no legend."""
    folders = [
        write_run(tmp_path / learner, {0: [0.0, 1.0], 1: [0.5, 2.0]}, learner=learner, env=env)
        for learner, env in (("ippo", "a"), ("mappo", "a"), ("vdn", "b"))
    ]
    grouped = read_runs(folders, None, "return")
    asked = request("return", "last", [], None, 0.95, 100, 0)
    found = compare(grouped, asked, scales_of(grouped, asked.normalise))
    for figure in (
        plots.curves_figure(found, curves_of(found)),
        plots.profiles_figure(found, profiles_of(found)),
    ):
        legends = [axes.get_legend() for axes in figure.axes]
        named = [[text.get_text() for text in legend.get_texts()] for legend in legends if legend is not None]
        assert named == [["ippo", "mappo"], ["vdn"]]


def test_gains_that_are_exact_are_asked_about_agents_that_exist(staghunt: Staghunt, tmp_path: Path) -> None:
    out = train(staghunt, tmp_path / "run")
    refused = staghunt("evaluate", out, "-n", 2, "-x", "--agent", "Bob")
    assert refused.code == 2 and "has no agent 'Bob'" in refused.err
    told = staghunt("evaluate", out, "-n", 2, "-x", "--steps", 500)
    assert told.code == 0 and "--steps and --agent change nothing" in told.err


def test_a_sum_that_is_always_the_same_is_said_to_tell_nothing(staghunt: Staghunt, tmp_path: Path) -> None:
    zero_sum = train(staghunt, tmp_path / "pennies", "zoo:matching-pennies")
    assert "returns sum to 0 in every episode" in staghunt("evaluate", zero_sum, "-n", 50).out
    other = train(staghunt, tmp_path / "hunt")
    assert "in every episode" not in staghunt("evaluate", other, "-n", 50).out
