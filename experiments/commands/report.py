"""`staghunt report`: a tournament or a training run as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.commands.options import Json, Quiet

NAME = "report"
HELP = (
    "Write one self-contained HTML page about a finished tournament, or a run of `staghunt train`: payoffs with "
    "intervals, rankings, the response graph, equilibria with certificates, learning curves. It loads nothing from "
    "anywhere, and needs no script to be read."
)
EXAMPLES = (
    "staghunt report runs/tournament-zoo-chicken",
    "staghunt report runs/ippo-foraging-8x8-2p-3f --out foraging.html",
)


def command(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN",
            help="The folder of a tournament, or of a run of `staghunt train`.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Where the page goes (.html); RUN/report.html by default.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Read, draw, write, and say where the page is."""
    from experiments.atomic import check_writable
    from experiments.guard import OK

    check_writable(out, (".html", ".htm"), "--out")
    from experiments.progress import Reporter
    from experiments.report.page import report_on

    with Reporter(quiet, f"reading {run}") as progress:
        page = report_on(run, progress)
        path = page.write(out)
    _tell({"report": str(path), **page.document}, json, quiet)
    return OK


def _tell(document: dict[str, Any], json: bool, quiet: bool) -> None:
    if json:
        from experiments.output import print_json

        print_json(document)
    elif not quiet:
        print(document["report"])
