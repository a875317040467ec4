"""`staghunt fit`: maximum-likelihood precision of logit QRE from observed choices."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.commands.options import Game, Json, MaxNodes, PlotFile, Quiet, UnusedSeed

NAME = "fit"
HELP = (
    "Estimate the QRE precision lambda from observed choices by maximum likelihood, with a profile-likelihood "
    "interval. DATA is a CSV file with the columns player, action, count; or with one column per player and one "
    "line per play. For a game in extensive form, whose agent QRE is fitted, the columns are player, infoset, action, "
    "count. Players, information sets and actions go by name or by 0-based index (an information set's among those "
    "of its player): names if all labels are names, otherwise indices. Counts are numbers of at least 0, not "
    "necessarily whole."
)
EXAMPLES = (
    "staghunt fit game.nfg choices.csv",
    "staghunt fit game.nfg choices.csv --level 0.9 --json",
    "staghunt fit centipede.efg moves.csv --plot likelihood.png",
)


def command(
    game: Game,
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A CSV file of choices.", show_default=False)],
    level: Annotated[float, typer.Option("--level", help="Confidence level of the interval.")] = 0.95,
    lambda_max: Annotated[
        float | None, typer.Option("--lambda-max", help="Search up to this precision.", show_default=False)
    ] = None,
    max_nodes: MaxNodes = None,
    plot: PlotFile = None,
    seed: UnusedSeed = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Read, fit, print; `--plot` draws the log-likelihood over lambda."""
    from experiments.atomic import check_writable
    from experiments.progress import Reporter
    from games.errors import InputError

    check_writable(plot, (".png", ".svg", ".pdf"), "--plot")
    if not 0 < level < 1:
        raise InputError(f"--level is a probability between 0 and 1, got {level:g}")
    if lambda_max is not None and not (math.isfinite(lambda_max) and lambda_max > 0):
        raise InputError(f"--lambda-max is a positive finite number, got {lambda_max:g}")
    with Reporter(quiet, f"reading {game}") as progress:
        from games.load import load

        loaded = load(game, max_nodes=max_nodes, progress=progress)
        counts, found = _fitted(loaded, data, lambda_max, level, progress)
    if plot is not None:
        from experiments.plots import likelihood_figure, save_figure

        save_figure(plot, likelihood_figure(found))
    if json:
        from experiments.output import print_json

        print_json(document(loaded, counts, found))
    elif not quiet:
        _show(loaded, counts, found)
    return 0 if found.status in ("converged", "degenerate") else 1


def _fitted(game: Any, data: Path, lambda_max: float | None, level: float, progress: Any) -> tuple[Any, Any]:
    """The counts in the file and the estimate: of agent QRE on a tree, of QRE in normal form."""
    from games.tree import TreeGame

    options = {"lambda_max": lambda_max, "level": level, "progress": progress}
    if isinstance(game, TreeGame):
        from experiments.tree_choices import read_moves
        from solvers.tree_qre import fit_agent_qre

        counts = read_moves(data, game)
        progress(math.nan, "tracing the branch")
        return counts, fit_agent_qre(game, counts, **options)
    from experiments.choices import read_counts
    from solvers.qre_fit import fit_qre

    counts = read_counts(data, game)
    progress(math.nan, "tracing the branch")
    return counts, fit_qre(game, counts, **options)


def document(game: Any, counts: Any, found: Any) -> dict[str, Any]:
    """What `fit --json` prints."""
    from experiments.output import certificate_document, game_document
    from experiments.tree_output import strategy_document, tree_document
    from games.tree import TreeGame

    fitted: dict[str, Any]
    if isinstance(game, TreeGame):
        about, fitted = tree_document(game), strategy_document(game, found.profile)
    else:
        about, fitted = (
            game_document(game),
            {"profile": [block.tolist() for block in game.blocks(found.profile)]},
        )
    return {
        "game": about,
        "counts": [block.tolist() for block in game.blocks(counts)],
        "observations": counts.sum(),
        "lambda": found.lam,
        "interval": list(found.interval),
        "level": found.level,
        "standard_error": found.standard_error,
        "log_likelihood": found.log_likelihood,
        "log_likelihood_uniform": found.log_likelihood_uniform,
        "log_likelihood_saturated": found.log_likelihood_saturated,
        "log_likelihood_end": found.log_likelihoods[-1],
        "lambda_end": found.lambdas[-1],
        **fitted,
        "certificate": certificate_document(found.solution.certificate),
        "status": found.status,
        "stats": found.stats,
    }


def _show(game: Any, counts: Any, found: Any) -> None:
    from rich.markup import escape

    from experiments.tables import console, game_line, simple_table
    from experiments.tree_tables import tree_line
    from games.tree import TreeGame
    from solvers.show import certificate_text, number_text

    out = console()
    out.print(tree_line(game) if isinstance(game, TreeGame) else game_line(game))
    low, high = found.interval
    out.print(
        f"\n[bold cyan]lambda = {number_text(found.lam)}[/]  [dim]1 / payoff[/]   "
        f"{found.level:.0%} interval {number_text(low)} to {number_text(high)}   "
        f"standard error {number_text(found.standard_error)}"
    )
    table = simple_table("Model", "Log-likelihood", right=[1])
    table.add_row("QRE", f"{found.log_likelihood:.6f}")
    table.add_row("uniform play", f"{found.log_likelihood_uniform:.6f}")
    end, reached = float(found.log_likelihoods[-1]), number_text(float(found.lambdas[-1]))
    table.add_row(f"the branch's end, lambda {reached}", f"{end:.6f}" if math.isfinite(end) else "-inf")
    table.add_row("observed frequencies (best possible)", f"{found.log_likelihood_saturated:.6f}")
    out.print(table)
    out.print()
    _show_play(out, game, counts, found)
    out.print(f"Certificate: {escape(certificate_text(found.solution.certificate))}")
    out.print(f"[dim]{counts.sum():g} choices, {found.status.value}[/]")


def _show_play(out: Any, game: Any, counts: Any, found: Any) -> None:
    """Fitted and observed frequencies side by side."""
    import numpy as np

    from experiments.tables import profile_table
    from experiments.tree_tables import behavior_table
    from games import simplices
    from games.tree import TreeGame

    frequencies = simplices.normalise(np.asarray(counts, dtype=np.float64), game.offsets)
    if isinstance(game, TreeGame):
        seen = np.flatnonzero(simplices.block_sums(counts, game.offsets) > 0).tolist()
        out.print(behavior_table(game, found.profile, seen))
        out.print("Observed:")
        out.print(behavior_table(game, frequencies, seen))
    else:
        out.print(profile_table(game, {"QRE": found.profile, "Observed": frequencies}))
