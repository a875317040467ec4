"""`staghunt psro`: populations of strategies that grow by best responses to their own equilibrium."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.commands.options import AllowImport, Json, MaxNodes, PlotFile, Quiet, Seconds, Seed

NAME = "psro"
HELP = (
    "Grow populations of strategies by best responses (PSRO; JPSRO with a correlated meta-solver) in a game or an "
    "environment. Where the game is known, the answer carries a certificate. "
    "Exit status 1 means that the tolerance was not reached."
)
EXAMPLES = (
    "staghunt psro openspiel:leduc_poker --out leduc.json --plot leduc.png",
    "staghunt psro 'openspiel:kuhn_poker(players=3)' --meta cce",
    "staghunt psro zoo:chicken --meta ce --objective welfare",
    "staghunt psro openspiel:leduc_poker --oracle mccfr --effort 50000 --iterations 60",
    "staghunt psro foraging:8x8-2p-3f --oracle rl --effort 100000 --iterations 4 --episodes 200",
)


def command(
    game: Annotated[
        str,
        typer.Argument(
            metavar="GAME",
            help="A game as for `solve`, or with --oracle rl any environment.",
            show_default=False,
        ),
    ],
    oracle: Annotated[
        str,
        typer.Option(
            "--oracle",
            metavar="exact|mccfr|rl",
            help="Who finds responses: the game itself, sampled plays of its tree, or a reinforcement learner.",
        ),
    ] = "exact",
    meta: Annotated[
        str,
        typer.Option(
            "--meta",
            metavar="nash|ce|cce|alpharank|uniform|qre",
            help="How populations are played; uniform is fictitious play.",
        ),
    ] = "nash",
    objective: Annotated[
        str | None,
        typer.Option(
            "--objective", "-o", help="Which CE or CCE; gini by default, see `solve`.", show_default=False
        ),
    ] = None,
    lam: Annotated[
        float | None,
        typer.Option("--lambda", "-l", help="Precision of the QRE, in 1/payoff units.", show_default=False),
    ] = None,
    iterations: Annotated[
        int | None,
        typer.Option(
            "--iterations",
            help="Stop after this many. Default 10 with --oracle rl, 1000 otherwise.",
            show_default=False,
        ),
    ] = None,
    tol: Annotated[
        float,
        typer.Option(
            "--tol",
            help="Largest gain accepted, relative to the payoff span (in an environment: in units of return).",
        ),
    ] = 1e-3,
    seconds: Seconds = None,
    effort: Annotated[
        int | None,
        typer.Option(
            "--effort",
            help="For each response: steps of training (rl, default 20,000) or traversals (mccfr, default 20,000).",
            show_default=False,
        ),
    ] = None,
    learner: Annotated[str, typer.Option("--learner", help="Of --oracle rl: ippo, mappo or iql.")] = "ippo",
    episodes: Annotated[
        int, typer.Option("--episodes", help="In an environment: played for each profile of policies.")
    ] = 400,
    max_steps: Annotated[
        int | None,
        typer.Option(
            "--max-steps",
            help="Cut episodes off here, if the environment has no horizon.",
            show_default=False,
        ),
    ] = None,
    max_nodes: MaxNodes = None,
    allow_import: AllowImport = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="Also write the answer as `solve` does (.json).", show_default=False
        ),
    ] = None,
    plot: PlotFile = None,
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check everything, load, grow, write, print; the exit status says whether the tolerance was reached."""
    from experiments.atomic import check_writable
    from experiments.psro.request import Request, carry_out, check

    check_writable(out, (".json",), "--out")
    check_writable(plot, (".png", ".svg", ".pdf"), "--plot")
    asked = check(
        Request(
            game, oracle, meta, objective, lam, iterations, tol, seconds, effort, learner, episodes,
            max_steps, max_nodes, tuple(allow_import or ()), seed,
        )
    )  # fmt: skip
    from experiments.interrupts import Patience
    from experiments.progress import Reporter

    with Reporter(quiet, f"reading {game}") as progress, Patience(progress) as patient:
        result = carry_out(asked, patient)
    from experiments.psro.telling import show, status, write

    write(out, plot, result, asked)
    show(result, asked, json, quiet)
    return status(result, asked, quiet)
