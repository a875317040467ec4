"""`staghunt compare`: training runs side by side, with intervals."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.commands.options import Json, Quiet, Seed

NAME = "compare"
HELP = (
    "Compare training runs: interquartile means with stratified bootstrap intervals, ranks, probabilities of improvement. "
    "Runs of one learner on several environments are one algorithm on several tasks; runs of one learner on one "
    "environment are told apart by the settings in which they differ."
)
EXAMPLES = (
    "staghunt compare runs/mappo runs/ippo",
    "staghunt compare runs/* --normalise runs --plot intervals.png --profile profile.png",
    "staghunt compare runs/* --normalise 'foraging:8x8-2p-3f=0,1' --normalise runs",
    "staghunt compare runs/qmix runs/iql --at auc --threshold 90% --json",
    "staghunt compare runs/mappo --curves curve.png",
)
_PICTURES = (".png", ".svg", ".pdf")


def command(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...", help="Folders that `staghunt train` has written.", show_default=False
        ),
    ],
    metric: Annotated[
        str,
        typer.Option(
            "--metric",
            help="What evaluations measured: return, length, ended, or return:K of the agent with index K. "
            "Larger counts as better.",
        ),
    ] = "return",
    at: Annotated[
        str,
        typer.Option(
            "--at",
            metavar="last|best|auc|steps=N",
            help="Which number stands for a run: its last or best evaluation, the mean over training, or after N steps.",
        ),
    ] = "last",
    normalise: Annotated[
        list[str] | None,
        typer.Option(
            "--normalise",
            metavar="none|runs|[ENV=]MIN,MAX",
            help="Scale on which environments are averaged: MIN becomes 0 and MAX 1; runs takes the lowest and highest "
            "evaluation of all runs on an environment. May be repeated.",
            show_default="none",
        ),
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option(
            "--threshold",
            metavar="SCORE|P%",
            help="Also tell after how many steps runs first reach a score, or P % of the way from their first evaluation "
            "to the best algorithm's last.",
            show_default=False,
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            metavar="A,B,...",
            help="Names of the algorithms, one per run in order; runs with the same name are one algorithm.",
            show_default=False,
        ),
    ] = None,
    confidence: Annotated[float, typer.Option("--confidence", help="Of all intervals.")] = 0.95,
    bootstrap: Annotated[int, typer.Option("--bootstrap", help="Resamples behind every interval.")] = 2000,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", metavar="FILE", help="Draw intervals (.png, .svg or .pdf).", show_default=False
        ),
    ] = None,
    curves: Annotated[
        Path | None,
        typer.Option(
            "--curves", metavar="FILE", help="Draw scores against environment steps.", show_default=False
        ),
    ] = None,
    profile: Annotated[
        Path | None,
        typer.Option("--profile", metavar="FILE", help="Draw performance profiles.", show_default=False),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Also write the table as CSV.", show_default=False),
    ] = None,
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check, read, compute, write, print."""
    from experiments.atomic import check_writable, write_text
    from experiments.comparison.groups import read_runs
    from experiments.comparison.request import request, scales_of
    from experiments.comparison.summary import compare
    from experiments.progress import Reporter

    for path, what in ((plot, "--plot"), (curves, "--curves"), (profile, "--profile")):
        check_writable(path, _PICTURES, what)
    check_writable(csv, (".csv",), "--csv")
    asked = request(metric, at, normalise or [], threshold, confidence, bootstrap, seed)
    named = None if labels is None else _names(labels)
    with Reporter(quiet, f"reading {len(runs)} runs") as progress:
        grouped = read_runs(runs, named, metric)
        progress(math.nan, f"resampling {len(grouped.groups)} groups of runs")
        found = compare(grouped, asked, scales_of(grouped, asked.normalise))
        if plot or curves or profile:
            progress(math.nan, "drawing")
        drawn = _draw(found, plot, curves, profile)
    from experiments.comparison.output import csv_rows, document

    if csv is not None:
        write_text(csv, csv_rows(found))
    if json:
        from experiments.output import print_json

        print_json(document(found, *drawn))
    elif not quiet:
        from experiments.comparison.tables import show

        show(found)
    return 0


def _names(labels: str) -> list[str]:
    """The names in ``--labels``; `InputError` if one is empty."""
    from games.errors import InputError

    names = [" ".join(name.split()) for name in labels.split(",")]
    if not all(names):
        raise InputError("--labels holds an empty name; give one for each run, separated by commas")
    return names


def _draw(
    found: Any, plot: Path | None, curves: Path | None, profile: Path | None
) -> tuple[list[Any], list[Any]]:
    """Write the pictures asked for; the curves and the profiles behind them."""
    from experiments.comparison.bands import curves_of, profiles_of

    lines = curves_of(found) if curves is not None else []
    shares = profiles_of(found) if profile is not None else []
    if plot or curves or profile:
        from experiments.comparison import plots
        from experiments.plots import save_figure

        if plot is not None:
            save_figure(plot, plots.intervals_figure(found))
        if curves is not None:
            save_figure(curves, plots.curves_figure(found, lines))
        if profile is not None:
            save_figure(profile, plots.profiles_figure(found, shares))
    return lines, shares
