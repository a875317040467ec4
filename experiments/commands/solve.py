"""`staghunt solve`: one equilibrium, or all Nash equilibria, of one game."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from experiments.commands.options import Game, Json, PlotFile, Quiet, Seconds, Seed

NAME = "solve"
HELP = (
    "Solve a game for an equilibrium and certify it. "
    "Exit status 1 means that the answer shown does not reach the tolerance."
)
EXAMPLES = (
    "staghunt solve zoo:chicken --concept cce --objective welfare",
    "staghunt solve game.nfg --concept nash --all --json",
    "staghunt solve game.nfg --concept qre --lambda 1.5",
    "staghunt solve 'zoo:random?shape=20x20x20&seed=1' -c cce -m hedge --tol 1e-3 --seconds 30",
)
CONCEPTS = ("cce", "ce", "nash", "qre", "alpharank")
LEARNING = ("regret-matching", "regret-matching+", "hedge", "optimistic-hedge", "internal-regret-matching")
DEFAULT_TOLERANCE = {"cce": 1e-9, "ce": 1e-9, "nash": 1e-8, "qre": 1e-8, "alpharank": 1e-8}
OBJECTIVES = "welfare, min-welfare, player:K, min-player:K, egalitarian, entropy, gini and any"


class Request(NamedTuple):
    """What was asked, after checking."""

    concept: str
    objective: str
    lam: float | None
    method: str
    tolerance: float
    every: bool
    sparse: bool
    seconds: float | None
    iterations: int | None
    seed: int
    alpha: float
    population: int


def command(
    game: Game,
    concept: Annotated[str, typer.Option("--concept", "-c", metavar="cce|ce|nash|qre|alpharank")] = "cce",
    objective: Annotated[
        str,
        typer.Option(
            "--objective",
            "-o",
            help=f"Which CE or CCE: {OBJECTIVES} (players from 0). "
            "Entropy and gini count actions with the same payoffs as one.",
        ),
    ] = "welfare",
    lam: Annotated[
        float | None,
        typer.Option("--lambda", "-l", help="Precision of the QRE, in 1/payoff units.", show_default=False),
    ] = None,
    method: Annotated[
        str,
        typer.Option("--method", "-m", help="Algorithm; an unknown name is answered with the known ones."),
    ] = "auto",
    tol: Annotated[
        float | None,
        typer.Option(
            "--tol",
            help="Largest regret accepted, relative to the payoff span. "
            "Default 1e-9 for CE and CCE (1e-3 for learning methods), 1e-8 otherwise.",
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
    seconds: Seconds = None,
    iterations: Annotated[
        int | None, typer.Option("--iterations", help="Stop after this many iterations.", show_default=False)
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
    asked = Request(
        concept,
        objective,
        lam,
        method,
        tolerance_of(concept, method, tol),
        every,
        sparse,
        seconds,
        iterations,
        seed,
        alpha,
        population,
    )
    check(asked)
    with Reporter(quiet, f"reading {game}") as progress:
        from games.load import load

        loaded = load(game)
        start = time.perf_counter()
        progress(math.nan, f"solving for {concept}")
        solutions = solve(loaded, asked, progress)
        for solution in solutions:
            _ = solution.certificate
        elapsed = time.perf_counter() - start
    write(out, plot, loaded, asked, solutions, elapsed)
    show(loaded, asked, solutions, elapsed, json, quiet)
    return 0 if reached(solutions, asked.tolerance) else 1


def tolerance_of(concept: str, method: str, tol: float | None) -> float:
    """The tolerance asked for, or the concept's default."""
    if tol is not None:
        return tol
    return 1e-3 if method in LEARNING else DEFAULT_TOLERANCE.get(concept, 1e-8)


def reached(solutions: tuple[Any, ...], tolerance: float) -> bool:
    """Whether there is an answer, every certificate holds and no solver stopped early."""
    return bool(solutions) and all(
        s.certificate.holds(tolerance) and s.status in ("converged", "degenerate") for s in solutions
    )


# --- checking ---------------------------------------------------------------------------------------------


def check(asked: Request) -> None:
    """Refuse what cannot be meant, before the game is even read."""
    from games.errors import InputError

    if asked.concept not in CONCEPTS:
        raise InputError(f"unknown concept {asked.concept!r}; known are {', '.join(CONCEPTS)}")
    if asked.method != "auto" and asked.concept in ("qre", "alpharank"):
        raise InputError(f"--method does not go with --concept {asked.concept}, which has one method only")
    if not (math.isfinite(asked.tolerance) and asked.tolerance > 0):
        raise InputError(f"--tol is a positive number relative to the payoff span, got {asked.tolerance:g}")
    if asked.seconds is not None and not asked.seconds > 0:
        raise InputError(f"--seconds is a positive number, got {asked.seconds:g}")
    if asked.iterations is not None and asked.iterations < 1:
        raise InputError(f"--iterations is at least 1, got {asked.iterations}")
    _check_fit(asked)


def _check_fit(asked: Request) -> None:
    from games.errors import InputError

    if asked.concept == "qre":
        if asked.lam is None:
            raise InputError("--concept qre needs --lambda L; `staghunt qre` traces the whole branch")
        if not (math.isfinite(asked.lam) and asked.lam >= 0):
            raise InputError(f"--lambda is a finite number of at least 0, got {asked.lam:g}")
    elif asked.lam is not None:
        raise InputError(f"--lambda is for --concept qre, not {asked.concept}")
    if asked.every and asked.concept != "nash":
        raise InputError(f"--all lists all Nash equilibria; it does not go with --concept {asked.concept}")
    if asked.sparse and asked.concept not in ("ce", "cce"):
        raise InputError(f"--sparse is for ce and cce, not {asked.concept}")
    if asked.objective != "welfare" and asked.concept not in ("ce", "cce"):
        raise InputError(f"--objective selects among ce or cce, not {asked.concept}")
    if asked.concept == "alpharank" and (not asked.alpha >= 0 or asked.population < 2):
        raise InputError("alpha-rank needs --alpha of at least 0 and --population of at least 2")


# --- solving ----------------------------------------------------------------------------------------------


def solve(game: Any, asked: Request, progress: Any) -> tuple[Any, ...]:
    """Hand the request to its solver; always a tuple of solutions."""
    if asked.concept in ("ce", "cce"):
        return (_correlated(game, asked, progress),)
    if asked.concept == "nash":
        return _nash(game, asked, progress)
    if asked.concept == "qre":
        from solvers.qre import qre

        return (qre(game, asked.lam or 0.0, seconds=asked.seconds, progress=progress),)
    from solvers.alpharank import alpharank

    return (alpharank(game, alpha=asked.alpha, population=asked.population, progress=progress),)


def _budget(asked: Request, progress: Any) -> dict[str, Any]:
    import numpy as np

    return {
        "tolerance": asked.tolerance,
        "seconds": asked.seconds,
        "iterations": asked.iterations,
        "rng": np.random.default_rng(asked.seed),
        "progress": progress,
    }


def _correlated(game: Any, asked: Request, progress: Any) -> Any:
    from solvers import correlated

    solver = correlated.ce if asked.concept == "ce" else correlated.cce
    return solver(game, asked.objective, method=asked.method, sparse=asked.sparse, **_budget(asked, progress))


def _nash(game: Any, asked: Request, progress: Any) -> tuple[Any, ...]:
    from solvers.nash import all_nash, nash

    if asked.every:
        return tuple(all_nash(game, asked.method, **_budget(asked, progress)))
    return (nash(game, asked.method, **_budget(asked, progress)),)


# --- telling ----------------------------------------------------------------------------------------------


def write(
    out: Path | None, plot: Path | None, game: Any, asked: Request, solutions: tuple[Any, ...], seconds: float
) -> None:
    """The files of `--out` and `--plot`."""
    if out is not None:
        from experiments.atomic import write_text
        from experiments.output import dumps, solutions_csv, solve_document

        if out.suffix.lower() == ".json":
            document = solve_document(game, asked.concept, solutions, asked.tolerance, seconds)
            write_text(out, dumps(document) + "\n")
        else:
            write_text(out, solutions_csv(game, solutions))
    if plot is not None:
        from experiments.plots import save_figure
        from experiments.solution_plots import solution_figure

        save_figure(plot, solution_figure(game, solutions))


def show(
    game: Any, asked: Request, solutions: tuple[Any, ...], seconds: float, json: bool, quiet: bool
) -> None:
    """One JSON document, or tables and a remark when the tolerance was missed."""
    from experiments.guard import note

    if json:
        from experiments.output import print_json, solve_document

        print_json(solve_document(game, asked.concept, solutions, asked.tolerance, seconds))
    elif not quiet:
        from experiments.tables import show_solutions

        show_solutions(game, asked.concept, solutions, seconds)
    if not reached(solutions, asked.tolerance):
        note(_shortfall(solutions, asked.tolerance), quiet)


def _shortfall(solutions: tuple[Any, ...], tolerance: float) -> str:
    if not solutions:
        return "no equilibrium was found within the budget"
    missed = [s for s in solutions if not s.certificate.holds(tolerance)]
    if missed:
        return f"the tolerance {tolerance:g} of the payoff span was not reached ({missed[0].status.value})"
    stopped = next(s for s in solutions if s.status not in ("converged", "degenerate"))
    return f"the solver stopped early ({stopped.status.value}); the answer is an equilibrium but may not be the one asked for"
