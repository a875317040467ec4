"""QRE branches as tables for people, on stdout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.branch_output import columns, moving_blocks
from experiments.tables import console, game_line, one_line, profile_table, simple_table
from experiments.tree_tables import behavior_table, tree_line
from games.tree import TreeGame
from solvers.show import certificate_text, number_text, probability_text

EVENTS, WIDE, LINE = 12, 8, 130


def show_branch(
    branch: Any, solutions: Sequence[Any], scale: float, unit: str, which: Sequence[int] | None = None
) -> None:
    """Selected points along a QRE branch, its turning points and bifurcations, and where it ends.

    On a tree `which` leaves out all other information sets.
    """
    game, out = branch.game, console()
    tree = isinstance(game, TreeGame)
    out.print(tree_line(game) if tree else game_line(game))
    kind = "agent logit QRE" if tree else "logit QRE"
    out.print(f"\n[bold cyan]Principal branch of {kind}[/]  [dim]lambda in {unit}[/]")
    if solutions:
        rows = [
            (
                float(s.parameters["lambda"]),
                s.strategy,
                s.certificate.max_regret,
                bool(s.stats.get("multiple")),
            )
            for s in solutions
        ]
        out.print(_points_table(branch, rows, scale, "Perturbed regret", which))
        if any(row[3] for row in rows):
            out.print("* the branch passes this lambda more than once; its first crossing is shown")
    else:
        rows = [
            (float(branch.lambdas[k]), branch.profiles[k], float(branch.regrets[k]), False)
            for k in spread_points(branch)
        ]
        out.print(_points_table(branch, rows, scale, "Nash regret", which))
    for name, points in (("Turning points", branch.turning_points), ("Bifurcations", branch.bifurcations)):
        told = ", ".join(number_text(float(lam) * scale) for lam in points[:EVENTS]) or "none"
        more = f", and {len(points) - EVENTS:,} more" if len(points) > EVENTS else ""
        out.print(f"{name}: {told}{more}")
    if not solutions:
        _show_end(out, branch, scale, which)
    if solutions:
        worst = max(solutions, key=lambda s: s.certificate.residual)
        out.print(f"Certificate: {escape(certificate_text(worst.certificate))}")


def _show_end(out: Console, branch: Any, scale: float, which: Sequence[int] | None) -> None:
    from solvers.certificate import certify

    certificate = certify(branch.game, branch.limit, "nash")
    place = f"at lambda {number_text(float(branch.lambdas[-1]) * scale)}"
    out.print(f"\n[bold cyan]End of the branch[/]  [dim]{place}, {branch.lambdas.size:,} points traced[/]")
    if isinstance(branch.game, TreeGame):
        out.print(behavior_table(branch.game, branch.limit, which))
    else:
        out.print(profile_table(branch.game, {"Probability": branch.limit}))
    out.print(f"Certificate as a Nash equilibrium: {escape(certificate_text(certificate))}")
    stopped = "interrupted" if branch.interrupted else branch.status.value
    out.print(f"[dim]{stopped}{_seconds(branch)}[/]")


def _seconds(branch: Any) -> str:
    seconds = branch.stats.get("seconds")
    return "" if seconds is None else f" in {seconds:.3g} s"


def spread_points(branch: Any, count: int = 16) -> list[int]:
    """Indices of at most `count` points, evenly spaced in how far the probabilities have moved."""
    steps = np.abs(np.diff(branch.profiles, axis=0)).max(axis=1, initial=0.0)
    moved = np.concatenate([[0.0], np.cumsum(steps)])
    if branch.lambdas.size <= count:
        return list(range(branch.lambdas.size))
    wanted = np.linspace(0.0, moved[-1], count)
    return sorted(
        {0, branch.lambdas.size - 1, *np.searchsorted(moved, wanted).clip(0, moved.size - 1).tolist()}
    )


def _points_table(
    branch: Any, rows: Sequence[Any], scale: float, measure: str, which: Sequence[int] | None
) -> Table:
    """All probabilities when they fit in a line, otherwise the likeliest action of each player or moving block."""
    game = branch.game
    tree = isinstance(game, TreeGame)
    slots = _slots(branch, which)
    if slots is not None:
        every = columns(game)
        names = [one_line(every[k].replace(":", ": "), 40) for k in slots]
    else:
        shown = moving_blocks(branch, WIDE // 2) if tree and which is None else list(which or ())[: WIDE // 2]
        shown = shown if tree else list(range(len(game.shape)))
        owners = [game.players[game.owner[h]] if tree else game.players[h] for h in shown]
        names = [
            f"{one_line(who, 20)} {one_line(game.infosets[h], 24)}: likeliest"
            if tree
            else f"{who}: likeliest"
            for who, h in zip(owners, shown)
        ]
    table = simple_table("lambda", *names, measure, right=range(len(names) + 2))
    for lam, profile, regret, multiple in rows:
        if slots is not None:
            cells = [probability_text(float(profile[k])) for k in slots]
        else:
            blocks = game.blocks(profile)
            cells = [_likeliest(game.actions[h], blocks[h]) for h in shown]
        mark = "*" if multiple else ""
        table.add_row(f"{number_text(lam * scale)}{mark}", *cells, f"{regret:.2g}")
    if tree and names and slots is None and which is None:
        table.caption = f"the information sets that move most, of {len(game.owner):,}"
    return table


def _slots(branch: Any, which: Sequence[int] | None) -> list[int] | None:
    """The probabilities to show one by one; None when they are too many for a line."""
    offsets = branch.game.offsets
    blocks = range(len(offsets) - 1) if which is None else which
    slots = [k for h in blocks for k in range(int(offsets[h]), int(offsets[h + 1]))]
    if not isinstance(branch.game, TreeGame):
        return slots if len(slots) <= WIDE else None
    names = columns(branch.game) if len(slots) <= WIDE else []
    return slots if names and sum(min(len(names[k]), 40) + 3 for k in slots) <= LINE else None


def _likeliest(names: Sequence[str], block: Any) -> str:
    k = int(block.argmax())
    return f"{escape(one_line(names[k], 40))} {probability_text(float(block[k]))}"
