"""`staghunt solve`: one equilibrium, or all Nash equilibria, of one game."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.commands.options import Game, Infoset, Json, MaxNodes, PlotFile, Quiet, Seconds, Seed
from experiments.requests import OBJECTIVES, Request, check, reached

NAME = "solve"
HELP = (
    "Solve a game for an equilibrium and certify it. A game in extensive form is solved on its tree; with "
    "?form=reduced after its name, in its strategic form. "
    "Exit status 1 means that the answer shown does not reach the tolerance."
)
EXAMPLES = (
    "staghunt solve zoo:chicken --concept cce --objective welfare",
    "staghunt solve game.nfg --concept nash --all --json",
    "staghunt solve game.nfg --concept qre --lambda 1.5",
    "staghunt solve 'zoo:random?shape=20x20x20&seed=1' -c cce -m hedge --tol 1e-3 --seconds 30",
    "staghunt solve openspiel:kuhn_poker --infoset '^2'",
    "staghunt solve openspiel:leduc_poker -m pcfr+ --seconds 60 --checkpoint leduc.npz --plot leduc.png",
    "staghunt solve openspiel:leduc_poker --resume leduc.npz --tol 1e-5 --out leduc.json",
    "staghunt solve 'mfg:crowd?size=20' --concept nash --method mirror-descent --tol 1e-4 --plot crowd.png",
)


def command(
    game: Game,
    concept: Annotated[
        str | None,
        typer.Option(
            "--concept",
            "-c",
            metavar="cce|ce|nash|qre|alpharank|efce|efcce",
            help="By default Nash for a two-player constant-sum tree, else cce (on a tree the normal-form CCE, nfcce).",
            show_default=False,
        ),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            "--objective",
            "-o",
            help=f"Which CE or CCE: {OBJECTIVES} (players from 0); welfare by default. "
            "Entropy and gini count actions with the same payoffs as one.",
            show_default=False,
        ),
    ] = None,
    lam: Annotated[
        float | None,
        typer.Option("--lambda", "-l", help="Precision of the QRE, in 1/payoff units.", show_default=False),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            "--method",
            "-m",
            help="Algorithm. Trees: sequence-form, cfr, cfr+, dcfr, pcfr+, mccfr-es, mccfr-os, mmd, agent-qre and others; "
            "mean-field games: mirror-descent, fictitious-play, fixed-point, boltzmann; "
            "any unknown name is answered with all that fit the game and concept.",
        ),
    ] = "auto",
    tol: Annotated[
        float | None,
        typer.Option(
            "--tol",
            help="Largest regret accepted, relative to the payoff span. "
            "Default 1e-9 for CE and CCE, 1e-3 for learning and self-play methods, 1e-8 otherwise.",
            show_default=False,
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="List all Nash equilibria (extreme ones, two players).")
    ] = False,
    sparse: Annotated[
        bool, typer.Option("--sparse", help="A CE or CCE with few profiles in its support.")
    ] = False,
    alpha: Annotated[
        float, typer.Option("--alpha", help="Ranking intensity of alpha-rank; inf is allowed.")
    ] = math.inf,
    population: Annotated[int, typer.Option("--population", help="Population size of alpha-rank.")] = 50,
    alternating: Annotated[
        bool | None,
        typer.Option(
            "--alternating/--simultaneous",
            help="Whether players update in turn or all at once (CFR methods).",
            show_default=False,
        ),
    ] = None,
    seconds: Seconds = None,
    iterations: Annotated[
        int | None, typer.Option("--iterations", help="Stop after this many iterations.", show_default=False)
    ] = None,
    max_nodes: MaxNodes = None,
    infoset: Infoset = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            metavar="FILE",
            help="Keep the state of a self-play method here (.npz), every few seconds and at the end.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume",
            metavar="FILE",
            help="Go on from a checkpoint; it is kept up to date unless --checkpoint names another file.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="Also write the answer (.json or .csv).", show_default=False
        ),
    ] = None,
    plot: PlotFile = None,
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check everything, load, solve, write, print; the exit status says whether the tolerance was reached."""
    from experiments.atomic import check_writable
    from experiments.progress import Reporter

    check_writable(out, (".json", ".csv"), "--out")
    check_writable(plot, (".png", ".svg", ".pdf"), "--plot")
    check_writable(checkpoint, (".npz",), "--checkpoint")
    asked = check(
        Request(
            concept,
            objective,
            lam,
            method,
            tol,
            every,
            sparse,
            seconds,
            iterations,
            seed,
            alpha,
            population,
            alternating,
            checkpoint,
            resume,
            infoset,
        )
    )
    with Reporter(quiet, f"reading {game}") as progress:
        from games.load import load
        from games.mean_field_games import is_mean_field
        from games.tree import TreeGame

        if is_mean_field(game):
            from experiments.guard import note
            from experiments.mean_field_solve import answer_mean_field, check_agents, load_model

            if (remark := check_agents(game)) is not None:
                note(remark, quiet)
            loaded = load_model(game, max_nodes, progress)
            answer = answer_mean_field(loaded, asked, progress)
        elif isinstance(loaded := load(game, max_nodes=max_nodes, progress=progress), TreeGame):
            from experiments.tree_solve import Stopped, answer_tree

            try:
                answer = answer_tree(loaded, asked, progress)
            except Stopped as stopped:
                return _interrupted(str(stopped))
        else:
            progress(math.nan, "looking at the game")
            answer = _answer_normal(loaded, asked, progress)
    from experiments.telling import Told, show, write

    told = Told(loaded, *answer)
    write(out, plot, told)
    show(told, json, quiet)
    return 0 if reached(told.solutions, told.asked.accepted) else 1


def _interrupted(sentence: str) -> int:
    from experiments.guard import INTERRUPTED, complain

    complain(sentence)
    return INTERRUPTED


def _answer_normal(game: Any, asked: Request, progress: Any) -> tuple[Request, tuple[Any, ...], float]:
    from experiments.normal_solve import settle, solve_normal

    asked = settle(asked)
    start = time.perf_counter()
    progress(math.nan, f"solving for {asked.concept}")
    solutions = solve_normal(game, asked, progress)
    for solution in solutions:
        _ = solution.certificate
    return asked, solutions, time.perf_counter() - start
