"""A game as HTML for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from games.simplices import Float

if TYPE_CHECKING:
    from games.bayes_net import BayesNet
    from games.dag import Dag
    from games.markov import MarkovGame
    from games.meanfield import MeanFieldModel
    from games.normal import NormalFormGame
    from games.tree import TreeGame

LIMIT = 20
MEASURED = 10_000_000
"""The correlation of networks with more probabilities than this is not computed just to show them."""
_CELL = "padding:2px 8px;border:1px solid #ccc;text-align:center;font-variant-numeric:tabular-nums"


def cell_style() -> str:
    """The style of cells in tables."""
    return _CELL


def game_html(game: NormalFormGame) -> str:
    """Title, size and players; a game of one or two players also with its payoff table (at most 20 x 20 cells)."""
    size = " x ".join(map(str, game.shape))
    head = (
        f"<div><b>{escape(game.title or 'Game without a title')}</b>: {_counted(len(game.shape), 'player')}, {size} "
        f"({_counted(game.profiles, 'profile')}), payoffs from {game.payoffs.min():.6g} to {game.payoffs.max():.6g}</div>"
    )
    body = _bimatrix(game) if len(game.shape) == 2 else _players(game)
    from games.empirical import EmpiricalGame

    if isinstance(game, EmpiricalGame):
        from games.show_tables import sure

        return f"{head}{body}<div>{sure(float(game.radius.max()), game.delta)}</div>"
    return head + body


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


def markov_html(game: MarkovGame) -> str:
    """Title, size and length; players with their actions and rewards; where play starts (at most 20 of each)."""
    length = f"discount {game.discount:g}" if game.horizon is None else _counted(game.horizon or 0, "step")
    lines = []
    for player, names, rewards in list(zip(game.players, game.actions, game.flat_reward))[:LIMIT]:
        listed = ", ".join(names[:LIMIT]) + (", ..." if len(names) > LIMIT else "")
        lines.append((player, listed, f"{rewards.min():.6g} to {rewards.max():.6g}"))
    starts = _likely(game.states, game.initial)
    return (
        f"<div><b>{escape(game.title or 'Markov game without a title')}</b>: "
        f"{_counted(len(game.players), 'player')}, {_counted(game.size, 'state')}, "
        f"{_counted(game.profiles, 'joint action')}, {length}</div>"
        + _table(("Player", "Actions", "Reward in a step"), lines)
        + f"<div>Play starts in {escape(starts)}</div>"
    )


def mean_field_html(model: MeanFieldModel) -> str:
    """Title, size and length; the actions; where agents start (at most 20 of each)."""
    listed = ", ".join(model.action_names[:LIMIT]) + (", ..." if model.actions > LIMIT else "")
    crowd = callable(model.transition)
    lines = [
        ("Actions", listed),
        ("Agents start in", _likely(model.state_names, model.initial)),
        ("Agents see", "their state" if model.observation is None else f"{model.sights:,} observations"),
        ("Moves depend on the crowd", "yes" if crowd else "no"),
        ("Rewards depend on the crowd", "yes" if callable(model.reward) else "no"),
    ]
    discount = "" if model.discount == 1.0 else f", discount {model.discount:g}"
    head = (
        f"<div><b>{escape(model.title)}</b>: infinitely many agents, "
        f"{_counted(model.states, 'state')}, {_counted(model.actions, 'action')}, "
        f"{_counted(model.horizon, 'step')}{discount}</div>"
    )
    return head + _table(("", ""), lines)


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _likely(names: Sequence[str], law: Float) -> str:
    """The likeliest names with their probabilities."""
    order = [k for k in np.argsort(-law, kind="stable")[:LIMIT].tolist() if law[k] > 0]
    more = int((law > 0).sum()) - len(order)
    told = ", ".join(f"{names[k]} ({law[k]:.4g})" for k in order)
    return told + (f" and {more:,} more" if more else "")


def dag_html(dag: Dag) -> str:
    """Agents in a topological order with their parents (at most 20 of each)."""
    lines = []
    for i in dag.order[:LIMIT].tolist():
        parents = [dag.names[j] for j in range(dag.size) if dag.parents[j, i]]
        told = ", ".join(parents[:LIMIT]) + (", ..." if len(parents) > LIMIT else "")
        lines.append((dag.names[i], told or "–"))
    cut = "" if dag.size <= LIMIT else f"<div>(the first {LIMIT} of {dag.size:,} agents)</div>"
    edges = len(dag.edges)
    head = f"<div><b>Graph on {dag.size:,} agents</b>: {edges:,} edge{'' if edges == 1 else 's'}, parents first</div>"
    return head + _table(("Agent", "Knows the actions of"), lines) + cut


def network_html(net: BayesNet) -> str:
    """Size, how often each edge is there, and the correlation of play, mean over situations (at most 20 edges)."""
    often = net.graphs.mean(axis=0) if net.situations else net.graphs.sum(axis=0) / 1.0
    edges = sorted(
        ((float(often[j, i]), j, i) for j, i in zip(*often.nonzero())), key=lambda e: (-e[0], e[1], e[2])
    )
    size = " x ".join(map(str, net.shape))
    small = 0 < net.factors.size <= MEASURED
    told = f", total correlation {net.total_correlation().mean():.4g} nats on average" if small else ""
    head = (
        f"<div><b>Bayesian network of {len(net.shape)} agents</b>: {size} actions, {net.situations:,} "
        f"situation{'' if net.situations == 1 else 's'}{told}</div>"
    )
    if not edges:
        return head + "<div>No edges: independent play.</div>"
    lines = [(net.names[j], net.names[i], f"{share:.4g}") for share, j, i in edges[:LIMIT]]
    cut = "" if len(edges) <= LIMIT else f"<div>(the {LIMIT} most frequent of {len(edges):,} edges)</div>"
    return head + _table(("Parent", "Child", "Share of situations"), lines) + cut


def _table(names: tuple[str, ...], lines: Sequence[tuple[str, ...]]) -> str:
    rows = "".join(
        f"<tr>{''.join(f'<td style={_CELL!r}>{escape(cell)}</td>' for cell in line)}</tr>" for line in lines
    )
    header = "".join(f"<th style={_CELL!r}>{name}</th>" for name in names)
    return f"<table><tr>{header}</tr>{rows}</table>"
