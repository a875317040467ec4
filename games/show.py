"""A game as HTML for notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from games.normal import NormalFormGame
    from games.tree import TreeGame

LIMIT = 20
_CELL = "padding:2px 8px;border:1px solid #ccc;text-align:center;font-variant-numeric:tabular-nums"


def game_html(game: NormalFormGame) -> str:
    """Title, size and players; a game of one or two players also with its payoff table (at most 20 x 20 cells)."""
    size = " x ".join(map(str, game.shape))
    head = (
        f"<div><b>{escape(game.title or 'Game without a title')}</b>: {len(game.shape)} players, {size} "
        f"({game.profiles:,} profiles), payoffs from {game.payoffs.min():.6g} to {game.payoffs.max():.6g}</div>"
    )
    if len(game.shape) == 2:
        return head + _bimatrix(game)
    return head + _players(game)


def _bimatrix(game: NormalFormGame) -> str:
    rows, columns = (min(n, LIMIT) for n in game.shape)
    corner = f"{escape(game.players[0])} \\ {escape(game.players[1])}"
    lines = [
        f"<tr><th style='{_CELL}'>{corner}</th>"
        + "".join(f"<th style='{_CELL}'>{escape(name)}</th>" for name in game.actions[1][:columns])
        + "</tr>"
    ]
    for a in range(rows):
        cells = "".join(
            f"<td style='{_CELL}'>{game.payoffs[0, a, b] + 0.0:.6g}, {game.payoffs[1, a, b] + 0.0:.6g}</td>"
            for b in range(columns)
        )
        lines.append(f"<tr><th style='{_CELL}'>{escape(game.actions[0][a])}</th>{cells}</tr>")
    cut = "" if (rows, columns) == game.shape else f"<div>(the first {rows} x {columns} of them)</div>"
    return f"<table>{''.join(lines)}</table>{cut}"


def _players(game: NormalFormGame) -> str:
    lines = []
    for i, (player, names) in enumerate(zip(game.players, game.actions)):
        listed = ", ".join(names[:LIMIT]) + (", ..." if len(names) > LIMIT else "")
        low, high = float(game.payoffs[i].min()), float(game.payoffs[i].max())
        lines.append(
            f"<tr><td style='{_CELL}'>{escape(player)}</td><td style='{_CELL}'>{escape(listed)}</td>"
            f"<td style='{_CELL}'>{low:.6g} to {high:.6g}</td></tr>"
        )
    header = "".join(f"<th style='{_CELL}'>{name}</th>" for name in ("Player", "Actions", "Payoffs"))
    return f"<table><tr>{header}</tr>{''.join(lines)}</table>"


def tree_html(game: TreeGame) -> str:
    """Title, size, and for each player the information sets, actions and payoff range."""
    recall = (
        "perfect recall" if game.perfect_recall else f"imperfect recall ({escape(game.recall_problem or '')})"
    )
    lines = []
    for i, player in enumerate(game.players):
        own = game.owner == i
        moves = int((game.offsets[1:] - game.offsets[:-1])[own].sum())
        low, high = float(game.payoff[i].min()), float(game.payoff[i].max())
        cells = (escape(player), f"{int(own.sum()):,}", f"{moves:,}", f"{low:.6g} to {high:.6g}")
        lines.append("<tr>" + "".join(f"<td style='{_CELL}'>{cell}</td>" for cell in cells) + "</tr>")
    names = ("Player", "Information sets", "Actions", "Payoffs")
    header = "".join(f"<th style='{_CELL}'>{name}</th>" for name in names)
    return (
        f"<div><b>{escape(game.title or 'Game without a title')}</b>: a tree of {game.nodes:,} nodes, {recall}</div>"
        f"<table><tr>{header}</tr>{''.join(lines)}</table>"
    )
