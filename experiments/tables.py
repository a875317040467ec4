"""Results as tables for people, on stdout; every name that comes from a file is escaped."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from games.empirical import EmpiricalGame
from games.joint import Mixture
from games.normal import NormalFormGame
from solvers.show import TINY, certificate_text, number_text, probability_text, ranked_cells

FEW, ROWS = 8, 24
"""Lists longer than this are cut to their most probable entries, and say so."""
FOLDED = 12
"""Texts in a column fold into lines no narrower than this."""


class _Console(Console):
    def print(self, *objects: Any, **options: Any) -> None:
        """As rich does, but a table too wide for the terminal runs over its edge rather than lose digits."""
        before = self.width
        self.width = max(before, *map(_least_width, objects), 1)
        try:
            super().print(*objects, **options)
        finally:
            self.width = before

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # the reader is gone; `guarded` decides what that means


def console() -> Console:
    """A console on today's stdout; when piped, wide enough that little is folded."""
    recorder = _RECORDER.get()
    if recorder is not None:
        return recorder
    wide = None if sys.stdout.isatty() else 160
    return _Console(file=sys.stdout, width=wide, highlight=False, soft_wrap=False)


_RECORDER: ContextVar[_Console | None] = ContextVar("recorder", default=None)
_NOTEBOOK_WIDTH = 110
_HTML = "<pre style='line-height:1.25;white-space:pre;overflow-x:auto'>{code}</pre>"


def as_html(show: Callable[[], None]) -> str:
    """What `show` prints on the console as HTML, for notebooks; nothing is printed."""
    recorder = _Console(
        file=io.StringIO(), record=True, width=_NOTEBOOK_WIDTH, highlight=False, force_jupyter=False
    )
    token = _RECORDER.set(recorder)
    try:
        show()
    finally:
        _RECORDER.reset(token)
    return recorder.export_html(inline_styles=True, code_format=_HTML)


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


def _least_width(printed: Any) -> int:
    """Columns of the terminal that a table needs: its numbers whole, and `FOLDED` of longer texts; 0 of anything else."""
    if not isinstance(printed, Table):
        return 0
    least = 0
    for column in printed.columns:
        cells = [column.header, *column.cells]
        longest = max(Text.from_markup(cell).cell_len for cell in cells if isinstance(cell, str))
        least += longest if column.no_wrap else min(longest, FOLDED)
    return least + 3 * (len(printed.columns) - 1)


def one_line(name: str, limit: int = 200) -> str:
    r"""A name from a file in one line: line breaks and other controls as escapes, cut when long.

    >>> one_line("[Obs: 1]\n[Private: 2]")
    '[Obs: 1]\\n[Private: 2]'
    """
    flat = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def game_line(game: NormalFormGame) -> str:
    """Title and size in one line of markup."""
    size = " x ".join(map(str, game.shape))
    players = f"{len(game.shape)} player{'' if len(game.shape) == 1 else 's'}"
    return f"[bold]{escape(one_line(game.title) or 'Game without a title')}[/]  [dim]{players}, {size}[/]"


def estimates_line(game: NormalFormGame) -> str:
    """Of payoffs estimated from matches, how far they may be from the true ones; "" of others."""
    if not isinstance(game, EmpiricalGame):
        return ""
    sure = f"{1 - game.delta:.6g}"
    widest = float(game.radius.max())
    if widest == 0.0:
        return "Payoffs are those of a tournament, all of them computed exactly"
    if np.isinf(widest):
        return "Payoffs are estimates from matches; nothing is guaranteed of all of them, as their range is not known"
    exact = int((game.radius == 0).all(axis=0).sum())
    return (
        f"Payoffs are estimates from matches: with probability {sure} all are within {widest:.3g} of the true ones"
        + (f"; {exact:,} of {game.profiles:,} profiles are exact" if exact else "")
    )


# --- solve ------------------------------------------------------------------------------------------------


def show_solutions(game: NormalFormGame, concept: str, solutions: Sequence[Any], seconds: float) -> None:
    """Print each equilibrium with its values and its certificate in words."""
    out = console()
    out.print(game_line(game))
    if told := estimates_line(game):
        out.print(told)
    if len(solutions) != 1:
        out.print(f"{len(solutions)} {_PLURALS.get(concept, concept)} found in {seconds:.3g} s")
    for k, solution in enumerate(solutions):
        out.print()
        number = f" {k + 1} of {len(solutions)}" if len(solutions) > 1 else ""
        told = parameters_text(solution.parameters)
        out.print(
            f"[bold cyan]{NAMES.get(solution.concept, solution.concept)}{number}[/]"
            f"  [dim]{escape(solution.method + told)}[/]"
        )
        show_strategy(out, solution)
        show_verdict(out, solution)
    if len(solutions) == 1:
        out.print(f"[dim]{solutions[0].status.value} in {seconds:.3g} s{counted(solutions[0])}[/]")


NAMES = {
    "cce": "Coarse correlated equilibrium",
    "ce": "Correlated equilibrium",
    "nash": "Nash equilibrium",
    "qre": "Logit quantal response equilibrium",
    "alpharank": "Alpha-rank",
    "efce": "Extensive-form correlated equilibrium",
    "efcce": "Extensive-form coarse correlated equilibrium",
    "bayes-net": "Nash equilibrium in Bayesian-network policies",
}

_RANKING = ("alpha", "population")
_PLURALS = {"nash": "Nash equilibria"}


def parameters_text(parameters: Any) -> str:
    """The parameters worth telling, each with a comma before it."""
    ranking = "population" in parameters  # elsewhere alpha is a detail of the method
    told = {key: v for key, v in parameters.items() if ranking or key not in _RANKING}
    return "".join(f", {key} {_told(v)}" for key, v in told.items() if _worth_telling(key, v))


def _told(value: Any) -> str:
    return number_text(value) if isinstance(value, float) else str(value)


def _worth_telling(key: str, value: Any) -> bool:
    return key in ("objective", "lambda", "sparse", *_RANKING) and value not in (None, False)


def counted(solution: Any) -> str:
    """The number of iterations, if the method counts them, with a comma before it."""
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
            table.add_row(escape(one_line(player)) if n == 0 else "", escape(one_line(names[k])), *shown)
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
    table = simple_table(*map(one_line, game.players), "Probability", right=[len(game.players)])
    for cell, prob in top:
        table.add_row(
            *(escape(one_line(game.actions[i][a])) for i, a in enumerate(cell)), probability_text(prob)
        )
    if others > 0:
        blanks = [""] * (len(game.players) - 1)
        table.add_row(f"[dim]and {others:,} less likely[/]", *blanks, probability_text(mass))
    if isinstance(joint, Mixture):
        table.caption = f"spread out from a mixture of {joint.weights.size:,} product profiles"
    return table


def show_verdict(out: Console, solution: Any) -> None:
    """Values and the certificate's sentence."""
    values = "  ".join(
        f"{escape(one_line(n))} {number_text(v)}" for n, v in zip(solution.game.players, solution.values)
    )
    total = float(solution.values.sum())
    noise = 1e-14 * float(np.abs(solution.values).sum())
    out.print(f"Values: {values}  [dim]sum {number_text(total if abs(total) > noise else 0.0)}[/]")
    certificate = solution.certificate
    out.print(f"Certificate: {escape(certificate_text(certificate))}")
    if certificate.delta > 0:
        out.print(
            f"True game: epsilon {certificate.epsilon:.3g} (regret {certificate.max_regret:.3g} + slack "
            f"{certificate.slack:.3g}) with probability {1 - certificate.delta:.6g}"
        )
