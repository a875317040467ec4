"""`staghunt reproduce`: the claims of a paper, measured and answered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.commands.options import Json, Quiet

if TYPE_CHECKING:
    from experiments.papers.claims import Claim, Order, Paper

NAME = "reproduce"
HELP = (
    "Measure what a paper claims, and answer each claim by criteria that were fixed beforehand. Without PAPER, papers and "
    "their claims are listed. Finished claims are kept: the same command goes on where it was stopped. "
    "Exit status 1 means that a claim does not hold."
)
EXAMPLES = (
    "staghunt reproduce",
    "staghunt reproduce bayes-net --quick",
    "staghunt reproduce bayes-net --only gradient --only fixtures --json",
    "staghunt reproduce bayes-net --out runs/my-study --workers 8",
)


def command(
    paper: Annotated[
        str | None,
        typer.Argument(metavar="[PAPER]", help="Whose claims, such as bayes-net.", show_default=False),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer seeds and shorter training; minutes instead of hours.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="KEY", help="Only this claim; may be repeated, or KEY,KEY.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Folder of the answers; runs/reproduce-PAPER, with effort and seed unless they are the usual ones.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The first seed of everything random.")] = 0,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", min=1, help="Seeds trained at a time; as many as cores.", show_default=False
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Measure and train anew what was finished before.")
    ] = False,
    list_: Annotated[bool, typer.Option("--list", help="List papers and their claims, and stop.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check everything, open the folder, measure what is left, tell."""
    from experiments.papers.registry import PAPERS, claims_of, paper_of
    from experiments.papers.telling import show_papers
    from games.errors import InputError

    chosen = None if paper is None else paper_of(paper)
    if chosen is None and not list_ and (only or out is not None or quick or fresh):
        raise InputError(f"which paper? There are {', '.join(PAPERS)}, as in `staghunt reproduce bayes-net`")
    if list_ or chosen is None:
        return show_papers(PAPERS.values() if chosen is None else [chosen], json, quiet)
    from experiments.papers.claims import Order
    from experiments.papers.folder import default_folder

    usual = default_folder(chosen, quick, seed)
    claims = claims_of(chosen, only or [])
    order = Order(usual if out is None else out, quick, seed, workers, fresh, quiet)
    return _reproduce(chosen, claims, order, usual, json)


def _reproduce(paper: Paper, claims: list[Claim], order: Order, usual: Path, json: bool) -> int:
    from experiments.papers.folder import opened
    from experiments.papers.reproduction import carry_out, say_interrupted, status
    from experiments.papers.telling import show_answers
    from experiments.progress import Reporter
    from experiments.run_folders import locked
    from experiments.stray_prints import prints_on_stderr

    opened(paper, order)
    with prints_on_stderr(), locked(order.out, doing="measuring"):
        try:
            with Reporter(order.quiet, f"reproducing {paper.name}") as progress:
                answers = carry_out(paper, claims, order, progress)
        except KeyboardInterrupt:
            return say_interrupted(paper, claims, order, usual)
    show_answers(paper, answers, order, json, order.quiet)
    return status(answers, claims)
