"""What `staghunt psro` writes and prints: the course of the run, and its answer as `solve` would tell it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from experiments.psro.request import Request
from experiments.psro.result import INTERRUPTED, KNOWN, REACHED, Iteration, Result
from games.tree import TreeGame

ROWS = 24
"""At most so many iterations are listed."""


def status(result: Result, asked: Request, quiet: bool) -> int:
    """The exit status, with a remark where the tolerance was missed."""
    from experiments.guard import INTERRUPTED as STOPPED
    from experiments.guard import NOT_REACHED, OK, complain, note

    if result.stopped == INTERRUPTED:
        complain("interrupted; this is the best answer so far")
        return STOPPED
    if result.stopped == REACHED:
        certificate = result.certificate
        if certificate is None or certificate.holds(asked.tolerance):
            return OK
        note("the certificate does not confirm the tolerance that the run measured", quiet)
        return NOT_REACHED
    if result.stopped == KNOWN:
        note(
            f"the tolerance {asked.tolerance:g} was not reached: the {asked.oracle} oracle's responses to the "
            f"{asked.meta} meta-strategy are all in the populations already",
            quiet,
        )
    else:
        note(f"the tolerance {asked.tolerance:g} was not reached within the budget", quiet)
    return NOT_REACHED


def told(result: Result, asked: Request) -> Any:
    """The answer as `experiments.telling` takes it; None in an environment without a game."""
    from experiments import requests
    from experiments.telling import Told
    from solvers.solution import Solution, Status

    if not result.arena.exact:
        return None
    last = result.history[-1]
    parameters = {"oracle": asked.oracle, "meta": asked.meta, "tolerance": asked.tolerance}
    parameters |= {"objective": result.meta.objective} if result.meta.objective else {}
    parameters |= {"lambda": result.meta.lam} if result.meta.lam is not None else {}
    stats = {"iterations": last.number, "seconds": last.seconds, "populations": result.populations.sizes}
    reached = Status.CONVERGED if result.stopped == REACHED else Status.BUDGET
    concept: Any = result.concept
    solution = Solution(result.arena.game, concept, result.answer, reached, method(result), parameters, stats)
    wanted = requests.Request(concept=concept, tolerance=max(asked.tolerance, 1e-300))
    return Told(result.arena.game, wanted, (solution,), last.seconds)


def method(result: Result) -> str:
    """The algorithm in words."""
    name = "JPSRO" if result.meta.correlated else "PSRO"
    return f"{name} with {result.oracle.name} responses to {result.meta.name}"


def distance_name(result: Result) -> str:
    """What the sum of the gains is called."""
    if not result.arena.exact:
        return "Gains found"
    return "Sum of gains" if result.meta.correlated else "NashConv"


# --- documents ------------------------------------------------------------------------------------------------


def document(result: Result, asked: Request) -> dict[str, Any]:
    """What `--json` prints and `--out` writes: as of `solve`, with the course of the run under ``psro``."""
    answer = told(result, asked)
    whole: dict[str, Any] = {"env": result.arena.title} if answer is None else answer.document()
    sigma, sizes = result.sigma, result.populations.sizes
    course = {
        "oracle": asked.oracle,
        "meta": asked.meta,
        "objective": asked.objective,
        "lambda": asked.lam,
        "seed": asked.seed,
        "stopped": result.stopped,
        "players": result.arena.players,
        "populations": sizes,
        "at": result.at.number,
        "values": result.at.values,
        "gains": result.at.gains,
        "marginals": _blocks(sigma.marginals(), sizes),
        "joint": None
        if sigma.joint is None
        else [{"members": c, "prob": p} for c, p in zip(sigma.joint.cells, sigma.joint.probs)],
        "iterations": [
            {
                "iteration": s.number,
                "seconds": s.seconds,
                "populations": s.sizes,
                "values": s.values,
                "gains": s.gains,
                "gap": s.gap,
                "found": s.found,
                "added": s.added,
            }
            for s in result.history
        ],
    }
    if answer is None:
        course["payoffs"], course["episodes"] = result.populations.table, asked.episodes
    return {**whole, "psro": course}


def _blocks(flat: Any, sizes: tuple[int, ...]) -> list[Any]:
    import numpy as np

    return [part.tolist() for part in np.split(np.asarray(flat), np.cumsum(sizes)[:-1])]


def write(out: Path | None, plot: Path | None, result: Result, asked: Request) -> None:
    """The files of `--out` and `--plot`."""
    if out is not None:
        from experiments.atomic import write_text
        from experiments.output import dumps

        write_text(out, dumps(document(result, asked)) + "\n")
    if plot is not None:
        from experiments.plots import save_figure
        from experiments.psro.pictures import psro_figure

        save_figure(plot, psro_figure(result, distance_name(result)))


# --- tables ---------------------------------------------------------------------------------------------------


def show(result: Result, asked: Request, json: bool, quiet: bool) -> None:
    """One JSON document, or the iterations and the answer as tables."""
    if json:
        from experiments.output import print_json

        print_json(document(result, asked))
        return
    if quiet:
        return
    from experiments.tables import console

    out = console()
    out.print(iterations_table(result))
    out.print()
    answer = told(result, asked)
    if answer is None:
        _show_played(out, result)
    elif isinstance(result.arena.game, TreeGame):
        from experiments.tree_tables import show_tree_solutions

        few = len(result.arena.game.owner) <= ROWS
        show_tree_solutions(answer.game, answer.solutions, answer.seconds, None if few else ())
        if not few:
            out.print(
                f"[dim]The strategy at {len(result.arena.game.owner):,} information sets: --out FILE[/]"
            )
    else:
        from experiments.tables import show_solutions

        show_solutions(answer.game, result.concept, answer.solutions, answer.seconds)


def listed(history: tuple[Iteration, ...]) -> list[Iteration]:
    """The first iterations and the last, and some between, evenly on a logarithmic scale."""
    import numpy as np

    if len(history) <= ROWS:
        return list(history)
    at = np.unique(np.round(np.geomspace(1, len(history), ROWS)).astype(int)) - 1
    return [history[k] for k in at]


def iterations_table(result: Result) -> Any:
    """A row per iteration: populations, values, how far from equilibrium, seconds."""
    from rich.markup import escape

    from experiments.tables import one_line, simple_table
    from solvers.show import number_text

    players = [f"Value {one_line(name, 20)}" for name in result.arena.players[:4]]
    columns = ("Iteration", "Populations", *players, distance_name(result), "Largest gain", "Seconds")
    table = simple_table(*columns, right=(0, *range(2, len(columns))))
    noise = 1e-14 * float(result.arena.span)
    for step in listed(result.history):
        mark = "[bold]" if step.number == result.at.number else ""
        table.add_row(
            f"{mark}{step.number:,}",
            escape(" x ".join(map(str, step.sizes))),
            *(number_text(float(v) if abs(v) > noise else 0.0) for v in step.values[:4]),
            f"{step.gap:.4g}",
            f"{float(step.gains.max(initial=0.0)):.3g}",
            f"{step.seconds:.3g}",
        )
    return table


def _show_played(out: Any, result: Result) -> None:
    """Environments: what is played how often, and what it earns."""
    from rich.markup import escape

    from experiments.tables import one_line, simple_table
    from solvers.show import number_text, probability_text

    out.print(f"[bold]{escape(one_line(result.arena.title))}[/]  [dim]{escape(method(result))}[/]")
    table = simple_table("Agent", "Value", "Gain found", "Population", "Played", right=(1, 2, 3))
    blocks = _blocks(result.sigma.marginals(), result.populations.sizes)
    for i, (name, block) in enumerate(zip(result.arena.players, blocks)):
        played = "  ".join(f"{k}: {probability_text(p)}" for k, p in enumerate(block) if p > 0)
        value, gain = float(result.at.values[i]), float(result.at.gains[i])
        table.add_row(
            escape(one_line(name)), number_text(value), f"{gain:.3g}", str(len(block)), escape(played)
        )
    out.print(table)
    out.print(
        "[dim]Member 0 acts at random. Payoffs are means of episodes, and gains are those of the responses found: "
        "nobody shows that there are no better ones.[/]"
    )
