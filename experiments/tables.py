"""Results as tables for people, on stdout; every name that comes from a file is escaped."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from games.joint import Mixture
from games.normal import NormalFormGame
from solvers.show import TINY, certificate_text, number_text, probability_text, ranked_cells

FEW, ROWS, EVENTS = 8, 24, 12
"""Lists longer than this are cut to their most probable entries, and say so."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # the reader is gone; `guarded` decides what that means


def console() -> Console:
    """A console on today's stdout; when piped, wide enough that little is folded."""
    wide = None if sys.stdout.isatty() else 160
    return _Console(file=sys.stdout, width=wide, highlight=False, soft_wrap=False)


def simple_table(*columns: str, right: Sequence[int] = (), title: str | None = None) -> Table:
    """An empty table in the house style; columns in `right` are right-aligned numbers."""
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False, show_edge=False)
    for k, name in enumerate(columns):
        table.add_column(
            escape(name),
            justify="right" if k in right else "left",
            no_wrap=k in right,
            overflow="fold",
        )
    return table


def game_line(game: NormalFormGame) -> str:
    """Title and size in one line of markup."""
    size = " x ".join(map(str, game.shape))
    return (
        f"[bold]{escape(game.title or 'Game without a title')}[/]  [dim]{len(game.shape)} players, {size}[/]"
    )


# --- solve ------------------------------------------------------------------------------------------------


def show_solutions(game: NormalFormGame, concept: str, solutions: Sequence[Any], seconds: float) -> None:
    """Print each equilibrium with its values and its certificate in words."""
    out = console()
    out.print(game_line(game))
    if len(solutions) != 1:
        out.print(f"{len(solutions)} {_PLURALS.get(concept, concept)} found in {seconds:.3g} s")
    for k, solution in enumerate(solutions):
        out.print()
        number = f" {k + 1} of {len(solutions)}" if len(solutions) > 1 else ""
        told = "".join(
            f", {key} {_told(v)}" for key, v in solution.parameters.items() if _worth_telling(key, v)
        )
        out.print(
            f"[bold cyan]{_NAMES.get(solution.concept, solution.concept)}{number}[/]"
            f"  [dim]{escape(solution.method + told)}[/]"
        )
        show_strategy(out, solution)
        show_verdict(out, solution)
    if len(solutions) == 1:
        out.print(f"[dim]{solutions[0].status.value} in {seconds:.3g} s{_counted(solutions[0])}[/]")


_NAMES = {
    "cce": "Coarse correlated equilibrium",
    "ce": "Correlated equilibrium",
    "nash": "Nash equilibrium",
    "qre": "Logit quantal response equilibrium",
    "alpharank": "Alpha-rank",
}

_PLURALS = {"nash": "Nash equilibria"}


def _told(value: Any) -> str:
    return number_text(value) if isinstance(value, float) else str(value)


def _worth_telling(key: str, value: Any) -> bool:
    return key in ("objective", "lambda", "alpha", "population", "sparse") and value not in (None, False)


def _counted(solution: Any) -> str:
    count = solution.stats.get("iterations")
    return "" if count is None else f", {int(count):,} iterations"


def show_strategy(out: Console, solution: Any) -> None:
    """A mixed profile by player, or correlated play by joint profile."""
    if solution.profile is not None:
        out.print(profile_table(solution.game, {"Probability": solution.profile}))
    else:
        out.print(joint_table(solution.game, solution.joint))


def profile_table(game: NormalFormGame, columns: dict[str, Any]) -> Table:
    """Mixed profiles side by side, a row per player and action; long action lists are cut to the likeliest."""
    table = simple_table("Player", "Action", *columns, right=range(2, 2 + len(columns)))
    for i, (player, names) in enumerate(zip(game.players, game.actions)):
        blocks = [game.blocks(profile)[i] for profile in columns.values()]
        order = _shown_actions(blocks)
        for n, k in enumerate(order):
            shown = [probability_text(float(block[k])) for block in blocks]
            table.add_row(escape(player) if n == 0 else "", escape(names[k]), *shown)
        if len(order) < len(names):
            rest = [max(float(b.sum() - b[order].sum()), 0.0) for b in blocks]
            rest = [r if r > 1e-15 else 0.0 for r in rest]
            label = f"[dim]and {len(names) - len(order)} less likely[/]"
            table.add_row("", label, *map(probability_text, rest))
    return table


def _shown_actions(blocks: Sequence[Any]) -> list[int]:
    """All actions when they are few, otherwise those with a visible probability, at most `ROWS` of them."""
    best = np.max(blocks, axis=0)
    if best.size <= FEW:
        return list(range(best.size))
    order = np.argsort(-best, kind="stable")[:ROWS]
    return sorted(order[best[order] >= TINY].tolist())


def joint_table(game: NormalFormGame, joint: Any) -> Table:
    """Correlated play: the likeliest joint profiles by action names."""
    top, others, mass = ranked_cells(joint, ROWS)
    if not top:
        table = profile_table(game, {"Marginal": joint.marginals()})
        table.caption = (
            f"a mixture of {joint.weights.size:,} product profiles; each player's marginal is shown"
        )
        return table
    table = simple_table(*game.players, "Probability", right=[len(game.players)])
    for cell, prob in top:
        table.add_row(*(escape(game.actions[i][a]) for i, a in enumerate(cell)), probability_text(prob))
    if others > 0:
        blanks = [""] * (len(game.players) - 1)
        table.add_row(f"[dim]and {others:,} less likely[/]", *blanks, probability_text(mass))
    if isinstance(joint, Mixture):
        table.caption = f"spread out from a mixture of {joint.weights.size:,} product profiles"
    return table


def show_verdict(out: Console, solution: Any) -> None:
    """Values and the certificate's sentence."""
    values = "  ".join(
        f"{escape(n)} {number_text(v)}" for n, v in zip(solution.game.players, solution.values)
    )
    out.print(f"Values: {values}" + (f"  [dim]sum {number_text(solution.values.sum())}[/]"))
    out.print(f"Certificate: {escape(certificate_text(solution.certificate))}")


# --- qre --------------------------------------------------------------------------------------------------


def show_branch(branch: Any, solutions: Sequence[Any], scale: float, unit: str) -> None:
    """Selected points along a QRE branch, its turning points and bifurcations, and where it ends."""
    game, out = branch.game, console()
    out.print(game_line(game))
    out.print(f"\n[bold cyan]Principal branch of logit QRE[/]  [dim]lambda in {unit}[/]")
    if solutions:
        rows = [
            (
                float(s.parameters["lambda"]),
                s.profile,
                s.certificate.max_regret,
                bool(s.stats.get("multiple")),
            )
            for s in solutions
        ]
        out.print(_points_table(game, rows, scale, "Perturbed regret"))
        if any(row[3] for row in rows):
            out.print("* the branch passes this lambda more than once; its first crossing is shown")
    else:
        rows = [
            (float(branch.lambdas[k]), branch.profiles[k], float(branch.regrets[k]), False)
            for k in spread_points(branch)
        ]
        out.print(_points_table(game, rows, scale, "Nash regret"))
    for name, points in (("Turning points", branch.turning_points), ("Bifurcations", branch.bifurcations)):
        told = ", ".join(number_text(float(lam) * scale) for lam in points[:EVENTS]) or "none"
        more = f", and {len(points) - EVENTS:,} more" if len(points) > EVENTS else ""
        out.print(f"{name}: {told}{more}")
    if not solutions:
        _show_end(out, branch, scale)
    if solutions:
        worst = max(solutions, key=lambda s: s.certificate.residual)
        out.print(f"Certificate: {escape(certificate_text(worst.certificate))}")


def _show_end(out: Console, branch: Any, scale: float) -> None:
    from solvers.certificate import certify

    certificate = certify(branch.game, branch.limit, "nash")
    place = f"at lambda {number_text(float(branch.lambdas[-1]) * scale)}"
    out.print(f"\n[bold cyan]End of the branch[/]  [dim]{place}, {branch.lambdas.size:,} points traced[/]")
    out.print(profile_table(branch.game, {"Probability": branch.limit}))
    out.print(f"Certificate as a Nash equilibrium: {escape(certificate_text(certificate))}")
    stopped = "interrupted" if branch.interrupted else branch.status.value
    out.print(f"[dim]{stopped}{_seconds(branch)}[/]")


def _seconds(branch: Any) -> str:
    seconds = branch.stats.get("seconds")
    return "" if seconds is None else f" in {seconds:.3g} s"


def spread_points(branch: Any, count: int = 16) -> list[int]:
    """Indices of at most `count` points, evenly spaced in how far the probabilities have moved."""
    moved = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(branch.profiles, axis=0)).max(axis=1))])
    if branch.lambdas.size <= count:
        return list(range(branch.lambdas.size))
    wanted = np.linspace(0.0, moved[-1], count)
    return sorted(
        {0, branch.lambdas.size - 1, *np.searchsorted(moved, wanted).clip(0, moved.size - 1).tolist()}
    )


def _points_table(game: NormalFormGame, rows: Sequence[Any], scale: float, measure: str) -> Table:
    """All probabilities when they fit in a line, otherwise each player's likeliest action."""
    wide = sum(game.shape) <= 8
    if wide:
        names = [f"{p}: {a}" for p, actions in zip(game.players, game.actions) for a in actions]
    else:
        names = [f"{p}: likeliest" for p in game.players]
    table = simple_table("lambda", *names, measure, right=range(len(names) + 2))
    for lam, profile, regret, multiple in rows:
        if wide:
            cells = [probability_text(float(p)) for p in profile]
        else:
            blocks = game.blocks(profile)
            best = [int(block.argmax()) for block in blocks]
            cells = [
                f"{escape(game.actions[i][k])} {probability_text(float(blocks[i][k]))}"
                for i, k in enumerate(best)
            ]
        mark = "*" if multiple else ""
        table.add_row(f"{number_text(lam * scale)}{mark}", *cells, f"{regret:.2g}")
    return table
