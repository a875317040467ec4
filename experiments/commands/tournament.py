"""`staghunt tournament`: agents play each other, and the results become rankings and equilibria with certificates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.commands.options import AllowImport, Engine, Json, Quiet

NAME = "tournament"
HELP = (
    "Play the tournament that a YAML file describes, and answer who is best, what the equilibria are, and how sure that "
    "is. Every match is kept in the folder of the tournament: one that was stopped, by whatever, goes on with --resume, and "
    "`staghunt solve` takes the folder as a game. Results do not depend on the engine nor on the number of workers. "
    "Exit status 1 means that a cell has failed, or that the precision asked for was not reached."
)
EXAMPLES = (
    "staghunt tournament spec.yaml",
    "staghunt tournament spec.yaml --out runs/dilemma --matches 1000 --report",
    "staghunt tournament spec.yaml --set matches.half_width=0.05 --workers 8",
    "staghunt tournament spec.yaml --engine ray --address ray://head:10001",
    "staghunt tournament --resume runs/dilemma --json",
)


def command(
    spec: Annotated[
        Path | None,
        typer.Argument(
            metavar="[SPEC]",
            help="A YAML file with env, agents (or roles with their agents) and matches.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Folder of the tournament; runs/tournament-ENV.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume",
            metavar="RUN",
            help="Go on with a tournament that was stopped; a finished one is shown again.",
            show_default=False,
        ),
    ] = None,
    engine: Annotated[
        Engine, typer.Option("--engine", help="Play in processes of this machine, or on a Ray cluster.")
    ] = Engine.local,
    address: Annotated[
        str | None,
        typer.Option("--address", help="Of the Ray cluster; by default one is started.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            help="Processes that play; 1 is this one. By default as many as cores, as soon as they save more time than "
            "they take to start.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, help="Instead of the seed in the file.", show_default=False),
    ] = None,
    matches: Annotated[
        int | None,
        typer.Option(
            "--matches", min=1, help="Of every cell, instead of what the file says.", show_default=False
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Another key of the file, such as matches.focus=ranking or agents.NAME=POLICY; may be repeated.",
            show_default=False,
        ),
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", help="Write the page of `staghunt report` too.")
    ] = False,
    allow_import: AllowImport = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check everything, make the folder, play, answer, tell."""
    from experiments.tournament.wish import Wish

    wish = Wish(
        spec,
        out,
        resume,
        engine.value,
        address,
        workers,
        seed,
        matches,
        tuple(assignments or ()),
        tuple(allow_import or ()),
    )
    return _play(wish, report, json, quiet)


def _play(wish: object, report: bool, json: bool, quiet: bool) -> int:
    from experiments.guard import NOT_REACHED, OK, complain
    from experiments.progress import Reporter
    from experiments.stray_prints import prints_on_stderr
    from experiments.tournament import request
    from experiments.tournament.telling import show_outcome, write_page
    from experiments.tournament.wish import Wish

    assert isinstance(wish, Wish)
    with prints_on_stderr(), request.opened(wish, quiet) as ready:
        try:
            with Reporter(quiet, f"tournament in {ready.tournament.spec.env}") as progress:
                outcome = request.carry_out(ready, progress)
        except KeyboardInterrupt:
            return request.say_interrupted(ready.tournament.path)
        page = write_page(outcome) if report else None
    show_outcome(outcome, page, json, quiet)
    wrong = request.status(outcome)
    for sentence in wrong:
        complain(sentence)
    return NOT_REACHED if wrong else OK
