"""`staghunt qre`: the principal branch of logit quantal response equilibria."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.commands.options import Game, Infoset, Json, MaxNodes, PlotFile, Quiet, Seconds, Seed
from experiments.requests import pattern

NAME = "qre"
HELP = (
    "Trace the principal branch of logit quantal response equilibria, from uniform play at lambda = 0 "
    "through folds and bifurcations to its limit, or report it at given lambdas. On a tree these are agent QRE: "
    "one logit response at every information set."
)
EXAMPLES = (
    "staghunt qre zoo:chicken --plot branch.png",
    "staghunt qre game.nfg --at 0.5,1,2,5 --json",
    "staghunt qre game.nfg --lambda-max 20 --csv branch.csv",
    "staghunt qre openspiel:kuhn_poker --at 1,10 --infoset '^0'",
)
POLICIES = ("split", "continue", "perturb", "error")


def command(
    game: Game,
    lambda_max: Annotated[
        float | None,
        typer.Option(
            "--lambda-max",
            help="Stop at this precision (1/payoff units); by default where the largest regret is 1e-8 of the span.",
            show_default=False,
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="L1,L2,..", help="Report these precisions instead.", show_default=False),
    ] = None,
    scaled: Annotated[
        bool, typer.Option("--scaled", help="Give and report lambda times the game's payoff span.")
    ] = False,
    on_bifurcation: Annotated[
        str,
        typer.Option(
            "--on-bifurcation",
            metavar="split|continue|perturb|error",
            help="Where branches meet: take the arm a small push selects, go straight on, take a random arm (--seed), or refuse.",
        ),
    ] = "split",
    seconds: Seconds = None,
    max_nodes: MaxNodes = None,
    infoset: Infoset = None,
    plot: PlotFile = None,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write the points as a table (.csv).", show_default=False),
    ] = None,
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check, trace, write, print; after Ctrl-C the part already traced is written and printed."""
    from experiments.atomic import check_writable
    from experiments.progress import Reporter
    from games.errors import InputError

    check_writable(plot, (".png", ".svg", ".pdf"), "--plot")
    check_writable(csv, (".csv",), "--csv")
    lams = None if at is None else parse_lambdas(at)
    if lams is not None and lambda_max is not None:
        raise InputError("give either --lambda-max or --at, not both")
    if lambda_max is not None and not (math.isfinite(lambda_max) and lambda_max > 0):
        raise InputError(f"--lambda-max is a positive finite number, got {lambda_max:g}")
    if seconds is not None and not seconds > 0:
        raise InputError(f"--seconds is a positive number, got {seconds:g}")
    if on_bifurcation not in POLICIES:
        raise InputError(f"unknown --on-bifurcation {on_bifurcation!r}; known are {', '.join(POLICIES)}")
    pattern(infoset)
    with Reporter(quiet, f"reading {game}") as progress:
        from games.load import load

        loaded = load(game, max_nodes=max_nodes, progress=progress)
        which = _which(loaded, infoset)
        scale = (loaded.span or 1.0) if scaled else 1.0
        progress(math.nan, "tracing the branch")
        end = max(lams) if lams else lambda_max
        branch = _trace(loaded, None if end is None else end / scale, on_bifurcation, seconds, seed, progress)
        solutions = _points(branch, lams, scale)
    _write(plot, csv, branch, solutions, scale, scaled, end is not None)
    _show(branch, solutions if lams is not None else None, scale, scaled, which, json, quiet)
    return _status(branch, solutions, lams, quiet)


def _which(game: Any, infoset: str | None) -> list[int] | None:
    """The information sets that `--infoset` keeps; None for all."""
    from games.errors import InputError
    from games.tree import TreeGame

    if infoset is None:
        return None
    if not isinstance(game, TreeGame):
        raise InputError("--infoset is for games in extensive form, and this one is in normal form")
    from experiments.tree_output import matching

    which = matching(game, pattern(infoset))
    if not which:
        raise InputError(f"--infoset {infoset!r} matches none of the {len(game.owner):,} information sets")
    return which


def parse_lambdas(text: str) -> list[float]:
    """The numbers of `--at`, ascending: the order in which the branch first reaches them."""
    from games.errors import InputError

    lams = []
    for part in text.split(","):
        try:
            lam = float(part)
        except ValueError:
            raise InputError(f"--at takes numbers separated by commas, got {part.strip()!r}") from None
        if not (math.isfinite(lam) and lam >= 0):
            raise InputError(f"--at takes finite numbers of at least 0, got {part.strip()}")
        lams.append(lam)
    return sorted(set(lams))


def _trace(
    game: Any, lambda_max: float | None, policy: Any, seconds: float | None, seed: int, progress: Any
) -> Any:
    import numpy as np

    from games.tree import TreeGame
    from solvers.qre import trace_qre
    from solvers.tree_qre import trace_agent_qre

    trace: Any = trace_agent_qre if isinstance(game, TreeGame) else trace_qre
    return trace(
        game,
        lambda_max=lambda_max,
        on_bifurcation=policy,
        rng=np.random.default_rng(seed),
        seconds=seconds,
        progress=progress,
    )


def _points(branch: Any, lams: list[float] | None, scale: float) -> tuple[Any, ...]:
    """The solutions asked for by `--at` as far as the branch goes."""
    if lams is None:
        return ()
    reach = float(branch.lambdas.max())
    within = [lam / scale for lam in lams if lam / scale <= reach * (1 + 1e-12)]
    return tuple(branch.at(within)) if within else ()


def _write(
    plot: Path | None,
    csv: Path | None,
    branch: Any,
    solutions: tuple[Any, ...],
    scale: float,
    scaled: bool,
    whole: bool,
) -> None:
    if csv is not None:
        from experiments.atomic import write_text
        from experiments.branch_output import branch_csv

        write_text(csv, branch_csv(branch, solutions, scale))
    if plot is not None:
        from experiments.plots import branch_figure, save_figure

        save_figure(plot, branch_figure(branch, scale=scale, unit=_unit(scaled), whole=whole))


def _unit(scaled: bool) -> str:
    return "1 / payoff span" if scaled else "1 / payoff"


def _show(
    branch: Any,
    solutions: tuple[Any, ...] | None,
    scale: float,
    scaled: bool,
    which: list[int] | None,
    json: bool,
    quiet: bool,
) -> None:
    if json:
        from experiments.branch_output import branch_document
        from experiments.output import print_json

        print_json(branch_document(branch, solutions, scale, _unit(scaled), which))
    elif not quiet:
        from experiments.branch_tables import show_branch

        show_branch(branch, solutions or (), scale, _unit(scaled), which)


def _status(branch: Any, solutions: tuple[Any, ...], lams: list[float] | None, quiet: bool) -> int:
    from experiments.guard import INTERRUPTED, NOT_REACHED, OK, complain, note

    if branch.interrupted:
        complain("interrupted; what was traced so far is given")
        return INTERRUPTED
    if lams is not None and len(solutions) < len(lams):
        note(
            f"the branch was not traced as far as lambda {lams[len(solutions)]:g} ({branch.status.value})",
            quiet,
        )
        return NOT_REACHED
    if branch.status not in ("converged", "degenerate"):
        note(f"the branch ends early ({branch.status.value})", quiet)
        return NOT_REACHED
    if not all(s.certificate.holds() for s in solutions):
        note("a point misses the tolerance 1e-8", quiet)
        return NOT_REACHED
    return OK
